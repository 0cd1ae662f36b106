//! Makes what tools answer small on its way to the model, and loses nothing.
//!
//! [`plan`] looks at one block of text and says in which form the model should read it: the same block gives the same
//! form, whoever asks and whenever, for a form once sent stands in the provider's prompt cache. A *lossless* form holds
//! every byte ([`expand`] gives them back); a *reversible* one leaves something out, names what, and says how the model
//! can have the original. Pure: no clock, no randomness, no I/O; every walk is linear in the text.

mod blob;
mod block;
mod expand;
mod form;
mod html;
mod json;
mod lines;
pub mod mark;
mod plan;
mod reference;
mod step;
pub mod tokens;

pub use block::{BLOCK_MAX, Block, Class, Context, Kinds, Mode, Plan, Reason};
pub use expand::{Unreadable, expand};
pub use plan::plan;
pub use reference::Earlier;
pub use step::{Step, StepKind};
