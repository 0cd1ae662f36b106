//! Finds what a tool call would do: delete, overwrite, run, send out, stop.
//!
//! Pure and bounded: no I/O, no clock. Each argument that is meant to be run is read in its own language
//! (shell, SQL, code, infrastructure commands), through quotes, variables, `bash -c`, here-documents and
//! base64, and what it would do becomes a finding `action.*`. Words for people are left alone. What cannot
//! be read is not taken for harmless: it is `action.unparsed`.
//!
//! Scores: 0.8 and more, something is lost or handed out. 0.5 to 0.7, the same in a narrower way (one file,
//! rows by a condition), or in a way that is often right. 0.4 and less: build folders, temporary places.
//!
//! What is not seen: what a script does that is fetched, or written by another call; what a program does by
//! its own configuration; values that are known only when it runs.

mod action;
mod arguments;
mod clients;
mod code;
mod files;
mod http;
mod look;
mod names;
mod places;
mod programs;
mod shell;
mod sql;
mod wrappers;

pub use action::labels;
pub use look::{ARGUMENT_MAX, LAYERS_MAX, READ_MAX, WORD_MAX};

use sallyport_exchange::{Author, Filter, Kind, Label, PartId, PartView, Report};

/// At this score and above, a finding of this crate means that something is lost or handed out.
pub const ALARM: f32 = 0.8;

/// The guard of tool calls, as a filter.
#[derive(Clone, Copy, Default, Debug)]
pub struct Guard {}

impl Filter for Guard {
    fn name(&self) -> &'static str {
        "guard"
    }

    fn wants(&self, kind: Kind, _author: Author) -> bool {
        kind == Kind::ToolCall
    }

    fn inspect(&self, part: &PartView<'_>, report: &mut Report<'_>) {
        if part.kind != Kind::ToolCall {
            return;
        }
        for (range, actions) in
            arguments::look_at(part.tool.unwrap_or_default(), part.json, part.text)
        {
            for (action, score) in actions {
                report.found(Label(action.label()), range.clone(), score);
            }
        }
    }

    /// A call means something only when it is whole.
    fn settled(&self, _text: &str) -> usize {
        0
    }

    fn lookbehind(&self, _text: &str, _settled: usize) -> usize {
        0
    }
}

/// Runs everything over arbitrary bytes and checks what must hold of any text; for fuzz targets.
///
/// # Panics
/// When a promise of this crate is broken.
pub fn fuzz_guard(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for (tool, json) in [
        ("bash", None),
        ("run_sql", None),
        ("python", None),
        ("powershell", None),
        ("x", Some(&*text)),
    ] {
        let part = PartView {
            id: PartId(0),
            kind: Kind::ToolCall,
            author: Author::Model,
            tool: Some(tool),
            json,
            text: &text,
        };
        let mut findings = Vec::new();
        Guard::default().inspect(&part, &mut Report::new(part.id, &mut findings));
        for finding in &findings {
            assert!(
                text.get(finding.range.clone()).is_some(),
                "a finding lies outside the text"
            );
            assert!(
                labels().any(|(label, _)| label == finding.label.as_str()),
                "a label is not listed"
            );
        }
    }
}
