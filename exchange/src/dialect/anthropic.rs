//! (being written)

use super::{Asked, Fault, Reply};
use crate::denial::Denial;
use crate::exchange::Operation;
use crate::json::{Malformed, Value};
use crate::read::Reading;
use crate::stream::Flowing;
use bytes::Bytes;

pub(super) fn read_request(root: Value<'_>, reading: &mut Reading) -> Result<(), Malformed> {
    let _ = (root, reading);
    Ok(())
}
pub(super) fn read_answer(root: Value<'_>, reading: &mut Reading) -> Result<(), Malformed> {
    let _ = (root, reading);
    Ok(())
}
/// Reads a stream.
#[derive(Debug, Default)]
pub struct Stream {}
impl Stream {
    pub(super) fn read(&mut self, _name: Option<&str>, _data: &str) -> Result<Flowing, Malformed> { Ok(Flowing::default()) }
}
pub(super) fn fault(fault: &Fault, id: &str) -> Reply {
    Reply { status: fault.status, content_type: "application/json", body: Bytes::from(id.to_owned()) }
}
pub(super) fn refuse(denial: &Denial, asked: Asked<'_>) -> Reply {
    let _ = (denial, asked);
    Reply { status: 403, content_type: "application/json", body: Bytes::new() }
}
pub(super) fn closing(_code: &str, _say: &str, _id: &str) -> Bytes { Bytes::new() }
