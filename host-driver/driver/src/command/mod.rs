//! Commands: what the host can ask of the board, checked and turned into slot words ([`rnic_abi::command`]).
//!
//! Nothing here touches the board; [`crate::board::Board::post`] does. A value that this board cannot take is refused here
//! with the name of its field, so that a `BadField` completion means a difference between driver and board.

mod image;
mod message;
mod region;
mod vi;

pub use image::Image;
pub use message::{Message, OneShotCommand, ReplyBuffer, SendInvalidate};
pub use region::{Access, Element, Elements, Layout, RegionCommand};
pub use vi::{Reliability, ViChange, ViSettings, ViState};

use rnic_abi::command::{cq_size, flags, opcode, LIST_WORD, MESSAGE_WORD};
use rnic_abi::config::{Config, IOVA_BITS};
use rnic_abi::error::Field;
use rnic_abi::wire::link::RAW_MAX_BYTES;
use rnic_abi::{Iova, Stag};

/// What a board can take, from its identity registers.
///
/// ```
/// use rnic_driver::command::Limits;
/// assert_eq!(Limits::from(&rnic_abi::config::SMALL).vis, 4);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// VIs.
    pub vis: u32,
    /// TPT entries.
    pub tptes: u32,
    /// Scatter-gather elements.
    pub sges: u32,
    /// Completion queues.
    pub cqs: u32,
    /// Read depth.
    pub reads: u32,
}

impl From<&Config> for Limits {
    fn from(config: &Config) -> Self {
        Self {
            vis: config.vis() as u32,
            tptes: config.tptes() as u32,
            sges: config.sges() as u32,
            cqs: config.cqs() as u32,
            reads: config.reads() as u32,
        }
    }
}

/// A value that the board cannot take.
///
/// ```
/// use rnic_driver::command::{Command, Limits, Post};
/// let post = Post { vi: 9, context: 0, signalled: true, command: Command::DestroyVi };
/// let error = post.encode(&Limits::from(&rnic_abi::config::SMALL)).unwrap_err();
/// assert_eq!(error.to_string(), "vi = 9: must be below 4");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name} = {value}: {rule} {limit}", name = .field.doc())]
pub struct FieldError {
    /// The field.
    pub field: Field,
    /// Its value.
    pub value: u64,
    /// What it must be, to be read with `limit`.
    pub rule: &'static str,
    /// The number in the rule.
    pub limit: u64,
}

/// Fails unless `value < limit`.
pub(crate) fn below(field: Field, value: u64, limit: u64) -> Result<(), FieldError> {
    if value < limit {
        return Ok(());
    }
    Err(FieldError {
        field,
        value,
        rule: "must be below",
        limit,
    })
}

/// Fails unless `value <= limit`.
pub(crate) fn at_most(field: Field, value: u64, limit: u64) -> Result<(), FieldError> {
    if value <= limit {
        return Ok(());
    }
    Err(FieldError {
        field,
        value,
        rule: "must be at most",
        limit,
    })
}

/// Fails unless `value >= limit`.
pub(crate) fn at_least(field: Field, value: u64, limit: u64) -> Result<(), FieldError> {
    if value >= limit {
        return Ok(());
    }
    Err(FieldError {
        field,
        value,
        rule: "must be at least",
        limit,
    })
}

/// Fails unless `bytes` bytes at `iova` are addresses that the bus has.
pub(crate) fn on_bus(iova: Iova, bytes: u64) -> Result<(), FieldError> {
    below(Field::Iova, iova.0, 1 << IOVA_BITS)?;
    at_most(Field::Iova, iova.0.saturating_add(bytes), 1 << IOVA_BITS)
}

/// One command.
///
/// ```
/// use rnic_driver::command::Command;
/// use rnic_abi::{command::opcode, Stag};
/// assert_eq!(Command::Invalidate { stag: Stag(0x101) }.opcode(), opcode::INVALIDATE);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// No effect.
    Nop,
    /// Binds a region to an STag.
    Register {
        /// The region.
        region: RegionCommand,
        /// Its protection tag.
        ptag: u32,
        /// Bind it to the VI of the post.
        bind_vi: bool,
        /// It admits one message of the peer.
        single_message: bool,
    },
    /// Releases an STag.
    Invalidate {
        /// The STag.
        stag: Stag,
    },
    /// Binds a region and sends the message that advertises it.
    OneShot(OneShotCommand),
    /// Sends a message that invalidates the peer's STag.
    SendInvalidate(SendInvalidate),
    /// Creates a VI.
    CreateVi(ViSettings),
    /// Changes a VI.
    ModifyVi(ViChange),
    /// Flushes a VI and makes it idle.
    DestroyVi,
    /// Creates a completion queue.
    CreateCq {
        /// Its number.
        cq: u32,
        /// log2 of its entries.
        entries_log2: u32,
        /// Its memory, 32-byte aligned and zeroed.
        iova: Iova,
    },
    /// Destroys a completion queue.
    DestroyCq {
        /// Its number.
        cq: u32,
    },
    /// Sends a raw frame.
    RawSend {
        /// The frame.
        iova: Iova,
        /// Its bytes.
        bytes: u32,
    },
}

impl Command {
    /// Its opcode.
    pub const fn opcode(&self) -> u8 {
        match self {
            Command::Nop => opcode::NOP,
            Command::Register { .. } => opcode::REGISTER,
            Command::Invalidate { .. } => opcode::INVALIDATE,
            Command::OneShot(_) => opcode::ONE_SHOT,
            Command::SendInvalidate(_) => opcode::SEND_INVALIDATE,
            Command::CreateVi(_) => opcode::CREATE_VI,
            Command::ModifyVi(_) => opcode::MODIFY_VI,
            Command::DestroyVi => opcode::DESTROY_VI,
            Command::CreateCq { .. } => opcode::CREATE_CQ,
            Command::DestroyCq { .. } => opcode::DESTROY_CQ,
            Command::RawSend { .. } => opcode::RAW_SEND,
        }
    }
}

/// A command with what every command has.
///
/// ```
/// use rnic_driver::command::{Command, Limits, Post};
/// use rnic_abi::Stag;
/// let post = Post { vi: 1, context: 42, signalled: true, command: Command::Invalidate { stag: Stag(0x305) } };
/// let image = post.encode(&Limits::from(&rnic_abi::config::SMALL)).unwrap();
/// assert_eq!((image.word(0), image.word(1), image.word(2)), (0x0001_0103, 42, 0x305));
/// assert_eq!(Post::decode(&image), Ok(post));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The VI it concerns; 0 where none is.
    pub vi: u16,
    /// Comes back in the CQE.
    pub context: u32,
    /// A CQE is wanted on success too.
    pub signalled: bool,
    /// The command.
    pub command: Command,
}

/// Header words that every command has: all of them below this one are written, reserved ones as zero.
const HEADER_WORDS: usize = MESSAGE_WORD;

impl Post {
    /// The slot words, if the board can take every value.
    pub fn encode(&self, limits: &Limits) -> Result<Image, FieldError> {
        below(Field::Vi, self.vi.into(), limits.vis.into())?;
        let mut image = Image::new();
        // Reserved words are zero. The ring remembers what a slot holds, so a zero costs a store only once.
        (0..HEADER_WORDS).for_each(|index| image.set(index, 0));
        let mut bits = if self.signalled { flags::SIGNALLED } else { 0 };
        match &self.command {
            Command::Nop | Command::DestroyVi => {}
            Command::Register {
                region,
                ptag,
                bind_vi,
                single_message,
            } => {
                bits |= region.encode(&mut image, limits)?;
                bits |= if *bind_vi { flags::BIND_VI } else { 0 };
                bits |= if *single_message {
                    flags::SINGLE_MESSAGE
                } else {
                    0
                };
                image.set(14, *ptag);
            }
            Command::Invalidate { stag } => {
                below(Field::Stag, stag.index().into(), limits.tptes.into())?;
                image.set(2, stag.0);
            }
            Command::OneShot(one_shot) => bits |= one_shot.encode(&mut image, limits)?,
            Command::SendInvalidate(send) => bits |= send.encode(&mut image)?,
            Command::CreateVi(settings) => settings.encode(&mut image, limits)?,
            Command::ModifyVi(change) => change.encode(&mut image, limits)?,
            Command::CreateCq {
                cq,
                entries_log2,
                iova,
            } => {
                below(Field::Cq, (*cq).into(), limits.cqs.into())?;
                at_least(
                    Field::CqSize,
                    (*entries_log2).into(),
                    cq_size::ENTRIES_LOG2_MIN.into(),
                )?;
                at_most(
                    Field::CqSize,
                    (*entries_log2).into(),
                    cq_size::ENTRIES_LOG2_MAX.into(),
                )?;
                on_bus(*iova, 32 << entries_log2)?;
                if iova.0 % 32 != 0 {
                    return Err(FieldError {
                        field: Field::Iova,
                        value: iova.0,
                        rule: "must be a multiple of",
                        limit: 32,
                    });
                }
                image.set(2, *cq);
                image.set(3, *entries_log2);
                image.set64(4, iova.0);
            }
            Command::DestroyCq { cq } => {
                below(Field::Cq, (*cq).into(), limits.cqs.into())?;
                image.set(2, *cq);
            }
            Command::RawSend { iova, bytes } => {
                at_least(Field::MessageLength, (*bytes).into(), 1)?;
                at_most(Field::MessageLength, (*bytes).into(), RAW_MAX_BYTES as u64)?;
                on_bus(*iova, (*bytes).into())?;
                image.set64(7, iova.0);
                image.set(13, *bytes);
            }
        }
        image.set(
            0,
            u32::from(self.command.opcode()) | u32::from(bits) << 8 | u32::from(self.vi) << 16,
        );
        image.set(1, self.context);
        Ok(image)
    }

    /// Reads slot words back, as a model of the board does. Checks only what decoding needs.
    pub fn decode(image: &Image) -> Result<Self, FieldError> {
        let word0 = image.word(0);
        let bits = (word0 >> 8) as u8;
        let command = match word0 as u8 {
            opcode::NOP => Command::Nop,
            opcode::REGISTER => Command::Register {
                region: RegionCommand::decode(image, bits)?,
                ptag: image.word(14),
                bind_vi: bits & flags::BIND_VI != 0,
                single_message: bits & flags::SINGLE_MESSAGE != 0,
            },
            opcode::INVALIDATE => Command::Invalidate {
                stag: Stag(image.word(2)),
            },
            opcode::ONE_SHOT => Command::OneShot(OneShotCommand::decode(image, bits)?),
            opcode::SEND_INVALIDATE => {
                Command::SendInvalidate(SendInvalidate::decode(image, bits)?)
            }
            opcode::CREATE_VI => Command::CreateVi(ViSettings::decode(image)?),
            opcode::MODIFY_VI => Command::ModifyVi(ViChange::decode(image)?),
            opcode::DESTROY_VI => Command::DestroyVi,
            opcode::CREATE_CQ => Command::CreateCq {
                cq: image.word(2),
                entries_log2: image.word(3),
                iova: Iova(image.word64(4)),
            },
            opcode::DESTROY_CQ => Command::DestroyCq { cq: image.word(2) },
            opcode::RAW_SEND => Command::RawSend {
                iova: Iova(image.word64(7)),
                bytes: image.word(13),
            },
            other => {
                let limit = opcode::RAW_SEND.into();
                return Err(FieldError {
                    field: Field::Opcode,
                    value: other.into(),
                    rule: "must be 1 to",
                    limit,
                });
            }
        };
        Ok(Self {
            vi: (word0 >> 16) as u16,
            context: image.word(1),
            signalled: bits & flags::SIGNALLED != 0,
            command,
        })
    }
}

/// Most list elements of `bytes` each that fit beside the header slot.
pub(crate) const fn elements_in_slots(bytes: usize) -> usize {
    (rnic_abi::command::MAX_SLOTS * rnic_abi::command::SLOT_WORDS - LIST_WORD) * 4 / bytes
}

#[cfg(test)]
mod tests;
