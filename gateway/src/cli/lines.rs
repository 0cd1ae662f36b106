//! Files, and lines of them: several at a time, answered in their order.

use super::Outcome;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

/// The longest line, or file, that is read.
pub(super) const BYTES_MAX: u64 = 32 << 20;
/// Lines that are read ahead of the one that is answered.
const AHEAD: usize = 64;

/// What could not be answered.
#[derive(Serialize)]
struct Unread {
    error: String,
}

/// Why nothing could be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("cannot read {0}: {1}")]
    File(String, std::io::Error),
    #[error("{0} is longer than {BYTES_MAX} bytes: cut it into parts")]
    Long(String),
    #[error("with --jsonl, at most one file is read")]
    Files,
}

fn open(file: &PathBuf) -> Result<Box<dyn Read + Send>, ReadError> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(std::io::stdin()));
    }
    match std::fs::File::open(file) {
        Ok(opened) => Ok(Box::new(opened)),
        Err(error) => Err(ReadError::File(file.display().to_string(), error)),
    }
}

/// A whole file; what is no UTF-8 is replaced.
pub(super) fn read(file: &PathBuf) -> Result<String, ReadError> {
    let name = || file.display().to_string();
    let mut bytes = Vec::new();
    open(file)?
        .take(BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ReadError::File(name(), error))?;
    if bytes.len() as u64 > BYTES_MAX {
        return Err(ReadError::Long(name()));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

pub(super) fn input(files: &[PathBuf]) -> Result<Box<dyn BufRead + Send>, ReadError> {
    match files {
        [] => Ok(Box::new(BufReader::new(std::io::stdin()))),
        [file] => Ok(Box::new(BufReader::new(open(file)?))),
        _ => Err(ReadError::Files),
    }
}

/// Answers line by line, `workers` at a time, and writes in the order of the lines. What is wrong with a line is told in its
/// place.
pub(super) fn each(
    input: Box<dyn BufRead + Send>,
    workers: usize,
    answer: impl Fn(&str) -> Result<String, String> + Sync,
) -> Outcome {
    let (give, take) = sync_channel::<(usize, String)>(AHEAD);
    let (done, finished) = sync_channel::<(usize, Result<String, String>)>(AHEAD);
    let take = Mutex::new(take);
    std::thread::scope(|scope| {
        scope.spawn(move || read_lines(input, &give));
        for _ in 0..workers {
            let (take, done, answer) = (&take, done.clone(), &answer);
            scope.spawn(move || {
                while let Some((number, line)) = next(take) {
                    let said = answer(&line).map_err(|why| format!("line {}: {why}", number + 1));
                    if done.send((number, said)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        write_lines(&finished)
    })
}

fn next(take: &Mutex<Receiver<(usize, String)>>) -> Option<(usize, String)> {
    take.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}

fn read_lines(mut input: Box<dyn BufRead + Send>, give: &SyncSender<(usize, String)>) {
    for number in 0.. {
        let mut line = Vec::new();
        match (&mut input).take(BYTES_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if line.len() as u64 == BYTES_MAX {
            // What follows is the rest of a line that is too long: there is no way back into step.
            let _ = give.send((number, String::new()));
            return;
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if give.send((number, text)).is_err() {
            return;
        }
    }
}

fn write_lines(finished: &Receiver<(usize, Result<String, String>)>) -> Outcome {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut early = BTreeMap::new();
    let mut next = 0;
    let mut outcome = Outcome::Done;
    while let Ok((number, line)) = finished.recv() {
        early.insert(number, line);
        while let Some(line) = early.remove(&next) {
            next += 1;
            let line = line.unwrap_or_else(|error| {
                outcome = Outcome::No;
                serde_json::to_string(&Unread { error }).unwrap_or_default()
            });
            // Whoever reads may want this line before sending the next.
            if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
                return Outcome::Broken;
            }
        }
    }
    outcome
}
