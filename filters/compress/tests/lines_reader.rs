//! A stranger reads the line forms: nothing here knows the engine's code, only what its documents say of the forms.

mod recordings;

use recordings::{lossless, recording, recordings, reversible};
use sallyport_compress::{Plan, StepKind};
use std::collections::{BTreeMap, BTreeSet};

/// A seeded sequence of numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % most
    }
}

fn form_of(text: &str, kind: StepKind) -> Option<String> {
    let plan = match kind {
        StepKind::Fold => reversible(text),
        _ => lossless(text),
    };
    match plan {
        Plan::Rewrite { steps, text, .. } if steps.len() == 1 && steps[0].kind == kind => {
            Some(text)
        }
        _ => None,
    }
}

/// Reads `[compact log: …]` line by line. Blanks that pad a column are read as one.
fn read_log(form: &str) -> Vec<String> {
    let (head, body) = form.split_once("\n\n").expect("a legend and rows");
    let mut templates = BTreeMap::new();
    let mut names = BTreeMap::new();
    for line in head.lines().skip(1) {
        let (name, words) = line.split_once('=').expect("a legend");
        match name.strip_prefix('$') {
            Some(number) => names.insert(number.to_owned(), words.to_owned()),
            None => templates.insert(name.to_owned(), words.to_owned()),
        };
    }
    let mut above: BTreeMap<String, String> = BTreeMap::new();
    let mut last = String::new();
    let mut lines: Vec<String> = Vec::new();
    for line in body.split('\n') {
        if let Some(times) = line.strip_prefix('=').and_then(|t| t.parse::<usize>().ok()) {
            let again = lines.last().expect("a line above").clone();
            lines.extend(std::iter::repeat_n(again, times));
            continue;
        }
        let bar = line.find('|').filter(|at| *at <= 2);
        let row = bar.filter(|at| line[..*at].bytes().all(|b| b.is_ascii_alphabetic()));
        let Some(at) = row else {
            lines.push(line.strip_prefix('\\').unwrap_or(line).to_owned());
            continue;
        };
        if at > 0 {
            last = line[..at].to_owned();
        }
        lines.push(fill(&templates[&last], &line[at + 1..], &names, &mut above));
    }
    lines
}

fn fill(
    template: &str,
    row: &str,
    names: &BTreeMap<String, String>,
    above: &mut BTreeMap<String, String>,
) -> String {
    let mut words = split(row).into_iter();
    let mut own: Vec<String> = Vec::new();
    let mut out = String::new();
    let mut at = 0;
    while at < template.len() {
        let rest = &template[at..];
        let hole = rest
            .strip_prefix('<')
            .and_then(|r| r.split_once('>'))
            .map(|(h, _)| h);
        let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        match hole {
            Some(hole) if hole.contains('*') && digits(&hole.replacen('*', "", 1)) => {
                let last = above.get(&template[..at]).cloned().unwrap_or_default();
                let word = words.next().unwrap_or_else(|| "^".to_owned());
                let value = match word.split_at_checked(1) {
                    Some(("^", "")) => last,
                    Some(("~", end)) => last[..last.len() - end.len()].to_owned() + end,
                    Some(("$", number)) => names[number].clone(),
                    Some(("\"", rest)) => {
                        rest.strip_suffix('"').expect("a closing quote").to_owned()
                    }
                    _ => word,
                };
                above.insert(template[..at].to_owned(), value.clone());
                if !hole.starts_with('*') {
                    out.push(' ');
                }
                out.push_str(&value);
                if hole.len() > 1 && hole.starts_with('*') {
                    out.push(' ');
                }
                own.push(value);
                at += hole.len() + 2;
            }
            Some(hole) if hole.len() > 1 && hole.starts_with('@') && digits(&hole[1..]) => {
                out.push(' ');
                at += hole.len() + 2;
            }
            Some(hole) if hole.len() > 1 && hole.starts_with('=') && digits(&hole[1..]) => {
                let number: usize = hole[1..].parse().expect("a number");
                out.push_str(&own[number - 1]);
                at += hole.len() + 2;
            }
            _ => {
                let letter = rest.chars().next().expect("a letter");
                out.push(letter);
                at += letter.len_utf8();
            }
        }
    }
    out
}

/// Words with single blanks between them; in quotes, blanks are part of the word.
fn split(row: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for letter in row.chars() {
        match letter {
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            _ => {
                quoted ^= letter == '"';
                word.push(letter);
            }
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A line with its blanks evened out.
fn even(line: &str) -> String {
    let words: Vec<&str> = line
        .trim_end_matches('\r')
        .split(' ')
        .filter(|w| !w.is_empty())
        .collect();
    words.join(" ")
}

fn is_error(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["error", "warn", "fatal", "fail", "exception", "traceback"]
        .iter()
        .any(|word| line.contains(word))
}

#[test]
fn a_value_in_a_line_and_the_nth_error_are_read_from_the_rows() {
    let (mut asked, mut dice) = (0, Dice(7));
    for (name, text) in recordings() {
        let Some(form) = form_of(&text, StepKind::Templates) else {
            continue;
        };
        let read = read_log(&form);
        let lines: Vec<&str> = text
            .strip_suffix('\n')
            .unwrap_or(&text)
            .split('\n')
            .collect();
        assert_eq!(read.len(), lines.len(), "{name}");
        for _ in 0..60 {
            let line = dice.below(lines.len());
            assert_eq!(even(&read[line]), even(lines[line]), "{name}, line {line}");
            asked += 1;
        }
        let errors: Vec<&str> = lines.iter().copied().filter(|l| is_error(l)).collect();
        let found: Vec<&String> = read.iter().filter(|l| is_error(l)).collect();
        assert_eq!(errors.len(), found.len(), "{name}");
        for _ in 0..errors.len().min(20) {
            let nth = dice.below(errors.len());
            assert_eq!(even(found[nth]), even(errors[nth]), "{name}, error {nth}");
            asked += 1;
        }
    }
    assert!(asked > 500, "{asked} questions");
}

/// What a line is like: without digits.
fn mask(line: &str) -> String {
    let mut masked = String::new();
    for letter in line.chars() {
        match letter.is_ascii_digit() {
            true if masked.ends_with('#') => {}
            true => masked.push('#'),
            false => masked.push(letter),
        }
    }
    masked
}

#[test]
fn rare_lines_stand_verbatim_among_the_rows() {
    for name in [
        "service_text",
        "service_json",
        "java_log4j",
        "nginx_access",
        "dpkg_log",
    ] {
        let text = recording(name);
        let form = form_of(&text, StepKind::Templates).expect("a log");
        let standing: BTreeSet<&str> = form.lines().collect();
        let mut masks: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for line in text.lines() {
            masks.entry(mask(line)).or_default().push(line);
        }
        // A stack trace's own lines may be many and so be rows; a rare line that begins with a time is an event.
        let rare = masks
            .values()
            .filter(|lines| lines.len() == 1 && is_error(lines[0]));
        for lines in rare {
            assert!(standing.contains(lines[0]), "{name}: {}", lines[0]);
        }
    }
}

#[test]
fn what_is_folded_is_counted_truly() {
    let mut folded = 0;
    for (name, text) in recordings() {
        let Some(view) = form_of(&text, StepKind::Fold) else {
            continue;
        };
        folded += 1;
        let lines: Vec<&str> = text
            .strip_suffix('\n')
            .unwrap_or(&text)
            .split('\n')
            .collect();
        let (head, body) = view.split_once('\n').expect("a mark");
        let numbers: Vec<usize> = head
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        let body: Vec<&str> = body
            .strip_suffix('\n')
            .unwrap_or(body)
            .split('\n')
            .collect();
        let (said, stand): (Vec<&str>, Vec<&str>) = body
            .iter()
            .partition(|l| l.starts_with("… ") && l.contains("left out"));
        // The mark's count is what is not there.
        assert_eq!(
            numbers[..2],
            [lines.len() - stand.len(), lines.len()],
            "{name}"
        );
        // What stands, stands verbatim and in order.
        let mut rest = lines.iter();
        for line in &stand {
            assert!(rest.any(|own| own == line), "{name}: {line}");
        }
        // The counts of the kinds are what is gone, but for blank lines.
        let counted: usize = said
            .iter()
            .map(|line| {
                let numbers: Vec<usize> = line
                    .split([' ', ','])
                    .filter_map(|w| w.parse().ok())
                    .collect();
                numbers[numbers.len() - 1]
            })
            .sum();
        let blank = |lines: &[&str]| lines.iter().filter(|l| l.is_empty()).count();
        assert_eq!(
            counted + blank(&lines) - blank(&stand),
            lines.len() - stand.len(),
            "{name}"
        );
    }
    assert!(folded > 10, "{folded}");
}

#[test]
fn every_distinct_error_is_in_the_fold() {
    for name in [
        "service_text",
        "service_syslog",
        "java_log4j",
        "pytest_v",
        "cargo_test",
        "nginx_error",
    ] {
        let text = recording(name);
        let view = form_of(&text, StepKind::Fold).expect("a fold");
        let standing: BTreeSet<String> = view.lines().map(mask).collect();
        for line in text.lines().filter(|line| is_error(line)) {
            assert!(standing.contains(&mask(line)), "{name}: {line}");
        }
    }
}

#[test]
fn needles_stand_verbatim_wherever_they_are() {
    let mut dice = Dice(3);
    for name in [
        "service_text",
        "java_log4j",
        "nginx_access",
        "dpkg_log",
        "ls_lr",
    ] {
        let text = recording(name);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut needles = Vec::new();
        for number in 0..12 {
            let id = dice.below(1 << 30);
            let needle = match number % 3 {
                0 => format!(
                    "2026-11-22 13:24:{:02},123 lease {id:x} of shard {number} went to another node",
                    number
                ),
                1 => format!("ERROR cannot reach {id:x}: no route"),
                _ => format!("a|{id} ~{number}"),
            };
            lines.insert(dice.below(lines.len()), needle.clone());
            needles.push(needle);
        }
        let text = lines.join("\n");
        for kind in [StepKind::Templates, StepKind::Fold] {
            let form = form_of(&text, kind).expect("a form");
            for needle in needles.iter().filter(|n| n.starts_with("ERROR")) {
                assert!(form.contains(needle), "{name}: {needle}");
            }
            if kind == StepKind::Templates {
                let read = read_log(&form);
                for needle in &needles {
                    assert!(
                        read.iter().any(|line| even(line) == *needle),
                        "{name}: {needle}"
                    );
                }
            }
        }
    }
}

#[test]
fn counts_per_template_are_read_from_the_fold() {
    let text = recording("service_syslog");
    let view = form_of(&text, StepKind::Fold).expect("a fold");
    let mut asked = 0;
    let lines: Vec<&str> = view.lines().collect();
    for pair in lines.windows(2).skip(1) {
        let Some(left) = pair[1]
            .strip_prefix("… ")
            .and_then(|l| l.strip_suffix(" lines like this left out"))
        else {
            continue;
        };
        let left: usize = left.parse().expect("a count");
        let all = text
            .lines()
            .filter(|line| mask(line) == mask(pair[0]))
            .count();
        let stand = lines
            .iter()
            .filter(|line| mask(line) == mask(pair[0]))
            .count();
        // Kinds with a name free hold more than one mask.
        if all > left {
            assert_eq!(all - stand, left, "{}", pair[0]);
            asked += 1;
        }
    }
    assert!(asked >= 3, "{asked}");
}

#[test]
fn file_and_line_of_a_match_are_read_from_the_groups() {
    for (name, numbered) in [("git_grep_n", true), ("grep_context", true)] {
        let text = recording(name);
        let form = form_of(&text, StepKind::Grep).expect("grouped results");
        let mut found = Vec::new();
        let mut path = None;
        for line in form.lines().skip(1) {
            match (line, path) {
                ("", _) => path = None,
                (line, None) => path = Some(line),
                (line, Some(path)) => {
                    if let Some((number, words)) = line.split_once(':')
                        && number.bytes().all(|b| b.is_ascii_digit())
                    {
                        found.push(format!("{path}:{number}:{words}"));
                    }
                }
            }
        }
        let is_match = |line: &&str| {
            line.split(':')
                .nth(1)
                .is_some_and(|n| n.parse::<usize>().is_ok())
        };
        let matches: Vec<&str> = text.lines().filter(is_match).collect();
        assert!(numbered && matches.len() > 5, "{name}");
        assert_eq!(found, matches, "{name}");
    }
}
