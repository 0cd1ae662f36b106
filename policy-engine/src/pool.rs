//! Keeps a few machines ready, without making threads wait for one another.

use std::cell::Cell;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// As many machines are kept as this; more threads than that make their own, and drop them.
const SLOTS: usize = 32;

/// Slots for machines. Each thread has a slot of its own to begin with, so locks are never waited for.
pub(crate) struct Pool<T> {
    slots: [Mutex<Option<T>>; SLOTS],
}

thread_local! {
    static HOME: Cell<usize> = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        Cell::new(NEXT.fetch_add(1, Ordering::Relaxed) % SLOTS)
    };
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Pool {
            slots: [const { Mutex::new(None) }; SLOTS],
        }
    }
}

impl<T> Pool<T> {
    /// The machine in this thread's slot, if it is there.
    pub(crate) fn take(&self) -> Option<T> {
        self.slots[HOME.get()].try_lock().ok()?.take()
    }

    /// Puts a machine into this thread's slot, or drops it if another is there.
    pub(crate) fn put(&self, machine: T) {
        if let Ok(mut slot) = self.slots[HOME.get()].try_lock() {
            slot.get_or_insert(machine);
        }
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}
