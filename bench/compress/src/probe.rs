//! Questions with one right answer, put to what the model reads by a reader of its own: it shares no code with the
//! engine and knows only what the forms say of themselves.

use serde_json::Value;
use std::collections::HashMap;

/// Line numbers after "line" in questions, at most, per result.
pub const PER_RESULT: usize = 8;

/// What came of the questions about one session: how many were put, and how many the text in the request answered.
#[derive(Clone, Copy, Default, Debug)]
pub struct Answers {
    /// Questions.
    pub asked: usize,
    /// Answered rightly.
    pub right: usize,
}

/// The results of a conversation, by the names that references use.
struct Reader<'a> {
    texts: Vec<&'a str>,
    named: HashMap<String, usize>,
}

/// Asks for lines of results in which something is named: the nth of all, chosen by `seed`.
pub fn lines(came: &[Value], forwarded: &[Value], seed: u64) -> Answers {
    let reader = Reader::new(forwarded);
    let mut answers = Answers::default();
    let results = || came.iter().filter(|m| m["role"] == "tool");
    let originals: Vec<&str> = results()
        .map(|m| m["content"].as_str().unwrap_or(""))
        .collect();
    for (at, result) in results().enumerate() {
        let Some(text) = result["content"].as_str() else {
            continue;
        };
        let form = reader.texts.get(at).copied().unwrap_or("");
        // What refers to another form says no lines of its own.
        if form == text || !refers(form) || !reader.is_plain(form, &originals) {
            continue;
        }
        let lines: Vec<&str> = text.split('\n').collect();
        let mut next = seed ^ at as u64;
        for _ in 0..PER_RESULT {
            // Knuth's linear congruential generator (MMIX).
            next = next
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            let n = (next >> 33) as usize % lines.len();
            answers.asked += 1;
            answers.right += usize::from(reader.line(at, n, 0).as_deref() == Some(lines[n]));
        }
    }
    answers
}

fn refers(form: &str) -> bool {
    let first = form.lines().next().unwrap_or("");
    first == "[compact refs]"
        || first.starts_with("[compact all of ")
        || first.starts_with("[compact line")
}

impl<'a> Reader<'a> {
    fn new(messages: &'a [Value]) -> Reader<'a> {
        let mut reader = Reader {
            texts: Vec::new(),
            named: HashMap::new(),
        };
        let mut tools: HashMap<&str, &str> = HashMap::new();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for message in messages {
            for call in message["tool_calls"].as_array().into_iter().flatten() {
                let name = call["function"]["name"].as_str().unwrap_or("");
                tools.insert(call["id"].as_str().unwrap_or(""), name);
            }
            if message["role"] != "tool" {
                continue;
            }
            let id = message["tool_call_id"].as_str().unwrap_or("");
            let tool = tools
                .get(id)
                .copied()
                .or(message["name"].as_str())
                .unwrap_or("");
            let count = counts.entry(tool).or_default();
            *count += 1;
            let at = reader.texts.len();
            reader.texts.push(message["content"].as_str().unwrap_or(""));
            reader.named.insert(format!("result {count} of {tool}"), at);
            reader.named.entry(format!("result {id}")).or_insert(at);
        }
        reader
    }

    /// Whether all that a form names is forwarded as it came, but for lines that are named in their turn.
    fn is_plain(&self, form: &str, originals: &[&str]) -> bool {
        let marks = form
            .split('\n')
            .filter_map(|line| line.strip_prefix("[compact "));
        let mut names = marks.filter_map(|words| words.trim_end_matches(']').split_once(" of "));
        names.all(|(_, name)| {
            let name = name.split(", numbers ").next().unwrap_or(name);
            let there = self.named.get(name);
            there.is_some_and(|at| {
                let text = self.texts[*at];
                text == originals[*at] || text.starts_with("[compact refs]")
            })
        })
    }

    /// Line `n` (from 0) of result `at` as the tool said it.
    fn line(&self, at: usize, n: usize, deep: usize) -> Option<String> {
        let mut left = n;
        for (index, line) in self.texts.get(at)?.split('\n').enumerate() {
            if index == 0 && line == "[compact refs]" {
                continue;
            }
            let Some(words) = line.strip_prefix("[compact ").filter(|_| deep < 9) else {
                match left {
                    0 => return Some(line.to_owned()),
                    _ => left -= 1,
                }
                continue;
            };
            let words = words.trim_end_matches(']');
            let (which, rest) = words.split_once(" of ")?;
            let (name, shift) = rest.split_once(", numbers ").unwrap_or((rest, "0"));
            let there = *self.named.get(name)?;
            let (first, last) = match which
                .trim_start_matches("lines ")
                .trim_start_matches("line ")
            {
                "all" => (1, self.texts[there].split('\n').count()),
                range => {
                    let (first, last) = range.split_once('-').unwrap_or((range, range));
                    (first.parse().ok()?, last.parse().ok()?)
                }
            };
            if left > last - first {
                left -= last + 1 - first;
                continue;
            }
            // A name stands for lines of the text as it is in the request.
            let text = self.texts[there].split('\n').nth(first - 1 + left)?;
            return Some(shifted(text, shift.parse().ok()?));
        }
        None
    }
}

/// A line with `by` added to the number it begins with.
fn shifted(line: &str, by: i64) -> String {
    let blank = line.len() - line.trim_start_matches(' ').len();
    let digits = line[blank..].bytes().take_while(u8::is_ascii_digit).count();
    match line[blank..blank + digits].parse::<i64>() {
        Ok(number) if by != 0 => {
            let width = if blank == 0 { 0 } else { blank + digits };
            format!("{:>width$}{}", number + by, &line[blank + digits..])
        }
        _ => line.to_owned(),
    }
}
