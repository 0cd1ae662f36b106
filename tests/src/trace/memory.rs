//! Running a trace without sockets: the readers, the engine and the gate alone.

use super::{Trace, conceal, events, split};
use crate::gateway::{ALLOW_ALL, REDACTION_KEY};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sallyport::route::Endpoint;
use sallyport_detect::Detectors;
use sallyport_exchange::{Caller, Exchange, Payload};
use sallyport_guard::Guard;
use sallyport_manifest::Offers;
use sallyport_policy::{Engine, Gate, Limits, Placeholders, Policy, PolicySource, Terms};
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;

/// The bytes of a streamed answer that may be held back.
pub const HOLD: usize = 1 << 20;

/// An engine with all detectors under these policies; layers that are not given allow everything.
pub fn engine<'a>(policies: impl IntoIterator<Item = (&'a str, &'a str)>) -> Arc<Engine> {
    let mut source = PolicySource::of(policies);
    let given = |source: &PolicySource, layer: &str| {
        source.files.iter().any(|file| file.text.contains(layer))
    };
    for (file, text) in ALLOW_ALL {
        if !given(&source, text.lines().next().unwrap_or_default()) {
            source.add(file, text);
        }
    }
    let policy = Policy::compile(
        &source,
        Limits {
            time: Duration::from_secs(10),
            ..Limits::default()
        },
    );
    let policy = policy.unwrap_or_else(|errors| panic!("the policies do not compile:\n{errors}"));
    let placeholders = Placeholders::new(Sha256::digest(REDACTION_KEY).into());
    Arc::new(Engine::new(
        vec![
            Box::new(Detectors::default()),
            Box::new(Guard::default()),
            Box::new(Offers),
        ],
        Arc::new(policy),
        placeholders,
        || Duration::ZERO,
    ))
}

/// What is known of an exchange of team `red` at an endpoint.
pub fn about(endpoint: &Endpoint, path: &str) -> Exchange {
    Exchange {
        id: "<id>".into(),
        caller: Caller {
            team: "red".into(),
            agent: "tester".into(),
            key: "red-key".into(),
            labels: Arc::new([]),
        },
        route: "openai".into(),
        dialect: endpoint.dialect,
        operation: endpoint.operation,
        path: path.into(),
        now_ns: 0,
        mcp: None,
    }
}

/// What one exchange comes to: the body that goes up, and the body that comes back; or who was refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judged {
    /// The body for the upstream, or the rule that refused it.
    pub request: Result<String, String>,
    /// The body for the agent, or the rule that refused it.
    pub answer: Option<Result<String, String>>,
}

/// Plays a trace in memory. Only bodies and rules are known here: [`agrees`] compares them with the trace.
pub fn run_in_memory(trace: &Trace) -> Vec<Judged> {
    let engine = engine(trace.policies());
    let mut own = Vec::new();
    let exchanges = trace.exchanges();
    exchanges
        .iter()
        .filter_map(|exchange| {
            judge(
                &engine,
                &mut own,
                &exchange.sends,
                exchange.answers.as_deref(),
            )
        })
        .collect()
}

/// `own`: ids of state at the provider that the caller made.
fn judge(
    engine: &Arc<Engine>,
    own: &mut Vec<String>,
    sends: &str,
    answers: Option<&str>,
) -> Option<Judged> {
    let (line, headers, body) = split(sends);
    let mut words = line.split(' ');
    let method: Method = words.next()?.parse().ok()?;
    let path = words.next()?;
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(
            HeaderName::try_from(name).ok()?,
            HeaderValue::try_from(value).ok()?,
        );
    }
    let endpoint = Endpoint::find(&method, path.as_bytes(), &map).ok()?;
    let about = Arc::new(about(&endpoint, path));
    let payload = match endpoint.has_body {
        true => match endpoint
            .dialect
            .read_request(endpoint.operation, Bytes::from(body))
        {
            Ok(payload) => payload,
            Err(_) => return None,
        },
        false => Payload::empty(),
    };
    let leant_on = payload.outline().stored.iter().map(|id| payload.text(*id));
    let foreign: Vec<&str> = leant_on
        .filter(|id| !own.iter().any(|own| own == id))
        .collect();
    let ruling = engine.judge_request(&about, &payload, &foreign);
    let request = match ruling.clear() {
        Ok(cleared) => cleared.into_bytes(),
        Err(denial) => {
            return Some(Judged {
                request: Err(denial.rule.to_string()),
                answer: None,
            });
        }
    };
    let terms = Terms {
        hidden: ruling.trail.hidden.clone(),
        model: payload.model().map(str::to_owned),
        ..Terms::default()
    };
    let answer = answers.map(|text| judge_answer(engine, own, &about, terms, text));
    Some(Judged {
        request: Ok(conceal(&String::from_utf8_lossy(&request))),
        answer,
    })
}

fn judge_answer(
    engine: &Arc<Engine>,
    own: &mut Vec<String>,
    about: &Arc<Exchange>,
    terms: Terms,
    text: &str,
) -> Result<String, String> {
    let (_, headers, body) = split(text);
    let streamed = headers
        .iter()
        .any(|(name, value)| name == "content-type" && value.starts_with("text/event-stream"));
    if streamed {
        return stream(
            engine,
            about,
            terms,
            events(&body).iter().map(String::as_bytes),
        );
    }
    let Ok(payload) = about
        .dialect
        .read_answer(about.operation, Bytes::from(body))
    else {
        return Err("unreadable".to_owned());
    };
    own.extend(
        payload
            .outline()
            .created
            .iter()
            .map(|id| payload.text(*id).to_owned()),
    );
    match engine.judge_answer(about, &payload, &terms).clear() {
        Ok(cleared) => Ok(conceal(&String::from_utf8_lossy(&cleared.into_bytes()))),
        Err(denial) => Err(denial.rule.to_string()),
    }
}

/// Sends chunks through a gate. Gives what came out; a cut is told by the closing words' place, as `<cut: rule>`.
pub fn stream<'a>(
    engine: &Arc<Engine>,
    about: &Arc<Exchange>,
    terms: Terms,
    chunks: impl Iterator<Item = &'a [u8]>,
) -> Result<String, String> {
    let mut gate = Gate::new(engine.clone(), about.clone(), terms, HOLD);
    let mut out = Vec::new();
    for chunk in chunks {
        let flowed = gate.push(chunk);
        out.extend_from_slice(&flowed.cleared.into_bytes());
        if let Some(cut) = flowed.cut {
            return Err(told(&out, &cut));
        }
    }
    let (flowed, ..) = gate.finish();
    out.extend_from_slice(&flowed.cleared.into_bytes());
    match flowed.cut {
        Some(cut) => Err(told(&out, &cut)),
        None => Ok(conceal(&String::from_utf8_lossy(&out))),
    }
}

fn told(out: &[u8], cut: &sallyport_policy::Cut) -> String {
    let why = cut
        .denial()
        .map_or_else(|| format!("{cut:?}"), |denial| denial.rule.to_string());
    format!("{}<cut: {why}>", conceal(&String::from_utf8_lossy(out)))
}

/// Says where what was judged in memory differs from what the trace holds.
pub fn agrees(trace: &Trace, judged: &[Judged]) -> Result<(), String> {
    let bodies = |name: &str| -> Vec<String> {
        let sections = trace.sections.iter().filter(|section| section.name == name);
        sections
            .map(|section| {
                section
                    .text
                    .split_once("\n\n")
                    .map_or("", |(_, body)| body)
                    .to_owned()
            })
            .collect()
    };
    let (receives, got) = (bodies("upstream receives"), bodies("agent receives"));
    for (at, judged) in judged.iter().enumerate() {
        match (&judged.request, receives.get(at)) {
            (Ok(body), Some(expected)) if body != expected => {
                return Err(format!(
                    "the upstream would receive\n{body}\ninstead of\n{expected}"
                ));
            }
            (Err(rule), Some(expected)) if !expected.is_empty() => {
                return Err(format!(
                    "{rule} refused what the upstream received:\n{expected}"
                ));
            }
            _ => {}
        }
        let expected = got.get(at).map(String::as_str).unwrap_or_default();
        match &judged.answer {
            Some(Ok(body)) if body != expected => {
                return Err(format!(
                    "the agent would get\n{body}\ninstead of\n{expected}"
                ));
            }
            Some(Err(said)) => {
                let begun = said.split("<cut:").next().unwrap_or_default();
                if said.contains("<cut:") && !expected.starts_with(begun) {
                    return Err(format!(
                        "the agent would get\n{said}\ninstead of\n{expected}"
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(())
}
