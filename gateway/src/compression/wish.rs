//! What a team's policies say of compression: `settings := {"compression": …}`.

use sallyport_compress::{ExactTools, Kinds, Rules, StepKind};
use sallyport_policy::Settings;
use serde::Deserialize;
use std::sync::Arc;

/// How far a team lets its context be made small.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Nothing is looked at.
    Off,
    /// What would be saved is reported; not a byte is changed.
    #[default]
    Observe,
    /// Forms that hold every byte.
    Lossless,
    /// Also forms whose original can be had back.
    Reversible,
}

impl Mode {
    /// All of them.
    pub const ALL: [Mode; 4] = [Mode::Off, Mode::Observe, Mode::Lossless, Mode::Reversible];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Off => "off",
            Mode::Observe => "observe",
            Mode::Lossless => "lossless",
            Mode::Reversible => "reversible",
        }
    }
}

/// What a team wishes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    /// How far to go.
    pub mode: Mode,
    /// Which kinds of step may be taken.
    pub kinds: Kinds,
    /// Further tools whose answers must stay as they are; a name may end in `*`.
    pub exact: Arc<[String]>,
    /// Of a hundred sessions, how many are only observed, to compare with. A session stays on its side.
    pub holdout: u8,
}

impl Default for Wish {
    fn default() -> Self {
        Wish {
            mode: Mode::default(),
            kinds: Kinds::ALL,
            exact: [].into(),
            holdout: 0,
        }
    }
}

/// The long form.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    mode: Mode,
    kinds: std::collections::BTreeMap<String, bool>,
    exact_tools: Vec<String>,
    holdout_percent: u8,
}

/// A setting that says nothing sensible. Nothing is changed then, only observed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unclear {
    /// It is not in one of the two forms.
    #[error(
        "the setting `compression` is neither a word (off, observe, lossless, reversible) nor an object of `mode`, `kinds`, `exact_tools`, `holdout_percent`: {0}"
    )]
    Form(String),
    /// It names a kind that there is not.
    #[error(
        "the setting `compression.kinds` names `{0}`, which is none; there are {all}",
        all = kinds()
    )]
    Kind(String),
    /// More than all.
    #[error("the setting `compression.holdout_percent` is {0}: it goes up to 100")]
    Holdout(u8),
}

fn kinds() -> String {
    StepKind::ALL.map(StepKind::as_str).join(", ")
}

impl Wish {
    /// Nothing is looked at.
    pub fn off() -> Wish {
        Wish {
            mode: Mode::Off,
            ..Wish::default()
        }
    }

    /// Reads the setting; none is `observe`.
    pub fn of(settings: &Settings) -> Result<Wish, Unclear> {
        let Some(setting) = settings.get("compression") else {
            return Ok(Wish::default());
        };
        if let Ok(mode) = Mode::deserialize(setting) {
            return Ok(Wish {
                mode,
                ..Wish::default()
            });
        }
        let written =
            Written::deserialize(setting).map_err(|error| Unclear::Form(error.to_string()))?;
        let mut kinds = Kinds::ALL;
        for (name, on) in &written.kinds {
            let kind = StepKind::named(name).ok_or_else(|| Unclear::Kind(name.clone()))?;
            if !on {
                kinds = kinds.without(kind);
            }
        }
        if written.holdout_percent > 100 {
            return Err(Unclear::Holdout(written.holdout_percent));
        }
        Ok(Wish {
            mode: written.mode,
            kinds,
            exact: written.exact_tools.into(),
            holdout: written.holdout_percent,
        })
    }

    /// What the engine may do in this mode.
    pub fn rules(&self, mode: Mode) -> Rules {
        let mode = match mode {
            Mode::Reversible => sallyport_compress::Mode::Reversible,
            _ => sallyport_compress::Mode::Lossless,
        };
        Rules {
            mode,
            kinds: self.kinds,
            exact: ExactTools::default().and(&*self.exact),
        }
    }

    /// The same for one session: its mode is `observe` if the session is held out. `session` is a digest of it.
    #[must_use]
    pub fn for_session(mut self, session: &[u8; 16]) -> Wish {
        let drawn = u64::from_le_bytes([
            session[0], session[1], session[2], session[3], session[4], session[5], session[6],
            session[7],
        ]);
        if drawn % 100 < u64::from(self.holdout) && self.mode > Mode::Observe {
            self.mode = Mode::Observe;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::{Mode, Unclear, Wish};
    use sallyport_compress::StepKind;
    use serde_json::json;

    fn read(setting: serde_json::Value) -> Result<Wish, Unclear> {
        let settings = json!({"compression": setting});
        Wish::of(settings.as_object().expect("an object"))
    }

    #[test]
    fn a_word_or_an_object() {
        assert_eq!(
            Wish::of(&serde_json::Map::new()).map(|w| w.mode),
            Ok(Mode::Observe)
        );
        for mode in Mode::ALL {
            assert_eq!(read(json!(mode.as_str())).map(|w| w.mode), Ok(mode));
        }
        let wish = read(
            json!({"mode": "reversible", "kinds": {"fold": false, "json_table": true}, "exact_tools": ["cat*"], "holdout_percent": 5}),
        );
        let wish = wish.expect("clear");
        assert!(
            !wish.kinds.has(StepKind::Fold)
                && wish.kinds.has(StepKind::Table)
                && wish.kinds.has(StepKind::Grep)
        );
        assert_eq!(
            (wish.mode, &wish.exact[..], wish.holdout),
            (Mode::Reversible, &["cat*".to_owned()][..], 5)
        );
        for unclear in [
            json!("Lossless"),
            json!(true),
            json!({"mod": "off"}),
            json!({"kinds": {"zip": true}}),
            json!({"holdout_percent": 101}),
            json!({"holdout_percent": -1}),
        ] {
            assert!(read(unclear.clone()).is_err(), "{unclear}");
        }
    }

    #[test]
    fn a_share_of_sessions_is_held_out_and_stays_so() {
        let wish = read(json!({"mode": "lossless", "holdout_percent": 20})).expect("clear");
        let mut held = 0;
        for number in 0..1000u64 {
            let session: [u8; 16] = blake3::hash(&number.to_le_bytes()).as_bytes()[..16]
                .try_into()
                .expect("16");
            let one = wish.clone().for_session(&session);
            assert_eq!(one, wish.clone().for_session(&session));
            held += usize::from(one.mode == Mode::Observe);
        }
        assert!((150..250).contains(&held), "{held} of 1000");
        let all = read(json!({"mode": "off", "holdout_percent": 100})).expect("clear");
        assert_eq!(all.for_session(&[0; 16]).mode, Mode::Off);
    }
}
