//! Reading records one after the other, without checking them: for showing and exporting.

use crate::bad::{Bad, What};
use crate::disk::Folder;
use crate::line::{Entry, Lines, wall_ns};
use crate::segments::{self, Segment};
use std::fs::File;
use std::io::BufReader;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Which records are wanted. The default: all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filter {
    /// By place.
    pub seqs: Range<u64>,
    /// By kind; none named means all.
    pub kinds: Vec<String>,
    /// Written at this time or later, in nanoseconds since 1970.
    pub since_ns: Option<i64>,
    /// Written before this time, in nanoseconds since 1970.
    pub before_ns: Option<i64>,
}

impl Default for Filter {
    fn default() -> Filter {
        Filter {
            seqs: 0..u64::MAX,
            kinds: Vec::new(),
            since_ns: None,
            before_ns: None,
        }
    }
}

impl Filter {
    fn wants(&self, entry: &Entry) -> bool {
        let time = wall_ns(&entry.time);
        self.seqs.contains(&entry.seq)
            && (self.kinds.is_empty() || self.kinds.contains(&entry.kind))
            && self
                .since_ns
                .is_none_or(|since| time.is_some_and(|time| time >= since))
            && self
                .before_ns
                .is_none_or(|before| time.is_some_and(|time| time < before))
    }
}

/// The records of a log that a filter wants, oldest first. A line that is no record is an error, and the last
/// that is given; a last line without its end is none yet.
pub fn records(folder: &Path, filter: Filter) -> Records {
    let segments = segments::list(&Folder::new(folder));
    let (segments, error) = match segments {
        Ok(segments) => (segments, None),
        Err(error) => (Vec::new(), Some(Bad::unreadable(segments::FOLDER, error))),
    };
    let mut wanted: Vec<Segment> = segments
        .into_iter()
        .filter(|segment| segment.len > 0)
        .collect();
    let from = wanted
        .partition_point(|segment| segment.first <= filter.seqs.start)
        .saturating_sub(1);
    wanted.drain(..from.min(wanted.len()));
    wanted.retain(|segment| segment.first < filter.seqs.end);
    wanted.reverse();
    Records {
        folder: folder.into(),
        filter,
        wanted,
        reading: None,
        error,
    }
}

/// What [`records`] gives.
pub struct Records {
    folder: PathBuf,
    filter: Filter,
    /// Newest first.
    wanted: Vec<Segment>,
    reading: Option<Reading>,
    error: Option<Bad>,
}

struct Reading {
    path: String,
    lines: Lines<BufReader<File>>,
    number: u64,
}

impl Records {
    fn read(&mut self) -> Result<Option<Entry>, Bad> {
        loop {
            let Some(reading) = &mut self.reading else {
                let Some(segment) = self.wanted.pop() else {
                    return Ok(None);
                };
                let path = segment.path();
                let file = File::open(self.folder.join(&path))
                    .map_err(|error| Bad::unreadable(&path, error))?;
                self.reading = Some(Reading {
                    lines: Lines::new(BufReader::new(file)),
                    number: 0,
                    path,
                });
                continue;
            };
            let line = reading
                .lines
                .next()
                .map_err(|error| Bad::unreadable(&reading.path, error))?;
            let Some(line) = line else {
                self.reading = None;
                continue;
            };
            reading.number += 1;
            if !line.whole && self.wanted.is_empty() {
                return Ok(None);
            }
            let text = std::str::from_utf8(line.bytes).ok().filter(|_| line.whole);
            let Some(entry) = text.and_then(|text| Entry::read(text).ok()) else {
                let bad = Bad::new(
                    What::Malformed,
                    format!("line {} of `{}` is no record", reading.number, reading.path),
                );
                return Err(bad.in_file(&reading.path, Some(reading.number)));
            };
            if entry.seq >= self.filter.seqs.end {
                return Ok(None);
            }
            if self.filter.wants(&entry) {
                return Ok(Some(entry));
            }
        }
    }
}

impl Iterator for Records {
    type Item = Result<Entry, Bad>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(bad) = self.error.take() {
            self.wanted.clear();
            return Some(Err(bad));
        }
        let read = self.read();
        if !matches!(read, Ok(Some(_))) {
            self.wanted.clear();
            self.reading = None;
        }
        read.transpose()
    }
}
