//! The slow engine, for people at a terminal: it knows `with`, coverage and any query.

use crate::error::{Mistake, PolicyErrors, from_regorus};
use crate::source::PolicySource;
use crate::testing::Coverage;
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Value};
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// How long one test or query may take.
const PATIENCE: ExecutionTimerConfig = ExecutionTimerConfig {
    limit: Duration::from_secs(10),
    check_interval: NonZeroU32::new(1_024).expect("not zero"),
};

/// An engine with all of a source's policies.
pub(crate) struct Interpreter(Engine);

/// What a rule or a query came to.
pub(crate) enum Outcome {
    Value(Value),
    Failed(String),
}

impl Interpreter {
    /// The policies alone.
    pub(crate) fn of(source: &PolicySource) -> Result<Interpreter, PolicyErrors> {
        Self::build(source, false)
    }

    /// The policies and their tests, counting the lines they reach.
    pub(crate) fn with_tests(source: &PolicySource) -> Result<Interpreter, PolicyErrors> {
        let mut interpreter = Self::build(source, true)?;
        interpreter.0.set_enable_coverage(true);
        Ok(interpreter)
    }

    fn build(source: &PolicySource, tests: bool) -> Result<Interpreter, PolicyErrors> {
        let mut engine = Engine::new();
        engine.set_strict_builtin_errors(true);
        engine.set_gather_prints(true);
        engine.set_execution_timer_config(PATIENCE);
        let tests = source.tests().filter(|_| tests);
        for file in source.policies().chain(tests) {
            let broken = |error: anyhow::Error| {
                from_regorus(Mistake::Syntax, &file.path, &error.to_string())
            };
            engine
                .add_policy(file.path.clone(), file.text.clone())
                .map_err(broken)?;
        }
        let data = source.merged_data().map_err(PolicyErrors)?;
        let broken =
            |error: anyhow::Error| from_regorus(Mistake::Data, "(all data)", &error.to_string());
        engine.add_data(data).map_err(broken)?;
        Ok(Interpreter(engine))
    }

    pub(crate) fn set_input(&mut self, input: Value) {
        self.0.set_input(input);
    }

    /// Evaluates one rule by its path, such as `data.sallyport.org.deny`.
    pub(crate) fn rule(&mut self, path: &str) -> Outcome {
        outcome(catch_unwind(AssertUnwindSafe(|| {
            self.0.eval_rule(path.to_owned())
        })))
    }

    /// Evaluates a query; its value is that of its last expression.
    pub(crate) fn query(&mut self, query: &str) -> Outcome {
        let results = catch_unwind(AssertUnwindSafe(|| {
            self.0.eval_query(query.to_owned(), false)
        }));
        outcome(results.map(|results| {
            let result = results?.result.pop();
            let value = result
                .and_then(|mut result| result.expressions.pop())
                .map(|expression| expression.value);
            Ok(value.unwrap_or(Value::Undefined))
        }))
    }

    /// The lines reached so far, of all files but these.
    pub(crate) fn coverage(&self, without: &BTreeSet<&str>) -> Vec<Coverage> {
        let files = self
            .0
            .get_coverage_report()
            .map(|report| report.files)
            .unwrap_or_default();
        let mut files: Vec<Coverage> = files
            .into_iter()
            .filter(|file| !without.contains(file.path.as_str()))
            .map(|file| Coverage {
                file: file.path,
                covered: file.covered.into_iter().collect(),
                uncovered: file.not_covered.into_iter().collect(),
            })
            .collect();
        files.sort_by(|left, right| left.file.cmp(&right.file));
        files
    }
}

fn outcome(result: std::thread::Result<anyhow::Result<Value>>) -> Outcome {
    match result {
        Ok(Ok(value)) => Outcome::Value(value),
        Ok(Err(error)) => Outcome::Failed(error.to_string().trim().to_owned()),
        Err(_) => Outcome::Failed("the engine panicked".into()),
    }
}
