//! Tools whose answers a model will repeat word by word: files it reads to edit them.

/// Names of tools that read files, in small letters. `*` stands for anything, at the ends only.
const FILE_READERS: &[&str] = &[
    "*read_file*",
    "*file_read",
    "*readfile*",
    "*read_text_file",
    "*read_multiple_files",
    "*get_file_contents",
    "*str_replace*",
    "*text_editor*",
    "*file_editor*",
    "*view_file*",
    "*open_file*",
    "*notebookread",
    "read",
    "fs_read",
    "fsread",
    "read_many_files",
    "view",
    "cat",
    "open",
    "edit",
    "multiedit",
    "write",
    "create",
    "goto",
    "scroll_up",
    "scroll_down",
    "insert",
    "apply_patch",
];

/// Which tools' answers stay as they are, byte for byte, but for what stands verbatim earlier.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ExactTools(Vec<String>);

impl ExactTools {
    /// No tool.
    pub fn none() -> ExactTools {
        ExactTools(Vec::new())
    }

    /// These too: whole names or ends of names with `*` for the rest, in any case.
    #[must_use]
    pub fn and(mut self, patterns: impl IntoIterator<Item = impl AsRef<str>>) -> ExactTools {
        let patterns = patterns.into_iter();
        self.0
            .extend(patterns.map(|p| p.as_ref().to_ascii_lowercase()));
        self
    }

    /// Whether this tool is one. Of `server__tool` and `mcp__server__tool` the last name counts as well as the whole.
    pub fn has(&self, tool: &str) -> bool {
        let whole = tool.to_ascii_lowercase();
        let last = whole.rsplit("__").next().unwrap_or(&whole);
        let last = last.rsplit(['.', '/', ':']).next().unwrap_or(last);
        let fits = |pattern: &String| fits(pattern, &whole) || fits(pattern, last);
        self.0.iter().any(fits)
    }
}

impl Default for ExactTools {
    /// The usual names of tools that read or show files.
    fn default() -> Self {
        ExactTools::none().and(FILE_READERS)
    }
}

fn fits(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (None, None) => pattern == name,
        (Some(end), None) => name.ends_with(end),
        (None, Some(begin)) => name.starts_with(begin),
        (Some(_), Some(_)) => name.contains(pattern.trim_matches('*')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_readers_are_known_by_any_door() {
        let exact = ExactTools::default();
        for tool in [
            "Read",
            "read_file",
            "mcp__filesystem__read_text_file",
            "github__get_file_contents",
            "str_replace_based_edit_tool",
            "functions.view",
            "open",
        ] {
            assert!(exact.has(tool), "{tool}");
        }
        for tool in ["bash", "thread_list", "search", "reader_stats", "openapi"] {
            assert!(!exact.has(tool), "{tool}");
        }
    }

    #[test]
    fn a_team_may_name_more() {
        let exact = ExactTools::none().and(["Mine_*", "*_yours"]);
        assert!(exact.has("mine_x") && exact.has("all_Yours"));
        assert!(!exact.has("read"));
    }
}
