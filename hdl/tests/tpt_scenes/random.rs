//! The table against its model: binds, accesses, releases and flushes at once, with random stalls and drains.
//!
//! An access of an entry that is not being bound or released while it is checked must give exactly the model's pieces or
//! error. Of one that is, either what was true before or after is right, and nothing else.

use std::collections::HashMap;

use crate::tpt_bench::model::{Access, Command, Model, Pieces, Region, Vi};
use crate::tpt_bench::{Bench, Outcome, Release};
use crate::{CONFIG, RANDOM_CYCLES};
use rnic_abi::command::{access, flags, opcode};
use rnic_abi::error::{CommandError, TptError};
use rnic_abi::Stag;
use rnic_verilate::Stimulus;

/// What may come back.
struct Expected {
    answers: Vec<Result<Pieces, TptError>>,
    entry_age: u64,
}

struct Scene {
    bench: Bench,
    model: Model,
    binding: Option<(Command, Option<Region>)>,
    releasing: [Option<(Release, bool)>; 2],
    flushing: Option<u8>,
    /// How often something began or ended to happen to an entry.
    ages: HashMap<u32, u64>,
    expected: HashMap<usize, Expected>,
    counts: [usize; 8],
}

fn address(random: &mut Stimulus) -> u64 {
    let top = random.pick(&[0_u64, 1, 0xfffe]) << 32;
    // Near a page's end as often as not.
    top | (random.below(1 << 20) << 12 | random.pick(&[0, 1, 0xff0, 0xfff, 0x123])) & 0xffff_ffff
}

impl Scene {
    fn new(seed: u64, patience: f64, move_cycles: u64) -> Self {
        let mut bench = Bench::new(seed, patience);
        bench.move_cycles = move_cycles;
        let mut model = Model::new(CONFIG.tptes() as u32, CONFIG.sges(), CONFIG.vis());
        for vi in 0..4_u8 {
            // Two VIs share a tag.
            let ptag = [0xa5a5_0001, 0xa5a5_0002, 0x5a5a_0001, 0xa5a5_0001][usize::from(vi)];
            let rights = [3, 3, 1, 2][usize::from(vi)];
            bench.configure(vi, ptag, rights);
            model.vis[usize::from(vi)] = Vi { ptag, rights };
        }
        Self {
            bench,
            model,
            binding: None,
            releasing: [None; 2],
            flushing: None,
            ages: HashMap::new(),
            expected: HashMap::new(),
            counts: [0; 8],
        }
    }

    fn age(&mut self, stag: u32) {
        *self.ages.entry(stag >> 8).or_default() += 1;
    }

    fn in_motion(&self, index: u32) -> bool {
        let binds = matches!(&self.binding, Some((c, _)) if c.stag >> 8 == index);
        let flushes = self.flushing.is_some_and(|vi| {
            let region = self.model.regions.get(&index);
            region.is_some_and(|r| r.one_shot && r.vi == vi)
        });
        binds
            || flushes
            || self
                .releasing
                .iter()
                .flatten()
                .any(|r| r.0.stag >> 8 == index)
    }

    /// An STag in the table, or nearly one.
    fn any_stag(&mut self) -> u32 {
        let mut known: Vec<u32> = (self.model.regions.iter())
            .map(|(index, region)| Stag::new(*index, region.key).0)
            .collect();
        known.sort_unstable();
        let random = &mut self.bench.random;
        let stag = if known.is_empty() {
            0
        } else {
            random.pick(&known)
        };
        match random.below(20) {
            0 => stag ^ 1 << random.below(8),
            1 => stag ^ 1 << random.below(32),
            2 => random.below((CONFIG.tptes() as u64) << 8) as u32,
            _ => stag,
        }
    }

    fn command(&mut self) -> Command {
        let random = &mut self.bench.random;
        let stag = Stag::new(
            random.below(CONFIG.tptes() as u64) as u32,
            random.below(256) as u8,
        );
        let rights = random.pick(&[15, 15, 12, 3, access::LOCAL_READ, access::REMOTE_WRITE]);
        let base = match random.below(3) {
            0 => 0,
            1 => u64::MAX - random.below(10_000),
            _ => random.below(1 << 50),
        };
        let mut command = match random.below(3) {
            0 => {
                let length = random.pick(&[1, 64, 4096, 20_000, 3_000_000_000]);
                Command::contiguous(stag, rights, base, length, address(random))
            }
            1 => {
                let elements: Vec<_> = (0..random.below(16) + 1)
                    .map(|_| (address(random), random.pick(&[1, 2, 63, 600, 5000, 70_000])))
                    .collect();
                Command::sgl(stag, rights, base, &elements)
            }
            _ => {
                let shift = random.pick(&[12_u8, 12, 13, 21]);
                let page = 1_u64 << shift;
                let pages: Vec<_> = (0..random.below(16) + 1)
                    .map(|_| address(random) & !(page - 1))
                    .collect();
                let whole = page * pages.len() as u64 - base % page;
                let length = whole.saturating_sub(random.below(page)).max(1);
                Command::pages(stag, rights, base, length as u32, shift, &pages)
            }
        };
        command.vi = random.below(4) as u16;
        let owner = u64::from(command.vi) + u64::from(random.chance(0.1));
        command.ptag = self.model.vis[owner as usize % 4].ptag;
        command.flags = random.pick(&[0, flags::BIND_VI, flags::SINGLE_MESSAGE]);
        if random.chance(0.5) {
            command.opcode = opcode::ONE_SHOT;
        }
        command.context = random.below(1 << 32) as u32;
        command.reply = (
            random.below(1 << 32) as u32,
            random.below(1 << 63).wrapping_mul(3),
            random.below(1 << 32) as u32,
        );
        match random.below(12) {
            0 => command.length = command.length.wrapping_add(1),
            1 => command.count = command.count.wrapping_sub(1),
            2 => command.vi = 9,
            3 => command.iova |= 1 << 50,
            _ => {}
        }
        command
    }

    fn an_access(&mut self) -> Access {
        let stag = self.any_stag();
        let region = self.model.find(stag).cloned();
        let random = &mut self.bench.random;
        let mut a = Access {
            stag,
            to: random.below(1 << 50),
            length: random.pick(&[0, 1, 7, 64, 512, 1024, 1024, 9000]),
            access: 1 << random.below(4),
            vi: random.below(4) as u8,
            last: region.is_some() && random.chance(0.2),
        };
        if let Some(region) = region {
            let length = u64::from(region.length);
            a.length = a.length.min(region.length.min(65_535) as u16);
            a.to = region.base.wrapping_add(match random.below(8) {
                0 => length - u64::from(a.length),
                1 => length - u64::from(a.length) + 1,
                2 => u64::MAX,
                3 => 1 << 40,
                _ => random.below(length - u64::from(a.length) + 1),
            });
            if random.chance(0.9) {
                a.vi = region.vi;
                while region.access & a.access == 0 {
                    a.access = 1 << random.below(4);
                }
            }
        }
        a
    }

    fn begin_something(&mut self) {
        if self.binding.is_none() && self.bench.random.chance(0.05) {
            let command = self.command();
            // The driver does not use an index whose release it has not seen.
            if !self.in_motion(command.stag >> 8) {
                self.bench.post(&command);
                self.age(command.stag);
                self.binding = Some((command, None));
            }
        }
        for port in 0..2 {
            let crowded = self.model.free() < 20 || self.model.regions.len() > 30;
            let chance = if crowded { 0.1 } else { 0.001 };
            if self.releasing[port].is_some() || !self.bench.random.chance(chance) {
                continue;
            }
            let stag = self.any_stag();
            if self.in_motion(stag >> 8) || self.flushing.is_some() {
                continue;
            }
            let random = &mut self.bench.random;
            let owner = self.model.find(stag).map(|r| r.vi);
            let vi = owner.filter(|_| random.chance(0.9));
            let release = Release {
                stag,
                vi: vi.unwrap_or(random.below(4) as u8),
                force: port == 1,
                peek: random.chance(0.2),
            };
            self.age(stag);
            self.bench.release[port] = Some(release);
            self.releasing[port] = Some((release, false));
        }
        let idle = self.releasing.iter().all(Option::is_none) && self.binding.is_none();
        if self.flushing.is_none() && idle && self.bench.random.chance(0.015) {
            let vi = self.bench.random.below(4) as u8;
            self.flushing = Some(vi);
            self.bench.walk = Some(vi);
        }
        for client in 0..5 {
            if self.bench.pending(client) < 3 && self.bench.random.chance(0.3) {
                let access = self.an_access();
                self.bench.ask(client, access);
            }
        }
    }

    /// What the model says at the moment in which the request is taken.
    fn expect(&mut self, ticket: usize, access: Access) {
        let index = access.stag >> 8;
        let mut answers = Vec::new();
        if self.in_motion(index) {
            answers.push(Err(TptError::InvalidStag));
            if let Some((command, _)) = &self.binding {
                if command.stag == access.stag {
                    if let (CommandError::None, _, Some(region)) = self.model.bind(command) {
                        let vi = self.model.vis[usize::from(access.vi)];
                        answers.push(region.check(&access, vi));
                    }
                }
            }
        }
        answers.push(self.model.check(&access));
        let entry_age = self.ages.get(&index).copied().unwrap_or(0);
        self.expected
            .insert(ticket, Expected { answers, entry_age });
    }

    fn judge(&mut self, outcome: &Outcome) {
        let mut expected = self.expected.remove(&outcome.ticket).unwrap();
        let age = self.ages.get(&(outcome.access.stag >> 8)).copied();
        if age.unwrap_or(0) != expected.entry_age {
            // A release began, or a bind ended, between the request and its last piece.
            expected.answers.push(Err(TptError::InvalidStag));
        }
        assert!(
            expected.answers.contains(&outcome.answer),
            "{outcome:x?}\nexpected one of {:x?}",
            expected.answers
        );
        match outcome.answer {
            Ok(_) => self.counts[0] += 1,
            Err(_) => self.counts[1] += 1,
        }
    }

    fn tick(&mut self) {
        let unfinished = self.bench.unfinished();
        let events = self.bench.tick();
        for (ticket, access) in &events.taken {
            self.expect(*ticket, *access);
        }
        for outcome in &events.outcomes {
            self.judge(outcome);
        }
        if let Some((error, field)) = events.bound {
            let (command, _) = self.binding.take().expect("a result nobody waits for");
            let (wanted, wanted_field, region) = self.model.bind(&command);
            assert_eq!((error, field), (wanted, wanted_field), "{command:x?}");
            self.age(command.stag);
            self.counts[3] += usize::from(region.is_none());
            if let Some(region) = region {
                self.counts[2] += 1;
                self.model.regions.insert(command.stag >> 8, region);
            }
        }
        for port in 0..2 {
            let Some(released) = events.released[port] else {
                continue;
            };
            let (release, _) = self.releasing[port].take().unwrap();
            self.age(release.stag);
            let wanted = self
                .model
                .may_release(release.stag, release.vi, release.force);
            let wanted = wanted.cloned();
            assert_eq!(
                released.error,
                wanted.as_ref().err().copied().unwrap_or(TptError::None),
                "{release:x?}"
            );
            self.counts[5] += usize::from(wanted.is_err());
            let Ok(region) = wanted else { continue };
            assert_eq!(released.one_shot, region.one_shot);
            if region.one_shot {
                assert_eq!(released.context, region.context);
                assert_eq!(released.reply, region.reply);
            }
            if !release.peek {
                self.gone(release.stag, &unfinished);
                self.counts[4] += 1;
            }
        }
        if let Some(flushed) = events.flushed {
            let vi = self.flushing.take().unwrap();
            let left = (self.model.regions.iter()).filter(|(_, r)| r.one_shot && r.vi == vi);
            let lowest = left
                .map(|(index, r)| (Stag::new(*index, r.key).0, r.context))
                .min();
            assert_eq!(flushed, lowest);
            if let Some((stag, _)) = flushed {
                self.age(stag);
                self.gone(stag, &unfinished);
                self.counts[6] += 1;
            }
        }
    }

    /// The entry is released: nothing that was admitted may be left.
    fn gone(&mut self, stag: u32, unfinished: &[(Access, bool)]) {
        let epoch = self.bench.dut.block().drain[0].epoch.val();
        for (access, filed) in unfinished {
            assert!(
                access.stag != stag || *filed == epoch,
                "{access:x?} outlives its STag"
            );
        }
        self.model.regions.remove(&(stag >> 8));
    }

    fn run(&mut self, cycles: usize) {
        for _ in 0..cycles {
            self.begin_something();
            self.tick();
        }
        // Everything comes to rest, and everything comes back.
        while self.binding.is_some()
            || self.flushing.is_some()
            || self.releasing.iter().any(Option::is_some)
            || (0..5).any(|client| self.bench.pending(client) > 0)
        {
            self.tick();
        }
        assert_eq!(self.bench.free(), self.model.free());
        let mut stags: Vec<u32> = (self.model.regions.iter())
            .map(|(index, region)| Stag::new(*index, region.key).0)
            .collect();
        stags.sort_unstable();
        for stag in stags {
            let release = Release {
                stag,
                vi: 0,
                force: true,
                peek: false,
            };
            assert_eq!(self.bench.release(1, release).error, TptError::None);
        }
        assert_eq!(self.bench.free(), CONFIG.sges());
        assert!(self.bench.tick().outcomes.is_empty());
        assert!(!self.bench.dut.block().busy.val());
        println!(
            "admitted, refused; bound, not; released, not; flushed: {:?}",
            &self.counts[..7]
        );
        assert!(
            self.counts[..7].iter().all(|&count| count >= 2),
            "nothing was tested"
        );
    }
}

#[test]
fn agrees_with_the_model_when_nobody_stalls() {
    Scene::new(11, 1.0, 0).run(RANDOM_CYCLES);
}

#[test]
fn agrees_with_the_model_under_random_backpressure_and_slow_drains() {
    Scene::new(12, 0.5, 60).run(RANDOM_CYCLES);
}

#[test]
fn agrees_with_the_model_when_the_bus_is_slow() {
    Scene::new(13, 0.1, 300).run(RANDOM_CYCLES);
}
