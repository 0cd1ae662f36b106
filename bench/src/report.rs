//! The tables for people, and the same as JSON.

use crate::load::{CONCURRENCY, Cell, IDLE_STREAMS, Measured, Outcome};
use crate::process::processor;
use crate::servers::Kind;
use serde_json::{Value, json};
use std::fmt::Write;

/// An aim: what is measured, in which cell, at most how much.
struct Aim {
    what: &'static str,
    most: f64,
    unit: &'static str,
    got: Option<f64>,
}

/// Everything as Markdown.
pub fn markdown(outcome: &Outcome) -> String {
    let mut out = String::new();
    let pinned = match (&outcome.cores.server, &outcome.cores.load) {
        (Some(server), Some(load)) => {
            format!("the server on core {server}, load and upstream on {load}")
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
    if !outcome.nginx {
        out.push_str("**nginx was not installed and is left out.**\n\n");
    }
    table(&mut out, "Whole answers", outcome, |cell| {
        !cell.stream && !cell.secrets
    });
    table(&mut out, "Streamed answers, 64 events", outcome, |cell| {
        cell.stream
    });
    table(
        &mut out,
        "Whole answers, one secret for 8 KB of request masked",
        outcome,
        |cell| cell.secrets,
    );
    memory(&mut out, outcome);
    against_aims(&mut out, outcome);
    out
}

fn table(out: &mut String, title: &str, outcome: &Outcome, wanted: impl Fn(&Cell) -> bool) {
    let _ = writeln!(out, "### {title}\n");
    out.push_str("| request | server | requests/s | of nginx | CPU µs | of nginx | p50 µs | added p50 | added p99 | first byte µs | added | RSS MiB |\n");
    out.push_str("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for (cell, measured) in outcome.cells.iter().filter(|(cell, _)| wanted(cell)) {
        let nginx = of_nginx(outcome, cell);
        for one in measured {
            row(out, *cell, one, nginx);
        }
    }
    out.push('\n');
}

/// nginx with the same size and way of answering.
fn of_nginx<'o>(outcome: &'o Outcome, cell: &Cell) -> Option<&'o Measured> {
    let same =
        |other: &Cell| other.bytes == cell.bytes && other.stream == cell.stream && !other.secrets;
    let (_, measured) = outcome.cells.iter().find(|(other, _)| same(other))?;
    measured.iter().find(|one| one.kind == Kind::Nginx)
}

fn row(out: &mut String, cell: Cell, one: &Measured, nginx: Option<&Measured>) {
    let direct = one.kind == Kind::Direct;
    let ratio = |of: fn(&Measured) -> f64| match nginx {
        Some(nginx) if !direct && of(nginx) > 0.0 => format!("{:.2}×", of(one) / of(nginx)),
        _ => "–".into(),
    };
    let unless_direct = |value: f64| {
        if direct {
            "–".to_owned()
        } else {
            format!("{value:.0}")
        }
    };
    let resident = if direct {
        "–".into()
    } else {
        format!("{:.1}", one.resident_kib as f64 / 1024.0)
    };
    let _ = writeln!(
        out,
        "| {} | {} | {:.0} | {} | {} | {} | {:.0} | {} | {} | {:.0} | {} | {resident} |",
        size(cell.bytes),
        one.kind.name(),
        one.per_second,
        ratio(|m| m.per_second),
        unless_direct(one.cpu_us),
        ratio(|m| m.cpu_us),
        one.p50_us,
        unless_direct(one.added_p50_us),
        unless_direct(one.added_p99_us),
        one.first_us,
        unless_direct(one.added_first_us)
    );
}

fn memory(out: &mut String, outcome: &Outcome) {
    let _ = writeln!(
        out,
        "### Memory\n\n| server | fresh, MiB | an idle stream, KiB ({IDLE_STREAMS} open) |\n|---|--:|--:|"
    );
    for (kind, idle) in &outcome.idle_kib {
        let fresh = outcome
            .fresh_kib
            .iter()
            .find(|(other, _)| other == kind)
            .map_or(0, |(_, kib)| *kib);
        let _ = writeln!(
            out,
            "| {} | {:.1} | {idle:.1} |",
            kind.name(),
            fresh as f64 / 1024.0
        );
    }
    out.push('\n');
}

fn against_aims(out: &mut String, outcome: &Outcome) {
    out.push_str("### Against the aims, policy + detectors\n\n| aim | at most | measured | |\n|---|--:|--:|---|\n");
    for aim in aims(outcome) {
        let Some(got) = aim.got else { continue };
        let verdict = if got <= aim.most {
            "met".to_owned()
        } else {
            format!("missed, {:.1} times", got / aim.most)
        };
        let _ = writeln!(
            out,
            "| {} | {:.0} {} | {got:.0} {} | {verdict} |",
            aim.what, aim.most, aim.unit, aim.unit
        );
    }
}

fn aims(outcome: &Outcome) -> Vec<Aim> {
    let whole = |bytes: usize| {
        let cell = Cell {
            bytes,
            stream: false,
            secrets: false,
        };
        let (_, measured) = outcome.cells.iter().find(|(other, _)| *other == cell)?;
        measured.iter().find(|one| one.kind == Kind::Detectors)
    };
    let idle = outcome
        .idle_kib
        .iter()
        .find(|(kind, _)| *kind == Kind::Detectors)
        .map(|(_, kib)| *kib);
    vec![
        Aim {
            what: "CPU a request at 4 KB",
            most: 110.0,
            unit: "µs",
            got: whole(4 << 10).map(|m| m.cpu_us),
        },
        Aim {
            what: "CPU a request at 100 KB",
            most: 450.0,
            unit: "µs",
            got: whole(100 << 10).map(|m| m.cpu_us),
        },
        Aim {
            what: "added p50 at 4 KB",
            most: 200.0,
            unit: "µs",
            got: whole(4 << 10).map(|m| m.added_p50_us),
        },
        Aim {
            what: "CPU a request at 1 MB, all of it",
            most: 8000.0,
            unit: "µs",
            got: whole(1 << 20).map(|m| m.cpu_us),
        },
        Aim {
            what: "memory of an idle stream",
            most: 64.0,
            unit: "KiB",
            got: idle,
        },
    ]
}

fn size(bytes: usize) -> String {
    match bytes >> 10 {
        kib if kib >= 1024 => format!("{} MB", kib >> 10),
        kib => format!("{kib} KB"),
    }
}

/// Everything as JSON.
pub fn json(outcome: &Outcome) -> Value {
    let cells: Vec<Value> = outcome
        .cells
        .iter()
        .flat_map(|(cell, measured)| measured.iter().map(|one| cell_json(*cell, one)))
        .collect();
    let idle: Vec<Value> = outcome
        .idle_kib
        .iter()
        .map(|(kind, kib)| json!({"server": kind.name(), "kib": kib}))
        .collect();
    json!({
        "machine": {"cores": outcome.cores.count, "model": processor(), "shared": true, "load_before": outcome.load.0, "load_after": outcome.load.1,
            "server_core": outcome.cores.server, "load_cores": outcome.cores.load},
        "concurrency": CONCURRENCY, "seconds": outcome.took.as_secs_f64(), "cells": cells, "idle_stream": idle,
    })
}

fn cell_json(cell: Cell, one: &Measured) -> Value {
    json!({
        "bytes": cell.bytes, "stream": cell.stream, "masked": cell.secrets, "server": one.kind.name(), "requests": one.asked,
        "requests_per_second": one.per_second, "cpu_us": one.cpu_us, "p50_us": one.p50_us, "p99_us": one.p99_us,
        "added_p50_us": one.added_p50_us, "added_p99_us": one.added_p99_us, "first_byte_us": one.first_us,
        "added_first_byte_us": one.added_first_us, "resident_kib": one.resident_kib,
    })
}
