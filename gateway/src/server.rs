//! Listeners, signals and shutdown.
//!
//! Pingora's services run on a runtime of our own rather than in its `Server`: sockets are bound before
//! anything else (so that port 0 can be told, and a taken port is an error with a name), and shutdown ends
//! when the last exchange has, instead of after a fixed sleep.

use crate::audit::Audit;
use crate::compression::Compression;
use crate::config::ConfigErrors;
use crate::config::{Config, Secret};
use crate::decisions::{RecordSink, SinkError};
use crate::edge::watching::Watching;
use crate::edge::{Agents, Edge, Stored, server_options};
use crate::mcp::Tools;
use crate::mcp::pins::{BadLock, Pins};
use crate::observers::Observers;
use crate::operators::{Metrics, OperatorsApp, OperatorsView, ToolsView};
use crate::policies::watch::Watch;
use crate::policies::{KeysHandle, PolicyHandle};
use crate::state::{State, Watched};
use crate::telemetry;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use pingora_core::apps::ServerApp;
use pingora_core::listeners::tls::TlsSettings;
use pingora_core::server::{Fds, ShutdownWatch};
use pingora_core::services::Service as _;
use pingora_core::services::listening::Service;
use sallyport_console::{Console, History, HistoryError};
use sallyport_firewall::Firewall;
use sallyport_policy::{Placeholders, PolicyErrors};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::IntoRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often shutdown looks whether the last exchange has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Why the gateway cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address}: {error}\n  hint: does another program, or another gateway, listen there? name a free address of this machine under `agents.listen` or `operators.listen`"
    )]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// The policies cannot be compiled.
    #[error(transparent)]
    Policies(#[from] PolicyErrors),
    /// The keys file cannot be read.
    #[error(transparent)]
    Keys(#[from] ConfigErrors),
    /// The decision log cannot be opened.
    #[error(transparent)]
    Records(#[from] SinkError),
    /// The audit log cannot be opened.
    #[error(transparent)]
    Audit(#[from] crate::audit::StartError),
    /// The history cannot be opened.
    #[error("history: {0}")]
    History(#[from] HistoryError),
    /// Telemetry cannot be started.
    #[error(transparent)]
    Telemetry(#[from] telemetry::NoTelemetry),
    /// The lock file of tools cannot be used.
    #[error(transparent)]
    Lock(#[from] BadLock),
    /// The semantic firewall cannot start.
    #[error("firewall: {0}")]
    Firewall(#[from] sallyport_firewall::StartError),
    /// Compression cannot start.
    #[error(transparent)]
    Compression(#[from] crate::compression::StartError),
    /// The certificate or its authorities cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
    /// No threads, no randomness, no signals.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
}

/// Where a running gateway can be reached.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// By agents.
    pub agents: SocketAddr,
    /// By operators.
    pub operators: SocketAddr,
}

/// Serves until SIGTERM, SIGINT or SIGQUIT. Prints one line on standard output when it is ready.
pub fn run(config: Config) -> Result<(), ServeError> {
    let tls = config.agents.tls.is_some();
    serve(
        config,
        async |addresses: Addresses| {
            let scheme = if tls { "https" } else { "http" };
            let mut out = std::io::stdout().lock();
            // A closed standard output is no reason not to serve.
            let _ = writeln!(
                out,
                "sallyport ready agents={scheme}://{} operators=http://{}",
                addresses.agents, addresses.operators
            );
            let _ = out.flush();
        },
        signal_to_stop,
    )
}

/// Serves until `stop` completes; `ready` is told where.
pub fn serve<R, S>(config: Config, ready: R, stop: impl FnOnce() -> S) -> Result<(), ServeError>
where
    R: AsyncFnOnce(Addresses),
    S: Future<Output = ()>,
{
    let config = Arc::new(config);
    let (agents, operators, fds) = sockets(&config)?;
    let tls = tls_settings(&config)?;

    let Watchers {
        observers,
        watched,
        console,
        collector,
    } = watchers(&config)?;
    let placeholders = Placeholders::new(redaction_key(config.redaction_key.as_ref())?);
    let policies = PolicyHandle::load(config.policies.clone())?;
    if let Some(audit) = &observers.audit {
        audit.policies(&policies.loaded())?;
    }
    let keys = KeysHandle::load(&config)?;
    let firewall = crate::firewall::started(&config)?;
    let compression = Compression::start(config.compression.as_ref(), &observers.metrics)?;
    let state = state(&config, &keys, &policies, &placeholders, &firewall, watched)?;
    let tools = Tools::default();
    let tools_view = tools_view(&state, &tools);
    let state = Arc::new(ArcSwap::from_pointee(state));
    let _watches = watch_files(&policies, &keys, &state, &placeholders, &observers);

    let stopping = Arc::<AtomicBool>::default();
    let edge = edge(&config, state, &compression, tools, &observers, &stopping);
    let app = OperatorsApp::new(OperatorsView {
        config: config.clone(),
        policies,
        keys,
        observers: observers.clone(),
        console,
        tested: Arc::default(),
        collector,
        started_ns: crate::policies::now_ns(),
        tools: tools_view,
        firewall: firewall.clone(),
        compression: compression.clone(),
        stopping: stopping.clone(),
    });

    let runtime = runtime(config.workers)?;
    let operators_service = operators_service(app, operators);
    runtime.block_on(async {
        let (tools, in_flight) = (edge.tools.clone(), edge.in_flight.clone());
        let sweeping = tools.sessions.clone().sweep(edge.clone());
        let housekeeping = futures::future::join(sweeping, compression.sweep());
        let housekeeping = tokio::spawn(housekeeping);
        let service = agents_service(edge, agents, tls);
        let running = Running::start(service, operators_service, fds);
        ready(Addresses { agents, operators }).await;
        stop().await;
        stopping.store(true, Ordering::Relaxed);
        tokio::time::sleep(config.timeouts.notice).await;
        housekeeping.abort();
        tools.sessions.end_lasting_streams();
        running.stop(&in_flight, config.timeouts.grace).await;
        tools.sessions.close_all().await;
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    observers.close();
    Ok(())
}

/// The agents' listener, with nobody on it yet.
fn edge(
    config: &Config,
    state: Arc<ArcSwap<State>>,
    compression: &Compression,
    tools: Tools,
    observers: &Observers,
    stopping: &Arc<AtomicBool>,
) -> Edge {
    Edge {
        state,
        stored: Arc::new(Stored::default()),
        compression: compression.clone(),
        tools,
        observers: observers.clone(),
        sessions: Arc::default(),
        in_flight: Arc::default(),
        stopping: stopping.clone(),
        options: server_options(config.agents.http2, &config.timeouts),
    }
}

/// Those who watch, started.
struct Watchers {
    observers: Observers,
    watched: Watched,
    console: Arc<Console>,
    collector: Option<(String, String)>,
}

fn watchers(config: &Config) -> Result<Watchers, ServeError> {
    let decisions = RecordSink::open(&config.decisions.to)?;
    let audit = config.audit.as_ref().map(Audit::start).transpose()?;
    let telemetry = telemetry::settings(config.telemetry.as_ref())?;
    let traced = telemetry.as_ref().filter(|t| t.traces.is_some());
    let watched = Watched {
        watching: Watching::of(config, traced.map(|t| t.sampler)),
        witness: audit.as_ref().and_then(Audit::witness),
    };
    let history = history(config)?;
    let token = config.operators.token.as_ref();
    let console = Console::new(history.clone(), token.map(Secret::expose));
    let collector = telemetry.as_ref().and_then(telemetry::collector);
    let observers = Observers {
        decisions,
        metrics: Arc::new(Metrics::new()),
        audit,
        telemetry: telemetry.map(telemetry::start).transpose()?.map(Arc::new),
        history: config.history.as_ref().map(|_| history),
        history_content: config.history.as_ref().is_some_and(|h| h.content),
    };
    Ok(Watchers {
        observers,
        watched,
        console: Arc::new(console.map_err(std::io::Error::from)?),
        collector,
    })
}

/// What the console remembers; where it is to remember nothing, nobody tells it anything.
fn history(config: &Config) -> Result<Arc<History>, ServeError> {
    let (file, exchanges) = match &config.history {
        Some(history) => (history.file.as_deref(), history.exchanges),
        None => (None, 1),
    };
    let history = History::open(file, exchanges)?;
    if let Some(path) = history.moved_aside() {
        tracing::warn!(path = %path.display(), "the history was damaged; it was moved aside, and a new one is begun");
    }
    Ok(Arc::new(history))
}

/// What exchanges begin with.
fn state(
    config: &Arc<Config>,
    keys: &KeysHandle,
    policies: &PolicyHandle,
    placeholders: &Placeholders,
    firewall: &Option<Firewall>,
    watched: Watched,
) -> Result<State, ServeError> {
    Ok(State::new(
        config.clone(),
        keys.current(),
        policies.current(),
        placeholders.clone(),
        Pins::load(config)?,
        firewall.clone(),
        watched,
    ))
}

/// Both listeners' addresses, bound.
fn sockets(config: &Config) -> Result<(SocketAddr, SocketAddr, Fds), ServeError> {
    let (agents_socket, agents) = listen(config.agents.listen)?;
    let (operators_socket, operators) = listen(config.operators.listen)?;
    let fds = bound([(agents, agents_socket), (operators, operators_socket)]);
    Ok((agents, operators, fds))
}

fn operators_service(app: OperatorsApp, at: SocketAddr) -> Service<OperatorsApp> {
    let mut service = Service::new("operators".to_owned(), app);
    service.add_tcp(&at.to_string());
    service
}

/// Sockets by the address that Pingora will ask for.
fn bound(sockets: [(SocketAddr, TcpListener); 2]) -> Fds {
    let mut fds = Fds::new();
    for (address, socket) in sockets {
        fds.add(address.to_string(), socket.into_raw_fd());
    }
    fds
}

fn tools_view(state: &State, tools: &Tools) -> ToolsView {
    ToolsView {
        servers: state.servers(),
        sessions: tools.sessions.clone(),
        pins: state.pins.clone(),
    }
}

fn runtime(workers: usize) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("sallyport")
        .enable_all()
        .build()
}

fn agents_service(edge: Edge, at: SocketAddr, tls: Option<TlsSettings>) -> Service<Agents> {
    let mut service = Service::new("agents".to_owned(), Agents::new(edge));
    match tls {
        Some(settings) => service.add_tls_with_settings(&at.to_string(), None, settings),
        None => service.add_tcp(&at.to_string()),
    }
    service
}

/// Both doors, open.
struct Running {
    agents: JoinHandle<()>,
    /// Tells agents' connections to close.
    stop_listening: watch::Sender<bool>,
    operators: JoinHandle<()>,
    /// Operators are answered until the end, so that `/readyz` can say that the gateway is stopping.
    _until_the_end: watch::Sender<bool>,
}

impl Running {
    fn start<A, O>(agents: Service<A>, operators: Service<O>, fds: Fds) -> Self
    where
        A: ServerApp + Send + Sync + 'static,
        O: ServerApp + Send + Sync + 'static,
    {
        let fds = Arc::new(Mutex::new(fds));
        let (stop_listening, shutdown) = watch::channel(false);
        let (_until_the_end, never) = watch::channel(false);
        Running {
            agents: tokio::spawn(start(agents, fds.clone(), shutdown)),
            stop_listening,
            operators: tokio::spawn(start(operators, fds, never)),
            _until_the_end,
        }
    }

    /// Waits for what is in flight, no longer than `grace`, and closes both.
    async fn stop(self, in_flight: &AtomicUsize, grace: Duration) {
        // Agents' keep-alive connections are told to close with their next answer.
        let _ = self.stop_listening.send(true);
        drain(in_flight, grace).await;
        self.agents.abort();
        self.operators.abort();
    }
}

/// Puts a new state in place whenever policies or keys have changed.
fn watch_files(
    policies: &PolicyHandle,
    keys: &KeysHandle,
    state: &Arc<ArcSwap<State>>,
    placeholders: &Placeholders,
    observers: &Observers,
) -> (Option<Watch>, Watch) {
    let (of_policies, of_keys) = (state.clone(), state.clone());
    let placeholders = placeholders.clone();
    let (loaded, audit) = (policies.clone(), observers.audit.clone());
    let watched = policies.watch(move |policy| {
        if let Some(audit) = &audit
            && let Err(error) = audit.policies(&loaded.loaded())
        {
            tracing::error!(%error, "decisions by the new policies cannot be replayed");
        }
        of_policies.rcu(|now| now.with_policy(policy.clone(), placeholders.clone()));
    });
    let keys = keys.watch(move |keys| {
        of_keys.rcu(|now| now.with_keys(keys.clone()));
    });
    (watched, keys)
}

async fn start<A>(mut service: Service<A>, fds: Arc<Mutex<Fds>>, shutdown: ShutdownWatch)
where
    A: ServerApp + Send + Sync + 'static,
{
    service.start_service(Some(fds), shutdown, 1).await;
}

/// Waits until no exchange is in flight, or until the grace is over.
async fn drain(in_flight: &AtomicUsize, grace: Duration) {
    let until = Instant::now() + grace;
    while in_flight.load(Ordering::Relaxed) > 0 && Instant::now() < until {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    // What was just answered is still being flushed by its connection.
    tokio::time::sleep(LOOK_EVERY).await;
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), ServeError> {
    let bound = TcpListener::bind(address).and_then(|socket| {
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        Ok((socket, address))
    });
    bound.map_err(|error| ServeError::Listen { address, error })
}

fn tls_settings(config: &Config) -> Result<Option<TlsSettings>, ServeError> {
    let Some(tls) = &config.agents.tls else {
        return Ok(None);
    };
    let told = |error: &dyn std::fmt::Display| ServeError::Tls(error.to_string());
    let path = |path: &std::path::Path| path.display().to_string();
    let mut settings = TlsSettings::intermediate(&path(&tls.certificate), &path(&tls.key))
        .map_err(|e| told(&e))?;
    if config.agents.http2 {
        settings.enable_h2();
    }
    if let Some(authorities) = &tls.client_ca {
        let verifier = crate::tls::client_verifier(authorities).map_err(|e| told(&e))?;
        settings.set_client_cert_verifier(verifier);
    }
    Ok(Some(settings))
}

/// The key of the configuration, or one drawn now: placeholders then differ after a restart.
fn redaction_key(secret: Option<&Secret>) -> Result<[u8; 32], ServeError> {
    use sha2::Digest;
    match secret {
        Some(secret) => Ok(sha2::Sha256::digest(secret.expose().as_bytes()).into()),
        None => {
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(std::io::Error::from)?;
            Ok(key)
        }
    }
}

async fn signal_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = async |kind| match signal(kind) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(_) => std::future::pending().await,
    };
    tokio::select! {
        () = wait(SignalKind::terminate()) => {}
        () = wait(SignalKind::interrupt()) => {}
        () = wait(SignalKind::quit()) => {}
    }
}
