//! Log records that somebody else has made, to a collector: how the audit log is handed on.

use crate::settings::{BadSetting, Target};
use crate::wire::{BadFile, Lost, Signal, Taken, Wire};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use prost::Message;

/// Why log records were not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportFailed {
    /// A setting that cannot be used.
    #[error(transparent)]
    Setting(#[from] BadSetting),
    /// A file that the settings name.
    #[error(transparent)]
    File(#[from] BadFile),
    /// No event loop.
    #[error("no event loop: {0}")]
    Loop(#[from] std::io::Error),
    /// The collector did not take them.
    #[error(transparent)]
    Lost(#[from] Lost),
    /// The collector took the message, but not all records.
    #[error("the collector rejected {0} records")]
    Rejected(u64),
}

/// Sends log records, one message after the other, and waits for each; stops at the first that does not arrive. `target` has
/// the path `/v1/logs` if it is spoken to in HTTP. Blocks: it is for commands, not for the gateway. Answers how many messages
/// arrived.
pub fn export_logs(
    target: Target,
    messages: impl IntoIterator<Item = ExportLogsServiceRequest>,
) -> Result<usize, ExportFailed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let wire = Wire::new(target)?;
    let mut sent = 0;
    for message in messages {
        let taken = runtime.block_on(wire.send(Signal::Logs, message.encode_to_vec()))?;
        if let Taken::Answer(bytes) = taken {
            let answer = ExportLogsServiceResponse::decode(bytes).unwrap_or_default();
            let part = answer.partial_success.unwrap_or_default();
            match u64::try_from(part.rejected_log_records) {
                Ok(rejected) if rejected > 0 => return Err(ExportFailed::Rejected(rejected)),
                _ => {}
            }
        }
        sent += 1;
    }
    Ok(sent)
}
