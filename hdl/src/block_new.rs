//! Fills a block's fields: `Constant` has no default, so a block with one cannot derive it.

/// `block_new!(signals and children; constant = value, ...)`: every name before the `;` gets its default.
macro_rules! block_new {
    ($($field:ident)*; $($constant:ident = $value:expr),* $(,)?) => {
        Self {
            $($field: Default::default(),)*
            $($constant: Constant::new(u64::from($value).into()),)*
        }
    };
    // Arrays whose length is a const generic have no default either.
    ($($field:ident)*; $($constant:ident = $value:expr),* $(,)?; $($array:ident)*) => {
        Self {
            $($field: Default::default(),)*
            $($constant: Constant::new(u64::from($value).into()),)*
            $($array: array_init::array_init(|_| Default::default()),)*
        }
    };
}
pub(crate) use block_new;
