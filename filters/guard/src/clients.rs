//! Clients of databases: the statements in their options and in what flows in.

use crate::action::Action;
use crate::look::Look;
use crate::shell::Stream;
use crate::sql;

/// One client of SQL: its names, its options that hold statements, and whether an operand may.
const SQL: &[(&[&str], &[&str], usize)] = &[
    (
        &["psql", "pgcli", "ysqlsh", "usql"],
        &["-c", "--command"],
        0,
    ),
    (
        &["mysql", "mariadb", "mycli", "mysqlsh"],
        &["-e", "--execute"],
        0,
    ),
    (
        &["sqlite3", "sqlite", "litecli", "duckdb"],
        &["-cmd", "-c", "-s"],
        2,
    ),
    (&["sqlcmd", "osql", "bcp", "mssql-cli"], &["-Q", "-q"], 0),
    (
        &["clickhouse-client", "clickhouse", "clickhouse-local"],
        &["-q", "--query"],
        0,
    ),
    (&["cqlsh"], &["-e", "--execute"], 0),
    (
        &[
            "snowsql",
            "snow",
            "usql",
            "trino",
            "presto",
            "athena",
            "databricks",
        ],
        &["-q", "--query", "-e", "--execute"],
        0,
    ),
    (
        &[
            "cockroach",
            "hive",
            "beeline",
            "impala-shell",
            "spark-sql",
            "vsql",
            "isql",
            "sqlplus",
        ],
        &["-e", "--execute", "-q", "-c"],
        0,
    ),
    (&["bq"], &[], 1),
    (&["invoke-sqlcmd"], &["-query", "-Query"], 0),
    (&["wrangler"], &["--command"], 0),
];

/// Clients of MongoDB and the options that hold code.
const MONGO: &[&str] = &["mongo", "mongosh"];
/// Clients of Redis.
const REDIS: &[&str] = &["redis-cli", "valkey-cli", "keydb-cli"];

/// Looks at a client of a database; `false` if `name` is none that is all of it looked at here.
pub(crate) fn look_at(name: &str, args: &[String], stdin: &Stream, look: &mut Look) -> bool {
    if REDIS.contains(&name) {
        redis_client(args, stdin, look);
        return true;
    }
    if MONGO.contains(&name) {
        for code in option_values(args, &["--eval", "-e"])
            .into_iter()
            .chain(stdin.text.as_deref())
        {
            mongo(code, look);
        }
        return true;
    }
    let Some((_, options, operand)) = SQL.iter().find(|(names, ..)| names.contains(&name)) else {
        return false;
    };
    let mut statements = option_values(args, options);
    if *operand > 0 {
        let operands = crate::files::operands(args);
        if name == "bq" && operands.first() != Some(&"query") {
            return false;
        }
        statements.extend(operands.into_iter().skip(1));
    }
    statements.extend(stdin.text.as_deref());
    let any = !statements.is_empty();
    for statement in statements {
        if !statement.trim_start().starts_with(['\\', '.']) {
            sql::look_at(statement, look);
        }
    }
    any || !matches!(name, "bq" | "wrangler")
}

/// The values of these options: apart, after `=`, or written onto a short one.
fn option_values<'a>(args: &'a [String], options: &[&str]) -> Vec<&'a str> {
    let mut values = Vec::new();
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if options.contains(&arg.as_str()) {
            values.extend(args.next().map(String::as_str));
            continue;
        }
        for option in options {
            let Some(rest) = arg.strip_prefix(option) else {
                continue;
            };
            match (rest.strip_prefix('='), option.starts_with("--")) {
                (Some(value), _) => values.push(value),
                (None, false) if !rest.is_empty() => values.push(rest),
                _ => {}
            }
        }
        // A bundle such as `-tAc` ends in the letter.
        let bundle = arg
            .strip_prefix('-')
            .filter(|rest| !rest.starts_with('-') && rest.len() > 1 && rest.len() < 5);
        if bundle.is_some_and(|bundle| {
            options
                .iter()
                .any(|o| o.len() == 2 && bundle.ends_with(&o[1..]))
        }) {
            values.extend(args.next().map(String::as_str));
        }
    }
    values
}

fn redis_client(args: &[String], stdin: &Stream, look: &mut Look) {
    let takes = [
        "-h",
        "-p",
        "-s",
        "-a",
        "-u",
        "-r",
        "-i",
        "-n",
        "--user",
        "--pass",
        "-d",
        "--pattern",
        "--count",
    ];
    let mut at = 0;
    while let Some(arg) = args.get(at).filter(|arg| arg.starts_with('-')) {
        at += if takes.contains(&arg.as_str()) { 2 } else { 1 };
    }
    let command = args.get(at..).unwrap_or_default().join(" ");
    redis(&command, look);
    for line in stdin.text.iter().flat_map(|text| text.lines()) {
        redis(line, look);
    }
}

/// One command of Redis.
pub(crate) fn redis(command: &str, look: &mut Look) {
    let command = command.trim().to_ascii_lowercase();
    let mut words = command.split_whitespace();
    match (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    ) {
        ("flushall" | "flushdb", _) => look.found(Action::DeleteDatabase, 0.95),
        ("del" | "unlink", keys) if keys.contains(['*', '$']) => {
            look.found(Action::DeleteDatabase, 0.85)
        }
        ("script", "flush") | ("function", "flush") => look.found(Action::DeleteDatabase, 0.7),
        ("shutdown", _) => look.found(Action::Stop, 0.9),
        ("config", "set" | "rewrite" | "resetstat") => look.found(Action::WriteSystem, 0.7),
        ("replicaof" | "slaveof" | "debug", _) => look.found(Action::WriteSystem, 0.8),
        ("eval", _) if command.contains("flush") => look.found(Action::DeleteDatabase, 0.9),
        _ => {}
    }
}

/// Code for MongoDB's shell.
pub(crate) fn mongo(code: &str, look: &mut Look) {
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let all = [
        "dropDatabase(",
        ".drop(",
        "deleteMany({})",
        "remove({})",
        "deleteMany()",
        "dropAllUsers(",
        "dropCollection(",
        "dropUser(",
    ];
    if all.iter().any(|call| code.contains(call)) {
        look.found(Action::DeleteDatabase, 0.95);
    } else if [
        "deleteMany(",
        ".remove(",
        "dropIndex",
        "findOneAndDelete(",
        "updateMany({},",
        "deleteOne({})",
    ]
    .iter()
    .any(|call| code.contains(call))
    {
        look.found(Action::DeleteDatabase, 0.6);
    } else if [
        "deleteOne(",
        "updateMany(",
        "updateOne(",
        "insert",
        "replaceOne(",
    ]
    .iter()
    .any(|call| code.contains(call))
    {
        look.found(Action::WriteDatabase, 0.5);
    }
    if code.contains("shutdownServer(") {
        look.found(Action::Stop, 0.9);
    }
    if code.contains("grantRoles") || code.contains("createUser(") {
        look.found(Action::Permission, 0.8);
    }
}
