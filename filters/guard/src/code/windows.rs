//! PowerShell and `cmd`: cut into commands, quotes undone, each looked up.

use super::Language;
use crate::action::Action;
use crate::look::Look;
use crate::shell;
use crate::{http, programs};

/// Looks at a script of Windows.
pub(crate) fn look_at(script: &str, language: Language, look: &mut Look) {
    let lower = script.to_ascii_lowercase();
    let runs = [
        "iex",
        "invoke-expression",
        "[scriptblock]::create",
        "&(",
        "& (",
    ]
    .iter()
    .any(|run| lower.contains(run));
    let fetches = [
        "downloadstring",
        "downloaddata",
        "iwr",
        "irm ",
        "invoke-webrequest",
        "invoke-restmethod",
        "wget ",
        "curl ",
    ];
    if runs && fetches.iter().any(|fetch| lower.contains(fetch)) {
        look.found(Action::ExecuteRemote, 0.95);
    }
    if runs && lower.contains("frombase64string") {
        look.found(Action::ExecuteHidden, 0.9);
    }
    for argv in commands(script, language) {
        look.deeper(|look| command(argv, look));
    }
}

fn command(argv: Vec<String>, look: &mut Look) {
    let Some(name) = argv.first().map(|name| name.to_ascii_lowercase()) else {
        return;
    };
    let stem = name.trim_end_matches(".exe");
    let rest = argv.get(1..).unwrap_or_default();
    if matches!(
        stem,
        "write-host"
            | "write-output"
            | "echo"
            | "select-string"
            | "findstr"
            | "get-help"
            | "rem"
            | "type"
            | "get-command"
    ) {
        return;
    }
    if matches!(stem, "iex" | "invoke-expression")
        || (stem.starts_with("foreach") && rest.len() > 1)
        || matches!(stem, "start" | "call" | "invoke-command" | "icm")
    {
        let inner: Vec<String> = rest
            .iter()
            .skip_while(|arg| arg.starts_with('-') && rest.len() > 1)
            .cloned()
            .collect();
        let text = inner.join(" ");
        look.deeper(|look| look_at(&text, Language::PowerShell, look));
        return;
    }
    if http::is_client(stem) || stem == "curl" {
        http::look_at(stem, rest, &shell::Stream::default(), look);
        return;
    }
    if stem.contains("::") && stem.contains("delete") {
        look.found(Action::DeleteFiles, 0.85);
    }
    let flags: Vec<String> = rest.iter().flat_map(|arg| switches(arg)).collect();
    let mut words = vec![stem.to_owned()];
    words.extend(flags);
    if matches!(stem, "rm" | "ri" | "rd" | "rmdir" | "del" | "erase") {
        words[0] = match words
            .iter()
            .any(|word| word.to_ascii_lowercase().starts_with("-r"))
        {
            true => "remove-item".into(),
            false if stem == "rm" => "remove-item".into(),
            false => words[0].clone(),
        };
    }
    if matches!(words[0].as_str(), "del" | "erase" | "remove-item")
        && rest.iter().any(|arg| arg.contains('*'))
    {
        look.found(Action::DeleteFiles, 0.85);
    }
    match programs::knows(&words[0]) {
        true => programs::look_at(&words, look),
        false => shell::look_at_words(words, look),
    }
}

/// `/s/q` is two switches.
fn switches(arg: &str) -> Vec<String> {
    let many = arg.starts_with('/') && arg.len() < 16 && arg.matches('/').count() > 1;
    match many {
        true => arg
            .split('/')
            .filter(|switch| !switch.is_empty())
            .map(|switch| format!("/{switch}"))
            .collect(),
        false => vec![arg.into()],
    }
}

/// The commands of a script, as words.
fn commands(script: &str, language: Language) -> Vec<Vec<String>> {
    let escape = if language == Language::Cmd { '^' } else { '`' };
    let mut all = Vec::new();
    let mut argv: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = script.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            (c, Some(_)) => word.get_or_insert_default().push(c),
            (c, None) if c == escape => word
                .get_or_insert_default()
                .extend(chars.next().filter(|c| *c != '\n')),
            ('"', None) => (quote, _) = (Some('"'), word.get_or_insert_default()),
            ('\'', None) if language != Language::Cmd => {
                (quote, _) = (Some('\''), word.get_or_insert_default())
            }
            ('#', None) if word.is_none() && language != Language::Cmd => {
                while chars.peek().is_some_and(|c| *c != '\n') {
                    chars.next();
                }
            }
            (';' | '|' | '&' | '\n' | '{' | '}' | '(' | ')', None) => {
                argv.extend(word.take());
                all.extend(cut(std::mem::take(&mut argv)));
            }
            (c, None) if c.is_whitespace() => argv.extend(word.take()),
            ('@', None) if word.is_none() => {}
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    argv.extend(word);
    all.extend(cut(argv));
    all
}

/// Words of one command, without what stands before it: `for … do`, `$x =`.
fn cut(argv: Vec<String>) -> Option<Vec<String>> {
    let from = argv
        .iter()
        .rposition(|word| word.eq_ignore_ascii_case("do") || word == "=")
        .map_or(0, |at| at + 1);
    let argv = argv.get(from..).unwrap_or_default().to_vec();
    (!argv.is_empty()).then_some(argv)
}
