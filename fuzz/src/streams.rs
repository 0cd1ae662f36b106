//! Streams: however the bytes are cut the same events come out, and what a reader makes of one lies within it.

use crate::bodies::{dialect, operation};
use crate::{cut, take};
use sallyport_exchange::sse::{BadStream, Event, Parser};
use sallyport_exchange::stream::Delta;
use sallyport_exchange::{Coding, Edits};

/// Reads all events, as far as they can be read.
fn events<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<Event>, Option<BadStream>) {
    let mut parser = Parser::default();
    let mut events = Vec::new();
    for chunk in chunks {
        parser.push(chunk);
        loop {
            match parser.next_event() {
                Ok(Some(event)) => events.push(event),
                Ok(None) => break,
                Err(why) => return (events, Some(why)),
            }
        }
    }
    match parser.finish() {
        Ok(last) => events.extend(last),
        Err(why) => return (events, Some(why)),
    }
    (events, None)
}

/// Server-sent events. Bytes: seed of the cuts (4), stream.
pub fn sse(mut data: &[u8]) {
    let seed = take(&mut data);
    let whole = events(std::iter::once(data));
    assert!(
        whole == events(cut(data, seed)),
        "the cut of the stream changed its events"
    );
    let (events, fault) = whole;
    let raw: Vec<u8> = events
        .iter()
        .flat_map(|event| event.raw().iter().copied())
        .collect();
    let unmarked = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    assert!(
        unmarked.starts_with(&raw) || data.starts_with(&raw),
        "events are not the bytes that came"
    );
    assert!(
        fault.is_some() || raw.len() >= unmarked.len(),
        "bytes were lost"
    );
    for event in &events {
        assert_eq!(
            &event.edited(&Edits::default()),
            event.raw(),
            "no edits changed an event"
        );
    }
}

/// A streamed answer's reader. Bytes: dialect, operation, stream.
pub fn stream(mut data: &[u8]) {
    let [d, o] = take(&mut data);
    let mut reader = dialect(d).stream(operation(o));
    for event in events(std::iter::once(data)).0 {
        let Some(words) = event.data() else { continue };
        let Ok(flowing) = reader.read(event.name(), words) else {
            return;
        };
        for delta in &flowing.deltas {
            let Delta::Grow { text, segment, .. } = delta else {
                continue;
            };
            assert!(
                segment.text.end as usize <= text.len(),
                "a segment reaches past its text"
            );
            let place = match segment.coding {
                Coding::Nested { outer, .. } => outer,
                _ => segment.raw,
            };
            assert!(
                words.get(place.range()).is_some(),
                "a piece was read from nowhere"
            );
        }
        for part in &flowing.whole.parts {
            assert!(
                words.get(part.whole.range()).is_some(),
                "a part lies outside the event"
            );
        }
    }
}
