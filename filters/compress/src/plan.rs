//! From a block to its form: a short line of steps, each tried in its turn, each proven before it is used.

use crate::block::{BLOCK_MAX, Block, Class, Context, Kinds, Mode, Plan, Reason};
use crate::form::Form;
use crate::step::{Step, StepKind};
use crate::tokens::{self, Vocabulary};
use crate::{blob, expand, html, json, lines, mark, reference};

/// Tokens that must be saved, at least.
const SAVED_MIN: usize = 40;
/// Of all tokens, one in this many must be saved.
const SAVED_SHARE: usize = 10;

/// The form of a block.
pub fn plan(block: &Block<'_>, context: &Context<'_>) -> Plan {
    let text = block.text;
    if text.len() > BLOCK_MAX {
        return Plan::Keep(Reason::Large);
    }
    // A token is a byte at the least.
    if text.len() < SAVED_MIN {
        return Plan::Keep(Reason::Little);
    }
    if mark::imitates(text) {
        return Plan::Keep(Reason::Imitates);
    }
    let referred =
        reference::refer(text, context.earlier, context.kinds).map(|(step, text)| Plan::Rewrite {
            class: Class::Lossless,
            steps: vec![step],
            text,
        });
    if context.exact {
        return enough(text, referred.into_iter().collect());
    }
    let mut tried = Walk::begin(text, context.kinds);
    tried.peel();
    let mut plans: Vec<Plan> = referred.into_iter().collect();
    plans.extend(tried.lossless());
    if let (Mode::Reversible, Some(handle)) = (context.mode, context.handle) {
        plans.extend(tried.reversible(handle));
    }
    let unproven = tried.unproven;
    match enough(text, plans) {
        Plan::Keep(_) if unproven => Plan::Keep(Reason::Unproven),
        plan => repeated(plan, context),
    }
}

/// A form that an earlier result has word for word is named in its turn.
fn repeated(plan: Plan, context: &Context<'_>) -> Plan {
    let Plan::Rewrite {
        class: Class::Lossless,
        mut steps,
        text,
    } = plan
    else {
        return plan;
    };
    let text = match reference::same_form(&text, context.earlier, context.kinds) {
        Some((step, named)) => {
            steps.push(step);
            named
        }
        None => text,
    };
    Plan::Rewrite {
        class: Class::Lossless,
        steps,
        text,
    }
}

/// A text on its way through the steps.
struct Walk<'a> {
    original: &'a str,
    kinds: Kinds,
    steps: Vec<Step>,
    text: String,
    unproven: bool,
}

type Encode = fn(&str) -> Option<Form>;
type View = fn(&str, &str) -> Option<String>;

impl<'a> Walk<'a> {
    fn begin(original: &'a str, kinds: Kinds) -> Self {
        Walk {
            original,
            kinds,
            steps: Vec::new(),
            text: original.to_owned(),
            unproven: false,
        }
    }

    /// Takes off what is around the words.
    fn peel(&mut self) {
        for (kind, encode) in [
            (StepKind::Unwrap, json::unwrap::encode as Encode),
            (StepKind::Ansi, lines::ansi::encode),
        ] {
            if let Some((step, text)) = self.step(kind, encode, &self.text.clone()) {
                self.steps.push(step);
                self.text = text;
            }
        }
    }

    /// One step, if it applies and is undone to the same bytes.
    fn step(&mut self, kind: StepKind, encode: Encode, text: &str) -> Option<(Step, String)> {
        if !self.kinds.has(kind) {
            return None;
        }
        let form = encode(text)?;
        let step = Step::new(kind, form.residue);
        if expand(&form.text, std::slice::from_ref(&step)).as_deref() == Ok(text) {
            return Some((step, form.text));
        }
        self.unproven = true;
        None
    }

    /// What was peeled, alone and with each form of the whole.
    fn lossless(&mut self) -> Vec<Plan> {
        let forms: [(StepKind, Encode); 4] = [
            (StepKind::Minify, json::minify::encode),
            (StepKind::Table, json::table::encode),
            (StepKind::Grep, lines::grep::encode),
            (StepKind::Templates, lines::templates::encode),
        ];
        let mut plans = Vec::new();
        if !self.steps.is_empty() {
            plans.push(self.rewrite(Class::Lossless, None, self.text.clone()));
        }
        for (kind, encode) in forms {
            if let Some((step, text)) = self.step(kind, encode, &self.text.clone()) {
                plans.push(self.rewrite(Class::Lossless, Some(step), text));
            }
        }
        plans
    }

    /// Forms that leave something out.
    fn reversible(&self, handle: &str) -> Vec<Plan> {
        let views: [(StepKind, View); 4] = [
            (StepKind::Markdown, html::view),
            (StepKind::Elide, json::elide::view),
            (StepKind::Fold, lines::fold::view),
            (StepKind::Blob, blob::view),
        ];
        let views = views.into_iter().filter(|(kind, _)| self.kinds.has(*kind));
        let seen = views.filter_map(|(kind, view)| Some((kind, view(&self.text, handle)?)));
        seen.map(|(kind, text)| self.rewrite(Class::Reversible, Some(Step::new(kind, [])), text))
            .collect()
    }

    fn rewrite(&self, class: Class, step: Option<Step>, text: String) -> Plan {
        let steps = self.steps.iter().cloned().chain(step).collect();
        let _ = self.original;
        Plan::Rewrite { class, steps, text }
    }
}

/// The smallest of the plans, if it saves enough.
fn enough(original: &str, plans: Vec<Plan>) -> Plan {
    let none = match plans.is_empty() {
        true => Reason::NoForm,
        false => Reason::Little,
    };
    // The first of equals: the plainer form.
    let best = plans
        .into_iter()
        .min_by_key(|plan| tokens::estimate(plan.text("")));
    match best {
        Some(best) if saves_enough(original, best.text("")) => best,
        _ => Plan::Keep(none),
    }
}

/// Whether the rewriting saves enough tokens. The quick count decides where it is sure, the exact one near the line.
fn saves_enough(before: &str, after: &str) -> bool {
    let wanted = |all: usize| SAVED_MIN.max(all.div_ceil(SAVED_SHARE));
    let (all, left) = (tokens::estimate(before), tokens::estimate(after));
    let saved = all.saturating_sub(left);
    if saved >= wanted(all) * 2 {
        return true;
    }
    if all < left || saved * 3 < wanted(all) {
        return false;
    }
    let all = tokens::count(before, Vocabulary::O200k);
    let left = tokens::count(after, Vocabulary::O200k);
    all.saturating_sub(left) >= wanted(all)
}
