//! What the demo prints: in colour on a terminal, plain elsewhere.

use super::Told;
use super::stories::Story;
use crate::server::Addresses;
use anstream::println;
use owo_colors::OwoColorize;
use serde_json::Value;
use std::path::Path;

/// Characters of a message that are shown.
const SHOWN: usize = 150;

/// Before the walk.
pub(super) fn opening(addresses: Addresses, policies: &Path) {
    println!("{}", "Sallyport demo".bold());
    println!(
        "The gateway listens on http://{}; a scripted model and scripted tool servers answer behind it.",
        addresses.agents
    );
    println!("Policies: {}", policies.display());
}

/// One exchange.
pub(super) fn story(number: usize, story: &Story, told: &Told) {
    println!();
    println!("{} {}", format!("{number}.").bold(), story.title.bold());
    println!("   {}", story.look.dimmed());
    println!("   {}  {}", "agent sent".cyan(), sent(&story.body));
    let who = match story.method() {
        Some(_) => "tools saw ",
        None => "model saw ",
    };
    match &told.saw {
        Some(saw) => println!("   {}  {}", who.cyan(), sent(saw)),
        None => println!("   {}  {}", who.cyan(), "nothing".bold()),
    }
    if let Some(said) = &told.said {
        println!("   {}  {}", "tools said".cyan(), cut(&tools_said(said)));
    }
    println!(
        "   {}   {} {}",
        "agent got".cyan(),
        told.heard.status,
        cut(&told.heard.told())
    );
    println!("   {}     {}", "verdict".cyan(), why(told));
    if !told.is_as(story) {
        println!(
            "   {}",
            format!("This should have been {} by {}.", story.verdict, story.rule)
                .red()
                .bold()
        );
    }
}

fn why(told: &Told) -> String {
    let verdict = match told.verdict() {
        "allowed" => "allowed".green().to_string(),
        "redacted" => "redacted".yellow().to_string(),
        other => other.red().to_string(),
    };
    let names = |key: &str, field: &str| -> Vec<String> {
        let items = told.record[key]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let mut names: Vec<String> = items
            .iter()
            .filter_map(|item| {
                if field.is_empty() {
                    item.as_str()
                } else {
                    item[field].as_str()
                }
            })
            .map(str::to_owned)
            .collect();
        names.dedup();
        names
    };
    let mut words = vec![verdict.bold().to_string()];
    let findings = told.record["findings"].as_array();
    let spans: Vec<String> = findings
        .into_iter()
        .flatten()
        .filter(|found| {
            found["label"] == "injection.embedded" || found["label"] == "injection.override"
        })
        .map(|found| {
            format!(
                "bytes {}..{} at {:.2}",
                found["start"],
                found["end"],
                found["score"].as_f64().unwrap_or_default()
            )
        })
        .collect();
    for (word, list) in [
        ("rules", names("rules", "")),
        ("found", names("findings", "label")),
        ("at", spans),
        ("hidden", names("hidden", "")),
    ] {
        if !list.is_empty() {
            words.push(format!("{word} {}", list.join(", ")));
        }
    }
    words.extend(small(&told.record["compression"]));
    words.push(format!("decision {}", told.heard.id).dimmed().to_string());
    words.join(" · ")
}

/// What compression did, where it did something.
fn small(compression: &Value) -> Option<String> {
    let rewritten = compression["rewritten"].as_u64().filter(|n| *n > 0)?;
    let saved = &compression[compression["mode"].as_str()?];
    let tokens = match (
        saved["tokens_before"].as_u64(),
        saved["tokens_after"].as_u64(),
    ) {
        (Some(before), Some(after)) => format!(", {before} tokens to {after}"),
        // It is counted beside the exchange, which did not wait for it.
        _ => String::new(),
    };
    Some(format!(
        "made small {rewritten} of {}{tokens}",
        compression["blocks"]
    ))
}

/// What a tool server answered, in one line.
fn tools_said(result: &Value) -> String {
    let Some(tools) = result["tools"].as_array() else {
        let text = result["content"][0]["text"].as_str();
        return text.unwrap_or_default().to_owned();
    };
    let told = tools.iter().map(|tool| {
        let word = |key: &str| tool[key].as_str().unwrap_or_default();
        format!("{} “{}”", word("name"), word("description"))
    });
    told.collect::<Vec<_>>().join(", ")
}

/// A request in one line: its last message, and the tools on offer; or what is asked of a tool server.
fn sent(body: &Value) -> String {
    if let Some(method) = body["method"].as_str() {
        let params = &body["params"];
        let call = params["name"]
            .as_str()
            .map(|name| format!(" {name} {}", params["arguments"]));
        return format!("{}{}", method.dimmed(), call.unwrap_or_default());
    }
    let messages = body["messages"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let words = messages
        .last()
        .and_then(|message| message["content"].as_str())
        .unwrap_or_default();
    let tools = body["tools"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let names = tools
        .iter()
        .filter_map(|tool| tool["function"]["name"].as_str().or(tool["name"].as_str()));
    let names: Vec<&str> = names.collect();
    let model = body["model"].as_str().unwrap_or_default();
    let tools = if names.is_empty() {
        String::new()
    } else {
        format!(" [tools: {}]", names.join(", "))
    };
    format!("{} “{}”{tools}", model.dimmed(), cut(words))
}

/// A text as a terminal may show it: what cannot be seen is counted.
fn cut(text: &str) -> String {
    let seen: String = text.chars().filter(|c| !is_unseen(*c)).collect();
    let unseen = text.chars().filter(|c| is_unseen(*c)).count();
    let mut shown: String = seen
        .chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if seen.chars().count() > SHOWN {
        shown.push('…');
    }
    if unseen > 0 {
        shown += &format!(" ‹{unseen} characters that nobody sees›");
    }
    shown
}

fn is_unseen(c: char) -> bool {
    matches!(c, '\u{E0000}'..='\u{E007F}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{206F}')
}

/// After the walk.
pub(super) fn closing(otherwise: usize) {
    println!();
    match otherwise {
        0 => println!("{}", "Every exchange ended as it should.".green().bold()),
        n => println!(
            "{}",
            format!("{n} exchanges ended otherwise than they should have.")
                .red()
                .bold()
        ),
    }
}

/// While it stays up. The keys: one for models, one for tool servers.
pub(super) fn standing(
    addresses: Addresses,
    (key, tools_key): (&str, &str),
    providers: &[&str],
    policies: &Path,
) {
    let agents = addresses.agents;
    println!();
    println!("{}", "Point an SDK at it:".bold());
    println!("  export OPENAI_BASE_URL=http://{agents}/v1");
    println!("  export ANTHROPIC_BASE_URL=http://{agents}");
    println!("  export OPENAI_API_KEY={key} ANTHROPIC_API_KEY={key}");
    println!("Or a client of tool servers:");
    println!(
        "  claude mcp add --transport http demo http://{agents}/mcp --header \"Authorization: Bearer {tools_key}\""
    );
    match providers {
        [] => println!(
            "The scripted model answers; tell it what to do with `say …`, `call TOOL with {{…}}`, `echo …`, `slow`."
        ),
        set => println!(
            "Now the real provider answers, by your {}; the scripted model for the rest.",
            set.join(" and ")
        ),
    }
    println!(
        "Change a rule in {} and ask again: it holds at once.",
        policies.display()
    );
    println!(
        "Operators: http://{}   Stop with Ctrl-C.",
        addresses.operators
    );
}
