//! A tool server's program: started clean, watched, and ended with all that it has started.

use super::{Fault, Tally};
use crate::config::ToolProgram;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use std::collections::VecDeque;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStderr, Command};

/// What a program is given of the gateway's environment.
const INHERITED: [&str; 9] = [
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ",
];
/// How long a program may take to end once its input is closed, and again once it is told to.
pub(super) const END_TIME: Duration = Duration::from_secs(3);
/// Bytes that are kept of what it last said on standard error.
const STDERR_KEPT: usize = 64 << 10;
/// Bytes of one line of standard error in the log.
const STDERR_LINE_MAX: usize = 1 << 10;

/// Starts a program with its three streams in pipes, in a process group of its own.
pub(super) fn start(program: &ToolProgram) -> Result<(Child, Group), Fault> {
    let mut command = Command::new(&program.program);
    command.args(&program.arguments).env_clear();
    for name in INHERITED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    for (name, value) in &program.env {
        command.env(name, value.expose());
    }
    if let Some(folder) = &program.directory {
        command.current_dir(folder);
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let child = command.spawn().map_err(|_| Fault::NotStarted)?;
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let group = Group(id.and_then(Pid::from_raw));
    group.limit(Resource::Nofile, program.open_files);
    group.limit(Resource::As, program.memory);
    group.limit(Resource::Core, Some(0));
    Ok((child, group))
}

/// A process group that is killed when it is dropped.
pub(super) struct Group(Option<Pid>);

impl Group {
    /// Limits its first process, and what that starts from now on.
    fn limit(&self, resource: Resource, most: Option<u64>) {
        if let (Some(pid), Some(most)) = (self.0, most) {
            let limit = Rlimit {
                current: Some(most),
                maximum: Some(most),
            };
            if let Err(error) = prlimit(Some(pid), resource, limit) {
                tracing::warn!(%error, "a limit of a tool server's program could not be set");
            }
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.0 {
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Kills what a program that has just ended has left behind. Later, its number may be another's.
    pub fn sweep(&mut self) {
        self.signal(Signal::KILL);
        self.0 = None;
    }

    /// Waits until the program has ended by itself, then tells it to, then kills it; and all that it started.
    pub async fn end(mut self, mut child: Child) {
        for signal in [None, Some(Signal::TERM)] {
            if let Some(signal) = signal {
                self.signal(signal);
            }
            if tokio::time::timeout(END_TIME, child.wait()).await.is_ok() {
                break;
            }
        }
        self.sweep();
        let _ = child.wait().await;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Reads standard error for as long as there is any, and logs it line by line at debug. The agent never sees it.
pub(super) async fn drain_stderr(server: Arc<str>, mut stderr: ChildStderr, tally: Arc<Tally>) {
    let mut kept = Ring::default();
    let mut chunk = vec![0; 8 << 10];
    while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
        kept.push(
            &chunk[..read],
            |line| tracing::debug!(%server, "stderr: {line}"),
        );
    }
    kept.finish(|line| tracing::debug!(%server, "stderr: {line}"));
    let last = kept.last_line();
    if !last.is_empty() {
        tracing::info!(%server, last, "a tool server's program has closed its standard error");
        *tally.last_words.lock().unwrap_or_else(|p| p.into_inner()) = last;
    }
}

/// The last of what was written, and the line that is being written.
#[derive(Default)]
struct Ring {
    kept: VecDeque<u8>,
    line: Vec<u8>,
}

impl Ring {
    fn push(&mut self, bytes: &[u8], mut log: impl FnMut(&str)) {
        let over = (self.kept.len() + bytes.len()).saturating_sub(STDERR_KEPT);
        self.kept.drain(..over.min(self.kept.len()));
        let from = bytes.len().saturating_sub(STDERR_KEPT);
        self.kept.extend(&bytes[from..]);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            // What is longer than a line may be is left out of the log.
            let room = STDERR_LINE_MAX.saturating_sub(self.line.len());
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.finish(&mut log);
            }
        }
    }

    fn finish(&mut self, mut log: impl FnMut(&str)) {
        let line = shown(self.line.trim_ascii());
        self.line.clear();
        if !line.is_empty() {
            log(&line);
        }
    }

    /// The last line that says anything.
    fn last_line(&self) -> String {
        let kept: Vec<u8> = self.kept.iter().copied().collect();
        let kept = kept.trim_ascii_end();
        let begin = memchr::memrchr(b'\n', kept).map_or(0, |at| at + 1);
        let line = &kept[begin..];
        shown(line[..line.len().min(STDERR_LINE_MAX)].trim_ascii())
    }
}

/// Text that cannot move a cursor or forge a line.
fn shown(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for c in String::from_utf8_lossy(bytes).chars() {
        match c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}') {
            true => text.extend(c.escape_default()),
            false => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_error_is_bounded_and_cannot_forge_lines() {
        let mut ring = Ring::default();
        let mut lines = Vec::new();
        ring.push(b"one\n\x1b[31mtwo\r\nthr", |line| {
            lines.push(line.to_owned())
        });
        ring.push(b"ee\n", |line| lines.push(line.to_owned()));
        assert_eq!(lines, ["one", "\\u{1b}[31mtwo", "three"]);
        assert_eq!(ring.last_line(), "three");
        for _ in 0..1000 {
            ring.push(&[b'x'; 1000], |_| panic!("no line has ended"));
        }
        assert_eq!(ring.kept.len(), STDERR_KEPT);
        assert_eq!(ring.line.len(), STDERR_LINE_MAX);
        assert_eq!(ring.last_line().len(), STDERR_LINE_MAX);
    }
}
