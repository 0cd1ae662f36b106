//! What the console is told of the gateway: how everything stands as of one request.

use super::OperatorsView;
use crate::config::{Reach, ToolServer, Upstream};
use crate::mcp::upstream::Server;
use crate::policies::Loaded;
use parking_lot::Mutex;
use sallyport_console::{
    AuditFacts, Facts, FirewallFacts, KeyFact, KeyFacts, LockFacts, PinFact, PolicyFacts,
    SavingFacts, ServerFacts, TelemetryFacts, TestFacts, ToolFacts, UpstreamFacts,
};
use sallyport_firewall::{Firewall, Stage};
use sallyport_manifest::Lock;
use sallyport_policy::run_tests;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Digits of a digest that are shown.
const DIGEST_SHOWN: usize = 16;

/// What the policies' tests said, for the revision that was asked about last.
#[derive(Debug, Default)]
pub struct Tested(Mutex<Option<(Arc<str>, Option<TestFacts>)>>);

impl Tested {
    /// Runs the tests once for each revision; nothing where there are none.
    fn of(&self, loaded: &Loaded) -> Option<TestFacts> {
        let mut known = self.0.lock();
        if let Some((revision, facts)) = &*known
            && *revision == loaded.revision
        {
            return facts.clone();
        }
        let report = run_tests(&loaded.source).ok();
        let report = report.filter(|report| !report.tests.is_empty());
        let facts = report.map(|report| TestFacts {
            passed: report.tests.iter().filter(|test| test.passed).count() as u64,
            failed: report
                .tests
                .iter()
                .filter(|test| !test.passed)
                .map(|test| test.name.clone())
                .collect(),
        });
        *known = Some((loaded.revision.clone(), facts.clone()));
        facts
    }
}

/// All of it. `path`: what is asked for, since not every page needs what takes long.
pub(super) fn facts(view: &OperatorsView, path: &str) -> Facts {
    let observers = &view.observers;
    Facts {
        version: env!("CARGO_PKG_VERSION").into(),
        started_ns: view.started_ns,
        loopback: view.config.operators.listen.ip().is_loopback(),
        not_ready: super::missing(view),
        policies: policies(view, path == "/policies"),
        keys: keys(view),
        upstreams: view
            .config
            .upstreams
            .iter()
            .map(|u| upstream(view, u))
            .collect(),
        tools: tools(view),
        firewall: view
            .firewall
            .as_ref()
            .map(|running| firewall(view, running)),
        savings: savings(view),
        originals_bytes: view.compression.originals().map(|o| o.bytes()),
        audit: audit(view),
        telemetry: telemetry(view),
        records_dropped: observers.decisions.dropped(),
    }
}

fn policies(view: &OperatorsView, tests: bool) -> PolicyFacts {
    let status = view.policies.status();
    let loaded = view.policies.loaded();
    let files = loaded.source.files.iter().map(|file| file.path.clone());
    let data = loaded.source.data.iter().map(|(path, _)| path.clone());
    PolicyFacts {
        revision: status.revision.to_string(),
        since_ns: status.loaded_at_ns,
        path: status.path.map(|path| path.display().to_string()),
        error: status.error,
        platform: loaded.policy.has_org(),
        teams: loaded.policy.teams().map(str::to_owned).collect(),
        files: files.chain(data).collect(),
        loads: status.loads,
        failures: status.failures,
        tests: tests.then(|| view.tested.of(&loaded)).flatten(),
    }
}

fn keys(view: &OperatorsView) -> KeyFacts {
    let status = view.keys.status();
    let keys = view.keys.current();
    let key = |caller: &sallyport_exchange::Caller| KeyFact {
        key: caller.key.to_string(),
        team: caller.team.to_string(),
        agent: caller.agent.to_string(),
    };
    KeyFacts {
        revision: status.revision.to_string(),
        error: status.error,
        keys: keys.callers().into_iter().map(key).collect(),
    }
}

fn upstream(view: &OperatorsView, upstream: &Arc<Upstream>) -> UpstreamFacts {
    let routes = view.config.routes.iter();
    let ours = routes.filter(|route| route.upstream.name == upstream.name);
    let words = |route: &crate::config::Route| {
        let models: Vec<&str> = route.models.iter().map(|model| model.as_str()).collect();
        match models.is_empty() {
            true => format!("{}: every model", route.name),
            false => format!("{}: {}", route.name, models.join(", ")),
        }
    };
    UpstreamFacts {
        name: upstream.name.to_string(),
        address: address(upstream),
        speaks: upstream.speaks.as_str().into(),
        key: upstream.key.is_some(),
        routes: ours.map(words).collect(),
    }
}

/// An upstream's address in full.
pub(crate) fn address(upstream: &Upstream) -> String {
    let scheme = if upstream.url.tls { "https" } else { "http" };
    format!(
        "{scheme}://{}{}",
        upstream.url.authority(),
        upstream.url.base
    )
}

/// How a server is reached, without anything that may be a secret: no arguments, no query.
pub(crate) fn reach(server: &ToolServer) -> String {
    match &server.reach {
        Reach::Address(address) => address.canonical(),
        Reach::Program(program) => match program.arguments.len() {
            0 => format!("starts {}", program.program),
            1 => format!("starts {} with an argument", program.program),
            n => format!("starts {} with {n} arguments", program.program),
        },
    }
}

fn tools(view: &OperatorsView) -> Option<ToolFacts> {
    let tools = &view.tools;
    if tools.servers.is_empty() {
        return None;
    }
    let pins = tools.pins.as_ref().map(|pins| (pins, pins.in_force()));
    let lock = pins.as_ref().map(|(_, (_, lock))| lock);
    Some(ToolFacts {
        sessions: tools.sessions.len() as u64,
        servers: tools
            .servers
            .iter()
            .map(|s| server(s, lock.map(|l| &**l)))
            .collect(),
        lock: pins.as_ref().map(|(pins, (file, lock))| LockFacts {
            file: file.display().to_string(),
            signed: lock.signature().is_some(),
            error: pins.standing().error,
        }),
    })
}

fn server(server: &Arc<Server>, lock: Option<&Lock>) -> ServerFacts {
    let (config, tally) = (&server.config, &server.tally);
    let now = |count: &AtomicU64| count.load(Ordering::Relaxed);
    let pinned = lock.and_then(|lock| lock.server(&config.name));
    let pinned = pinned.map(|server| {
        let pin = |(name, pin): (&String, &sallyport_manifest::Pin)| PinFact {
            tool: name.clone(),
            digest: pin
                .tool
                .digest()
                .to_string()
                .chars()
                .take(DIGEST_SHOWN)
                .collect(),
        };
        server.tools.iter().map(pin).collect()
    });
    ServerFacts {
        name: config.name.to_string(),
        reached: reach(config),
        teams: config.teams.clone(),
        pinned,
        opened: now(&tally.opened),
        failed: now(&tally.failed),
        lost: now(&tally.dropped) + now(&tally.rubbish),
    }
}

fn firewall(view: &OperatorsView, running: &Firewall) -> FirewallFacts {
    let counted = running.counts();
    let (waiting, remembered) = running.held();
    let decided = Stage::ALL.into_iter().zip(counted.decided);
    let model = view
        .config
        .firewall
        .as_ref()
        .and_then(|f| f.model.as_ref())
        .map(|model| match model {
            crate::config::FirewallModel::Shipped => "the model that is built in".to_owned(),
            crate::config::FirewallModel::Own { file, .. } => file.display().to_string(),
        });
    FirewallFacts {
        model,
        decided: decided
            .map(|(stage, count)| (stage.as_str().to_owned(), count))
            .collect(),
        windows: counted.windows,
        waiting: waiting as u64,
        remembered: remembered as u64,
        unavailable: [
            ("overloaded", counted.overloaded),
            ("late", counted.late),
            ("failed", counted.failed),
        ]
        .map(|(why, count)| (why.to_owned(), count))
        .into(),
        screen_seconds: counted.screen.as_secs_f64(),
        model_seconds: counted.model.as_secs_f64(),
    }
}

fn savings(view: &OperatorsView) -> Vec<SavingFacts> {
    let totals = view.compression.totals();
    let saving = totals
        .iter()
        .map(|((team, mode, plan), saved)| SavingFacts {
            team: team.to_string(),
            mode: mode.as_str().into(),
            plan: plan.as_str().into(),
            before: saved.before,
            after: saved.after,
            billed: saved.billed,
        });
    saving.collect()
}

fn audit(view: &OperatorsView) -> Option<AuditFacts> {
    let (config, log) = view
        .config
        .audit
        .as_ref()
        .zip(view.observers.audit.as_ref())?;
    let now = log.standing();
    Some(AuditFacts {
        folder: config.folder.display().to_string(),
        mode: match config.mode {
            crate::config::AuditModeFile::Strict => "strict".into(),
            crate::config::AuditModeFile::Fast => "fast".into(),
        },
        origin: config.origin.clone(),
        tree_size: now.size,
        unsynced: now.unsynced,
        lost: now.lost,
        failures: now.failures.values().sum(),
        root: None,
        checkpoint_ns: now.last_checkpoint_ns,
        error: now.last_error.filter(|_| now.degraded),
    })
}

fn telemetry(view: &OperatorsView) -> Option<TelemetryFacts> {
    let telemetry = view.observers.telemetry.as_ref()?;
    let now = telemetry.standing();
    let (endpoint, protocol) = view.collector.clone().unwrap_or_default();
    Some(TelemetryFacts {
        endpoint,
        protocol,
        sent: now.sent.spans,
        dropped: now.dropped.spans,
        failed: now.failed.spans,
        error: now.last_error,
    })
}
