//! What the policies say about one exchange, and how the layers' words add up.

use sallyport_exchange::{Denial, RefusalKind};
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;

/// Settings that policies gave, as JSON: `compression`, `models`, and what the gateway documents.
pub type Settings = serde_json::Map<String, serde_json::Value>;

/// Something a policy wants noted, without refusing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
pub struct Warning {
    /// The rule's name, with its layer.
    pub rule: Arc<str>,
    /// What it says.
    pub say: Arc<str>,
}

/// The policies' decision. The same facts and policies always give the same one, in the same order.
#[derive(Clone, PartialEq, Debug)]
pub struct Decision {
    /// Whether it may go on: exactly when there are no denials.
    pub allow: bool,
    /// Why not. The platform's first, then the team's; refusals before guidance, each sorted by rule.
    pub denials: Vec<Denial>,
    /// Patterns of findings to mask, such as `secret.*`. Sorted, each once.
    pub redact: Vec<String>,
    /// Names of tools to take out of what is offered. Sorted, each once.
    pub hide: Vec<String>,
    /// What to note.
    pub warnings: Vec<Warning>,
    /// What the policies set.
    pub settings: Settings,
    /// Which rules spoke, such as `org/allow`, `team:payments/no-prod-writes`; in the order of the layers.
    pub rules: Vec<Arc<str>>,
    /// For the log: what went wrong inside a policy. Never for the caller.
    pub detail: Option<String>,
}

impl Decision {
    /// As JSON: what `sallyport policy eval` prints, and what is kept to be compared with.
    pub fn to_json(&self) -> serde_json::Value {
        let denial = |denial: &Denial| {
            let kind = match denial.kind {
                RefusalKind::Deny => "deny",
                RefusalKind::Steer => "steer",
            };
            json!({"kind": kind, "rule": &*denial.rule, "say": &*denial.say})
        };
        let warning = |warning: &Warning| json!({"rule": &*warning.rule, "say": &*warning.say});
        let rules: Vec<&str> = self.rules.iter().map(|rule| &**rule).collect();
        json!({
            "allow": self.allow,
            "denials": self.denials.iter().map(denial).collect::<Vec<_>>(),
            "redact": self.redact,
            "hide": self.hide,
            "warnings": self.warnings.iter().map(warning).collect::<Vec<_>>(),
            "settings": self.settings,
            "rules": rules,
            "detail": self.detail,
        })
    }

    pub(crate) fn of(words: Words) -> Self {
        let mut decision = Decision {
            allow: words.denials.is_empty(),
            denials: words.denials,
            redact: words.redact,
            hide: words.hide,
            warnings: words.warnings,
            settings: words.settings,
            rules: words.rules,
            detail: (!words.details.is_empty()).then(|| words.details.join("; ")),
        };
        for list in [&mut decision.redact, &mut decision.hide] {
            list.sort();
            list.dedup();
        }
        decision
    }
}

/// What the layers have said so far.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Words {
    pub(crate) denials: Vec<Denial>,
    pub(crate) redact: Vec<String>,
    pub(crate) hide: Vec<String>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) settings: Settings,
    pub(crate) rules: Vec<Arc<str>>,
    pub(crate) details: Vec<String>,
}

impl Words {
    /// Adds what a later layer says: it can only tighten.
    pub(crate) fn add(&mut self, later: Words) {
        self.denials.extend(later.denials);
        self.redact.extend(later.redact);
        self.hide.extend(later.hide);
        self.warnings.extend(later.warnings);
        self.rules.extend(later.rules);
        self.details.extend(later.details);
        tighten(&mut self.settings, later.settings);
    }

    /// Adds a denial, and what the log is told of it.
    pub(crate) fn deny(&mut self, rule: String, say: impl Into<Arc<str>>, detail: Option<String>) {
        let rule: Arc<str> = rule.into();
        self.rules.push(rule.clone());
        if let Some(detail) = detail {
            self.details.push(format!("{rule}: {detail}"));
        }
        self.denials.push(Denial::deny(rule, say));
    }
}

/// Adds a later layer's settings: new keys are taken, objects are merged, of two `models` lists only what both
/// name stays, and where both give a plain value the earlier layer's stands.
pub(crate) fn tighten(ours: &mut Settings, theirs: Settings) {
    for (key, value) in theirs {
        // Only the platform may let in state that the gateway never saw: a shared provider key makes it
        // another team's.
        if key == "stored" && value == "allow" {
            continue;
        }
        match (ours.get_mut(&key), value) {
            (None, value) => {
                ours.insert(key, value);
            }
            (Some(serde_json::Value::Object(ours)), serde_json::Value::Object(theirs)) => {
                tighten(ours, theirs)
            }
            (Some(serde_json::Value::Array(ours)), serde_json::Value::Array(theirs))
                if key == "models" =>
            {
                ours.retain(|model| theirs.contains(model));
            }
            (Some(_), _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Settings, tighten};

    fn check(org: &str, team: &str, both: &str) {
        let read = |text: &str| serde_json::from_str::<Settings>(text).expect("settings");
        let mut settings = read(org);
        tighten(&mut settings, read(team));
        assert_eq!(settings, read(both), "org {org} and team {team}");
    }

    #[test]
    fn a_later_layer_only_tightens() {
        check("{}", r#"{"stored": "allow"}"#, "{}");
        check("{}", r#"{"models": ["a"]}"#, r#"{"models": ["a"]}"#);
        check(
            r#"{"models": ["a", "b"]}"#,
            r#"{"models": ["b", "c"]}"#,
            r#"{"models": ["b"]}"#,
        );
        check(
            r#"{"models": ["a"]}"#,
            r#"{"models": ["c"]}"#,
            r#"{"models": []}"#,
        );
        check(
            r#"{"models": ["a"]}"#,
            r#"{"models": "c"}"#,
            r#"{"models": ["a"]}"#,
        );
        check(
            r#"{"compression": "off"}"#,
            r#"{"compression": "lossless"}"#,
            r#"{"compression": "off"}"#,
        );
        check(
            r#"{"x": {"a": 1}}"#,
            r#"{"x": {"a": 2, "b": 3}}"#,
            r#"{"x": {"a": 1, "b": 3}}"#,
        );
        check(
            r#"{"hosts": ["a"]}"#,
            r#"{"hosts": ["b"]}"#,
            r#"{"hosts": ["a"]}"#,
        );
    }
}
