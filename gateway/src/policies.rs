//! The policy folder: loaded, watched, last good kept. So are the keys.

mod folder;
mod keys;
pub mod watch;

use arc_swap::ArcSwap;
use sallyport_policy::{Limits, Policy, PolicyErrors, PolicySource};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use folder::{FILE_BYTES_MAX, FILES_MAX, FOLDERS_MAX, SOURCE_BYTES_MAX, read_folder};
pub use keys::KeysHandle;
pub use watch::Watch;

/// Policies that are in force, and what they were made from.
#[derive(Debug)]
pub struct Loaded {
    /// Compiled.
    pub policy: Arc<Policy>,
    /// As text.
    pub source: PolicySource,
    /// Which they are.
    pub revision: Arc<str>,
    /// Since when they are in force: nanoseconds since 1970.
    pub loaded_at_ns: i64,
}

/// How a folder that is read again and again stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// The folder or file; nothing if none is configured.
    pub path: Option<PathBuf>,
    /// What is in force: a revision, or a count.
    pub revision: Arc<str>,
    /// Since when, nanoseconds since 1970.
    pub loaded_at_ns: i64,
    /// Why what is there now is not in force; nothing if it is.
    pub error: Option<String>,
    /// How often something new came into force, the first included.
    pub loads: u64,
    /// How often something new was refused.
    pub failures: u64,
}

/// Reads and compiles a folder.
pub fn load(folder: &Path) -> Result<Loaded, PolicyErrors> {
    read_folder(folder)
        .and_then(compile)
        .map_err(|errors| placed(errors, folder))
}

/// The same mistakes, with the folder before the names of its files, as a terminal or an editor opens them.
pub fn placed(mut errors: PolicyErrors, folder: &Path) -> PolicyErrors {
    for error in &mut errors.0 {
        let file = Path::new(&*error.at.file);
        if !file.starts_with(folder) {
            error.at.file = folder.join(file).display().to_string().into();
        }
    }
    errors
}

fn compile(source: PolicySource) -> Result<Loaded, PolicyErrors> {
    let policy = Policy::compile(&source, Limits::default())?;
    let revision = policy.revision().into();
    Ok(Loaded {
        policy: Arc::new(policy),
        source,
        revision,
        loaded_at_ns: now_ns(),
    })
}

/// The policies in force, and how they came to be. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PolicyHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: Option<PathBuf>,
    current: ArcSwap<Loaded>,
    /// Held while policies are loaded, so that two loads cannot overtake each other.
    state: Mutex<Tried>,
}

#[derive(Debug)]
struct Tried {
    status: Status,
    /// What was read last, in force or not. Nothing if it could not even be read.
    source: Option<PolicySource>,
}

impl PolicyHandle {
    /// Loads the policies for the first time: they must be good. Without a folder there are none, and
    /// nothing is allowed.
    pub fn load(folder: Option<PathBuf>) -> Result<Self, PolicyErrors> {
        let loaded = match &folder {
            Some(folder) => load(folder)?,
            None => compile(PolicySource::default())?,
        };
        Ok(PolicyHandle::of(loaded, folder))
    }

    /// Policies from text, without a folder: for tests and the demo.
    pub fn fixed(source: PolicySource) -> Result<Self, PolicyErrors> {
        Ok(PolicyHandle::of(compile(source)?, None))
    }

    fn of(loaded: Loaded, folder: Option<PathBuf>) -> Self {
        let status = Status {
            path: folder.clone(),
            revision: loaded.revision.clone(),
            loaded_at_ns: loaded.loaded_at_ns,
            error: None,
            loads: 1,
            failures: 0,
        };
        let state = Mutex::new(Tried {
            status,
            source: Some(loaded.source.clone()),
        });
        PolicyHandle {
            shared: Arc::new(Shared {
                folder,
                current: ArcSwap::from_pointee(loaded),
                state,
            }),
        }
    }

    /// The policies in force now.
    pub fn current(&self) -> Arc<Policy> {
        self.shared.current.load().policy.clone()
    }

    /// The same, with what they were made from.
    pub fn loaded(&self) -> Arc<Loaded> {
        self.shared.current.load_full()
    }

    /// How they stand.
    pub fn status(&self) -> Status {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .status
            .clone()
    }

    /// Reads the folder again. If it changed and compiles, it is in force for exchanges that begin from now
    /// on; if it does not compile, what was in force stays. True if anything changed.
    pub fn reload(&self) -> bool {
        let Some(folder) = &self.shared.folder else {
            return false;
        };
        let mut tried = self
            .shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let outcome = match read_folder(folder) {
            Ok(source) if tried.source.as_ref() == Some(&source) => return false,
            Ok(source) if source == self.shared.current.load().source => {
                return self.back_to_what_is_in_force(source, &mut tried);
            }
            Ok(source) => {
                tried.source = Some(source.clone());
                compile(source).map_err(|errors| placed(errors, folder))
            }
            Err(errors) => {
                tried.source = None;
                Err(placed(errors, folder))
            }
        };
        match outcome {
            Ok(loaded) => self.put_in_force(loaded, &mut tried.status),
            Err(errors) => return self.keep(&errors, &mut tried.status),
        }
        true
    }

    /// A mistake was taken back: nothing changes but that there is no error any more.
    fn back_to_what_is_in_force(&self, source: PolicySource, tried: &mut Tried) -> bool {
        tried.source = Some(source);
        tried.status.error.take().is_some()
    }

    fn put_in_force(&self, loaded: Loaded, status: &mut Status) {
        tracing::info!(revision = %loaded.revision, files = loaded.source.files.len(), "policies are in force");
        status.revision = loaded.revision.clone();
        status.loaded_at_ns = loaded.loaded_at_ns;
        status.error = None;
        status.loads += 1;
        self.shared.current.store(Arc::new(loaded));
    }

    /// Notes why the folder is not in force; false if that is known already.
    fn keep(&self, errors: &PolicyErrors, status: &mut Status) -> bool {
        let error = errors.to_string();
        if status.error.as_deref() == Some(&error) {
            return false;
        }
        tracing::error!(in_force = %status.revision, "policies were changed but are not in force:\n{error}");
        status.error = Some(error);
        status.failures += 1;
        true
    }

    /// Reloads whenever the folder changes, for as long as the watch is kept, and hands each new policy to
    /// `put`. Without a folder there is nothing to watch.
    pub fn watch(&self, mut put: impl FnMut(Arc<Policy>) + Send + 'static) -> Option<Watch> {
        let folder = self.shared.folder.clone()?;
        let handle = self.clone();
        let mut known = self.current();
        Some(Watch::start("policies", vec![folder], move || {
            let changed = handle.reload();
            let current = handle.current();
            if !Arc::ptr_eq(&known, &current) {
                known = current.clone();
                put(current);
            }
            changed
        }))
    }
}

/// The clock: nanoseconds since 1970.
pub(crate) fn now_ns() -> i64 {
    i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX)
}
