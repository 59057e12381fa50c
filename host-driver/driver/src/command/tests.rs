//! Round trips of every command and one refusal for every field.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use rnic_abi::config::FULL;

fn limits() -> Limits {
    Limits::from(&FULL)
}

fn iova(align: u64) -> impl Strategy<Value = Iova> {
    (0..(1u64 << 47) / align).prop_map(move |n| Iova(n * align))
}

fn stag() -> impl Strategy<Value = Stag> {
    (0u32..256, any::<u8>()).prop_map(|(index, key)| Stag::new(index, key))
}

fn region() -> impl Strategy<Value = RegionCommand> {
    let element = (iova(1), 1u32..1 << 20).prop_map(|(iova, bytes)| Element { iova, bytes });
    let layout = prop_oneof![
        (iova(1), 1u32..).prop_map(|(iova, bytes)| (Layout::Contiguous(iova), bytes)),
        vec(element, 1..=24).prop_map(|list| {
            let bytes = list.iter().map(|element| element.bytes).sum();
            (Layout::Sgl(Elements::Slots(list)), bytes)
        }),
        (iova(4096), 1u8.., 1u32..).prop_map(|(iova, count, bytes)| (
            Layout::Sgl(Elements::Memory { iova, count }),
            bytes
        )),
        vec(iova(4096), 1..=48).prop_map(|pages| {
            let bytes = pages.len() as u32 * 4096;
            (
                Layout::Pages {
                    shift: 12,
                    pages: Elements::Slots(pages),
                },
                bytes,
            )
        }),
    ];
    (stag(), 1u8..16, layout, 0u64..1 << 40).prop_map(|(stag, access, (layout, bytes), base)| {
        RegionCommand {
            stag,
            access: Access(access),
            layout,
            base: base << 12,
            bytes,
        }
    })
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        vec(any::<u8>(), 0..=64).prop_map(Message::Inline),
        (stag(), 0u64..1 << 63, any::<u32>()).prop_map(|(handle, va, bytes)| Message::Buffer {
            handle,
            va,
            bytes
        }),
    ]
}

fn settings() -> impl Strategy<Value = ViSettings> {
    let state = prop_oneof![
        Just(ViState::Idle),
        Just(ViState::Connected),
        Just(ViState::ConnectPending),
        Just(ViState::Error)
    ];
    let level = prop_oneof![
        Just(Reliability::Unreliable),
        Just(Reliability::ReliableDelivery),
        Just(Reliability::ReliableReception)
    ];
    let numbers = (any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>());
    let small = (0u8..32, 0u8..32, any::<u8>(), any::<u8>(), 0u8..=4, 0u8..=4);
    (state, level, any::<bool>(), any::<bool>(), numbers, small).prop_map(
        |(state, reliability, enable_rdma_write, enable_rdma_read, n, s)| ViSettings {
            state,
            ptag: n.0,
            send_cq: s.0,
            receive_cq: s.1,
            reliability,
            enable_rdma_write,
            enable_rdma_read,
            peer_vi: s.2,
            negotiated: s.3,
            ird: s.4,
            ord: s.5,
            send_sequence: n.1,
            receive_sequence: n.2,
            max_transfer_bytes: n.3,
        },
    )
}

fn command() -> impl Strategy<Value = Command> {
    let reply = proptest::option::of((1u32.., 0u64..1 << 63, 1u32..)).prop_map(|reply| {
        reply.map(|(handle, va, bytes)| ReplyBuffer {
            handle: Stag(handle),
            va,
            bytes,
        })
    });
    let one_shot = (region(), message(), reply, any::<[bool; 2]>()).prop_map(
        |(region, message, reply, flags)| {
            let [advertise, solicited] = flags;
            Command::OneShot(OneShotCommand {
                region,
                message,
                reply,
                advertise,
                solicited,
            })
        },
    );
    prop_oneof![
        Just(Command::Nop),
        (region(), any::<u32>(), any::<[bool; 2]>()).prop_map(|(region, ptag, flags)| {
            let [bind_vi, single_message] = flags;
            Command::Register {
                region,
                ptag,
                bind_vi,
                single_message,
            }
        }),
        stag().prop_map(|stag| Command::Invalidate { stag }),
        one_shot,
        (any::<u32>(), message(), any::<bool>(), any::<bool>()).prop_map(
            |(stag, message, fence, solicited)| {
                Command::SendInvalidate(SendInvalidate {
                    stag: Stag(stag),
                    message,
                    fence,
                    solicited,
                })
            }
        ),
        settings().prop_map(Command::CreateVi),
        settings().prop_map(|settings| Command::ModifyVi(ViChange::new(settings).state().peer())),
        Just(Command::DestroyVi),
        (0u32..32, 2u32..=15, iova(32)).prop_map(|(cq, entries_log2, iova)| Command::CreateCq {
            cq,
            entries_log2,
            iova
        }),
        (0u32..32).prop_map(|cq| Command::DestroyCq { cq }),
        (iova(1), 1u32..=536).prop_map(|(iova, bytes)| Command::RawSend { iova, bytes }),
    ]
}

proptest! {
    #[test]
    fn every_command_round_trips(command in command(), vi in 0u16..16, context: u32, signalled: bool) {
        let post = Post { vi, context, signalled, command };
        let image = post.encode(&limits()).unwrap();
        prop_assert!(image.slots() <= rnic_abi::command::MAX_SLOTS);
        prop_assert_eq!(Post::decode(&image).unwrap(), post);
    }
}

fn contiguous(bytes: u32) -> RegionCommand {
    let layout = Layout::Contiguous(Iova(0x1000));
    RegionCommand {
        stag: Stag(0x101),
        access: Access::REMOTE_WRITE,
        layout,
        base: 0,
        bytes,
    }
}

fn one_shot(region: RegionCommand) -> Command {
    Command::OneShot(OneShotCommand {
        region,
        message: Message::Inline(vec![]),
        reply: None,
        advertise: true,
        solicited: false,
    })
}

fn refusal(vi: u16, command: Command) -> Field {
    Post {
        vi,
        context: 0,
        signalled: false,
        command,
    }
    .encode(&limits())
    .unwrap_err()
    .field
}

#[test]
fn a_bad_value_is_refused_by_the_name_of_its_field() {
    let sgl = |list: Vec<Element>, bytes| {
        one_shot(RegionCommand {
            layout: Layout::Sgl(Elements::Slots(list)),
            ..contiguous(bytes)
        })
    };
    let pages = |shift, pages: Vec<Iova>, bytes| {
        one_shot(RegionCommand {
            layout: Layout::Pages {
                shift,
                pages: Elements::Slots(pages),
            },
            ..contiguous(bytes)
        })
    };
    let element = Element {
        iova: Iova(0x1000),
        bytes: 64,
    };
    assert_eq!(refusal(16, Command::Nop), Field::Vi);
    assert_eq!(
        refusal(
            0,
            Command::Invalidate {
                stag: Stag(0x1_0000)
            }
        ),
        Field::Stag
    );
    assert_eq!(
        refusal(
            0,
            one_shot(RegionCommand {
                stag: Stag(0x1_0000),
                ..contiguous(1)
            })
        ),
        Field::Stag
    );
    assert_eq!(
        refusal(
            0,
            one_shot(RegionCommand {
                access: Access(0),
                ..contiguous(1)
            })
        ),
        Field::Access
    );
    assert_eq!(
        refusal(
            0,
            one_shot(RegionCommand {
                access: Access(16),
                ..contiguous(1)
            })
        ),
        Field::Access
    );
    assert_eq!(
        refusal(
            0,
            one_shot(RegionCommand {
                base: u64::MAX,
                ..contiguous(2)
            })
        ),
        Field::Base
    );
    assert_eq!(refusal(0, one_shot(contiguous(0))), Field::Length);
    let layout = Layout::Contiguous(Iova((1 << 48) - 1));
    assert_eq!(
        refusal(
            0,
            one_shot(RegionCommand {
                layout,
                ..contiguous(2)
            })
        ),
        Field::Iova
    );
    assert_eq!(refusal(0, sgl(vec![], 1)), Field::ElementCount);
    assert_eq!(
        refusal(0, sgl(vec![element; 25], 64 * 25)),
        Field::ElementCount
    );
    assert_eq!(refusal(0, sgl(vec![element], 63)), Field::Length);
    assert_eq!(
        refusal(
            0,
            sgl(
                vec![Element {
                    bytes: 0,
                    ..element
                }],
                1
            )
        ),
        Field::ElementLength
    );
    let listed = |iova| Elements::Memory {
        iova: Iova(iova),
        count: 200,
    };
    for iova in [16, 0x1400] {
        let layout = Layout::Sgl(listed(iova));
        let command = one_shot(RegionCommand {
            layout,
            ..contiguous(1)
        });
        assert_eq!(refusal(0, command), Field::Iova);
    }
    assert_eq!(refusal(0, pages(11, vec![Iova(0)], 1)), Field::Kind);
    assert_eq!(refusal(0, pages(12, vec![Iova(0)], 4097)), Field::Length);
    assert_eq!(refusal(0, pages(12, vec![Iova(64)], 1)), Field::Iova);
    assert_eq!(
        refusal(
            0,
            Command::CreateCq {
                cq: 32,
                entries_log2: 4,
                iova: Iova(0)
            }
        ),
        Field::Cq
    );
    assert_eq!(
        refusal(
            0,
            Command::CreateCq {
                cq: 0,
                entries_log2: 1,
                iova: Iova(0)
            }
        ),
        Field::CqSize
    );
    assert_eq!(
        refusal(
            0,
            Command::CreateCq {
                cq: 0,
                entries_log2: 4,
                iova: Iova(16)
            }
        ),
        Field::Iova
    );
    assert_eq!(
        refusal(
            0,
            Command::RawSend {
                iova: Iova(0),
                bytes: 537
            }
        ),
        Field::MessageLength
    );
    assert_eq!(
        refusal(
            0,
            Command::CreateVi(ViSettings {
                ird: 5,
                ..ViSettings::default()
            })
        ),
        Field::Reads
    );
    let Command::OneShot(plain) = one_shot(contiguous(1)) else {
        unreachable!()
    };
    let long = OneShotCommand {
        message: Message::Inline(vec![0; 65]),
        ..plain.clone()
    };
    assert_eq!(refusal(0, Command::OneShot(long)), Field::MessageLength);
    let reply = |handle, bytes| {
        Some(ReplyBuffer {
            handle: Stag(handle),
            va: 0,
            bytes,
        })
    };
    let none = OneShotCommand {
        reply: reply(0, 1),
        ..plain.clone()
    };
    assert_eq!(refusal(0, Command::OneShot(none)), Field::ReplyHandle);
    let empty = OneShotCommand {
        reply: reply(1, 0),
        ..plain
    };
    assert_eq!(refusal(0, Command::OneShot(empty)), Field::ReplyLength);
}
