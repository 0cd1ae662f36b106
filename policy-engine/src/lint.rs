//! Mistakes that can be seen without running a policy.

use crate::contract::{Contract, Form, NAMES};
use crate::error::{Mistake, PolicyError};
use crate::package::Package;
use crate::policy::rule_head;
use crate::syntax::{Step, Visitor, dotted, place, reference, walk_module};
use regorus::unstable::{Expr, Module, Rule, RuleHead};
use std::collections::{BTreeMap, BTreeSet};

/// Built-ins that are refused, and what to write instead. A name ending in `.` means all that begin so.
const REFUSED: &[(&str, &str)] = &[
    (
        "http.send",
        "policies cannot call out; put the answer into `data`, or into the caller's labels",
    ),
    (
        "time.now_ns",
        "write `input.time_ns`: when the exchange arrived, in nanoseconds",
    ),
    (
        "rand.",
        "the same facts must give the same decision; derive what you need from `input.id`",
    ),
    (
        "uuid.rfc4122",
        "the same facts must give the same decision; `input.id` is unique",
    ),
    (
        "opa.runtime",
        "there is no OPA around this policy; put settings into `data`",
    ),
    (
        "net.lookup_ip_addr",
        "policies cannot look names up; put addresses into `data`",
    ),
    (
        "io.jwt.",
        "tokens are verified before policies run; read `input.caller` and its labels",
    ),
    (
        "crypto.",
        "this engine has no cryptography; put digests into `data`",
    ),
    ("providers.", "this engine signs no requests"),
    ("graphql.", "this engine reads no GraphQL"),
    ("rego.", "policies cannot look at policies"),
    ("test.sleep", "policies cannot wait"),
];

/// All that is wrong with the policies by their looks.
pub(crate) fn check(modules: &[(Package, Module)]) -> Vec<PolicyError> {
    let mut errors = Vec::new();
    let mut called: BTreeMap<&Package, BTreeSet<String>> = BTreeMap::new();
    for (package, module) in modules {
        let mut uses = Uses {
            package,
            called: BTreeSet::new(),
            errors: Vec::new(),
        };
        walk_module(module, &mut uses);
        errors.append(&mut uses.errors);
        errors.extend(
            module
                .imports
                .iter()
                .filter_map(|import| foreign(package, &import.refr)),
        );
        called.entry(package).or_default().append(&mut uses.called);
    }
    for (package, module) in modules
        .iter()
        .filter(|(package, _)| package.layer().is_some())
    {
        let called = called.entry(package).or_default();
        errors.extend(
            module
                .policy
                .iter()
                .filter_map(|rule| misspelt(rule, called)),
        );
        errors.extend(module.policy.iter().filter_map(|rule| misshapen(rule)));
    }
    errors
}

/// Looks at what expressions use.
struct Uses<'a> {
    package: &'a Package,
    /// Names that rules refer to, so that a helper is not taken for a misspelt rule.
    called: BTreeSet<String>,
    errors: Vec<PolicyError>,
}

impl Visitor for Uses<'_> {
    fn expr(&mut self, expr: &Expr) -> bool {
        match expr {
            Expr::Call { fcn, .. } => self.errors.extend(refused(fcn)),
            Expr::Var { value, .. } => {
                if let Ok(name) = value.as_string() {
                    self.called.insert(name.to_string());
                }
            }
            _ => {}
        }
        if let Some(error) = foreign(self.package, expr) {
            self.errors.push(error);
            return false;
        }
        // The references inside a reference are its own beginnings; only what stands in brackets is news.
        if matches!(expr, Expr::RefDot { .. } | Expr::RefBrack { .. })
            && let Some((root, steps)) = reference(expr)
        {
            if root == "data"
                && let Some(Step::Key(last)) = steps.last()
            {
                self.called.insert(last.clone());
            }
            self.called.insert(root);
            walk_brackets(expr, self);
            return false;
        }
        true
    }
}

fn walk_brackets(expr: &Expr, visitor: &mut dyn Visitor) {
    match expr {
        Expr::RefDot { refr, .. } => walk_brackets(refr, visitor),
        Expr::RefBrack { refr, index, .. } => {
            walk_brackets(refr, visitor);
            crate::syntax::walk(index, visitor);
        }
        _ => {}
    }
}

fn refused(fcn: &Expr) -> Option<PolicyError> {
    let name = dotted(fcn)?;
    let (_, instead) = REFUSED
        .iter()
        .find(|(refused, _)| match refused.strip_suffix('.') {
            Some(family) => name
                .strip_prefix(family)
                .is_some_and(|rest| rest.starts_with('.')),
            None => name == *refused,
        })?;
    let message = format!("`{name}` is not to be had here");
    Some(PolicyError::new(Mistake::Builtin, place(fcn.span()), message).hint(*instead))
}

/// A reference into the rules of another layer, or to `data` as a whole.
fn foreign(package: &Package, expr: &Expr) -> Option<PolicyError> {
    let (root, steps) = reference(expr)?;
    if root != "data" {
        return None;
    }
    let keys: Vec<Option<&str>> = steps
        .iter()
        .map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Any => None,
        })
        .collect();
    let other = match keys.as_slice() {
        [] | [None, ..] => "all of `data`, and so every layer's rules".into(),
        [Some("sallyport"), Some("lib"), ..] => return None,
        [Some("sallyport"), Some("org"), ..] if *package == Package::Org => return None,
        [Some("sallyport"), Some("teams"), Some(team), ..]
            if *package == Package::Team((*team).into()) =>
        {
            return None;
        }
        [Some("sallyport"), Some("teams"), Some(team), ..] => format!("the rules of team `{team}`"),
        [Some("sallyport"), Some("org"), ..] => "the platform's rules".into(),
        [Some("sallyport"), ..] => "other layers' rules".into(),
        _ => return None,
    };
    let message = format!("`{package}` reads {other}");
    let hint = "a layer reads its own rules, `data.sallyport.lib.*` and data files; put what is shared into a library";
    Some(PolicyError::new(Mistake::Layer, place(expr.span()), message).hint(hint))
}

fn misspelt(rule: &Rule, called: &BTreeSet<String>) -> Option<PolicyError> {
    let (refr, span) = rule_head(rule);
    let (name, _) = reference(refr)?;
    if NAMES.contains(&name.as_str()) || called.contains(&name) {
        return None;
    }
    let meant = Contract::meant_by(&name)?;
    let message = format!("no rule is called `{name}`, and nothing uses it");
    Some(
        PolicyError::new(Mistake::Name, place(span), message)
            .hint(format!("did you mean `{meant}`?")),
    )
}

fn misshapen(rule: &Rule) -> Option<PolicyError> {
    let (refr, span) = rule_head(rule);
    let (name, steps) = reference(refr)?;
    let contract = Contract::named(&name)?;
    let wrong = |message: String| {
        Some(
            PolicyError::new(Mistake::Shape, place(span), message)
                .hint(format!("write `{}`", contract.example)),
        )
    };
    let value = match rule {
        _ if !steps.is_empty() => {
            return wrong(format!("`{name}` is one rule, and has no keys of its own"));
        }
        Rule::Default { value, .. } => Some(value.as_ref()),
        Rule::Spec {
            head: RuleHead::Func { .. },
            ..
        } => return wrong(format!("`{name}` is a rule, not a function")),
        Rule::Spec {
            head: RuleHead::Set { .. },
            ..
        } => {
            return if contract.form == Form::Set {
                None
            } else {
                wrong(format!("`{name}` must be {}", contract.form.word()))
            };
        }
        Rule::Spec {
            head: RuleHead::Compr { assign, .. },
            bodies,
            ..
        } => {
            let more = bodies
                .iter()
                .filter_map(|body| body.assign.as_ref())
                .map(|assign| assign.value.as_ref());
            let values: Vec<&Expr> = assign
                .iter()
                .map(|assign| assign.value.as_ref())
                .chain(more)
                .collect();
            if let Some(odd) = values.iter().find(|value| !contract.form.may_be(value)) {
                Some(*odd)
            } else if values.is_empty() && contract.form != Form::Bool {
                return wrong(format!(
                    "`{name}` must be {}, and this makes it `true`",
                    contract.form.word()
                ));
            } else {
                None
            }
        }
    };
    match value {
        Some(value) if !contract.form.may_be(value) => {
            wrong(format!("`{name}` must be {}", contract.form.word()))
        }
        _ => None,
    }
}
