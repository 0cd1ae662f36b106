//! The lock file: which tools of which servers somebody approved, word for word.

mod read;
mod write;

use crate::drift::{Change, Comparison, compare};
use crate::sign::{PublicKey, Signature, SignatureError, SigningKey};
use crate::tool::{Listing, Tool};
use std::collections::{BTreeMap, BTreeSet};

pub use read::{LockError, LockFault};

/// The version of the file's form that is written, and the only one that is read.
pub const VERSION: u64 = 1;

/// What was approved. In memory; the text is [`Lock::text`], and [`Lock::read`] reads it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lock {
    servers: BTreeMap<String, PinnedServer>,
    signature: Option<Signature>,
}

/// What was approved of one server.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PinnedServer {
    /// Its instructions.
    pub instructions: Option<String>,
    /// Its tools by name.
    pub tools: BTreeMap<String, Pin>,
}

/// One approved tool.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pin {
    /// The declaration.
    pub tool: Tool,
    /// Labels of findings that whoever approved it has accepted, such as `tool.shadowed`.
    pub accept: BTreeSet<String>,
}

/// Why something cannot be pinned. The server's fault, or that of whoever asks.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PinError {
    /// The server is in the lock and lists something else now.
    #[error("`{0}` is pinned already and is not as it was: look at `mcp diff`, then `mcp approve`")]
    Drifted(String),
    /// A name that is listed twice.
    #[error("`{server}` lists `{tool}` twice: nobody can say which of them a call would reach")]
    Twice {
        /// The server.
        server: String,
        /// The name.
        tool: String,
    },
    /// Neither listed nor pinned.
    #[error("`{server}` neither lists `{tool}` nor is it pinned")]
    Unknown {
        /// The server.
        server: String,
        /// The name.
        tool: String,
    },
}

impl Lock {
    /// Reads the file's text and, if there are keys, demands that one of them signed it. `file` is only for
    /// errors.
    pub fn read(file: &str, text: &str, keys: &[PublicKey]) -> Result<Lock, LockError> {
        let lock = read::read(file, text)?;
        if !keys.is_empty() {
            lock.verify(keys).map_err(|fault| LockError {
                file: file.to_owned(),
                line: 1,
                fault: LockFault::Signature(fault),
            })?;
        }
        Ok(lock)
    }

    /// The file's text: the same lock always gives the same text, one tool a block, keys sorted.
    /// Characters that nobody sees are escaped, so that a reviewer does.
    pub fn text(&self) -> String {
        write::text(self)
    }

    /// What is pinned of this server.
    pub fn server(&self, name: &str) -> Option<&PinnedServer> {
        self.servers.get(name)
    }

    /// The servers in the lock, by name.
    pub fn servers(&self) -> impl Iterator<Item = (&str, &PinnedServer)> {
        self.servers
            .iter()
            .map(|(name, server)| (name.as_str(), server))
    }

    /// Pins a server that the lock does not have: all of its tools and its instructions. For one that it has
    /// and that is as it was, nothing is done. Tools that could not be read are not pinned.
    pub fn pin(&mut self, listing: &Listing) -> Result<(), PinError> {
        let comparison = compare(self, listing);
        if comparison.known {
            return match comparison.is_clean() {
                true => Ok(()),
                false => Err(PinError::Drifted(listing.server.clone())),
            };
        }
        if let Some(tool) = twice(&comparison) {
            return Err(PinError::Twice {
                server: listing.server.clone(),
                tool: tool.to_owned(),
            });
        }
        let tools = listing.tools.iter();
        let server = PinnedServer {
            instructions: listing.instructions.clone(),
            tools: tools
                .map(|tool| (tool.name().to_owned(), pinned(tool, BTreeSet::new())))
                .collect(),
        };
        self.servers.insert(listing.server.clone(), server);
        self.signature = None;
        Ok(())
    }

    /// Pins one tool as it is listed now, or takes it out if it is gone. `accept`: labels of findings that
    /// need not be told of it any more.
    pub fn approve(
        &mut self,
        listing: &Listing,
        tool: &str,
        accept: impl IntoIterator<Item = String>,
    ) -> Result<(), PinError> {
        let mut named = listing.tools.iter().filter(|listed| listed.name() == tool);
        let (first, second) = (named.next(), named.next());
        let unknown = || PinError::Unknown {
            server: listing.server.clone(),
            tool: tool.to_owned(),
        };
        if second.is_some() {
            return Err(PinError::Twice {
                server: listing.server.clone(),
                tool: tool.to_owned(),
            });
        }
        match first {
            Some(first) => {
                let server = self.servers.entry(listing.server.clone()).or_default();
                let pin = pinned(first, accept.into_iter().collect());
                server.tools.insert(tool.to_owned(), pin);
            }
            None => {
                let server = self.servers.get_mut(&listing.server).ok_or_else(unknown)?;
                server.tools.remove(tool).ok_or_else(unknown)?;
            }
        }
        self.signature = None;
        Ok(())
    }

    /// Pins the server's instructions as they are now.
    pub fn approve_instructions(&mut self, listing: &Listing) {
        let server = self.servers.entry(listing.server.clone()).or_default();
        server.instructions.clone_from(&listing.instructions);
        self.signature = None;
    }

    /// Pins everything as it is listed now. What was accepted of tools that are as they were stays.
    pub fn approve_all(&mut self, listing: &Listing) -> Result<(), PinError> {
        let comparison = compare(self, listing);
        if let Some(tool) = twice(&comparison) {
            return Err(PinError::Twice {
                server: listing.server.clone(),
                tool: tool.to_owned(),
            });
        }
        let before = self.servers.remove(&listing.server).unwrap_or_default();
        let keep = |tool: &Tool| match before.tools.get(tool.name()) {
            Some(pin) if pin.tool == *tool => pin.accept.clone(),
            _ => BTreeSet::new(),
        };
        let tools = listing.tools.iter();
        let server = PinnedServer {
            instructions: listing.instructions.clone(),
            tools: tools
                .map(|tool| (tool.name().to_owned(), pinned(tool, keep(tool))))
                .collect(),
        };
        self.servers.insert(listing.server.clone(), server);
        self.signature = None;
        Ok(())
    }

    /// Takes a server out. Whether it was there.
    pub fn forget(&mut self, server: &str) -> bool {
        let there = self.servers.remove(server).is_some();
        self.signature = self.signature.take().filter(|_| !there);
        there
    }

    /// Signs what is pinned now. Any later change takes the signature away.
    pub fn sign(&mut self, key: &SigningKey) {
        self.signature = Some(key.sign(write::signed(self).as_bytes()));
    }

    /// Whether one of these keys signed what is pinned.
    pub fn verify(&self, keys: &[PublicKey]) -> Result<(), SignatureError> {
        let signature = self.signature.as_ref().ok_or(SignatureError::Unsigned)?;
        signature.verify(write::signed(self).as_bytes(), keys)
    }

    /// Who signed it, if somebody did. Not verified.
    pub fn signature(&self) -> Option<&Signature> {
        self.signature.as_ref()
    }
}

fn pinned(tool: &Tool, accept: BTreeSet<String>) -> Pin {
    Pin {
        tool: tool.clone(),
        accept,
    }
}

fn twice(comparison: &Comparison) -> Option<&str> {
    let mut drifts = comparison.tools.iter();
    let twice = drifts.find(|drift| drift.change == Change::Twice)?;
    Some(&twice.tool)
}
