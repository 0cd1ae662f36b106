//! `sallyport compress` and `sallyport expand`: what a tool's answer becomes, and back.

use super::lines::{self, BYTES_MAX};
use super::{Outcome, fail, say, tell};
use crate::compression::{Bodies, Originals, Scope};
use owo_colors::OwoColorize;
use sallyport_compress::tokens::{Vocabulary, count};
use sallyport_compress::{
    Block, Class, Context, Earlier, ExactTools, Kinds, Mode, Plan, Step, expand, plan,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How much the store of the command line holds, and how long.
const STORE_MAX: u64 = 4 << 30;
const STORE_KEEP: Duration = Duration::from_secs(7 * 24 * 3600);

/// What to make small.
#[derive(clap::Args, Debug)]
pub struct CompressArgs {
    /// Files to read; without any, standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A JSON object a line, in and out
    #[arg(long, conflicts_with = "session")]
    jsonl: bool,
    /// The request bodies of one session, a line each, as the client sends them; out come the bodies as they would be forwarded
    #[arg(long)]
    session: bool,
    /// How far to go
    #[arg(long, value_enum, default_value_t = ModeWord::Lossless)]
    mode: ModeWord,
    /// Which tool answered (without --jsonl and --session)
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// Where originals are kept
    #[command(flatten)]
    store: StoreArgs,
}

/// What to give back.
#[derive(clap::Args, Debug)]
pub struct ExpandArgs {
    /// Files of lines that `compress --jsonl` wrote; without any, standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A JSON object a line, in and out
    #[arg(long, required_unless_present = "reference")]
    jsonl: bool,
    /// The word after `ref=` in a compact form: print its original
    #[arg(long = "ref", value_name = "REF", conflicts_with = "jsonl")]
    reference: Option<String>,
    /// Where originals are kept
    #[command(flatten)]
    store: StoreArgs,
}

/// Which folder of originals.
#[derive(clap::Args, Debug)]
struct StoreArgs {
    /// The folder of originals; unless given, one in $XDG_STATE_HOME or ~/.local/state
    #[arg(long, value_name = "FOLDER")]
    store: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(super) enum ModeWord {
    /// Every byte stays in the text
    Lossless,
    /// Something may be left out; the original is kept
    Reversible,
}

/// A line in.
#[derive(Deserialize)]
struct Line {
    text: String,
    #[serde(default)]
    tool: Option<String>,
}

/// A line out.
#[derive(Serialize)]
struct Small<'a> {
    text: &'a str,
    class: &'static str,
    transforms: Vec<String>,
    tokens_before: usize,
    tokens_after: usize,
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<&'a str>,
    micros: u64,
}

/// A line that comes back.
#[derive(Deserialize)]
struct Large {
    text: String,
    class: String,
    #[serde(default)]
    transforms: Vec<String>,
    #[serde(default, rename = "ref")]
    reference: Option<String>,
}

/// Runs `compress`.
pub(super) fn compress(args: &CompressArgs) -> Outcome {
    let store = match args.mode {
        ModeWord::Lossless => None,
        ModeWord::Reversible => match args.store.open() {
            Ok(store) => Some(store),
            Err(why) => return fail(&why, Outcome::Broken),
        },
    };
    let desk = Desk { store };
    if args.jsonl || args.session {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let bodies = Bodies::new(desk.store.clone(), Scope::local(), true);
        return match lines::input(&args.files) {
            // A session's bodies come one after another; lines know nothing of each other.
            Ok(input) if args.session => lines::each(input, 1, |line| {
                bodies.forwarded(line).map_err(|error| error.to_string())
            }),
            Ok(input) => lines::each(input, workers, |line| desk.line(line)),
            Err(error) => fail(&error, Outcome::Broken),
        };
    }
    let names = match args.files.is_empty() {
        true => vec![PathBuf::from("-")],
        false => args.files.clone(),
    };
    let mut outcome = Outcome::Done;
    for file in names {
        match lines::read(&file) {
            Ok(text) => desk.show(&file.display().to_string(), &text, args.tool.as_deref()),
            Err(error) => outcome = fail(&error, Outcome::Broken),
        }
    }
    outcome
}

/// Runs `expand`.
pub(super) fn expand_back(args: &ExpandArgs) -> Outcome {
    let store = args.store.open();
    if let Some(reference) = &args.reference {
        let store = match store {
            Ok(store) => store,
            Err(why) => return fail(&why, Outcome::Broken),
        };
        return match store.get(&Scope::local(), reference) {
            Some(original) => print(&original),
            None => fail(
                &format!("no original `{reference}` is kept here"),
                Outcome::No,
            ),
        };
    }
    let store = store.ok();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    match lines::input(&args.files) {
        Ok(input) => lines::each(input, workers, |line| back(store.as_ref(), line)),
        Err(error) => fail(&error, Outcome::Broken),
    }
}

impl StoreArgs {
    fn open(&self) -> Result<Originals, String> {
        let state = || {
            let given = |name| {
                std::env::var_os(name)
                    .filter(|value| !value.is_empty())
                    .map(PathBuf::from)
            };
            given("XDG_STATE_HOME").or_else(|| Some(given("HOME")?.join(".local/state")))
        };
        let folder = match &self.store {
            Some(folder) => folder.clone(),
            None => state()
                .ok_or("originals need a folder: set --store, HOME or XDG_STATE_HOME")?
                .join("sallyport/originals"),
        };
        Originals::open(&folder, STORE_MAX, STORE_KEEP)
            .map_err(|error| format!("originals cannot be kept: {error}"))
    }
}

/// Plans texts that stand alone.
struct Desk {
    store: Option<Originals>,
}

impl Desk {
    /// The form of a text, and the handle of its original where something is left out.
    fn plan(&self, text: &str, tool: Option<&str>) -> (Plan, Option<String>) {
        let handle = self
            .store
            .as_ref()
            .map(|_| Scope::local().handle(b"", blake3::hash(text.as_bytes()).as_bytes()));
        let earlier = Earlier::default();
        let context = |mode, handle| Context {
            mode,
            kinds: Kinds::ALL,
            exact: tool.is_some_and(|tool| ExactTools::default().has(tool)),
            earlier: &earlier,
            handle,
        };
        let block = Block { text, tool };
        if let (Some(store), Some(handle)) = (&self.store, &handle) {
            let planned = plan(&block, &context(Mode::Reversible, Some(handle)));
            if planned.class() != Class::Reversible {
                return (planned, None);
            }
            if store.put(&Scope::local(), handle, text).is_ok() {
                return (planned, Some(handle.clone()));
            }
        }
        (plan(&block, &context(Mode::Lossless, None)), None)
    }

    fn line(&self, line: &str) -> Result<String, String> {
        let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let begun = Instant::now();
        let (plan, handle) = self.plan(&line.text, line.tool.as_deref());
        let micros = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        let text = plan.text(&line.text);
        let steps = match &plan {
            Plan::Keep(_) => Vec::new(),
            Plan::Rewrite { steps, .. } => steps.iter().map(Step::to_string).collect(),
        };
        let before = count(&line.text, Vocabulary::O200k);
        let small = Small {
            text,
            class: plan.class().as_str(),
            transforms: steps,
            tokens_before: before,
            tokens_after: match plan.class() {
                Class::None => before,
                _ => count(text, Vocabulary::O200k),
            },
            reference: handle.as_deref(),
            micros,
        };
        serde_json::to_string(&small).map_err(|error| error.to_string())
    }

    /// For people: the text as the model would read it, and beside it what was done.
    fn show(&self, name: &str, text: &str, tool: Option<&str>) {
        let (plan, handle) = self.plan(text, tool);
        let shown = plan.text(text);
        say(shown.trim_end_matches('\n'));
        let (before, after) = (
            count(text, Vocabulary::O200k),
            count(shown, Vocabulary::O200k),
        );
        let did = match &plan {
            Plan::Keep(reason) => format!("unchanged ({})", reason.as_str()),
            Plan::Rewrite { class, steps, .. } => {
                let steps: Vec<&str> = steps.iter().map(|step| step.kind.as_str()).collect();
                format!("{}, {}", class.as_str().green().bold(), steps.join(" + "))
            }
        };
        let saved = 100.0 * (1.0 - after as f64 / before.max(1) as f64);
        tell(&format!(
            "{name}: {did}: {before} tokens before, {after} after ({saved:.0} % fewer, o200k)"
        ));
        if let Some(handle) = handle {
            tell(&format!("the original: sallyport expand --ref {handle}"));
        }
    }
}

/// A text as it is, to the byte.
fn print(text: &str) -> Outcome {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Outcome::Done,
        Err(_) => Outcome::Broken,
    }
}

/// A line's original.
fn back(store: Option<&Originals>, line: &str) -> Result<String, String> {
    if line.len() as u64 > BYTES_MAX {
        return Err("the line is too long".into());
    }
    let line: Large = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let text = match (line.class.as_str(), &line.reference) {
        ("none", _) => line.text,
        ("reversible", Some(reference)) => store
            .and_then(|store| store.get(&Scope::local(), reference))
            .ok_or_else(|| format!("no original `{reference}` is kept here"))?,
        ("lossless", _) => {
            let steps: Result<Vec<Step>, _> =
                line.transforms.iter().map(|step| step.parse()).collect();
            let steps = steps.map_err(|error| format!("`transforms`: {error}"))?;
            expand(&line.text, &steps).map_err(|error| error.to_string())?
        }
        ("reversible", None) => return Err("a reversible form without its `ref`".into()),
        (other, _) => {
            return Err(format!(
                "`class` is `{other}`: there are none, lossless and reversible"
            ));
        }
    };
    serde_json::to_string(&serde_json::json!({"text": text})).map_err(|error| error.to_string())
}
