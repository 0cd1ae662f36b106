//! What a line is made of: words, words that vary by their kind, blanks, and marks between them.

/// Bytes of the longest line that is looked into; a longer one stands as it is.
pub(crate) const LINE_MAX: usize = 4096;
/// Atoms of the finest line that is looked into.
pub(crate) const ATOMS_MAX: usize = 256;
/// Bytes within which a quoted client name must end.
const QUOTED_MAX: usize = 512;

/// What an atom is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// Letters: the same in every line of a template.
    Word,
    /// With a digit in it, or a path: another one in every line, likely.
    Varied,
    /// Blanks (spaces), any number.
    Space,
    /// One byte of punctuation.
    Mark,
}

/// A stretch of the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Atom {
    /// Where it begins, in the text.
    pub start: u32,
    /// How long it is.
    pub len: u16,
    /// What it is.
    pub kind: Kind,
}

impl Atom {
    /// Its bytes.
    pub fn of<'a>(&self, text: &'a str) -> &'a str {
        let start = self.start as usize;
        text.get(start..start + self.len as usize)
            .unwrap_or_default()
    }
}

/// Appends the atoms of `text[start..end]`; false (and none appended) where the line is too long or too fine.
pub(crate) fn line(text: &str, start: usize, end: usize, atoms: &mut Vec<Atom>) -> bool {
    if end - start > LINE_MAX {
        return false;
    }
    let begun = atoms.len();
    let bytes = &text.as_bytes()[..end];
    let mut at = start;
    while at < end {
        if atoms.len() - begun >= ATOMS_MAX {
            atoms.truncate(begun);
            return false;
        }
        let (len, kind) = next(bytes, start, at);
        push(atoms, at, len, kind);
        at += len;
        if len == 1 && bytes[at - 1] == b'"' {
            let quoted = client(&bytes[at..]);
            if quoted > 0 {
                push(atoms, at, quoted, Kind::Varied);
                push(atoms, at + quoted, 1, Kind::Mark);
                at += quoted + 1;
            }
        }
    }
    true
}

fn push(atoms: &mut Vec<Atom>, start: usize, len: usize, kind: Kind) {
    atoms.push(Atom {
        start: u32::try_from(start).unwrap_or(u32::MAX),
        len: u16::try_from(len).unwrap_or(u16::MAX),
        kind,
    });
}

/// Length and kind of the atom at `at`.
fn next(bytes: &[u8], start: usize, at: usize) -> (usize, Kind) {
    match bytes[at] {
        b' ' => {
            let len = bytes[at..].iter().take_while(|b| **b == b' ').count();
            (len, Kind::Space)
        }
        _ if !in_word(bytes, start, at, Path::No) => (1, Kind::Mark),
        first => word(bytes, start, at, first),
    }
}

fn word(bytes: &[u8], start: usize, at: usize, first: u8) -> (usize, Kind) {
    let mut path = match first {
        b'/' => Path::Yes,
        _ => Path::No,
    };
    let mut varied = false;
    let mut to = at;
    while to < bytes.len() && in_word(bytes, start, to, path) {
        varied |= bytes[to].is_ascii_digit();
        match bytes[to] {
            b'/' if to >= at + 2 && bytes[to - 1] == b'/' && bytes[to - 2] == b':' => {
                path = Path::Yes;
            }
            b'?' if path != Path::No => path = Path::Query,
            _ => {}
        }
        to += 1;
    }
    let len = to - at;
    let kind = match varied || (path != Path::No && len > 1) {
        true => Kind::Varied,
        false => Kind::Word,
    };
    (len, kind)
}

/// Whether an atom is a path or an address, and whether it has come to its query.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    No,
    Yes,
    Query,
}

/// Whether the byte belongs to the word around it.
fn in_word(bytes: &[u8], start: usize, at: usize, path: Path) -> bool {
    if PLAIN[bytes[at] as usize] {
        return true;
    }
    match bytes[at] {
        b' ' | b'"' | b'\'' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b'|' => false,
        b'=' | b';' => path == Path::Query,
        b',' => {
            path == Path::Query
                || (at > start
                    && bytes[at - 1].is_ascii_digit()
                    && bytes.get(at + 1).is_some_and(u8::is_ascii_digit))
        }
        b':' => {
            at > start
                && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b':')
                && bytes
                    .get(at + 1)
                    .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b':' || *b == b'/')
        }
        byte => byte > b' ' && byte != 0x7f,
    }
}

/// Bytes that are part of a word wherever they stand.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let own = byte as u8;
        plain[byte] =
            own.is_ascii_alphanumeric() || own >= 0x80 || matches!(own, b'-' | b'.' | b'_');
        byte += 1;
    }
    plain
};

/// The length of a client's name in quotes (`"Mozilla/5.0 (X11; …"`), of which `rest` is what follows the opening
/// quote; 0 where it is none. Such names come again whole, so they are not taken apart.
fn client(rest: &[u8]) -> usize {
    let window = &rest[..rest.len().min(QUOTED_MAX)];
    let Some(len) = window.iter().position(|b| *b == b'"') else {
        return 0;
    };
    let inside = &window[..len];
    let product = inside.iter().position(|b| *b == b'/').is_some_and(|slash| {
        slash > 0
            && inside[..slash].iter().all(u8::is_ascii_alphanumeric)
            && inside.get(slash + 1).is_some_and(u8::is_ascii_digit)
    });
    match product && inside.contains(&b' ') && inside.is_ascii() {
        true => len,
        false => 0,
    }
}

#[cfg(test)]
mod tests {
    fn words(line: &str) -> Vec<&str> {
        let mut atoms = Vec::new();
        assert!(super::line(line, 0, line.len(), &mut atoms));
        atoms.iter().map(|atom| atom.of(line)).collect()
    }

    #[test]
    fn times_addresses_and_paths_are_whole() {
        assert_eq!(
            words("18:01:47,978 sshd[24]: from 10.0.0.1:80, ok"),
            [
                "18:01:47,978",
                " ",
                "sshd",
                "[",
                "24",
                "]",
                ":",
                " ",
                "from",
                " ",
                "10.0.0.1:80",
                ",",
                " ",
                "ok"
            ]
        );
        assert_eq!(
            words("GET http://a.b/c?d=1,2;e x=1"),
            ["GET", " ", "http://a.b/c?d=1,2;e", " ", "x", "=", "1"]
        );
        assert_eq!(words("\"Moz/5.0 (X; Y)\""), ["\"", "Moz/5.0 (X; Y)", "\""]);
    }
}
