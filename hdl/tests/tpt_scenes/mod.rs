//! What is tested of the table; the test that has this module says of which size.

mod directed;
mod random;
