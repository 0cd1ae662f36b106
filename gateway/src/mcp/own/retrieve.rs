//! Giving back what a reversible form left out: a part of an original, as the agent asks for it. Pure.

use super::words::{Arguments, bad};
use crate::edge::failure::Failure;
use regex::{Regex, RegexBuilder};
use sallyport_compress::tokens::estimate;
use sallyport_exchange::json::{JsonKind, Tape, Value};
use sallyport_firewall::boundary::floor;
use std::fmt::Write;

/// What an agent is told of the tool. Constant: it stands at the end of every list of a session.
pub(super) const SAYS: &str = "Original of a [compact …] answer by its ref: a range of lines, what a regular expression finds, or a JSON path.";
/// Its parameters.
pub(super) const PROPERTIES: &str = r##"{"ref":{"type":"string"},"range":{"type":"string","description":"10-80, or letters of a line: 1:500-900"},"grep":{"type":"string"},"path":{"type":"string","description":"$.items[3].name"},"limit":{"type":"integer","description":"tokens"}}"##;
/// Told for every handle that means nothing to this caller, whatever the reason.
pub(super) const NOT_FOUND: &str = "There is no original of this ref in this session.";

/// Tokens that are given where nobody says otherwise, and at most.
const TOKENS: (usize, usize) = (2_000, 20_000);
/// Bytes of a handle, a regular expression or a path.
const ASKED_MAX: usize = 1_000;
/// Bytes that a compiled regular expression may take, and its lazily built automaton.
const REGEX_BYTES_MAX: usize = 1 << 20;
/// Letters of a long line before and after what matched in it.
const AROUND: usize = 120;
/// Letters of a line that is shown whole where it matches.
const LINE_MAX: usize = 400;
/// Steps of a path.
const STEPS_MAX: usize = 64;
/// Keys that are told of an object that is too large.
const KEYS_TOLD: usize = 30;

/// What is wrong with what was asked: told to the agent. Never text of the original.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Say(pub String);

/// What is asked of an original.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Wanted {
    /// Which lines.
    pub range: Option<Range>,
    /// What a line must match.
    pub grep: Option<String>,
    /// Which value of a JSON document.
    pub path: Option<String>,
    /// At most so many tokens, roughly; `None`: as usual.
    pub limit: Option<usize>,
}

/// A stretch of an original. All numbers begin with 1, and both ends belong to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Range {
    /// Lines from the first to the last; `None`: to the end.
    Lines(usize, Option<usize>),
    /// Letters (Unicode scalar values) of one line.
    Letters {
        /// Which line.
        line: usize,
        /// From this letter.
        first: usize,
        /// To this one; `None`: to the end of the line.
        last: Option<usize>,
    },
}

/// What was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selected {
    /// The part, to the byte as it stands in the original; of a search, the lines with their numbers.
    pub text: String,
    /// What is not in it, and how to have it; `None`: it is all that was asked for.
    pub note: Option<String>,
}

impl Wanted {
    /// Reads the arguments of a call: the handle, and what is wanted.
    pub(super) fn read(tape: &Tape<'_>) -> Result<(String, Wanted), Failure> {
        let given = Arguments::of(tape, &["ref", "range", "grep", "path", "limit"])?;
        let text = |key: &str| match given.text(key)? {
            Some(text) if text.len() > ASKED_MAX => Err(bad(&format!("`{key}` is too long."))),
            text => Ok(text.filter(|text| !text.is_empty())),
        };
        let handle = text("ref")?.ok_or_else(|| bad("`ref` is missing."))?;
        let range = text("range")?.map(|range| Range::read(&range)).transpose();
        let wanted = Wanted {
            range: range.map_err(|say| bad(&say.0))?,
            grep: text("grep")?,
            path: text("path")?,
            limit: given.count("limit")?,
        };
        Ok((handle, wanted))
    }

    fn letters(&self) -> usize {
        // A token of what tools answer is hardly ever one letter, so no more than this is looked at.
        self.tokens().saturating_mul(16)
    }

    fn tokens(&self) -> usize {
        self.limit.unwrap_or(TOKENS.0).clamp(1, TOKENS.1)
    }
}

impl Range {
    /// Reads `10-80`, `10-`, `10`, `3:500-900`.
    pub fn read(text: &str) -> Result<Range, Say> {
        let say = || {
            Say("`range` is lines, as \"10-80\" or \"10-\", or letters of one line, as \"1:500-900\".".to_owned())
        };
        let number = |text: &str| match text.trim().parse::<usize>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err(say()),
        };
        let ends = |text: &str| match text.split_once('-') {
            None => number(text).map(|one| (one, Some(one))),
            Some((first, last)) if last.trim().is_empty() => Ok((number(first)?, None)),
            Some((first, last)) => {
                let (first, last) = (number(first)?, number(last)?);
                (first <= last)
                    .then_some((first, Some(last)))
                    .ok_or_else(say)
            }
        };
        match text.split_once(':') {
            None => ends(text).map(|(first, last)| Range::Lines(first, last)),
            Some((line, letters)) => {
                let (first, last) = ends(letters)?;
                let line = number(line)?;
                Ok(Range::Letters { line, first, last })
            }
        }
    }
}

/// A part of an original. Linear in the original, and never more than asked for: what was cut is told.
pub fn select(original: &str, wanted: &Wanted) -> Result<Selected, Say> {
    match (&wanted.path, &wanted.grep, wanted.range) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
            Err(Say("Give `path` alone, or `grep` and `range`.".to_owned()))
        }
        (Some(path), None, None) => value(original, path, wanted),
        (None, Some(pattern), range) => matching(original, pattern, range, wanted),
        (None, None, Some(Range::Letters { line, first, last })) => {
            letters(original, line, (first, last), wanted)
        }
        (None, None, Some(Range::Lines(first, last))) => lines(original, first, last, wanted),
        (None, None, None) => lines(original, 1, None, wanted),
    }
}

/// Lines, each with the line feed that ends it.
fn lines_of(original: &str) -> impl Iterator<Item = &str> {
    original.split_inclusive('\n')
}

fn lines(
    original: &str,
    first: usize,
    last: Option<usize>,
    wanted: &Wanted,
) -> Result<Selected, Say> {
    let all = lines_of(original).count();
    if first > all.max(1) {
        return Err(Say(format!("The original has {}.", counted(all, "line"))));
    }
    let last = last.unwrap_or(all).min(all);
    let mut start = 0;
    let mut end = 0;
    let mut tokens = 0;
    let mut shown = first - 1;
    for (at, line) in lines_of(original).enumerate() {
        let number = at + 1;
        if number < first {
            start += line.len();
            end = start;
            continue;
        }
        if number > last {
            break;
        }
        let more = match line.len() > wanted.letters() {
            true => usize::MAX / 2,
            false => estimate(line),
        };
        if tokens + more > wanted.tokens() {
            break;
        }
        tokens += more;
        end += line.len();
        shown = number;
    }
    if shown < first && last >= first {
        // Not even one line fits.
        return letters(original, first, (1, None), wanted);
    }
    let is_all = shown == last;
    let note = (!is_all || first > 1 || last < all).then(|| {
        let mut note = format!("[lines {first}-{shown} of {all}");
        if shown < last {
            let _ = write!(note, "; range \"{}-{last}\" is the rest", shown + 1);
        }
        note.push(']');
        note
    });
    Ok(Selected {
        text: original[start..end].to_owned(),
        note,
    })
}

fn letters(
    original: &str,
    line: usize,
    (first, last): (usize, Option<usize>),
    wanted: &Wanted,
) -> Result<Selected, Say> {
    let say = || {
        Say(format!(
            "The original has {}.",
            counted(lines_of(original).count(), "line")
        ))
    };
    let text = lines_of(original).nth(line - 1).ok_or_else(say)?;
    let all = text.chars().count();
    let last = last.unwrap_or(all).min(all);
    let place = |letter: usize| {
        text.char_indices()
            .nth(letter)
            .map_or(text.len(), |(at, _)| at)
    };
    if first > all {
        return Err(Say(format!("Line {line} has {}.", counted(all, "letter"))));
    }
    let part = &text[place(first - 1)..place(last)];
    let fits = fitting(part, wanted);
    let shown = first - 1 + part[..fits].chars().count();
    let mut note = format!("[letters {first}-{shown} of {all} of line {line}");
    if shown < last {
        let _ = write!(note, "; range \"{line}:{}-{last}\" is the rest", shown + 1);
    }
    note.push(']');
    Ok(Selected {
        text: part[..fits].to_owned(),
        note: Some(note),
    })
}

/// How many bytes of a text are no more tokens than wanted: found by halving, for an estimate only grows.
fn fitting(text: &str, wanted: &Wanted) -> usize {
    let head = floor(text, wanted.letters());
    if head == text.len() && estimate(text) <= wanted.tokens() {
        return head;
    }
    let (mut fits, mut over) = (0, head + 1);
    while over - fits > 1 {
        let middle = fits + (over - fits) / 2;
        let cut = floor(text, middle);
        match estimate(&text[..cut]) <= wanted.tokens() {
            true => fits = middle,
            false => over = middle,
        }
    }
    // At least one letter, or nobody would come any further.
    let least = text.chars().next().map_or(0, char::len_utf8);
    floor(text, fits).max(least)
}

fn matching(
    original: &str,
    pattern: &str,
    range: Option<Range>,
    wanted: &Wanted,
) -> Result<Selected, Say> {
    let regex = RegexBuilder::new(pattern)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(
            |_| Say("`grep` is no regular expression, or one that is too large.".to_owned()),
        )?;
    let (first, last) = match range {
        None => (1, None),
        Some(Range::Lines(first, last)) => (first, last),
        Some(Range::Letters { .. }) => {
            return Err(Say("With `grep`, `range` is lines.".to_owned()));
        }
    };
    let mut text = String::new();
    let (mut tokens, mut shown, mut all) = (0, 0, 0);
    let mut rest = None;
    for (at, line) in lines_of(original).enumerate() {
        let number = at + 1;
        if number < first || last.is_some_and(|last| number > last) {
            continue;
        }
        let line = line.strip_suffix('\n').unwrap_or(line);
        let line = line.strip_suffix('\r').unwrap_or(line);
        let Some(told) = matched(&regex, line) else {
            continue;
        };
        all += 1;
        if rest.is_some() {
            continue;
        }
        let told = format!("{number}:{told}\n");
        let more = estimate(&told);
        if tokens + more > wanted.tokens() && shown > 0 {
            rest = Some(number);
            continue;
        }
        tokens += more;
        text.push_str(&told);
        shown += 1;
    }
    if all == 0 {
        let text = "No line matches.".to_owned();
        return Ok(Selected { text, note: None });
    }
    let note = rest.map(|from| {
        let to = last.map_or(String::new(), |last| last.to_string());
        format!("[{shown} of {all} lines that match; add range \"{from}-{to}\" for the rest]")
    });
    Ok(Selected { text, note })
}

/// A line that matches: whole, or what is around the first match in it.
fn matched(regex: &Regex, line: &str) -> Option<String> {
    let found = regex.find(line)?;
    if line.len() <= LINE_MAX {
        return Some(line.to_owned());
    }
    let from = floor(line, found.start().saturating_sub(AROUND));
    let to = found.end().min(found.start() + LINE_MAX) + AROUND;
    let to = floor(line, to);
    let before = line[..from].chars().count();
    let letters = line[from..to].chars().count();
    Some(format!(
        "[letters {}-{} of {}] {}",
        before + 1,
        before + letters,
        line.chars().count(),
        &line[from..to]
    ))
}

fn value(original: &str, path: &str, wanted: &Wanted) -> Result<Selected, Say> {
    let steps = steps(path)?;
    let tape = Tape::read_str(original)
        .map_err(|_| Say("The original is not JSON: use `range` or `grep`.".to_owned()))?;
    let mut value = tape.root();
    let mut walked = "$".to_owned();
    for step in &steps {
        let next = match step {
            Step::Key(key) => value.member(key),
            Step::Place(place) => value.elements().and_then(|mut all| all.nth(*place)),
        };
        value =
            next.ok_or_else(|| Say(format!("Nothing is there: {walked} is {}.", size(value))))?;
        step.add_to(&mut walked);
    }
    let raw = value.raw();
    let fits = fitting(raw, wanted);
    let note = (fits < raw.len()).then(|| {
        format!(
            "[{walked} is {}; shown are the first {fits} of {} bytes; ask for less, as {}]",
            size(value),
            raw.len(),
            within(value, &walked)
        )
    });
    Ok(Selected {
        text: raw[..fits].to_owned(),
        note,
    })
}

enum Step {
    Key(String),
    Place(usize),
}

impl Step {
    fn add_to(&self, path: &mut String) {
        let plain =
            |key: &str| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_');
        let _ = match self {
            Step::Key(key) if plain(key) => write!(path, ".{key}"),
            Step::Key(key) => write!(path, "[{}]", sallyport_exchange::json::string::quoted(key)),
            Step::Place(place) => write!(path, "[{place}]"),
        };
    }
}

/// The steps of `$.a[3]["b c"]`; a path may do without `$`.
fn steps(path: &str) -> Result<Vec<Step>, Say> {
    let say = || Say("`path` is written as $.items[3].name or $[\"odd key\"][0].".to_owned());
    let mut steps = Vec::new();
    let mut rest = path.trim();
    rest = match rest.strip_prefix('$') {
        Some(rest) => rest,
        None if rest.starts_with(['.', '[']) => rest,
        None => {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            steps.push(Step::Key(rest[..end].to_owned()));
            &rest[end..]
        }
    };
    while !rest.is_empty() {
        if steps.len() >= STEPS_MAX {
            return Err(say());
        }
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            if end == 0 {
                return Err(say());
            }
            steps.push(Step::Key(after[..end].to_owned()));
            rest = &after[end..];
            continue;
        }
        let after = rest.strip_prefix('[').ok_or_else(say)?;
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (step, after) = match quote {
            Some(quote) => {
                let (key, after) = after[1..].split_once(quote).ok_or_else(say)?;
                (
                    Step::Key(key.to_owned()),
                    after.strip_prefix(']').ok_or_else(say)?,
                )
            }
            None => {
                let (place, after) = after.split_once(']').ok_or_else(say)?;
                (Step::Place(place.trim().parse().map_err(|_| say())?), after)
            }
        };
        steps.push(step);
        rest = after;
    }
    Ok(steps)
}

/// What a value is, without its words.
fn size(value: Value<'_>) -> String {
    match value.kind() {
        JsonKind::Array => {
            let many = value.elements().map_or(0, Iterator::count);
            format!("a list of {}", counted(many, "element"))
        }
        JsonKind::Object => {
            let many = value.members().map_or(0, Iterator::count);
            format!("an object of {}", counted(many, "key"))
        }
        JsonKind::String => "a text".to_owned(),
        _ => "a plain value".to_owned(),
    }
}

/// How to ask for a part of a value.
fn within(value: Value<'_>, path: &str) -> String {
    match value.kind() {
        JsonKind::Array => format!("{path}[0]"),
        JsonKind::Object => {
            let keys = value.members().into_iter().flatten();
            let keys = keys.take(KEYS_TOLD).map(|(key, _)| {
                let mut one = path.to_owned();
                Step::Key(key.as_str().unwrap_or_default().into_owned()).add_to(&mut one);
                one
            });
            keys.collect::<Vec<_>>().join(", ")
        }
        _ => "a range of letters".to_owned(),
    }
}

fn counted(many: usize, what: &str) -> String {
    match many {
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(range: &str, grep: &str, path: &str, limit: usize) -> Wanted {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Wanted {
            range: given(range).map(|range| Range::read(&range).expect("a range")),
            grep: given(grep),
            path: given(path),
            limit: (limit > 0).then_some(limit),
        }
    }

    fn got(original: &str, wanted: &Wanted) -> (String, Option<String>) {
        let selected = select(original, wanted).expect("a part");
        (selected.text, selected.note)
    }

    fn log() -> String {
        (1..=5_000)
            .map(|n| format!("2026-01-02 line {n} says nothing much\r\n"))
            .collect()
    }

    #[test]
    fn a_small_original_comes_whole() {
        for original in ["", "one", "one\ntwo\n", "\n\n", "é\r\n"] {
            let all = got(original, &Wanted::default());
            assert_eq!(all, (original.to_owned(), None), "{original:?}");
        }
    }

    /// Following the notes gives every byte, in parts that are each as small as asked for.
    #[test]
    fn the_notes_lead_through_the_whole_original() {
        let one_line = "{\"a\":\"é\u{1F600} and more\"},".repeat(3_000);
        let odd = format!("short\n{one_line}\n\nend without a feed");
        for original in [log(), one_line, odd, "\n".repeat(30_000)] {
            let mut whole = String::new();
            let mut range = "1-".to_owned();
            for _ in 0..1_000 {
                let (text, note) = got(&original, &wanted(&range, "", "", 0));
                assert!(estimate(&text) <= 2_000, "{} {note:?}", estimate(&text));
                assert!(!text.is_empty());
                whole.push_str(&text);
                let note = note.unwrap_or_default();
                let next = note.split('"').nth(1).map(str::to_owned);
                let line = range
                    .split(':')
                    .next()
                    .and_then(|line| line.parse::<usize>().ok());
                range = match (next, line.filter(|_| note.starts_with("[letters"))) {
                    (Some(next), _) => next,
                    (None, Some(line)) => format!("{}-", line + 1),
                    (None, None) if note.starts_with("[letters") => {
                        let line = note.rsplit(' ').next().unwrap_or_default();
                        let line: usize = line.trim_end_matches(']').parse().expect("a line");
                        format!("{}-", line + 1)
                    }
                    (None, None) => break,
                };
                if whole.len() >= original.len() {
                    break;
                }
            }
            assert_eq!(whole.len(), original.len());
            assert!(whole == original);
        }
    }

    #[test]
    fn lines_are_what_they_are() {
        let original = "one\ntwo\nthree";
        assert_eq!(
            got(original, &wanted("2", "", "", 0)),
            ("two\n".into(), Some("[lines 2-2 of 3]".into()))
        );
        assert_eq!(
            got(original, &wanted("2-9", "", "", 0)),
            ("two\nthree".into(), Some("[lines 2-3 of 3]".into()))
        );
        assert_eq!(
            got(original, &wanted("3:2-3", "", "", 0)),
            ("hr".into(), Some("[letters 2-3 of 5 of line 3]".into()))
        );
        let cut = got(&log(), &wanted("10-4000", "", "", 100));
        let note = cut.1.expect("it is cut");
        assert!(cut.0.starts_with("2026-01-02 line 10 says"), "{}", cut.0);
        assert!(
            note.starts_with("[lines 10-")
                && note.contains("of 5000")
                && note.contains("-4000\" is the rest"),
            "{note}"
        );
        for (range, told) in [("4", "3 lines"), ("9:1", "3 lines"), ("1:9", "4 letters")] {
            let say = select(original, &wanted(range, "", "", 0)).expect_err("is not there");
            assert!(say.0.contains(told), "{range}: {say:?}");
        }
        for odd in [
            "",
            "0",
            "2-1",
            "x",
            "1-2-3",
            "-1",
            "1:",
            "1:0",
            ":1",
            "99999999999999999999999",
        ] {
            assert!(Range::read(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn what_matches_is_told_with_its_number() {
        let original = "error: a\r\nfine\nError: b\n";
        assert_eq!(
            got(original, &wanted("", "^error", "", 0)),
            ("1:error: a\n".into(), None)
        );
        assert_eq!(
            got(original, &wanted("", "(?i)^error", "", 0)).0,
            "1:error: a\n3:Error: b\n"
        );
        assert_eq!(
            got(original, &wanted("2-", "(?i)^error", "", 0)).0,
            "3:Error: b\n"
        );
        assert_eq!(
            got(original, &wanted("", "nowhere", "", 0)),
            ("No line matches.".into(), None)
        );
        let (text, note) = got(&log(), &wanted("", "line [0-9]*7 ", "", 100));
        let note = note.expect("there are more");
        let next: usize = text
            .lines()
            .last()
            .and_then(|l| l.split(':').next()?.parse().ok())
            .expect("a number");
        assert!(
            note.contains("of 500 lines") && note.contains(&format!("\"{}-\"", next + 10)),
            "{note}"
        );
        let long = format!("{}needle{}", "x".repeat(50_000), "y".repeat(50_000));
        let (text, _) = got(&long, &wanted("", "needle", "", 0));
        assert!(
            text.starts_with("1:[letters 49881-50126 of 100006] x") && text.len() < 400,
            "{text}"
        );
    }

    #[test]
    fn values_are_found_by_their_path() {
        let original =
            r#"{"items":[{"name":"a","n":1.50},{"name":"b\n","odd key":[true]}],"x.y":null}"#;
        for (path, value) in [
            ("$", original),
            ("$.items[0].n", "1.50"),
            ("items[1].name", r#""b\n""#),
            (".items[1][\"odd key\"][0]", "true"),
            ("$['x.y']", "null"),
        ] {
            assert_eq!(
                got(original, &wanted("", "", path, 0)),
                (value.into(), None),
                "{path}"
            );
        }
        for (path, told) in [
            ("$.items[2]", "$.items is a list of 2 elements"),
            ("$.none", "$ is an object of 2 keys"),
            ("$.items[0].n.x", "$.items[0].n is a plain value"),
            ("$..a", "`path`"),
            ("$[", "`path`"),
            ("$[-1]", "`path`"),
            ("$[\"a", "`path`"),
            ("$a", "`path`"),
        ] {
            let say = select(original, &wanted("", "", path, 0)).expect_err("nothing is there");
            assert!(say.0.contains(told), "{path}: {say:?}");
        }
        let large = format!(
            "{{\"all\":[{}1]}}",
            "{\"name\":\"of some length\"},".repeat(2_000)
        );
        let (text, note) = got(&large, &wanted("", "", "$.all", 0));
        let note = note.expect("it is cut");
        assert!(
            note.contains("a list of 2001 elements") && note.contains("$.all[0]"),
            "{note}"
        );
        assert!(large.contains(&text) && estimate(&text) <= 2_000);
        let say = select("no JSON", &wanted("", "", "$.a", 0)).expect_err("is no JSON");
        assert!(say.0.contains("not JSON"), "{say:?}");
    }

    #[test]
    fn what_cannot_be_asked_together_is_refused() {
        for odd in [
            wanted("1", "", "$", 0),
            wanted("", "a", "$", 0),
            wanted("1:2", "a", "", 0),
            wanted("", "(", "", 0),
        ] {
            assert!(select("{}", &odd).is_err(), "{odd:?}");
        }
        let huge = wanted("", &"(a{1000}){1000}".repeat(9), "", 0);
        assert!(
            select("a", &huge).is_err(),
            "an expression that would take all memory"
        );
    }

    #[test]
    fn hostile_originals_take_no_longer() {
        let begun = std::time::Instant::now();
        let line = "a".repeat(1 << 20);
        let lines = "a\n".repeat(1 << 19);
        let deep = "[".repeat(1 << 20);
        for original in [&line, &lines, &deep] {
            for wanted in [
                Wanted::default(),
                wanted("1:500000-", "", "", 0),
                wanted("1000-", "", "", 20_000),
                wanted("", "(a|aa)+$", "", 0),
                wanted("", "(.*)*b", "", 0),
                wanted("", "", "$[0]", 0),
            ] {
                let _ = select(original, &wanted);
            }
        }
        assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
    }
}
