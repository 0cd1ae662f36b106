//! `${NAME}` and `${NAME:-default}` in values. Keys are left alone, and what is put in is text: it can add no structure.

/// Why a value cannot be put together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Unexpanded {
    /// The environment has no such name, and no default is given.
    Missing(String),
    /// `${` that no `}` ends, or no name in between.
    Malformed,
}

/// Puts the environment's values in. `$${` stands for `${` itself.
pub(crate) fn expand(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Vec<Unexpanded>> {
    let mut whole = String::with_capacity(text.len());
    let mut wrong = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            whole.push_str(before);
            whole.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        whole.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('}') else {
            wrong.push(Unexpanded::Malformed);
            return Err(wrong);
        };
        match value(&rest[at + 2..at + end], env) {
            Ok(value) => whole.push_str(&value),
            Err(error) => wrong.push(error),
        }
        rest = &rest[at + end + 1..];
    }
    whole.push_str(rest);
    if wrong.is_empty() {
        Ok(whole)
    } else {
        Err(wrong)
    }
}

fn value(inside: &str, env: &dyn Fn(&str) -> Option<String>) -> Result<String, Unexpanded> {
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let is_name = !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !is_name {
        return Err(Unexpanded::Malformed);
    }
    // As in a shell: `:-` also stands in for a variable that is set to nothing.
    match (env(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.into()),
        (None, None) => Err(Unexpanded::Missing(name.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Unexpanded, expand};

    fn check(text: &str, expected: Result<&str, Vec<Unexpanded>>) {
        let env = |name: &str| match name {
            "HOME_OF" => Some("fort".to_owned()),
            "EMPTY" => Some(String::new()),
            "ODD" => Some("a: {b: c} ${HOME_OF}".to_owned()),
            _ => None,
        };
        assert_eq!(expand(text, &env), expected.map(str::to_owned), "{text}");
    }

    #[test]
    fn variables_are_put_in() {
        check("plain $5 {x}", Ok("plain $5 {x}"));
        check("${HOME_OF}", Ok("fort"));
        check("a ${HOME_OF} and ${HOME_OF}!", Ok("a fort and fort!"));
        check("${NONE:-else}", Ok("else"));
        check("${NONE:-}", Ok(""));
        check("${EMPTY:-else}", Ok("else"));
        check("${EMPTY}", Ok(""));
        check("$${HOME_OF}", Ok("${HOME_OF}"));
        check("${ODD}", Ok("a: {b: c} ${HOME_OF}"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let missing = |name: &str| Unexpanded::Missing(name.into());
        check("${NONE}", Err(vec![missing("NONE")]));
        check(
            "${NONE}${OTHER}",
            Err(vec![missing("NONE"), missing("OTHER")]),
        );
        check("${HOME_OF", Err(vec![Unexpanded::Malformed]));
        check("${}", Err(vec![Unexpanded::Malformed]));
        check("${a b}", Err(vec![Unexpanded::Malformed]));
        check("${1X}", Err(vec![Unexpanded::Malformed]));
    }
}
