//! The server over standard input and output: one message a line, both eras.

use crate::message::{self, Incoming, Request};
use crate::talk::{Conversation, Era, Out, Talk, locked};
use crate::{Settings, Shared, call, modern};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

/// Lines that wait to be written.
const LINES_MAX: usize = 64;

/// Serves one client until its input ends.
///
/// # Errors
///
/// If standard input or output fails.
pub async fn serve(settings: Settings) -> std::io::Result<()> {
    let shared = Shared::new(settings);
    let conversation: Arc<Conversation> = Arc::default();
    let (lines, mut written) = mpsc::channel::<Value>(LINES_MAX);
    let writer = tokio::spawn(async move {
        let mut out = tokio::io::stdout();
        while let Some(message) = written.recv().await {
            out.write_all(format!("{message}\n").as_bytes()).await?;
            out.flush().await?;
        }
        Ok::<_, std::io::Error>(())
    });
    let mut running: HashMap<String, AbortHandle> = HashMap::new();
    let mut input = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = input.next_line().await? {
        match Incoming::read(line.as_bytes()) {
            Ok(Incoming::Request(request)) => {
                running.retain(|_, call| !call.is_finished());
                let id = request.id.to_string();
                if let Some(call) = start(&shared, &conversation, request, &lines).await {
                    running.insert(id, call);
                }
            }
            Ok(Incoming::Notification { method, params }) => match method.as_str() {
                "notifications/cancelled" => {
                    if let Some(call) = running.remove(&params["requestId"].to_string()) {
                        call.abort();
                    }
                }
                "notifications/initialized" => {
                    tokio::spawn(tell(
                        Arc::clone(&shared),
                        Arc::clone(&conversation),
                        lines.clone(),
                    ));
                }
                _ => {}
            },
            Ok(Incoming::Response { id, outcome }) => {
                conversation.answered(&id, outcome);
            }
            Err(failure) => drop(lines.send(failure.answer(None)).await),
        }
    }
    running.into_values().for_each(|call| call.abort());
    writer.abort();
    Ok(())
}

/// Serves a request beside the others.
async fn start(
    shared: &Arc<Shared>,
    conversation: &Arc<Conversation>,
    request: Request,
    lines: &mpsc::Sender<Value>,
) -> Option<AbortHandle> {
    let mut era = Era::Legacy(Arc::clone(conversation));
    if modern::is_modern(&request) || request.method == "server/discover" {
        let checked = modern::check_meta(&request).and_then(modern::check_version);
        if let Err(failure) = checked {
            let _ = lines
                .send(message::answer(&request.id, &Err(failure)))
                .await;
            return None;
        }
        era = Era::Modern;
    }
    let (talk, mut came) = Talk::new(request, era, shared.changes.clone());
    let call = tokio::spawn(call::serve(talk, shared.settings));
    let lines = lines.clone();
    tokio::spawn(async move {
        while let Some(out) = came.recv().await {
            if let Out::Message(message) | Out::Answer(message, _) = out {
                let _ = lines.send(message).await;
            }
        }
    });
    Some(call.abort_handle())
}

/// Tells a legacy client of changes.
async fn tell(shared: Arc<Shared>, conversation: Arc<Conversation>, lines: mpsc::Sender<Value>) {
    let mut changes = shared.changes.subscribe();
    while let Ok(change) = changes.recv().await {
        let wanted = match &change {
            crate::Change::Resource(uri) => locked(&conversation.watched).contains(uri),
            _ => true,
        };
        let (method, params) = change.told();
        if wanted
            && lines
                .send(message::notification(method, &params))
                .await
                .is_err()
        {
            return;
        }
    }
}
