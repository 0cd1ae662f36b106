//! The gateway's own provider keys, found wherever an upstream echoes one.

use memchr::memmem::Finder;
use sallyport_exchange::{Author, Filter, Kind, Label, PartView, Report};

/// The label of an echoed key. The engine masks it always, whatever a policy says.
pub const LABEL: Label = Label("secret.upstream_key");

/// Shorter keys would match by accident.
const KEY_BYTES_MIN: usize = 8;

/// Looks for the provider keys that the gateway itself holds.
pub struct UpstreamKeys {
    finders: Vec<Finder<'static>>,
}

impl UpstreamKeys {
    /// Looks for these keys.
    pub fn new<'a>(keys: impl Iterator<Item = &'a str>) -> Self {
        let long = keys.filter(|key| key.len() >= KEY_BYTES_MIN);
        UpstreamKeys {
            finders: long
                .map(|key| Finder::new(key.as_bytes()).into_owned())
                .collect(),
        }
    }

    /// Whether a header value holds a key.
    pub fn is_in(&self, value: &[u8]) -> bool {
        self.finders
            .iter()
            .any(|finder| finder.find(value).is_some())
    }
}

impl Filter for UpstreamKeys {
    fn name(&self) -> &'static str {
        "upstream_keys"
    }

    fn wants(&self, _kind: Kind, _author: Author) -> bool {
        !self.finders.is_empty()
    }

    fn inspect(&self, part: &PartView<'_>, report: &mut Report<'_>) {
        for finder in &self.finders {
            let len = finder.needle().len();
            for at in finder.find_iter(part.text.as_bytes()) {
                report.found(LABEL, at..at + len, 1.0);
            }
        }
    }

    /// Everything but an ending that may be the beginning of a key.
    fn settled(&self, text: &str) -> usize {
        let bytes = text.as_bytes();
        let begun = |key: &[u8]| {
            let longest = bytes.len().min(key.len() - 1);
            (1..=longest)
                .rev()
                .find(|&n| bytes.ends_with(&key[..n]))
                .unwrap_or(0)
        };
        let longest = self
            .finders
            .iter()
            .map(|f| begun(f.needle()))
            .max()
            .unwrap_or(0);
        bytes.len() - longest
    }

    fn lookbehind(&self, _text: &str, settled: usize) -> usize {
        settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sallyport_exchange::PartId;

    #[test]
    fn an_echoed_key_is_found_and_its_beginning_held_back() {
        let keys = UpstreamKeys::new(["upstream-key-1234"].into_iter());
        let text = "bad key upstream-key-1234!";
        let mut findings = Vec::new();
        let part = PartView {
            id: PartId(0),
            json: None,
            kind: Kind::Text,
            author: Author::Model,
            tool: None,
            text,
        };
        keys.inspect(&part, &mut Report::new(PartId(0), &mut findings));
        assert_eq!(findings[0].range, 8..25);
        assert_eq!(keys.settled("all is well"), 11);
        assert_eq!(keys.settled("bad key upstream-"), 8);
        assert_eq!(keys.settled("x u"), 2);
    }
}
