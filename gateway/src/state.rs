//! All that is configured, in one immutable value that is swapped whole.

use crate::authorization::Authorization;
use crate::config::{Config, Route, Upstream};
use crate::edge::failure::Failure;
use crate::edge::upstream::Link;
use crate::edge::watching::Watching;
use crate::edge::{UpstreamKeys, family};
use crate::identity::Keys;
use crate::mcp::pins::Pins;
use crate::mcp::upstream::Server;
use sallyport_detect::Detectors;
use sallyport_exchange::{Dialect, Filter};
use sallyport_firewall::Firewall;
use sallyport_guard::Guard;
use sallyport_manifest::Offers;
use sallyport_policy::{Engine, Placeholders, Policy, Witness};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Who wants to know what of exchanges.
#[derive(Clone, Default)]
pub struct Watched {
    /// What is noted of them.
    pub watching: Watching,
    /// Who is told what policies are asked.
    pub witness: Option<Arc<dyn Witness>>,
}

/// One snapshot of what is configured. An exchange keeps the one it began with.
pub struct State {
    /// The configuration.
    pub config: Arc<Config>,
    /// Who may ask.
    pub keys: Arc<Keys>,
    /// Filters and policies.
    pub engine: Arc<Engine>,
    /// The classifier; `None`: it does not run.
    pub firewall: Option<Firewall>,
    /// The gateway's own provider keys, to be found where they are echoed.
    pub upstream_keys: Arc<UpstreamKeys>,
    /// Tools as they were pinned; `None`: nothing is held back.
    pub pins: Option<Arc<Pins>>,
    /// What is noted of exchanges.
    pub watching: Watching,
    witness: Option<Arc<dyn Witness>>,
    /// Whose access tokens are taken; `None`: only keys are.
    pub authorization: Option<Arc<Authorization>>,
    links: Arc<HashMap<Arc<str>, Arc<Link>>>,
    servers: Arc<[Arc<Server>]>,
}

impl State {
    /// Builds the first state.
    pub fn new(
        config: Arc<Config>,
        keys: Arc<Keys>,
        policy: Arc<Policy>,
        placeholders: Placeholders,
        pins: Option<Arc<Pins>>,
        firewall: Option<Firewall>,
        watched: Watched,
    ) -> Self {
        let link = |upstream: &Arc<Upstream>| {
            let link = Link::new(upstream.clone(), config.timeouts);
            (upstream.name.clone(), Arc::new(link))
        };
        let links = Arc::new(config.upstreams.iter().map(link).collect());
        State {
            engine: Arc::new(engine(
                &config,
                policy,
                placeholders,
                firewall.as_ref(),
                watched.witness.clone(),
            )),
            firewall,
            upstream_keys: Arc::new(upstream_keys(&config)),
            servers: config
                .tool_servers
                .iter()
                .map(|server| Server::new(server.clone(), &config))
                .collect(),
            pins,
            watching: watched.watching,
            witness: watched.witness,
            authorization: Authorization::of(&config).map(Arc::new),
            config,
            keys,
            links,
        }
    }

    /// The same with another policy; connections are kept.
    pub fn with_policy(&self, policy: Arc<Policy>, placeholders: Placeholders) -> Self {
        State {
            config: self.config.clone(),
            keys: self.keys.clone(),
            engine: Arc::new(engine(
                &self.config,
                policy,
                placeholders,
                self.firewall.as_ref(),
                self.witness.clone(),
            )),
            witness: self.witness.clone(),
            firewall: self.firewall.clone(),
            upstream_keys: self.upstream_keys.clone(),
            pins: self.pins.clone(),
            watching: self.watching,
            authorization: self.authorization.clone(),
            links: self.links.clone(),
            servers: self.servers.clone(),
        }
    }

    /// The same with other keys.
    pub fn with_keys(&self, keys: Arc<Keys>) -> Self {
        State {
            config: self.config.clone(),
            keys,
            engine: self.engine.clone(),
            witness: self.witness.clone(),
            firewall: self.firewall.clone(),
            upstream_keys: self.upstream_keys.clone(),
            pins: self.pins.clone(),
            watching: self.watching,
            authorization: self.authorization.clone(),
            links: self.links.clone(),
            servers: self.servers.clone(),
        }
    }

    /// All tool servers.
    pub fn servers(&self) -> Arc<[Arc<Server>]> {
        self.servers.clone()
    }

    /// The tool servers that a team sees.
    pub fn servers_of(&self, team: &str) -> Vec<Arc<Server>> {
        let seen = self.servers.iter().filter(|s| s.config.is_seen_by(team));
        seen.cloned().collect()
    }

    /// Who answers for this dialect and model: the first route that takes it.
    pub fn route(&self, dialect: Dialect, model: Option<&str>) -> Result<&Route, Failure> {
        let model = model.unwrap_or_default();
        let mut routes = self.config.routes.iter();
        let found = routes.find(|route| {
            Some(route.speaks) == family(dialect) && (model.is_empty() || route.takes(model))
        });
        found.ok_or(Failure::NoUpstream)
    }

    /// The connections to an upstream of this configuration.
    pub fn link(&self, upstream: &Arc<Upstream>) -> Arc<Link> {
        match self.links.get(&upstream.name) {
            Some(link) => link.clone(),
            None => Arc::new(Link::new(upstream.clone(), self.config.timeouts)),
        }
    }
}

fn engine(
    config: &Config,
    policy: Arc<Policy>,
    placeholders: Placeholders,
    firewall: Option<&Firewall>,
    witness: Option<Arc<dyn Witness>>,
) -> Engine {
    let mut filters: Vec<Box<dyn Filter>> = vec![
        Box::new(Detectors::new(config.detect)),
        Box::new(Guard {}),
        Box::new(Offers),
        Box::new(upstream_keys(config)),
    ];
    filters.extend(firewall.map(|f| Box::new(f.clone()) as Box<dyn Filter>));
    let engine = Engine::new(filters, policy, placeholders, stopwatch);
    match witness {
        Some(witness) => engine.before(witness),
        None => engine,
    }
}

fn upstream_keys(config: &Config) -> UpstreamKeys {
    let providers = config.upstreams.iter().filter_map(|u| u.key.as_ref());
    let tool_servers = config.tool_servers.iter().flat_map(|s| s.secrets());
    UpstreamKeys::new(providers.chain(tool_servers).map(|key| key.expose()))
}

/// Time since the first call: what the engine measures with.
fn stopwatch() -> Duration {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed()
}
