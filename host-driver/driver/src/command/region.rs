//! The region part of a register or one-shot command: STag, rights, layout, base tagged offset, length.

use super::{at_least, at_most, below, elements_in_slots, on_bus, FieldError, Image, Limits};
use rnic_abi::command::{access, flags, kind, LIST_WORD};
use rnic_abi::config::DMA_BOUNDARY_BYTES;
use rnic_abi::error::Field;
use rnic_abi::{Iova, Stag};
use std::ops::BitOr;

/// Access rights of a region.
///
/// ```
/// use rnic_driver::command::Access;
/// let access = Access::REMOTE_WRITE | Access::LOCAL_READ;
/// assert!(access.contains(Access::REMOTE_WRITE) && !access.contains(Access::REMOTE_READ));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Access(pub u8);

impl Access {
    /// The board may read it for this host's own work.
    pub const LOCAL_READ: Self = Self(access::LOCAL_READ);
    /// The board may write it for this host's own work.
    pub const LOCAL_WRITE: Self = Self(access::LOCAL_WRITE);
    /// Both local rights.
    pub const LOCAL: Self = Self(access::LOCAL_READ | access::LOCAL_WRITE);
    /// The peer may read it.
    pub const REMOTE_READ: Self = Self(access::REMOTE_READ);
    /// The peer may write it.
    pub const REMOTE_WRITE: Self = Self(access::REMOTE_WRITE);
    /// All rights.
    const ALL: u8 =
        access::LOCAL_READ | access::LOCAL_WRITE | access::REMOTE_READ | access::REMOTE_WRITE;

    /// Whether every right of `other` is in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Access {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// One scatter-gather element.
///
/// ```
/// use rnic_driver::command::Element;
/// assert_eq!(Element { iova: rnic_abi::Iova(4096), bytes: 3 }.bytes, 3);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Element {
    /// Its first byte.
    pub iova: Iova,
    /// Its bytes.
    pub bytes: u32,
}

/// Where the elements of a list are.
///
/// ```
/// use rnic_driver::command::Elements;
/// assert_eq!(Elements::Slots(vec![1u8, 2]).count(), 2);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Elements<T> {
    /// In the command's slots.
    Slots(Vec<T>),
    /// In host memory, in the layout they would have in the slots.
    Memory {
        /// The first.
        iova: Iova,
        /// How many.
        count: u8,
    },
}

impl<T> Elements<T> {
    /// How many there are.
    pub fn count(&self) -> usize {
        match self {
            Elements::Slots(list) => list.len(),
            Elements::Memory { count, .. } => (*count).into(),
        }
    }
}

/// What a region consists of.
///
/// ```
/// use rnic_driver::command::Layout;
/// assert_eq!(Layout::Contiguous(rnic_abi::Iova(64)).kind(), rnic_abi::command::kind::CONTIGUOUS);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// One range; uses no scatter-gather element.
    Contiguous(Iova),
    /// Pages of 2^shift bytes; the low bits of the region's base are the offset in the first one.
    Pages {
        /// log2 of the page size.
        shift: u8,
        /// The pages.
        pages: Elements<Iova>,
    },
    /// Elements of any length.
    Sgl(Elements<Element>),
}

impl Layout {
    /// The kind byte.
    pub const fn kind(&self) -> u8 {
        match self {
            Layout::Contiguous(_) => kind::CONTIGUOUS,
            Layout::Pages { .. } => kind::PAGES,
            Layout::Sgl(_) => kind::SGL,
        }
    }
}

/// A region as a command describes it.
///
/// ```
/// use rnic_driver::command::{Access, Layout, RegionCommand};
/// use rnic_abi::{Iova, Stag};
/// let region = RegionCommand {
///     stag: Stag(0x305), access: Access::REMOTE_WRITE, layout: Layout::Contiguous(Iova(0x1000)), base: 0, bytes: 64,
/// };
/// assert_eq!(region.stag.index(), 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegionCommand {
    /// STag to bind.
    pub stag: Stag,
    /// Rights.
    pub access: Access,
    /// What it consists of.
    pub layout: Layout,
    /// Tagged offset (or virtual address) of its first byte.
    pub base: u64,
    /// Its length.
    pub bytes: u32,
}

impl RegionCommand {
    /// Writes words 2 to 8 and the list; returns the flags it needs.
    pub(super) fn encode(&self, image: &mut Image, limits: &Limits) -> Result<u8, FieldError> {
        let length = u64::from(self.bytes);
        below(Field::Stag, self.stag.index().into(), limits.tptes.into())?;
        at_least(Field::Access, self.access.0.into(), 1)?;
        at_most(Field::Access, self.access.0.into(), Access::ALL.into())?;
        at_least(Field::Length, length, 1)?;
        at_most(Field::Base, self.base, u64::MAX - (length - 1))?;
        let mut bits = 0;
        let (mut shift, mut count) = (0, 0);
        match &self.layout {
            Layout::Contiguous(iova) => {
                on_bus(*iova, length)?;
                image.set64(7, iova.0);
            }
            Layout::Pages {
                shift: page_shift,
                pages,
            } => {
                shift = u32::from(*page_shift);
                at_least(Field::Kind, shift.into(), 12)?;
                at_most(Field::Kind, shift.into(), 31)?;
                let page_bytes = 1u64 << shift;
                count = element_count(pages, 8, limits)?;
                // The board takes pages until the length is covered, so a wrong count would go unnoticed until an access.
                let covered = u64::from(count) * page_bytes - self.base % page_bytes;
                at_most(Field::Length, length, covered)?;
                match pages {
                    Elements::Slots(list) => {
                        for (index, page) in list.iter().enumerate() {
                            on_bus(*page, page_bytes)?;
                            if page.0 % page_bytes != 0 {
                                let rule = "must be a multiple of";
                                return Err(FieldError {
                                    field: Field::Iova,
                                    value: page.0,
                                    rule,
                                    limit: page_bytes,
                                });
                            }
                            image.set64(LIST_WORD + 2 * index, page.0);
                        }
                    }
                    Elements::Memory { iova, count } => {
                        bits |= in_memory(image, *iova, u64::from(*count) * 8)?
                    }
                }
            }
            Layout::Sgl(elements) => {
                count = element_count(elements, 16, limits)?;
                match elements {
                    Elements::Slots(list) => {
                        let mut sum = 0;
                        for (index, element) in list.iter().enumerate() {
                            at_least(Field::ElementLength, element.bytes.into(), 1)?;
                            on_bus(element.iova, element.bytes.into())?;
                            sum += u64::from(element.bytes);
                            let word = LIST_WORD + 4 * index;
                            image.set64(word, element.iova.0);
                            image.set64(word + 2, element.bytes.into());
                        }
                        if sum != length {
                            let rule = "must be the sum of its elements, which is";
                            return Err(FieldError {
                                field: Field::Length,
                                value: length,
                                rule,
                                limit: sum,
                            });
                        }
                    }
                    Elements::Memory { iova, count } => {
                        bits |= in_memory(image, *iova, u64::from(*count) * 16)?
                    }
                }
            }
        }
        image.set(2, self.stag.0);
        image.set(
            3,
            u32::from(self.access.0)
                | u32::from(self.layout.kind()) << 8
                | shift << 16
                | count << 24,
        );
        image.set64(4, self.base);
        image.set(6, self.bytes);
        Ok(bits)
    }

    /// Reads words 2 to 8 and the list.
    pub(super) fn decode(image: &Image, bits: u8) -> Result<Self, FieldError> {
        let word3 = image.word(3);
        let count = word3 >> 24;
        let iova = Iova(image.word64(7));
        let memory = bits & flags::LIST_IN_MEMORY != 0;
        let indices = 0..count as usize;
        let layout = match (word3 >> 8) as u8 {
            kind::CONTIGUOUS => Layout::Contiguous(iova),
            kind::PAGES => {
                let page = |index| Iova(image.word64(LIST_WORD + 2 * index));
                let pages = match memory {
                    true => Elements::Memory {
                        iova,
                        count: count as u8,
                    },
                    false => Elements::Slots(indices.map(page).collect()),
                };
                Layout::Pages {
                    shift: (word3 >> 16) as u8,
                    pages,
                }
            }
            kind::SGL => {
                let element = |index| {
                    let word = LIST_WORD + 4 * index;
                    Element {
                        iova: Iova(image.word64(word)),
                        bytes: image.word(word + 2),
                    }
                };
                Layout::Sgl(match memory {
                    true => Elements::Memory {
                        iova,
                        count: count as u8,
                    },
                    false => Elements::Slots(indices.map(element).collect()),
                })
            }
            other => {
                let limit = kind::SGL.into();
                return Err(FieldError {
                    field: Field::Kind,
                    value: other.into(),
                    rule: "must be at most",
                    limit,
                });
            }
        };
        Ok(Self {
            stag: Stag(image.word(2)),
            access: Access(word3 as u8),
            layout,
            base: image.word64(4),
            bytes: image.word(6),
        })
    }
}

/// Checks how many elements there are.
fn element_count<T>(
    elements: &Elements<T>,
    bytes: usize,
    limits: &Limits,
) -> Result<u32, FieldError> {
    let count = elements.count() as u64;
    at_least(Field::ElementCount, count, 1)?;
    at_most(
        Field::ElementCount,
        count,
        u64::from(limits.sges).min(u8::MAX.into()),
    )?;
    if matches!(elements, Elements::Slots(_)) {
        at_most(Field::ElementCount, count, elements_in_slots(bytes) as u64)?;
    }
    Ok(count as u32)
}

/// The board reads a list in pieces of so many bytes, each aligned to its size.
const LIST_ALIGN: u64 = 32;

/// Points words 7 and 8 at a list in host memory, which is aligned and within one page.
fn in_memory(image: &mut Image, iova: Iova, bytes: u64) -> Result<u8, FieldError> {
    on_bus(iova, bytes)?;
    let refused = |rule, limit| FieldError {
        field: Field::Iova,
        value: iova.0,
        rule,
        limit,
    };
    if iova.0 % LIST_ALIGN != 0 {
        return Err(refused("must be a multiple of", LIST_ALIGN));
    }
    let page_bytes = u64::from(DMA_BOUNDARY_BYTES);
    if iova.0 % page_bytes + bytes > page_bytes {
        return Err(refused("must leave the list within a page of", page_bytes));
    }
    image.set64(7, iova.0);
    Ok(flags::LIST_IN_MEMORY)
}
