//! `x-mcp-header`: MCP 2026-07-28, basic/transports/streamable-http, "Schema Extension". A client must not use
//! a tool that breaks these rules: a header that one hop reads otherwise than the next is a way around it.

use super::schema::tell;
use crate::finding::{Observation, Severity};
use crate::leaves::{Path, Step};
use crate::limits::FINDINGS_MAX;
use sallyport_exchange::json::Value;
use std::collections::HashSet;

/// Checks every annotation in an input schema.
pub(crate) fn check(schema: Value<'_>, found: &mut Vec<Observation>) {
    let mut walk = Walk {
        names: HashSet::new(),
        path: Path(vec![Step::Key("inputSchema".into())]),
        found,
        told: 0,
    };
    walk.schema(schema, false);
}

struct Walk<'t, 'f> {
    /// In small letters.
    names: HashSet<String>,
    path: Path<'t>,
    found: &'f mut Vec<Observation>,
    told: usize,
}

impl<'t> Walk<'t, '_> {
    fn tell(&mut self, says: &str) {
        if self.told < FINDINGS_MAX {
            let place = format!("{}/x-mcp-header", self.path.pointer());
            tell(
                self.found,
                Severity::Refusal,
                &place,
                format!("x-mcp-header: {says}"),
            );
        }
        self.told += 1;
    }

    /// `fixed`: a property that a chain of `properties` alone leads to.
    fn schema(&mut self, schema: Value<'t>, fixed: bool) {
        if let Some(name) = schema.member("x-mcp-header") {
            self.annotation(schema, name, fixed);
        }
        let root = self.path.0.len() == 1;
        for (key, member) in schema.members().into_iter().flatten() {
            let name = key.as_str().unwrap_or_default();
            self.path.0.push(Step::Key(name.clone()));
            match &*name {
                "properties" => self.map(member, fixed || root),
                "patternProperties" | "$defs" | "definitions" | "dependentSchemas"
                | "dependencies" => {
                    self.map(member, false);
                }
                "items"
                | "prefixItems"
                | "additionalItems"
                | "additionalProperties"
                | "unevaluatedItems"
                | "unevaluatedProperties"
                | "contains"
                | "propertyNames"
                | "contentSchema"
                | "allOf"
                | "anyOf"
                | "oneOf"
                | "not"
                | "if"
                | "then"
                | "else" => self.one_or_list(member),
                _ => {}
            }
            self.path.0.pop();
        }
    }

    fn map(&mut self, schemas: Value<'t>, fixed: bool) {
        for (key, schema) in schemas.members().into_iter().flatten() {
            self.path
                .0
                .push(Step::Key(key.as_str().unwrap_or_default()));
            self.schema(schema, fixed);
            self.path.0.pop();
        }
    }

    fn one_or_list(&mut self, value: Value<'t>) {
        self.schema(value, false);
        for (index, schema) in value.elements().into_iter().flatten().enumerate() {
            self.path.0.push(Step::Index(index));
            self.schema(schema, false);
            self.path.0.pop();
        }
    }

    fn annotation(&mut self, schema: Value<'t>, name: Value<'t>, fixed: bool) {
        let Some(name) = name.as_str() else {
            return self.tell("not a string");
        };
        if name.is_empty() || !name.bytes().all(is_tchar) {
            self.tell("not a header's name (RFC 9110, token)");
        } else if !self.names.insert(name.to_ascii_lowercase()) {
            self.tell("the same name twice; case does not count");
        }
        if !fixed {
            self.tell("not on a property that `properties` alone lead to");
        }
        if !schema.member("type").is_some_and(is_primitive) {
            self.tell("only strings, integers and booleans may be in headers");
        }
    }
}

/// A type of which values may stand in headers, or a list of such; null is told by leaving the header out.
fn is_primitive(kind: Value<'_>) -> bool {
    let one = |kind: Value<'_>| {
        ["string", "integer", "boolean"]
            .iter()
            .any(|name| kind.is_str(name))
    };
    match kind.elements() {
        Some(mut kinds) => {
            kinds.clone().any(one) && kinds.all(|kind| one(kind) || kind.is_str("null"))
        }
        None => one(kind),
    }
}

/// RFC 9110, section 5.6.2.
fn is_tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
