//! The head of a GGUF: its keys, and the names and shapes of its tensors. Read before llama.cpp reads it, so that what is
//! wrong with a file can be told in words, and so that llama.cpp is not handed what would end the process.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>, versions 2 and 3, little-endian.

use std::collections::HashMap;
use std::io::Read;

/// Most keys, tensors and dimensions, and the longest name and kept text, in bytes. Real models have a tenth of it.
const MAX_KEYS: u64 = 10_000;
const MAX_TENSORS: u64 = 100_000;
const MAX_DIMENSIONS: u32 = 4;
const MAX_NAME: u64 = 64 << 10;
const MAX_TEXT: u64 = 4 << 20;
/// Most elements of an array: ten times the largest vocabulary there is.
const MAX_ELEMENTS: u64 = 10 << 20;
/// Arrays of at most so many texts are kept; vocabularies are skipped.
const MAX_KEPT: u64 = 64;

/// What a key says, as far as it matters here.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Number(u64),
    Text(String),
    Texts(Vec<String>),
    Other,
}

/// The head of a GGUF.
#[derive(Debug, Default)]
pub(super) struct Head {
    keys: HashMap<String, Value>,
    /// The name of each tensor, and its dimensions, the fastest first.
    tensors: HashMap<String, Vec<u64>>,
}

/// Why it is no GGUF.
pub(super) type Broken = &'static str;

impl Head {
    /// Reads it from the file's beginning.
    pub(super) fn read(from: impl Read) -> Result<Head, Broken> {
        let mut bytes = Bytes(from);
        if bytes.array::<4>()? != *b"GGUF" {
            return Err("it does not begin with GGUF");
        }
        if !matches!(bytes.u32()?, 2 | 3) {
            return Err("it has a version other than 2 or 3");
        }
        let tensors = within(bytes.u64()?, MAX_TENSORS, "it has too many tensors")?;
        let keys = within(bytes.u64()?, MAX_KEYS, "it has too many keys")?;
        let mut head = Head::default();
        for _ in 0..keys {
            let key = bytes.text(MAX_NAME)?;
            let kind = bytes.u32()?;
            let value = bytes.value(kind)?;
            if head.keys.insert(key, value).is_some() {
                return Err("a key stands in it twice");
            }
        }
        for _ in 0..tensors {
            let name = bytes.text(MAX_NAME)?;
            let dimensions = bytes.u32()?;
            if dimensions > MAX_DIMENSIONS {
                return Err("a tensor has too many dimensions");
            }
            let shape = (0..dimensions)
                .map(|_| bytes.u64())
                .collect::<Result<_, _>>()?;
            let (_kind, _offset) = (bytes.u32()?, bytes.u64()?);
            if head.tensors.insert(name, shape).is_some() {
                return Err("a tensor stands in it twice");
            }
        }
        Ok(head)
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        match self.keys.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn texts(&self, key: &str) -> Option<&[String]> {
        match self.keys.get(key) {
            Some(Value::Texts(texts)) => Some(texts),
            _ => None,
        }
    }

    pub(super) fn number(&self, key: &str) -> Option<u64> {
        match self.keys.get(key) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn shape(&self, tensor: &str) -> Option<&[u64]> {
        self.tensors.get(tensor).map(Vec::as_slice)
    }

    /// The keys that hold text.
    pub(super) fn into_texts(self) -> HashMap<String, String> {
        let texts = self
            .keys
            .into_iter()
            .filter_map(|(key, value)| match value {
                Value::Text(text) => Some((key, text)),
                _ => None,
            });
        texts.collect()
    }
}

fn within(n: u64, most: u64, why: Broken) -> Result<u64, Broken> {
    if n > most { Err(why) } else { Ok(n) }
}

/// The numbers of GGUF's types of values.
mod kind {
    pub(super) const TEXT: u32 = 8;
    pub(super) const ARRAY: u32 = 9;

    /// How many bytes a value of a plain type has.
    pub(super) fn bytes(kind: u32) -> Option<u64> {
        match kind {
            0 | 1 | 7 => Some(1), // u8, i8, bool
            2 | 3 => Some(2),     // u16, i16
            4..=6 => Some(4),     // u32, i32, f32
            10..=12 => Some(8),   // u64, i64, f64
            _ => None,
        }
    }

    /// Whether it is a number without sign or fraction, or a truth (0 or 1).
    pub(super) fn is_count(kind: u32) -> bool {
        matches!(kind, 0 | 2 | 4 | 7 | 10)
    }
}

struct Bytes<R>(R);

impl<R: Read> Bytes<R> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Broken> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes).map_err(|_| "it is cut off")?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, Broken> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Broken> {
        self.array().map(u64::from_le_bytes)
    }

    /// A text of at most `most` bytes.
    fn text(&mut self, most: u64) -> Result<String, Broken> {
        let n = within(self.u64()?, most, "a text in it is too long")?;
        let mut bytes = Vec::new();
        // Not allocated by what the file says, but by what it has.
        let got = (&mut self.0).take(n).read_to_end(&mut bytes);
        if got.ok() != usize::try_from(n).ok() {
            return Err("it is cut off");
        }
        String::from_utf8(bytes).map_err(|_| "a text in it is not UTF-8")
    }

    fn skip(&mut self, n: u64) -> Result<(), Broken> {
        let skipped = std::io::copy(&mut (&mut self.0).take(n), &mut std::io::sink());
        if skipped.ok() == Some(n) {
            Ok(())
        } else {
            Err("it is cut off")
        }
    }

    fn value(&mut self, of: u32) -> Result<Value, Broken> {
        match of {
            kind::TEXT => self.text(MAX_TEXT).map(Value::Text),
            kind::ARRAY => self.elements(),
            plain => {
                let n = kind::bytes(plain).ok_or("a key has an unknown type")?;
                if !kind::is_count(plain) {
                    return self.skip(n).map(|()| Value::Other);
                }
                let mut bytes = [0; 8];
                let used = bytes.iter_mut().take(usize::try_from(n).unwrap_or(0));
                for byte in used {
                    [*byte] = self.array::<1>()?;
                }
                Ok(Value::Number(u64::from_le_bytes(bytes)))
            }
        }
    }

    fn elements(&mut self) -> Result<Value, Broken> {
        let of = self.u32()?;
        let n = within(self.u64()?, MAX_ELEMENTS, "an array in it is too long")?;
        if of != kind::TEXT {
            let each = kind::bytes(of).ok_or("an array has an unknown type")?;
            return self.skip(n * each).map(|()| Value::Other);
        }
        if n <= MAX_KEPT {
            let texts = (0..n)
                .map(|_| self.text(MAX_NAME))
                .collect::<Result<_, _>>()?;
            return Ok(Value::Texts(texts));
        }
        for _ in 0..n {
            // Pieces of a vocabulary need not be UTF-8.
            let length = within(self.u64()?, MAX_NAME, "a text in it is too long")?;
            self.skip(length)?;
        }
        Ok(Value::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(out: &mut Vec<u8>, text: &str) {
        out.extend((text.len() as u64).to_le_bytes());
        out.extend(text.as_bytes());
    }

    /// A head with one key of each kind that is kept, and one tensor.
    fn small() -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3u32.to_le_bytes());
        out.extend(1u64.to_le_bytes());
        out.extend(4u64.to_le_bytes());
        text(&mut out, "name");
        out.extend(8u32.to_le_bytes());
        text(&mut out, "bert");
        text(&mut out, "length");
        out.extend(4u32.to_le_bytes());
        out.extend(512u32.to_le_bytes());
        text(&mut out, "labels");
        out.extend([9u32.to_le_bytes(), 8u32.to_le_bytes()].concat());
        out.extend(2u64.to_le_bytes());
        text(&mut out, "SAFE");
        text(&mut out, "INJECTION");
        text(&mut out, "scores");
        out.extend([9u32.to_le_bytes(), 6u32.to_le_bytes()].concat());
        out.extend(3u64.to_le_bytes());
        out.extend([0; 12]);
        text(&mut out, "cls.weight");
        out.extend(2u32.to_le_bytes());
        out.extend([384u64.to_le_bytes(), 4u64.to_le_bytes()].concat());
        out.extend([0; 12]);
        out
    }

    #[test]
    fn keys_and_tensors_are_read() {
        let head = Head::read(small().as_slice()).expect("a good head");
        assert_eq!(head.text("name"), Some("bert"));
        assert_eq!(head.number("length"), Some(512));
        assert_eq!(
            head.texts("labels"),
            Some(&["SAFE".into(), "INJECTION".into()][..])
        );
        assert_eq!(head.keys.get("scores"), Some(&Value::Other));
        assert_eq!(head.shape("cls.weight"), Some(&[384, 4][..]));
        assert_eq!(head.shape("cls.bias"), None);
    }

    #[test]
    fn every_beginning_of_it_is_cut_off() {
        let whole = small();
        for end in 0..whole.len() {
            assert!(
                Head::read(&whole[..end]).is_err(),
                "{end} bytes were enough"
            );
        }
    }

    #[test]
    fn lengths_that_lie_cost_nothing() {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(0u64.to_le_bytes());
        bytes.extend(1u64.to_le_bytes());
        bytes.extend(u64::MAX.to_le_bytes());
        assert_eq!(
            Head::read(bytes.as_slice()).err(),
            Some("a text in it is too long")
        );
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend([u64::MAX.to_le_bytes(), 0u64.to_le_bytes()].concat());
        assert_eq!(
            Head::read(bytes.as_slice()).err(),
            Some("it has too many tensors")
        );
    }
}
