//! What a C program sees: the layouts of `include/vipl.h` and `include/kvipl.h`.

pub mod types;
