//! Code of other languages: a small scan for calls that delete, run commands, or run what was decoded.
//!
//! No parser: comments and strings are masked, calls are found by name, and the strings in a call are
//! looked at as what that call would make of them.

mod mask;
mod windows;

use crate::action::Action;
use crate::look::Look;
use crate::places::{Place, place};
use crate::shell::{self, text_from_base64};
use crate::sql;
use mask::{Masked, strings};

/// A language that an interpreter or an argument may be written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Language {
    Shell,
    Python,
    JavaScript,
    Ruby,
    Perl,
    Php,
    Awk,
    PowerShell,
    /// Windows' `cmd`.
    Cmd,
    /// PowerShell in base64 of UTF-16.
    Encoded,
    Other,
}

impl Language {
    /// The language of an interpreter by its program's name.
    pub(crate) fn of_interpreter(name: &str) -> Option<Language> {
        let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
        Some(match stem {
            "python" | "pypy" | "ipython" | "jython" => Language::Python,
            "node" | "nodejs" | "deno" | "bun" | "tsx" | "ts-node" | "qjs" => Language::JavaScript,
            "ruby" | "irb" | "jruby" => Language::Ruby,
            "perl" => Language::Perl,
            "php" => Language::Php,
            "awk" | "gawk" | "mawk" | "nawk" => Language::Awk,
            "pwsh" | "powershell" => Language::PowerShell,
            "cmd" => Language::Cmd,
            "iex" | "invoke-expression" => Language::PowerShell,
            "lua" | "luajit" | "rscript" | "groovy" | "scala" | "julia" | "elixir" => {
                Language::Other
            }
            _ => return None,
        })
    }

    /// The language that a word such as `python3` or `js` names.
    pub(crate) fn named(word: &str) -> Option<Language> {
        let word = word.to_ascii_lowercase();
        Some(match word.as_str() {
            "js" | "javascript" | "typescript" | "ts" => Language::JavaScript,
            "py" | "jupyter" | "notebook" => Language::Python,
            "rb" => Language::Ruby,
            "sh" | "bash" | "shell" | "zsh" | "terminal" | "console" | "command" => Language::Shell,
            "ps" | "ps1" => Language::PowerShell,
            "bat" | "batch" | "dos" => Language::Cmd,
            "iex" | "awk" => return None,
            _ => return Language::of_interpreter(&word),
        })
    }

    /// The options after which code stands.
    pub(crate) fn code_flags(self) -> &'static [&'static str] {
        match self {
            Language::Python => &["-c"],
            Language::JavaScript => &["-e", "--eval", "-p", "--print", "eval"],
            Language::Php => &["-r"],
            Language::PowerShell => &["-command", "-c", "-encodedcommand", "-enc", "-e", "-ec"],
            Language::Cmd => &["/c", "/k", "/s"],
            Language::Awk | Language::Shell | Language::Encoded => &[],
            Language::Ruby | Language::Perl | Language::Other => &["-e", "-E"],
        }
    }

    pub(crate) fn is_windows(self) -> bool {
        matches!(
            self,
            Language::PowerShell | Language::Cmd | Language::Encoded
        )
    }
}

/// Calls that delete whole trees or many files.
const DELETES_TREES: &[&str] = &[
    "rmtree",
    "rmSync",
    "rimraf",
    "rm_rf",
    "rm_r",
    "remove_dir_all",
    "removeSync",
    "emptyDirSync",
    "remove_tree",
    "RemoveAll",
    "delete_recursive",
    "deltree",
    "remove_entry_secure",
    "rm_f",
];
/// Calls that delete one file, or an empty folder.
const DELETES_ONE: &[&str] = &[
    "os.remove",
    "os.unlink",
    "os.rmdir",
    "os.removedirs",
    ".unlink",
    "unlink",
    "unlinkSync",
    "File.delete",
    "Deno.remove",
    "Deno.removeSync",
    "fs.rm",
    "fs.rmdir",
    "rmdirSync",
    "fsPromises.rm",
    "promises.rm",
    "rmdir",
];
/// Calls that run a command line or words.
const RUNS: &[&str] = &[
    ".system",
    "system",
    "popen",
    ".popen",
    "subprocess.run",
    "subprocess.call",
    "subprocess.Popen",
    "check_call",
    "check_output",
    "getoutput",
    "getstatusoutput",
    "create_subprocess_shell",
    "create_subprocess_exec",
    "exec",
    "execSync",
    "spawn",
    "spawnSync",
    "execFile",
    "execFileSync",
    "shell_exec",
    "passthru",
    "proc_open",
    "execa",
    "execaSync",
    "execv",
    "execvp",
    "execl",
    "execlp",
    "qx",
    "pexpect.spawn",
    "os.execute",
    "Deno.Command",
    "Bun.spawn",
    "run_command",
    "sh.run",
    "get_ipython().system",
];
/// Calls that run statements of SQL.
const QUERIES: &[&str] = &[
    ".execute",
    ".executescript",
    ".executemany",
    ".query",
    ".raw",
    ".exec",
    "read_sql",
    "sql",
    "text",
    ".$executeRawUnsafe",
    "mysqli_query",
    "pg_query",
];
/// Calls that run code.
const EVALUATES: &[&str] = &[
    "eval",
    "exec",
    "Function",
    "compile",
    "instance_eval",
    "class_eval",
    "vm.runInNewContext",
    "loads",
];
/// What decodes.
const DECODES: &[&str] = &[
    "b64decode",
    "atob(",
    "base64_decode",
    "'base64'",
    "\"base64\"",
    "decode64",
    "unhexlify",
    "fromhex",
    "rot13",
    "zlib.decompress",
    "marshal.loads",
    "decode_base64",
    "FromBase64String",
];
/// What fetches.
const FETCHES: &[&str] = &[
    "urlopen",
    "requests.get",
    "http.get",
    "fetch(",
    "file_get_contents('http",
    "Net::HTTP",
    "LWP",
    "urllib",
    "httpx.get",
];

/// Looks at code.
pub(crate) fn look_at(code: &str, language: Language, look: &mut Look) {
    if !look.spend(code.len()) {
        return;
    }
    match language {
        Language::Shell => {
            if !shell::look_at(code, look) {
                look.found(Action::Unparsed, 0.85);
            }
        }
        Language::PowerShell | Language::Cmd => windows::look_at(code, language, look),
        Language::Encoded => encoded(code, look),
        _ => calls(code, language, look),
    }
}

/// `powershell -EncodedCommand`.
fn encoded(code: &str, look: &mut Look) {
    let word = code.split_whitespace().next().unwrap_or_default();
    let bytes = shell::from_base64(word).unwrap_or_default();
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    if units.is_empty() {
        look.found(Action::ExecuteHidden, 0.9);
        return;
    }
    let text = String::from_utf16_lossy(&units);
    look.deeper(|look| look_at(&text, Language::PowerShell, look));
}

/// Finds calls by name and looks at each.
fn calls(code: &str, language: Language, look: &mut Look) {
    let masked = Masked::of(code, language);
    notebook(code, look);
    let over_many = masked.goes_over_many();
    for (name, inside) in masked.calls(code) {
        if !look.spend(inside.len()) {
            return;
        }
        let literals = strings(inside);
        deletes(name, inside, &literals, over_many, look);
        queries(name, &literals, code, look);
        clouds(name, look);
        if is(name, RUNS) && !(name == "exec" && DECODES.iter().any(|d| inside.contains(d))) {
            runs(name, inside, &literals, look);
        }
        if is(name, EVALUATES) {
            evaluates(inside, &literals, look);
        }
    }
    if matches!(language, Language::Ruby | Language::Perl | Language::Php) {
        for script in masked.backquoted(code) {
            look.deeper(|look| shell::look_at(script, look));
        }
    }
    for (name, literal) in masked.bare_calls(code) {
        if name == "system" || name == "exec" {
            look.deeper(|look| shell::look_at(&literal, look));
        } else if matches!(name, "unlink" | "rmtree") {
            look.found(
                Action::DeleteFiles,
                if literal.contains('*') { 0.9 } else { 0.5 },
            );
        }
    }
    if matches!(language, Language::Perl)
        && masked.has_word("unlink")
        && (masked.has_word("glob") || code.contains('*'))
    {
        look.found(Action::DeleteFiles, 0.9);
    }
}

/// Whether a call's name is, or ends in, one of these; names with a dot before need the dot.
fn is(name: &str, known: &[&str]) -> bool {
    known.iter().any(|known| {
        name.strip_suffix(known).is_some_and(|before| {
            known.starts_with('.')
                || before.is_empty()
                || before.ends_with(['.', ':', '>', '$', '!', '\\'])
        })
    })
}

/// Calls that delete things of a cloud, by the clients of their makers.
const CLOUDS: &[&str] = &[
    ".delete_bucket",
    ".terminate_instances",
    ".delete_db_instance",
    ".delete_table",
    ".delete_stack",
    ".delete_cluster",
    ".delete_namespace",
    ".delete_volume",
];

/// A call that deletes files. `over_many`: the code around it goes over many things.
fn deletes(name: &str, inside: &str, literals: &[String], over_many: bool, look: &mut Look) {
    let ways = [
        "recursive: true",
        "recursive:true",
        "recursive=True",
        "recursive = true",
    ];
    let recursive = ways.iter().any(|way| inside.contains(way));
    if is(name, DELETES_TREES) || (is(name, DELETES_ONE) && recursive) {
        let temporary = match literals {
            [] => place(&format!("${}", inside.trim())) == Place::Temporary,
            paths => paths.iter().all(|path| place(path) == Place::Temporary),
        };
        look.found(Action::DeleteFiles, if temporary { 0.4 } else { 0.9 });
    } else if is(name, DELETES_ONE) {
        let worst = literals.iter().map(|path| place(path)).max();
        let made =
            literals.is_empty() || inside.contains(['+', '{', '%']) || inside.contains("join");
        let vital = matches!(worst, Some(Place::Vital | Place::Device));
        let many = made && over_many;
        look.found(Action::DeleteFiles, if many || vital { 0.85 } else { 0.5 });
    }
}

/// A call that runs SQL: the statements in it, or, where it names a variable, those in the code around it.
fn queries(name: &str, literals: &[String], code: &str, look: &mut Look) {
    if is(name, QUERIES) {
        for literal in literals
            .iter()
            .filter(|literal| sql::looks_like_sql(literal))
        {
            sql::look_at(literal, look);
        }
        if literals.is_empty() && is(name, &[".execute", ".query"]) && look.spend(code.len()) {
            for literal in strings(code)
                .iter()
                .filter(|literal| sql::looks_like_sql(literal))
                .take(16)
            {
                sql::look_at(literal, look);
            }
        }
    }
}

/// A call that deletes databases, things of a cloud, or what an address names.
fn clouds(name: &str, look: &mut Look) {
    let databases = [
        ".drop_database",
        ".dropDatabase",
        ".drop_collection",
        ".drop_all",
        ".delete_all",
        ".destroy_all",
    ];
    if is(name, &databases) {
        look.found(Action::DeleteDatabase, 0.95);
    }
    if is(name, CLOUDS) {
        look.found(Action::DeleteInfrastructure, 0.9);
    }
    if is(name, &["requests.delete", "axios.delete", "httpx.delete"]) {
        look.found(Action::DeleteResource, 0.9);
    }
}

/// A call that runs a command: a list of words, or a line for a shell.
fn runs(name: &str, inside: &str, literals: &[String], look: &mut Look) {
    let Some(first) = literals.first() else {
        return;
    };
    let from = inside.trim_start();
    let list = from.starts_with(['[', '('])
        || inside.contains('[') && !from.starts_with(['\'', '"', '`', 'f']);
    let several = name.ends_with("spawn")
        || name.ends_with("spawnSync")
        || name.contains("execFile")
        || name.contains("execl");
    if list || several || (literals.len() > 1 && !first.contains(' ')) {
        let words = literals.to_vec();
        look.deeper(|look| shell::look_at_words(words, look));
    } else {
        look.deeper(|look| shell::look_at(first, look));
    }
}

/// A call that runs code.
fn evaluates(inside: &str, literals: &[String], look: &mut Look) {
    if DECODES.iter().any(|decodes| inside.contains(decodes)) {
        let plain = literals
            .iter()
            .find_map(|literal| text_from_base64(literal).filter(|text| text.len() > 3));
        match plain {
            Some(text) => look.deeper(|look| look_at(&text, Language::Python, look)),
            None => look.found(Action::ExecuteHidden, 0.9),
        }
    } else if FETCHES.iter().any(|fetches| inside.contains(fetches)) {
        look.found(Action::ExecuteRemote, 0.95);
    } else if let Some(first) = literals.first().filter(|literal| literal.contains('(')) {
        look.deeper(|look| look_at(first, Language::Python, look));
    }
}

/// Lines of a notebook that go to a shell: `!rm -rf x`, `%%bash`.
fn notebook(code: &str, look: &mut Look) {
    if code.trim_start().starts_with("%%bash") || code.trim_start().starts_with("%%sh") {
        let script = code
            .trim_start()
            .split_once('\n')
            .map_or("", |(_, rest)| rest);
        look.deeper(|look| shell::look_at(script, look));
        return;
    }
    for line in code.lines().filter_map(|line| {
        line.trim_start()
            .strip_prefix('!')
            .or(line.trim_start().strip_prefix("%sx "))
    }) {
        if !line.starts_with('=') && !line.is_empty() {
            look.deeper(|look| shell::look_at(line, look));
        }
    }
}
