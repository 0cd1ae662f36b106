//! `sallyport-bench load|mcp|watch [--quick] [--out FOLDER]`: measures, prints the tables, and keeps them beside the build.

use sallyport_bench::load::Plan;
use sallyport_bench::{load, mcp, report, watch};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "sallyport-bench load|mcp|watch [--quick] [--out FOLDER]

load  Direct calls of a model, nginx and Sallyport in one run: about five minutes, one with --quick.
watch Sallyport with nobody watching, and with history, audit log and telemetry: half a minute.
mcp   Direct calls of tool servers and Sallyport in one run: about a minute, less than half of it with --quick.

SALLYPORT_BIN names the gateway's binary; otherwise it is the one beside this program.
Tables go to standard output, and with the JSON to FOLDER (by default bench/ beside the binaries).";

/// What is measured.
#[derive(Clone, Copy)]
enum Subject {
    Load,
    Mcp,
    Watch,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some((subject, plan, out)) = understood(&words) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match measure(subject, plan, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sallyport-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn understood(words: &[String]) -> Option<(Subject, Plan, Option<PathBuf>)> {
    let (mut plan, mut out) = (Plan::FULL, None);
    let mut words = words.iter().map(String::as_str);
    let subject = match words.next()? {
        "load" => Subject::Load,
        "mcp" => Subject::Mcp,
        "watch" => Subject::Watch,
        _ => return None,
    };
    while let Some(word) = words.next() {
        match word {
            "--quick" => plan = Plan::QUICK,
            "--out" => out = Some(PathBuf::from(words.next()?)),
            _ => return None,
        }
    }
    Some((subject, plan, out))
}

fn measure(subject: Subject, plan: Plan, out: Option<PathBuf>) -> std::io::Result<()> {
    let say = &mut |line: &str| eprintln!("{line}");
    let (name, text, json) = match subject {
        Subject::Load => {
            let outcome = load::run(plan, say)?;
            let (text, json) = (report::markdown(&outcome), report::json(&outcome));
            ("load", text, json)
        }
        Subject::Mcp => {
            let outcome = mcp::run(plan, say)?;
            let text = mcp::report::markdown(&outcome);
            ("mcp", text, mcp::report::json(&outcome))
        }
        Subject::Watch => {
            let outcome = watch::run(plan, say)?;
            ("watch", watch::markdown(&outcome), watch::as_json(&outcome))
        }
    };
    println!("{text}");
    let folder = match out {
        Some(folder) => folder,
        None => std::env::current_exe()?.with_file_name("bench"),
    };
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join(format!("{name}.md")), text)?;
    std::fs::write(folder.join(format!("{name}.json")), format!("{json:#}\n"))?;
    eprintln!("Kept in {}", folder.display());
    Ok(())
}
