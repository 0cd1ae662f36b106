//! What the log asks of a disk: few operations, so that a test can fail each of them.

use rustix::io::Errno;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Bytes that are written anew at once.
const REFRESH_BYTES: usize = 256 << 10;

/// A folder's files, by paths relative to it with `/` between their parts.
pub trait Disk: Send + Sync {
    /// The names in a folder, in no order. Of a folder that is not there, none.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// A file's length in bytes.
    fn len(&self, path: &str) -> io::Result<u64>;
    /// A file's bytes from `offset` on.
    fn open(&self, path: &str, offset: u64) -> io::Result<Box<dyn Read + '_>>;
    /// A file to write at the end of. Made if it is not there.
    fn append(&self, path: &str) -> io::Result<Box<dyn Appending>>;
    /// A new, empty file in place of what was there.
    fn create(&self, path: &str) -> io::Result<Box<dyn Appending>>;
    /// Writes a file's bytes from `offset` on once more, as they are, and syncs them. What a failed sync left in
    /// memory only looks as if it were on the disk; this puts it there.
    fn refresh(&self, path: &str, offset: u64) -> io::Result<()>;
    /// Gives a file another name, in place of what had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Takes a file, or an empty folder, away.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Makes a folder, and those above it, where they are not there.
    fn make_folder(&self, folder: &str) -> io::Result<()>;
    /// Waits until the names in a folder are on the disk.
    fn sync_folder(&self, folder: &str) -> io::Result<()>;
    /// Takes the folder's lock, held until what is returned is dropped. `WouldBlock`: another has it.
    fn lock(&self, path: &str) -> io::Result<Box<dyn Send>>;
}

/// A file that grows.
#[expect(clippy::len_without_is_empty, reason = "nobody asks")]
pub trait Appending: Send {
    /// Writes some of `bytes`, and says how many.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
    /// Waits until all that was written is on the disk (`fdatasync`).
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file off.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
    /// Its length in bytes.
    fn len(&self) -> io::Result<u64>;
}

/// Writes all of `bytes`.
pub(crate) fn write_all(file: &mut dyn Appending, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written.min(bytes.len())..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A whole file, if it is there. An error if it is longer than `max` bytes.
pub(crate) fn read(disk: &dyn Disk, path: &str, max: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let file = match disk.open(path, 0) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    file.take(max + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 <= max {
        true => Ok(Some(bytes)),
        false => Err(io::Error::other(format!(
            "`{path}` is longer than {max} bytes"
        ))),
    }
}

/// Puts `bytes` in place of a file's, so that after a crash it has the old ones or the new ones.
pub(crate) fn replace(disk: &dyn Disk, path: &str, bytes: &[u8]) -> io::Result<()> {
    let new = format!("{path}.new");
    let mut file = disk.create(&new)?;
    write_all(file.as_mut(), bytes)?;
    file.sync()?;
    drop(file);
    disk.rename(&new, path)?;
    disk.sync_folder(path.rsplit_once('/').map_or("", |(folder, _)| folder))
}

/// Whether an error says that the disk is full.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    ) || error.raw_os_error() == Some(Errno::NOSPC.raw_os_error())
}

/// A folder of the operating system.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Nothing is looked at or made yet.
    pub fn new(path: impl Into<PathBuf>) -> Folder {
        Folder(path.into())
    }

    fn at(&self, path: &str) -> PathBuf {
        match path {
            "" => self.0.clone(),
            path => self.0.join(path),
        }
    }
}

impl Disk for Folder {
    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let entries = match std::fs::read_dir(self.at(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        // A name that is no UTF-8 is none of ours.
        entries
            .filter_map(|entry| {
                entry
                    .map(|entry| entry.file_name().into_string().ok())
                    .transpose()
            })
            .collect()
    }

    fn len(&self, path: &str) -> io::Result<u64> {
        Ok(std::fs::metadata(self.at(path))?.len())
    }

    fn open(&self, path: &str, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        let mut file = File::open(self.at(path))?;
        if offset > 0 {
            file.seek(SeekFrom::Start(offset))?;
        }
        Ok(Box::new(file))
    }

    fn append(&self, path: &str) -> io::Result<Box<dyn Appending>> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.at(path))?;
        Ok(Box::new(file))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn Appending>> {
        Ok(Box::new(File::create(self.at(path))?))
    }

    fn refresh(&self, path: &str, offset: u64) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(self.at(path))?;
        let (mut at, mut piece) = (offset, vec![0; REFRESH_BYTES]);
        loop {
            file.seek(SeekFrom::Start(at))?;
            let read = file.read(&mut piece)?;
            let Some(bytes) = piece.get(..read).filter(|bytes| !bytes.is_empty()) else {
                return file.sync_data();
            };
            file.seek(SeekFrom::Start(at))?;
            Write::write_all(&mut file, bytes)?;
            at += read as u64;
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let path = self.at(path);
        match path.is_dir() {
            true => std::fs::remove_dir(path),
            false => std::fs::remove_file(path),
        }
    }

    fn make_folder(&self, folder: &str) -> io::Result<()> {
        std::fs::create_dir_all(self.at(folder))
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        sync_path(&self.at(folder))
    }

    fn lock(&self, path: &str) -> io::Result<Box<dyn Send>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.at(path))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// Waits until the names in a folder are on the disk.
pub(crate) fn sync_path(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

impl Appending for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}
