//! Tools as they were pinned: what differs is held back until somebody approves it.

use crate::config::Mcp;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sallyport_exchange::{Finding, PartId};
use sallyport_manifest::{Change, Listing, Lock, Mode, PublicKey, compare, scan};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The largest lock file.
const LOCK_BYTES_MAX: u64 = 64 << 20;

/// The lock file, read again when it changes.
pub struct Pins {
    file: PathBuf,
    keys: Vec<PublicKey>,
    lock: ArcSwap<Lock>,
    seen: Mutex<Option<SystemTime>>,
}

/// Why the lock file cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadLock(String);

impl Pins {
    /// Reads the lock file that is configured. `None`: none is.
    pub fn load(config: &Mcp) -> Result<Option<Arc<Pins>>, BadLock> {
        let Some(file) = config.lock.clone() else {
            return Ok(None);
        };
        let mut keys = Vec::new();
        if let Some(key) = &config.lock_key {
            let pem = text(key)?;
            let read = PublicKey::from_pem(&pem);
            keys.push(read.map_err(|why| BadLock(format!("{}: {why}", key.display())))?);
        }
        let seen = modified(&file);
        let lock = read(&file, &keys)?;
        Ok(Some(Arc::new(Pins {
            lock: ArcSwap::from_pointee(lock),
            seen: Mutex::new(seen),
            file,
            keys,
        })))
    }

    /// Reads the file again if it is another one. One that cannot be read changes nothing. Whether what is
    /// pinned may have changed.
    pub fn refresh(&self) -> bool {
        let now = modified(&self.file);
        if std::mem::replace(&mut *self.seen.lock(), now) == now {
            return false;
        }
        match read(&self.file, &self.keys) {
            Ok(lock) => {
                self.lock.store(Arc::new(lock));
                tracing::info!(file = %self.file.display(), "the lock file was read again");
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the lock file is not used; the one before it stays in force");
                false
            }
        }
    }

    /// Names of those tools that are held back: new, changed, listed twice, or approved with a finding that nobody
    /// has accepted.
    pub fn held_back<'t>(
        &self,
        server: &str,
        declarations: impl IntoIterator<Item = &'t str>,
    ) -> Vec<String> {
        let listing = Listing::read(server, None, declarations);
        let scanned = scan(std::slice::from_ref(&listing), Some(&self.lock.load()), &[]);
        let Some(scanned) = scanned.servers.first() else {
            return listing.tools.iter().map(|t| t.name().to_owned()).collect();
        };
        let admitted = scanned.admitted(Mode::Enforce);
        let names = listing.tools.iter().map(|tool| tool.name());
        names
            .filter(|name| !admitted.contains(name))
            .map(str::to_owned)
            .collect()
    }

    /// How a declaration differs from what was pinned, as a finding for policies and the record.
    pub fn findings(&self, server: &str, part: PartId, declaration: &str) -> Vec<Finding> {
        let listing = Listing::read(server, None, [declaration]);
        let comparison = compare(&self.lock.load(), &listing);
        let drifted = comparison
            .tools
            .iter()
            .filter(|drift| !matches!(drift.change, Change::Gone));
        drifted
            .filter_map(|drift| drift.change.observation())
            .map(|observation| Finding {
                label: observation.label,
                part,
                range: 0..0,
                score: 1.0,
            })
            .collect()
    }

    /// Whether the server's instructions are as they were pinned.
    pub fn admits_instructions(&self, server: &str, instructions: Option<&str>) -> bool {
        let listing = Listing::read(server, instructions, []);
        compare(&self.lock.load(), &listing).admits_instructions(Mode::Enforce)
    }
}

fn read(file: &Path, keys: &[PublicKey]) -> Result<Lock, BadLock> {
    let name = file.display().to_string();
    Lock::read(&name, &text(file)?, keys).map_err(|error| BadLock(error.to_string()))
}

fn text(file: &Path) -> Result<String, BadLock> {
    let bad = |why: &dyn std::fmt::Display| BadLock(format!("{}: {why}", file.display()));
    let size = std::fs::metadata(file).map_err(|why| bad(&why))?.len();
    if size > LOCK_BYTES_MAX {
        return Err(bad(&"the file is too large"));
    }
    std::fs::read_to_string(file).map_err(|why| bad(&why))
}

fn modified(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).ok()?.modified().ok()
}
