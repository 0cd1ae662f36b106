//! `sallyport policy`: test, eval, explain, replay.

use super::replay::{ReplayArgs, replay};
use super::{Outcome, fail, pretty, say, tell};
use crate::policies::{placed, read_folder};
use clap::{Args, Subcommand};
use owo_colors::OwoColorize;
use sallyport_policy::{
    Decision, EvalError, Evaluation, Limits, Policy, PolicyErrors, PolicySource, TestReport,
    explain, run_tests,
};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The largest `input` document, in bytes.
const INPUT_BYTES_MAX: u64 = 64 << 20;

/// About policies.
#[derive(Subcommand, Debug)]
pub enum PolicyCommand {
    /// Run the tests in `_test.rego` files
    #[command(after_help = "\
Examples:
  sallyport policy test                  the folder ./policies
  sallyport policy test rules --coverage
  sallyport policy test --json | jq .tests

Exit code 1: a test failed, or there is none.")]
    Test(TestArgs),
    /// Decide one `input` document, and print the decision as JSON
    #[command(after_help = "\
Examples:
  sallyport policy eval --policies policies --team payments --input call.json
  echo '{\"operation\": \"chat\", \"flow\": \"request\"}' | sallyport policy eval --policies policies --team payments")]
    Eval(EvalArgs),
    /// Say which rules spoke on one `input` document, and where they stand
    #[command(
        after_help = "Example:\n  sallyport policy explain --policies policies --team payments --input call.json"
    )]
    Explain(EvalArgs),
    /// Make recorded decisions once more, by the policies that made them or by new ones
    #[command(after_help = "\
Examples:
  sallyport policy replay --audit audit                         the same verdicts and reasons?
  sallyport policy replay --audit audit --policies new-policies  what would change, for whom, by which rule
  sallyport policy replay --audit audit --id sp_0199a2f3c4d5e6f708192a3b4c5d6e7f8091

The gateway must have run with `audit.inputs: true`. Exit code 0: all the same; 1: something would change, or the
policies that decided are not kept; 3: there is no such log, or no decision in it.")]
    Replay(ReplayArgs),
}

/// Which tests, and how they are told.
#[derive(Args, Debug)]
pub struct TestArgs {
    /// The policy folder
    #[arg(value_name = "FOLDER", default_value = "policies")]
    folder: PathBuf,
    /// Say which lines the tests did not reach
    #[arg(long)]
    coverage: bool,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Name the tests that passed too
    #[arg(long, short)]
    verbose: bool,
}

/// Which policies decide what.
#[derive(Args, Debug)]
pub struct EvalArgs {
    /// The policy folder
    #[arg(long, value_name = "FOLDER", default_value = "policies")]
    policies: PathBuf,
    /// The team whose policy rules; unless given, `caller.team` of the input
    #[arg(long)]
    team: Option<String>,
    /// A file with the `input` document, or `-` for standard input
    #[arg(long, value_name = "FILE", default_value = "-")]
    input: PathBuf,
}

/// Does what was typed.
pub(super) fn run(command: &PolicyCommand) -> Outcome {
    match command {
        PolicyCommand::Test(args) => test(args),
        PolicyCommand::Eval(args) => eval(args),
        PolicyCommand::Explain(args) => explained(args),
        PolicyCommand::Replay(args) => replay(args),
    }
}

fn test(args: &TestArgs) -> Outcome {
    let report = match read_folder(&args.folder).and_then(|source| run_tests(&source)) {
        Ok(report) => report,
        Err(errors) => return fail(&placed(errors, &args.folder), Outcome::No),
    };
    if args.json {
        let mut json = serde_json::to_value(&report).unwrap_or_default();
        if let (false, Some(json)) = (args.coverage, json.as_object_mut()) {
            json.remove("coverage");
        }
        say(&pretty(&json));
    } else {
        tests(&report, args.verbose);
        if args.coverage {
            coverage(&report);
        }
    }
    if report.tests.is_empty() {
        tell(&format!(
            "no tests in {}: write rules named `test_…` in files named `…_test.rego`",
            args.folder.display()
        ));
    }
    match report.passed() && !report.tests.is_empty() {
        true => Outcome::Done,
        false => Outcome::No,
    }
}

fn tests(report: &TestReport, verbose: bool) {
    for test in report.tests.iter().filter(|test| verbose || !test.passed) {
        let place = format!("{}:{}", test.file, test.line);
        match test.passed {
            true => say(&format!("{} {} ({place})", "pass".green(), test.name)),
            false => say(&format!("{} {} ({place})", "FAIL".red().bold(), test.name)),
        }
        if let Some(error) = &test.error {
            say(&format!("     {error}"));
        }
    }
    let passed = report.tests.iter().filter(|test| test.passed).count();
    say(&format!("{passed} of {} tests passed", report.tests.len()));
}

fn coverage(report: &TestReport) {
    for file in &report.coverage {
        let lines = ranges(&file.uncovered);
        let missed = if lines.is_empty() {
            String::new()
        } else {
            format!("  not reached: {lines}")
        };
        say(&format!("{:5.1} %  {}{missed}", file.percent(), file.file));
    }
}

/// `1-3, 7` for lines 1, 2, 3 and 7.
fn ranges(lines: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &line in lines {
        match runs.last_mut() {
            Some((_, last)) if line == *last + 1 => *last = line,
            _ => runs.push((line, line)),
        }
    }
    let run = |(first, last): &(u32, u32)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    };
    runs.iter().map(run).collect::<Vec<_>>().join(", ")
}

/// Policies, a team and an input, or how it ended.
fn asked(args: &EvalArgs) -> Result<(PolicySource, String, String), Outcome> {
    let source = read_folder(&args.policies)
        .map_err(|errors| fail(&placed(errors, &args.policies), Outcome::No))?;
    let input = read_input(&args.input).map_err(|error| {
        fail(
            &format!("the input cannot be read: {error}"),
            Outcome::Broken,
        )
    })?;
    let named = || {
        serde_json::from_str::<Value>(&input)
            .ok()
            .and_then(|input| input["caller"]["team"].as_str().map(str::to_owned))
    };
    let Some(team) = args.team.clone().or_else(named) else {
        return Err(fail(
            &"no team: give `--team`, or `caller.team` in the input",
            Outcome::No,
        ));
    };
    Ok((source, team, input))
}

fn read_input(path: &Path) -> std::io::Result<String> {
    let mut input = String::new();
    match path.to_str() {
        Some("-") => std::io::stdin()
            .take(INPUT_BYTES_MAX)
            .read_to_string(&mut input)?,
        _ => std::fs::File::open(path)?
            .take(INPUT_BYTES_MAX)
            .read_to_string(&mut input)?,
    };
    Ok(input)
}

fn eval(args: &EvalArgs) -> Outcome {
    let (source, team, input) = match asked(args) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let evaluation = compile(&source).and_then(|policy| policy.evaluate(&team, &input));
    let evaluation = match evaluation {
        Ok(evaluation) => evaluation,
        Err(EvalError::Policy(errors)) => {
            return fail(&placed(errors, &args.policies), Outcome::No);
        }
        Err(error) => return fail(&error, Outcome::No),
    };
    say(&pretty(&as_json(&evaluation)));
    summary(&team, &evaluation.decision);
    Outcome::Done
}

fn compile(source: &PolicySource) -> Result<Policy, EvalError> {
    Policy::compile(source, Limits::default()).map_err(|errors: PolicyErrors| errors.into())
}

fn as_json(evaluation: &Evaluation) -> Value {
    let mut json = evaluation.decision.to_json();
    let layers: serde_json::Map<String, Value> = evaluation.layers.iter().cloned().collect();
    json["layers"] = layers.into();
    json
}

/// The same for people, beside the JSON.
fn summary(team: &str, decision: &Decision) {
    match decision.allow {
        true => tell(&format!("{} for team {team}", "allowed".green().bold())),
        false => tell(&format!("{} for team {team}", "refused".red().bold())),
    }
    for denial in &decision.denials {
        tell(&format!("  {}: {}", denial.rule, denial.say));
    }
    for (what, list) in [("masked", &decision.redact), ("hidden", &decision.hide)] {
        if !list.is_empty() {
            tell(&format!("  {what}: {}", list.join(", ")));
        }
    }
    for warning in &decision.warnings {
        tell(&format!("  warning {}: {}", warning.rule, warning.say));
    }
    if let Some(detail) = &decision.detail {
        tell(&format!("  inside the policies: {detail}"));
    }
}

fn explained(args: &EvalArgs) -> Outcome {
    let (source, team, input) = match asked(args) {
        Ok(asked) => asked,
        Err(outcome) => return outcome,
    };
    let rules = match explain(&source, &team, &input) {
        Ok(rules) => rules,
        Err(EvalError::Policy(errors)) => {
            return fail(&placed(errors, &args.policies), Outcome::No);
        }
        Err(error) => return fail(&error, Outcome::No),
    };
    for rule in &rules {
        let value = rule
            .value
            .as_ref()
            .map_or_else(|| "undefined".into(), Value::to_string);
        let mark = if rule.spoke {
            format!("{}", "spoke ".green())
        } else {
            "silent".into()
        };
        say(&format!("{mark} {}/{} = {value}", rule.layer, rule.rule));
        rule.heads
            .iter()
            .for_each(|head| say(&format!("       {head}")));
        if let Some(error) = &rule.error {
            say(&format!("       {} {error}", "failed:".red()));
        }
    }
    if rules.is_empty() {
        tell(&format!("no rule for team {team}"));
    }
    Outcome::Done
}
