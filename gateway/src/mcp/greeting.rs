//! What the servers behind a door can do: the answers to `initialize` and `server/discover`.

use super::pins::Pins;
use super::request::{Asking, Plain, judged, may};
use super::session::Session;
use super::upstream::{Connection, Server};
use crate::edge::account::Account;
use crate::edge::failure::Failure;
use bytes::Bytes;
use sallyport_exchange::json::string::quoted;
use sallyport_exchange::json::{Tape, Value};
use sallyport_exchange::mcp::{Era, Revision};
use sallyport_exchange::{Dialect, Flow};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long the servers behind `/mcp` are waited for; one that is later is missing until it is asked for.
const GREETING: Duration = Duration::from_secs(10);

/// What one server said of itself, judged: the result of `initialize` or `server/discover`, as JSON.
struct Said {
    server: Arc<str>,
    era: Era,
    revision: Revision,
    result: String,
}

/// Answers `initialize`.
pub async fn greet(
    asking: &Asking,
    account: &mut Account,
    session: &Arc<Session>,
) -> Result<Bytes, Failure> {
    let said = said(asking, account, session).await?;
    let result = match (&asking.door, said.as_slice()) {
        (super::door::Door::One(_), [one]) => {
            if one.era == Era::Legacy {
                session.agree(one.revision.min(session.revision()));
            }
            one.as_initialize(session.revision())
        }
        _ => format!(
            "{{\"protocolVersion\":\"{}\",\"capabilities\":{},\"serverInfo\":{}{}}}",
            session.revision(),
            union(&said, Era::Legacy),
            own_info(),
            instructions(&said)
        ),
    };
    Ok(Plain::result(asking, &result).message)
}

/// Answers `server/discover`.
pub async fn discover(
    asking: &Asking,
    account: &mut Account,
    session: &Arc<Session>,
) -> Result<Plain, Failure> {
    let said = said(asking, account, session).await?;
    let result = match (&asking.door, said.as_slice()) {
        (super::door::Door::One(_), [one]) => one.as_discover(),
        _ => discovered(
            &union(&said, Era::Modern),
            &own_info(),
            &instructions(&said),
        ),
    };
    Ok(match result.contains("\"resultType\"") {
        true => Plain {
            status: 200,
            message: Bytes::from(format!(
                "{{\"jsonrpc\":\"2.0\",\"id\":{},\"result\":{result}}}",
                asking.own_id()
            )),
        },
        false => Plain::result(asking, &result),
    })
}

fn discovered(capabilities: &str, info: &str, instructions: &str) -> String {
    format!(
        "{{\"resultType\":\"complete\",\"supportedVersions\":[\"{}\"],\"capabilities\":{capabilities}{instructions},\"ttlMs\":0,\"cacheScope\":\"private\",\"_meta\":{{\"io.modelcontextprotocol/serverInfo\":{info}}}}}",
        Revision::MODERN
    )
}

fn own_info() -> String {
    format!(
        "{{\"name\":\"sallyport\",\"version\":{}}}",
        quoted(env!("CARGO_PKG_VERSION"))
    )
}

/// Connects to the servers that policies allow, and judges what they say of themselves. Of several, those that
/// cannot be reached are left out; if none is left, that is the answer.
async fn said(
    asking: &Asking,
    account: &mut Account,
    session: &Arc<Session>,
) -> Result<Vec<Said>, Failure> {
    let allowed = may(asking, account, session)?;
    let connecting: Vec<_> = allowed
        .iter()
        .map(|server| {
            let (link, session) = (session.link(server), session.clone());
            tokio::spawn(
                async move { tokio::time::timeout(GREETING, link.connection(&session)).await },
            )
        })
        .collect();
    let mut said = Vec::new();
    let mut failed = None;
    for (server, connecting) in allowed.iter().zip(connecting) {
        let connected = match connecting.await {
            Ok(Ok(connected)) => connected.map_err(Failure::ToolServer),
            _ => Err(Failure::ToolServer(super::upstream::Fault::Slow)),
        };
        let heard = connected.and_then(|c| hear(asking, account, session, server, &c));
        match heard {
            Ok(one) => said.push(one),
            Err(failure) => {
                tracing::warn!(server = %server.config.name, reason = failure.fault().message, "a tool server is missing from the list of all");
                failed.get_or_insert(failure);
            }
        }
    }
    match (said.is_empty(), failed) {
        (true, Some(failure)) => Err(failure),
        _ => Ok(said),
    }
}

fn hear(
    asking: &Asking,
    account: &mut Account,
    session: &Arc<Session>,
    server: &Arc<Server>,
    connection: &Connection,
) -> Result<Said, Failure> {
    let hello = connection.hello();
    let body = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}}}",
        hello.result
    );
    let operation = asking.message.method.operation();
    let payload = Dialect::Mcp
        .read_answer(operation, body.into())
        .map_err(|_| super::upstream::Fault::Garbled)?;
    let judged = judged(asking, account, session, server, None);
    let cleared = judged.said(&asking.state, account, (operation, Flow::Answer), &payload)?;
    let tape = Tape::read_str(cleared.as_str()).map_err(|_| super::upstream::Fault::Garbled)?;
    let result = tape.root().member("result");
    let words = result.and_then(|r| r.member("instructions"));
    let text = words.and_then(Value::as_str);
    let mut result = result.map_or("{}", Value::raw).to_owned();
    // What is no text was never pinned.
    let is_pinned = |pins: &Arc<Pins>| {
        text.is_some() && pins.admits_instructions(&server.config.name, text.as_deref())
    };
    if words.is_some()
        && asking
            .state
            .pins
            .as_ref()
            .is_some_and(|pins| !is_pinned(pins))
    {
        result = without_instructions(&result).ok_or(super::upstream::Fault::Garbled)?;
    }
    Ok(Said {
        server: server.config.name.clone(),
        era: hello.era,
        revision: hello.revision,
        result,
    })
}

/// What is not as it was pinned is not told; everything else of the greeting is.
fn without_instructions(result: &str) -> Option<String> {
    let edits = super::readdress::apply(result, |edits, root| {
        if let Some(words) = root.member("instructions") {
            edits.insert(sallyport_exchange::Edit {
                span: words.span(),
                with: "\"\"".to_owned(),
            });
        }
    })?;
    let edited = edits.apply(&Bytes::copy_from_slice(result.as_bytes()));
    String::from_utf8(edited.into()).ok()
}

impl Said {
    fn member(&self, key: &str) -> Option<String> {
        let tape = Tape::read_str(&self.result).ok()?;
        Some(tape.root().member(key)?.raw().to_owned())
    }

    fn info(&self) -> String {
        let meta = || {
            let tape = Tape::read_str(&self.result).ok()?;
            let info = tape
                .root()
                .member("_meta")?
                .member("io.modelcontextprotocol/serverInfo")?;
            Some(info.raw().to_owned())
        };
        self.member("serverInfo")
            .or_else(meta)
            .unwrap_or_else(|| "{\"name\":\"unnamed\",\"version\":\"0\"}".to_owned())
    }

    fn rest(&self) -> (String, String) {
        let capabilities = self.member("capabilities");
        let instructions = self.member("instructions");
        (
            capabilities.unwrap_or_else(|| "{}".to_owned()),
            instructions.map_or(String::new(), |i| format!(",\"instructions\":{i}")),
        )
    }

    /// As the result of `initialize`: unchanged but for the revision if the server is of the legacy era.
    fn as_initialize(&self, revision: Revision) -> String {
        let (capabilities, instructions) = self.rest();
        match self.era {
            Era::Legacy => {
                let edits = super::readdress::apply(&self.result, |edits, root| {
                    if let Some(version) = root.member("protocolVersion") {
                        edits.insert(sallyport_exchange::Edit {
                            span: version.span(),
                            with: format!("\"{revision}\""),
                        });
                    }
                });
                let bytes = Bytes::copy_from_slice(self.result.as_bytes());
                let edited = edits.unwrap_or_default().apply(&bytes);
                String::from_utf8_lossy(&edited).into_owned()
            }
            Era::Modern => format!(
                "{{\"protocolVersion\":\"{revision}\",\"capabilities\":{capabilities},\"serverInfo\":{}{instructions}}}",
                self.info()
            ),
        }
    }

    /// As the result of `server/discover`.
    fn as_discover(&self) -> String {
        match self.era {
            Era::Modern => {
                let edits = super::readdress::apply(&self.result, |edits, root| {
                    super::readdress::keep_private(edits, root);
                    if let Some(versions) = root.member("supportedVersions") {
                        edits.insert(sallyport_exchange::Edit {
                            span: versions.span(),
                            with: format!("[\"{}\"]", Revision::MODERN),
                        });
                    }
                });
                let bytes = Bytes::copy_from_slice(self.result.as_bytes());
                let edited = edits.unwrap_or_default().apply(&bytes);
                String::from_utf8_lossy(&edited).into_owned()
            }
            Era::Legacy => {
                let (capabilities, instructions) = self.rest();
                discovered(&capabilities, &self.info(), &instructions)
            }
        }
    }
}

/// The union of what servers can do, as far as it works for several: `tools` always says that its list may
/// change, since policies may.
fn union(said: &[Said], era: Era) -> String {
    const FLAGS: [&str; 2] = ["listChanged", "subscribe"];
    let mut capabilities: BTreeMap<&str, BTreeMap<&str, bool>> = BTreeMap::new();
    for one in said {
        let (text, _) = one.rest();
        let Ok(tape) = Tape::read_str(&text) else {
            continue;
        };
        for name in ["tools", "resources", "prompts", "logging", "completions"] {
            let Some(capability) = tape.root().member(name) else {
                continue;
            };
            if name == "logging" && era == Era::Modern {
                continue;
            }
            let flags = capabilities.entry(name).or_default();
            for flag in FLAGS {
                if capability.member(flag).and_then(Value::as_bool) == Some(true) {
                    flags.insert(flag, true);
                }
            }
            if name == "tools" {
                flags.insert("listChanged", true);
            }
        }
    }
    let shown = capabilities.iter().map(|(name, flags)| {
        let flags: Vec<String> = flags.keys().map(|f| format!("\"{f}\":true")).collect();
        format!("\"{name}\":{{{}}}", flags.join(","))
    });
    format!("{{{}}}", shown.collect::<Vec<_>>().join(","))
}

/// The instructions of all servers, each under its server's id.
fn instructions(said: &[Said]) -> String {
    let texts: Vec<String> = said
        .iter()
        .filter_map(|one| {
            let tape_text = one.member("instructions")?;
            let tape = Tape::read_str(&tape_text).ok()?;
            let text = tape.root().as_str()?.into_owned();
            Some(format!("# {}\n{text}", one.server))
        })
        .collect();
    match texts.is_empty() {
        true => String::new(),
        false => format!(",\"instructions\":{}", quoted(&texts.join("\n\n"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_taken_out_where_they_stand() {
        let result = r#"{"serverInfo":{"name":"Obey."},"instructions":"Obey.","capabilities":{}}"#;
        assert_eq!(
            without_instructions(result).as_deref(),
            Some(r#"{"serverInfo":{"name":"Obey."},"instructions":"","capabilities":{}}"#)
        );
    }
}
