//! Reads a folder of policies: bounded, symbolic links followed, hidden names passed over.

use crate::config::tree;
use sallyport_policy::{Mistake, Place, PolicyError, PolicyErrors, PolicyFile, PolicySource};
use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The most files that one folder may hold.
pub const FILES_MAX: usize = 2_000;
/// The most folders within it, itself included.
pub const FOLDERS_MAX: usize = 200;
/// The largest single file, in bytes.
pub const FILE_BYTES_MAX: u64 = 4 << 20;
/// The largest sum of all files, in bytes.
pub const SOURCE_BYTES_MAX: u64 = 32 << 20;
/// How often a folder that changes while it is read is read again.
const TRIES: usize = 4;

/// Reads every `.rego`, `.json`, `.yaml` and `.yml` file below `folder`.
///
/// Names that begin with a dot are passed over, so that of a mounted ConfigMap only its links are read, each
/// once. The folder is read twice: a swap that happened in between is seen, and it is read again.
pub fn read_folder(folder: &Path) -> Result<PolicySource, PolicyErrors> {
    let mut last = read_once(folder);
    for _ in 1..TRIES {
        let next = read_once(folder);
        if next == last {
            break;
        }
        last = next;
    }
    last
}

fn read_once(folder: &Path) -> Result<PolicySource, PolicyErrors> {
    let mut walk = Walk {
        root: folder,
        source: PolicySource::default(),
        seen: HashSet::new(),
        bytes: 0,
        files: 0,
        errors: Vec::new(),
    };
    walk.folder(folder);
    let Walk {
        mut source, errors, ..
    } = walk;
    source.files.sort_by(|a, b| a.path.cmp(&b.path));
    source.data.sort();
    match errors.is_empty() {
        true => Ok(source),
        false => Err(PolicyErrors(errors)),
    }
}

struct Walk<'f> {
    root: &'f Path,
    source: PolicySource,
    /// Folders by their real path: a link that leads back up is not followed again.
    seen: HashSet<PathBuf>,
    bytes: u64,
    files: usize,
    errors: Vec<PolicyError>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path) {
        let real = match fs::canonicalize(folder) {
            Ok(real) => real,
            Err(error) => return self.unreadable(folder, &error),
        };
        if !self.seen.insert(real) {
            return;
        }
        if self.seen.len() > FOLDERS_MAX {
            return self.wrong(
                folder,
                format!("more than {FOLDERS_MAX} folders"),
                "is this the policy folder?",
            );
        }
        let mut entries =
            match fs::read_dir(folder).and_then(|all| all.collect::<Result<Vec<_>, _>>()) {
                Ok(entries) => entries,
                Err(error) => return self.unreadable(folder, &error),
            };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            if !entry.file_name().as_encoded_bytes().starts_with(b".") {
                self.entry(&entry.path());
            }
        }
    }

    fn entry(&mut self, path: &Path) {
        // Follows a link: what counts is what it leads to.
        let about = match fs::metadata(path) {
            Ok(about) => about,
            Err(_) if kind(path).is_none() => return,
            Err(error) => return self.unreadable(path, &error),
        };
        if about.is_dir() {
            return self.folder(path);
        }
        let Some(kind) = kind(path).filter(|_| about.is_file()) else {
            return;
        };
        if self.files == FILES_MAX {
            self.wrong(
                self.root,
                format!("more than {FILES_MAX} files"),
                "is this the policy folder?",
            );
        }
        self.files += 1;
        if self.files > FILES_MAX {
            return;
        }
        match read_text(path) {
            Ok(text) => self.add(path, kind, text),
            Err((message, hint)) => self.wrong(path, message, hint),
        }
    }

    fn add(&mut self, path: &Path, kind: Type, text: String) {
        self.bytes += text.len() as u64;
        if self.bytes > SOURCE_BYTES_MAX {
            return self.wrong(
                path,
                format!(
                    "all files together are larger than {} MiB",
                    SOURCE_BYTES_MAX >> 20
                ),
                "keep bulky data elsewhere",
            );
        }
        let name = self.name(path);
        match kind {
            Type::Rego => self.source.files.push(PolicyFile { path: name, text }),
            Type::Json => self.source.data.push((name, text)),
            Type::Yaml => match tree::read(Path::new(&name), &text) {
                Ok(tree) => self.source.data.push((name, tree.to_json().to_string())),
                Err(error) => {
                    let at = Place {
                        file: name.as_str().into(),
                        line: line(error.line),
                        column: line(error.column),
                    };
                    let mut mistake = PolicyError::new(Mistake::Data, at, error.message);
                    mistake.hint = error.hint;
                    self.errors.push(mistake);
                }
            },
        }
    }

    fn name(&self, path: &Path) -> String {
        let name = path.strip_prefix(self.root).unwrap_or(path);
        match name.as_os_str().is_empty() {
            true => self.root.display().to_string(),
            false => name.display().to_string(),
        }
    }

    fn unreadable(&mut self, path: &Path, error: &std::io::Error) {
        self.wrong(
            path,
            format!("cannot be read: {error}"),
            "it must exist, and this user must be allowed to read it",
        );
    }

    fn wrong(&mut self, path: &Path, message: String, hint: &str) {
        let at = Place::file(&self.name(path));
        self.errors
            .push(PolicyError::new(Mistake::Data, at, message).hint(hint));
    }
}

#[derive(Clone, Copy)]
enum Type {
    Rego,
    Json,
    Yaml,
}

fn kind(path: &Path) -> Option<Type> {
    match path.extension()?.to_str()? {
        "rego" => Some(Type::Rego),
        "json" => Some(Type::Json),
        "yaml" | "yml" => Some(Type::Yaml),
        _ => None,
    }
}

/// A file's text, or what is wrong with it and how to mend it.
fn read_text(path: &Path) -> Result<String, (String, &'static str)> {
    let mut bytes = Vec::new();
    let read =
        fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        return Err((
            format!("cannot be read: {error}"),
            "this user must be allowed to read it",
        ));
    }
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err((
            format!("larger than {} MiB", FILE_BYTES_MAX >> 20),
            "split it, or keep bulky data elsewhere",
        ));
    }
    String::from_utf8(bytes).map_err(|_| ("not UTF-8".into(), "save it as UTF-8"))
}

fn line(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
