//! The file `checkpoints`: every checkpoint, one after the other, each with an empty line behind it.

use crate::disk::{self, Disk};
use std::io::{self, BufRead, Read};

/// The file.
pub(crate) const PATH: &str = "checkpoints";
/// How far back the last whole checkpoint is looked for.
const TAIL_BYTES: u64 = 64 << 10;
/// The longest line of a note that is ours.
const LINE_MAX: u64 = 4 << 10;

/// The last whole checkpoint, and where it ends.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Last {
    pub(crate) note: Option<String>,
    pub(crate) end: u64,
}

/// Looks at the end of the file.
pub(crate) fn last(disk: &dyn Disk) -> io::Result<Last> {
    let len = match disk.len(PATH) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Last::default()),
        len => len?,
    };
    let offset = len.saturating_sub(TAIL_BYTES);
    let mut bytes = Vec::new();
    disk.open(PATH, offset)?
        .take(TAIL_BYTES)
        .read_to_end(&mut bytes)?;
    let mut notes = Notes::new(bytes.as_slice());
    let mut last = Last::default();
    // The first may be the end of one only; it is none that can be read, and not the last.
    while let Some(note) = notes.next()? {
        last = Last {
            end: offset + notes.end,
            note: Some(note),
        };
    }
    Ok(last)
}

/// Adds a checkpoint behind the first `len` bytes; gives the new length.
pub(crate) fn add(disk: &dyn Disk, len: u64, note: &str) -> io::Result<u64> {
    let mut file = disk.append(PATH)?;
    if file.len()? != len {
        file.truncate(len)?;
    }
    disk::write_all(file.as_mut(), note.as_bytes())?;
    disk::write_all(file.as_mut(), b"\n")?;
    file.sync()?;
    Ok(len + note.len() as u64 + 1)
}

/// Reads whole notes, as text.
pub(crate) struct Notes<R> {
    reader: R,
    at: u64,
    /// Where the last note ended, its empty line included.
    pub(crate) end: u64,
}

impl<R: BufRead> Notes<R> {
    pub(crate) fn new(reader: R) -> Self {
        Notes {
            reader,
            at: 0,
            end: 0,
        }
    }

    /// `None`: there is no further whole one. `end` says where the last was.
    pub(crate) fn next(&mut self) -> io::Result<Option<String>> {
        let mut note = Vec::new();
        let mut signed = false;
        loop {
            let before = note.len();
            let mut limited = (&mut self.reader).take(LINE_MAX);
            let read = limited.read_until(b'\n', &mut note)?;
            self.at += read as u64;
            let line = &note[before..];
            if !line.ends_with(b"\n") || note.len() as u64 > TAIL_BYTES {
                return Ok(None);
            }
            if line == b"\n" && signed {
                note.pop();
                self.end = self.at;
                return Ok(Some(String::from_utf8_lossy(&note).into_owned()));
            }
            signed = line.starts_with("— ".as_bytes());
        }
    }
}
