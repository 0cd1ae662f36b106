//! Words of others, made harmless: what could hide, turn the direction or drive a terminal is shown as what it is.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character is shown as an escape: controls, what has no width, what turns the direction, what looks like
/// nothing. Line ends and tabs are shown as they are.
pub fn is_unseen(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        c if c.is_control() => true,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => {
            true
        }
        '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => true,
        '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff9}'..='\u{fffb}' => true,
        // An emoji's colour is no secret; a selector on anything else may be.
        '\u{fe00}'..='\u{fe0e}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        '\u{13430}'..='\u{1345f}' | '\u{1bca0}'..='\u{1bca3}' | '\u{2800}' => true,
        '\u{f0000}'..='\u{10ffff}' | '\u{e000}'..='\u{f8ff}' => true,
        _ => false,
    }
}

/// A page or a piece of one, with every such character written out: ours has none of them.
pub(crate) fn seen(page: String) -> String {
    if !page.chars().any(is_unseen) {
        return page;
    }
    let mut out = String::with_capacity(page.len() + 64);
    for c in page.chars() {
        match is_unseen(c) {
            true => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            false => out.push(c),
        }
    }
    out
}

/// JSON in which such characters, and those that mean something in HTML, are written as escapes. They can stand in
/// strings only, where that means the same.
pub(crate) fn json(json: String) -> String {
    let odd = |c: char| is_unseen(c) || matches!(c, '<' | '>' | '&');
    if !json.chars().any(odd) {
        return json;
    }
    let mut out = String::with_capacity(json.len() + 64);
    for c in json.chars() {
        match odd(c) {
            true => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            false => out.push(c),
        }
    }
    out
}

/// A text as one line of a terminal: escapes for what is unseen, for line ends and tabs too.
pub fn line(text: &str) -> Cow<'_, str> {
    let odd = |c: char| is_unseen(c) || matches!(c, '\n' | '\t');
    if !text.chars().any(odd) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => out.push('↵'),
            '\t' => out.push(' '),
            c if is_unseen(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A count with thin gaps, as people read it: `12 345`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A count in four characters or so: `12.3k`.
pub(crate) fn short(number: u64) -> String {
    let scaled = |by: f64, unit: &str| {
        let number = number as f64 / by;
        match number < 99.95 {
            true => format!("{number:.1}{unit}"),
            false => format!("{number:.0}{unit}"),
        }
    };
    match number {
        0..10_000 => count(number),
        10_000..999_950 => scaled(1e3, "k"),
        999_950..999_950_000 => scaled(1e6, "M"),
        999_950_000..1_000_000_000_000 => scaled(1e9, "G"),
        _ => format!("{:.1e}", number as f64),
    }
}

/// Dollars, with as many digits as say something.
pub(crate) fn dollars(amount: f64) -> String {
    match amount.abs() {
        0.0 => "$0".into(),
        small if small < 0.000_05 => "<$0.0001".into(),
        small if small < 0.1 => format!("${amount:.4}"),
        large if large < 10_000.0 => format!("${amount:.2}"),
        large if large < 1e9 => format!("${}", count(large as u64)),
        _ => format!("${amount:.1e}"),
    }
}

/// Microseconds as people read them.
pub(crate) fn took(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.1} ms", micros as f64 / 1e3),
        10_000..1_000_000 => format!("{:.0} ms", micros as f64 / 1e3),
        1_000_000..60_000_000 => format!("{:.1} s", micros as f64 / 1e6),
        60_000_000..7_200_000_000 => format!("{} min", micros / 60_000_000),
        7_200_000_000..3_600_000_000_000 => format!("{} h", micros / 3_600_000_000),
        _ => format!("{:.1e} s", micros as f64 / 1e6),
    }
}

/// Bytes as people read them.
pub(crate) fn bytes(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        1_048_576..1_099_511_627_776 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1e} B", bytes as f64),
    }
}

/// A time in UTC, without its fraction.
pub(crate) fn time(ns: i64) -> String {
    match jiff::Timestamp::from_nanosecond(ns.into()) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => "unknown".into(),
    }
}

/// The time of day of milliseconds since 1970, in UTC.
pub(crate) fn clock(ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(time) => time.strftime("%H:%M:%S").to_string(),
        Err(_) => "unknown".into(),
    }
}

/// How long ago, in one unit.
pub(crate) fn ago(now_ns: i64, then_ns: i64) -> String {
    match now_ns.saturating_sub(then_ns).div_euclid(1_000_000_000) {
        ..0 => "in the future".into(),
        seconds @ 0..60 => format!("{seconds} s ago"),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds @ 3600..172_800 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} days ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unseen_is_written_out() {
        assert_eq!(
            seen("a\u{202e}b\u{1b}[2J\u{e0041}\n".into()),
            "a\\u{202e}b\\u{1b}[2J\\u{e0041}\n"
        );
        assert_eq!(
            json("\"<\u{202e}\u{e0041}\"".into()),
            "\"\\u003c\\u202e\\udb40\\udc41\""
        );
        assert_eq!(line("a\nb\u{9b}31m"), "a↵b\\u{9b}31m");
        let back: String =
            serde_json::from_str(&json("\"<&>\u{202e}\u{e0041}\"".into())).expect("JSON");
        assert_eq!(back, "<&>\u{202e}\u{e0041}");
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(
            [short(9_999), short(12_345), short(999_949), short(999_950)],
            ["9\u{202f}999", "12.3k", "1000k", "1.0M"]
        );
        assert_eq!(
            [dollars(0.0), dollars(0.00123), dollars(12.5)],
            ["$0", "$0.0012", "$12.50"]
        );
        assert_eq!(
            [took(999), took(1_500), took(15_000), took(1_500_000)],
            ["999 µs", "1.5 ms", "15 ms", "1.5 s"]
        );
    }
}
