//! A disk in memory that fails when it is told to, and forgets what was not synced.

use sallyport_audit::disk::{Appending, Disk};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The power goes. A write is half done.
    Crash,
    /// `EIO`. A sync that fails loses what it should have synced, and the next one says nothing of it.
    Io,
    /// `ENOSPC`, after half of what was to be written.
    Full,
    /// One byte is written, and that is no error.
    Short,
}

/// What becomes of bytes that were written and not synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bytes {
    Kept,
    Lost,
    Half,
    Zeros,
}

/// What becomes of names that were given, changed or taken away in a folder that was not synced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Names {
    Kept,
    Lost,
}

pub const FATES: [(Bytes, Names); 8] = [
    (Bytes::Kept, Names::Kept),
    (Bytes::Lost, Names::Kept),
    (Bytes::Half, Names::Kept),
    (Bytes::Zeros, Names::Kept),
    (Bytes::Kept, Names::Lost),
    (Bytes::Lost, Names::Lost),
    (Bytes::Half, Names::Lost),
    (Bytes::Zeros, Names::Lost),
];

#[derive(Clone, Default)]
struct Inode {
    now: Vec<u8>,
    synced: Vec<u8>,
    /// What a failed sync lost: from here to there.
    hole: Option<(usize, usize)>,
}

#[derive(Clone, Default)]
struct State {
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    inodes: Vec<Inode>,
    operations: u64,
    /// From this operation on, so many fail so.
    plan: Option<(u64, u64, Failure)>,
    crashed: bool,
}

#[derive(Clone, Default)]
pub struct Fake {
    state: Arc<Mutex<State>>,
    locked: Arc<AtomicBool>,
}

impl Fake {
    pub fn failing(at: u64, count: u64, failure: Failure) -> Fake {
        let fake = Fake::default();
        fake.plan(at, count, failure);
        fake
    }

    pub fn plan(&self, at: u64, count: u64, failure: Failure) {
        let mut state = self.state();
        state.operations = 0;
        state.plan = Some((at, count, failure));
    }

    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    pub fn has_crashed(&self) -> bool {
        self.state().crashed
    }

    /// The disk as the next process finds it.
    pub fn after(&self, bytes: Bytes, names: Names) -> Fake {
        let mut state = self.state().clone();
        if names == Names::Lost {
            state.names = state.synced_names.clone();
        }
        for inode in &mut state.inodes {
            let grown = inode.now.starts_with(&inode.synced);
            let (from, to) = (inode.synced.len(), inode.now.len());
            match bytes {
                Bytes::Kept => {}
                Bytes::Half if grown => inode.now.truncate(from + (to - from) / 2),
                Bytes::Zeros if grown => inode.now[from..].fill(0),
                _ => inode.now = inode.synced.clone(),
            }
            inode.synced = inode.now.clone();
            inode.hole = None;
        }
        state.synced_names = state.names.clone();
        state.plan = None;
        state.crashed = false;
        Fake {
            state: Arc::new(Mutex::new(state)),
            locked: Arc::default(),
        }
    }

    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let inode = *state.names.get(path)?;
        Some(state.inodes[inode].now.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics in here")
    }
}

impl State {
    /// Counts an operation. An error, or what is to go wrong.
    fn step(&mut self) -> io::Result<Option<Failure>> {
        if self.crashed {
            return Err(io::Error::other("the power is gone"));
        }
        self.operations += 1;
        let Some((at, count, failure)) = self.plan else {
            return Ok(None);
        };
        let due = self.operations > at && self.operations <= at + count;
        if due && failure == Failure::Crash {
            self.crashed = true;
        }
        Ok(due.then_some(failure))
    }

    /// The same for what is done or not.
    fn whole_step(&mut self) -> io::Result<()> {
        match self.step()? {
            None | Some(Failure::Short) => Ok(()),
            Some(failure) => Err(error(failure)),
        }
    }

    fn find(&self, path: &str) -> io::Result<usize> {
        self.names
            .get(path)
            .copied()
            .ok_or(io::ErrorKind::NotFound.into())
    }
}

fn error(failure: Failure) -> io::Error {
    match failure {
        Failure::Crash => io::Error::other("the power is gone"),
        Failure::Io => io::Error::from_raw_os_error(5),
        Failure::Full | Failure::Short => io::Error::from_raw_os_error(28),
    }
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl Disk for Fake {
    fn list(&self, of: &str) -> io::Result<Vec<String>> {
        let state = self.state();
        let names = state.names.keys().filter(|path| folder(path) == of);
        Ok(names
            .map(|path| path.rsplit('/').next().unwrap_or(path).to_owned())
            .collect())
    }

    fn len(&self, path: &str) -> io::Result<u64> {
        let state = self.state();
        Ok(state.inodes[state.find(path)?].now.len() as u64)
    }

    fn open(&self, path: &str, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        let state = self.state();
        let mut cursor = Cursor::new(state.inodes[state.find(path)?].now.clone());
        cursor.set_position(offset);
        Ok(Box::new(cursor))
    }

    fn append(&self, path: &str) -> io::Result<Box<dyn Appending>> {
        let mut state = self.state();
        let inode = match state.find(path) {
            Ok(inode) => inode,
            Err(_) => {
                state.whole_step()?;
                state.inodes.push(Inode::default());
                let inode = state.inodes.len() - 1;
                state.names.insert(path.into(), inode);
                inode
            }
        };
        Ok(Box::new(Handle(self.clone(), inode)))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn Appending>> {
        let mut state = self.state();
        state.whole_step()?;
        let inode = match state.find(path) {
            Ok(inode) => {
                state.inodes[inode].now.clear();
                state.inodes[inode].hole = None;
                inode
            }
            Err(_) => {
                state.inodes.push(Inode::default());
                state.inodes.len() - 1
            }
        };
        state.names.insert(path.into(), inode);
        Ok(Box::new(Handle(self.clone(), inode)))
    }

    fn refresh(&self, path: &str, _: u64) -> io::Result<()> {
        let mut state = self.state();
        state.whole_step()?;
        let inode = state.find(path)?;
        let inode = &mut state.inodes[inode];
        inode.synced = inode.now.clone();
        inode.hole = None;
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.whole_step()?;
        let inode = state.find(from)?;
        state.names.remove(from);
        state.names.insert(to.into(), inode);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut state = self.state();
        state.whole_step()?;
        state.names.remove(path);
        Ok(())
    }

    fn make_folder(&self, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn sync_folder(&self, of: &str) -> io::Result<()> {
        let mut state = self.state();
        state.whole_step()?;
        let now: Vec<(String, usize)> = state
            .names
            .iter()
            .map(|(path, inode)| (path.clone(), *inode))
            .collect();
        state.synced_names.retain(|path, _| folder(path) != of);
        state
            .synced_names
            .extend(now.into_iter().filter(|(path, _)| folder(path) == of));
        Ok(())
    }

    fn lock(&self, _: &str) -> io::Result<Box<dyn Send>> {
        match self.locked.swap(true, Ordering::SeqCst) {
            true => Err(io::ErrorKind::WouldBlock.into()),
            false => Ok(Box::new(Held(self.locked.clone()))),
        }
    }
}

struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

struct Handle(Fake, usize);

impl Appending for Handle {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.state();
        let failure = state.step()?;
        let written = match failure {
            None => bytes.len(),
            Some(Failure::Short) => 1,
            Some(Failure::Io) => 0,
            Some(Failure::Crash | Failure::Full) => bytes.len() / 2,
        };
        state.inodes[self.1]
            .now
            .extend_from_slice(&bytes[..written]);
        match failure {
            None | Some(Failure::Short) => Ok(written),
            Some(failure) => Err(error(failure)),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.0.state();
        let failure = state.step()?;
        let inode = &mut state.inodes[self.1];
        if let Some(failure) = failure.filter(|failure| *failure != Failure::Short) {
            inode.hole = Some((inode.synced.len().min(inode.now.len()), inode.now.len()));
            return Err(error(failure));
        }
        inode.synced = inode.now.clone();
        if let Some((from, to)) = inode.hole {
            inode.synced[from..to].fill(b'#');
            inode.now = inode.synced.clone();
        }
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        let mut state = self.0.state();
        state.whole_step()?;
        let inode = &mut state.inodes[self.1];
        inode.now.truncate(len as usize);
        let len = len as usize;
        inode.hole = inode
            .hole
            .map(|(from, to)| (from, to.min(len)))
            .filter(|(from, to)| from < to);
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        let state = self.0.state();
        Ok(state.inodes[self.1].now.len() as u64)
    }
}
