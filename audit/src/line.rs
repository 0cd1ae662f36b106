//! One record as a line, and lines as they stand in a segment.

use crate::canonical::{canonical, write_string};
use crate::hash::Digest;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, BufRead, Read as _};

/// The longest line, in bytes, without its end.
pub const LINE_BYTES_MAX: usize = 1 << 20;

/// A moment, by both clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Now {
    /// Nanoseconds since 1970 in UTC, as the wall has them. May go backwards.
    pub wall_ns: i64,
    /// Nanoseconds since the process began. Never goes backwards.
    pub mono_ns: u64,
}

/// A time as RFC 3339 in UTC, to the microsecond.
pub(crate) fn rfc3339(wall_ns: i64) -> String {
    match jiff::Timestamp::from_nanosecond(wall_ns.into()) {
        Ok(time) => format!("{time:.6}"),
        Err(_) => String::new(),
    }
}

/// Nanoseconds since 1970 of such a time.
pub(crate) fn wall_ns(time: &str) -> Option<i64> {
    let time: jiff::Timestamp = time.parse().ok()?;
    time.as_nanosecond().try_into().ok()
}

/// Writes a record, without the end of its line.
pub(crate) fn write(
    text: &mut String,
    kind: &str,
    body: &Value,
    prev: &Digest,
    seq: u64,
    now: Now,
) {
    text.push_str("{\"body\":");
    canonical(body, text);
    text.push_str(",\"kind\":");
    write_string(kind, text);
    // Writing to a `String` cannot fail.
    let _ = write!(
        text,
        ",\"mono\":{},\"prev\":\"{prev}\",\"seq\":{seq},\"time\":\"{}\"}}",
        now.mono_ns,
        rfc3339(now.wall_ns)
    );
}

/// What a line says around its body.
#[derive(Deserialize, Debug)]
#[serde(deny_unknown_fields)]
pub(crate) struct Envelope<'a> {
    #[serde(rename = "body")]
    _body: IgnoredAny,
    #[serde(borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(rename = "mono")]
    pub(crate) _mono: u64,
    #[serde(borrow)]
    prev: Cow<'a, str>,
    pub(crate) seq: u64,
    #[serde(borrow)]
    pub(crate) time: Cow<'a, str>,
}

impl<'a> Envelope<'a> {
    /// `None`: it is no record.
    pub(crate) fn read(line: &'a [u8]) -> Option<Envelope<'a>> {
        serde_json::from_slice(line).ok()
    }

    /// What the record says the SHA-256 of the line before it is.
    pub(crate) fn prev(&self) -> Option<Digest> {
        Digest::from_hex(&self.prev)
    }
}

/// A whole record.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What is recorded.
    pub body: Value,
    /// What kind of record it is.
    pub kind: String,
    /// Nanoseconds since the process that wrote it began.
    pub mono: u64,
    /// The SHA-256 of the line before it, in hexadecimal digits.
    pub prev: String,
    /// Its place in the log; the first is 0.
    pub seq: u64,
    /// When it was written, RFC 3339 in UTC.
    pub time: String,
    /// The line itself, without its end.
    #[serde(skip)]
    pub line: String,
}

impl Entry {
    /// Reads a line.
    pub fn read(line: &str) -> Result<Entry, serde_json::Error> {
        let mut entry: Entry = serde_json::from_str(line)?;
        entry.line = line.into();
        Ok(entry)
    }

    /// Whether the line is written the one way in which the log writes it.
    pub(crate) fn is_canonical(&self) -> bool {
        let mut text = String::with_capacity(self.line.len());
        let value = serde_json::from_str(&self.line).unwrap_or_default();
        canonical(&value, &mut text);
        text == self.line
    }
}

/// One line of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Line<'a> {
    /// Its bytes without its end. Of a line that is too long, the beginning.
    pub(crate) bytes: &'a [u8],
    /// Where it begins in the segment.
    pub(crate) offset: u64,
    /// Whether its end is there, and it is not too long.
    pub(crate) whole: bool,
}

/// The lines of a segment, in bounded memory.
pub(crate) struct Lines<R> {
    reader: R,
    line: Vec<u8>,
    offset: u64,
    over: bool,
}

impl<R: BufRead> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Lines {
            reader,
            line: Vec::new(),
            offset: 0,
            over: false,
        }
    }

    /// After a line that is not whole there is none.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        if self.over {
            return Ok(None);
        }
        let mut limited = (&mut self.reader).take(LINE_BYTES_MAX as u64 + 1);
        let read = limited.read_until(b'\n', &mut self.line)?;
        if read == 0 {
            return Ok(None);
        }
        let whole = self.line.last() == Some(&b'\n');
        if whole {
            self.line.pop();
        }
        self.over = !whole;
        let offset = self.offset;
        self.offset += read as u64;
        Ok(Some(Line {
            bytes: &self.line,
            offset,
            whole,
        }))
    }
}
