//! `docs/faults.md` says what the code plays: no fault, no deed, no call and no reason is missing there or left over.

use std::collections::BTreeSet;

use bigcommerce_simulator::{CALLS, DEEDS};

use super::derived::PLAYED;
use super::operated::{self, TASKS};
use super::reasons::{Why, of_faults, of_others, with_cells};
use super::ways::WAYS;
use super::{Cell, FAULTS, Fault, cells, crashed, deeds, others_of_parts};
use crate::architecture::source::root;

/// The rows of the table below this heading, without its head.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(root().join("docs/faults.md")).expect("docs/faults.md");
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let rows = lines.take_while(|line| !line.starts_with('#')).filter(|line| line.starts_with('|'));
    let columns =
        |line: &str| line.trim_matches('|').split('|').map(|column| column.trim().to_owned()).collect();
    let rows: Vec<Vec<String>> = rows.skip(2).map(columns).collect();
    assert!(!rows.is_empty(), "no table below {heading}");
    rows
}

/// What stands in ticks.
fn in_ticks(text: &str) -> BTreeSet<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The first column, each row once.
fn first(rows: &[Vec<String>]) -> BTreeSet<String> {
    let names: BTreeSet<String> = rows.iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    assert_eq!(names.len(), rows.len(), "a row stands twice");
    names
}

#[test]
fn every_fault_and_every_deed_stands_in_the_document_and_nothing_else() {
    let faults: BTreeSet<String> = FAULTS.iter().map(|fault| format!("{fault:?}")).collect();
    assert_eq!(first(&table("### Faults")), faults);

    let rows = table("### Deeds");
    let deeds: BTreeSet<String> = DEEDS.iter().map(|deed| format!("{deed:?}")).collect();
    assert_eq!(first(&rows), deeds);
    for deed in DEEDS {
        let row = rows.iter().find(|row| row[0] == format!("`{deed:?}`")).expect("a row");
        assert_eq!(row[1], format!("`{:?}`", deed.actor()), "{deed:?}");
        let ends: BTreeSet<String> = deeds::ends(deed).into_iter().map(str::to_owned).collect();
        assert_eq!(in_ticks(&row[3]), ends, "{deed:?}");
    }
}

#[test]
fn every_deed_to_an_order_that_is_paid_in_part_stands_in_the_document_with_its_ends() {
    let rows = table("### Deeds to parts");
    let played: BTreeSet<String> = others_of_parts::deeds().map(|deed| format!("{deed:?}")).collect();
    assert_eq!(first(&rows), played);
    for deed in others_of_parts::deeds() {
        let row = rows.iter().find(|row| row[0] == format!("`{deed:?}`")).expect("a row");
        let ends: BTreeSet<String> = others_of_parts::ends(deed).into_iter().map(str::to_owned).collect();
        assert_eq!(in_ticks(&row[1]), ends, "{deed:?}");
    }
}

#[test]
fn every_call_with_cells_stands_in_the_document_and_nothing_else() {
    let [faults, deeds] = with_cells();
    let rows = table("## Calls");
    assert_eq!(first(&rows), faults.union(&deeds).map(|call| (*call).to_owned()).collect());
    for row in &rows {
        let call = row[0].trim_matches('`');
        let says = (row[2] == "yes", row[3] == "yes");
        assert_eq!(says, (faults.contains(call), deeds.contains(call)), "{call}");
    }
}

#[test]
fn every_reason_stands_in_the_document_and_nothing_else() {
    let impossible = cells().filter_map(super::Cell::impossible).map(str::to_owned).collect();
    assert_eq!(first(&table("### Faults that cannot be")), impossible);
    let impossible = deeds::all_reasons().into_iter().map(str::to_owned).collect();
    assert_eq!(first(&table("### Deeds that cannot be")), impossible);
    let impossible = others_of_parts::all_reasons().into_iter().map(str::to_owned).collect();
    assert_eq!(first(&table("### Deeds to parts that cannot be")), impossible);
    for (heading, why) in [
        ("### Calls without faults", of_faults as fn(&str) -> Option<Why>),
        ("### Calls without deeds", of_others),
    ] {
        let rows = table(heading);
        let texts = CALLS.iter().filter_map(|call| why(call)).map(|why| why.text().to_owned()).collect();
        assert_eq!(first(&rows), texts, "{heading}");
        for row in rows.iter().filter(|row| row[1] != "every other call") {
            let given = |call: &&&str| why(call).is_some_and(|why| why.text() == row[0]);
            let calls: BTreeSet<String> = CALLS.iter().filter(given).map(|call| (*call).to_owned()).collect();
            assert_eq!(in_ticks(&row[1]), calls, "{heading}: {}", row[0]);
        }
    }
}

#[test]
fn every_way_every_task_and_every_fault_of_a_derived_call_stands_in_the_document_and_nothing_else() {
    let rows = table("### Ways");
    assert_eq!(first(&rows), WAYS.iter().map(|way| format!("{way:?}")).collect());
    for way in WAYS {
        let row = rows.iter().find(|row| row[0] == format!("`{way:?}`")).expect("a row");
        assert_eq!(row[2], format!("`{}`", way.end()), "{way:?}");
    }
    assert_eq!(first(&table("### Tasks")), TASKS.iter().map(|task| format!("{task:?}")).collect());
    let of_both = |fault: &&Fault| !FAULTS.contains(fault);
    let own = PLAYED.iter().filter(of_both).map(|fault| format!("{fault:?}")).collect();
    assert_eq!(first(&table("### Faults of derived calls")), own);
    for fault in FAULTS {
        let cell = Cell { call: "process-payment", fault, attempt: 1 };
        assert_eq!(PLAYED.contains(&fault), !cell.is_crash(), "{fault:?}");
        let of_processes = crashed::PLAYED.iter().any(|faults| faults.contains(&fault));
        assert_eq!(of_processes, cell.is_crash(), "{fault:?}");
    }
    let cannot = TASKS.iter().flat_map(|task| PLAYED.map(|fault| operated::impossible(*task, fault)));
    let reasons: BTreeSet<String> = cannot.flatten().map(str::to_owned).collect();
    assert_eq!(first(&table("### Derived cells that cannot be")), reasons);
}
