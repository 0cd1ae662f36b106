//! Documents made to be slow, deep or confusing.

use super::*;
use std::time::{Duration, Instant};

const LARGE: usize = 8 << 20;
/// Generous: a walk that is not linear takes minutes.
const LONG: Duration = Duration::from_secs(60);

fn all_of(text: &str) {
    let begun = Instant::now();
    for encode in [minify::encode, table::encode, unwrap::encode] {
        let _ = encode(text);
    }
    if let Some(form) = table::form(text) {
        assert!(table::decode(&form.text, &form.residue).as_deref() == Some(text));
    }
    let _ = elide::view(text, "k3j9x7q2m4n5p6r7");
    assert!(
        begun.elapsed() < LONG,
        "{:?} for {:?}",
        begun.elapsed(),
        &text[..40]
    );
}

#[test]
fn a_million_numbers() {
    all_of(&format!("[{}0]", "0,".repeat(1_000_000)));
}

#[test]
fn very_many_empty_objects() {
    all_of(&format!("[{}{{}}]", "{},".repeat(400_000)));
}

#[test]
fn very_many_rows() {
    all_of(&format!("[{}{{\"a\":1}}]", "{\"a\":2},".repeat(250_000)));
}

#[test]
fn very_many_lists_of_rows() {
    all_of(&format!(
        "[{}[{{\"a\":1}}]]",
        "[{\"a\":2}],".repeat(150_000)
    ));
}

#[test]
fn very_many_keys() {
    let keys: Vec<String> = (0..100_000)
        .map(|n| format!("\"k{n}\":{{\"a\":{n}}}"))
        .collect();
    all_of(&format!("{{{}}}", keys.join(",")));
    let rows: Vec<String> = (0..100_000).map(|n| format!("{{\"k{n}\":{n}}}")).collect();
    all_of(&format!("[{}]", rows.join(",")));
}

#[test]
fn wide_rows_in_turned_order() {
    let forth: Vec<String> = (0..250).map(|n| format!("\"key{n}\":{n}")).collect();
    let back: Vec<String> = forth.iter().rev().cloned().collect();
    let pair = format!("{{{}}},{{{}}}", forth.join(","), back.join(","));
    all_of(&format!("[{}]", vec![pair; 600].join(",")));
}

#[test]
fn names_of_names() {
    let text = "x".repeat(100);
    let members: Vec<String> = (0..60_000)
        .map(|n| format!("\"k{n}\":\"{text}\""))
        .collect();
    all_of(&format!("{{{}}}", members.join(",")));
    let nested = (0..100).fold(format!("[\"{text}\"]"), |inner, n| {
        format!("{{\"a{n}\":{inner},\"b\":[\"{text}\"]}}")
    });
    all_of(&nested);
}

#[test]
fn deep_and_half_and_nothing() {
    all_of(&"[".repeat(LARGE));
    all_of(&"{\"a\":".repeat(LARGE / 5));
    all_of(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)));
    all_of(&format!("{}1{}", "[1,".repeat(120), "]".repeat(120)));
    all_of(&" ".repeat(LARGE));
    all_of(&format!("[\"{}", "\\".repeat(LARGE)));
    all_of(&format!("[\"{}\"]", "\\u0041".repeat(LARGE / 6)));
    all_of(&format!(
        "meta=None content=[TextContent(type='text', text='{}",
        "\\n".repeat(LARGE / 2)
    ));
    all_of(&format!("\"{}\"", "\\\"".repeat(LARGE / 2)));
    all_of(&format!(
        "{{\"content\":[{{\"type\":\"text\",\"text\":\"{}",
        "\\u00e9/".repeat(LARGE / 7)
    ));
}

#[test]
fn forms_that_no_encoder_made() {
    for body in [
        "{a=^a}",
        "{a=^b b=^a}",
        "{a=[1 ^a]}",
        "[:a\n^0]",
        "[:a{b{c\n1]",
        "{:\nx",
        "[::",
        "[::\n]",
        "[:\n]",
        "{a=1 a=2}",
        "[:a\n1 2]",
        "{a=^}",
        "{a=^x.y.z}",
        "[:a=#\n\n]",
        "^",
        "-",
        "[-]",
        "\"",
        "{\"",
        "{a",
        "[[[",
        "[:a[b]\n[{1} 2]]",
    ] {
        let _ = table::decode(&format!("[compact table]\n{body}"), &[]);
    }
    // Each names the one before twice: four billion times the first.
    let doubling: Vec<String> = (1..60)
        .map(|n| format!("k{n}=[^k{} ^k{}]", n - 1, n - 1))
        .collect();
    let body = format!("[compact table]\n{{k0=[xxxxxxxx] {}}}", doubling.join(" "));
    let begun = Instant::now();
    assert!(table::decode(&body, &[]).is_none());
    let deep = format!("[compact table]\n{}", "[".repeat(LARGE));
    assert!(table::decode(&deep, &[]).is_none());
    let heads = format!("[compact table]\n[:{}", "a{".repeat(LARGE / 2));
    assert!(table::decode(&heads, &[]).is_none());
    assert!(begun.elapsed() < LONG);
}
