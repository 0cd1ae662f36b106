//! What bodies say beside their words, for those who watch: a request's settings, an answer's name and end.

use sallyport_exchange::Payload;
use sallyport_exchange::json::{Tape, Value};
use sallyport_record::{Said, Settings, shorten};

/// Bytes of the largest body that is read once more for this.
const READ_MAX: usize = 64 << 10;
/// Characters kept of a word.
const WORD_CHARS_MAX: usize = 200;
/// Choices whose end is noted.
const CHOICES_MAX: usize = 16;

fn tape(payload: &Payload) -> Option<Tape<'_>> {
    let text = payload.source();
    (!text.is_empty() && text.len() <= READ_MAX)
        .then(|| Tape::read_str(text).ok())
        .flatten()
}

/// A text, shortened.
fn word(value: Option<Value<'_>>) -> Option<String> {
    let text = value.and_then(Value::as_str)?;
    Some(shorten(&text, WORD_CHARS_MAX))
}

/// What a request asks of a model, where it says so, in any of the dialects.
pub fn settings(payload: &Payload) -> Settings {
    let Some(tape) = tape(payload) else {
        return Settings::default();
    };
    let root = tape.root();
    let raw = |key: &str| root.member(key).map(Value::raw);
    let whole = |key: &str| raw(key).and_then(|raw| raw.parse().ok());
    let number = |key: &str| raw(key).and_then(|raw| raw.parse().ok());
    Settings {
        max_tokens: ["max_completion_tokens", "max_output_tokens", "max_tokens"]
            .into_iter()
            .find_map(whole),
        temperature: number("temperature"),
        top_p: number("top_p"),
        top_k: whole("top_k"),
        seed: raw("seed").and_then(|raw| raw.parse().ok()),
        choices: whole("n"),
    }
}

/// What a whole answer says of itself, in any of the dialects.
pub fn said(payload: &Payload) -> Said {
    let Some(tape) = tape(payload) else {
        return Said::default();
    };
    let root = tape.root();
    let choices = root.member("choices").and_then(Value::elements);
    let ends = choices
        .into_iter()
        .flatten()
        .take(CHOICES_MAX)
        .filter_map(|choice| word(choice.member("finish_reason")));
    let own = ["stop_reason", "status"]
        .into_iter()
        .find_map(|key| word(root.member(key)));
    Said {
        id: word(root.member("id")),
        model: word(root.member("model")),
        finish_reasons: ends.chain(own).collect(),
    }
}

/// What the events of a stream say of their answer, in any of the dialects. `bytes` are whole events.
pub fn heard(said: &mut Said, bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for line in text.lines().filter_map(|line| line.strip_prefix("data:")) {
        let ends = says(line, "\"finish_reason\"")
            || says(line, "\"stop_reason\"")
            || line.contains("\"response.completed\"");
        if (said.id.is_some() && !ends) || line.len() > READ_MAX {
            continue;
        }
        if let Ok(tape) = Tape::read_str(line.trim()) {
            event(said, tape.root());
        }
    }
}

/// Whether a text stands after a key: most events say `null` there, and are not read for that.
fn says(line: &str, key: &str) -> bool {
    let after = line.find(key).map(|at| line[at + key.len()..].trim_start());
    let value = after.and_then(|rest| rest.strip_prefix(':'));
    value.is_some_and(|value| value.trim_start().starts_with('"'))
}

fn event(said: &mut Said, event: Value<'_>) {
    // Where the answer itself stands in an event: nowhere else, in `message`, or in `response`.
    let answer = ["message", "response"]
        .into_iter()
        .find_map(|key| event.member(key))
        .unwrap_or(event);
    if said.id.is_none() {
        said.id = word(answer.member("id"));
        said.model = word(answer.member("model"));
    }
    let choices = event.member("choices").and_then(Value::elements);
    let ends = choices
        .into_iter()
        .flatten()
        .filter_map(|choice| word(choice.member("finish_reason")));
    let own = word(
        event
            .member("delta")
            .and_then(|delta| delta.member("stop_reason")),
    );
    let completed = event
        .member("type")
        .is_some_and(|kind| kind.is_str("response.completed"));
    let status = word(answer.member("status")).filter(|_| completed);
    for end in ends.chain(own).chain(status) {
        if said.finish_reasons.len() < CHOICES_MAX {
            said.finish_reasons.push(end);
        }
    }
}
