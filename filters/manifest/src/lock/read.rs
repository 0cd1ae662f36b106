//! The text as a lock. Whatever is not exactly as it would be written is refused, with the line and the mend.

use super::{Lock, Pin, PinnedServer, VERSION};
use crate::limits::{LOCK_BYTES_MAX, SERVER_NAME_MAX};
use crate::sign::{Signature, SignatureError};
use crate::tool::{Tool, ToolError};
use sallyport_exchange::Malformed;
use sallyport_exchange::json::{Tape, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Why a lock file is refused. Whoever keeps the file has to mend it; nothing in it is trusted until then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LockError {
    /// The file, as it was given.
    pub file: String,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: LockFault,
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.fault)
    }
}

impl std::error::Error for LockError {}

/// What can be wrong with a lock file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LockFault {
    /// Not JSON: cut off, or a merge went wrong.
    #[error(
        "{0}; was it cut off, or is a merge unfinished? Take it from version control, or pin anew"
    )]
    Malformed(Malformed),
    /// Larger than any lock should be.
    #[error("larger than {LOCK_BYTES_MAX} bytes; pin fewer tools")]
    TooLarge,
    /// Written by another Sallyport.
    #[error(
        "the form of this file is not version {VERSION}; use the Sallyport that wrote it, or pin anew"
    )]
    Version,
    /// A member that has no meaning here.
    #[error("`{0}` has no meaning here; take it out")]
    UnknownKey(String),
    /// A member that must be there.
    #[error("`{0}` is missing, or of the wrong type; pin anew")]
    Missing(&'static str),
    /// A name no server can have.
    #[error("a server's name has 1 to {SERVER_NAME_MAX} bytes")]
    ServerName,
    /// A declaration that is none.
    #[error("the declaration of `{0}`: {1}; take the tool out, or pin it anew")]
    Declaration(String, ToolError),
    /// A declaration under a name that is not its own.
    #[error("the declaration under `{0}` names another tool; take it out, or pin it anew")]
    WrongName(String),
    /// A digest that is not that of the declaration.
    #[error(
        "the digest of `{0}` is not that of its declaration: somebody edited one of them; look, then approve the tool anew"
    )]
    WrongDigest(String),
    /// A signature is demanded, and there is none that is good.
    #[error("{0}")]
    Signature(SignatureError),
}

type At<T> = Result<T, (usize, LockFault)>;

pub(super) fn read(file: &str, text: &str) -> Result<Lock, LockError> {
    let told = |(at, fault): (usize, LockFault)| LockError {
        file: file.to_owned(),
        line: 1 + text.as_bytes()[..at.min(text.len())]
            .iter()
            .filter(|b| **b == b'\n')
            .count(),
        fault,
    };
    if text.len() > LOCK_BYTES_MAX {
        return Err(told((0, LockFault::TooLarge)));
    }
    let tape = Tape::read_str(text).map_err(|why| told((why.at, LockFault::Malformed(why))))?;
    lock(tape.root()).map_err(told)
}

fn at(value: Value<'_>) -> usize {
    value.span().start as usize
}

fn lock(root: Value<'_>) -> At<Lock> {
    // First of all: another version may look quite different.
    let version = root.member("version").ok_or((0, LockFault::Version))?;
    if version.as_u64() != Some(VERSION) {
        return Err((at(version), LockFault::Version));
    }
    only(root, &["version", "servers", "signature"])?;
    let servers = members(root, "servers")?;
    let mut lock = Lock::default();
    for (key, value) in servers {
        let name = key.as_str().unwrap_or_default().into_owned();
        if name.is_empty() || name.len() > SERVER_NAME_MAX {
            return Err((at(key), LockFault::ServerName));
        }
        lock.servers.insert(name, server(value)?);
    }
    if let Some(value) = root.member("signature") {
        only(value, &["ed25519", "key"])?;
        let signature = Signature::read(&string(value, "ed25519")?, &string(value, "key")?);
        lock.signature = Some(signature.map_err(|why| (at(value), LockFault::Signature(why)))?);
    }
    Ok(lock)
}

fn server(value: Value<'_>) -> At<PinnedServer> {
    only(value, &["instructions", "tools"])?;
    let instructions = match value.member("instructions") {
        Some(_) => Some(string(value, "instructions")?),
        None => None,
    };
    let mut tools = BTreeMap::new();
    for (key, value) in members(value, "tools")? {
        let name = key.as_str().unwrap_or_default().into_owned();
        let pin = pin(&name, key, value)?;
        tools.insert(name, pin);
    }
    Ok(PinnedServer {
        instructions,
        tools,
    })
}

fn pin(name: &str, key: Value<'_>, value: Value<'_>) -> At<Pin> {
    only(value, &["digest", "accept", "declaration"])?;
    let declaration = value
        .member("declaration")
        .ok_or((at(value), LockFault::Missing("declaration")))?;
    let shown = || crate::seen::shown(name);
    let tool = Tool::read(declaration.raw())
        .map_err(|why| (at(declaration), LockFault::Declaration(shown(), why)))?;
    if tool.name() != name {
        return Err((at(key), LockFault::WrongName(shown())));
    }
    if string(value, "digest")? != tool.digest().to_string() {
        return Err((at(key), LockFault::WrongDigest(shown())));
    }
    let mut accept = BTreeSet::new();
    if let Some(list) = value.member("accept") {
        let elements = list
            .elements()
            .ok_or((at(list), LockFault::Missing("accept")))?;
        for label in elements {
            let text = label
                .as_str()
                .ok_or((at(label), LockFault::Missing("accept")))?;
            accept.insert(text.into_owned());
        }
    }
    Ok(Pin { tool, accept })
}

/// Refuses members that have no meaning: a misspelt one would be taken for none.
fn only(value: Value<'_>, known: &[&str]) -> At<()> {
    let members = value
        .members()
        .ok_or((at(value), LockFault::Missing("an object")))?;
    for (key, _) in members {
        if !known.iter().any(|name| key.is_str(name)) {
            let name = crate::seen::shown(&key.as_str().unwrap_or_default());
            let name = name.chars().take(64).collect();
            return Err((at(key), LockFault::UnknownKey(name)));
        }
    }
    Ok(())
}

fn members<'t>(
    value: Value<'t>,
    key: &'static str,
) -> At<impl Iterator<Item = (Value<'t>, Value<'t>)>> {
    let member = value
        .member(key)
        .ok_or((at(value), LockFault::Missing(key)))?;
    member
        .members()
        .ok_or((at(member), LockFault::Missing(key)))
}

fn string(value: Value<'_>, key: &'static str) -> At<String> {
    let member = value
        .member(key)
        .ok_or((at(value), LockFault::Missing(key)))?;
    let text = member
        .as_str()
        .ok_or((at(member), LockFault::Missing(key)))?;
    Ok(text.into_owned())
}
