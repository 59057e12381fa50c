//! Commands that send a message: one-shot and send_invalidate.

use super::{at_least, at_most, FieldError, Image, Limits, RegionCommand};
use rnic_abi::command::{flags, INLINE_BYTES, MESSAGE_WORD};
use rnic_abi::error::Field;
use rnic_abi::Stag;

/// A message, inline in the slot or in one registered buffer.
///
/// ```
/// use rnic_driver::command::Message;
/// assert_eq!(Message::Inline(b"read me".to_vec()).bytes(), 7);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// At most 64 bytes, written into the slot.
    Inline(Vec<u8>),
    /// In registered memory with local-read right.
    Buffer {
        /// Memory handle.
        handle: Stag,
        /// First byte.
        va: u64,
        /// Byte count.
        bytes: u32,
    },
}

impl Message {
    /// Its length.
    pub fn bytes(&self) -> u32 {
        match self {
            Message::Inline(bytes) => bytes.len() as u32,
            Message::Buffer { bytes, .. } => *bytes,
        }
    }

    /// Writes word 13 and the message words; returns the flags it needs.
    fn encode(&self, image: &mut Image) -> Result<u8, FieldError> {
        image.set(13, self.bytes());
        match self {
            Message::Inline(bytes) => {
                at_most(
                    Field::MessageLength,
                    bytes.len() as u64,
                    INLINE_BYTES as u64,
                )?;
                for (index, chunk) in bytes.chunks(4).enumerate() {
                    let mut word = [0; 4];
                    word[..chunk.len()].copy_from_slice(chunk);
                    image.set(MESSAGE_WORD + index, u32::from_le_bytes(word));
                }
                Ok(0)
            }
            Message::Buffer { handle, va, bytes } => {
                at_most(Field::MessageLength, *va, u64::MAX - u64::from(*bytes))?;
                image.set(MESSAGE_WORD, handle.0);
                image.set64(MESSAGE_WORD + 1, *va);
                Ok(flags::MESSAGE_BUFFER)
            }
        }
    }

    /// Reads word 13 and the message words.
    fn decode(image: &Image, bits: u8) -> Result<Self, FieldError> {
        let bytes = image.word(13);
        if bits & flags::MESSAGE_BUFFER != 0 {
            return Ok(Message::Buffer {
                handle: Stag(image.word(MESSAGE_WORD)),
                va: image.word64(MESSAGE_WORD + 1),
                bytes,
            });
        }
        at_most(Field::MessageLength, bytes.into(), INLINE_BYTES as u64)?;
        let byte = |index: usize| image.word(MESSAGE_WORD + index / 4).to_le_bytes()[index % 4];
        Ok(Message::Inline((0..bytes as usize).map(byte).collect()))
    }
}

/// Where a one-shot's reply goes: registered memory with local-write right.
///
/// ```
/// use rnic_driver::command::ReplyBuffer;
/// let reply = ReplyBuffer { handle: rnic_abi::Stag(0x101), va: 0x1000, bytes: 64 };
/// assert_eq!(reply.bytes, 64);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplyBuffer {
    /// Memory handle, not 0.
    pub handle: Stag,
    /// First byte.
    pub va: u64,
    /// Byte count.
    pub bytes: u32,
}

/// The one-shot command. It is always bound to its VI.
///
/// ```
/// use rnic_driver::command::*;
/// use rnic_abi::{Iova, Stag};
/// let command = OneShotCommand {
///     region: RegionCommand {
///         stag: Stag(0x305), access: Access::REMOTE_READ, layout: Layout::Contiguous(Iova(0x1000)), base: 0, bytes: 4096,
///     },
///     message: Message::Inline(b"read me".to_vec()),
///     reply: None,
///     advertise: true,
///     solicited: false,
/// };
/// let post = Post { vi: 0, context: 7, signalled: false, command: Command::OneShot(command) };
/// assert_eq!(post.encode(&Limits::from(&rnic_abi::config::FULL)).unwrap().slots(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OneShotCommand {
    /// The buffers to advertise.
    pub region: RegionCommand,
    /// The message.
    pub message: Message,
    /// Where the reply goes; without one it takes a receive descriptor.
    pub reply: Option<ReplyBuffer>,
    /// The STag goes into the optional header field (only where negotiated).
    pub advertise: bool,
    /// The message asks for an event.
    pub solicited: bool,
}

impl OneShotCommand {
    pub(super) fn encode(&self, image: &mut Image, limits: &Limits) -> Result<u8, FieldError> {
        let mut bits =
            flags::BIND_VI | self.region.encode(image, limits)? | self.message.encode(image)?;
        if let Some(reply) = &self.reply {
            at_least(Field::ReplyHandle, reply.handle.0.into(), 1)?;
            at_least(Field::ReplyLength, reply.bytes.into(), 1)?;
            at_most(
                Field::ReplyLength,
                reply.va,
                u64::MAX - u64::from(reply.bytes),
            )?;
            image.set(9, reply.handle.0);
            image.set64(10, reply.va);
            image.set(12, reply.bytes);
        }
        for (flag, set) in self.flags() {
            bits |= if set { flag } else { 0 };
        }
        Ok(bits)
    }

    fn flags(&self) -> [(u8, bool); 2] {
        [
            (flags::ADVERTISE, self.advertise),
            (flags::SOLICITED, self.solicited),
        ]
    }

    pub(super) fn decode(image: &Image, bits: u8) -> Result<Self, FieldError> {
        let reply = ReplyBuffer {
            handle: Stag(image.word(9)),
            va: image.word64(10),
            bytes: image.word(12),
        };
        Ok(Self {
            region: RegionCommand::decode(image, bits)?,
            message: Message::decode(image, bits)?,
            reply: Some(reply).filter(|reply| reply.handle.0 != 0),
            advertise: bits & flags::ADVERTISE != 0,
            solicited: bits & flags::SOLICITED != 0,
        })
    }
}

/// The send_invalidate command: how a responder ends a one-shot.
///
/// ```
/// use rnic_driver::command::{Message, SendInvalidate};
/// let send = SendInvalidate {
///     stag: rnic_abi::Stag(0x305), message: Message::Inline(vec![0; 4]), fence: true, solicited: false,
/// };
/// assert!(send.fence, "the responder Read from the STag before");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SendInvalidate {
    /// The peer's STag.
    pub stag: Stag,
    /// The message.
    pub message: Message,
    /// Wait for earlier RDMA Reads of the VI.
    pub fence: bool,
    /// The message asks for an event.
    pub solicited: bool,
}

impl SendInvalidate {
    pub(super) fn encode(&self, image: &mut Image) -> Result<u8, FieldError> {
        let mut bits = self.message.encode(image)?;
        bits |= if self.fence { flags::FENCE } else { 0 };
        bits |= if self.solicited { flags::SOLICITED } else { 0 };
        // The index is the peer's: its bounds are not known here.
        image.set(2, self.stag.0);
        Ok(bits)
    }

    pub(super) fn decode(image: &Image, bits: u8) -> Result<Self, FieldError> {
        Ok(Self {
            stag: Stag(image.word(2)),
            message: Message::decode(image, bits)?,
            fence: bits & flags::FENCE != 0,
            solicited: bits & flags::SOLICITED != 0,
        })
    }
}
