//! Tool servers behind one judged door: the Model Context Protocol, both eras on both sides.
//!
//! `face` is the agents' side, `upstream` the servers'; `request` finds who is meant and `call` is one request to
//! one server, judged on every message that crosses. What a message says is read in `sallyport_exchange`.

mod addressed;
mod background;
mod call;
mod catalogue;
pub mod door;
mod face;
mod greeting;
mod input;
mod introduce;
mod link;
mod listen;
mod lists;
mod modern;
mod names;
pub mod offered;
mod outbox;
pub mod own;
pub mod pins;
mod readdress;
mod request;
mod response;
mod session;
mod small;
pub mod upstream;
mod waiting;
mod write;

pub use face::serve;
pub use session::Sessions;
pub use waiting::Waiting;

/// What the gateway keeps for agents of tool servers.
#[derive(Clone, Default)]
pub struct Tools {
    /// Their sessions.
    pub sessions: Sessions,
    /// Streams that wait for a session.
    pub waiting: Waiting,
}
