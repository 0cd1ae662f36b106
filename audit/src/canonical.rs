//! One way to write each JSON value: RFC 8785 (JCS).
//!
//! One thing differs, and for evidence's sake: a whole number is written with all its digits, also past 2^53,
//! where RFC 8785 would round it to the nearest double.

use serde_json::{Number, Value};
use std::fmt::Write as _;

/// Writes `value` at the end of `text`.
pub fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(number) => write_number(number, text),
        Value::String(string) => write_string(string, text),
        Value::Array(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                canonical(element, text);
            }
            text.push(']');
        }
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            // By UTF-16 code units (RFC 8785, section 3.2.3), which for ASCII is by bytes.
            members.sort_by(|(a, _), (b, _)| match a.is_ascii() && b.is_ascii() {
                true => a.cmp(b),
                false => a.encode_utf16().cmp(b.encode_utf16()),
            });
            text.push('{');
            for (index, (key, member)) in members.into_iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_string(key, text);
                text.push(':');
                canonical(member, text);
            }
            text.push('}');
        }
    }
}

/// Writes a string with its quotes (RFC 8785, section 3.2.2.2).
pub(crate) fn write_string(string: &str, text: &mut String) {
    text.push('"');
    let mut plain = 0;
    for (at, byte) in string.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            0x8 => "\\b",
            b'\t' => "\\t",
            b'\n' => "\\n",
            0xc => "\\f",
            b'\r' => "\\r",
            0..0x20 => "",
            _ => continue,
        };
        text.push_str(&string[plain..at]);
        match escape {
            // Writing to a `String` cannot fail.
            "" => {
                let _ = write!(text, "\\u{byte:04x}");
            }
            escape => text.push_str(escape),
        }
        plain = at + 1;
    }
    text.push_str(&string[plain..]);
    text.push('"');
}

fn write_number(number: &Number, text: &mut String) {
    if let Some(whole) = number.as_u64() {
        let _ = write!(text, "{whole}");
    } else if let Some(whole) = number.as_i64() {
        let _ = write!(text, "{whole}");
    } else if let Some(double) = number.as_f64().filter(|double| double.is_finite()) {
        text.push_str(ryu_js::Buffer::new().format_finite(double));
    } else {
        // Only where `serde_json` keeps numbers as text, and one is past all doubles.
        let _ = write!(text, "{number}");
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    fn of(json: &str) -> String {
        let mut text = String::new();
        canonical(&serde_json::from_str(json).expect("JSON"), &mut text);
        text
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

    #[test]
    fn numbers() {
        for (json, want) in [
            ("0", "0"),
            ("-0.0", "0"),
            ("1.0", "1"),
            ("-1", "-1"),
            ("5e-324", "5e-324"),
            ("1e21", "1e+21"),
            ("0.000001", "0.000001"),
            ("1.7976931348623157e308", "1.7976931348623157e+308"),
            ("9007199254740993", "9007199254740993"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(of(json), want, "{json}");
            assert_eq!(of(want), want, "the canonical form of {json} is its own");
        }
    }

    #[test]
    fn control_characters_cannot_make_a_line() {
        let text = of(r#"{"a\nb":"\u0000\u001f\u007f\u2028\r\n"}"#);
        assert_eq!(text, "{\"a\\nb\":\"\\u0000\\u001f\u{7f}\u{2028}\\r\\n\"}");
    }
}
