//! Calls back when files or folders change: at once where the system tells, within seconds everywhere.

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// How long nothing must happen before a change counts as finished.
const QUIET: Duration = Duration::from_millis(200);
/// A change that goes on for longer is looked at in between.
const QUIET_WAIT_MAX: Duration = Duration::from_secs(2);
/// How often is looked without being told: not every mount tells.
const POLL: Duration = Duration::from_secs(10);
/// Signals that wait; more say nothing new.
const SIGNALS_MAX: usize = 64;

/// A watch that lasts until it is dropped.
#[derive(Debug)]
pub struct Watch {
    signals: SyncSender<()>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    /// Calls `on_change` now, whenever something at or below `paths` changed, and every 10 seconds; it looks
    /// for itself what changed, and says whether anything did. Calls never overlap.
    pub fn start(
        name: &'static str,
        paths: Vec<PathBuf>,
        on_change: impl FnMut() -> bool + Send + 'static,
    ) -> Watch {
        let (signals, heard) = sync_channel(SIGNALS_MAX);
        let stop = Arc::new(AtomicBool::new(false));
        let ear = Ear {
            paths: paths
                .iter()
                .map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()))
                .collect(),
            signals: signals.clone(),
            heard,
            stop: stop.clone(),
        };
        let thread = std::thread::Builder::new().name(format!("watch-{name}"));
        if let Err(error) = thread.spawn(move || ear.run(on_change)) {
            tracing::error!(%error, name, "changes will not be seen: no thread to watch");
        }
        Watch { signals, stop }
    }

    /// Looks now.
    pub fn poke(&self) {
        // No room: the thread is about to look anyway.
        let _ = self.signals.try_send(());
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.poke();
    }
}

/// The thread behind a watch.
struct Ear {
    /// Absolute.
    paths: Vec<PathBuf>,
    signals: SyncSender<()>,
    heard: Receiver<()>,
    stop: Arc<AtomicBool>,
}

impl Ear {
    fn run(self, mut on_change: impl FnMut() -> bool) {
        let mut watcher = self.listen();
        on_change();
        loop {
            let told = self.heard.recv_timeout(POLL).is_ok();
            if told {
                self.wait_for_quiet();
            }
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            // Listens first and looks then, so that no change falls in between. A folder or a link that was
            // replaced has to be listened to anew.
            if told {
                drop(watcher.take());
                watcher = self.listen();
            }
            if on_change() && !told {
                drop(watcher.take());
                watcher = self.listen();
            }
        }
    }

    fn wait_for_quiet(&self) {
        let deadline = Instant::now() + QUIET_WAIT_MAX;
        while Instant::now() < deadline && !self.stop.load(Ordering::Relaxed) {
            if self.heard.recv_timeout(QUIET).is_err() {
                return;
            }
        }
    }

    /// Asks the system to tell of changes. Where it cannot, there is still the look every 10 seconds.
    fn listen(&self) -> Option<RecommendedWatcher> {
        let real = self
            .paths
            .iter()
            .filter_map(|path| std::fs::canonicalize(path).ok());
        let mine: Vec<PathBuf> = self.paths.iter().cloned().chain(real).collect();
        let signals = self.signals.clone();
        let tell = move |event: notify::Result<Event>| {
            if event.is_ok_and(|event| is_change(&event.kind) && concerns(&event, &mine)) {
                let _ = signals.try_send(());
            }
        };
        let mut watcher = notify::recommended_watcher(tell)
            .map_err(|error| tracing::warn!(%error, "changes are seen only every 10 seconds"))
            .ok()?;
        for path in &self.paths {
            // The folder above tells when the path itself is replaced.
            let above = path.parent().unwrap_or(Path::new("/"));
            for (path, mode) in [
                (above, RecursiveMode::NonRecursive),
                (path.as_path(), RecursiveMode::Recursive),
            ] {
                if let Err(error) = watcher.watch(path, mode) {
                    tracing::debug!(%error, path = %path.display(), "not listened to");
                }
            }
        }
        Some(watcher)
    }
}

/// Whether files are different now; that one was opened or read says nothing.
fn is_change(kind: &EventKind) -> bool {
    !kind.is_access()
        || matches!(
            kind,
            EventKind::Access(AccessKind::Close(AccessMode::Write))
        )
}

fn concerns(event: &Event, mine: &[PathBuf]) -> bool {
    event.need_rescan()
        || event
            .paths
            .iter()
            .any(|path| mine.iter().any(|mine| path.starts_with(mine)))
}
