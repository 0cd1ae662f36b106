//! Words that no honest text needs to be passed unread: what they touch is always handed to the model.
//!
//! They decide nothing while the model answers: honest people quote attacks. Where the model is turned off
//! they are findings by themselves.

use crate::Label;
use regex::Regex;
use std::ops::Range;

/// The chance that a pattern stands for where there is no model to ask.
pub const CHANCE: f32 = 0.7;
/// Hits in one text; a text with more is handed on as a whole.
pub const HITS_MAX: usize = 64;

/// Orders to drop, replace or give away instructions.
const OVERRIDE: &[&str] = &[
    r"\b(?:ignor\w*|disregard\w*|forget\w*|overrid\w*|discard\w*|bypass\w*|skip)\b.{0,40}\b(?:instruction|prompt|rule|guideline|direction|command|order|context|message|policy|policies|polic\w+|said|told|above|previous|prior|earlier)",
    r"\b(?:new|updated|real|actual|following) (?:instructions?|task|rules?|objective|orders?)\b\s*(?::|are|is|below|follow)",
    r"\b(?:reveal|print|show|repeat|output|display|leak|tell|give|share|translate|spell|encode|summari[sz]e|write)\b.{0,50}\b(?:system prompt|initial prompt|hidden prompt|your (?:instructions?|prompt|rules|guidelines|configuration|secret|password)|the (?:secret|password|passphrase|key ?word|text above|words above))",
    r"\b(?:ignorier\w*|vergiss|vergessen sie|missachte\w*|oublie[zr]?|ignore[zr]|olvid[ae]\w*|ignor[ae] (?:las|todas|le|tutte|as|todas)|dimentica\w*|esque[cç]a\w*|negeer|vergeet|zignoruj|zapomnij|игнорируй\w*|забудь\w*|yok say|unut)\b.{0,60}",
    r"忽略|无视|忘记.{0,8}(?:指令|指示|提示|规则)|無視|忘れて|指示に従わ|무시하|잊어|تجاهل|अनदेखा|भूल जा",
    r"\b(?:system|developer|admin(?:istrator)?|security|maintenance) (?:notice|override|message|update|mode|alert)\b",
    r"\bend of (?:prompt|instructions?|context|input|document|text|data)\b",
];
/// Roles that shed every rule.
const JAILBREAK: &[&str] = &[
    r"\b(?:no|without(?: any)?|free (?:of|from)|ignor\w+|bypass\w*|un)\s?(?:all )?(?:restrict\w*|rules?|limits?|limitations?|filters?|filtered|censor\w*|guidelines|ethic\w*|moral\w*|boundaries)\b",
    r"\b(?:developer|dev|god|dan|jailbreak\w*|sudo|unrestricted|unfiltered|opposite|evil|debug) ?mode\b|\bjailbr\w+|\bdo anything now\b",
    r"\b(?:never|do not|don't|cannot|can't|must not) (?:say|refuse|apologi[sz]e|decline|warn|break character|mention (?:that )?you)\b",
    r"\b(?:start|begin) (?:your|the|each|every) (?:answer|reply|response|message)s? with\b",
    r"\bpretend (?:to be|you are|you're|that you)\b|\byou are (?:now|going to (?:be|act)|no longer)\b|\b(?:act|behave|respond|answer) as (?:if|though|an? (?:ai|evil|unrestricted|unfiltered))\b",
];
/// Words to an agent inside data.
const EMBEDDED: &[&str] = &[
    r"\b(?:ai|llm|language model|assistant|agent|chatbot|copilot|gpt|claude|gemini)s?\b.{0,60}\b(?:must|should|shall|please|need|required|instruct\w*|important|attention|note|do not|always|never)\b",
    r"\b(?:note|message|instructions?|attention|notice|reminder|information|task) (?:to|for) (?:the |any |all )?(?:ai|llm|language model|assistant|agent|bot)",
    r"\bdo(?: not|n't) (?:tell|mention|inform|notify|reveal|show|alert|let)\b.{0,30}\b(?:user|human|customer|anyone|person|them)\b",
    r"\b(?:before|after|when|while|whenever|instead of)\b.{0,40}\b(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|answer(?:ing)?|respond(?:ing)?|reply(?:ing)?|complet(?:e|ing))\b.{0,80}\b(?:send|forward|read|pass|include|call|upload|post|transfer|delete|copy|append|fetch)\b",
    r"</?(?:important|system|instructions?|secret|admin|assistant|user|information)\b|\[/?(?:inst|system|admin)\]|<\|",
];

/// The patterns, compiled.
#[derive(Debug)]
pub struct Patterns([(Label, Regex); 3]);

impl Patterns {
    /// Compiles them.
    pub fn new() -> Result<Patterns, regex::Error> {
        let compiled = |label, words: &[&str]| {
            let all: Vec<String> = words.iter().map(|w| format!("(?:{w})")).collect();
            let regex = regex::RegexBuilder::new(&all.join("|"))
                .case_insensitive(true)
                .dot_matches_new_line(true)
                .build()?;
            Ok((label, regex))
        };
        Ok(Patterns([
            compiled(Label::Override, OVERRIDE)?,
            compiled(Label::Jailbreak, JAILBREAK)?,
            compiled(Label::Embedded, EMBEDDED)?,
        ]))
    }

    /// Where something is hit, at most `HITS_MAX` of each label, by label and place.
    pub fn hits(&self, text: &str) -> Vec<(Label, Range<usize>)> {
        let of = |(label, regex): &(Label, Regex)| {
            let label = *label;
            let found: Vec<_> = regex
                .find_iter(text)
                .take(HITS_MAX)
                .map(|hit| (label, hit.range()))
                .collect();
            found
        };
        self.0.iter().flat_map(of).collect()
    }
}
