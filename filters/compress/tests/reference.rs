//! What is named can be found: references and the way back, on text of every kind, in bounded time.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use proptest::prelude::*;
use sallyport_compress::{
    Block, Class, Context, Earlier, Kinds, Mode, Plan, Reason, StepKind, plan, resolve,
};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// The form of a text that must stay exact, so that nothing but references can change it.
fn planned(text: &str, earlier: &Earlier, kinds: Kinds) -> Plan {
    let context = Context {
        mode: Mode::Lossless,
        kinds,
        exact: true,
        earlier,
        handle: None,
    };
    plan(&Block { text, tool: None }, &context)
}

/// The form, which must give the text back.
fn referred(text: &str, earlier: &Earlier) -> Option<String> {
    match planned(text, earlier, Kinds::ALL) {
        Plan::Keep(_) => None,
        Plan::Rewrite {
            class,
            steps,
            text: form,
        } => {
            assert_eq!(class, Class::Lossless);
            assert!(
                steps
                    .iter()
                    .all(|s| s.kind == StepKind::Reference && s.residue.is_empty())
            );
            assert!(form.starts_with("[compact ") && form.len() < text.len());
            assert_eq!(resolve(&form, earlier).as_deref(), Some(text));
            Some(form)
        }
    }
}

/// Lines of a source file from `first` on, as an editor shows them.
fn window(first: usize, lines: usize, shift: usize) -> String {
    let mut out = String::from("[File: src/parse.py (900 lines total)]\n");
    for n in first..first + lines {
        writeln!(out, "{}:    value = table[{n}] + offset({n})", n + shift).unwrap();
    }
    out
}

#[test]
fn windows_that_overlap_are_named_by_line() {
    let mut earlier = Earlier::default();
    earlier.add("call_0123456789abcdef", Some("open"), &window(1, 100, 0));
    let form = referred(&window(51, 100, 0), &earlier).unwrap();
    let mut lines = form.lines();
    assert_eq!(lines.next(), Some("[compact refs]"));
    assert_eq!(lines.next(), Some("[File: src/parse.py (900 lines total)]"));
    assert_eq!(
        lines.next(),
        Some("[compact lines 52-101 of result 1 of open]")
    );
    assert_eq!(
        lines.next(),
        Some("101:    value = table[101] + offset(101)")
    );
}

#[test]
fn numbers_may_be_shifted_but_only_those_of_lines() {
    let mut earlier = Earlier::default();
    earlier.add("c1", Some("open"), &window(990, 60, 0));
    let form = referred(&window(990, 60, 7), &earlier).unwrap();
    assert!(form.contains("of result c1, numbers +7]"), "{form}");
    // The same words after numbers that count nothing.
    let times = |hour: usize| -> String {
        let line = |n: usize| {
            format!(
                "{hour}:{:02}:00 GET /health/{} answered in time\n",
                n % 60,
                n % 7
            )
        };
        (0..60).map(line).collect()
    };
    let mut earlier = Earlier::default();
    earlier.add("c1", Some("log"), &times(11));
    assert_eq!(referred(&times(12), &earlier), None);
}

#[test]
fn numbers_set_flush_right_stay_so() {
    let cat = |shift: usize| -> String {
        (90..130)
            .map(|n| format!("{:>6}\tlet field_{n} = parse(input, {n});\n", n + shift))
            .collect()
    };
    let mut earlier = Earlier::default();
    earlier.add("c1", None, &cat(0));
    for shift in [0, 3, 5_000_000] {
        assert!(referred(&cat(shift), &earlier).is_some(), "{shift}");
    }
}

#[test]
fn results_are_named_so_that_they_can_be_found() {
    let long = |n: usize| format!("call_with_a_long_id_{n}");
    let text = window(1, 40, 0);
    let mut earlier = Earlier::default();
    earlier.skip(&long(0), Some("bash"));
    earlier.add(&long(1), Some("bash"), "something else");
    earlier.add(&long(1), Some("bash"), &text);
    let form = referred(&text, &earlier).unwrap();
    assert_eq!(form, "[compact all of result 2 of bash part 2]");
    // A name that a tool cannot have makes no name, and the same id twice names nothing twice.
    let mut earlier = Earlier::default();
    earlier.add(&long(0), Some("bash]\n[compact"), &text);
    assert_eq!(
        referred(&text, &earlier).unwrap(),
        "[compact all of nameless result 1]"
    );
    let mut earlier = Earlier::default();
    earlier.add("a", None, "first");
    earlier.add("b", None, "second");
    earlier.add("a", None, &text);
    assert_eq!(referred(&text, &earlier), None);
}

#[test]
fn what_was_not_named_may_be_named_later() {
    let mut earlier = Earlier::default();
    let base = window(1, 80, 0);
    earlier.add("c1", Some("open"), &base);
    let fresh: String = (0..20)
        .map(|n| format!("        added({n}) # a line of its own\n"))
        .collect();
    let second = format!("{base}{fresh}");
    let form = referred(&second, &earlier).unwrap();
    earlier.add("c2", Some("open"), &form);
    let third = format!("{fresh}{base}");
    let form = referred(&third, &earlier).unwrap();
    assert!(
        form.contains("of result c2]") && form.contains("of result c1]"),
        "{form}"
    );
}

#[test]
fn a_form_is_named_as_a_whole_or_not_at_all() {
    let mut earlier = Earlier::default();
    let text = window(1, 60, 0);
    earlier.add_form("c1", Some("open"), &text);
    // Its lines are those of a form: what came as them is something else.
    assert_eq!(referred(&text, &earlier), None);
    let all = "[compact all of result c1]";
    assert_eq!(resolve(all, &earlier).as_deref(), Some(&*text));
}

#[test]
fn marks_of_strangers_stay_as_they_are() {
    let mut earlier = Earlier::default();
    let text = window(1, 60, 0);
    earlier.add("c1", Some("open"), &text);
    let forged = format!("{text}[compact all of result c1]\n");
    assert_eq!(
        planned(&forged, &earlier, Kinds::ALL),
        Plan::Keep(Reason::Imitates)
    );
    for form in [
        "[compact all of result c2]",
        "[compact lines 0-3 of result c1]",
        "[compact lines 3-999 of result c1]",
        "[compact lines 9-3 of result c1]",
        "[compact lines 1-3 of result c1, numbers -50]",
        "[compact lines 1-3 of result c1, numbers 99999999999999999999]",
        "[compact refs]\n[compact refs]",
        "[compact ",
    ] {
        assert_eq!(resolve(form, &earlier), None, "{form}");
    }
}

#[test]
fn a_team_may_do_without() {
    let mut earlier = Earlier::default();
    let text = window(1, 60, 0);
    earlier.add("c1", Some("open"), &text);
    let kinds = Kinds::ALL.without(StepKind::Reference);
    assert!(matches!(planned(&text, &earlier, kinds), Plan::Keep(_)));
}

/// Texts of some megabytes that make careless searches slow, with what stands before them.
fn hostile() -> Vec<(&'static str, String, String)> {
    const LINES: usize = 400_000;
    let cycle = |by: usize| -> String { (0..LINES).map(|n| format!("l{}\n", n % by)).collect() };
    let ones = |c: char| -> String { std::iter::repeat_n(format!("{c}\n"), 2 * LINES).collect() };
    let numbers = |shift: usize| -> String {
        (0..LINES)
            .map(|n| format!("{}:x\n", n / 2 + shift))
            .collect()
    };
    vec![
        ("blank lines", "\n".repeat(4 << 20), "\n".repeat(4 << 20)),
        ("one letter", ones('a'), ones('a')),
        ("no line end", "x".repeat(4 << 20), "x".repeat(4 << 20)),
        ("short cycles", cycle(7), cycle(11)),
        ("cycles that nearly meet", cycle(5003), cycle(5009)),
        ("numbers that stutter", numbers(0), numbers(1)),
        (
            "blanks and braces",
            "}\n\n".repeat(LINES),
            "\n}\n\n".repeat(LINES),
        ),
    ]
}

#[test]
fn hostile_texts_take_bounded_time() {
    for (what, before, text) in hostile() {
        let start = Instant::now();
        let mut earlier = Earlier::default();
        earlier.add("c1", None, &before);
        earlier.add("c2", None, &before);
        referred(&text, &earlier);
        let took = start.elapsed();
        assert!(took < Duration::from_secs(20), "{what}: {took:?}");
    }
}

#[test]
fn a_form_that_unfolds_for_ever_is_given_up() {
    let mut earlier = Earlier::default();
    earlier.add("c1", None, &"a line\n".repeat(1 << 20));
    let bomb = "[compact all of result c1]\n".repeat(1 << 12);
    assert_eq!(resolve(&bomb, &earlier), None);
}

/// Lines that often stand in several texts.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (1usize..40, 0usize..6).prop_map(|(n, kind)| match kind {
            0 => format!("{n}:    return compute_the_value({n})"),
            1 => format!("{n:>6}\tlet something = other({n});"),
            2 => String::new(),
            3 => format!("a sentence of several words, number {n}, and its end\r"),
            4 => format!("{n}→ arrows → too"),
            _ => "}".to_owned(),
        }),
        1 => "\\PC{0,30}",
        1 => Just("[compact refs]".to_owned()),
    ]
}

proptest! {
    #[test]
    fn everything_comes_back(
        pool in proptest::collection::vec(line(), 1..60),
        texts in proptest::collection::vec(
            proptest::collection::vec((any::<prop::sample::Index>(), 1usize..30), 1..8), 1..6),
    ) {
        let mut earlier = Earlier::default();
        for (at, parts) in texts.iter().enumerate() {
            let mut lines: Vec<&str> = Vec::new();
            for (first, len) in parts {
                let first = first.index(pool.len());
                lines.extend(pool[first..].iter().take(*len).map(String::as_str));
            }
            let text = lines.join("\n");
            let form = referred(&text, &earlier);
            earlier.add(&format!("c{at}"), Some("tool"), form.as_deref().unwrap_or(&text));
        }
    }
}
