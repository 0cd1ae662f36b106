//! The arguments of a call: which of them are meant to be run, in what language, and where they stand.

use crate::action::Action;
use crate::code::{self, Language};
use crate::look::{ARGUMENT_MAX, Look};
use crate::names::{self, Key, Sort};
use crate::{clients, http, programs, shell, sql};
use sallyport_exchange::json::{JsonKind, Tape, Value};
use std::ops::Range;

/// How deep arguments may nest before what is below is passed over as one.
const DEPTH_MAX: usize = 32;

/// What was found in one stretch of a part's text.
pub(crate) type Found = (Range<usize>, Vec<(Action, f32)>);

/// A string or number in the arguments, and the lines it takes in the part's text.
#[derive(Clone, Debug)]
struct Leaf {
    text: String,
    range: Range<usize>,
}

/// Reads a call's arguments in step with the part's text.
#[derive(Debug)]
pub(crate) struct Arguments<'a> {
    tool: &'a str,
    sort: Sort,
    text: &'a str,
    at: usize,
    found: Vec<Found>,
}

/// Members of an object that say how others are to be read.
#[derive(Default)]
struct Siblings {
    program: Option<Leaf>,
    language: Option<String>,
    method: Option<Leaf>,
    addressed: bool,
    arguments: Option<Vec<Leaf>>,
}

/// Looks at a whole call.
pub(crate) fn look_at(tool: &str, json: Option<&str>, text: &str) -> Vec<Found> {
    let mut arguments = Arguments {
        tool,
        sort: names::sort(tool),
        text,
        at: 0,
        found: Vec::new(),
    };
    let tape = json.and_then(|json| Tape::read_str(json).ok());
    match &tape {
        Some(tape) => arguments.value("", tape.root(), None, 0),
        None => {
            let leaf = Leaf {
                text: text.into(),
                range: 0..text.len(),
            };
            arguments.string("input", &leaf, None);
        }
    }
    if names::deletes(tool) {
        let whole = 0..text.len();
        arguments
            .found
            .push((whole, vec![(Action::DeleteNamed, 0.6)]));
    }
    arguments.found
}

impl Arguments<'_> {
    /// The lines of the text that the next leaf takes. The whole text, should the two not be in step.
    fn range(&mut self, leaf: &str) -> Range<usize> {
        if self
            .text
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(leaf))
        {
            let range = self.at..self.at + leaf.len();
            self.at = (range.end + 1).min(self.text.len());
            if self.text.is_char_boundary(self.at) {
                return range;
            }
        }
        0..self.text.len()
    }

    fn leaf(&mut self, value: Value<'_>) -> Leaf {
        let text = match value.kind() {
            JsonKind::String => value.as_str().unwrap_or_default().into_owned(),
            _ => value.raw().to_owned(),
        };
        let range = self.range(&text);
        Leaf { text, range }
    }

    fn value(&mut self, key: &str, value: Value<'_>, siblings: Option<&Siblings>, depth: usize) {
        match value.kind() {
            JsonKind::Object if depth < DEPTH_MAX => self.object(key, value, depth),
            JsonKind::Array if depth < DEPTH_MAX => self.array(key, value, siblings, depth),
            JsonKind::Object | JsonKind::Array => {
                let whole = 0..self.text.len();
                self.found.push((whole, vec![(Action::Unparsed, 0.9)]));
            }
            JsonKind::String => {
                let leaf = self.leaf(value);
                self.string(key, &leaf, siblings);
            }
            JsonKind::Number => drop(self.leaf(value)),
            JsonKind::True | JsonKind::False | JsonKind::Null => {}
        }
    }

    fn object(&mut self, outer: &str, value: Value<'_>, depth: usize) {
        let mut siblings = Siblings::default();
        for (key, member) in value.members().into_iter().flatten() {
            let name = key.as_str().unwrap_or_default();
            match (&*name.to_ascii_lowercase(), member.as_str()) {
                ("language" | "lang" | "kernel" | "interpreter" | "runtime", Some(word)) => {
                    siblings.language = Some(word.into_owned())
                }
                ("url" | "endpoint" | "uri" | "path", Some(_)) => siblings.addressed = true,
                _ => {}
            }
        }
        for (key, member) in value.members().into_iter().flatten() {
            let name = key.as_str().unwrap_or_default().into_owned();
            let key_leaf = self.leaf(key);
            if self.sort == Sort::Mongo
                && matches!(name.as_str(), "drop" | "dropDatabase" | "dropIndexes")
                && (outer == "command" || outer.is_empty())
            {
                self.found
                    .push((key_leaf.range, vec![(Action::DeleteDatabase, 0.95)]));
            }
            let start = self.at;
            match (name.as_str(), member.kind()) {
                (
                    "command" | "cmd" | "program" | "file" | "executable" | "binary",
                    JsonKind::String,
                ) => {
                    let leaf = self.leaf(member);
                    self.string(&name, &leaf, Some(&siblings));
                    siblings.program = Some(leaf);
                }
                ("method" | "verb" | "http_method", JsonKind::String) => {
                    siblings.method = Some(self.leaf(member))
                }
                _ if names::key(&name) == Key::Arguments
                    && !matches!(member.kind(), JsonKind::Object) =>
                {
                    let mut leaves = Vec::new();
                    self.leaves(member, &mut leaves);
                    siblings.arguments = Some(leaves);
                }
                _ => self.value(&name, member, Some(&siblings), depth + 1),
            }
            debug_assert!(self.at >= start || self.at <= self.text.len());
        }
        self.together(siblings);
    }

    /// What members say only together: a program and its arguments, a method and an address.
    fn together(&mut self, siblings: Siblings) {
        if let Some(method) = siblings
            .method
            .filter(|method| method.text.eq_ignore_ascii_case("delete"))
            && siblings.addressed
        {
            self.found
                .push((method.range, vec![(Action::DeleteResource, 0.9)]));
        }
        let Some(arguments) = siblings.arguments.filter(|arguments| !arguments.is_empty()) else {
            return;
        };
        let range = arguments.first().map_or(0, |leaf| leaf.range.start)
            ..arguments.last().map_or(0, |leaf| leaf.range.end);
        let program = siblings.program.map(|leaf| leaf.text);
        let known = programs::knows(&self.tool.to_ascii_lowercase());
        let mut words: Vec<String> = match program {
            Some(program) => vec![program],
            None if known => vec![self.tool.to_ascii_lowercase()],
            None => Vec::new(),
        };
        let one = arguments.len() == 1 && arguments.iter().any(|leaf| leaf.text.contains(' '));
        words.extend(arguments.into_iter().map(|leaf| leaf.text));
        if self.sort == Sort::Prose && !known {
            return;
        }
        self.look(range, |look| match one {
            true => drop(shell::look_at(&words.join(" "), look)),
            false => shell::look_at_words(words, look),
        });
    }

    /// All strings and numbers below a value.
    fn leaves(&mut self, value: Value<'_>, into: &mut Vec<Leaf>) {
        match value.kind() {
            JsonKind::Array => {
                for element in value.elements().into_iter().flatten() {
                    match element.kind() {
                        JsonKind::Array | JsonKind::Object => self.value("", element, None, 1),
                        _ => self.leaves(element, into),
                    }
                }
            }
            JsonKind::String | JsonKind::Number => {
                let leaf = self.leaf(value);
                into.push(leaf);
            }
            _ => {}
        }
    }

    /// A list: of words of one command, of scripts, or of anything.
    fn array(&mut self, key: &str, value: Value<'_>, siblings: Option<&Siblings>, depth: usize) {
        let strings = value
            .elements()
            .into_iter()
            .flatten()
            .all(|element| matches!(element.kind(), JsonKind::String | JsonKind::Number));
        let runs = names::key(key) == Key::Command;
        if !(strings && runs) {
            for element in value.elements().into_iter().flatten() {
                self.value(key, element, siblings, depth + 1);
            }
            return;
        }
        let mut leaves = Vec::new();
        self.leaves(value, &mut leaves);
        let range = leaves.first().map_or(0, |leaf| leaf.range.start)
            ..leaves.last().map_or(0, |leaf| leaf.range.end);
        let words: Vec<String> = leaves.into_iter().map(|leaf| leaf.text).collect();
        let scripts = words.first().is_some_and(|first| first.contains(' ')) || key.ends_with('s');
        if self.sort == Sort::Redis {
            self.look(range, |look| clients::redis(&words.join(" "), look));
        } else if scripts {
            self.look(range, |look| script(&words.join("\n"), look));
        } else {
            self.look(range, |look| shell::look_at_words(words, look));
        }
    }

    /// One string, looked at as what its key, its tool and its own words say it is.
    fn string(&mut self, key: &str, leaf: &Leaf, siblings: Option<&Siblings>) {
        let text = leaf.text.as_str();
        if text.trim().is_empty() {
            return;
        }
        let language = siblings
            .and_then(|siblings| siblings.language.as_deref())
            .and_then(Language::named);
        let (sort, tool) = (self.sort, self.tool);
        let meant = meant(key, tool, sort, language, text);
        self.look(leaf.range.clone(), |look| {
            if text.len() > ARGUMENT_MAX {
                if !matches!(meant, Meant::Words) {
                    look.found(Action::Unparsed, 0.9);
                }
                return;
            }
            match meant {
                Meant::Words => {}
                Meant::Code(Language::Shell) => {
                    script(text, look);
                    let tool = tool.to_ascii_lowercase();
                    if programs::knows(&tool) && !text.starts_with(tool.as_str()) {
                        shell::look_at(&format!("{tool} {text}"), look);
                    }
                }
                Meant::Code(language) => code::look_at(text, language, look),
                Meant::Sql => sql::look_at(text, look),
                Meant::Mongo => clients::mongo(text, look),
                Meant::Redis => text.lines().for_each(|line| clients::redis(line, look)),
                Meant::GraphQl => {
                    if http::mutation_deletes(text) {
                        look.found(Action::DeleteResource, 0.9);
                    }
                }
                Meant::Guess => guess(text, look),
            }
        });
    }

    /// Runs a look over one stretch and keeps what it found.
    fn look(&mut self, range: Range<usize>, look_at: impl FnOnce(&mut Look)) {
        let mut look = Look::new();
        look_at(&mut look);
        let found = look.take();
        if !found.is_empty() {
            self.found.push((range, found));
        }
    }
}

/// A script of a shell, which might be SQL by mistake.
fn script(text: &str, look: &mut Look) {
    if sql::looks_like_sql(text) {
        sql::look_at(text, look);
        return;
    }
    code::look_at(text, Language::Shell, look);
    let windows = [
        "remove-item",
        "invoke-expression",
        "iex ",
        "-recurse",
        "get-childitem",
        "foreach-object",
    ];
    let lower = text.to_ascii_lowercase();
    if windows.iter().any(|word| lower.contains(word))
        && !lower.contains("echo")
        && !lower.contains("grep")
    {
        code::look_at(text, Language::PowerShell, look);
    }
}

/// What a string is taken for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Meant {
    Code(Language),
    Sql,
    Mongo,
    Redis,
    GraphQl,
    /// Nobody says; its own words may.
    Guess,
    /// Words for people.
    Words,
}

fn meant(key: &str, tool: &str, sort: Sort, language: Option<Language>, text: &str) -> Meant {
    let by_tool = || {
        names::words(tool)
            .iter()
            .find_map(|word| Language::named(word))
    };
    match (names::key(key), sort) {
        (Key::Prose, Sort::Sql) if key == "text" => Meant::Sql,
        (Key::Prose, _) => Meant::Words,
        (_, Sort::Mongo) => Meant::Mongo,
        (_, Sort::Redis) => Meant::Redis,
        (_, Sort::GraphQl) => Meant::GraphQl,
        (Key::Command, _) => match by_tool() {
            Some(windows) if windows.is_windows() => Meant::Code(windows),
            _ => Meant::Code(Language::Shell),
        },
        (Key::Sql, _) => Meant::Sql,
        (Key::Query, Sort::Sql) => Meant::Sql,
        (Key::Query, Sort::Prose) => Meant::Words,
        (Key::Query, _) if sql::looks_like_sql(text) => Meant::Sql,
        (Key::Query, _) => Meant::Words,
        (Key::Code, Sort::Prose) if language.is_none() => Meant::Words,
        (Key::Code, Sort::Sql) if language.is_none() => Meant::Sql,
        (Key::Code, _) => Meant::Code(language.or_else(by_tool).unwrap_or_else(|| code_of(text))),
        (_, Sort::Shell)
            if matches!(
                key,
                "input" | "stdin" | "line" | "lines" | "keys" | "chars" | "data"
            ) =>
        {
            Meant::Code(by_tool().unwrap_or(Language::Shell))
        }
        (_, Sort::Sql) if matches!(key, "input") => Meant::Sql,
        (_, Sort::Prose) => Meant::Words,
        _ => Meant::Guess,
    }
}

/// The language of code that nobody names.
fn code_of(text: &str) -> Language {
    let python = ["import ", "def ", "print(", "from "];
    let script = [
        "const ",
        "let ",
        "require(",
        "function ",
        "=>",
        "console.",
        "document.",
    ];
    match text {
        _ if text.starts_with("#!") && !text.contains("python") && !text.contains("node") => {
            Language::Shell
        }
        _ if script.iter().any(|mark| text.contains(mark)) => Language::JavaScript,
        _ if python.iter().any(|mark| text.contains(mark))
            || text.trim_start().starts_with(['!', '%'])
            || text.contains("%%bash") =>
        {
            Language::Python
        }
        _ if text.contains('(') && !text.contains("$(") => Language::Python,
        _ => Language::Shell,
    }
}

/// A string of which nobody says what it is: looked at if it begins like a command that is known to do harm,
/// or like a statement. What cannot be read is no finding here.
fn guess(text: &str, look: &mut Look) {
    if sql::looks_like_sql(text) {
        let mut seen = Look::new();
        sql::look_at(text, &mut seen);
        for (action, score) in seen.take() {
            if action != Action::Unparsed {
                look.found(action, score);
            }
        }
        return;
    }
    let first = text.split_whitespace().next().unwrap_or_default();
    let name = first
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    let known = programs::knows(&name)
        || matches!(
            name.as_str(),
            "rm" | "sudo"
                | "bash"
                | "sh"
                | "curl"
                | "find"
                | "dd"
                | "cd"
                | "chmod"
                | "eval"
                | "psql"
                | "mysql"
                | "wget"
                | "powershell"
                | "cmd"
        );
    if known && text.len() < 4_096 {
        let mut seen = Look::new();
        shell::look_at(text, &mut seen);
        for (action, score) in seen.take() {
            if action != Action::Unparsed {
                look.found(action, score);
            }
        }
    }
}
