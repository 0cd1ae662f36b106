//! SQL: each statement read in the dialects in turn, and judged by what it does.

mod masked;
mod statement;

use crate::action::Action;
use crate::look::Look;
use crate::shell;
use masked::{executable_comments, masked, statements};
use sqlparser::ast::Statement;
use sqlparser::dialect::{
    BigQueryDialect, Dialect, GenericDialect, MsSqlDialect, MySqlDialect, PostgreSqlDialect,
    SQLiteDialect,
};
use sqlparser::parser::Parser;

/// The longest single statement that is parsed; a longer one is scanned for words only.
const STATEMENT_MAX: usize = 64 << 10;
/// The most signs and joining words of one statement: each may nest the tree by one, and trees are walked
/// and freed by recursion.
const OPERATORS_MAX: usize = 1_500;
/// How deep brackets may nest in what is parsed.
const NESTING_MAX: usize = 40;
/// The most statements of one text that are read one by one.
const STATEMENTS_MAX: usize = 1_000;

/// Words that a statement needs to do harm; without any of them it is harmless in every dialect.
const DANGEROUS: &[&str] = &[
    "drop",
    "truncate",
    "delete",
    "update",
    "alter",
    "grant",
    "revoke",
    "exec",
    "execute",
    "copy",
    "merge",
    "shutdown",
    "outfile",
    "dumpfile",
    "purge",
    "replace",
    "kill",
    "flush",
    "detach",
    "restore",
    "pg_terminate_backend",
    "xp_cmdshell",
    "program",
    "load_file",
    "prepare",
    "rename",
    "reset",
    "overwrite",
    "unload",
    "lo_unlink",
    "pg_read_file",
    "dblink",
    "load_extension",
    "writefile",
    "reindex",
    "optimize",
    "undrop",
];

/// First words of statements in whose strings other statements may stand.
const RUNS: &[&str] = &[
    "exec", "execute", "call", "do", "prepare", "begin", "declare", "create",
];

/// Words with which statements begin.
const BEGINNINGS: &[&str] = &[
    "select", "insert", "update", "delete", "drop", "truncate", "alter", "create", "grant",
    "revoke", "with", "merge", "exec", "execute", "explain", "begin", "copy", "call", "replace",
    "show", "describe", "vacuum", "set", "use", "do",
];

/// Whether text that might be anything begins as a statement does.
pub(crate) fn looks_like_sql(text: &str) -> bool {
    let bare = masked(text);
    let mut words = bare
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty());
    let (Some(first), Some(second)) = (words.next(), words.next()) else {
        return false;
    };
    let (first, second) = (first.to_ascii_lowercase(), second.to_ascii_lowercase());
    match first.as_str() {
        "drop" | "alter" | "create" => matches!(
            second.as_str(),
            "table"
                | "database"
                | "schema"
                | "view"
                | "index"
                | "user"
                | "role"
                | "function"
                | "keyspace"
                | "owned"
                | "all"
        ),
        "delete" => second == "from",
        "truncate" => second == "table",
        "update" => words.any(|word| word.eq_ignore_ascii_case("set")),
        "select" | "with" | "insert" | "merge" => words.any(|word| {
            ["from", "into", "as", "values", "drop", "delete", "truncate"]
                .contains(&word.to_ascii_lowercase().as_str())
        }),
        _ => false,
    }
}

/// Looks at SQL.
pub(crate) fn look_at(sql: &str, look: &mut Look) {
    if !look.spend(sql.len().saturating_mul(2)) {
        return;
    }
    let sql = executable_comments(sql);
    let mut budget = STATEMENTS_MAX;
    for text in statements(&sql) {
        let bare = masked(text);
        if bare.trim().is_empty() {
            continue;
        }
        if budget == 0 {
            look.found(Action::Unparsed, 0.85);
            return;
        }
        budget -= 1;
        one(text, &bare, look);
    }
}

/// One statement.
fn one(text: &str, bare: &str, look: &mut Look) {
    let words: Vec<String> = bare
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    let joined = bare.replace(' ', "").to_ascii_lowercase();
    let runs = words
        .first()
        .is_some_and(|word| RUNS.contains(&word.as_str()));
    let dangerous = words.iter().any(|word| DANGEROUS.contains(&word.as_str()))
        || (runs && !masked::literals(text).is_empty());
    let split_words = masked::comments_removed(text)
        && [
            "droptable",
            "dropdatabase",
            "deletefrom",
            "truncatetable",
            "dropschema",
        ]
        .iter()
        .any(|word| joined.contains(word));
    if !dangerous && !split_words {
        let begins = words
            .first()
            .is_some_and(|word| BEGINNINGS.contains(&word.as_str()));
        if !begins && !known_by_word(&words) {
            look.found(Action::Unparsed, 0.5);
        }
        return;
    }
    by_words(&words, text, look);
    match parsed(text, bare) {
        readings if readings.is_empty() => {
            scan(&words, look);
            let known = known_by_word(&words);
            look.found(Action::Unparsed, if known { 0.5 } else { 0.85 });
        }
        readings => {
            for reading in readings.iter().flatten() {
                statement::judge(reading, look);
            }
        }
    }
}

/// Statements that no parser here reads, and that are known by their first word all the same.
fn known_by_word(words: &[String]) -> bool {
    let first = words.first().map_or("", String::as_str);
    BEGINNINGS.contains(&first)
        || matches!(
            first,
            "go" | "pragma"
                | "analyze"
                | "commit"
                | "rollback"
                | "end"
                | "start"
                | "savepoint"
                | "release"
                | "declare"
                | "fetch"
                | "open"
                | "close"
                | "comment"
                | "lock"
                | "unlock"
                | "listen"
                | "notify"
                | "refresh"
                | "values"
                | "table"
                | "desc"
                | "if"
                | "print"
                | "return"
                | "flashback"
                | "purge"
                | "restore"
                | "kill"
                | "shutdown"
                | "reset"
                | "flush"
                | "rename"
                | "detach"
                | "attach"
                | "optimize"
                | "reindex"
                | "prepare"
                | "deallocate"
                | "checkpoint"
                | "cluster"
                | "security"
                | "import"
                | "load"
        )
}

/// The statement in each dialect that can read it. None if it is too large to be read safely.
fn parsed(text: &str, bare: &str) -> Vec<Vec<Statement>> {
    if text.len() > STATEMENT_MAX || !is_flat(bare) {
        return Vec::new();
    }
    let dialects: [&dyn Dialect; 6] = [
        &GenericDialect {},
        &PostgreSqlDialect {},
        &MySqlDialect {},
        &MsSqlDialect {},
        &SQLiteDialect {},
        &BigQueryDialect {},
    ];
    let read = |dialect: &&dyn Dialect| {
        Parser::new(*dialect)
            .with_recursion_limit(NESTING_MAX)
            .try_with_sql(text)
            .ok()?
            .parse_statements()
            .ok()
    };
    dialects.iter().filter_map(read).collect()
}

/// Whether the tree of a statement cannot be deep.
fn is_flat(bare: &str) -> bool {
    let mut depth = 0usize;
    let mut operators = 0;
    for byte in bare.bytes() {
        match byte {
            b'(' | b'[' | b'{' | b'<' => depth += 1,
            b')' | b']' | b'}' | b'>' => depth = depth.saturating_sub(1),
            b',' | b';' | b'.' | b'_' | b'\'' | b'"' => {}
            byte if byte.is_ascii_punctuation() => operators += 1,
            _ => {}
        }
        if matches!(byte, b'[' | b'(' | b'<') {
            operators += 1;
        }
        if depth > NESTING_MAX {
            return false;
        }
    }
    let joining = [
        "and",
        "or",
        "not",
        "union",
        "except",
        "intersect",
        "is",
        "in",
        "like",
        "between",
        "case",
        "collate",
        "at",
        "join",
        "over",
        "interval",
        "select",
        "begin",
        "if",
        "xor",
        "div",
        "mod",
    ];
    operators += bare
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| joining.iter().any(|joins| word.eq_ignore_ascii_case(joins)))
        .count();
    // Rows of values are lists, not trees: what stands between commas counts little.
    let commas = bare.bytes().filter(|b| *b == b',').count();
    operators <= OPERATORS_MAX || (operators < commas / 2 && operators <= OPERATORS_MAX * 4)
}

/// What certain words mean wherever they stand outside strings, read or not.
fn by_words(words: &[String], text: &str, look: &mut Look) {
    let has = |word: &str| words.iter().any(|known| known == word);
    let pair = |one: &str, two: &str| {
        words
            .windows(2)
            .any(|pair| pair[0] == one && pair[1] == two)
    };
    let first = words.first().map_or("", String::as_str);
    let runs = RUNS.contains(&first);
    if has("xp_cmdshell") {
        look.found(Action::ExecutePrivileged, 0.95);
        look.found(Action::WriteSystem, 0.9);
    }
    if (has("copy") || has("unload")) && has("program") {
        look.found(Action::ExecutePrivileged, 0.95);
        look.found(Action::WriteSystem, 0.9);
    }
    if has("outfile") || has("dumpfile") {
        look.found(Action::Egress, 0.9);
        look.found(Action::WriteSystem, 0.85);
    }
    if has("pg_terminate_backend") && has("pg_stat_activity") || first == "shutdown" {
        look.found(Action::Stop, 0.85);
    }
    if runs {
        for literal in masked::literals(text)
            .into_iter()
            .filter(|literal| literal.contains(' '))
        {
            let literal = literal.trim();
            let begins = literal
                .split_whitespace()
                .next()
                .unwrap_or_default()
                .to_ascii_lowercase();
            if has("xp_cmdshell") {
                look.deeper(|look| {
                    shell::look_at(literal, look);
                });
            } else if BEGINNINGS.contains(&begins.as_str()) {
                look.deeper(|look| look_at(literal, look));
            }
        }
        let inner: Vec<String> = masked::literals(text)
            .iter()
            .flat_map(|l| l.split_whitespace())
            .map(str::to_ascii_lowercase)
            .take(4_096)
            .collect();
        scan(&inner, look);
    }
    if pair("alter", "user") || pair("alter", "role") {
        look.found(Action::Permission, 0.85);
    }
    if (has("superuser") || has("pg_execute_server_program") || has("sysadmin"))
        && (has("grant") || has("alter") || has("create"))
    {
        look.found(Action::Permission, 0.9);
    }
    if first == "restore" || first == "flashback" || pair("set", "offline") {
        look.found(Action::WriteDatabase, 0.9);
    }
}

/// A statement that no dialect reads: what its words say.
fn scan(words: &[String], look: &mut Look) {
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1).map_or("", String::as_str);
        let after = words.get(at + 1..).unwrap_or_default();
        match (word.as_str(), next) {
            (
                "drop",
                "table" | "database" | "schema" | "keyspace" | "tablespace" | "user" | "role"
                | "owned" | "all" | "materialized" | "collection" | "bucket" | "stage"
                | "warehouse" | "login" | "external" | "cluster",
            ) => {
                look.found(Action::DeleteDatabase, 0.9);
            }
            ("drop", "column" | "partition") => look.found(Action::DeleteDatabase, 0.85),
            ("truncate", next) if !next.is_empty() && (at == 0 || next == "table") => {
                look.found(Action::DeleteDatabase, 0.9)
            }
            ("delete", _)
                if at == 0 || next == "from" || words.first().is_some_and(|w| w == "alter") =>
            {
                let narrowed = after.iter().any(|word| word == "where")
                    && words.first().is_none_or(|word| word != "alter");
                look.found(Action::DeleteDatabase, if narrowed { 0.5 } else { 0.9 });
            }
            ("update", _) if after.iter().any(|word| word == "set") => {
                let narrowed = after.iter().any(|word| word == "where");
                look.found(
                    if narrowed {
                        Action::WriteDatabase
                    } else {
                        Action::DeleteDatabase
                    },
                    if narrowed { 0.5 } else { 0.85 },
                );
            }
            ("grant", "all") => look.found(Action::Permission, 0.9),
            ("purge", "recyclebin" | "table" | "dba_recyclebin") => {
                look.found(Action::DeleteDatabase, 0.85)
            }
            _ => {}
        }
    }
    let joined: String = words.concat();
    if [
        "droptable",
        "dropdatabase",
        "deletefrom",
        "truncatetable",
        "dropschema",
    ]
    .iter()
    .any(|word| joined.contains(word))
    {
        look.found(Action::DeleteDatabase, 0.85);
    }
}
