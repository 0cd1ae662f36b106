//! A tool server and what is remembered of it.

use super::Fault;
use super::http::Http;
use super::open::Way;
use crate::config::{Config, Limits, Reach, Timeouts, ToolServer};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// How long it is remembered what a server does not speak.
const MEMORY: Duration = Duration::from_secs(600);
/// Programs of one server at once: one for each session.
const PROGRAMS_MAX: usize = 64;

/// A tool server as configured, with what is remembered of it. One for each configured server, shared by all.
pub struct Server {
    /// As configured.
    pub config: Arc<ToolServer>,
    /// What has happened.
    pub tally: Arc<Tally>,
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
    pub(super) http: Option<Arc<Http>>,
    pub(super) programs: Arc<Semaphore>,
    pub(super) starts: Arc<Starts>,
    /// Ways that it did not take, and when it was asked.
    not: Mutex<Vec<(Way, Instant)>>,
}

/// What has happened with a server since the gateway began.
#[derive(Debug, Default)]
pub struct Tally {
    /// Sessions that were begun.
    pub opened: AtomicU64,
    /// Sessions that could not be begun.
    pub failed: AtomicU64,
    /// Messages that were dropped: nobody waited for them, or too many waited already.
    pub dropped: AtomicU64,
    /// Notifications that were not kept because an equal one waited already.
    pub coalesced: AtomicU64,
    /// Lines on standard output that were no messages.
    pub rubbish: AtomicU64,
    /// The last line that a program wrote on standard error before it closed that; fit to be shown.
    pub last_words: Mutex<String>,
}

impl Server {
    /// A server nobody has talked to yet.
    pub fn new(server: Arc<ToolServer>, config: &Config) -> Arc<Server> {
        let http = match &server.reach {
            Reach::Program(_) => None,
            Reach::Address(address) => {
                Some(Arc::new(Http::new(&server.name, address, config.timeouts)))
            }
        };
        Arc::new(Server {
            tally: Arc::default(),
            limits: config.limits,
            timeouts: config.timeouts,
            http,
            programs: Arc::new(Semaphore::new(PROGRAMS_MAX)),
            starts: Arc::default(),
            not: Mutex::default(),
            config: server,
        })
    }

    /// Puts the ways last that the server did not take lately.
    pub(super) fn sort(&self, ways: &mut [Way]) {
        let mut not = self.not.lock().unwrap_or_else(|p| p.into_inner());
        not.retain(|(_, since)| since.elapsed() < MEMORY);
        ways.sort_by_key(|way| not.iter().any(|(other, _)| other == way));
    }

    /// Remembers whether the server took a way.
    pub(super) fn remember(&self, way: Way, taken: bool) {
        let mut not = self.not.lock().unwrap_or_else(|p| p.into_inner());
        not.retain(|(other, _)| *other != way);
        if !taken {
            not.push((way, Instant::now()));
        }
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "tool server {}", self.config.name)
    }
}

/// How the last starts of a server's program went. One that keeps ending is let rest, longer each time.
#[derive(Debug, Default)]
pub(super) struct Starts(Mutex<Rest>);

#[derive(Debug, Default)]
struct Rest {
    failures: u32,
    until: Option<Instant>,
}

impl Starts {
    /// A program that ends sooner has failed to start.
    const EARLY: Duration = Duration::from_secs(5);
    const REST_MIN: Duration = Duration::from_millis(250);
    const REST_MAX: Duration = Duration::from_secs(60);
    /// A rest that is waited for rather than told.
    const PATIENCE: Duration = Duration::from_secs(2);

    /// Waits until the program may be started, if that is soon.
    pub async fn rest(&self) -> Result<(), Fault> {
        let until = self.0.lock().unwrap_or_else(|p| p.into_inner()).until;
        let left = until.map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(Instant::now())
        });
        if left > Self::PATIENCE {
            return Err(Fault::Resting);
        }
        tokio::time::sleep(left).await;
        Ok(())
    }

    /// A program that was not told to has ended after `lived`.
    pub fn ended(&self, lived: Duration) {
        match lived < Self::EARLY {
            true => self.failed(),
            false => *self.0.lock().unwrap_or_else(|p| p.into_inner()) = Rest::default(),
        }
    }

    /// The program could not be started, or ended at once.
    pub fn failed(&self) {
        let mut rest = self.0.lock().unwrap_or_else(|p| p.into_inner());
        let pause = Self::REST_MIN * 2u32.pow(rest.failures.min(10));
        rest.failures += 1;
        rest.until = Some(Instant::now() + pause.min(Self::REST_MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_program_that_keeps_ending_rests_longer_each_time() {
        let starts = Starts::default();
        assert_eq!(starts.rest().await, Ok(()));
        for _ in 0..4 {
            starts.ended(Duration::from_secs(1));
        }
        assert!(starts.rest().await.is_ok(), "two seconds are waited for");
        for _ in 0..40 {
            starts.failed();
        }
        assert_eq!(starts.rest().await, Err(Fault::Resting));
        starts.ended(Duration::from_secs(60));
        assert_eq!(starts.rest().await, Ok(()));
    }
}
