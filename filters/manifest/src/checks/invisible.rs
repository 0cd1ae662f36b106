//! Characters that people do not see, where no script and no emoji needs them.

use crate::finding::{Hit, INVISIBLE, Severity};
use crate::leaves::Leaf;
use crate::seen::is_unseen;

/// Reports each run of unseen characters; in names and keys every one of them, in other texts those that
/// nothing there needs. Runs after the first few of one text are not told.
pub(crate) fn check(leaf: &Leaf<'_, '_>, bare: bool, hits: &mut Vec<Hit>) {
    if !leaf.text.chars().any(is_unseen) {
        return;
    }
    let right_to_left = leaf.text.chars().any(is_right_to_left);
    let mut run: Option<(usize, usize, usize)> = None;
    let mut told = 0;
    let mut before = None;
    let mut flag = 0;
    let mut chars = leaf.text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let after = chars.peek().map(|(_, c)| *c);
        // A flag of a region is a black flag, its letters as tags, and an end.
        flag = match c {
            '\u{1f3f4}' => FLAG_TAGS_MAX,
            '\u{e0020}'..='\u{e007f}' => usize::saturating_sub(flag, 1),
            _ => 0,
        };
        let unseen =
            is_unseen(c) && (bare || !(flag > 0 || needed(c, before, after, right_to_left)));
        let end = at + c.len_utf8();
        match (&mut run, unseen) {
            (Some(run), true) => *run = (run.0, end, run.2 + 1),
            (None, true) => run = Some((at, end, 1)),
            (Some(_), false) | (None, false) => {
                told += tell(leaf, run.take(), hits);
            }
        }
        if told >= RUNS_MAX {
            return;
        }
        before = Some(c);
    }
    tell(leaf, run, hits);
}

/// The most runs told of one text.
const RUNS_MAX: usize = 4;
/// A black flag has up to five letters after it, and an end.
const FLAG_TAGS_MAX: usize = 8;

fn tell(leaf: &Leaf<'_, '_>, run: Option<(usize, usize, usize)>, hits: &mut Vec<Hit>) -> usize {
    let Some((start, end, count)) = run else {
        return 0;
    };
    let first = leaf.text[start..].chars().next().unwrap_or_default();
    hits.push(Hit {
        label: INVISIBLE,
        severity: Severity::Refusal,
        score: 0.9,
        range: start..end,
        says: format!(
            "{count} character{} that nobody sees, beginning with U+{:04X} ({})",
            if count == 1 { "" } else { "s" },
            first as u32,
            sort(first)
        ),
    });
    1
}

fn sort(c: char) -> &'static str {
    match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => {
            "changes the order of what is shown"
        }
        '\u{e0000}'..='\u{e007f}' => "a tag: ASCII that is not shown",
        '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => "a variation selector",
        c if c.is_control() => "a control character",
        _ => "no width",
    }
}

/// Whether a script or an emoji needs `c` between these two.
fn needed(c: char, before: Option<char>, after: Option<char>, right_to_left: bool) -> bool {
    let wide = |c: Option<char>| c.is_some_and(|c| !c.is_ascii() && !is_unseen(c));
    let styled = |c: Option<char>| c.is_some_and(|c| matches!(c, '\u{fe0e}' | '\u{fe0f}'));
    match c {
        // How an emoji is drawn; also of digits in keycaps.
        '\u{fe0e}' | '\u{fe0f}' => {
            wide(before) || before.is_some_and(|c| c.is_ascii_digit() || matches!(c, '#' | '*'))
        }
        // Forms of Han characters.
        '\u{e0100}'..='\u{e01ef}' => before.is_some_and(|c| c >= '\u{3400}' && !is_unseen(c)),
        // Joins emoji, and letters of Arabic and Indic scripts, or keeps them apart.
        '\u{200c}' | '\u{200d}' => (wide(before) || styled(before)) && wide(after),
        '\u{180b}'..='\u{180f}' => before.is_some_and(|c| ('\u{1800}'..='\u{18aa}').contains(&c)),
        '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2066}'..='\u{2069}' => right_to_left,
        '\u{17b4}' | '\u{17b5}' => wide(before),
        _ => false,
    }
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1eeff}')
        && !is_unseen(c)
}
