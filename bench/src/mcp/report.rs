//! The tables for people, and the same as JSON.

use super::{CONCURRENCY, Cell, Measured, Outcome, Way};
use crate::process::processor;
use serde_json::{Value, json};
use std::fmt::Write;

/// Everything as Markdown.
pub fn markdown(outcome: &Outcome) -> String {
    let mut out = String::new();
    let pinned = match (&outcome.cores.server, &outcome.cores.load) {
        (Some(server), Some(load)) => {
            format!("the gateway on core {server}, load and tool servers on {load}")
        }
        _ => "nothing pinned to a core".into(),
    };
    let _ = writeln!(
        out,
        "{} cores ({}), shared with whatever else runs; {pinned}. Load average {:.1} before, {:.1} after. Took {:.0} s.\n",
        outcome.cores.count,
        processor(),
        outcome.load.0,
        outcome.load.1,
        outcome.took.as_secs_f64()
    );
    let _ = writeln!(
        out,
        "| request | way | p50 µs | p99 µs | added p50 | added p99 | CPU µs | {CONCURRENCY} at once: requests/s | of direct | p50 µs | p99 µs | added p50 | added p99 | RSS MiB |"
    );
    out.push_str("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for (cell, measured) in &outcome.cells {
        let direct = measured.iter().find(|one| one.way == Way::Direct);
        let direct = direct.map_or(f64::INFINITY, |one| one.per_second);
        for one in measured {
            row(&mut out, *cell, one, direct);
        }
    }
    out.push('\n');
    out
}

fn row(out: &mut String, cell: Cell, one: &Measured, direct: f64) {
    let unless_direct = |text: String| match one.way {
        Way::Direct => "–".to_owned(),
        _ => text,
    };
    let added = |of: [f64; 2]| {
        of.map(|added| unless_direct(format!("{added:.0}")))
            .join(" | ")
    };
    let [p50, p99] = one.solo;
    let [together_p50, together_p99] = one.together;
    let _ = writeln!(
        out,
        "| {} | {} | {p50:.0} | {p99:.0} | {} | {} | {:.0} | {} | {together_p50:.0} | {together_p99:.0} | {} | {} |",
        cell.name(),
        one.way.name(),
        added(one.added),
        unless_direct(format!("{:.0}", one.cpu_us)),
        one.per_second,
        unless_direct(format!("{:.2}×", one.per_second / direct)),
        added(one.added_together),
        unless_direct(format!("{:.1}", one.resident_kib as f64 / 1024.0)),
    );
}

/// Everything as JSON.
pub fn json(outcome: &Outcome) -> Value {
    let rows = outcome.cells.iter().flat_map(|(cell, measured)| {
        measured.iter().map(|one| {
            json!({
                "request": cell.name(), "way": one.way.name(), "requests": one.asked,
                "p50_p99_us": one.solo, "added_us": one.added, "together_us": one.together,
                "added_together_us": one.added_together, "requests_per_second": one.per_second, "cpu_us": one.cpu_us,
                "resident_kib": one.resident_kib,
            })
        })
    });
    json!({
        "machine": {"cores": outcome.cores.count, "model": processor(), "shared": true, "load_before": outcome.load.0, "load_after": outcome.load.1},
        "concurrency": CONCURRENCY, "seconds": outcome.took.as_secs_f64(), "cells": rows.collect::<Vec<_>>(),
    })
}
