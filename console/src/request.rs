//! A request to the console, and what is answered.

use crate::history::{Filter, Window};
use http::{HeaderMap, Method, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sallyport_record::Verdict;
use std::fmt::Write;
use std::net::IpAddr;

/// Bytes of a form that are read; the listener may refuse what is longer.
pub const FORM_BYTES_MAX: usize = 8 << 10;
/// Characters of a value in a query that are looked at.
const VALUE_CHARS_MAX: usize = 300;
/// Values of a query that are looked at.
const VALUES_MAX: usize = 40;

/// What an operator's browser or script asks.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: &'a Method,
    /// Path and query, as they came.
    pub target: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body; empty but for `POST`. At most [`FORM_BYTES_MAX`] bytes are needed.
    pub body: &'a [u8],
    /// Who asks, as the socket says.
    pub peer: Option<IpAddr>,
    /// Whether the listener speaks TLS itself.
    pub tls: bool,
    /// The time: nanoseconds since 1970.
    pub now_ns: i64,
}

/// What is answered. For `HEAD` the listener leaves the body out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The `content-type`.
    pub content_type: &'static str,
    /// All other headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl<'a> Request<'a> {
    /// The path.
    pub fn path(&self) -> &'a str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The values of the query.
    pub fn query(&self) -> Values {
        Values::read(self.target.split_once('?').map_or("", |(_, query)| query))
    }

    /// The values of a form that was posted.
    pub(crate) fn form(&self) -> Values {
        let body = &self.body[..self.body.len().min(FORM_BYTES_MAX)];
        Values::read(std::str::from_utf8(body).unwrap_or_default())
    }

    /// A header that is there once.
    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> Option<&'a str> {
        let mut all = self.headers.get_all(name).iter();
        match (all.next(), all.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }

    /// The time in milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        self.now_ns.div_euclid(1_000_000)
    }

    /// Whether the browser reaches us by TLS, ours or a proxy's.
    pub(crate) fn is_secure(&self) -> bool {
        self.tls || self.header("x-forwarded-proto") == Some("https")
    }
}

/// `name=value&…`, decoded; of several values of a name, the last.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Values(Vec<(String, String)>);

impl Values {
    /// Reads what forms and addresses say (`application/x-www-form-urlencoded`).
    pub fn read(text: &str) -> Values {
        let decode = |text: &str| {
            let text = text.replace('+', " ");
            let text = percent_decode_str(&text).decode_utf8_lossy();
            text.chars().take(VALUE_CHARS_MAX).collect::<String>()
        };
        let pairs = text.split('&').take(VALUES_MAX).filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((decode(name), decode(value)))
        });
        Values(pairs.collect())
    }

    /// A value that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.0.iter().rev().filter(|(known, _)| known == name);
        let value = found.next()?.1.trim();
        (!value.is_empty()).then_some(value)
    }

    /// A number.
    pub fn number(&self, name: &str) -> Option<i64> {
        self.get(name)?.parse().ok()
    }

    /// How far back to look: `window`.
    pub fn window(&self) -> Option<Window> {
        Window::read(self.get("window")?)
    }

    /// Which exchanges are asked for. A verdict that there is not is no filter.
    pub fn filter(&self, now_ms: i64) -> Filter {
        let text = |name: &str| self.get(name).map(str::to_owned);
        let verdict = self.get("verdict");
        Filter {
            text: text("q"),
            team: text("team"),
            agent: text("agent"),
            verdict: verdict.and_then(verdict_of),
            operation: text("operation"),
            model: text("model"),
            upstream: text("upstream"),
            session: text("session"),
            rule: text("rule"),
            tool: text("tool"),
            finding: text("finding"),
            from_ms: self
                .number("from")
                .or_else(|| Some(self.window()?.start(now_ms))),
            to_ms: self.number("to"),
        }
    }

    /// The same as a query again, with one value set otherwise or left out.
    pub fn with(&self, name: &str, value: Option<&str>) -> String {
        let mut query = String::new();
        let kept = self
            .0
            .iter()
            .filter(|(known, old)| known != name && !old.trim().is_empty());
        let kept = kept.map(|(known, old)| (known.as_str(), old.as_str()));
        for (name, value) in kept.chain(value.map(|value| (name, value))) {
            let sign = if query.is_empty() { '?' } else { '&' };
            let _ = write!(query, "{sign}{}={}", encode(name), encode(value));
        }
        query
    }
}

/// The verdict of a word.
pub(crate) fn verdict_of(word: &str) -> Option<Verdict> {
    Verdict::ALL
        .into_iter()
        .find(|verdict| verdict.as_str() == word)
}

const IN_ADDRESSES: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text as a piece of an address.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, IN_ADDRESSES).to_string()
}

/// The text of a piece of an address.
pub(crate) fn decode(piece: &str) -> String {
    percent_decode_str(piece).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_written_again() {
        let values = Values::read("team=a%26b&agent=x+y&agent=&odd&q=%ff&verdict=denied");
        assert_eq!(values.get("team"), Some("a&b"));
        assert_eq!(values.get("agent"), None);
        assert_eq!(values.get("q"), Some("\u{fffd}"));
        assert_eq!(values.filter(0).verdict, Some(Verdict::Denied));
        assert_eq!(
            values.with("verdict", Some("<")),
            "?team=a%26b&agent=x%20y&q=%EF%BF%BD&verdict=%3C"
        );
        assert_eq!(
            values.with("team", None),
            "?agent=x%20y&q=%EF%BF%BD&verdict=denied"
        );
    }
}
