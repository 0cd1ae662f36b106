//! Reading what is there: all up to the checkpoint must be right, and what is right behind it is taken.

use super::Stop;
use crate::bad::{Bad, What};
use crate::disk::Disk;
use crate::hash::Digest;
use crate::line::Entry;
use crate::log::retention;
use crate::note::Checkpoint;
use crate::segments::{self, Segment};
use crate::tiles::{self, Tiles};
use crate::tree::{Layer, TILE_WIDTH, Tile, Tree};
use crate::verify::blame;
use std::io;

/// Told of each tile that is full, and below the checkpoint.
type OnTile<'a> = &'a mut dyn FnMut(&Tile) -> io::Result<()>;

/// The records, checked against the checkpoint.
pub(super) struct Walked {
    pub(super) tree: Tree,
    pub(super) last: Digest,
    pub(super) len: u64,
    pub(super) signed_len: u64,
    pub(super) torn: Vec<(Segment, u64)>,
    pub(super) full: Vec<Tile>,
    pub(super) tiles_mended: u64,
}

pub(super) fn walk_checked(
    disk: &dyn Disk,
    filled: &[Segment],
    checkpoint: &Checkpoint,
    read_all: bool,
) -> Result<Walked, Stop> {
    let oldest = filled.first().map_or(0, |segment| segment.first);
    if filled.is_empty() && checkpoint.size > 0 {
        let words = format!(
            "{} records are signed, and there is no segment",
            checkpoint.size
        );
        return Err(Bad::new(What::SegmentMissing, words).at(0).into());
    }
    if oldest > checkpoint.size {
        let words = format!(
            "{} records are signed, and the oldest one there is {oldest}",
            checkpoint.size
        );
        return Err(Bad::new(What::SegmentMissing, words).at(0).into());
    }
    if oldest > 0 && !retention::explains(disk, filled, oldest)? {
        let words = format!(
            "the records before {oldest} are not there, and no `retention` record says why"
        );
        return Err(Bad::new(What::SegmentMissing, words)
            .at(0)
            .in_file(segments::path(0), None)
            .into());
    }
    edges(disk, filled, checkpoint)?;
    let from = filled
        .partition_point(|segment| segment.first < checkpoint.size)
        .saturating_sub(1);
    let tiles = Tiles::new(disk, checkpoint.size);
    let near = filled.get(from).map_or(0, |segment| segment.first);
    let have_tiles = !read_all && tiles_present(disk, near);
    let quick = have_tiles.then(|| base(&tiles, near).ok()).flatten();
    if let Some(base) = quick
        && let Ok(walked) = walk(disk, &filled[from..], base.clone(), checkpoint, &mut |_| {
            Ok(())
        })
    {
        return mend_tiles(disk, &filled[from..], walked, checkpoint, |_| Ok(base));
    }
    // Tiles are missing, or something is wrong: all of it is read.
    let base = bundled(disk, oldest, &mut |_| Ok(()))?;
    match walk(disk, filled, base, checkpoint, &mut |_| Ok(())) {
        Ok(walked) => mend_tiles(disk, filled, walked, checkpoint, |mend| {
            bundled(disk, oldest, mend)
        }),
        // The same, in more words: which record is to blame.
        Err(Stop::Bad(bad)) => Err(blame(disk, filled, checkpoint, bad).into()),
        Err(stop) => Err(stop),
    }
}

/// The tree and the digest of the last line before `first`, from the edge of the tiles.
fn base(tiles: &Tiles<'_>, first: u64) -> Result<(Tree, Digest), tiles::TileError> {
    let tree = Tree::from_edge(first, |layer, index, width| tiles.read(layer, index, width))?;
    let last = match first {
        0 => Digest::ZERO,
        first => tiles.entry(first - 1)?,
    };
    Ok((tree, last))
}

/// The same from the bundles of all records before `first`, for a log whose beginning is gone.
fn bundled(disk: &dyn Disk, first: u64, tile: OnTile<'_>) -> Result<(Tree, Digest), Stop> {
    let tiles = Tiles::new(disk, first.div_ceil(TILE_WIDTH) * TILE_WIDTH);
    let (mut tree, mut last, mut full) = (Tree::default(), Digest::ZERO, Vec::new());
    for seq in 0..first {
        last = tiles.entry(seq).map_err(|error| {
            let words = format!("{error}, and the records that it could be made from are gone");
            Bad::new(What::Tile, words).at(seq)
        })?;
        tree.push(last, &mut full);
        full.drain(..).try_for_each(|full| tile(&full))?;
    }
    Ok((tree, last))
}

/// Whether the full tiles of a tree are all there, by their lengths.
fn tiles_present(disk: &dyn Disk, size: u64) -> bool {
    let there = |layer: Layer, bytes: u64| {
        let tiles = size / layer.span();
        (0..tiles).all(|index| {
            let path = tiles::path(layer, index, TILE_WIDTH as usize);
            disk.len(&path).is_ok_and(|len| len == bytes)
        })
    };
    there(Layer::Entries, TILE_WIDTH * 34)
        && (0..8).all(|level| there(Layer::Hashes(level), TILE_WIDTH * 32))
}

/// The last line of each segment must be what the first of the next one follows.
fn edges(disk: &dyn Disk, filled: &[Segment], checkpoint: &Checkpoint) -> Result<(), Stop> {
    for pair in filled.windows(2) {
        let (segment, next) = (&pair[0], &pair[1]);
        if next.first >= checkpoint.size {
            break;
        }
        let entry = segments::first_entry(disk, next)?;
        let last = segments::last_line(disk, segment)?;
        let fits = last.is_some_and(|(digest, seq)| {
            seq + 1 == next.first && entry.seq == next.first && entry.prev == digest.to_string()
        });
        if !fits {
            let words = format!(
                "the segment does not end with record {}, which the next one follows",
                next.first - 1
            );
            let bad = Bad::new(What::SegmentMissing, words);
            return Err(blame(disk, filled, checkpoint, bad.at(segment.first)).into());
        }
    }
    Ok(())
}

/// Reads records from `base` on: all up to the checkpoint must be right, and what is right behind it is taken.
fn walk(
    disk: &dyn Disk,
    filled: &[Segment],
    base: (Tree, Digest),
    checkpoint: &Checkpoint,
    tile: OnTile<'_>,
) -> Result<Walked, Stop> {
    let (tree, last) = base;
    let mut walked = Walked {
        tree,
        last,
        len: 0,
        signed_len: 0,
        torn: Vec::new(),
        full: Vec::new(),
        tiles_mended: 0,
    };
    walked.compare(checkpoint)?;
    for (at, segment) in filled.iter().enumerate() {
        let good = walked.segment(disk, segment, checkpoint, tile)?;
        // A segment that begins too late goes altogether, and the one before it is gone on with.
        if good > 0 || segment.first == walked.tree.size() {
            walked.len = good;
        }
        if good < segment.len {
            walked.torn.push((segment.clone(), good));
            walked
                .torn
                .extend(filled[at + 1..].iter().map(|later| (later.clone(), 0)));
            break;
        }
    }
    match walked.tree.size() < checkpoint.size {
        false => Ok(walked),
        true => {
            let words = format!(
                "the log ends with record {}, and {} records are signed",
                walked.tree.size().saturating_sub(1),
                checkpoint.size
            );
            Err(Bad::new(What::Truncated, words)
                .at(walked.tree.size())
                .into())
        }
    }
}

impl Walked {
    fn compare(&self, checkpoint: &Checkpoint) -> Result<(), Bad> {
        match self.tree.size() == checkpoint.size && self.tree.root() != checkpoint.root {
            false => Ok(()),
            true => Err(Bad::new(What::Root, "the records are not those that were signed").at(0)),
        }
    }

    /// Reads a segment, and gives how many of its bytes are good.
    fn segment(
        &mut self,
        disk: &dyn Disk,
        segment: &Segment,
        checkpoint: &Checkpoint,
        tile: OnTile<'_>,
    ) -> Result<u64, Stop> {
        let path = segment.path();
        let mut lines = segments::lines(disk, &path)?;
        let (mut number, mut good, mut full) = (0, 0, Vec::new());
        self.signed_len = 0;
        while let Some(line) = lines.next()? {
            number += 1;
            let seq = self.tree.size();
            let signed = seq < checkpoint.size;
            let what = match segments::follows(&line, seq, &self.last) {
                Ok(_) if signed || is_ours(line.bytes) => None,
                Ok(_) => Some(What::Malformed),
                Err(what) => Some(what),
            };
            match what {
                Some(what) if signed => {
                    let words = segments::words(what, &line, seq);
                    return Err(Bad::new(what, words)
                        .at(seq)
                        .in_file(&path, Some(number))
                        .into());
                }
                Some(_) => return Ok(good),
                None => {}
            }
            good = line.offset + line.bytes.len() as u64 + 1;
            if signed {
                self.signed_len = good;
            }
            self.last = Digest::of(line.bytes);
            self.tree.push(self.last, &mut full);
            for made in full.drain(..) {
                match made.end() <= checkpoint.size {
                    true => tile(&made)?,
                    false => self.full.push(made),
                }
            }
            self.compare(checkpoint)?;
        }
        Ok(good)
    }
}

/// Past the checkpoint only what the log itself would have written is taken over.
fn is_ours(line: &[u8]) -> bool {
    let text = std::str::from_utf8(line).ok();
    let entry = text.and_then(|text| Entry::read(text).ok());
    entry.is_some_and(|entry| entry.is_canonical())
}

/// Reads the same once more, now that it is known to be right, and writes the tiles that are not on the disk.
fn mend_tiles(
    disk: &dyn Disk,
    filled: &[Segment],
    mut walked: Walked,
    checkpoint: &Checkpoint,
    base: impl FnOnce(OnTile<'_>) -> Result<(Tree, Digest), Stop>,
) -> Result<Walked, Stop> {
    let mut mended = 0;
    let mut mend = |tile: &Tile| {
        if !tiles::holds(disk, tile) {
            mended += 1;
            tiles::write(disk, tile)?;
        }
        Ok(())
    };
    let base = base(&mut mend)?;
    walk(disk, filled, base, checkpoint, &mut mend)?;
    walked.tiles_mended = mended;
    Ok(walked)
}
