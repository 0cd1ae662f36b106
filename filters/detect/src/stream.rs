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
use crate::classes::{self, DASH, DIGIT, DOT, SPACE, UPPER};
use crate::personal;
use crate::phrases;
use crate::private_keys;
use crate::scan::{BLOCK_MAX, KEY_MAX, SPREAD_MAX, Scan, TOKEN_MAX, Wanted};
use memchr::memmem;
use sallyport_normalise::cleaned;
use std::ops::Range;

/// No more than this is ever held back.
pub const HOLDBACK_MAX: usize = 8192;
/// How far to its left a detector reads.
const CONTEXT_MAX: usize = 640;
/// The longest number that is written in groups, and what may stand before it.
const NUMBER_MAX: usize = 96;
/// As long as an escape may be that codes an escape.
const ESCAPES_MAX: usize = 36;
/// How far to its left what is found within a very long token depends on that token.
const TOKEN_CONTEXT_MAX: usize = 2 * TOKEN_MAX + CONTEXT_MAX;

/// Where the last token begins, or `None` if it is longer than `TOKEN_MAX`.
fn last_token(text: &str) -> Option<usize> {
    let start = token_start(text, text.len(), TOKEN_MAX + 8);
    start.filter(|&start| start > 0 || text.len() <= TOKEN_MAX)
}

/// Where the token begins that ends at `at`, if within `most` bytes.
fn token_start(text: &str, at: usize, most: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let stop = at.saturating_sub(most);
    let mut start = at;
    while start > stop {
        let byte = bytes[start - 1];
        if classes::is(byte, SPACE) {
            return Some(start);
        }
        start -= 1;
        if byte >= 0x80
            && text.is_char_boundary(start)
            && text[start..at]
                .chars()
                .next()
                .is_some_and(classes::separates)
        {
            return Some(start + text[start..].chars().next().map_or(0, char::len_utf8));
        }
    }
    (start == 0).then_some(0)
}

/// The beginning of a token at or before `at`, `least` bytes back if there is one not much further.
fn token_before(text: &str, at: usize, least: usize) -> usize {
    let from = classes::floor(text, at.saturating_sub(least));
    token_start(text, from, TOKEN_CONTEXT_MAX)
        .unwrap_or_else(|| classes::ceil(text, from.saturating_sub(TOKEN_CONTEXT_MAX)))
}

/// See `Filter::settled`; `inspect` gives the places of what is found in a text.
pub(crate) fn settled(text: &str, inspect: &dyn Fn(&str) -> Vec<(usize, usize)>) -> usize {
    let place = match last_token(text) {
        Some(start) => spread_start(text, start),
        None => within_token(text, inspect),
    };
    let place = classes::floor(text, place.max(text.len().saturating_sub(HOLDBACK_MAX)));
    if place == 0 { 0 } else { place }
}

/// The beginning of a token at or before `token` that nothing live or spread out reaches over.
fn spread_start(text: &str, token: usize) -> usize {
    let mut place = token;
    loop {
        let unescaped = open_escape(text, place).map_or(place, |cut| live(&text[..cut], place));
        let earlier = live(text, place).min(unescaped).min(place);
        let start = token_start(text, earlier, TOKEN_MAX).unwrap_or(earlier);
        if start == place {
            return place;
        }
        place = start;
    }
}

/// The earliest place of something that spreads over tokens, and may still be completed or reaches
/// over `place`, where a token begins.
fn live(text: &str, place: usize) -> usize {
    let from = token_before(text, place, SPREAD_MAX);
    let before = &text[from..place];
    let live = spread(&text[from..], before.len(), &|range| range);
    let live = match cleaned(&text[from..]) {
        None => live,
        Some(view) => {
            // Nothing that is written out reaches over the beginning of a token.
            let near = cleaned(before).map_or(before.len(), |view| view.text().len());
            live.min(spread(view.text(), near, &|range| view.origin(range)))
        }
    };
    from.saturating_add(live)
        .min(open_block(text, place))
        .min(text.len())
}

/// Where escapes begin at the end of the last token, which begins at `token`: they may turn out to be
/// blanks or anything, so that what is open before them stays so.
fn open_escape(text: &str, token: usize) -> Option<usize> {
    let near = token.max(text.len().saturating_sub(ESCAPES_MAX));
    let offset = text.as_bytes()[near..]
        .iter()
        .position(|byte| matches!(byte, b'%' | b'&' | b'\\'))?;
    Some(near + offset)
}

/// Looks in `text` for what spreads over `place`, or may; `origin` leads back to the text as it is.
fn spread(text: &str, place: usize, origin: &dyn Fn(Range<usize>) -> Range<usize>) -> usize {
    let wanted = Wanted {
        personal: true,
        markers: true,
        ..Wanted::default()
    };
    let mut scan = Scan::new(text, wanted);
    anchors::brackets(&mut scan);
    phrases::reaching_over(&mut scan, place);
    let live = scan.reaches_over(place).min(numbers(text, place));
    if live < text.len() {
        origin(live..live + 1).start
    } else {
        usize::MAX
    }
}

/// The beginning of a number in groups that reaches over `place`, or may.
fn numbers(text: &str, place: usize) -> usize {
    let bytes = text.as_bytes();
    let grouped = |byte: &&u8| {
        classes::is(**byte, DIGIT | UPPER | SPACE | DASH | DOT)
            || matches!(byte, b'(' | b')' | b'+')
    };
    let start = place
        - bytes[..place]
            .iter()
            .rev()
            .take(NUMBER_MAX)
            .take_while(grouped)
            .count();
    let groups = &bytes[start..place];
    if !groups.iter().any(|&byte| classes::is(byte, DIGIT | UPPER)) {
        return usize::MAX;
    }
    let from = token_before(text, start.saturating_sub(NUMBER_MAX), 0);
    let mut scan = Scan::new(
        &text[from..],
        Wanted {
            personal: true,
            ..Wanted::default()
        },
    );
    personal::numbers(&mut scan);
    scan.reaches_over(place - from)
        .saturating_add(from)
        .min(pair_of_capitals(text))
}

/// Two capitals and a space may begin an insurance number.
fn pair_of_capitals(text: &str) -> usize {
    let Some(before) = text.strip_suffix(' ') else {
        return usize::MAX;
    };
    let bytes = before.as_bytes();
    let start = classes::run_start(bytes, bytes.len(), UPPER, 3);
    if bytes.len() - start == 2 {
        start
    } else {
        usize::MAX
    }
}

/// The beginning of the first block that is not complete, or holds `place`.
fn open_block(text: &str, place: usize) -> usize {
    let reached = keys(text, place, |scan, base| {
        let over = scan.reaches_over(place - base);
        over.saturating_add(base)
    });
    let mut live = reached.map(|(_, over)| over).min().unwrap_or(usize::MAX);
    let base = classes::floor(text, place.saturating_sub(BLOCK_MAX));
    let tail = &text[base..];
    let place = place - base;
    let near = classes::floor(tail, place.saturating_sub(TOKEN_MAX + 256));
    if memchr::memchr(b'<', &tail.as_bytes()[near..]).is_some() {
        let mut scan = Scan::new(
            &tail[near..],
            Wanted {
                hidden_html: true,
                ..Wanted::default()
            },
        );
        anchors::scan(&mut scan);
        live = live.min(
            scan.reaches_over(place - near)
                .saturating_add(near)
                .saturating_add(base),
        );
    }
    live
}

/// The private keys that begin before `place` and near enough to reach there, each with what `judge`
/// says of the look at it, given where that look's text begins. They share what they read.
fn keys<'t, T>(
    text: &'t str,
    place: usize,
    judge: impl Fn(&Scan<'t>, usize) -> T,
) -> impl Iterator<Item = (usize, T)> {
    let most = if private_keys::may_continue(text.as_bytes(), place) {
        KEY_MAX
    } else {
        BLOCK_MAX
    };
    let base = classes::floor(text, place.saturating_sub(most));
    let mut scan = Scan::new(&text[base..], Wanted::default());
    memmem::find_iter(scan.bytes, b"-----BEGIN")
        .take_while(move |&at| base + at < place)
        .map(move |at| {
            scan.hits.clear();
            scan.live = usize::MAX;
            private_keys::private_key(&mut scan, at..at + 10);
            (base + at, judge(&scan, base))
        })
}

/// A place within a token longer than `TOKEN_MAX`: that far from the end, and within no finding.
fn within_token(text: &str, inspect: &dyn Fn(&str) -> Vec<(usize, usize)>) -> usize {
    let mut place = classes::floor(text, text.len() - TOKEN_MAX);
    let from = token_before(text, place, TOKEN_CONTEXT_MAX);
    let mut found = inspect(&text[from..]);
    found.sort_by_key(|&(_, end)| std::cmp::Reverse(end));
    // From the right: a finding that holds the place pulls it to its beginning.
    loop {
        let held = found
            .iter()
            .map(|&(start, end)| (start + from, end + from))
            .find(|&(start, end)| start < place && place < end);
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
    let at_token = settled == 0
        || text[..settled]
            .chars()
            .next_back()
            .is_some_and(classes::separates);
    let from = token_before(
        text,
        settled,
        if at_token {
            CONTEXT_MAX
        } else {
            TOKEN_CONTEXT_MAX
        },
    );
    if !private_keys::may_continue(text.as_bytes(), settled) {
        return from;
    }
    let going_on = |scan: &Scan<'_>, base: usize| {
        let last = scan.hits.last();
        scan.live < usize::MAX || last.is_some_and(|hit| base + hit.range.end > settled)
    };
    let key = keys(text, settled, going_on)
        .find(|(_, goes_on)| *goes_on)
        .map(|(at, _)| token_before(text, at, CONTEXT_MAX));
    key.map_or(from, |key| key.min(from))
}
