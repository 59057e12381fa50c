//! Fills a block's fields: `Constant` has no default, so a block with one cannot derive it.

/// `block_new!(signals and children; constant = value, ...)`: every name before the first `;` gets its default. A third part
/// names either children that are built (`child = block, ...`) or arrays whose length is a const generic, which have no
/// default (`array array`).
macro_rules! block_new {
    ($($field:ident)*; $($constant:ident = $value:expr),* $(,)?) => {
        Self {
            $($field: Default::default(),)*
            $($constant: Constant::new(u64::from($value).into()),)*
        }
    };
    ($($field:ident)*; $($constant:ident = $value:expr),* $(,)?; $($child:ident = $block:expr),+ $(,)?) => {
        Self {
            $($field: Default::default(),)*
            $($constant: Constant::new(u64::from($value).into()),)*
            $($child: $block,)*
        }
    };
    ($($field:ident)*; $($constant:ident = $value:expr),* $(,)?; $($array:ident)+) => {
        Self {
            $($field: Default::default(),)*
            $($constant: Constant::new(u64::from($value).into()),)*
            $($array: array_init::array_init(|_| Default::default()),)*
        }
    };
}
pub(crate) use block_new;
