//! The rows that are learnt from and measured on.

use sallyport_normalise::{View, disguises, normalise};
use serde::Deserialize;
use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// The channels by the words that rows name them with, in the order of the model's sides.
pub const CHANNELS: [&str; sallyport_firewall::ngram::CHANNELS] = [
    "user",
    "system",
    "tool_description",
    "tool_call",
    "tool_result",
    "unknown",
];
/// The channel of which nobody knows who speaks.
pub const UNKNOWN: u8 = 5;

/// One text with what is known of it.
#[derive(Clone, Debug)]
pub struct Row {
    pub text: String,
    pub channel: u8,
    pub attack: bool,
    pub source: String,
}

#[derive(Deserialize)]
struct Line {
    text: String,
    channel: String,
    label: String,
    #[serde(default)]
    source: String,
}

/// All the ways in which the firewall reads a text.
pub fn views(text: &str) -> Vec<View<'_>> {
    let mut views = normalise(text);
    views.extend(disguises(text));
    views
}

/// All rows of a file, one JSON object a line.
pub fn read(path: &Path) -> Result<Vec<Row>, Box<dyn Error>> {
    let told = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let file = std::fs::File::open(path).map_err(|why| told(&why))?;
    let mut rows = Vec::new();
    for (at, line) in BufReader::new(file).lines().enumerate() {
        let told = |why: &dyn std::fmt::Display| format!("{}:{}: {why}", path.display(), at + 1);
        let line = line.map_err(|why| told(&why))?;
        let line: Line = serde_json::from_str(&line).map_err(|why| told(&why))?;
        let channel = CHANNELS
            .iter()
            .position(|name| *name == line.channel)
            .ok_or_else(|| told(&format!("`{}` is no channel", line.channel)))?;
        rows.push(Row {
            text: line.text,
            channel: channel as u8,
            attack: line.label != "benign",
            source: line.source,
        });
    }
    Ok(rows)
}
