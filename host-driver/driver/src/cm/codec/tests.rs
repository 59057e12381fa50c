//! Round trips of every kind, and what is wrong with bytes that are no message.

use super::*;
use crate::cm::Private;
use crate::mpa::{Enhanced, Kind};
use proptest::collection::vec;
use proptest::prelude::*;

fn address() -> impl Strategy<Value = NetAddress> {
    let bytes = |most| vec(any::<u8>(), 0..=most);
    (bytes(HOST_MAX_BYTES), bytes(DISCRIMINATOR_MAX_BYTES)).prop_map(|(host, discriminator)| {
        NetAddress {
            host: HostAddress::new(&host).unwrap(),
            discriminator: Discriminator::new(&discriminator).unwrap(),
        }
    })
}

fn name() -> impl Strategy<Value = Name> {
    (any::<bool>(), any::<u32>()).prop_map(|(responder, id)| Name {
        role: if responder {
            Role::Responder
        } else {
            Role::Initiator
        },
        id,
    })
}

fn attributes() -> impl Strategy<Value = Attributes> {
    let level = prop::sample::select(&[1u8, 2, 4]);
    (level, any::<(u32, u8, bool, bool)>()).prop_map(|(level, (bytes, qos, write, read))| {
        Attributes {
            reliability: Reliability::from_code(level).unwrap(),
            max_transfer_bytes: bytes,
            qos,
            enable_rdma_write: write,
            enable_rdma_read: read,
        }
    })
}

fn message() -> impl Strategy<Value = CmMessage> {
    let kind = prop::sample::select(MessageKind::ALL);
    let numbers = any::<(bool, u8, u8, u32, u64, u64)>();
    let rest = (vec(any::<u8>(), 0..100), vec(name(), 0..MAX_NAMES));
    let ends = (address(), address(), prop::option::of(attributes()));
    (kind, name(), numbers, ends, rest).prop_map(|(kind, name, n, ends, (data, names))| {
        let body = match kind {
            MessageKind::Probe | MessageKind::ProbeAck => Body::Names(names),
            kind if has_frame(kind) => {
                Body::Mpa(Frame::new(Kind::Request, Enhanced::default(), data))
            }
            _ => Body::Empty,
        };
        CmMessage {
            behind: n.0,
            source_vi: n.1,
            destination_vi: n.2,
            sequence: n.3,
            incarnation: n.4,
            for_incarnation: n.5,
            attributes: ends.2,
            body,
            ..CmMessage::new(kind, name, ends.0, ends.1)
        }
    })
}

proptest! {
    #[test]
    fn every_message_round_trips(message in message()) {
        let bytes = message.encode().unwrap();
        prop_assert_eq!(CmMessage::decode(&bytes), Ok(message));
        for cut in 0..bytes.len() {
            prop_assert!(CmMessage::decode(&bytes[..cut]).is_err());
        }
    }

    #[test]
    fn no_bytes_panic(bytes in vec(any::<u8>(), 0..120)) {
        let _ = CmMessage::decode(&bytes);
        let _ = CmMessage::decode(&[&[VERSION, 1][..], &bytes].concat());
        let _ = Private::decode(&bytes);
    }
}

/// A request with the longest addresses and private data.
fn longest() -> CmMessage {
    let longest = NetAddress {
        host: HostAddress::new(&[1; HOST_MAX_BYTES]).unwrap(),
        discriminator: Discriminator::new(&[2; DISCRIMINATOR_MAX_BYTES]).unwrap(),
    };
    let name = Name {
        role: Role::Initiator,
        id: 1,
    };
    let private = vec![0; MAX_PRIVATE_BYTES + crate::cm::PRIVATE_HEADER_BYTES];
    CmMessage {
        body: Body::Mpa(Frame::new(Kind::Request, Enhanced::default(), private)),
        ..CmMessage::new(MessageKind::Request, name, longest, longest)
    }
}

#[test]
fn the_longest_request_is_one_raw_frame() {
    assert_eq!(longest().encode().unwrap().len(), RAW_MAX_BYTES);
}

#[test]
fn what_is_wrong_is_named() {
    let bytes = longest().encode().unwrap();
    let with = |index: usize, value: u8| {
        let mut bytes = bytes.clone();
        bytes[index] = value;
        CmMessage::decode(&bytes).unwrap_err()
    };
    assert_eq!(with(0, 1), CmMessageError::Version { version: 1 });
    assert_eq!(with(1, 14), CmMessageError::Kind { kind: 14 });
    assert_eq!(with(39, 4), CmMessageError::Flags { flags: 4 });
    assert_eq!(with(37, 3), CmMessageError::Reliability { level: 3 });
    let offset = HEADER_BYTES + 160;
    assert_eq!(
        with(12, 0),
        CmMessageError::Offset {
            offset: 0,
            expected: offset
        }
    );
    assert!(matches!(with(40, 17), CmMessageError::Address(_)));
    assert!(matches!(with(offset, b'X'), CmMessageError::Mpa(_)));
    assert_eq!(
        CmMessage::decode(&bytes[..43]),
        Err(CmMessageError::Truncated { bytes: 43 })
    );
}
