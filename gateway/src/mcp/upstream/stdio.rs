//! A tool server that is started, and talked to over its standard input and output.

use super::child::{self, END_TIME, Group};
use super::demux::Demux;
use super::lines::{LINE_MAX, Lines, line};
use super::server::Starts;
use super::{Fault, Tally};
use crate::config::ToolProgram;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};

/// Lines that wait to be written.
const LINES_WAITING: usize = 16;
/// Lines of rubbish on standard output before the program is given up.
const RUBBISH_MAX: u64 = 1000;
/// After a program has ended, what it said last is read for this long.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A running program.
pub(super) struct Stdio {
    pub demux: Arc<Demux>,
    lines: mpsc::Sender<Bytes>,
    write_time: Duration,
    /// True: end it. So does dropping it.
    stop: watch::Sender<bool>,
    ended: watch::Receiver<bool>,
}

/// What a program is started with beside itself.
pub(super) struct Terms {
    pub server: Arc<str>,
    pub starts: Arc<Starts>,
    pub tally: Arc<Tally>,
    /// Bytes of a line.
    pub max: usize,
    /// For the program to take a line.
    pub write_time: Duration,
    /// Its place among the programs of this server.
    pub permit: OwnedSemaphorePermit,
}

impl Stdio {
    /// Starts the program.
    pub fn start(program: &ToolProgram, demux: Arc<Demux>, terms: Terms) -> Result<Stdio, Fault> {
        let (mut child, group) = child::start(program).inspect_err(|_| terms.starts.failed())?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(Fault::NotStarted);
        };
        let drain = child::drain_stderr(terms.server.clone(), stderr, terms.tally.clone());
        tokio::spawn(drain);
        let (lines, to_write) = mpsc::channel(LINES_WAITING);
        let writer = tokio::spawn(write(stdin, to_write)).abort_handle();
        let max = terms.max.min(LINE_MAX);
        let reader = read(
            stdout,
            demux.clone(),
            terms.server.clone(),
            terms.tally,
            max,
        );
        let (stop, stopped) = watch::channel(false);
        let (end, ended) = watch::channel(false);
        let watch = Watch {
            child,
            group,
            writer,
            reader: tokio::spawn(reader),
            demux: demux.clone(),
            starts: terms.starts,
            _permit: terms.permit,
        };
        tokio::spawn(watch.run(stopped, end));
        Ok(Stdio {
            demux,
            lines,
            write_time: terms.write_time,
            stop,
            ended,
        })
    }

    /// Writes one message.
    pub async fn post(&self, body: &[u8]) -> Result<(), Fault> {
        let sent = tokio::time::timeout(self.write_time, self.lines.send(line(body))).await;
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Fault::Died),
            Err(_) => Err(Fault::Slow),
        }
    }

    /// Ends the program and waits until it has.
    pub async fn close(&self) {
        self.demux.close(Fault::Closed);
        let _ = self.stop.send(true);
        let mut ended = self.ended.clone();
        let most = END_TIME * 3 + LAST_WORDS;
        let _ = tokio::time::timeout(most, ended.wait_for(|ended| *ended)).await;
    }
}

async fn write(mut stdin: ChildStdin, mut lines: mpsc::Receiver<Bytes>) {
    while let Some(line) = lines.recv().await {
        if stdin.write_all(&line).await.is_err() || stdin.flush().await.is_err() {
            return;
        }
    }
}

/// Reads standard output to its end; why it ended.
async fn read(
    mut stdout: ChildStdout,
    demux: Arc<Demux>,
    server: Arc<str>,
    tally: Arc<Tally>,
    max: usize,
) -> Fault {
    let mut lines = Lines::default();
    let mut rubbish = 0;
    loop {
        loop {
            let line = match lines.next(max) {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(fault) => return fault,
            };
            if !demux.take(line).await {
                rubbish += 1;
                tally.rubbish.fetch_add(1, Ordering::Relaxed);
                if rubbish > RUBBISH_MAX {
                    tracing::warn!(%server, rubbish, "a tool server writes rubbish; it is ended");
                    return Fault::Garbled;
                }
                if u64::is_power_of_two(rubbish) {
                    tracing::warn!(%server, rubbish, "a tool server writes what is no message");
                }
            }
        }
        match stdout.read_buf(&mut lines.buffer).await {
            Ok(1..) => {}
            _ => return Fault::Died,
        }
    }
}

/// Watches over one program.
struct Watch {
    child: Child,
    group: Group,
    writer: AbortHandle,
    reader: JoinHandle<Fault>,
    demux: Arc<Demux>,
    starts: Arc<Starts>,
    _permit: OwnedSemaphorePermit,
}

impl Watch {
    async fn run(mut self, mut stopped: watch::Receiver<bool>, end: watch::Sender<bool>) {
        let began = Instant::now();
        let fault = tokio::select! {
            biased;
            // Asked to, or nobody holds the connection any more.
            () = until(&mut stopped) => Fault::Closed,
            read = &mut self.reader => read.unwrap_or(Fault::Died),
            _ = self.child.wait() => {
                self.group.sweep();
                let read = tokio::time::timeout(LAST_WORDS, &mut self.reader).await;
                read.ok().and_then(Result::ok).unwrap_or(Fault::Died)
            }
        };
        if fault != Fault::Closed {
            self.starts.ended(began.elapsed());
        }
        self.demux.close(fault);
        // Closes standard input: the program should end by itself now.
        self.writer.abort();
        self.group.end(self.child).await;
        self.reader.abort();
        let _ = end.send(true);
    }
}

async fn until(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
