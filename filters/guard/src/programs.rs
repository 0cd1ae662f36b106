//! Commands that a table knows: which words of which program do what.
//!
//! `programs.txt` is the table; its head says how it is written.

use crate::action::Action;
use crate::look::Look;
use std::collections::HashMap;
use std::sync::LazyLock;

/// One line of the table.
#[derive(Debug)]
struct Rule {
    /// What it is and how sure; `None` for what is harmless.
    action: Option<(Action, f32)>,
    /// What must hold of the arguments, in order.
    needs: Vec<Need>,
}

/// What must hold of a command's arguments.
#[derive(Debug)]
enum Need {
    /// The next operand is one of these.
    Word(Vec<&'static str>),
    /// Any operands stand here, or none.
    Any,
    /// One of these options is there.
    With(Vec<&'static str>),
    /// None of these is there.
    Without(Vec<&'static str>),
    /// Some argument looks so.
    Somewhere(Vec<&'static str>),
}

/// All rules, by program.
#[derive(Debug, Default)]
struct Table {
    rules: HashMap<&'static str, Vec<usize>>,
    all: Vec<Rule>,
    /// Options that take a value, by program.
    values: HashMap<&'static str, Vec<&'static str>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| read(include_str!("programs.txt")).0);

/// Reads the table; also gives the lines that could not be read.
fn read(text: &'static str) -> (Table, Vec<&'static str>) {
    let mut table = Table::default();
    let mut odd = Vec::new();
    for line in text
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
    {
        let mut words = line.split_whitespace();
        let (Some(kind), Some(score), Some(names)) = (words.next(), words.next(), words.next())
        else {
            odd.push(line);
            continue;
        };
        if kind == "values" {
            for name in score.split('|') {
                let known = table.values.entry(name).or_default();
                known.push(names);
                known.extend(words.clone());
            }
            continue;
        }
        let action = Action::named(kind);
        let (Ok(score), true) = (score.parse::<f32>(), action.is_some() || kind == "harmless")
        else {
            odd.push(line);
            continue;
        };
        table.all.push(Rule {
            action: action.map(|action| (action, score)),
            needs: words.map(need).collect(),
        });
        for name in names.split('|') {
            table
                .rules
                .entry(name)
                .or_default()
                .push(table.all.len() - 1);
        }
    }
    (table, odd)
}

fn need(word: &'static str) -> Need {
    let list = |words: &'static str| words.split('|').collect();
    match word.split_at(1) {
        ("+", options) => Need::With(list(options)),
        ("!", options) => Need::Without(list(options)),
        ("~", words) => Need::Somewhere(list(words)),
        _ if word == "**" => Need::Any,
        _ => Need::Word(list(word)),
    }
}

/// Whether the table knows a program by this name.
pub(crate) fn knows(name: &str) -> bool {
    TABLE.rules.contains_key(name)
}

/// Arguments with which any of these programs only tells what it would do.
fn only_tells(arg: &str) -> bool {
    let arg = arg.to_ascii_lowercase();
    matches!(
        arg.as_str(),
        "--help"
            | "-help"
            | "--dryrun"
            | "-whatif"
            | "--preview-only"
            | "--simulate"
            | "--noop"
            | "--what-if"
            | "/?"
    ) || (arg.starts_with("--dry-run") && !arg.ends_with("=none") && !arg.ends_with("=false"))
        || (arg.starts_with("-whatif:") && arg.ends_with("true"))
}

/// Looks a command up; the first line that fits says what it is.
pub(crate) fn look_at(argv: &[String], look: &mut Look) {
    let Some((path, args)) = argv.split_first() else {
        return;
    };
    let name = path
        .rsplit(['/', '\\'])
        .next()
        .unwrap_or(path)
        .to_ascii_lowercase();
    let Some(rules) = TABLE.rules.get(name.as_str()) else {
        return;
    };
    let told = args
        .iter()
        .take_while(|arg| *arg != "--")
        .any(|arg| only_tells(arg));
    if told
        || args.last().is_some_and(|arg| arg == "help")
        || args.first().is_some_and(|arg| arg == "help")
    {
        return;
    }
    let args: Vec<String> = args.iter().map(|arg| arg.to_ascii_lowercase()).collect();
    let exact: Vec<&str> = argv[1..].iter().map(String::as_str).collect();
    let operands = operands(&name, &exact);
    for rule in rules.iter().filter_map(|at| TABLE.all.get(*at)) {
        if fits(rule, &operands, &args, &exact) {
            if let Some((action, score)) = rule.action {
                look.found(action, score);
            }
            return;
        }
    }
}

/// The arguments that are neither options nor their values, in small letters.
fn operands(name: &str, args: &[&str]) -> Vec<String> {
    let values = TABLE.values.get(name);
    let mut operands = Vec::new();
    let mut skip = false;
    for arg in args {
        if std::mem::take(&mut skip) {
            continue;
        }
        if arg.starts_with('-') && arg.len() > 1 {
            skip = values.is_some_and(|values| values.contains(arg));
        } else {
            operands.push(arg.to_ascii_lowercase());
        }
    }
    operands
}

fn fits(rule: &Rule, operands: &[String], args: &[String], exact: &[&str]) -> bool {
    let mut at = 0;
    let mut anywhere = false;
    for need in &rule.needs {
        let holds = match need {
            Need::Any => {
                anywhere = true;
                true
            }
            Need::Word(words) => {
                let is = |operand: &String| words.iter().any(|word| like(word, operand));
                let found = match anywhere {
                    true => operands
                        .iter()
                        .skip(at)
                        .position(is)
                        .map(|found| at + found),
                    false => operands.get(at).filter(|operand| is(operand)).map(|_| at),
                };
                anywhere = false;
                at = found.map_or(at, |found| found + 1);
                found.is_some()
            }
            Need::With(options) => exact
                .iter()
                .any(|arg| options.iter().any(|option| is_option(option, arg))),
            Need::Without(options) => !exact
                .iter()
                .any(|arg| options.iter().any(|option| is_option(option, arg))),
            Need::Somewhere(words) => args
                .iter()
                .any(|arg| words.iter().any(|word| like(word, arg))),
        };
        if !holds {
            return false;
        }
    }
    true
}

/// Whether `pattern` fits: `*` at its beginning, at its end, or both.
fn like(pattern: &str, word: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(""), _) => true,
        (Some(rest), Some(_)) => word.contains(rest.trim_end_matches('*')),
        (Some(end), None) => word.ends_with(end),
        (None, Some(start)) => word.starts_with(start),
        (None, None) => pattern == word,
    }
}

/// Whether an argument is this option, alone, with `=value`, or, for one letter, in a bundle. Without regard to
/// case where it is longer than one letter.
fn is_option(option: &str, arg: &str) -> bool {
    if arg == option || (option.len() > 2 && arg.eq_ignore_ascii_case(option)) {
        return true;
    }
    if let Some((flag, _)) = arg.split_once(['=', ':']) {
        return flag == option || (option.len() > 2 && flag.eq_ignore_ascii_case(option));
    }
    let letter = option.strip_prefix('-').filter(|letter| letter.len() == 1);
    match letter {
        Some(letter) => arg.strip_prefix('-').is_some_and(|bundle| {
            !bundle.starts_with('-')
                && bundle.len() <= 5
                && bundle.bytes().all(|b| b.is_ascii_alphabetic())
                && bundle.contains(letter)
        }),
        None => {
            option.starts_with('/')
                && arg
                    .to_ascii_lowercase()
                    .split('/')
                    .any(|switch| !switch.is_empty() && option[1..] == *switch)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{like, read};

    #[test]
    fn every_line_of_the_table_can_be_read() {
        let (table, odd) = read(include_str!("programs.txt"));
        assert!(odd.is_empty(), "lines that cannot be read: {odd:?}");
        assert!(
            table.all.len() > 300,
            "the table has only {} rules",
            table.all.len()
        );
    }

    #[test]
    fn patterns_fit_by_their_ends() {
        for (pattern, word) in [
            ("*", "x"),
            ("delete-*", "delete-vpc"),
            ("*:drop", "db:drop"),
            ("*x*", "axb"),
            ("a", "a"),
        ] {
            assert!(like(pattern, word), "{pattern} {word}");
        }
        for (pattern, word) in [
            ("delete-*", "describe-x"),
            ("*:drop", "db:drop2"),
            ("a", "b"),
        ] {
            assert!(!like(pattern, word), "{pattern} {word}");
        }
    }
}
