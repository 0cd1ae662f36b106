//! What a session costs: tokens weighed by the prices of the providers' prompt caches.

use crate::count::Counter;
use serde_json::Value;

/// The share of blocks with something left out that a model asks to see after all.
pub const RETRIEVED_SHARE: f64 = 0.05;
/// Tokens that a retrieval gives back.
pub const RETRIEVED_TOKENS: f64 = 500.0;
/// Tokens the model writes to ask for it.
pub const ASKING_TOKENS: f64 = 60.0;
/// What an answered token costs, in tokens of a request.
pub const OUTPUT_PRICE: f64 = 5.0;
/// The tool that gives originals back, as it is offered; of every request where something may be left out.
pub const RETRIEVE_TOOL: &str = r##"{"type":"function","function":{"name":"sallyport_retrieve","description":"Original of a [compact …] answer by its ref: a range of lines, what a regular expression finds, or a JSON path.","parameters":{"type":"object","properties":{"ref":{"type":"string"},"range":{"type":"string","description":"10-80, or letters of a line: 1:500-900"},"grep":{"type":"string"},"path":{"type":"string","description":"$.items[3].name"},"limit":{"type":"integer","description":"tokens"}},"required":["ref"]}}}"##;
/// Tokens around each message, roughly.
const FRAME: f64 = 4.0;

/// How a provider charges for what it has seen before.
#[derive(Clone, Copy, Debug)]
pub struct Prices {
    /// Its name in tables.
    pub name: &'static str,
    /// What a token costs that is not in the cache.
    pub fresh: f64,
    /// What one costs that is.
    pub cached: f64,
    /// Tokens that a cached beginning has, at least.
    pub least: f64,
    /// The cached beginning is a multiple of this.
    pub step: f64,
}

/// Anthropic: a write costs a quarter more (kept for five minutes), a read a tenth.
pub const ANTHROPIC: Prices = Prices {
    name: "Anthropic",
    fresh: 1.25,
    cached: 0.1,
    least: 1024.0,
    step: 1.0,
};
/// OpenAI: a write costs nothing more, a read a tenth; beginnings of 1024 tokens and more, in steps of 128.
pub const OPENAI: Prices = Prices {
    name: "OpenAI",
    fresh: 1.0,
    cached: 0.1,
    least: 1024.0,
    step: 128.0,
};

/// One request, by what its messages cost.
#[derive(Clone, Debug)]
pub struct Request {
    /// Tokens of what stands before the messages: tools on offer.
    pub head: f64,
    /// Tokens of each message.
    pub messages: Vec<f64>,
    /// Messages at its beginning that the request before it held in the same bytes.
    pub same: usize,
    /// Blocks new in this request in which something is left out.
    pub left_out: usize,
}

impl Request {
    /// Tokens of all of it.
    pub fn tokens(&self) -> f64 {
        self.head + self.messages.iter().sum::<f64>()
    }
}

/// The tokens of one message: its words, its calls, and its frame.
pub fn message_tokens(message: &Value, counter: &mut Counter) -> f64 {
    let mut tokens = FRAME;
    let mut add = |text: &str| tokens += counter.count(text).o200k as f64;
    match &message["content"] {
        Value::String(text) => add(text),
        Value::Array(blocks) => blocks
            .iter()
            .for_each(|b| add(b["text"].as_str().unwrap_or(""))),
        _ => {}
    }
    for call in message["tool_calls"].as_array().into_iter().flatten() {
        add(call["function"]["name"].as_str().unwrap_or(""));
        add(call["function"]["arguments"].as_str().unwrap_or(""));
    }
    tokens
}

/// What the requests of a session cost, in tokens at the plain price. The cache is warm: every request comes within its
/// time. Retrievals are charged: another request that reads all there is, and what comes back in all later ones.
pub fn bill(requests: &[Request], prices: Prices) -> f64 {
    let mut cost = 0.0;
    for (at, request) in requests.iter().enumerate() {
        let all = request.tokens();
        let beginning = match at {
            0 => 0.0,
            _ => request.head + request.messages[..request.same].iter().sum::<f64>(),
        };
        let hit = match beginning >= prices.least {
            true => (beginning / prices.step).floor() * prices.step,
            false => 0.0,
        };
        cost += (all - hit) * prices.fresh + hit * prices.cached;
        let retrievals = request.left_out as f64 * RETRIEVED_SHARE;
        let brought = RETRIEVED_TOKENS + ASKING_TOKENS;
        let later = (requests.len() - at) as f64;
        let once = all * prices.cached + ASKING_TOKENS * OUTPUT_PRICE + brought * prices.fresh;
        cost += retrievals * (once + later * brought * prices.cached);
    }
    cost
}
