//! Curves on logarithmic axes, as SVG.

use std::fmt::Write as _;

/// One curve; all values positive.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// Bytes of a message, bytes a second.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 440.0;
/// Edges of the plot area.
const LEFT: f64 = 80.0;
const RIGHT: f64 = 560.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = 390.0;
const COLOURS: [&str; 4] = ["#1f6feb", "#d9480f", "#2da44e", "#8250df"];

/// The picture.
pub fn svg(title: &str, curves: &[Curve]) -> String {
    let points = || curves.iter().flat_map(|curve| &curve.points);
    let low = points().map(|point| point.1).fold(f64::MAX, f64::min);
    let high = points().map(|point| point.1).fold(1.0, f64::max);
    let (low, high) = (low.log10().floor(), high.log10().ceil());
    let x = |bytes: f64| LEFT + (bytes.log2() - 6.0) / 14.0 * (RIGHT - LEFT);
    let y = |rate: f64| BOTTOM - (rate.log10() - low) / (high - low).max(1.0) * (BOTTOM - TOP);

    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"Inter, Helvetica, Arial, sans-serif\" font-size=\"12\" fill=\"#1b1f24\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         <text x=\"20\" y=\"28\" font-size=\"16\" font-weight=\"600\">{title}</text>\n"
    );
    for exponent in (6..=20).step_by(2) {
        let at = x(f64::from(1 << exponent));
        let label = match exponent {
            20.. => "1 MiB".to_string(),
            10.. => format!("{} KiB", 1 << (exponent - 10)),
            _ => format!("{} B", 1 << exponent),
        };
        let _ = writeln!(
            text,
            "<line x1=\"{at:.1}\" y1=\"{TOP}\" x2=\"{at:.1}\" y2=\"{BOTTOM}\" stroke=\"#d0d7de\" stroke-width=\"0.7\"/>\
             <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#57606a\">{label}</text>",
            BOTTOM + 18.0
        );
    }
    for exponent in low as i32..=high as i32 {
        let rate = 10_f64.powi(exponent);
        let at = y(rate);
        let label = match exponent {
            9.. => format!("{:.0} GB/s", rate / 1e9),
            6.. => format!("{:.0} MB/s", rate / 1e6),
            3.. => format!("{:.0} kB/s", rate / 1e3),
            _ => format!("{rate:.0} B/s"),
        };
        let _ = writeln!(
            text,
            "<line x1=\"{LEFT}\" y1=\"{at:.1}\" x2=\"{RIGHT}\" y2=\"{at:.1}\" stroke=\"#d0d7de\" stroke-width=\"0.7\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#57606a\">{label}</text>",
            LEFT - 8.0,
            at + 4.0
        );
    }
    for (index, curve) in curves.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        let mut line = String::new();
        for &(bytes, rate) in &curve.points {
            let _ = write!(line, "{:.1},{:.1} ", x(bytes), y(rate));
            let _ = writeln!(
                text,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"><title>{bytes} B: {rate:.0} bytes/s</title></circle>",
                x(bytes),
                y(rate)
            );
        }
        let at = TOP + 10.0 + 22.0 * index as f64;
        let _ = writeln!(
            text,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\"/>\
             <rect x=\"{}\" y=\"{}\" width=\"14\" height=\"4\" rx=\"2\" fill=\"{colour}\"/><text x=\"{}\" y=\"{}\">{}</text>",
            line.trim_end(),
            RIGHT + 20.0,
            at - 2.0,
            RIGHT + 42.0,
            at + 4.0,
            curve.name
        );
    }
    let _ = writeln!(
        text,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"#57606a\">bytes of a message</text>\n</svg>",
        (LEFT + RIGHT) / 2.0,
        BOTTOM + 38.0
    );
    text
}
