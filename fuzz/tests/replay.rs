//! Replays every input that is kept, and small and broken ones, on each target.

use sallyport_fuzz::{TARGETS, Target};
use std::path::Path;

/// The most inputs that are kept of one target, and their size together.
const FILES_MAX: usize = 30;
const BYTES_MAX: usize = 64 << 10;

fn kept(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let listed =
        std::fs::read_dir(&folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut files: Vec<_> = listed
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|file| {
            (
                file.display().to_string(),
                std::fs::read(&file).expect("a file"),
            )
        })
        .collect()
}

/// Runs a target, and says on which input it broke.
fn run(target: Target, name: &str, data: &[u8]) {
    let broke = std::panic::catch_unwind(|| target(data)).is_err();
    assert!(!broke, "the target breaks on {name}: see the words above");
}

#[test]
fn kept_inputs_break_nothing() {
    for (name, target) in TARGETS {
        let files = kept(name);
        assert!(
            !files.is_empty(),
            "fuzz/corpus/{name} has no inputs: keep some there"
        );
        for (file, data) in &files {
            run(*target, file, data);
            // As when the connection breaks: nothing, and the first half.
            run(
                *target,
                &format!("the first half of {file}"),
                &data[..data.len() / 2],
            );
        }
        run(*target, "nothing", b"");
    }
}

#[test]
fn the_corpora_stay_small() {
    for (name, _) in TARGETS {
        let files = kept(name);
        let bytes: usize = files.iter().map(|(_, data)| data.len()).sum();
        assert!(
            files.len() <= FILES_MAX && bytes <= BYTES_MAX,
            "fuzz/corpus/{name} has {} files of {bytes} bytes together; keep at most {FILES_MAX} and {BYTES_MAX}",
            files.len()
        );
    }
}
