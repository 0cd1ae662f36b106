//! Which packages there are, and whose they are.

use crate::error::{Mistake, PolicyError};
use crate::syntax::{dotted, place};
use regorus::unstable::Module;
use std::fmt;

/// Whose rules a package holds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Package {
    /// `sallyport.org`: the platform's rules, judged first.
    Org,
    /// `sallyport.teams.<team>`.
    Team(String),
    /// `sallyport.lib.*`: rules and functions that both may use.
    Library,
}

impl Package {
    /// Reads a module's package clause.
    pub(crate) fn of(module: &Module) -> Result<Package, PolicyError> {
        let name = dotted(&module.package.refr).unwrap_or_default();
        let path: Vec<&str> = name.split('.').collect();
        match path.as_slice() {
            ["sallyport", "org"] => Ok(Package::Org),
            ["sallyport", "teams", team] if is_team_name(team) => Ok(Package::Team((*team).into())),
            ["sallyport", "lib", _, ..] => Ok(Package::Library),
            _ => Err(misplaced(module, &name, &path)),
        }
    }

    /// The layer's name in rule names: `org`, `team:payments`. Libraries have none.
    pub(crate) fn layer(&self) -> Option<String> {
        match self {
            Package::Org => Some("org".into()),
            Package::Team(team) => Some(format!("team:{team}")),
            Package::Library => None,
        }
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Package::Org => f.write_str("sallyport.org"),
            Package::Team(team) => write!(f, "sallyport.teams.{team}"),
            Package::Library => f.write_str("sallyport.lib"),
        }
    }
}

/// Whether a word can name a team: small letters, digits and underscores, no digit first.
pub fn is_team_name(word: &str) -> bool {
    !word.is_empty()
        && !word.starts_with(|c: char| c.is_ascii_digit())
        && word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

fn misplaced(module: &Module, name: &str, path: &[&str]) -> PolicyError {
    let hint = match path {
        ["sallyport", "teams", team, _, ..] => {
            format!("a team's rules are all in `package sallyport.teams.{team}`; put helpers into `package sallyport.lib.{team}`")
        }
        ["sallyport", "teams", team] => {
            format!("a team's name is small letters, digits and underscores; `{team}` is not")
        }
        ["sallyport", "lib"] => "name the library, as in `package sallyport.lib.sql`".into(),
        ["sallyport", "org", ..] => "platform rules are all in `package sallyport.org`".into(),
        _ => "write `package sallyport.teams.<team>` for a team's rules, `package sallyport.org` for the platform's, \
              `package sallyport.lib.<name>` for helpers"
            .into(),
    };
    let message = format!("nobody is judged by package `{name}`");
    PolicyError::new(Mistake::Package, place(&module.package.span), message).hint(hint)
}
