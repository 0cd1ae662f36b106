//! Code with its comments and strings covered, so that what is left is code.

use super::Language;

/// The most calls of one piece of code that are looked at.
const CALLS_MAX: usize = 2_000;

/// Code in which every byte of a comment or of a string's inside is a blank; as long as the original.
#[derive(Debug)]
pub(crate) struct Masked {
    text: Vec<u8>,
}

/// What a stretch of code is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    /// To the end of the line.
    Line,
    /// To `*/`.
    Block,
    /// To this quote, so many times over.
    Quote(u8, usize),
}

impl Masked {
    pub(crate) fn of(code: &str, language: Language) -> Masked {
        let bytes = code.as_bytes();
        let mut text = bytes.to_vec();
        let hash = !matches!(language, Language::JavaScript);
        let slashes = matches!(
            language,
            Language::JavaScript | Language::Php | Language::Other
        );
        let mut state = State::Code;
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let mut step = 1;
            let mut cover = state != State::Code;
            match state {
                State::Code => match rest[0] {
                    b'#' if hash => (state, cover) = (State::Line, true),
                    b'/' if slashes && rest.starts_with(b"//") => {
                        (state, cover) = (State::Line, true)
                    }
                    b'/' if slashes && rest.starts_with(b"/*") => {
                        (state, cover) = (State::Block, true)
                    }
                    quote @ (b'"' | b'\'' | b'`') => {
                        let triple = rest.len() > 2
                            && rest[1] == quote
                            && rest[2] == quote
                            && matches!(language, Language::Python);
                        step = if triple { 3 } else { 1 };
                        state = State::Quote(quote, step);
                    }
                    _ => {}
                },
                State::Line if rest[0] == b'\n' => state = State::Code,
                State::Block if rest.starts_with(b"*/") => (state, step) = (State::Code, 2),
                State::Quote(_, _) if rest[0] == b'\\' => step = 2.min(rest.len()),
                State::Quote(quote, times)
                    if rest.len() >= times && rest[..times].iter().all(|b| *b == quote) =>
                {
                    (state, step, cover) = (State::Code, times, false);
                }
                State::Quote(quote, 1) if rest[0] == b'\n' && quote != b'`' => state = State::Code,
                _ => {}
            }
            if cover {
                text[at..at + step].fill(b' ');
            }
            at += step;
        }
        Masked { text }
    }

    /// Every call: its dotted name, and the original text between its brackets.
    pub(crate) fn calls<'c>(&self, code: &'c str) -> Vec<(&'c str, &'c str)> {
        let mut open: Vec<usize> = Vec::new();
        let mut calls = Vec::new();
        for (at, byte) in self.text.iter().enumerate() {
            match byte {
                b'(' => open.push(at),
                b')' => {
                    let Some(start) = open.pop() else { continue };
                    let name = self.name_before(code, start);
                    let inside = code.get(start + 1..at);
                    if let (Some(name), Some(inside)) = (name, inside)
                        && open.len() < 16
                        && calls.len() < CALLS_MAX
                    {
                        calls.push((name, inside));
                    }
                }
                _ => {}
            }
        }
        calls
    }

    /// The dotted name that ends at `end`.
    fn name_before<'c>(&self, code: &'c str, end: usize) -> Option<&'c str> {
        let part = |b: &u8| b.is_ascii_alphanumeric() || b"_.$:>-!".contains(b);
        let len = self.text[..end]
            .iter()
            .rev()
            .take(64)
            .take_while(|b| part(b))
            .count();
        let name = code.get(end - len..end)?;
        let name = name.trim_start_matches(['-', '>', '!']);
        (!name.is_empty()).then_some(name)
    }

    /// What stands between backquotes.
    pub(crate) fn backquoted<'c>(&self, code: &'c str) -> Vec<&'c str> {
        let marks: Vec<usize> = self
            .text
            .iter()
            .enumerate()
            .filter(|(_, b)| **b == b'`')
            .map(|(at, _)| at)
            .collect();
        marks
            .chunks_exact(2)
            .filter_map(|pair| code.get(pair[0] + 1..pair[1]))
            .take(64)
            .collect()
    }

    /// Calls without brackets, as Ruby and Perl have them: `system "rm"`.
    pub(crate) fn bare_calls(&self, code: &str) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        for name in ["system", "exec", "unlink", "rmtree"] {
            for (at, _) in code.match_indices(name).take(64) {
                let after = code.get(at + name.len()..).unwrap_or_default();
                let gap = after.len() - after.trim_start().len();
                let quote = after.trim_start().chars().next();
                let masked = self.text.get(at) == Some(&b' ');
                if gap > 0 && !masked && matches!(quote, Some('"' | '\'' | '`')) {
                    let line = after.split('\n').next().unwrap_or_default();
                    found.extend(
                        strings(line)
                            .into_iter()
                            .next()
                            .map(|literal| (name, literal)),
                    );
                }
            }
        }
        found
    }

    /// Whether a word stands in the code itself.
    pub(crate) fn has_word(&self, word: &str) -> bool {
        let whole = |at: usize| {
            let letter =
                |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
            !letter(at.checked_sub(1).and_then(|at| self.text.get(at)))
                && !letter(self.text.get(at + word.len()))
        };
        self.text
            .windows(word.len())
            .enumerate()
            .any(|(at, w)| w == word.as_bytes() && whole(at))
    }

    /// Whether the code goes over many things.
    pub(crate) fn goes_over_many(&self) -> bool {
        [
            "for",
            "while",
            "glob",
            "listdir",
            "walk",
            "readdirSync",
            "iterdir",
            "scandir",
            "rglob",
            "each",
            "map",
            "forEach",
        ]
        .iter()
        .any(|word| self.has_word(word))
    }
}

/// The string literals in a piece of code, escapes of quotes undone; bounded.
pub(crate) fn strings(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(['"', '\'', '`']) {
        let quote = rest[at..].chars().next().unwrap_or('"');
        let triple: String = std::iter::repeat_n(quote, 3).collect();
        let mark = if rest[at..].starts_with(&triple) {
            triple
        } else {
            quote.to_string()
        };
        rest = &rest[at + mark.len()..];
        let mut literal = String::new();
        loop {
            match rest.find(['\\', quote]) {
                None => {
                    rest = "";
                    break;
                }
                Some(stop) if rest[stop..].starts_with(&mark) => {
                    literal.push_str(&rest[..stop]);
                    rest = &rest[stop + mark.len()..];
                    break;
                }
                Some(stop) => {
                    let len = rest[stop + 1..].chars().next().map_or(0, char::len_utf8);
                    let escaped = &rest[stop + 1..stop + 1 + len];
                    literal.push_str(&rest[..stop]);
                    match (rest.as_bytes()[stop], escaped) {
                        (b'\\', "n") => literal.push('\n'),
                        (b'\\', other) => literal.push_str(other),
                        _ => {
                            literal.push(quote);
                            rest = &rest[stop + 1..];
                            continue;
                        }
                    }
                    rest = &rest[stop + 1 + len..];
                }
            }
        }
        found.push(literal);
        if found.len() >= 256 {
            break;
        }
    }
    found
}
