//! The files that records lie in.

use crate::bad::{Bad, What};
use crate::disk::Disk;
use crate::hash::Digest;
use crate::line::{Entry, Envelope, LINE_BYTES_MAX, Line, Lines};
use std::io::{self, BufReader, Read};

/// The folder of segments.
pub(crate) const FOLDER: &str = "segments";
/// What is read at once.
const READ_BYTES: usize = 256 << 10;

/// A segment's file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Segment {
    /// The seq of its first record, which is its name.
    pub(crate) first: u64,
    /// Its length in bytes.
    pub(crate) len: u64,
}

impl Segment {
    pub(crate) fn path(&self) -> String {
        path(self.first)
    }
}

/// Where the segment lies whose first record is `first`.
pub(crate) fn path(first: u64) -> String {
    format!("{FOLDER}/{first:016}.jsonl")
}

/// All segments, oldest first. An empty one says nothing, and is among them.
pub(crate) fn list(disk: &dyn Disk) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for name in disk.list(FOLDER)? {
        let first = name
            .strip_suffix(".jsonl")
            .and_then(|first| first.parse().ok());
        let Some(first) = first.filter(|first| path(*first).ends_with(&name)) else {
            continue;
        };
        let len = disk.len(&path(first))?;
        segments.push(Segment { first, len });
    }
    segments.sort_by_key(|segment| segment.first);
    Ok(segments)
}

/// The lines of a segment.
pub(crate) fn lines<'a>(
    disk: &'a dyn Disk,
    path: &str,
) -> io::Result<Lines<BufReader<Box<dyn Read + 'a>>>> {
    let file = disk.open(path, 0)?;
    Ok(Lines::new(BufReader::with_capacity(READ_BYTES, file)))
}

/// Whether a line is the record `seq` that follows the line whose digest is `last`.
pub(crate) fn follows<'a>(line: &Line<'a>, seq: u64, last: &Digest) -> Result<Envelope<'a>, What> {
    let envelope = Envelope::read(line.bytes).filter(|_| line.whole);
    let envelope = envelope.ok_or(What::Malformed)?;
    if envelope.seq != seq {
        return Err(What::Sequence);
    }
    match envelope.prev() {
        Some(prev) if prev == *last => Ok(envelope),
        _ => Err(What::Chain),
    }
}

/// The same for people.
pub(crate) fn words(what: What, line: &Line<'_>, seq: u64) -> String {
    match what {
        What::Malformed if !line.whole => "the line does not end".into(),
        What::Malformed => "the line is no record".into(),
        What::Sequence => {
            let found = Envelope::read(line.bytes).map_or(0, |envelope| envelope.seq);
            format!(
                "record {found} stands where record {seq} should: records were taken out, put in or swapped"
            )
        }
        What::Chain => format!(
            "`prev` is not the digest of the line before it: this record or record {} was changed",
            seq.saturating_sub(1)
        ),
        _ => "the record differs from what was signed".into(),
    }
}

/// The first record of a segment.
pub(crate) fn first_entry(disk: &dyn Disk, segment: &Segment) -> Result<Entry, Bad> {
    let path = segment.path();
    let mut lines = lines(disk, &path).map_err(|error| Bad::unreadable(&path, error))?;
    let line = lines
        .next()
        .map_err(|error| Bad::unreadable(&path, error))?;
    let text = line
        .filter(|line| line.whole)
        .and_then(|line| std::str::from_utf8(line.bytes).ok());
    let entry = text.and_then(|text| Entry::read(text).ok());
    let malformed = || {
        let bad = Bad::new(What::Malformed, "the line is no record");
        bad.at(segment.first).in_file(&path, Some(1))
    };
    entry.ok_or_else(malformed)
}

/// The digest and seq of a segment's last line, if that is a whole record.
pub(crate) fn last_line(disk: &dyn Disk, segment: &Segment) -> io::Result<Option<(Digest, u64)>> {
    for reach in [64 << 10, LINE_BYTES_MAX as u64 + 2] {
        let offset = segment.len.saturating_sub(reach);
        let mut bytes = Vec::new();
        let file = disk.open(&segment.path(), offset)?;
        file.take(reach).read_to_end(&mut bytes)?;
        let Some(bytes) = bytes.strip_suffix(b"\n") else {
            return Ok(None);
        };
        let begins = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map(|at| at + 1);
        let begins = begins.or((offset == 0).then_some(0));
        if let Some(line) = begins.and_then(|at| bytes.get(at..)) {
            let envelope = Envelope::read(line);
            return Ok(envelope.map(|envelope| (Digest::of(line), envelope.seq)));
        }
    }
    Ok(None)
}
