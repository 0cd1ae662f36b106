//! Log records that somebody else made.

use crate::receiver::Receiver;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use sallyport_telemetry::{ExportFailed, Lost, Protocol, export_logs};

#[test]
fn log_records_arrive() {
    let record = LogRecord {
        event_name: "sallyport.decision".into(),
        ..Default::default()
    };
    let message = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            scope_logs: vec![ScopeLogs {
                log_records: vec![record],
                ..Default::default()
            }],
            ..Default::default()
        }],
    };
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let receiver = Receiver::start(protocol);
        let mut target = receiver.settings().traces.expect("a target");
        if protocol == Protocol::Http {
            target.url = format!("http://{}/v1/logs", receiver.address)
                .parse()
                .expect("a URL");
        }
        let sent = export_logs(target.clone(), [message.clone(), message.clone()]);
        assert_eq!(sent.expect("arrives"), 2);
        assert_eq!(receiver.kept().logs, [message.clone(), message.clone()]);
        drop(receiver);
        target.timeout = std::time::Duration::from_millis(500);
        let lost = export_logs(target, [message.clone()]);
        let lost = matches!(
            lost,
            Err(ExportFailed::Lost(Lost::Unreachable | Lost::TimedOut))
        );
        assert!(lost);
    }
}
