//! The house's rules that no compiler knows: who may depend on whom, how long things are, and that what is named exists.

use sallyport_exchange::mcp::{Code, Method, Side};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Lines of a function, and of a file, that are not tests.
const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 700;

/// What brings sockets, files, clocks or async with it. Names, or beginnings of names.
const RIM: [&str; 12] = [
    "async-", "axum", "futures", "hyper", "mio", "notify", "pingora", "reqwest", "rustls",
    "socket2", "tokio", "tower",
];
/// The same in the standard library.
const RIM_OF_STD: [&str; 10] = [
    "std::net::Tcp",
    "std::net::Udp",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread::spawn",
    "SystemTime::now",
    "Instant::now",
    "std::io::stdin",
    "std::os",
];

/// The one filter that has threads, a queue with deadlines, and a file to load (ARCHITECTURE.md, D9).
const FIREWALL: &str = "filters/firewall";

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("the tests stand in the workspace")
        .to_owned()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()))
}

/// A file as people name it.
fn named(file: &Path) -> String {
    file.strip_prefix(root())
        .unwrap_or(file)
        .display()
        .to_string()
}

/// All files with one of these endings, without what is built, installed or fuzzed.
fn files(endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let skipped = [
                "target",
                "node_modules",
                "corpus",
                "certificates",
                "__pycache__",
                "results",
            ];
            if path.is_dir()
                && !skipped.contains(&&*name)
                && (!name.starts_with('.') || name == ".ci")
            {
                folders.push(path);
            } else if path.is_file() && endings.iter().any(|ending| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Fails with all that was found, and how to mend it.
fn none(found: Vec<String>, mend: &str) {
    assert!(found.is_empty(), "\n{mend}\n\n  {}\n", found.join("\n  "));
}

// Who may depend on whom ---------------------------------------------------------------------------------------

/// A crate's manifest, as far as the arrows need it.
struct Manifest {
    folder: String,
    dependencies: BTreeSet<String>,
    for_tests: BTreeSet<String>,
}

impl Manifest {
    fn read(folder: &str) -> Manifest {
        let mut manifest = Manifest {
            folder: folder.to_owned(),
            dependencies: BTreeSet::new(),
            for_tests: BTreeSet::new(),
        };
        let mut section = String::new();
        for line in read(&root().join(folder).join("Cargo.toml")).lines() {
            if let Some(header) = line.strip_prefix('[') {
                section = header.trim_end_matches(']').to_owned();
                // `[dependencies.name]`
                if let Some((before, name)) = section.clone().rsplit_once("dependencies.") {
                    manifest.add(&format!("{before}dependencies"), name);
                }
            } else if let Some((name, _)) = line.split_once(['=', '.']) {
                manifest.add(&section, name.trim());
            }
        }
        manifest
    }

    fn add(&mut self, section: &str, name: &str) {
        let name = name.trim_matches('"');
        if name.starts_with('#') || !section.ends_with("dependencies") {
            return;
        }
        match section.ends_with("dev-dependencies") {
            true => self.for_tests.insert(name.to_owned()),
            false => self.dependencies.insert(name.to_owned()),
        };
    }

    fn is_pure(&self) -> bool {
        self.folder == "exchange"
            || self.folder == "policy-engine"
            || self.folder == "record"
            || (self.folder.starts_with("filters/") && self.folder != FIREWALL)
    }

    /// Which of our own crates it may depend on.
    fn may_use(&self, other: &str) -> bool {
        match self.folder.as_str() {
            "exchange" => false,
            "policy-engine" | "record" => other == "sallyport-exchange",
            "telemetry" | "console" => other == "sallyport-record",
            "audit" => false,
            // What the filters share, and knows none of them.
            "filters/normalise" => false,
            folder if folder.starts_with("filters/") => {
                matches!(other, "sallyport-exchange" | "sallyport-normalise")
            }
            "gateway" => {
                other != "sallyport" && other != "sallyport-tests" && other != "sallyport-bench"
            }
            _ => true,
        }
    }
}

fn manifests() -> Vec<Manifest> {
    let workspace = read(&root().join("Cargo.toml"));
    let (_, members) = workspace
        .split_once("members = [")
        .expect("the workspace lists its members");
    let (members, _) = members.split_once(']').expect("the list ends");
    members
        .split('"')
        .skip(1)
        .step_by(2)
        .map(Manifest::read)
        .collect()
}

#[test]
fn arrows_point_as_the_design_says() {
    let mut wrong = Vec::new();
    for manifest in manifests() {
        let ours = manifest
            .dependencies
            .iter()
            .filter(|name| name.starts_with("sallyport"));
        wrong.extend(
            ours.filter(|name| !manifest.may_use(name))
                .map(|name| format!("{} → {name}", manifest.folder)),
        );
    }
    none(
        wrong,
        "Arrows point filters → exchange ← policy-engine, gateway → all, nothing → gateway (ARCHITECTURE.md). Move what \
         both need down into exchange/, or hand it over as an argument:",
    );
}

#[test]
fn pure_crates_name_no_sockets_files_or_clocks() {
    let mut wrong = Vec::new();
    for manifest in manifests().into_iter().filter(Manifest::is_pure) {
        let rim = manifest
            .dependencies
            .iter()
            .filter(|name| RIM.iter().any(|rim| name.starts_with(rim)));
        wrong.extend(rim.map(|name| format!("{}/Cargo.toml: {name}", manifest.folder)));
    }
    for file in sources().filter(|file| is_pure(file)) {
        let lines = plain(&read(&file)).into_iter().enumerate();
        wrong.extend(lines.filter_map(|(at, line)| {
            let rim = RIM_OF_STD.iter().find(|rim| line.contains(*rim))?;
            Some(format!("{}:{}: {rim}", named(&file), at + 1))
        }));
    }
    none(
        wrong,
        "Only gateway/ knows sockets, files and clocks (ARCHITECTURE.md, invariant 1). Do it there, and hand its outcome \
         to the pure crate as an argument:",
    );
}

// How sources look ---------------------------------------------------------------------------------------------

/// Sources that are built into something, not tests or benchmarks.
fn sources() -> impl Iterator<Item = PathBuf> {
    let of_tests = ["tests", "benches", "examples"];
    let is_test = move |file: &Path| {
        named(file).split('/').any(|step| of_tests.contains(&step)) || file.ends_with("tests.rs")
    };
    files(&[".rs"])
        .into_iter()
        .filter(move |file| !is_test(file))
}

fn is_pure(file: &Path) -> bool {
    ["exchange/", "record/", "policy-engine/", "filters/"]
        .iter()
        .any(|folder| named(file).starts_with(folder))
        && !named(file).starts_with(FIREWALL)
}

/// Lines with comments and the insides of literals blanked, up to the module of tests.
fn plain(source: &str) -> Vec<String> {
    let source = source
        .split("\n#[cfg(test)]\nmod ")
        .next()
        .unwrap_or_default();
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let skipped = skip(rest);
        if skipped > 0 {
            out.extend(
                rest[..skipped]
                    .chars()
                    .map(|c| if c == '\n' { '\n' } else { ' ' }),
            );
            rest = &rest[skipped..];
        } else {
            // A whole word at once, so that no `r` at the end of a name is taken for a raw string.
            let word = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            let (taken, after) = rest.split_at(word.max(c.len_utf8()));
            out.push_str(taken);
            rest = after;
        }
    }
    out.lines().map(str::to_owned).collect()
}

/// The length of the comment or literal that `rest` begins with; 0 if it begins with none.
fn skip(rest: &str) -> usize {
    let ends = |from: usize, end: &str| {
        rest[from..]
            .find(end)
            .map_or(rest.len(), |at| from + at + end.len())
    };
    let unprefixed = rest.trim_start_matches(['b', 'c']);
    let raw = unprefixed
        .strip_prefix('r')
        .map(|raw| (raw.len() - raw.trim_start_matches('#').len(), raw));
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        ends(2, "*/")
    } else if let Some((hashes, raw)) = raw.filter(|(hashes, raw)| raw[*hashes..].starts_with('"'))
    {
        let open = rest.len() - raw.len() + hashes + 1;
        ends(open, &format!("\"{}", "#".repeat(hashes)))
    } else if unprefixed.starts_with('"') && rest.len() - unprefixed.len() < 2 {
        quoted(rest, rest.len() - unprefixed.len() + 1, '"')
    } else if rest.starts_with("'\\") || rest.chars().nth(2) == Some('\'') && rest.starts_with('\'')
    {
        quoted(rest, 1, '\'')
    } else {
        0
    }
}

/// Where the literal ends whose content begins at `from`.
fn quoted(rest: &str, from: usize, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in rest[from..].char_indices() {
        if c == quote && !escaped {
            return from + at + 1;
        }
        escaped = c == '\\' && !escaped;
    }
    rest.len()
}

/// Functions as (first line, lines, name).
fn functions(lines: &[String]) -> Vec<(usize, usize, String)> {
    let mut found = Vec::new();
    let mut open: Vec<(usize, usize, String)> = Vec::new();
    let mut waiting: Option<(usize, String)> = None;
    let mut depth = 0;
    for (at, line) in lines.iter().enumerate() {
        let words = line.split_whitespace().collect::<Vec<_>>();
        if let Some(name) = words
            .iter()
            .position(|word| *word == "fn")
            .and_then(|fun| words.get(fun + 1))
        {
            let name = name.split(['(', '<']).next().unwrap_or_default();
            waiting = Some((at, name.to_owned()));
        }
        for c in line.chars() {
            match c {
                '{' => {
                    depth += 1;
                    open.extend(waiting.take().map(|(first, name)| (depth, first, name)));
                }
                '}' => {
                    if let Some((_, first, name)) = open.pop_if(|(opened, ..)| *opened == depth) {
                        found.push((first + 1, at - first + 1, name));
                    }
                    depth -= 1;
                }
                // A method of a trait that has no body.
                ';' if line.trim_end().ends_with(';') => waiting = None,
                _ => {}
            }
        }
    }
    found
}

#[test]
fn functions_fit_on_a_screen() {
    let mut long = Vec::new();
    for file in sources() {
        let lines = plain(&read(&file));
        let functions = functions(&lines)
            .into_iter()
            .filter(|(_, len, _)| *len > FUNCTION_LINES_MAX);
        long.extend(
            functions.map(|(at, len, name)| {
                (len, format!("{len} lines: {name}, {}:{at}", named(&file)))
            }),
        );
    }
    long.sort_unstable_by(|a, b| b.cmp(a));
    none(
        long.into_iter().map(|(_, told)| told).collect(),
        &format!(
            "A function has at most {FUNCTION_LINES_MAX} lines. Give its steps names of their own:"
        ),
    );
}

#[test]
fn files_are_about_one_thing() {
    let mut long = Vec::new();
    for file in sources() {
        let lines = plain(&read(&file)).len();
        if lines > FILE_LINES_MAX {
            long.push((lines, format!("{lines} lines: {}", named(&file))));
        }
    }
    long.sort_unstable_by(|a, b| b.cmp(a));
    none(
        long.into_iter().map(|(_, told)| told).collect(),
        &format!(
            "A file has at most {FILE_LINES_MAX} lines before its tests. Move a part with a name of its own out:"
        ),
    );
}

#[test]
fn the_measure_of_functions_is_right() {
    let source = "fn a() {\n    let x = \"}\"; // }\n    let y = r#\"}\"#;\n    let z = '}';\n}\ntrait T {\n    fn b();\n    \
                  fn c<'a>(x: &'a str) -> &'a str {\n        x\n    }\n}\n#[cfg(test)]\nmod tests {\n    fn d() {}\n}\n";
    let found = functions(&plain(source));
    assert_eq!(found, [(1, 5, "a".to_owned()), (8, 3, "c".to_owned())]);
}

#[test]
fn every_source_says_what_it_is() {
    let silent = files(&[".rs"])
        .into_iter()
        .filter(|file| !read(file).starts_with("//!"));
    none(
        silent.map(|file| named(&file)).collect(),
        "A Rust file begins with `//!` and one sentence that says what it is:",
    );
}

#[test]
fn nothing_is_left_for_later() {
    let mut left = Vec::new();
    for file in files(&[
        ".rs", ".toml", ".md", ".sh", ".rego", ".yaml", ".py", ".mjs", "Makefile",
    ]) {
        for (at, line) in read(&file).lines().enumerate() {
            let words = line.split(|c: char| !c.is_ascii_alphanumeric());
            if words
                .into_iter()
                .any(|word| word == concat!("TO", "DO") || word == concat!("FIX", "ME"))
            {
                left.push(format!("{}:{}: {}", named(&file), at + 1, line.trim()));
            }
        }
    }
    none(
        left,
        "What is to be done stands in an issue, not in the code. Do it, or file it and take the note out:",
    );
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    let homes = [
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/Us", "ers/"),
        concat!("/wo", "rk/"),
    ];
    let mut wrong = Vec::new();
    for file in files(&[
        ".rs", ".toml", ".md", ".sh", ".rego", ".yaml", ".py", ".mjs", ".lock", "Makefile", "run",
    ]) {
        for (at, line) in read(&file).lines().enumerate() {
            if homes.iter().any(|home| line.contains(home)) {
                wrong.push(format!("{}:{}: {}", named(&file), at + 1, line.trim()));
            }
        }
    }
    none(
        wrong,
        "A path of one machine works on one machine. Name it from the folder of the file, or from `$HOME`:",
    );
}

// What is named exists -----------------------------------------------------------------------------------------

/// The properties of a schema that have no sentence of their own.
fn undescribed(path: &str, schema: &Value, found: &mut Vec<String>) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                let Some(properties) = member.as_object().filter(|_| name == "properties") else {
                    undescribed(path, member, found);
                    continue;
                };
                for (property, of) in properties {
                    let path = format!("{path}.{property}");
                    if of["description"]
                        .as_str()
                        .is_none_or(|said| said.trim().len() < 8)
                    {
                        found.push(path.trim_start_matches('.').to_owned());
                    }
                    undescribed(&path, of, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| undescribed(path, item, found)),
        _ => {}
    }
}

#[test]
fn every_field_of_the_configuration_has_a_sentence() {
    let schema = read(&root().join("gateway/schema/config.schema.json"));
    let schema = serde_json::from_str(&schema).expect("the schema is JSON");
    let mut found = Vec::new();
    undescribed("", &schema, &mut found);
    found.sort();
    found.dedup();
    none(
        found,
        "Each field of the configuration has a doc comment of one sentence, for the reference and for editors:",
    );
}

/// Links of a page to files, as (line, target).
fn links(page: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (at, line) in page.lines().enumerate() {
        in_code ^= line.trim_start().starts_with("```");
        // What stands in backticks is shown, not linked.
        let told: String = line.split('`').step_by(2).collect();
        let targets = told
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split([')', ' ']).next());
        found.extend(
            targets
                .filter(|_| !in_code)
                .map(|target| (at + 1, target.to_owned())),
        );
    }
    found
}

/// The anchors that a page's headings make.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let slug = |heading: &str| {
        let words = heading
            .trim_start_matches('#')
            .trim()
            .to_lowercase()
            .replace(' ', "-");
        words
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
            .collect()
    };
    headings.map(slug).collect()
}

fn leads_nowhere(page: &Path, text: &str, target: &str) -> bool {
    if target.contains("://") || target.starts_with("mailto:") {
        return false;
    }
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let to = match file {
        "" => page.to_owned(),
        file => page.parent().expect("a page is in a folder").join(file),
    };
    if !to.exists() {
        return true;
    }
    let is_page = to.extension().is_some_and(|ending| ending == "md");
    let there = if file.is_empty() {
        text.to_owned()
    } else {
        fs::read_to_string(&to).unwrap_or_default()
    };
    !anchor.is_empty() && is_page && !anchors(&there).contains(anchor)
}

#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    for page in files(&[".md"]) {
        let text = read(&page);
        let bad = links(&text)
            .into_iter()
            .filter(|(_, target)| leads_nowhere(&page, &text, target));
        wrong.extend(bad.map(|(at, target)| format!("{}:{at}: {target}", named(&page))));
    }
    none(
        wrong,
        "These links lead to no file or heading. Correct them, or write what they promise:",
    );
}

#[test]
fn every_method_and_code_is_in_the_manual() {
    let (manual, errors) = (
        read(&root().join("docs/tool-servers.md")),
        read(&root().join("docs/errors.md")),
    );
    let mut missing: Vec<String> = Method::ALL
        .iter()
        .map(|method| {
            let side = match method.side() {
                Side::Agent => "agent",
                Side::Server => "server",
                Side::Either => "both",
            };
            let operation = method.operation().as_str();
            format!("| `{}` | {side} | `{operation}` |", method.as_str())
        })
        .filter(|row| !manual.contains(row))
        .collect();
    let codes = [
        Code::Parse,
        Code::InvalidRequest,
        Code::MethodNotFound,
        Code::InvalidParams,
        Code::Internal,
        Code::HeaderMismatch,
        Code::MissingCapability,
        Code::UnsupportedVersion,
        Code::Denied,
        Code::Unauthenticated,
        Code::Unavailable,
    ];
    let rows = codes.map(|code| format!("| {} |", code.number()));
    missing.extend(rows.into_iter().filter(|row| !errors.contains(row)));
    none(
        missing,
        "docs/tool-servers.md lists each method with its operation, and docs/errors.md each JSON-RPC code. Add these rows:",
    );
}

// The examples -------------------------------------------------------------------------------------------------

fn examples() -> Vec<PathBuf> {
    let folder = fs::read_dir(root().join("examples")).expect("examples/ exists");
    let mut examples: Vec<_> = folder
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    examples.sort();
    assert!(
        !examples.is_empty(),
        "examples/ has no folders: a story each, with README.md, sallyport.yaml and policies/"
    );
    examples
}

#[test]
fn every_example_is_whole() {
    let mut missing = Vec::new();
    for example in examples() {
        let parts = ["README.md", "sallyport.yaml", "policies", "story.trace"];
        let lacking = parts.iter().filter(|part| !example.join(part).exists());
        missing.extend(lacking.map(|part| format!("{}/{part}", named(&example))));
        let rules = fs::read_dir(example.join("policies"))
            .into_iter()
            .flatten()
            .flatten();
        if !rules.into_iter().any(|file| {
            file.path()
                .extension()
                .is_some_and(|ending| ending == "rego")
        }) {
            missing.push(format!("{}/policies/*.rego", named(&example)));
        }
    }
    none(
        missing,
        "An example is a folder with a story (README.md), a configuration, policies and a trace. Add:",
    );
}

#[test]
fn every_example_is_accepted() {
    let mut refused = Vec::new();
    for example in examples() {
        let copy = tempfile::tempdir().expect("a temporary folder");
        copy_all(&example, copy.path());
        let certificates = copy.path().join("make-certificates.sh");
        if certificates.exists() {
            let made = std::process::Command::new("sh")
                .arg(&certificates)
                .output()
                .expect("a shell");
            assert!(
                made.status.success(),
                "{}: {}",
                named(&example),
                String::from_utf8_lossy(&made.stderr)
            );
        }
        let config = copy.path().join("sallyport.yaml");
        let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_sallyport-under-test"));
        check
            .arg("check")
            .arg("--config")
            .arg(&config)
            .envs(variables(&read(&config)));
        let told = check.output().expect("the gateway's binary runs");
        if !told.status.success() {
            refused.push(format!(
                "{}: {}",
                named(&example),
                String::from_utf8_lossy(&told.stderr).trim()
            ));
        }
    }
    none(
        refused,
        "`sallyport check` refuses these examples. Mend them as it says:",
    );
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let there = to.join(path.file_name().unwrap_or_default());
        match path.is_dir() {
            true => copy_all(&path, &there),
            false => drop(fs::copy(&path, there).expect("a copy")),
        }
    }
}

/// A stand-in for each `${NAME}` that has no default.
fn variables(config: &str) -> Vec<(String, &'static str)> {
    let names = config
        .split("${")
        .skip(1)
        .filter_map(|rest| rest.split('}').next());
    let bare = names.filter(|name| !name.contains(":-"));
    bare.map(|name| (name.to_owned(), "stand-in-0123456789abcdef0123456789abcdef"))
        .collect()
}
