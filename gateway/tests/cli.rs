//! The commands, as somebody types them: what they print, where, and with which exit code.

use expect_test::{Expect, expect};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::{TempDir, tempdir};

struct Said {
    code: i32,
    out: String,
    err: String,
}

fn run(folder: &Path, args: &[&str], input: &str) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sallyport"))
        .args(args)
        .current_dir(folder)
        .env("OPENAI_API_KEY", "sk-live-abcdef")
        .env_remove("SALLYPORT_REDACTION_KEY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    // A command that reads nothing has gone by now: that is no failure.
    let _ = child
        .stdin
        .take()
        .expect("its input")
        .write_all(input.as_bytes());
    let output = child.wait_with_output().expect("ended");
    Said {
        code: output.status.code().expect("no signal"),
        out: String::from_utf8(output.stdout).expect("UTF-8"),
        err: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// Runs a command and shows everything of it.
fn check(folder: &Path, args: &[&str], expected: Expect) {
    let Said { code, out, err } = run(folder, args, "");
    let all = format!("exit code {code}\n--- out\n{out}--- err\n{err}");
    expected.assert_eq(&all.replace(&folder.display().to_string(), "FOLDER"));
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempdir().expect("a folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

const TEAM: &str = r#"package sallyport.teams.payments

allow if input.operation == "chat"

deny contains {"rule": "no-mini", "say": "Use the large model."} if input.model == "mini"

redact contains "secret.*"
"#;

const TESTS: &str = r#"package sallyport.teams.payments_test

import data.sallyport.teams.payments

test_chat_passes if payments.allow with input as {"operation": "chat"}

test_embeddings_do_not if not payments.allow with input as {"operation": "embed"}
"#;

const CONFIG: &str = r#"
upstreams:
  openai: {url: https://api.openai.com, speaks: openai, key: "${OPENAI_API_KEY}"}
  local: {url: http://127.0.0.1:8081/v1, speaks: openai}
routes:
  - {name: small, speaks: openai, models: ["smollm*"], upstream: local}
  - {name: rest, speaks: openai, upstream: openai}
keys:
  - {name: laptop, team: payments, agent: refunds, sha256: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
policies: policies
"#;

#[test]
fn check_says_what_is_served() {
    let good = folder(&[("sallyport.yaml", CONFIG), ("policies/payments.rego", TEAM)]);
    let said = run(good.path(), &["check"], "");
    let revision = said
        .out
        .lines()
        .find_map(|line| line.trim().strip_prefix("revision"))
        .expect("a revision")
        .trim()
        .to_owned();
    let shown = format!("exit code {}\n{}--- err\n{}", said.code, said.out, said.err)
        .replace(&revision, "REVISION");
    expect![[r#"
        exit code 0
        agents           http://127.0.0.1:8080 (HTTP/1.1 and HTTP/2)
        operators        http://127.0.0.1:9090
        decisions        standard output
        upstreams
          local          http://127.0.0.1:8081/v1 speaks openai, key: no
          openai         https://api.openai.com speaks openai, key: yes
        routes
          small          openai: smollm* -> local
          rest           openai: every model -> openai
        policies
          revision       REVISION
          platform       has no rules of its own
        teams
          payments       policy: yes, keys: laptop (refunds)
        --- err
        warning: no `redaction_key`: placeholders differ after each start and between replicas
    "#]]
    .assert_eq(&shown);
    assert!(!shown.contains("sk-live"), "{shown}");
}

#[test]
fn check_warns_of_what_is_hardly_meant() {
    let text = "agents: {listen: 0.0.0.0:8080}\noperators: {listen: 0.0.0.0:9090}\nupstreams: {a: {url: http://api.example, speaks: openai, key: k}}\ndecisions: {text: true}\n";
    check(
        folder(&[("sallyport.yaml", text)]).path(),
        &["check", "-c", "sallyport.yaml"],
        expect![[r#"
            exit code 0
            --- out
            agents           http://0.0.0.0:8080 (HTTP/1.1 and HTTP/2)
            operators        http://0.0.0.0:9090
            decisions        standard output
            upstreams
              a              http://api.example speaks openai, key: yes
            routes
              a              openai: every model -> a
            policies
              none           nothing is allowed
            teams
            --- err
            warning: no `policies`: everything is refused
            warning: no keys: nobody can ask; `sallyport key new` makes one
            warning: agents' keys cross the network in the clear at 0.0.0.0:8080: set `agents.tls`, or end TLS right before
            warning: the operators' listener at 0.0.0.0:9090 shows metrics to whoever reaches it, and the console to nobody: set `operators.token`
            warning: the key of `a` crosses the network in the clear: use https
            warning: no `redaction_key`: placeholders differ after each start and between replicas
            warning: `decisions.text` writes what the detectors find, secrets too, into the decision log
        "#]],
    );
}

#[test]
fn check_tells_all_mistakes() {
    let bad = folder(&[
        ("sallyport.yaml", &format!("{CONFIG}keys_file: keys.yaml\n")),
        (
            "keys.yaml",
            "- {name: b, team: PAY, agent: x, sha256: no}\n",
        ),
        (
            "policies/payments.rego",
            "package sallyport.teams.payments\n\nallow if {\n",
        ),
        ("policies/data.yaml", "a: 1\na: 2\n"),
    ]);
    check(
        bad.path(),
        &["check"],
        expect![[r#"
            exit code 1
            --- out
            --- err
            error: keys.yaml:1:13: `PAY` cannot name a team
              hint: small letters, digits and underscores, no digit first: it is part of `package sallyport.teams.<team>`
            keys.yaml:1:34: `sha256` is no SHA-256 in hex
              hint: paste the 64 hex digits that `sallyport key new` prints
            error: policies/data.yaml:2:1: `a` is given twice, first in line 1
              hint: keep one of the two
        "#]],
    );
    fs::remove_file(bad.path().join("policies/data.yaml")).expect("removed");
    check(
        bad.path(),
        &["check"],
        expect![[r#"
            exit code 1
            --- out
            --- err
            error: keys.yaml:1:13: `PAY` cannot name a team
              hint: small letters, digits and underscores, no digit first: it is part of `package sallyport.teams.<team>`
            keys.yaml:1:34: `sha256` is no SHA-256 in hex
              hint: paste the 64 hex digits that `sallyport key new` prints
            error: policies/payments.rego:4:1: expecting expression
        "#]],
    );
    check(
        folder(&[("sallyport.yaml", "workers: x\nzebra: 1\n")]).path(),
        &["check"],
        expect![[r#"
            exit code 1
            --- out
            --- err
            error: sallyport.yaml:1:10: `workers` must be a whole number: `x` is not
              hint: write it in digits
            sallyport.yaml:2:1: unknown key `zebra`
              hint: known here: agents, audit, authorization, compression, decisions, detect, firewall, history, keys, keys_file, limits, mcp, operators, policies, prices, redaction_key, routes, telemetry, timeouts, tool_servers, upstreams, workers
        "#]],
    );
    check(
        folder(&[]).path(),
        &["check"],
        expect![[r#"
        exit code 1
        --- out
        --- err
        error: sallyport.yaml: cannot be read: No such file or directory (os error 2)
          hint: name a file that exists and that this user may read
    "#]],
    );
}

#[test]
fn run_refuses_what_is_wrong() {
    check(
        folder(&[("sallyport.yaml", "workers: x\n")]).path(),
        &["run"],
        expect![[r#"
        exit code 1
        --- out
        --- err
        error: sallyport.yaml:1:10: `workers` must be a whole number: `x` is not
          hint: write it in digits
    "#]],
    );
}

#[test]
fn policy_test_runs_tests() {
    let good = folder(&[
        ("policies/payments.rego", TEAM),
        ("policies/payments_test.rego", TESTS),
    ]);
    check(
        good.path(),
        &["policy", "test"],
        expect![[r#"
        exit code 0
        --- out
        2 of 2 tests passed
        --- err
    "#]],
    );
    check(
        good.path(),
        &["policy", "test", "policies", "-v", "--coverage"],
        expect![[r#"
        exit code 0
        --- out
        pass sallyport.teams.payments_test.test_chat_passes (payments_test.rego:5)
        pass sallyport.teams.payments_test.test_embeddings_do_not (payments_test.rego:7)
        2 of 2 tests passed
        100.0 %  payments.rego
        --- err
    "#]],
    );
    let json: serde_json::Value =
        serde_json::from_str(&run(good.path(), &["policy", "test", "--json"], "").out)
            .expect("JSON");
    assert_eq!(json["tests"].as_array().map(Vec::len), Some(2));
    assert!(json.get("coverage").is_none(), "only where it is asked for");
    let json: serde_json::Value = serde_json::from_str(
        &run(good.path(), &["policy", "test", "--json", "--coverage"], "").out,
    )
    .expect("JSON");
    assert_eq!(json["coverage"][0]["file"], "payments.rego");
}

#[test]
fn policy_test_fails_where_tests_do() {
    let failing = folder(&[
        ("policies/payments.rego", TEAM),
        (
            "policies/payments_test.rego",
            &TESTS.replace("not payments.allow", "payments.allow"),
        ),
    ]);
    check(
        failing.path(),
        &["policy", "test"],
        expect![[r#"
        exit code 1
        --- out
        FAIL sallyport.teams.payments_test.test_embeddings_do_not (payments_test.rego:7)
        1 of 2 tests passed
        --- err
    "#]],
    );
    check(
        folder(&[("policies/payments.rego", TEAM)]).path(),
        &["policy", "test"],
        expect![[r#"
        exit code 1
        --- out
        0 of 0 tests passed
        --- err
        no tests in policies: write rules named `test_…` in files named `…_test.rego`
    "#]],
    );
    check(
        folder(&[("policies/payments.rego", "package nobody\n")]).path(),
        &["policy", "test"],
        expect![[r#"
            exit code 1
            --- out
            --- err
            error: policies/payments.rego:1:1: nobody is judged by package `nobody`
              hint: write `package sallyport.teams.<team>` for a team's rules, `package sallyport.org` for the platform's, `package sallyport.lib.<name>` for helpers
        "#]],
    );
    check(
        folder(&[]).path(),
        &["policy", "test", "rules"],
        expect![[r#"
        exit code 1
        --- out
        --- err
        error: rules: cannot be read: No such file or directory (os error 2)
          hint: it must exist, and this user must be allowed to read it
    "#]],
    );
}

#[test]
fn policy_eval_decides() {
    let good = folder(&[
        ("policies/payments.rego", TEAM),
        (
            "call.json",
            r#"{"operation": "chat", "flow": "request", "model": "mini"}"#,
        ),
    ]);
    let said = run(
        good.path(),
        &[
            "policy",
            "eval",
            "--team",
            "payments",
            "--input",
            "call.json",
        ],
        "",
    );
    assert_eq!(said.code, 0, "{}", said.err);
    let json: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    expect![[r#"
        {
          "allow": false,
          "denials": [
            {
              "kind": "deny",
              "rule": "team:payments/no-mini",
              "say": "Use the large model."
            }
          ],
          "detail": null,
          "hide": [],
          "layers": {
            "team:payments": {
              "allow": true,
              "deny": [
                {
                  "rule": "no-mini",
                  "say": "Use the large model."
                }
              ],
              "redact": [
                "secret.*"
              ]
            }
          },
          "redact": [
            "secret.*"
          ],
          "rules": [
            "team:payments/no-mini",
            "team:payments/allow",
            "team:payments/redact"
          ],
          "settings": {},
          "warnings": []
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&json).expect("JSON"));
    expect![[r#"
        refused for team payments
          team:payments/no-mini: Use the large model.
          masked: secret.*
    "#]]
    .assert_eq(&said.err);
    let said = run(
        good.path(),
        &["policy", "eval"],
        r#"{"operation": "chat", "flow": "request", "caller": {"team": "payments"}}"#,
    );
    assert_eq!(
        (said.code, said.err.as_str()),
        (0, "allowed for team payments\n  masked: secret.*\n")
    );
}

#[test]
fn policy_eval_tells_what_is_wrong() {
    let good = folder(&[("policies/payments.rego", TEAM)]);
    for (args, input, code) in [
        (vec!["policy", "eval"], "{}", 1),
        (vec!["policy", "eval", "--team", "payments"], "not json", 1),
        (vec!["policy", "eval", "--team", "payments"], "[]", 1),
        (
            vec!["policy", "eval", "--team", "payments", "--policies", "none"],
            "{}",
            1,
        ),
        (
            vec![
                "policy",
                "eval",
                "--team",
                "payments",
                "--input",
                "none.json",
            ],
            "",
            3,
        ),
    ] {
        let said = run(good.path(), &args, input);
        assert_eq!(
            (said.code, said.out.as_str()),
            (code, ""),
            "{args:?}: {}",
            said.err
        );
        assert!(said.err.starts_with("error: "), "{}", said.err);
    }
}

#[test]
fn policy_explain_says_where_rules_stand() {
    let good = folder(&[
        ("policies/payments.rego", TEAM),
        (
            "call.json",
            r#"{"operation": "chat", "flow": "request", "model": "mini"}"#,
        ),
    ]);
    check(
        good.path(),
        &[
            "policy",
            "explain",
            "--team",
            "payments",
            "--input",
            "call.json",
        ],
        expect![[r#"
        exit code 0
        --- out
        spoke  team:payments/allow = true
               payments.rego:3:1
        spoke  team:payments/deny = [{"rule":"no-mini","say":"Use the large model."}]
               payments.rego:5:1
        spoke  team:payments/redact = ["secret.*"]
               payments.rego:7:1
        --- err
    "#]],
    );
}

#[test]
fn a_new_key_works_as_pasted() {
    let empty = folder(&[]);
    let said = run(
        empty.path(),
        &[
            "key",
            "new",
            "--team",
            "payments",
            "--agent",
            "re\"funds: x",
        ],
        "",
    );
    assert_eq!(said.code, 0, "{}", said.err);
    let (key, rest) = said
        .out
        .split_once("\n\n")
        .expect("the key, then the lines to paste");
    assert!(
        key.starts_with("sp-payments-") && !rest.contains(key),
        "the key stands only in the first line"
    );
    fs::write(empty.path().join("keys.yaml"), rest).expect("written");
    fs::write(
        empty.path().join("sallyport.yaml"),
        "upstreams: {a: {url: http://a, speaks: openai}}\nkeys_file: keys.yaml\n",
    )
    .expect("written");
    let config =
        sallyport::config::Config::load(&empty.path().join("sallyport.yaml")).expect("good");
    let keys = sallyport::config::all_keys(&config).expect("good");
    let caller = keys.caller(key).expect("the key is known");
    assert_eq!(
        (&*caller.team, &*caller.agent),
        ("payments", "re\"funds: x")
    );
    let said = run(
        empty.path(),
        &["key", "new", "--team", "Pay-Ments", "--agent", "x"],
        "",
    );
    assert_eq!((said.code, said.out.as_str()), (2, ""), "{}", said.err);
}

#[test]
fn schemas_are_printed() {
    let empty = folder(&[]);
    for (args, name) in [
        (vec!["config", "schema"], "Sallyport configuration"),
        (vec!["input-schema"], ""),
    ] {
        let said = run(empty.path(), &args, "");
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        let json: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
        assert!(
            json["$schema"]
                .as_str()
                .is_some_and(|text| text.contains("json-schema.org")),
            "{args:?}"
        );
        assert!(name.is_empty() || json["title"] == name);
    }
}

#[test]
fn a_wrong_command_line_gives_2() {
    let empty = folder(&[]);
    for args in [
        vec![],
        vec!["fly"],
        vec!["run", "--confg", "x"],
        vec!["policy"],
        vec!["key", "new"],
    ] {
        let said = run(empty.path(), &args, "");
        assert_eq!((said.code, said.out.as_str()), (2, ""), "{args:?}");
    }
    let said = run(empty.path(), &["--version"], "");
    assert_eq!(
        (said.code, said.out.as_str()),
        (0, concat!("sallyport ", env!("CARGO_PKG_VERSION"), "\n"))
    );
}

#[test]
fn help_has_examples_and_no_colours_in_a_pipe() {
    let empty = folder(&[]);
    for args in [
        vec!["--help"],
        vec!["run", "--help"],
        vec!["check", "--help"],
        vec!["policy", "test", "--help"],
        vec!["policy", "eval", "--help"],
        vec!["key", "new", "--help"],
    ] {
        let said = run(empty.path(), &args, "");
        assert_eq!(said.code, 0);
        assert!(said.out.contains("Example"), "{args:?}");
        assert!(!said.out.contains('\u{1b}'), "{args:?}");
    }
}

/// Ends the gateway when a test ends, however it ends.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([name, &self.0.id().to_string()])
            .status();
        assert!(sent.expect("kill is there").success(), "{name}");
    }
}

fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !done() {
        assert!(std::time::Instant::now() < deadline, "not seen: {what}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// The answer to one request, head and body.
fn ask(address: &str, path: &str) -> String {
    use std::io::Read;
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    // How the connection ends is not what is asked here.
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn run_serves_until_it_is_told_to_stop() {
    use std::io::{BufRead, BufReader};
    let folder = folder(&[
        (
            "sallyport.yaml",
            &format!(
                "{CONFIG}agents: {{listen: '127.0.0.1:0'}}\noperators: {{listen: '127.0.0.1:0'}}\ndecisions: {{to: log.jsonl}}\n"
            ),
        ),
        ("policies/payments.rego", TEAM),
    ]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_sallyport"))
        .arg("run")
        .current_dir(folder.path())
        .env("OPENAI_API_KEY", "sk-live-abcdef")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map(Running)
        .expect("started");
    let mut ready = String::new();
    let out = child.0.stdout.take().expect("its output");
    BufReader::new(out)
        .read_line(&mut ready)
        .expect("the ready line");
    let address = |name: &str| {
        let word = ready
            .split_whitespace()
            .find_map(|word| word.strip_prefix(&format!("{name}=http://")));
        word.expect("an address").to_owned()
    };
    let (agents, operators) = (address("agents"), address("operators"));

    assert!(
        ask(&operators, "/readyz").starts_with("HTTP/1.1 200"),
        "ready when it says so"
    );
    assert!(ask(&operators, "/").contains("<title>Live · Sallyport</title>"));
    assert!(ask(&operators, "/metrics").contains("sallyport_build_info"));
    for path in ["/", "/readyz", "/metrics"] {
        assert!(
            !ask(&agents, path).contains("sallyport_build_info")
                && !ask(&agents, path).contains("<title>"),
            "operators' pages are not the agents'"
        );
    }
    let lines = |name: &str| {
        fs::read_to_string(folder.path().join(name)).map_or(0, |text| text.lines().count())
    };
    ask(&agents, "/v1/models");
    until("a decision record", || lines("log.jsonl") > 0);

    fs::rename(folder.path().join("log.jsonl"), folder.path().join("log.1")).expect("moved");
    child.signal("-HUP");
    std::thread::sleep(std::time::Duration::from_millis(100));
    ask(&agents, "/v1/models");
    until("a record in the new file", || lines("log.jsonl") > 0);

    child.signal("-TERM");
    let status = child.0.wait().expect("ended");
    assert_eq!(status.code(), Some(0), "told to stop, it stops");
}
