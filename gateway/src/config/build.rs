//! From what was typed to what it means.

mod authorization;
mod firewall;
mod observe;
mod tools;
mod upstreams;

pub(crate) use authorization::key_address;
pub(crate) use firewall::shipped as shipped_firewall;

use super::check::{Mistakes, check};
use super::error::ConfigErrors;
use super::file::{AgentsFile, CompressionFile, ConfigFile, KeyFile, TlsFile};
use super::tree::{self, At, Node};
use super::*;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A redaction key has at least this many bytes.
const REDACTION_KEY_BYTES_MIN: usize = 32;

/// Reads, checks and builds.
pub(super) fn config(
    file: &Path,
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Config, ConfigErrors> {
    let mut tree = tree::read(file, text).map_err(|error| ConfigErrors(vec![error]))?;
    let mut mistakes = Mistakes::new(file);
    expand_tree(&mut tree, env, &mut mistakes);
    if tree.is_null() {
        tree.value = tree::Value::Map(Vec::new());
    }
    let json = check(
        "",
        &tree,
        &reference::schema_of::<ConfigFile>(),
        &mut mistakes,
    );
    settle(mistakes)?;
    let typed: ConfigFile = serde_json::from_value(json)
        .map_err(|error| ConfigErrors::file(file, error.to_string(), None))?;
    let folder = file.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut builder = Builder {
        tree: &tree,
        folder,
        mistakes: Mistakes::new(file),
    };
    let built = builder.config(typed);
    settle(builder.mistakes)?;
    built.ok_or_else(|| ConfigErrors::file(file, "cannot be used", None))
}

struct Builder<'t> {
    tree: &'t Node,
    folder: PathBuf,
    mistakes: Mistakes<'t>,
}

impl Builder<'_> {
    fn wrong(&mut self, path: &[&str], message: impl Into<String>, hint: impl Into<String>) {
        let at = self.at(path);
        self.mistakes.add(at, message, hint);
    }

    fn at(&self, path: &[&str]) -> At {
        self.tree.place(path)
    }

    fn path(&self, text: &str) -> PathBuf {
        self.folder.join(text)
    }

    fn config(&mut self, typed: ConfigFile) -> Option<Config> {
        let ConfigFile {
            agents,
            operators,
            upstreams,
            routes,
            tool_servers,
            keys,
            keys_file,
            policies,
            mcp,
            authorization,
            detect,
            firewall,
            compression,
            limits,
            timeouts,
            decisions,
            audit,
            telemetry,
            history,
            prices,
            redaction_key,
            workers,
        } = typed;
        let agents = self.agents(&agents);
        let operators_listen = self.address(&["operators", "listen"], &operators.listen);
        let upstreams = self.upstreams(&upstreams, tool_servers.is_empty());
        let routes = self.routes(&routes, &upstreams);
        let tool_servers = self.tool_servers(&tool_servers);
        let authorization = authorization.map(|typed| self.authorization(&typed));
        let limits = self.limits(&limits);
        let timeouts = self.timeouts(&timeouts);
        let file = |path: Option<String>| path.filter(|path| !path.is_empty());
        let (keys_file, policies) = (file(keys_file), file(policies));
        Some(Config {
            file: self.mistakes.file.into(),
            keys: self.keys(&keys),
            redaction_key: self.redaction_key(redaction_key),
            agents: agents?,
            operators: Operators {
                listen: operators_listen?,
                hosts: lower(&operators.hosts),
                token: self.token(operators.token),
            },
            upstreams,
            routes,
            tool_servers,
            keys_file: keys_file.map(|path| self.path(&path)),
            policies: policies.map(|path| self.path(&path)),
            mcp: self.mcp(mcp),
            authorization: match authorization {
                Some(built) => Some(built?),
                None => None,
            },
            detect: detectors(detect),
            firewall: self.firewall(firewall),
            compression: compression.enabled.then(|| self.compression(&compression)),
            limits,
            timeouts,
            decisions: self.decisions(&decisions),
            audit: audit.map(|typed| self.audit(typed)),
            telemetry: telemetry.map(|typed| self.telemetry(typed)),
            history: self.history(&history),
            prices: self.prices(&prices),
            workers: threads(workers),
        })
    }

    fn compression(&self, typed: &CompressionFile) -> Compression {
        let folder = typed.originals.as_ref().filter(|path| !path.is_empty());
        Compression {
            originals: folder.map(|path| Originals {
                folder: self.path(path),
                bytes_max: typed.originals_size.0,
                keep: typed.originals_time.0,
            }),
            memory: typed.memory.bytes(),
        }
    }

    fn mcp(&self, typed: file::McpFile) -> Mcp {
        Mcp {
            origins: lower(&typed.origins),
            lock: typed.lock.map(|path| self.path(&path)),
            lock_key: typed.lock_key.map(|path| self.path(&path)),
        }
    }

    fn decisions(&self, typed: &file::DecisionsFile) -> Decisions {
        let to = match typed.to.as_str() {
            "stdout" | "-" => DecisionsTo::Stdout,
            "stderr" => DecisionsTo::Stderr,
            path => DecisionsTo::File(self.path(path)),
        };
        Decisions {
            to,
            text: typed.text,
        }
    }

    fn agents(&mut self, typed: &AgentsFile) -> Option<Agents> {
        let listen = self.address(&["agents", "listen"], &typed.listen);
        let tls = typed.tls.as_ref().map(|tls| self.tls(tls));
        Some(Agents {
            listen: listen?,
            http2: typed.http2,
            tls,
        })
    }

    fn address(&mut self, path: &[&str], text: &str) -> Option<SocketAddr> {
        let numbers = match text.strip_prefix("localhost:") {
            Some(port) => format!("127.0.0.1:{port}"),
            None => text.to_owned(),
        };
        let address = numbers.parse().ok();
        if address.is_none() {
            self.wrong(path, "this is no address to listen on", "write an IP address and a port, such as `127.0.0.1:8080`, `0.0.0.0:8080` or `[::]:8080`");
        }
        address
    }

    fn tls(&mut self, typed: &TlsFile) -> Tls {
        let tls = Tls {
            certificate: self.path(&typed.certificate),
            key: self.path(&typed.key),
            client_ca: typed.client_ca.as_deref().map(|path| self.path(path)),
        };
        self.certificates(&["agents", "tls", "certificate"], &tls.certificate);
        if let Err(error) = PrivateKeyDer::from_pem_file(&tls.key) {
            self.pem(&["agents", "tls", "key"], &tls.key, "private key", &error);
        }
        if let Some(ca) = &tls.client_ca {
            self.certificates(&["agents", "tls", "client_ca"], ca);
        }
        tls
    }

    /// A PEM file must hold at least one certificate.
    fn certificates(&mut self, path: &[&str], file: &Path) {
        let all =
            CertificateDer::pem_file_iter(file).and_then(|all| all.collect::<Result<Vec<_>, _>>());
        match all {
            Ok(all) if all.is_empty() => self.pem(
                path,
                file,
                "certificate",
                &rustls_pki_types::pem::Error::NoItemsFound,
            ),
            Ok(_) => {}
            Err(error) => self.pem(path, file, "certificate", &error),
        }
    }

    fn pem(
        &mut self,
        path: &[&str],
        file: &Path,
        what: &str,
        error: &rustls_pki_types::pem::Error,
    ) {
        use rustls_pki_types::pem::Error;
        let reason = match error {
            Error::Io(error) => error.to_string(),
            Error::NoItemsFound => "it holds none".into(),
            _ => "it is damaged".into(),
        };
        self.wrong(
            path,
            format!("no {what} in `{}`: {reason}", file.display()),
            "name a PEM file that this user may read",
        );
    }

    fn keys(&mut self, typed: &[KeyFile]) -> Keys {
        let mut keys = Keys::default();
        if let Some((_, tree)) = self.tree.get("keys") {
            super::keys::add(typed, tree, &mut keys, &mut self.mistakes);
        }
        keys
    }

    fn redaction_key(&mut self, typed: Option<Secret>) -> Option<Secret> {
        let key = typed.filter(|key| !key.is_empty())?;
        if key.expose().len() < REDACTION_KEY_BYTES_MIN {
            let message =
                format!("the redaction key is shorter than {REDACTION_KEY_BYTES_MIN} bytes");
            self.wrong(
                &["redaction_key"],
                message,
                "make one with `openssl rand -hex 32`",
            );
        }
        Some(key)
    }

    fn limits(&mut self, typed: &file::LimitsFile) -> Limits {
        let file::LimitsFile {
            body,
            headers,
            decoded_ratio,
            answer,
            stream_hold,
            connections,
        } = *typed;
        for (name, size, least) in [
            ("body", body, Size::kib(1)),
            ("headers", headers, Size::kib(1)),
            ("answer", answer, Size::kib(1)),
            ("stream_hold", stream_hold, Size::kib(1)),
            ("decoded_ratio", Size(decoded_ratio.into()), Size(1)),
            ("connections", Size(connections.into()), Size(1)),
        ] {
            if size < least {
                let least = if least.0 == 1 {
                    "1".into()
                } else {
                    least.to_string()
                };
                self.wrong(
                    &["limits", name],
                    format!("`{name}` is too small to serve anything"),
                    format!("at least {least}"),
                );
            }
        }
        Limits {
            body: body.bytes(),
            headers: headers.bytes(),
            decoded_ratio: decoded_ratio as usize,
            answer: answer.bytes(),
            stream_hold: stream_hold.bytes(),
            connections: connections as usize,
        }
    }

    fn timeouts(&mut self, typed: &file::TimeoutsFile) -> Timeouts {
        let file::TimeoutsFile {
            request_head,
            request_body,
            connect,
            answer_head,
            answer_idle,
            agent_write,
            keep_alive,
            notice,
            grace,
            upstream_keep_alive,
            tool_answer,
        } = *typed;
        for (name, time) in [
            ("request_head", request_head),
            ("request_body", request_body),
            ("connect", connect),
            ("answer_head", answer_head),
            ("answer_idle", answer_idle),
            ("agent_write", agent_write),
            ("tool_answer", tool_answer),
        ] {
            if time.0.is_zero() {
                self.wrong(
                    &["timeouts", name],
                    format!("`{name}` is zero: nobody could answer in time"),
                    "write at least `1ms`",
                );
            }
        }
        Timeouts {
            request_head: request_head.0,
            request_body: request_body.0,
            connect: connect.0,
            answer_head: answer_head.0,
            answer_idle: answer_idle.0,
            agent_write: agent_write.0,
            keep_alive: keep_alive.0,
            notice: notice.0,
            grace: grace.0,
            upstream_keep_alive: upstream_keep_alive.0,
            tool_answer: tool_answer.0,
        }
    }
}

/// As many as there are cores, unless said otherwise.
fn threads(workers: u16) -> usize {
    match workers {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        count => usize::from(count),
    }
}

fn detectors(typed: file::DetectFile) -> sallyport_detect::Config {
    let file::DetectFile {
        secrets,
        personal,
        hidden,
        markers,
        links,
        decode,
    } = typed;
    sallyport_detect::Config {
        secrets,
        personal,
        hidden,
        markers,
        links,
        decode,
    }
}

fn lower(words: &[String]) -> Vec<String> {
    words.iter().map(|word| word.to_lowercase()).collect()
}
