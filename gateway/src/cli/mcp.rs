//! `sallyport mcp`: scan, pin, diff, approve.

use super::{Outcome, fail, pretty, say, tell};
use async_trait::async_trait;
use clap::{Args, Subcommand};
use owo_colors::OwoColorize;
use sallyport_detect::Detectors;
use sallyport_manifest::{
    Listing, Lock, PinError, SigningKey, Tone, Verdict, compare, diff_text, scan, scan_json,
    scan_text, shown,
};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// About tool servers.
#[derive(Subcommand, Debug)]
pub enum McpCommand {
    /// Look at what a server lists, before it is let in
    #[command(after_help = "\
Examples:
  sallyport mcp scan https://tools.example.com/mcp
  sallyport mcp scan -- npx -y @modelcontextprotocol/server-filesystem /tmp

A command is run as it stands, as you. Exit code 1: something would be refused.")]
    Scan(ScanArgs),
    /// Write down what servers list, as approved
    #[command(after_help = "\
Examples:
  sallyport mcp pin files
  sallyport mcp pin files mail --lock tools.lock --sign lock.key

Commit the lock file. A server that is pinned already and has changed: `mcp diff`, then `mcp approve`.")]
    Pin(PinArgs),
    /// Say what is not as it was approved
    #[command(
        after_help = "Example:\n  sallyport mcp diff files\n\nExit code 1: something is not as it was."
    )]
    Diff(DiffArgs),
    /// Approve a tool as it is now
    #[command(after_help = "\
Examples:
  sallyport mcp approve files read_file
  sallyport mcp approve files --all
  sallyport mcp approve web search --accept tool.shadowed")]
    Approve(ApproveArgs),
}

/// Which server is looked at.
#[derive(Args, Debug)]
pub struct ScanArgs {
    /// An address, or a command and its arguments
    #[arg(value_name = "URL|COMMAND", required = true, trailing_var_arg = true)]
    target: Vec<String>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Where the lock is, and who signs it.
#[derive(Args, Debug)]
pub struct LockArgs {
    /// The lock file
    #[arg(long, value_name = "FILE", default_value = "tools.lock")]
    lock: PathBuf,
}

/// What is pinned.
#[derive(Args, Debug)]
pub struct PinArgs {
    /// Names of servers in the configuration
    #[arg(value_name = "SERVER", required = true)]
    servers: Vec<String>,
    /// Which lock
    #[command(flatten)]
    lock: LockArgs,
    /// Sign with this Ed25519 key (PEM, `openssl genpkey -algorithm ed25519`)
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
}

/// What is compared.
#[derive(Args, Debug)]
pub struct DiffArgs {
    /// Names of servers in the configuration
    #[arg(value_name = "SERVER", required = true)]
    servers: Vec<String>,
    /// Which lock
    #[command(flatten)]
    lock: LockArgs,
}

/// What is approved.
#[derive(Args, Debug)]
pub struct ApproveArgs {
    /// The server's name in the configuration
    server: String,
    /// The tool
    #[arg(required_unless_present_any = ["all", "instructions"])]
    tool: Option<String>,
    /// All of its tools and its instructions
    #[arg(long, conflicts_with = "tool")]
    all: bool,
    /// Its instructions
    #[arg(long, conflicts_with = "all")]
    instructions: bool,
    /// A finding that need not be told of this tool any more, such as `tool.shadowed`
    #[arg(long, value_name = "LABEL", requires = "tool")]
    accept: Vec<String>,
    /// Which lock
    #[command(flatten)]
    lock: LockArgs,
    /// Sign with this Ed25519 key
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
}

/// What a server said of itself.
pub(super) struct Listed {
    /// `instructions` of its first answer.
    pub instructions: Option<String>,
    /// The JSON of each tool, over all pages.
    pub tools: Vec<String>,
}

/// Asks tool servers what they list; the gateway's own client behind it.
#[async_trait]
pub(super) trait ToolServers: Sync {
    /// Of a server by its name in the configuration.
    async fn list_tools(&self, server: &str) -> Result<Listed, String>;
    /// Of an address, or of a command that is run.
    async fn list_at(&self, target: &[String]) -> Result<Listed, String>;
}

/// Does what was typed.
pub(super) async fn run(command: &McpCommand, servers: &dyn ToolServers) -> Outcome {
    let done = match command {
        McpCommand::Scan(args) => scanned(args, servers).await,
        McpCommand::Pin(args) => pin(args, servers).await,
        McpCommand::Diff(args) => diff(args, servers).await,
        McpCommand::Approve(args) => approve(args, servers).await,
    };
    done.unwrap_or_else(|outcome| outcome)
}

/// `Err`: it was told already what is wrong.
type Told<T> = Result<T, Outcome>;

async fn scanned(args: &ScanArgs, servers: &dyn ToolServers) -> Told<Outcome> {
    let name = args.target.join(" ");
    let listed = servers.list_at(&args.target).await;
    let listing = listing(&name, listed)?;
    let detectors = Detectors::default();
    let report = scan(&[listing], None, &[&detectors]);
    match args.json {
        true => say(&pretty(&scan_json(&report))),
        false => say(scan_text(&report, &paint).trim_end()),
    }
    Ok(match report.verdict() {
        Verdict::Refuse => Outcome::No,
        Verdict::Pass | Verdict::Look => Outcome::Done,
    })
}

async fn pin(args: &PinArgs, servers: &dyn ToolServers) -> Told<Outcome> {
    let mut lock = read(&args.lock.lock, true)?;
    for server in &args.servers {
        let listing = listing(server, servers.list_tools(server).await)?;
        warn_unread(&listing);
        lock.pin(&listing).map_err(refused)?;
        tell(&format!(
            "{} {}: {} tools",
            "pinned".green(),
            shown(server),
            listing.tools.len()
        ));
        let report = scan(&[listing], Some(&lock), &[&Detectors::default()]);
        if report.verdict() != Verdict::Pass {
            tell(scan_text(&report, &paint).trim_end());
        }
    }
    write(&args.lock.lock, lock, args.sign.as_deref())
}

async fn diff(args: &DiffArgs, servers: &dyn ToolServers) -> Told<Outcome> {
    let lock = read(&args.lock.lock, false)?;
    let mut outcome = Outcome::Done;
    for server in &args.servers {
        let listing = listing(server, servers.list_tools(server).await)?;
        warn_unread(&listing);
        let comparison = compare(&lock, &listing);
        if !comparison.is_clean() || !listing.unread.is_empty() {
            outcome = Outcome::No;
        }
        match diff_text(&comparison, &paint) {
            text if text.is_empty() => tell(&format!("{}: as it was pinned", shown(server))),
            text => say(text.trim_end()),
        }
    }
    Ok(outcome)
}

async fn approve(args: &ApproveArgs, servers: &dyn ToolServers) -> Told<Outcome> {
    let mut lock = read(&args.lock.lock, true)?;
    let listing = listing(&args.server, servers.list_tools(&args.server).await)?;
    warn_unread(&listing);
    let before = compare(&lock, &listing);
    tell(diff_text(&before, &paint).trim_end());
    if args.all {
        lock.approve_all(&listing).map_err(refused)?;
    }
    if args.instructions {
        lock.approve_instructions(&listing);
    }
    if let Some(tool) = &args.tool {
        let accept = args.accept.iter().cloned();
        lock.approve(&listing, tool, accept).map_err(refused)?;
    }
    write(&args.lock.lock, lock, args.sign.as_deref())
}

fn listing(server: &str, listed: Result<Listed, String>) -> Told<Listing> {
    let listed = listed.map_err(|why| {
        let server = shown(server);
        fail(&format!("{server} does not answer: {why}"), Outcome::Broken)
    })?;
    let tools = listed.tools.iter().map(String::as_str);
    Ok(Listing::read(server, listed.instructions.as_deref(), tools))
}

fn warn_unread(listing: &Listing) {
    for unread in &listing.unread {
        let (index, error) = (unread.index, &unread.error);
        tell(&format!(
            "{} tool {index} of {} is left out: {error}",
            "warning:".yellow(),
            shown(&listing.server)
        ));
    }
}

fn refused(error: PinError) -> Outcome {
    fail(&error, Outcome::No)
}

/// The lock; an empty one where there is no file and there may be none. Signatures are the gateway's to
/// demand, and a change takes them away.
fn read(path: &Path, may_lack: bool) -> Told<Lock> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Lock::read(&name, &text, &[]).map_err(|error| fail(&error, Outcome::No)),
        Err(why) if may_lack && why.kind() == ErrorKind::NotFound => Ok(Lock::default()),
        Err(why) => Err(fail(&format!("{name}: {why}"), Outcome::Broken)),
    }
}

/// Writes beside the file and puts it in its place: a reader sees the old one or the new one.
fn write(path: &Path, mut lock: Lock, key: Option<&Path>) -> Told<Outcome> {
    let broken = |path: &Path, why: &dyn std::fmt::Display| {
        fail(&format!("{}: {why}", path.display()), Outcome::Broken)
    };
    if let Some(file) = key {
        let pem = std::fs::read_to_string(file).map_err(|why| broken(file, &why))?;
        let pem = zeroize::Zeroizing::new(pem);
        let key = SigningKey::from_pem(&pem).map_err(|why| broken(file, &why))?;
        lock.sign(&key);
    } else if lock.signature().is_none() {
        tell("the lock is not signed; `--sign KEY` signs it");
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    std::fs::write(&beside, lock.text()).map_err(|why| broken(&beside, &why))?;
    std::fs::rename(&beside, path).map_err(|why| broken(path, &why))?;
    Ok(Outcome::Done)
}

fn paint(tone: Tone, text: &str) -> String {
    match tone {
        Tone::Good => text.green().to_string(),
        Tone::Doubt => text.yellow().to_string(),
        Tone::Bad => text.red().to_string(),
        Tone::Quiet => text.dimmed().to_string(),
    }
}
