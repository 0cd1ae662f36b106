//! Pinned tools: what each tool server declares, held to what somebody approved; and what declarations give
//! away by themselves.
//!
//! - [`Tool`] reads one declaration strictly and gives its canonical form and digest; [`Listing`] is all that one
//!   server lists.
//! - [`Lock`] is the file of what was approved. [`compare`] tells what is not as approved: such tools are
//!   quarantined, and the others go on ([`Comparison::admitted`]).
//! - [`check_tool`], [`check_together`] find look-alike names, unseen characters, orders to the model, shadowing.
//!   [`Offers`] is the part of it that a filter can do, for tools in chats.
//! - [`scan`](fn@scan) puts all of it together into a report.
//!
//! Pure: the text of declarations and files comes in, text and findings go out.
//!
//! What is not seen: orders in other words than the phrases of `checks/orders.rs`, or in other languages than
//! English. An old lock file that was signed is as good as a new one: who keeps the file keeps its order.

mod canonical;
mod checks;
mod clean;
mod drift;
mod finding;
mod leaves;
pub mod limits;
mod lock;
mod offers;
mod report;
mod scan;
mod seen;
mod shadow;
mod sign;
mod tool;

pub use canonical::canonical;
pub use checks::{check_instructions, check_tool};
pub use drift::{Change, Comparison, Drift, FieldChange, Mode, compare};
pub use finding::{Observation, Severity, labels};
pub use lock::{Lock, LockError, LockFault, Pin, PinError, PinnedServer, VERSION};
pub use offers::Offers;
pub use report::{Tone, diff_text, scan_json, scan_text};
pub use scan::{Scan, ScannedServer, ScannedTool, Verdict, scan};
pub use seen::shown;
pub use shadow::{Offer, check_together};
pub use sign::{KeyError, PublicKey, Signature, SignatureError, SigningKey};
pub use tool::{Digest, Listing, Tool, ToolError, Unread};

/// Names of findings, as constants.
pub mod label {
    pub use crate::finding::{
        ANNOTATION, CHANGED, INSTRUCTIONS, INVISIBLE, LOOKALIKE, MIXED_SCRIPT, NAME, NEW,
        OVERSIZED, SCHEMA, SHADOWED, TWICE, UNREAD,
    };
}

/// Reads arbitrary bytes as a declaration and as a lock, and checks what must hold; for fuzz targets.
///
/// # Panics
/// When a promise of this crate is broken.
#[expect(clippy::panic, reason = "this is what fuzzing watches for")]
pub fn fuzz_manifest(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(tool) = Tool::read(&text) {
        match Tool::read(tool.canonical()) {
            Ok(again) if again == tool => {}
            _ => panic!("the canonical form of a canonical form is another"),
        }
        drop(check_tool(&tool));
        let listing = Listing::read("fuzzed", Some(&text), [&*text]);
        let mut lock = Lock::default();
        if lock.pin(&listing).is_ok() && Lock::read("lock", &lock.text(), &[]) != Ok(lock) {
            panic!("a lock does not read as it was written");
        }
    }
    if let Ok(lock) = Lock::read("lock", &text, &[]) {
        assert!(
            Lock::read("lock", &lock.text(), &[]) == Ok(lock),
            "a lock does not read as it was written"
        );
    }
}
