//! The conformance suite of the Model Context Protocol: whatever passes directly passes through the gateway.
//!
//! Direct runs prove that the fixture and the clients are worth comparing with. Of the client's part, the scenarios about
//! OAuth (`auth/*`) are left out: they judge how a client proves itself to the tool server, and through a gateway it proves
//! itself to the gateway.

use sallyport_mcp_fixture::Fixture;
use sallyport_tests::mcp::{self, Keyed, Packages};
use sallyport_tests::{PATIENCE, RED_KEY};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use tokio::process::Command;
use tokio::sync::Semaphore;

const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

/// What is played, with whom.
const CLIENTS: [(&str, &str, &[&str]); 3] = [
    ("v1", LEGACY, &LEGACY_SCENARIOS),
    ("v2-legacy", LEGACY, &LEGACY_SCENARIOS),
    ("v2", MODERN, &MODERN_SCENARIOS),
];
const LEGACY_SCENARIOS: [&str; 5] = [
    "initialize",
    "tools_call",
    "elicitation-sep1034-client-defaults",
    "sse-retry",
    "json-schema-2020-12-preservation",
];
const MODERN_SCENARIOS: [&str; 8] = [
    "tools_call",
    "request-metadata",
    "sep-2322-client-request-state",
    "http-standard-headers",
    "http-custom-headers",
    "http-invalid-tool-headers",
    "json-schema-ref-no-deref",
    "json-schema-2020-12-preservation",
];
/// Scenarios of clients that run at a time: each is two or three processes.
const CLIENTS_MAX: usize = 2;

/// An extension that the fixture does not have. Not scored.
const ABSENT: &str = "tasks-";
/// Measures how fast a client was in milliseconds: on a busy machine a warning is as good.
const TIMING: &str = "client-sse-retry-timing";

/// How often each check passed, by scenario, id and name; and those that did not.
#[derive(Default, Debug)]
struct Outcome {
    passed: BTreeMap<String, usize>,
    failed: Vec<String>,
}

impl Outcome {
    /// Reads what the suite has written.
    fn read(folder: &Path) -> Outcome {
        let mut outcome = Outcome::default();
        for entry in std::fs::read_dir(folder).expect("the suite's results") {
            let result = entry.expect("an entry").path();
            let name = result
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            // `server-ping-2026-11-22T06-57-57-836Z`: the kind, the scenario, the time.
            let scenario = &name[..name.len().saturating_sub("-2026-11-22T06-57-57-836Z".len())];
            let checks =
                std::fs::read(result.join("checks.json")).expect("the checks of a scenario");
            let checks: Value = serde_json::from_slice(&checks).expect("JSON");
            for check in checks.as_array().into_iter().flatten() {
                outcome.add(scenario.trim_start_matches("server-"), check);
            }
        }
        outcome
    }

    fn add(&mut self, scenario: &str, check: &Value) {
        let text = |key: &str| check[key].as_str().unwrap_or_default();
        let name = format!("{scenario}: {} ({})", text("id"), text("name"));
        match text("status") {
            "SUCCESS" => *self.passed.entry(name).or_default() += 1,
            "WARNING" if text("id") == TIMING => *self.passed.entry(name).or_default() += 1,
            "FAILURE" | "WARNING" => self
                .failed
                .push(format!("{name}: {}", text("errorMessage"))),
            _ => {}
        }
    }

    fn merge(&mut self, other: Outcome, of: &str) {
        let named = other
            .passed
            .into_iter()
            .map(|(name, times)| (format!("{of} {name}"), times));
        self.passed.extend(named);
        self.failed
            .extend(other.failed.into_iter().map(|name| format!("{of} {name}")));
    }
}

/// Fails if the gateway changed what passes.
fn same(direct: &Outcome, through: &Outcome) {
    let lost: Vec<_> = direct
        .passed
        .iter()
        .filter(|(name, times)| through.passed.get(*name) != Some(times))
        .collect();
    let failed = through.failed.join("\n  ");
    assert!(
        lost.is_empty(),
        "passed directly, but not through the gateway: {lost:#?}\nit failed:\n  {failed}"
    );
    assert_eq!(
        direct.passed, through.passed,
        "passed only through the gateway"
    );
}

async fn suite(packages: &Packages, arguments: &[&str], results: &Path) -> String {
    let script = "node_modules/@modelcontextprotocol/conformance/dist/index.js";
    let mut command = Command::new(&packages.node);
    command
        .arg(packages.folder.join(script))
        .args(arguments)
        .arg("-o")
        .arg(results)
        .env("SALLYPORT_BIN", mcp::gateway_program())
        .env("MCP_KEY", RED_KEY)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE * 2, command.output())
        .await
        .expect("the suite should end");
    let output = output.expect("the suite should start");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The server's part, against the server at `url`.
async fn server(packages: &Packages, url: &str, revision: &str) -> Outcome {
    let results = tempfile::tempdir().expect("a folder");
    let arguments = ["server", "--url", url, "--requirements", revision];
    let said = suite(packages, &arguments, results.path()).await;
    let outcome = Outcome::read(results.path());
    assert!(!outcome.passed.is_empty(), "nothing was run: {said}");
    outcome
}

/// The client's part: one scenario after the other, `command` with the SDK's name and the scenario's URL after it.
async fn clients(packages: &Packages, command: &str) -> Outcome {
    let places = Arc::new(Semaphore::new(CLIENTS_MAX));
    let mut running = Vec::new();
    for (sdk, revision, scenarios) in CLIENTS {
        for scenario in scenarios {
            let (places, packages) = (Arc::clone(&places), packages.clone());
            let command = format!("{command} {sdk}");
            let played = tokio::spawn(async move {
                let _place = places.acquire().await.expect("nobody closes it");
                let results = tempfile::tempdir().expect("a folder");
                let arguments = [
                    "client",
                    "--command",
                    &command,
                    "--scenario",
                    scenario,
                    "--spec-version",
                    revision,
                    "--force",
                ];
                let said = suite(&packages, &arguments, results.path()).await;
                let outcome = Outcome::read(results.path());
                if !outcome.failed.is_empty() {
                    println!("{sdk} {scenario}: {said}");
                }
                outcome
            });
            running.push((format!("{sdk} {revision}"), played));
        }
    }
    let mut all = Outcome::default();
    for (of, played) in running {
        all.merge(played.await.expect("a scenario should end"), &of);
    }
    all
}

fn client_command(packages: &Packages) -> String {
    let script = packages.folder.join("suite-client.mjs");
    format!("{} {}", packages.node.display(), script.display())
}

/// Everything that is scored passes, and what is not scored but the extension.
fn whole(outcome: &Outcome, checks: usize) {
    let failed: Vec<_> = outcome
        .failed
        .iter()
        .filter(|name| !name.starts_with(ABSENT))
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let passed: usize = outcome.passed.values().sum();
    assert!(
        passed >= checks,
        "only {passed} checks passed, there should be {checks}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_fixture_passes_it_passes_through_the_gateway() {
    let packages = mcp::packages();
    for (revision, checks) in [(LEGACY, 84), (MODERN, 153)] {
        let fixture = Fixture::start().await.expect("a fixture");
        let direct = server(&packages, &fixture.url(), revision).await;
        whole(&direct, checks);
        if mcp::IS_SERVED {
            let gateway = mcp::gateway(&fixture.url()).await;
            let keyed = Keyed::before(gateway.agents).await;
            let url = format!("http://{}{}", keyed.address, mcp::path());
            same(&direct, &server(&packages, &url, revision).await);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_clients_pass_they_pass_through_the_gateway() {
    let packages = mcp::packages();
    let command = client_command(&packages);
    let direct = clients(&packages, &command).await;
    whole(&direct, 103);
    if mcp::IS_SERVED {
        let wrapper = mcp::program("mcp-through-gateway");
        let through = clients(&packages, &format!("{} {command}", wrapper.display())).await;
        same(&direct, &through);
    }
}
