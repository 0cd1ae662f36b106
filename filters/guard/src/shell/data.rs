//! Commands that only pass data on: what comes out, where what goes in is known.

use super::Stream;
use super::read::unescaped;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// The bytes that base64 stands for, in either alphabet; blanks are passed over.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let clean: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    [&alphabet::STANDARD, &alphabet::URL_SAFE]
        .into_iter()
        .find_map(|letters| GeneralPurpose::new(letters, LENIENT).decode(&clean).ok())
}

/// The text that base64 stands for.
pub(crate) fn text_from_base64(text: &str) -> Option<String> {
    from_base64(text).and_then(|bytes| String::from_utf8(bytes).ok())
}

fn from_hex(text: &str) -> Option<String> {
    let digits: Vec<u32> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16))
        .collect::<Option<_>>()?;
    let bytes = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |v, d| v * 16 + d) as u8);
    String::from_utf8(bytes.collect()).ok()
}

/// Decodes what flows in.
fn decoded(stdin: Stream, decode: impl Fn(&str) -> Option<String>) -> Stream {
    let text = stdin.text.as_deref().and_then(decode);
    Stream {
        hidden: text.is_none(),
        text,
        ..stdin
    }
}

/// `echo`.
pub(crate) fn echo(args: &[String]) -> Stream {
    let flags = args
        .iter()
        .take_while(|arg| {
            arg.starts_with('-') && arg.len() > 1 && arg[1..].bytes().all(|b| b"neE".contains(&b))
        })
        .count();
    let text = args[flags..].join(" ");
    Stream::of(match args[..flags].iter().any(|flag| flag.contains('e')) {
        true => unescaped(&text),
        false => text + "\n",
    })
}

/// The most arguments that `printf` puts in place.
const PRINTF_MAX: usize = 64;

/// `printf`: the format, and the arguments where it asks for them.
pub(crate) fn printf(args: &[String]) -> Stream {
    let args = match args {
        [flag, _, rest @ ..] if flag == "-v" => rest,
        [flag, rest @ ..] if flag == "--" => rest,
        args => args,
    };
    let Some((format, values)) = args.split_first() else {
        return Stream::default();
    };
    let mut text = unescaped(format);
    let mut values = values.iter().take(PRINTF_MAX).peekable();
    for sign in ["%s", "%b", "%q"] {
        while text.contains(sign) {
            let Some(value) = values.next() else { break };
            text = text.replacen(
                sign,
                &if sign == "%b" {
                    unescaped(value)
                } else {
                    value.clone()
                },
                1,
            );
            if text.len() > crate::look::WORD_MAX {
                return Stream::default();
            }
        }
    }
    for value in values {
        text.push(' ');
        text.push_str(value);
    }
    Stream::of(text)
}

/// What a filter makes of what flows in; `None` if `name` is no filter that is known here.
pub(crate) fn filter(name: &str, args: &[String], stdin: Stream) -> Option<Stream> {
    let has = |flags: &[&str]| args.iter().any(|arg| flags.contains(&arg.as_str()));
    Some(match name {
        "base64" | "gbase64" if has(&["-d", "-D", "--decode", "-di"]) => {
            decoded(stdin, text_from_base64)
        }
        "basenc" if has(&["-d", "--decode"]) => decoded(stdin, text_from_base64),
        "base32" if has(&["-d", "--decode"]) => decoded(stdin, |_| None),
        "openssl" if has(&["-d"]) && has(&["base64", "-base64", "-a", "enc"]) => {
            decoded(stdin, text_from_base64)
        }
        "openssl" if has(&["-d"]) => decoded(stdin, |_| None),
        "xxd" if args.iter().any(|arg| arg.starts_with("-r")) => decoded(stdin, from_hex),
        "rev" => decoded(stdin, |text| {
            let lines: Vec<String> = text
                .lines()
                .map(|line| line.chars().rev().collect())
                .collect();
            Some(lines.join("\n"))
        }),
        "tr" => decoded(stdin, |text| tr(args, text)),
        "gunzip" | "zcat" | "bunzip2" | "bzcat" | "unxz" | "xzcat" | "unzstd" | "zstdcat"
        | "uudecode" => decoded(stdin, |_| None),
        "gzip" | "xz" | "bzip2" | "zstd" if has(&["-d", "-dc", "-cd", "--decompress"]) => {
            decoded(stdin, |_| None)
        }
        "gpg" if has(&["-d", "--decrypt"]) => decoded(stdin, |_| None),
        "tee" | "cat" | "sponge" | "pv" | "head" | "tail" | "sort" | "uniq" | "tac" | "strings"
        | "fold" | "nl" => stdin,
        "sed" | "awk" | "cut" | "grep" | "perl" | "jq" => Stream {
            text: None,
            ..stdin
        },
        _ => return None,
    })
}

/// `tr from to` with ranges, `tr -d set`.
fn tr(args: &[String], text: &str) -> Option<String> {
    let set = |arg: &String| -> Vec<char> {
        let raw: Vec<char> = unescaped(arg).chars().collect();
        let mut set = Vec::new();
        let mut at = 0;
        while at < raw.len() {
            match raw.get(at + 1..at + 3) {
                Some(['-', last]) if raw[at] <= *last && (*last as u32 - raw[at] as u32) < 256 => {
                    set.extend(raw[at]..=*last);
                    at += 3;
                }
                _ => {
                    set.push(raw[at]);
                    at += 1;
                }
            }
        }
        set
    };
    match args {
        [flag, from] if flag == "-d" => {
            let from = set(from);
            Some(text.chars().filter(|c| !from.contains(c)).collect())
        }
        [from, to] if !from.starts_with('-') => {
            let (from, to) = (set(from), set(to));
            let swap = |c| match from.iter().rposition(|f| *f == c) {
                Some(at) => to.get(at).or(to.last()).copied().unwrap_or(c),
                None => c,
            };
            Some(text.chars().map(swap).collect())
        }
        _ => None,
    }
}
