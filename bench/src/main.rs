//! `sallyport-bench load [--quick] [--out FOLDER]`: measures, prints the tables, and keeps them beside the build.

use sallyport_bench::load::{Plan, run};
use sallyport_bench::report;
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "sallyport-bench load [--quick] [--out FOLDER]

Measures direct calls, nginx and Sallyport in one run: about five minutes, one with --quick.
SALLYPORT_BIN names the gateway's binary; otherwise it is the one beside this program.
Tables go to standard output, and with the JSON to FOLDER (by default bench/ beside the binaries).";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some((plan, out)) = understood(&words) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match measure(plan, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sallyport-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn understood(words: &[String]) -> Option<(Plan, Option<PathBuf>)> {
    let (mut plan, mut out) = (Plan::FULL, None);
    let mut words = words.iter().map(String::as_str);
    if words.next() != Some("load") {
        return None;
    }
    while let Some(word) = words.next() {
        match word {
            "--quick" => plan = Plan::QUICK,
            "--out" => out = Some(PathBuf::from(words.next()?)),
            _ => return None,
        }
    }
    Some((plan, out))
}

fn measure(plan: Plan, out: Option<PathBuf>) -> std::io::Result<()> {
    let outcome = run(plan, &mut |line| eprintln!("{line}"))?;
    let text = report::markdown(&outcome);
    println!("{text}");
    let folder = match out {
        Some(folder) => folder,
        None => std::env::current_exe()?.with_file_name("bench"),
    };
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("load.md"), text)?;
    std::fs::write(
        folder.join("load.json"),
        format!("{:#}\n", report::json(&outcome)),
    )?;
    eprintln!("Kept in {}", folder.display());
    Ok(())
}
