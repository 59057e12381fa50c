//! The words of a VI: all of them when it is created, some of them when it is modified.

use super::{at_most, below, FieldError, Image, Limits};
use rnic_abi::command::{reliability, vi_peer, vi_queues, vi_state};
use rnic_abi::error::Field;

/// State of a VI (VIA).
///
/// ```
/// use rnic_driver::command::ViState;
/// assert_eq!(ViState::from_code(1), Some(ViState::Connected));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum ViState {
    /// Not connected.
    #[default]
    Idle = vi_state::IDLE,
    /// Traffic flows.
    Connected = vi_state::CONNECTED,
    /// Connection is being made.
    ConnectPending = vi_state::CONNECT_PENDING,
    /// Broken.
    Error = vi_state::ERROR,
}

impl ViState {
    /// The state of a code.
    pub const fn from_code(code: u32) -> Option<Self> {
        match code as u8 {
            _ if code > u8::MAX as u32 => None,
            vi_state::IDLE => Some(ViState::Idle),
            vi_state::CONNECTED => Some(ViState::Connected),
            vi_state::CONNECT_PENDING => Some(ViState::ConnectPending),
            vi_state::ERROR => Some(ViState::Error),
            _ => None,
        }
    }
}

/// Reliability level of a VI (VIA).
///
/// ```
/// use rnic_driver::command::Reliability;
/// assert_eq!(Reliability::from_code(2), Some(Reliability::ReliableDelivery));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Reliability {
    /// At most once.
    Unreliable = reliability::UNRELIABLE,
    /// Exactly once, in order.
    #[default]
    ReliableDelivery = reliability::RELIABLE_DELIVERY,
    /// A send completes when its data is in the peer's memory.
    ReliableReception = reliability::RELIABLE_RECEPTION,
}

impl Reliability {
    /// The level of a code.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            reliability::UNRELIABLE => Some(Reliability::Unreliable),
            reliability::RELIABLE_DELIVERY => Some(Reliability::ReliableDelivery),
            reliability::RELIABLE_RECEPTION => Some(Reliability::ReliableReception),
            _ => None,
        }
    }
}

/// Everything a VI is told.
///
/// ```
/// use rnic_driver::command::{ViSettings, ViState};
/// let settings = ViSettings { ptag: 3, receive_cq: 1, ..ViSettings::default() };
/// assert_eq!(settings.state, ViState::Idle);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct ViSettings {
    /// State.
    pub state: ViState,
    /// Protection tag.
    pub ptag: u32,
    /// CQ of the send queue.
    pub send_cq: u8,
    /// CQ of the receive queue.
    pub receive_cq: u8,
    /// Reliability level.
    pub reliability: Reliability,
    /// The peer may RDMA Write.
    pub enable_rdma_write: bool,
    /// The peer may RDMA Read.
    pub enable_rdma_read: bool,
    /// The peer's VI number.
    pub peer_vi: u8,
    /// Negotiated features (`abi::command::vi_peer`).
    pub negotiated: u8,
    /// Inbound read depth.
    pub ird: u8,
    /// Outbound read depth.
    pub ord: u8,
    /// Stream number of the first byte sent.
    pub send_sequence: u32,
    /// Stream number of the first byte expected.
    pub receive_sequence: u32,
    /// Longest message.
    pub max_transfer_bytes: u32,
}

/// Words that a VI has: state, ptag, queues and rights, peer and reads, two sequences, longest transfer.
const ALL_WORDS: u32 = 1 << 2 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 9;

impl ViSettings {
    pub(super) fn encode(&self, image: &mut Image, limits: &Limits) -> Result<(), FieldError> {
        ViChange {
            settings: *self,
            words: ALL_WORDS,
        }
        .encode(image, limits)
    }

    pub(super) fn decode(image: &Image) -> Result<Self, FieldError> {
        let word5 = image.word(5);
        let word6 = image.word(6);
        let state = image.word(2);
        let level = (word5 >> vi_queues::RELIABILITY_SHIFT) as u8;
        let rights = (word5 >> vi_queues::RIGHTS_SHIFT) as u8;
        let refused = |field, value| FieldError {
            field,
            value,
            rule: "must be one of VIA's, at most",
            limit: 4,
        };
        Ok(Self {
            state: ViState::from_code(state).ok_or(refused(Field::State, state.into()))?,
            ptag: image.word(4),
            send_cq: (word5 >> vi_queues::SEND_CQ_SHIFT) as u8,
            receive_cq: (word5 >> vi_queues::RECEIVE_CQ_SHIFT) as u8,
            reliability: Reliability::from_code(level)
                .ok_or(refused(Field::Reliability, level.into()))?,
            enable_rdma_write: rights & vi_queues::ENABLE_RDMA_WRITE != 0,
            enable_rdma_read: rights & vi_queues::ENABLE_RDMA_READ != 0,
            peer_vi: (word6 >> vi_peer::PEER_VI_SHIFT) as u8,
            negotiated: (word6 >> vi_peer::NEGOTIATED_SHIFT) as u8,
            ird: (word6 >> vi_peer::IRD_SHIFT) as u8,
            ord: (word6 >> vi_peer::ORD_SHIFT) as u8,
            send_sequence: image.word(7),
            receive_sequence: image.word(8),
            max_transfer_bytes: image.word(9),
        })
    }
}

/// A change of some words of a VI.
///
/// ```
/// use rnic_driver::command::{ViChange, ViSettings, ViState};
/// let connect = ViSettings { state: ViState::Connected, peer_vi: 2, ..ViSettings::default() };
/// let change = ViChange::new(connect).state().peer().sequences();
/// assert_eq!(change.words(), 1 << 2 | 1 << 6 | 1 << 7 | 1 << 8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ViChange {
    settings: ViSettings,
    words: u32,
}

impl ViChange {
    /// No word of `settings` yet; the methods name those to apply.
    pub const fn new(settings: ViSettings) -> Self {
        Self { settings, words: 0 }
    }

    /// Where the values come from.
    pub const fn settings(&self) -> &ViSettings {
        &self.settings
    }

    /// The apply mask: bit i stands for word i.
    pub const fn words(&self) -> u32 {
        self.words
    }

    /// Applies the state.
    pub const fn state(self) -> Self {
        self.with(2)
    }

    /// Applies the protection tag.
    pub const fn ptag(self) -> Self {
        self.with(4)
    }

    /// Applies CQs, reliability and rights.
    pub const fn queues(self) -> Self {
        self.with(5)
    }

    /// Applies peer, negotiated features and read depths.
    pub const fn peer(self) -> Self {
        self.with(6)
    }

    /// Applies both sequences.
    pub const fn sequences(self) -> Self {
        self.with(7).with(8)
    }

    /// Applies the longest transfer.
    pub const fn max_transfer(self) -> Self {
        self.with(9)
    }

    const fn with(self, word: u32) -> Self {
        Self {
            settings: self.settings,
            words: self.words | 1 << word,
        }
    }

    pub(super) fn encode(&self, image: &mut Image, limits: &Limits) -> Result<(), FieldError> {
        let s = &self.settings;
        below(Field::Cq, s.send_cq.into(), limits.cqs.into())?;
        below(Field::Cq, s.receive_cq.into(), limits.cqs.into())?;
        at_most(Field::Reads, s.ird.into(), limits.reads.into())?;
        at_most(Field::Reads, s.ord.into(), limits.reads.into())?;
        let mut rights = 0;
        rights |= if s.enable_rdma_write {
            vi_queues::ENABLE_RDMA_WRITE
        } else {
            0
        };
        rights |= if s.enable_rdma_read {
            vi_queues::ENABLE_RDMA_READ
        } else {
            0
        };
        image.set(2, s.state as u32);
        image.set(3, self.words);
        image.set(4, s.ptag);
        image.set(
            5,
            u32::from(s.send_cq) << vi_queues::SEND_CQ_SHIFT
                | u32::from(s.receive_cq) << vi_queues::RECEIVE_CQ_SHIFT
                | (s.reliability as u32) << vi_queues::RELIABILITY_SHIFT
                | u32::from(rights) << vi_queues::RIGHTS_SHIFT,
        );
        image.set(
            6,
            u32::from(s.peer_vi) << vi_peer::PEER_VI_SHIFT
                | u32::from(s.negotiated) << vi_peer::NEGOTIATED_SHIFT
                | u32::from(s.ird) << vi_peer::IRD_SHIFT
                | u32::from(s.ord) << vi_peer::ORD_SHIFT,
        );
        image.set(7, s.send_sequence);
        image.set(8, s.receive_sequence);
        image.set(9, s.max_transfer_bytes);
        Ok(())
    }

    pub(super) fn decode(image: &Image) -> Result<Self, FieldError> {
        Ok(Self {
            settings: ViSettings::decode(image)?,
            words: image.word(3),
        })
    }
}
