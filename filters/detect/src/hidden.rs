//! Text that people do not see and models read.

use crate::classes;
use crate::scan::{Scan, TOKEN_MAX};
use crate::words::{List, Places};
use memchr::memchr_iter;
use sallyport_normalise::{is_invisible, is_tag, is_variation};
use std::ops::Range;
use std::sync::LazyLock;

/// Finds runs of characters that show nothing. Only called on text that is not all ASCII.
///
/// A run is one finding as far as `TOKEN_MAX` bytes reach; beyond, each character is one, so that
/// what is found does not depend on how far away the run began.
pub(crate) fn invisible(scan: &mut Scan<'_>) {
    let text = scan.text;
    let mut at = classes::wide(scan.bytes, 0);
    while let Some(first) = text[at..].chars().next() {
        let mut end = at + first.len_utf8();
        if let Some(sort) = Sort::of(first) {
            end = text[at..]
                .find(|c| Sort::of(c) != Some(sort))
                .map_or(text.len(), |offset| at + offset);
            judge(scan, sort, at..end);
        }
        at = classes::wide(scan.bytes, end);
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sort {
    ZeroWidth,
    Bidi,
    Tag,
    Variation,
}

impl Sort {
    fn of(c: char) -> Option<Sort> {
        match c {
            _ if is_tag(c) => Some(Sort::Tag),
            _ if is_variation(c) => Some(Sort::Variation),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => Some(Sort::Bidi),
            '\u{ad}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => None,
            _ if is_invisible(c) => Some(Sort::ZeroWidth),
            _ => None,
        }
    }
}

fn judge(scan: &mut Scan<'_>, sort: Sort, run: Range<usize>) {
    let (before, after) = (
        scan.text[..run.start].chars().next_back(),
        scan.text[run.end..].chars().next(),
    );
    let shown = &scan.text[run.clone()];
    let first = shown.chars().next().unwrap_or(' ');
    let at_least = |count: usize| shown.chars().nth(count - 1).is_some();
    let letter = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let found = match sort {
        Sort::Tag => (before != Some('\u{1f3f4}')).then_some(("hidden.tags", 0.95)),
        Sort::Variation => {
            let smuggles = at_least(2) || (first > '\u{ffff}' && !before.is_some_and(is_han));
            smuggles.then_some(("hidden.variation", 0.95))
        }
        Sort::Bidi if shown.contains(['\u{202d}', '\u{202e}']) => Some(("hidden.bidi", 0.8)),
        Sort::Bidi => {
            let turns = matches!(first, '\u{202a}' | '\u{202b}' | '\u{2067}')
                && letter(after)
                && letter(before);
            (turns || at_least(4)).then_some(("hidden.bidi", 0.6))
        }
        Sort::ZeroWidth if at_least(3) => Some(("hidden.zero_width", 0.85)),
        Sort::ZeroWidth if letter(before) && letter(after) => Some(("hidden.zero_width", 0.6)),
        Sort::ZeroWidth => None,
    };
    let Some((label, score)) = found else { return };
    let head = classes::floor(scan.text, run.start + TOKEN_MAX).min(run.end);
    scan.hit(label, run.start..head, score);
    for (at, c) in scan.text[head..run.end].char_indices() {
        scan.hit(label, head + at..head + at + c.len_utf8(), score);
    }
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Finds terminal escapes that conceal text or reach outside the screen. Colours are not among them.
pub(crate) fn terminal(scan: &mut Scan<'_>) {
    let bytes = scan.bytes;
    for at in memchr_iter(0x1b, bytes) {
        match bytes.get(at + 1) {
            Some(b'[') => {
                let end = classes::run_end(bytes, at + 2, classes::DIGIT | classes::MARK, 24);
                let end = (end..bytes.len().min(at + 26))
                    .find(|&end| !matches!(bytes[end], b'0'..=b'9' | b';'))
                    .unwrap_or(end);
                let conceals = bytes.get(end) == Some(&b'm')
                    && bytes[at + 2..end]
                        .split(|&byte| byte == b';')
                        .any(|code| code == b"8");
                if conceals {
                    scan.hit("hidden.ansi", at..end + 1, 0.8);
                }
            }
            Some(b']') if classes::reads(bytes, at + 2, b"52;") => {
                scan.hit("hidden.ansi", at..at + 5, 0.8)
            }
            _ => {}
        }
    }
}

/// The longest comment or hidden element that is looked into.
pub(crate) const CONCEALED_MAX: usize = TOKEN_MAX;

/// Words that show that hidden text is meant for a model: two different ones do, but the first
/// `STRONG_CUES` mean the same.
static CUES: LazyLock<List> = LazyLock::new(|| {
    List::new(&[
        "ignore",
        "disregard",
        "instruction",
        "system prompt",
        "assistant",
        "ai agent",
        "ai model",
        "language model",
        "llm",
        "you must",
        "do not tell",
        "don't tell",
        "do not mention",
        "exfiltrat",
        "chatgpt",
        "claude",
        "<important>",
        "secretly",
        "password",
        "credentials",
    ])
});
const STRONG_CUES: usize = 2;

/// What is known of the cues of a text of which nothing was read.
pub(crate) const fn cues() -> Places {
    Places::new(&CUES)
}

fn speaks_to_models(scan: &mut Scan<'_>, range: Range<usize>) -> bool {
    let cues = scan.aheads.cues.within(scan.bytes, range);
    let (mut strong, mut others) = (false, 0);
    for cue in cues {
        strong |= cue < STRONG_CUES;
        others += usize::from(cue >= STRONG_CUES);
    }
    usize::from(strong) + others >= 2
}

/// `<!-- … -->` with words for a model in it.
pub(crate) fn comment(scan: &mut Scan<'_>, place: Range<usize>) {
    let limit = classes::floor(scan.text, place.start + CONCEALED_MAX);
    let body = place.end.min(limit);
    let end = match scan.aheads.comment_end.find(scan.bytes, body..limit) {
        Some(closing) => closing + 3,
        None => {
            if scan.ends(limit) {
                scan.reached_end(place.start);
            }
            limit
        }
    };
    if speaks_to_models(scan, body..end) {
        scan.block("hidden.html_comment", place.start..end, 0.8);
    }
}

/// Styles under which text is in the page and not on the screen.
pub(crate) const STYLES: &[&str] = &[
    "display:none",
    "display: none",
    "visibility:hidden",
    "visibility: hidden",
    "font-size:0",
    "font-size: 0",
    "opacity:0",
    "opacity: 0",
    "color:white",
    "color: white",
    "color:#fff",
    "color: #fff",
    "color:transparent",
    "color: transparent",
    "left:-9999",
    "left: -9999",
];

/// An element hidden by its style, with words for a model in it.
pub(crate) fn styled(scan: &mut Scan<'_>, place: Range<usize>) {
    let style = &scan.text[place.clone()];
    if (style.ends_with('0') && classes::has(scan.bytes, place.end, classes::DIGIT | classes::DOT))
        || classes::has(scan.bytes, place.start.wrapping_sub(1), classes::DASH)
    {
        return;
    }
    let before = classes::before(scan.text, place.start, 256);
    let Some(open) = before.rfind('<') else {
        return;
    };
    if before[open..].contains('>') {
        return;
    }
    // The finding is the text that is hidden: before its tag is closed nothing has begun.
    let tag = place.end..classes::floor(scan.text, place.end + 256);
    let Some(close) = scan.aheads.tag_end.find(scan.bytes, tag) else {
        return;
    };
    let start = close + 1;
    let limit = classes::floor(scan.text, start + CONCEALED_MAX);
    let end = match scan.aheads.element_end.find(scan.bytes, start..limit) {
        Some(closing) => closing,
        None => {
            if scan.ends(limit) {
                scan.reached_end(start);
            }
            limit
        }
    };
    if speaks_to_models(scan, start..end) {
        scan.block("hidden.css", start..end, 0.8);
    }
}
