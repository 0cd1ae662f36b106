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
        "The gateway listens on http://{}, a scripted model answers behind it.",
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
    match &told.saw {
        Some(saw) => println!("   {}   {}", "model saw".cyan(), sent(saw)),
        None => println!("   {}   {}", "model saw".cyan(), "nothing".bold()),
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
    for (word, list) in [
        ("rules", names("rules", "")),
        ("found", names("findings", "label")),
        ("hidden", names("hidden", "")),
    ] {
        if !list.is_empty() {
            words.push(format!("{word} {}", list.join(", ")));
        }
    }
    words.push(format!("decision {}", told.heard.id).dimmed().to_string());
    words.join(" · ")
}

/// A request in one line: its last message, and the tools on offer.
fn sent(body: &Value) -> String {
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

/// While it stays up.
pub(super) fn standing(addresses: Addresses, key: &str, providers: &[&str], policies: &Path) {
    let agents = addresses.agents;
    println!();
    println!("{}", "Point an SDK at it:".bold());
    println!("  export OPENAI_BASE_URL=http://{agents}/v1");
    println!("  export ANTHROPIC_BASE_URL=http://{agents}");
    println!("  export OPENAI_API_KEY={key} ANTHROPIC_API_KEY={key}");
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
