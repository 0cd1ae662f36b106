//! Makes a compiled program tell of what the engine would pass over in silence.
//!
//! Three things that are errors in Rego are none in the engine's programs: arithmetic on what is no number, a rule
//! with two values at once, and an object with two values under one key; each just fails the body it is in, or
//! lets the last value win. Where a denial leans on that body, the denial is lost. So the instructions in question
//! are replaced by calls of watched built-ins (see [`crate::watch`]), which note the failure.

use crate::watch::{self, Function};
use regorus::rvm::Instruction;
use regorus::rvm::instructions::BuiltinCallParams;
use regorus::rvm::program::{BuiltinInfo, Program, RuleInfo, RuleType};

/// Rules of one layer that may have several values; each is watched by a number of its own.
pub(crate) const MOST_WATCHED_RULES: usize = 256;

/// A call has at most this many arguments; one is the rule's value.
const MOST_PARAMETERS: usize = 7;

/// Replaces what needs watching. Gives the names of the rules that are watched for two values, by number.
pub(crate) fn install(program: &mut Program) -> Result<Vec<String>, String> {
    crate::hoist::install(program)?;
    watch::install(program)?;
    let mut patches = Patches {
        program,
        rules: Vec::new(),
    };
    let mut within: Option<u16> = None;
    for at in 0..patches.program.instructions.len() {
        match patches.program.instructions[at] {
            Instruction::RuleInit { rule_index, .. } => within = Some(rule_index),
            Instruction::RuleReturn {} => within = None,
            Instruction::Add { dest, left, right } => {
                patches.call(at, dest, &[left, right], "+", watch::add)?
            }
            Instruction::Sub { dest, left, right } => {
                patches.call(at, dest, &[left, right], "-", watch::sub)?
            }
            Instruction::Mul { dest, left, right } => {
                patches.call(at, dest, &[left, right], "*", watch::mul)?
            }
            Instruction::Div { dest, left, right } => {
                patches.call(at, dest, &[left, right], "/", watch::div)?
            }
            Instruction::Mod { dest, left, right } => {
                patches.call(at, dest, &[left, right], "%", watch::modulo)?
            }
            Instruction::Move { dest, src } => patches.value(at, within, dest, src)?,
            Instruction::ObjectSet { obj, key, value } => {
                patches.key(at, within, obj, key, value)?
            }
            _ => {}
        }
    }
    Ok(patches.rules)
}

struct Patches<'a> {
    program: &'a mut Program,
    rules: Vec<String>,
}

impl Patches<'_> {
    /// A rule's value, as a body gives it.
    fn value(&mut self, at: usize, within: Option<u16>, dest: u8, src: u8) -> Result<(), String> {
        let Some(rule) = within.and_then(|index| self.program.rule_infos.get(usize::from(index)))
        else {
            return Ok(());
        };
        if rule.rule_type != RuleType::Complete
            || rule.result_reg != dest
            || rule.early_exit_on_first_success
        {
            return Ok(());
        }
        let parameters = parameters(rule);
        if parameters > MOST_PARAMETERS {
            return Err(format!(
                "`{}` has more than {MOST_PARAMETERS} parameters",
                rule.name
            ));
        }
        let name = rule.name.clone();
        let number = self.number(name)?;
        let function = watch::VALUES
            .get(number)
            .ok_or("more rules than can be watched")?;
        let arguments: Vec<u8> = std::iter::once(src).chain(1..=parameters as u8).collect();
        self.call(at, dest, &arguments, &format!("value {number}"), *function)
    }

    /// A key of a partial object.
    fn key(
        &mut self,
        at: usize,
        within: Option<u16>,
        obj: u8,
        key: u8,
        value: u8,
    ) -> Result<(), String> {
        let rule = within.and_then(|index| self.program.rule_infos.get(usize::from(index)));
        match rule {
            Some(rule) if rule.rule_type == RuleType::PartialObject && rule.result_reg == obj => {
                self.call(at, obj, &[obj, key, value], "object", watch::insert)
            }
            _ => Ok(()),
        }
    }

    /// The number under which a rule is watched.
    fn number(&mut self, rule: String) -> Result<usize, String> {
        if let Some(number) = self.rules.iter().position(|watched| *watched == rule) {
            return Ok(number);
        }
        if self.rules.len() == MOST_WATCHED_RULES {
            return Err(format!(
                "more than {MOST_WATCHED_RULES} rules with values other than `true`"
            ));
        }
        self.rules.push(rule);
        Ok(self.rules.len() - 1)
    }

    /// Puts a call in an instruction's place.
    fn call(
        &mut self,
        at: usize,
        dest: u8,
        arguments: &[u8],
        name: &str,
        function: Function,
    ) -> Result<(), String> {
        let count = arguments.len() as u8;
        let builtin_index = match self
            .program
            .builtin_info_table
            .iter()
            .position(|builtin| builtin.name == name)
        {
            Some(index) => index,
            None => {
                let builtin = BuiltinInfo {
                    name: name.into(),
                    num_args: u16::from(count),
                };
                self.program.builtin_info_table.push(builtin);
                self.program.resolved_builtins.push((function, count));
                self.program.builtin_info_table.len() - 1
            }
        };
        let builtin_index = u16::try_from(builtin_index).map_err(|_| "too many built-ins")?;
        let mut args = [0; 8];
        args[..arguments.len()].copy_from_slice(arguments);
        let params = BuiltinCallParams {
            dest,
            builtin_index,
            num_args: count,
            args,
        };
        let params_index = self.program.add_builtin_call_params(params);
        self.program.instructions[at] = Instruction::BuiltinCall { params_index };
        Ok(())
    }
}

fn parameters(rule: &RuleInfo) -> usize {
    rule.function_info
        .as_ref()
        .map_or(0, |function| function.param_names.len())
}
