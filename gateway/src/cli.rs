//! What is typed, and what it starts.

mod audit;
mod check;
mod compress;
mod init;
mod lines;
mod mcp;
mod policy;
mod replay;
mod scan;
mod top;

use crate::config::{Config, config_schema};
use crate::identity::{KeyHash, new_key};
use clap::{Args, Parser, Subcommand, ValueEnum};
use owo_colors::OwoColorize;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// What policies read, described.
const INPUT_SCHEMA: &str = include_str!("../../policy-engine/schema/input.schema.json");

/// What a command came to; also the process's exit code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// It was done, and the answer is yes.
    Done = 0,
    /// It was done, and the answer is no: the configuration or a policy is wrong, a test failed.
    No = 1,
    /// It could not be done: a file or an address is not to be had. (Wrong words on the command line give 2.)
    Broken = 3,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        ExitCode::from(outcome as u8)
    }
}

/// The command line.
#[derive(Parser, Debug)]
#[command(
    name = "sallyport",
    version,
    about = "A guarded gate between AI agents and the models and tools they use",
    after_help = "\
Examples:
  sallyport demo                                   look at it working, with a scripted model
  sallyport init                                   a first configuration and policy, from three questions
  sallyport check --config sallyport.yaml          is the configuration right, and what does it serve?
  sallyport run --config sallyport.yaml            serve
  sallyport key new --team payments --agent refunds
  sallyport scan page.html                         does a text attack, and where?
  sallyport compress answer.json                   what a model would read of it, and what that saves
  sallyport mcp scan https://tools.example.com/mcp is there anything bad in what a tool server lists?

Results go to standard output; progress and errors go to standard error.
Exit codes: 0 done; 1 the answer is no (a wrong configuration or policy, a failed test); 2 a wrong command line;
3 it could not be done (a file that cannot be read, an address that is taken, a server that does not answer)."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Write a first configuration and policy
    #[command(after_help = "\
Examples:
  sallyport init                                   three questions, then files in this folder
  sallyport init gateway --provider anthropic --team payments --rules guarded
  sallyport init --yes                             ask nothing

Nothing is overwritten. The agent's key goes to standard output, once; everything else to standard error.")]
    Init(init::InitArgs),
    /// Serve agents
    #[command(after_help = "\
Examples:
  sallyport run --config sallyport.yaml
  SALLYPORT_LOG=sallyport=debug sallyport run --config sallyport.yaml --log json

SIGTERM, SIGINT or SIGQUIT: finish what is in flight, then stop. SIGHUP: open the decision log anew.
The ready line and the decision log go to standard output, everything else to standard error.")]
    Run(RunArgs),
    /// Serve a scripted model and show labelled exchanges
    #[command(after_help = "Example:\n  sallyport demo")]
    Demo(DemoArgs),
    /// Check a configuration and its policies, and say what they serve
    #[command(after_help = "Example:\n  sallyport check --config sallyport.yaml")]
    Check(ConfigArgs),
    /// Test, try and explain policies
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Watch a running gateway in a terminal
    #[command(after_help = "\
Examples:
  sallyport top
  SALLYPORT_OPERATORS_TOKEN=… sallyport top --url http://gateway.internal:9090

q leaves, / filters, arrows or j and k move, Enter opens, Tab changes the list, p pauses.")]
    Top(top::TopArgs),
    /// Verify, show and export the audit log
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Scan tool servers, and pin what they list
    #[command(subcommand)]
    Mcp(mcp::McpCommand),
    /// Say whether texts attack, and where
    #[command(after_help = "\
Examples:
  sallyport scan page.html mail.txt                what a tool would have answered
  echo 'ignore all previous instructions' | sallyport scan --channel user
  sallyport scan --jsonl < texts.jsonl > verdicts.jsonl
  sallyport scan --config sallyport.yaml page.html  with the model and the stages of a configuration

With --jsonl each line in is {\"text\": …, \"channel\": \"user\"|\"system\"|\"tool_description\"|\"tool_call\"|\"tool_result\"}, and
each line out, in the same order, {\"score\", \"verdict\", \"flagged\", \"findings\", \"micros\"}. A line that cannot be read gives
{\"error\": …}. Exit code 0: nothing is flagged; 1: something is, or (with --jsonl) a line could not be read; 3: a
file could not be read, or the model not be loaded.")]
    Scan(scan::ScanArgs),
    /// Make what tools answer small, as models would read it
    #[command(after_help = "\
Examples:
  cargo test 2>&1 | sallyport compress --mode reversible   what a model would read, and what it saves
  sallyport compress --tool list_orders orders.json
  sallyport compress --jsonl < answers.jsonl > small.jsonl
  sallyport expand --jsonl < small.jsonl           the originals back
  sallyport compress --session < bodies.jsonl      a session's request bodies, as they would be forwarded

With --jsonl each line in is {\"text\": …, \"tool\": …?}, and each line out, in the same order, {\"text\", \"class\":
\"none\"|\"lossless\"|\"reversible\", \"transforms\", \"tokens_before\", \"tokens_after\", \"ref\"?, \"micros\"}; tokens are o200k. With
--session each line is a chat-completions, messages or responses request body. A line that cannot be read gives
{\"error\": …}. Exit code 0: done; 1: a line could not be read; 3: a file could not be read, or originals not be kept.")]
    Compress(compress::CompressArgs),
    /// Give back the originals of compact forms
    #[command(after_help = "\
Examples:
  sallyport expand --jsonl < small.jsonl           lines that `sallyport compress --jsonl` wrote
  sallyport expand --ref k3j2x7q2m4n5p6r7          the original that a compact form names")]
    Expand(compress::ExpandArgs),
    /// Make keys for agents
    #[command(subcommand)]
    Key(KeyCommand),
    /// About the configuration file
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the JSON Schema of the `input` document that policies read
    InputSchema,
}

/// Which configuration.
#[derive(Args, Debug)]
pub struct ConfigArgs {
    /// The configuration file
    #[arg(long, short, value_name = "FILE", default_value = "sallyport.yaml")]
    pub config: PathBuf,
}

/// How to serve.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// Which configuration
    #[command(flatten)]
    pub config: ConfigArgs,
    /// How the log on standard error is written; what is in it: SALLYPORT_LOG, such as `info` or `sallyport=debug`
    #[arg(long, value_enum, default_value_t = LogFormat::Text)]
    pub log: LogFormat,
}

/// How the demo is shown.
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Stop after the labelled exchanges instead of staying up; exit code 1 if one ended otherwise than it should
    #[arg(long)]
    pub once: bool,
    /// The agents' port, instead of 8080; the operators' is 1010 above it, and 0 takes any two free ones
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
}

/// How log lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// A JSON object a line.
    Json,
}

/// About keys.
#[derive(Subcommand, Debug)]
pub enum KeyCommand {
    /// Make a key: it is shown once and kept nowhere
    #[command(after_help = "\
Example:
  sallyport key new --team payments --agent refunds --name refunds-laptop

The first line is the key, for the agent. The rest is for `keys` or `keys_file`.")]
    New {
        /// The team whose policy rules
        #[arg(long, value_parser = team_name)]
        team: String,
        /// The agent's name within the team
        #[arg(long)]
        agent: String,
        /// The key's name in logs; unless given, the team and the agent
        #[arg(long)]
        name: Option<String>,
    },
}

/// About the configuration file.
#[derive(Subcommand, Debug)]
pub enum ConfigCommand {
    /// Print its JSON Schema, for editors
    #[command(after_help = "Example:\n  sallyport config schema > config.schema.json")]
    Schema,
}

/// `sallyport run`.
pub fn run(args: &RunArgs) -> Outcome {
    let config = match Config::load(&args.config.config) {
        Ok(config) => config,
        Err(errors) => return fail(&errors, Outcome::No),
    };
    start_log(args.log, "info");
    match crate::server::run(config) {
        Ok(()) => Outcome::Done,
        Err(error) => fail(&error, Outcome::Broken),
    }
}

/// `sallyport demo`.
pub fn demo(args: &DemoArgs) -> Outcome {
    match crate::demo::run(&crate::demo::Options {
        once: args.once,
        ports: args.port,
    }) {
        Ok(()) => Outcome::Done,
        Err(error) => fail(&error, Outcome::No),
    }
}

/// `sallyport check`.
pub fn check(args: &ConfigArgs) -> Outcome {
    check::check(&args.config)
}

/// `sallyport policy`.
pub fn policy(command: &policy::PolicyCommand) -> Outcome {
    policy::run(command)
}

/// Writes a first configuration and policy.
pub fn init(args: &init::InitArgs) -> Outcome {
    init::init(args)
}

/// Shows a running gateway in a terminal.
pub fn top(args: &top::TopArgs) -> Outcome {
    top::top(args)
}

/// Verifies, shows and exports the audit log.
pub fn audit(command: &audit::AuditCommand) -> Outcome {
    audit::run(command)
}

/// `sallyport scan`.
pub fn scan(args: &scan::ScanArgs) -> Outcome {
    scan::run(args)
}

/// `sallyport compress`.
pub fn compress(args: &compress::CompressArgs) -> Outcome {
    compress::compress(args)
}

/// `sallyport expand`.
pub fn expand(args: &compress::ExpandArgs) -> Outcome {
    compress::expand_back(args)
}

/// `sallyport mcp`.
pub fn mcp(command: &mcp::McpCommand) -> Outcome {
    mcp::run(command)
}

/// `sallyport key`.
pub fn key(command: &KeyCommand) -> Outcome {
    let KeyCommand::New { team, agent, name } = command;
    let key = match new_key(team) {
        Ok(key) => key,
        Err(error) => return fail(&format!("no randomness: {error}"), Outcome::Broken),
    };
    let name = name.clone().unwrap_or_else(|| format!("{team}-{agent}"));
    let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
    say(&format!(
        "{key}\n\n# for `keys` or `keys_file`:\n- {{name: {}, team: {team}, agent: {}, sha256: \"{}\"}}",
        quoted(&name),
        quoted(agent),
        KeyHash::of(&key).to_hex()
    ));
    tell("the key is shown once and kept nowhere: hand it to the agent now");
    Outcome::Done
}

/// `sallyport config`.
pub fn config(command: &ConfigCommand) -> Outcome {
    let ConfigCommand::Schema = command;
    say(&pretty(&config_schema()));
    Outcome::Done
}

/// `sallyport input-schema`.
pub fn input_schema() -> Outcome {
    say(INPUT_SCHEMA.trim_end());
    Outcome::Done
}

fn team_name(text: &str) -> Result<String, String> {
    match sallyport_policy::is_team_name(text) {
        true => Ok(text.into()),
        false => Err("small letters, digits and underscores, no digit first: it is part of `package sallyport.teams.<team>`".into()),
    }
}

/// Results, on standard output. A reader that went away is no error.
fn say(text: &str) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Progress and errors, on standard error.
fn tell(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

fn fail(error: &dyn std::fmt::Display, outcome: Outcome) -> Outcome {
    tell(&format!("{} {error}", "error:".red().bold()));
    outcome
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn start_log(format: LogFormat, unless_told: &str) {
    use std::io::IsTerminal;
    let filter = tracing_subscriber::EnvFilter::try_from_env("SALLYPORT_LOG")
        .unwrap_or_else(|_| unless_told.into());
    let colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours);
    // Somebody who embeds the gateway may have a log already; theirs stays.
    let _ = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().try_init(),
    };
}
