//! The form of names: MCP 2025-11-25 and later, server/tools, "Tool Names".

use crate::finding::{Hit, NAME, Severity};
use crate::leaves::{Leaf, Step};
use sallyport_exchange::json::Value;

/// The longest name, in characters.
const NAME_MAX: usize = 128;

/// Whether `leaf` is the name of the tool that `declaration` declares. Chats put a tool's declaration under
/// `function` or `custom`, MCP and others do not.
pub(crate) fn is_name(declaration: Value<'_>, leaf: &Leaf<'_, '_>) -> bool {
    let holder = match leaf.path.0.as_slice() {
        [last] if last.is("name") => Some(declaration),
        [Step::Key(holder), last] if last.is("name") => match &**holder {
            "function" | "custom" => declaration.member(holder),
            _ => None,
        },
        _ => None,
    };
    // A server of tools, as some chats offer one, has a name as well, and any it likes.
    !leaf.key && holder.is_some_and(|holder| !holder.member("type").is_some_and(is_server))
}

fn is_server(kind: Value<'_>) -> bool {
    kind.is_str("mcp") || kind.is_str("url")
}

pub(crate) fn check(leaf: &Leaf<'_, '_>, hits: &mut Vec<Hit>) {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let stray = leaf.text.char_indices().find(|(_, c)| !fits(*c));
    let says = match stray {
        Some((_, c)) if c.is_ascii_graphic() => format!("the name holds `{c}`"),
        Some((_, c)) => format!("the name holds U+{:04X}", c as u32),
        None if leaf.text.len() > NAME_MAX => format!("the name is {} long", leaf.text.len()),
        None => return,
    };
    // Blanks and slashes are careless; letters that are no ASCII pass for others.
    let severity = match stray {
        Some((_, c)) if !c.is_ascii() || c.is_ascii_control() => Severity::Refusal,
        _ => Severity::Warning,
    };
    let range = match stray {
        Some((at, c)) => at..at + c.len_utf8(),
        None => 0..leaf.text.len(),
    };
    hits.push(Hit {
        label: NAME,
        severity,
        score: 0.9,
        range,
        says: format!(
            "{says}; names are 1 to {NAME_MAX} letters, digits, underscores, hyphens and dots of ASCII"
        ),
    });
}
