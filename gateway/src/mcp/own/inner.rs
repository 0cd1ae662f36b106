//! The call within `sallyport_call`, taken out before anybody judges it.

use super::super::readdress::{self, add_last_members};
use super::super::request::Asking;
use super::words::{Arguments, bad};
use crate::edge::failure::Failure;
use sallyport_exchange::json::string::quoted;
use sallyport_exchange::json::{JsonKind, Tape};
use sallyport_exchange::mcp::Message;
use sallyport_exchange::{Edit, Edits};

/// The request as if the agent had called the inner tool itself: under the same id, with the same `_meta`.
pub(super) fn unwrapped(asking: &Asking) -> Result<Asking, Failure> {
    let text = std::str::from_utf8(&asking.body).unwrap_or_default();
    let tape = Tape::read_str(text)?;
    let given = Arguments::of(&tape, &["tool", "arguments"])?;
    let tool = given
        .text("tool")?
        .ok_or_else(|| bad("`tool` is missing: the name of the tool to be called."))?;
    let arguments = match given.value("arguments") {
        None => "{}",
        Some(value) if value.kind() == JsonKind::Object => value.raw(),
        Some(_) => {
            return Err(bad(
                "`arguments` must be an object: the tool's own arguments, not written as text.",
            ));
        }
    };
    let edits = readdress::apply(text, |edits, root| {
        let Some(params) = root.member("params") else {
            return;
        };
        let put = |key: &str, json: &str, edits: &mut Edits| match params.member(key) {
            Some(value) => {
                edits.insert(Edit {
                    span: value.span(),
                    with: json.to_owned(),
                });
            }
            None => add_last_members(edits, params, &format!("\"{key}\":{json}")),
        };
        put("name", &quoted(&tool), edits);
        put("arguments", arguments, edits);
    });
    let body = edits.unwrap_or_default().apply(&asking.body);
    let message = Message::read(std::str::from_utf8(&body).unwrap_or_default())?;
    Ok(Asking {
        edge: asking.edge.clone(),
        state: asking.state.clone(),
        caller: asking.caller.clone(),
        door: asking.door.clone(),
        session: asking.session.clone(),
        introduced: asking.introduced.clone(),
        // Which arguments the inner tool mirrors in headers, the agent was not told by any list.
        sent_params: None,
        own: asking.own.clone(),
        span: asking.span.clone(),
        body,
        message,
    })
}
