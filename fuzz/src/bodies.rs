//! Bodies: what a reader makes of one lies within it, and masking it leaves a body that can be read.

use crate::take;
use bytes::Bytes;
use sallyport_exchange::json::Tape;
use sallyport_exchange::{Coding, Dialect, Edits, Operation, Part, PartId, Payload, Text};

/// What the second byte chooses from.
const OPERATIONS: [Operation; 6] = [
    Operation::Chat,
    Operation::Complete,
    Operation::Embed,
    Operation::CountTokens,
    Operation::Models,
    Operation::Stored,
];

pub(crate) fn dialect(byte: u8) -> Dialect {
    Dialect::ALL[byte as usize % Dialect::ALL.len()]
}

pub(crate) fn operation(byte: u8) -> Operation {
    OPERATIONS[byte as usize % OPERATIONS.len()]
}

/// A request's body. Bytes: dialect, operation, body.
pub fn request(data: &[u8]) {
    read(data, Dialect::read_request);
}

/// A whole answer's body. Bytes: dialect, operation, body.
pub fn answer(data: &[u8]) {
    read(data, Dialect::read_answer);
}

fn read(
    mut data: &[u8],
    read: fn(Dialect, Operation, Bytes) -> Result<Payload, sallyport_exchange::Malformed>,
) {
    let [d, o] = take(&mut data);
    let body = Bytes::copy_from_slice(data);
    match read(dialect(d), operation(o), body.clone()) {
        Ok(payload) => {
            assert_eq!(payload.bytes(), &body, "reading changed the body");
            lies_within(&payload);
            can_be_masked(&payload);
        }
        Err(why) => assert!(why.at <= data.len(), "an error points past the end"),
    }
}

fn lies_within(payload: &Payload) {
    let outline = payload.outline();
    let holds = |text: Text| {
        let (all, span) = match text {
            Text::Body(span) => (payload.source(), span),
            Text::Arena(span) => (outline.arena.as_str(), span),
        };
        assert!(
            all.get(span.range()).is_some(),
            "{text:?} is no text of the body"
        );
        span.len()
    };
    let named = [outline.model, outline.forced_tool];
    let listed = outline
        .unread
        .iter()
        .chain(&outline.stored)
        .chain(&outline.created);
    named
        .iter()
        .flatten()
        .chain(listed)
        .for_each(|text| _ = holds(*text));
    for part in &outline.parts {
        let len = holds(part.text);
        [part.tool, part.call, part.form, part.json]
            .into_iter()
            .flatten()
            .for_each(|text| _ = holds(text));
        assert!(
            payload.source().get(part.whole.range()).is_some(),
            "a part lies outside the body"
        );
        segments_cover(payload, part, len);
    }
    for list in &outline.offer_lists {
        assert!(
            list.offers
                .windows(2)
                .all(|two| two[0].1.end <= two[1].1.start),
            "offers overlap"
        );
        assert!(
            list.members
                .windows(2)
                .all(|two| two[0].end <= two[1].start),
            "members overlap"
        );
        assert!(
            list.dependants.iter().all(|at| *at < list.members.len()),
            "a dependant is no member"
        );
        assert!(
            list.offers
                .iter()
                .all(|(id, _)| (id.0 as usize) < outline.parts.len()),
            "an offer is no part"
        );
    }
}

fn segments_cover(payload: &Payload, part: &Part, len: usize) {
    let segments = &payload.outline().segments[part.segments.range()];
    assert!(
        segments
            .windows(2)
            .all(|two| two[0].text.end <= two[1].text.start),
        "segments overlap"
    );
    for segment in segments {
        assert!(
            segment.text.end as usize <= len,
            "a segment reaches past its text"
        );
        let place = match segment.coding {
            Coding::Nested { outer, .. } => outer,
            _ => segment.raw,
        };
        assert!(
            payload.source().get(place.range()).is_some(),
            "a segment was read from nowhere"
        );
    }
}

/// Masks each part alone, and then all of them at once.
fn can_be_masked(payload: &Payload) {
    let mut all = Edits::default();
    for (id, part) in (0u32..).map(PartId).zip(&payload.outline().parts) {
        let len = payload.view(id).text.len();
        if part.sealed || len == 0 {
            continue;
        }
        let mut one = Edits::default();
        for edits in [&mut one, &mut all] {
            assert!(
                payload.redact(id, 0..len, "\"[x]\\", edits).is_ok(),
                "only sealed parts cannot be edited"
            );
        }
        if id.0 < 64 {
            is_json(&one.apply(payload.bytes()));
        }
    }
    is_json(&all.apply(payload.bytes()));
}

/// Keys are masked too, and may then stand twice: so only the grammar counts.
fn is_json(bytes: &[u8]) {
    let lax: Result<serde::de::IgnoredAny, _> = serde_json::from_slice(bytes);
    assert!(
        lax.is_ok(),
        "masking broke the JSON: {:?}",
        String::from_utf8_lossy(bytes)
    );
    if let Err(why) = Tape::read(bytes) {
        let known = matches!(why.fault, sallyport_exchange::json::Fault::DuplicateKey(_));
        assert!(known, "masking broke the JSON: {why}");
    }
}
