//! What a tool server answers, made small where it is born: the agent keeps the small form, and so does every cache.

use super::savings::{Job, Prices, Rewritten, Work};
use super::{Compression, Mode, Scope, Told, Wish};
use crate::edge::account::Account;
use sallyport_compress::mark::RETRIEVE;
use sallyport_compress::{BLOCK_MIN, Block, Class, Context, Earlier, Plan};
use sallyport_exchange::json::string::quoted;
use sallyport_exchange::json::{Tape, Value};
use sallyport_exchange::{Caller, Dialect, Edit, Edits};
use sallyport_policy::Cleared;
use std::sync::Arc;

/// A result that says that something went wrong stays whole up to this size: it is what the model needs to go on.
const ERROR_BYTES_MAX: usize = 8 << 10;

/// Whose result it is, and of which tool.
pub struct Answered<'a> {
    /// Who gets it.
    pub caller: &'a Caller,
    /// The id of their session.
    pub session: &'a str,
    /// The tool.
    pub tool: &'a str,
    /// What their team wishes.
    pub wish: &'a Wish,
}

impl Compression {
    /// The message to be sent in place of `cleared`, the result of a tool call.
    pub fn result(&self, about: &Answered<'_>, cleared: Cleared, account: &mut Account) -> Cleared {
        let Some(inner) = &self.0 else {
            return cleared;
        };
        if about.wish.mode == Mode::Off || about.tool == RETRIEVE {
            return cleared;
        }
        let Some(texts) = texts(cleared.as_str()) else {
            return cleared;
        };
        // What is too short for any form is not worth an entry in the record, nor the accountant's time.
        if texts.iter().all(|text| text.words.len() < BLOCK_MIN) {
            return cleared;
        }
        let bytes = cleared.len();
        let told = Arc::new(Told::default());
        account.compression(about.wish.mode, told.clone());
        let mut edits = Edits::default();
        let mut job = Job {
            team: about.caller.team.clone(),
            mode: about.wish.mode,
            prices: Prices::of(Dialect::Mcp),
            work: Work::Count(Vec::new()),
            told,
        };
        if about.wish.mode == Mode::Observe {
            let (tool, wish) = (about.tool.to_owned(), about.wish.clone());
            let scope = Scope::of(about.caller, about.session);
            job.work = Work::Observe(Box::new(move || {
                [Mode::Lossless, Mode::Reversible].map(|would| {
                    let plans = texts
                        .iter()
                        .map(|text| (text, planned(&scope, &text.words, &tool, &wish, would).0));
                    plans
                        .filter_map(|(text, plan)| rewritten(&text.words, &plan))
                        .collect()
                })
            }));
        } else {
            let mut all = Vec::new();
            for text in &texts {
                let plan = inner.plan(about, &text.words);
                inner.metrics.compression_block(outcome(&plan));
                account.compressed(plan.class());
                if let Some(rewritten) = rewritten(&text.words, &plan) {
                    edits.insert(Edit {
                        span: text.span,
                        with: quoted(&rewritten.after),
                    });
                    all.push(rewritten);
                }
            }
            job.work = Work::Count(all);
        }
        inner.accountant.take(job, bytes);
        match edits.is_empty() {
            true => cleared,
            false => cleared.readdressed(&edits),
        }
    }
}

impl super::Inner {
    /// The form of one text; without loss where its original cannot be kept.
    fn plan(&self, about: &Answered<'_>, words: &str) -> Plan {
        let scope = Scope::of(about.caller, about.session);
        let wished = match &self.originals {
            Some(_) => about.wish.mode,
            None => Mode::Lossless,
        };
        let (plan, handle) = planned(&scope, words, about.tool, about.wish, wished);
        let kept = |originals| self.kept(originals, &scope, &handle, words);
        match plan.class() == Class::Reversible && !self.originals.as_ref().is_some_and(kept) {
            true => planned(&scope, words, about.tool, about.wish, Mode::Lossless).0,
            false => plan,
        }
    }
}

fn planned(scope: &Scope, words: &str, tool: &str, wish: &Wish, wished: Mode) -> (Plan, String) {
    let handle = match wished {
        Mode::Reversible => scope.handle(b"", blake3::hash(words.as_bytes()).as_bytes()),
        _ => String::new(),
    };
    let rules = wish.rules(wished);
    let block = Block {
        text: words,
        tool: Some(tool),
    };
    let context = Context {
        mode: rules.mode,
        kinds: rules.kinds,
        exact: rules.exact.has(tool),
        // A result may outlive in the agent's memory what came before it: it stands for itself.
        earlier: &Earlier::default(),
        handle: (wished == Mode::Reversible).then_some(&handle),
    };
    (sallyport_compress::plan(&block, &context), handle)
}

/// The class of a form, or why there is none.
fn outcome(plan: &Plan) -> &'static str {
    match plan {
        Plan::Keep(reason) => reason.as_str(),
        Plan::Rewrite { class, .. } => class.as_str(),
    }
}

fn rewritten(before: &str, plan: &Plan) -> Option<Rewritten> {
    (plan.class() != Class::None).then(|| Rewritten {
        before: before.to_owned(),
        after: plan.text(before).to_owned(),
        new: true,
    })
}

/// A text block of a result: its words, and the JSON string they stand in.
struct Words {
    span: sallyport_exchange::Span,
    words: String,
}

/// The plain text blocks of a tool's result (MCP, "Tools", §Tool Result). Annotated ones, and those of an error of moderate
/// size, stay as they are. `structuredContent` is for programs, and stays.
fn texts(message: &str) -> Option<Vec<Words>> {
    let tape = Tape::read_str(message).ok()?;
    let result = tape.root().member("result")?;
    let failed = result.member("isError").is_some_and(|e| e.raw() == "true");
    let blocks = result.member("content")?.elements()?;
    let plain = |block: &Value<'_>| {
        let is_text = block
            .member("type")
            .and_then(|t| t.as_str())
            .is_some_and(|t| t == "text");
        is_text && block.members().into_iter().flatten().count() == 2
    };
    let words = blocks.filter(plain).filter_map(|block| {
        let text = block.member("text")?;
        Some(Words {
            span: text.span(),
            words: text.as_str()?.into_owned(),
        })
    });
    let large = |text: &Words| !failed || text.words.len() > ERROR_BYTES_MAX;
    Some(words.filter(large).collect())
}
