//! The recorded texts of `bench/compress/recordings`, and the two ways to ask for their forms.

use flate2::read::GzDecoder;
use sallyport_compress::{Block, Context, Earlier, Kinds, Mode, Plan, plan};
use std::io::Read as _;
use std::path::Path;

/// Names and texts, in the order of their names.
pub fn recordings() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../bench/compress/recordings");
    let mut all: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the recordings")
        .map(|file| file.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "gz"))
        .map(|path| {
            let mut text = String::new();
            let file = std::fs::File::open(&path).expect("a recording");
            GzDecoder::new(file)
                .read_to_string(&mut text)
                .expect("text");
            let name = path.file_name().expect("a name").to_string_lossy();
            let name = name.split('.').next().expect("a name").to_owned();
            (name, text)
        })
        .collect();
    all.sort();
    assert!(all.len() > 20, "{} recordings", all.len());
    all
}

/// One recording.
#[allow(dead_code)]
pub fn recording(name: &str) -> String {
    let all = recordings();
    let found = all.into_iter().find(|(own, _)| own == name);
    found.expect("a recording of this name").1
}

pub fn lossless(text: &str) -> Plan {
    asked(text, Mode::Lossless)
}

pub fn reversible(text: &str) -> Plan {
    asked(text, Mode::Reversible)
}

fn asked(text: &str, mode: Mode) -> Plan {
    let context = Context {
        mode,
        kinds: Kinds::ALL,
        exact: false,
        earlier: &Earlier::default(),
        handle: Some("k3j9x7q2m4n5p6r7"),
    };
    plan(&Block { text, tool: None }, &context)
}
