//! A text rewritten in places, with the way back to the bytes it was made from.

use std::ops::Range;

/// A stretch of the new text and what it was made from.
#[derive(Clone, Copy, Debug)]
struct Piece {
    new: usize,
    old: usize,
    old_len: usize,
    /// Copied byte for byte, rather than put in place of something.
    same: bool,
}

/// The way from places in a rewritten text back to the text it was made from.
#[derive(Clone, Debug, Default)]
pub struct Map {
    /// Sorted by `new`; every piece but the last ends where the next begins.
    pieces: Vec<Piece>,
}

impl Map {
    /// The bytes of the old text that `range` of the new one was made from.
    pub fn back(&self, range: Range<usize>) -> Range<usize> {
        let start = self.piece(range.start).map_or(0, |piece| {
            if piece.same {
                piece.old + (range.start - piece.new)
            } else {
                piece.old
            }
        });
        if range.is_empty() {
            return start..start;
        }
        let end = self.piece(range.end - 1).map_or(start, |piece| {
            if piece.same {
                piece.old + (range.end - piece.new)
            } else {
                piece.old + piece.old_len
            }
        });
        start..end.max(start)
    }

    fn piece(&self, at: usize) -> Option<&Piece> {
        let next = self.pieces.partition_point(|piece| piece.new <= at);
        self.pieces.get(next.checked_sub(1)?)
    }
}

/// Makes a new text out of an old one, from left to right.
pub(crate) struct Rewrite<'t> {
    old: &'t str,
    new: String,
    done: usize,
    map: Map,
}

impl<'t> Rewrite<'t> {
    pub fn new(old: &'t str) -> Self {
        Rewrite {
            old,
            new: String::new(),
            done: 0,
            map: Map::default(),
        }
    }

    /// Puts `with` in place of `range`, which lies after all that was replaced before.
    pub fn replace(&mut self, range: Range<usize>, with: &str) {
        if self.new.capacity() == 0 {
            self.new.reserve(self.old.len());
        }
        self.copy_to(range.start);
        if !with.is_empty() {
            self.map.pieces.push(Piece {
                new: self.new.len(),
                old: range.start,
                old_len: range.len(),
                same: false,
            });
            self.new.push_str(with);
        }
        self.done = range.end;
    }

    fn copy_to(&mut self, end: usize) {
        if end > self.done {
            self.map.pieces.push(Piece {
                new: self.new.len(),
                old: self.done,
                old_len: end - self.done,
                same: true,
            });
            self.new.push_str(&self.old[self.done..end]);
        }
    }

    /// The new text, or `None` if nothing was replaced.
    pub fn finish(mut self) -> Option<(String, Map)> {
        if self.done == 0 {
            return None;
        }
        self.copy_to(self.old.len());
        Some((self.new, self.map))
    }
}
