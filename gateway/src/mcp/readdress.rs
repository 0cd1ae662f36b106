//! What the gateway changes in a message because it stands between the two: ids, names, addresses, and what the
//! other era demands. Nothing that anybody says.

use super::names::{shared, shared_uri};
use sallyport_exchange::json::string::quoted;
use sallyport_exchange::json::{JsonKind, Tape, Value};
use sallyport_exchange::mcp::{Era, Method, Place};
use sallyport_exchange::{Edit, Edits, Span};
use sallyport_record::Trace;

/// Puts JSON in the place of a value.
pub fn replace(edits: &mut Edits, place: &Place, json: &str) {
    if place.raw != json {
        edits.insert(Edit {
            span: place.span,
            with: json.to_owned(),
        });
    }
}

/// Adds members at the beginning of an object. `members` is JSON without braces, such as `"a":1`.
pub fn add_members(edits: &mut Edits, object: Value<'_>, members: &str) {
    let is_empty = object.members().is_none_or(|mut m| m.next().is_none());
    let comma = if is_empty { "" } else { "," };
    let at = object.span().start as usize + 1;
    edits.insert(Edit {
        span: Span::new(at, at),
        with: format!("{members}{comma}"),
    });
}

/// The same at the end, where nothing else is added: of two edits at one place only one would count.
pub fn add_last_members(edits: &mut Edits, object: Value<'_>, members: &str) {
    let is_empty = object.members().is_none_or(|mut m| m.next().is_none());
    let comma = if is_empty { "" } else { "," };
    let at = object.span().end as usize - 1;
    edits.insert(Edit {
        span: Span::new(at, at),
        with: format!("{comma}{members}"),
    });
}

/// In an answer of one server among several: names and addresses as the agent knows them.
pub fn share(edits: &mut Edits, server: &str, method: Method, content: Value<'_>) {
    match method {
        Method::ToolsList | Method::PromptsList => {
            let key = method.list_key().unwrap_or_default();
            let list = content.member(key).and_then(Value::elements);
            for item in list.into_iter().flatten() {
                if let Some(name) = item.member("name") {
                    rewrite(edits, name, |name| shared(server, name));
                }
            }
        }
        Method::TasksGet | Method::TasksList | Method::TasksCancel | Method::TasksResult => {
            task_ids(edits, server, content);
        }
        _ => {}
    }
    if method == Method::ToolsCall
        && let Some(task) = content.member("task")
    {
        task_ids(edits, server, task);
    }
    if method != Method::ToolsList {
        addresses(edits, server, content);
    }
}

fn task_ids(edits: &mut Edits, server: &str, holder: Value<'_>) {
    let tasks = holder.member("tasks").and_then(Value::elements);
    for task in tasks.into_iter().flatten().chain([holder]) {
        if let Some(id) = task.member("taskId") {
            rewrite(edits, id, |id| shared_uri(server, id));
        }
    }
}

/// Members that hold a server's own data, in which an `uri` means nothing to the protocol.
const OWN_DATA: [&str; 5] = [
    "structuredContent",
    "_meta",
    "arguments",
    "inputSchema",
    "annotations",
];

fn addresses(edits: &mut Edits, server: &str, value: Value<'_>) {
    for (key, member) in value.members().into_iter().flatten() {
        let key = key.as_str().unwrap_or_default();
        match &*key {
            "uri" | "uriTemplate" if member.kind() == JsonKind::String => {
                rewrite(edits, member, |uri| shared_uri(server, uri));
            }
            key if OWN_DATA.contains(&key) => {}
            _ => addresses(edits, server, member),
        }
    }
    for element in value.elements().into_iter().flatten() {
        addresses(edits, server, element);
    }
}

fn rewrite(edits: &mut Edits, value: Value<'_>, with: impl Fn(&str) -> String) {
    if let Some(text) = value.as_str() {
        edits.insert(Edit {
            span: value.span(),
            with: quoted(&with(&text)),
        });
    }
}

/// What a result needs so that an agent of the modern era can read it, and what no shared cache may keep.
pub fn modernise(edits: &mut Edits, method: Method, result: Value<'_>, from: Era) {
    let cached = matches!(
        method,
        Method::Discover
            | Method::ToolsList
            | Method::PromptsList
            | Method::ResourcesList
            | Method::ResourceTemplatesList
            | Method::ResourcesRead
    );
    if from == Era::Legacy && result.kind() == JsonKind::Object {
        let mut members = Vec::new();
        if result.member("resultType").is_none() {
            members.push("\"resultType\":\"complete\"");
        }
        if cached && result.member("ttlMs").is_none() {
            members.push("\"ttlMs\":0");
        }
        if cached && result.member("cacheScope").is_none() {
            members.push("\"cacheScope\":\"private\"");
        }
        if !members.is_empty() {
            add_members(edits, result, &members.join(","));
        }
    }
}

/// What was made for one agent must not be kept for others (2026-07-28, Caching): a policy may have filtered it.
pub fn keep_private(edits: &mut Edits, result: Value<'_>) {
    if let Some(scope) = result.member("cacheScope")
        && !scope.is_str("private")
    {
        edits.insert(Edit {
            span: scope.span(),
            with: "\"private\"".to_owned(),
        });
    }
}

/// The `_meta` members that every modern request carries.
pub fn modern_meta(revision: &str, client_info: &str, capabilities: &str) -> String {
    format!(
        "\"io.modelcontextprotocol/protocolVersion\":{},\"io.modelcontextprotocol/clientInfo\":{client_info},\"io.modelcontextprotocol/clientCapabilities\":{capabilities}",
        quoted(revision)
    )
}

/// Whether a request says itself what the modern era demands.
pub fn has_modern_meta(root: Value<'_>) -> bool {
    let meta = root.member("params").and_then(|p| p.member("_meta"));
    meta.is_some_and(|meta| {
        meta.member("io.modelcontextprotocol/protocolVersion")
            .is_some()
    })
}

/// Puts our span in the place of the agent's in `_meta`; gives the members that are to be added because they are
/// not there yet.
pub fn onward(edits: &mut Edits, root: Value<'_>, trace: &Trace) -> Vec<String> {
    let meta = root.member("params").and_then(|p| p.member("_meta"));
    let state = trace.state().map(|state| ("tracestate", state.to_owned()));
    let mut missing = Vec::new();
    for (key, word) in [("traceparent", trace.onward())].into_iter().chain(state) {
        match meta.and_then(|meta| meta.member(key)) {
            Some(there) => edits.insert(Edit {
                span: there.span(),
                with: quoted(&word),
            }),
            None => missing.push(format!("{}:{}", quoted(key), quoted(&word))),
        }
    }
    missing
}

/// Adds members to a request's `_meta`, which is made where there is none.
pub fn add_meta(edits: &mut Edits, root: Value<'_>, members: &str) {
    let params = root.member("params");
    match (params, params.and_then(|p| p.member("_meta"))) {
        (_, Some(meta)) if meta.kind() == JsonKind::Object => add_members(edits, meta, members),
        (Some(params), _) => add_members(edits, params, &format!("\"_meta\":{{{members}}}")),
        (None, _) => add_members(
            edits,
            root,
            &format!("\"params\":{{\"_meta\":{{{members}}}}}"),
        ),
    }
}

/// The edited text.
pub fn apply(text: &str, with: impl FnOnce(&mut Edits, Value<'_>)) -> Option<Edits> {
    let tape = Tape::read_str(text).ok()?;
    let mut edits = Edits::default();
    with(&mut edits, tape.root());
    Some(edits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn edited(text: &str, with: impl FnOnce(&mut Edits, Value<'_>)) -> String {
        let edits = apply(text, with).expect("is JSON");
        let bytes = edits.apply(&Bytes::copy_from_slice(text.as_bytes()));
        String::from_utf8(bytes.to_vec()).expect("is text")
    }

    #[test]
    fn only_the_protocols_own_names_and_addresses_are_shared() {
        let text = r#"{"content":[{"type":"resource_link","uri":"a:b","name":"n"},{"type":"resource","resource":{"uri":"c:d","text":"uri"}}],"structuredContent":{"uri":"mine"}}"#;
        let shared = edited(text, |edits, root| {
            share(edits, "s", Method::ToolsCall, root)
        });
        assert_eq!(
            shared,
            r#"{"content":[{"type":"resource_link","uri":"sallyport+s+a:b","name":"n"},{"type":"resource","resource":{"uri":"sallyport+s+c:d","text":"uri"}}],"structuredContent":{"uri":"mine"}}"#
        );
        let list = r#"{"tools":[{"name":"x","inputSchema":{"properties":{"uri":{}}}}]}"#;
        let shared = edited(list, |edits, root| {
            share(edits, "s", Method::ToolsList, root)
        });
        assert_eq!(
            shared,
            r#"{"tools":[{"name":"s__x","inputSchema":{"properties":{"uri":{}}}}]}"#
        );
    }

    #[test]
    fn a_legacy_request_gains_what_the_modern_era_demands() {
        for (before, after) in [
            (r#"{"id":1}"#, r#"{"params":{"_meta":{"a":1}},"id":1}"#),
            (r#"{"params":{}}"#, r#"{"params":{"_meta":{"a":1}}}"#),
            (
                r#"{"params":{"_meta":{"b":2}}}"#,
                r#"{"params":{"_meta":{"a":1,"b":2}}}"#,
            ),
        ] {
            assert_eq!(
                edited(before, |edits, root| add_meta(edits, root, "\"a\":1")),
                after
            );
        }
    }

    #[test]
    fn a_legacy_list_is_never_public() {
        let list = r#"{"tools":[]}"#;
        let modern = edited(list, |edits, root| {
            modernise(edits, Method::ToolsList, root, Era::Legacy);
        });
        assert_eq!(
            modern,
            r#"{"resultType":"complete","ttlMs":0,"cacheScope":"private","tools":[]}"#
        );
        let public = r#"{"tools":[],"cacheScope":"public"}"#;
        assert_eq!(
            edited(public, keep_private),
            r#"{"tools":[],"cacheScope":"private"}"#
        );
    }
}
