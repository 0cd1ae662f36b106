//! What can be wrong with a policy, told so that its author can mend it.

use std::fmt;
use std::sync::Arc;

/// A place in a policy or data file.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// The file, as the source named it.
    pub file: Arc<str>,
    /// Counted from 1; 0 where the file as a whole is meant.
    pub line: u32,
    /// Counted from 1; 0 where the line as a whole is meant.
    pub column: u32,
}

impl Place {
    /// A file as a whole.
    pub fn file(file: &str) -> Self {
        Place {
            file: file.into(),
            line: 0,
            column: 0,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}:{}", self.file, self.column),
        }
    }
}

/// What kind of mistake it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mistake {
    /// It is not Rego, or not Rego v1.
    Syntax,
    /// The package is none that the gateway judges by.
    Package,
    /// A built-in function that this engine has not, or that would make decisions depend on more than their input.
    Builtin,
    /// A rule that looks like a misspelt rule of the contract.
    Name,
    /// A rule of the contract with a value of the wrong type.
    Shape,
    /// A layer that reads the rules of another layer.
    Layer,
    /// A data file that cannot be read, or that clashes with another.
    Data,
    /// Rego that the compiler does not take.
    Unsupported,
}

/// One mistake in a policy, by its author.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, thiserror::Error)]
#[error("{at}: {message}{}", .hint.as_ref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default())]
pub struct PolicyError {
    /// Where.
    pub at: Place,
    /// What kind of mistake.
    pub mistake: Mistake,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub hint: Option<String>,
}

impl PolicyError {
    /// A mistake without a hint.
    pub fn new(mistake: Mistake, at: Place, message: impl Into<String>) -> Self {
        PolicyError {
            at,
            mistake,
            message: message.into(),
            hint: None,
        }
    }

    /// The same, with how to mend it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// All that is wrong with a policy source, in order of file and line.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct PolicyErrors(pub Vec<PolicyError>);

impl PolicyErrors {
    /// Nothing, if there are no errors; else all of them, sorted, none twice.
    pub(crate) fn check(mut errors: Vec<PolicyError>) -> Result<(), PolicyErrors> {
        errors.sort();
        errors.dedup();
        if errors.is_empty() {
            Ok(())
        } else {
            Err(PolicyErrors(errors))
        }
    }
}

impl From<PolicyError> for PolicyErrors {
    fn from(error: PolicyError) -> Self {
        PolicyErrors(vec![error])
    }
}

/// Reads regorus's picture of an error (`--> file:line:col … error: message`) back into its pieces.
pub(crate) fn from_regorus(mistake: Mistake, fallback: &str, text: &str) -> PolicyError {
    let message = text
        .rsplit_once("error: ")
        .map_or(text, |(_, message)| message)
        .trim()
        .to_owned();
    let at = text
        .split_once("--> ")
        .and_then(|(_, rest)| place(rest.lines().next().unwrap_or_default()))
        .unwrap_or_else(|| Place::file(fallback));
    PolicyError::new(mistake, at, message)
}

/// `file:line:col`, where the file may hold colons.
fn place(text: &str) -> Option<Place> {
    let (rest, column) = text.trim().rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    Some(Place {
        file: file.into(),
        line: line.parse().ok()?,
        column: column.parse().ok()?,
    })
}
