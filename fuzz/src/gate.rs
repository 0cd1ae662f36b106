//! The gate: however a stream is cut, the same bytes leave it and the same is found; what it masks stays readable.

use crate::bodies::dialect;
use crate::{cut, take};
use sallyport_exchange::sse::Parser;
use sallyport_exchange::{
    Author, Caller, Dialect, Exchange, Filter, Kind, Label, Operation, PartView, Report,
};
use sallyport_policy::{Cut, Engine, Gate, Limits, Placeholders, Policy, PolicySource, Terms};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const REDACT: &str =
    "package sallyport.teams.t\nimport rego.v1\nallow if true\nredact contains \"secret.*\"\n";
const DENY: &str = "package sallyport.teams.t\nimport rego.v1\nallow if input.operation == \"chat\"\n\
    deny contains {\"rule\": \"found\", \"say\": \"no\"} if { some f in input.findings; f.label == \"secret.test\" }\n";
/// More than any input.
const HOLD_MAX: usize = 1 << 20;

/// Finds `key` and a digit: short enough for a fuzzer to stumble on.
struct Keys;

impl Filter for Keys {
    fn name(&self) -> &'static str {
        "keys"
    }
    fn wants(&self, _: Kind, _: Author) -> bool {
        true
    }
    fn inspect(&self, part: &PartView<'_>, report: &mut Report<'_>) {
        for (at, _) in part.text.match_indices("key") {
            if part
                .text
                .as_bytes()
                .get(at + 3)
                .is_some_and(u8::is_ascii_digit)
            {
                report.found(Label("secret.test"), at..at + 4, 0.9);
            }
        }
    }
    fn settled(&self, text: &str) -> usize {
        floor(text, text.len().saturating_sub(3))
    }
    fn lookbehind(&self, text: &str, settled: usize) -> usize {
        floor(text, settled.saturating_sub(4))
    }
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn engine(rules: &str) -> Arc<Engine> {
    // Time out of the way: the fuzzer is slow, and a verdict that hangs on the clock is no verdict to compare.
    let limits = Limits {
        time: Duration::from_secs(60),
        ..Limits::default()
    };
    let policy = match Policy::compile(&PolicySource::of([("t.rego", rules)]), limits) {
        Ok(policy) => policy,
        Err(why) => panic!("the policy of this target does not compile: {why:?}"),
    };
    Arc::new(Engine::new(
        vec![Box::new(Keys)],
        Arc::new(policy),
        Placeholders::new([1; 32]),
        || Duration::ZERO,
    ))
}

fn exchange(dialect: Dialect) -> Arc<Exchange> {
    Arc::new(Exchange {
        id: "id".into(),
        caller: Caller {
            team: "t".into(),
            agent: "a".into(),
            key: "k".into(),
            labels: Arc::new([]),
        },
        route: "r".into(),
        dialect,
        operation: Operation::Chat,
        path: "/v1/chat/completions".into(),
        now_ns: 0,
        mcp: None,
    })
}

#[derive(PartialEq, Debug)]
struct Out {
    released: Vec<u8>,
    cut: Option<Cut>,
    labels: Vec<Label>,
    calls: Vec<(String, bool)>,
}

fn run<'a>(engine: &Arc<Engine>, dialect: Dialect, chunks: impl Iterator<Item = &'a [u8]>) -> Out {
    let mut gate = Gate::new(
        engine.clone(),
        exchange(dialect),
        Terms::default(),
        HOLD_MAX,
    );
    let mut released = Vec::new();
    let mut end = None;
    for chunk in chunks {
        let flowed = gate.push(chunk);
        released.extend_from_slice(&flowed.cleared.into_bytes());
        end = flowed.cut;
        if end.is_some() {
            break;
        }
    }
    let trail = match &end {
        Some(_) => std::mem::take(&mut gate.trail),
        None => {
            let (flowed, trail, ..) = gate.finish();
            released.extend_from_slice(&flowed.cleared.into_bytes());
            end = flowed.cut;
            trail
        }
    };
    let calls = trail
        .calls
        .iter()
        .map(|call| (call.tool.clone(), call.refused_by.is_none()))
        .collect();
    Out {
        released,
        cut: end,
        labels: trail.findings.iter().map(|found| found.label).collect(),
        calls,
    }
}

/// A stream through the gate. Bytes: dialect and policy, seed of the cuts (4), stream.
pub fn gate(mut data: &[u8]) {
    static ENGINES: OnceLock<[Arc<Engine>; 2]> = OnceLock::new();
    let engines = ENGINES.get_or_init(|| [engine(REDACT), engine(DENY)]);
    let [choice] = take(&mut data);
    let seed = take(&mut data);
    let (engine, dialect) = (&engines[choice as usize / 3 % 2], dialect(choice));
    let whole = run(engine, dialect, std::iter::once(data));
    let in_pieces = run(engine, dialect, cut(data, seed));
    assert!(
        whole == in_pieces,
        "the cut of the stream changed the verdict\n{whole:?}\n{in_pieces:?}"
    );
    let mut reader = dialect.stream(Operation::Chat);
    let mut parser = Parser::default();
    parser.push(&whole.released);
    while let Ok(Some(event)) = parser.next_event() {
        if let Some(words) = event.data() {
            let read = reader.read(event.name(), words);
            assert!(read.is_ok(), "what was released cannot be read: {read:?}");
        }
    }
}
