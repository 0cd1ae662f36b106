//! The right edge of a Merkle tree (RFC 6962) that only grows, and its tiles (C2SP tlog-tiles).

use crate::hash::{Digest, leaf_hash, node_hash};

/// Hashes in a full tile.
pub(crate) const TILE_WIDTH: u64 = 256;
/// Levels that a tree of 2^64 leaves has tiles at.
pub(crate) const LEVELS: usize = 8;

/// What a tile is made of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Layer {
    /// Entry bundles: the data of leaves, which here are digests of lines.
    Entries,
    /// Hashes of perfect subtrees of 256^level leaves.
    Hashes(u8),
}

impl Layer {
    /// Leaves that a full tile here stands over.
    pub(crate) fn span(self) -> u64 {
        match self {
            Layer::Entries => TILE_WIDTH,
            Layer::Hashes(level) => TILE_WIDTH.saturating_pow(u32::from(level) + 1),
        }
    }
}

/// A tile, full or at the edge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tile {
    pub(crate) layer: Layer,
    /// Its place in its layer.
    pub(crate) index: u64,
    /// 1 to 256 of them.
    pub(crate) hashes: Vec<Digest>,
}

impl Tile {
    /// The size of the smallest tree that has it in full.
    pub(crate) fn end(&self) -> u64 {
        (self.index + 1).saturating_mul(self.layer.span())
    }
}

/// A tree of which only what is needed to grow it is kept.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Tree {
    size: u64,
    /// The roots of the perfect subtrees it is made of, largest first: one for each bit of `size`.
    peaks: Vec<Digest>,
    /// The data of the leaves past the last full bundle.
    entries: Vec<Digest>,
    /// At each level, the hashes past the last full tile. Fewer than 256 each.
    edge: Vec<Vec<Digest>>,
}

impl Tree {
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// A tree of `size` leaves from its edge: `read` gives the first hashes of a tile.
    pub(crate) fn from_edge<E>(
        size: u64,
        mut read: impl FnMut(Layer, u64, usize) -> Result<Vec<Digest>, E>,
    ) -> Result<Tree, E> {
        let mut tree = Tree {
            size,
            ..Tree::default()
        };
        let width = (size % TILE_WIDTH) as usize;
        if width > 0 {
            tree.entries = read(Layer::Entries, size / TILE_WIDTH, width)?;
        }
        for level in 0..LEVELS {
            let hashes = size >> (8 * level);
            if hashes == 0 {
                break;
            }
            let width = (hashes % TILE_WIDTH) as usize;
            let tile = match width {
                0 => Vec::new(),
                _ => read(Layer::Hashes(level as u8), hashes / TILE_WIDTH, width)?,
            };
            tree.edge.push(tile);
        }
        for tile in tree.edge.iter().rev() {
            let mut rest = tile.as_slice();
            while !rest.is_empty() {
                let (subtree, after) = rest.split_at(1 << rest.len().ilog2());
                tree.peaks.push(perfect(subtree));
                rest = after;
            }
        }
        Ok(tree)
    }

    /// Adds a leaf; tiles that it fills are put into `full`.
    pub(crate) fn push(&mut self, data: Digest, full: &mut Vec<Tile>) {
        let leaf = leaf_hash(&data.0);
        let group = self.size / TILE_WIDTH;
        self.entries.push(data);
        if self.entries.len() as u64 == TILE_WIDTH {
            full.push(Tile {
                layer: Layer::Entries,
                index: group,
                hashes: std::mem::take(&mut self.entries),
            });
        }
        let mut hash = leaf;
        let mut height = 0;
        loop {
            if height % 8 == 0 {
                self.widen(height / 8, hash, full);
            }
            if self.size >> height & 1 == 0 {
                break;
            }
            let Some(left) = self.peaks.pop() else { break };
            hash = node_hash(&left, &hash);
            height += 1;
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    fn widen(&mut self, level: usize, hash: Digest, full: &mut Vec<Tile>) {
        if self.edge.len() == level {
            self.edge.push(Vec::new());
        }
        let tile = &mut self.edge[level];
        tile.push(hash);
        if tile.len() as u64 == TILE_WIDTH {
            full.push(Tile {
                layer: Layer::Hashes(level as u8),
                // `size` does not count the leaf yet that is being added, the last of this tile.
                index: self.size >> (8 * (level + 1)),
                hashes: std::mem::take(tile),
            });
        }
    }

    /// The root (RFC 6962, section 2.1): of no leaves, the hash of nothing.
    pub(crate) fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        match peaks.next() {
            None => Digest::of(&[]),
            Some(last) => peaks.fold(*last, |right, left| node_hash(left, &right)),
        }
    }

    /// The tiles at the edge that are not full and not empty.
    pub(crate) fn partial(&self) -> Vec<Tile> {
        let entries = (Layer::Entries, self.size / TILE_WIDTH, &self.entries);
        let levels = self.edge.iter().enumerate().map(|(level, hashes)| {
            let index = self.size >> (8 * level) >> 8;
            (Layer::Hashes(level as u8), index, hashes)
        });
        [entries]
            .into_iter()
            .chain(levels)
            .filter(|(_, _, hashes)| !hashes.is_empty())
            .map(|(layer, index, hashes)| Tile {
                layer,
                index,
                hashes: hashes.clone(),
            })
            .collect()
    }
}

/// The root of a perfect tree over `hashes`, whose number is a power of two.
pub(crate) fn perfect(hashes: &[Digest]) -> Digest {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row
            .chunks_exact(2)
            .map(|pair| node_hash(&pair[0], &pair[1]))
            .collect();
    }
    row.first().copied().unwrap_or_default()
}

/// Whether a leaf lies in a tree (RFC 9162, section 2.1.3.2).
pub fn is_included(leaf: &Digest, index: u64, size: u64, path: &[Digest], root: &Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether a tree grew out of an older one (RFC 9162, section 2.1.4.2).
pub fn is_consistent(older: (u64, &Digest), newer: (u64, &Digest), path: &[Digest]) -> bool {
    let ((first, first_root), (second, second_root)) = (older, newer);
    if first > second {
        return false;
    }
    if first == 0 {
        return path.is_empty() && *first_root == Digest::of(&[]);
    }
    if first == second {
        return path.is_empty() && first_root == second_root;
    }
    let mut path = path.iter();
    let start = match first.is_power_of_two() {
        true => Some(first_root),
        false => path.next(),
    };
    let Some(start) = start else { return false };
    let (mut node, mut last) = (first - 1, second - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (*start, *start);
    for hash in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(hash, &old);
            new = node_hash(hash, &new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old == *first_root && new == *second_root
}

/// The subtree that RFC 6962 splits `size` leaves at: the largest power of two below it.
pub(crate) fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

#[cfg(test)]
mod tests;
