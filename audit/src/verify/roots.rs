//! Every root that was ever signed, beside the tree as it is read.

use crate::bad::{Bad, What};
use crate::disk::Disk;
use crate::history::{self, Notes};
use crate::key::VerifyKey;
use crate::note::Checkpoint;
use crate::tree::Tree;
use std::io::{self, BufReader, Read};

/// Checkpoints in the order of their sizes: those of the file `checkpoints`, the one that stands, and one that
/// was held elsewhere.
pub(crate) struct Roots<'a> {
    key: &'a VerifyKey,
    standing: &'a Checkpoint,
    against: Option<Checkpoint>,
    notes: Notes<BufReader<Box<dyn Read + 'a>>>,
    next: Option<Checkpoint>,
    /// The size of the last of `checkpoints`.
    last: Option<u64>,
    /// A size past the one that stands, if `checkpoints` has it.
    later: Option<u64>,
    len: u64,
    disk: &'a dyn Disk,
    /// The largest size whose root was right.
    good: u64,
    /// Signatures and roots that were checked.
    pub(crate) checked: u64,
}

impl<'a> Roots<'a> {
    pub(crate) fn begin(
        disk: &'a dyn Disk,
        key: &'a VerifyKey,
        standing: &'a Checkpoint,
        against: Option<&str>,
    ) -> Result<Roots<'a>, Bad> {
        let against = against.map(|note| Checkpoint::open(note, key)).transpose();
        let against = against.map_err(|error| {
            Bad::new(
                What::Contradicted,
                format!("of the checkpoint that was held elsewhere, {error}"),
            )
        })?;
        if let Some(held) = against.as_ref().filter(|held| held.size > standing.size) {
            let words = format!(
                "the checkpoint that was held elsewhere signs {} records, and this log {}: the end was cut off",
                held.size, standing.size
            );
            return Err(Bad::new(What::Contradicted, words).at(standing.size));
        }
        let file = match disk.open(history::PATH, 0) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound && standing.size == 0 => {
                Box::new(io::empty())
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Bad::new(What::History, "the file `checkpoints` is missing"));
            }
            Err(error) => return Err(Bad::unreadable(history::PATH, error)),
        };
        let mut roots = Roots {
            key,
            standing,
            against,
            notes: Notes::new(BufReader::new(file)),
            next: None,
            last: None,
            later: None,
            len: disk.len(history::PATH).unwrap_or(0),
            disk,
            good: 0,
            checked: 0,
        };
        roots.advance()?;
        Ok(roots)
    }

    /// Reads the next of `checkpoints`.
    fn advance(&mut self) -> Result<(), Bad> {
        let note = self
            .notes
            .next()
            .map_err(|error| Bad::unreadable(history::PATH, error))?;
        self.next = match note {
            None => None,
            Some(note) => {
                let checkpoint = Checkpoint::open(&note, self.key).map_err(|error| {
                    let words = format!(
                        "of an entry of `checkpoints` that ends at byte {}, {error}",
                        self.notes.end
                    );
                    Bad::new(What::History, words)
                })?;
                if self.last.is_some_and(|last| checkpoint.size <= last) {
                    let words = format!(
                        "the entries of `checkpoints` are not in order at byte {}",
                        self.notes.end
                    );
                    return Err(Bad::new(What::History, words));
                }
                // A log that goes on may have later ones by now.
                let later = checkpoint.size > self.standing.size;
                self.later = later.then_some(checkpoint.size);
                (!later).then_some(checkpoint)
            }
        };
        if let Some(next) = &self.next {
            self.last = Some(next.size);
        }
        Ok(())
    }

    /// Compares a tree with what was signed at its size.
    pub(crate) fn compare(&mut self, tree: &Tree) -> Result<(), Bad> {
        let size = tree.size();
        let due = |checkpoint: &Checkpoint| checkpoint.size == size;
        let standing = due(self.standing);
        let against = self.against.as_ref().is_some_and(due);
        let noted = self.next.as_ref().is_some_and(due);
        if !standing && !against && !noted {
            return Ok(());
        }
        let root = tree.root();
        if against && self.against.as_ref().is_some_and(|held| held.root != root) {
            let words = format!(
                "the first {size} records are not those that the checkpoint held elsewhere signs"
            );
            return Err(Bad::new(What::Contradicted, words).at(self.good));
        }
        let noted_right = !noted || self.next.as_ref().is_some_and(|next| next.root == root);
        let standing_right = !standing || self.standing.root == root;
        if !noted_right || !standing_right {
            let words = format!(
                "one of the records {} to {} is not what was signed",
                self.good,
                size.saturating_sub(1)
            );
            return Err(Bad::new(What::Root, words).at(self.good));
        }
        self.good = size;
        self.checked += u64::from(standing || noted) + u64::from(against);
        match noted {
            true => self.advance(),
            false => Ok(()),
        }
    }

    /// Where nobody in particular is to blame, the first that may be.
    pub(crate) fn narrow(&self, bad: Bad) -> Bad {
        match bad.what {
            What::Root => bad.at(self.good),
            _ => bad,
        }
    }

    /// After the last record. True: `checkpoints` ends before the checkpoint that stands, as a crash leaves it.
    pub(crate) fn finish(&mut self) -> Result<bool, Bad> {
        if let Some(later) = self.later {
            return self.look_again(later);
        }
        if self.last == Some(self.standing.size) && self.notes.end == self.len {
            return Ok(false);
        }
        let mut rest = Vec::new();
        let file = self.disk.open(history::PATH, self.notes.end.min(self.len));
        if let Ok(file) = file {
            let read = file.take(64 << 10).read_to_end(&mut rest);
            read.map_err(|error| Bad::unreadable(history::PATH, error))?;
        }
        // A log that goes on has gone on meanwhile.
        let last =
            history::last(self.disk).map_err(|error| Bad::unreadable(history::PATH, error))?;
        let last = last
            .note
            .and_then(|note| Checkpoint::open(&note, self.key).ok());
        if last.is_some_and(|last| last.size >= self.standing.size) {
            return Ok(false);
        }
        let note = crate::verify::note(self.disk)?;
        // A crash leaves the beginning of an entry, or nothing where one should be.
        if note.as_bytes().starts_with(&rest) || rest.iter().all(|byte| *byte == 0) {
            return Ok(true);
        }
        let words = format!("`checkpoints` is damaged at byte {}", self.notes.end);
        Err(Bad::new(What::History, words))
    }

    /// The checkpoint is replaced before `checkpoints` is written, so by now it must be as late.
    fn look_again(&self, later: u64) -> Result<bool, Bad> {
        let now = crate::verify::checkpoint(self.disk, self.key)?;
        if now.size >= later {
            return Ok(false);
        }
        let words = format!(
            "the file `checkpoint` signs {} records, and the file `checkpoints` knows of {later}: an older state was put back",
            now.size
        );
        Err(Bad::new(What::RolledBack, words).at(now.size))
    }
}
