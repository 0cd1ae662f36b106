//! Old segments go, and a record says so first. Their tiles stay: what was proven about them still can be.

use super::{Fault, Kind, Live, Log, Step};
use crate::disk::{self, Disk};
use crate::line::{Envelope, Now};
use crate::segments::{self, Segment};
use crate::tiles::{self, Tiles};
use crate::tree::TILE_WIDTH;
use serde_json::{Value, json};
use std::io;

/// Says where the last `retention` record is. A hint only: what it says is checked.
const HINT: &str = "retained";
/// Segments that one record names.
const NAMED_MAX: usize = 1_000;

impl Log {
    /// Removes the segments that are older than the log is kept. Gives how many went.
    pub(crate) fn retire(&mut self, now: Now) -> Result<usize, Fault> {
        let old = self.old(now);
        if old.is_empty() {
            return Ok(0);
        }
        let fault = Fault::at(Step::Retire);
        self.checkpoint()?;
        let (first, end) = (old[0].0.first, old[old.len() - 1].1);
        tiles::sync(self.disk.as_ref(), first, end).map_err(&fault)?;
        let body = self.named(&old).map_err(&fault)?;
        let seq = self.size();
        // At most 1,000 names are shorter than a line.
        let _ = self.append(Kind::Retention.as_str(), &body, now);
        self.checkpoint()?;
        disk::replace(self.disk.as_ref(), HINT, seq.to_string().as_bytes()).map_err(&fault)?;
        self.segments.drain(..old.len());
        for (segment, _) in &old {
            self.disk
                .remove(&segments::path(segment.first))
                .map_err(&fault)?;
        }
        self.disk.sync_folder(segments::FOLDER).map_err(&fault)?;
        Ok(old.len())
    }

    /// The segments to remove, each with the seq after its last record.
    fn old(&self, now: Now) -> Vec<(Live, u64)> {
        let Some(keep) = self.limits.keep else {
            return Vec::new();
        };
        let keep_ns = i64::try_from(keep.as_nanos()).unwrap_or(i64::MAX);
        let before = now.wall_ns.saturating_sub(keep_ns);
        // What goes must lie under full bundles: those are never written again.
        let bundled = self.signed / TILE_WIDTH * TILE_WIDTH;
        self.segments
            .windows(2)
            .map(|pair| (pair[0], pair[1]))
            // The first record of the next one is younger than the last of this one.
            .take_while(|(_, next)| next.since_ns < before && next.first <= bundled)
            .map(|(segment, next)| (segment, next.first))
            .take(NAMED_MAX)
            .collect()
    }

    fn named(&self, old: &[(Live, u64)]) -> io::Result<Value> {
        let tiles = Tiles::new(self.disk.as_ref(), self.signed);
        let entry = |seq| {
            let entry = tiles.entry(seq).map_err(io::Error::other)?;
            Ok::<String, io::Error>(entry.to_string())
        };
        let segments: io::Result<Vec<Value>> = old
            .iter()
            .map(|(segment, end)| {
                Ok(json!({
                    "first": segment.first,
                    "first_line": entry(segment.first)?,
                    "last": end - 1,
                    "last_line": entry(end - 1)?,
                }))
            })
            .collect();
        Ok(json!({
            "first": old.first().map(|(segment, _)| segment.first),
            "last": old.last().map(|(_, end)| end - 1),
            "segments": segments?,
        }))
    }
}

/// The last seq that a `retention` record names, if a line is one.
pub(crate) fn named_last(line: &[u8]) -> Option<u64> {
    let kind = b",\"kind\":\"retention\",\"mono\":";
    // Cheap first: nearly all lines are something else.
    line.windows(kind.len())
        .rposition(|window| window == kind)?;
    let envelope = Envelope::read(line)?;
    if envelope.kind != Kind::Retention.as_str() {
        return None;
    }
    let record: Value = serde_json::from_slice(line).ok()?;
    record["body"]["last"].as_u64()
}

/// Whether a record says that everything before `first` went.
pub(crate) fn explains(disk: &dyn Disk, live: &[Segment], first: u64) -> io::Result<bool> {
    let hint = disk::read(disk, HINT, 64)?.and_then(|bytes| String::from_utf8(bytes).ok());
    let hint: Option<u64> = hint.and_then(|text| text.parse().ok());
    let at = hint.map_or(0, |seq| {
        live.partition_point(|segment| segment.first <= seq)
            .saturating_sub(1)
    });
    // Where the hint points first, and then everywhere.
    for segment in live[at..].iter().take(1).chain(live) {
        let mut lines = segments::lines(disk, &segment.path())?;
        while let Some(line) = lines.next()? {
            if named_last(line.bytes).is_some_and(|last| last + 1 >= first) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
