//! Installing what tests talk to: pinned packages, in a folder that is kept between runs.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where packages are kept: `SALLYPORT_TEST_CACHE`, or `~/.cache/sallyport`.
pub fn cache() -> PathBuf {
    match std::env::var_os("SALLYPORT_TEST_CACHE") {
        Some(given) => given.into(),
        None => PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache/sallyport"),
    }
}

/// A Python with the packages of a requirements file. Gives the interpreter.
pub fn python(requirements: &Path) -> PathBuf {
    python_with(requirements, &[])
}

/// The same with these packages alone, whatever they say they need.
pub fn python_without_dependencies(requirements: &Path) -> PathBuf {
    python_with(requirements, &["--no-deps"])
}

fn python_with(requirements: &Path, more: &[&str]) -> PathBuf {
    let wanted = fs::read(requirements).expect("the requirements");
    let folder = installed("python", &wanted, |folder| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder));
        let pip = folder.join("bin/pip");
        run(Command::new(pip)
            .args(["install", "--quiet", "--disable-pip-version-check"])
            .args(more)
            .arg("-r")
            .arg(requirements));
    });
    folder.join("bin/python")
}

/// A folder with the npm packages of a lock file beside `package.json`.
pub fn node(package: &Path) -> PathBuf {
    let lock = fs::read(package.join("package-lock.json")).expect("the lock file");
    installed("node", &lock, |folder| {
        fs::create_dir_all(folder).expect("a folder");
        for file in ["package.json", "package-lock.json"] {
            fs::copy(package.join(file), folder.join(file)).expect("a copy");
        }
        run(Command::new("npm")
            .args(["ci", "--silent", "--no-audit", "--no-fund"])
            .current_dir(folder));
    })
}

/// A folder that `install` fills once, whoever comes first.
fn installed(kind: &str, wanted: &[u8], install: impl FnOnce(&Path)) -> PathBuf {
    let cache = cache();
    fs::create_dir_all(&cache).expect("the cache folder");
    let folder = cache.join(format!("{kind}-{:016x}", fingerprint(wanted)));
    let lock = File::create(folder.with_extension("lock")).expect("a lock file");
    lock.lock().expect("a lock");
    let done = folder.join(".installed");
    if !done.exists() {
        let _ = fs::remove_dir_all(&folder);
        install(&folder);
        fs::write(done, "").expect("a mark");
    }
    folder
}

fn run(command: &mut Command) {
    let status = command
        .status()
        .unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(status.success(), "{command:?} ended with {status}");
}

/// FNV-1a.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
