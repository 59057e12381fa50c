//! A process is killed in the middle of an operation. Its board is reset and its memory gone; the survivor's board gives the
//! VI up by a timeout, tells it, brings all work back, and goes on serving others.

use std::fs;

use rnic_abi::error::CommandError;
use rnic_abi::event::Event as BoardEvent;
use rnic_abi::step::Counter;
use rnic_abi::Stag;
use rnic_driver::address::{Discriminator, HostAddress, NetAddress};
use rnic_driver::board::{Board, Options};
use rnic_driver::channel::{Channel, Event};
use rnic_driver::cm::{CmOptions, ConnectRequest, ConnectionManager, Offer};
use rnic_driver::command::Access;
use rnic_driver::cqe::Kind;
use rnic_driver::descriptor::Descriptor;
use rnic_driver::one_shot::{Completed, Request};
use rnic_driver::region::{Region, RegionOptions};
use rnic_driver::vi::ViOptions;
use rnic_tests::processes::{wait_until, Process, Scratch, PATIENCE};
use rnic_tests::stimulus::Stimulus;
use rnic_tests::{inline, Area, Scoreboard, Shape, Strictness};

use crate::TIMINGS;

/// Bytes of a one-shot, many times what is written before the peer is killed.
const CHUNK: usize = 4 << 20;
/// Bytes of the one that others do.
const SMALL_CHUNK: usize = 3_001;
/// What `rnic copy-responder` is asked for: to read the buffer, or to write its own, which is zeros.
const FETCH: u8 = 1;
const RETURN: u8 = 2;
/// Bytes of its replies.
const REPLY_BYTES: usize = 8;

/// What `rnic copy-responder` reads from a message.
fn request(operation: u8, stag: Stag, to: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![operation, 0, 0, 0];
    bytes.extend(stag.0.to_le_bytes());
    bytes.extend(to.to_le_bytes());
    bytes.extend((length as u32).to_le_bytes());
    bytes.resize(32, 0);
    bytes
}

/// What it reads from a connection's private data: one buffer of so many bytes.
fn buffers(bytes: usize) -> Vec<u8> {
    let mut private = b"rnic\x01".to_vec();
    private.extend((bytes as u32).to_le_bytes());
    private
}

/// What `rnic copy-responder` listens for, and the longest message of its VI, which ours must have, too.
const RESPONDER_SERVICE: &[u8] = b"rnic-copy";
const RESPONDER_MAX_TRANSFER_BYTES: u32 = 16 << 20;

/// The survivor: this process, with watched memory.
struct Survivor {
    // Dropped in this order: the manager before the memory, the board last.
    manager: ConnectionManager,
    score: Scoreboard,
    random: Stimulus,
    board: Board,
}

/// A connection of it.
struct Connection {
    channel: Channel,
    /// Where replies go.
    inbox: Area,
    _region: Region,
}

impl Survivor {
    fn open(url: &str, seed: u64) -> Self {
        let options = Options {
            seed: Some(seed),
            ..Options::default()
        };
        let board = Board::open_url(url, options).unwrap();
        Self {
            manager: ConnectionManager::open(&board, CmOptions::default()).unwrap(),
            score: Scoreboard::new(),
            random: Stimulus::new(seed),
            board,
        }
    }

    fn area(&mut self, name: &str, shape: Shape, bytes: usize) -> Area {
        let random = &mut self.random;
        self.score.area(&self.board, name, shape, bytes, random)
    }

    /// Connects to a responder that writes and reads up to `bytes`, and posts a receive for one reply.
    fn connect(&mut self, bytes: usize) -> Connection {
        let ptag = self.board.allocate_ptag();
        let options = ViOptions {
            max_transfer_bytes: RESPONDER_MAX_TRANSFER_BYTES,
            ..ViOptions::new(ptag)
        };
        let mut channel = Channel::open(&self.board, 6, options).unwrap();
        let offer = Offer {
            private_data: buffers(bytes),
            ..Offer::new(self.board.identity().reads as u8)
        };
        let vi = channel.vi_mut();
        let responder = NetAddress {
            host: HostAddress::ANY,
            discriminator: Discriminator::new(RESPONDER_SERVICE).unwrap(),
        };
        let request = ConnectRequest {
            timeout: Some(PATIENCE),
            ..ConnectRequest::new(responder, offer)
        };
        self.manager.connect_and_wait(vi, request).unwrap();
        let inbox = self.area("inbox", Shape::Contiguous, 64);
        let options = RegionOptions::new(ptag);
        let region = Region::register(&self.board, inbox.backing.clone(), options).unwrap();
        let receive = Descriptor::receive(vec![region.segment(0, 64).unwrap()]);
        channel.vi_mut().post_receive(&receive, 0).unwrap();
        Connection {
            channel,
            inbox,
            _region: region,
        }
    }

    /// Asks the responder to read or write all of an area, by a one-shot.
    fn ask(&self, to: &mut Connection, operation: u8, area: &Area, reference: u64) -> Stag {
        let access = match operation {
            FETCH => Access::REMOTE_READ,
            _ => Access::REMOTE_WRITE,
        };
        let posted = to.channel.one_shot_with(
            Request::new(area.backing.clone(), access, reference),
            |stag, at| inline(&request(operation, stag, at, area.bytes())),
        );
        posted.unwrap()
    }

    /// The next event of a connection.
    fn next(&self, of: &mut Connection) -> Event {
        let mut found = None;
        wait_until("a completion", || {
            found = of.channel.poll().unwrap();
            found.is_some()
        });
        found.unwrap()
    }

    /// The first bytes of an area are not what they were.
    fn is_written(&self, area: &Area) -> bool {
        let first = area.pieces[0].start;
        let found = self.score.buffer(area.mem).to_vec(first, 64).unwrap();
        found != self.score.get(area.mem, first, 64)
    }

    /// All of a small one-shot, on a connection of its own to a new responder.
    fn others_are_served(&mut self, scratch: &Scratch) {
        let mut peer = Process::start(&mut scratch.responder());
        let mut other = self.connect(SMALL_CHUNK);
        let area = self.area("other", Shape::Sgl(3), SMALL_CHUNK);
        let stag = self.ask(&mut other, RETURN, &area, 9);
        match self.next(&mut other) {
            Event::Done(done) if done.kind == Kind::Receive => {
                assert_eq!(done.invalidated, Some(stag));
                assert_eq!(done.outcome.length as usize, REPLY_BYTES);
            }
            other => panic!("not the reply: {other:?}"),
        }
        match self.next(&mut other) {
            Event::OneShot(done) => {
                assert_eq!((done.reference, done.stag), (9, stag));
                assert!(done.failure.is_none(), "{done:?}");
            }
            other => panic!("not the one-shot: {other:?}"),
        }
        self.score.set_area(&area, 0, &[0; SMALL_CHUNK]);
        let reply = u64::to_le_bytes((SMALL_CHUNK as u64) << 32);
        self.score.set_area(&other.inbox, 0, &reply);
        peer.kill();
    }
}

#[test]
fn peer_killed() {
    for (config, timing, seed) in [
        ("small", TIMINGS[1], 21),
        ("small", TIMINGS[2], 22),
        ("full", TIMINGS[1], 23),
        ("full", TIMINGS[2], 24),
    ] {
        let scratch = Scratch::new(&format!("killed-{config}-{seed}"));
        let mut boards = scratch.boards(config, &timing);
        let mut peer = Process::start(&mut scratch.responder());
        let mut survivor = Survivor::open(&scratch.url("a"), seed);
        let mut near = survivor.connect(CHUNK);
        let elements = survivor.board.observer().sges_free().unwrap();
        let written = survivor.area("written", Shape::Sgl(3), CHUNK);
        let read = survivor.area("read", Shape::Sgl(2), CHUNK);
        let unseen = survivor.area("unseen", Shape::Contiguous, 500);
        // One is under way, one waits in the peer, and the last is posted when the peer is no more.
        let mut stags = vec![
            survivor.ask(&mut near, RETURN, &written, 0),
            survivor.ask(&mut near, FETCH, &read, 1),
        ];
        wait_until("the peer writes", || survivor.is_written(&written));
        peer.kill();
        stags.push(survivor.ask(&mut near, RETURN, &unseen, 2));

        // All three come back, and the receive.
        let mut back: Vec<Completed> = Vec::new();
        let mut receives = 0;
        while back.len() < stags.len() || receives == 0 {
            match survivor.next(&mut near) {
                Event::OneShot(completed) => back.push(completed),
                Event::Done(done) => {
                    assert_eq!(done.kind, Kind::Receive);
                    assert!(done.outcome.ok().is_err(), "{done:?}");
                    receives += 1;
                }
            }
        }
        back.sort_by_key(|completed| completed.reference);
        for (index, completed) in back.iter().enumerate() {
            assert_eq!(completed.stag, stags[index]);
            let error = completed.failure.as_ref().map(|failure| failure.error);
            assert_eq!(error, Some(CommandError::Flushed), "{completed:?}");
            assert!(survivor.board.check_stag(completed.stag).is_err());
        }
        let observer = survivor.board.observer();
        assert_eq!(observer.sges_free().unwrap(), elements);
        let vi = near.channel.vi().number();
        // That the VI is gone is told when the last of its work is flushed.
        let mut told = Vec::new();
        wait_until("the VI is given up", || {
            told.extend(observer.take_events().unwrap());
            told.contains(&(vi, BoardEvent::ConnLost))
        });
        told.sort();
        let wanted = [(vi, BoardEvent::ConnLost), (vi, BoardEvent::Timeout)];
        assert_eq!(told, wanted);

        // A part of what was granted is written, and nothing else.
        let placed = survivor
            .score
            .set_some(&written, 0, &vec![0; CHUNK])
            .unwrap();
        assert!(0 < placed && placed < CHUNK / 2, "{placed} bytes placed");
        survivor.score.check_memory().unwrap();

        survivor.others_are_served(&scratch);
        survivor.score.check_memory().unwrap();
        let observer = survivor.board.observer();
        assert_eq!(observer.take_events().unwrap(), []);
        let counters = observer.counters().unwrap();
        assert!(counters.get(Counter::LinkRetransmits) > 0);
        assert!(counters.get(Counter::Timeouts) > 0);
        // The receive and three one-shots.
        assert_eq!(counters.get(Counter::Flushed), 4);
        // The kill may have cut a frame.
        let cut = counters.get(Counter::LinkHeaderErrors);
        assert!(cut <= 1, "{cut} frames cut");
        survivor.score.expect(0, Counter::LinkHeaderErrors, cut);
        let wrong = survivor
            .score
            .wrong_errors(0, &counters, Strictness::Broken);
        assert_eq!(wrong, [""; 0]);
        drop(near);
        drop(survivor);
        boards.kill();
    }
}

/// `rnic copy` whose peer's process is killed says so; new processes take both boards over.
#[test]
fn copy_whose_peer_is_killed() {
    for (config, timing) in [("small", TIMINGS[2]), ("full", TIMINGS[1])] {
        let scratch = Scratch::new(&format!("copy-killed-{config}"));
        let mut boards = scratch.boards(config, &timing);
        let large = scratch.source(4_000_000);
        // The responder's process is ours, so that it can be killed in the middle of the copy.
        let mut responder = Process::start(&mut scratch.responder());
        let said = fs::File::create(scratch.file("said")).unwrap();
        let mut requester = Process::start(scratch.copy(&large).stderr(said));
        let copied = || fs::metadata(scratch.file("copy")).map_or(0, |file| file.len());
        wait_until("the copy begins", || copied() > 0);
        responder.kill();
        // The survivor's board gives up, and its one-shots come back with an error.
        assert!(!requester.end(), "a copy without its peer does not succeed");
        let said = fs::read_to_string(scratch.file("said")).unwrap();
        assert!(
            said.contains("the VI went into error or was disconnected"),
            "{said}"
        );
        // Both boards are taken over by new processes and work.
        let small = scratch.source(9_999);
        let summary = Process::start(&mut scratch.copy_with_peer(&small)).summary();
        assert_eq!(summary["sha256_match"], true, "{summary}");
        assert!(fs::read(scratch.file("copy")).unwrap() == fs::read(&small).unwrap());
        boards.kill();
    }
}
