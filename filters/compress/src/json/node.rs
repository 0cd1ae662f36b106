//! A JSON text as a tree of its own lexemes.

use sallyport_exchange::json::{JsonKind, Tape, Value};

/// One value.
pub(super) struct Node<'t> {
    /// As it stands in the text.
    pub raw: &'t str,
    /// What it is.
    pub kind: Kind<'t>,
    /// Of its bytes: equal texts have equal ones.
    pub hash: u64,
}

/// What a value is.
pub(super) enum Kind<'t> {
    /// A number, `true`, `false` or `null`.
    Plain,
    /// A string.
    Text,
    /// A list.
    List(Vec<Node<'t>>),
    /// An object: keys as they stand in the text, quotes included.
    Object(Vec<(&'t str, Node<'t>)>),
}

impl<'t> Node<'t> {
    /// The tree of a document.
    pub fn of(tape: &'t Tape<'t>) -> Node<'t> {
        Node::from(tape.root())
    }

    fn from(value: Value<'t>) -> Node<'t> {
        let raw = value.raw();
        let (kind, hash) = match value.kind() {
            JsonKind::Array => {
                let all: Vec<Node<'t>> = value
                    .elements()
                    .into_iter()
                    .flatten()
                    .map(Node::from)
                    .collect();
                let hash = all
                    .iter()
                    .fold(mix(LIST, raw.len() as u64), |h, n| mix(h, n.hash));
                (Kind::List(all), hash)
            }
            JsonKind::Object => {
                let all: Vec<(&'t str, Node<'t>)> = value
                    .members()
                    .into_iter()
                    .flatten()
                    .map(|(key, value)| (key.raw(), Node::from(value)))
                    .collect();
                let hash = all
                    .iter()
                    .fold(mix(OBJECT, raw.len() as u64), |h, (key, n)| {
                        mix(mix(h, of(key)), n.hash)
                    });
                (Kind::Object(all), hash)
            }
            JsonKind::String => (Kind::Text, of(raw)),
            _ => (Kind::Plain, of(raw)),
        };
        Node { raw, kind, hash }
    }

    /// Its members, if it is an object.
    pub fn members(&self) -> Option<&[(&'t str, Node<'t>)]> {
        match &self.kind {
            Kind::Object(members) => Some(members),
            _ => None,
        }
    }

    /// Its elements, if it is a list.
    pub fn elements(&self) -> Option<&[Node<'t>]> {
        match &self.kind {
            Kind::List(elements) => Some(elements),
            _ => None,
        }
    }

    /// Whether nothing is inside.
    pub fn is_leaf(&self) -> bool {
        matches!(self.kind, Kind::Plain | Kind::Text)
    }
}

const LIST: u64 = 0x9e37_79b9_7f4a_7c15;
const OBJECT: u64 = 0xc2b2_ae3d_27d4_eb4f;
const PRIME: u64 = 0x0000_0100_0000_01b3;

fn mix(hash: u64, with: u64) -> u64 {
    (hash ^ with).wrapping_mul(LIST).rotate_left(29)
}

/// FNV-1a, eight bytes at a time. A collision costs a comparison, nothing else.
fn of(raw: &str) -> u64 {
    let mut chunks = raw.as_bytes().chunks_exact(8);
    let mut hash = 0xcbf2_9ce4_8422_2325u64;
    for chunk in &mut chunks {
        let word = chunk.iter().fold(0u64, |w, b| w << 8 | u64::from(*b));
        hash = (hash ^ word).wrapping_mul(PRIME).rotate_left(23);
    }
    for byte in chunks.remainder() {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
    }
    hash
}
