//! From a block to its form: a short line of steps, each tried in its turn, each proven before it is used.

use crate::block::{BLOCK_MAX, BLOCK_MIN, Block, Class, Context, Kinds, Mode, Plan, Reason};
use crate::form::Form;
use crate::step::{Step, StepKind};
use crate::tokens::{self, Vocabulary};
use crate::{blob, expand, html, json, lines, mark, reference};
use std::borrow::Cow;

/// Tokens that must be saved, at least.
const SAVED_MIN: usize = BLOCK_MIN;
/// Of all tokens, one in this many must be saved.
const SAVED_SHARE: usize = 10;
/// Bytes of the longest text that is counted exactly.
const COUNTED_MAX: usize = 4 << 10;
/// A form that leaves something out has at most so many tokens of a hundred of the best one that does not: less is not
/// worth that the model may have to ask.
const REVERSIBLE_SHARE: usize = 75;

/// The form of a block.
pub fn plan(block: &Block<'_>, context: &Context<'_>) -> Plan {
    let text = block.text;
    if text.len() > BLOCK_MAX {
        return Plan::Keep(Reason::Large);
    }
    if text.len() < BLOCK_MIN {
        return Plan::Keep(Reason::Little);
    }
    if mark::imitates(text) {
        return Plan::Keep(Reason::Imitates);
    }
    let mut forms: Vec<Candidate> = reference::refer(text, context.earlier, context.kinds)
        .map(|(step, text)| Candidate::new(Class::Lossless, vec![step], text))
        .into_iter()
        .collect();
    if !context.exact {
        let walk = Walk::begin(text, context);
        walk.forms(&mut forms);
    }
    choose(text, forms, context)
}

/// A form that a block may be given.
struct Candidate {
    class: Class,
    steps: Vec<Step>,
    text: String,
    /// Roughly.
    tokens: usize,
}

impl Candidate {
    fn new(class: Class, steps: Vec<Step>, text: String) -> Self {
        Candidate {
            class,
            steps,
            tokens: tokens::estimate(&text),
            text,
        }
    }
}

/// The smallest of the forms that is undone to the same bytes, if it saves enough.
fn choose(text: &str, mut forms: Vec<Candidate>, context: &Context<'_>) -> Plan {
    if forms.is_empty() {
        return Plan::Keep(Reason::NoForm);
    }
    let lossless = forms.iter().filter(|form| form.class == Class::Lossless);
    let before = tokens::estimate(text);
    let least = lossless.map(|form| form.tokens).fold(before, usize::min);
    forms.retain(|form| {
        form.class == Class::Lossless || form.tokens * 100 <= least * REVERSIBLE_SHARE
    });
    // The first of equals stays first: the plainer form.
    forms.sort_by_key(|form| form.tokens);
    let mut unproven = false;
    for mut form in forms {
        if !saves_enough((text, before), (&form.text, form.tokens)) {
            break;
        }
        if !proven(text, &form) {
            unproven = true;
            continue;
        }
        repeated(&mut form, context);
        return Plan::Rewrite {
            class: form.class,
            steps: form.steps,
            text: form.text,
        };
    }
    Plan::Keep(match unproven {
        true => Reason::Unproven,
        false => Reason::Little,
    })
}

/// Whether a form without loss gives the bytes back. What names earlier words was proven when it was made; of what
/// leaves something out the original is kept.
fn proven(text: &str, form: &Candidate) -> bool {
    let named = |step: &Step| step.kind == StepKind::Reference;
    form.class != Class::Lossless
        || form.steps.iter().any(named)
        || expand(&form.text, &form.steps).as_deref() == Ok(text)
}

/// A form that an earlier result has word for word is named in its turn.
fn repeated(form: &mut Candidate, context: &Context<'_>) {
    if form.class != Class::Lossless {
        return;
    }
    if let Some((step, named)) = reference::same_form(&form.text, context.earlier, context.kinds) {
        form.steps.push(step);
        form.text = named;
    }
}

/// A text on its way through the steps.
struct Walk<'a> {
    kinds: Kinds,
    handle: Option<&'a str>,
    steps: Vec<Step>,
    text: Cow<'a, str>,
}

type Encode = fn(&str) -> Option<Form>;
type View = fn(&str, &str) -> Option<String>;

impl<'a> Walk<'a> {
    /// Takes off what is around the words.
    fn begin(text: &'a str, context: &Context<'a>) -> Self {
        let mut walk = Walk {
            kinds: context.kinds,
            handle: context.handle.filter(|_| context.mode == Mode::Reversible),
            steps: Vec::new(),
            text: Cow::Borrowed(text),
        };
        for (kind, encode) in [
            (StepKind::Unwrap, json::unwrap::encode as Encode),
            (StepKind::Ansi, lines::ansi::encode),
        ] {
            if let Some((step, text)) = walk.step(kind, encode) {
                walk.steps.push(step);
                walk.text = Cow::Owned(text);
            }
        }
        walk
    }

    fn step(&self, kind: StepKind, encode: Encode) -> Option<(Step, String)> {
        if !self.kinds.has(kind) {
            return None;
        }
        let form = encode(&self.text)?;
        Some((Step::new(kind, form.residue), form.text))
    }

    /// All forms of what was taken out of its wrapping. A text is JSON, or a page, or lines: what is one of them is not
    /// tried as another.
    fn forms(&self, forms: &mut Vec<Candidate>) {
        if !self.steps.is_empty() {
            let text = self.text.clone().into_owned();
            forms.push(self.candidate(Class::Lossless, None, text));
        }
        let json = self.first(
            &[
                (StepKind::Table, json::table::encode as Encode),
                (StepKind::Minify, json::minify::encode),
            ],
            forms,
        );
        if json {
            self.views(
                &[
                    (StepKind::Elide, json::elide::view),
                    (StepKind::Blob, blob::view),
                ],
                forms,
            );
            return;
        }
        if self.views(&[(StepKind::Markdown, html::view)], forms) {
            return;
        }
        self.first(
            &[
                (StepKind::Grep, lines::grep::encode),
                (StepKind::Templates, lines::templates::encode),
            ],
            forms,
        );
        self.views(
            &[
                (StepKind::Fold, lines::fold::view),
                (StepKind::Blob, blob::view),
            ],
            forms,
        );
    }

    /// Adds the first of these forms that the text has. Whether it has one.
    fn first(&self, steps: &[(StepKind, Encode)], forms: &mut Vec<Candidate>) -> bool {
        let found = steps
            .iter()
            .find_map(|(kind, encode)| self.step(*kind, *encode));
        let Some((step, text)) = found else {
            return false;
        };
        forms.push(self.candidate(Class::Lossless, Some(step), text));
        true
    }

    /// Adds those of these views that the text has, where the original can be had back. Whether it has one.
    fn views(&self, views: &[(StepKind, View)], forms: &mut Vec<Candidate>) -> bool {
        let Some(handle) = self.handle else {
            return false;
        };
        let before = forms.len();
        for (kind, view) in views.iter().filter(|(kind, _)| self.kinds.has(*kind)) {
            if let Some(text) = view(&self.text, handle) {
                let step = Step::new(*kind, []);
                forms.push(self.candidate(Class::Reversible, Some(step), text));
            }
        }
        forms.len() > before
    }

    fn candidate(&self, class: Class, step: Option<Step>, text: String) -> Candidate {
        let steps = self.steps.iter().cloned().chain(step).collect();
        Candidate::new(class, steps, text)
    }
}

/// Whether a rewriting saves enough tokens. The quick count decides where it is sure, the exact one near the line; of a
/// long text, whose exact count would take long, the quick one must be clearer.
fn saves_enough((before, all): (&str, usize), (after, left): (&str, usize)) -> bool {
    let wanted = |all: usize| SAVED_MIN.max(all.div_ceil(SAVED_SHARE));
    let saved = all.saturating_sub(left);
    // The quick counts of two texts err alike, to a tenth.
    let doubt = left / 10;
    if saved >= wanted(all) + doubt {
        return true;
    }
    if saved + doubt < wanted(all) {
        return false;
    }
    if before.len() > COUNTED_MAX {
        return saved >= wanted(all) + doubt / 2;
    }
    let all = tokens::count(before, Vocabulary::O200k);
    let left = tokens::count(after, Vocabulary::O200k);
    all.saturating_sub(left) >= wanted(all)
}
