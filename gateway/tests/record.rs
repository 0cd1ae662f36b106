//! Decision records: what a line says, and that lines are written, counted and never waited for.

use expect_test::expect;
use sallyport::config::DecisionsTo;
use sallyport::decisions::RecordSink;
use sallyport_exchange::{
    Author, Caller, Denial, Dialect, Exchange, Finding, Flow, Kind, Label, Operation, PartId,
    PartView, Usage,
};
use sallyport_record::{Blame, Observed, Record, Verdict};
use std::fs;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::tempdir;

const SECRET: &str = "AKIA-secret-in-the-body";

fn part(text: &str) -> PartView<'_> {
    PartView {
        id: PartId(3),
        json: None,
        kind: Kind::ToolResult,
        author: Author::Tool,
        tool: Some("shell"),
        text,
    }
}

fn finding() -> Finding {
    Finding {
        label: Label("secret.aws_access_key"),
        part: PartId(3),
        range: 4..SECRET.len(),
        score: 0.95,
    }
}

fn full() -> Record {
    let mut record = Record::new("sp_0123".into(), 1_764_000_000_123_456_789);
    record.exchange(&Exchange {
        id: "sp_0123".into(),
        caller: Caller {
            team: "payments".into(),
            agent: "refunds".into(),
            key: "laptop".into(),
            labels: Arc::new([]),
        },
        route: "openai".into(),
        dialect: Dialect::OpenAiChat,
        operation: Operation::Chat,
        path: "/v1/chat/completions".into(),
        now_ns: 0,
        mcp: None,
    });
    record.upstream = Some("openai".into());
    record.model("gpt-5-mini");
    record.stream = true;
    record.status = 403;
    record.finding(Flow::Request, &finding(), &part(SECRET), false);
    record.rules([
        "org/allow".into(),
        "team:payments/injection".into(),
        "org/allow".into(),
    ]);
    record.refused(&Denial::deny(
        "team:payments/injection",
        "A tool result tried to give instructions.",
    ));
    record.hidden("admin_delete");
    record.hidden("admin_delete");
    record.warning("org/big".into(), SECRET, false);
    record.call(
        "shell",
        Verdict::Denied,
        Some("team:payments/no-shell".into()),
    );
    record.call("read", Verdict::Allowed, None);
    record.unread = 2;
    record.usage(Usage {
        input: Some(12),
        output: Some(3),
        cached: None,
    });
    record.micros.read = Some(120);
    record.micros.total = Some(4_200);
    record.bytes.request = 512;
    record.failed("upstream_broke", Blame::Upstream);
    record.policy = Some("89abcdef01234567".into());
    record
}

#[test]
fn a_line_says_everything_but_the_words() {
    let record = full();
    let json: serde_json::Value = serde_json::from_str(&record.to_line()).expect("one JSON object");
    expect![[r#"
        {
          "bytes": {
            "answer": 0,
            "request": 512
          },
          "caller": {
            "agent": "refunds",
            "key": "laptop",
            "team": "payments"
          },
          "calls": [
            {
              "rule": "team:payments/no-shell",
              "tool": "shell",
              "verdict": "denied"
            },
            {
              "rule": null,
              "tool": "read",
              "verdict": "allowed"
            }
          ],
          "dialect": "openai.chat",
          "failure": {
            "blame": "upstream",
            "code": "upstream_broke"
          },
          "findings": [
            {
              "author": "tool",
              "end": 23,
              "flow": "request",
              "kind": "tool_result",
              "label": "secret.aws_access_key",
              "part": 3,
              "score": 0.95,
              "start": 4
            }
          ],
          "hidden": [
            "admin_delete"
          ],
          "id": "sp_0123",
          "left_out": 0,
          "micros": {
            "inspect": null,
            "policy": null,
            "read": 120,
            "total": 4200,
            "upstream_first": null
          },
          "model": "gpt-5-mini",
          "operation": "chat",
          "policy": "89abcdef01234567",
          "refused_by": [
            "team:payments/injection",
            "team:payments/no-shell"
          ],
          "route": "openai",
          "rules": [
            "org/allow",
            "team:payments/injection"
          ],
          "status": 403,
          "stream": true,
          "time": "2025-11-24T16:00:00.123456Z",
          "unread": 2,
          "upstream": "openai",
          "usage": {
            "cached": null,
            "input": 12,
            "output": 3
          },
          "verdict": "denied",
          "warnings": [
            {
              "rule": "org/big"
            }
          ]
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&json).expect("JSON"));
    for shown in [record.to_line(), format!("{record:?}")] {
        assert!(!shown.contains("secret-in"), "no text of the body: {shown}");
    }
}

#[test]
fn words_are_written_where_they_are_asked_for() {
    let mut record = Record::new("sp_1".into(), 0);
    record.finding(Flow::Answer, &finding(), &part(SECRET), true);
    record.warning("org/big".into(), "said", true);
    assert_eq!(
        record.findings[0].text.as_deref(),
        Some("-secret-in-the-body")
    );
    assert_eq!(record.warnings[0].say.as_deref(), Some("said"));
    let outside = Finding {
        range: 5..99_999,
        ..finding()
    };
    record.finding(Flow::Answer, &outside, &part(SECRET), true);
    assert_eq!(
        record.findings[1].text.as_deref(),
        Some(""),
        "a range past the end gives nothing"
    );
}

#[test]
fn a_record_of_nothing_is_a_failure() {
    expect![[r#"{"time":"1970-01-01T00:00:00.000000Z","id":"sp_1","caller":null,"route":null,"upstream":null,"dialect":null,"operation":null,"model":null,"stream":false,"status":0,"verdict":"failed","rules":[],"refused_by":[],"findings":[],"hidden":[],"warnings":[],"unread":0,"calls":[],"left_out":0,"usage":{"input":null,"output":null,"cached":null},"micros":{"read":null,"inspect":null,"policy":null,"upstream_first":null,"total":null},"bytes":{"request":0,"answer":0},"failure":null,"policy":null}"#]]
        .assert_eq(&Record::new("sp_1".into(), 0).to_line());
}

#[test]
fn what_others_choose_is_bounded_and_escaped() {
    let mut record = Record::new("sp_1".into(), 0);
    record.model(&format!("a\n\"b\u{0}\u{1b}[31m{}", "é".repeat(5_000)));
    for number in 0..1_000 {
        record.call(
            &"t".repeat(3_000),
            Verdict::Allowed,
            Some(format!("org/{number}").into()),
        );
        record.hidden(&format!("tool {number}"));
        record.finding(Flow::Request, &finding(), &part(""), false);
        record.warning(format!("org/{number}").into(), "", false);
        record.rules([format!("org/{number}").into()]);
    }
    let line = record.to_line();
    assert!(line.len() < 300_000, "{} bytes", line.len());
    assert!(
        line.starts_with("{\"time\":\"1970-01-01T00:00:00.000000Z\""),
        "{}",
        &line[..60]
    );
    assert!(
        !line.bytes().any(|byte| byte < 0x20),
        "no control character in the line itself"
    );
    let model = record.model.expect("a model");
    assert_eq!(model.chars().count(), 201, "200 characters and a mark");
    assert_eq!(record.left_out, 6 * 800, "what was left out is counted");
}

/// A writer whose owner says when it may write, and what became of it.
struct Slow {
    go: Receiver<io::Result<()>>,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Write for Slow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Nobody there to ask: nobody holds it back any more.
        if let Ok(Err(error)) = self.go.recv() {
            return Err(error);
        }
        self.written
            .lock()
            .expect("one writer")
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Written = Arc<Mutex<Vec<u8>>>;

fn slow() -> (RecordSink, SyncSender<io::Result<()>>, Written) {
    let (allow, go) = sync_channel(1_000);
    let written = Arc::new(Mutex::new(Vec::new()));
    (
        RecordSink::to_writer(Slow {
            go,
            written: written.clone(),
        }),
        allow,
        written,
    )
}

fn numbered(number: usize) -> Record {
    Record::new(format!("sp_{number}").into(), 0)
}

fn lines(written: &Mutex<Vec<u8>>) -> Vec<String> {
    String::from_utf8(written.lock().expect("one writer").clone())
        .expect("UTF-8")
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn nobody_waits_for_a_slow_disk_and_losses_are_counted() {
    let (sink, allow, written) = slow();
    let began = Instant::now();
    const SENT: usize = 30_000;
    (0..SENT).for_each(|number| sink.write(Observed::of(numbered(number))));
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "writing records took {:?}",
        began.elapsed()
    );
    assert!(
        sink.dropped() > 0,
        "the writer is stuck, so there is no room for all"
    );
    drop(allow);
    assert!(sink.flush(), "all that waits is written");
    let lines = lines(&written);
    assert_eq!(lines.len() as u64, sink.written());
    assert_eq!(
        sink.written() + sink.dropped(),
        SENT as u64,
        "each is either written or counted"
    );
    for line in &lines {
        serde_json::from_str::<serde_json::Value>(line).expect("whole lines");
    }
}

#[test]
fn a_failed_write_is_counted_and_tears_no_later_line() {
    let (sink, allow, written) = slow();
    allow
        .send(Err(io::Error::other("disk full")))
        .expect("taken");
    allow.send(Ok(())).expect("taken");
    sink.write(Observed::of(numbered(1)));
    assert!(sink.flush());
    assert_eq!((sink.written(), sink.dropped()), (0, 1));
    sink.write(Observed::of(numbered(2)));
    assert!(sink.flush());
    assert_eq!((sink.written(), sink.dropped()), (1, 1));
    let lines = lines(&written);
    assert_eq!(lines[0], "", "whatever half a line there was ends here");
    assert!(lines[1].contains("sp_2"));
}

#[test]
fn a_file_is_added_to_and_opened_anew_when_it_was_moved() {
    let folder = tempdir().expect("a folder");
    let path = folder.path().join("decisions.jsonl");
    fs::write(&path, "{}\n").expect("written");
    let sink = RecordSink::open(&DecisionsTo::File(path.clone())).expect("opened");
    sink.write(Observed::of(numbered(1)));
    assert!(sink.flush());
    assert_eq!(
        fs::read_to_string(&path).expect("read").lines().count(),
        2,
        "what was there stays"
    );

    let moved = folder.path().join("decisions.1");
    fs::rename(&path, &moved).expect("moved");
    sink.reopen();
    sink.write(Observed::of(numbered(2)));
    assert!(sink.flush());
    assert!(
        fs::read_to_string(&path)
            .expect("a new file")
            .contains("sp_2"),
        "on SIGHUP at once"
    );

    fs::rename(&path, &moved).expect("moved");
    let deadline = Instant::now() + Duration::from_secs(10);
    while !path.exists() {
        assert!(Instant::now() < deadline, "without SIGHUP, within seconds");
        std::thread::sleep(Duration::from_millis(50));
    }
    sink.write(Observed::of(numbered(3)));
    assert!(sink.flush());
    assert!(
        fs::read_to_string(&path)
            .expect("a new file")
            .contains("sp_3")
    );
    assert_eq!((sink.written(), sink.dropped()), (3, 0));
}

#[test]
fn a_log_that_cannot_be_opened_is_told() {
    let error = RecordSink::open(&DecisionsTo::File("/nowhere/decisions.jsonl".into()))
        .err()
        .expect("no such folder");
    expect![[r#"
        the decision log `/nowhere/decisions.jsonl` cannot be opened: No such file or directory (os error 2)
          hint: name a file under `decisions.to` in a folder that exists and that this user may write to"#]].assert_eq(&error.to_string());
}
