//! A picture of the steps: one lane a step, both boards, the first round of each kind.
//!
//! ```text
//! command_post  |*                              * board 0   # board 1
//! command_fetch | *
//! ...           |     cycles --->               thin lines: an FPDU on the wire
//! ```
//! A round begins with a `command_post` that leads to a `tpt_bind` and ends with the `complete` after that board's next
//! `tpt_release`; a bind whose board completes something before that was a register command, or one of several one-shots
//! under way, and is no round. Where the other board read more payload than this one, it wrote into the advertised buffer; else it read
//! from it. Without rounds the picture shows the first events there are.

use std::fmt::Write as _;

use rnic_abi::step::Step;

use crate::pcap::CYCLE_NS;
use crate::trace::StepEvent;

const COLOURS: [&str; 2] = ["#1f6feb", "#d9480f"];
const LEFT: f64 = 150.0;
const WIDTH: f64 = 1050.0;
const LANE: f64 = 24.0;
const PANEL_HEAD: f64 = 64.0;
const PANEL_FOOT: f64 = 46.0;
const PAGE_HEAD: f64 = 56.0;
/// Events shown where there is no round.
const WITHOUT_ROUNDS: usize = 200;
/// Cycles left free on both sides, as a part of the panel's.
const MARGIN: u64 = 40;

/// Lanes in the order of the path, which is not that of the numbers.
const LANES: [Step; 16] = [
    Step::CommandPost,
    Step::CommandFetch,
    Step::TptBind,
    Step::Doorbell,
    Step::DescriptorFetch,
    Step::PayloadRead,
    Step::DdpInsert,
    Step::MpaFrame,
    Step::LlpSend,
    Step::LlpReceive,
    Step::MpaCheck,
    Step::DdpParse,
    Step::TptCheck,
    Step::Place,
    Step::TptRelease,
    Step::Complete,
];

/// A stretch of the trace with a title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// What it shows.
    pub title: String,
    /// First cycle.
    pub from: u64,
    /// Last cycle.
    pub to: u64,
}

/// The picture of a trace.
pub fn svg(events: &[StepEvent]) -> String {
    let mut rounds = first_rounds(events);
    if rounds.is_empty() {
        if let (Some(first), Some(last)) = (
            events.first(),
            events.iter().take(WITHOUT_ROUNDS).next_back(),
        ) {
            rounds.push(Round {
                title: "the first steps".to_string(),
                from: first.cycle,
                to: last.cycle,
            });
        }
    }
    let flights = flights(events);
    let mut body = String::new();
    let mut y = PAGE_HEAD;
    for round in &rounds {
        y += panel(&mut body, round, events, &flights, y);
    }
    let (width, height) = (LEFT + WIDTH + 40.0, y + 10.0);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"Inter, Helvetica, Arial, sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n\
         <text x=\"20\" y=\"30\" font-size=\"18\" font-weight=\"600\" fill=\"#1b1f24\">One-shot RDMA, step by step</text>\n"
    );
    for (board, colour) in COLOURS.iter().enumerate() {
        let x = LEFT + WIDTH - 250.0 + 90.0 * board as f64;
        let _ = writeln!(
            text,
            "<rect x=\"{x}\" y=\"19\" width=\"14\" height=\"10\" rx=\"2\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"28\" fill=\"#1b1f24\">board {board}</text>",
            x + 20.0
        );
    }
    let x = LEFT + WIDTH - 70.0;
    let _ = writeln!(
        text,
        "<line x1=\"{x}\" y1=\"24\" x2=\"{}\" y2=\"24\" stroke=\"#8b949e\"/><text x=\"{}\" y=\"28\" fill=\"#1b1f24\">FPDU</text>",
        x + 18.0,
        x + 24.0
    );
    text + &body + "</svg>\n"
}

/// The first round of each kind and board: written into, read from.
pub fn first_rounds(events: &[StepEvent]) -> Vec<Round> {
    let mut rounds: Vec<Round> = Vec::new();
    for (index, bind) in events.iter().enumerate() {
        if bind.step != Step::TptBind {
            continue;
        }
        let of =
            |step: Step| move |event: &&StepEvent| event.board == bind.board && event.step == step;
        let post = events[..index].iter().rfind(of(Step::CommandPost));
        let Some(release) = events[index..]
            .iter()
            .position(|event| of(Step::TptRelease)(&event))
        else {
            continue;
        };
        let end = events[index + release..].iter().find(of(Step::Complete));
        let (Some(post), Some(end)) = (post, end) else {
            continue;
        };
        let before = &events[index..index + release];
        if before.iter().any(|event| of(Step::Complete)(&event)) {
            continue;
        }
        let reads = |own: bool| {
            let span = &events[index..index + release];
            let read = |event: &&StepEvent| {
                event.step == Step::PayloadRead && (event.board == bind.board) == own
            };
            span.iter().filter(read).count()
        };
        let kind = if reads(false) > reads(true) {
            "writes into"
        } else {
            "reads from"
        };
        let title = format!(
            "board {} {kind} the buffer of board {}",
            bind.board ^ 1,
            bind.board
        );
        if rounds.iter().all(|known| known.title != title) {
            rounds.push(Round {
                title,
                from: post.cycle,
                to: end.cycle,
            });
        }
    }
    rounds
}

/// Draws one round at height `top` and returns how high it is.
fn panel(
    text: &mut String,
    round: &Round,
    events: &[StepEvent],
    flights: &[(StepEvent, StepEvent)],
    top: f64,
) -> f64 {
    let span = round.to - round.from;
    let margin = (span / MARGIN).max(2);
    let (from, to) = (round.from.saturating_sub(margin), round.to + margin);
    let x = |cycle: u64| LEFT + (cycle - from) as f64 * WIDTH / (to - from) as f64;
    let shown: Vec<&StepEvent> = events
        .iter()
        .filter(|event| (from..=to).contains(&event.cycle))
        .collect();
    let lanes: Vec<Step> = LANES
        .into_iter()
        .filter(|&lane| shown.iter().any(|event| event.step == lane))
        .collect();
    let lane_top = |step: Step| {
        let place = lanes.iter().position(|&lane| lane == step).unwrap_or(0);
        top + PANEL_HEAD + LANE * place as f64
    };
    let bottom = top + PANEL_HEAD + LANE * lanes.len() as f64;

    let _ = writeln!(
        text,
        "<text x=\"20\" y=\"{}\" font-size=\"14\" font-weight=\"600\" fill=\"#1b1f24\">{}</text>\
         <text x=\"20\" y=\"{}\" fill=\"#57606a\">{span} cycles, {:.2} µs at 31.25 MHz</text>",
        top + 20.0,
        round.title,
        top + 38.0,
        (span * CYCLE_NS) as f64 / 1000.0
    );
    for (place, lane) in lanes.iter().enumerate() {
        let y = top + PANEL_HEAD + LANE * place as f64;
        let fill = if place % 2 == 0 { "#f6f8fa" } else { "#ffffff" };
        let _ = writeln!(
            text,
            "<rect x=\"{LEFT}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{LANE}\" fill=\"{fill}\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#1b1f24\">{}<title>{}</title></text>",
            LEFT - 10.0,
            y + 16.0,
            lane.name(),
            lane.doc()
        );
    }
    let step = tick_step(to - from);
    let mut tick = round.from;
    while tick <= to {
        let at = x(tick);
        let _ = writeln!(
            text,
            "<line x1=\"{at:.1}\" y1=\"{}\" x2=\"{at:.1}\" y2=\"{bottom}\" stroke=\"#d0d7de\" stroke-width=\"0.7\"/>\
             <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#57606a\" font-size=\"11\">{}</text>",
            top + PANEL_HEAD,
            bottom + 16.0,
            tick - round.from
        );
        tick += step;
    }
    let _ = writeln!(
        text,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"#57606a\" font-size=\"11\">cycles from cycle {}</text>",
        LEFT + WIDTH,
        bottom + 32.0,
        round.from
    );
    let centre = |event: &StepEvent| lane_top(event.step) + 7.0 + 10.0 * f64::from(event.board & 1);
    for (sent, arrived) in flights {
        if sent.cycle < from || arrived.cycle > to {
            continue;
        }
        let _ = writeln!(
            text,
            "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#8b949e\" stroke-width=\"0.8\"/>",
            x(sent.cycle),
            centre(sent),
            x(arrived.cycle),
            centre(arrived)
        );
    }
    for event in &shown {
        let second = usize::from(event.board & 1);
        let _ = writeln!(
            text,
            "<rect x=\"{:.1}\" y=\"{}\" width=\"4\" height=\"8\" rx=\"1.5\" fill=\"{}\"><title>{}, board {}, VI {}, cycle {}</title></rect>",
            x(event.cycle) - 2.0,
            centre(event) - 4.0,
            COLOURS[second],
            event.step.name(),
            event.board,
            event.vi,
            event.cycle - round.from.min(event.cycle)
        );
    }
    bottom - top + PANEL_FOOT
}

/// Where each FPDU left and arrived. They do not overtake each other, so the n-th that one board checks is the n-th that the
/// other framed; an acknowledgement alone carries none and arrives unseen.
fn flights(events: &[StepEvent]) -> Vec<(StepEvent, StepEvent)> {
    let (mut framed, mut left, mut arrived) = ([0; 2], [vec![], vec![]], [vec![], vec![]]);
    for event in events {
        let board = usize::from(event.board & 1);
        match event.step {
            Step::MpaFrame => framed[board] += 1,
            Step::LlpSend if framed[board] > 0 => {
                framed[board] -= 1;
                left[board].push(*event);
            }
            Step::MpaCheck => arrived[board].push(*event),
            _ => {}
        }
    }
    let [left_0, left_1] = left;
    let [arrived_0, arrived_1] = arrived;
    let there = left_0.into_iter().zip(arrived_1);
    there.chain(left_1.into_iter().zip(arrived_0)).collect()
}

/// A round number of cycles that gives about ten ticks.
fn tick_step(cycles: u64) -> u64 {
    let mut step = 1;
    loop {
        for factor in [1, 2, 5] {
            if cycles / (step * factor) <= 12 {
                return step * factor;
            }
        }
        step *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(cycle: u64, board: u8, step: Step) -> StepEvent {
        StepEvent {
            cycle,
            board,
            step,
            vi: 1,
        }
    }

    /// Post and bind on `board`, payload read `reader`, release and completion, from `start` on.
    fn round(start: u64, board: u8, reader: u8) -> Vec<StepEvent> {
        let mut events = vec![
            event(start, board, Step::CommandPost),
            event(start + 9, board, Step::TptBind),
        ];
        for at in 0..4 {
            events.push(event(start + 50 + 20 * at, reader, Step::PayloadRead));
            events.push(event(start + 58 + 20 * at, reader, Step::MpaFrame));
            events.push(event(start + 60 + 20 * at, reader, Step::LlpSend));
            events.push(event(start + 62 + 20 * at, reader, Step::LlpSend));
            events.push(event(start + 65 + 20 * at, reader ^ 1, Step::MpaCheck));
        }
        events.push(event(start + 180, board, Step::TptRelease));
        events.push(event(start + 190, board, Step::Complete));
        events
    }

    #[test]
    fn the_first_round_of_each_kind_is_shown() {
        let events = [round(100, 0, 1), round(400, 0, 1), round(700, 0, 0)].concat();
        let rounds = first_rounds(&events);
        let titles: Vec<&str> = rounds.iter().map(|round| round.title.as_str()).collect();
        assert_eq!(
            titles,
            [
                "board 1 writes into the buffer of board 0",
                "board 1 reads from the buffer of board 0"
            ]
        );
        assert_eq!((rounds[0].from, rounds[0].to), (100, 290));
        assert_eq!((rounds[1].from, rounds[1].to), (700, 890));
        let picture = svg(&events);
        assert_eq!(picture.matches("<title>payload_read, ").count(), 8);
        assert!(picture.ends_with("</svg>\n"));
        // An FPDU a line, and none for what carries no FPDU.
        let flights = flights(&events);
        assert_eq!(flights.len(), 12);
        assert!(flights.iter().all(|(sent, arrived)| {
            sent.step == Step::LlpSend && arrived.cycle - sent.cycle == 5
        }));
    }

    #[test]
    fn a_register_command_is_no_round() {
        let register = [
            event(100, 0, Step::CommandPost),
            event(109, 0, Step::TptBind),
            event(120, 0, Step::Complete),
        ];
        let events = [register.to_vec(), round(400, 0, 1)].concat();
        let rounds = first_rounds(&events);
        assert_eq!(rounds.len(), 1);
        assert_eq!(rounds[0].from, 400);
    }

    #[test]
    fn a_trace_without_rounds_and_an_empty_one_are_drawn() {
        assert!(svg(&[event(5, 0, Step::Doorbell)]).contains("the first steps"));
        assert!(svg(&[]).ends_with("</svg>\n"));
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(
            [
                tick_step(10),
                tick_step(100),
                tick_step(1000),
                tick_step(3000)
            ],
            [1, 10, 100, 500]
        );
    }
}
