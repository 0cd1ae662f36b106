//! Forged boundaries: chat-template tokens, role names and tags that pretend to end a tool's text.

use crate::classes::{self, BASE62, LOWER, SPACE, UNDERSCORE, WORD};
use crate::scan::{SPREAD_MAX, Scan};
use memchr::memchr;
use quick_xml::Reader;
use quick_xml::events::Event;
use std::ops::Range;

/// Tokens that are markers wherever they stand.
pub(crate) const TOKENS: &[(&str, f32)] = &[
    ("[INST]", 0.8),
    ("[/INST]", 0.8),
    ("<<SYS>>", 0.9),
    ("<</SYS>>", 0.9),
    ("<start_of_turn>", 0.95),
    ("<end_of_turn>", 0.95),
    ("[SYSTEM_PROMPT]", 0.9),
    ("[TOOL_CALLS]", 0.9),
    ("[AVAILABLE_TOOLS]", 0.9),
    ("[TOOL_RESULTS]", 0.9),
    ("<｜User｜>", 0.95),
    ("<｜Assistant｜>", 0.95),
    ("<\u{ff5c}tool\u{2581}calls\u{2581}begin\u{ff5c}>", 0.95),
];

/// Names between `<|` and `|>` that chat templates use.
const PIPED: &[&str] = &[
    "im_start",
    "im_end",
    "im_sep",
    "system",
    "user",
    "assistant",
    "endoftext",
    "endofprompt",
    "eot_id",
    "eom_id",
    "begin_of_text",
    "end_of_text",
    "start_header_id",
    "end_header_id",
    "python_tag",
    "channel",
    "message",
    "start",
    "end",
    "return",
    "call",
    "constrain",
    "tool",
    "tools",
    "tool_call",
    "tool_response",
    "observation",
    "finetune_right_pad_id",
    "start_of_role",
    "end_of_role",
    "model",
    "developer",
    "begin",
    "end_of_turn",
];

/// Names of tags that frame what tools and systems say, and how sure they are a forgery.
const TAGS: &[(&str, f32)] = &[
    ("system", 0.6),
    ("system_prompt", 0.8),
    ("system-prompt", 0.8),
    ("system_message", 0.8),
    ("system-reminder", 0.8),
    ("system_instruction", 0.8),
    ("system_instructions", 0.8),
    ("tool_result", 0.9),
    ("tool_results", 0.9),
    ("tool_response", 0.9),
    ("tool_output", 0.8),
    ("tool_call", 0.9),
    ("tool_calls", 0.9),
    ("tool_use", 0.8),
    ("function_calls", 0.9),
    ("function_call", 0.8),
    ("function_results", 0.9),
    ("function_result", 0.9),
    ("function_response", 0.8),
    ("assistant", 0.6),
    ("user_query", 0.7),
    ("user_message", 0.7),
    ("developer_message", 0.8),
    ("important", 0.6),
];

/// The longest name of a tag that is read.
const NAME_MAX: usize = 24;

/// One of `TOKENS`, in any case of its letters, but for `[Inst]`: songs have that.
pub(crate) fn token(scan: &mut Scan<'_>, token: usize, place: Range<usize>) {
    if TOKENS[token].0 == "[INST]" && &scan.text[place.clone()] != "[INST]" {
        return;
    }
    scan.hit("marker.role", place, TOKENS[token].1);
}

/// `<|name|>`.
fn piped(scan: &mut Scan<'_>, place: Range<usize>) {
    let end = classes::run_end(scan.bytes, place.end, LOWER | UNDERSCORE | BASE62, 40);
    let closed = scan.bytes.get(end) == Some(&b'|') && scan.bytes.get(end + 1) == Some(&b'>');
    let name = scan.text[place.end..end].to_ascii_lowercase();
    if closed && (PIPED.contains(&name.as_str()) || name.starts_with("reserved_special_token")) {
        scan.hit("marker.role", place.start..end + 2, 0.95);
    }
}

/// `Human:` or `Assistant:` after an empty line.
pub(crate) fn turn(scan: &mut Scan<'_>, place: Range<usize>) {
    let before = classes::before(scan.text, place.start, 8);
    if before.ends_with("\n\n") || before.ends_with("\\n\\n") || before.ends_with("\r\n\r\n") {
        scan.hit("marker.role", place, 0.6);
    }
}

/// What the `<` at `start` begins: `<|name|>`, `<name …>`, `</name>`.
pub(crate) fn bracket(scan: &mut Scan<'_>, start: usize) {
    let bytes = scan.bytes;
    if bytes.get(start + 1) == Some(&b'|') {
        return piped(scan, start..start + 2);
    }
    // Before the name: blanks, a slash, blanks, a prefix.
    let mut at = classes::run_end(bytes, start + 1, SPACE, 4);
    let closing = bytes.get(at) == Some(&b'/');
    at = classes::run_end(bytes, at + usize::from(closing), SPACE, 4);
    let mut end = classes::run_end(bytes, at, WORD | classes::DASH, NAME_MAX + 1);
    if bytes.get(end) == Some(&b':') && end > at {
        at = end + 1;
        end = classes::run_end(bytes, at, WORD | classes::DASH, NAME_MAX + 1);
    }
    if scan.ends(end) {
        return scan.reached_end(start);
    }
    let name = &bytes[at..end];
    if let Some((name, score)) = TAGS
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()))
    {
        tag(scan, name, *score, closing, start..end);
    }
}

/// Judges a tag; `head` is all of it up to the end of its name.
fn tag(scan: &mut Scan<'_>, name: &str, score: f32, closing: bool, head: Range<usize>) {
    let bytes = scan.bytes;
    let start = head.start;
    let limit = classes::floor(scan.text, start + SPREAD_MAX);
    let end = match memchr(b'>', &bytes[head.end..limit]) {
        Some(offset) => match tag_end(&scan.text[start..limit]) {
            Some(len) => start + len,
            None => {
                if scan.ends(limit) {
                    scan.reached_end(start);
                }
                head.end + offset + 1
            }
        },
        None => {
            if scan.ends(limit) {
                scan.reached_end(start);
            }
            return;
        }
    };
    if scan.ends(end) {
        scan.reached_end(start);
    }
    // A plain word between brackets may be a placeholder in a usage line: `<system> <user>`.
    let weak = score < 0.7 && name != "important";
    if weak && !classes::begins(bytes, start, WORD) {
        return;
    }
    let speaks = !weak || closing || matches!(bytes.get(end), Some(b'\n' | b' ' | b'A'..=b'Z'));
    if speaks {
        scan.hit("marker.tag", start..end, score);
    }
}

/// How long the tag is that `text` begins with, if it is well formed: a `>` inside a quoted
/// attribute does not end it.
fn tag_end(text: &str) -> Option<usize> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = false;
    match reader.read_event().ok()? {
        Event::Start(_) | Event::Empty(_) | Event::End(_) => {
            usize::try_from(reader.buffer_position()).ok()
        }
        _ => None,
    }
}
