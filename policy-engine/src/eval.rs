//! Answers questions about policies for one `input` document: what do they decide, and which rules spoke.

use crate::contract::CONTRACT;
use crate::decision::Decision;
use crate::error::{Place, PolicyErrors};
use crate::interpreter::{Interpreter, Outcome};
use crate::layer::defined;
use crate::package::Package;
use crate::policy::{Draft, Policy, rule_head};
use crate::source::PolicySource;
use crate::syntax::{constant, place, reference};
use regorus::Value;
use regorus::unstable::{Expr, Module, Rule, RuleHead};
use std::collections::{BTreeMap, BTreeSet};

/// Why a question has no answer.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EvalError {
    /// The input document is not JSON.
    #[error("the input is not a JSON object: {0}")]
    Input(String),
    /// The policies have mistakes.
    #[error(transparent)]
    Policy(#[from] PolicyErrors),
    /// The query failed.
    #[error("the query failed: {0}")]
    Query(String),
}

/// A decision, and what it was made of.
#[derive(Clone, PartialEq, Debug)]
pub struct Evaluation {
    /// The decision.
    pub decision: Decision,
    /// What each layer's rules gave, in order: undefined rules are left out, an error stands in `error`.
    pub layers: Vec<(String, serde_json::Value)>,
}

/// One rule, and what it came to.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Explained {
    /// Its layer: `org`, `team:payments`.
    pub layer: String,
    /// Its name.
    pub rule: String,
    /// Its value; `None` where it is undefined.
    pub value: Option<serde_json::Value>,
    /// Whether it is defined, not false and not empty.
    pub spoke: bool,
    /// The heads, as `file:line:column`, that may have given the value.
    pub heads: Vec<String>,
    /// What failed in it.
    pub error: Option<String>,
}

impl Policy {
    /// Decides from an `input` document in JSON, as `sallyport policy eval` does.
    pub fn evaluate(&self, team: &str, input: &str) -> Result<Evaluation, EvalError> {
        let input = read_input(input)?;
        let field = |name: &str| {
            input[name]
                .as_string()
                .map(|text| text.to_string())
                .unwrap_or_default()
        };
        let (flow, operation) = (field("flow"), field("operation"));
        // As `Facts::asks_allow` has it.
        let asks_allow = match operation.as_str() {
            "tool_call" => flow != "answer" || field("via") != "mcp",
            "sample" | "elicit" | "roots" => true,
            _ => flow != "answer",
        };
        let layers = self
            .rulings(team, &input)
            .map(|(layer, ruling)| (layer.to_owned(), raw(ruling)))
            .collect();
        let decision = self.judge(team, input, &operation, asks_allow);
        Ok(Evaluation { decision, layers })
    }
}

pub(crate) fn read_input(json: &str) -> Result<Value, EvalError> {
    let input = Value::from_json_str(json).map_err(|error| EvalError::Input(error.to_string()))?;
    input
        .as_object()
        .map_err(|_| EvalError::Input("it is another value".into()))?;
    Ok(input)
}

/// A layer's ruling with the lists around its values taken off.
fn raw(ruling: Result<Value, crate::layer::Mishap>) -> serde_json::Value {
    let ruling = match ruling {
        Ok(ruling) => ruling,
        Err(mishap) => return serde_json::json!({ "error": mishap.to_string() }),
    };
    let mut rules = serde_json::Map::new();
    for contract in &CONTRACT {
        if let Some(value) = defined(&ruling, contract.name) {
            rules.insert(contract.name.into(), json(value));
        }
    }
    serde_json::Value::Object(rules)
}

fn json(value: &Value) -> serde_json::Value {
    serde_json::to_value(value).unwrap_or(serde_json::Value::Null)
}

/// The value of any query, such as `data.sallyport.teams.payments.deny`; `None` where it is undefined.
pub fn query(
    source: &PolicySource,
    query: &str,
    input: &str,
) -> Result<Option<serde_json::Value>, EvalError> {
    let mut interpreter = Interpreter::of(source)?;
    interpreter.set_input(read_input(input)?);
    match interpreter.query(query) {
        Outcome::Value(Value::Undefined) => Ok(None),
        Outcome::Value(value) => Ok(Some(json(&value))),
        Outcome::Failed(error) => Err(EvalError::Query(error)),
    }
}

/// What each rule of the platform's and a team's package comes to, and where it stands.
pub fn explain(
    source: &PolicySource,
    team: &str,
    input: &str,
) -> Result<Vec<Explained>, EvalError> {
    let draft = Draft::read(source)?;
    let mut interpreter = Interpreter::of(source)?;
    interpreter.set_input(read_input(input)?);
    let mut explained = Vec::new();
    for package in [Package::Org, Package::Team(team.into())] {
        let Some(layer) = package.layer() else {
            continue;
        };
        let modules = draft
            .modules
            .iter()
            .filter(|(other, _)| *other == package)
            .map(|(_, module)| module);
        for (rule, heads) in rules(modules) {
            let outcome = interpreter.rule(&format!("data.{package}.{rule}"));
            explained.push(explain_rule(layer.clone(), rule, &heads, outcome));
        }
    }
    Ok(explained)
}

fn explain_rule(layer: String, rule: String, heads: &[Head], outcome: Outcome) -> Explained {
    let (value, error) = match outcome {
        Outcome::Value(value) => (value, None),
        Outcome::Failed(error) => (Value::Undefined, Some(error)),
    };
    let said: BTreeSet<String> = match &value {
        Value::Set(set) => set
            .iter_sorted()
            .filter_map(|item| item["rule"].as_string().ok())
            .map(|rule| rule.to_string())
            .collect(),
        _ => BTreeSet::new(),
    };
    let spoke = match &value {
        Value::Undefined | Value::Bool(false) => false,
        Value::Set(set) => !set.is_empty(),
        Value::Object(object) => !object.is_empty(),
        _ => true,
    };
    let may_have_spoken =
        |head: &&Head| spoke && head.rule.as_ref().is_none_or(|rule| said.contains(rule));
    let places = heads
        .iter()
        .filter(may_have_spoken)
        .map(|head| head.at.to_string());
    let heads = if spoke {
        places.collect()
    } else {
        heads.iter().map(|head| head.at.to_string()).collect()
    };
    let value = (value != Value::Undefined).then(|| json(&value));
    Explained {
        layer,
        rule,
        value,
        spoke,
        heads,
        error,
    }
}

/// Where a rule's head stands, and the `rule` that it names if that is constant.
struct Head {
    at: Place,
    rule: Option<String>,
}

/// A layer's rules, without its functions, by name.
fn rules<'m>(modules: impl Iterator<Item = &'m Module>) -> BTreeMap<String, Vec<Head>> {
    let mut rules: BTreeMap<String, Vec<Head>> = BTreeMap::new();
    for rule in modules.flat_map(|module| &module.policy) {
        let (refr, span) = rule_head(rule);
        if matches!(
            &**rule,
            Rule::Spec {
                head: RuleHead::Func { .. },
                ..
            }
        ) {
            continue;
        }
        if let Some((name, steps)) = reference(refr)
            && steps.is_empty()
        {
            rules.entry(name).or_default().push(Head {
                at: place(span),
                rule: named_in_head(rule),
            });
        }
    }
    rules
}

/// The constant under `"rule"` in `deny contains {"rule": "…", …}`.
fn named_in_head(rule: &Rule) -> Option<String> {
    let Rule::Spec {
        head: RuleHead::Set { key: Some(key), .. },
        ..
    } = rule
    else {
        return None;
    };
    let Expr::Object { fields, .. } = key.as_ref() else {
        return None;
    };
    let field = fields
        .iter()
        .find(|(_, key, _)| constant(key).as_deref() == Some("rule"))?;
    constant(&field.2)
}
