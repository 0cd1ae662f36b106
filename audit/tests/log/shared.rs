//! A log in a folder of its own.

use sallyport_audit::{
    Bad, Body, Kept, NotKept, Opened, Settings, Trust, Verified, VerifyKey, Writer, verify,
};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::mpsc::channel;
use std::time::Duration;

pub const ORIGIN: &str = "gateway.test/audit";

pub fn settings(folder: &Path) -> Settings {
    Settings::new(folder, ORIGIN)
}

pub fn start(settings: &Settings) -> (Writer, Opened) {
    Writer::start(settings.clone()).expect("the log opens")
}

pub fn body(value: Value) -> Body {
    Box::new(move || value)
}

/// Keeps a record, and waits until it is.
pub fn keep(writer: &Writer, kind: &'static str, value: Value) -> Result<Kept, NotKept> {
    let (send, receive) = channel();
    writer.keep(kind, body(value), move |result| {
        send.send(result).expect("somebody waits");
    });
    receive
        .recv_timeout(Duration::from_secs(20))
        .expect("an answer comes")
}

/// A log of `count` records of its caller's, closed.
pub fn written(settings: &Settings, count: u64) -> VerifyKey {
    let (writer, opened) = start(settings);
    for i in 0..count {
        writer.note("exchange", body(json!({"n": i, "text": "ü\n\u{1}"})));
        if i % 1_000 == 999 {
            keep(&writer, "forward", json!({"n": i})).expect("kept");
        }
    }
    writer.close().expect("it closes");
    opened.key
}

pub fn check(folder: &Path, key: &VerifyKey) -> Result<Verified, Bad> {
    let trust = Trust {
        key: Some(key),
        against: None,
    };
    verify(folder, trust, |_, _| {})
}
