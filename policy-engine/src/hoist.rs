//! Loads `input` and `data` at the start of each rule body that uses them.
//!
//! The compiler loads them where a body names them first, and takes them for loaded from there on. Where that
//! place is inside a comprehension or an `every` whose turn never comes, all that follows finds them undefined:
//! `every x in [] { input.a == x }; input.b == "bad"` would never hold. So they are loaded first thing.

use regorus::rvm::Instruction;
use regorus::rvm::program::{Program, SpanInfo};
use std::sync::Arc;

/// Puts the loads of each body at its start, and all places in the program where they then belong.
pub(crate) fn install(program: &mut Program) -> Result<(), String> {
    let loads = loads(&program.instructions);
    let mut moved = Moved {
        places: Vec::with_capacity(program.instructions.len() + 1),
    };
    let mut instructions = Vec::new();
    let mut spans: Vec<Option<SpanInfo>> = Vec::new();
    for (at, instruction) in program.instructions.iter().enumerate() {
        moved.places.push(instructions.len());
        instructions.push(*instruction);
        let span = program.instruction_spans.get(at).cloned().flatten();
        let added = loads
            .iter()
            .filter(|(body, _)| *body == at)
            .map(|(_, load)| *load);
        spans.push(span);
        for load in added {
            instructions.push(load);
            spans.push(None);
        }
    }
    moved.places.push(instructions.len());
    if instructions.len() > Program::MAX_INSTRUCTIONS {
        return Err(format!(
            "more than {} instructions",
            Program::MAX_INSTRUCTIONS
        ));
    }
    program.instructions = instructions;
    program.instruction_spans = spans;
    moved.settle(program)
}

/// The loads that each body needs: the place of its first instruction, and a load.
fn loads(instructions: &[Instruction]) -> Vec<(usize, Instruction)> {
    let mut loads: Vec<(usize, Instruction)> = Vec::new();
    let mut body = None;
    for (at, instruction) in instructions.iter().enumerate() {
        match instruction {
            Instruction::RuleInit { .. } => body = Some(at),
            Instruction::RuleReturn {} => body = None,
            Instruction::LoadInput { .. } | Instruction::LoadData { .. } => {
                loads.extend(body.map(|body| (body, *instruction)));
            }
            _ => {}
        }
    }
    loads
}

/// Where each instruction has gone; one place more for the end.
struct Moved {
    places: Vec<usize>,
}

impl Moved {
    fn place(&self, at: usize) -> Result<usize, String> {
        self.places
            .get(at)
            .copied()
            .ok_or_else(|| format!("a jump to {at} leads out of the program"))
    }

    fn short(&self, at: &mut u16) -> Result<(), String> {
        *at =
            u16::try_from(self.place(usize::from(*at))?).map_err(|_| "the program is too long")?;
        Ok(())
    }

    fn long(&self, at: &mut u32) -> Result<(), String> {
        *at = u32::try_from(self.place(*at as usize)?).map_err(|_| "the program is too long")?;
        Ok(())
    }

    /// Corrects every place that the program names.
    fn settle(&self, program: &mut Program) -> Result<(), String> {
        for at in program.entry_points.values_mut() {
            *at = self.place(*at)?;
        }
        for params in &mut program.instruction_data.loop_params {
            self.short(&mut params.body_start)?;
            self.short(&mut params.loop_end)?;
        }
        for params in &mut program.instruction_data.comprehension_begin_params {
            self.short(&mut params.body_start)?;
            self.short(&mut params.comprehension_end)?;
        }
        for rule in &mut program.rule_infos {
            let definitions = Arc::make_mut(&mut rule.definitions);
            definitions
                .iter_mut()
                .flatten()
                .try_for_each(|at| self.long(at))?;
            rule.destructuring_blocks
                .iter_mut()
                .flatten()
                .try_for_each(|at| self.long(at))?;
        }
        for instruction in &mut program.instructions {
            match instruction {
                Instruction::LoopNext {
                    body_start,
                    loop_end,
                } => {
                    self.short(body_start)?;
                    self.short(loop_end)?;
                }
                Instruction::LogicalBlockStart { end_pc, .. }
                | Instruction::AllOfNext { end_pc, .. }
                | Instruction::AnyOfNext { end_pc, .. } => self.short(end_pc)?,
                _ => {}
            }
        }
        Ok(())
    }
}
