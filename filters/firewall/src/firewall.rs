//! The filter: which texts of a body are judged, and what is reported of them.

use crate::cache::Verdicts;
use crate::calibration::{Calibration, Uncalibrated};
use crate::cascade::{Cascade, Judge, Limits, Said, Wait};
use crate::channel::Channel;
use crate::counts::{Counted, Counts};
use crate::patterns::Patterns;
use crate::screen::Screen;
use crate::sentence::{finished, sentences};
use crate::verdict::Verdict;
use crate::{Label, LoadError, Malformed, Model, Ngram, Pool, Size};
use sallyport_exchange::{Author, Filter, Finding, Kind, Label as Name, PartView, Report};
use std::fmt;
use std::sync::Arc;

/// The n-gram model, as `models/firewall/fit` wrote it.
const NGRAM: &[u8] = include_bytes!("../../../models/firewall/ngram.bin");
/// Says that the model was trained to be told who speaks, by the words that `Channel::prefix` gives.
const CHANNELS: &str = "sallyport.firewall.channels";
/// Where the shipped model keeps its calibration.
const CALIBRATION: &str = "sallyport.firewall.calibration";

/// Which stages there are, and what bounds them.
pub struct Options {
    /// Hand on what the patterns hit.
    pub patterns: bool,
    /// Clear with n-grams what is clearly harmless.
    pub ngram: bool,
    /// The model to ask, and how many at a time may.
    pub model: Option<(Model, Size)>,
    /// Verdicts that are kept.
    pub cache: usize,
    /// What bounds the work.
    pub limits: Limits,
    /// How a thread waits.
    pub wait: Wait,
}

/// Why a firewall cannot start.
#[derive(Debug)]
pub enum StartError {
    /// The model's file, or the machine.
    Model(LoadError),
    /// The model's own calibration.
    Calibration(Uncalibrated),
    /// What is built in: a broken build.
    BuiltIn(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Model(error) => error.fmt(f),
            StartError::Calibration(error) => write!(f, "in the model's metadata: {error}"),
            StartError::BuiltIn(why) => write!(f, "what is built in is damaged: {why}"),
        }
    }
}

impl std::error::Error for StartError {}

impl From<Malformed> for StartError {
    fn from(why: Malformed) -> Self {
        StartError::BuiltIn(why.to_string())
    }
}

/// The semantic firewall. Clones share everything.
#[derive(Clone)]
pub struct Firewall {
    cascade: Arc<Cascade>,
}

impl Firewall {
    /// Starts the stages that are wanted.
    pub fn new(options: Options) -> Result<Firewall, StartError> {
        let built_in = |why: &dyn fmt::Display| StartError::BuiltIn(why.to_string());
        let patterns = match options.patterns {
            true => Some(Patterns::new().map_err(|e| built_in(&e))?),
            false => None,
        };
        let ngram = match options.ngram {
            true => Some(Ngram::from_bytes(NGRAM)?),
            false => None,
        };
        let judge = match options.model {
            Some((model, size)) => {
                let told = model.metadata(CHANNELS).is_some();
                let calibration = match model.metadata(CALIBRATION) {
                    Some(json) => Calibration::read(json).map_err(StartError::Calibration)?,
                    None => Calibration::default(),
                };
                Some(Judge {
                    pool: Pool::new(model.clone(), size).map_err(StartError::Model)?,
                    model,
                    calibration,
                    told,
                })
            }
            None => None,
        };
        Ok(Firewall {
            cascade: Arc::new(Cascade {
                screen: Screen { patterns, ngram },
                judge,
                verdicts: Verdicts::new(options.cache),
                limits: options.limits,
                counts: Counts::default(),
                wait: options.wait,
            }),
        })
    }

    /// Judges texts, all of one body together. One verdict a text, in order.
    pub fn judge(&self, texts: &[Said<'_>]) -> Vec<Arc<Verdict>> {
        self.cascade.judge(texts)
    }

    /// What the stages did so far.
    pub fn counts(&self) -> Counted {
        self.cascade.counts.read()
    }

    /// How long the model's contexts have computed so far, all together.
    pub fn busy(&self) -> std::time::Duration {
        let judge = self.cascade.judge.as_ref();
        judge.map_or(std::time::Duration::ZERO, |j| j.pool.busy())
    }

    /// Windows that wait for the model now, and verdicts that are kept.
    pub fn held(&self) -> (usize, usize) {
        let waiting = self.cascade.judge.as_ref().map_or(0, |j| j.pool.waiting());
        (waiting, self.cascade.verdicts.len())
    }
}

impl fmt::Debug for Firewall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Firewall").finish_non_exhaustive()
    }
}

/// The name under which an attack is reported.
pub fn name(label: Label) -> Name {
    match label {
        Label::Benign => Name("injection.none"),
        Label::Override => Name("injection.override"),
        Label::Jailbreak => Name("injection.jailbreak"),
        Label::Embedded => Name("injection.embedded"),
    }
}

/// Every label this crate reports, sorted, each with one sentence.
pub fn labels() -> &'static [(&'static str, &'static str)] {
    &[
        (
            "injection.embedded",
            "An instruction to the agent inside data or a tool's declaration, by the classifier.",
        ),
        (
            "injection.jailbreak",
            "A role, a game or a code that is to shed the model's rules, by the classifier.",
        ),
        (
            "injection.override",
            "An attempt to drop, replace or extract instructions, by the classifier.",
        ),
    ]
}

/// A text of a part, and where it begins there.
struct Piece<'t> {
    part: usize,
    at: usize,
    said: Said<'t>,
}

/// What is judged of a part: all of it, or of the model's own words each sentence.
fn pieces<'t>(number: usize, part: &PartView<'t>, pieces: &mut Vec<Piece<'t>>) {
    let Some(channel) = Channel::of(part.kind, part.author) else {
        return;
    };
    let mut add = |at: usize, text: &'t str| {
        // Without two letters there is nothing to say.
        if text
            .chars()
            .filter(|c| c.is_alphanumeric())
            .nth(1)
            .is_some()
        {
            let said = Said { channel, text };
            pieces.push(Piece {
                part: number,
                at,
                said,
            });
        }
    };
    if is_written(part.kind, part.author) {
        for range in sentences(part.text) {
            add(range.start, &part.text[range]);
        }
    } else {
        add(0, part.text);
    }
}

/// Whether a part may come in a stream, piece by piece.
fn is_written(kind: Kind, author: Author) -> bool {
    author == Author::Model && kind == Kind::Text
}

fn report(verdict: &Verdict, at: usize, len: usize, report: &mut Report<'_>) {
    for hot in &verdict.hot {
        report.found(
            name(hot.label),
            at + hot.range.start..at + hot.range.end,
            hot.score,
        );
    }
    if let Some(range) = &verdict.unscanned {
        report.found(Name::UNSCANNED, at + range.start..at + range.end, 1.0);
    }
    if verdict.unavailable {
        report.found(Name::UNAVAILABLE, at..at + len, 1.0);
    }
}

impl Filter for Firewall {
    fn name(&self) -> &'static str {
        "firewall"
    }

    fn wants(&self, kind: Kind, author: Author) -> bool {
        Channel::of(kind, author).is_some()
    }

    fn inspect(&self, part: &PartView<'_>, into: &mut Report<'_>) {
        let mut cut = Vec::new();
        pieces(0, part, &mut cut);
        let said: Vec<Said<'_>> = cut.iter().map(|piece| piece.said).collect();
        for (piece, verdict) in cut.iter().zip(self.judge(&said)) {
            report(&verdict, piece.at, piece.said.text.len(), into);
        }
    }

    fn inspect_all(&self, parts: &[PartView<'_>], findings: &mut Vec<Finding>) {
        let mut cut = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            pieces(number, part, &mut cut);
        }
        let said: Vec<Said<'_>> = cut.iter().map(|piece| piece.said).collect();
        for (piece, verdict) in cut.iter().zip(self.judge(&said)) {
            let mut into = Report::new(parts[piece.part].id, findings);
            report(&verdict, piece.at, piece.said.text.len(), &mut into);
        }
    }

    fn inspect_growing(&self, part: &PartView<'_>, into: &mut Report<'_>) {
        let text = &part.text[..finished(part.text)];
        self.inspect(&PartView { text, ..*part }, into);
    }

    fn settled(&self, text: &str) -> usize {
        finished(text)
    }

    fn lookbehind(&self, text: &str, settled: usize) -> usize {
        finished(&text[..settled])
    }
}
