//! Tests that are programs of their own, in Python: each starts the gateway as its users do, beside what we did not write.
//!
//! A program ends with 0 (all holds), 1 (something does not) or 77 (cannot be tried on this machine, and says why).

use sallyport_tests::sdk;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The exit code of a program that cannot be tried here.
const NOT_HERE: i32 = 77;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a program with its words, by this Python.
fn run(python: &Path, script: &str, words: &[&str], with: &[(&str, &Path)]) {
    let mut command = Command::new(python);
    command
        .arg(root().join(script))
        .args(words)
        .current_dir(root())
        .envs(with.iter().copied())
        .env("SALLYPORT_BIN", env!("CARGO_BIN_EXE_sallyport-under-test"))
        // Whatever the person who runs the tests sends to a collector is theirs.
        .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT");
    let output = command.output().unwrap_or_else(|e| panic!("{script}: {e}"));
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (told(&output.stdout), told(&output.stderr));
    match output.status.code() {
        Some(0) => {}
        Some(NOT_HERE) => eprintln!("SKIPPED {script}: {err}"),
        _ => panic!("{script} ended with {}:\n{out}\n{err}", output.status),
    }
}

fn plain(script: &str) {
    run(Path::new("python3"), script, &[], &[]);
}

fn with(requirements: &str, script: &str, words: &[&str]) {
    let requirements = root().join(requirements);
    run(&sdk::python(&requirements), script, words, &[]);
}

fn alone(requirements: &str, script: &str) {
    let requirements = root().join(requirements);
    let python = sdk::python_without_dependencies(&requirements);
    run(&python, script, &[], &[]);
}

const DEPLOY: &str = "tests/deploy/requirements.txt";

#[test]
fn deploy_drain() {
    plain("tests/deploy/drain/run.py");
}

#[test]
fn deploy_rolling() {
    plain("tests/deploy/rolling/run.py");
}

#[test]
fn deploy_reload() {
    plain("tests/deploy/reload/run.py");
}

#[test]
fn deploy_startup() {
    plain("tests/deploy/startup/run.py");
}

#[test]
fn deploy_image() {
    plain("tests/deploy/image/run.py");
}

#[test]
fn deploy_network() {
    alone(DEPLOY, "tests/deploy/network/run.py");
}

#[test]
fn deploy_systemd() {
    plain("tests/deploy/systemd/run.py");
}

#[test]
fn deploy_observe() {
    plain("tests/deploy/observe/run.py");
}

#[test]
fn deploy_files() {
    alone(DEPLOY, "tests/deploy/files/run.py");
}

#[test]
fn deploy_sbom() {
    alone(DEPLOY, "tests/deploy/sbom/run.py");
}

#[test]
fn helm() {
    with("tests/helm/requirements.txt", "tests/helm/run.py", &[]);
}

#[test]
fn clients() {
    plain("tests/clients/run.py");
}

#[test]
fn documents() {
    plain("tests/docs/run.py");
}

#[test]
fn reference_pages() {
    plain("tests/docs/reference.py");
}

#[test]
fn audit() {
    plain("tests/audit/run.py");
}

/// Traces, metrics, exemplars; and the console in a browser.
#[test]
fn observe() {
    let packages = sdk::node(&root().join("tests/console"));
    let requirements = root().join("tests/observe/requirements.txt");
    let python = sdk::python_without_dependencies(&requirements);
    let packages = ("SALLYPORT_CONSOLE_PACKAGES", packages.as_path());
    run(&python, "tests/observe/run.py", &[], &[packages]);
}
