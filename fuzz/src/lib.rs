//! What must hold of any bytes: one function for each fuzz target, and for the test that replays the corpora.
//!
//! A target panics when a promise is broken. The first bytes choose what is read and how it is cut; the rest is read.

mod bodies;
mod compress;
mod gate;
#[cfg(feature = "gateway")]
mod gateway;
mod json;
mod streams;
mod words;

pub use bodies::{answer, request};
pub use compress::compress;
pub use gate::gate;
#[cfg(feature = "gateway")]
pub use gateway::{config, unpack};
pub use json::{edits, json};
pub use sallyport_detect::fuzz_detect as detect;
pub use sallyport_guard::fuzz_guard as guard;
pub use sallyport_manifest::fuzz_manifest as manifest;
pub use sallyport_policy::fuzz_compile as policy;
pub use streams::{sse, stream};
pub use words::flow;

/// What a target is: it looks at bytes, and panics if a promise is broken.
pub type Target = fn(&[u8]);

/// Every target by the name of its program and of its folder of inputs.
pub const TARGETS: &[(&str, Target)] = &[
    ("request", request),
    ("answer", answer),
    ("stream", stream),
    ("sse", sse),
    ("gate", gate),
    ("json", json),
    ("edits", edits),
    ("policy", policy),
    ("detect", detect),
    ("compress", compress),
    ("guard", guard),
    ("manifest", manifest),
    ("flow", flow),
    #[cfg(feature = "gateway")]
    ("config", config),
    #[cfg(feature = "gateway")]
    ("unpack", unpack),
];

/// Takes `N` bytes off the front; missing ones are 0.
pub(crate) fn take<const N: usize>(data: &mut &[u8]) -> [u8; N] {
    let mut taken = [0; N];
    let len = N.min(data.len());
    taken[..len].copy_from_slice(&data[..len]);
    *data = &data[len..];
    taken
}

/// Cuts `data` into chunks whose lengths `seed` decides: some of a byte, some of many.
pub(crate) fn cut(data: &[u8], seed: [u8; 4]) -> impl Iterator<Item = &[u8]> {
    let mut rest = data;
    let mut state = u32::from_le_bytes(seed) | 1;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let most = if state & 0x30 == 0 { 400 } else { 8 };
        let (chunk, after) = rest.split_at(((state >> 8) as usize % most + 1).min(rest.len()));
        rest = after;
        Some(chunk)
    })
}
