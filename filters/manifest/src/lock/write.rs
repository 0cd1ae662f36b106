//! The lock as text.

use super::{Lock, PinnedServer, VERSION};
use crate::canonical::{canonical, write_string};
use crate::seen::is_unseen;
use sallyport_exchange::json::{JsonKind, Tape, Value};
use std::fmt::Write as _;

/// What a signature is over begins so, that it is good for nothing else.
const SIGNED_AS: &str = "sallyport-lock-v1\n";

/// What is signed: [`SIGNED_AS`], and the canonical JSON of the file without its signature.
pub(super) fn signed(lock: &Lock) -> String {
    let text = body(lock, false);
    let body = Tape::read_str(&text).map(|tape| canonical(tape.root()));
    // What is written here is strict JSON, and a signature over nothing but the beginning is good for nothing.
    format!("{SIGNED_AS}{}", body.unwrap_or_default())
}

pub(super) fn text(lock: &Lock) -> String {
    body(lock, true)
}

fn body(lock: &Lock, with_signature: bool) -> String {
    let mut out = Out {
        text: String::from("{\n"),
        depth: 1,
    };
    out.key("version");
    // Writing to a `String` cannot fail.
    let _ = writeln!(out.text, "{VERSION},");
    out.key("servers");
    out.map(lock.servers.iter(), |out, server| out.server(server));
    if let (true, Some(signature)) = (with_signature, &lock.signature) {
        out.text.push_str(",\n");
        out.key("signature");
        let members = [
            ("ed25519", signature.base64()),
            ("key", signature.key().to_owned()),
        ];
        out.map(members.iter().map(|(k, v)| (*k, v)), |out, value| {
            out.string(value)
        });
    }
    out.text.push_str("\n}\n");
    out.text
}

struct Out {
    text: String,
    depth: usize,
}

impl Out {
    fn server(&mut self, server: &PinnedServer) {
        self.text.push_str("{\n");
        self.depth += 1;
        if let Some(instructions) = &server.instructions {
            self.key("instructions");
            self.string(instructions);
            self.text.push_str(",\n");
        }
        self.key("tools");
        self.map(server.tools.iter(), |out, pin| {
            out.text.push_str("{\n");
            out.depth += 1;
            out.key("digest");
            out.string(&pin.tool.digest().to_string());
            if !pin.accept.is_empty() {
                out.text.push_str(",\n");
                out.key("accept");
                let labels: Vec<String> = pin
                    .accept
                    .iter()
                    .map(|label| format!("{label:?}"))
                    .collect();
                let _ = write!(out.text, "[{}]", labels.join(", "));
            }
            out.text.push_str(",\n");
            out.key("declaration");
            if let Ok(tape) = Tape::read_str(pin.tool.canonical()) {
                out.value(tape.root());
            }
            out.close('}');
        });
        self.close('}');
    }

    fn indent(&mut self) {
        self.text.extend(std::iter::repeat_n("  ", self.depth));
    }

    fn key(&mut self, key: &str) {
        self.indent();
        self.string(key);
        self.text.push_str(": ");
    }

    fn close(&mut self, bracket: char) {
        self.text.push('\n');
        self.depth -= 1;
        self.indent();
        self.text.push(bracket);
    }

    fn map<K: AsRef<str>, V>(
        &mut self,
        members: impl Iterator<Item = (K, V)>,
        mut write: impl FnMut(&mut Out, V),
    ) {
        let mut first = true;
        self.text.push('{');
        self.depth += 1;
        for (key, value) in members {
            self.text.push_str(if first { "\n" } else { ",\n" });
            first = false;
            self.key(key.as_ref());
            write(self, value);
        }
        match first {
            true => {
                self.depth -= 1;
                self.text.push('}');
            }
            false => self.close('}'),
        }
    }

    fn value(&mut self, value: Value<'_>) {
        match value.kind() {
            JsonKind::Object => {
                let members = value.members().into_iter().flatten();
                let members = members.map(|(key, value)| (key.as_str().unwrap_or_default(), value));
                self.map(members, |out, value| out.value(value));
            }
            JsonKind::Array => self.list(value),
            JsonKind::String => self.string(&value.as_str().unwrap_or_default()),
            _ => self.text.push_str(value.raw()),
        }
    }

    /// Lists of plain values on one line, others an element a line.
    fn list(&mut self, value: Value<'_>) {
        let elements = || value.elements().into_iter().flatten();
        let plain = elements().all(|e| !matches!(e.kind(), JsonKind::Object | JsonKind::Array));
        self.text.push('[');
        self.depth += 1;
        for (index, element) in elements().enumerate() {
            match (index, plain) {
                (0, true) => {}
                (0, false) => self.text.push('\n'),
                (_, true) => self.text.push_str(", "),
                (_, false) => self.text.push_str(",\n"),
            }
            if !plain {
                self.indent();
            }
            self.value(element);
        }
        match plain {
            true => {
                self.depth -= 1;
                self.text.push(']');
            }
            false => self.close(']'),
        }
    }

    /// As in canonical JSON, and what is unseen escaped.
    fn string(&mut self, string: &str) {
        let mut plain = String::with_capacity(string.len() + 2);
        write_string(string, &mut plain);
        if plain.is_ascii() && !plain.contains('\u{7f}') {
            return self.text.push_str(&plain);
        }
        for c in plain.chars() {
            if is_unseen(c) {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(self.text, "\\u{unit:04x}");
                }
            } else {
                self.text.push(c);
            }
        }
    }
}
