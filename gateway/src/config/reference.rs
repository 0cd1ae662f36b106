//! The JSON Schema and the reference page, both made from the types of the file.

use super::check::{is, kind, without_null};
use super::file::ConfigFile;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;
use std::fmt::Write;

/// The JSON Schema of the configuration file, for editors.
pub fn config_schema() -> Value {
    let mut schema = schema_of::<ConfigFile>();
    schema["title"] = "Sallyport configuration".into();
    schema
}

/// A type's schema, with everything written in place.
pub(super) fn schema_of<T: JsonSchema>() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// The reference page, as Markdown.
pub fn config_reference() -> String {
    let schema = config_schema();
    let mut page = String::from(BEGINNING);
    section(&mut page, "", &schema, &Value::Null, 2);
    page
}

const BEGINNING: &str = "\
# Configuration

<!-- Made from gateway/src/config/file.rs; `UPDATE_EXPECT=1 cargo test -p sallyport --test config` writes it anew. -->

One YAML file configures the gateway: `sallyport run --config sallyport.yaml`. `sallyport check --config sallyport.yaml`
says all that is wrong with it, with line and column, and what it would serve. `sallyport config schema` prints a JSON
Schema, which editors take with `# yaml-language-server: $schema=config.schema.json` in the first line.

The smallest file that serves:

```yaml
upstreams:
  openai: {url: https://api.openai.com, speaks: openai, key: \"${OPENAI_API_KEY}\"}
policies: ./policies
keys_file: keys.yaml
```

- **The environment.** `${NAME}` in a value is replaced by the variable of that name, and it is an error if there is
  none; `${NAME:-default}` gives the default if it is missing or empty. `$${` is a plain `${`. Keys are left alone, and
  what is put in is text: it can add no structure. Write values with variables in quotes.
- **Sizes** are `512B`, `64KiB`, `32MiB`, `1GiB`, or a plain number of bytes. **Durations** are `500ms`, `30s`, `5m`, `1h`.
- **Secrets** are never shown: not in messages, not in logs, not on the console.
- **Paths** count from the folder that the file is in.
- **Unknown keys** are refused, and so are keys that are given twice.
- **Reloading.** Policies, `keys_file` and the `keys` of this file are read again when they change; if what is there then
  is wrong, what was in force stays, and the console and the log say why. All else needs a restart.

";

/// The keys of one group, and then the groups within it.
fn section(page: &mut String, path: &str, schema: &Value, defaults: &Value, level: usize) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    if !path.is_empty() {
        let _ = write!(page, "{} `{path}`\n\n", "#".repeat(level));
        if let Some(sentence) = schema["description"].as_str() {
            let _ = write!(page, "{}\n\n", one_line(sentence));
        }
    } else {
        page.push_str("## All keys\n\n");
    }
    page.push_str("| key | value | default | |\n|---|---|---|---|\n");
    for (name, member) in properties {
        let sentence =
            one_line(member["description"].as_str().unwrap_or_default()).replace('|', "\\|");
        let _ = writeln!(
            page,
            "| `{name}` | {} | {} | {sentence} |",
            value_words(member),
            default_words(name, member, schema, defaults)
        );
    }
    page.push('\n');
    for (name, member) in properties {
        let member = without_null(member);
        let below = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let default = member.get("default").unwrap_or(&defaults[name]);
        if is(member, "array") {
            section(
                page,
                &format!("{below}[]"),
                &member["items"],
                &Value::Null,
                2,
            );
        } else if member["additionalProperties"]["properties"].is_object() {
            section(
                page,
                &format!("{below}.<name>"),
                &member["additionalProperties"],
                &Value::Null,
                2,
            );
        } else {
            section(page, &below, member, default, 2);
        }
    }
}

fn value_words(member: &Value) -> String {
    let member = without_null(member);
    if is(member, "array") {
        return match is(&member["items"], "object") {
            true => "a list of groups".into(),
            false => "a list of texts".into(),
        };
    }
    if is(member, "object") && member["additionalProperties"]["properties"].is_object() {
        return "groups by name".into();
    }
    if is(member, "object") && member["additionalProperties"].is_object() {
        return "texts by name".into();
    }
    match member["format"].as_str() {
        Some("secret") => "text, never shown".into(),
        _ => kind(member),
    }
}

fn default_words(name: &str, member: &Value, group: &Value, defaults: &Value) -> String {
    let required = group["required"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|one| one == name);
    if required {
        return "**required**".into();
    }
    match member.get("default").or_else(|| defaults.get(name)) {
        None | Some(Value::Null) => "none".into(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(Value::Array(all)) if all.is_empty() => "none".into(),
        Some(Value::Object(all)) if all.is_empty() => "none".into(),
        Some(Value::Object(_)) => "see below".into(),
        Some(other) => format!("`{other}`"),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
