//! Our own part of the private data of an MPA request or reply, before the application's.
//!
//! ```text
//! 0  "OSR1" | 4 features u8 | 5 reject reason u8 | 6 reliability u8 | 7 zero | 8 the application's bytes
//! ```

use rnic_abi::command::vi_peer;

/// Bytes of our own.
pub const PRIVATE_HEADER_BYTES: usize = 8;
const MAGIC: &[u8; 4] = b"OSR1";

/// Why a connection was refused.
///
/// ```
/// use rnic_driver::cm::RejectReason;
/// assert_eq!(RejectReason::from_code(1), RejectReason::NoListener);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RejectReason {
    /// The peer gave no reason that we know.
    Unknown = 0,
    /// Nobody listens.
    NoListener = 1,
    /// The application refused.
    Refused = 2,
    /// Reliability levels differ (VIA).
    Reliability = 3,
    /// Maximum transfer sizes differ (VIA).
    MaxTransfer = 4,
    /// Qualities of service differ (VIA).
    Qos = 5,
}

impl RejectReason {
    /// The reason of a code.
    pub const fn from_code(code: u8) -> Self {
        match code {
            1 => RejectReason::NoListener,
            2 => RejectReason::Refused,
            3 => RejectReason::Reliability,
            4 => RejectReason::MaxTransfer,
            5 => RejectReason::Qos,
            _ => RejectReason::Unknown,
        }
    }
}

/// Our own private data; a peer that sends none has no features.
///
/// ```
/// use rnic_driver::cm::{Private, RejectReason};
/// let ours = Private { features: 1, reason: RejectReason::Unknown, reliability: 2, application: b"copy".to_vec() };
/// assert_eq!(Private::decode(&ours.encode()), ours);
/// assert_eq!(Private::decode(b"something else").features, 0);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Private {
    /// Features offered (`abi::command::vi_peer`).
    pub features: u8,
    /// Reason of a rejection.
    pub reason: RejectReason,
    /// Reliability level (VIA); 0 where unknown.
    pub reliability: u8,
    /// The application's bytes.
    pub application: Vec<u8>,
}

impl Private {
    /// Features that this driver knows.
    pub const FEATURES: u8 = vi_peer::ADVERTISE;

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([self.features, self.reason as u8, self.reliability, 0]);
        bytes.extend(&self.application);
        bytes
    }

    /// Reads it; foreign private data is all the application's.
    pub fn decode(bytes: &[u8]) -> Self {
        match bytes.split_first_chunk::<PRIVATE_HEADER_BYTES>() {
            Some((&[a, b, c, d, features, reason, reliability, 0], rest))
                if &[a, b, c, d] == MAGIC =>
            {
                Self {
                    features,
                    reason: RejectReason::from_code(reason),
                    reliability,
                    application: rest.to_vec(),
                }
            }
            _ => Self {
                features: 0,
                reason: RejectReason::Unknown,
                reliability: 0,
                application: bytes.to_vec(),
            },
        }
    }
}
