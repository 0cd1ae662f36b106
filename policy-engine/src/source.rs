//! Policies and their data as they come in: as text, named by path.

use crate::error::{Mistake, Place, PolicyError};
use regorus::Value;
use sha2::{Digest, Sha256};

/// One `.rego` file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyFile {
    /// Its path, for messages. A name ending in `_test.rego` makes it a test.
    pub path: String,
    /// Its text.
    pub text: String,
}

impl PolicyFile {
    /// Whether it holds tests, and no policy.
    pub fn is_test(&self) -> bool {
        self.path.ends_with("_test.rego")
    }
}

/// A folder of policies, as text. Whoever reads folders makes one of these.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct PolicySource {
    /// The `.rego` files, tests among them.
    pub files: Vec<PolicyFile>,
    /// JSON documents, by path, merged into `data`. (A reader of YAML hands in its JSON.)
    pub data: Vec<(String, String)>,
}

impl PolicySource {
    /// A source of these files: path and text.
    pub fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut source = PolicySource::default();
        for (path, text) in files {
            source.add(path, text);
        }
        source
    }

    /// Adds one file: data if it ends in `.json`, else a policy.
    pub fn add(&mut self, path: &str, text: &str) {
        if path.ends_with(".json") {
            self.data.push((path.into(), text.into()));
        } else {
            self.files.push(PolicyFile {
                path: path.into(),
                text: text.into(),
            });
        }
    }

    /// The policies, without the tests; with the built-in libraries that they name.
    pub fn policies(&self) -> impl Iterator<Item = &PolicyFile> + use<'_> {
        let files = self.files.iter().filter(|file| !file.is_test());
        files.chain(crate::library::named(self))
    }

    /// The tests.
    pub fn tests(&self) -> impl Iterator<Item = &PolicyFile> {
        self.files.iter().filter(|file| file.is_test())
    }

    /// The first 16 hex digits of a SHA-256 over all that decides: paths and texts, sorted, tests left out.
    pub fn revision(&self) -> String {
        let mut all: Vec<(&str, &str)> = self
            .policies()
            .map(|file| (file.path.as_str(), file.text.as_str()))
            .chain(
                self.data
                    .iter()
                    .map(|(path, text)| (path.as_str(), text.as_str())),
            )
            .collect();
        all.sort_unstable();
        let mut hash = Sha256::new();
        for (path, text) in all {
            for piece in [path, text] {
                hash.update((piece.len() as u64).to_be_bytes());
                hash.update(piece);
            }
        }
        hash.finalize()
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// All data files as one document. The same key with two values is an error that names both files.
    pub(crate) fn merged_data(&self) -> Result<Value, Vec<PolicyError>> {
        let mut merged = serde_json::Map::new();
        let mut owners: Vec<(&str, serde_json::Map<String, serde_json::Value>)> = Vec::new();
        let mut errors = Vec::new();
        for (path, text) in &self.data {
            match read_data(path, text) {
                Err(error) => errors.push(error),
                Ok(document) => {
                    if let Some(key) = clash(&merged, &document, String::new()) {
                        let other = owners
                            .iter()
                            .find(|(_, d)| clash(d, &document, String::new()).is_some());
                        let other = other.map_or("another file", |(other, _)| other);
                        let message = format!(
                            "`data.{key}` is given here and in `{other}`, with different values"
                        );
                        errors.push(
                            PolicyError::new(Mistake::Data, Place::file(path), message)
                                .hint("give each key in one file only"),
                        );
                    } else {
                        merge(&mut merged, document.clone());
                    }
                    owners.push((path, document));
                }
            }
        }
        if errors.is_empty() {
            Ok(Value::from(serde_json::Value::Object(merged)))
        } else {
            Err(errors)
        }
    }
}

fn read_data(
    path: &str,
    text: &str,
) -> Result<serde_json::Map<String, serde_json::Value>, PolicyError> {
    let at = |line, column| Place {
        file: path.into(),
        line,
        column,
    };
    match serde_json::from_str(text) {
        Ok(serde_json::Value::Object(document)) if document.contains_key("sallyport") => {
            let message = "`data.sallyport` is where the rules live, not data";
            Err(PolicyError::new(Mistake::Data, at(0, 0), message).hint("rename the top key"))
        }
        Ok(serde_json::Value::Object(document)) => Ok(document),
        Ok(_) => Err(PolicyError::new(
            Mistake::Data,
            at(0, 0),
            "a data file holds one JSON object",
        )),
        Err(error) => {
            let at = at(error.line() as u32, error.column() as u32);
            Err(PolicyError::new(
                Mistake::Data,
                at,
                format!("not JSON: {error}"),
            ))
        }
    }
}

type Document = serde_json::Map<String, serde_json::Value>;

/// The dotted path of the first key to which both documents give values that do not merge.
fn clash(left: &Document, right: &Document, prefix: String) -> Option<String> {
    right.iter().find_map(|(key, theirs)| {
        let path = if prefix.is_empty() {
            key.clone()
        } else {
            format!("{prefix}.{key}")
        };
        match (left.get(key)?, theirs) {
            (serde_json::Value::Object(ours), serde_json::Value::Object(theirs)) => {
                clash(ours, theirs, path)
            }
            (ours, theirs) if ours == theirs => None,
            _ => Some(path),
        }
    })
}

fn merge(into: &mut Document, from: Document) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(serde_json::Value::Object(ours)), serde_json::Value::Object(theirs)) => {
                merge(ours, theirs)
            }
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}
