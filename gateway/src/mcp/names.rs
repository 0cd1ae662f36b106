//! Names of several servers' tools, prompts and resources in one list: prefixed by the server's id, never
//! two alike, and as models take them (`[A-Za-z0-9_-]`, at most 64).

use sha2::{Digest, Sha256};

/// Between the server's id and the name. Ids hold no underscore, so the first one ends the id.
pub const SEPARATOR: &str = "__";
/// The longest name that all models take.
pub const NAME_MAX: usize = 64;
/// Hex digits of the hash that a changed name carries: 40 bits.
const HASH_DIGITS: usize = 10;
/// Before the server's id in the scheme of a resource's address.
const SCHEME: &str = "sallyport+";

/// What a tool or prompt of a server is called in the list of all.
pub fn shared(server: &str, name: &str) -> String {
    let plain = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let whole = server.len() + SEPARATOR.len() + name.len();
    if plain && whole <= NAME_MAX && !looks_hashed(name) {
        return format!("{server}{SEPARATOR}{name}");
    }
    let hash: String = Sha256::digest(name.as_bytes())
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let room = NAME_MAX - server.len() - SEPARATOR.len() - HASH_DIGITS - 1;
    let kept: String = name
        .chars()
        .take(room)
        .map(|c| match c {
            c if c.is_ascii_alphanumeric() || c == '_' || c == '-' => c,
            _ => '_',
        })
        .collect();
    format!("{server}{SEPARATOR}{kept}-{}", &hash[..HASH_DIGITS])
}

/// A name that ends as a changed one does is changed too, so that no plain name can pose as a changed one.
fn looks_hashed(name: &str) -> bool {
    let Some((_, tail)) = name.rsplit_once('-') else {
        return false;
    };
    tail.len() == HASH_DIGITS && tail.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The server's id in such a name, and the rest of it.
pub fn split(name: &str) -> Option<(&str, &str)> {
    name.split_once(SEPARATOR)
}

/// The address of a server's resource in the list of all. A prefix to the scheme, so that templates stay
/// templates.
pub fn shared_uri(server: &str, uri: &str) -> String {
    format!("{SCHEME}{server}+{uri}")
}

/// The server's id in such an address, and the server's own address.
pub fn split_uri(uri: &str) -> Option<(&str, &str)> {
    uri.strip_prefix(SCHEME)?.split_once('+')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_names_are_only_prefixed() {
        assert_eq!(shared("files", "read_file"), "files__read_file");
        assert_eq!(split("files__read_file"), Some(("files", "read_file")));
        assert_eq!(split("read_file"), None);
        let uri = shared_uri("files", "file:///a/{b}");
        assert_eq!(uri, "sallyport+files+file:///a/{b}");
        assert_eq!(split_uri(&uri), Some(("files", "file:///a/{b}")));
        assert_eq!(split_uri("file:///a"), None);
    }

    #[test]
    fn known_collisions_do_not_collide() {
        let long = "x".repeat(80);
        let longer = "x".repeat(81);
        let pairs = [
            ("a/b", "a_b"),
            ("a.b", "a_b"),
            ("a b", "a_b"),
            ("é", "e"),
            (long.as_str(), longer.as_str()),
        ];
        for (one, other) in pairs {
            assert_ne!(shared("s", one), shared("s", other), "{one} {other}");
        }
        let posing = shared("s", "a/b");
        let (_, posing) = split(&posing).expect("has a server");
        assert_ne!(shared("s", posing), shared("s", "a/b"));
    }

    proptest! {
        #[test]
        fn names_fit_and_differ(one in ".{0,100}", other in ".{0,100}") {
            let name = shared("a-server-of-thirty-two-letters-xx", &one);
            prop_assert!(name.len() <= NAME_MAX);
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
            prop_assert_eq!(one == other, name == shared("a-server-of-thirty-two-letters-xx", &other));
        }
    }
}
