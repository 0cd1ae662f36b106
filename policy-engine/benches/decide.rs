//! What a decision costs: `cargo bench -p sallyport-policy`. Prints the mean, in microseconds of
//! processor time.
#![allow(clippy::unwrap_used, reason = "a benchmark")]

#[path = "../tests/support/mod.rs"]
mod support;

use sallyport_exchange::{Author, Finding, Kind, Label, Operation, PartId, PartView};
use sallyport_policy::{Facts, OfferFacts, Policy};
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Instant;
use support::{call, exchange, facts, sample_policy};

/// Seconds for which this thread has run, so that a busy machine does not count; wall-clock time where unknown.
fn cpu_seconds() -> f64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let ran = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ran = ran.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    ran.map_or_else(
        || START.elapsed().as_secs_f64(),
        |nanoseconds| nanoseconds / 1e9,
    )
}

/// Mean microseconds of one call of `work`, over half a second of work.
fn measure(name: &str, mut work: impl FnMut()) {
    (0..20).for_each(|_| work());
    let (start, mut times) = (cpu_seconds(), 0.0);
    let spent = loop {
        (0..20).for_each(|_| work());
        times += 20.0;
        let spent = cpu_seconds() - start;
        if spent > 0.5 {
            break spent;
        }
    };
    println!("{name:<48} {:>9.2} µs", spent * 1e6 / times);
}

/// Measures one decision, and the part of it that puts the document together, if the command line asks for it.
fn decide(name: &str, policy: &Policy, facts: &Facts<'_>) {
    let asked = std::env::args()
        .skip(1)
        .filter(|arg| !arg.starts_with('-'))
        .collect::<Vec<_>>();
    if !asked.is_empty() && !asked.iter().any(|part| name.contains(part)) {
        return;
    }
    measure(name, || {
        black_box(policy.decide("payments", black_box(facts)));
    });
    let needs = policy.needs("payments");
    measure("  of which: the input document", || {
        black_box(black_box(facts).document(needs)).unwrap();
    });
}

fn main() {
    let policy = sample_policy();
    let about = exchange("payments", Operation::Chat);
    decide("chat, nothing found", &policy, &facts(&about));

    let arguments =
        r#"{"database": "prod-eu", "sql": "select * from ledger where id = 7", "limit": 10}"#;
    decide(
        "tool call, allowed",
        &policy,
        &call(&about, "query", arguments),
    );
    decide(
        "tool call, denied",
        &policy,
        &call(&about, "query", &arguments.replace("select", "drop")),
    );

    let part = |id| PartView {
        id: PartId(id),
        json: None,
        kind: Kind::Text,
        author: Author::User,
        tool: None,
        text: "hello",
    };
    let parts: Vec<PartView<'_>> = (0..2_000).map(part).collect();
    decide(
        "chat of 2,000 parts that no policy reads",
        &policy,
        &Facts {
            parts: &parts,
            ..facts(&about)
        },
    );

    let offer = OfferFacts {
        name: "query",
        form: "function",
        server_url: None,
        description: "Runs SQL.",
        json: "{}",
    };
    let offers = [offer; 32];
    decide(
        "chat, 32 tools on offer",
        &policy,
        &Facts {
            offers: &offers,
            ..facts(&about)
        },
    );

    let finding = Finding {
        label: Label("pii.email"),
        part: PartId(0),
        range: 0..5,
        score: 0.5,
    };
    for count in [10, 10_000] {
        let findings = vec![finding.clone(); count];
        decide(
            &format!("chat, {count} findings"),
            &policy,
            &Facts {
                parts: &parts,
                findings: &findings,
                ..facts(&about)
            },
        );
    }
}
