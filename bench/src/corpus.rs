//! What an agent sends: conversations of any size, with prose, code, JSON, logs and diffs in them.

use serde_json::{Value, json};

/// The model that is asked for.
pub const MODEL: &str = "demo-model";
/// Asked for by requests whose stream is to stop after one event and stay open.
pub const MODEL_THAT_WAITS: &str = "demo-model-waits";
/// One secret for about so many bytes, where a body is to hold some.
const BYTES_PER_SECRET: usize = 8 << 10;

/// What a body is to be like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wish {
    /// Its length, to the byte.
    pub bytes: usize,
    /// Whether a streamed answer is asked for.
    pub stream: bool,
    /// Whether tool results hold secrets, which the policies mask.
    pub secrets: bool,
    /// Whether the answer is to stop after its first event.
    pub waits: bool,
}

/// A chat-completions request: system, user, then turn after turn of a tool call, its result and what the
/// model said of it. Always the same for the same wish.
pub fn chat_request(wish: Wish) -> Vec<u8> {
    let mut dice = Dice(0x5a11_1907);
    let mut messages = vec![
        json!({"role": "system", "content": SYSTEM}),
        json!({"role": "user", "content": "Find out why invoices of last Friday were sent twice, and propose a fix."}),
    ];
    let mut size = render(wish, &messages).len();
    let mut since_secret = BYTES_PER_SECRET / 2;
    for turn in 0.. {
        let with_secret = wish.secrets && (since_secret >= BYTES_PER_SECRET || turn == 0);
        let turn = turn_of(turn, &mut dice, with_secret);
        let added: usize = turn
            .iter()
            .map(|message| message.to_string().len() + 1)
            .sum();
        if size + added + 64 > wish.bytes {
            break;
        }
        since_secret = if with_secret { 0 } else { since_secret + added };
        size += added;
        messages.extend(turn);
    }
    messages.push(json!({"role": "user", "content": ""}));
    let missing = wish.bytes.saturating_sub(render(wish, &messages).len());
    let mut last = String::new();
    while last.len() < missing {
        last.push_str(sentence(&mut dice));
        last.push(' ');
    }
    last.truncate(missing);
    if let Some(message) = messages.last_mut() {
        message["content"] = json!(last);
    }
    render(wish, &messages)
}

/// The body. What decides how it is answered stands first, so that the upstream need not read on.
fn render(wish: Wish, messages: &[Value]) -> Vec<u8> {
    let model = if wish.waits { MODEL_THAT_WAITS } else { MODEL };
    let tools = if wish.bytes < 2048 {
        &TOOLS[..1]
    } else {
        &TOOLS[..]
    };
    let tools: Vec<Value> = tools
        .iter()
        .map(|(name, say, argument)| tool(name, say, argument))
        .collect();
    let head = format!("{{\"model\":{},\"stream\":{},", json!(model), wish.stream);
    let rest = json!({"messages": messages, "tools": tools, "temperature": 0.2}).to_string();
    [head.as_bytes(), &rest.as_bytes()[1..]].concat()
}

fn tool(name: &str, say: &str, argument: &str) -> Value {
    json!({"type": "function", "function": {"name": name, "description": say, "parameters": {
        "type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]}}})
}

/// A tool call, its result, and now and then some words about it.
fn turn_of(turn: usize, dice: &mut Dice, secret: bool) -> Vec<Value> {
    let id = format!("call_{:08x}", dice.next());
    let (tool, arguments) = match turn % 3 {
        0 => (
            "read_file",
            json!({"path": format!("src/billing/{}.rs", NAMES[dice.below(NAMES.len())])}),
        ),
        1 => (
            "search",
            json!({"query": format!("{} timeout retry", NAMES[dice.below(NAMES.len())]), "limit": 20}),
        ),
        _ => (
            "run_sql",
            json!({"database": "test", "sql": format!("select id, state from jobs where id > {} order by id", dice.below(9999))}),
        ),
    };
    let mut result = result_of(turn, dice);
    if secret {
        let digits = format!(
            "{:08x}{:08x}{:08x}{:08x}",
            dice.next(),
            dice.next(),
            dice.next(),
            dice.next()
        );
        result.push_str(&format!("\nGITHUB_TOKEN=ghp_{}{}\n", digits, "Zq3K"));
    }
    let mut messages = vec![
        json!({"role": "assistant", "content": null, "tool_calls": [
            {"id": id, "type": "function", "function": {"name": tool, "arguments": arguments.to_string()}}]}),
        json!({"role": "tool", "tool_call_id": id, "content": result}),
    ];
    if turn % 2 == 1 {
        let words: Vec<&str> = (0..3 + dice.below(4)).map(|_| sentence(dice)).collect();
        messages.push(json!({"role": "assistant", "content": words.join(" ")}));
    }
    messages
}

/// What a tool found, as text: code, hits, rows, log lines, a diff, Markdown, turn by turn.
fn result_of(turn: usize, dice: &mut Dice) -> String {
    match turn % 6 {
        0 => rust_code(dice),
        1 => hits(dice),
        2 => rows(dice),
        3 => log_lines(dice),
        4 => diff(dice),
        _ => markdown(dice),
    }
}

/// What a tool found, so long that it takes about so many bytes as JSON. Always the same for the same length.
pub fn tool_text(bytes: usize) -> String {
    let mut dice = Dice(0x7001_1907);
    let mut text = String::new();
    for turn in 0.. {
        text.push_str(&result_of(turn, &mut dice));
        text.push('\n');
        let written = json!(text).to_string().len();
        if written < bytes {
            continue;
        }
        // Escapes are spread evenly enough: the same share of the text is cut as of its JSON.
        let mut end = text.len() * bytes / written;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        break;
    }
    text
}

/// A few sentences, at least so many bytes.
pub fn words(bytes: usize, seed: u64) -> String {
    let mut dice = Dice(0x5a11_1907 + seed);
    let mut text = sentence(&mut dice).to_owned();
    while text.len() < bytes {
        text.push(' ');
        text.push_str(sentence(&mut dice));
    }
    text
}

fn rust_code(dice: &mut Dice) -> String {
    let mut out = String::from("//! Sends what is due.\n\nuse std::collections::HashMap;\n\n");
    for _ in 0..4 + dice.below(8) {
        let (a, b) = (
            NAMES[dice.below(NAMES.len())],
            NAMES[dice.below(NAMES.len())],
        );
        let limit = dice.below(500);
        out.push_str(&format!(
            "/// Collects each `{a}` by its id; at most {limit}.\npub fn {a}_by_id(all: &[{a}], seen: &mut HashMap<u64, usize>) -> Option<u64> {{\n    for (at, {b}) in all.iter().enumerate().take({limit}) {{\n        if seen.insert({b}.id, at).is_some() && {b}.state != \"sent\" {{\n            return Some({b}.id);\n        }}\n    }}\n    None\n}}\n\n"
        ));
    }
    out
}

fn hits(dice: &mut Dice) -> String {
    let hits: Vec<Value> = (0..5 + dice.below(10))
        .map(|rank| {
            let name = NAMES[dice.below(NAMES.len())];
            json!({"rank": rank, "score": f64::from(dice.next() % 1000) / 1000.0, "commit": format!("{:08x}{:08x}", dice.next(), dice.next()),
                "url": format!("https://code.example.com/billing/blob/main/src/{name}.rs#L{}", dice.below(900)),
                "snippet": format!("let {name} = queue.take({});\n// {}", dice.below(90), sentence(dice))})
        })
        .collect();
    json!({"took_ms": dice.below(90), "hits": hits}).to_string()
}

fn rows(dice: &mut Dice) -> String {
    let mut out = String::from("id,customer,state,amount,currency,updated_at\n");
    for _ in 0..12 + dice.below(30) {
        let state = ["sent", "queued", "failed", "retrying"][dice.below(4)];
        out.push_str(&format!(
            "{},{},{state},{}.{:02},EUR,2026-05-{:02}T{:02}:{:02}:07Z\n",
            dice.below(99_999),
            NAMES[dice.below(NAMES.len())],
            dice.below(9000),
            dice.below(100),
            1 + dice.below(28),
            dice.below(24),
            dice.below(60)
        ));
    }
    out
}

fn log_lines(dice: &mut Dice) -> String {
    let mut out = String::new();
    for _ in 0..10 + dice.below(25) {
        let level = ["INFO ", "WARN ", "DEBUG", "ERROR"][dice.below(4)];
        out.push_str(&format!(
            "2026-05-22 06:{:02}:{:02}.{:03} {level} billing::{} [worker-{}] took={}ms attempt={} {}\n",
            dice.below(60), dice.below(60), dice.below(1000), NAMES[dice.below(NAMES.len())], dice.below(8), dice.below(4000), dice.below(4), sentence(dice)
        ));
    }
    out
}

fn diff(dice: &mut Dice) -> String {
    let name = NAMES[dice.below(NAMES.len())];
    let mut out = format!(
        "diff --git a/src/{name}.rs b/src/{name}.rs\nindex {:07x}..{:07x} 100644\n--- a/src/{name}.rs\n+++ b/src/{name}.rs\n",
        dice.next() >> 4,
        dice.next() >> 4
    );
    for _ in 0..3 + dice.below(6) {
        let (a, b) = (NAMES[dice.below(NAMES.len())], dice.below(400));
        out.push_str(&format!(
            "@@ -{b},7 +{b},9 @@ impl Queue {{\n     let {a} = self.next()?;\n-    if {a}.due <= now {{\n+    if {a}.due <= now && !{a}.taken.swap(true, Ordering::AcqRel) {{\n+        tracing::debug!(id = {a}.id, \"taken\");\n         self.send({a}).await?;\n     }}\n"
        ));
    }
    out
}

fn markdown(dice: &mut Dice) -> String {
    let mut out = format!(
        "# Runbook: {}\n\nZuletzt geprüft im März — nothing here is urgent.\n\n",
        NAMES[dice.below(NAMES.len())]
    );
    for _ in 0..4 + dice.below(6) {
        out.push_str(&format!("## {}\n\n", sentence(dice)));
        for _ in 0..2 + dice.below(3) {
            out.push_str(&format!("- {} {}\n", sentence(dice), sentence(dice)));
        }
        out.push_str(&format!(
            "\n```sh\ncurl -s http://localhost:8080/{}/{} | jq '.state'\n```\n\n",
            NAMES[dice.below(NAMES.len())],
            dice.below(999)
        ));
    }
    out
}

fn sentence(dice: &mut Dice) -> &'static str {
    SENTENCES[dice.below(SENTENCES.len())]
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as u32
    }

    fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n
    }
}

const SYSTEM: &str = "You help the engineers of a billing team. Read before you change anything, and show the evidence.";

const TOOLS: [(&str, &str, &str); 3] = [
    ("read_file", "Read a file of the repository", "path"),
    (
        "search",
        "Search code and documents; returns ranked snippets",
        "query",
    ),
    (
        "run_sql",
        "Run a query on a database and return rows as CSV",
        "sql",
    ),
];

const NAMES: [&str; 12] = [
    "invoice", "ledger", "mailer", "schedule", "retry", "account", "queue", "batch", "receipt",
    "currency", "tenant", "webhook",
];

const SENTENCES: [&str; 14] = [
    "The lease of the job expired while the mail server was still answering.",
    "Both workers then saw the same row in state queued and sent it.",
    "A unique index over customer and period would have refused the second one.",
    "The clock of the second host was forty seconds behind.",
    "Retries are counted per process, so a restart forgets them.",
    "I would first make the write conditional, then shorten the lease.",
    "Nothing in the log shows that the transaction was rolled back.",
    "This test passes on its own and fails when the whole suite runs.",
    "The change is small, but it touches the path that every invoice takes.",
    "Amounts are kept in cents and converted once, when they are shown.",
    "Please run the migration in a window without scheduled batches.",
    "The cache is filled lazily and never emptied, which explains the memory.",
    "We agreed last week that webhooks are sent at least once.",
    "The receipt refers to a tenant that was renamed in between.",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_have_the_wanted_length_and_are_json() {
        for bytes in [1 << 10, 4 << 10, 32 << 10, 100 << 10, 1 << 20] {
            for (stream, secrets) in [(false, false), (true, true)] {
                let body = chat_request(Wish {
                    bytes,
                    stream,
                    secrets,
                    waits: false,
                });
                assert_eq!(body.len(), bytes, "the length is what was wished");
                assert!(
                    serde_json::from_slice::<Value>(&body).is_ok(),
                    "the body of {bytes} bytes is JSON"
                );
            }
        }
    }
}
