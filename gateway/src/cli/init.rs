//! `sallyport init`: a first configuration and policy, from three questions.

use super::{Outcome, fail, say, team_name, tell};
use crate::identity::{KeyHash, new_key};
use clap::{Args, ValueEnum};
use owo_colors::OwoColorize;
use std::fs;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// What is answered, where it is not asked.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// The folder to write into
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    /// Who answers: openai, anthropic, or local for a server on this machine that speaks as OpenAI does
    #[arg(long, value_enum)]
    provider: Option<Provider>,
    /// The first team's name
    #[arg(long, value_parser = team_name)]
    team: Option<String>,
    /// What its agents may do
    #[arg(long, value_enum)]
    rules: Option<Rules>,
    /// Ask nothing: what is not given is `openai`, `first` and `guarded`
    #[arg(long, short)]
    yes: bool,
}

/// Who answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Provider {
    /// api.openai.com
    Openai,
    /// api.anthropic.com
    Anthropic,
    /// A server on this machine, such as vLLM, Ollama or llama.cpp
    Local,
}

/// What agents may do at first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Rules {
    /// Everything but what destroys; keys and personal data are masked
    Guarded,
    /// Everything: keys are masked, and what would have been refused is noted
    Watching,
    /// Only chats: every tool call is refused until a rule allows it
    Closed,
}

const PROVIDERS: [(&str, Provider); 3] = [
    ("openai", Provider::Openai),
    ("anthropic", Provider::Anthropic),
    ("local", Provider::Local),
];
const RULES: [(&str, Rules); 3] = [
    ("guarded", Rules::Guarded),
    ("watching", Rules::Watching),
    ("closed", Rules::Closed),
];

/// Does what was typed.
pub(super) fn init(args: &InitArgs) -> Outcome {
    let asks = !args.yes && std::io::stdin().is_terminal();
    let answers = answers(args, asks);
    let key = match new_key(&answers.team) {
        Ok(key) => key,
        Err(error) => return fail(&format!("no randomness: {error}"), Outcome::Broken),
    };
    let files = files(&answers, &KeyHash::of(&key).to_hex());
    // All are looked for before one is written: half a start is worse than none.
    let there = files
        .iter()
        .find(|(path, _)| args.folder.join(path).exists());
    if let Some((path, _)) = there {
        let error = format!(
            "`{}` is there already, and nothing is overwritten: name an empty folder",
            args.folder.join(path).display()
        );
        return fail(&error, Outcome::Broken);
    }
    for (path, text) in &files {
        if let Err(error) = write(&args.folder.join(path), text) {
            return fail(&error, Outcome::Broken);
        }
    }
    told(args, &answers, &files, &key);
    Outcome::Done
}

struct Answers {
    provider: Provider,
    team: String,
    rules: Rules,
}

fn answers(args: &InitArgs, asks: bool) -> Answers {
    let provider = args.provider.or_else(|| {
        let question = "Who answers? openai, anthropic, or local (a server on this machine)";
        asks.then(|| choose(question, &PROVIDERS))
    });
    let team = args.team.clone().or_else(|| {
        let question = "What is the first team called? Small letters, digits, underscores";
        asks.then(|| ask(question, "first", |word| team_name(word).ok()))
    });
    let rules = args.rules.or_else(|| {
        let question = "What may its agents do? guarded (all but what destroys), watching (all, and see), closed (chats only)";
        asks.then(|| choose(question, &RULES))
    });
    Answers {
        provider: provider.unwrap_or(Provider::Openai),
        team: team.unwrap_or_else(|| "first".into()),
        rules: rules.unwrap_or(Rules::Guarded),
    }
}

fn choose<T: Copy>(question: &str, words: &[(&str, T)]) -> T {
    let first = words[0].0;
    ask(question, first, |word| {
        let found = words.iter().find(|(known, _)| *known == word);
        found.map(|(_, meant)| *meant)
    })
}

/// Asks until the answer can be read; an end of input takes what is offered.
fn ask<T>(question: &str, offered: &str, read: impl Fn(&str) -> Option<T>) -> T
where
    T: Clone,
{
    loop {
        let _ = write!(anstream::stderr(), "{} [{offered}] ", question.bold());
        let _ = std::io::stderr().flush();
        let mut line = String::new();
        let ended = std::io::stdin().lock().read_line(&mut line).unwrap_or(0) == 0;
        let word = match line.trim() {
            "" => offered,
            word => word,
        };
        match read(word).or_else(|| ended.then(|| read(offered)).flatten()) {
            Some(answer) => return answer,
            None => tell("that is none of them"),
        }
    }
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("`{}` cannot be written: {error}", path.display()))
}

fn files(answers: &Answers, key: &str) -> Vec<(String, String)> {
    let team = &answers.team;
    vec![
        ("sallyport.yaml".into(), config(answers, key)),
        ("policies/org.rego".into(), ORG.into()),
        (format!("policies/{team}.rego"), policy(answers)),
        (format!("policies/{team}_test.rego"), test(answers)),
    ]
}

fn config(answers: &Answers, key: &str) -> String {
    let upstream = match answers.provider {
        Provider::Openai => {
            "  openai:\n    url: https://api.openai.com/v1\n    speaks: openai\n    key: \"${OPENAI_API_KEY}\"\n"
        }
        Provider::Anthropic => {
            "  anthropic:\n    url: https://api.anthropic.com\n    speaks: anthropic\n    key: \"${ANTHROPIC_API_KEY}\"\n"
        }
        Provider::Local => {
            "  local:\n    url: \"${LOCAL_MODEL_URL:-http://127.0.0.1:8000/v1}\"\n    speaks: openai\n"
        }
    };
    let team = &answers.team;
    format!(
        "# Every setting is described in docs/configuration.md. `sallyport check` says what this file means.\n\
upstreams:\n{upstream}\n\
keys:\n  # The key itself was shown once. `sallyport key new --team {team} --agent NAME` makes another.\n  - {{name: {team}-first, team: {team}, agent: first, sha256: \"{key}\"}}\n\n\
policies: policies\n\n\
# A log that shows when it was tampered with: nothing goes on before its record is on disk.\n\
# audit: {{folder: audit}}\n\n\
# Traces and metrics to an OpenTelemetry collector.\n\
# telemetry: {{endpoint: \"http://127.0.0.1:4318\"}}\n"
    )
}

/// The platform's rules: what holds for every team.
const ORG: &str = r#"# The platform's rules. They are judged first, for every team; a team can tighten them and never loosen them.
package sallyport.org

default allow := true

# Keys are masked on the way to the model and on the way back; the same key always gets the same placeholder.
redact contains "secret.*"
"#;

fn policy(answers: &Answers) -> String {
    let team = &answers.team;
    let rules = match answers.rules {
        Rules::Guarded => {
            r#"default allow := true

redact contains "pii.*"

# What is lost is lost: nothing that deletes, stops, opens or runs what cannot be seen.
deny contains {
	"rule": "destructive",
	"say": "This call would destroy something. Say what you want to achieve, and ask a person to run it.",
} if {
	count(guard.destructive) > 0
}
"#
        }
        Rules::Watching => {
            r#"default allow := true

# Nothing is refused yet. What would be stands in the decision log, and on the console.
warn contains {
	"rule": "destructive",
	"say": "This call would destroy something.",
} if {
	count(guard.destructive) > 0
}
"#
        }
        Rules::Closed => {
            r#"default allow := false

# Ask a model, count tokens, list models. Tool calls are a question of their own, and nobody allows them yet.
allow if input.operation in {"chat", "count_tokens", "models"}

# A tool by its name:
# allow if {
# 	input.operation == "tool_call"
# 	input.call.tool in {"search", "read_file"}
# }
"#
        }
    };
    let library = match answers.rules {
        Rules::Closed => "",
        _ => "import data.sallyport.lib.guard\n\n",
    };
    format!(
        "# The last word of the package is the team, as the keys in sallyport.yaml name it.\npackage sallyport.teams.{team}\n\n{library}{rules}"
    )
}

fn test(answers: &Answers) -> String {
    let team = &answers.team;
    let call = match answers.rules {
        Rules::Guarded | Rules::Watching => {
            let set = match answers.rules {
                Rules::Guarded => "deny",
                _ => "warn",
            };
            format!(
                r#"test_what_destroys_is_seen if {{
	call := {{
		"flow": "answer", "operation": "tool_call", "via": "chat",
		"call": {{"id": "1", "tool": "shell"}},
		"findings": [{{"label": "action.delete.files", "score": 0.9, "kind": "tool_call", "author": "model", "part": 0, "start": 0, "end": 8}}],
	}}
	some spoken in {team}.{set} with input as call
	spoken.rule == "destructive"
}}
"#
            )
        }
        Rules::Closed => format!(
            r#"test_no_tool_may_be_called if {{
	not {team}.allow with input as {{"flow": "answer", "operation": "tool_call", "call": {{"id": "1", "tool": "shell"}}}}
}}
"#
        ),
    };
    format!(
        r#"# A rule whose name begins with `test_` is a test. `sallyport policy test` runs them.
package sallyport.teams.{team}_test

import data.sallyport.teams.{team}

test_a_model_may_be_asked if {{
	{team}.allow with input as {{"flow": "request", "operation": "chat", "model": "any"}}
}}

{call}"#
    )
}

fn told(args: &InitArgs, answers: &Answers, files: &[(String, String)], key: &str) {
    for (path, _) in files {
        tell(&format!(
            "{} {}",
            "wrote".green(),
            args.folder.join(path).display()
        ));
    }
    say(key);
    let folder = match args.folder.as_path() {
        here if here == Path::new(".") => String::new(),
        folder => format!("cd {} && ", folder.display()),
    };
    let (variable, url) = match answers.provider {
        Provider::Anthropic => (
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_BASE_URL=http://127.0.0.1:8080",
        ),
        _ => ("OPENAI_API_KEY", "OPENAI_BASE_URL=http://127.0.0.1:8080/v1"),
    };
    let provider_key = match answers.provider {
        Provider::Local => String::new(),
        _ => format!("{variable}=… "),
    };
    tell("that is the agent's key: it is shown once and kept nowhere");
    tell(&format!(
        "\nNext:\n  {folder}sallyport policy test\n  {provider_key}sallyport run      (the provider's key)\n  {url} {variable}=THE-KEY-ABOVE your-agent\n  http://127.0.0.1:9090            the console"
    ));
}
