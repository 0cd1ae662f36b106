//! A row: the values of one line, each as short as what was said before allows.

use super::template::Template;
use crate::tokens;
use std::collections::HashMap;

/// The value above, again.
const DITTO: &str = "^";

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
    if bytes[cut..same].iter().all(u8::is_ascii_digit) {
        // Digits are read in threes.
        cut += (same - cut) / 3 * 3;
    }
    let end = &value[cut..];
    (cut > 0 && cost(end) < cost(value)).then_some(end)
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

/// Reads the values of a row. `above` holds the last value of each place, and is brought up to date.
pub(super) fn read<'a>(
    row: &'a str,
    template: &Template,
    names: &[&'a str],
    above: &mut [Option<String>],
) -> Option<Vec<String>> {
    let mut values = Vec::with_capacity(template.slots.len());
    let mut rest = row;
    for &slot in &template.slots {
        let word = word(&mut rest)?;
        let last = above[slot].as_deref();
        let value = match word.as_bytes().first() {
            None => last?.to_owned(),
            Some(b'^') if word == DITTO => last?.to_owned(),
            Some(b'~') => {
                let last = last?;
                let kept = last.get(..last.len().checked_sub(word.len() - 1)?)?;
                format!("{kept}{}", &word[1..])
            }
            Some(b'$') => {
                let number: usize = word[1..].parse().ok()?;
                (*names.get(number.checked_sub(1)?)?).to_owned()
            }
            Some(b'"') => word.get(1..word.len() - 1)?.to_owned(),
            Some(_) => word.to_owned(),
        };
        above[slot] = Some(value.clone());
        values.push(value);
    }
    rest.is_empty().then_some(values)
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
