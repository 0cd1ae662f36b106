//! The configuration: what it means, and what is said when it is wrong.

#![expect(clippy::panic, reason = "a test says what is wrong by panicking")]

use expect_test::{Expect, expect, expect_file};
use sallyport::config::{
    Config, ConfigErrors, Pattern, Reach, all_keys, config_reference, config_schema,
};
use std::path::Path;

const SMALLEST: &str = "upstreams: {openai: {url: https://api.openai.com, speaks: openai}}\n";

fn env(name: &str) -> Option<String> {
    match name {
        "OPENAI_API_KEY" => Some("sk-live-abcdef".into()),
        "PORT" => Some("9999".into()),
        "STRUCTURE" => Some("{url: http://evil, speaks: openai}".into()),
        "BAD_URL" => Some("ftp://user:hunter2@host".into()),
        _ => None,
    }
}

fn read(text: &str) -> Result<Config, ConfigErrors> {
    Config::read(Path::new("sallyport.yaml"), text, &env)
}

fn good(text: &str) -> Config {
    read(text).unwrap_or_else(|errors| panic!("should be good:\n{errors}"))
}

/// What is said of a configuration that is wrong.
fn check(text: &str, expected: Expect) {
    match read(text) {
        Ok(_) => panic!("should be wrong:\n{text}"),
        Err(errors) => expected.assert_eq(&errors.to_string()),
    }
}

/// The same for something added to the smallest configuration.
fn check_more(text: &str, expected: Expect) {
    check(&format!("{SMALLEST}{text}"), expected);
}

#[test]
fn the_smallest_configuration_has_safe_defaults() {
    let config = good(SMALLEST);
    assert!(
        config.operators.listen.ip().is_loopback(),
        "operators are on loopback unless somebody says otherwise"
    );
    assert!(config.agents.listen.ip().is_loopback(), "agents too");
    assert!(config.workers >= 1);
    assert!(config.keys.is_empty(), "nobody can ask");
    expect![[r#"
        routes: openai speaks openai -> openai
        limits: Limits { body: 33554432, headers: 65536, decoded_ratio: 100, answer: 33554432, stream_hold: 1048576, connections: 10000 }
        timeouts: Timeouts { request_head: 10s, request_body: 60s, connect: 5s, answer_head: 300s, answer_idle: 300s, agent_write: 30s, keep_alive: 60s, notice: 0ns, grace: 30s, upstream_keep_alive: 60s, tool_answer: 3600s }
        decisions: Decisions { to: Stdout, text: false }
        detect: Config { secrets: true, personal: true, hidden: true, markers: true, links: true, decode: true }
        agents: Agents { listen: 127.0.0.1:8080, http2: true, tls: None }
        operators: Operators { listen: 127.0.0.1:9090, hosts: [], token: None }
        policies: None"#]]
    .assert_eq(&outline(&config));
}

#[test]
fn every_key_arrives_where_it_is_used() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("openai.key"), "sk-from-a-file\n").expect("written");
    let text = r#"
agents: {listen: "0.0.0.0:${PORT}", http2: false}
operators: {listen: "[::1]:0", hosts: [Metrics.example]}
upstreams:
  openai: {url: "https://api.openai.com/v1/", speaks: openai, key: "${OPENAI_API_KEY}", headers: {OpenAI-Organization: org-1}}
  local: {url: http://127.0.0.1:8081, speaks: openai, key_file: openai.key, http2: true}
  anthropic: {url: "https://[2001:db8::1]:8443/base", speaks: anthropic}
routes:
  - {name: small, speaks: openai, models: ["smollm*", "qwen-*-mini"], upstream: local}
  - {name: rest, speaks: openai, upstream: openai}
  - {name: claude, speaks: anthropic, models: [], upstream: anthropic}
keys:
  - {name: refunds-laptop, team: payments, agent: refunds, sha256: "a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3", labels: {tier: gold, floor: 3}}
policies: rules
detect: {personal: false}
limits: {body: 1MiB, headers: 8KiB, decoded_ratio: 10, answer: 2MiB, stream_hold: 64KiB, connections: 7}
timeouts: {request_head: 1s, request_body: 2s, connect: 500ms, answer_head: 3s, answer_idle: 4s, agent_write: 5s, keep_alive: 0s, grace: 7s, upstream_keep_alive: 8s}
decisions: {to: log/decisions.jsonl, text: true}
redaction_key: "0123456789012345678901234567890123456789"
workers: 3
"#;
    let file = folder.path().join("sallyport.yaml");
    let config = Config::read(&file, text, &env)
        .unwrap_or_else(|errors| panic!("should be good:\n{errors}"));
    expect![[r#"
        routes: small speaks openai -> local, rest speaks openai -> openai, claude speaks anthropic -> anthropic
        limits: Limits { body: 1048576, headers: 8192, decoded_ratio: 10, answer: 2097152, stream_hold: 65536, connections: 7 }
        timeouts: Timeouts { request_head: 1s, request_body: 2s, connect: 500ms, answer_head: 3s, answer_idle: 4s, agent_write: 5s, keep_alive: 0ns, notice: 0ns, grace: 7s, upstream_keep_alive: 8s, tool_answer: 3600s }
        decisions: Decisions { to: File("FOLDER/log/decisions.jsonl"), text: true }
        detect: Config { secrets: true, personal: false, hidden: true, markers: true, links: true, decode: true }
        agents: Agents { listen: 0.0.0.0:9999, http2: false, tls: None }
        operators: Operators { listen: [::1]:0, hosts: ["metrics.example"], token: None }
        policies: Some("FOLDER/rules")"#]]
    .assert_eq(&outline(&config).replace(&folder.path().display().to_string(), "FOLDER"));
    assert_eq!(config.workers, 3);
    assert!(config.redaction_key.is_some());
    let upstream = |name: &str| {
        config
            .upstreams
            .iter()
            .find(|upstream| *upstream.name == *name)
            .expect("there")
    };
    assert_eq!(
        upstream("openai").key.as_ref().map(|key| key.expose()),
        Some("sk-live-abcdef")
    );
    assert_eq!(
        upstream("local").key.as_ref().map(|key| key.expose()),
        Some("sk-from-a-file"),
        "without its line end"
    );
    assert_eq!(
        [upstream("openai").http2, upstream("local").http2],
        [true, true]
    );
    let caller = config.keys.caller("123").expect("the key is known");
    assert_eq!(
        (&*caller.team, &*caller.agent, &*caller.key),
        ("payments", "refunds", "refunds-laptop")
    );
    let labels: Vec<(&str, &str)> = caller
        .labels
        .iter()
        .map(|(key, value)| (&**key, &**value))
        .collect();
    assert_eq!(labels, [("floor", "3"), ("tier", "gold")]);
}

fn outline(config: &Config) -> String {
    let routes: Vec<String> = config
        .routes
        .iter()
        .map(|route| {
            format!(
                "{} speaks {} -> {}",
                route.name,
                route.speaks.as_str(),
                route.upstream.name
            )
        })
        .collect();
    format!(
        "routes: {}\nlimits: {:?}\ntimeouts: {:?}\ndecisions: {:?}\ndetect: {:?}\nagents: {:?}\noperators: {:?}\npolicies: {:?}",
        routes.join(", "),
        config.limits,
        config.timeouts,
        config.decisions,
        config.detect,
        config.agents,
        config.operators,
        config.policies,
    )
}

#[test]
fn unknown_keys_are_told_with_what_was_meant() {
    check(
        "upstream:\n  openai: {url: https://api.openai.com, speak: openai, speaks: openai}\nzebra: 1\n",
        expect![[r#"
            sallyport.yaml:1:1: unknown key `upstream`
              hint: did you mean `upstreams`?
            sallyport.yaml:3:1: unknown key `zebra`
              hint: known here: agents, audit, authorization, compression, decisions, detect, firewall, history, keys, keys_file, limits, mcp, operators, policies, prices, redaction_key, routes, telemetry, timeouts, tool_servers, upstreams, workers"#]],
    );
    check_more(
        "limits:\n  bodi: 3MiB\n  Headers: 1KiB\n",
        expect![[r#"
        sallyport.yaml:3:3: unknown key `bodi`
          hint: did you mean `body`?
        sallyport.yaml:4:3: unknown key `Headers`
          hint: did you mean `headers`?"#]],
    );
    check_more(
        "<<: {workers: 3}\n",
        expect![[r#"
            sallyport.yaml:2:1: unknown key `<<`
              hint: known here: agents, audit, authorization, compression, decisions, detect, firewall, history, keys, keys_file, limits, mcp, operators, policies, prices, redaction_key, routes, telemetry, timeouts, tool_servers, upstreams, workers"#]],
    );
}

#[test]
fn several_mistakes_are_told_at_once() {
    check(
        r#"
agents: {listen: nowhere, http2: perhaps}
operators: 9090
upstreams:
  openai: {speaks: openapi}
limits: {body: 32 megs, decoded_ratio: -1, connections: 99999999999}
timeouts: {connect: 5}
detect: {secrets: on}
workers: many
keys: {name: x}
"#,
        expect![[r#"
            sallyport.yaml:2:34: `http2` must be `true` or `false`: `perhaps` is not
              hint: write `true` or `false`
            sallyport.yaml:3:12: `operators` must be a group of keys
              hint: write `operators:` and its keys below, indented
            sallyport.yaml:5:11: `url` is missing in `openai`
              hint: Its address, `http` or `https`.
            sallyport.yaml:5:20: `speaks` must be `openai` or `anthropic`: `openapi` is not
              hint: did you mean `openai`?
            sallyport.yaml:6:16: `body` must be a size: `32 megs` is not
              hint: write a number and B, KiB, MiB or GiB, such as `32MiB`
            sallyport.yaml:6:40: `decoded_ratio` must be a whole number: `-1` is not
              hint: a whole number from 0 to 4294967295
            sallyport.yaml:6:57: `connections` must be a whole number: `99999999999` is not
              hint: a whole number from 0 to 4294967295
            sallyport.yaml:7:21: `connect` must be a duration: `5` is not
              hint: write a number and ms, s, m, h or d, such as `30s`
            sallyport.yaml:8:19: `secrets` must be `true` or `false`: `on` is not
              hint: write `true` or `false`
            sallyport.yaml:9:10: `workers` must be a whole number: `many` is not
              hint: write it in digits
            sallyport.yaml:10:7: `keys` must be a list
              hint: write `keys:` and its entries below, each after `- `"#]],
    );
}

#[test]
fn values_are_checked_for_what_they_mean() {
    check_more(
        "agents: {listen: nowhere}\noperators: {listen: '0.0.0.0:70000'}\n",
        expect![[r#"
        sallyport.yaml:2:10: this is no address to listen on
          hint: write an IP address and a port, such as `127.0.0.1:8080`, `0.0.0.0:8080` or `[::]:8080`
        sallyport.yaml:3:13: this is no address to listen on
          hint: write an IP address and a port, such as `127.0.0.1:8080`, `0.0.0.0:8080` or `[::]:8080`"#]],
    );
    check_more(
        "limits: {body: 0, headers: 10B, decoded_ratio: 0, connections: 0}\ntimeouts: {connect: 0s}\n",
        expect![[r#"
        sallyport.yaml:2:10: `body` is too small to serve anything
          hint: at least 1KiB
        sallyport.yaml:2:19: `headers` is too small to serve anything
          hint: at least 1KiB
        sallyport.yaml:2:33: `decoded_ratio` is too small to serve anything
          hint: at least 1
        sallyport.yaml:2:51: `connections` is too small to serve anything
          hint: at least 1
        sallyport.yaml:3:12: `connect` is zero: nobody could answer in time
          hint: write at least `1ms`"#]],
    );
    check_more(
        "redaction_key: short\n",
        expect![[r#"
        sallyport.yaml:2:1: the redaction key is shorter than 32 bytes
          hint: make one with `openssl rand -hex 32`"#]],
    );
    check_more(
        "agents: {tls: {certificate: no.pem, key: no.key}}\n",
        expect![[r#"
        sallyport.yaml:2:16: no certificate in `no.pem`: No such file or directory (os error 2)
          hint: name a PEM file that this user may read
        sallyport.yaml:2:37: no private key in `no.key`: No such file or directory (os error 2)
          hint: name a PEM file that this user may read"#]],
    );
    check(
        "upstreams: {}\n",
        expect![[r#"
        sallyport.yaml:1:1: there is no upstream
          hint: name at least one, as in `upstreams: {openai: {url: https://api.openai.com, speaks: openai}}`"#]],
    );
    check(
        "",
        expect![[r#"
        sallyport.yaml:1:1: there is no upstream
          hint: name at least one, as in `upstreams: {openai: {url: https://api.openai.com, speaks: openai}}`"#]],
    );
    for url in [
        "api.openai.com",
        "ftp://api.openai.com",
        "https://",
        "https://user:secret@api.openai.com",
        "https://api.openai.com?x=1",
        "https://api.openai.com:0",
        "https://api.openai.com:99999",
    ] {
        let text = format!("upstreams: {{a: {{url: \"{url}\", speaks: openai}}}}\n");
        let errors = read(&text).expect_err(url).to_string();
        assert!(
            errors.starts_with("sallyport.yaml:1:17: the url of `a` cannot be used\n  hint: "),
            "{errors}"
        );
        assert!(
            !errors.contains("secret"),
            "what stands in a url may be a secret: {errors}"
        );
    }
}

#[test]
fn upstreams_and_routes_fit_together() {
    check(
        "upstreams:\n  a: {url: http://a, speaks: openai}\n  b: {url: http://b, speaks: openai}\n",
        expect![[r#"
            sallyport.yaml:3:3: `a` and `b` both speak openai, and no route says which answers what
              hint: add `routes`, such as `- {name: b, speaks: openai, models: ["some-model*"], upstream: b}`"#]],
    );
    check(
        r#"
upstreams:
  local: {url: http://a, speaks: openai, key: x, key_file: y}
  other: {url: http://b, speaks: anthropic, key_file: missing.key}
  third: {url: http://c, speaks: anthropic, headers: {"a b": x, Host: y, X-Ok: "a\nb"}}
routes:
  - {name: one, speaks: openai, upstream: locla}
  - {name: one, speaks: openai, upstream: local}
  - {name: one, speaks: openai, upstream: other}
"#,
        expect![[r#"
            sallyport.yaml:3:50: `local` has both `key` and `key_file`
              hint: keep one of the two
            sallyport.yaml:4:45: `missing.key` cannot be read: No such file or directory (os error 2)
              hint: name a file that holds the key and that this user may read
            sallyport.yaml:5:55: `a b` cannot name a header
              hint: letters, digits and dashes
            sallyport.yaml:5:65: `host` is set by the gateway
              hint: leave it out
            sallyport.yaml:5:74: the value of `X-Ok` cannot be sent
              hint: one line of printable characters
            sallyport.yaml:7:33: no upstream is named `locla`
              hint: did you mean `local`?
            sallyport.yaml:9:6: two routes are named `one`
              hint: give each route a name of its own
            sallyport.yaml:9:17: route `one` speaks openai, but its upstream `other` speaks anthropic
              hint: the gateway does not translate: send it to an upstream that speaks the same"#]],
    );
}

#[test]
fn keys_are_checked() {
    let hash = "a".repeat(64);
    check_more(
        &format!(
            r#"keys:
  - {{name: a, team: Pay-Ments, agent: x, sha256: "{hash}"}}
  - {{name: a, team: payments, agent: x, sha256: "{hash}"}}
  - {{name: b, team: payments, agent: "", sha256: sp-payments-abc}}
  - {{name: c, team: payments, sha256: zz}}
"#
        ),
        expect![[r#"
            sallyport.yaml:6:5: `agent` is missing in `keys`
              hint: The agent's name within the team."#]],
    );
    check_more(
        &format!(
            r#"keys:
  - {{name: a, team: Pay-Ments, agent: x, sha256: "{hash}"}}
  - {{name: a, team: payments, agent: x, sha256: "{hash}"}}
  - {{name: b, team: payments, agent: "", sha256: sp-payments-abc}}
  - {{name: c, team: payments, agent: x, sha256: zz}}
"#
        ),
        expect![[r#"
            sallyport.yaml:3:15: `Pay-Ments` cannot name a team
              hint: small letters, digits and underscores, no digit first: it is part of `package sallyport.teams.<team>`
            sallyport.yaml:4:6: two keys are named `a`
              hint: give each key a name of its own
            sallyport.yaml:4:41: `a` and `a` are the same key
              hint: make one of them new
            sallyport.yaml:5:31: `agent` is no name
              hint: 1 to 128 printable characters
            sallyport.yaml:5:42: `sha256` is no SHA-256 in hex
              hint: this looks like the key itself: it is now in a file, so make a new one with `sallyport key new`
            sallyport.yaml:6:41: `sha256` is no SHA-256 in hex
              hint: paste the 64 hex digits that `sallyport key new` prints"#]],
    );
}

#[test]
fn yaml_itself_is_checked() {
    check(
        "agents: {listen: [}\n",
        expect![
            "sallyport.yaml:1:19: not YAML: while parsing a node, did not find expected node content"
        ],
    );
    check(
        "agents:\n\thttp2: true\n",
        expect![
            "sallyport.yaml:2:2: not YAML: tabs disallowed within this context (block indentation)"
        ],
    );
    check(
        "workers: 1\nworkers: 2\n",
        expect![[r#"
        sallyport.yaml:2:1: `workers` is given twice, first in line 1
          hint: keep one of the two"#]],
    );
    check(
        "workers: 1\n---\nworkers: 2\n",
        expect![[r#"
        sallyport.yaml:3:1: a second document begins here
          hint: keep one document in a file"#]],
    );
    check(
        "? {a: b}\n: c\n",
        expect![[r#"
        sallyport.yaml:1:3: a key must be plain text
          hint: write `key: value`"#]],
    );
    check(
        "- a\n- b\n",
        expect![[r#"
            sallyport.yaml:1:1: the file must be a group of keys
              hint: write `key: value`, a key a line"#]],
    );
    check(
        "a: &a [*a]\n",
        expect![[r#"
        sallyport.yaml:1:8: this alias names itself
          hint: write the value out"#]],
    );
    let deep = format!("policies: {}x{}\n", "[".repeat(100), "]".repeat(100));
    check(
        &deep,
        expect![[r#"
        sallyport.yaml:1:75: nested more than 64 deep
          hint: make it flatter"#]],
    );
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let below = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", vec![below; 10].join(", "));
    }
    check(
        &bomb,
        expect![[r#"
        sallyport.yaml:6:10: more than 200000 values
          hint: split the file, or use fewer aliases"#]],
    );
}

#[test]
fn the_environment_is_put_into_values() {
    let config = good(
        "upstreams: {a: {url: \"https://${HOST:-example.com}\", speaks: openai, key: \"${OPENAI_API_KEY}\"}}\n",
    );
    assert_eq!(config.upstreams[0].url.host, "example.com");
    assert_eq!(
        config.upstreams[0].key.as_ref().map(|key| key.expose()),
        Some("sk-live-abcdef")
    );
    let config = good(&format!(
        "{SMALLEST}redaction_key: \"${{SALLYPORT_REDACTION_KEY:-}}\"\nworkers: ${{WORKERS:-4}}\n"
    ));
    assert!(config.redaction_key.is_none(), "empty is none");
    assert_eq!(config.workers, 4);
    check(
        "upstreams:\n  a: {url: \"https://${NO_HOST}\", speaks: openai, key: \"${NO_KEY}\"}\n  ${KEY}: {url: http://b, speaks: openai}\n",
        expect![[r#"
            sallyport.yaml:2:12: the environment has no `NO_HOST`
              hint: set it, or give a default as in `${NO_HOST:-default}`
            sallyport.yaml:2:55: the environment has no `NO_KEY`
              hint: set it, or give a default as in `${NO_KEY:-default}`"#]],
    );
    check(
        "upstreams: ${STRUCTURE}\n",
        expect![[r#"
        sallyport.yaml:1:12: `upstreams` must be a group of keys
          hint: write `upstreams:` and its keys below, indented"#]],
    );
    check(
        "upstreams: {a: {url: \"${BAD_URL}\", speaks: \"${OPENAI_API_KEY}\"}}\nworkers: ${OPENAI_API_KEY}\n",
        expect![[r#"
        sallyport.yaml:1:44: `speaks` must be `openai` or `anthropic`: `${OPENAI_API_KEY}` is not
        sallyport.yaml:2:10: `workers` must be a whole number: `${OPENAI_API_KEY}` is not
          hint: write it in digits"#]],
    );
    check_more(
        "policies: \"${\"\n",
        expect![[r#"
        sallyport.yaml:2:11: `${` without a name and `}`
          hint: write `${NAME}` or `${NAME:-default}`; `$${` is a plain `${`"#]],
    );
}

#[test]
fn secrets_are_never_shown() {
    let text = format!(
        "upstreams: {{a: {{url: http://a, speaks: openai, key: \"${{OPENAI_API_KEY}}\", headers: {{x-token: hunter2hunter2}}}}}}\nredaction_key: {}\n",
        "r".repeat(40)
    );
    let shown = format!("{:?}", good(&text));
    for secret in ["sk-live-abcdef", "hunter2hunter2", "rrrrrrrr"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    let wrong = format!("{text}workers: x\nzebra: 1\n");
    for text in [
        wrong.as_str(),
        &wrong.replace("http://a", "nowhere"),
        &wrong.replace("key: ", "kei: "),
        &wrong.replace("openai,", "other,"),
    ] {
        let errors = read(text).expect_err("wrong");
        for shown in [errors.to_string(), format!("{errors:?}")] {
            for secret in ["sk-live-abcdef", "hunter2hunter2", "rrrrrrrr"] {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
        }
    }
    let broken = "upstreams: {a: {url: http://a, speaks: openai, key: \"line\\nbreak-secret\"}}\n";
    assert!(
        !read(broken)
            .expect_err("wrong")
            .to_string()
            .contains("break-secret")
    );
}

#[test]
fn an_upstreams_url_is_put_before_the_agents_path() {
    let path = |url: &str, path: &str| {
        let config = good(&format!(
            "upstreams: {{a: {{url: \"{url}\", speaks: openai}}}}\n"
        ));
        let upstream = &config.upstreams[0];
        format!("{} {}", upstream.url.authority(), upstream.url.path(path))
    };
    for (url, asked, expected) in [
        ("https://h", "/v1/models", "h /v1/models"),
        ("https://h/", "/v1/models?limit=2", "h /v1/models?limit=2"),
        ("https://h/v1", "/v1/models", "h /v1/models"),
        (
            "https://h/v1/",
            "/v1/models?limit=2",
            "h /v1/models?limit=2",
        ),
        ("https://h/v1", "/v1", "h /v1"),
        ("https://h/v1", "/v1?x", "h /v1?x"),
        ("https://h/v1", "/v11/models", "h /v1/v11/models"),
        (
            "https://h/openai/v1",
            "/v1/chat/completions",
            "h /openai/v1/chat/completions",
        ),
        (
            "https://h/openai",
            "/v1/chat/completions",
            "h /openai/v1/chat/completions",
        ),
        ("https://h/xv1", "/v1/models", "h /xv1/v1/models"),
        ("https://h:443", "/v1", "h /v1"),
        ("http://h:443", "/v1", "h:443 /v1"),
        ("http://h:80", "/v1", "h /v1"),
        ("http://[::1]:8000", "/v1", "[::1]:8000 /v1"),
    ] {
        assert_eq!(path(url, asked), expected, "{url} and {asked}");
    }
}

#[test]
fn patterns_of_models() {
    for (pattern, yes, no) in [
        ("gpt-5", vec!["gpt-5"], vec!["gpt-5-mini", "xgpt-5", ""]),
        ("gpt-*", vec!["gpt-", "gpt-5"], vec!["gpt", "agpt-5"]),
        ("*", vec!["", "anything"], vec![]),
        (
            "*-mini",
            vec!["gpt-5-mini", "-mini"],
            vec!["gpt-5-mini2", "mini"],
        ),
        (
            "a*b*c",
            vec!["abc", "axxbyyc", "abbc", "abcbc"],
            vec!["ac", "abcd", "bac"],
        ),
        ("a*a", vec!["aa", "aba"], vec!["a"]),
        ("", vec![""], vec!["x"]),
    ] {
        let glob = Pattern::new(pattern);
        yes.iter()
            .for_each(|name| assert!(glob.matches(name), "`{pattern}` should match `{name}`"));
        no.iter()
            .for_each(|name| assert!(!glob.matches(name), "`{pattern}` should not match `{name}`"));
    }
    let long = Pattern::new("*a".repeat(2_000));
    assert!(!long.matches(&"ab".repeat(100_000)), "and it is not slow");
}

#[test]
fn a_keys_file_adds_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sallyport.yaml");
    let keys = folder.path().join("keys.yaml");
    let one = "- {name: a, team: payments, agent: x, sha256: \"a665a45920422f9d417e4867efdc4fb8a04a1f3fff1fa07e998e86f7f7a27ae3\"}\n";
    let config = Config::read(
        &file,
        &format!("{SMALLEST}keys_file: keys.yaml\nkeys:\n{one}"),
        &env,
    )
    .expect("good");
    let said = |text: &str| {
        std::fs::write(&keys, text).expect("written");
        match all_keys(&config) {
            Ok(keys) => format!("{} keys", keys.len()),
            Err(errors) => errors
                .to_string()
                .replace(&folder.path().display().to_string(), "FOLDER"),
        }
    };
    assert_eq!(said(""), "1 keys");
    assert_eq!(said("# none yet\n"), "1 keys");
    assert_eq!(
        said(&format!(
            "- {{name: b, team: x, agent: y, sha256: \"{}\"}}\n",
            "b".repeat(64)
        )),
        "2 keys"
    );
    expect![[r#"
        FOLDER/keys.yaml:1:4: two keys are named `a`
          hint: give each key a name of its own
        FOLDER/keys.yaml:1:39: `a` and `a` are the same key
          hint: make one of them new"#]]
    .assert_eq(&said(one));
    expect![[r#"
        FOLDER/keys.yaml:1:1: `the file` must be a list
          hint: write `the file:` and its entries below, each after `- `"#]]
    .assert_eq(&said("keys: []\n"));
    expect![[r#"
        FOLDER/keys.yaml:1:3: `name` is missing in `the file`
          hint: A name for the key, for logs; no two alike.
        FOLDER/keys.yaml:1:3: `team` is missing in `the file`
          hint: The team whose policy rules: small letters, digits and underscores, as in `package sallyport.teams.<team>`.
        FOLDER/keys.yaml:1:3: `agent` is missing in `the file`
          hint: The agent's name within the team.
        FOLDER/keys.yaml:1:3: `sha256` is missing in `the file`
          hint: The SHA-256 of the key, 64 hex digits.
        FOLDER/keys.yaml:1:4: unknown key `nam`
          hint: did you mean `name`?"#]].assert_eq(&said("- {nam: b}\n"));
    std::fs::remove_file(&keys).expect("removed");
    expect![[r#"
        FOLDER/keys.yaml: cannot be read: No such file or directory (os error 2)
          hint: name a file that exists and that this user may read"#]]
    .assert_eq(
        &all_keys(&config)
            .expect_err("gone")
            .to_string()
            .replace(&folder.path().display().to_string(), "FOLDER"),
    );
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let errors = Config::load(Path::new("/nowhere/sallyport.yaml")).expect_err("not there");
    expect![[r#"
        /nowhere/sallyport.yaml: cannot be read: No such file or directory (os error 2)
          hint: name a file that exists and that this user may read"#]]
    .assert_eq(&errors.to_string());
}

#[test]
fn tls_files_are_looked_into() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sallyport.yaml");
    std::fs::write(folder.path().join("empty.pem"), "").expect("written");
    std::fs::write(
        folder.path().join("bad.pem"),
        "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
    )
    .expect("written");
    let text = format!(
        "{SMALLEST}agents:\n  tls: {{certificate: bad.pem, key: empty.pem, client_ca: none.pem}}\n"
    );
    let errors = Config::read(&file, &text, &env)
        .expect_err("no certificates")
        .to_string();
    expect![[r#"
        FOLDER/sallyport.yaml:3:9: no certificate in `FOLDER/bad.pem`: it is damaged
          hint: name a PEM file that this user may read
        FOLDER/sallyport.yaml:3:31: no private key in `FOLDER/empty.pem`: it holds none
          hint: name a PEM file that this user may read
        FOLDER/sallyport.yaml:3:47: no certificate in `FOLDER/none.pem`: No such file or directory (os error 2)
          hint: name a PEM file that this user may read"#]].assert_eq(&errors.replace(&folder.path().display().to_string(), "FOLDER"));
}

/// `UPDATE_EXPECT=1` writes the schema and the reference anew.
#[test]
fn the_schema_and_the_reference_are_true() {
    let schema = serde_json::to_string_pretty(&config_schema()).expect("JSON") + "\n";
    expect_file!["../schema/config.schema.json"].assert_eq(&schema);
    expect_file!["../../docs/configuration.md"].assert_eq(&config_reference());
}

#[test]
fn every_key_has_a_sentence() {
    fn look(path: &str, schema: &serde_json::Value) {
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            assert!(
                member["description"]
                    .as_str()
                    .is_some_and(|text| text.ends_with('.')),
                "{path} needs a sentence"
            );
            look(&path, member);
            look(&path, &member["items"]);
            look(&path, &member["additionalProperties"]);
        }
    }
    look("", &config_schema());
}

#[test]
fn tool_servers_need_no_upstream() {
    let config = good(
        "tool_servers:
  files:
    command: [npx, -y, server, /srv]
    env: {TOKEN: \"${OPENAI_API_KEY}\"}
    open_files: 256
    memory: 1GiB
    teams: [payments]
  tickets:
    url: https://tickets.example.com/mcp/?v=1
    transport: streamable
    era: modern
    trust: trusted
    headers: {x-tenant: a}
    oauth: {token_url: 'https://login.example.com/token', client_id: gateway, client_secret: hunter2hunter2, scopes: [tools]}
",
    );
    assert!(config.upstreams.is_empty() && config.routes.is_empty());
    let shown = format!("{:?}", config.tool_servers);
    assert!(!shown.contains("hunter2"), "{shown}");
    let [files, tickets] = &config.tool_servers[..] else {
        panic!("two servers");
    };
    assert!(files.is_seen_by("payments") && !files.is_seen_by("others"));
    assert!(tickets.is_seen_by("others"));
    let (Reach::Program(program), Reach::Address(address)) = (&files.reach, &tickets.reach) else {
        panic!("one is started, one is there");
    };
    assert_eq!(program.arguments, ["-y", "server", "/srv"]);
    assert_eq!(
        (program.open_files, program.memory),
        (Some(256), Some(1 << 30))
    );
    assert_eq!(address.target, "/mcp/?v=1", "exactly as written");
    assert_eq!(address.canonical(), "https://tickets.example.com/mcp");
}

#[test]
fn tool_servers_are_checked() {
    check(
        "tool_servers: {a: {url: http://a, era: future}}",
        expect![
            "sallyport.yaml:1:40: `era` must be `auto` or `legacy` or `modern`: `future` is not"
        ],
    );
    check(
        "tool_servers:
  Bad_Name: {command: [x]}
  both: {command: [x], url: http://a}
  none: {trust: trusted}
  program: {command: [x], key: k, headers: {a: b}, env: {'A=B': c}, open_files: 1, directory: /nowhere/at/all}
  address: {url: 'ftp://a', env: {A: b}, memory: 1GiB}
  headers: {url: http://a, headers: {mcp-session-id: x, accept: y, authorization: z}}
  oauth: {url: http://a, key: k, oauth: {token_url: http://login.example.com, client_id: a, client_secret: b}}
  team: {url: http://a, teams: ['No Team']}
",
        expect![[r#"
            sallyport.yaml:2:3: `Bad_Name` cannot name a tool server
              hint: small letters, digits and dashes, at most 32
            sallyport.yaml:3:3: `both` has both `command` and `url`
              hint: keep one of the two
            sallyport.yaml:4:3: `none` has neither `command` nor `url`
              hint: give the program to start, or the address
            sallyport.yaml:5:27: `program` is a program that is started: `key` means nothing for it
              hint: leave it out
            sallyport.yaml:5:35: `program` is a program that is started: `headers` means nothing for it
              hint: leave it out
            sallyport.yaml:5:58: `A=B` cannot be a variable
              hint: a name without `=`, and one text
            sallyport.yaml:5:69: `open_files` is too small to start anything
              hint: at least 16
            sallyport.yaml:5:84: `/nowhere/at/all` is no folder
              hint: name a folder that exists
            sallyport.yaml:6:13: the url of `address` cannot be used
              hint: it begins with `https://` or `http://`
            sallyport.yaml:6:29: `address` is an address: `env` means nothing for it
              hint: leave it out
            sallyport.yaml:6:42: `address` is an address: `memory` means nothing for it
              hint: leave it out
            sallyport.yaml:7:38: `mcp-session-id` is set by the gateway
              hint: leave it out
            sallyport.yaml:7:57: `accept` is set by the gateway
              hint: leave it out
            sallyport.yaml:7:68: `authorization` is set by the gateway
              hint: leave it out
            sallyport.yaml:8:34: `oauth` has both a key and `oauth`
              hint: keep one of the two
            sallyport.yaml:8:42: the token_url of `oauth` cannot be used
              hint: it begins with `https://`, as a secret is sent there
            sallyport.yaml:9:33: `No Team` cannot name a team
              hint: small letters, digits and underscores"#]],
    );
}

#[test]
fn authorization_is_checked() {
    let config = good(
        "tool_servers: {a: {url: http://a, scopes: ['a:read']}}
authorization:
  resource: https://GW.example.com:443/
  issuers: [{name: corp, issuer: https://login.example.com/tenant, team: red}]
",
    );
    let authorization = config.authorization.expect("it is configured");
    assert_eq!(authorization.resource, "https://gw.example.com");
    assert_eq!(authorization.issuers[0].algorithms.len(), 3);
    let shown = format!("{:?}", authorization.issuers[0].metadata);
    for place in [
        "\"/.well-known/oauth-authorization-server/tenant\"",
        "\"/.well-known/openid-configuration/tenant\"",
        "\"/tenant/.well-known/openid-configuration\"",
    ] {
        assert!(shown.contains(place), "{shown}");
    }
    check(
        "tool_servers: {a: {url: http://a, scopes: ['a b', offline_access]}}
authorization: {resource: 'https://gw.example.com/base', issuers: []}
",
        expect![[r#"
            sallyport.yaml:1:44: `a b` is no scope
              hint: visible ASCII characters but `"` and `\`, no spaces
            sallyport.yaml:1:51: `offline_access` opens no tool server
              hint: leave it out: clients ask for it by themselves
            sallyport.yaml:2:17: `resource` cannot be used
              hint: only scheme, host and port: the doors below it are `/mcp` and `/mcp/<server>`
            sallyport.yaml:2:58: 0 authorization servers are named
              hint: name 1 to 64, or leave the section out"#]],
    );
    check(
        "tool_servers: {a: {url: http://a}}
authorization:
  resource: http://gw.example.com
  issuers:
    - {name: a, issuer: http://login.example.com, team: red}
    - {name: a, issuer: 'https://login.example.com?x', team: Red, teams: [blue], algorithms: []}
    - {name: c, issuer: https://c, team: red, team_claim: t, jwks_url: ftp://c}
    - {name: d, issuer: https://d, audience: ''}
",
        expect![[r#"
            sallyport.yaml:3:3: `resource` cannot be used
              hint: it begins with `https://`, unless it is this machine
            sallyport.yaml:5:17: this issuer cannot be used
              hint: it begins with `https://`, unless it is this machine
            sallyport.yaml:6:17: this issuer cannot be used
              hint: an issuer's identifier has no `?` and no `#`
            sallyport.yaml:6:56: `Red` cannot name a team
              hint: small letters, digits and underscores, no digit first
            sallyport.yaml:6:67: `teams` means nothing beside `team`
              hint: leave it out
            sallyport.yaml:6:82: no signature is taken
              hint: name at least one, or leave the key out
            sallyport.yaml:7:8: `c` has both `team` and `team_claim`
              hint: keep one of the two
            sallyport.yaml:7:62: this `jwks_url` cannot be used
              hint: it begins with `https://` or `http://`
            sallyport.yaml:8:8: `d` has neither `team` nor `team_claim`
              hint: name the team of its callers, or the claim that does
            sallyport.yaml:8:36: `audience` is empty
              hint: write what stands in `aud`, or leave the key out"#]],
    );
    check(
        "tool_servers: {a: {url: http://a}}
authorization:
  resource: https://gw.example.com
  issuers: [{name: a, issuer: https://a, team: red, algorithms: [HS256]}]
",
        expect![[r#"
            sallyport.yaml:4:66: `algorithms` must be `RS256` or `RS384` or `RS512` or `PS256` or `PS384` or `PS512` or `ES256` or `ES384` or `EdDSA`: `HS256` is not
              hint: did you mean `ES256`?"#]],
    );
}
