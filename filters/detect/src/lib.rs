//! Finds secrets, personal data, hidden text, forged markers and bad links in what agents read and write.
//!
//! Pure and linear: one look over the text as it is, one over what cleaning makes of it where that
//! differs, and one over each thing that is encoded in it. A finding is a label, a place and a score.
//!
//! Scores: 0.95 and more, the form is right and so is a check digit or the randomness of the letters.
//! 0.6 to 0.9, the form is right and the sort of thing is less certain. 0.3, an example as
//! documentation shows it (`AKIA…EXAMPLE`, `user:password@localhost`). Placeholders such as
//! `sk-xxxxxxxx` or `YOUR_API_KEY` are not reported.
//!
//! What is not seen: a run of base64 longer than `TOKEN_MAX` is not decoded as one; only stretches of
//! printable ASCII in it are read, each by itself and up to that length, and hexadecimal that long not
//! at all. Of a private key what lies beyond `KEY_MAX` is not reported.

mod ahead;
mod anchors;
mod assignments;
mod emails;
mod grams;
mod hidden;
mod labels;
mod lettered;
mod letters;
mod links;
mod machines;
mod markers;
mod national;
mod personal;
mod phones;
mod phrases;
mod private_keys;
mod scan;
mod secret_rules;
mod secrets;
mod stream;
mod words;

pub use labels::labels;
pub use scan::{BLOCK_MAX, KEY_MAX, SPREAD_MAX, TOKEN_MAX};
pub use stream::HOLDBACK_MAX;

use sallyport_exchange::{Author, Filter, Kind, Label, PartId, PartView, Report};
use sallyport_normalise::{Layer, View, classes, normalise, undecoded};
use scan::{Hit, Reach, Scan, Wanted, merge};
use serde::Deserialize;

/// Which families of detectors run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Keys, tokens and passwords: `secret.*`, in every part.
    pub secrets: bool,
    /// Personal data: `pii.*`, in every part.
    pub personal: bool,
    /// Text that people do not see: `hidden.*`, in every part; HTML only in what tools say.
    pub hidden: bool,
    /// Forged boundaries and orders to agents: `marker.*` and `injection.phrase`, in what tools say.
    pub markers: bool,
    /// Bad addresses: `link.*`, in what models and tools say.
    pub links: bool,
    /// Look into base64 and hexadecimal too.
    pub decode: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            secrets: true,
            personal: true,
            hidden: true,
            markers: true,
            links: true,
            decode: true,
        }
    }
}

/// All detectors, as one filter.
#[derive(Clone, Debug, Default)]
pub struct Detectors {
    config: Config,
}

impl Detectors {
    /// The detectors that `config` turns on.
    pub fn new(config: Config) -> Self {
        Detectors { config }
    }

    fn wanted(&self, author: Author) -> Wanted {
        let untrusted = author == Author::Tool;
        Wanted {
            secrets: self.config.secrets,
            personal: self.config.personal,
            hidden: self.config.hidden,
            hidden_html: self.config.hidden && untrusted,
            markers: self.config.markers && untrusted,
            links: self.config.links && (untrusted || author == Author::Model),
        }
    }

    fn hits(&self, text: &str, wanted: Wanted) -> Vec<Hit> {
        let views = if self.config.decode {
            normalise(text)
        } else {
            undecoded(text)
        };
        let mut hits = Vec::new();
        for view in &views {
            look(view, text, wanted, &mut hits);
        }
        merge(&mut hits);
        hits
    }
}

/// Adds what one view shows to `hits`, with places in `text`.
fn look(view: &View<'_>, text: &str, wanted: Wanted, hits: &mut Vec<Hit>) {
    let mut scan = Scan::new(view.text(), wanted);
    let raw = view.layer() == Layer::Raw;
    anchors::scan(&mut scan);
    if wanted.secrets {
        secrets::tokens(&mut scan);
    }
    if wanted.personal {
        emails::emails(&mut scan);
        personal::numbers(&mut scan);
    }
    if wanted.hidden && raw {
        hidden::terminal(&mut scan);
        if !text.is_ascii() {
            hidden::invisible(&mut scan);
        }
    }
    let mut orders: Option<f32> = None;
    for mut hit in scan.hits {
        if matches!(view.layer(), Layer::Decoded(_))
            && (hit.label.starts_with("marker.") || hit.label.starts_with("injection."))
        {
            orders = Some(orders.unwrap_or(0.0).max(hit.score));
        }
        hit.range = view.origin(hit.range);
        if fits(text, &hit, raw) {
            hits.push(hit);
        }
    }
    if let (Some(score), true) = (orders, wanted.hidden) {
        let range = view.origin(0..view.text().len());
        hits.push(Hit {
            label: "hidden.encoded",
            range,
            score,
            reach: Reach::Token,
        });
    }
}

/// Whether a finding keeps within the lengths that the rules of streaming allow (`stream`).
fn fits(text: &str, hit: &Hit, raw: bool) -> bool {
    match hit.range.len() {
        0 => false,
        1..=SPREAD_MAX => true,
        len if hit.reach == Reach::Block && raw => len <= BLOCK_MAX,
        len => len <= TOKEN_MAX + 8 && !text[hit.range.clone()].chars().any(classes::separates),
    }
}

impl Filter for Detectors {
    fn name(&self) -> &'static str {
        "detect"
    }

    fn wants(&self, _kind: Kind, author: Author) -> bool {
        self.wanted(author) != Wanted::default()
    }

    fn inspect(&self, part: &PartView<'_>, report: &mut Report<'_>) {
        for hit in self.hits(part.text, self.wanted(part.author)) {
            report.found(Label(hit.label), hit.range, hit.score);
        }
    }

    fn settled(&self, text: &str) -> usize {
        let wanted = self.wanted(Author::Tool);
        stream::settled(text, &|text| {
            self.hits(text, wanted)
                .into_iter()
                .map(|hit| (hit.range.start, hit.range.end))
                .collect()
        })
    }

    fn lookbehind(&self, text: &str, settled: usize) -> usize {
        stream::lookbehind(text, settled)
    }
}

/// Runs everything over arbitrary bytes and checks what must hold of any text; for fuzz targets.
///
/// # Panics
/// When a promise of this crate is broken.
pub fn fuzz_detect(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for view in normalise(&text) {
        for (at, c) in view.text().char_indices().take(256) {
            let origin = view.origin(at..at + c.len_utf8());
            assert!(text.get(origin).is_some(), "a view leads outside the text");
        }
    }
    let detectors = Detectors::default();
    let part = PartView {
        id: PartId(0),
        json: None,
        kind: Kind::ToolResult,
        author: Author::Tool,
        tool: None,
        text: &text,
    };
    let mut findings = Vec::new();
    detectors.inspect(&part, &mut Report::new(part.id, &mut findings));
    for finding in &findings {
        assert!(
            text.get(finding.range.clone())
                .is_some_and(|found| !found.is_empty()),
            "a finding lies outside the text"
        );
        assert!(
            labels()
                .iter()
                .any(|(label, _)| *label == finding.label.as_str()),
            "a label is not listed"
        );
    }
    let settled = detectors.settled(&text);
    assert!(text.is_char_boundary(settled), "settled within a character");
    assert!(
        text.len() - settled <= HOLDBACK_MAX,
        "more held back than promised"
    );
    let from = detectors.lookbehind(&text, settled);
    assert!(
        from <= settled && text.is_char_boundary(from),
        "lookbehind past settled"
    );
}
