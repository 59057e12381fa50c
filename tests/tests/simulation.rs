//! The simulation itself: a run repeats exactly, and a board at rest costs nothing.

use std::time::{Duration, Instant};

use rnic_driver::command::Access;
use rnic_sim::model::Gateware;
use rnic_tests::{Scene, Shape, Side, BOTH};

/// A round with RDMA Write; the trace hash after it, and how many events it stands for.
fn hash_of_a_run(gateware: Gateware, seed: u64) -> (String, u64) {
    let mut scene = Scene::new(gateware, seed);
    let area = scene.area(Side::Initiator, "answer", Shape::Sgl(3), 3_000);
    let reply = scene.reply_buffer(64);
    let (stag, reference) = scene.advertise(&area, Access::REMOTE_WRITE, b"go", Some(&reply));
    scene.fill(stag, &area);
    scene.give_back(stag, reference, b"done", &reply);
    scene.rig.settle();
    let result = scene.rig.sim.with(|simulation| {
        let trace = simulation.trace();
        (trace.hash(), trace.count())
    });
    scene.finish(4);
    result
}

#[test]
fn trace_hash_repeats() {
    for gateware in BOTH {
        let first = hash_of_a_run(gateware, 501);
        assert!(first.1 > 100, "the run did something: {} events", first.1);
        for _ in 0..2 {
            assert_eq!(hash_of_a_run(gateware, 501), first);
        }
        assert_ne!(hash_of_a_run(gateware, 502).0, first.0);
    }
}

/// Processor time of the threads that are clocks, in the kernel's ticks of 10 ms; `None` if there is none.
fn clock_ticks() -> Option<u64> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let ticks = tasks.filter_map(|task| {
        let stat = std::fs::read_to_string(task.ok()?.path().join("stat")).ok()?;
        // proc(5): number (name) state ..., user and system time are fields 14 and 15.
        let (name, rest) = stat.rsplit_once(") ")?;
        let number = |field: usize| rest.split(' ').nth(field - 3)?.parse::<u64>().ok();
        name.ends_with("(clock")
            .then(|| Some(number(14)? + number(15)?))?
    });
    ticks.reduce(|sum, more| sum + more)
}

#[test]
fn idle_sleeps() {
    for gateware in BOTH {
        let scene = Scene::new(gateware, 503);
        scene.rig.settle();
        let sim = scene.rig.sim.clone();
        assert!(
            !sim.with(|simulation| simulation.busy()),
            "two connected boards come to rest"
        );
        let clock = sim.start_clock();
        let (cycle, started) = (sim.cycles(), Instant::now());
        // A thread gets its name when it first runs.
        let used = loop {
            assert!(started.elapsed() < Duration::from_secs(10), "no clock");
            match clock_ticks() {
                Some(ticks) => break ticks,
                None => std::thread::yield_now(),
            }
        };
        std::thread::sleep(Duration::from_millis(300));
        assert!(started.elapsed() >= Duration::from_millis(300));
        assert_eq!(sim.cycles(), cycle, "the clock stands still");
        let ticks = clock_ticks().unwrap() - used;
        assert!(ticks < 5, "an idle clock took {ticks} ticks");
        drop(clock);
        scene.finish(0);
    }
}
