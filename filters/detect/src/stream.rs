//! How much of a text that is still being written is settled.
//!
//! A place is settled when nothing that may still be found begins before it and ends after it, and
//! nothing found before it depends on what follows. The rules that make this cheap to tell:
//!
//! - A finding of one token reads to the end of its token at most, and no further than `TOKEN_MAX`.
//!   So all of the last token is held back, or its last `TOKEN_MAX` bytes.
//! - A finding that spreads over several tokens is at most `SPREAD_MAX` bytes long. Its detector tells
//!   when its verdict read up to the end of the text (`Scan::reached_end`), and then all from its
//!   beginning is held back.
//! - A block begins with a fixed string, is at most `BLOCK_MAX` bytes long, and is told likewise.
//! - To its left a detector reads `CONTEXT_MAX` bytes at most.

use crate::anchors;
use crate::classes;
use crate::normalise::cleaned;
use crate::personal;
use crate::phrases;
use crate::scan::{BLOCK_MAX, SPREAD_MAX, Scan, TOKEN_MAX, Wanted};
use crate::secrets;
use memchr::memmem;
use std::ops::Range;

/// No more than this is ever held back.
pub const HOLDBACK_MAX: usize = 8192;
/// How far to its left a detector reads.
const CONTEXT_MAX: usize = 640;
/// The longest number that is written in groups, and what may stand before it.
const NUMBER_MAX: usize = 96;
/// How far to its left what is found within a very long token depends on that token.
const TOKEN_CONTEXT_MAX: usize = 2 * TOKEN_MAX + CONTEXT_MAX;

/// Where the last token begins, or `None` if it is longer than `TOKEN_MAX`.
fn last_token(text: &str) -> Option<usize> {
    let tail = classes::before(text, text.len(), TOKEN_MAX + 8);
    let base = text.len() - tail.len();
    match tail.char_indices().rev().find(|&(_, c)| classes::separates(c)) {
        Some((at, c)) => Some(base + at + c.len_utf8()),
        None => (base == 0 && text.len() <= TOKEN_MAX).then_some(0),
    }
}

/// The beginning of a token at or before `at`, `least` bytes back if there is one not much further.
fn token_before(text: &str, at: usize, least: usize) -> usize {
    let from = classes::floor(text, at.saturating_sub(least));
    let search = classes::before(text, from, TOKEN_CONTEXT_MAX);
    match search.char_indices().rev().find(|&(_, c)| classes::separates(c)) {
        Some((at, c)) => from - search.len() + at + c.len_utf8(),
        None => from - search.len(),
    }
}

/// See `Filter::settled`; `inspect` gives the places of what is found in a text.
pub(crate) fn settled(text: &str, inspect: &dyn Fn(&str) -> Vec<(usize, usize)>) -> usize {
    let place = match last_token(text) {
        Some(start) => spread_start(text, opening(text, start)),
        None => within_token(text, inspect),
    };
    let place = classes::floor(text, place.max(text.len().saturating_sub(HOLDBACK_MAX)));
    if place == 0 { 0 } else { place }
}

/// Where the word before the last token begins, if a phrase may begin with it; else `token`.
fn opening(text: &str, token: usize) -> usize {
    let before = text[..token].trim_end_matches(classes::separates);
    if token - before.len() > 8 {
        return token;
    }
    let word = classes::before(before, before.len(), 64);
    let start = word.char_indices().rev().find(|&(_, c)| classes::separates(c)).map_or(0, |(at, c)| at + c.len_utf8());
    let view = cleaned(&word[start..]);
    let seen = view.as_ref().map_or(&word[start..], |view| view.text());
    let last = seen.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '\'').find(|part| !part.is_empty()).unwrap_or("");
    if phrases::opens(last) { before.len() - word.len() + start } else { token }
}

/// The beginning of a token at or before `token` that nothing live or spread out reaches over.
fn spread_start(text: &str, token: usize) -> usize {
    let mut place = token;
    loop {
        let earlier = live(text, place).min(place);
        let before = classes::before(text, earlier, TOKEN_MAX);
        let start = match before.char_indices().rev().find(|&(_, c)| classes::separates(c)) {
            Some((at, c)) => earlier - before.len() + at + c.len_utf8(),
            None if before.len() == earlier => 0,
            None => earlier,
        };
        if start == place {
            return place;
        }
        place = start;
    }
}

/// The earliest place of something that spreads over tokens, and may still be completed or reaches
/// into the last token.
fn live(text: &str, token: usize) -> usize {
    let from = token_before(text, token, SPREAD_MAX);
    let tail = &text[from..];
    let place = token - from;
    let mut live = spread(tail, place, place, &|range| range);
    if let Some(view) = cleaned(tail) {
        live = live.min(spread(view.text(), 0, place, &|range| view.origin(range)));
    }
    from.saturating_add(live).min(open_block(text, token)).min(text.len())
}

/// Looks for what spreads in `text`, digits only from shortly before `near` on; `origin` leads back to
/// where `place` counts.
fn spread(text: &str, near: usize, place: usize, origin: &dyn Fn(Range<usize>) -> Range<usize>) -> usize {
    let wanted = Wanted { personal: true, markers: true, ..Wanted::default() };
    let mut scan = Scan::new(text, wanted);
    anchors::scan(&mut scan);
    let near = token_before(text, near.saturating_sub(NUMBER_MAX), 0);
    let mut digits = Scan::new(&text[near..], wanted);
    personal::numbers(&mut digits);
    let live = scan.live.min(digits.live.saturating_add(near)).min(pair_of_capitals(text));
    let crossing = |range: Range<usize>| {
        let range = origin(range);
        (range.start < place && place < range.end).then_some(range.start)
    };
    let held = scan.hits.iter().map(|hit| hit.range.clone());
    let numbers = digits.hits.iter().map(|hit| hit.range.start + near..hit.range.end + near);
    let crossed = held.chain(numbers).filter_map(crossing).min().unwrap_or(usize::MAX);
    if live < text.len() { origin(live..live + 1).start.min(crossed) } else { crossed }
}

/// Two capitals and a space may begin an insurance number.
fn pair_of_capitals(text: &str) -> usize {
    let Some(before) = text.strip_suffix(' ') else { return usize::MAX };
    let bytes = before.as_bytes();
    let start = classes::run_start(bytes, bytes.len(), classes::UPPER, 3);
    if bytes.len() - start == 2 { start } else { usize::MAX }
}

/// The beginning of the first block that is not complete, or holds `place`.
fn open_block(text: &str, place: usize) -> usize {
    let base = classes::floor(text, place.saturating_sub(BLOCK_MAX));
    let tail = &text[base..];
    let place = place - base;
    let mut live = usize::MAX;
    let holds = |scan: &Scan<'_>, from: usize| {
        let crossed = scan.hits.iter().map(|hit| hit.range.start + from..hit.range.end + from);
        let crossed = crossed.filter(|range| range.start < place && place < range.end).map(|range| range.start).min();
        crossed.unwrap_or(usize::MAX).min(scan.live.saturating_add(from))
    };
    for at in memmem::find_iter(tail.as_bytes(), b"-----BEGIN").take_while(|&at| at < place) {
        let mut scan = Scan::new(&tail[at..], Wanted::default());
        secrets::private_key(&mut scan, 0..10);
        live = live.min(holds(&scan, at));
    }
    let near = classes::floor(tail, place.saturating_sub(TOKEN_MAX + 256));
    if memchr::memchr(b'<', &tail.as_bytes()[near..]).is_some() {
        let mut scan = Scan::new(&tail[near..], Wanted { hidden_html: true, ..Wanted::default() });
        anchors::scan(&mut scan);
        live = live.min(holds(&scan, near));
    }
    base.saturating_add(live)
}

/// A place within a token longer than `TOKEN_MAX`: that far from the end, and within no finding.
fn within_token(text: &str, inspect: &dyn Fn(&str) -> Vec<(usize, usize)>) -> usize {
    let mut place = classes::floor(text, text.len() - TOKEN_MAX);
    let from = token_before(text, place, TOKEN_CONTEXT_MAX);
    let mut found = inspect(&text[from..]);
    found.sort_by_key(|&(_, end)| std::cmp::Reverse(end));
    // From the right: a finding that holds the place pulls it to its beginning.
    loop {
        let held = found.iter().map(|&(start, end)| (start + from, end + from)).find(|&(start, end)| start < place && place < end);
        match held {
            Some((start, _)) => place = start,
            None => break,
        }
    }
    place.min(open_block(text, place))
}

/// See `Filter::lookbehind`.
pub(crate) fn lookbehind(text: &str, settled: usize) -> usize {
    let settled = classes::floor(text, settled);
    let at_token = settled == 0 || text[..settled].chars().next_back().is_some_and(classes::separates);
    token_before(text, settled, if at_token { CONTEXT_MAX } else { TOKEN_CONTEXT_MAX })
}
