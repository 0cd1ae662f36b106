//! What a filter saw, and where. A finding never owns the text it found, so no log can leak it.

use crate::part::PartId;
use std::fmt;
use std::ops::Range;

/// A dotted name for a kind of finding, such as `secret.aws_access_key`.
///
/// The first segment is the family that a policy may name as `secret.*`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label(pub &'static str);

impl Label {
    /// The detector that should have looked could not answer (design, D5).
    pub const UNAVAILABLE: Label = Label("unavailable");
    /// Something nobody could look into: an image, a file, text past a budget.
    pub const UNSCANNED: Label = Label("unscanned");

    /// The name.
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// Whether a policy's pattern means this label: the label itself, `family.*`, or `*`.
    pub fn matches(self, pattern: &str) -> bool {
        match pattern.strip_suffix('*') {
            Some("") => true,
            Some(family) => family.ends_with('.') && self.0.starts_with(family),
            None => self.0 == pattern,
        }
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Something a filter saw in one part.
#[derive(Clone, PartialEq, Debug)]
pub struct Finding {
    /// What it is.
    pub label: Label,
    /// The part it lies in.
    pub part: PartId,
    /// Bytes of the part's text; on character boundaries, never past the end.
    pub range: Range<usize>,
    /// How sure the filter is, 0 to 1.
    pub score: f32,
}

/// Collects what one filter finds in one part.
#[derive(Debug)]
pub struct Report<'a> {
    part: PartId,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Report<'a> {
    /// A report on `part` that adds to `findings`.
    pub fn new(part: PartId, findings: &'a mut Vec<Finding>) -> Self {
        Report { part, findings }
    }

    /// Notes one finding at `range` of the part's text.
    pub fn found(&mut self, label: Label, range: Range<usize>, score: f32) {
        self.findings.push(Finding {
            label,
            part: self.part,
            range,
            score: score.clamp(0.0, 1.0),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Label;

    #[test]
    fn patterns_name_a_label_a_family_or_all() {
        let label = Label("secret.aws_access_key");
        for pattern in ["secret.aws_access_key", "secret.*", "*"] {
            assert!(label.matches(pattern), "{pattern} should match {label}");
        }
        for pattern in [
            "secret",
            "sec*",
            "secret.aws",
            "secret.aws*",
            "pii.*",
            "",
            ".*",
        ] {
            assert!(
                !label.matches(pattern),
                "{pattern} should not match {label}"
            );
        }
    }
}
