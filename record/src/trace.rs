//! Where an exchange stands in a distributed trace (W3C Trace Context, Level 2).

use std::fmt;

/// The id of a trace: 16 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId(pub [u8; 16]);

/// The id of a span: 8 bytes, not all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SpanId(pub [u8; 8]);

/// What a caller says of the span that it asks from: the header `traceparent`, with `tracestate`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceParent {
    /// The trace.
    pub trace: TraceId,
    /// The caller's span.
    pub span: SpanId,
    /// Whether the caller keeps its span.
    pub sampled: bool,
    /// What vendors noted, as it came; handed on and never read.
    pub state: Option<String>,
}

/// An exchange's place in a trace: its ids are drawn when it begins, so that they can be sent on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// The trace: the caller's, or a new one.
    pub trace: TraceId,
    /// The span of the whole exchange.
    pub span: SpanId,
    /// The span of the request to the upstream, which is its parent there.
    pub upstream: SpanId,
    /// The caller's span, if it named one.
    pub parent: Option<TraceParent>,
    /// Another span that led here: of an MCP message whose `_meta` names the parent, the one that its HTTP headers name.
    pub link: Option<TraceParent>,
    /// Whether this trace is kept.
    pub sampled: bool,
}

/// Members of a `tracestate` are up to 512 characters together (§3.3.1.5 asks for at least as many).
const STATE_MAX: usize = 512;

impl TraceParent {
    /// Reads `traceparent` and `tracestate` (§3.2, §3.3). Nothing if the first cannot be read: a new trace is begun
    /// then, as §3.2.3 asks. A `tracestate` that is too long or holds odd characters is left out.
    pub fn read(parent: &str, state: Option<&str>) -> Option<TraceParent> {
        let parent = parent.trim();
        let mut fields = parent.split('-');
        let (version, trace, span, flags) = (
            fields.next()?,
            fields.next()?,
            fields.next()?,
            fields.next()?,
        );
        let [version] = hex::<1>(version)?;
        if version == 0xff || (version == 0 && fields.next().is_some()) {
            return None;
        }
        let trace = hex::<16>(trace).filter(|id| id.iter().any(|&b| b != 0))?;
        let span = hex::<8>(span).filter(|id| id.iter().any(|&b| b != 0))?;
        let [flags] = hex::<1>(flags)?;
        let plain = |state: &&str| {
            !state.is_empty()
                && state.len() <= STATE_MAX
                && state.bytes().all(|b| (0x20..0x7f).contains(&b))
        };
        Some(TraceParent {
            trace: TraceId(trace),
            span: SpanId(span),
            sampled: flags & 1 == 1,
            state: state.map(str::trim).filter(plain).map(str::to_owned),
        })
    }
}

impl Trace {
    /// The `traceparent` that an upstream is sent.
    pub fn onward(&self) -> String {
        let flags = u8::from(self.sampled);
        format!("00-{}-{}-{flags:02x}", self.trace, self.upstream)
    }

    /// The `tracestate` that goes with it: the caller's own.
    pub fn state(&self) -> Option<&str> {
        self.parent.as_ref()?.state.as_deref()
    }
}

/// Small hex digits, exactly as many as are needed (§3.2.2: capitals are not allowed).
fn hex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let digits = digits.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? << 4 | value(pair[1])?;
    }
    Some(bytes)
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_good_parent_is_read_and_a_bad_one_is_none() {
        let read = TraceParent::read(GOOD, Some("congo=t61rcWkgMzE")).expect("good");
        assert_eq!(read.trace.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(read.span.to_string(), "00f067aa0ba902b7");
        assert!(read.sampled);
        assert_eq!(read.state.as_deref(), Some("congo=t61rcWkgMzE"));
        // A later version may have more fields.
        assert!(TraceParent::read(&format!("cc{}-what", &GOOD[2..]), None).is_some());
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(TraceParent::read(bad, None), None, "{bad}");
        }
    }

    #[test]
    fn odd_state_is_left_out() {
        for odd in ["", "a=\u{7f}", "a=b\nc", &"x".repeat(513)] {
            let read = TraceParent::read(GOOD, Some(odd)).expect("good");
            assert_eq!(read.state, None, "{odd:?}");
        }
    }
}
