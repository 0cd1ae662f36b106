//! `sallyport mcp`: scan, pin, diff, approve.

mod servers;

use super::{ConfigArgs, LogFormat, Outcome, fail, pretty, say, start_log, tell};
use crate::config::Config;
use crate::mcp::pins::{lock_keys, read_lock};
use clap::{Args, Subcommand};
use owo_colors::OwoColorize;
use sallyport_detect::Detectors;
use sallyport_manifest::{
    Change, Listing, Lock, Mode, PinError, PublicKey, Scan, Severity, SigningKey, Tone, Verdict,
    compare, diff_text, scan, scan_json, scan_text, shown,
};
use servers::NotListed;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the lock is unless somebody says: beside the configuration.
const LOCK: &str = "tools.lock";

/// About tool servers.
#[derive(Subcommand, Debug)]
pub enum McpCommand {
    /// Look at what a server lists, before it is let in
    #[command(after_help = "\
Examples:
  sallyport mcp scan https://tools.example.com/mcp
  sallyport mcp scan -- npx -y @modelcontextprotocol/server-filesystem /tmp
  sallyport mcp scan --server files               one of the configuration, with its key

A command is run as it stands, as you. Exit code 1: something would be refused; 3: the server does not answer.")]
    Scan(ScanArgs),
    /// Write down what servers list, as approved
    #[command(after_help = "\
Examples:
  sallyport mcp pin files
  sallyport mcp pin files mail --lock locks/tools.lock --sign lock.key

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
  sallyport mcp approve web search --accept tool.instructions")]
    Approve(ApproveArgs),
    /// Sign the lock as it stands
    #[command(after_help = "\
Example:
  sallyport mcp sign lock.key

For a lock that was never signed, whose key is another now, or that somebody edited: read it first, as `git diff` shows
it. Whatever it says is what you sign.")]
    Sign(SignArgs),
}

/// Which server is looked at.
#[derive(Args, Debug)]
pub struct ScanArgs {
    /// An address, or a command and its arguments
    #[arg(
        value_name = "URL|COMMAND",
        required_unless_present = "server",
        trailing_var_arg = true
    )]
    target: Vec<String>,
    /// The name of a server in the configuration, instead
    #[arg(long, value_name = "NAME", conflicts_with = "target")]
    server: Option<String>,
    /// Which configuration
    #[command(flatten)]
    config: ConfigArgs,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// Which lock.
#[derive(Args, Debug)]
pub struct LockArgs {
    /// Which configuration
    #[command(flatten)]
    config: ConfigArgs,
    /// The lock file; unless given, `mcp.lock` of the configuration, or else tools.lock beside it
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
}

/// What is signed, and with what.
#[derive(Args, Debug)]
pub struct SignArgs {
    /// The Ed25519 key (PEM, `openssl genpkey -algorithm ed25519`)
    #[arg(value_name = "KEY")]
    key: PathBuf,
    /// Which lock
    #[command(flatten)]
    lock: LockArgs,
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
    /// A finding that need not be told of this tool any more, such as `tool.instructions`
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
    pub tools: Vec<Arc<str>>,
}

/// `Err`: it was told already what is wrong.
type Told<T> = Result<T, Outcome>;

/// Does what was typed.
pub(super) fn run(command: &McpCommand) -> Outcome {
    start_log(LogFormat::Text, "warn");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start: {error}"), Outcome::Broken),
    };
    let done = runtime.block_on(async {
        match command {
            McpCommand::Scan(args) => scanned(args).await,
            McpCommand::Pin(args) => pin(args).await,
            McpCommand::Diff(args) => diff(args).await,
            McpCommand::Approve(args) => approve(args).await,
            McpCommand::Sign(args) => sign(args),
        }
    });
    done.unwrap_or_else(|outcome| outcome)
}

/// The lock file at hand.
struct AtHand {
    config: Config,
    file: PathBuf,
    keys: Vec<PublicKey>,
    lock: Lock,
}

impl AtHand {
    /// The configuration, and the lock as it is on disk: held to `mcp.lock_key` where there is one. `may_lack`: without a
    /// file, an empty lock will do.
    fn open(args: &LockArgs, may_lack: bool) -> Told<AtHand> {
        let AtHand {
            config, file, keys, ..
        } = AtHand::find(args)?;
        let lock = match may_lack && !file.exists() {
            true => Lock::default(),
            false => read_lock(&file, &keys).map_err(|error| lock_error(&error, &file))?,
        };
        Ok(AtHand {
            config,
            file,
            keys,
            lock,
        })
    }

    /// Without looking into the file.
    fn find(args: &LockArgs) -> Told<AtHand> {
        let config = load(&args.config)?;
        let beside = || config.file.with_file_name(LOCK);
        let file = args.lock.clone().or_else(|| config.mcp.lock.clone());
        Ok(AtHand {
            keys: lock_keys(&config.mcp).map_err(|error| fail(&error, Outcome::No))?,
            file: file.unwrap_or_else(beside),
            lock: Lock::default(),
            config,
        })
    }

    async fn ask(&self, server: &str) -> Told<Listing> {
        let named = servers::named(&self.config, server);
        let named = named.map_err(|why| told(&why, Outcome::No))?;
        let listed = servers::list(&named, server).await;
        let listed = listed.map_err(|why| told(&why, Outcome::Broken))?;
        let listing = read(server, &listed);
        for unread in &listing.unread {
            let (index, error) = (unread.index + 1, &unread.error);
            tell(&format!(
                "{} tool {index} of {} is left out: {error}",
                "warning:".yellow(),
                shown(server)
            ));
        }
        Ok(listing)
    }

    fn look(&self, listing: &Listing) -> Scan {
        let detectors = Detectors::new(self.config.detect);
        scan(
            std::slice::from_ref(listing),
            Some(&self.lock),
            &[&detectors],
        )
    }

    /// Signs the lock if there is a key, and puts it in its place whole: a reader sees the old one or the new one.
    fn write(mut self, key: Option<&Path>) -> Told<Outcome> {
        let broken = |path: &Path, why: &dyn std::fmt::Display| {
            fail(&format!("{}: {why}", path.display()), Outcome::Broken)
        };
        if let Some(file) = key {
            let pem = std::fs::read_to_string(file).map_err(|why| broken(file, &why))?;
            let pem = zeroize::Zeroizing::new(pem);
            let key = SigningKey::from_pem(&pem)
                .map_err(|why| fail(&format!("{}: {why}", file.display()), Outcome::No))?;
            self.lock.sign(&key);
        }
        if !self.keys.is_empty()
            && let Err(why) = self.lock.verify(&self.keys)
        {
            let public = self.config.mcp.lock_key.as_deref().unwrap_or(Path::new(""));
            let public = public.display();
            let say = match key {
                None => format!(
                    "nothing is written: the gateway takes only a lock that is signed\n  hint: give `--sign KEY`, the private key of {public}"
                ),
                Some(key) => format!(
                    "nothing is written: {why}\n  hint: {} is not the private key of {public}",
                    key.display()
                ),
            };
            return Err(fail(&say, Outcome::No));
        }
        // A link stays one; what it leads to is replaced.
        let file = std::fs::canonicalize(&self.file).unwrap_or_else(|_| self.file.clone());
        let mut beside = file.as_os_str().to_owned();
        beside.push(".new");
        let beside = PathBuf::from(beside);
        std::fs::write(&beside, self.lock.text()).map_err(|why| broken(&beside, &why))?;
        std::fs::rename(&beside, &file).map_err(|why| broken(&file, &why))?;
        let signed = match self.lock.signature().is_some() {
            true => "signed",
            false => "not signed",
        };
        tell(&format!("wrote {} ({signed})", self.file.display()));
        if self.config.mcp.lock.is_none() {
            tell(&format!(
                "{} the configuration has no `mcp.lock`: until it names this file, nothing is held back",
                "warning:".yellow()
            ));
        }
        Ok(Outcome::Done)
    }
}

async fn scanned(args: &ScanArgs) -> Told<Outcome> {
    let (server, name) = match &args.server {
        Some(name) => (servers::named(&load(&args.config)?, name), name.clone()),
        None => (servers::typed(&args.target), args.target.join(" ")),
    };
    let server = server.map_err(|why| told(&why, Outcome::No))?;
    let listed = servers::list(&server, &name).await;
    let listed = listed.map_err(|why| told(&why, Outcome::Broken))?;
    let report = scan(&[read(&name, &listed)], None, &[&Detectors::default()]);
    match args.json {
        true => say(&pretty(&scan_json(&report))),
        false => say(scan_text(&report, &paint).trim_end()),
    }
    Ok(match report.verdict() {
        Verdict::Refuse => Outcome::No,
        Verdict::Pass | Verdict::Look => Outcome::Done,
    })
}

async fn pin(args: &PinArgs) -> Told<Outcome> {
    let mut at_hand = AtHand::open(&args.lock, true)?;
    let before = at_hand.lock.clone();
    for server in &args.servers {
        let listing = at_hand.ask(server).await?;
        let known = at_hand.lock.server(server).is_some();
        at_hand.lock.pin(&listing).map_err(refused)?;
        let count = listing.tools.len();
        let done = if known { "as it was pinned:" } else { "pinned" };
        tell(&format!(
            "{} {}, {count} tools",
            done.green(),
            shown(server)
        ));
        let report = at_hand.look(&listing);
        if report.verdict() != Verdict::Pass {
            tell(scan_text(&report, &paint).trim_end());
        }
        still_out(&report, |_| true);
    }
    if at_hand.lock == before && args.sign.is_none() {
        return Ok(Outcome::Done);
    }
    at_hand.write(args.sign.as_deref())
}

async fn diff(args: &DiffArgs) -> Told<Outcome> {
    let at_hand = AtHand::open(&args.lock, false)?;
    let mut outcome = Outcome::Done;
    for server in &args.servers {
        let listing = at_hand.ask(server).await?;
        let comparison = compare(&at_hand.lock, &listing);
        if !comparison.is_clean() || !listing.unread.is_empty() {
            outcome = Outcome::No;
        }
        if !comparison.known {
            tell(&format!(
                "{} is not pinned: `sallyport mcp pin {}`",
                shown(server),
                shown(server)
            ));
        }
        match diff_text(&comparison, &paint) {
            text if text.is_empty() => tell(&format!("{}: as it was pinned", shown(server))),
            text => say(text.trim_end()),
        }
    }
    Ok(outcome)
}

async fn approve(args: &ApproveArgs) -> Told<Outcome> {
    let mut at_hand = AtHand::open(&args.lock, true)?;
    let listing = at_hand.ask(&args.server).await?;
    let before = compare(&at_hand.lock, &listing);
    if !before.is_clean() {
        tell(diff_text(&before, &paint).trim_end());
    }
    let lock = &mut at_hand.lock;
    if args.all {
        lock.approve_all(&listing).map_err(refused)?;
    }
    if args.instructions {
        lock.approve_instructions(&listing);
    }
    if let Some(tool) = &args.tool {
        let mut accept: BTreeSet<String> = args.accept.iter().cloned().collect();
        if !accept.is_empty() && before.of(tool) == Some(&Change::Unchanged) {
            // What was accepted of it as it is stays so.
            let pins = lock.server(&args.server);
            let pin = pins.and_then(|server| server.tools.get(tool));
            accept.extend(pin.iter().flat_map(|pin| pin.accept.iter().cloned()));
        }
        lock.approve(&listing, tool, accept).map_err(refused)?;
    }
    let gone = |tool: &str| before.of(tool) == Some(&Change::Gone);
    let what = match &args.tool {
        Some(tool) if gone(tool) => format!("that {} is gone", shown(tool)),
        Some(tool) => shown(tool),
        None if args.all => format!("{} tools and the instructions", listing.tools.len()),
        None => "the instructions".to_owned(),
    };
    tell(&format!(
        "{} {what}, of {}",
        "approved".green(),
        shown(&args.server)
    ));
    let report = at_hand.look(&listing);
    still_out(&report, |tool| match &args.tool {
        Some(one) => one == tool,
        None => args.all,
    });
    at_hand.write(args.sign.as_deref())
}

fn sign(args: &SignArgs) -> Told<Outcome> {
    let mut at_hand = AtHand::find(&args.lock)?;
    at_hand.lock = read_lock(&at_hand.file, &[]).map_err(|e| lock_error(&e, &at_hand.file))?;
    for (name, server) in at_hand.lock.servers() {
        let count = server.tools.len();
        tell(&format!(
            "{} {}, {count} tools",
            "signing".green(),
            shown(name)
        ));
    }
    at_hand.write(Some(&args.key))
}

/// Says which tools agents will not see although they are pinned, and how to let them in.
fn still_out(report: &Scan, meant: impl Fn(&str) -> bool) {
    for server in &report.servers {
        let admitted = server.admitted(Mode::Enforce);
        let out = server
            .tools
            .iter()
            .filter(|tool| meant(&tool.name) && !admitted.contains(tool.name.as_str()));
        for tool in out {
            let mut labels: Vec<&str> = tool
                .findings
                .iter()
                .filter(|finding| finding.severity == Severity::Refusal)
                .map(|finding| finding.label.as_str())
                .collect();
            labels.dedup();
            let accept: Vec<String> = labels.iter().map(|l| format!("--accept {l}")).collect();
            let (server, tool) = (shown(&server.server), shown(&tool.name));
            tell(&format!(
                "{} {tool} stays out: {}\n  if that is as it should be: sallyport mcp approve {server} {tool} {}",
                "warning:".yellow(),
                labels.join(", "),
                accept.join(" ")
            ));
        }
    }
}

fn load(args: &ConfigArgs) -> Told<Config> {
    Config::load(&args.config).map_err(|errors| fail(&errors, Outcome::No))
}

fn read(server: &str, listed: &Listed) -> Listing {
    let tools = listed.tools.iter().map(|tool| &**tool);
    Listing::read(server, listed.instructions.as_deref(), tools)
}

fn told(why: &NotListed, outcome: Outcome) -> Outcome {
    let hint = match why.hint.is_empty() {
        true => String::new(),
        false => format!("\n  hint: {}", why.hint),
    };
    fail(&format!("{}{hint}", why.what), outcome)
}

fn lock_error(error: &dyn std::fmt::Display, file: &Path) -> Outcome {
    match file.exists() {
        true => fail(error, Outcome::No),
        false => fail(
            &format!("{error}\n  hint: `sallyport mcp pin SERVER` writes it"),
            Outcome::Broken,
        ),
    }
}

fn refused(error: PinError) -> Outcome {
    fail(&error, Outcome::No)
}

fn paint(tone: Tone, text: &str) -> String {
    match tone {
        Tone::Good => text.green().to_string(),
        Tone::Doubt => text.yellow().to_string(),
        Tone::Bad => text.red().to_string(),
        Tone::Quiet => text.dimmed().to_string(),
    }
}
