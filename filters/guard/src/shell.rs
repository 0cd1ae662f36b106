//! Shell scripts: read, expanded as far as that can be known, and each command looked at.

mod commands;
mod data;
mod expand;
mod read;

pub(crate) use data::{from_base64, text_from_base64};

use crate::action::Action;
use crate::look::{Look, WORD_MAX};
use read::{Piece, Reader, Redirect, Token, Word};
use std::collections::HashMap;

/// What flows between commands, as far as it is known.
#[derive(Clone, Default, Debug)]
pub(crate) struct Stream {
    /// The bytes, where they are known.
    pub(crate) text: Option<String>,
    /// It came from the network.
    pub(crate) remote: bool,
    /// It was decoded from something that is not known.
    pub(crate) hidden: bool,
    /// It names files by a narrow pattern: `find . -name '*.pyc'`.
    pub(crate) narrow: bool,
    /// It names files that a machine needs: `find /`.
    pub(crate) vital: bool,
    /// It looks like credentials or a dump.
    pub(crate) secret: bool,
    /// Something is piped in at all.
    pub(crate) piped: bool,
}

impl Stream {
    pub(crate) fn of(text: impl Into<String>) -> Self {
        Stream {
            text: Some(text.into()),
            piped: true,
            ..Stream::default()
        }
    }
}

/// Looks at a script. `true` if it could be read to its end.
pub(crate) fn look_at(script: &str, look: &mut Look) -> bool {
    if is_fork_bomb(script) {
        look.found(Action::Stop, 0.95);
    }
    let mut shell = Shell::new(look);
    shell.script(script, Stream::default());
    !shell.broken
}

/// `:(){ :|:& };:` by any name.
fn is_fork_bomb(script: &str) -> bool {
    let Some(at) = script.find("()") else {
        return false;
    };
    let name = script[..at]
        .trim_end()
        .rsplit([' ', ';', '\n', '&'])
        .next()
        .unwrap_or_default();
    let body: String = script[at + 2..]
        .chars()
        .filter(|c| !c.is_whitespace())
        .take(600)
        .collect();
    !name.is_empty() && name.len() < 64 && body.starts_with(&format!("{{{name}|{name}&"))
}

/// Looks at one command, already cut into words.
pub(crate) fn look_at_words(argv: Vec<String>, look: &mut Look) {
    Shell::new(look).command(argv, Stream::default());
}

/// A shell that runs nothing.
#[derive(Debug)]
pub(crate) struct Shell<'l> {
    pub(crate) look: &'l mut Look,
    pub(crate) variables: HashMap<String, String>,
    aliases: HashMap<String, String>,
    /// What this script wrote into files, by the name it wrote.
    files: HashMap<String, Stream>,
    broken: bool,
}

/// A command in the making.
#[derive(Default)]
struct Draft {
    words: Vec<Word>,
    redirects: Vec<Redirect>,
}

/// What looking at one more script costs besides its bytes, however short it is.
const SCRIPT_COST: usize = 16;

/// Words that stand before a command and are none.
const KEYWORDS: &[&str] = &[
    "if", "then", "else", "elif", "do", "while", "until", "{", "}", "!", "time", "done", "fi",
    "esac", "coproc", "[[", "in",
];

impl<'l> Shell<'l> {
    pub(crate) fn new(look: &'l mut Look) -> Self {
        Shell {
            look,
            variables: HashMap::new(),
            aliases: HashMap::new(),
            files: HashMap::new(),
            broken: false,
        }
    }

    /// Reads a script to its end, command by command, and says what it writes.
    pub(crate) fn script(&mut self, text: &str, stdin: Stream) -> Stream {
        if !self.look.spend(text.len() + SCRIPT_COST) {
            return Stream::default();
        }
        let mut reader = Reader::new(text);
        let mut draft = Draft::default();
        let mut feed = stdin.clone();
        let mut written = Stream::of("");
        loop {
            match reader.token() {
                Token::Word(word) => draft.words.push(word),
                Token::Redirect(redirect) => draft.redirects.push(redirect),
                Token::Pipe => {
                    feed = self.finish(&mut draft, feed);
                    feed.piped = true;
                }
                end @ (Token::Break | Token::End) => {
                    if !(draft.words.is_empty() && draft.redirects.is_empty()) {
                        let more = self.finish(&mut draft, feed);
                        add(&mut written, more);
                        let len = stdin.text.as_ref().map_or(0, String::len);
                        feed = match self.look.spend(len) {
                            true => stdin.clone(),
                            false => Stream::default(),
                        };
                    }
                    if end == Token::End {
                        break;
                    }
                }
            }
        }
        self.broken |= reader.broken;
        written
    }

    /// A script within a script, one layer deeper, with the same variables.
    pub(crate) fn inner(&mut self, text: &str, stdin: Stream) -> Stream {
        let mut maps = Some((
            std::mem::take(&mut self.variables),
            std::mem::take(&mut self.aliases),
            std::mem::take(&mut self.files),
        ));
        let mut broken = false;
        let written = self.look.deeper(|look| {
            let (variables, aliases, files) = maps.take().unwrap_or_default();
            let mut shell = Shell {
                look,
                variables,
                aliases,
                files,
                broken: false,
            };
            let written = shell.script(text, stdin);
            broken = shell.broken;
            maps = Some((shell.variables, shell.aliases, shell.files));
            written
        });
        (self.variables, self.aliases, self.files) = maps.unwrap_or_default();
        self.broken |= broken;
        written
    }

    /// Ends the command in `draft`: expands it, follows its redirections, looks at it.
    fn finish(&mut self, draft: &mut Draft, mut stdin: Stream) -> Stream {
        let Draft { words, redirects } = std::mem::take(draft);
        let mut words = words.into_iter().peekable();
        while let Some(word) = words.peek() {
            match literal(word) {
                Some("for" | "select") => {
                    self.bind(words.skip(1).collect());
                    return Stream::default();
                }
                Some("case") => return Stream::default(),
                Some("function") => drop((words.next(), words.next())),
                Some(keyword) if KEYWORDS.contains(&keyword) => drop(words.next()),
                _ => break,
            }
        }
        let mut argv = Vec::new();
        for word in words {
            if argv.is_empty() && self.assign(&word) {
                continue;
            }
            self.expand(&word, &mut argv);
        }
        let mut targets = Vec::new();
        for redirect in redirects {
            match redirect {
                Redirect::Duplicate => {}
                Redirect::Here(word) => {
                    let text = self.joined(&word) + "\n";
                    stdin = Stream::of(text);
                }
                Redirect::Read(word) => stdin = self.read(&word),
                Redirect::Write(word) => targets.push(self.joined(&word)),
            }
        }
        let empty = argv.is_empty();
        let written = self.command(argv, stdin);
        if targets.is_empty() {
            return written;
        }
        for target in targets {
            self.write(&target, &written, empty);
        }
        Stream::default()
    }

    /// `for name in words`: the name stands for all of them.
    fn bind(&mut self, words: Vec<Word>) {
        let mut words = words.into_iter();
        let name = words
            .next()
            .and_then(|word| literal(&word).map(str::to_owned));
        let mut values = Vec::new();
        for word in words.skip(1) {
            self.expand(&word, &mut values);
        }
        if let Some(name) = name {
            self.set(&name, values.join(" "));
        }
    }

    pub(crate) fn set(&mut self, name: &str, mut value: String) {
        if value.len() > WORD_MAX {
            value.clear();
            self.look.spend(usize::MAX);
        }
        self.variables.insert(name.into(), value);
    }

    /// `name=value` before a command.
    fn assign(&mut self, word: &Word) -> bool {
        let Some(Piece::Text {
            text,
            quoted: false,
        }) = word.first()
        else {
            return false;
        };
        let Some((name, first)) = text.split_once('=') else {
            return false;
        };
        let (name, adds) = match name.strip_suffix('+') {
            Some(name) => (name, true),
            None => (name, false),
        };
        if !is_name(name) {
            return false;
        }
        let name = name.to_owned();
        let mut rest = word.clone();
        rest[0] = Piece::Text {
            text: first.into(),
            quoted: false,
        };
        let mut value = self.joined(&rest);
        if adds {
            value = self.variables.get(&name).cloned().unwrap_or_default() + &value;
        }
        self.set(&name, value);
        true
    }

    /// What a file or a process substitution gives.
    fn read(&mut self, word: &Word) -> Stream {
        if let [Piece::Process { script }] = word.as_slice() {
            let mut stream = self.inner(&script.clone(), Stream::default());
            stream.piped = true;
            return stream;
        }
        let name = self.joined(word);
        self.file(&name)
    }

    /// What a file holds, as far as this script wrote it.
    pub(crate) fn file(&mut self, name: &str) -> Stream {
        let known = self.files.get(file_key(name));
        let len = known
            .and_then(|stream| stream.text.as_ref())
            .map_or(0, String::len);
        let mut stream = match self.look.spend(len) {
            true => known.cloned().unwrap_or_default(),
            false => Stream::default(),
        };
        stream.piped = true;
        stream.secret |= crate::places::is_secret(name);
        stream
    }

    /// Whether this script wrote the file.
    pub(crate) fn wrote(&self, name: &str) -> bool {
        self.files.contains_key(file_key(name))
    }

    /// Remembers what was written into a file.
    pub(crate) fn keep(&mut self, name: &str, stream: Stream) {
        if self
            .look
            .spend(name.len() + stream.text.as_ref().map_or(0, String::len))
        {
            self.files.insert(file_key(name).into(), stream);
        }
    }
}

fn file_key(name: &str) -> &str {
    name.strip_prefix("./").unwrap_or(name)
}

/// The text of a word that is one unquoted piece.
fn literal(word: &Word) -> Option<&str> {
    match word.as_slice() {
        [
            Piece::Text {
                text,
                quoted: false,
            },
        ] => Some(text),
        _ => None,
    }
}

pub(crate) fn is_name(word: &str) -> bool {
    !word.is_empty()
        && !word.starts_with(|c: char| c.is_ascii_digit())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// One output after another.
fn add(written: &mut Stream, more: Stream) {
    written.remote |= more.remote;
    written.hidden |= more.hidden;
    written.secret |= more.secret;
    written.narrow |= more.narrow;
    written.vital |= more.vital;
    written.text = match (written.text.take(), more.text) {
        (Some(one), Some(two)) if one.len() + two.len() <= WORD_MAX => Some(one + &two),
        _ => None,
    };
}
