//! A row: the values of one line, each as short as what was said before allows.

use super::template::Template;
use crate::tokens;
use std::collections::HashMap;

/// The value above, again.
const DITTO: &str = "^";

/// Digits of a number that is long enough to be split.
const LONG_NUMBER: usize = 6;
/// Bytes of a name that must be the same before its end is said alone; more than a short address or number has.
const STEM_MIN: usize = 12;

/// How one value is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said<'a> {
    /// As the value above.
    Ditto,
    /// As the value above but for its end.
    Tail(&'a str),
    /// Whole.
    Whole(&'a str),
}

/// The last value of every place.
pub(super) struct Above<'a> {
    values: Vec<Option<&'a str>>,
}

impl<'a> Above<'a> {
    pub fn new(places: usize) -> Self {
        Above {
            values: vec![None; places],
        }
    }

    /// How a value is best said, given the one above; it is then the one above.
    pub fn say(&mut self, slot: usize, value: &'a str) -> Said<'a> {
        let above = self.values[slot].replace(value);
        match above {
            Some(above) if above == value => Said::Ditto,
            Some(above) => tail(above, value).map_or(Said::Whole(value), Said::Tail),
            None => Said::Whole(value),
        }
    }
}

/// The end of `value` in which alone it differs from `above`, if saying only that is shorter.
fn tail<'a>(above: &str, value: &'a str) -> Option<&'a str> {
    if above.len() != value.len() || !value.is_ascii() || !above.is_ascii() || value.contains(' ') {
        return None;
    }
    let bytes = value.as_bytes();
    let same = bytes
        .iter()
        .zip(above.as_bytes())
        .take_while(|(a, b)| a == b)
        .count();
    let mut cut = same;
    while cut > 0
        && cut < bytes.len()
        && bytes[cut - 1].is_ascii_alphanumeric()
        && bytes[cut].is_ascii_alphanumeric()
    {
        cut -= 1;
    }
    let run = bytes[cut..]
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .count();
    if run >= LONG_NUMBER && cut + run >= same {
        // Digits are read in threes; short numbers are not split.
        cut += (same - cut) / 3 * 3;
    }
    // A time or a counter by what is new of it; a name or an address only if much of it is the same.
    let least = match counts(bytes) {
        true => 1,
        false => STEM_MIN,
    };
    (cut >= least && cut < bytes.len()).then(|| &value[cut..])
}

/// Whether a value is a time or a number: digits and what stands between them, but no four numbers with dots alone.
fn counts(value: &[u8]) -> bool {
    let count = |mark: u8| value.iter().filter(|b| **b == mark).count();
    let address = count(b'.') == 3 && count(b'-') + count(b',') + count(b'/') == 0;
    let between = |b: u8| matches!(b, b':' | b'.' | b',' | b'-' | b'/' | b'T' | b'+');
    !address && value.iter().all(|b| b.is_ascii_digit() || between(*b))
}

/// Tokens of a value in a row.
pub(super) fn cost(value: &str) -> usize {
    tokens::estimate(value)
}

/// Values that come again and again, by name.
#[derive(Default)]
pub(super) struct Names<'a> {
    /// In the order of their numbers, from 1.
    pub list: Vec<&'a str>,
    numbers: HashMap<&'a str, usize>,
}

/// Names at most: as many as have three digits.
const NAMES_MAX: usize = 999;
/// Tokens that a name costs where it is used, and more than the value where it is given.
const NAME_COST: usize = 2;

impl<'a> Names<'a> {
    /// Names what pays: `whole` says how often a value would be written out.
    pub fn choose(whole: &Counts<'a>) -> Names<'a> {
        let mut names = Names::default();
        for (value, count) in &whole.list {
            let cost = cost(value);
            if names.list.len() < NAMES_MAX
                && cost > NAME_COST
                && *count >= 3
                && count * (cost - NAME_COST) > cost + 2 * NAME_COST
            {
                names.list.push(value);
                names.numbers.insert(value, names.list.len());
            }
        }
        names
    }

    fn number(&self, value: &str) -> Option<usize> {
        self.numbers.get(value).copied()
    }
}

/// How often each value comes, in the order of their first coming.
#[derive(Default)]
pub(super) struct Counts<'a> {
    list: Vec<(&'a str, usize)>,
    places: HashMap<&'a str, usize>,
}

impl<'a> Counts<'a> {
    pub fn add(&mut self, value: &'a str) {
        let next = self.list.len();
        let place = *self.places.entry(value).or_insert(next);
        if place == next {
            self.list.push((value, 0));
        }
        self.list[place].1 += 1;
    }
}

/// Appends the values of a row; those at the end that are as above are not said.
pub(super) fn write(said: &[Said<'_>], names: &Names<'_>, out: &mut String) {
    let spoken = said
        .iter()
        .rposition(|said| *said != Said::Ditto)
        .map_or(0, |last| last + 1);
    for (place, said) in said[..spoken].iter().enumerate() {
        if place > 0 {
            out.push(' ');
        }
        match *said {
            Said::Ditto => out.push_str(DITTO),
            Said::Tail(end) => {
                out.push('~');
                out.push_str(end);
            }
            Said::Whole(value) => match names.number(value) {
                Some(number) => {
                    out.push('$');
                    out.push_str(&number.to_string());
                }
                None if bare(value) => out.push_str(value),
                None => {
                    out.push('"');
                    out.push_str(value);
                    out.push('"');
                }
            },
        }
    }
}

/// Whether a value is not taken for something else where it stands as it is.
fn bare(value: &str) -> bool {
    !value.is_empty() && !value.starts_with(['^', '~', '$', '"']) && !value.contains(' ')
}

/// Reads the values of a row into the last values of their places; false where it is no row of this template.
pub(super) fn read(row: &str, template: &Template, names: &[&str], above: &mut [String]) -> bool {
    let mut rest = row;
    for &slot in &template.slots {
        let (Some(word), Some(last)) = (word(&mut rest), above.get_mut(slot)) else {
            return false;
        };
        let value = match word.as_bytes().first() {
            None | Some(b'^') if word.is_empty() || word == DITTO => continue,
            Some(b'~') => {
                let kept = last.len().checked_sub(word.len() - 1);
                let Some(kept) = kept.filter(|kept| last.is_char_boundary(*kept)) else {
                    return false;
                };
                last.truncate(kept);
                last.push_str(&word[1..]);
                continue;
            }
            Some(b'$') => {
                let number = word[1..].parse::<usize>().ok();
                match number.and_then(|number| names.get(number.wrapping_sub(1))) {
                    Some(named) => named,
                    None => return false,
                }
            }
            Some(b'"') => &word[1..word.len() - 1],
            _ => word,
        };
        last.clear();
        last.push_str(value);
    }
    rest.is_empty()
}

/// Takes the next word of a row; at its end, nothing.
fn word<'a>(rest: &mut &'a str) -> Option<&'a str> {
    let end = match rest.strip_prefix('"') {
        Some(inside) => inside.find('"')? + 2,
        None => rest.find(' ').unwrap_or(rest.len()),
    };
    let (word, after) = rest.split_at(end);
    *rest = match after.strip_prefix(' ') {
        Some(after) => after,
        None if after.is_empty() => after,
        None => return None,
    };
    Some(word)
}
