//! How deep arrays, sets and objects may stand in each other. The parser reads what stands in one
//! twice, first as a comprehension, so that each level doubles its time.

use crate::error::{Mistake, Place, PolicyError};
use crate::source::PolicyFile;

/// How many square and curly brackets may be open at once. At ten a term takes tenths of a second at
/// most, at twenty minutes. Round ones cost nothing more, and the parser itself counts them.
pub(crate) const NESTING_MAX: usize = 10;

/// Refuses a file whose brackets are nested deeper, before the parser sees it.
pub(crate) fn check(file: &PolicyFile) -> Result<(), PolicyError> {
    let Some(at) = too_deep(&file.text) else {
        return Ok(());
    };
    let before = &file.text[..at];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let place = Place {
        file: file.path.as_str().into(),
        line: counted(before.matches('\n').count()),
        column: counted(before[line_start..].chars().count()),
    };
    let message = format!("more than {NESTING_MAX} brackets within each other");
    Err(PolicyError::new(Mistake::Unsupported, place, message)
        .hint("give what stands within a rule of its own, or put such data into a JSON file"))
}

/// Counted from 1.
fn counted(before: usize) -> u32 {
    u32::try_from(before + 1).unwrap_or(u32::MAX)
}

/// The place of the first bracket that is one too many. What stands in strings and comments does not
/// count; neither does whether brackets match, which the parser tells better.
fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at = match byte {
            b'#' => past(bytes, at + 1, b'\n', false),
            b'"' => past(bytes, at + 1, b'"', true),
            b'`' => past(bytes, at + 1, b'`', false),
            b'[' | b'{' => {
                depth += 1;
                if depth > NESTING_MAX {
                    return Some(at);
                }
                at + 1
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                at + 1
            }
            _ => at + 1,
        };
    }
    None
}

/// Past the next `end`, or the end of the text; `escapes`: not one behind a backslash.
fn past(bytes: &[u8], mut at: usize, end: u8, escapes: bool) -> usize {
    while let Some(&byte) = bytes.get(at) {
        at += match byte {
            b'\\' if escapes => 2,
            _ if byte == end => return at + 1,
            _ => 1,
        };
    }
    at
}
