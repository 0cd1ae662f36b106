//! Makes what tools answer small on its way to the model, and loses nothing.
//!
//! [`plan`] looks at one block of text and says in which form the model should read it: the same block gives the same
//! form, whoever asks and whenever, for a form once sent stands in the provider's prompt cache. A *lossless* form holds
//! every byte ([`expand`] gives them back); a *reversible* one leaves something out, names what, and says how the model
//! can have the original. Pure: no clock, no randomness, no I/O; every walk is linear in the text.

mod blob;
mod block;
pub mod conversation;
mod expand;
mod form;
mod html;
mod json;
mod lines;
pub mod mark;
mod memo;
mod plan;
mod reference;
mod step;
pub mod tokens;

pub use block::{BLOCK_MAX, BLOCK_MIN, Block, Class, Context, Kinds, Mode, Plan, Reason};
pub use conversation::{Compressed, ExactTools, Kept, Originals, Rules, compress};
pub use expand::{Unreadable, expand};
pub use memo::{MEMO_BYTES, Memo};
pub use plan::plan;
pub use reference::{Earlier, resolve};
pub use step::{Step, StepKind};
