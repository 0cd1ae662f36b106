//! Originals of what was left out, in files: kept before the form that leaves it out goes anywhere.
//!
//! One folder for each [`Scope`], one file for each original, named by its handle. Who asks is looked up only in their
//! own scope, so that a handle from elsewhere is as unknown as one that never was. Files outlive the process; handles
//! are a function of scope and text, so that a restart, or a second gateway on the same folder, gives the same ones.

use sallyport_exchange::Caller;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Letters of a handle: five bits each (RFC 4648's base32, small), 80 bits in all.
const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const HANDLE_LEN: usize = 16;
/// Bytes of the largest original that is kept.
pub const ORIGINAL_MAX: usize = 16 << 20;
/// Files that are looked through for what has had its time, at one go.
const SWEPT_MAX: usize = 1_000_000;

/// Whose originals: a principal, in one session.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Scope([u8; 32]);

impl Scope {
    /// The scope of a caller in a session. `session` is the id of a session with tool servers, or what
    /// [`Scope::conversation`] is for.
    pub fn of(caller: &Caller, session: &str) -> Scope {
        let mut hash = blake3::Hasher::new();
        let labels = caller
            .labels
            .iter()
            .flat_map(|(name, value)| [&**name, &**value]);
        let who: [&str; 4] = [session, &caller.team, &caller.agent, &caller.key];
        for word in who.into_iter().chain(labels) {
            hash.update(&(word.len() as u64).to_le_bytes());
            hash.update(word.as_bytes());
        }
        Scope(*hash.finalize().as_bytes())
    }

    /// The scope of what a caller's conversations with models hold. They have no session that the gateway could name:
    /// a handle of theirs is drawn from the conversation's beginning as well (`conversation`), which only who has it knows.
    pub fn conversations(caller: &Caller) -> Scope {
        Scope::of(caller, "conversations")
    }

    /// The handle in this scope of the text with this digest (BLAKE3).
    pub fn handle(&self, conversation: &[u8], digest: &[u8; 32]) -> String {
        let mut hash = blake3::Hasher::new_keyed(&self.0);
        hash.update(&(conversation.len() as u64).to_le_bytes());
        hash.update(conversation);
        hash.update(digest);
        let digest = hash.finalize();
        let bits = digest.as_bytes()[..10]
            .iter()
            .fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
        let letter = |at: usize| LETTERS[(bits >> (75 - 5 * at)) as usize & 31] as char;
        (0..HANDLE_LEN).map(letter).collect()
    }

    fn folder(&self) -> String {
        self.0[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// Why an original is not kept.
#[derive(Debug, thiserror::Error)]
pub enum NotKept {
    /// There is no room.
    #[error("the store of originals is full")]
    Full,
    /// It is larger than [`ORIGINAL_MAX`].
    #[error("the text is too long to be kept")]
    Long,
    /// The folder cannot be written.
    #[error("{0}: {1}")]
    Io(PathBuf, io::Error),
}

/// A folder of originals.
#[derive(Clone)]
pub struct Originals {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    bytes_max: u64,
    keep: Duration,
    bytes: AtomicU64,
    draft: AtomicU64,
}

impl Originals {
    /// Opens a folder, makes it if need be, and counts what is in it. What is older than `keep` goes.
    pub fn open(folder: &Path, bytes_max: u64, keep: Duration) -> Result<Originals, NotKept> {
        let failed = |error| NotKept::Io(folder.to_owned(), error);
        make(folder).map_err(failed)?;
        let store = Originals {
            inner: Arc::new(Inner {
                folder: folder.to_owned(),
                bytes_max,
                keep,
                bytes: AtomicU64::new(0),
                draft: AtomicU64::new(0),
            }),
        };
        store.sweep().map_err(failed)?;
        Ok(store)
    }

    /// Keeps an original under its handle. When this gives `Ok` it is in a file, and stays there when the process ends.
    pub fn put(&self, scope: &Scope, handle: &str, text: &str) -> Result<(), NotKept> {
        let inner = &self.inner;
        let folder = inner.folder.join(scope.folder());
        let path = folder.join(handle);
        if text.len() > ORIGINAL_MAX {
            return Err(NotKept::Long);
        }
        if fs::metadata(&path).is_ok_and(|found| found.len() == text.len() as u64) {
            // It is used: its time begins anew.
            let _ = File::options()
                .append(true)
                .open(&path)
                .and_then(|file| file.set_modified(SystemTime::now()));
            return Ok(());
        }
        let size = text.len() as u64;
        let before = inner.bytes.fetch_add(size, Ordering::Relaxed);
        if before + size > inner.bytes_max {
            inner.bytes.fetch_sub(size, Ordering::Relaxed);
            return Err(NotKept::Full);
        }
        write(
            &folder,
            &path,
            text,
            inner.draft.fetch_add(1, Ordering::Relaxed),
        )
        .map_err(|error| {
            inner.bytes.fetch_sub(size, Ordering::Relaxed);
            NotKept::Io(path.clone(), error)
        })
    }

    /// The original of this handle, if it was kept for this scope.
    pub fn get(&self, scope: &Scope, handle: &str) -> Option<String> {
        if !is_handle(handle) {
            return None;
        }
        let path = self.inner.folder.join(scope.folder()).join(handle);
        let mut text = String::new();
        let file = File::open(path).ok()?;
        file.take(ORIGINAL_MAX as u64)
            .read_to_string(&mut text)
            .ok()?;
        Some(text)
    }

    /// Bytes that are kept.
    pub fn bytes(&self) -> u64 {
        self.inner.bytes.load(Ordering::Relaxed)
    }

    /// Counts what is kept, and lets go of what has had its time.
    pub fn sweep(&self) -> io::Result<()> {
        let inner = &self.inner;
        let now = SystemTime::now();
        let mut bytes = 0;
        let scopes = fs::read_dir(&inner.folder)?.flatten();
        // The folder of a scope that is empty goes: it is made anew when it is written to.
        let scopes = scopes.filter(|scope| fs::remove_dir(scope.path()).is_err());
        let files = scopes.flat_map(|scope| fs::read_dir(scope.path()).into_iter().flatten());
        let files = files.flatten();
        for file in files.take(SWEPT_MAX) {
            let Ok(found) = file.metadata() else { continue };
            let age = found
                .modified()
                .ok()
                .and_then(|then| now.duration_since(then).ok());
            match age.is_some_and(|age| age > inner.keep) {
                true => drop(fs::remove_file(file.path())),
                false => bytes += found.len(),
            }
        }
        inner.bytes.store(bytes, Ordering::Relaxed);
        Ok(())
    }
}

/// Whether a word has the form of a handle. Anything else could name a file elsewhere.
pub fn is_handle(word: &str) -> bool {
    word.len() == HANDLE_LEN && word.bytes().all(|b| LETTERS.contains(&b))
}

/// A folder that only its owner can look into.
fn make(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes beside, then moves into place: a file under its own name is whole.
fn write(folder: &Path, path: &Path, text: &str, draft: u64) -> io::Result<()> {
    make(folder)?;
    let beside = folder.join(format!(".{}.{draft}", std::process::id()));
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(text.as_bytes())?;
    drop(file);
    fs::rename(&beside, path).inspect_err(|_| drop(fs::remove_file(&beside)))
}

#[cfg(test)]
mod tests {
    use super::{NotKept, Originals, Scope, is_handle};
    use sallyport_exchange::Caller;
    use std::time::Duration;

    fn digest(text: &str) -> [u8; 32] {
        *blake3::hash(text.as_bytes()).as_bytes()
    }

    fn caller(team: &str, agent: &str, key: &str) -> Caller {
        Caller {
            team: team.into(),
            agent: agent.into(),
            key: key.into(),
            labels: [].into(),
        }
    }

    #[test]
    fn only_who_kept_it_gets_it_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Originals::open(folder.path(), 1 << 20, Duration::from_secs(60)).expect("open");
        let one = caller("red", "coder", "laptop");
        let scope = Scope::of(&one, "session");
        let handle = scope.handle(b"", &digest("the words"));
        assert!(is_handle(&handle), "{handle}");
        store.put(&scope, &handle, "the words").expect("kept");
        assert_eq!(store.get(&scope, &handle).as_deref(), Some("the words"));
        let others = [
            Scope::of(&one, "other"),
            Scope::of(&caller("blue", "coder", "laptop"), "session"),
            Scope::of(&caller("red", "writer", "laptop"), "session"),
            Scope::of(&caller("red", "coder", "server"), "session"),
            Scope::of(&caller("red", "coderlaptop", ""), "session"),
            Scope::conversations(&one),
        ];
        for other in others {
            assert_eq!(store.get(&other, &handle), None);
            assert_ne!(other.handle(b"", &digest("the words")), handle);
        }
        assert_ne!(scope.handle(b"another", &digest("the words")), handle);
    }

    #[test]
    fn it_outlives_the_process_and_is_bounded() {
        let folder = tempfile::tempdir().expect("a folder");
        let scope = Scope::of(&caller("red", "a", "k"), "s");
        let open =
            |max| Originals::open(folder.path(), max, Duration::from_secs(60)).expect("open");
        let handle = scope.handle(b"", &digest("0123456789"));
        open(25).put(&scope, &handle, "0123456789").expect("kept");
        let again = open(25);
        assert_eq!(
            (again.bytes(), again.get(&scope, &handle).as_deref()),
            (10, Some("0123456789"))
        );
        again
            .put(&scope, &handle, "0123456789")
            .expect("the same again costs nothing");
        assert_eq!(again.bytes(), 10);
        again
            .put(
                &scope,
                &scope.handle(b"", &digest("ten bytes.")),
                "ten bytes.",
            )
            .expect("kept");
        let full = again.put(
            &scope,
            &scope.handle(b"", &digest("one more..")),
            "one more..",
        );
        assert!(matches!(full, Err(NotKept::Full)), "{full:?}");
        assert_eq!(again.bytes(), 20);
    }

    #[test]
    fn what_has_had_its_time_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let scope = Scope::of(&caller("red", "a", "k"), "s");
        let handle = scope.handle(b"", &digest("old"));
        let store = Originals::open(folder.path(), 100, Duration::ZERO).expect("open");
        store.put(&scope, &handle, "old").expect("kept");
        std::thread::sleep(Duration::from_millis(20));
        store.sweep().expect("swept");
        assert_eq!((store.get(&scope, &handle), store.bytes()), (None, 0));
    }

    #[test]
    fn no_handle_leads_elsewhere() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("secret"), "words").expect("written");
        let store = Originals::open(&folder.path().join("kept"), 100, Duration::from_secs(60))
            .expect("open");
        let scope = Scope::of(&caller("red", "a", "k"), "s");
        for odd in [
            "../../secret",
            "..",
            "",
            "/etc/hosts",
            "ABCDEFGHIJKLMNOP",
            "aaaaaaaaaaaaaaa1",
            "aaaaaaaaaaaaaaa",
        ] {
            assert_eq!(store.get(&scope, odd), None, "{odd}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("written");
        let opened = Originals::open(&file, 100, Duration::from_secs(60));
        assert!(matches!(opened.map(|_| ()), Err(NotKept::Io(..))));
    }
}
