//! Orders to the model inside declarations. A description says what a tool does and what it needs; these
//! phrases speak to the model about other things: what to hide, whom to obey, what to fetch along.
//!
//! Phrases, in English, in linear time. Honest descriptions give orders too ("You must provide an absolute
//! path", "Call resolve-library-id first"), so each phrase needs a matter no tool has any business with.

use crate::clean::Clean;
use crate::finding::{Hit, INSTRUCTIONS, Severity};
use crate::leaves::Leaf;
use regex::bytes::{Regex, RegexSet};
use std::sync::LazyLock;

struct Order {
    /// Case does not count, nor does what kind of blank stands between words.
    pattern: &'static str,
    severity: Severity,
    score: f32,
    says: &'static str,
}

const fn refusal(pattern: &'static str, says: &'static str) -> Order {
    Order {
        pattern,
        severity: Severity::Refusal,
        score: 0.85,
        says,
    }
}

const fn warning(pattern: &'static str, says: &'static str) -> Order {
    Order {
        pattern,
        severity: Severity::Warning,
        score: 0.5,
        says,
    }
}

/// Where keys and passwords lie on people's machines.
macro_rules! secret_places {
    () => {
        r"(?:\.ssh(?:/|\b)|id_rsa|id_ed25519|id_ecdsa|\.aws/|/etc/passwd|/etc/shadow|\.cursor/|mcp\.json|claude_desktop_config|\.netrc|\.npmrc|\.pypirc|\.git-credentials|\.kube/config|\.docker/config|\.gnupg|wallet\.dat|\.bash_history|\.zsh_history|\.env\b|(?:private|ssh|api)[ ]keys?\b|environment[ ]variables)"
    };
}

#[rustfmt::skip]
const ORDERS: &[Order] = &[
    refusal(r"\b(?:ignore|disregard|forget|do[ ]not[ ]follow|don't[ ]follow|stop[ ]following)[ ]+(?:(?:all|any|the|of|your|these|those|every|my|and)[ ]+){0,4}(?:previous|prior|above|earlier|preceding|foregoing|system|original|safety|other)[ ]+(?:[a-z]+[ ]+){0,2}?(?:instructions?|prompts?|rules|guidelines|directives|policies|restrictions|constraints|tools?)\b",
        "tells the model to disregard what it was told"),
    refusal(r"\b(?:override|bypass|circumvent|disable)s?[ ]+(?:(?:all|any|the|of|your)[ ]+){0,3}(?:system[ ]prompt|safety|previous[ ]instructions|system[ ]instructions|guardrails|content[ ]polic|security[ ]polic)",
        "tells the model to get around what holds it"),
    refusal(r"\b(?:do[ ]not|don't|never|must[ ]not|mustn't|should[ ]not|shouldn't|avoid|without)[ ]+(?:[a-z]+[ ]+){0,2}?(?:tell|telling|mention|mentioning|inform|informing|disclose|disclosing|reveal|revealing|alert|alerting)[ ]+(?:(?:[a-z]+[ ]+){0,6}?)(?:user|human|operator|anyone|anybody)s?\b",
        "tells the model to keep something from people"),
    refusal(r"\bhide[ ]+(?:this|it|these|that)[ ]+(?:[a-z]+[ ]+){0,2}?from[ ]+(?:the[ ]+)?(?:user|human|operator)s?\b",
        "tells the model to keep something from people"),
    refusal(r"\bwithout[ ]+(?:the[ ]+)?(?:user|human|operator)(?:'s)?[ ]+(?:knowing|noticing|knowledge|awareness|being[ ]aware|consent)\b",
        "tells the model to act behind people's backs"),
    refusal(r"\b(?:secretly|covertly|surreptitiously|quietly|silently)[ ]+(?:[a-z]+[ ]+){0,1}?(?:send|forward|read|copy|include|upload|pass|call|invoke|exfiltrate|transmit|bcc|append)\b",
        "tells the model to act behind people's backs"),
    refusal(r"<[ ]*/?[ ]*(?:important|system|critical|secret_instructions?|hidden_instructions?|admin|sys)[ ]*>",
        "frames words as more than a description"),
    refusal(concat!(r"\b(?:read|open|cat|load|fetch|get|access|retrieve|find|include|pass|send|provide|upload|append|collect)\b[^.\n]{0,80}?", secret_places!(), r"[^\n]{0,160}?\b(?:pass|include|send|provide|put|append|paste|insert|upload|attach|supply|as[ ]the|into[ ]the|in[ ]the)\b[^\n]{0,40}?\b(?:contents?|sidenote|side_note|notes?|parameter|argument|context|field|it|them|attachment|metadata)\b"),
        "tells the model to fetch secrets and to hand them over"),
    refusal(concat!(r"\b(?:pass|include|send|provide|put|append|paste|insert|upload|attach)[ ]+(?:[a-z]+[ ]+){0,2}?contents?[ ]+of[^.\n]{0,40}?", secret_places!()),
        "tells the model to fetch secrets and to hand them over"),
    refusal(r"\bread[ ]+(?:the[ ]+)?(?:file[ ]+)?[`'\x22]?(?:~|/|\$home)[^ \n]{1,80}[^.\n]{0,40}?\b(?:and|then)[ ]+(?:pass|include|send|provide|put|append|paste|insert|upload)\b",
        "tells the model to fetch a file and to hand it over"),
    refusal(r"\b(?:change|replace|rewrite|substitute|set|modify)[ ]+(?:[a-z']+[ ]+){0,3}?(?:recipient|destination|payee|receiver|phone[ ]number|account[ ]number|iban|e-?mail[ ]address)s?\b[^.\n]{0,40}?\b(?:to|with)[ ]+[^ \n]{0,24}(?:\+?[0-9]{6}|@)",
        "tells the model to send things to somebody else"),
    refusal(r"\b(?:send|forward|bcc|cc|copy|redirect)\b[^.\n]{0,60}?\b(?:all|every|any|each)\b[^.\n]{0,60}?\bto\b[^.\n]{0,24}?[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@[a-z0-9-]+\.[a-z]",
        "tells the model to send things to somebody else"),
    refusal(r"\b(?:include|send|pass|provide|put|append|forward|attach|insert|summari[sz]e)\b[^.\n]{0,40}?\b(?:entire|full|whole|complete|all)[ ]+(?:of[ ]+)?(?:the[ ]+|this[ ]+|our[ ]+|previous[ ]+|prior[ ]+)*(?:conversation|chat|message)s?[ ]*(?:history|context|log|transcript)\b[^.\n]{0,60}?\b(?:in|into|to|as)[ ]+(?:the[ ]+|this[ ]+)?[`'\x22]?(?:sidenote|side_note|note|metadata|context|feedback|debug|hidden)",
        "tells the model to hand the conversation over"),
    refusal(r"\b(?:reveal|include|send|pass|append|repeat|print|leak|output)[ ]+(?:[a-z]+[ ]+){0,2}?(?:your|its|the[ ]+(?:full|entire|complete|hidden|exact|initial))[ ]+(?:[a-z]+[ ]+){0,1}?(?:system[ ](?:prompt|message|instructions)|initial[ ](?:prompt|instructions))\b",
        "tells the model to hand its instructions over"),
    refusal(r"\b(?:attention|notice[ ]to|message[ ]to|message[ ]for|important[ ]instructions?[ ]for)[ ,:]+(?:the[ ]+|all[ ]+|any[ ]+)?(?:ai|llm|assistant|language[ ]model)s?\b",
        "speaks to the model about itself"),
    refusal(r"\b(?:from[ ]now[ ]on|starting[ ]now)[ ,]+(?:you|the[ ]assistant|always|every)\b",
        "gives the model rules beyond this tool"),
    refusal(r"\bexfiltrat(?:e|es|ing)\b[^.\n]{0,40}?\b(?:data|secrets?|credentials?|keys?|files?|tokens?|conversation|it|them)\b",
        "tells the model to hand things over"),
    warning(r"\b(?:before|after|prior[ ]to|when|whenever)[ ]+(?:you[ ]+)?(?:using|calling|invoking|running|executing|use|call|invoke|run|answering|responding|doing|any[ ]+use[ ]+of)[ ]+(?:(?:to|of|with)[ ]+)?(?:any|all|every|each)[ ]+(?:of[ ]+the[ ]+)?(?:(?:other|another|available)[ ]+)?tools?\b",
        "gives the model rules about other tools"),
    warning(r"\b(?:before|after)[ ]+(?:using|calling|invoking|running)[ ]+(?:any[ ]+other|any|all|every|another)[ ]+(?:[a-z]+[ ]+){0,1}?tools?\b|\bbefore[ ]+(?:doing[ ]+anything|any[ ]+other[ ]+(?:action|step|operation|tool)|answering[ ]+(?:any|every|the)|responding[ ]+to[ ]+(?:any|every|the))",
        "gives the model rules about other tools"),
    warning(r"\b(?:this[ ]+tool|it)[ ]+(?:must|should)[ ]+(?:always[ ]+)?be[ ]+(?:used|called|invoked|preferred|chosen)[ ]+(?:instead[ ]+of|over|in[ ]+place[ ]+of|before)[ ]+(?:any|all|every|other)\b|\balways[ ]+(?:prefer|choose|use)[ ]+this[ ]+(?:tool[ ]+)?(?:over|instead[ ]+of)[ ]+(?:any|all|every|other)\b",
        "puts itself before other tools"),
    warning(r"\b(?:read|open|cat|fetch|upload|send)[ ]+(?:[a-z]+[ ]+){0,4}?[`'\x22]?[~/a-z.]{0,24}?(?:~/\.ssh|id_rsa|id_ed25519|\.aws/credentials|/etc/passwd|/etc/shadow|\.git-credentials|\.cursor/mcp\.json|claude_desktop_config)",
        "names a place where secrets lie"),
    warning(r"\b(?:do[ ]not|don't|never)[ ]+(?:ask|request|seek|wait[ ]for)[ ]+(?:[a-z]+[ ]+){0,3}?(?:confirmation|permission|approval|consent)\b",
        "tells the model not to ask people"),
    warning(r"\b(?:pass|include|send|provide|put|append|attach)\b[^.\n]{0,40}?\b(?:entire|full|whole|complete)[ ]+(?:conversation|chat|message)[ ]*(?:history|context|log|transcript)\b",
        "asks for the conversation"),
];

/// The patterns, with blanks as they come in texts.
fn patterns() -> impl Iterator<Item = String> {
    ORDERS.iter().map(|order| {
        let blank = r"[\s_*\x22>-]";
        let pattern = order.pattern.replace("[ ]+", &format!("{blank}{{1,4}}"));
        let pattern = pattern.replace("[ ]*", r"\s{0,4}");
        let pattern = pattern.replace("[ ]", &format!("{blank}{{1,3}}"));
        format!("(?i-u){pattern}")
    })
}

struct Orders {
    any: RegexSet,
    each: Vec<Regex>,
}

/// `None` cannot be: a test compiles them. Then nothing would be found, which the tests would see.
static COMPILED: LazyLock<Option<Orders>> = LazyLock::new(|| {
    Some(Orders {
        any: RegexSet::new(patterns()).ok()?,
        each: patterns()
            .map(|pattern| Regex::new(&pattern))
            .collect::<Result<_, _>>()
            .ok()?,
    })
});

/// The shortest text in which an order fits.
const ORDER_MIN: usize = 6;

pub(crate) fn check(leaf: &Leaf<'_, '_>, hits: &mut Vec<Hit>) {
    if leaf.text.len() < ORDER_MIN {
        return;
    }
    let Some(orders) = &*COMPILED else { return };
    let clean = Clean::of(leaf.text);
    for index in orders.any.matches(&clean.bytes) {
        let order = &ORDERS[index];
        if let Some(place) = orders.each[index].find(&clean.bytes) {
            hits.push(Hit {
                label: INSTRUCTIONS,
                severity: order.severity,
                score: order.score,
                range: clean.origin(place.range()),
                says: order.says.to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_pattern_compiles() {
        for pattern in super::patterns() {
            regex::bytes::Regex::new(&pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
        }
        assert!(super::COMPILED.is_some());
    }
}
