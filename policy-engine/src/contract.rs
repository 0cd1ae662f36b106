//! The rules that the gateway asks a layer for, by name and type.

use crate::layer::Rules;
use crate::policy::rule_head;
use crate::syntax::reference;
use regorus::unstable::{Expr, Rule, RuleAssign, RuleHead};
use std::collections::BTreeMap;

/// The type of a rule's value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Bool,
    Set,
    Object,
}

impl Form {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Form::Bool => "true or false",
            Form::Set => "a set",
            Form::Object => "an object",
        }
    }

    /// Whether an expression's value may be of this type, as far as its looks tell.
    pub(crate) fn may_be(self, value: &Expr) -> bool {
        match value {
            Expr::Bool { .. } | Expr::BoolExpr { .. } | Expr::Membership { .. } => {
                self == Form::Bool
            }
            Expr::Set { .. } | Expr::SetCompr { .. } | Expr::BinExpr { .. } => self == Form::Set,
            Expr::Object { .. } | Expr::ObjectCompr { .. } => self == Form::Object,
            Expr::String { .. }
            | Expr::RawString { .. }
            | Expr::Number { .. }
            | Expr::Null { .. }
            | Expr::Array { .. }
            | Expr::ArrayCompr { .. } => false,
            _ => true,
        }
    }
}

/// One rule of the contract.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contract {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    /// How it is written.
    pub(crate) example: &'static str,
}

/// All of them. Each layer may give any; only `allow` must be given.
pub(crate) const CONTRACT: [Contract; 7] = [
    Contract {
        name: "allow",
        form: Form::Bool,
        example: "allow if { … }",
    },
    Contract {
        name: "deny",
        form: Form::Set,
        example: r#"deny contains {"rule": "…", "say": "…"} if { … }"#,
    },
    Contract {
        name: "redact",
        form: Form::Set,
        example: r#"redact contains "secret.*""#,
    },
    Contract {
        name: "hide",
        form: Form::Set,
        example: "hide contains tool.name if { some tool in input.tools; … }",
    },
    Contract {
        name: "steer",
        form: Form::Set,
        example: r#"steer contains {"rule": "…", "say": "…"} if { … }"#,
    },
    Contract {
        name: "warn",
        form: Form::Set,
        example: r#"warn contains {"rule": "…", "say": "…"} if { … }"#,
    },
    Contract {
        name: "settings",
        form: Form::Object,
        example: r#"settings := {"compression": "lossless"}"#,
    },
];

/// Their names.
pub(crate) const NAMES: [&str; 7] = [
    "allow", "deny", "redact", "hide", "steer", "warn", "settings",
];

/// Words that other products use for the same thing.
const SYNONYMS: &[(&str, &str)] = &[
    ("allowed", "allow"),
    ("permit", "allow"),
    ("denied", "deny"),
    ("block", "deny"),
    ("violation", "deny"),
    ("violations", "deny"),
    ("redaction", "redact"),
    ("redactions", "redact"),
    ("mask", "redact"),
    ("hidden", "hide"),
    ("guide", "steer"),
    ("warning", "warn"),
    ("warnings", "warn"),
    ("setting", "settings"),
    ("config", "settings"),
];

impl Contract {
    pub(crate) fn named(name: &str) -> Option<&'static Contract> {
        CONTRACT.iter().find(|contract| contract.name == name)
    }

    /// The rule that someone who wrote `name` will have meant.
    pub(crate) fn meant_by(name: &str) -> Option<&'static str> {
        let lower = name.to_lowercase();
        let synonym = SYNONYMS
            .iter()
            .find(|(word, _)| *word == lower)
            .map(|(_, meant)| *meant);
        synonym.or_else(|| NAMES.into_iter().find(|meant| is_slip(&lower, meant)))
    }
}

/// Which rules of the contract there are among a layer's, and whether each always has a value of its type.
pub(crate) fn rules<'m>(rules: impl Iterator<Item = &'m Rule>) -> Rules {
    let mut heads: BTreeMap<&'static str, Vec<&Rule>> = BTreeMap::new();
    for rule in rules {
        let name = reference(rule_head(rule).0)
            .map(|(name, _)| name)
            .unwrap_or_default();
        if let Some(contract) = Contract::named(&name) {
            heads.entry(contract.name).or_default().push(rule);
        }
    }
    heads
        .into_iter()
        .map(|(name, rules)| (name, always(&rules)))
        .collect()
}

/// Whether these heads give a value in any case: a partial set does, and so does a default beside constants.
fn always(rules: &[&Rule]) -> bool {
    let constant = |assign: &RuleAssign| matches!(*assign.value, Expr::Bool { .. });
    let is_set = |rule: &&Rule| {
        matches!(
            rule,
            Rule::Spec {
                head: RuleHead::Set { .. },
                ..
            }
        )
    };
    let is_default = |rule: &&Rule| matches!(rule, Rule::Default { value, .. } if matches!(**value, Expr::Bool { .. }));
    let is_constant = |rule: &&Rule| match rule {
        Rule::Spec {
            head: RuleHead::Compr { assign, .. },
            bodies,
            ..
        } => assign
            .iter()
            .chain(bodies.iter().filter_map(|body| body.assign.as_ref()))
            .all(constant),
        rule => is_default(rule),
    };
    rules.iter().all(is_set) || (rules.iter().any(is_default) && rules.iter().all(is_constant))
}

/// Whether two words differ by one letter more, fewer, other, or by two neighbours changed about.
fn is_slip(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let head = left.iter().zip(right).take_while(|(l, r)| l == r).count();
    let (left, right) = (&left[head..], &right[head..]);
    match (left, right) {
        ([], []) => true,
        ([_, l @ ..], [_, r @ ..]) if l == r => true,
        ([_, l @ ..], r) if l == r => true,
        (l, [_, r @ ..]) if l == r => true,
        ([a, b, l @ ..], [c, d, r @ ..]) => a == d && b == c && l == r,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::Contract;

    #[test]
    fn slips_are_seen_and_helpers_let_be() {
        for (slip, meant) in [
            ("alow", "allow"),
            ("denny", "deny"),
            ("dney", "deny"),
            ("redacts", "redact"),
            ("setting", "settings"),
            ("Allow", "allow"),
            ("allowed", "allow"),
            ("warnings", "warn"),
        ] {
            assert_eq!(Contract::meant_by(slip), Some(meant), "{slip}");
        }
        for name in [
            "is_prod",
            "allowed_tools",
            "team",
            "denylist",
            "hidden_tools",
            "tool",
        ] {
            assert_eq!(Contract::meant_by(name), None, "{name}");
        }
    }
}
