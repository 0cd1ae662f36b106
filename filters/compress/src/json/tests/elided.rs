//! What is left out of long documents, and what is said of it.

use super::*;

const HANDLE: &str = "k3j9x7q2m4n5p6r7";

/// Orders of which one failed, one is dear, and two have no note.
fn orders(count: usize) -> Vec<String> {
    (0..count)
        .map(|n| {
            let status = if n == 77 { "failed" } else { "done" };
            let price = if n == 55 { "99999.5".to_owned() } else { format!("{}.5", n % 50) };
            let note = if n == 3 || n == 4 { "" } else { ", \"note\": \"as ordered\"" };
            format!(
                "{{\"id\": {n}, \"status\": \"{status}\", \"sum\": {{\"price\": {price}, \"tax\": 0}}{note}}}"
            )
        })
        .collect()
}

#[test]
fn a_long_list_keeps_its_ends_and_what_stands_out() {
    let text = format!("{{\"ok\": true, \"orders\": [{}]}}", orders(400).join(", "));
    let view = elide::view(&text, HANDLE).expect("long");
    assert!(
        exact(&view) * 100 <= exact(&text) * 15,
        "{} of {}",
        exact(&view),
        exact(&text)
    );
    let lines: Vec<&str> = view.lines().collect();
    assert_eq!(
        lines[0],
        "[compact json: 385 entries of long lists left out; original intact: sallyport_retrieve ref=k3j9x7q2m4n5p6r7]"
    );
    assert_eq!(
        lines[1],
        "{ok=true orders=[:id status sum{price tax=0} note"
    );
    for row in [
        "0 done 0.5 \"as ordered\"",
        "399 done 49.5 \"as ordered\"",
        "77 failed 27.5 \"as ordered\"",
        "55 done 99999.5 \"as ordered\"",
    ] {
        assert!(lines.contains(&row), "{row} in {view}");
    }
    assert!(view.contains("(all 400 rows: id 0..399, status \"done\" 399 \"failed\" 1, sum.price 0.5..99999.5, note \"as ordered\" 398 absent 2; 2 stand out)"), "{view}");
    // What is said to be left out, and what is there, are all rows.
    let shown = lines
        .iter()
        .filter(|line| line.starts_with(|c: char| c.is_ascii_digit()))
        .count();
    assert_eq!(shown + 385, 400);
    assert_eq!(elide::view(&text, HANDLE), Some(view));
}

#[test]
fn gaps_are_counted_as_paths_count() {
    let text = format!(
        "[{}]",
        (0..3000)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join(",")
    );
    let view = elide::view(&text, HANDLE).expect("long");
    assert!(
        view.ends_with(
            "15 (items 16-2991 of 0-2999 left out) 2992 2993 2994 2995 2996 2997 2998 2999]"
        ),
        "{view}"
    );
    let map = format!(
        "{{{}}}",
        (0..900)
            .map(|n| format!("\"k{n}\":{{\"a\":{n},\"b\":\"x{n}\"}}"))
            .collect::<Vec<_>>()
            .join(",")
    );
    let view = elide::view(&map, HANDLE).expect("long");
    assert!(
        view.contains("\nk0 0 x0\n") && view.contains("\nk899 899 x899\n(all 900 rows: a 0..899)}"),
        "{view}"
    );
}

#[test]
fn a_long_string_keeps_its_ends() {
    for part in ["abc ", "\\u00e9\\n", "\\ud83d\\ude00", "é\\\"x", "\\\\"] {
        let text = format!("{{\"id\":7,\"body\":\"{}\"}}", part.repeat(3000));
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let all = value["body"].as_str().expect("a string").chars().count();
        let view = elide::view(&text, HANDLE).expect("long");
        let body = view.split_once('\n').expect("a first line").1;
        let read = stranger::read(body).expect("the form");
        let short = read["body"].as_str().expect("a string");
        let (before, after) = short.split_once("... (").expect("a gap");
        let (count, after) = after
            .split_once(" characters left out) ...")
            .expect("a gap");
        let count: usize = count.parse().expect("a number");
        assert_eq!(
            before.chars().count() + count + after.chars().count(),
            all,
            "{part}"
        );
        assert!(
            value["body"]
                .as_str()
                .expect("a string")
                .starts_with(before)
        );
        assert!(value["body"].as_str().expect("a string").ends_with(after));
        assert!(exact(&view) * 100 <= exact(&text) * 15);
    }
}

#[test]
fn short_documents_and_others_have_no_view() {
    let short = format!("[{}]", orders(12).join(", "));
    for text in [short.as_str(), "[]", "{}", "not JSON", "[1, 2"] {
        assert_eq!(elide::view(text, HANDLE), None);
    }
}
