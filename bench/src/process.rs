//! What the kernel knows of a process: where it may run, how long it ran, how much memory it holds.

use std::io::Result;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

/// Which cores the two sides may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cores {
    /// How many there are for both.
    pub count: usize,
    /// The server that is measured.
    pub server: Option<String>,
    /// The load and the upstream.
    pub load: Option<String>,
}

impl Cores {
    /// The first core for the server, the others for the load. With one core, or without `taskset`, nobody is pinned.
    pub fn find() -> Cores {
        let allowed = allowed_cores();
        let pins = Command::new("taskset")
            .arg("--version")
            .output()
            .is_ok_and(|out| out.status.success());
        match allowed.split_first() {
            Some((server, load)) if pins && !load.is_empty() => Cores {
                count: allowed.len(),
                server: Some(server.to_string()),
                load: Some(join(load)),
            },
            _ => Cores {
                count: allowed.len().max(1),
                server: None,
                load: None,
            },
        }
    }

    /// Pins this process, and so the threads it starts from now on.
    pub fn pin_self(&self) -> Result<()> {
        if let Some(cores) = &self.load {
            Command::new("taskset")
                .args(["-a", "-c", "-p", cores, &std::process::id().to_string()])
                .output()?;
        }
        Ok(())
    }

    /// A command that runs on the server's core.
    pub fn server_command(&self, program: &std::path::Path) -> Command {
        match &self.server {
            None => Command::new(program),
            Some(core) => {
                let mut command = Command::new("taskset");
                command.args(["-c", core]).arg(program);
                command
            }
        }
    }
}

fn join(cores: &[usize]) -> String {
    let cores: Vec<String> = cores.iter().map(usize::to_string).collect();
    cores.join(",")
}

/// From a list such as `0-3,8`.
fn allowed_cores() -> Vec<usize> {
    let list = status_line(std::process::id(), "Cpus_allowed_list:").unwrap_or_default();
    let ranges = list.split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.trim().parse::<usize>().ok()?..=last.trim().parse::<usize>().ok()?)
    });
    ranges.flatten().collect()
}

/// Processor time of all threads of a process so far.
pub fn cpu_time(pid: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let nanoseconds = tasks
        .filter_map(|task| first_number(task.path().join("schedstat")))
        .sum();
    Duration::from_nanos(nanoseconds)
}

fn first_number(file: PathBuf) -> Option<u64> {
    std::fs::read_to_string(file)
        .ok()?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

/// Memory that a process holds, in KiB.
pub fn resident_kib(pid: u32) -> u64 {
    let line = status_line(pid, "VmRSS:").unwrap_or_default();
    line.split_whitespace()
        .next()
        .and_then(|kib| kib.parse().ok())
        .unwrap_or(0)
}

fn status_line(pid: u32, name: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .map(|rest| rest.trim().to_owned())
}

/// How many processes wanted to run, on average over the last minute.
pub fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ')
        .next()
        .and_then(|load| load.parse().ok())
        .unwrap_or(0.0)
}

/// The processor's name.
pub fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map(|(_, name)| name.trim().to_owned());
    model.unwrap_or_else(|| "unknown processor".into())
}
