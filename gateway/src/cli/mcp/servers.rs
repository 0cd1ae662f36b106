//! Asking tool servers what they list, as the gateway itself would.

use super::super::tell;
use super::Listed;
use crate::config::{Config, Reach, nearest};
use crate::mcp::offered::{self, NoList};
use crate::mcp::upstream::{Connection, Era, FIRST_ID, Fault, Introduction, Server};
use sallyport_exchange::json::Tape;
use sallyport_exchange::json::string::quoted;
use sallyport_manifest::shown;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// After so long it is said that a server is waited for, and again each time.
const SAY_EVERY: Duration = Duration::from_secs(3);
/// What a server says of its own accord meanwhile is not read: it is not asked to say anything.
const INBOX: usize = 16;
/// For a program that has ended to be heard to the end.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Why there is no list: what is wrong, and what to do about it.
pub(super) struct NotListed {
    pub what: String,
    pub hint: String,
}

/// The server of this name in the configuration.
pub(super) fn named(config: &Config, name: &str) -> Result<Arc<Server>, NotListed> {
    let mut all = config.tool_servers.iter();
    if let Some(server) = all.find(|server| *server.name == *name) {
        return Ok(Server::new(server.clone(), config));
    }
    let names = || config.tool_servers.iter().map(|server| &*server.name);
    let hint = match (nearest(name, names()), names().collect::<Vec<_>>()) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, all) if all.is_empty() => "it has none: add it under `tool_servers`".to_owned(),
        (None, all) => format!("it has {}", all.join(", ")),
    };
    Err(NotListed {
        what: format!(
            "{} has no tool server `{}`",
            config.file.display(),
            shown(name)
        ),
        hint,
    })
}

/// A server at an address, or one that a command starts. It is configured as if it stood in a file, so that nothing
/// is possible here that is not possible there.
pub(super) fn typed(target: &[String]) -> Result<Arc<Server>, NotListed> {
    // JSON is YAML; and what looks like a variable is none here: the shell has put in its own.
    let plain = |text: &str| quoted(&text.replace("${", "$${"));
    let reach = match target {
        [url] if url.contains("://") => format!("\"url\":{}", plain(url)),
        words => {
            let words: Vec<String> = words.iter().map(|word| plain(word)).collect();
            format!("\"command\":[{}]", words.join(","))
        }
    };
    let text = format!("{{\"tool_servers\":{{\"server\":{{{reach}}}}}}}");
    let config = Config::read(Path::new("the command line"), &text, &|_| None);
    let wrong = |hint: String| NotListed {
        what: "this is no server that can be asked".to_owned(),
        hint,
    };
    let config = config.map_err(|errors| {
        let first = errors.0.into_iter().next();
        wrong(first.map_or(String::new(), |error| error.hint.unwrap_or(error.message)))
    })?;
    let server = config.tool_servers.first();
    let server = server.ok_or_else(|| wrong("give an address or a command".to_owned()))?;
    Ok(Server::new(server.clone(), &config))
}

/// Begins a session, asks for all tools, ends the session. Says on standard error that it waits, if it does.
pub(super) async fn list(server: &Arc<Server>, name: &str) -> Result<Listed, NotListed> {
    let mut listing = std::pin::pin!(ask(server));
    let mut waited = Duration::ZERO;
    loop {
        match tokio::time::timeout(SAY_EVERY, &mut listing).await {
            Ok(Ok(listed)) => return Ok(listed),
            Ok(Err(why)) => return Err(not_listed(server, name, why).await),
            Err(_) => {
                waited += SAY_EVERY;
                let (name, seconds) = (shown(name), waited.as_secs());
                tell(&format!("waiting for {name} to answer ({seconds} s)"));
            }
        }
    }
}

async fn ask(server: &Arc<Server>) -> Result<Listed, NoList> {
    let introduction = Introduction {
        prefer: Era::Legacy,
        revision: None,
        client_info: format!(
            "{{\"name\":\"sallyport\",\"version\":{}}}",
            quoted(env!("CARGO_PKG_VERSION"))
        ),
        capabilities: "{}".to_owned(),
    };
    let (inbox, _unread) = mpsc::channel(INBOX);
    let connection = Connection::open(server, &introduction, inbox).await?;
    let numbers = AtomicU64::new(FIRST_ID);
    let number = || numbers.fetch_add(1, Ordering::Relaxed);
    let tools = offered::tools(&connection, &introduction, number).await;
    let instructions = instructions(&connection.hello().result);
    connection.close().await;
    Ok(Listed {
        instructions: instructions?,
        tools: tools?,
    })
}

fn instructions(hello: &str) -> Result<Option<String>, Fault> {
    let tape = Tape::read_str(hello).map_err(|_| Fault::Garbled)?;
    match tape.root().member("instructions") {
        None => Ok(None),
        // The gateway keeps instructions that are no text from agents; they cannot be pinned either.
        Some(words) => match words.as_str() {
            Some(text) => Ok(Some(text.into_owned())),
            None => Err(Fault::Garbled),
        },
    }
}

async fn not_listed(server: &Arc<Server>, name: &str, why: NoList) -> NotListed {
    let mut what = format!("{}: {why}", shown(name));
    if let Reach::Program(program) = &server.config.reach {
        if matches!(why, NoList::Fault(Fault::NotStarted)) {
            what = format!("{}: cannot be started", shown(&program.program));
        } else {
            tokio::time::sleep(LAST_WORDS).await;
        }
        let last = server.tally.last_words.lock();
        let last = last.unwrap_or_else(|p| p.into_inner());
        if !last.is_empty() {
            what.push_str(&format!("\n  it last said: {last}"));
        }
    }
    let hint = match why {
        NoList::Fault(fault) => hint(&server.config.reach, fault),
        NoList::TooMuch => "no agent could use it: ask for a server with fewer tools".to_owned(),
        NoList::Error(_) => "look at the server's own log".to_owned(),
    };
    NotListed { what, hint }
}

/// What somebody can do who sees this.
fn hint(reach: &Reach, fault: Fault) -> String {
    let of_address = |url: &str| {
        match fault {
        Fault::Unreachable => format!("is it running at {url}, and does TLS fit?"),
        Fault::Refused {
            status: 401 | 403 | 407,
        } => "it wants a key: configure it under `tool_servers` with `key` or `oauth`, and name it (`mcp scan --server NAME`)".to_owned(),
        Fault::Refused { status: 404 | 405 } => {
            format!("{url} is no address of the protocol: most end in /mcp or /sse")
        }
        Fault::Redirected => "give the address that it sends to".to_owned(),
        Fault::NoKey => "look at `oauth` in the configuration".to_owned(),
        _ => format!("is {url} a server of the Model Context Protocol?"),
    }
    };
    match reach {
        Reach::Address(address) => of_address(&address.canonical()),
        Reach::Program(_) => match fault {
            Fault::NotStarted => "name a program in PATH, or give its whole path; put `--` before a command with flags".to_owned(),
            Fault::Died | Fault::Resting => "run the command by hand and see what it says; it is given no variables but PATH, HOME and the like (`env` of the configuration gives more)".to_owned(),
            _ => "does it talk the Model Context Protocol on standard input and output?".to_owned(),
        },
    }
}
