//! From the bodies of requests to their edits: what may change, what may not, and that a history keeps its bytes.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use bytes::Bytes;
use sallyport_compress::conversation::{BlockReport, Left};
use sallyport_compress::{
    Class, Compressed, Kept, Memo, Mode, Originals, Rules, StepKind, compress,
};
use sallyport_exchange::{Dialect, Operation, Payload};
use serde_json::{Value, json};

fn read(dialect: Dialect, body: &Value) -> Payload {
    let body = Bytes::from(serde_json::to_vec(body).unwrap());
    dialect.read_request(Operation::Chat, body).unwrap()
}

fn forwarded(payload: &Payload, compressed: &Compressed) -> Value {
    serde_json::from_slice(&compressed.edits.apply(payload.bytes())).unwrap()
}

/// A file as a tool shows it; line `changed` differs.
fn file(changed: usize) -> String {
    let line = |n: usize| match n == changed {
        true => format!("    let value_{n} = changed(\"here\");"),
        false => format!("    let value_{n} = compute({n}, \"of some length\");"),
    };
    (1..120).map(line).collect::<Vec<_>>().join("\n")
}

/// A chat of readings of a file with `changes`, one after the other.
fn chat(changes: &[usize]) -> Value {
    let mut messages = vec![json!({"role": "user", "content": "mend it"})];
    for (n, changed) in changes.iter().enumerate() {
        let id = format!("call_with_a_long_id_{n}");
        let call = json!({"id": id, "type": "function", "function": {"name": "read_file", "arguments": "{}"}});
        messages.push(json!({"role": "assistant", "content": null, "tool_calls": [call]}));
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": file(*changed)}));
    }
    json!({"model": "m", "messages": messages})
}

fn lossless() -> Rules {
    Rules::new(Mode::Lossless)
}

fn changed(blocks: &[BlockReport]) -> Vec<&BlockReport> {
    blocks.iter().filter(|b| b.class != Class::None).collect()
}

#[test]
fn what_was_read_before_is_named_and_only_its_text_changes() {
    let payload = read(Dialect::OpenAiChat, &chat(&[0, 0, 20]));
    let (rules, memo) = (lossless(), Memo::default());
    let out = compress(&payload, &rules, &memo, None);
    let body = forwarded(&payload, &out);
    assert_eq!(body["messages"][2]["content"], file(0));
    assert_eq!(
        body["messages"][4]["content"],
        "[compact all of result 1 of read_file]"
    );
    let third = body["messages"][6]["content"].as_str().unwrap();
    assert!(
        third.contains("[compact lines 1-19 of result 1 of read_file]"),
        "{third}"
    );
    assert!(third.contains("changed(\"here\")"));
    let mut same = body.clone();
    same["messages"][4]["content"] = json!(file(0));
    same["messages"][6]["content"] = json!(file(20));
    assert_eq!(same, chat(&[0, 0, 20]));
    let found = changed(&out.blocks);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|b| b.steps == [StepKind::Reference]));
    let new: Vec<bool> = out.blocks.iter().map(|b| b.new).collect();
    assert_eq!(new, [false, false, true]);
}

#[test]
fn a_history_keeps_its_bytes_with_and_without_what_was_remembered() {
    let changes = [0, 3, 3, 20, 20, 0, 41];
    let (rules, memo) = (lossless(), Memo::default());
    let mut before: Vec<Value> = Vec::new();
    for turn in 1..=changes.len() {
        let payload = read(Dialect::OpenAiChat, &chat(&changes[..turn]));
        let out = compress(&payload, &rules, &memo, None);
        let fresh = Memo::default();
        assert_eq!(out, compress(&payload, &rules, &fresh, None));
        let body = forwarded(&payload, &out);
        let messages = body["messages"].as_array().unwrap().clone();
        assert_eq!(messages[..before.len()], before);
        before = messages;
    }
}

#[test]
fn nothing_is_named_where_the_provider_may_clear_it() {
    let text = file(0);
    let call = |id: &str| json!({"type": "tool_use", "id": id, "name": "bash", "input": {}});
    let mut body = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [call("toolu_01")]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_01", "content": text}]},
        {"role": "assistant", "content": [call("toolu_02")]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_02", "content": [
            {"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]}]},
    ]});
    let (rules, memo) = (lossless(), Memo::default());
    let payload = read(Dialect::Anthropic, &body);
    let out = compress(&payload, &rules, &memo, None);
    let block = &forwarded(&payload, &out)["messages"][4]["content"][0]["content"][0];
    assert_eq!(block["text"], "[compact all of result toolu_01]");
    assert_eq!(block["cache_control"], json!({"type": "ephemeral"}));
    body["context_management"] = json!({"edits": [{"type": "clear_tool_uses_20250919"}]});
    let payload = read(Dialect::Anthropic, &body);
    let out = compress(&payload, &rules, &memo, None);
    let again = &forwarded(&payload, &out)["messages"][4]["content"][0]["content"][0];
    assert!(
        !again["text"].as_str().unwrap().contains("of result"),
        "{again}"
    );
}

#[test]
fn failures_and_what_was_retrieved_are_left_alone() {
    let text = file(0);
    let call =
        |id: &str, name: &str| json!({"type": "tool_use", "id": id, "name": name, "input": {}});
    let result = |id: &str, error: bool| json!({"type": "tool_result", "tool_use_id": id, "is_error": error, "content": text});
    let body = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "assistant", "content": [call("a", "bash"), call("b", "bash"),
            call("c", "mcp__gate__sallyport_retrieve"), call("d", "bash")]},
        {"role": "user", "content": [
            result("a", false), result("b", true), result("c", false), result("d", false)]},
    ]});
    let payload = read(Dialect::Anthropic, &body);
    let (rules, memo) = (lossless(), Memo::default());
    let out = compress(&payload, &rules, &memo, None);
    let left: Vec<_> = out.blocks.iter().map(|b| b.left).collect();
    assert_eq!(left[1..], [Some(Left::Failed), Some(Left::Retrieved), None]);
}

#[test]
fn a_request_is_not_made_too_short_for_the_cache() {
    let lines = |n: usize| -> String {
        (0..n)
            .map(|n| format!("    line {n} of a small file\n"))
            .collect()
    };
    let body = |words: usize| {
        json!({"model": "m", "messages": [
            {"role": "system", "content": "be kind ".repeat(words)},
            {"role": "tool", "tool_call_id": "a", "content": lines(30)},
            {"role": "tool", "tool_call_id": "b", "content": lines(30)}]})
    };
    let (rules, memo) = (lossless(), Memo::default());
    let left = |words: usize| {
        let payload = read(Dialect::OpenAiChat, &body(words));
        let out = compress(&payload, &rules, &memo, None);
        out.blocks[1].left
    };
    assert_eq!(left(10), Some(Left::Short));
    assert_eq!(left(1000), None);
}

/// Keeps, or does not.
struct Store {
    keeps: bool,
    kept: Vec<String>,
}

impl Originals for Store {
    fn handle(&self, digest: &[u8; 32]) -> String {
        digest[..8].iter().map(|b| format!("{b:02x}")).collect()
    }

    fn keep(&mut self, kept: &Kept<'_>) -> bool {
        assert_eq!(kept.handle, self.handle(kept.digest));
        assert_eq!(
            kept.digest,
            blake3::hash(kept.original.as_bytes()).as_bytes()
        );
        assert!(kept.text.contains(kept.handle));
        self.kept.push(kept.original.to_owned());
        self.keeps
    }
}

/// A long list, which a reversible form may leave most of out, once one is there.
fn list() -> String {
    let row = |n: u32| json!({"id": n, "name": format!("row {n}"), "ok": true});
    serde_json::to_string(&(0..900).map(row).collect::<Vec<_>>()).unwrap()
}

#[test]
fn nothing_is_left_out_that_is_not_kept() {
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "go"},
        {"role": "tool", "tool_call_id": "a", "content": list()}]});
    let payload = read(Dialect::OpenAiChat, &body);
    let (rules, memo) = (Rules::new(Mode::Reversible), Memo::default());
    for keeps in [true, false, true] {
        let mut store = Store {
            keeps,
            kept: Vec::new(),
        };
        let out = compress(&payload, &rules, &memo, Some(&mut store));
        let left_out = out.blocks.iter().any(|b| b.class == Class::Reversible);
        assert_eq!(left_out, keeps && !store.kept.is_empty());
        assert!(store.kept.iter().all(|text| *text == list()));
        let without = compress(&payload, &rules, &memo, None);
        assert!(without.blocks.iter().all(|b| b.class != Class::Reversible));
    }
}
