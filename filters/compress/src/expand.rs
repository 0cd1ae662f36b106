//! The way back: from what the model reads, and the steps, to the bytes as they came.

use crate::step::{Step, StepKind};
use crate::{json, lines};

/// A text that these steps cannot have made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unreadable {
    /// It is not in the form that this step gives.
    #[error("the text is not in the form that the step `{}` gives", .0.as_str())]
    Form(StepKind),
    /// The step leaves something out, or names what stands elsewhere.
    #[error("the step `{}` cannot be undone from the text alone", .0.as_str())]
    NotHere(StepKind),
}

/// Undoes `steps`, the last one first.
pub fn expand(text: &str, steps: &[Step]) -> Result<String, Unreadable> {
    let mut text = text.to_owned();
    for step in steps.iter().rev() {
        let undone = match step.kind {
            StepKind::Ansi => lines::ansi::decode(&text, &step.residue),
            StepKind::Unwrap => json::unwrap::decode(&text, &step.residue),
            StepKind::Minify => json::minify::decode(&text, &step.residue),
            StepKind::Table => json::table::decode(&text, &step.residue),
            StepKind::Templates => lines::templates::decode(&text, &step.residue),
            StepKind::Grep => lines::grep::decode(&text, &step.residue),
            StepKind::Reference
            | StepKind::Markdown
            | StepKind::Fold
            | StepKind::Elide
            | StepKind::Blob => return Err(Unreadable::NotHere(step.kind)),
        };
        text = undone.ok_or(Unreadable::Form(step.kind))?;
    }
    Ok(text)
}
