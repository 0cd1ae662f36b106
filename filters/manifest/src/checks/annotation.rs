//! Annotations that a tool's own words contradict. They are hints of the server and prove nothing; a client
//! that asks people only before tools that write is misled by a wrong one.

use crate::finding::{ANNOTATION, Observation, Severity};
use sallyport_exchange::json::Value;

/// What no tool does that only reads.
const WRITES: &[&str] = &[
    "delete",
    "deletes",
    "remove",
    "removes",
    "write",
    "writes",
    "drop",
    "drops",
    "erase",
    "erases",
    "destroy",
    "destroys",
    "overwrite",
    "overwrites",
    "truncate",
    "truncates",
    "purge",
    "purges",
    "kill",
    "kills",
    "send",
    "sends",
    "upload",
    "uploads",
    "publish",
    "publishes",
    "move",
    "moves",
    "rename",
    "renames",
    "update",
    "updates",
    "insert",
    "inserts",
    "install",
    "installs",
    "uninstall",
    "pay",
    "transfer",
    "transfers",
    "wipe",
    "wipes",
    "revoke",
    "revokes",
    "edit",
    "edits",
    "modify",
    "modifies",
];
/// What is destroyed cannot be had back.
const DESTROYS: &[&str] = &[
    "delete",
    "deletes",
    "drop",
    "drops",
    "erase",
    "erases",
    "destroy",
    "destroys",
    "overwrite",
    "overwrites",
    "truncate",
    "truncates",
    "purge",
    "purges",
    "wipe",
    "wipes",
];

pub(crate) fn check(root: Value<'_>, found: &mut Vec<Observation>) {
    let hint = |key| {
        root.member("annotations")
            .and_then(|hints| hints.member(key)?.as_bool())
    };
    let claims = [
        ("readOnlyHint", hint("readOnlyHint") == Some(true), WRITES),
        (
            "destructiveHint",
            hint("destructiveHint") == Some(false),
            DESTROYS,
        ),
    ];
    for (key, _, verbs) in claims.into_iter().filter(|claim| claim.1) {
        let verb = ["name", "description"].into_iter().find_map(|field| {
            let text = root.member(field)?.as_str()?;
            let word = first_word(&text);
            verbs.contains(&&*word).then_some((field, word))
        });
        if let Some((field, word)) = verb {
            found.push(Observation {
                label: ANNOTATION,
                severity: Severity::Warning,
                place: format!("/annotations/{key}"),
                says: format!("`{key}` denies it, and the {field} begins with `{word}`"),
                excerpt: String::new(),
            });
            return;
        }
    }
}

/// The first word of `deleteFile`, `delete_file` or "Deletes a file", in small letters.
fn first_word(text: &str) -> String {
    let text = text.trim_start();
    let end = text
        .char_indices()
        .skip(1)
        .find(|(_, c)| !c.is_ascii_lowercase())
        .map_or(text.len(), |(at, _)| at);
    // `DELETE_FILE`: all capitals.
    let capitals = text.bytes().take_while(u8::is_ascii_uppercase).count();
    text[..end.max(if capitals > 1 { capitals } else { 0 })].to_ascii_lowercase()
}
