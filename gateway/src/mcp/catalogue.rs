//! What tools a server offers, as the gateway itself has asked: to judge a call by the offer it answers to, and
//! to check its arguments.

use super::link::Link;
use super::offered::{self, NoList};
use super::pins::Held;
use super::session::Session;
use crate::edge::failure::{Failure, RpcFault};
use http::{HeaderName, HeaderValue};
use parking_lot::Mutex;
use sallyport_exchange::json::{Tape, Value};
use sallyport_exchange::mcp::Code;
use sallyport_exchange::{Kind, Payload};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

/// A schema longer than this is not compiled; arguments are then not checked against it.
const SCHEMA_MAX: usize = 256 << 10;
/// Mistakes in arguments that an agent is told of at once.
const MISTAKES_TOLD: usize = 5;

/// The tools of one server.
#[derive(Debug, Default)]
pub struct Catalogue {
    tools: HashMap<Arc<str>, Tool>,
    /// Which of them were held back when somebody last asked.
    pub held: Mutex<Option<Arc<Held>>>,
}

/// One tool.
#[derive(Debug)]
pub struct Tool {
    /// Its declaration, as JSON.
    pub json: Arc<str>,
    input: OnceLock<Input>,
}

/// What a declaration says of arguments, made ready once.
#[derive(Debug, Default)]
struct Input {
    /// The compiled schema; references to other documents are never followed, so one that has some is not checked
    /// against.
    validator: Option<jsonschema::Validator>,
    /// The keys it names; `None`: it may take others.
    declared: Option<HashSet<String>>,
}

impl Catalogue {
    /// A catalogue of these declarations. Of two with one name, neither counts: which one is meant?
    pub fn of(declarations: Vec<Arc<str>>) -> Catalogue {
        let mut tools: HashMap<Arc<str>, Tool> = HashMap::new();
        let mut twice = Vec::new();
        for json in declarations {
            let name = Tape::read_str(&json)
                .ok()
                .and_then(|t| Some(t.root().member("name")?.as_str()?.into_owned()));
            let name = name.filter(|name| !name.is_empty());
            let Some(name) = name.map(Arc::<str>::from) else {
                continue;
            };
            let tool = Tool {
                json,
                input: OnceLock::new(),
            };
            if tools.insert(name.clone(), tool).is_some() {
                twice.push(name);
            }
        }
        for name in twice {
            tools.remove(&name);
        }
        Catalogue {
            tools,
            held: Mutex::default(),
        }
    }

    /// The tool of this name.
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.get(name)
    }

    /// Whether each of these declarations is one of its own, to the letter.
    pub fn has_all(&self, declarations: &[&str]) -> bool {
        let known: HashSet<&str> = self.declarations().collect();
        declarations.iter().all(|json| known.contains(json))
    }

    /// The declarations of all tools, as JSON.
    pub fn declarations(&self) -> impl Iterator<Item = &str> {
        self.tools.values().map(|tool| &*tool.json)
    }

    /// The names of all tools.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.tools.keys()
    }
}

impl Tool {
    /// Checks the arguments of a call against the declared schema. `strict`: keys that the schema does not name
    /// are refused, unless it says that it takes them.
    ///
    /// Says what is wrong by place and rule, never by value: an argument may hold a secret.
    pub fn check(&self, arguments: &str, strict: bool) -> Result<(), String> {
        let Ok(mut instance) = serde_json::from_str::<serde_json::Value>(arguments) else {
            return Err("the arguments are not JSON".to_owned());
        };
        // Many agents write `null` for an argument that they leave out.
        if let Some(members) = instance.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        let mut mistakes: Vec<String> = Vec::new();
        let input = self.input.get_or_init(|| Input::of(&self.json));
        if let Some(validator) = &input.validator {
            for error in validator.iter_errors(&instance).take(MISTAKES_TOLD) {
                let place = error.instance_path().to_string();
                let place = if place.is_empty() { "/" } else { &place };
                mistakes.push(format!("{place}: {}", error.masked()));
            }
        }
        if strict {
            mistakes.extend(input.unknown_keys(&instance));
        }
        match mistakes.is_empty() {
            true => Ok(()),
            false => Err(mistakes.join("; ")),
        }
    }

    /// The headers `Mcp-Param-*` that mirror arguments (2026-07-28, Custom Headers from Tool Parameters).
    pub fn param_headers(&self, arguments: &str) -> Vec<(HeaderName, HeaderValue)> {
        let (Ok(declaration), Ok(arguments)) =
            (Tape::read_str(&self.json), Tape::read_str(arguments))
        else {
            return Vec::new();
        };
        let mut headers = Vec::new();
        if let Some(schema) = declaration.root().member("inputSchema") {
            mirrored(schema, arguments.root(), &mut headers);
        }
        headers
    }
}

impl Input {
    fn of(declaration: &str) -> Input {
        let read: Option<serde_json::Value> = serde_json::from_str(declaration).ok();
        let Some(schema) = read.as_ref().and_then(|d| d.get("inputSchema")) else {
            return Input::default();
        };
        let validator = (declaration.len() <= SCHEMA_MAX)
            .then(|| jsonschema::options().build(schema).ok())
            .flatten();
        Input {
            validator,
            declared: declared_keys(schema),
        }
    }

    fn unknown_keys(&self, instance: &serde_json::Value) -> Vec<String> {
        let Some(declared) = &self.declared else {
            return Vec::new();
        };
        let keys = instance.as_object().into_iter().flatten();
        keys.filter(|(key, _)| !declared.contains(*key))
            .take(MISTAKES_TOLD)
            .map(|(key, _)| {
                let shown: String = key.chars().filter(|c| !c.is_control()).take(40).collect();
                format!("the key `{shown}` is not declared")
            })
            .collect()
    }
}

/// The keys that a schema names; `None` if it may take others, or is no object.
fn declared_keys(schema: &serde_json::Value) -> Option<HashSet<String>> {
    const MORE_KEYS: [&str; 10] = [
        "additionalProperties",
        "patternProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "$ref",
        "$dynamicRef",
        "if",
        "dependentSchemas",
        "unevaluatedProperties",
    ];
    let schema = schema.as_object()?;
    if MORE_KEYS.iter().any(|key| schema.contains_key(*key)) {
        return None;
    }
    let properties = schema.get("properties").and_then(|p| p.as_object());
    Some(
        properties
            .into_iter()
            .flatten()
            .map(|(key, _)| key.clone())
            .collect(),
    )
}

fn mirrored(schema: Value<'_>, instance: Value<'_>, headers: &mut Vec<(HeaderName, HeaderValue)>) {
    let properties = schema.member("properties").and_then(Value::members);
    for (key, property) in properties.into_iter().flatten() {
        let key = key.as_str().unwrap_or_default();
        let Some(value) = instance.member(&key) else {
            continue;
        };
        let name = property.member("x-mcp-header").and_then(Value::as_str);
        let header = name.and_then(|name| {
            HeaderName::try_from(format!("mcp-param-{}", name.to_ascii_lowercase())).ok()
        });
        if let (Some(header), false) = (header, value.is_null()) {
            let text = value.as_str().unwrap_or(value.raw().into());
            if let Ok(value) = HeaderValue::try_from(super::modern::header_value(&text)) {
                headers.push((header, value));
            }
        }
        mirrored(property, value, headers);
    }
}

/// Names that stand for several tools of a list, and the empty one, which stands for those without a name: none of
/// them can be called.
pub fn ambiguous(list: &Payload) -> Vec<String> {
    let mut seen = HashSet::new();
    let offers = list.of_kind(Kind::ToolOffer);
    let names = offers.map(|(_, part)| part.tool.map_or("", |tool| list.text(tool)));
    let again = names.filter(|name| name.is_empty() || !seen.insert(*name));
    again.map(str::to_owned).collect()
}

/// A call of a tool that the server does not offer.
pub fn unknown(name: &str) -> Failure {
    let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    Failure::Rpc(RpcFault::answer(
        Code::InvalidParams,
        format!("Unknown tool: {shown}"),
    ))
}

/// The catalogue of a server: remembered, or asked for now.
pub async fn load(link: &Arc<Link>, session: &Arc<Session>) -> Result<Arc<Catalogue>, Failure> {
    if let Some(catalogue) = link.catalogue() {
        return Ok(catalogue);
    }
    let declarations = ask(link, session).await?;
    let catalogue = Arc::new(Catalogue::of(declarations));
    link.remember(catalogue.clone());
    Ok(catalogue)
}

async fn ask(link: &Arc<Link>, session: &Arc<Session>) -> Result<Vec<Arc<str>>, Failure> {
    let connection = link.connection(session).await?;
    let introduction = link.introduction(session);
    match offered::tools(&connection, &introduction, || link.number()).await {
        Ok(declarations) => Ok(declarations),
        // It will not say: it offers none.
        Err(NoList::Error(_)) => Ok(Vec::new()),
        Err(NoList::Fault(fault)) => Err(fault.into()),
        Err(NoList::TooMuch) => Err(Failure::Rpc(RpcFault::answer(
            Code::Unavailable,
            "The tool server offers more tools than are looked at.",
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(schema: &str) -> Tool {
        let json = format!("{{\"name\":\"t\",\"inputSchema\":{schema}}}");
        let catalogue = Catalogue::of(vec![json.into()]);
        catalogue.tools.into_values().next().expect("one tool")
    }

    #[test]
    fn arguments_are_checked_by_the_offered_schema() {
        let tool =
            tool(r#"{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}"#);
        assert_eq!(tool.check(r#"{"n":1}"#, true), Ok(()));
        assert!(tool.check(r#"{"n":"secret"}"#, true).is_err());
        assert!(tool.check("{}", true).is_err());
        assert!(tool.check(r#"{"n":1,"extra":2}"#, true).is_err());
        assert_eq!(tool.check(r#"{"n":1,"extra":2}"#, false), Ok(()));
        let told = tool
            .check(r#"{"n":"secret"}"#, true)
            .expect_err("is refused");
        assert!(!told.contains("secret"), "{told}");
    }

    #[test]
    fn references_to_elsewhere_are_not_followed() {
        let tool =
            tool(r#"{"type":"object","properties":{"n":{"$ref":"http://127.0.0.1:9/x.json"}}}"#);
        assert_eq!(tool.check(r#"{"n":1}"#, false), Ok(()));
    }

    #[test]
    fn of_two_tools_with_one_name_neither_counts() {
        let catalogue = Catalogue::of(vec![
            r#"{"name":"a","description":"one"}"#.into(),
            r#"{"name":"a","description":"two"}"#.into(),
            r#"{"name":"b"}"#.into(),
        ]);
        assert!(catalogue.tool("a").is_none());
        assert!(catalogue.tool("b").is_some());
    }

    #[test]
    fn annotated_arguments_are_mirrored_in_headers() {
        let tool = tool(
            r#"{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},"deep":{"type":"object","properties":{"n":{"type":"integer","x-mcp-header":"N"}}},"none":{"type":"string","x-mcp-header":"None"}}}"#,
        );
        let headers = tool.param_headers(r#"{"region":"Köln","deep":{"n":7},"none":null}"#);
        let shown: Vec<_> = headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.to_str().unwrap_or("")))
            .collect();
        assert_eq!(
            shown,
            [
                ("mcp-param-region", "=?base64?S8O2bG4=?="),
                ("mcp-param-n", "7")
            ]
        );
    }
}
