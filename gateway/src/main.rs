//! The binary `sallyport`: one line a command.

use clap::Parser;
use sallyport::cli::{self, Cli, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Init(args) => cli::init(&args),
        Command::Run(args) => cli::run(&args),
        Command::Demo(args) => cli::demo(&args),
        Command::Check(args) => cli::check(&args),
        Command::Policy(command) => cli::policy(&command),
        Command::Top(args) => cli::top(&args),
        Command::Audit(command) => cli::audit(&command),
        Command::Mcp(command) => cli::mcp(&command),
        Command::Scan(args) => cli::scan(&args),
        Command::Compress(args) => cli::compress(&args),
        Command::Expand(args) => cli::expand(&args),
        Command::Key(command) => cli::key(&command),
        Command::Config(command) => cli::config(&command),
        Command::InputSchema => cli::input_schema(),
    }
    .into()
}
