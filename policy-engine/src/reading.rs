//! Reads what a layer's rules gave, and turns it into words.

use crate::contract::{CONTRACT, Contract};
use crate::decision::{Settings, Warning, Words};
use crate::layer::{Mishap, defined, has_form};
use crate::limits::Limits;
use crate::watch::type_name;
use regorus::Value;
use sallyport_exchange::{Denial, RefusalKind};
use std::sync::Arc;

/// What is told where a rule refuses without a word of its own.
const NO_WORDS: &str = "This is refused by policy.";

/// Reads one layer's ruling.
pub(crate) struct Reading<'a> {
    pub(crate) layer: &'a str,
    pub(crate) limits: &'a Limits,
    /// What was asked, for the words of a refusal: `chat`, `tool_call`.
    pub(crate) operation: &'a str,
    pub(crate) asks_allow: bool,
}

impl Reading<'_> {
    /// What a layer says whose evaluation came to this.
    pub(crate) fn words(&self, ruling: Result<Value, Mishap>) -> Words {
        let mut words = Words::default();
        match ruling {
            Ok(ruling) => {
                if let Err(wrong) = self.read(&ruling, &mut words) {
                    self.failed("error", wrong, &mut words);
                }
            }
            Err(Mishap::Limit(detail)) => self.failed("limit", detail, &mut words),
            Err(Mishap::Failed(detail)) => self.failed("error", detail, &mut words),
        }
        words
    }

    fn failed(&self, how: &str, detail: String, words: &mut Words) {
        let say = format!(
            "The policy `{}` could not be evaluated, so this is refused. Its operators' log says more.",
            self.layer
        );
        words.deny(format!("{}/{how}", self.layer), say, Some(detail));
    }

    fn read(&self, ruling: &Value, words: &mut Words) -> Result<(), String> {
        if ruling.as_object().is_err() {
            return Err("the rules gave no document".into());
        }
        self.refusals(ruling, "deny", RefusalKind::Deny, words)?;
        self.refusals(ruling, "steer", RefusalKind::Steer, words)?;
        if self.asks_allow {
            self.allow(ruling, words)?;
        }
        words.redact = self.names(ruling, "redact", words)?;
        words.hide = self.names(ruling, "hide", words)?;
        for item in self.set(ruling, "warn")? {
            let (rule, say) = self.rule_and_say("warn", item, words);
            words.rules.push(rule.clone());
            words.warnings.push(Warning { rule, say });
        }
        words.settings = self.settings(ruling, words)?;
        Ok(())
    }

    fn allow(&self, ruling: &Value, words: &mut Words) -> Result<(), String> {
        let (layer, operation) = (self.layer, self.operation);
        match self.value(ruling, "allow")? {
            Some(Value::Bool(true)) => words.rules.push(format!("{layer}/allow").into()),
            Some(_) => words.deny(
                format!("{layer}/allow"),
                format!("The policy `{layer}` does not allow this `{operation}`."),
                None,
            ),
            None => {
                let say = format!("No rule of the policy `{layer}` allows this `{operation}`.");
                words.deny(
                    format!("{layer}/undefined"),
                    say,
                    Some("`allow` is undefined".into()),
                );
            }
        }
        Ok(())
    }

    fn refusals(
        &self,
        ruling: &Value,
        name: &str,
        kind: RefusalKind,
        words: &mut Words,
    ) -> Result<(), String> {
        let mut denials = Vec::new();
        for item in self.set(ruling, name)? {
            let (rule, say) = self.rule_and_say(name, item, words);
            denials.push(Denial { kind, rule, say });
        }
        denials.sort_by(|left, right| (&left.rule, &left.say).cmp(&(&right.rule, &right.say)));
        words
            .rules
            .extend(denials.iter().map(|denial| denial.rule.clone()));
        words.denials.append(&mut denials);
        Ok(())
    }

    /// Reads `{"rule": …, "say": …}`, or a plain string. Whatever else it is, it still counts.
    fn rule_and_say(&self, name: &str, item: &Value, words: &mut Words) -> (Arc<str>, Arc<str>) {
        let text = |key: &str| match item {
            Value::Object(object) => object
                .get(&crate::words::value(key))
                .and_then(|value| value.as_string().ok()),
            _ => None,
        };
        let say = text("say").or_else(|| item.as_string().ok());
        if say.is_none() {
            words.details.push(format!(
                "{}/{name}: an entry that is {} has no `say`",
                self.layer,
                type_name(item)
            ));
        }
        let rule = self.cut(text("rule").map_or(name, |rule| rule));
        (
            format!("{}/{rule}", self.layer).into(),
            self.cut(say.map_or(NO_WORDS, |say| say)).into(),
        )
    }

    fn cut<'t>(&self, text: &'t str) -> &'t str {
        match text.char_indices().nth(self.limits.say_chars) {
            Some((end, _)) => &text[..end],
            None => text,
        }
    }

    /// A set of strings, or of objects with a `name`.
    fn names(&self, ruling: &Value, rule: &str, words: &mut Words) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        for item in self.set(ruling, rule)? {
            let name = match item {
                Value::String(name) => Some(name),
                Value::Object(object) => object
                    .get(&crate::words::value("name"))
                    .and_then(|name| name.as_string().ok()),
                _ => None,
            };
            let name =
                name.ok_or_else(|| format!("`{rule}` holds {}, not a name", type_name(item)))?;
            names.push(name.to_string());
        }
        if !names.is_empty() {
            words.rules.push(format!("{}/{rule}", self.layer).into());
        }
        Ok(names)
    }

    fn settings(&self, ruling: &Value, words: &mut Words) -> Result<Settings, String> {
        let Some(settings) = self.value(ruling, "settings")? else {
            return Ok(Settings::new());
        };
        words.rules.push(format!("{}/settings", self.layer).into());
        match serde_json::to_value(settings) {
            Ok(serde_json::Value::Object(settings)) => Ok(settings),
            _ => Err("`settings` is no JSON object".into()),
        }
    }

    fn set<'v>(&self, ruling: &'v Value, name: &str) -> Result<Vec<&'v Value>, String> {
        match self.value(ruling, name)? {
            Some(Value::Set(set)) if set.len() > self.limits.entries => Err(format!(
                "`{name}` has {} entries, more than {}",
                set.len(),
                self.limits.entries
            )),
            Some(Value::Set(set)) => Ok(set.iter_sorted().collect()),
            _ => Ok(Vec::new()),
        }
    }

    /// A rule's value, if it is defined; an error if it has the wrong type.
    fn value<'v>(&self, ruling: &'v Value, name: &str) -> Result<Option<&'v Value>, String> {
        let Some(value) = defined(ruling, name) else {
            return Ok(None);
        };
        let form = Contract::named(name).map_or(CONTRACT[0].form, |contract| contract.form);
        if has_form(value, form) {
            return Ok(Some(value));
        }
        Err(format!(
            "`{name}` is {}, not {}",
            type_name(value),
            form.word()
        ))
    }
}
