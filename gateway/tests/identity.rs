//! Who asks: keys in headers, kept as hashes.

use http::{HeaderMap, HeaderName, HeaderValue};
use sallyport::identity::{KeyHash, Keys, Unidentified, caller, identify, new_key};
use std::collections::HashSet;

fn keys() -> Keys {
    let mut keys = Keys::default();
    for (key, name) in [("sp-payments-one", "one"), ("sp-payments-two", "two")] {
        keys.add(KeyHash::of(key), caller(name, "payments", "refunds", &[]))
            .expect("two keys");
    }
    keys
}

fn check(headers: &[(&str, &str)], expected: Result<&str, Unidentified>) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(
            HeaderName::try_from(*name).expect("a name"),
            HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        );
    }
    let found = identify(&map, &keys()).map(|caller| caller.key.to_string());
    assert_eq!(found, expected.map(str::to_owned), "{headers:?}");
}

#[test]
fn a_key_says_who_asks() {
    check(&[("authorization", "Bearer sp-payments-one")], Ok("one"));
    check(&[("authorization", "bearer   sp-payments-two ")], Ok("two"));
    check(&[("x-api-key", "sp-payments-two")], Ok("two"));
    check(
        &[
            ("authorization", "Bearer sp-payments-one"),
            ("x-api-key", "sp-payments-one"),
        ],
        Ok("one"),
    );
    // SDKs send an empty header beside the one they use.
    check(
        &[
            ("authorization", "Bearer "),
            ("x-api-key", "sp-payments-one"),
        ],
        Ok("one"),
    );
    check(
        &[
            ("x-api-key", ""),
            ("authorization", "Bearer sp-payments-one"),
        ],
        Ok("one"),
    );
}

#[test]
fn else_nobody_asks() {
    use Unidentified::{Conflicting, Missing, Unknown};
    check(&[], Err(Missing));
    check(&[("authorization", ""), ("x-api-key", " ")], Err(Unknown));
    check(&[("x-api-key", " ")], Err(Missing));
    check(&[("authorization", "Bearer")], Err(Missing));
    check(
        &[("authorization", "Bearer sp-payments-three")],
        Err(Unknown),
    );
    check(&[("authorization", "sp-payments-one")], Err(Unknown));
    check(&[("authorization", "Basic sp-payments-one")], Err(Unknown));
    check(&[("x-api-key", "Bearer sp-payments-one")], Err(Unknown));
    check(&[("x-api-key", "SP-PAYMENTS-ONE")], Err(Unknown));
    check(
        &[("x-api-key", "sp-payments-one,sp-payments-two")],
        Err(Unknown),
    );
    check(&[("x-api-key", "\u{ff}\u{fe}")], Err(Unknown));
    check(&[("x-api-key", &"x".repeat(10_000))], Err(Unknown));
    check(
        &[
            ("authorization", "Bearer sp-payments-one"),
            ("x-api-key", "sp-payments-two"),
        ],
        Err(Conflicting),
    );
    check(
        &[
            ("authorization", "Bearer sp-payments-one"),
            ("x-api-key", "other"),
        ],
        Err(Conflicting),
    );
    check(
        &[
            ("authorization", "Bearer sp-payments-one"),
            ("authorization", "Bearer sp-payments-two"),
        ],
        Err(Conflicting),
    );
    check(
        &[
            ("authorization", "Basic abc"),
            ("x-api-key", "sp-payments-one"),
        ],
        Err(Unknown),
    );
}

#[test]
fn keys_are_never_shown() {
    let shown = format!("{:?} {:?}", keys(), KeyHash::of("sp-payments-one"));
    assert!(!shown.contains("sp-payments"), "{shown}");
    assert!(
        !shown.contains(&KeyHash::of("sp-payments-one").to_hex()),
        "not even the whole hash: {shown}"
    );
}

#[test]
fn new_keys_are_random_and_well_formed() {
    let mut seen = HashSet::new();
    for _ in 0..200 {
        let key = new_key("payments").expect("randomness");
        let random = key.strip_prefix("sp-payments-").expect("its beginning");
        assert_eq!(random.len(), 32, "{key}");
        assert!(
            random.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "{key}"
        );
        assert!(seen.insert(key), "no key twice");
    }
    let letters: HashSet<char> = seen.iter().flat_map(|key| key.chars().skip(12)).collect();
    assert_eq!(letters.len(), 62, "every letter occurs");
}

#[test]
fn hashes_are_read_and_written() {
    let hash = KeyHash::of("123");
    assert_eq!(
        hash.to_hex(),
        "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3"
    );
    assert_eq!(KeyHash::from_hex(&hash.to_hex()), Some(hash));
    assert_eq!(KeyHash::from_hex(&hash.to_hex().to_uppercase()), Some(hash));
    for bad in [
        String::new(),
        "a6".into(),
        "g".repeat(64),
        "+a".repeat(32),
        "é".repeat(32),
        "a".repeat(65),
    ] {
        assert_eq!(KeyHash::from_hex(&bad), None, "{bad}");
    }
}
