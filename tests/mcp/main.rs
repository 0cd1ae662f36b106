//! Real tool servers and real clients: what a client gets directly it gets through the gateway.
//!
//! The clients are the official SDKs for TypeScript (1, and 2 in both its eras) and Python, and fastmcp; the servers are the
//! fixture and those that everybody knows. The scripts (`check.mjs`, `check.py`) print a line for each thing that they try.

use sallyport_mcp_fixture::Fixture;
use sallyport_tests::mcp::{self, Packages};
use sallyport_tests::{PATIENCE, RED_KEY, sdk, soon};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// What a client tried and got, in order.
type Lines = Vec<Value>;

/// A client: what it is called with before the plan and the URL.
struct Client {
    name: &'static str,
    words: Vec<PathBuf>,
}

fn javascript(packages: &Packages, sdk: &'static str) -> Client {
    let words = vec![
        packages.node.clone(),
        packages.folder.join("check.mjs"),
        sdk.into(),
    ];
    Client { name: sdk, words }
}

fn python(mode: &'static str) -> Client {
    let interpreter = sdk::python(&mcp::folder().join("requirements.txt"));
    let words = vec![interpreter, mcp::folder().join("check.py"), mode.into()];
    Client { name: mode, words }
}

fn all_clients(packages: &Packages) -> Vec<Client> {
    let javascript = ["v1", "v2-legacy", "v2"].map(|sdk| javascript(packages, sdk));
    javascript
        .into_iter()
        .chain(["legacy", "auto", "fastmcp"].map(python))
        .collect()
}

impl Client {
    /// Runs a plan against a URL, or against a program over stdio.
    async fn run(&self, plan: &str, target: &[String], environment: &Program) -> Lines {
        let mut command = Command::new(&self.words[0]);
        command
            .args(&self.words[1..])
            .arg(plan)
            .args(target)
            .env("MCP_KEY", RED_KEY)
            .envs(environment.variables())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE * 2, command.output())
            .await
            .expect("the client should end");
        let output = output.expect("the client should start");
        let said = String::from_utf8_lossy(&output.stdout);
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{} {plan}: {said}\n{complained}",
            self.name
        );
        let mut lines: Lines = said
            .lines()
            .map(|line| serde_json::from_str(line).expect(line))
            .collect();
        lines.iter_mut().for_each(without_hints);
        lines
    }
}

/// Takes out how long something may be kept and by whom: a gateway whose answers differ by caller says less.
fn without_hints(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("cacheScope");
            fields.remove("ttlMs");
            fields.values_mut().for_each(without_hints);
        }
        Value::Array(items) => items.iter_mut().for_each(without_hints),
        _ => {}
    }
}

/// Everything went well but what is meant to fail.
fn content(lines: &Lines, of: &str) {
    let meant = |check: &str| check.contains("no_such_prompt") || check.contains("nowhere");
    let check = |line: &Value| line["check"].as_str().unwrap_or_default().to_owned();
    let failed: Vec<_> = lines
        .iter()
        .filter(|line| line["ok"] != true && !meant(&check(line)))
        .collect();
    assert!(failed.is_empty(), "{of}: {failed:#?}");
    let served: Vec<_> = lines
        .iter()
        .filter(|line| line["got"] == "served")
        .collect();
    assert!(
        served.is_empty(),
        "{of}: it should have been refused: {served:?}"
    );
    assert!(lines.len() > 3, "{of}: it tried next to nothing: {lines:?}");
}

/// Fails at the first thing that is not the same.
fn same(direct: &Lines, through: &Lines, of: &str) {
    for (direct, through) in direct.iter().zip(through) {
        assert_eq!(direct, through, "{of}: directly and through the gateway");
    }
    assert_eq!(direct.len(), through.len(), "{of}: what was tried");
}

/// A server over HTTP that is a process.
struct Server {
    url: String,
    _child: Child,
}

/// server-everything.
async fn everything(packages: &Packages) -> Server {
    let mut child = Command::new(&packages.node)
        .arg(packages.folder.join("everything.mjs"))
        .arg("streamableHttp")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the server should start");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let url = soon("the server's address", async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(url) = line.strip_prefix("listening on ") {
                return format!("{url}/mcp");
            }
        }
        panic!("the server ended before it listened")
    });
    let url = url.await;
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    Server { url, _child: child }
}

/// A server over stdio, with a folder to work in that is the same in each run.
struct Program {
    plan: &'static str,
    words: Vec<String>,
    folder: Option<TempDir>,
}

impl Program {
    /// For clients of servers that need nothing.
    fn none() -> Program {
        Program {
            plan: "",
            words: Vec::new(),
            folder: None,
        }
    }

    fn new(plan: &'static str, words: &[&Path]) -> Program {
        let folder = tempfile::tempdir().expect("a folder");
        let words = words.iter().map(|word| word.display().to_string());
        let mut words: Vec<String> = words.collect();
        match plan {
            "filesystem" => words.push(folder.path().display().to_string()),
            "git" => words.extend([
                "--repository".to_owned(),
                folder.path().display().to_string(),
            ]),
            _ => {}
        }
        let program = Program {
            plan,
            words,
            folder: Some(folder),
        };
        program.lay_out();
        program
    }

    fn path(&self) -> &Path {
        self.folder.as_ref().map_or(Path::new("/"), TempDir::path)
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        if self.folder.is_none() {
            return Vec::new();
        }
        let memory = self.path().join("memory.jsonl");
        vec![
            ("MCP_FOLDER", self.path().display().to_string()),
            ("MEMORY_FILE_PATH", memory.display().to_string()),
        ]
    }

    /// Makes the folder as it was in the beginning.
    fn lay_out(&self) {
        for entry in std::fs::read_dir(self.path()).expect("the folder") {
            let path = entry.expect("an entry").path();
            let _ = if path.is_dir() {
                std::fs::remove_dir_all(path)
            } else {
                std::fs::remove_file(path)
            };
        }
        std::fs::write(self.path().join("a.txt"), "a file\n").expect("a file");
        if self.plan == "git" {
            for words in ["init -q -b main .", "add -A", "commit -q -m one"] {
                let done = std::process::Command::new("git")
                    .args(["-c", "user.name=A", "-c", "user.email=a@example.com"])
                    .args(words.split(' '))
                    .envs([
                        ("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z"),
                        ("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z"),
                    ])
                    .current_dir(self.path())
                    .status();
                assert!(done.is_ok_and(|status| status.success()), "git {words}");
            }
        }
    }

    /// As the configuration of the gateway has it.
    fn configured(&self) -> String {
        let mut text = format!("command: {}", serde_json::json!(self.words));
        let variables = self
            .variables()
            .into_iter()
            .map(|(name, value)| format!("\n  {name}: {value}"));
        text.push_str("\nenv:");
        text.extend(variables);
        text
    }
}

fn programs(packages: &Packages) -> Vec<Program> {
    let script = |name: &str| {
        packages.folder.join(format!(
            "node_modules/@modelcontextprotocol/{name}/dist/index.js"
        ))
    };
    let interpreter = sdk::python(&mcp::folder().join("requirements.txt"));
    let beside = |name: &str| interpreter.with_file_name(name);
    vec![
        Program::new(
            "fixture",
            &[&mcp::program("mcp-fixture"), Path::new("--stdio")],
        ),
        Program::new(
            "everything",
            &[
                &packages.node,
                &script("server-everything"),
                Path::new("stdio"),
            ],
        ),
        Program::new(
            "filesystem",
            &[&packages.node, &script("server-filesystem")],
        ),
        Program::new("memory", &[&packages.node, &script("server-memory")]),
        Program::new("git", &[&beside("mcp-server-git")]),
        Program::new("time", &[&beside("mcp-server-time")]),
    ]
}

/// That the client's change of mind reached the server, in the way of its era.
async fn cancelled(fixture: &Fixture, client: &str) {
    if ["v2", "auto", "fastmcp"].contains(&client) {
        return soon("the call is given up", fixture.abandoned(1)).await;
    }
    let told =
        |seen: &sallyport_mcp_fixture::Seen| seen.body["method"] == "notifications/cancelled";
    assert!(
        fixture.seen().iter().any(told),
        "{client}: nobody told the server"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_get_the_same_of_the_fixture_through_the_gateway() {
    for client in all_clients(&mcp::packages()) {
        let fixture = Fixture::start().await.expect("a fixture");
        let direct = client
            .run("fixture", &[fixture.url()], &Program::none())
            .await;
        content(&direct, client.name);
        cancelled(&fixture, client.name).await;
        if mcp::IS_SERVED {
            let behind = Fixture::start().await.expect("a fixture");
            let gateway = mcp::gateway(&behind.url()).await;
            let url = format!("http://{}{}", gateway.agents, mcp::path());
            same(
                &direct,
                &client.run("fixture", &[url], &Program::none()).await,
                client.name,
            );
            cancelled(&behind, client.name).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_get_the_same_of_server_everything_through_the_gateway() {
    let packages = mcp::packages();
    let server = everything(&packages).await;
    // A client of both eras would speak the modern one with the gateway, and no comparison would hold.
    for client in [
        javascript(&packages, "v1"),
        javascript(&packages, "v2-legacy"),
        python("legacy"),
    ] {
        let direct = client
            .run(
                "everything",
                std::slice::from_ref(&server.url),
                &Program::none(),
            )
            .await;
        content(&direct, client.name);
        if mcp::IS_SERVED {
            let gateway = mcp::gateway(&server.url).await;
            let url = format!("http://{}{}", gateway.agents, mcp::path());
            same(
                &direct,
                &client.run("everything", &[url], &Program::none()).await,
                client.name,
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_get_the_same_of_programs_through_the_gateway() {
    let packages = mcp::packages();
    for program in programs(&packages) {
        let client = javascript(&packages, "v2-legacy");
        let direct = client.run(program.plan, &program.words, &program).await;
        content(&direct, program.plan);
        if mcp::IS_SERVED {
            program.lay_out();
            let gateway = mcp::gateway_with(&program.configured()).await;
            let url = format!("http://{}{}", gateway.agents, mcp::path());
            same(
                &direct,
                &client.run(program.plan, &[url], &program).await,
                program.plan,
            );
        }
    }
}
