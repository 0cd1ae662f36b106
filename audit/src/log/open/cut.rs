//! What a crash tore off is moved aside, and described.

use super::{CUTS, Cut, Found};
use crate::disk::{self, Disk};
use crate::hash::{Digest, Hasher};
use crate::segments;
use std::io::{self, Read as _};

/// Moves what is torn aside, and takes empty segments away. Gives all cuts that no record names yet.
pub(super) fn cut(disk: &dyn Disk, found: &Found) -> io::Result<Vec<Cut>> {
    let size = found.tree.size();
    let current = found.current().first;
    for (segment, from) in &found.torn {
        let path = segment.path();
        let mut bytes = Vec::new();
        disk.open(&path, *from)?.read_to_end(&mut bytes)?;
        let name = format!(
            "{CUTS}/{size:016}-{}.bin",
            &Digest::of(&bytes).to_string()[..16]
        );
        let mut file = disk.create(&name)?;
        disk::write_all(file.as_mut(), &bytes)?;
        file.sync()?;
        disk.sync_folder(CUTS)?;
        if segment.first == current {
            let mut file = disk.append(&path)?;
            file.truncate(*from)?;
            file.sync()?;
        } else {
            disk.remove(&path)?;
        }
    }
    for first in &found.empty {
        disk.remove(&segments::path(*first))?;
    }
    disk.sync_folder(segments::FOLDER)?;
    // Also those of an earlier start that did not come to its record.
    let mut names = disk.list(CUTS)?;
    names.retain(|name| name.starts_with(&format!("{size:016}-")));
    names.sort_unstable();
    names.iter().map(|name| describe(disk, name)).collect()
}

fn describe(disk: &dyn Disk, name: &str) -> io::Result<Cut> {
    let file = format!("{CUTS}/{name}");
    let (mut hasher, mut bytes, mut lines, mut ends) = (Hasher::new(), 0, 0, true);
    let mut reader = disk.open(&file, 0)?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        let read = reader.read(&mut buffer)?;
        let Some(piece) = buffer.get(..read).filter(|piece| !piece.is_empty()) else {
            break;
        };
        hasher.update(piece);
        bytes += read as u64;
        lines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        ends = piece.ends_with(b"\n");
    }
    Ok(Cut {
        bytes,
        lines: lines + u64::from(!ends),
        sha256: hasher.finish(),
        file,
    })
}
