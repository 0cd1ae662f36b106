//! What can be wrong with a configuration, told so that it can be mended.

use std::fmt;
use std::path::{Path, PathBuf};

/// One mistake in a configuration file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// Counted from 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// Counted from 1.
    pub column: usize,
    /// What is wrong. A secret is never shown, and a value that is refused is shown as it was written, before
    /// the environment was put in; names and paths are shown as they are.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message)?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// All that is wrong with a configuration, in the order of its lines. Never empty.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl ConfigErrors {
    /// A mistake that is the whole file's.
    pub fn file(file: &Path, message: impl Into<String>, hint: Option<&str>) -> Self {
        ConfigErrors(vec![ConfigError {
            file: file.into(),
            line: 0,
            column: 0,
            message: message.into(),
            hint: hint.map(Into::into),
        }])
    }
}

/// The word of `known` that `word` was most likely meant to be.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|other| (strsim::damerau_levenshtein(&word, other), other))
        .filter(|(distance, other)| {
            *distance <= 1 + other.chars().count().min(word.chars().count()) / 4
        })
        .min()
        .map(|(_, other)| other)
}
