//! From the body of a request to its edits: which words of tools the model reads in which form.
//!
//! The results in a body are planned in their order. The form of each depends on its own bytes, its tool, the rules and
//! what stands before it, so a history that is sent again is forwarded in the same bytes, and the provider's prompt cache
//! holds. What was planned is kept in a [`Memo`]: a history that was seen costs its digest.

mod exact;
mod key;

use crate::block::{Block, Class, Context, Kinds, Mode, Plan, Reason};
use crate::mark;
use crate::memo::{Key, Memo, Planned};
use crate::plan::plan;
use crate::reference::Earlier;
use crate::step::{Step, StepKind};
use crate::tokens;
use key::{Chain, Mark};
use sallyport_exchange::json::string;
use sallyport_exchange::{
    Answer, Author, Coding, Edit, Edits, Kind, Part, PartId, Payload, Segment,
};
use std::sync::Arc;

pub use exact::ExactTools;

/// Tokens under which what a failed call says is left alone, roughly.
const FAILED_MIN: usize = 2000;

/// Tokens that the beginning of a request has at least when a provider's cache takes it (Anthropic and OpenAI: 1024),
/// and as many more as a rough count may be wrong by. What would leave the request shorter stays as it is, for a cached
/// token costs a tenth.
const CACHED_MIN: usize = 1152;
/// What shrinks the request by more than this is taken all the same: what it saves at once is worth the few requests
/// until there is enough for the cache again.
const CACHED_SHARE: usize = 2;

/// What a team lets the engine do with the results in a conversation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    /// How far to go.
    pub mode: Mode,
    /// By which kinds of step.
    pub kinds: Kinds,
    /// Tools whose answers stay as they are.
    pub exact: ExactTools,
}

impl Rules {
    /// All kinds, and the usual tools that read files.
    pub fn new(mode: Mode) -> Rules {
        Rules {
            mode,
            kinds: Kinds::ALL,
            exact: ExactTools::default(),
        }
    }
}

/// Where originals are kept, for forms that leave something out. Its words decide no form but these: the same original
/// must get the same word, and once kept be kept, for as long as the conversation lasts.
pub trait Originals {
    /// The word under which this conversation can have back the text with this digest (BLAKE3): sixteen letters and
    /// digits.
    fn handle(&self, digest: &[u8; 32]) -> String;

    /// Keeps an original for as long as it may be asked for. `false`: it cannot be kept, so nothing may be left out.
    /// Called for every such block of every request: what is kept already should cost little.
    fn keep(&mut self, kept: &Kept<'_>) -> bool;
}

/// An original of which the model reads less.
#[derive(Clone, Copy)]
pub struct Kept<'a> {
    /// The word under which it is to be had back.
    pub handle: &'a str,
    /// BLAKE3 of the original.
    pub digest: &'a [u8; 32],
    /// All of it.
    pub original: &'a str,
    /// What the model reads.
    pub text: &'a str,
    /// The tool that said it.
    pub tool: Option<&'a str>,
    /// It was not in any request before.
    pub new: bool,
}

/// Why a block is forwarded as it came.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Left {
    /// The engine had a reason.
    Plan(Reason),
    /// The call failed, and what it says is short.
    Failed,
    /// It is what the gateway's own tool gave back.
    Retrieved,
    /// The request would be too short for the provider's cache.
    Short,
}

impl Left {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Left::Plan(reason) => reason.as_str(),
            Left::Failed => "failed_call",
            Left::Retrieved => "retrieved",
            Left::Short => "short_request",
        }
    }
}

/// What became of one block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockReport {
    /// Which part of the payload it is.
    pub part: PartId,
    /// The tool that said it.
    pub tool: Option<String>,
    /// It stands after the last words of the model: no request held it before.
    pub new: bool,
    /// What became of it.
    pub class: Class,
    /// What was done, in order.
    pub steps: Vec<StepKind>,
    /// Why it stays as it came; `None`: it does not.
    pub left: Option<Left>,
    /// Bytes of its text, as it came and as it is forwarded.
    pub bytes: (usize, usize),
    /// Tokens, the same, roughly ([`tokens::estimate`]).
    pub tokens: (usize, usize),
    /// The word under which the original can be had, if something is left out.
    pub handle: Option<String>,
    planned: Option<Arc<Planned>>,
}

impl BlockReport {
    /// What is forwarded in place of `original`.
    pub fn text<'t>(&'t self, original: &'t str) -> &'t str {
        let planned = self.planned.as_ref();
        planned.map_or(original, |planned| planned.plan.text(original))
    }
}

/// What the engine makes of a request.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Compressed {
    /// Replacements in the body: of texts, and of nothing else.
    pub edits: Edits,
    /// Every block that was looked at, in order.
    pub blocks: Vec<BlockReport>,
}

/// The edits of a request of any protocol. `originals`: `None` where the model has no way to ask for them.
///
/// Each block's steps with what undoes them are not in the report; [`plan`](crate::plan()) gives them for a block alone.
pub fn compress<'a>(
    payload: &'a Payload,
    rules: &'a Rules,
    memo: &'a Memo,
    originals: Option<&'a mut dyn Originals>,
) -> Compressed {
    let outline = payload.outline();
    let said = |part: &Part| part.author == Author::Model;
    let new_from = outline.parts.iter().rposition(said).map_or(0, |at| at + 1);
    let kinds = match outline.clears {
        true => rules.kinds.without(StepKind::Reference),
        false => rules.kinds,
    };
    let mut walk = Walk {
        payload,
        rules,
        kinds,
        memo,
        originals,
        new_from,
        chain: Chain::begin(kinds),
        told: Vec::new(),
        earlier: Earlier::default(),
        indexed: 0,
        ahead: 0,
        out: Compressed::default(),
    };
    let standing = |part: &&Part| part.message.is_none();
    for part in outline.parts.iter().filter(standing) {
        walk.count(part);
    }
    for (at, part) in outline.parts.iter().enumerate() {
        walk.part(PartId(at as u32), part);
    }
    walk.out
}

/// The results of one body on their way to their forms.
struct Walk<'a> {
    payload: &'a Payload,
    rules: &'a Rules,
    kinds: Kinds,
    memo: &'a Memo,
    originals: Option<&'a mut dyn Originals>,
    /// The first part that no request held before.
    new_from: usize,
    /// Of all that later forms may depend on.
    chain: Chain,
    /// What was said so far, as it is forwarded. Indexed only when a plan must be made.
    told: Vec<Told<'a>>,
    earlier: Earlier,
    indexed: usize,
    /// Tokens of what stands before, as it is forwarded, roughly; not counted on from [`CACHED_MIN`].
    ahead: usize,
    out: Compressed,
}

/// One text as it is forwarded.
struct Told<'a> {
    call: &'a str,
    tool: Option<&'a str>,
    text: Forwarded<'a>,
}

enum Forwarded<'a> {
    /// As it came.
    Same(&'a str),
    /// In other words.
    Other(Arc<Planned>),
    /// Something that is no block: an image, what a provider found.
    Nothing,
}

/// One block, with what its form depends on.
struct Asked<'a> {
    block: Block<'a>,
    exact: bool,
    digest: [u8; 32],
}

impl<'a> Walk<'a> {
    fn part(&mut self, id: PartId, part: &Part) {
        let of_result = match part.kind {
            Kind::ToolResult => true,
            Kind::Media | Kind::Unread => part.call.is_some() && part.author == Author::Tool,
            _ => false,
        };
        if !of_result {
            if part.message.is_some() {
                self.count(part);
            }
            return;
        }
        let payload = self.payload;
        let call = part.call.map_or("", |call| payload.text(call));
        let tool = part.tool.map(|tool| payload.text(tool));
        let (text, mark) = match whole_string(payload, part) {
            Some((text, segment)) => self.block(id, part, (text, tool), segment),
            None => {
                self.count(part);
                (Forwarded::Nothing, Mark::Nothing)
            }
        };
        self.chain.tell(call, tool, &mark);
        self.told.push(Told { call, tool, text });
    }

    fn block(
        &mut self,
        id: PartId,
        part: &Part,
        (text, tool): (&'a str, Option<&'a str>),
        segment: Segment,
    ) -> (Forwarded<'a>, Mark) {
        let digest = *blake3::hash(text.as_bytes()).as_bytes();
        let new = id.0 as usize >= self.new_from;
        let mut report = BlockReport {
            part: id,
            tool: tool.map(str::to_owned),
            new,
            class: Class::None,
            steps: Vec::new(),
            left: None,
            bytes: (text.len(), text.len()),
            tokens: (0, 0),
            handle: None,
            planned: None,
        };
        if tool.is_some_and(|tool| tool.ends_with(mark::RETRIEVE)) {
            report.left = Some(Left::Retrieved);
        } else if part.answer == Answer::Failed && tokens::estimate(text) < FAILED_MIN {
            report.left = Some(Left::Failed);
        }
        if report.left.is_some() {
            self.out.blocks.push(report);
            self.count(part);
            return (Forwarded::Same(text), Mark::Same(digest));
        }
        let asked = Asked {
            block: Block { text, tool },
            exact: tool.is_some_and(|tool| self.rules.exact.has(tool)),
            digest,
        };
        let (planned, handle, key) = self.planned(&asked, new);
        report.tokens = planned.tokens;
        let changes = planned.plan.class() != Class::None;
        let (before, after) = (self.ahead + planned.tokens.0, self.ahead + planned.tokens.1);
        if changes && after < CACHED_MIN && after * CACHED_SHARE > before {
            self.ahead += planned.tokens.0;
            report.tokens.1 = planned.tokens.0;
            report.left = Some(Left::Short);
            self.out.blocks.push(report);
            return (Forwarded::Same(text), Mark::Same(digest));
        }
        self.ahead += planned.tokens.1;
        report.class = planned.plan.class();
        report.handle = handle.filter(|_| report.class == Class::Reversible);
        let forwarded = match &planned.plan {
            Plan::Keep(reason) => {
                report.left = Some(Left::Plan(*reason));
                Forwarded::Same(text)
            }
            Plan::Rewrite { steps, text, .. } => {
                report.steps = steps.iter().map(|step| step.kind).collect();
                report.bytes.1 = text.len();
                self.edit(segment, text);
                report.planned = Some(Arc::clone(&planned));
                Forwarded::Other(Arc::clone(&planned))
            }
        };
        self.out.blocks.push(report);
        (forwarded, Mark::Planned(key))
    }

    /// Counts what stands before, as far as it matters.
    fn count(&mut self, part: &Part) {
        if self.ahead < CACHED_MIN {
            self.ahead += tokens::estimate(self.payload.text(part.text));
        }
    }

    /// The plan of a block. One that leaves something out is used only if the original is kept.
    fn planned(&mut self, asked: &Asked<'a>, new: bool) -> (Arc<Planned>, Option<String>, Key) {
        let handle = match (&self.originals, self.rules.mode) {
            (Some(originals), Mode::Reversible) if !asked.exact => {
                Some(originals.handle(&asked.digest))
            }
            _ => None,
        };
        let (planned, key) = self.remembered(asked, handle.as_deref());
        let (Some(originals), Some(handle)) = (&mut self.originals, handle) else {
            return (planned, None, key);
        };
        if planned.plan.class() != Class::Reversible {
            return (planned, None, key);
        }
        let kept = originals.keep(&Kept {
            handle: &handle,
            digest: &asked.digest,
            original: asked.block.text,
            text: planned.plan.text(asked.block.text),
            tool: asked.block.tool,
            new,
        });
        match kept {
            true => (planned, Some(handle), key),
            false => {
                let (planned, key) = self.remembered(asked, None);
                (planned, None, key)
            }
        }
    }

    fn remembered(&mut self, asked: &Asked<'a>, handle: Option<&str>) -> (Arc<Planned>, Key) {
        let key: Key = self.chain.key(asked, self.rules.mode, handle);
        if let Some(planned) = self.memo.get(&key) {
            return (planned, key);
        }
        self.index();
        let plan = plan(
            &asked.block,
            &Context {
                mode: self.rules.mode,
                kinds: self.kinds,
                exact: asked.exact,
                earlier: &self.earlier,
                handle,
            },
        );
        let before = tokens::estimate(asked.block.text);
        let tokens = match &plan {
            Plan::Keep(_) => (before, before),
            Plan::Rewrite { text, .. } => (before, tokens::estimate(text)),
        };
        let planned = Arc::new(Planned { plan, tokens });
        self.memo.put(key, &planned);
        (planned, key)
    }

    /// Brings the index up to what was said so far.
    fn index(&mut self) {
        if !self.kinds.has(StepKind::Reference) {
            return;
        }
        for told in &self.told[self.indexed..] {
            match &told.text {
                Forwarded::Same(text) => self.earlier.add(told.call, told.tool, text),
                Forwarded::Other(planned) => match &planned.plan {
                    Plan::Rewrite { text, steps, .. } if only_names(steps) => {
                        self.earlier.add(told.call, told.tool, text);
                    }
                    Plan::Rewrite { text, .. } => {
                        self.earlier.add_form(told.call, told.tool, text);
                    }
                    Plan::Keep(_) => self.earlier.skip(told.call, told.tool),
                },
                Forwarded::Nothing => self.earlier.skip(told.call, told.tool),
            }
        }
        self.indexed = self.told.len();
    }

    /// Puts `text` in place of all that stands between the quotes of a string.
    fn edit(&mut self, segment: Segment, text: &str) {
        let mut with = String::with_capacity(text.len() + text.len() / 8);
        string::encode(text, &mut with);
        self.out.edits.insert(Edit {
            span: segment.raw,
            with,
        });
    }
}

/// Whether the lines that were not named stand as they came.
fn only_names(steps: &[Step]) -> bool {
    let names = |step: &Step| step.kind == StepKind::Reference;
    steps.iter().all(names)
}

/// The text of a part that may be put in other words: one JSON string, whole.
fn whole_string<'p>(payload: &'p Payload, part: &Part) -> Option<(&'p str, Segment)> {
    if part.kind != Kind::ToolResult || part.answer == Answer::Fixed || part.sealed {
        return None;
    }
    let text = payload.text(part.text);
    match payload.outline().segments.get(part.segments.range())? {
        [segment] if segment.coding == Coding::String && segment.text.len() == text.len() => {
            Some((text, *segment))
        }
        _ => None,
    }
}
