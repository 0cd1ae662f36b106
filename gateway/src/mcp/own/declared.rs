//! How the gateway's own tools are declared in a list: constant for as long as what may be seen is.

use super::super::door::Door;
use super::super::names;
use super::super::request::{Asking, Plain};
use super::Tool;
use super::disclosure::Disclosure;
use super::retrieve;
use super::shown::{Item, Shown};
use super::signature::plain_or_quoted;
use crate::edge::failure::Failure;
use sallyport_exchange::json::string::quoted;
use sallyport_exchange::mcp::Era;

/// Bytes of names that one description holds: some seven thousand tokens.
const NAMES_BYTES_MAX: usize = 32 << 10;

/// The whole list: tools that are shown natively, as they are, and then the gateway's own.
pub(super) fn list(asking: &Asking, shown: &Shown) -> Result<Plain, Failure> {
    let native = |item: &&Item| shown.disclosures().get(&item.server) == Some(&Disclosure::Native);
    let mut tools: Vec<String> = shown
        .items()
        .iter()
        .filter(native)
        .map(|item| item.json.clone())
        .collect();
    tools.extend(own(shown, &asking.door));
    if asking.own.retrieves() {
        tools.push(retrieve());
    }
    let modern = match asking.era() {
        Era::Modern => ",\"ttlMs\":0,\"cacheScope\":\"private\"",
        Era::Legacy => "",
    };
    let result = format!("{{\"tools\":[{}]{modern}}}", tools.join(","));
    Ok(Plain::result(asking, &result))
}

/// The tools through which others are found, described and called.
pub(super) fn own(shown: &Shown, door: &Door) -> Vec<String> {
    let (names, are_all) = named(shown, door);
    let searched = shown
        .disclosures()
        .values()
        .any(|d| *d == Disclosure::Search);
    let mut own = Vec::new();
    if searched || !are_all {
        own.push(declared(
            Tool::Search,
            "Finds tools by what they do.",
            r#"{"query":{"type":"string"},"limit":{"type":"integer","default":10}}"#,
            r#"["query"]"#,
        ));
    }
    own.push(declared(
        Tool::Describe,
        &format!("Tells the parameters of tools, before they are called. {names}"),
        r#"{"tools":{"type":"array","items":{"type":"string"}}}"#,
        r#"["tools"]"#,
    ));
    own.push(declared(
        Tool::Call,
        "Calls a tool.",
        r#"{"tool":{"type":"string"},"arguments":{"type":"object"}}"#,
        r#"["tool"]"#,
    ));
    own
}

/// `sallyport_retrieve`.
pub(super) fn retrieve() -> String {
    declared(
        Tool::Retrieve,
        retrieve::SAYS,
        retrieve::PROPERTIES,
        r#"["ref"]"#,
    )
}

fn declared(tool: Tool, description: &str, properties: &str, required: &str) -> String {
    // Whoever calls through the gateway may do anything; all else only reads.
    let hints = match tool {
        Tool::Call => "",
        _ => ",\"annotations\":{\"readOnlyHint\":true}",
    };
    let strict = match tool {
        Tool::Retrieve => ",\"additionalProperties\":false",
        _ => "",
    };
    format!(
        "{{\"name\":\"{}\",\"description\":{},\"inputSchema\":{{\"type\":\"object\",\"properties\":{properties},\"required\":{required}{strict}}}{hints}}}",
        tool.name(),
        quoted(description)
    )
}

/// The names of all tools that are disclosed, in as few words as there can be; and whether all are named.
fn named(shown: &Shown, door: &Door) -> (String, bool) {
    let mut left = NAMES_BYTES_MAX;
    let mut are_all = true;
    let mut groups = Vec::new();
    let mut example = None;
    for (server, disclosure) in shown.disclosures() {
        let items = shown.of_server(server);
        if *disclosure == Disclosure::Native || items.is_empty() {
            continue;
        }
        let named: Vec<String> = items.iter().map(|item| short(item, door)).collect();
        let bytes = named.iter().map(|name| name.len() + 1).sum::<usize>();
        let told = match *disclosure == Disclosure::Names && bytes <= left {
            true => {
                left -= bytes;
                example.get_or_insert_with(|| items[0].name.clone());
                named.join(" ")
            }
            false => {
                are_all &= *disclosure != Disclosure::Names;
                let many = if items.len() == 1 { "tool" } else { "tools" };
                format!("({} {many}: sallyport_search)", items.len())
            }
        };
        groups.push(match door {
            Door::All => format!("{server}{}: {told}", names::SEPARATOR),
            Door::One(_) => told,
        });
    }
    let how = match (door, example) {
        (Door::All, Some(example)) => format!(" (write {})", plain_or_quoted(&example)),
        _ => String::new(),
    };
    (format!("Tools{how}: {}", groups.join("; ")), are_all)
}

/// A name as the group that it stands in needs it.
fn short(item: &Item, door: &Door) -> String {
    let own = match door {
        Door::All => names::split(&item.name).map(|(_, own)| own),
        Door::One(_) => None,
    };
    plain_or_quoted(own.unwrap_or(&item.name))
}
