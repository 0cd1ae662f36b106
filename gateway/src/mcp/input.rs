//! What a modern server asks for within a result (2026-07-28, Multi Round-Trip Requests).

use super::call::Call;
use super::upstream::Fault;
use crate::edge::failure::Failure;
use sallyport_exchange::json::string::quoted;
use sallyport_exchange::json::{Tape, Value};
use sallyport_exchange::mcp::Method;
use sallyport_exchange::{Edit, Edits};
use sallyport_policy::Cleared;

impl Call<'_> {
    /// A result with questions for a modern agent: each is judged as the question that it is.
    pub(super) fn may_ask(&mut self, result: Cleared) -> Result<Cleared, Failure> {
        let mut edits = Edits::default();
        let tape = Tape::read_str(result.as_str()).map_err(|_| Fault::Garbled)?;
        let content = tape.root().member("result");
        let requests = content.and_then(|c| c.member("inputRequests"));
        for (_, input) in requests.and_then(Value::members).into_iter().flatten() {
            let name = input.member("method").and_then(Value::as_str);
            let name = name.unwrap_or_default();
            let method = Method::of(&name);
            if !method.operation().is_asked_by_server() {
                return Err(Fault::Garbled.into());
            }
            let params = input.member("params");
            let body = format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":{},\"params\":{}}}",
                quoted(&name),
                params.map_or("{}", Value::raw)
            );
            let judged = self.judged(method, &name, &None);
            let cleared = judged.asked(self.state, self.account, body.into(), method)?;
            let asked = Tape::read_str(cleared.as_str()).map_err(|_| Fault::Garbled)?;
            if let (Some(before), Some(after)) = (params, asked.root().member("params"))
                && before.raw() != after.raw()
            {
                edits.insert(Edit {
                    span: before.span(),
                    with: after.raw().to_owned(),
                });
            }
        }
        Ok(result.clone().readdressed(&edits))
    }
}

/// Whether a result asks for input before the call can be done.
pub fn needs_input(text: &str) -> bool {
    let Ok(tape) = Tape::read_str(text) else {
        return false;
    };
    let result = tape.root().member("result");
    result
        .and_then(|r| r.member("resultType"))
        .is_some_and(|t| t.is_str("input_required"))
}
