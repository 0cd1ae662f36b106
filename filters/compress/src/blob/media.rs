//! What bytes are, by how they begin.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// How files begin (the signatures that their formats define), and what they are.
const SIGNATURES: [(&[u8], &str); 17] = [
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"\0asm", "application/wasm"),
    (b"\x7fELF", "application/x-elf"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff2"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"RIFF", "riff"),
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
];

/// What base64 holds, by its first letters.
pub(super) fn of_base64(letters: &str) -> Option<&'static str> {
    let plain: Vec<u8> = letters
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .take(64)
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => byte,
        })
        .collect();
    let quads = plain.len() / 4 * 4;
    let bytes = STANDARD_NO_PAD.decode(plain.get(..quads)?).ok()?;
    of_bytes(&bytes)
}

/// What hexadecimal digits hold, by the first of them.
pub(super) fn of_hex(digits: &str) -> Option<&'static str> {
    let value = |byte: u8| char::from(byte).to_digit(16);
    let bytes: Option<Vec<u8>> = digits
        .as_bytes()
        .chunks_exact(2)
        .take(24)
        .map(|pair| match pair {
            [high, low] => u8::try_from(value(*high)? * 16 + value(*low)?).ok(),
            _ => None,
        })
        .collect();
    of_bytes(&bytes?)
}

fn of_bytes(bytes: &[u8]) -> Option<&'static str> {
    let signed = SIGNATURES
        .iter()
        .find(|(begins, _)| bytes.starts_with(begins));
    if let Some((_, media)) = signed {
        return Some(media);
    }
    // The last character may be cut.
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(bytes.get(..error.valid_up_to())?).ok()?
        }
        Err(_) => return None,
    };
    let words = |c: char| !c.is_control() || c.is_whitespace();
    (text.len() >= 12 && text.chars().all(words)).then_some("text")
}
