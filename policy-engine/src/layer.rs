//! One layer's rules as a program, and running it.

use crate::contract::Form;
use crate::limits::Limits;
use crate::patch;
use crate::pool::Pool;
use crate::rewrite::ONE_TURN;
use crate::watch::{self, Trouble};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::RegoVM;
use regorus::rvm::program::Program;
use regorus::rvm::vm::VmError;
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{CompiledPolicy, Value};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The package of the generated rules that gather a layer's contract into one document.
pub(crate) const ENTRY_PACKAGE: &str = "sallyport_entry";

/// How often the clock is looked at, in instructions.
const CLOCK_EVERY: NonZeroU32 = NonZeroU32::new(256).expect("not zero");

/// One layer, ready to run.
#[derive(Debug)]
pub(crate) struct Layer {
    /// `org` or `team:payments`.
    pub(crate) name: Arc<str>,
    program: Arc<Program>,
    /// The rules that are watched for two values, by number.
    watched: Vec<String>,
    data: Value,
    limits: Limits,
    machines: Pool<RegoVM>,
}

/// Why a layer gave no ruling.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Mishap {
    /// A limit of time, instructions or size was reached.
    #[error("{0}")]
    Limit(String),
    /// Something in it failed.
    #[error("{0}")]
    Failed(String),
}

/// The rules of the contract that a layer has, and whether each always has a value of its type.
pub(crate) type Rules = BTreeMap<&'static str, bool>;

/// The generated rule that gathers a layer's rules: those that may be undefined in a list, empty where they are.
/// (No rule of the contract is an array, so that the two are told apart.)
pub(crate) fn entry_rule(name: &str, package: &str, rules: &Rules) -> String {
    let field = |(rule, always): (&&str, &bool)| match always {
        true => format!("\t\"{rule}\": data.{package}.{rule},\n"),
        false => format!("\t\"{rule}\": [v | {ONE_TURN}v = data.{package}.{rule}],\n"),
    };
    let fields: Vec<String> = rules.iter().map(field).collect();
    format!("{name} := {{\n{}}}\n", fields.concat())
}

/// A rule's value in a layer's ruling, if it is defined.
pub(crate) fn defined<'v>(ruling: &'v Value, rule: &str) -> Option<&'v Value> {
    let value = match ruling.as_object().ok()?.get(&crate::words::value(rule))? {
        Value::Array(list) => list.first()?,
        value => value,
    };
    (*value != Value::Undefined).then_some(value)
}

impl Layer {
    /// Compiles the generated rule `entry` and all that it reaches.
    pub(crate) fn compile(
        name: &str,
        entry: &str,
        policy: &CompiledPolicy,
        data: &Value,
        limits: Limits,
    ) -> Result<Layer, String> {
        let path = format!("data.{ENTRY_PACKAGE}.{entry}");
        let program = Compiler::compile_from_policy(policy, &[path.as_str()])
            .map_err(|error| error.to_string())?;
        let mut program = Arc::unwrap_or_clone(program);
        program.validate_limits()?;
        let watched = patch::install(&mut program)?;
        let layer = Layer {
            name: name.into(),
            program: Arc::new(program),
            watched,
            data: data.clone(),
            limits,
            machines: Pool::default(),
        };
        let machine = layer.machine().map_err(|error| error.to_string())?;
        layer.machines.put(machine);
        Ok(layer)
    }

    /// Evaluates the layer. Cannot panic; an evaluation that does is a mishap.
    pub(crate) fn run(&self, input: Value) -> Result<Value, Mishap> {
        match catch_unwind(AssertUnwindSafe(|| self.evaluate(input))) {
            Ok(ruling) => ruling,
            Err(_) => Err(Mishap::Failed("the evaluation panicked".into())),
        }
    }

    fn evaluate(&self, input: Value) -> Result<Value, Mishap> {
        let mut machine = match self.machines.take() {
            Some(machine) => machine,
            None => self.machine().map_err(mishap)?,
        };
        watch::begin(&self.limits);
        machine.set_input(input);
        let ruling = machine.execute_entry_point_by_index(0);
        machine.set_input(Value::Null);
        self.machines.put(machine);
        match (watch::end(), ruling) {
            (Some(trouble), _) => Err(self.mishap(trouble)),
            (None, ruling) => ruling.map_err(mishap),
        }
    }

    fn mishap(&self, trouble: Trouble) -> Mishap {
        match trouble {
            Trouble::Failed(text) => Mishap::Failed(text),
            Trouble::Large(text) => Mishap::Limit(text),
            Trouble::TwoValues(number) => {
                let rule = self.watched.get(number).map_or("a rule", |rule| rule);
                Mishap::Failed(format!("`{rule}` has two values at once"))
            }
            Trouble::TwoUnderOneKey => {
                Mishap::Failed("a partial object has two values under one key".into())
            }
        }
    }

    fn machine(&self) -> Result<RegoVM, VmError> {
        let mut machine = RegoVM::new();
        machine.load_program(self.program.clone());
        machine.set_data(self.data.clone())?;
        machine.set_max_instructions(self.limits.instructions);
        machine.set_execution_timer_config(Some(ExecutionTimerConfig {
            limit: self.limits.time,
            check_interval: CLOCK_EVERY,
        }));
        Ok(machine)
    }
}

/// An engine's error in words that hold no value of the input.
fn mishap(error: VmError) -> Mishap {
    match error {
        VmError::TimeLimitExceeded { limit, .. } => {
            Mishap::Limit(format!("it took longer than {limit:?}"))
        }
        VmError::InstructionLimitExceeded { limit, .. } => {
            Mishap::Limit(format!("it took more than {limit} instructions"))
        }
        VmError::MemoryLimitExceeded { .. } | VmError::MemoryBudgetExceeded { .. } => {
            Mishap::Limit("it took too much memory".into())
        }
        VmError::RegexSizeLimitExceeded { limit, .. } => Mishap::Limit(format!(
            "a regular expression compiles to more than {limit} bytes"
        )),
        other => {
            let text = format!("{other:?}");
            let kind = text
                .split(|c: char| !c.is_alphanumeric())
                .next()
                .unwrap_or_default();
            Mishap::Failed(format!("the engine stopped: {kind}"))
        }
    }
}

/// Whether a value has a contract's type.
pub(crate) fn has_form(value: &Value, form: Form) -> bool {
    matches!(
        (form, value),
        (Form::Bool, Value::Bool(_))
            | (Form::Set, Value::Set(_))
            | (Form::Object, Value::Object(_))
    )
}
