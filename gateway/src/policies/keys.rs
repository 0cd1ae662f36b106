//! The keys in force: those of the configuration and those of `keys_file`, read again when either changes.

use super::watch::Watch;
use super::{Status, now_ns};
use crate::config::{Config, ConfigErrors, all_keys};
use crate::identity::Keys;
use arc_swap::ArcSwap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// The keys in force. Cheap to clone; an exchange takes [`KeysHandle::current`] once.
#[derive(Clone, Debug)]
pub struct KeysHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: PathBuf,
    keys_file: Option<PathBuf>,
    current: ArcSwap<Keys>,
    status: Mutex<Status>,
}

impl KeysHandle {
    /// Reads all keys for the first time: they must be good.
    pub fn load(config: &Config) -> Result<Self, ConfigErrors> {
        let keys = all_keys(config)?;
        let status = Status {
            path: config.keys_file.clone(),
            revision: count(&keys),
            loaded_at_ns: now_ns(),
            error: None,
            loads: 1,
            failures: 0,
        };
        Ok(KeysHandle {
            shared: Arc::new(Shared {
                config: config.file.clone(),
                keys_file: config.keys_file.clone(),
                current: ArcSwap::from_pointee(keys),
                status: Mutex::new(status),
            }),
        })
    }

    /// The keys in force now.
    pub fn current(&self) -> Arc<Keys> {
        self.shared.current.load_full()
    }

    /// How they stand.
    pub fn status(&self) -> Status {
        self.shared
            .status
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads all keys again. If any file is bad, the keys in force stay. True if anything changed.
    pub fn reload(&self) -> bool {
        let mut status = self
            .shared
            .status
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let keys = Config::load(&self.shared.config).and_then(|config| all_keys(&config));
        match keys {
            Ok(keys) => {
                let cured = status.error.take().is_some();
                if keys == **self.shared.current.load() {
                    return cured;
                }
                tracing::info!(keys = keys.len(), "keys are in force");
                status.revision = count(&keys);
                status.loaded_at_ns = now_ns();
                status.loads += 1;
                self.shared.current.store(Arc::new(keys));
                true
            }
            Err(errors) => {
                let error = errors.to_string();
                if status.error.as_deref() == Some(&error) {
                    return false;
                }
                tracing::error!("keys were changed but are not in force:\n{error}");
                status.error = Some(error);
                status.failures += 1;
                true
            }
        }
    }

    /// Reloads whenever the configuration or the keys file changes, for as long as the watch is kept, and
    /// hands all new keys to `put`. Of the configuration only the keys are taken over while it runs.
    pub fn watch(&self, mut put: impl FnMut(Arc<Keys>) + Send + 'static) -> Watch {
        let handle = self.clone();
        let files = [
            Some(self.shared.config.clone()),
            self.shared.keys_file.clone(),
        ];
        let mut known = self.current();
        Watch::start("keys", files.into_iter().flatten().collect(), move || {
            let changed = handle.reload();
            let current = handle.current();
            if !Arc::ptr_eq(&known, &current) {
                known = current.clone();
                put(current);
            }
            changed
        })
    }
}

fn count(keys: &Keys) -> Arc<str> {
    format!("{} keys", keys.len()).into()
}
