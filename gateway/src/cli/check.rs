//! `sallyport check`: is it right, and what does it serve?

mod tools;

use super::{Outcome, fail, say, tell};
use crate::config::{AuditModeFile, Config, DecisionsTo, all_keys};
use crate::identity::Keys;
use crate::operators::address;
use crate::policies::{Loaded, load};
use owo_colors::OwoColorize;
use sallyport_manifest::Lock;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

/// Checks everything, says all that is wrong, or what would be served.
pub(super) fn check(file: &Path) -> Outcome {
    let config = match Config::load(file) {
        Ok(config) => config,
        Err(errors) => return fail(&errors, Outcome::No),
    };
    if let Err(error) = crate::telemetry::settings(config.telemetry.as_ref()) {
        return fail(&error, Outcome::No);
    }
    let keys = all_keys(&config).map_err(|errors| fail(&errors, Outcome::No));
    let policies = config
        .policies
        .as_deref()
        .map(load)
        .transpose()
        .map_err(|errors| fail(&errors, Outcome::No));
    let lock = tools::lock(&config).map_err(|error| fail(&error, Outcome::No));
    let (Ok(keys), Ok(policies), Ok(lock)) = (keys, policies, lock) else {
        return Outcome::No;
    };
    say(&report(&config, &keys, policies.as_ref(), lock.as_ref()));
    let warnings = warnings(&config, &keys, policies.as_ref());
    for warning in warnings
        .into_iter()
        .chain(tools::warnings(&config, lock.as_ref()))
    {
        tell(&format!("{} {warning}", "warning:".yellow().bold()));
    }
    Outcome::Done
}

fn report(config: &Config, keys: &Keys, policies: Option<&Loaded>, lock: Option<&Lock>) -> String {
    let mut text = String::new();
    listeners(&mut text, config);
    observers(&mut text, config);
    if !config.upstreams.is_empty() || config.tool_servers.is_empty() {
        upstreams(&mut text, config);
    }
    tools::servers(&mut text, config, lock);
    head(&mut text, "policies");
    match policies {
        None => line(&mut text, "  none", "nothing is allowed"),
        Some(loaded) => {
            let has = if loaded.policy.has_org() { "" } else { "no " };
            line(&mut text, "  revision", &loaded.revision);
            line(
                &mut text,
                "  platform",
                &format!("has {has}rules of its own"),
            );
        }
    }
    teams(&mut text, keys, policies);
    text.trim_end().to_owned()
}

fn listeners(text: &mut String, config: &Config) {
    let tls = config.agents.tls.as_ref();
    let scheme = if tls.is_some() { "https" } else { "http" };
    let http2 = if config.agents.http2 {
        " and HTTP/2"
    } else {
        ""
    };
    let certificates = match tls {
        Some(tls) if tls.client_ca.is_some() => ", client certificates required",
        _ => "",
    };
    let agents = config.agents.listen;
    line(
        text,
        "agents",
        &format!("{scheme}://{agents} (HTTP/1.1{http2}{certificates})"),
    );
    line(
        text,
        "operators",
        &format!("http://{}", config.operators.listen),
    );
    match &config.decisions.to {
        DecisionsTo::Stdout => line(text, "decisions", "standard output"),
        DecisionsTo::Stderr => line(text, "decisions", "standard error"),
        DecisionsTo::File(path) => line(text, "decisions", &path.display().to_string()),
    }
}

fn upstreams(text: &mut String, config: &Config) {
    head(text, "upstreams");
    for upstream in &config.upstreams {
        let key = if upstream.key.is_some() { "yes" } else { "no" };
        let speaks = upstream.speaks.as_str();
        let words = format!("{} speaks {speaks}, key: {key}", address(upstream));
        line(text, &format!("  {}", upstream.name), &words);
    }
    head(text, "routes");
    for route in &config.routes {
        let models: Vec<&str> = route.models.iter().map(|model| model.as_str()).collect();
        let models = if models.is_empty() {
            "every model".into()
        } else {
            models.join(", ")
        };
        let words = format!(
            "{}: {models} -> {}",
            route.speaks.as_str(),
            route.upstream.name
        );
        line(text, &format!("  {}", route.name), &words);
    }
}

/// Who is told of exchanges.
fn observers(text: &mut String, config: &Config) {
    if let Some(audit) = &config.audit {
        let mode = match audit.mode {
            AuditModeFile::Strict => "strict: nothing goes on before its record is on disk",
            AuditModeFile::Fast => "fast: at most the last second is at risk",
        };
        let words = format!("{}, {mode}", audit.folder.display());
        line(text, "audit log", &words);
    }
    if let Some(telemetry) = &config.telemetry {
        let to = telemetry.endpoint.as_deref();
        line(text, "telemetry", to.unwrap_or("as the environment says"));
    }
    if let Some(file) = config.history.as_ref().and_then(|h| h.file.as_ref()) {
        line(text, "history", &file.display().to_string());
    }
}

fn teams(text: &mut String, keys: &Keys, policies: Option<&Loaded>) {
    let mut teams: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for team in policies.iter().flat_map(|loaded| loaded.policy.teams()) {
        teams.entry(team).or_default();
    }
    for caller in keys.callers() {
        teams
            .entry(&caller.team)
            .or_default()
            .push(format!("{} ({})", caller.key, caller.agent));
    }
    let ruled = ruled(policies);
    head(text, "teams");
    for (team, keys) in teams {
        let policy = if ruled.contains(team) {
            "policy: yes"
        } else {
            "policy: no"
        };
        let keys = if keys.is_empty() {
            "none".into()
        } else {
            keys.join(", ")
        };
        line(
            text,
            &format!("  {team}"),
            &format!("{policy}, keys: {keys}"),
        );
    }
}

fn ruled(policies: Option<&Loaded>) -> BTreeSet<&str> {
    policies
        .iter()
        .flat_map(|loaded| loaded.policy.teams())
        .collect()
}

fn line(text: &mut String, name: &str, words: &str) {
    let _ = writeln!(text, "{name:<16} {words}");
}

fn head(text: &mut String, name: &str) {
    let _ = writeln!(text, "{}", name.bold());
}

/// What is allowed, and still hardly meant.
fn warnings(config: &Config, keys: &Keys, policies: Option<&Loaded>) -> Vec<String> {
    let mut warnings = Vec::new();
    if policies.is_none() {
        warnings.push("no `policies`: everything is refused".to_owned());
    }
    if keys.is_empty() {
        warnings.push("no keys: nobody can ask; `sallyport key new` makes one".into());
    }
    let ruled = ruled(policies);
    let teams: BTreeSet<&str> = keys.callers().iter().map(|caller| &*caller.team).collect();
    for team in teams.iter().filter(|team| !ruled.contains(**team)) {
        warnings.push(format!(
            "team `{team}` has keys but no `package sallyport.teams.{team}`: all it asks is refused"
        ));
    }
    if !config.agents.listen.ip().is_loopback() && config.agents.tls.is_none() {
        warnings.push(format!("agents' keys cross the network in the clear at {}: set `agents.tls`, or end TLS right before", config.agents.listen));
    }
    if !config.operators.listen.ip().is_loopback() && config.operators.token.is_none() {
        warnings.push(format!(
            "the operators' listener at {} shows metrics to whoever reaches it, and the console to nobody: set `operators.token`",
            config.operators.listen
        ));
    }
    for upstream in config.upstreams.iter().filter(|upstream| {
        upstream.key.is_some() && !upstream.url.tls && !is_local(&upstream.url.host)
    }) {
        warnings.push(format!(
            "the key of `{}` crosses the network in the clear: use https",
            upstream.name
        ));
    }
    if config.redaction_key.is_none() {
        warnings.push(
            "no `redaction_key`: placeholders differ after each start and between replicas".into(),
        );
    }
    if config.decisions.text {
        warnings.push(
            "`decisions.text` writes what the detectors find, secrets too, into the decision log"
                .into(),
        );
    }
    warnings
}

fn is_local(host: &str) -> bool {
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
