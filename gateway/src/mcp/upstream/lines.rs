//! Newline-delimited messages (stdio transport).

use super::Fault;
use bytes::{Bytes, BytesMut};

/// The longest line that is read.
pub(super) const LINE_MAX: usize = 16 << 20;

/// Cuts a byte stream into lines. However the stream is cut, the same lines come out.
#[derive(Default)]
pub(super) struct Lines {
    pub buffer: BytesMut,
    /// Bytes of `buffer` that hold no line feed.
    searched: usize,
}

impl Lines {
    /// The next whole line, without its end; empty ones are passed over.
    pub fn next(&mut self, max: usize) -> Result<Option<Bytes>, Fault> {
        loop {
            let Some(n) = memchr::memchr(b'\n', &self.buffer[self.searched..]) else {
                self.searched = self.buffer.len();
                return match self.buffer.len() > max {
                    true => Err(Fault::TooLarge(max)),
                    false => Ok(None),
                };
            };
            let end = self.searched + n;
            self.searched = 0;
            let mut line = self.buffer.split_to(end + 1).freeze();
            line.truncate(end);
            if line.last() == Some(&b'\r') {
                line.truncate(end - 1);
            }
            if line.len() > max {
                return Err(Fault::TooLarge(max));
            }
            if !line.is_empty() {
                return Ok(Some(line));
            }
        }
    }
}

/// A message on a line of its own. Line ends stand only between the tokens of JSON, where a space says the same.
pub(super) fn line(body: &[u8]) -> Bytes {
    let mut line = Vec::with_capacity(body.len() + 1);
    line.extend(body.iter().map(|byte| match byte {
        b'\n' | b'\r' => b' ',
        byte => *byte,
    }));
    line.push(b'\n');
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_the_same_however_they_are_cut() {
        let text = b"{\"a\":1}\r\n\n{}\nhalf";
        for size in 1..=text.len() {
            let mut lines = Lines::default();
            let mut out = Vec::new();
            for chunk in text.chunks(size) {
                lines.buffer.extend_from_slice(chunk);
                while let Some(line) = lines.next(100).expect("short lines") {
                    out.push(line);
                }
            }
            assert_eq!(out, ["{\"a\":1}", "{}"], "cut every {size} bytes");
        }
    }

    #[test]
    fn a_long_line_is_refused_and_read_once() {
        let mut lines = Lines::default();
        let began = std::time::Instant::now();
        for _ in 0..100_000 {
            lines.buffer.extend_from_slice(&[b'x'; 100]);
            assert_eq!(lines.next(LINE_MAX), Ok(None));
        }
        assert!(began.elapsed().as_secs() < 20, "searching is linear");
        assert_eq!(lines.next(1000), Err(Fault::TooLarge(1000)));
    }

    #[test]
    fn a_message_is_written_on_one_line() {
        assert_eq!(line(b"{\r\n \"a\": 1\n}"), "{   \"a\": 1 }\n");
    }
}
