//! Honest servers' lists, where some are at hand: `SALLYPORT_TOOL_LISTS` names a folder of files
//! `{"server": …, "instructions": …, "tools": […]}`, each a server's `tools/list`. None may be refused.

use sallyport_manifest::{Listing, Verdict, scan, scan_text};
use serde_json::Value;

#[test]
fn honest_servers_are_let_in() {
    let Some(folder) = std::env::var_os("SALLYPORT_TOOL_LISTS") else {
        eprintln!("SKIPPED: SALLYPORT_TOOL_LISTS names no folder of tool lists");
        return;
    };
    let mut listings = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let list: Value =
            serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON");
        let tools: Vec<String> = list["tools"]
            .as_array()
            .expect("tools")
            .iter()
            .map(Value::to_string)
            .collect();
        listings.push(Listing::read(
            list["server"].as_str().expect("a name"),
            list["instructions"].as_str(),
            tools.iter().map(String::as_str),
        ));
    }
    assert!(!listings.is_empty(), "the folder holds lists");
    let scan = scan(&listings, None, &[]);
    eprintln!("{}", scan_text(&scan, &|_, text| text.to_owned()));
    let refused: Vec<&str> = scan
        .servers
        .iter()
        .flat_map(|server| &server.tools)
        .filter(|tool| tool.verdict() == Verdict::Refuse)
        .map(|tool| tool.name.as_str())
        .collect();
    assert!(refused.is_empty(), "refused: {refused:?}");
}
