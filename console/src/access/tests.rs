//! Who may look, tried.

use super::*;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

const TOKEN: &str = "correct horse battery staple";
const HOUR: i64 = 3600 * 1_000_000_000;
const NOON: i64 = 500_000 * HOUR;

/// What a client sends.
struct Client {
    headers: HeaderMap,
    body: String,
    peer: &'static str,
    now: i64,
}

impl Client {
    fn new(headers: &[(&'static str, &str)]) -> Client {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header");
            all.append(HeaderName::from_static(name), value);
        }
        Client {
            headers: all,
            body: String::new(),
            peer: "192.0.2.7",
            now: NOON,
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            method: &Method::POST,
            target: "/login",
            headers: &self.headers,
            body: self.body.as_bytes(),
            peer: self.peer.parse().ok(),
            tls: false,
            now_ns: self.now,
        }
    }

    fn entry(&self, access: &Access) -> Entry {
        access.entry(&self.request(), false)
    }
}

fn access() -> Access {
    Access::new(Some(TOKEN)).expect("randomness")
}

fn form(access: &Access, token: &str, headers: &[(&'static str, &str)]) -> Client {
    let mut client = Client::new(headers);
    let word = access.login_word(client.now);
    client.body = format!("word={word}&token={}", crate::request::encode(token));
    client
}

/// Logs in and gives the `cookie` header back.
fn cookie_of(access: &Access) -> String {
    match access.login(&form(access, TOKEN, &[]).request()) {
        Login::In(cookie) => cookie.split(';').next().expect("a pair").to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn without_a_token_only_loopback_is_open() {
    let client = Client::new(&[]);
    for token in [None, Some("")] {
        let access = Access::new(token).expect("randomness");
        assert_eq!(
            access.entry(&client.request(), true),
            Entry::Open { session: None }
        );
        assert_eq!(access.entry(&client.request(), false), Entry::Unconfigured);
        // An empty token is none, not one that an empty word opens.
        let empty = Client::new(&[("authorization", "Bearer ")]);
        assert_eq!(access.entry(&empty.request(), false), Entry::Unconfigured);
    }
}

#[test]
fn with_a_token_loopback_asks_for_it_too() {
    let access = access();
    assert_eq!(
        access.entry(&Client::new(&[]).request(), true),
        Entry::Locked
    );
}

#[test]
fn bearers_are_let_in_by_the_token_alone() {
    let access = access();
    let right = format!("Bearer {TOKEN}");
    for (value, open) in [
        (right.as_str(), true),
        (&right.replace("Bearer", "bearer"), true),
        ("Bearer wrong", false),
        ("Bearer", false),
        (TOKEN, false),
        (&right.replace("Bearer", "Basic"), false),
    ] {
        let entry = Client::new(&[("authorization", value)]).entry(&access);
        assert_eq!(entry == Entry::Open { session: None }, open, "{value}");
    }
    let twice = Client::new(&[("authorization", &right), ("authorization", &right)]);
    assert_eq!(twice.entry(&access), Entry::Locked);
}

#[test]
fn a_session_opens_until_it_ends() {
    let access = access();
    let cookie = cookie_of(&access);
    let mut client = Client::new(&[("cookie", &format!("a=b; {cookie}; c=d"))]);
    assert!(matches!(
        client.entry(&access),
        Entry::Open { session: Some(_) }
    ));
    client.now = NOON + 11 * HOUR;
    assert!(matches!(client.entry(&access), Entry::Open { .. }));
    // Neither time nor a clock that is put back makes it longer.
    for now in [NOON + 12 * HOUR, NOON - 1, i64::MIN, i64::MAX] {
        client.now = now;
        assert_eq!(client.entry(&access), Entry::Locked, "{now}");
    }
    for odd in ["sallyport=", "sallyport", "sallyport=x", "other=1"] {
        assert_eq!(
            Client::new(&[("cookie", odd)]).entry(&access),
            Entry::Locked
        );
    }
    let elsewhere = self::access();
    client.now = NOON;
    assert_eq!(client.entry(&elsewhere), Entry::Locked);
}

#[test]
fn cookies_are_for_this_site_and_for_tls_where_it_is() {
    let access = access();
    let plain = match access.login(&form(&access, TOKEN, &[]).request()) {
        Login::In(cookie) => cookie,
        other => panic!("{other:?}"),
    };
    assert!(
        plain.starts_with("sallyport=")
            && plain.ends_with("; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict")
    );
    let secure = form(&access, TOKEN, &[("x-forwarded-proto", "https")]);
    match access.login(&secure.request()) {
        Login::In(cookie) => assert!(
            cookie.starts_with("__Host-sallyport=") && cookie.ends_with("; Secure"),
            "{cookie}"
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn forms_come_from_our_pages() {
    let access = access();
    let host = ("host", "console:9090");
    for (headers, good) in [
        (
            vec![
                host,
                ("origin", "http://console:9090"),
                ("sec-fetch-site", "same-origin"),
            ],
            true,
        ),
        (vec![host, ("origin", "https://console:9090")], true),
        (vec![host], true),
        (vec![host, ("origin", "http://evil.example")], false),
        (vec![host, ("origin", "http://console:9091")], false),
        (vec![host, ("origin", "null")], false),
        (vec![("origin", "http://console:9090")], false),
        (vec![host, ("sec-fetch-site", "cross-site")], false),
        (vec![host, ("sec-fetch-site", "same-site")], false),
        (
            vec![
                host,
                ("origin", "http://console:9090"),
                ("sec-fetch-site", "none"),
            ],
            false,
        ),
    ] {
        let login = access.login(&form(&access, TOKEN, &headers).request());
        assert_eq!(matches!(login, Login::In(_)), good, "{headers:?} {login:?}");
    }
    // The form's own word, which another site cannot read.
    let mut client = form(&access, TOKEN, &[]);
    let body = std::mem::take(&mut client.body);
    for without in [
        String::new(),
        body.replace("word=", "word=x"),
        body.replace("word", "w"),
    ] {
        client.body = without;
        assert_eq!(access.login(&client.request()), Login::Foreign);
    }
    client.body = body;
    client.now = NOON + HOUR;
    assert!(matches!(access.login(&client.request()), Login::In(_)));
    client.now = NOON + 2 * HOUR;
    assert_eq!(access.login(&client.request()), Login::Foreign);
}

#[test]
fn guessing_is_bounded_by_address() {
    let access = access();
    let mut wrong = form(&access, "guess", &[]);
    for _ in 0..TRIES_MAX {
        assert_eq!(access.login(&wrong.request()), Login::Wrong);
    }
    assert_eq!(access.login(&wrong.request()), Login::Barred(60));
    // Now not even the token opens, by either way; a session that is there goes on.
    assert_eq!(
        access.login(&form(&access, TOKEN, &[]).request()),
        Login::Barred(60)
    );
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(
        Client::new(&[("authorization", &bearer)]).entry(&access),
        Entry::Barred(60)
    );
    // Others are not kept out.
    let mut other = form(&access, TOKEN, &[]);
    other.peer = "192.0.2.8";
    assert!(matches!(access.login(&other.request()), Login::In(_)));
    // A minute later it may try again.
    wrong.now = NOON + 60 * 1_000_000_000;
    assert_eq!(access.login(&wrong.request()), Login::Wrong);
}

#[test]
fn an_attacker_with_many_addresses_has_one_count() {
    let access = access();
    let client = Client::new(&[("authorization", "Bearer no")]);
    let mut request = client.request();
    for last in 0..TRIES_MAX as u16 {
        request.peer = Some(std::net::Ipv6Addr::new(0x2001, 0xdb8, 0, 7, 1, 2, 3, last).into());
        assert_eq!(access.entry(&request, false), Entry::Locked);
    }
    assert!(matches!(access.entry(&request, false), Entry::Barred(_)));
    for network in 0..5_000u32 {
        request.peer = Some(std::net::Ipv4Addr::from_bits(0x0a00_0000 + network).into());
        let _ = access.entry(&request, false);
    }
    assert!(access.tries.lock().len() <= ADDRESSES_MAX + 1);
}

#[test]
fn only_the_sessions_own_form_ends_it() {
    let access = access();
    let cookie = cookie_of(&access);
    let other = Client::new(&[("cookie", &cookie_of(&access))]);
    let Entry::Open {
        session: Some(others_word),
    } = other.entry(&access)
    else {
        panic!("open")
    };
    let mut client = Client::new(&[("cookie", &cookie)]);
    let Entry::Open {
        session: Some(word),
    } = client.entry(&access)
    else {
        panic!("open")
    };
    for wrong in [String::new(), "word=".into(), format!("word={others_word}")] {
        client.body = wrong;
        assert_eq!(access.logout(&client.request()), None);
    }
    client.body = format!("word={word}");
    assert!(
        access
            .logout(&client.request())
            .expect("ended")
            .contains("Max-Age=0")
    );
    assert_eq!(client.entry(&access), Entry::Locked);
    assert!(matches!(other.entry(&access), Entry::Open { .. }));
}

#[test]
fn sessions_are_bounded_and_nothing_secret_is_shown() {
    let access = access();
    let first = cookie_of(&access);
    for at in 1..=SESSIONS_MAX as i64 {
        let mut client = form(&access, TOKEN, &[]);
        client.now += at;
        assert!(matches!(access.login(&client.request()), Login::In(_)));
    }
    assert_eq!(access.sessions.lock().len(), SESSIONS_MAX);
    assert_eq!(
        Client::new(&[("cookie", &first)]).entry(&access),
        Entry::Locked
    );
    assert_eq!(format!("{access:?}"), "Access(token: true)");
}
