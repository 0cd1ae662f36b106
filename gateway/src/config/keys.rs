//! Lists of keys, in the configuration or in a file of their own.

use super::check::{Mistakes, check};
use super::error::ConfigErrors;
use super::file::KeyFile;
use super::tree::{self, Node};
use super::{Config, expand_tree, read_file, reference, settle};
use crate::identity::{KEY_PREFIX, KeyHash, Keys, caller};
use std::collections::HashSet;
use std::path::Path;

/// The most keys that one list may hold.
const KEYS_MAX: usize = 100_000;

/// All keys: those of the configuration and those of its keys file.
pub fn all_keys(config: &Config) -> Result<Keys, ConfigErrors> {
    match &config.keys_file {
        Some(file) => load_keys_file(file, config.keys.clone()),
        None => Ok(config.keys.clone()),
    }
}

/// Reads a keys file and adds its keys to `keys`.
pub fn load_keys_file(file: &Path, mut keys: Keys) -> Result<Keys, ConfigErrors> {
    let text = read_file(file)?;
    let mut tree = tree::read(file, &text).map_err(|error| ConfigErrors(vec![error]))?;
    let mut mistakes = Mistakes::new(file);
    expand_tree(&mut tree, &|name| std::env::var(name).ok(), &mut mistakes);
    // An empty file is an empty list.
    let empty =
        tree.is_null() || matches!(&tree.value, tree::Value::Map(entries) if entries.is_empty());
    if !empty {
        let json = check(
            "the file",
            &tree,
            &reference::schema_of::<Vec<KeyFile>>(),
            &mut mistakes,
        );
        if mistakes.found.is_empty() {
            match serde_json::from_value::<Vec<KeyFile>>(json) {
                Ok(list) => add(&list, &tree, &mut keys, &mut mistakes),
                Err(error) => mistakes.add(tree.at, error.to_string(), ""),
            }
        }
    }
    settle(mistakes)?;
    Ok(keys)
}

/// Adds a list of keys, noting what is wrong with each. `tree` is the list as written.
pub(super) fn add(list: &[KeyFile], tree: &Node, keys: &mut Keys, mistakes: &mut Mistakes<'_>) {
    if list.len() > KEYS_MAX {
        mistakes.add(
            tree.at,
            format!("more than {KEYS_MAX} keys"),
            "split the teams over several gateways",
        );
        return;
    }
    let mut names: HashSet<String> = keys
        .callers()
        .iter()
        .map(|caller| caller.key.to_string())
        .collect();
    for (index, key) in list.iter().enumerate() {
        let index = index.to_string();
        let at = |field| tree.place(&[&index, field]);
        if !is_team(&key.team) {
            let hint = "small letters, digits and underscores, no digit first: it is part of `package sallyport.teams.<team>`";
            mistakes.add(
                at("team"),
                format!("`{}` cannot name a team", key.team),
                hint,
            );
        }
        for (field, word) in [("name", &key.name), ("agent", &key.agent)] {
            if !is_name(word) {
                let hint = "1 to 128 printable characters";
                mistakes.add(at(field), format!("`{field}` is no name"), hint);
            }
        }
        if !names.insert(key.name.clone()) {
            mistakes.add(
                at("name"),
                format!("two keys are named `{}`", key.name),
                "give each key a name of its own",
            );
        }
        let Some(hash) = KeyHash::from_hex(&key.sha256) else {
            let hint = match key.sha256.starts_with(KEY_PREFIX) {
                true => {
                    "this looks like the key itself: it is now in a file, so make a new one with `sallyport key new`"
                }
                false => "paste the 64 hex digits that `sallyport key new` prints",
            };
            mistakes.add(at("sha256"), "`sha256` is no SHA-256 in hex", hint);
            continue;
        };
        let labels: Vec<(String, String)> = key.labels.clone().into_iter().collect();
        if let Err(other) = keys.add(hash, caller(&key.name, &key.team, &key.agent, &labels)) {
            mistakes.add(
                at("sha256"),
                format!("`{}` and `{}` are the same key", key.name, other.key),
                "make one of them new",
            );
        }
    }
}

/// Whether a word can be part of `package sallyport.teams.<team>`.
pub(crate) fn is_team(word: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    !word.is_empty()
        && word.len() <= 64
        && !word.starts_with(|c: char| c.is_ascii_digit())
        && word.bytes().all(fits)
}

/// Whether a word can name a key or an agent in logs.
pub(crate) fn is_name(word: &str) -> bool {
    !word.trim().is_empty() && word.chars().count() <= 128 && !word.chars().any(char::is_control)
}
