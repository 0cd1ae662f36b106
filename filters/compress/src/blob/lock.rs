//! Lock files, by what they lock: a package and its version a line.

use sallyport_exchange::json::{JsonKind, Tape, Value};

/// Packages from which on a text is a lock file.
const PACKAGES_MIN: usize = 5;
/// Bytes at the beginning of a lock file in JSON that say that it is one.
const HEAD: usize = 4096;
/// Dependencies within dependencies (the first form of `package-lock.json`).
const DEPTH_MAX: usize = 64;

/// A lock file, shortened.
pub(super) struct Lock {
    /// What it is and what is left out.
    pub form: String,
    pub text: String,
}

/// `None`: it is none.
pub(super) fn view(text: &str) -> Option<Lock> {
    let cut = (0..=HEAD).rev().find(|&at| text.is_char_boundary(at));
    let head = text.get(..cut.unwrap_or(0)).unwrap_or(text);
    let (before, packages) = if head.contains("\"lockfileVersion\"") {
        (String::new(), npm(text)?)
    } else if head.contains("[[package]]") {
        toml(text)?
    } else if head.contains("# yarn lockfile v1") || head.contains("\n__metadata:") {
        yarn(text)?
    } else {
        (String::new(), go(text)?)
    };
    if packages.len() < PACKAGES_MIN {
        return None;
    }
    let mut lines = before;
    for (name, version) in &packages {
        lines.push_str(name);
        lines.push(' ');
        lines.push_str(version);
        lines.push('\n');
    }
    Some(Lock {
        form: format!(
            "lock file: {} packages by name and version, sources, hashes and dependencies left out",
            packages.len()
        ),
        text: lines,
    })
}

type Packages = Vec<(String, String)>;

/// `Cargo.lock`, `poetry.lock`, `uv.lock`: tables `[[package]]`.
fn toml(text: &str) -> Option<(String, Packages)> {
    let at = text.find("[[package]]")?;
    let mut packages = Packages::new();
    for table in text.get(at..)?.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let mut lines = table.lines().take_while(|line| !line.starts_with('['));
            lines.find_map(|line| quoted(line.strip_prefix(key)?.strip_prefix(" = ")?))
        };
        let version = value("version").unwrap_or_default();
        packages.push((value("name")?, version));
    }
    Some((text.get(..at)?.trim_start().to_owned(), packages))
}

fn quoted(value: &str) -> Option<String> {
    let inner = value.trim().strip_prefix('"')?.strip_suffix('"')?;
    Some(inner.to_owned())
}

/// `yarn.lock`, both forms: entries at the margin, their fields indented.
fn yarn(text: &str) -> Option<(String, Packages)> {
    let mut packages = Packages::new();
    let mut name: Option<&str> = None;
    for line in text.lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if !line.starts_with(' ') {
            let first = line
                .trim_end_matches(':')
                .split(", ")
                .next()?
                .trim_matches('"');
            // A scope begins with the sign that ends a name.
            let at = first.char_indices().skip(1).find(|(_, c)| *c == '@');
            name = at.and_then(|(at, _)| first.get(..at));
            continue;
        }
        let version = line
            .strip_prefix("  version")
            .map(|rest| rest.trim_start_matches(':'));
        if let (Some(version), Some(called)) = (version, name) {
            packages.push((
                called.to_owned(),
                version.trim().trim_matches('"').to_owned(),
            ));
            name = None;
        }
    }
    Some((String::new(), packages))
}

/// `go.sum`: a module, its version and a hash a line, most of them twice.
fn go(text: &str) -> Option<Packages> {
    let mut packages = Packages::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        let mut words = line.split(' ');
        let (name, version, hash) = (words.next()?, words.next()?, words.next()?);
        if !hash.starts_with("h1:") || words.next().is_some() {
            return None;
        }
        let version = version.trim_end_matches("/go.mod");
        let same = |(last, its): &(String, String)| last == name && its == version;
        if !packages.last().is_some_and(same) {
            packages.push((name.to_owned(), version.to_owned()));
        }
    }
    Some(packages)
}

/// `package-lock.json`: the paths of version 2 and 3, or the tree of version 1.
fn npm(text: &str) -> Option<Packages> {
    let tape = Tape::read_str(text.trim()).ok()?;
    let root = tape.root();
    let mut packages = Packages::new();
    if let Some(paths) = root.member("packages") {
        for (path, package) in paths.members()? {
            let path = path.as_str()?.into_owned();
            let named = package.member("name").and_then(|name| name.as_str());
            let name = match path.rsplit_once("node_modules/") {
                Some((_, name)) => name.to_owned(),
                None => named.map_or(path, |name| name.into_owned()),
            };
            packages.push((name, version(package)));
        }
        return Some(packages);
    }
    let mut waiting: Vec<(Value<'_>, usize)> = vec![(root.member("dependencies")?, 0)];
    while let Some((dependencies, depth)) = waiting.pop() {
        for (name, package) in dependencies.members()? {
            packages.push((name.as_str()?.into_owned(), version(package)));
            let inner = package.member("dependencies");
            let inner = inner.filter(|inner| inner.kind() == JsonKind::Object && depth < DEPTH_MAX);
            waiting.extend(inner.map(|inner| (inner, depth + 1)));
        }
    }
    Some(packages)
}

fn version(package: Value<'_>) -> String {
    let version = package
        .member("version")
        .and_then(|version| version.as_str());
    version
        .map(|version| version.into_owned())
        .unwrap_or_default()
}
