//! The conformance plan (`tests/kvipl/`) against the table of calls: every return code of every call has a point, every
//! asynchronous error too, and every point that is named exists.

use kvipl::exports::CALLS;
use kvipl::{ErrorCode, KvipReturn};
use std::collections::BTreeSet;
use std::path::Path;

/// What Intel's suite had at its third level.
const LEAST_POINTS: usize = 156;

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/kvipl")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The cells of each row of a file's tables.
fn rows(text: &str) -> Vec<Vec<&str>> {
    text.lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|row| row.split(" | ").collect())
        .collect()
}

/// The points of the plan: name, and what must come out.
fn points(plan: &str) -> Vec<(&str, &str)> {
    let name = |cell: &'_ str| cell.len() > 2 && cell.starts_with('`') && cell.ends_with('`');
    rows(plan)
        .into_iter()
        .filter(|row| name(row[0]))
        .map(|row| (row[0].trim_matches('`'), row[2]))
        .collect()
}

/// A code as the plan writes it.
fn short(code: KvipReturn) -> &'static str {
    code.c_name().trim_start_matches("KVIP_")
}

#[test]
fn points_are_many_and_have_names_of_their_own() {
    let plan = file("TESTPLAN.md");
    let points = points(&plan);
    let names: BTreeSet<_> = points.iter().map(|&(name, _)| name).collect();
    assert_eq!(names.len(), points.len(), "a name is used twice");
    assert!(points.len() >= LEAST_POINTS, "{} points", points.len());
    assert!(plan.starts_with(&format!(
        "# KVIPL conformance: test points\n\n{} points",
        points.len()
    )));
}

#[test]
fn every_code_of_every_call_has_a_point() {
    let (plan, returns) = (file("TESTPLAN.md"), file("RETURNS.md"));
    let points = points(&plan);
    let listed: Vec<_> = rows(&returns)
        .into_iter()
        .filter(|row| row[0].starts_with("Kvip"))
        .map(|row| (row[0], row[1], row[2]))
        .collect();
    let wanted: Vec<_> = CALLS
        .iter()
        .flat_map(|call| call.returns.iter().map(|&code| (call.name, short(code))))
        .collect();
    let found: Vec<_> = listed.iter().map(|&(call, code, _)| (call, code)).collect();
    assert_eq!(found, wanted);
    for (call, code, named) in listed {
        for name in named.split(", ").map(|name| name.trim_matches('`')) {
            let result = points.iter().find(|&&(point, _)| point == name);
            let (_, result) = result.unwrap_or_else(|| panic!("{call} {code}: no point {name:?}"));
            // The result names the code, but where it tells what a success looks like.
            let said = result.contains(code) || code == short(KvipReturn::Success);
            assert!(said, "{call}: {name} does not say {code}: {result}");
        }
    }
}

#[test]
fn every_asynchronous_error_has_a_point() {
    let plan = file("TESTPLAN.md");
    let points = points(&plan);
    for code in ErrorCode::ALL {
        let name = code.c_name().trim_start_matches("KVIP_ERROR_");
        let found = points
            .iter()
            .any(|(point, result)| point.starts_with("async_") && result.contains(name));
        assert!(found, "{name}");
    }
}
