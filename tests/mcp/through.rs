//! Puts a gateway between a client and its tool server: `mcp-through-gateway COMMAND… URL` starts a gateway before `URL`,
//! runs the command with the gateway's URL instead, and ends as it ends. The key is in `MCP_KEY`.

use sallyport_tests::{RED_KEY, mcp};
use std::process::{ExitCode, Stdio};
use std::time::Duration;
use tokio::process::Command;

/// Less than the suite gives a client: who is killed by it leaves a gateway behind.
const PATIENCE: Duration = Duration::from_secs(25);

#[tokio::main]
async fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let url = words.pop().expect("a URL");
    let gateway = mcp::gateway(&url).await;
    let mut client = Command::new(&words[0])
        .args(&words[1..])
        .arg(format!("http://{}{}", gateway.agents, mcp::path()))
        .env("MCP_KEY", RED_KEY)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the client should start");
    match tokio::time::timeout(PATIENCE, client.wait()).await {
        Ok(Ok(status)) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
