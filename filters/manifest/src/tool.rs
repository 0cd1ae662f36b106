//! A tool's declaration, read strictly, and the digest it is pinned by.

use crate::canonical::canonical;
use crate::leaves::depth;
use crate::limits::{TOOL_BYTES_MAX, TOOL_DEPTH_MAX, TOOLS_MAX};
use sallyport_exchange::Malformed;
use sallyport_exchange::json::{JsonKind, Tape};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::fmt;

/// The SHA-256 of a canonical text. Written `sha256:` and 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why a declaration is not one. The server's fault.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ToolError {
    /// Not strict JSON: not JSON, or a key twice, or a lone surrogate.
    #[error("not strict JSON: {0}")]
    Malformed(#[from] Malformed),
    /// Something other than an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// No `name`, or one that is no string, or is empty.
    #[error("`name` is missing, or is not a string with something in it")]
    Nameless,
    /// Larger than [`TOOL_BYTES_MAX`].
    #[error("larger than {TOOL_BYTES_MAX} bytes")]
    TooLarge,
    /// Nested deeper than [`TOOL_DEPTH_MAX`].
    #[error("nested deeper than {TOOL_DEPTH_MAX} levels")]
    TooDeep,
    /// One of more than [`TOOLS_MAX`] in one list.
    #[error("one of more than {TOOLS_MAX} tools: none of them is let in")]
    TooMany,
}

/// One tool as its server declares it. Every member of the declaration is part of the digest, those of later
/// protocol revisions and `_meta` too: what reaches an agent is pinned, or it does not reach it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tool {
    name: String,
    canonical: String,
    digest: Digest,
}

impl Tool {
    /// Reads one element of a `tools/list` result.
    pub fn read(json: &str) -> Result<Tool, ToolError> {
        if json.len() > TOOL_BYTES_MAX {
            return Err(ToolError::TooLarge);
        }
        let tape = Tape::read_str(json)?;
        let root = tape.root();
        if root.kind() != JsonKind::Object {
            return Err(ToolError::NotAnObject);
        }
        if depth(root) > TOOL_DEPTH_MAX {
            return Err(ToolError::TooDeep);
        }
        let name = root.member("name").and_then(|name| name.as_str());
        let name = match name {
            Some(name) if !name.is_empty() => name.into_owned(),
            _ => return Err(ToolError::Nameless),
        };
        let canonical = canonical(root);
        let digest = Digest::of(canonical.as_bytes());
        Ok(Tool {
            name,
            canonical,
            digest,
        })
    }

    /// Its name, as the server gives it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole declaration as canonical JSON ([`canonical`](crate::canonical())).
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// SHA-256 of [`Tool::canonical`].
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Its description, if it has one.
    pub fn description(&self) -> Option<String> {
        let tape = Tape::read_str(&self.canonical).ok()?;
        let description = tape.root().member("description")?.as_str();
        description.map(Cow::into_owned)
    }

    /// Each member of the declaration: its name, and its value as canonical JSON. In canonical order.
    pub fn fields(&self) -> Vec<(String, String)> {
        let Ok(tape) = Tape::read_str(&self.canonical) else {
            return Vec::new();
        };
        let members = tape.root().members().into_iter().flatten();
        members
            .map(|(key, value)| {
                let key = key.as_str().unwrap_or_default().into_owned();
                (key, value.raw().to_owned())
            })
            .collect()
    }

    /// A digest for each member, for whoever wants to tell what changed without keeping what was said.
    pub fn field_digests(&self) -> Vec<(String, Digest)> {
        let fields = self.fields().into_iter();
        fields
            .map(|(field, value)| (field, Digest::of(value.as_bytes())))
            .collect()
    }
}

/// A declaration that could not be read. It is never let in, and the others go on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unread {
    /// Its place in the list, counted from 0.
    pub index: usize,
    /// What is wrong with it.
    pub error: ToolError,
}

/// What one server says of itself: its tools, and its instructions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listing {
    /// The server's name in the configuration (never the one it gives itself).
    pub server: String,
    /// `instructions` of its `initialize` or `server/discover` result: words for the model, too.
    pub instructions: Option<String>,
    /// Its tools, in its order. A name may be there twice.
    pub tools: Vec<Tool>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

impl Listing {
    /// Reads what a server listed: the JSON text of each tool. Past [`TOOLS_MAX`] tools none is let in.
    pub fn read<'a>(
        server: &str,
        instructions: Option<&str>,
        tools: impl IntoIterator<Item = &'a str>,
    ) -> Listing {
        let mut listing = Listing {
            server: server.to_owned(),
            instructions: instructions.map(str::to_owned),
            tools: Vec::new(),
            unread: Vec::new(),
        };
        for (index, json) in tools.into_iter().enumerate() {
            if index == TOOLS_MAX {
                let error = ToolError::TooMany;
                listing.tools.clear();
                listing.unread.push(Unread { index, error });
                break;
            }
            match Tool::read(json) {
                Ok(tool) => listing.tools.push(tool),
                Err(error) => listing.unread.push(Unread { index, error }),
            }
        }
        listing
    }

    /// The same from the text of a whole `tools/list` result: `{"tools": [...]}` or the bare array.
    pub fn read_result(
        server: &str,
        instructions: Option<&str>,
        result: &str,
    ) -> Result<Listing, ToolError> {
        let tape = Tape::read_str(result)?;
        let root = tape.root();
        let tools = root.member("tools").unwrap_or(root);
        let elements = tools.elements().ok_or(ToolError::NotAnObject)?;
        Ok(Listing::read(
            server,
            instructions,
            elements.map(|tool| tool.raw()),
        ))
    }
}
