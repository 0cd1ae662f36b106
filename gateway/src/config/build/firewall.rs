//! From what was typed of the firewall to what it means.

use super::Builder;
use crate::config::file::{FirewallFile, GuardFile, LabelFile, ModelFile};
use crate::config::{Firewall, FirewallModel};
use sallyport_firewall::{Digest, Guard, Label, Reads};

impl Builder<'_> {
    /// `None`: it does not run, or a mistake was noted.
    pub(super) fn firewall(&mut self, typed: FirewallFile) -> Option<Firewall> {
        if !typed.enabled {
            return None;
        }
        let model = match &typed.model {
            Some(model) => self.firewall_model(model),
            None => Some(FirewallModel::Shipped),
        };
        if typed.windows == 0 || typed.queue < u32::from(typed.windows) {
            self.wrong(
                &["firewall", "queue"],
                "the windows of one text do not fit into the queue",
                "`queue` must be at least `windows`, and `windows` at least 1",
            );
        }
        if !(typed.patterns || typed.ngram || typed.classifier) {
            self.wrong(
                &["firewall"],
                "all stages are off",
                "turn one on, or write `enabled: false`",
            );
        }
        let model = model.filter(|_| typed.classifier);
        Some(meant(&typed, model))
    }

    fn firewall_model(&mut self, typed: &ModelFile) -> Option<FirewallModel> {
        let digest = typed.sha256.parse::<Digest>();
        if digest.is_err() {
            self.wrong(
                &["firewall", "model", "sha256"],
                "this is no SHA-256",
                "write the 64 hex digits that `sha256sum FILE` prints",
            );
        }
        let reads = match &typed.guard {
            Some(guard) => self.guard(guard)?,
            None => Reads::Classifier {
                labels: (!typed.labels.is_empty())
                    .then(|| typed.labels.iter().map(|l| label(*l)).collect()),
            },
        };
        Some(FirewallModel::Own {
            file: self.path(&typed.file),
            digest: digest.ok()?,
            reads,
        })
    }

    fn guard(&mut self, typed: &GuardFile) -> Option<Reads> {
        if !typed.template.contains("{text}") {
            self.wrong(
                &["firewall", "model", "guard", "template"],
                "the prompt does not say where the text goes",
                "write `{text}` where it does",
            );
            return None;
        }
        Some(Reads::Guard(Guard {
            template: typed.template.clone(),
            attack: typed.attack.clone(),
            safe: typed.safe.clone(),
            label: label(typed.label),
        }))
    }
}

/// The firewall as it is unless something else is typed.
pub(crate) fn shipped() -> Firewall {
    meant(&FirewallFile::default(), Some(FirewallModel::Shipped))
}

fn meant(typed: &FirewallFile, model: Option<FirewallModel>) -> Firewall {
    Firewall {
        patterns: typed.patterns,
        ngram: typed.ngram,
        model,
        contexts: match typed.contexts {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            count => usize::from(count),
        },
        threads: usize::from(typed.threads).max(1),
        queue: typed.queue as usize,
        deadline: typed.deadline.0,
        windows: usize::from(typed.windows),
        cache: typed.cache as usize,
    }
}

fn label(typed: LabelFile) -> Label {
    match typed {
        LabelFile::Benign => Label::Benign,
        LabelFile::Override => Label::Override,
        LabelFile::Jailbreak => Label::Jailbreak,
        LabelFile::Embedded => Label::Embedded,
    }
}
