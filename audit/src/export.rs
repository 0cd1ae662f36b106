//! Records in the forms of other tools: OPA's decision log, and OTLP logs.
//!
//! Both read a record's body as the JSON that it is, and take what they find: a body of another shape still
//! gives an event, with less in it.

use crate::hash::Digest;
use crate::line::{Entry, wall_ns};
use serde_json::{Map, Value, json};

/// What stands before a kind in the name of an event.
const EVENT_PREFIX: &str = "sallyport.audit.";
/// The name of the scope, and of the service where nothing else is said.
const SERVICE: &str = "sallyport";

/// Members of a body that become attributes of their own, with their names there.
const ATTRIBUTES: [(&str, &str); 12] = [
    ("/id", "sallyport.decision.id"),
    ("/verdict", "sallyport.decision.verdict"),
    ("/rules", "sallyport.decision.rules"),
    ("/refused_by", "sallyport.decision.refused_by"),
    ("/policy", "sallyport.policy.revision"),
    ("/caller/team", "sallyport.team"),
    ("/caller/agent", "sallyport.agent"),
    ("/caller/key", "sallyport.key"),
    ("/route", "sallyport.route"),
    ("/upstream", "sallyport.upstream"),
    ("/operation", "sallyport.operation"),
    ("/model", "gen_ai.request.model"),
];

/// An event of OPA's decision log (Open Policy Agent, "Decision Logs"): `decision_id`, `labels`, `path`, `result`,
/// `revision`, `timestamp`, and `input` where the record has what the policies were asked.
pub fn export_opa(entry: &Entry) -> Value {
    let body = &entry.body;
    let at = |path: &str| body.pointer(path).filter(|value| !value.is_null()).cloned();
    let mut labels = Map::new();
    labels.insert("app".into(), SERVICE.into());
    labels.insert("kind".into(), entry.kind.clone().into());
    for (label, path) in [
        ("team", "/caller/team"),
        ("agent", "/caller/agent"),
        ("key", "/caller/key"),
        ("route", "/route"),
        ("upstream", "/upstream"),
        ("operation", "/operation"),
        ("model", "/model"),
    ] {
        labels.extend(at(path).map(|value| (label.into(), value)));
    }
    // A decision names its team and its exchange by itself.
    labels.extend(at("/team").map(|team| ("team".into(), team)));
    let mut result = Map::new();
    for member in [
        "verdict",
        "rules",
        "refused_by",
        "findings",
        "hidden",
        "warnings",
        "calls",
        "failure",
    ] {
        result.extend(at(&format!("/{member}")).map(|value| (member.into(), value)));
    }
    if let Some(Value::Object(decision)) = at("/decision") {
        result.extend(decision);
    }
    let mut event = Map::new();
    // Where a record has no decision, its place in the log still tells it from all others.
    let id = at("/id")
        .or_else(|| at("/exchange"))
        .unwrap_or_else(|| format!("audit-{}", entry.seq).into());
    event.insert("decision_id".into(), id);
    event.insert("labels".into(), labels.into());
    event.insert("path".into(), format!("{SERVICE}/{}", entry.kind).into());
    event.insert("result".into(), result.into());
    event.insert(
        "timestamp".into(),
        at("/time").unwrap_or_else(|| entry.time.clone().into()),
    );
    event.extend(at("/policy").map(|revision| ("revision".into(), revision)));
    event.extend(at("/input").map(|input| ("input".into(), input)));
    event.extend(at("/trace").map(|id| ("trace_id".into(), id)));
    if let Some(Value::Object(micros)) = at("/micros") {
        let timers = micros.into_iter().filter_map(|(stage, micros)| {
            let ns = micros.as_u64()?.saturating_mul(1_000);
            Some((format!("timer_sallyport_{stage}_ns"), ns.into()))
        });
        event.insert(
            "metrics".into(),
            timers.collect::<Map<String, Value>>().into(),
        );
    }
    event.into()
}

/// Records as one `ExportLogsServiceRequest` in OTLP's JSON form, for `POST /v1/logs`.
pub fn export_otlp<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Value {
    let records: Vec<Value> = entries.into_iter().map(log_record).collect();
    json!({
        "resourceLogs": [{
            "resource": {"attributes": [attribute("service.name", &SERVICE.into())]},
            "scopeLogs": [{
                "scope": {"name": "sallyport.audit", "version": env!("CARGO_PKG_VERSION")},
                "logRecords": records,
            }],
        }],
    })
}

fn log_record(entry: &Entry) -> Value {
    let (number, severity) = severity(entry);
    let digest = Digest::of(entry.line.as_bytes()).to_string();
    let mut attributes = vec![
        attribute("sallyport.audit.seq", &entry.seq.into()),
        attribute("sallyport.audit.prev", &entry.prev.clone().into()),
        attribute("sallyport.audit.digest", &digest.into()),
    ];
    for (path, name) in ATTRIBUTES {
        let value = entry.body.pointer(path).filter(|value| !value.is_null());
        attributes.extend(value.map(|value| attribute(name, value)));
    }
    let written = nanos(&entry.time);
    let happened = entry.body["time"]
        .as_str()
        .map_or_else(|| written.clone(), nanos);
    let mut record = json!({
        "timeUnixNano": happened,
        "observedTimeUnixNano": written,
        "severityNumber": number,
        "severityText": severity,
        "eventName": format!("{EVENT_PREFIX}{}", entry.kind),
        "body": any_value(&entry.body),
        "attributes": attributes,
    });
    let trace = entry.body["trace"].as_str();
    let is_id = |id: &&str| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if let Some(trace) = trace.filter(is_id) {
        record["traceId"] = trace.to_ascii_lowercase().into();
    }
    record
}

/// Severity as OTLP numbers and names it.
fn severity(entry: &Entry) -> (u8, &'static str) {
    match (entry.kind.as_str(), entry.body["verdict"].as_str()) {
        ("lost", _) | (_, Some("failed")) => (17, "ERROR"),
        ("recovery", _) | (_, Some("denied" | "steered")) => (13, "WARN"),
        _ => (9, "INFO"),
    }
}

/// 64-bit numbers are strings in the JSON form of protocol buffers.
fn nanos(time: &str) -> String {
    wall_ns(time).unwrap_or(0).max(0).to_string()
}

fn attribute(key: &str, value: &Value) -> Value {
    json!({"key": key, "value": any_value(value)})
}

/// OTLP's `AnyValue`.
fn any_value(value: &Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(value) => json!({"boolValue": value}),
        Value::Number(value) => match value.as_i64() {
            Some(whole) => json!({"intValue": whole.to_string()}),
            None => json!({"doubleValue": value.as_f64().unwrap_or(0.0)}),
        },
        Value::String(value) => json!({"stringValue": value}),
        Value::Array(values) => {
            let values: Vec<Value> = values.iter().map(any_value).collect();
            json!({"arrayValue": {"values": values}})
        }
        Value::Object(members) => {
            let values: Vec<Value> = members
                .iter()
                .map(|(key, value)| attribute(key, value))
                .collect();
            json!({"kvlistValue": {"values": values}})
        }
    }
}
