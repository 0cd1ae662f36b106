//! Sizes such as `32MiB` and durations such as `30s`.

use schemars::JsonSchema;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A number of bytes: `512B`, `64KiB`, `32MiB`, `1GiB`, or a plain number of bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Size(pub u64);

/// A stretch of time: `500ms`, `30s`, `5m`, `1h`, `90d`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Time(pub Duration);

/// How a size is written; the mend for one that is not.
pub const SIZE_HINT: &str = "write a number and B, KiB, MiB or GiB, such as `32MiB`";
/// How a duration is written; the mend for one that is not.
pub const TIME_HINT: &str = "write a number and ms, s, m, h or d, such as `30s`";

/// No duration is longer: far beyond any use, and far from any overflow.
const TIME_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

const SIZES: [(&str, u64); 8] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
    ("", 1),
];
const TIMES_MS: [(&str, u64); 5] = [
    ("ms", 1),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
];

impl Size {
    /// So many mebibytes.
    pub const fn mib(count: u64) -> Self {
        Size(count << 20)
    }

    /// So many kibibytes.
    pub const fn kib(count: u64) -> Self {
        Size(count << 10)
    }

    /// The bytes, as buffers count them.
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

impl Time {
    /// So many seconds.
    pub const fn secs(count: u64) -> Self {
        Time(Duration::from_secs(count))
    }
}

impl FromStr for Size {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, unit) = split(text);
        let (_, factor) = SIZES
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or(SIZE_HINT)?;
        let number: u64 = number.parse().map_err(|_| SIZE_HINT)?;
        number
            .checked_mul(*factor)
            .map(Size)
            .ok_or("this is more than can be counted")
    }
}

impl FromStr for Time {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (number, unit) = split(text);
        let (_, factor) = TIMES_MS
            .iter()
            .find(|(name, _)| *name == unit)
            .ok_or(TIME_HINT)?;
        let number: u64 = number.parse().map_err(|_| TIME_HINT)?;
        let time = number.checked_mul(*factor).map(Duration::from_millis);
        time.filter(|time| *time <= TIME_MAX)
            .map(Time)
            .ok_or("the longest time is a year")
    }
}

/// Digits, and what follows them.
fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |(_, factor): &&(&str, u64)| {
            factor.is_power_of_two() && self.0 >= *factor && self.0.is_multiple_of(*factor)
        };
        let (unit, factor) = SIZES.iter().find(fits).unwrap_or(&("B", 1));
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            ms if ms % 1000 == 0 => write!(f, "{}s", ms / 1000),
            ms => write!(f, "{ms}ms"),
        }
    }
}

/// Both are read from text or a plain number, written as text, and described alike.
macro_rules! as_text {
    ($unit:ident, $name:literal, $types:expr, $hint:expr) => {
        impl Serialize for $unit {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $unit {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $unit;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($hint)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$unit, E> {
                        text.parse().map_err(E::custom)
                    }
                    fn visit_u64<E: de::Error>(self, number: u64) -> Result<$unit, E> {
                        number.to_string().parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_any(Text)
            }
        }

        impl JsonSchema for $unit {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": $types, "format": $name})
            }
        }
    };
}

as_text!(Size, "size", ["string", "integer"], SIZE_HINT);
as_text!(Time, "duration", ["string"], TIME_HINT);

#[cfg(test)]
mod tests {
    use super::{Size, Time};

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes, again) in [
            ("32MiB", 33_554_432, "32MiB"),
            ("64 KiB", 65_536, "64KiB"),
            ("1500", 1500, "1500B"),
            ("2MB", 2_000_000, "2000000B"),
            ("0B", 0, "0B"),
        ] {
            let size: Size = text.parse().expect(text);
            assert_eq!(
                (size.0, size.to_string().as_str()),
                (bytes, again),
                "{text}"
            );
        }
        for text in [
            "",
            "MiB",
            "-1",
            "1.5MiB",
            "32 mib",
            "32MiBx",
            "99999999999GiB",
            "32M",
        ] {
            assert!(text.parse::<Size>().is_err(), "`{text}` is no size");
        }
    }

    #[test]
    fn durations_are_read_and_written() {
        for (text, ms, again) in [
            ("500ms", 500, "500ms"),
            ("30s", 30_000, "30s"),
            ("5m", 300_000, "300s"),
            ("1h", 3_600_000, "3600s"),
            ("90d", 7_776_000_000, "7776000s"),
        ] {
            let time: Time = text.parse().expect(text);
            assert_eq!(
                (time.0.as_millis(), time.to_string().as_str()),
                (ms, again),
                "{text}"
            );
        }
        for text in ["", "30", "s", "1.5s", "-1s", "30 sec", "99999999h", "400d"] {
            assert!(text.parse::<Time>().is_err(), "`{text}` is no duration");
        }
    }
}
