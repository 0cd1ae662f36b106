//! The greeting: `initialize` of the legacy era, `server/discover` of the modern one.

use super::{Era, Fault, Hello, Introduction, Revision};
use bytes::Bytes;
use sallyport_exchange::json::{JsonKind, Tape, Value};

/// The ids of a connection's own requests. Those of its user begin at [`super::FIRST_ID`].
pub(super) const INITIALIZE_ID: u64 = 1;
pub(super) const DISCOVER_ID: u64 = 2;

/// Ends the greeting of the legacy era.
pub(super) const INITIALIZED: &[u8] = br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;

/// Errors that only a modern server gives (2026-07-28, basic/index, §Error Codes).
const MODERN_ERRORS: [i64; 3] = [-32020, -32021, UNSUPPORTED_VERSION];
const UNSUPPORTED_VERSION: i64 = -32022;

/// What a server said to a greeting.
#[derive(Debug)]
pub(super) enum Said {
    /// The session can begin.
    Hello(Hello),
    /// It is modern, but not of a revision that is known here; whether it names a legacy one.
    OtherRevision {
        /// It may be greeted the legacy way.
        legacy: bool,
    },
    /// It did not take the revision now, but names it as one that it takes: it is asked again.
    Again,
    /// It is modern, and does not want this.
    ModernNo,
    /// Anything else: it is not of this era.
    No,
}

/// Whether both pieces of the introduction are JSON objects, so that they can be put into a request.
pub(super) fn check(introduction: &Introduction) -> Result<(), Fault> {
    let is_object =
        |text: &str| Tape::read_str(text).is_ok_and(|tape| tape.root().kind() == JsonKind::Object);
    match is_object(&introduction.client_info) && is_object(&introduction.capabilities) {
        true => Ok(()),
        false => Err(Fault::BadRequest),
    }
}

/// The request `initialize`.
pub(super) fn initialize(introduction: &Introduction) -> Bytes {
    let asked = introduction.revision.filter(|r| r.era() == Era::Legacy);
    let revision = asked.unwrap_or(Revision::LEGACY);
    let Introduction {
        client_info,
        capabilities,
        ..
    } = introduction;
    format!(
        r#"{{"jsonrpc":"2.0","id":{INITIALIZE_ID},"method":"initialize","params":{{"protocolVersion":"{revision}","capabilities":{capabilities},"clientInfo":{client_info}}}}}"#
    )
    .into()
}

/// The request `server/discover`.
pub(super) fn discover(introduction: &Introduction) -> Bytes {
    let Introduction {
        client_info,
        capabilities,
        ..
    } = introduction;
    format!(
        r#"{{"jsonrpc":"2.0","id":{DISCOVER_ID},"method":"server/discover","params":{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"{}","io.modelcontextprotocol/clientInfo":{client_info},"io.modelcontextprotocol/clientCapabilities":{capabilities}}}}}}}"#,
        Revision::MODERN
    )
    .into()
}

/// What the answer to `initialize` says.
pub(super) fn initialized(answer: &[u8]) -> Said {
    let Ok(tape) = Tape::read(answer) else {
        return Said::No;
    };
    let Some(result) = tape.root().member("result") else {
        return error(tape.root());
    };
    let revision = result.member("protocolVersion").and_then(Value::as_str);
    match revision.and_then(|name| Revision::of(&name)) {
        Some(revision) if revision.era() == Era::Legacy => Said::Hello(Hello {
            era: Era::Legacy,
            revision,
            result: result.raw().to_owned(),
        }),
        _ => Said::OtherRevision { legacy: false },
    }
}

/// What the answer to `server/discover` says.
pub(super) fn discovered(answer: &[u8]) -> Said {
    let Ok(tape) = Tape::read(answer) else {
        return Said::No;
    };
    let Some(result) = tape.root().member("result") else {
        return error(tape.root());
    };
    let Some(supported) = result.member("supportedVersions") else {
        return Said::No;
    };
    match revisions(supported).any(|revision| revision == Revision::MODERN) {
        true => Said::Hello(Hello {
            era: Era::Modern,
            revision: Revision::MODERN,
            result: result.raw().to_owned(),
        }),
        false => Said::OtherRevision {
            legacy: revisions(supported).any(|revision| revision.era() == Era::Legacy),
        },
    }
}

fn error(answer: Value<'_>) -> Said {
    let error = answer.member("error");
    let code = error.and_then(|error| error.member("code")?.raw().parse::<i64>().ok());
    match code {
        Some(UNSUPPORTED_VERSION) => {
            let supported = error.and_then(|error| error.member("data")?.member("supported"));
            if supported.is_some_and(|all| revisions(all).any(|r| r == Revision::MODERN)) {
                return Said::Again;
            }
            Said::OtherRevision {
                legacy: supported.is_some_and(|all| revisions(all).any(|r| r.era() == Era::Legacy)),
            }
        }
        Some(code) if MODERN_ERRORS.contains(&code) => Said::ModernNo,
        _ => Said::No,
    }
}

fn revisions(all: Value<'_>) -> impl Iterator<Item = Revision> {
    all.elements()
        .into_iter()
        .flatten()
        .filter_map(|name| Revision::of(&name.as_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn introduction() -> Introduction {
        Introduction {
            prefer: Era::Legacy,
            revision: Some(Revision::V2025_06_18),
            client_info: r#"{"name":"a","x":1}"#.into(),
            capabilities: "{}".into(),
        }
    }

    #[test]
    fn greetings_are_json_and_keep_what_the_agent_says_of_itself() {
        for body in [initialize(&introduction()), discover(&introduction())] {
            let text = std::str::from_utf8(&body).expect("text");
            assert!(Tape::read(&body).is_ok(), "{text}");
            assert!(text.contains(r#"{"name":"a","x":1}"#), "{text}");
        }
        assert!(check(&introduction()).is_ok());
        let forged = Introduction {
            client_info: r#"{},"x":{}"#.into(),
            ..introduction()
        };
        assert_eq!(check(&forged), Err(Fault::BadRequest));
    }

    #[test]
    fn a_modern_server_is_told_by_its_errors() {
        let said = |text: &str| format!("{:?}", discovered(text.as_bytes()));
        for (text, expected) in [
            (r#"{"error":{"code":-32601}}"#, "No"),
            (r#"{"error":{"code":-32020}}"#, "ModernNo"),
            (
                r#"{"error":{"code":-32022,"data":{"supported":["2025-11-25"]}}}"#,
                "OtherRevision { legacy: true }",
            ),
            (
                r#"{"error":{"code":-32022,"data":{"supported":["2030-01-01"]}}}"#,
                "OtherRevision { legacy: false }",
            ),
            (
                r#"{"error":{"code":-32022,"data":{"supported":["2026-07-28"]}}}"#,
                "Again",
            ),
            (r#"{"result":{}}"#, "No"),
            ("rubbish", "No"),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
    }
}
