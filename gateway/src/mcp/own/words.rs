//! Reading what an agent gives one of the gateway's own tools, and telling it what is wrong with it.

use crate::edge::failure::Failure;
use sallyport_exchange::json::{JsonKind, Tape, Value};

/// What an agent gave.
pub(super) struct Arguments<'t>(Option<Value<'t>>);

impl<'t> Arguments<'t> {
    /// The arguments of a call, which may have these keys and no others.
    pub(super) fn of(tape: &'t Tape<'_>, keys: &[&str]) -> Result<Self, Failure> {
        let params = tape.root().member("params");
        let given = params.and_then(|params| params.member("arguments"));
        if given.is_some_and(|given| given.kind() != JsonKind::Object) {
            return Err(bad("The arguments must be an object."));
        }
        let members = given.and_then(Value::members);
        let odd = |(key, _): &(Value<'_>, Value<'_>)| !keys.iter().any(|known| key.is_str(known));
        if members.into_iter().flatten().any(|member| odd(&member)) {
            return Err(bad(&format!(
                "There is an argument that is none of {}.",
                listed(keys)
            )));
        }
        Ok(Arguments(given))
    }

    /// An argument; `null` is left out.
    pub(super) fn value(&self, key: &str) -> Option<Value<'t>> {
        let given = self.0?.member(key)?;
        (!given.is_null()).then_some(given)
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Failure> {
        match self.value(key) {
            None => Ok(None),
            Some(value) => match value.as_str() {
                Some(text) => Ok(Some(text.into_owned())),
                None => Err(bad(&format!("`{key}` must be a text."))),
            },
        }
    }

    /// A whole number from 1.
    pub(super) fn count(&self, key: &str) -> Result<Option<usize>, Failure> {
        let say = || bad(&format!("`{key}` must be a whole number, at least 1."));
        match self.value(key) {
            None => Ok(None),
            Some(value) => match value.as_u64().and_then(|n| usize::try_from(n).ok()) {
                Some(count) if count > 0 => Ok(Some(count)),
                _ => Err(say()),
            },
        }
    }
}

fn listed(keys: &[&str]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    quoted.join(", ")
}

/// The agent's own mistake, told as a result that the model reads. Never text of the body.
pub(super) fn bad(say: &str) -> Failure {
    Failure::BadArguments(say.to_owned())
}
