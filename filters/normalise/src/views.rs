//! The views of a text, each with the way back to its bytes.

use crate::clean::clean;
use crate::decode::{decode, runs};
use crate::disguise::Disguise;
use crate::map::Map;
use crate::unescape::unescape;
use std::borrow::Cow;
use std::ops::Range;

/// How many codes on top of each other are undone.
pub const LAYERS_MAX: usize = 3;
/// How many bytes of decoded runs are read for each byte of text, over all layers. Base64 and
/// hexadecimal shrink when decoded, so that honest text never comes near it.
pub const DECODED_PER_BYTE: usize = 8;

/// How a view was made from the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layer {
    /// The text itself.
    Raw,
    /// All of the text, with what hides it undone in place: invisible characters, look-alikes,
    /// smuggled tags, percent signs, entities, `\u` escapes.
    Cleaned,
    /// What a run of base64 or hexadecimal holds, this many codes deep.
    Decoded(usize),
    /// All of the text, with a guess at what it disguises undone in place; only `disguises` gives these.
    Undisguised(Disguise),
}

/// One way to read a text, with the way back to the bytes of the original.
#[derive(Clone, Debug)]
pub struct View<'t> {
    text: Cow<'t, str>,
    layer: Layer,
    back: Back,
}

#[derive(Clone, Debug)]
enum Back {
    Same,
    /// Undone in this order when going back.
    Maps(Vec<Map>),
    /// Whatever is found, it is the whole encoded run.
    Whole(Range<usize>),
}

impl<'t> View<'t> {
    /// What was made of this view by `map`.
    pub(crate) fn undisguised(&self, text: String, map: Map, disguise: Disguise) -> View<'t> {
        let mut maps = vec![map];
        if let Back::Maps(before) = &self.back {
            maps.extend_from_slice(before);
        }
        View {
            text: Cow::Owned(text),
            layer: Layer::Undisguised(disguise),
            back: Back::Maps(maps),
        }
    }

    /// The words.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How they were come by.
    pub fn layer(&self) -> Layer {
        self.layer
    }

    /// The bytes of the original text that `range` of this view stands for; on character boundaries
    /// if `range` is. For a decoded run that is always the whole run.
    pub fn origin(&self, range: Range<usize>) -> Range<usize> {
        match &self.back {
            Back::Same => range,
            Back::Maps(maps) => maps.iter().fold(range, |range, map| map.back(range)),
            Back::Whole(run) => run.clone(),
        }
    }
}

/// The cleaned view, or `None` where that would be the text itself.
pub fn cleaned(text: &str) -> Option<View<'_>> {
    let mut current = Cow::Borrowed(text);
    let mut maps = Vec::new();
    for _ in 0..LAYERS_MAX {
        let before = maps.len();
        if let Some((new, map)) = clean(&current) {
            current = Cow::Owned(new);
            maps.push(map);
        }
        if let Some((new, map)) = unescape(&current) {
            current = Cow::Owned(new);
            maps.push(map);
        }
        if maps.len() == before {
            break;
        }
    }
    // What the last escapes held may itself want cleaning.
    if let Some((new, map)) = clean(&current) {
        current = Cow::Owned(new);
        maps.push(map);
    }
    if maps.is_empty() {
        return None;
    }
    maps.reverse();
    Some(View {
        text: current,
        layer: Layer::Cleaned,
        back: Back::Maps(maps),
    })
}

/// Every way to read `text`: first as it is, then cleaned if that differs, then what its runs of
/// base64 and hexadecimal hold, up to `LAYERS_MAX` deep.
pub fn normalise(text: &str) -> Vec<View<'_>> {
    let mut views = undecoded(text);
    let mut decoded = Vec::new();
    if let Some(last) = views.last() {
        let mut left = text.len().saturating_mul(DECODED_PER_BYTE);
        decode_into(
            last.text(),
            None,
            &|range| last.origin(range),
            1,
            &mut left,
            &mut decoded,
        );
    }
    views.extend(decoded);
    views
}

fn decode_into<'v>(
    text: &str,
    whole: Option<&Range<usize>>,
    origin: &dyn Fn(Range<usize>) -> Range<usize>,
    depth: usize,
    left: &mut usize,
    out: &mut Vec<View<'v>>,
) {
    let bytes = text.as_bytes();
    runs(bytes, |run| {
        decode(bytes, run, &mut |place, held| {
            if held.len() > *left {
                return;
            }
            *left -= held.len();
            let place = whole.cloned().unwrap_or_else(|| origin(place));
            let held = match cleaned(&held) {
                Some(view) => view.text.into_owned(),
                None => held,
            };
            if depth < LAYERS_MAX {
                decode_into(&held, Some(&place), origin, depth + 1, left, out);
            }
            out.push(View {
                text: Cow::Owned(held),
                layer: Layer::Decoded(depth),
                back: Back::Whole(place),
            });
        });
    });
}

/// The text as it is, and cleaned if that differs.
pub fn undecoded(text: &str) -> Vec<View<'_>> {
    let mut views = vec![View {
        text: Cow::Borrowed(text),
        layer: Layer::Raw,
        back: Back::Same,
    }];
    views.extend(cleaned(text));
    views
}
