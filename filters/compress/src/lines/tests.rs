//! Whatever the text, what is encoded decodes to the same bytes.

use super::{ansi, fold, grep, templates};
use proptest::prelude::*;
use std::time::{Duration, Instant};

/// A letter that makes trouble.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec![
            "a", "b|", "|", "=", "=3", "$1", "~", "^", "\\", "\"", "\" \"", " ", "  ", "\t", ":", ",", "1", "22",
            "<*>", "<*3>", "<3*>", "<=1>", "<@9>", "<", ">", "é", "漢", "x=1", "[compact log]", "--", "\r", "/a/b",
            "ERROR", "failed", "info", "a=", "Mozilla/5.0 (x; y)", "… 3 lines",
        ]).prop_map(str::to_owned),
        1 => "[ -~]{0,6}",
        1 => "[0-9]{1,8}",
    ]
}

fn line() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..8).prop_map(|pieces| pieces.concat())
}

/// Lines of few templates with many values, as in logs, between lines that are like no other.
fn log() -> impl Strategy<Value = String> {
    let end = prop::sample::select(vec!["\n", "\r\n"]);
    let templates = prop::collection::vec(prop::collection::vec(piece(), 1..8), 1..4);
    let row = (
        any::<prop::sample::Index>(),
        prop::collection::vec("[0-9]{1,4}|[a-c]{0,3}|/x/[0-9]| {1,3}", 0..4),
    );
    let lines = prop::collection::vec(
        prop_oneof![9 => row.prop_map(Ok), 1 => line().prop_map(Err)],
        0..60,
    );
    (templates, lines, end, any::<bool>()).prop_map(|(templates, lines, end, open)| {
        let mut text = String::new();
        let count = lines.len();
        for (number, line) in lines.into_iter().enumerate() {
            match line {
                Err(line) => text.push_str(&line),
                Ok((template, values)) => {
                    let mut values = values.iter().cycle();
                    for piece in template.get(&templates) {
                        text.push_str(piece);
                        if !piece.ends_with(' ')
                            && let Some(value) = values.next()
                        {
                            text.push_str(value);
                        }
                    }
                }
            }
            if number + 1 < count || !open {
                text.push_str(end);
            }
        }
        text
    })
}

fn check(text: &str) -> Result<bool, TestCaseError> {
    let mut some = false;
    if let Some(form) = templates::encode(text) {
        let back = templates::decode(&form.text, &form.residue);
        prop_assert_eq!(back.as_deref(), Some(text));
        prop_assert!(form.text.len() < text.len());
        some = true;
    }
    if let Some(form) = grep::encode(text) {
        let back = grep::decode(&form.text, &form.residue);
        prop_assert_eq!(back.as_deref(), Some(text));
        some = true;
    }
    if let Some(form) = ansi::encode(text) {
        let back = ansi::decode(&form.text, &form.residue);
        prop_assert_eq!(back.as_deref(), Some(text));
        some = true;
    }
    fold::view(text, "h");
    Ok(some)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn any_lines_come_back(lines in prop::collection::vec(line(), 0..40)) {
        check(&lines.join("\n"))?;
    }

    #[test]
    fn logs_come_back(text in log()) {
        check(&text)?;
    }

    #[test]
    fn repeated_logs_come_back(text in log(), times in 2..5usize) {
        check(&text.repeat(times))?;
    }

    #[test]
    fn terminals_come_back(pieces in prop::collection::vec(prop::sample::select(vec![
        "\u{1b}[31m", "\u{1b}[0m", "\u{1b}[K", "\u{1b}[2K", "\u{1b}[1K", "\r", "\n", "\r\n", "\u{8}", "ab", " ", "é", "漢",
        "\u{1b}]8;;http://x\u{7}", "\u{1b}]0;t\u{1b}\\", "\u{1b}[2A", "\u{1b}", "\t", "\u{1b}[?25l", "\u{1b}[1G",
    ]), 0..40)) {
        check(&pieces.concat())?;
    }

    #[test]
    fn results_come_back(rows in prop::collection::vec(
        ("[ab]/[ab].rs|a b|x", "[:-]", "[0-9]{0,3}", "[:-]", "[a-c:\\- ]{0,4}|--"), 0..30,
    )) {
        let lines: Vec<String> = rows.iter().map(|(p, a, n, b, t)| format!("{p}{a}{n}{b}{t}")).collect();
        check(&lines.join("\n"))?;
        check(&format!("{}\n--\n\n", lines.join("\n")))?;
    }

    /// What is read back may be anything; it is refused or read, never a panic.
    #[test]
    fn strange_forms_are_read_or_refused(lines in prop::collection::vec(line(), 0..20), residue in prop::collection::vec(any::<u8>(), 0..9)) {
        for head in ["[compact log: x]\n", "[compact grep: path, then line:text of it]\n", ""] {
            let text = format!("{head}a=x<*>y<=1><*4><@9>\n$1=v\n\n{}", lines.join("\n"));
            templates::decode(&text, &residue);
            grep::decode(&text, &residue);
            ansi::decode(&text, &residue);
        }
    }
}

#[test]
fn a_terminal_shows_what_is_shown() {
    let shown = |text: &str| ansi::encode(text).map(|form| form.text);
    assert_eq!(
        shown("\u{1b}[1;31merror\u{1b}[0m: x\n").as_deref(),
        Some("error: x\n")
    );
    assert_eq!(
        shown(" 10%\r 55%\r100%\ndone\n").as_deref(),
        Some("100%\ndone\n")
    );
    assert_eq!(shown("loading...\rok\n").as_deref(), Some("okading...\n"));
    assert_eq!(shown("loading...\r\u{1b}[Kok\n").as_deref(), Some("ok\n"));
    assert_eq!(
        shown("\u{1b}]8;;http://a\u{1b}\\link\u{1b}]8;;\u{1b}\\\n").as_deref(),
        Some("link\n")
    );
    // Moves over lines are not followed; ends of lines are no colours.
    assert_eq!(shown("a\nb\u{1b}[1Ac\n"), None);
    assert_eq!(shown("a\r\nb\r\n"), None);
}

#[test]
fn a_repetition_of_nothing_is_refused() {
    assert_eq!(templates::decode("[compact log: x]\n\n=3", &[2]), None);
    assert_eq!(templates::decode("[compact log: x]\n\n|1", &[]), None);
}

/// What costs more than a line of text where it is written badly.
fn hostile() -> Vec<(&'static str, String)> {
    let growing: String = (0..4000).map(|n| "w ".repeat(n % 1000) + "\n").collect();
    let many = |line: &str| line.repeat((8 << 20) / line.len());
    vec![
        ("empty lines", "\n".repeat(1_000_000)),
        ("one line", "x".repeat(8 << 20)),
        ("one line of words", many("word 12 ")),
        ("one line of quotes", many("\"")),
        ("quotes", many("\" \" \"\n")),
        ("growing", growing),
        (
            "distinct",
            (0..400_000)
                .map(|n: u32| format!("{} x\n", letters(n)))
                .collect(),
        ),
        (
            "distinct in places",
            (0..200_000)
                .map(|n: u32| {
                    format!(
                        "{} is {} at {}\n",
                        letters(n % 700),
                        letters(n % 3),
                        letters(n)
                    )
                })
                .collect(),
        ),
        ("same", many("2026-01-01 00:00:00 INFO all the same\n")),
        (
            "values",
            (0..200_000)
                .map(|n: u32| format!("{n} INFO took {} ms, failed {}\n", n % 97, n % 13))
                .collect(),
        ),
        (
            "alarms",
            (0..200_000)
                .map(|n: u32| format!("ERROR {}\n  at x\n", letters(n)))
                .collect(),
        ),
        ("traces", "Traceback\n  a\n".repeat(500_000)),
        ("colours", many("\u{1b}[31mred\u{1b}[0m\n")),
        ("erasing", many("\u{1b}[2K")),
        (
            "erasing lines",
            ("x".repeat(1000) + &"\u{1b}[2K".repeat(5000) + "\u{1b}[A\n").repeat(400),
        ),
        ("links", many("\u{1b}]8;;x\u{1b}\\")),
        ("returns", many("ab\r")),
        ("colons", many("a/b:")),
        ("colon lines", many("a.b:1\n")),
        ("results", many("src/a.rs:12:x\n")),
        ("context", many("src/a.rs-12-x\n")),
        ("ours", many("a|\n")),
        ("holes", many("<*> <=1> 5\n")),
    ]
}

fn letters(mut n: u32) -> String {
    let mut word = String::new();
    loop {
        word.push(char::from(b'a' + (n % 26) as u8));
        n /= 26;
        if n == 0 {
            return word;
        }
    }
}

#[test]
fn hostile_texts_take_linear_time() {
    for (name, text) in hostile() {
        let begun = Instant::now();
        check(&text).unwrap();
        let took = begun.elapsed();
        println!(
            "{name:20} {:6.1} ms for {} KB",
            took.as_secs_f64() * 1e3,
            text.len() >> 10
        );
        // Far above what a busy machine needs, far below what a quadratic walk would.
        assert!(took < Duration::from_secs(20), "{name}: {took:?}");
    }
}
