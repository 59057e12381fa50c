//! The agents around the table: five clients with drains, command engine, receive path, flush.
//!
//! Every agent stalls at random with the bench's `patience` (1 never stalls). One `tick` is one cycle of all of them.

#![allow(dead_code)] // each test file uses its part

pub mod model;

use std::collections::VecDeque;

use rnic_abi::error::{CommandError, Field, TptError};
use rnic_verilate::{Dut, Stimulus};

use crate::{Tpt, CONFIG};

use model::{Access, Command, Pieces};

/// How an access ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub client: usize,
    pub access: Access,
    /// Number given by `ask`.
    pub ticket: usize,
    pub answer: Result<Pieces, TptError>,
    pub taken: u64,
    pub first_piece: u64,
    pub epoch: bool,
}

#[derive(Default)]
struct Client {
    offers: VecDeque<(usize, Access)>,
    offered: bool,
    waiting: VecDeque<Outcome>,
    /// Cycle in which the last byte moves, and epoch.
    moving: Vec<(u64, bool)>,
}

impl Client {
    /// Accesses that a release of the other epoch must wait for.
    fn busy(&self) -> u64 {
        let waiting = self.waiting.iter().map(|o| o.epoch);
        let moving = self.moving.iter().map(|m| m.1);
        waiting
            .chain(moving)
            .fold(0, |mask, e| mask | 1 << u8::from(e))
    }
}

/// The answer to a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Released {
    pub error: TptError,
    pub one_shot: bool,
    pub context: u32,
    pub reply: (u32, u64, u32),
}

#[derive(Clone, Copy, Debug)]
pub struct Release {
    pub stag: u32,
    pub vi: u8,
    pub force: bool,
    pub peek: bool,
}

/// What happened in one cycle.
#[derive(Default)]
pub struct Events {
    pub taken: Vec<(usize, Access)>,
    pub outcomes: Vec<Outcome>,
    pub bound: Option<(CommandError, Field)>,
    pub released: [Option<Released>; 2],
    pub flushed: Option<Option<(u32, u32)>>,
    pub steps: [bool; 3],
    pub refusals: [bool; 2],
}

pub struct Bench {
    pub dut: Dut<Tpt>,
    pub random: Stimulus,
    pub patience: f64,
    /// Most cycles from the last piece to the last byte.
    pub move_cycles: u64,
    clients: [Client; 5],
    tickets: usize,
    words: VecDeque<(u8, u32, bool)>,
    word_offered: bool,
    pub release: [Option<Release>; 2],
    pub release_taken: [u64; 2],
    pub walk: Option<u8>,
    /// Entries that Transmit may have to read again.
    pub held: Vec<u8>,
    /// Cycle in which the last word of the last command was taken.
    pub last_word: u64,
    config: Option<(u8, u8, u32)>,
}

impl Bench {
    pub fn new(seed: u64, patience: f64) -> Self {
        println!("seed {seed}");
        let dut = Dut::new("tpt", Tpt::new(), |b| &mut b.clock).unwrap();
        let mut bench = Self {
            dut,
            random: Stimulus::new(seed),
            patience,
            move_cycles: 0,
            clients: Default::default(),
            tickets: 0,
            words: VecDeque::new(),
            word_offered: false,
            release: [None; 2],
            release_taken: [0; 2],
            walk: None,
            held: Vec::new(),
            last_word: 0,
            config: None,
        };
        bench.reset();
        bench
    }

    pub fn reset(&mut self) {
        self.dut.drive(|b| b.reset.next = true);
        for _ in 0..2 * CONFIG.sges() {
            self.dut.tick();
        }
        self.dut.drive(|b| b.reset.next = false);
        assert_eq!(self.free(), CONFIG.sges());
    }

    pub fn free(&self) -> usize {
        self.dut.block().sges_free.val().to_u64() as usize
    }

    pub fn tick(&mut self) -> Events {
        let mut events = Events::default();
        let cycle = self.dut.cycle();
        let ready = |random: &mut Stimulus, patience: f64| random.chance(patience);

        let mut piece_ready = [false; 5];
        for (i, client) in self.clients.iter_mut().enumerate() {
            client.offered = !client.offers.is_empty()
                && (client.offered || ready(&mut self.random, self.patience));
            client.moving.retain(|m| m.0 > cycle);
            piece_ready[i] = ready(&mut self.random, self.patience);
            let (offered, busy) = (client.offered, client.busy());
            let access = client.offers.front().map(|o| o.1);
            self.dut.drive(|b| {
                b.request[i].valid.next = offered;
                if let Some(a) = access {
                    b.request[i].stag.next = u64::from(a.stag).into();
                    b.request[i].to.next = a.to.into();
                    b.request[i].length.next = u64::from(a.length).into();
                    b.request[i].access.next = u64::from(a.access).into();
                    b.request[i].vi.next = u64::from(a.vi).into();
                    b.request[i].last_of_message.next = a.last;
                }
                b.piece[i].ready.next = piece_ready[i];
                b.drain[i].busy.next = busy.into();
            });
        }
        self.word_offered =
            !self.words.is_empty() && (self.word_offered || ready(&mut self.random, self.patience));
        let (word, word_offered) = (self.words.front().copied(), self.word_offered);
        let release_ready = [0; 2].map(|_| ready(&mut self.random, self.patience));
        let query_ready = ready(&mut self.random, self.patience);
        let queried = self.dut.block().source_query.index.val().to_u64() as u8;
        let held = self.held.contains(&queried);
        let walk_ready = ready(&mut self.random, self.patience);
        let (release, walk, config) = (self.release, self.walk, self.config);
        self.dut.drive(|b| {
            b.bind.valid.next = word_offered;
            if let Some((index, data, last)) = word {
                b.bind.index.next = u64::from(index).into();
                b.bind.data.next = u64::from(data).into();
                b.bind.last.next = last;
            }
            for i in 0..2 {
                b.release[i].valid.next = release[i].is_some();
                if let Some(r) = release[i] {
                    b.release[i].stag.next = u64::from(r.stag).into();
                    b.release[i].vi.next = u64::from(r.vi).into();
                    b.release[i].force.next = r.force;
                    b.release[i].peek.next = r.peek;
                }
                b.release_result[i].ready.next = release_ready[i];
            }
            b.source_query.ready.next = query_ready;
            b.source_query.held.next = query_ready && held;
            b.walk.valid.next = walk.is_some();
            b.walk.vi.next = u64::from(walk.unwrap_or(0)).into();
            b.walk_result.ready.next = walk_ready;
            b.vi_config.valid.next = config.is_some();
            if let Some((vi, word, data)) = config {
                b.vi_config.vi.next = u64::from(vi).into();
                b.vi_config.word.next = u64::from(word).into();
                b.vi_config.data.next = u64::from(data).into();
            }
        });
        self.dut.settle();

        let b = self.dut.block();
        let error = |bits: u64| TptError::from_code(bits as u8).unwrap();
        for (i, client) in self.clients.iter_mut().enumerate() {
            if b.piece[i].valid.val() && piece_ready[i] {
                let piece = &b.piece[i];
                let outcome = client
                    .waiting
                    .front_mut()
                    .expect("a piece nobody waits for");
                outcome.first_piece = outcome.first_piece.min(cycle);
                let refusal = error(piece.error.val().to_u64());
                if refusal != TptError::None {
                    assert!(piece.last.val() && outcome.answer == Ok(Vec::new()));
                    outcome.answer = Err(refusal);
                } else if let Ok(pieces) = &mut outcome.answer {
                    let bytes = piece.bytes.val().to_u64() as u16;
                    let iova = if bytes == 0 {
                        0
                    } else {
                        piece.iova.val().to_u64()
                    };
                    pieces.push((iova, bytes));
                }
                if piece.last.val() {
                    let outcome = client.waiting.pop_front().unwrap();
                    let extra = self.random.below(self.move_cycles + 1);
                    if outcome.answer.is_ok() {
                        client.moving.push((cycle + 1 + extra, outcome.epoch));
                    }
                    events.outcomes.push(outcome);
                }
            }
            if client.offered && b.request[i].ready.val() {
                let (ticket, access) = client.offers.pop_front().unwrap();
                client.offered = false;
                events.taken.push((ticket, access));
                client.waiting.push_back(Outcome {
                    client: i,
                    access,
                    ticket,
                    answer: Ok(Vec::new()),
                    taken: cycle,
                    first_piece: u64::MAX,
                    epoch: b.drain[i].epoch.val(),
                });
            }
        }
        if word_offered && b.bind.ready.val() {
            self.words.pop_front();
            self.word_offered = false;
            self.last_word = cycle;
        }
        if b.bind_result.valid.val() {
            events.bound = Some((
                CommandError::from_code(b.bind_result.error.val().to_u64() as u8).unwrap(),
                Field::from_code(b.bind_result.field.val().to_u64() as u8).unwrap(),
            ));
        }
        for i in 0..2 {
            if release[i].is_some() && b.release[i].ready.val() {
                self.release[i] = None;
                self.release_taken[i] = cycle;
            }
            let result = &b.release_result[i];
            if result.valid.val() && release_ready[i] {
                events.released[i] = Some(Released {
                    error: error(result.error.val().to_u64()),
                    one_shot: result.one_shot.val(),
                    context: result.context.val().to_u64() as u32,
                    reply: (
                        result.reply_handle.val().to_u64() as u32,
                        result.reply_va.val().to_u64(),
                        result.reply_length.val().to_u64() as u32,
                    ),
                });
            }
        }
        if walk.is_some() && b.walk.ready.val() {
            self.walk = None;
        }
        if b.walk_result.valid.val() && walk_ready {
            let result = &b.walk_result;
            events.flushed = Some((!result.done.val()).then(|| {
                (
                    result.stag.val().to_u64() as u32,
                    result.context.val().to_u64() as u32,
                )
            }));
        }
        if config.is_some() && b.vi_config.ready.val() {
            self.config = None;
        }
        events.steps = [&b.tpt_bind, &b.tpt_check, &b.tpt_release].map(|step| step.fire.val());
        events.refusals = [
            b.local_protection_error.val(),
            b.remote_protection_error.val(),
        ];
        self.dut.tick();
        events
    }

    /// Queues an access.
    pub fn ask(&mut self, client: usize, access: Access) -> usize {
        self.tickets += 1;
        self.clients[client]
            .offers
            .push_back((self.tickets, access));
        self.tickets
    }

    /// Accesses of a client that are not answered, or whose bytes still move.
    pub fn pending(&self, client: usize) -> usize {
        let client = &self.clients[client];
        client.offers.len() + client.waiting.len() + client.moving.len()
    }

    /// Accesses that were taken in this epoch and have not ended.
    pub fn unfinished(&self) -> Vec<(Access, bool)> {
        let waiting = self.clients.iter().flat_map(|c| c.waiting.iter());
        waiting.map(|o| (o.access, o.epoch)).collect()
    }

    /// Queues a command.
    pub fn post(&mut self, command: &Command) {
        let words = command.words();
        for (i, &data) in words.iter().enumerate() {
            let index = if i < 16 { i } else { i + 16 };
            self.words
                .push_back((index as u8, data, i + 1 == words.len()));
        }
    }

    /// Until `done` gives something.
    #[track_caller]
    pub fn run<R>(&mut self, mut done: impl FnMut(&mut Self, Events) -> Option<R>) -> R {
        for _ in 0..20_000 {
            let events = self.tick();
            if let Some(result) = done(self, events) {
                return result;
            }
        }
        panic!("nothing came in 20,000 cycles");
    }

    #[track_caller]
    pub fn access(&mut self, client: usize, access: Access) -> Outcome {
        let ticket = self.ask(client, access);
        self.run(|_, events| events.outcomes.into_iter().find(|o| o.ticket == ticket))
    }

    #[track_caller]
    pub fn bind(&mut self, command: &Command) -> (CommandError, Field) {
        self.post(command);
        self.run(|_, events| events.bound)
    }

    #[track_caller]
    pub fn release(&mut self, port: usize, release: Release) -> Released {
        self.release[port] = Some(release);
        self.run(|_, events| events.released[port])
    }

    #[track_caller]
    pub fn flush(&mut self, vi: u8) -> Option<(u32, u32)> {
        self.walk = Some(vi);
        self.run(|_, events| events.flushed)
    }

    #[track_caller]
    pub fn configure(&mut self, vi: u8, ptag: u32, rights: u8) {
        for (word, data) in [(3, 0xdead), (4, ptag), (5, u32::from(rights) << 24), (6, 9)] {
            self.config = Some((vi, word, data));
            self.run(|bench, _| bench.config.is_none().then_some(()));
        }
    }
}
