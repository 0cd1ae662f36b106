//! SQL with its comments and strings covered.

/// What a stretch of SQL is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    Line,
    Block(usize),
    /// `'…'`, where a backslash is a letter like any other.
    Single,
    /// `e'…'`, where a backslash escapes.
    Escaped,
    /// `"…"`, `` `…` ``, `[…]`: names, mostly.
    Name(u8),
    /// `$tag$…$tag$`: the length of the tag with its signs.
    Dollar(usize, usize),
}

/// Goes over SQL and hands on each byte with what it belongs to.
fn walk(sql: &str, mut each: impl FnMut(usize, State)) {
    let bytes = sql.as_bytes();
    let mut state = State::Code;
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let mut step = 1;
        let mut after = state;
        match state {
            State::Code => match rest[0] {
                b'-' if rest.starts_with(b"--") => (state, after) = (State::Line, State::Line),
                b'#' if !rest.starts_with(b"#>") && at > 0 && bytes[at - 1] == b'\n' => {
                    (state, after) = (State::Line, State::Line)
                }
                b'/' if rest.starts_with(b"/*") => {
                    (state, after, step) = (State::Block(1), State::Block(1), 2);
                }
                b'\''
                    if at > 0
                        && matches!(bytes[at - 1], b'e' | b'E')
                        && (at < 2 || !bytes[at - 2].is_ascii_alphanumeric()) =>
                {
                    after = State::Escaped;
                }
                b'\'' => after = State::Single,
                quote @ (b'"' | b'`') => after = State::Name(quote),
                b'$' => {
                    if let Some(len) = tag(rest) {
                        (after, step) = (State::Dollar(at, len), len);
                    }
                }
                _ => {}
            },
            State::Line if rest[0] == b'\n' => (state, after) = (State::Code, State::Code),
            State::Block(1) if rest.starts_with(b"*/") => (after, step) = (State::Code, 2),
            State::Block(depth) if rest.starts_with(b"*/") => {
                (after, step) = (State::Block(depth - 1), 2)
            }
            State::Block(depth) if rest.starts_with(b"/*") => {
                (after, step) = (State::Block(depth + 1), 2)
            }
            State::Escaped if rest[0] == b'\\' => step = 2,
            State::Single | State::Escaped if rest.starts_with(b"''") => step = 2,
            State::Single | State::Escaped if rest[0] == b'\'' => {
                (state, after) = (State::Code, State::Code)
            }
            State::Name(quote) if rest[0] == quote => (state, after) = (State::Code, State::Code),
            State::Dollar(open, len)
                if rest.len() >= len && rest[..len] == bytes[open..open + len] =>
            {
                (state, after, step) = (State::Code, State::Code, len);
            }
            _ => {}
        }
        for offset in 0..step.min(bytes.len() - at) {
            each(at + offset, state);
        }
        state = after;
        at += step;
    }
}

/// The length of a dollar quote such as `$$` or `$body$`.
fn tag(rest: &[u8]) -> Option<usize> {
    let len = rest[1..]
        .iter()
        .take(64)
        .take_while(|b| b.is_ascii_alphanumeric() || **b == b'_')
        .count();
    (rest.get(len + 1) == Some(&b'$') && !rest.get(1)?.is_ascii_digit()).then_some(len + 2)
}

/// SQL in which comments and the insides of strings are blanks; quoted names stay.
pub(crate) fn masked(sql: &str) -> String {
    let mut bytes = sql.as_bytes().to_vec();
    walk(sql, |at, state| {
        if matches!(
            state,
            State::Line | State::Block(_) | State::Single | State::Escaped | State::Dollar(..)
        ) {
            bytes[at] = b' ';
        }
    });
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether a comment stands between letters, as in `D/**/ROP`.
pub(crate) fn comments_removed(sql: &str) -> bool {
    sql.split("/*").skip(1).count() > 0
        && sql
            .match_indices("/*")
            .any(|(at, _)| at > 0 && sql.as_bytes()[at - 1].is_ascii_alphanumeric())
}

/// The statements of a text, cut at semicolons outside strings and comments.
pub(crate) fn statements(sql: &str) -> Vec<&str> {
    let mut cuts = Vec::new();
    walk(sql, |at, state| {
        if state == State::Code && sql.as_bytes()[at] == b';' {
            cuts.push(at);
        }
    });
    let mut from = 0;
    let mut all = Vec::with_capacity(cuts.len() + 1);
    for cut in cuts {
        all.extend(sql.get(from..cut));
        from = cut + 1;
    }
    all.extend(sql.get(from..));
    all
}

/// MySQL runs what stands in `/*! … */`: the marks become blanks.
pub(crate) fn executable_comments(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find("/*!").or_else(|| rest.find("/*M!")) {
        out.push_str(&rest[..at]);
        let inside = &rest[at..];
        let inside = inside
            .trim_start_matches(['/', '*', 'M', '!'])
            .trim_start_matches(|c: char| c.is_ascii_digit());
        let end = inside.find("*/").unwrap_or(inside.len());
        out.push(' ');
        out.push_str(&inside[..end]);
        out.push(' ');
        rest = inside.get(end + 2..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// The insides of the strings of a statement; bounded.
pub(crate) fn literals(sql: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut spans: Vec<(usize, usize)> = Vec::new();
    walk(sql, |at, state| {
        if matches!(state, State::Single | State::Escaped | State::Dollar(..)) {
            match spans.last_mut() {
                Some((_, end)) if *end == at => *end = at + 1,
                _ => spans.push((at, at + 1)),
            }
        }
    });
    for (start, end) in spans.into_iter().take(256) {
        if let Some(text) = sql.get(start..end) {
            let text = text.trim_start_matches('$').trim_end_matches('$');
            all.push(text.replace("''", "'"));
        }
    }
    all
}
