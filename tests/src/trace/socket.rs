//! Running a trace against the real binary.

use super::{Exchange, Outcome, Trace, events, message, split, steady};
use crate::upstream::{Step, chunk};
use crate::{Ask, FakeUpstream, Gateway, Received, Running};
use std::sync::{Arc, Mutex};

/// Plays a trace over sockets, and gives the trace as it came out.
pub async fn run_over_sockets(trace: &Trace) -> Trace {
    let answers: Arc<Mutex<Vec<Step>>> = Arc::default();
    let played = answers.clone();
    let upstream =
        FakeUpstream::plays(move |_| std::mem::take(&mut *played.lock().expect("no panic"))).await;
    let mut gateway = Gateway::with_config(trace.config()).upstream(&upstream);
    for (name, text) in trace.policies() {
        gateway = gateway.policy(name, text);
    }
    let mut gateway = gateway.start().await;
    let mut outcomes = Vec::new();
    for exchange in trace.exchanges() {
        *answers.lock().expect("no panic") =
            exchange.answers.as_deref().map(steps).unwrap_or_default();
        outcomes.push(play(&exchange, &mut gateway, &upstream).await);
    }
    trace.with(&outcomes)
}

async fn play(exchange: &Exchange, gateway: &mut Running, upstream: &FakeUpstream) -> Outcome {
    let before = upstream.requests().len();
    let answer = gateway.ask(ask(&exchange.sends)).await;
    let record = gateway.record().await;
    let id = answer
        .header("x-sallyport-id")
        .or_else(|| record["id"].as_str().map(str::to_owned));
    let line = answer.head.split("\r\n").next().unwrap_or_default();
    let received = upstream
        .requests()
        .get(before)
        .map_or_else(|| "nothing".to_owned(), request);
    let record = steady(record);
    let record = id
        .as_deref()
        .map_or(record.clone(), |id| record.replace(id, "<id>"));
    Outcome {
        upstream_receives: Some(received),
        agent_receives: Some(message(
            line,
            &answer.headers(),
            &answer.body,
            id.as_deref(),
        )),
        record: Some(record.replace(&upstream.address().to_string(), "<upstream>")),
    }
}

fn request(received: &Received) -> String {
    message(received.line(), &received.headers(), &received.body, None)
}

fn ask(text: &str) -> Ask {
    let (line, headers, body) = split(text);
    let mut words = line.split(' ');
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let ask = if body.is_empty() {
        Ask::get(path)
    } else {
        Ask::post(path, body).without("content-type")
    };
    headers
        .iter()
        .fold(ask.method(method), |ask, (name, value)| {
            ask.header(name, value)
        })
}

/// The steps of an answer: a stream goes out event by event, anything else at once.
fn steps(text: &str) -> Vec<Step> {
    let (line, headers, body) = split(text);
    let streamed = headers
        .iter()
        .any(|(name, value)| name == "content-type" && value.starts_with("text/event-stream"));
    let mut head = format!("{line}\r\n");
    for (name, value) in &headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !streamed {
        return vec![Step::Send(
            format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into(),
        )];
    }
    let mut steps = vec![Step::Send(
        format!("{head}transfer-encoding: chunked\r\n\r\n").into(),
    )];
    steps.extend(
        events(&body)
            .iter()
            .map(|event| Step::Send(chunk(event.as_bytes()))),
    );
    steps.push(Step::Send(b"0\r\n\r\n".to_vec()));
    steps
}
