//! All policies, compiled, and what they decide.

use crate::contract;
use crate::decision::{Decision, Words};
use crate::error::{Mistake, Place, PolicyError, PolicyErrors, from_regorus};
use crate::eval::{EvalError, read_input};
use crate::facts::Facts;
use crate::layer::{ENTRY_PACKAGE, Layer, Mishap, Rules, entry_rule};
use crate::limits::Limits;
use crate::lint;
use crate::needs::Needs;
use crate::package::Package;
use crate::reading::Reading;
use crate::recursion;
use crate::rewrite::written_out;
use crate::source::{PolicyFile, PolicySource};
use crate::syntax::parse;
use crate::witness::{Question, Witness};
use regorus::unstable::{Expr, Module, Rule, RuleHead, Span};
use regorus::{CompiledPolicy, Engine, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The policies of the platform and of every team, compiled once and shared by all threads.
///
/// `sallyport.org` is judged first, then the team's own package. Both must allow; what they deny, redact, hide and
/// warn of adds up, so that a team can tighten and never loosen. Where there is no package `sallyport.org` at all,
/// the platform has no opinion: it allows. A team without a package is refused everything.
#[derive(Debug)]
pub struct Policy {
    org: Option<Layer>,
    teams: BTreeMap<String, Team>,
    org_needs: Needs,
    limits: Limits,
    revision: String,
}

#[derive(Debug)]
struct Team {
    layer: Layer,
    needs: Needs,
}

impl Policy {
    /// Compiles all policies. Everything that can be wrong with a policy is said here, all at once.
    pub fn compile(source: &PolicySource, limits: Limits) -> Result<Policy, PolicyErrors> {
        match catch_unwind(AssertUnwindSafe(|| {
            Draft::read(source)?.compile(source, limits)
        })) {
            Ok(policy) => policy,
            Err(_) => Err(PolicyError::new(
                Mistake::Unsupported,
                Place::file("(all policies)"),
                "the compiler panicked",
            )
            .into()),
        }
    }

    /// Decides one exchange for one team. Total: whatever goes wrong is a denial.
    pub fn decide(&self, team: &str, facts: &Facts<'_>) -> Decision {
        self.decide_before(None, team, facts, facts.asks_allow())
    }

    /// Decides an `input` document once more. `asks_allow`: whether `allow` was asked for then.
    pub fn replay(&self, team: &str, input: &str, asks_allow: bool) -> Result<Decision, EvalError> {
        let input = read_input(input)?;
        let operation = input["operation"].as_string().map(|text| text.to_string());
        Ok(self.judge(team, input, &operation.unwrap_or_default(), asks_allow))
    }

    /// Decides, and tells a witness of it.
    pub(crate) fn decide_before(
        &self,
        witness: Option<&dyn Witness>,
        team: &str,
        facts: &Facts<'_>,
        asks_allow: bool,
    ) -> Decision {
        let mut words = Words::default();
        let needs = match witness {
            Some(_) => Needs::ALL,
            None => self.needs(team),
        };
        let document = catch_unwind(AssertUnwindSafe(|| facts.document(needs)));
        let input = match document {
            Ok(Ok(input)) => input,
            Ok(Err(error)) => {
                let say = "The arguments of this tool call cannot be read.";
                words.deny(
                    "gateway/unreadable-arguments".into(),
                    say,
                    Some(error.to_string()),
                );
                return Decision::of(words);
            }
            Err(_) => {
                words.deny(
                    "gateway/error".into(),
                    "The gateway could not judge this.",
                    Some("the input document panicked".into()),
                );
                return Decision::of(words);
            }
        };
        let Some(witness) = witness else {
            return self.judge(team, input, facts.operation.as_str(), asks_allow);
        };
        let decision = self.judge(team, input.clone(), facts.operation.as_str(), asks_allow);
        witness.decided(&Question {
            exchange: &facts.about.id,
            team,
            asks_allow,
            revision: &self.revision,
            decision: &decision,
            input: &input,
        });
        decision
    }

    /// Decides from a document.
    pub(crate) fn judge(
        &self,
        team: &str,
        input: Value,
        operation: &str,
        asks_allow: bool,
    ) -> Decision {
        let mut words = Words::default();
        for (layer, ruling) in self.rulings(team, &input) {
            let reading = Reading {
                layer,
                limits: &self.limits,
                operation,
                asks_allow,
            };
            words.add(reading.words(ruling));
        }
        if !self.teams.contains_key(team) {
            no_policy(team, &mut words);
        }
        Decision::of(words)
    }

    /// What each layer's rules give, in order.
    pub(crate) fn rulings(
        &self,
        team: &str,
        input: &Value,
    ) -> impl Iterator<Item = (&str, Result<Value, Mishap>)> {
        let team = self.teams.get(team).map(|team| &team.layer);
        self.org
            .iter()
            .chain(team)
            .map(|layer| (&*layer.name, layer.run(input.clone())))
    }

    /// Which costly fields the policies for a team read.
    pub fn needs(&self, team: &str) -> Needs {
        match self.teams.get(team) {
            Some(team) => team.needs,
            None => self.org_needs,
        }
    }

    /// The teams that have a package, sorted.
    pub fn teams(&self) -> impl Iterator<Item = &str> {
        self.teams.keys().map(String::as_str)
    }

    /// Whether the platform has a package.
    pub fn has_org(&self) -> bool {
        self.org.is_some()
    }

    /// Which policies these are: 16 hex digits, the same for the same files.
    pub fn revision(&self) -> &str {
        &self.revision
    }
}

fn no_policy(team: &str, words: &mut Words) {
    let say = if crate::package::is_team_name(team) {
        format!(
            "The team `{team}` has no policy, so nothing is allowed. Write `package sallyport.teams.{team}` into `{team}.rego`."
        )
    } else {
        format!("`{team}` is not a team's name: small letters, digits and underscores.")
    };
    words.deny("gateway/no-policy".into(), say, None);
}

/// Policies that have been read and looked over, and not yet compiled.
pub(crate) struct Draft {
    pub(crate) modules: Vec<(Package, Module)>,
    data: Value,
}

impl Draft {
    /// Reads all files and looks for mistakes.
    pub(crate) fn read(source: &PolicySource) -> Result<Draft, PolicyErrors> {
        let mut errors = twice_named(source);
        let mut modules = Vec::new();
        for file in source.policies() {
            match parse(file).and_then(|module| Ok((Package::of(&module)?, module))) {
                Ok(module) => modules.push(module),
                Err(error) => errors.push(error),
            }
        }
        errors.extend(lint::check(&modules));
        errors.extend(recursion::check(&modules));
        let data = source.merged_data().unwrap_or_else(|clashes| {
            errors.extend(clashes);
            Value::new_object()
        });
        PolicyErrors::check(errors)?;
        Ok(Draft { modules, data })
    }

    fn compile(&self, source: &PolicySource, limits: Limits) -> Result<Policy, PolicyErrors> {
        let packages = self.packages();
        if packages.is_empty() {
            return Ok(Policy {
                org: None,
                teams: BTreeMap::new(),
                org_needs: Needs::default(),
                limits,
                revision: source.revision(),
            });
        }
        let compiled = self.engine(&packages)?;
        let mut policy = Policy {
            org: None,
            teams: BTreeMap::new(),
            org_needs: self.needs(&Package::Org),
            limits,
            revision: source.revision(),
        };
        let mut errors = Vec::new();
        for package in packages.keys() {
            let Some(name) = package.layer() else {
                continue;
            };
            match Layer::compile(&name, &entry_name(package), &compiled, &self.data, limits) {
                Ok(layer) => policy.take(package, layer, self.needs(package)),
                Err(error) => errors.push(uncompiled(&package.to_string(), &error)),
            }
        }
        PolicyErrors::check(errors)?;
        Ok(policy)
    }

    /// The contract rules that each layer's packages define.
    fn packages(&self) -> BTreeMap<Package, Rules> {
        let layers = || {
            self.modules
                .iter()
                .filter(|(package, _)| package.layer().is_some())
        };
        let mut packages = BTreeMap::new();
        for (package, _) in layers() {
            packages.entry(package.clone()).or_insert_with(|| {
                let modules = layers().filter(|(other, _)| other == package);
                contract::rules(
                    modules
                        .flat_map(|(_, module)| &module.policy)
                        .map(|rule| &**rule),
                )
            });
        }
        packages
    }

    /// The policies and the generated entry rules, analysed by regorus.
    fn engine(&self, packages: &BTreeMap<Package, Rules>) -> Result<CompiledPolicy, PolicyErrors> {
        let broken = |error: anyhow::Error| {
            PolicyErrors::from(uncompiled("(all policies)", &error.to_string()))
        };
        let mut engine = Engine::new();
        for (_, module) in &self.modules {
            let source = &module.package.span.source;
            let text = written_out(source.get_contents(), module);
            engine
                .add_policy(source.get_path().clone(), text)
                .map_err(broken)?;
        }
        let entry = entry_module(packages);
        engine.add_policy(entry.path, entry.text).map_err(broken)?;
        engine.add_data(self.data.clone()).map_err(broken)?;
        let first = packages.keys().next().map(entry_name).unwrap_or_default();
        engine
            .compile_with_entrypoint(&format!("data.{ENTRY_PACKAGE}.{first}").into())
            .map_err(broken)
    }

    /// What a layer, or any library, reads.
    fn needs(&self, package: &Package) -> Needs {
        let counts = |other: &Package| other == package || *other == Package::Library;
        let modules = self.modules.iter().filter(|(other, _)| counts(other));
        modules.fold(Needs::default(), |needs, (_, module)| {
            needs.or(Needs::of(module))
        })
    }
}

impl Policy {
    fn take(&mut self, package: &Package, layer: Layer, needs: Needs) {
        match package {
            Package::Org => self.org = Some(layer),
            Package::Team(team) => {
                let needs = if self.org.is_some() {
                    needs.or(self.org_needs)
                } else {
                    needs
                };
                self.teams.insert(team.clone(), Team { layer, needs });
            }
            Package::Library => {}
        }
    }
}

fn entry_name(package: &Package) -> String {
    match package {
        Package::Team(team) => format!("team_{team}"),
        other => other.layer().unwrap_or_default(),
    }
}

fn entry_module(packages: &BTreeMap<Package, Rules>) -> PolicyFile {
    let rules: Vec<String> = packages
        .iter()
        .map(|(package, rules)| entry_rule(&entry_name(package), &package.to_string(), rules))
        .collect();
    PolicyFile {
        path: "(entry)".into(),
        text: format!("package {ENTRY_PACKAGE}\n\n{}", rules.join("\n")),
    }
}

/// The reference and the place of a rule's head.
pub(crate) fn rule_head(rule: &Rule) -> (&Expr, &Span) {
    match rule {
        Rule::Default { refr, span, .. } => (refr, span),
        Rule::Spec {
            head:
                RuleHead::Compr { refr, .. } | RuleHead::Set { refr, .. } | RuleHead::Func { refr, .. },
            span,
            ..
        } => (refr, span),
    }
}

fn uncompiled(fallback: &str, error: &str) -> PolicyError {
    let mut error = from_regorus(Mistake::Unsupported, fallback, error);
    if error.message.contains("with constant keys") || error.message.contains("nested bracket keys")
    {
        error = error.hint("write the object in one piece: `name := {\"key\": …}`");
    } else if error.message.contains("`with` keyword") {
        error = error.hint("`with` is for tests, in files ending in `_test.rego`");
    }
    error
}

fn twice_named(source: &PolicySource) -> Vec<PolicyError> {
    let mut seen = BTreeSet::new();
    let paths = source
        .files
        .iter()
        .map(|file| &file.path)
        .chain(source.data.iter().map(|(path, _)| path));
    paths
        .filter(|path| !seen.insert(path.as_str()))
        .map(|path| PolicyError::new(Mistake::Data, Place::file(path), "this file is given twice"))
        .collect()
}

/// Compiles whatever text comes, and judges by it if it compiles. Must not panic; for fuzzing.
pub fn fuzz_compile(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let source = PolicySource::of([("fuzz.rego", &*text)]);
    if let Ok(policy) = Policy::compile(&source, Limits::default()) {
        let teams: Vec<&str> = policy.teams().collect();
        for team in teams.into_iter().chain(["none"]) {
            let _ = policy.evaluate(team, "{\"operation\": \"chat\"}");
        }
    }
}
