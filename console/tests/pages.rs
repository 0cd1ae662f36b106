//! The pages and the JSON: what nobody should trust, who is let in, and how they are built.

mod sample;

use expect_test::expect;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use sallyport_console::{Console, Facts, History, Reply, Request, is_unseen};
use std::sync::Arc;

const NOW: i64 = 1_795_364_053_000_000_000;

fn console(token: Option<&str>, hostile: bool) -> Console {
    let history = History::open(None, 1000).expect("a history");
    let mut dice = sample::Dice(5);
    for number in 0..120 {
        let exchange = sample::exchange(
            &mut dice,
            number,
            NOW - (120 - number as i64) * 20_000_000_000,
        );
        history.observe(Arc::new(exchange));
    }
    if hostile {
        history.observe(Arc::new(sample::hostile(500, NOW)));
    }
    history.flush();
    Console::new(Arc::new(history), token).expect("randomness")
}

fn ask(
    console: &Console,
    facts: &Facts,
    method: Method,
    target: &str,
    headers: &[(&'static str, &str)],
    body: &str,
) -> Reply {
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        all.append(
            HeaderName::from_static(name),
            HeaderValue::from_str(value).expect("a header"),
        );
    }
    let request = Request {
        method: &method,
        target,
        headers: &all,
        body: body.as_bytes(),
        peer: None,
        tls: false,
        now_ns: NOW,
    };
    console.answer(&request, facts)
}

fn get(console: &Console, facts: &Facts, target: &str) -> Reply {
    ask(console, facts, Method::GET, target, &[], "")
}

fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply
        .headers
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.as_str())
}

/// Every address that shows something.
fn addresses(console: &Console) -> Vec<String> {
    let newest = get(console, &sample::facts(), "/api/exchanges?limit=1");
    let newest: serde_json::Value = serde_json::from_str(&newest.body).expect("JSON");
    let id = newest["exchanges"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let bad: String = percent(sample::HOSTILE);
    let mut all: Vec<String> = [
        "/",
        "/rows?after=0",
        "/sessions",
        "/map",
        "/teams",
        "/firewall",
        "/policies",
        "/servers",
        "/nope",
    ]
    .map(str::to_owned)
    .into();
    all.extend(
        ["/exchanges/", "/sessions/", "/", "/api/exchanges/"].map(|path| format!("{path}{bad}")),
    );
    all.push(format!("/exchanges/{id}"));
    all.push(format!("/api/exchanges/{id}"));
    all.extend(
        [
            "q",
            "team",
            "agent",
            "rule",
            "tool",
            "model",
            "finding",
            "session",
            "window",
            "verdict",
            "upstream",
            "operation",
            "before",
            "after",
        ]
        .map(|name| format!("/?{name}={bad}")),
    );
    all.extend(
        ["exchanges", "live", "sessions", "map", "teams", "standing"]
            .map(|name| format!("/api/{name}?q=x")),
    );
    all.extend(
        ["window=1h", "window=24h", "window=7d", "window=30d"]
            .iter()
            .flat_map(|window| {
                ["map", "teams", "firewall"].map(|page| format!("/{page}?{window}"))
            }),
    );
    all
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn no_page_lets_words_of_others_be_markup_or_hide() {
    let (console, facts) = (console(None, true), sample::hostile_facts());
    let (mut shown, mut pages) = (0, 0);
    for address in addresses(&console) {
        let reply = get(&console, &facts, &address);
        let body = &reply.body;
        assert!(!body.is_empty() || reply.status == 303, "{address}");
        assert!(
            !body.chars().any(is_unseen),
            "{address} shows something unseen"
        );
        for raw in [
            "<script>alert",
            "<img",
            "onerror=alert(2)>&lt",
            "\u{1b}",
            "\u{202e}",
        ] {
            assert!(!body.contains(raw), "{address} has {raw:?}");
        }
        for (_, value) in &reply.headers {
            assert!(HeaderValue::from_str(value).is_ok(), "{address}: {value:?}");
        }
        if reply.content_type.starts_with("text/html") {
            // One style, one script, and nothing that runs beside it.
            assert!(
                body.matches("<script>").count() <= 1 && body.matches("<style>").count() <= 1,
                "{address}"
            );
            let tags = body
                .split('<')
                .skip(1)
                .map(|tag| tag.split('>').next().unwrap_or_default());
            for tag in tags.filter(|tag| !tag.starts_with('/')) {
                // What stands outside of quotes: names of attributes, and nothing of what others said.
                let names: String = tag.split('"').step_by(2).collect();
                let odd = [" on", " style", "alert", "javascript:"]
                    .iter()
                    .any(|odd| names.contains(odd));
                assert!(!odd, "{address}: <{tag}>");
            }
            pages += 1;
        }
        shown += usize::from(body.contains("alert(1)"));
    }
    assert!(
        shown > 20 && pages > 30,
        "{shown} of {pages} pages show what is hostile"
    );
}

#[test]
fn json_says_the_same_as_was_told() {
    let console = console(None, true);
    let reply = get(&console, &sample::facts(), "/api/exchanges?limit=1");
    let list: sallyport_console::Exchanges = serde_json::from_str(&reply.body).expect("JSON");
    let hostile = &list.exchanges[0];
    assert_eq!(
        (hostile.agent.as_str(), hostile.refused_by[0].as_str()),
        (sample::HOSTILE, sample::HOSTILE)
    );
    assert_eq!(list.seq, hostile.row);
    let one = get(
        &console,
        &sample::facts(),
        &format!("/api/exchanges/{}", hostile.id),
    );
    let one: serde_json::Value = serde_json::from_str(&one.body).expect("JSON");
    let observed: sallyport_record::Observed =
        serde_json::from_value(one["exchange"].clone()).expect("an exchange");
    assert_eq!(observed, sample::hostile(500, NOW));
    let standing = get(&console, &sample::facts(), "/api/standing");
    let standing: sallyport_console::StandingReply =
        serde_json::from_str(&standing.body).expect("JSON");
    assert_eq!(
        (
            standing.facts,
            standing.hour.exchanges,
            standing.history.exchanges
        ),
        (sample::facts(), 121, 121)
    );
    let live = get(
        &console,
        &sample::facts(),
        &format!("/api/live?after={}", list.seq),
    );
    assert_eq!(
        live.body,
        format!("{{\"exchanges\":[],\"older\":null,\"seq\":{}}}", list.seq)
    );
    assert_eq!(
        get(&console, &sample::facts(), "/api/exchanges/none").status,
        404
    );
    assert_eq!(get(&console, &sample::facts(), "/api/none").status, 404);
}

#[test]
fn pages_lead_from_the_newest_to_the_oldest() {
    let (console, facts) = (console(None, false), sample::facts());
    let (mut address, mut seen) = ("/api/exchanges?limit=25".to_owned(), 0);
    loop {
        let reply = get(&console, &facts, &address);
        let page: sallyport_console::Exchanges = serde_json::from_str(&reply.body).expect("JSON");
        seen += page.exchanges.len();
        let Some(older) = page.older else { break };
        address = format!("/api/exchanges?limit=25&before={older}");
    }
    assert_eq!(seen, 120);
}

#[test]
fn every_page_is_guarded() {
    let (console, facts) = (console(None, false), sample::facts());
    for address in addresses(&console) {
        let reply = get(&console, &facts, &address);
        let policy = header(&reply, "content-security-policy").expect("a policy");
        assert!(
            policy.starts_with("default-src 'none'; ") && policy.contains("frame-ancestors 'none'"),
            "{address}: {policy}"
        );
        assert!(
            !policy.contains("unsafe") && !policy.contains("http"),
            "{address}: {policy}"
        );
        assert_eq!(header(&reply, "cache-control"), Some("no-store"));
        assert_eq!(header(&reply, "x-content-type-options"), Some("nosniff"));
    }
}

#[test]
fn nothing_is_shown_to_those_who_are_not_let_in() {
    let console = console(Some("token"), false);
    let mut facts = sample::facts();
    for address in addresses_blind() {
        let reply = get(&console, &facts, address);
        assert!(
            [303, 401, 200].contains(&reply.status),
            "{address}: {}",
            reply.status
        );
        assert!(
            !reply.body.contains("payments") && !reply.body.contains("sp_"),
            "{address}"
        );
        let asks = header(&reply, "location").is_some_and(|to| to.starts_with("/login"))
            || reply.status == 401
            || address == "/login";
        assert!(asks, "{address}");
        let let_in = ask(
            &console,
            &facts,
            Method::GET,
            address,
            &[("authorization", "Bearer token")],
            "",
        );
        assert!(
            [200, 303].contains(&let_in.status),
            "{address}: {}",
            let_in.status
        );
    }
    let open = self::console(None, false);
    facts.loopback = false;
    for address in addresses_blind() {
        let reply = get(&open, &facts, address);
        assert_eq!(reply.status, 403, "{address}");
        assert!(
            reply.body.contains("operators")
                && reply.body.contains("token")
                && !reply.body.contains("payments"),
            "{address}"
        );
    }
}

fn addresses_blind() -> [&'static str; 12] {
    [
        "/",
        "/rows",
        "/sessions",
        "/map",
        "/teams",
        "/firewall",
        "/policies",
        "/servers",
        "/login",
        "/api/exchanges",
        "/api/standing",
        "/api/live",
    ]
}

#[test]
fn logging_in_leads_back_and_nowhere_else() {
    let (console, facts) = (console(Some("token"), false), sample::facts());
    let asked = get(&console, &facts, "/teams?window=7d");
    assert_eq!(
        (asked.status, header(&asked, "location")),
        (303, Some("/login?to=%2Fteams%3Fwindow%3D7d"))
    );
    let page = get(&console, &facts, "/login?to=%2Fteams%3Fwindow%3D7d");
    let word = page
        .body
        .split("name=\"word\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a word")
        .to_owned();
    let log_in = |token: &str, to: &str| {
        ask(
            &console,
            &facts,
            Method::POST,
            "/login",
            &[],
            &format!("word={word}&token={token}&to={}", percent(to)),
        )
    };
    assert_eq!(log_in("wrong", "/").status, 401);
    for (to, leads) in [
        ("/teams?window=7d", "/teams?window=7d"),
        ("//evil.example", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\r\nset-cookie: x=y", "/"),
        ("", "/"),
        ("javascript:alert(1)", "/"),
    ] {
        let reply = log_in("token", to);
        assert_eq!(
            (reply.status, header(&reply, "location")),
            (303, Some(leads)),
            "{to}"
        );
    }
    let cookie = header(&log_in("token", "/"), "set-cookie")
        .expect("a cookie")
        .split(';')
        .next()
        .expect("a pair")
        .to_owned();
    let page = ask(
        &console,
        &facts,
        Method::GET,
        "/",
        &[("cookie", &cookie)],
        "",
    );
    assert!(page.status == 200 && page.body.contains("Log out"));
    let word = page
        .body
        .split("name=\"word\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a word");
    let out = |word: &str| {
        ask(
            &console,
            &facts,
            Method::POST,
            "/logout",
            &[("cookie", &cookie)],
            &format!("word={word}"),
        )
    };
    assert_eq!(out("x").status, 403);
    assert_eq!(header(&out(word), "location"), Some("/login"));
    assert_eq!(
        ask(
            &console,
            &facts,
            Method::GET,
            "/",
            &[("cookie", &cookie)],
            ""
        )
        .status,
        303
    );
}

#[test]
fn nothing_can_be_changed() {
    let (console, facts) = (console(None, false), sample::facts());
    for method in [
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
        Method::OPTIONS,
        Method::CONNECT,
        Method::TRACE,
    ] {
        for address in ["/", "/api/exchanges", "/policies", "/exchanges/x"] {
            let reply = ask(&console, &facts, method.clone(), address, &[], "");
            assert_eq!(
                (reply.status, header(&reply, "allow")),
                (405, Some("GET, HEAD")),
                "{method} {address}"
            );
        }
    }
}

#[test]
fn strange_targets_are_answered() {
    let (console, facts) = (console(None, false), sample::facts());
    let long = "a".repeat(100_000);
    for target in [
        "",
        "?",
        "*",
        "//",
        "/?&&==&",
        "/%",
        "/exchanges/",
        "/exchanges/%ff",
        "/?before=-1",
        "/?before=99999999999999999999",
        "/?from=x&to=-9",
        "http://evil.example/",
        &format!("/?q={long}"),
        &format!("/{long}"),
    ] {
        let reply = get(&console, &facts, target);
        assert!(
            [200, 303, 404].contains(&reply.status),
            "{target:.40}: {}",
            reply.status
        );
    }
}

/// The tags of a page, in order, without what repeats: its build, not its words.
fn outline(body: &str) -> String {
    let main = body
        .split("<main")
        .nth(1)
        .expect("a main part")
        .split("</main>")
        .next()
        .expect("its end");
    let mut out = String::new();
    for tag in main.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        if [
            "h1", "h2", "section", "table", "form", "figure", "nav", "search", "dl",
        ]
        .contains(&name)
        {
            let line = format!("{name}\n");
            if !out.ends_with(&line) {
                out.push_str(&line);
            }
        }
    }
    out
}

#[test]
fn pages_are_built_as_they_were() {
    let (console, facts) = (console(None, false), sample::facts());
    let outline = |address: &str| outline(&get(&console, &facts, address).body).replace('\n', " ");
    expect!["h1 section dl figure search form table nav "].assert_eq(&outline("/"));
    expect!["h1 table "].assert_eq(&outline("/sessions"));
    expect!["h1 nav figure table "].assert_eq(&outline("/map"));
    expect!["h1 nav section h2 figure table section h2 figure section h2 figure section h2 figure section h2 figure section h2 table "].assert_eq(&outline("/teams"));
    expect!["h1 section h2 table section h2 dl nav section h2 table h2 table "]
        .assert_eq(&outline("/firewall"));
    expect!["h1 section h2 dl section h2 table section h2 table section h2 dl section h2 dl section h2 dl "].assert_eq(&outline("/policies"));
    expect!["h1 section h2 table section h2 dl table "].assert_eq(&outline("/servers"));
    let newest = get(&console, &facts, "/api/exchanges?limit=1&verdict=redacted");
    let newest: serde_json::Value = serde_json::from_str(&newest.body).expect("JSON");
    let page = outline(&format!(
        "/exchanges/{}",
        newest["exchanges"][0]["id"].as_str().expect("an id")
    ));
    expect!["h1 section h2 dl section h2 table section h2 dl section h2 section h2 dl "]
        .assert_eq(&page);
}
