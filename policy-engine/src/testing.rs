//! Runs the `test_*` rules of `_test.rego` files, and says which lines of the policies they reached.

use crate::error::{Place, PolicyErrors};
use crate::interpreter::{Interpreter, Outcome};
use crate::library;
use crate::limits::Limits;
use crate::policy::{Policy, rule_head};
use crate::source::PolicySource;
use crate::syntax::{dotted, parse, place, reference};
use regorus::Value;
use regorus::unstable::Module;
use std::collections::BTreeSet;

/// What the tests of a policy source came to.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct TestReport {
    /// Each test, in order of file and line.
    pub tests: Vec<TestResult>,
    /// Each policy file, in order.
    pub coverage: Vec<Coverage>,
}

impl TestReport {
    /// Whether all tests passed.
    pub fn passed(&self) -> bool {
        self.tests.iter().all(|test| test.passed)
    }
}

/// One test.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct TestResult {
    /// Its rule, with its package: `sallyport.teams.payments.test_reads_pass`.
    pub name: String,
    /// The file it is in.
    pub file: String,
    /// The line of its head, counted from 1.
    pub line: u32,
    /// Whether the rule is true.
    pub passed: bool,
    /// Why it is not, where that is more than not being true.
    pub error: Option<String>,
}

/// Which lines of one policy file the tests reached.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize)]
pub struct Coverage {
    /// The file.
    pub file: String,
    /// Lines that were evaluated, counted from 1.
    pub covered: Vec<u32>,
    /// Lines that could have been, and were not.
    pub uncovered: Vec<u32>,
}

impl Coverage {
    /// How much of the file was evaluated, in per cent; a file without anything to evaluate is covered.
    pub fn percent(&self) -> f64 {
        match self.covered.len() + self.uncovered.len() {
            0 => 100.0,
            all => 100.0 * self.covered.len() as f64 / all as f64,
        }
    }
}

/// Runs all tests of a source. The policies must compile.
pub fn run_tests(source: &PolicySource) -> Result<TestReport, PolicyErrors> {
    Policy::compile(source, Limits::default())?;
    let mut modules = Vec::new();
    let mut errors = Vec::new();
    for file in source.tests() {
        match parse(file) {
            Ok(module) => modules.push(module),
            Err(error) => errors.push(error),
        }
    }
    PolicyErrors::check(errors)?;
    let mut interpreter = Interpreter::with_tests(source)?;
    let mut tests: Vec<TestResult> = modules
        .iter()
        .flat_map(tests_of)
        .map(|(name, at)| run(&mut interpreter, name, at))
        .collect();
    tests.sort_by(|left, right| {
        (&left.file, left.line, &left.name).cmp(&(&right.file, right.line, &right.name))
    });
    Ok(TestReport {
        tests,
        coverage: with_untouched(interpreter.coverage(&test_paths(source)), source),
    })
}

/// The engine tells nothing of files that no test touched: of those, every head is uncovered.
fn with_untouched(mut coverage: Vec<Coverage>, source: &PolicySource) -> Vec<Coverage> {
    coverage.retain(|known| !library::is_built_in(&known.file));
    for file in source.policies() {
        if library::is_built_in(&file.path) || coverage.iter().any(|known| known.file == file.path)
        {
            continue;
        }
        let module = parse(file).ok();
        let rules = module.iter().flat_map(|module| &module.policy);
        let mut uncovered: Vec<u32> = rules.map(|rule| rule_head(rule).1.line).collect();
        uncovered.dedup();
        coverage.push(Coverage {
            file: file.path.clone(),
            covered: Vec::new(),
            uncovered,
        });
    }
    coverage.sort_by(|left, right| left.file.cmp(&right.file));
    coverage
}

fn test_paths(source: &PolicySource) -> BTreeSet<&str> {
    source.tests().map(|file| file.path.as_str()).collect()
}

/// The tests of a module: each `test_` rule once, at its first head.
fn tests_of(module: &Module) -> Vec<(String, Place)> {
    let package = dotted(&module.package.refr).unwrap_or_default();
    let mut seen = BTreeSet::new();
    let heads = module.policy.iter().filter_map(|rule| {
        let (refr, span) = rule_head(rule);
        let (name, _) = reference(refr)?;
        (name.starts_with("test_") && seen.insert(name.clone()))
            .then(|| (format!("{package}.{name}"), place(span)))
    });
    heads.collect()
}

fn run(interpreter: &mut Interpreter, name: String, at: Place) -> TestResult {
    let error = match interpreter.rule(&format!("data.{name}")) {
        Outcome::Value(Value::Bool(true)) => None,
        Outcome::Value(Value::Undefined | Value::Bool(false)) => Some(None),
        Outcome::Value(other) => Some(Some(format!(
            "it is {}, not true",
            crate::watch::type_name(&other)
        ))),
        Outcome::Failed(error) => Some(Some(error)),
    };
    TestResult {
        name,
        file: at.file.to_string(),
        line: at.line,
        passed: error.is_none(),
        error: error.flatten(),
    }
}
