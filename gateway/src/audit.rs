//! The audit log: what is recorded of an exchange before it goes on, and once it has ended.

use crate::config::{self, AuditFailureFile, AuditModeFile};
use crate::edge::account::Account;
use crate::edge::failure::Failure;
use crate::policies::Loaded;
use sallyport_audit::{Digest, Mode, OpenError, Settings, Standing, Writer};
use sallyport_policy::{PolicySource, Question, Witness};
use sallyport_record::Observed;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::oneshot;

/// A call that is about to go on to a model or a tool server.
pub const FORWARD: &str = "forward";
/// An exchange that has ended.
pub const EXCHANGE: &str = "exchange";
/// What policies were asked, and what they decided.
pub const DECISION: &str = "decision";
/// Policies that came into force.
pub const POLICY: &str = "policy";

/// Why there is no audit log.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It cannot be opened.
    #[error(
        "audit: {0}\n  hint: name a folder under `audit.folder` that this user may write to and that no other gateway uses"
    )]
    Open(#[from] OpenError),
    /// Policies cannot be kept beside it.
    #[error("audit: the policies cannot be kept in `{0}`: {1}")]
    Policies(String, io::Error),
}

/// The log, and how sure it is. Cheap to clone.
#[derive(Clone)]
pub struct Audit {
    writer: Writer,
    strict: bool,
    on_failure: AuditFailureFile,
    inputs: bool,
    folder: Arc<Path>,
}

impl Audit {
    /// Opens the log that the configuration wants.
    pub fn start(config: &config::Audit) -> Result<Audit, StartError> {
        let strict = config.mode == AuditModeFile::Strict;
        let settings = Settings {
            mode: if strict { Mode::Strict } else { Mode::Fast },
            key_file: config.key_file.clone(),
            segment_size: config.segment_size,
            keep: config.keep,
            version: env!("CARGO_PKG_VERSION").into(),
            ..Settings::new(&config.folder, &config.origin)
        };
        let (writer, opened) = Writer::start(settings)?;
        for cut in &opened.cuts {
            tracing::warn!(
                ?cut,
                "the audit log ended in a torn record, which was cut off and kept aside"
            );
        }
        tracing::info!(records = opened.size, key = %opened.key, "the audit log is open");
        Ok(Audit {
            writer,
            strict,
            on_failure: config.on_failure,
            inputs: config.inputs,
            folder: config.folder.as_path().into(),
        })
    }

    /// Records that `sent` is about to go on; in strict mode, only then it may. `on_failure`: what the route or tool
    /// server says of calls that cannot be recorded.
    pub async fn before_sending(
        &self,
        account: &mut Account,
        sent: &[u8],
        policy: &str,
        on_failure: Option<AuditFailureFile>,
    ) -> Result<(), Failure> {
        let digest = account.sending(sent);
        if !self.strict {
            return Ok(());
        }
        let begun = Instant::now();
        let body = forwarded(account, sent.len(), digest, policy);
        let (told, kept) = oneshot::channel();
        let copy = body.clone();
        self.writer
            .keep(FORWARD, Box::new(move || copy), move |kept| {
                // Nobody listens any more if the agent has left; the record stands all the same.
                let _ = told.send(kept);
            });
        let kept = kept.await;
        account.audited(begun);
        match (kept, on_failure.unwrap_or(self.on_failure)) {
            (Ok(Ok(_)), _) => Ok(()),
            (_, AuditFailureFile::Refuse) => Err(Failure::Unrecorded),
            (_, AuditFailureFile::Forward) => {
                // Where it finds no room again it is counted, and a record says how many were lost once there is.
                self.writer.note(FORWARD, Box::new(move || body));
                Ok(())
            }
        }
    }

    /// Records an exchange that has ended.
    pub fn ended(&self, observed: &Arc<Observed>) {
        let observed = observed.clone();
        let body = move || serde_json::to_value(&observed.record).unwrap_or_default();
        self.writer.note(EXCHANGE, Box::new(body));
    }

    /// Records policies that are in force, and keeps them, so that decisions can be replayed.
    pub fn policies(&self, loaded: &Loaded) -> Result<(), StartError> {
        let path = kept_policies(&self.folder, &loaded.revision);
        keep(&path, &loaded.source)
            .map_err(|error| StartError::Policies(path.display().to_string(), error))?;
        let files = loaded.source.files.iter().map(|f| (&f.path, &f.text));
        let data = loaded.source.data.iter().map(|(path, text)| (path, text));
        let files: Vec<Value> = files
            .chain(data)
            .map(|(path, text)| json!({"path": path, "sha256": Digest::of(text.as_bytes()).to_string()}))
            .collect();
        let body = json!({"revision": &*loaded.revision, "files": files});
        self.writer.note(POLICY, Box::new(move || body));
        Ok(())
    }

    /// Who is to be told what policies are asked, if that is to be kept.
    pub fn witness(&self) -> Option<Arc<dyn Witness>> {
        let witness = self
            .inputs
            .then(|| Arc::new(Decisions(self.writer.clone())));
        witness.map(|witness| witness as Arc<dyn Witness>)
    }

    /// How it stands.
    pub fn standing(&self) -> Standing {
        self.writer.standing()
    }

    /// Writes all that waits, and closes.
    pub fn close(&self) {
        if let Err(error) = self.writer.close() {
            tracing::error!(%error, "the audit log was not closed in order");
        }
    }
}

/// Records decisions.
struct Decisions(Writer);

impl Witness for Decisions {
    fn decided(&self, question: &Question<'_>) {
        let body = json!({
            "exchange": question.exchange,
            "team": question.team,
            "asks_allow": question.asks_allow,
            "policy": question.revision,
            "input": question.input(),
            "decision": question.decision.to_json(),
        });
        self.0.note(DECISION, Box::new(move || body));
    }
}

fn forwarded(account: &Account, bytes: usize, digest: String, policy: &str) -> Value {
    let record = account.record();
    json!({
        "id": &*record.id,
        "caller": record.caller,
        "route": record.route,
        "upstream": record.upstream,
        "dialect": record.dialect,
        "operation": record.operation,
        "mcp": record.mcp,
        "model": record.model,
        "session": record.session,
        "rules": record.rules,
        "policy": policy,
        "sent": digest,
        "bytes": bytes,
    })
}

/// The file that holds the policies of a revision.
pub fn kept_policies(folder: &Path, revision: &str) -> PathBuf {
    folder.join("policies").join(format!("{revision}.json"))
}

/// Keeps them as they are, on disk: what a crash left of them, or what somebody made of them, is replaced.
fn keep(path: &Path, source: &PolicySource) -> io::Result<()> {
    let files: Vec<Value> = source
        .files
        .iter()
        .map(|f| json!({"path": f.path, "text": f.text}))
        .collect();
    let text = json!({"files": files, "data": source.data}).to_string();
    if std::fs::read(path).is_ok_and(|kept| kept == text.as_bytes()) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let half = path.with_extension("new");
    let mut file = File::create(&half)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(half, path)?;
    File::open(folder)?.sync_all()
}
