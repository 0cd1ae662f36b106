//! A quick look for many fixed strings at once, whatever the case of their letters.
//!
//! At every second byte four bytes are hashed and looked up in a table that is nearly empty. Each
//! string stands in it with the four bytes at either alignment of its rarest stretch of five.

/// The bits of a place in the table.
const SLOT_BITS: u32 = 14;
/// Makes ASCII letters lower case, and a few marks alike, in four and eight bytes at once.
const FOLD_4: u32 = 0x2020_2020;
const FOLD_8: u64 = 0x2020_2020_2020_2020;
/// Letters of text, the most frequent first.
const FREQUENT: &[u8] = b" etaoinsrhldcumfpgwybv\",.-:_0k12xjqz";

/// Fixed strings, each five bytes or longer, or three.
pub(crate) struct Grams {
    strings: Vec<String>,
    /// For each hash, one more than where its entries begin; 0 where there are none.
    slots: Box<[u16]>,
    /// Sorted by slot.
    entries: Vec<Entry>,
}

#[derive(Clone, Copy)]
struct Entry {
    gram: u32,
    /// The string begins this many bytes before the gram; -1 for one byte after.
    offset: isize,
    string: usize,
    /// Whether no more entries share the slot.
    last: bool,
}

impl Grams {
    pub fn new(strings: Vec<String>) -> Grams {
        let mut entries = Vec::new();
        for (string, form) in strings.iter().enumerate() {
            let mut enter = |bytes: &[u8], offset: isize| {
                let gram = fold(bytes);
                entries.push(Entry {
                    gram,
                    offset,
                    string,
                    last: true,
                });
            };
            let bytes = form.as_bytes();
            if let &[a, b, c] = bytes {
                // All that the byte before and the byte after may be, folded.
                for other in (0x20..0x40)
                    .chain(0x60..0x80)
                    .chain(0xa0..0xc0)
                    .chain(0xe0..=0xff)
                {
                    enter(&[a, b, c, other], 0);
                    enter(&[other, a, b, c], -1);
                }
            } else {
                let at = rarest(bytes);
                enter(&bytes[at..at + 4], at as isize);
                enter(&bytes[at + 1..at + 5], at as isize + 1);
            }
        }
        entries.sort_by_key(|entry| (slot(entry.gram), entry.gram, entry.string));
        let mut slots = vec![0u16; 1 << SLOT_BITS].into_boxed_slice();
        for at in (0..entries.len()).rev() {
            let place = slot(entries[at].gram);
            entries[at].last = slots[place] == 0;
            slots[place] = at as u16 + 1;
        }
        Grams {
            strings,
            slots,
            entries,
        }
    }

    /// Calls `found` with the number of each string and where it stands. A string of three bytes is
    /// not seen where the text ends with it.
    pub fn find(&self, bytes: &[u8], mut found: impl FnMut(usize, usize)) {
        let mut at = 0;
        while let Some(block) = bytes.get(at..at + 10) {
            if self.any(block) {
                for place in [at, at + 2, at + 4, at + 6] {
                    self.look(bytes, place, &mut found);
                }
            }
            at += 8;
        }
        while at + 4 <= bytes.len() {
            self.look(bytes, at, &mut found);
            at += 2;
        }
    }

    /// Whether any of the four grams of ten bytes is known.
    #[inline(always)]
    fn any(&self, block: &[u8]) -> bool {
        let (Some(first), Some(rest)) = (block.first_chunk::<8>(), block.last_chunk::<4>()) else {
            return true;
        };
        let first = u64::from_le_bytes(*first) | FOLD_8;
        let rest = u32::from_le_bytes(*rest) | FOLD_4;
        let known = |gram: u32| self.slots[slot(gram)];
        known(first as u32)
            | known((first >> 16) as u32)
            | known((first >> 32) as u32)
            | known(rest)
            != 0
    }

    fn look(&self, bytes: &[u8], at: usize, found: &mut impl FnMut(usize, usize)) {
        let gram = fold(&bytes[at..at + 4]);
        let Some(mut next) = usize::from(self.slots[slot(gram)]).checked_sub(1) else {
            return;
        };
        loop {
            let entry = self.entries[next];
            let start = at.checked_add_signed(-entry.offset);
            if let (true, Some(start)) = (entry.gram == gram, start) {
                let form = self.strings[entry.string].as_bytes();
                let text = bytes.get(start..start + form.len());
                if text.is_some_and(|text| text.eq_ignore_ascii_case(form)) {
                    found(entry.string, start);
                }
            }
            if entry.last {
                return;
            }
            next += 1;
        }
    }
}

fn fold(bytes: &[u8]) -> u32 {
    bytes
        .first_chunk::<4>()
        .map_or(0, |gram| u32::from_le_bytes(*gram))
        | FOLD_4
}

#[inline(always)]
fn slot(gram: u32) -> usize {
    (gram.wrapping_mul(0x9E37_79B1) >> (32 - SLOT_BITS)) as usize
}

/// Where the five bytes begin that are seen least often in texts.
fn rarest(bytes: &[u8]) -> usize {
    let rarity = |byte: &u8| {
        FREQUENT
            .iter()
            .position(|known| *known == byte.to_ascii_lowercase())
            .unwrap_or(FREQUENT.len())
    };
    let stretches = bytes
        .windows(5)
        .map(|five| five.iter().map(rarity).sum::<usize>());
    stretches
        .enumerate()
        .max_by_key(|&(at, rare)| (rare, std::cmp::Reverse(at)))
        .map_or(0, |(at, _)| at)
}

/// How seldom the rarest five bytes of `form` are seen; more is rarer.
pub(crate) fn rarity(form: &str) -> usize {
    let rarity = |byte: &u8| {
        FREQUENT
            .iter()
            .position(|known| *known == byte.to_ascii_lowercase())
            .unwrap_or(FREQUENT.len())
    };
    form.as_bytes()
        .windows(5)
        .map(|five| five.iter().map(rarity).sum())
        .max()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_string_is_found_wherever_it_stands() {
        let strings = [
            "ignore",
            "INST]",
            "pwd",
            "-----BEGIN",
            "<\u{ff5c}User\u{ff5c}>",
            "ignored",
        ];
        let grams = Grams::new(strings.map(str::to_owned).to_vec());
        for before in 0..12 {
            for after in 1..12 {
                for (string, form) in strings.iter().enumerate() {
                    let text = format!(
                        "{}{}{}",
                        "~".repeat(before),
                        form.to_ascii_uppercase(),
                        " ".repeat(after)
                    );
                    let mut found = Vec::new();
                    grams.find(text.as_bytes(), |string, at| found.push((string, at)));
                    assert!(found.contains(&(string, before)), "{form} at {before}");
                    assert!(found.iter().all(|&(other, at)| {
                        at == before
                            && form
                                .to_lowercase()
                                .starts_with(&strings[other].to_lowercase())
                    }));
                }
            }
        }
    }
}
