//! Completion queue entries, decoded ([`rnic_abi::completion`]).

use crate::slots::Report;
use rnic_abi::completion::{
    kind, ADVERTISED, CONSUMED_MASK, CQE_WORDS, ERROR_SHIFT, INVALIDATED, KIND_SHIFT, PHASE,
    SOLICITED,
};
use rnic_abi::error::{CommandError, Field};
use rnic_abi::Stag;

/// What completed.
///
/// ```
/// use rnic_driver::cqe::Kind;
/// assert_eq!(Kind::from_code(4), Some(Kind::OneShot));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A command.
    Command = kind::COMMAND,
    /// A send-queue descriptor.
    Send = kind::SEND,
    /// A receive descriptor.
    Receive = kind::RECEIVE,
    /// A one-shot.
    OneShot = kind::ONE_SHOT,
    /// A send_invalidate.
    SendInvalidate = kind::SEND_INVALIDATE,
    /// A raw frame was received.
    Raw = kind::RAW,
}

impl Kind {
    /// The kind of a code.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            kind::COMMAND => Some(Kind::Command),
            kind::SEND => Some(Kind::Send),
            kind::RECEIVE => Some(Kind::Receive),
            kind::ONE_SHOT => Some(Kind::OneShot),
            kind::SEND_INVALIDATE => Some(Kind::SendInvalidate),
            kind::RAW => Some(Kind::Raw),
            _ => None,
        }
    }
}

/// One completion.
///
/// ```
/// use rnic_driver::cqe::{Cqe, Kind};
/// let cqe = Cqe::decode([0x0004_0001, 0, 12, 0x305, 42, 0, 0, 0x8000_0000]).unwrap();
/// assert_eq!((cqe.kind, cqe.vi, cqe.length, cqe.context), (Kind::OneShot, 1, 12, 42));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cqe {
    /// Its VI.
    pub vi: u16,
    /// What completed.
    pub kind: Kind,
    /// How it failed, or `None`.
    pub error: CommandError,
    /// VIA status of a descriptor, refused field of a command, or Terminate code of a one-shot.
    pub status: u32,
    /// Byte count.
    pub length: u32,
    /// STag advertised or invalidated, as the flags say; of a one-shot, the one that came back.
    pub stag: Stag,
    /// Descriptor va, or the command's context.
    pub context: u64,
    /// The peer advertised `stag`.
    pub advertised: bool,
    /// The peer invalidated `stag`.
    pub invalidated: bool,
    /// The message asked for an event.
    pub solicited: bool,
    /// Which slots are free.
    pub slots: Report,
}

impl Cqe {
    /// Reads the eight words; the phase bit is not looked at.
    pub fn decode(words: [u32; CQE_WORDS]) -> Result<Self, CqeError> {
        let [word0, status, length, stag, context_low, context_high, parity, word7] = words;
        let code = (word0 >> KIND_SHIFT) as u8;
        let error = (word0 >> ERROR_SHIFT) as u8;
        Ok(Self {
            vi: word0 as u16,
            kind: Kind::from_code(code).ok_or(CqeError::Kind { kind: code, words })?,
            error: CommandError::from_code(error).ok_or(CqeError::Error { error, words })?,
            status,
            length,
            stag: Stag(stag),
            context: u64::from(context_low) | u64::from(context_high) << 32,
            advertised: word7 & ADVERTISED != 0,
            invalidated: word7 & INVALIDATED != 0,
            solicited: word7 & SOLICITED != 0,
            slots: Report::from_cqe(parity, word7),
        })
    }

    /// Writes the eight words, as a model of the board does.
    pub fn encode(&self, phase: bool) -> [u32; CQE_WORDS] {
        let mut word7 = self.slots.consumed & CONSUMED_MASK;
        for (bit, set) in [
            (PHASE, phase),
            (ADVERTISED, self.advertised),
            (INVALIDATED, self.invalidated),
            (SOLICITED, self.solicited),
        ] {
            word7 |= if set { bit } else { 0 };
        }
        [
            u32::from(self.vi)
                | (self.kind as u32) << KIND_SHIFT
                | (self.error as u32) << ERROR_SHIFT,
            self.status,
            self.length,
            self.stag.0,
            self.context as u32,
            (self.context >> 32) as u32,
            self.slots.parity,
            word7,
        ]
    }

    /// The refused field, if a field was refused.
    pub fn field(&self) -> Option<Field> {
        (self.error == CommandError::BadField)
            .then(|| Field::from_code(self.status as u8).unwrap_or(Field::None))
    }

    /// Fails if the CQE reports an error of a command, one-shot or send_invalidate.
    pub fn ok(&self) -> Result<(), Failure> {
        match self.error {
            CommandError::None => Ok(()),
            error => Err(Failure {
                kind: self.kind,
                error,
                field: self.field(),
                status: self.status,
                context: self.context,
            }),
        }
    }
}

/// The board refused or could not finish something.
///
/// ```
/// use rnic_driver::cqe::{Cqe, Kind};
/// let cqe = Cqe::decode([0x0101_0000, 5, 0, 0, 7, 0, 0, 0]).unwrap();
/// assert_eq!(cqe.ok().unwrap_err().to_string(), "Command with context 0x7 failed: a field holds a value this board \
///     cannot take; the CQE's status word names it (access)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind:?} with context 0x{context:x} failed: {}{}", .error.doc(), .field.map_or(String::new(), |f| format!(" ({})", f.doc())))]
pub struct Failure {
    /// What failed.
    pub kind: Kind,
    /// How.
    pub error: CommandError,
    /// The refused field of a `BadField`.
    pub field: Option<Field>,
    /// The status word.
    pub status: u32,
    /// Which one.
    pub context: u64,
}

/// A CQE that says nothing known.
///
/// ```
/// use rnic_driver::cqe::{Cqe, CqeError};
/// assert!(matches!(Cqe::decode([0x0009_0000, 0, 0, 0, 0, 0, 0, 0]), Err(CqeError::Kind { kind: 9, .. })));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CqeError {
    /// Unknown kind.
    #[error("CQE {words:08x?} has kind {kind}")]
    Kind {
        /// The kind byte.
        kind: u8,
        /// All words.
        words: [u32; CQE_WORDS],
    },
    /// Unknown error.
    #[error("CQE {words:08x?} has error {error}")]
    Error {
        /// The error byte.
        error: u8,
        /// All words.
        words: [u32; CQE_WORDS],
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_cqe_round_trips(vi: u16, kind in 1u8..=6, error in 0u8..=13, numbers: [u32; 4], context: u64,
                                 flags: [bool; 3], consumed: u16, phase: bool) {
            let cqe = Cqe {
                vi,
                kind: Kind::from_code(kind).unwrap(),
                error: CommandError::from_code(error).unwrap(),
                status: numbers[0],
                length: numbers[1],
                stag: Stag(numbers[2]),
                context,
                advertised: flags[0],
                invalidated: flags[1],
                solicited: flags[2],
                slots: Report { parity: numbers[3], consumed: consumed.into(), mask: CONSUMED_MASK },
            };
            let words = cqe.encode(phase);
            prop_assert_eq!(words[7] & PHASE != 0, phase);
            prop_assert_eq!(Cqe::decode(words), Ok(cqe));
        }

        #[test]
        fn no_words_are_taken_for_another_cqe(words: [u32; 8]) {
            if let Ok(cqe) = Cqe::decode(words) {
                let again = cqe.encode(words[7] & PHASE != 0);
                prop_assert_eq!(again[..7].to_vec(), words[..7].to_vec());
            }
        }
    }
}
