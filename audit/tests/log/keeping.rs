//! What is handed over is there, in order, and can be proven.

use crate::shared::{ORIGIN, body, check, keep, settings, start, written};
use sallyport_audit::{
    Entry, Filter, Mode, NotKept, OpenError, ProveError, Remark, Settings, Trust, VerifyKey, What,
    Writer, check_consistency, check_proof, consistency, prove, records, verify,
};
use serde_json::json;
use std::path::Path;
use std::time::Duration;

fn kinds(folder: &Path) -> Vec<String> {
    records(folder, Filter::default())
        .map(|entry| entry.expect("a record").kind)
        .collect()
}

#[test]
fn what_is_kept_is_there_after_opening_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = settings(folder.path());
    let (writer, opened) = start(&settings);
    assert_eq!(opened.size, 1, "only the `open` record");
    let kept = keep(&writer, "forward", json!({"b": 1, "a": "x\n"})).expect("kept");
    assert_eq!((kept.seq, kept.synced), (1, true));
    writer.note("exchange", body(json!({"verdict": "allowed"})));
    writer.close().expect("it closes");
    assert_eq!(writer.close(), Ok(()), "twice is no harm");
    assert_eq!(
        keep(&writer, "forward", json!({})),
        Err(NotKept::Closed),
        "a closed log keeps nothing"
    );

    let verified = check(folder.path(), &opened.key).expect("all is right");
    assert_eq!(
        (verified.records, verified.size, verified.unsigned_tail),
        (4, 4, 0)
    );
    assert_eq!(verified.remarks, []);
    assert_eq!(
        kinds(folder.path()),
        ["open", "forward", "exchange", "close"]
    );

    let (writer, again) = start(&settings);
    assert_eq!((again.size, again.adopted, again.cuts.len()), (5, 0, 0));
    assert_eq!(again.key, opened.key);
    drop(writer);
}
