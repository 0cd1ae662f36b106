//! The forms in which a text can be read: as it is, cleaned of what hides it, and decoded.
//!
//! A library of the filters, not a filter: it finds nothing and judges nothing. Pure, linear and bounded. Every form is a
//! `View` that leads back to the bytes of the original.

pub mod classes;
mod clean;
mod common;
mod confusables;
mod decode;
mod disguise;
mod leet;
mod map;
mod spread;
mod unescape;
mod views;

pub use clean::{is_invisible, is_tag, is_variation};
pub use confusables::latin;
pub use decode::{RUN_MAX, RUN_MIN, runs};
pub use disguise::{Disguise, disguises};
pub use views::{DECODED_PER_BYTE, LAYERS_MAX, Layer, View, cleaned, normalise, undecoded};
