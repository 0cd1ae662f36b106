//! Gateways before tool servers, with a team for each kind of rule.

use sallyport::identity::KeyHash;
use sallyport_tests::Gateway;
use std::fmt::Write as _;

/// A key of this team, agent `tester`.
pub fn key(team: &str) -> String {
    format!("sp-tools-{team}-00000000000000000000000000")
}

/// A gateway before these servers (`name`, lines of configuration), for these teams (`name`, policy after its package
/// line).
pub fn house(servers: &[(&str, String)], teams: &[(&str, &str)]) -> Gateway {
    house_with("", servers, teams)
}

/// The same with more configuration.
pub fn house_with(more: &str, servers: &[(&str, String)], teams: &[(&str, &str)]) -> Gateway {
    let mut config = format!("{more}\nupstreams: {{}}\ntool_servers:\n");
    for (name, lines) in servers {
        let _ = writeln!(config, "  {name}:");
        for line in lines.lines() {
            let _ = writeln!(config, "    {line}");
        }
    }
    config += "keys:\n";
    for (team, _) in teams {
        let hash = KeyHash::of(&key(team)).to_hex();
        let _ = writeln!(
            config,
            "  - {{name: {team}-key, team: {team}, agent: tester, sha256: \"{hash}\"}}"
        );
    }
    let mut gateway = Gateway::with_config(&config);
    for (team, policy) in teams {
        let text = format!("package sallyport.teams.{team}\n\n{policy}\n");
        gateway = gateway.policy(&format!("team_{team}.rego"), &text);
    }
    gateway
}

/// A policy that allows everything.
pub const ALL: &str = "default allow := true";

/// The lines of a server at a URL, of the legacy era.
pub fn legacy(url: &str) -> String {
    format!("url: {url}\nera: legacy\ntransport: streamable\n")
}

/// The lines of a server at a URL, of the modern era.
pub fn modern(url: &str) -> String {
    format!("url: {url}\nera: modern\n")
}

/// The lines of a server that is a Python program.
pub fn python(script: &str) -> String {
    let script = serde_json::to_string(script).expect("text is JSON");
    format!("command: [\"python3\", \"-u\", \"-c\", {script}]\nera: legacy\n")
}
