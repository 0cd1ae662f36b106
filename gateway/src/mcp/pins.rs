//! Tools as they were pinned: what differs is held back until somebody approves it.

use super::catalogue::Catalogue;
use crate::config::{Config, Mcp};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use sallyport_detect::Detectors;
use sallyport_exchange::json::Tape;
use sallyport_exchange::{Finding, PartId};
use sallyport_manifest::{Change, Listing, Lock, Mode, PublicKey, compare, scan};
use std::collections::HashSet;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// The largest lock file.
const LOCK_BYTES_MAX: u64 = 64 << 20;

/// The lock file, read again when it changes.
pub struct Pins {
    file: PathBuf,
    keys: Vec<PublicKey>,
    detectors: Detectors,
    lock: ArcSwap<Lock>,
    seen: Mutex<Option<Seen>>,
    standing: Mutex<Standing>,
}

/// How the lock file stands.
#[derive(Clone, Default, Debug)]
pub struct Standing {
    /// How often it came into force.
    pub loads: u64,
    /// How often it changed and could not be used.
    pub failures: u64,
    /// Why what is there now is not in force.
    pub error: Option<String>,
}

/// Which file it was: when it was written, its number, its bytes. One that is put in the place of another differs even
/// if both were written within a tick of the clock.
type Seen = (SystemTime, u64, u64);

/// Which of a server's tools are held back, by one lock.
#[derive(Debug)]
pub struct Held {
    by: Arc<Lock>,
    names: HashSet<String>,
}

impl Held {
    /// Whether a tool is among them.
    pub fn has(&self, tool: &str) -> bool {
        self.names.contains(tool)
    }
}

/// Why the lock file, or the key that it must be signed with, cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadLock(String);

/// The keys of which one must have signed the lock; none: nobody must.
pub fn lock_keys(mcp: &Mcp) -> Result<Vec<PublicKey>, BadLock> {
    let Some(key) = &mcp.lock_key else {
        return Ok(Vec::new());
    };
    let read = PublicKey::from_pem(&text(key)?);
    let read = read.map_err(|why| BadLock(format!("{}: {why}", key.display())))?;
    Ok(vec![read])
}

/// Reads a lock file. If there are keys, one of them must have signed it.
pub fn read_lock(file: &Path, keys: &[PublicKey]) -> Result<Lock, BadLock> {
    let name = file.display().to_string();
    Lock::read(&name, &text(file)?, keys).map_err(|error| BadLock(error.to_string()))
}

impl Pins {
    /// Reads the lock file that is configured. `None`: none is.
    pub fn load(config: &Config) -> Result<Option<Arc<Pins>>, BadLock> {
        let Some(file) = config.mcp.lock.clone() else {
            return Ok(None);
        };
        let keys = lock_keys(&config.mcp)?;
        let seen = seen(&file);
        let lock = read_lock(&file, &keys)?;
        Ok(Some(Arc::new(Pins {
            detectors: Detectors::new(config.detect),
            lock: ArcSwap::from_pointee(lock),
            seen: Mutex::new(seen),
            standing: Mutex::new(Standing {
                loads: 1,
                ..Standing::default()
            }),
            file,
            keys,
        })))
    }

    /// The file, and what is in force of it.
    pub fn in_force(&self) -> (&Path, Arc<Lock>) {
        (&self.file, self.lock.load_full())
    }

    /// How the file stands.
    pub fn standing(&self) -> Standing {
        self.standing.lock().clone()
    }

    /// Reads the file again if it is another one. One that cannot be read changes nothing. Whether what is
    /// pinned may have changed.
    pub fn refresh(&self) -> bool {
        let now = seen(&self.file);
        if std::mem::replace(&mut *self.seen.lock(), now) == now {
            return false;
        }
        match read_lock(&self.file, &self.keys) {
            Ok(lock) => {
                self.lock.store(Arc::new(lock));
                let mut standing = self.standing.lock();
                standing.loads += 1;
                standing.error = None;
                tracing::info!(file = %self.file.display(), "the lock file was read again");
                true
            }
            Err(error) => {
                let mut standing = self.standing.lock();
                standing.failures += 1;
                standing.error = Some(error.to_string());
                tracing::warn!(%error, "the lock file is not used; the one before it stays in force");
                false
            }
        }
    }

    /// Names of those tools that are held back: new, changed, listed twice, not to be read, or approved with a finding
    /// that nobody has accepted. Give all declarations that are known together: each is looked at beside the others.
    pub fn held_back(&self, server: &str, declarations: &[&str]) -> HashSet<String> {
        self.held_by(&self.lock.load(), server, declarations)
    }

    /// The same of all that a server offers; remembered while neither the catalogue nor the lock is another.
    pub fn held_of(&self, server: &str, catalogue: &Catalogue) -> Arc<Held> {
        let by = self.lock.load_full();
        if let Some(held) = catalogue.held.lock().as_ref()
            && Arc::ptr_eq(&held.by, &by)
        {
            return held.clone();
        }
        let declarations: Vec<&str> = catalogue.declarations().collect();
        let names = self.held_by(&by, server, &declarations);
        let held = Arc::new(Held { by, names });
        *catalogue.held.lock() = Some(held.clone());
        held
    }

    fn held_by(&self, lock: &Lock, server: &str, declarations: &[&str]) -> HashSet<String> {
        let listing = Listing::read(server, None, declarations.iter().copied());
        let scanned = scan(
            std::slice::from_ref(&listing),
            Some(lock),
            &[&self.detectors],
        );
        let first = scanned.servers.first();
        let admitted = first.map(|server| server.admitted(Mode::Enforce));
        let admitted = admitted.unwrap_or_default();
        let unread: HashSet<usize> = listing.unread.iter().map(|unread| unread.index).collect();
        let is_held = |(index, name): &(usize, String)| {
            unread.contains(index) || !admitted.contains(name.as_str())
        };
        let names = declarations.iter().map(|json| name_of(json)).enumerate();
        names.filter(is_held).map(|(_, name)| name).collect()
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

/// The name that a list of tools is cut by; empty where there is none.
fn name_of(declaration: &str) -> String {
    let tape = Tape::read_str(declaration).ok();
    let name = tape.and_then(|t| Some(t.root().member("name")?.as_str()?.into_owned()));
    name.unwrap_or_default()
}

fn text(file: &Path) -> Result<String, BadLock> {
    let bad = |why: &dyn std::fmt::Display| BadLock(format!("{}: {why}", file.display()));
    let size = std::fs::metadata(file).map_err(|why| bad(&why))?.len();
    if size > LOCK_BYTES_MAX {
        return Err(bad(&"the file is too large"));
    }
    std::fs::read_to_string(file).map_err(|why| bad(&why))
}

fn seen(file: &Path) -> Option<Seen> {
    let meta = std::fs::metadata(file).ok()?;
    Some((meta.modified().ok()?, meta.ino(), meta.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins(folder: &Path, pinned: &[&str]) -> Arc<Pins> {
        let mut lock = Lock::default();
        let listing = Listing::read("files", None, pinned.iter().copied());
        lock.pin(&listing).expect("pinned");
        let file = folder.join("sallyport.yaml");
        std::fs::write(folder.join("tools.lock"), lock.text()).expect("written");
        let text = "tool_servers: {files: {command: [files]}}\nmcp: {lock: tools.lock}\n";
        let config = Config::read(&file, text, &|_| None).expect("a configuration");
        Pins::load(&config).expect("a lock").expect("is configured")
    }

    fn held(pins: &Pins, server: &str, declarations: &[&str]) -> Vec<String> {
        let mut held: Vec<String> = pins.held_back(server, declarations).into_iter().collect();
        held.sort();
        held
    }

    #[test]
    fn what_cannot_be_read_is_held_back_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let a = r#"{"name":"a","inputSchema":{"type":"object"}}"#;
        let pins = pins(folder.path(), &[a]);
        assert!(held(&pins, "files", &[a]).is_empty());
        assert_eq!(held(&pins, "mail", &[a]), ["a"], "another server's");
        // Deeper than pins go, not deeper than messages go.
        let deep = |name: &str| {
            let schema = format!("{}1{}", "[".repeat(110), "]".repeat(110));
            format!("{{\"name\":\"{name}\",\"inputSchema\":{schema}}}")
        };
        assert!(Tape::read_str(&deep("b")).is_ok(), "the gateway reads it");
        assert_eq!(held(&pins, "files", &[a, &deep("b")]), ["b"]);
        assert_eq!(held(&pins, "files", &[a, &deep("a")]), ["a"]);
        assert_eq!(held(&pins, "files", &[a, r#"{"title":"b"}"#]), [""]);
    }

    #[test]
    fn tools_of_one_list_are_looked_at_together() {
        let folder = tempfile::tempdir().expect("a folder");
        let a = r#"{"name":"a","inputSchema":{"type":"object"}}"#;
        let pins = pins(folder.path(), &[a]);
        assert_eq!(held(&pins, "files", &[a, a]), ["a"], "listed twice");
    }

    #[test]
    fn another_file_is_seen_however_soon_it_comes() {
        let folder = tempfile::tempdir().expect("a folder");
        let a = r#"{"name":"a","inputSchema":{"type":"object"}}"#;
        let pins = pins(folder.path(), &[a]);
        assert!(!pins.refresh());
        let (lock, beside) = (folder.path().join("tools.lock"), folder.path().join("new"));
        let written = std::fs::metadata(&lock).and_then(|meta| meta.modified());
        std::fs::write(&beside, Lock::default().text()).expect("written");
        let file = std::fs::File::options().write(true).open(&beside);
        let same = file.and_then(|file| file.set_modified(written?));
        same.expect("the same time");
        std::fs::rename(&beside, &lock).expect("renamed");
        assert!(pins.refresh());
        assert_eq!(held(&pins, "files", &[a]), ["a"]);
        std::fs::write(&lock, "{").expect("written");
        assert!(!pins.refresh());
        assert!(pins.standing().error.is_some());
        assert_eq!((pins.standing().loads, pins.standing().failures), (2, 1));
    }
}
