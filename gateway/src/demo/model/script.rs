//! What the model does, as its last message tells it to.
//!
//! | message | what the model does |
//! |---|---|
//! | `say WORDS` | says WORDS |
//! | `say WORDS then call TOOL with {…}` | says WORDS, then calls TOOL; more calls may follow with `and call …` |
//! | `call TOOL with {…}` | calls TOOL, if it was offered |
//! | `think WORDS then say …` | thinks WORDS first |
//! | `echo …` | repeats the message as it came to the model |
//! | `leak` | says something that looks like a key |
//! | `slow` | counts to a thousand, forty words a second |
//! | `refuse` | refuses |
//! | `error STATUS` | fails; `error STATUS once` fails the first time only |
//! | anything else | answers in one friendly sentence |

use http::StatusCode;
use serde_json::Value;
use std::time::Duration;

/// What the model is asked, whatever the dialect.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// The last message: of the user, or a tool's result.
    pub words: String,
    /// Whether it is a tool's result.
    pub after_tool: bool,
    /// Pictures, sounds and files in the last message.
    pub media: usize,
    /// Names of the tools on offer.
    pub tools: Vec<String>,
    /// Characters in all.
    pub read: usize,
}

/// What it does.
#[derive(Debug)]
pub(super) enum Play {
    Answer(Answer),
    Fail { status: StatusCode, say: String },
}

/// What it says.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub thought: String,
    pub text: String,
    pub refused: bool,
    pub calls: Vec<Call>,
    /// Time between two events of a stream.
    pub pace: Duration,
}

/// A tool that it calls.
#[derive(Debug, PartialEq)]
pub(super) struct Call {
    pub tool: String,
    /// JSON, as it was written in the message.
    pub arguments: String,
}

impl Answer {
    fn text(text: impl Into<String>) -> Self {
        Answer {
            text: text.into(),
            ..Answer::default()
        }
    }

    /// About how many tokens were written.
    pub fn tokens(&self) -> usize {
        let calls = self
            .calls
            .iter()
            .map(|call| super::tokens(&call.arguments) + super::tokens(&call.tool));
        super::tokens(&self.thought) + super::tokens(&self.text) + calls.sum::<usize>()
    }
}

/// Plays `turn`, which came `before` times already.
pub(super) fn play(turn: &Turn, before: u32) -> Play {
    let words = turn.words.trim();
    if turn.after_tool {
        return Play::Answer(Answer::text(format!(
            "The tool answered: {}",
            cut(words, 400)
        )));
    }
    let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
    Play::Answer(
        match verb.to_ascii_lowercase().trim_end_matches(['.', ',', ':']) {
            "error" => match fail(rest, before) {
                Some(failure) => return failure,
                None => Answer::text("All well again."),
            },
            "echo" => Answer::text(words),
            // In pieces, so that no scanner of source code takes it for a real one.
            "leak" => Answer::text(format!(
                "The key of the deployment is {}{} as you know.",
                "AKIA", "Z7Q3M5XWRT2LKD4P"
            )),
            "refuse" => Answer {
                refused: true,
                ..Answer::text("I cannot help with that.")
            },
            "slow" => Answer {
                pace: Duration::from_millis(25),
                ..Answer::text(count(1_000))
            },
            "think" => think(rest, turn),
            "say" => speak(rest, turn),
            "call" => speak_and_call("", words, turn),
            _ => Answer::text(greet(turn)),
        },
    )
}

fn fail(rest: &str, before: u32) -> Option<Play> {
    let (status, once) = rest.split_once(' ').unwrap_or((rest, ""));
    if once.starts_with("once") && before > 0 {
        return None;
    }
    let status = StatusCode::from_bytes(status.as_bytes()).ok()?;
    Some(Play::Fail {
        status,
        say: format!("the scripted model was told to fail with {status}"),
    })
}

fn think(rest: &str, turn: &Turn) -> Answer {
    let (thought, rest) = rest.split_once(" then ").unwrap_or((rest, "say Done."));
    let answer = match rest.strip_prefix("say ") {
        Some(rest) => speak(rest, turn),
        None => speak_and_call("", rest, turn),
    };
    Answer {
        thought: thought.to_owned(),
        ..answer
    }
}

fn speak(rest: &str, turn: &Turn) -> Answer {
    match rest.split_once(" then call ") {
        Some((text, calls)) => speak_and_call(text, &format!("call {calls}"), turn),
        None => Answer::text(rest),
    }
}

fn speak_and_call(text: &str, words: &str, turn: &Turn) -> Answer {
    let calls = calls(words);
    match calls.iter().find(|call| !turn.tools.contains(&call.tool)) {
        _ if calls.is_empty() => Answer::text("Tell me `call TOOL with {…}`, and I shall."),
        Some(call) => Answer::text(format!("I was offered no tool named {}.", call.tool)),
        None => Answer {
            calls,
            ..Answer::text(text)
        },
    }
}

/// Reads `call a with {…} and call b with {…}`.
fn calls(words: &str) -> Vec<Call> {
    let mut calls = Vec::new();
    let mut rest = words;
    while let Some((_, after)) = rest.split_once("call ") {
        let Some((tool, after)) = after.split_once(" with ") else {
            break;
        };
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<Value>();
        if !matches!(values.next(), Some(Ok(_))) {
            break;
        }
        let (arguments, after) = after.split_at(values.byte_offset());
        calls.push(Call {
            tool: tool.trim().to_owned(),
            arguments: arguments.trim().to_owned(),
        });
        rest = after;
    }
    calls
}

fn greet(turn: &Turn) -> String {
    let words = turn.words.split_whitespace().count();
    let media = match turn.media {
        0 => String::new(),
        1 => " and 1 picture or file".to_owned(),
        n => format!(" and {n} pictures or files"),
    };
    match turn.tools.len() {
        0 => format!("I read {words} words{media}. How can I help?"),
        n => format!("I read {words} words{media} and was offered {n} tools. How can I help?"),
    }
}

fn count(to: usize) -> String {
    (1..=to)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

/// At most `chars` characters.
fn cut(text: &str, chars: usize) -> &str {
    text.char_indices()
        .nth(chars)
        .map_or(text, |(end, _)| &text[..end])
}

/// A text in the pieces in which it streams.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

/// Arguments in the pieces in which they stream.
pub(super) fn scraps(json: &str) -> Vec<String> {
    let chars: Vec<char> = json.chars().collect();
    chars
        .chunks(9)
        .map(|chunk| chunk.iter().collect())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Call, Play, Turn, calls, play};

    fn check(words: &str, before: u32, expected: &str) {
        let tools = vec!["search".to_owned(), "run_sql".to_owned()];
        let turn = Turn {
            words: words.to_owned(),
            tools,
            ..Turn::default()
        };
        let played = match play(&turn, before) {
            Play::Fail { status, .. } => format!("fails {}", status.as_u16()),
            Play::Answer(answer) => {
                let calls = answer
                    .calls
                    .iter()
                    .map(|c| format!("[{} {}]", c.tool, c.arguments))
                    .collect::<String>();
                format!("{}{calls}", answer.text)
            }
        };
        assert_eq!(played, expected, "{words}");
    }

    #[test]
    fn the_last_message_is_the_script() {
        check("say hello there", 0, "hello there");
        check("echo me", 0, "echo me");
        check(
            "call search with {\"q\": \"x with y\"}",
            0,
            "[search {\"q\": \"x with y\"}]",
        );
        check(
            "say Wait. then call run_sql with {\"sql\":\"select 1\"}",
            0,
            "Wait.[run_sql {\"sql\":\"select 1\"}]",
        );
        check("call rm with {}", 0, "I was offered no tool named rm.");
        check("error 500", 3, "fails 500");
        check("error 429 once", 0, "fails 429");
        check("error 429 once", 1, "All well again.");
        check(
            "good morning",
            0,
            "I read 2 words and was offered 2 tools. How can I help?",
        );
        check("think hard then say yes", 0, "yes");
    }

    #[test]
    fn several_calls_are_read() {
        let call = |tool: &str, arguments: &str| Call {
            tool: tool.into(),
            arguments: arguments.into(),
        };
        assert_eq!(
            calls("call a with {\"x\":1} and call b with {} and rest"),
            [call("a", "{\"x\":1}"), call("b", "{}")]
        );
        assert_eq!(calls("call a with nothing"), []);
    }
}
