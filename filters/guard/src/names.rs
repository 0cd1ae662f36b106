//! What the names of tools and arguments say.

/// The words of a name: `mcp__github__deleteRepo` is `mcp`, `github`, `delete`, `repo`.
pub(crate) fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut lower_before = false;
    for c in name.chars().take(256) {
        if !c.is_alphanumeric() {
            words.push(String::new());
            lower_before = false;
            continue;
        }
        if (c.is_uppercase() && lower_before) || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
        lower_before = c.is_lowercase() || c.is_ascii_digit();
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Verbs of tools that delete.
const DELETES: &[&str] = &[
    "delete",
    "destroy",
    "drop",
    "remove",
    "purge",
    "wipe",
    "terminate",
    "erase",
    "truncate",
    "uninstall",
    "rm",
    "unlink",
    "flush",
    "nuke",
];
/// Verbs of tools that only look or that undo, and so take the sting out of a verb that follows.
const LOOKS: &[&str] = &[
    "get", "list", "search", "find", "read", "describe", "show", "undelete", "restore", "count",
    "check", "fetch", "view", "query", "explain", "test", "preview",
];

/// Whether a tool's name says that it deletes: its verb comes before any that only looks.
pub(crate) fn deletes(tool: &str) -> bool {
    for word in words(tool) {
        if LOOKS.contains(&word.as_str()) {
            return false;
        }
        if DELETES.contains(&word.as_str()) {
            return true;
        }
    }
    false
}

/// Tools whose arguments are words for people or patterns, not code.
const PROSE_TOOLS: &[&str] = &[
    "search",
    "find",
    "grep",
    "lookup",
    "web",
    "google",
    "ask",
    "explain",
    "translate",
    "summarize",
    "generate",
    "comment",
    "message",
    "email",
    "issue",
    "post",
    "note",
    "remember",
    "think",
    "log",
    "write",
    "create",
    "edit",
    "read",
    "replace",
    "patch",
    "ticket",
    "jira",
    "slack",
    "todo",
    "review",
    "reply",
    "glob",
    "rg",
    "calendar",
    "memory",
    "describe",
    "draft",
    "document",
    "wiki",
    "page",
];
/// Tools that run what they are given.
const SHELL_TOOLS: &[&str] = &[
    "bash",
    "shell",
    "sh",
    "terminal",
    "exec",
    "execute",
    "run",
    "command",
    "cmd",
    "powershell",
    "pwsh",
    "ssh",
    "console",
    "zsh",
    "process",
    "subprocess",
    "script",
];
/// Words that make a tool one that runs what it is given, whatever else its name says: `write_stdin`.
const TERMINALS: &[&str] = &[
    "bash",
    "shell",
    "terminal",
    "stdin",
    "zsh",
    "powershell",
    "pwsh",
    "ssh",
    "console",
];
/// Tools of databases.
const SQL_TOOLS: &[&str] = &[
    "sql",
    "postgres",
    "postgresql",
    "psql",
    "mysql",
    "mariadb",
    "sqlite",
    "bigquery",
    "snowflake",
    "redshift",
    "clickhouse",
    "duckdb",
    "database",
    "db",
    "mssql",
    "oracle",
    "cockroach",
    "supabase",
    "neon",
    "athena",
    "trino",
    "databricks",
    "statement",
];

fn any(words: &[String], known: &[&str]) -> bool {
    words.iter().any(|word| known.contains(&word.as_str()))
}

/// What kind of tool this is, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sort {
    Shell,
    Sql,
    Mongo,
    Redis,
    GraphQl,
    /// Words for people.
    Prose,
    Other,
}

/// The sort of a tool.
pub(crate) fn sort(tool: &str) -> Sort {
    let words = words(tool);
    if any(&words, &["mongo", "mongodb", "mongosh"]) {
        Sort::Mongo
    } else if any(&words, &["redis", "valkey"]) {
        Sort::Redis
    } else if any(&words, &["graphql"]) {
        Sort::GraphQl
    } else if any(&words, TERMINALS) {
        Sort::Shell
    } else if any(&words, PROSE_TOOLS) {
        Sort::Prose
    } else if any(&words, SQL_TOOLS) || words.as_slice() == ["query"] {
        Sort::Sql
    } else if any(&words, SHELL_TOOLS) {
        Sort::Shell
    } else {
        Sort::Other
    }
}

/// What an argument's key says of its value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Key {
    /// Always a command line.
    Command,
    /// Code of some language.
    Code,
    /// Always SQL.
    Sql,
    /// SQL or a question, as the tool has it.
    Query,
    /// More words for a command that stands elsewhere.
    Arguments,
    /// Words for people, or what a file is to hold.
    Prose,
    Other,
}

/// What a key says.
pub(crate) fn key(key: &str) -> Key {
    let words = words(key);
    let joined = words.join("_");
    match joined.as_str() {
        "command" | "commands" | "cmd" | "cmds" | "shell" | "bash" | "shell_command"
        | "command_line" | "cmdline" | "commandline" | "run" | "exec" | "bash_command"
        | "powershell" | "terminal_command" | "shell_script" | "inline_script" | "user_data"
        | "entrypoint" => Key::Command,
        "code" | "script" | "source" | "python" | "javascript" | "js" | "source_code"
        | "program_code" | "cell" | "expression" | "scripts" | "python_code" => Key::Code,
        "sql" | "sql_query" | "statement" | "statements" | "sql_statement" | "stmt" | "sqls"
        | "raw_sql" | "ddl" => Key::Sql,
        "query" | "queries" | "q" => Key::Query,
        "args" | "argv" | "arguments" | "arg" | "parameters" | "argument" => Key::Arguments,
        "body" | "message" | "messages" | "content" | "contents" | "text" | "title"
        | "description" | "comment" | "subject" | "note" | "notes" | "thought" | "summary"
        | "prompt" | "question" | "patch" | "pattern" | "regex" | "reason" | "explanation"
        | "snippet" | "old_str" | "new_str" | "old_string" | "new_string" | "file_text"
        | "name" | "path" | "file_path" | "filename" | "filter" | "url" | "jql" | "plan"
        | "goal" | "task" | "instructions" | "answer" | "caption" | "markdown" | "html"
        | "diff" | "label" | "topic" => Key::Prose,
        _ => Key::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Sort, deletes, sort, words};

    #[test]
    fn names_fall_into_words() {
        assert_eq!(
            words("mcp__github__deleteRepo"),
            ["mcp", "github", "delete", "repo"]
        );
        assert_eq!(words("runSQL2"), ["run", "sql2"]);
        assert_eq!(words("DELETE_ALL"), ["delete", "all"]);
    }

    #[test]
    fn a_deleting_name_has_its_verb_first() {
        for name in [
            "delete_repository",
            "dropTable",
            "ec2-terminate-instances",
            "mcp__db__purge",
        ] {
            assert!(deletes(name), "{name}");
        }
        for name in [
            "list_deleted",
            "undelete",
            "get_delete_policy",
            "create_user",
            "removed",
        ] {
            assert!(!deletes(name), "{name}");
        }
    }

    #[test]
    fn tools_are_sorted_by_name() {
        assert_eq!(sort("mcp__postgres__query"), Sort::Sql);
        assert_eq!(sort("run_terminal_cmd"), Sort::Shell);
        assert_eq!(sort("web_search"), Sort::Prose);
    }
}
