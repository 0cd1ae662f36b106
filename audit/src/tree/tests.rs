//! The tree by the vectors of RFC 6962, and by its own promises.

use super::{Layer, Tile, Tree, split};
use crate::hash::{Digest, leaf_hash, node_hash};

fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|i| Digest::of(&i.to_be_bytes())).collect()
}

/// MTH of RFC 6962, section 2.1, word for word.
fn mth(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => Digest::of(&[]),
        [leaf] => leaf_hash(&leaf.0),
        _ => {
            let k = split(leaves.len() as u64) as usize;
            node_hash(&mth(&leaves[..k]), &mth(&leaves[k..]))
        }
    }
}

/// The hashes that Certificate Transparency's own tests have for nothing and for one empty leaf, and the root
/// over its eight test leaves.
#[test]
fn known_vectors() {
    assert_eq!(
        Tree::default().root().to_string(),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_eq!(
        leaf_hash(&[]).to_string(),
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    );
    let leaves: [&[u8]; 8] = [
        &[],
        &[0x00],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        &[
            0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d,
            0x6e, 0x6f,
        ],
    ];
    let row: Vec<Digest> = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
    assert_eq!(
        super::perfect(&row).to_string(),
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    );
}

#[test]
fn roots_are_as_the_rfc_has_them() {
    let leaves = leaves(700);
    let mut tree = Tree::default();
    for (size, leaf) in leaves.iter().enumerate() {
        assert_eq!(tree.root(), mth(&leaves[..size]), "{size}");
        tree.push(*leaf, &mut Vec::new());
    }
}

/// The example of tlog-tiles: 70,000 leaves.
#[test]
fn tiles_are_as_the_spec_counts_them() {
    let (mut tree, mut full) = (Tree::default(), Vec::new());
    for leaf in leaves(70_000) {
        tree.push(leaf, &mut full);
    }
    let count = |layer| {
        full.iter()
            .filter(|tile: &&Tile| tile.layer == layer)
            .count()
    };
    assert_eq!(count(Layer::Entries), 273);
    assert_eq!(count(Layer::Hashes(0)), 273);
    assert_eq!(count(Layer::Hashes(1)), 1);
    let edge: Vec<(Layer, u64, usize)> = tree
        .partial()
        .iter()
        .map(|tile| (tile.layer, tile.index, tile.hashes.len()))
        .collect();
    assert_eq!(
        edge,
        [
            (Layer::Entries, 273, 112),
            (Layer::Hashes(0), 273, 112),
            (Layer::Hashes(1), 1, 17),
            (Layer::Hashes(2), 0, 1)
        ]
    );
    full.extend(tree.partial());
    let again: Result<Tree, ()> = Tree::from_edge(70_000, |layer, index, width| {
        let tile = full
            .iter()
            .find(|tile| tile.layer == layer && tile.index == index);
        tile.map(|tile| tile.hashes[..width].to_vec()).ok_or(())
    });
    assert_eq!(again, Ok(tree));
    for tile in full.iter().filter(|tile| tile.hashes.len() == 256) {
        assert!(tile.end() <= 70_000, "{:?} {}", tile.layer, tile.index);
    }
}
