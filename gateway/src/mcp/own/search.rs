//! Finding tools by what they do: BM25 over names, descriptions and parameters. The same tools and the same words give
//! the same order.

use super::shown::Item;
use sallyport_exchange::json::{Tape, Value};
use sallyport_firewall::boundary::floor;
use std::collections::HashMap;

/// How soon more of the same word counts for less (Robertson & Zaragoza, The Probabilistic Relevance Framework, 3.2).
const SATURATION: f64 = 1.2;
/// How much a long declaration is held against a tool.
const LENGTH: f64 = 0.5;
/// What a word counts in a name, a description, the name of a parameter, and its description.
const WEIGHTS: [f64; 4] = [4.0, 1.0, 0.8, 0.3];
/// What a word counts that only means the same.
const ALIKE: f64 = 0.5;
/// Words of one query that are looked for.
const QUERY_WORDS_MAX: usize = 64;
/// Bytes of one declaration that are looked at.
const LOOKED_AT_MAX: usize = 32 << 10;
/// Bytes of one word.
const WORD_MAX: usize = 64;

/// Words that say the same of what a tool does.
const SAME: [&[&str]; 13] = [
    &["get", "fetch", "read", "retrieve", "show", "view", "load"],
    &["list", "enumerate", "all"],
    &["search", "find", "query", "look", "lookup"],
    &["create", "add", "new", "make", "open", "insert"],
    &["delete", "remove", "erase", "drop"],
    &["update", "edit", "modify", "change", "set", "write"],
    &["send", "post", "submit", "publish"],
    &["run", "execute", "start", "trigger"],
    &["file", "document", "path"],
    &["repo", "repository"],
    &["pr", "pull"],
    &["picture", "image", "photo"],
    &["chart", "graph", "plot", "diagram"],
];

/// Words that are in everything.
const NOISE: [&str; 34] = [
    "a", "an", "and", "any", "are", "as", "at", "be", "by", "can", "for", "from", "how", "i", "in",
    "is", "it", "me", "my", "of", "on", "or", "please", "that", "the", "this", "to", "tool", "use",
    "used", "want", "what", "with", "you",
];

/// The words of a list of tools.
pub struct Index {
    /// For each word, which tools have it, and its weight there.
    postings: HashMap<String, Vec<(u32, f64)>>,
    /// The weight of all words of a tool.
    lengths: Vec<f64>,
    mean: f64,
}

/// What a search found.
pub(super) struct Found {
    /// Places of the best, best first.
    pub best: Vec<usize>,
    /// How many matched at all.
    pub all: usize,
}

impl Index {
    /// An index of these tools.
    pub(super) fn of(items: &[Item]) -> Index {
        let mut postings: HashMap<String, Vec<(u32, f64)>> = HashMap::new();
        let mut lengths = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            let mut words: HashMap<String, f64> = HashMap::new();
            for (text, weight) in texts(item) {
                for word in self::words(&text) {
                    *words.entry(word).or_default() += weight;
                }
            }
            // Sums of floats differ with their order, and that of a map is another each time.
            let mut weights: Vec<f64> = words.values().copied().collect();
            weights.sort_by(f64::total_cmp);
            lengths.push(weights.iter().sum());
            for (word, weight) in words {
                postings.entry(word).or_default().push((place, weight));
            }
        }
        let mean = lengths.iter().sum::<f64>() / (lengths.len().max(1) as f64);
        Index {
            postings,
            lengths,
            mean: mean.max(1.0),
        }
    }

    /// The tools that a query means, at most `limit`.
    pub(super) fn search(&self, query: &str, limit: usize) -> Found {
        let mut scores: Vec<f64> = vec![0.0; self.lengths.len()];
        for (word, weight) in meant(query) {
            let Some(having) = self.postings.get(&word) else {
                continue;
            };
            let (n, df) = (self.lengths.len() as f64, having.len() as f64);
            let rarity = (1.0 + (n - df + 0.5) / (df + 0.5)).ln();
            for (place, count) in having {
                let place = *place as usize;
                let long = 1.0 - LENGTH + LENGTH * self.lengths[place] / self.mean;
                let score = count * (SATURATION + 1.0) / (count + SATURATION * long);
                scores[place] += weight * rarity * score;
            }
        }
        let mut places: Vec<usize> = (0..scores.len()).filter(|p| scores[*p] > 0.0).collect();
        // Tools stand by server and name: of two that match alike, the first comes first.
        places.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]).then(a.cmp(b)));
        let all = places.len();
        places.truncate(limit);
        Found { best: places, all }
    }
}

/// The words of a query, each once, with what they count: those it has, and those that mean the same.
fn meant(query: &str) -> Vec<(String, f64)> {
    let mut meant: Vec<(String, f64)> = Vec::new();
    for word in words(query).into_iter().take(QUERY_WORDS_MAX) {
        match meant.iter_mut().find(|(known, _)| *known == word) {
            Some((_, weight)) => *weight = 1.0,
            None => meant.push((word, 1.0)),
        }
    }
    let own: Vec<String> = meant.iter().map(|(word, _)| word.clone()).collect();
    for family in SAME {
        let stems: Vec<String> = family.iter().map(|word| stem(word)).collect();
        if !own.iter().any(|word| stems.contains(word)) {
            continue;
        }
        for other in stems {
            if !meant.iter().any(|(known, _)| *known == other) {
                meant.push((other, ALIKE));
            }
        }
    }
    meant
}

/// What a tool says, and what a word counts there.
fn texts(item: &Item) -> Vec<(String, f64)> {
    let [name, description, parameter, said] = WEIGHTS;
    let mut texts = vec![(item.name.clone(), name)];
    let Ok(tape) = Tape::read_str(&item.json) else {
        return texts;
    };
    let tool = tape.root();
    let mut left = LOOKED_AT_MAX;
    let mut add = |text: Option<std::borrow::Cow<'_, str>>, weight: f64, texts: &mut Vec<_>| {
        let text = text.unwrap_or_default();
        let end = floor(&text, left);
        left -= end;
        texts.push((text[..end].to_owned(), weight));
    };
    for key in ["title", "description"] {
        add(
            tool.member(key).and_then(Value::as_str),
            description,
            &mut texts,
        );
    }
    let schema = tool.member("inputSchema");
    let properties = schema
        .and_then(|s| s.member("properties"))
        .and_then(Value::members);
    for (key, property) in properties.into_iter().flatten() {
        add(key.as_str(), parameter, &mut texts);
        add(
            property.member("description").and_then(Value::as_str),
            said,
            &mut texts,
        );
    }
    texts
}

/// The words of a text: identifiers apart, small, without endings. Writing without blanks gives its letters.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut before: Option<char> = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        if is_ideograph(letter) {
            take(&mut word, &mut words);
            words.push(letter.to_string());
            before = None;
            continue;
        }
        if !letter.is_alphanumeric() {
            take(&mut word, &mut words);
            before = None;
            continue;
        }
        let begins = before.is_some_and(|before| {
            let hump = before.is_lowercase() && letter.is_uppercase();
            let end_of_capitals = before.is_uppercase()
                && letter.is_uppercase()
                && next.is_some_and(char::is_lowercase);
            hump || end_of_capitals || before.is_numeric() != letter.is_numeric()
        });
        if begins {
            take(&mut word, &mut words);
        }
        word.extend(letter.to_lowercase());
        before = Some(letter);
    }
    take(&mut word, &mut words);
    words
}

fn take(word: &mut String, words: &mut Vec<String>) {
    if !word.is_empty() && word.len() <= WORD_MAX && !NOISE.contains(&word.as_str()) {
        words.push(stem(word));
    }
    word.clear();
}

fn is_ideograph(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}')
}

/// A word without its commonest English endings: `issues`, `creating`, `created` and `create` are two words.
fn stem(word: &str) -> String {
    if !word.is_ascii() || word.len() < 4 {
        return word.to_owned();
    }
    let mut stem = word;
    if let Some(rest) = stem.strip_suffix("ies").filter(|rest| rest.len() > 1) {
        return format!("{rest}y");
    }
    stem = match stem.strip_suffix('s') {
        Some(rest) if !rest.ends_with(['s', 'u', 'i']) => rest,
        _ => stem,
    };
    for ending in ["ing", "ed", "er"] {
        if let Some(rest) = stem.strip_suffix(ending)
            && rest.len() > 2
            && rest.contains(['a', 'e', 'i', 'o', 'u', 'y'])
        {
            stem = rest;
            let twice = rest.as_bytes().windows(2).last();
            if twice.is_some_and(|two| two[0] == two[1] && !matches!(two[0], b'l' | b's' | b'e')) {
                stem = &rest[..rest.len() - 1];
            }
            break;
        }
    }
    let stem = stem
        .strip_suffix('e')
        .filter(|rest| rest.len() > 2)
        .unwrap_or(stem);
    stem.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, description: &str) -> Item {
        Item {
            server: "s".into(),
            name: name.to_owned(),
            json: serde_json::json!({"name": name, "description": description}).to_string(),
        }
    }

    #[test]
    fn identifiers_are_taken_apart_and_endings_off() {
        assert_eq!(
            words("createIssue2 HTTPServer"),
            ["creat", "issu", "2", "http", "serv"]
        );
        assert_eq!(words("get_pull-requests"), ["get", "pull", "request"]);
        assert_eq!(words("必应 x"), ["必", "应", "x"]);
        for (one, other) in [
            ("issues", "issue"),
            ("creating", "created"),
            ("creates", "create"),
            ("repositories", "repository"),
            ("running", "run"),
            ("classes", "class"),
        ] {
            assert_eq!(stem(one), stem(other), "{one} {other}");
        }
        assert_ne!(stem("status"), stem("state"));
    }

    #[test]
    fn the_best_comes_first_and_every_time() {
        let items = [
            item("create_issue", "Opens an issue in a repository."),
            item("list_issues", "Lists the issues of a repository."),
            item("merge_pull_request", "Merges a pull request."),
            item("send_mail", "Sends a mail. Not about issues."),
        ];
        let index = Index::of(&items);
        let first = |query: &str| {
            let found = index.search(query, 1);
            found.best.first().map(|place| items[*place].name.as_str())
        };
        assert_eq!(first("creating an issue"), Some("create_issue"));
        assert_eq!(first("show all issues"), Some("list_issues"));
        assert_eq!(first("merge PR"), Some("merge_pull_request"));
        assert_eq!(first("email"), None);
        assert_eq!(first(""), None);
        let issues = index.search("issue", 2);
        assert_eq!((issues.best.len(), issues.all), (2, 3));
        for _ in 0..5 {
            assert_eq!(Index::of(&items).search("issue", 2).best, issues.best);
        }
    }

    #[test]
    fn long_queries_and_long_declarations_are_bounded() {
        let items = [
            item("a", &"word ".repeat(100_000)),
            item(&"b".repeat(10_000), "x"),
        ];
        let index = Index::of(&items);
        let begun = std::time::Instant::now();
        let found = index.search(&"word b x ".repeat(100_000), 10);
        assert_eq!(found.best, [0, 1]);
        assert!(begun.elapsed().as_secs() < 5);
    }
}
