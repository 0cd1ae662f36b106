//! What compression saves, keeps and costs: `cargo bench -p sallyport-bench-compress`. Prints the tables, and leaves
//! them with the JSON in `bench/` beside the binaries. Without the data it says so and measures nothing.

use sallyport_bench_compress::bill::{ANTHROPIC, OPENAI, Request, bill};
use sallyport_bench_compress::corpus::{self, FOLDER, Session, Traffic};
use sallyport_bench_compress::count::Counter;
use sallyport_bench_compress::probe::{self, Answers};
use sallyport_bench_compress::replay::{Replayed, replay};
use sallyport_bench_compress::speed;
use sallyport_bench_compress::tell::{self, Cost, Costs, Outcome};
use sallyport_bench_compress::traffic::{self, Sums};
use sallyport_compress::Mode;
use std::path::Path;
use std::process::ExitCode;

/// Decides which questions are asked.
const SEED: u64 = 20261122;

fn main() -> ExitCode {
    let Some(folder) = corpus::folder() else {
        eprintln!("{FOLDER} names no folder: nothing is measured.");
        return ExitCode::SUCCESS;
    };
    let coding_only = std::env::args().any(|arg| arg == "coding");
    match measure(&folder, coding_only).and_then(|outcome| keep(&outcome)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compress: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(folder: &Path, coding_only: bool) -> std::io::Result<Outcome> {
    let mut sessions = corpus::sessions(folder)?;
    let mut samples = corpus::samples(folder)?;
    if coding_only {
        sessions.retain(|s| s.traffic == Traffic::Coding);
        samples.clear();
    }
    let mut counter = Counter::default();
    let mut outcome = Outcome {
        sums: Sums::default(),
        costs: Costs::default(),
        turns: (0, 0),
        otherwise: 0,
        lines: Answers::default(),
        speed: speed::measure(&sessions),
    };
    for mode in [Mode::Lossless, Mode::Reversible] {
        traffic::add_samples(&samples, mode, &mut counter, &mut outcome.sums);
    }
    for session in &sessions {
        let untouched = replay(session, None, &mut counter);
        outcome.turns.0 += untouched.requests.len();
        for mode in [Mode::Lossless, Mode::Reversible] {
            let replayed = replay(session, Some(mode), &mut counter);
            outcome.turns.1 += replayed.broken;
            outcome.otherwise +=
                traffic::add_session(session, &replayed, mode, &mut counter, &mut outcome.sums);
            let asked = probe::lines(&session.messages, &replayed.messages, SEED);
            outcome.lines.asked += asked.asked;
            outcome.lines.right += asked.right;
            add_costs(session, (&untouched, &replayed), mode, &mut outcome.costs);
        }
    }
    Ok(outcome)
}

fn add_costs(
    session: &Session,
    (untouched, replayed): (&Replayed, &Replayed),
    mode: Mode,
    costs: &mut Costs,
) {
    let sent = |replayed: &Replayed| replayed.requests.iter().map(|r| r.tokens()).sum::<f64>();
    for prices in [ANTHROPIC, OPENAI] {
        let before = bill(&untouched.requests, prices);
        let after = bill(&replayed.requests, prices);
        let share = 100.0 * (before - after) / before;
        let bare: Vec<Request> = replayed
            .requests
            .iter()
            .map(|r| Request {
                head: 0.0,
                ..r.clone()
            })
            .collect();
        let bare = bill(&bare, prices);
        for kind in [session.traffic.as_str(), "all"] {
            let cost: &mut Cost = costs.entry((kind, mode, prices.name)).or_default();
            cost.sessions += 1;
            cost.billed.0 += before;
            cost.billed.1 += after;
            cost.sent.0 += sent(untouched);
            cost.sent.1 += sent(replayed);
            cost.dearer += usize::from(after > before);
            cost.bare.0 += usize::from(bare > before);
            cost.bare.1 = cost.bare.1.min(100.0 * (before - bare) / before);
            if cost.worst.as_ref().is_none_or(|(least, _)| share < *least) {
                cost.worst = Some((share, session.name.clone()));
            }
        }
    }
}

fn keep(outcome: &Outcome) -> std::io::Result<()> {
    let text = tell::markdown(outcome);
    println!("{text}");
    let folder = std::env::current_exe()?.with_file_name("bench");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("compress.md"), text)?;
    let json = format!("{:#}\n", tell::json(outcome));
    std::fs::write(folder.join("compress.json"), json)?;
    eprintln!("Kept in {}", folder.display());
    Ok(())
}
