//! Wall time: from post to completion, and goodput from 64 B to 1 MiB, on two boards.
//!
//! ```text
//! in process   one thread is both hosts and, while it waits, the clock of both boards
//! vfio-user    drivers on sockets; the clock and each board's server have threads of their own, as in `rnic-sim`
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure, Context, Result};
use rnic_driver::board::{Board, Options};
use rnic_driver::channel::Event;
use rnic_driver::cm::{CmOptions, ConnectionManager};
use rnic_driver::vi::ViOptions;
use rnic_sim::in_process::{Clock, Sim};
use rnic_sim::model::Gateware;
use rnic_sim::simulation::Setup;
use rnic_sim::vfio_user_server::VfioUserServer;
use rnic_tests::tap::Tap;
use rnic_tests::{Host, Pair, Rig, RigOptions};

use crate::figure::{Figure, Limit, Report};
use crate::plot::{self, Curve};
use crate::stage::{Stage, LARGE_BYTES, MESSAGE_BYTES};
use crate::throughput::Rounds;

/// Rounds of the post-to-completion figure.
const ROUNDS: usize = 101;
/// Bytes moved for one point of the plot: as many messages as that takes, at least and at most so many.
const POINT_BYTES: usize = 1 << 19;
const POINT_MESSAGES: (usize, usize) = (1, 200);
/// How long a connection over sockets may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// Operations under way at once.
const UNDER_WAY: usize = 8;

/// How the drivers reach their boards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    InProcess,
    VfioUser,
}

impl Setting {
    const ALL: [Self; 2] = [Self::InProcess, Self::VfioUser];

    const fn name(self) -> &'static str {
        match self {
            Self::InProcess => "in process",
            Self::VfioUser => "vfio-user",
        }
    }
}

/// A stage in a setting; dropped in this order.
struct Served {
    stage: Stage,
    _servers: Vec<VfioUserServer>,
    _clock: Option<Clock>,
    _sockets: Option<Sockets>,
}

impl Served {
    fn new(setting: Setting, gateware: Gateware) -> Result<Self> {
        if setting == Setting::InProcess {
            return Ok(Self {
                stage: Stage::new(RigOptions::ideal(gateware))?,
                _servers: Vec::new(),
                _clock: None,
                _sockets: None,
            });
        }
        let sockets = Sockets::new()?;
        let sim = Sim::new(Setup::pair(gateware));
        let clock = sim.start_clock();
        let (mut servers, mut hosts) = (Vec::new(), Vec::new());
        for index in 0..2 {
            let path = sockets.0.join(index.to_string());
            let server = VfioUserServer::start(sim.board(index), &path, || ())
                .with_context(|| format!("cannot serve on {}", path.display()))?;
            servers.push(server);
            let options = Options {
                seed: Some(index as u64),
                ..Options::default()
            };
            let board = Board::open_url(&format!("vfio-user:{}", path.display()), options)?;
            hosts.push(Host::new(board, sim.board(index)));
        }
        let rig = Rig {
            options: RigOptions {
                connect_timeout: PATIENCE,
                ..RigOptions::ideal(gateware)
            },
            tap: Tap::install(&sim),
            pcap: None,
            sim,
            hosts,
        };
        rig.sim
            .with(|simulation| simulation.wire().set_editor(None));
        let managers = rig
            .hosts
            .iter()
            .map(|host| ConnectionManager::open(&host.board, CmOptions::default()));
        let mut managers = managers.collect::<Result<Vec<_>, _>>()?;
        let ends = Pair::connect_with(&rig, &mut managers, ViOptions::new);
        let pair = Pair {
            initiator: ends.initiator,
            responder: ends.responder,
            managers,
            connection: ends.connection,
        };
        Ok(Self {
            stage: Stage::on(rig, pair)?,
            _servers: servers,
            _clock: Some(clock),
            _sockets: Some(sockets),
        })
    }
}

/// A folder for sockets.
struct Sockets(PathBuf);

impl Sockets {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("rnic-figures-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Measures both settings and draws the plot.
pub fn measure(report: &mut Report, gateware: Gateware, picture: &Path) -> Result<()> {
    let mut curves = Vec::new();
    for setting in Setting::ALL {
        let name = setting.name();
        report.attempt("one-shot rounds", || {
            let mut served = Served::new(setting, gateware)?;
            Ok(Figure::plain(
                format!("one-shot, 64 B message and reply: post to completion, {name}"),
                round_seconds(&mut served.stage)? * 1e6,
                "µs",
                Limit::Max,
            ))
        });
        let mut curve = |short: &str, what: &str, goodput: fn(&mut Stage, usize) -> Result<f64>| {
            let mut points = Vec::new();
            for exponent in (6..=20).step_by(2) {
                let bytes = 1_usize << exponent;
                let name = format!("{what} of {bytes} B, goodput, {name}");
                report.attempt(&name, || {
                    let mut served = Served::new(setting, gateware)?;
                    let goodput = served.stage.explain(|stage| goodput(stage, bytes))?;
                    points.push((bytes as f64, goodput));
                    Ok(Figure::plain(name.as_str(), goodput, "bytes/s", Limit::Min))
                });
            }
            curves.push(Curve {
                name: format!("{short}, {name}"),
                points,
            });
        };
        curve("Write", "RDMA Write", write_goodput);
        curve("one-shot", "one-shot with an RDMA Write", one_shot_goodput);
    }
    let title = format!(
        "Goodput of two simulated boards ({}), wall time",
        gateware.config().name
    );
    fs::write(picture, plot::svg(&title, &curves))
        .with_context(|| format!("cannot write {}", picture.display()))?;
    report.note(&format!("plot: {}", picture.display()));
    Ok(())
}

/// Median wall time of a one-shot round from post to completion, one at a time.
fn round_seconds(stage: &mut Stage) -> Result<f64> {
    let rounds = Rounds {
        count: ROUNDS,
        under_way: 1,
        written_bytes: 0,
    };
    let mut times = rounds.run(stage)?;
    times.sort();
    Ok(times[times.len() / 2].as_secs_f64())
}

fn messages(bytes: usize) -> usize {
    (POINT_BYTES / bytes).clamp(POINT_MESSAGES.0, POINT_MESSAGES.1)
}

/// Bytes a second of Writes, several under way.
fn write_goodput(stage: &mut Stage, bytes: usize) -> Result<f64> {
    let count = messages(bytes);
    let descriptor = stage.write(0, 0, bytes)?;
    let channel = &mut stage.pair.initiator;
    let start = Instant::now();
    let (mut posted, mut done) = (0, 0);
    while done < count {
        while posted < count && posted - done < UNDER_WAY {
            channel.vi_mut().post_send(&descriptor, 0)?;
            posted += 1;
        }
        match channel.poll()? {
            Some(Event::Done(finished)) => {
                finished.outcome.ok()?;
                done += 1;
            }
            Some(other) => bail!("instead of a Write's completion: {other:?}"),
            None => std::thread::yield_now(),
        }
    }
    Ok((count * bytes) as f64 / start.elapsed().as_secs_f64())
}

/// Bytes a second that the responder writes into one-shots, several under way.
fn one_shot_goodput(stage: &mut Stage, bytes: usize) -> Result<f64> {
    let count = messages(bytes);
    let rounds = Rounds {
        count,
        under_way: UNDER_WAY.min(LARGE_BYTES / bytes.max(MESSAGE_BYTES)),
        written_bytes: bytes,
    };
    stage.post_all_receives(1)?;
    let start = Instant::now();
    rounds.run_with_receives(stage)?;
    let seconds = start.elapsed().as_secs_f64();
    ensure!(seconds > 0.0, "no time passed");
    Ok((count * bytes) as f64 / seconds)
}
