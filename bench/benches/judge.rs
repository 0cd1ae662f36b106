//! What reading, judging, editing and gating cost by themselves: `cargo bench -p sallyport-bench`. Prints
//! means in microseconds of processor time, so that a busy machine counts for little.

use bytes::Bytes;
use sallyport_bench::corpus::{Wish, chat_request};
use sallyport_bench::micro::{per_call, report, stopwatch};
use sallyport_bench::{POLICIES, TEAM};
use sallyport_detect::{Config, Detectors};
use sallyport_exchange::{
    Caller, Dialect, Edit, Edits, Exchange, Filter, Operation, Payload, Span,
};
use sallyport_policy::{Engine, Gate, Limits, Placeholders, Policy, PolicySource, Terms};
use std::hint::black_box;
use std::sync::Arc;

/// The sizes that are measured.
const SIZES: [(usize, &str); 5] = [
    (1 << 10, "1 KB"),
    (4 << 10, "4 KB"),
    (32 << 10, "32 KB"),
    (100 << 10, "100 KB"),
    (1 << 20, "1 MB"),
];
/// Events in the stream that is gated.
const EVENTS: usize = 64;

fn main() {
    let engines = [
        ("policy", engine(false)),
        ("policy + detectors", engine(true)),
    ];
    println!("| what | µs |\n|---|--:|");
    let about = Arc::new(exchange());
    for (bytes, size) in SIZES {
        let body = Bytes::from(chat_request(Wish {
            bytes,
            stream: false,
            secrets: false,
            waits: false,
        }));
        let payload = read(&body);
        report(&format!("read {size}"), || drop(black_box(read(&body))));
        for (name, engine) in &engines {
            report(&format!("judge {size}, {name}"), || {
                drop(black_box(engine.judge_request(&about, &payload, &[])))
            });
        }
        edit(&about, bytes, size, &engines[1].1);
    }
    let payload = read(&Bytes::from_static(
        br#"{"model":"demo-model","messages":[{"role":"user","content":"hello"}]}"#,
    ));
    report("a decision: two layers, nothing found", || {
        drop(black_box(engines[0].1.judge_request(&about, &payload, &[])))
    });
    let events = events();
    for (name, engine) in &engines {
        gate(name, engine, &about, &events);
    }
}

/// One secret for 8 KB: judged and masked; and the splicing alone.
fn edit(about: &Exchange, bytes: usize, size: &str, engine: &Engine) {
    let body = Bytes::from(chat_request(Wish {
        bytes,
        stream: false,
        secrets: true,
        waits: false,
    }));
    let payload = read(&body);
    let ruling = engine.judge_request(about, &payload, &[]);
    assert!(
        ruling.is_edited() || bytes < 2048,
        "a secret of {size} is masked"
    );
    report(
        &format!("judge and mask {size} ({} masked)", ruling.trail.masked),
        || drop(black_box(engine.judge_request(about, &payload, &[]))),
    );
    let mut edits = Edits::default();
    for at in (512..bytes.saturating_sub(64)).step_by(8 << 10) {
        edits.insert(Edit {
            span: Span::new(at, at + 44),
            with: "[secret.github:3f2a]".to_owned(),
        });
    }
    report(
        &format!("edit {size} ({} edits)", edits.iter().count()),
        || drop(black_box(edits.apply(&body))),
    );
}

/// A stream of 64 events, each pushed as it would come; the figure is for one event.
fn gate(name: &str, engine: &Arc<Engine>, about: &Arc<Exchange>, events: &[String]) {
    let whole = per_call(|| {
        let mut gate = Gate::new(engine.clone(), about.clone(), Terms::default(), 1 << 20);
        for event in events {
            drop(black_box(gate.push(event.as_bytes())));
        }
        drop(black_box(gate.finish()));
    });
    println!(
        "| gate, an event, {name} | {:.2} |",
        whole / events.len() as f64
    );
}

fn read(body: &Bytes) -> Payload {
    match Dialect::OpenAiChat.read_request(Operation::Chat, body.clone()) {
        Ok(payload) => payload,
        Err(error) => unreachable!("the bench's own body is refused: {error}"),
    }
}

fn engine(detectors: bool) -> Arc<Engine> {
    let policy = match Policy::compile(&PolicySource::of(POLICIES), Limits::default()) {
        Ok(policy) => Arc::new(policy),
        Err(errors) => unreachable!("the demo's policies do not compile: {errors}"),
    };
    let filters: Vec<Box<dyn Filter>> = if detectors {
        vec![Box::new(Detectors::new(Config::default()))]
    } else {
        Vec::new()
    };
    Arc::new(Engine::new(
        filters,
        policy,
        Placeholders::new([7; 32]),
        stopwatch,
    ))
}

fn exchange() -> Exchange {
    Exchange {
        id: "01JX".into(),
        caller: Caller {
            team: TEAM.into(),
            agent: "bench".into(),
            key: "bench".into(),
            labels: Default::default(),
        },
        route: "model".into(),
        dialect: Dialect::OpenAiChat,
        operation: Operation::Chat,
        path: "/v1/chat/completions".into(),
        now_ns: 1_779_000_000_000_000_000,
        mcp: None,
    }
}

fn events() -> Vec<String> {
    let words = [
        "Both ", "workers ", "took ", "the ", "same ", "job ", "because ", "its ", "lease ",
        "ran ", "out. ",
    ];
    let event = |delta: &str, finish: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1779000000,\"model\":\"demo-model\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]}}\n\n"
        )
    };
    let text = (0..EVENTS - 2).map(|at| {
        event(
            &format!("{{\"content\":\"{}\"}}", words[at % words.len()]),
            "null",
        )
    });
    let first = std::iter::once(event(r#"{"role":"assistant","content":""}"#, "null"));
    let last = std::iter::once(event("{}", "\"stop\"") + "data: [DONE]\n\n");
    first.chain(text).chain(last).collect()
}
