//! A private copy of the weights, for llama.cpp to read by name: what was hashed is what is loaded, whatever becomes of
//! the file meanwhile.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use super::Digest;

/// Bytes copied at a time.
const CHUNK: usize = 1 << 20;

/// A copy that only this process has, gone when it is dropped.
pub(super) struct Scratch {
    file: File,
    place: Place,
}

enum Place {
    Memory(PathBuf),
    Disk(tempfile::TempPath),
}

/// Which side of the copy failed.
pub(super) enum CopyError {
    From(io::Error),
    To(io::Error),
}

impl Scratch {
    /// Copies what `from` gives, and hashes it on the way.
    pub(super) fn copy(from: &mut dyn Read) -> Result<(Scratch, Digest), CopyError> {
        let mut scratch = match in_memory() {
            Some(scratch) => scratch,
            None => on_disk().map_err(CopyError::To)?,
        };
        let mut hasher = sha2::Sha256::new();
        let mut chunk = vec![0; CHUNK];
        loop {
            let n = match from.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => n,
                Err(why) if why.kind() == io::ErrorKind::Interrupted => continue,
                Err(why) => return Err(CopyError::From(why)),
            };
            hasher.update(&chunk[..n]);
            scratch.file.write_all(&chunk[..n]).map_err(CopyError::To)?;
        }
        scratch.file.rewind().map_err(CopyError::To)?;
        Ok((scratch, Digest::finish(hasher)))
    }

    /// The name to open it by, in this process, while this lives.
    pub(super) fn path(&self) -> &Path {
        match &self.place {
            Place::Memory(path) => path,
            Place::Disk(path) => path,
        }
    }

    /// The copy itself, from its beginning.
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

/// A file in memory, where the system has them and lets them be opened by name.
#[cfg(target_os = "linux")]
fn in_memory() -> Option<Scratch> {
    let flags = rustix::fs::MemfdFlags::CLOEXEC;
    let file = File::from(rustix::fs::memfd_create("weights", flags).ok()?);
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    path.exists().then_some(Scratch {
        file,
        place: Place::Memory(path),
    })
}

#[cfg(not(target_os = "linux"))]
fn in_memory() -> Option<Scratch> {
    None
}

fn on_disk() -> io::Result<Scratch> {
    let (file, path) = tempfile::NamedTempFile::new()?.into_parts();
    Ok(Scratch {
        file,
        place: Place::Disk(path),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_places_hold_what_was_copied() {
        let bytes = vec![7; CHUNK + 3];
        for made in [in_memory(), on_disk().ok()].into_iter().flatten() {
            let path = made.path().to_owned();
            (&made.file).write_all(&bytes).expect("room for a megabyte");
            assert_eq!(std::fs::read(&path).expect("it has a name"), bytes);
            drop(made);
            assert!(!path.exists(), "{path:?} outlived its use");
        }
    }

    #[test]
    fn the_digest_is_of_what_was_read() {
        let bytes = vec![3; 2 * CHUNK + 1];
        let Ok((scratch, digest)) = Scratch::copy(&mut bytes.as_slice()) else {
            panic!("there is room");
        };
        assert_eq!(digest, Digest::of(&bytes));
        assert_eq!(std::fs::read(scratch.path()).expect("readable"), bytes);
    }
}
