//! Which record is to blame.
//!
//! A broken chain says that one of two records was changed. The bundles of the tree say which, where the
//! signature vouches for them.

use crate::bad::{Bad, What};
use crate::disk::Disk;
use crate::hash::Digest;
use crate::line::Envelope;
use crate::note::Checkpoint;
use crate::segments::{self, Segment};
use crate::tiles::Tiles;
use crate::tree::Tree;
use std::io;

/// Names the first record that is not what was signed. `found` is what stands if nobody in particular is.
pub(crate) fn blame(
    disk: &dyn Disk,
    filled: &[Segment],
    checkpoint: &Checkpoint,
    found: Bad,
) -> Bad {
    let tiles = Tiles::new(disk, checkpoint.size);
    let blamed = match vouched(&tiles, checkpoint) {
        true => by_tiles(disk, &tiles, filled, checkpoint).ok().flatten(),
        false => by_chain(disk, filled, &found).ok().flatten(),
    };
    blamed.unwrap_or(found)
}

/// Whether the bundles are those that were signed.
fn vouched(tiles: &Tiles<'_>, checkpoint: &Checkpoint) -> bool {
    let (mut tree, mut full) = (Tree::default(), Vec::new());
    for seq in 0..checkpoint.size {
        match tiles.entry(seq) {
            Ok(entry) => tree.push(entry, &mut full),
            Err(_) => return false,
        }
        full.clear();
    }
    tree.root() == checkpoint.root
}

fn by_tiles(
    disk: &dyn Disk,
    tiles: &Tiles<'_>,
    filled: &[Segment],
    checkpoint: &Checkpoint,
) -> io::Result<Option<Bad>> {
    let mut seq = filled.first().map_or(0, |segment| segment.first);
    for segment in filled {
        let path = segment.path();
        if segment.first != seq {
            let words = format!(
                "the log should go on with record {seq}, and the next segment begins with another"
            );
            return Ok(Some(
                Bad::new(What::SegmentMissing, words)
                    .at(seq)
                    .in_file(path, None),
            ));
        }
        let (mut lines, mut number) = (segments::lines(disk, &path)?, 0);
        while let Some(line) = lines.next()? {
            if seq == checkpoint.size {
                return Ok(None);
            }
            number += 1;
            let expected = tiles.entry(seq).map_err(io::Error::other)?;
            if !line.whole || Digest::of(line.bytes) != expected {
                let what = match Envelope::read(line.bytes).filter(|_| line.whole) {
                    None => What::Malformed,
                    Some(envelope) if envelope.seq != seq => What::Sequence,
                    Some(_) => What::Changed,
                };
                let words = segments::words(what, &line, seq);
                return Ok(Some(
                    Bad::new(what, words).at(seq).in_file(path, Some(number)),
                ));
            }
            seq += 1;
        }
    }
    let words = format!(
        "{} records are signed, and the log ends before this one",
        checkpoint.size
    );
    let bad = Bad::new(What::Truncated, words).at(seq);
    Ok((seq < checkpoint.size).then_some(bad))
}

/// If the record after the one that does not fit confirms it, the one before it was changed.
fn by_chain(disk: &dyn Disk, filled: &[Segment], found: &Bad) -> io::Result<Option<Bad>> {
    let (What::Chain, Some(seq)) = (found.what, found.seq.filter(|seq| *seq > 0)) else {
        return Ok(None);
    };
    let from = filled
        .partition_point(|segment| segment.first < seq)
        .saturating_sub(1);
    let (mut before, mut digest) = (None, None);
    for segment in &filled[from..] {
        let (path, mut number) = (segment.path(), 0);
        let mut lines = segments::lines(disk, &path)?;
        while let Some(line) = lines.next()? {
            number += 1;
            let Some(envelope) = Envelope::read(line.bytes) else {
                return Ok(None);
            };
            match envelope.seq {
                at if at + 1 == seq => before = Some((path.clone(), number)),
                at if at == seq => digest = Some(Digest::of(line.bytes)),
                at if at == seq + 1 && envelope.prev() == digest => {
                    let words = format!(
                        "the record differs from what record {seq} follows, and record {at} confirms that one"
                    );
                    let bad = Bad::new(What::Changed, words).at(seq - 1);
                    return Ok(before.map(|(path, number)| bad.in_file(path, Some(number))));
                }
                at if at > seq => return Ok(None),
                _ => {}
            }
        }
    }
    // Nothing follows that could confirm either: the first of the two that may be.
    let words = format!("this record or record {seq} was changed: they do not fit together");
    let bad = Bad::new(What::Chain, words).at(seq - 1);
    Ok(before.map(|(path, number)| bad.in_file(path, Some(number))))
}
