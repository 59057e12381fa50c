//! Fills a block's fields: `Constant` has no default, so a block with one cannot derive it.

/// `block_new!(signals and children; constant = value, ...; child = block, ...)`: every name before the first `;` gets its
/// default.
macro_rules! block_new {
    ($($field:ident)*; $($constant:ident = $value:expr),* $(,)? $(; $($child:ident = $block:expr),* $(,)?)?) => {
        Self {
            $($field: Default::default(),)*
            $($constant: Constant::new(u64::from($value).into()),)*
            $($($child: $block,)*)?
        }
    };
}
pub(crate) use block_new;
