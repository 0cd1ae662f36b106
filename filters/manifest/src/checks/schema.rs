//! Schemas that are none, and schemas that say something only when somewhere else is asked.

use super::headers;
use crate::finding::{Observation, SCHEMA, Severity};
use crate::leaves::{Path, Step};
use crate::limits::FINDINGS_MAX;
use crate::seen::shown;
use sallyport_exchange::json::{JsonKind, Value};
use std::collections::HashSet;

/// The longest words of the validator that are repeated, in characters.
const SAYS_MAX: usize = 160;

pub(crate) fn check(root: Value<'_>, found: &mut Vec<Observation>) {
    if root.member("inputSchema").is_none() {
        tell(
            found,
            Severity::Refusal,
            "",
            "`inputSchema` is missing".into(),
        );
    }
    for key in ["inputSchema", "outputSchema"] {
        let Some(schema) = root.member(key) else {
            continue;
        };
        let place = format!("/{key}");
        if schema.kind() != JsonKind::Object {
            tell(found, Severity::Refusal, &place, "not an object".into());
            continue;
        }
        valid(schema, &place, found);
        if key == "inputSchema"
            && !schema
                .member("type")
                .is_some_and(|kind| kind.is_str("object"))
        {
            let says = "`type` is not \"object\": arguments are one".into();
            tell(found, Severity::Warning, &place, says);
        }
        references(schema, key, found);
        if key == "inputSchema" {
            headers::check(schema, found);
        }
    }
}

pub(super) fn tell(found: &mut Vec<Observation>, severity: Severity, place: &str, says: String) {
    found.push(Observation {
        label: SCHEMA,
        severity,
        place: place.to_owned(),
        says,
        excerpt: String::new(),
    });
}

/// Validates against the meta-schema of the dialect that `$schema` names; 2020-12 unless it does.
fn valid(schema: Value<'_>, place: &str, found: &mut Vec<Observation>) {
    let Ok(json) = serde_json::from_str::<serde_json::Value>(schema.raw()) else {
        let says = "nested too deep, or a number out of range".into();
        return tell(found, Severity::Warning, place, says);
    };
    let dialect = schema
        .member("$schema")
        .and_then(|dialect| dialect.as_str());
    let dialect = dialect.as_deref().map(|uri| {
        let uri = uri.strip_suffix('#').unwrap_or(uri);
        uri.trim_start_matches("https").trim_start_matches("http")
    });
    let checked = match dialect {
        None | Some("://json-schema.org/draft/2020-12/schema") => {
            jsonschema::draft202012::meta::validate(&json)
        }
        Some("://json-schema.org/draft/2019-09/schema") => {
            jsonschema::draft201909::meta::validate(&json)
        }
        Some("://json-schema.org/draft-07/schema") => jsonschema::draft7::meta::validate(&json),
        Some("://json-schema.org/draft-06/schema") => jsonschema::draft6::meta::validate(&json),
        Some("://json-schema.org/draft-04/schema") => jsonschema::draft4::meta::validate(&json),
        Some(_) => {
            let says = "`$schema` names a dialect that nobody here knows".into();
            return tell(found, Severity::Warning, &format!("{place}/$schema"), says);
        }
    };
    if let Err(error) = checked {
        let at = format!("{place}{}", error.instance_path());
        let says: String = shown(&error.to_string()).chars().take(SAYS_MAX).collect();
        tell(
            found,
            Severity::Warning,
            &shown(&at),
            format!("not a JSON Schema: {says}"),
        );
    }
}

/// Finds references out of the schema. What they lead to can change after the tool was pinned, and nobody
/// may follow them (MCP 2026-07-28, server/tools).
fn references(schema: Value<'_>, key: &str, found: &mut Vec<Observation>) {
    let mut walk = References {
        ids: HashSet::new(),
        out: Vec::new(),
        path: Path(vec![Step::Key(key.into())]),
    };
    walk.value(schema);
    for (place, uri) in walk.out {
        let named = uri.split('#').next().unwrap_or_default();
        if !named.is_empty() && !walk.ids.contains(named) {
            let says = "refers to a schema elsewhere: what it says there can change unseen".into();
            found.push(Observation {
                label: SCHEMA,
                severity: Severity::Refusal,
                place,
                says,
                excerpt: shown(&uri).chars().take(SAYS_MAX).collect(),
            });
        }
    }
}

struct References<'t> {
    ids: HashSet<String>,
    out: Vec<(String, String)>,
    path: Path<'t>,
}

impl<'t> References<'t> {
    fn value(&mut self, value: Value<'t>) {
        for (key, member) in value.members().into_iter().flatten() {
            let name = key.as_str().unwrap_or_default();
            // Data, not schemas.
            if matches!(
                &*name,
                "enum" | "const" | "default" | "examples" | "example"
            ) {
                continue;
            }
            self.path.0.push(Step::Key(name.clone()));
            match (&*name, member.as_str()) {
                ("$id" | "id", Some(id)) => {
                    self.ids.insert(id.trim_end_matches("#").to_owned());
                }
                ("$ref" | "$dynamicRef" | "$recursiveRef", Some(uri))
                    if self.out.len() < FINDINGS_MAX =>
                {
                    self.out.push((self.path.pointer(), uri.into_owned()));
                }
                _ => self.value(member),
            }
            self.path.0.pop();
        }
        for (index, element) in value.elements().into_iter().flatten().enumerate() {
            self.path.0.push(Step::Index(index));
            self.value(element);
            self.path.0.pop();
        }
    }
}
