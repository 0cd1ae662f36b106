//! One way to write each JSON value: RFC 8785 (JCS), so that what means the same has the same digest.
//!
//! One thing is added. RFC 8785 is for numbers that a double carries; `9007199254740993` and
//! `9007199254740992` would be one, and such a change must not pass unseen. A whole number that no double is,
//! one past the range of doubles, and one of more than 17 digits are written in full instead, as digits and
//! an exponent. All others are as RFC 8785 has them.

use sallyport_exchange::json::{JsonKind, Value};
use std::borrow::Cow;
use std::fmt::Write as _;

/// The canonical text of `value`. In linear time, but for the sorting of keys.
pub fn canonical(value: Value<'_>) -> String {
    let mut text = String::with_capacity(value.raw().len());
    write(value, &mut text);
    text
}

/// Depth is bounded: no tape is deeper than `sallyport_exchange::json::DEPTH_MAX`.
fn write(value: Value<'_>, text: &mut String) {
    match value.kind() {
        JsonKind::Object => {
            text.push('{');
            for (index, (key, member)) in sorted_members(value).into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_string(&key, text);
                text.push(':');
                write(member, text);
            }
            text.push('}');
        }
        JsonKind::Array => {
            text.push('[');
            for (index, element) in value.elements().into_iter().flatten().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(element, text);
            }
            text.push(']');
        }
        JsonKind::String => write_string(&value.as_str().unwrap_or_default(), text),
        JsonKind::Number => write_number(value.raw(), text),
        JsonKind::True | JsonKind::False | JsonKind::Null => text.push_str(value.raw()),
    }
}

/// The members of an object by their keys' UTF-16 code units (RFC 8785, section 3.2.3).
fn sorted_members(value: Value<'_>) -> Vec<(Cow<'_, str>, Value<'_>)> {
    let mut members: Vec<(Cow<'_, str>, Value<'_>)> = value
        .members()
        .into_iter()
        .flatten()
        .map(|(key, member)| (key.as_str().unwrap_or_default(), member))
        .collect();
    members.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    members
}

/// Writes a string with its quotes (RFC 8785, section 3.2.2.2).
pub(crate) fn write_string(string: &str, text: &mut String) {
    text.push('"');
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            // Writing to a `String` cannot fail.
            c if c < ' ' => {
                let _ = write!(text, "\\u{:04x}", c as u32);
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

fn write_number(raw: &str, text: &mut String) {
    let double: f64 = raw.parse().unwrap_or(f64::NAN);
    let exact = Decimal::read(raw);
    if double.is_finite() {
        let mut buffer = ryu_js::Buffer::new();
        let shortest = buffer.format_finite(double);
        let carried = Decimal::read(shortest);
        // Other writers give a fraction 17 digits where fewer would do.
        let rounded = double != 0.0
            && exact
                .as_ref()
                .is_some_and(|exact| exact.exponent < 0 && exact.digits.len() <= DIGITS_OF_DOUBLES);
        if exact.is_some() && (exact == carried || rounded) {
            return text.push_str(shortest);
        }
    }
    match exact {
        Some(exact) => {
            let _ = write!(
                text,
                "{}{}e{}",
                if exact.negative { "-" } else { "" },
                exact.digits,
                exact.exponent
            );
        }
        None => text.push_str(raw),
    }
}

/// So many digits tell every double from every other.
const DIGITS_OF_DOUBLES: usize = 17;

/// A number as its digits, with no zeros at either end, and a power of ten. Zero has no digits and no sign.
#[derive(PartialEq, Eq)]
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Decimal {
    /// `None`: an exponent beyond all reason.
    fn read(raw: &str) -> Option<Decimal> {
        let (mantissa, exponent) = match raw.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (raw, 0),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let negative = whole.starts_with('-');
        let all = format!("{}{part}", whole.trim_start_matches('-'));
        let digits = all.trim_end_matches('0');
        let dropped = all.len() - digits.len();
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() {
            return Some(Decimal {
                negative: false,
                digits: String::new(),
                exponent: 0,
            });
        }
        Some(Decimal {
            negative,
            digits: digits.to_owned(),
            exponent: i64::from(exponent) - part.len() as i64 + dropped as i64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;
    use sallyport_exchange::json::Tape;

    fn of(json: &str) -> String {
        canonical(Tape::read_str(json).expect("strict JSON").root())
    }

    /// The examples of RFC 8785, sections 3.2.2 and 3.2.3.
    #[test]
    fn rfc_8785_examples() {
        assert_eq!(
            of(r#"{
  "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
  "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
  "literals": [null, true, false]
}"#),
            r#"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#
        );
        assert_eq!(
            of(
                r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
                "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#
            ),
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\
             \"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}"
        );
    }

    /// RFC 8785, appendix B: the doubles, from their shortest text.
    #[test]
    fn rfc_8785_numbers() {
        for (json, want) in [
            ("0", "0"),
            ("-0", "0"),
            ("-0.0", "0"),
            ("5e-324", "5e-324"),
            ("-5E-324", "-5e-324"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("9007199254740992", "9007199254740992"),
            ("295147905179352830000", "295147905179352830000"),
            ("9.999999999999997e22", "9.999999999999997e+22"),
            ("1e23", "1e+23"),
            ("999999999999999700000", "999999999999999700000"),
            ("1e21", "1e+21"),
            ("9.999999999999997e-7", "9.999999999999997e-7"),
            ("0.000001", "0.000001"),
            ("333333333.3333332", "333333333.3333332"),
            ("-0.0000033333333333333333", "-0.0000033333333333333333"),
            ("1424953923781206.2", "1424953923781206.2"),
            ("1.0", "1"),
            ("100e-2", "1"),
        ] {
            assert_eq!(of(json), want, "{json}");
        }
    }

    /// What is read back from a lock must be what was pinned.
    #[test]
    fn the_canonical_form_is_its_own() {
        for json in [
            "17999940777572179",
            "17999940777572179e0",
            "1799994077757217.9e1",
            "333333333.33333329",
            "0.10000000000000000555",
            "1e400",
            "-1.5e-400",
            "1e2147483647",
            "0.001e-2147483648",
            "1e99999999999",
        ] {
            assert_eq!(of(&of(json)), of(json), "{json}");
        }
    }

    #[test]
    fn numbers_past_doubles_stay_apart() {
        for (a, b) in [
            ("9007199254740993", "9007199254740992"),
            ("18446744073709551615", "18446744073709551616"),
            ("9007199254740993.0", "9007199254740992"),
            ("0.1", "0.10000000000000000555"),
            ("1e400", "1e401"),
            ("-1e400", "1e400"),
            ("1e-400", "0"),
            ("1e99999999999", "1e99999999998"),
        ] {
            assert_ne!(of(a), of(b), "{a} and {b}");
        }
        assert_eq!(of("18446744073709551615"), of("18446744073709551615.0"));
        assert_eq!(of("18446744073709551615"), "18446744073709551615e0");
    }
}
