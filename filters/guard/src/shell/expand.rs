//! Words become what a command is given: variables, substitutions, braces, fields.

use super::read::{Piece, Word};
use super::{Shell, Stream, is_name};
use crate::look::WORD_MAX;

/// What stands where the output of a command is not known.
pub(crate) const UNKNOWN: &str = "$(…)";

/// A stretch of a word after expansion; `split` if blanks in it separate fields.
struct Stretch {
    text: String,
    split: bool,
}

impl Shell<'_> {
    /// Expands one word into the fields it stands for.
    pub(crate) fn expand(&mut self, word: &Word, fields: &mut Vec<String>) {
        if let [
            Piece::Text {
                text,
                quoted: false,
            },
        ] = word.as_slice()
            && let Some(list) = braces(text)
        {
            fields.extend(list);
            return;
        }
        let stretches = self.stretches(word);
        let separators = self.variables.get("IFS").cloned();
        let separates = |c: char| match &separators {
            Some(set) => set.contains(c),
            None => c.is_whitespace(),
        };
        let mut field: Option<String> = None;
        for stretch in stretches {
            if !stretch.split {
                field.get_or_insert_default().push_str(&stretch.text);
                continue;
            }
            for (at, piece) in stretch.text.split(separates).enumerate() {
                if at > 0 {
                    fields.extend(field.take());
                }
                if !piece.is_empty() {
                    field.get_or_insert_default().push_str(piece);
                }
            }
        }
        fields.extend(field);
    }

    /// A word as one string.
    pub(crate) fn joined(&mut self, word: &Word) -> String {
        let stretches = self.stretches(word);
        stretches.into_iter().map(|stretch| stretch.text).collect()
    }

    fn stretches(&mut self, word: &Word) -> Vec<Stretch> {
        let mut stretches: Vec<Stretch> = Vec::with_capacity(word.len());
        let mut total = 0;
        let most = WORD_MAX.max(word_len(word));
        for piece in word {
            let stretch = self.stretch(piece);
            total += stretch.text.len();
            if total > most || !self.look.spend(stretch.text.len()) {
                self.look.spend(usize::MAX);
                return stretches;
            }
            stretches.push(stretch);
        }
        stretches
    }

    fn stretch(&mut self, piece: &Piece) -> Stretch {
        match piece {
            Piece::Text { text, .. } => Stretch {
                text: text.clone(),
                split: false,
            },
            Piece::Variable { inside, quoted } => {
                let every = inside.ends_with("[@]") || inside == "@";
                Stretch {
                    text: self.variable(inside),
                    split: !quoted || every,
                }
            }
            Piece::Output { script, quoted } => {
                let stream = self.inner(script, Stream::default());
                Stretch {
                    text: self.shown(stream),
                    split: !quoted,
                }
            }
            Piece::Process { script } => {
                let stream = self.inner(script, Stream::default());
                let name = format!("/dev/fd/{}", self.look_id());
                self.keep(&name, stream);
                Stretch {
                    text: name,
                    split: false,
                }
            }
        }
    }

    /// What a substitution puts into a word; where that is not known, a word that says where it came from.
    fn shown(&mut self, stream: Stream) -> String {
        match stream.text {
            Some(text) => text.trim_end_matches('\n').into(),
            None if stream.remote => "$(remote)".into(),
            None if stream.hidden => "$(hidden)".into(),
            None => UNKNOWN.into(),
        }
    }

    fn look_id(&self) -> usize {
        63 + self.files.len()
    }

    /// `$name` or the inside of `${…}`. What is not known stays `$name`.
    fn variable(&mut self, inside: &str) -> String {
        let inside = inside
            .strip_suffix("[@]")
            .or(inside.strip_suffix("[*]"))
            .unwrap_or(inside);
        let (indirect, inside) = match inside.strip_prefix('!') {
            Some(rest) if !rest.is_empty() => (true, rest),
            _ => (false, inside),
        };
        let len = inside
            .bytes()
            .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
            .count();
        let (name, operator) = inside.split_at(len);
        if inside == "IFS" && !self.variables.contains_key("IFS") {
            return " ".into();
        }
        let mut value = self.variables.get(name).cloned();
        if let (true, Some(target)) = (indirect, &value) {
            value = self.variables.get(target).cloned();
        }
        let unknown = || {
            if is_name(name) {
                format!("${name}")
            } else {
                UNKNOWN.into()
            }
        };
        let Some(operation) = operator.chars().next() else {
            return value.unwrap_or_else(unknown);
        };
        let rest = operator.trim_start_matches(':');
        match operation {
            ':' if !rest.starts_with(['-', '=', '?', '+']) => match value {
                Some(value) => substring(&value, rest),
                None => unknown(),
            },
            ':' | '-' | '=' | '?' | '+' => {
                let given = rest.get(1..).unwrap_or_default();
                match (rest.chars().next(), value) {
                    (Some('+'), Some(_)) => given.into(),
                    (Some('+'), None) => String::new(),
                    (Some('-' | '='), None) => given.into(),
                    (_, value) => value.unwrap_or_else(unknown),
                }
            }
            '/' => match value {
                Some(value) => replaced(&value, operator),
                None => unknown(),
            },
            ',' => value.map_or_else(unknown, |value| value.to_lowercase()),
            '^' => value.map_or_else(unknown, |value| value.to_uppercase()),
            _ => value.unwrap_or_else(unknown),
        }
    }
}

fn word_len(word: &Word) -> usize {
    word.iter()
        .map(|piece| match piece {
            Piece::Text { text, .. } => text.len(),
            _ => 0,
        })
        .sum()
}

/// `${name:from:length}`.
fn substring(value: &str, range: &str) -> String {
    let mut numbers = range.split(':').map(|n| n.trim().parse::<usize>());
    let from = numbers.next().and_then(Result::ok).unwrap_or(0);
    let len = numbers.next().and_then(Result::ok).unwrap_or(usize::MAX);
    value.chars().skip(from).take(len).collect()
}

/// `${name/what/with}`, `${name//what/with}`.
fn replaced(value: &str, operator: &str) -> String {
    let all = operator.starts_with("//");
    let rest = operator.trim_start_matches('/');
    let (what, with) = rest.split_once('/').unwrap_or((rest, ""));
    match (what.is_empty(), all) {
        (true, _) => value.into(),
        (_, true) if with.len() <= what.len() => value.replace(what, with),
        _ => value.replacen(what, with, 1),
    }
}

/// `{a,b}` and `x{a,b}y`, one level.
fn braces(text: &str) -> Option<Vec<String>> {
    let (before, rest) = text.split_once('{')?;
    let (inside, after) = rest.split_once('}')?;
    if !inside.contains(',') {
        return None;
    }
    Some(
        inside
            .split(',')
            .map(|part| format!("{before}{part}{after}"))
            .collect(),
    )
}
