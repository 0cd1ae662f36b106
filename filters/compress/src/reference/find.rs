//! Finds runs of lines that stand earlier: the longest at each place, among the latest few candidates.

use super::line::{Line, Window};
use super::{Earlier, NONE};
use crate::tokens;

/// Earlier places that are looked at for one line, the latest first.
const CANDIDATES: usize = 12;
/// Tokens of a run that is worth a line of its own, roughly.
const RUN_MIN: usize = 32;

/// Lines that stand earlier too.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Run {
    /// The first line, in the text.
    pub first: usize,
    pub len: usize,
    /// The first line, among all earlier ones.
    pub at: u32,
    /// What must be added to the earlier numbers.
    pub shift: i64,
}

/// The runs in a text, in order. Linear: at each line a few candidates are followed, and what they are followed over is
/// skipped if it is used, and short if it is not.
pub(super) fn runs(text: &str, lines: &[Line], earlier: &Earlier) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        match longest(text, lines, at, earlier) {
            Some(run) if is_worth_it(text, lines, &run) => {
                at += run.len;
                runs.push(run);
            }
            // What was followed in vain is not followed again from each of its lines.
            Some(run) => at += 1 + run.len / 4,
            None => at += 1,
        }
    }
    runs
}

fn is_worth_it(text: &str, lines: &[Line], run: &Run) -> bool {
    let (first, last) = (lines[run.first], lines[run.first + run.len - 1]);
    // A few tokens are a handful of bytes at the least, and a long run is surely worth it.
    let run = &text[first.start as usize..last.end as usize];
    run.len() > RUN_MIN * 16 || (run.len() > RUN_MIN && tokens::estimate(run) >= RUN_MIN)
}

fn longest(text: &str, lines: &[Line], first: usize, earlier: &Earlier) -> Option<Run> {
    let Window(hash) = Window::at(lines, first)?;
    let mut candidate = *earlier.heads.get(&hash)?;
    let mut best: Option<Run> = None;
    for _ in 0..CANDIDATES {
        if candidate == NONE {
            break;
        }
        let run = follow(text, lines, first, earlier, candidate);
        let better = |best: Run| match run.len.cmp(&best.len) {
            std::cmp::Ordering::Equal => run.shift == 0 && best.shift != 0,
            order => order.is_gt(),
        };
        if best.is_none_or(better) {
            best = Some(run);
        }
        candidate = earlier.before[candidate as usize];
    }
    best.filter(|run| run.len > 0)
}

/// How far the text goes on as what stands at `at`.
fn follow(text: &str, lines: &[Line], first: usize, earlier: &Earlier, at: u32) -> Run {
    let end = earlier.said_at(at).lines.end;
    let there = &earlier.lines[at as usize..end as usize];
    let mut shift = None;
    let mut last: Option<u32> = None;
    let mut len = 0;
    for (here, there) in lines[first..].iter().zip(there) {
        let alike = here.hash == there.hash && here.rest(text) == there.rest(&earlier.text);
        if !alike || here.is_numbered() != there.is_numbered() {
            break;
        }
        if here.is_numbered() {
            let by = i64::from(here.number) - i64::from(there.number);
            if *shift.get_or_insert(by) != by {
                break;
            }
            // Only numbers that count lines may be shifted.
            if by != 0 && last.is_some_and(|last| here.number != last + 1) {
                break;
            }
            let before = usize::from(here.blanks + here.digits);
            let written = &here.whole(text)[..before];
            let same = match by {
                0 => here.blanks == there.blanks,
                _ => there.renumbered(by).as_deref() == Some(written),
            };
            if !same {
                break;
            }
            last = Some(here.number);
        }
        len += 1;
    }
    Run {
        first,
        len,
        at,
        shift: shift.unwrap_or(0),
    }
}
