//! What `sallyport check` says of tool servers and of the lock file.

use super::{head, is_local, line};
use crate::config::{Config, Reach, ToolServer};
use crate::mcp::pins::{BadLock, lock_keys, read_lock};
use crate::operators::reach;
use sallyport_manifest::{Lock, shown};

/// The lock file, if one is configured; held to the key, if one is configured.
pub(super) fn lock(config: &Config) -> Result<Option<Lock>, String> {
    let hinted = |hint: &str| {
        let hint = hint.to_owned();
        move |error: BadLock| format!("{error}\n  hint: {hint}")
    };
    let keys = lock_keys(&config.mcp).map_err(hinted(
        "`mcp.lock_key` names a public key: `openssl pkey -in lock.key -pubout -out lock.pub`",
    ))?;
    let Some(file) = &config.mcp.lock else {
        return Ok(None);
    };
    let hint = match file.exists() {
        true => {
            "`sallyport mcp diff SERVER` says what changed; `sallyport mcp sign KEY` signs what is there"
        }
        false => "`sallyport mcp pin SERVER` writes it",
    };
    read_lock(file, &keys).map(Some).map_err(hinted(hint))
}

/// Each server: how it is reached, who sees it, what is pinned of it.
pub(super) fn servers(text: &mut String, config: &Config, lock: Option<&Lock>) {
    if config.tool_servers.is_empty() {
        return;
    }
    head(text, "tool servers");
    for server in &config.tool_servers {
        let key = match &server.reach {
            Reach::Program(_) => "",
            Reach::Address(address) if address.oauth.is_some() => ", key: by oauth",
            Reach::Address(address) if address.key.is_some() => ", key: yes",
            Reach::Address(_) => ", key: no",
        };
        let teams = match server.teams.is_empty() {
            true => "every team".to_owned(),
            false => server.teams.join(", "),
        };
        let words = format!("{}{key}, seen by: {teams}", reach(server));
        line(text, &format!("  {}", server.name), &words);
        let pinned = lock.and_then(|lock| lock.server(&server.name));
        if let Some(pinned) = pinned {
            let tools: Vec<String> = pinned.tools.keys().map(|tool| shown(tool)).collect();
            let words = match tools.is_empty() {
                true => "no tools".to_owned(),
                false => tools.join(", "),
            };
            line(text, "    pinned", &words);
        }
    }
    if let (Some(file), Some(lock)) = (&config.mcp.lock, lock) {
        let signed = match (lock.signature().is_some(), &config.mcp.lock_key) {
            (_, Some(key)) => format!("signed, as {} demands", key.display()),
            (true, None) => "signed, but nobody looks: no `mcp.lock_key`".to_owned(),
            (false, None) => "not signed".to_owned(),
        };
        line(text, "lock", &format!("{} ({signed})", file.display()));
    }
}

/// What is allowed, and still hardly meant.
pub(super) fn warnings(config: &Config, lock: Option<&Lock>) -> Vec<String> {
    let mut warnings = Vec::new();
    for server in &config.tool_servers {
        if crosses_in_the_clear(server) {
            warnings.push(format!(
                "the key of tool server `{}` crosses the network in the clear: use https",
                server.name
            ));
        }
        if lock.is_some_and(|lock| lock.server(&server.name).is_none()) {
            warnings.push(format!(
                "tool server `{0}` is not in the lock: agents see none of its tools; `sallyport mcp pin {0}`",
                server.name
            ));
        }
    }
    if lock.is_none() && !config.tool_servers.is_empty() {
        warnings.push(
            "no `mcp.lock`: whatever tool servers list reaches agents; `sallyport mcp pin SERVER` writes one".into(),
        );
    }
    let known = |name: &str| config.tool_servers.iter().any(|s| *s.name == *name);
    let servers = lock.iter().flat_map(|lock| lock.servers());
    for (name, _) in servers.filter(|(name, _)| !known(name)) {
        warnings.push(format!(
            "the lock pins tools of `{}`, which is not configured",
            shown(name)
        ));
    }
    if config.mcp.lock_key.is_some() && config.mcp.lock.is_none() {
        warnings.push("`mcp.lock_key` means nothing without `mcp.lock`".into());
    }
    warnings
}

fn crosses_in_the_clear(server: &ToolServer) -> bool {
    match &server.reach {
        Reach::Program(_) => false,
        Reach::Address(address) => {
            let has_key = address.key.is_some() || address.oauth.is_some();
            has_key && !address.url.tls && !is_local(&address.url.host)
        }
    }
}
