//! Contexts on threads of their own, and the queue before them.
//!
//! A call's windows become small jobs, so that all contexts work for one caller and none is held up long. Short calls go
//! before long ones, but no call waits for ever: see [`HANDICAP`]. What cannot be done in time is refused at once or
//! dropped before it is begun.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::model::Loaded;
use super::runner::{Broke, Runner, batches};
use super::{LoadError, Model, Unavailable, Window};

/// How much later a call counts as come for each of its windows: about what a window takes.
const HANDICAP: Duration = Duration::from_millis(50);
/// Most contexts, and most threads of each.
const MOST: usize = 64;

/// How large a pool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// How many windows are judged at the same time.
    pub contexts: usize,
    /// Threads of each context. One is best for throughput; two give a single window's answer sooner.
    pub threads: usize,
    /// Most windows that wait. A call that would make them more is refused.
    pub queue: usize,
}

/// A model that judges windows on threads of its own. Dropping it ends them.
pub struct Pool {
    model: Model,
    line: Arc<Line>,
    most_waiting: usize,
    workers: Vec<JoinHandle<()>>,
}

/// The jobs, and who is told of them.
struct Line {
    state: Mutex<State>,
    came: Condvar,
    /// Spent in llama.cpp by all workers together, in nanoseconds.
    busy: AtomicU64,
}

struct State {
    /// In the order in which they are due.
    jobs: VecDeque<Job>,
    /// Windows in them.
    waiting: usize,
    /// Workers that still work.
    alive: usize,
    open: bool,
}

/// Some windows of one call.
struct Job {
    /// When it counts as come.
    due: Instant,
    deadline: Instant,
    places: Vec<usize>,
    windows: Vec<Window>,
    /// The call that it is of, too: the same channel.
    reply: mpsc::Sender<Reply>,
    call: Arc<()>,
}

struct Reply {
    places: Vec<usize>,
    scores: Result<Vec<[f32; 4]>, Unavailable>,
}

impl Pool {
    /// Starts the threads, each with a context.
    ///
    /// # Errors
    /// If a context or a thread cannot be made; none is left behind.
    pub fn new(model: Model, size: Size) -> Result<Pool, LoadError> {
        let contexts = size.contexts.clamp(1, MOST);
        let threads = size.threads.clamp(1, MOST);
        let line = Arc::new(Line {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                waiting: 0,
                alive: contexts,
                open: true,
            }),
            came: Condvar::new(),
            busy: AtomicU64::new(0),
        });
        let mut pool = Pool {
            model,
            line,
            most_waiting: size.queue.max(1),
            workers: Vec::with_capacity(contexts),
        };
        for i in 0..contexts {
            let (model, line) = (pool.model.clone(), Arc::clone(&pool.line));
            let (tell, made) = mpsc::sync_channel(1);
            let worker = std::thread::Builder::new()
                .name(format!("firewall-{i}"))
                .spawn(move || work(model.loaded(), threads, &line, &tell))
                .map_err(|why| LoadError::Start {
                    why: why.to_string(),
                })?;
            pool.workers.push(worker);
            made.recv().unwrap_or_else(|_| {
                Err(LoadError::Start {
                    why: "a thread ended".to_owned(),
                })
            })?;
        }
        Ok(pool)
    }

    /// The model that it judges with.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// How many windows are waiting, not counting those that are being judged.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.line.lock().waiting
    }

    /// How long its contexts have computed so far, all together.
    #[must_use]
    pub fn busy(&self) -> Duration {
        Duration::from_nanos(self.line.busy.load(Ordering::Relaxed))
    }

    /// Scores for each window, as logits in the order of [`Label::ALL`](super::Label::ALL); minus infinity for what the
    /// model does not know. Blocks until then, at most until the deadline. The windows must be this pool's model's.
    ///
    /// # Errors
    /// [`Unavailable`]: there are no scores, for all of the windows or none.
    pub fn score(
        &self,
        windows: Vec<Window>,
        deadline: Instant,
    ) -> Result<Vec<[f32; 4]>, Unavailable> {
        let most = self.model.most_tokens();
        if windows.iter().any(|window| window.length() > most) {
            return Err(Unavailable::Failed);
        }
        let mut scores = vec![[0.0; 4]; windows.len()];
        let call = Arc::new(());
        let replies = self.queue(windows, deadline, &call)?;
        let mut left = scores.len();
        while left > 0 {
            let time = deadline.saturating_duration_since(Instant::now());
            let reply = match replies.recv_timeout(time) {
                Ok(reply) => reply,
                Err(RecvTimeoutError::Timeout) => {
                    self.line.forget(&call);
                    return Err(Unavailable::Late);
                }
                Err(RecvTimeoutError::Disconnected) => return Err(Unavailable::Failed),
            };
            let given = reply.scores.inspect_err(|_| self.line.forget(&call))?;
            left -= given.len();
            for (place, score) in reply.places.into_iter().zip(given) {
                scores[place] = score;
            }
        }
        Ok(scores)
    }

    /// Puts a call's windows in line, if there is room.
    fn queue(
        &self,
        windows: Vec<Window>,
        deadline: Instant,
        call: &Arc<()>,
    ) -> Result<mpsc::Receiver<Reply>, Unavailable> {
        let (reply, replies) = mpsc::channel();
        let now = Instant::now();
        let count = windows.len();
        let due = now + HANDICAP * u32::try_from(count).unwrap_or(u32::MAX);
        let jobs = batches(windows).into_iter().map(|batch| {
            let (places, windows) = batch.into_iter().unzip();
            Job {
                due,
                deadline,
                places,
                windows,
                reply: reply.clone(),
                call: Arc::clone(call),
            }
        });
        let mut state = self.line.lock();
        if !state.open || state.alive == 0 {
            return Err(Unavailable::Failed);
        }
        if now >= deadline {
            return Err(Unavailable::Late);
        }
        if state.waiting + count > self.most_waiting {
            return Err(Unavailable::Overloaded);
        }
        state.waiting += count;
        let at = state.jobs.partition_point(|job| job.due <= due);
        for (i, job) in jobs.enumerate() {
            state.jobs.insert(at + i, job);
        }
        self.line.came.notify_all();
        Ok(replies)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.line.close();
        for worker in self.workers.drain(..) {
            // A worker that panicked has told its caller.
            let _ended = worker.join();
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("model", &self.model)
            .field("contexts", &self.workers.len())
            .finish_non_exhaustive()
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job; `None` when the pool is dropped.
    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if !state.open {
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                state.waiting -= job.windows.len();
                return Some(job);
            }
            state = self
                .came
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Drops what still waits of a call.
    fn forget(&self, call: &Arc<()>) {
        let mut state = self.lock();
        state.jobs.retain(|job| !Arc::ptr_eq(&job.call, call));
        state.waiting = state.jobs.iter().map(|job| job.windows.len()).sum();
    }

    fn close(&self) {
        let mut state = self.lock();
        state.open = false;
        state.jobs.clear();
        state.waiting = 0;
        self.came.notify_all();
    }

    /// A worker gives up: without any, nobody may wait.
    fn leave(&self) {
        let mut state = self.lock();
        state.alive = state.alive.saturating_sub(1);
        if state.alive == 0 {
            drop(state);
            self.close();
        }
    }
}

/// What a worker does until the pool is dropped, or until it cannot have a context.
fn work(
    model: &Loaded,
    threads: usize,
    line: &Line,
    tell: &mpsc::SyncSender<Result<(), LoadError>>,
) {
    let mut runner = match Runner::new(model, threads) {
        Ok(runner) => runner,
        Err(why) => {
            let _told = tell.send(Err(why));
            return;
        }
    };
    let _told = tell.send(Ok(()));
    while let Some(job) = line.next() {
        let scores = if Instant::now() >= job.deadline {
            Err(Unavailable::Late)
        } else {
            let begun = Instant::now();
            let ran = catch_unwind(AssertUnwindSafe(|| runner.run(&job.windows)));
            let took = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
            line.busy.fetch_add(took, Ordering::Relaxed);
            ran.unwrap_or(Err(Broke))
                .map_err(|Broke| Unavailable::Failed)
        };
        let broke = scores == Err(Unavailable::Failed);
        // Nobody listens any more: the deadline has passed.
        let _heard = job.reply.send(Reply {
            places: job.places,
            scores,
        });
        if broke {
            match Runner::new(model, threads) {
                Ok(new) => runner = new,
                Err(_) => return line.leave(),
            }
        }
    }
}
