//! Real pages with the text of their articles: how much is saved, and that no sentence is lost.
//!
//! Reads `web_pages.jsonl.gz` (rows `{"id", "html", "article"}`) in the folder that `SALLYPORT_COMPRESSION_DATA` names.

use flate2::read::GzDecoder;
use sallyport_compress::tokens::{Vocabulary, count};
use sallyport_compress::{Block, Context, Earlier, Kinds, Mode, plan};
use std::io::{BufRead, BufReader};

/// Of all sentences, so many in a thousand are found.
const FOUND: usize = 995;
/// Of all tokens, so many in a hundred are saved.
const SAVED: usize = 85;

/// Blanks as one; or none, for the articles were taken from their pages with blanks where tags stood.
fn normal(text: &str, between: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(between)
}

/// Sentences of an article: its lines, cut after a stop.
fn sentences(article: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    for line in article.lines() {
        let mut sentence: Vec<&str> = Vec::new();
        for word in line.split_whitespace() {
            sentence.push(word);
            if word.ends_with(['.', '!', '?', '…']) {
                sentences.push(std::mem::take(&mut sentence).join(" "));
            }
        }
        sentences.push(sentence.join(" "));
    }
    sentences.retain(|sentence| !sentence.is_empty());
    sentences
}

#[derive(Default)]
struct Seen {
    before: usize,
    after: usize,
    sentences: usize,
    found: usize,
    found_squeezed: usize,
}

#[test]
fn articles_keep_their_sentences() {
    let Some(folder) = std::env::var_os("SALLYPORT_COMPRESSION_DATA") else {
        eprintln!("SKIPPED: SALLYPORT_COMPRESSION_DATA names no folder of data");
        return;
    };
    let file = std::path::Path::new(&folder).join("web_pages.jsonl.gz");
    let file = std::fs::File::open(file).expect("the pages are there");
    let earlier = Earlier::default();
    let context = Context {
        mode: Mode::Reversible,
        kinds: Kinds::ALL,
        exact: false,
        earlier: &earlier,
        handle: Some("k3j9x7q2m4n5p6r7"),
    };
    let mut halves = [Seen::default(), Seen::default()];
    for (row, line) in BufReader::new(GzDecoder::new(file)).lines().enumerate() {
        let row_value: serde_json::Value =
            serde_json::from_str(&line.expect("a line")).expect("a row of JSON");
        let html = row_value["html"].as_str().expect("a page");
        let article = row_value["article"].as_str().expect("its article");
        let planned = plan(
            &Block {
                text: html,
                tool: None,
            },
            &context,
        );
        let text = planned.text(html);
        let seen = &mut halves[usize::from(row >= 30)];
        seen.before += count(html, Vocabulary::O200k);
        seen.after += count(text, Vocabulary::O200k);
        let (spaced, squeezed) = (normal(text, " "), normal(text, ""));
        for sentence in sentences(article) {
            seen.sentences += 1;
            seen.found += usize::from(spaced.contains(&sentence));
            seen.found_squeezed += usize::from(squeezed.contains(&normal(&sentence, "")));
        }
    }
    for seen in &halves {
        eprintln!(
            "{} -> {} tokens; {} sentences, {} found, {} found without blanks",
            seen.before, seen.after, seen.sentences, seen.found, seen.found_squeezed
        );
        assert!(seen.after * 100 <= seen.before * (100 - SAVED));
        assert!(seen.found_squeezed * 1000 >= seen.sentences * FOUND);
    }
    let all = |of: fn(&Seen) -> usize| halves.iter().map(of).sum::<usize>();
    assert!(all(|seen| seen.found) * 1000 >= all(|seen| seen.sentences) * FOUND);
}
