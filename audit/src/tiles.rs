//! Tiles on the disk (C2SP tlog-tiles), and proofs made of them.

use crate::disk::{self, Disk};
use crate::hash::{Digest, node_hash};
use crate::tree::{Layer, TILE_WIDTH, Tile, perfect, split};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::rc::Rc;

/// The longest tile: a bundle of 256 digests, each behind its length.
const TILE_BYTES_MAX: u64 = TILE_WIDTH * 34;
/// Tiles that are kept at hand while proofs are made.
const KEPT_MAX: usize = 1_024;

type Kept = HashMap<(Layer, u64), Rc<Vec<Digest>>>;

/// A tile cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TileError {
    /// Neither the full one nor one that is wide enough.
    #[error("the tile `{0}` is missing")]
    Missing(String),
    /// Its length is not what its name says.
    #[error("the tile `{0}` is damaged")]
    Damaged(String),
    /// It cannot be read.
    #[error("the tile `{0}` cannot be read: {1}")]
    Unreadable(String, io::Error),
}

/// Where a tile lies. `width` 256 is a full one.
pub(crate) fn path(layer: Layer, index: u64, width: usize) -> String {
    let layer = match layer {
        Layer::Entries => "entries".to_owned(),
        Layer::Hashes(level) => level.to_string(),
    };
    let digits = index.to_string();
    let digits = format!("{}{digits}", "0".repeat((3 - digits.len() % 3) % 3));
    let groups: Vec<&str> = (0..digits.len())
        .step_by(3)
        .map(|at| &digits[at..at + 3])
        .collect();
    let mut path = format!("tile/{layer}");
    for (at, group) in groups.iter().enumerate() {
        path.push_str(if at + 1 < groups.len() { "/x" } else { "/" });
        path.push_str(group);
    }
    if (width as u64) < TILE_WIDTH {
        path.push_str(&format!(".p/{width}"));
    }
    path
}

fn encode(tile: &Tile) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(tile.hashes.len() * 34);
    for hash in &tile.hashes {
        if tile.layer == Layer::Entries {
            bytes.extend_from_slice(&32_u16.to_be_bytes());
        }
        bytes.extend_from_slice(&hash.0);
    }
    bytes
}

fn decode(layer: Layer, width: usize, bytes: &[u8]) -> Option<Vec<Digest>> {
    let head = match layer {
        Layer::Entries => 32_u16.to_be_bytes().to_vec(),
        Layer::Hashes(_) => Vec::new(),
    };
    let (entries, rest) = (
        bytes.chunks_exact(head.len() + 32),
        bytes.len() % (head.len() + 32),
    );
    let hashes: Option<Vec<Digest>> = entries
        .map(|entry| {
            let hash = entry.strip_prefix(head.as_slice())?;
            Some(Digest(hash.try_into().ok()?))
        })
        .collect();
    hashes.filter(|hashes| hashes.len() == width && rest == 0)
}

/// Writes a tile. It is not synced: tiles can be made anew from records.
pub(crate) fn write(disk: &dyn Disk, tile: &Tile) -> io::Result<()> {
    let width = tile.hashes.len();
    let path = path(tile.layer, tile.index, width);
    if let Some((folder, _)) = path.rsplit_once('/') {
        disk.make_folder(folder)?;
    }
    let mut file = disk.create(&path)?;
    disk::write_all(file.as_mut(), &encode(tile))?;
    if width as u64 == TILE_WIDTH {
        forget_partial(disk, &path);
    }
    Ok(())
}

/// The spec lets partial tiles go once the full one is there. What stays for an error is no harm.
fn forget_partial(disk: &dyn Disk, full: &str) {
    let folder = format!("{full}.p");
    let Ok(widths) = disk.list(&folder) else {
        return;
    };
    for width in &widths {
        let _ = disk.remove(&format!("{folder}/{width}"));
    }
    if !widths.is_empty() {
        let _ = disk.remove(&folder);
    }
}

/// Whether a tile lies on the disk as it should.
pub(crate) fn holds(disk: &dyn Disk, tile: &Tile) -> bool {
    let path = path(tile.layer, tile.index, tile.hashes.len());
    disk::read(disk, &path, TILE_BYTES_MAX)
        .is_ok_and(|bytes| bytes.is_some_and(|bytes| bytes == encode(tile)))
}

/// Waits until the full tiles that records up to `end` lie under are on the disk.
pub(crate) fn sync(disk: &dyn Disk, from: u64, end: u64) -> io::Result<()> {
    for layer in [Layer::Entries, Layer::Hashes(0)] {
        for index in from / TILE_WIDTH..=end / TILE_WIDTH {
            let path = path(layer, index, TILE_WIDTH as usize);
            if disk.len(&path).is_ok() {
                disk.append(&path)?.sync()?;
            }
            let mut folder = path.as_str();
            while let Some((above, _)) = folder.rsplit_once('/') {
                if index == from / TILE_WIDTH || index % 1_000 == 0 || index == end / TILE_WIDTH {
                    disk.sync_folder(above)?;
                }
                folder = above;
            }
        }
    }
    Ok(())
}

/// The tiles of a tree of a given size.
pub(crate) struct Tiles<'a> {
    disk: &'a dyn Disk,
    size: u64,
    kept: RefCell<Kept>,
}

impl<'a> Tiles<'a> {
    pub(crate) fn new(disk: &'a dyn Disk, size: u64) -> Self {
        Tiles {
            disk,
            size,
            kept: RefCell::default(),
        }
    }

    /// All hashes of a tile that a tree of this size has.
    pub(crate) fn tile(&self, layer: Layer, index: u64) -> Result<Rc<Vec<Digest>>, TileError> {
        if let Some(tile) = self.kept.borrow().get(&(layer, index)) {
            return Ok(tile.clone());
        }
        let hashes = self.size / (layer.span() / TILE_WIDTH);
        let width = hashes.saturating_sub(index * TILE_WIDTH).min(TILE_WIDTH) as usize;
        let tile = Rc::new(self.read(layer, index, width)?);
        let mut kept = self.kept.borrow_mut();
        if kept.len() == KEPT_MAX {
            kept.clear();
        }
        kept.insert((layer, index), tile.clone());
        Ok(tile)
    }

    /// The first `width` hashes of a tile, from the narrowest file that has them.
    pub(crate) fn read(
        &self,
        layer: Layer,
        index: u64,
        width: usize,
    ) -> Result<Vec<Digest>, TileError> {
        let full = path(layer, index, TILE_WIDTH as usize);
        // The exact one first: the full one may be just being written.
        let exact = path(layer, index, width);
        if let Some(hashes) = self.file(layer, width, &exact)? {
            return Ok(hashes);
        }
        if let Some(mut hashes) = self.file(layer, TILE_WIDTH as usize, &full)? {
            hashes.truncate(width);
            return Ok(hashes);
        }
        let names = self.disk.list(&format!("{full}.p"));
        let names = names.map_err(|error| TileError::Unreadable(full.clone(), error))?;
        let widths = names.iter().filter_map(|name| name.parse::<usize>().ok());
        let wide = widths
            .filter(|had| (width..TILE_WIDTH as usize).contains(had))
            .min();
        let wide = wide.ok_or_else(|| TileError::Missing(path(layer, index, width)))?;
        let partial = path(layer, index, wide);
        match self.file(layer, wide, &partial)? {
            Some(mut hashes) => {
                hashes.truncate(width);
                Ok(hashes)
            }
            None => Err(TileError::Missing(partial)),
        }
    }

    fn file(
        &self,
        layer: Layer,
        width: usize,
        path: &str,
    ) -> Result<Option<Vec<Digest>>, TileError> {
        match disk::read(self.disk, path, TILE_BYTES_MAX) {
            Ok(None) => Ok(None),
            Ok(Some(bytes)) => match decode(layer, width, &bytes) {
                Some(hashes) => Ok(Some(hashes)),
                None => Err(TileError::Damaged(path.into())),
            },
            Err(error) => Err(TileError::Unreadable(path.into(), error)),
        }
    }

    /// The data of a leaf: the digest of a record's line.
    pub(crate) fn entry(&self, index: u64) -> Result<Digest, TileError> {
        let bundle = self.tile(Layer::Entries, index / TILE_WIDTH)?;
        let entry = bundle.get((index % TILE_WIDTH) as usize).copied();
        entry.ok_or_else(|| TileError::Missing(path(Layer::Entries, index / TILE_WIDTH, 256)))
    }

    /// The path from a leaf up (RFC 6962, section 2.1.1), its sibling first.
    pub(crate) fn inclusion(&self, index: u64) -> Result<Vec<Digest>, TileError> {
        let (mut start, mut end, mut path) = (0, self.size, Vec::new());
        while end - start > 1 {
            let middle = start + split(end - start);
            if index < middle {
                path.push(self.root(middle, end)?);
                end = middle;
            } else {
                path.push(self.root(start, middle)?);
                start = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// The hashes that show that this tree grew out of its first `older` leaves (RFC 6962, section 2.1.2).
    pub(crate) fn consistency(&self, older: u64) -> Result<Vec<Digest>, TileError> {
        let (mut start, mut end, mut whole, mut path) = (0, self.size, true, Vec::new());
        if older == 0 || older >= self.size {
            return Ok(path);
        }
        while older != end {
            let middle = start + split(end - start);
            if older <= middle {
                path.push(self.root(middle, end)?);
                end = middle;
            } else {
                path.push(self.root(start, middle)?);
                start = middle;
                whole = false;
            }
        }
        if !whole {
            path.push(self.root(start, end)?);
        }
        path.reverse();
        Ok(path)
    }

    /// MTH(D[start:end]), where `start` is a multiple of the power of two at or above `end - start`.
    fn root(&self, start: u64, end: u64) -> Result<Digest, TileError> {
        let size = end - start;
        if !size.is_power_of_two() {
            let middle = start + split(size);
            return Ok(node_hash(
                &self.root(start, middle)?,
                &self.root(middle, end)?,
            ));
        }
        let level = size.ilog2() / 8;
        let first = start >> (8 * level);
        let tile = self.tile(Layer::Hashes(level as u8), first / TILE_WIDTH)?;
        let at = (first % TILE_WIDTH) as usize;
        let hashes = tile.get(at..at + (size >> (8 * level)) as usize);
        let missing =
            || TileError::Missing(path(Layer::Hashes(level as u8), first / TILE_WIDTH, 256));
        hashes.map(perfect).ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_as_the_spec_has_them() {
        assert_eq!(path(Layer::Hashes(0), 0, 256), "tile/0/000");
        assert_eq!(
            path(Layer::Hashes(1), 1_234_067, 256),
            "tile/1/x001/x234/067"
        );
        assert_eq!(path(Layer::Entries, 273, 112), "tile/entries/273.p/112");
        assert_eq!(path(Layer::Entries, 1_000, 256), "tile/entries/x001/000");
    }
}
