//! The policy folder: what is read, and what stays when something goes wrong.

#![expect(clippy::panic, reason = "a test says what is wrong by panicking")]

use expect_test::{Expect, expect};
use sallyport::config::Config;
use sallyport::policies::{
    FILE_BYTES_MAX, FILES_MAX, FOLDERS_MAX, KeysHandle, PolicyHandle, read_folder,
};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::{TempDir, tempdir};

const GOOD: &str = "package sallyport.teams.payments\n\nallow if input.operation == \"chat\"\n";
const OTHER: &str = "package sallyport.teams.refunds\n\nallow if input.operation == \"chat\"\n";
const BAD: &str = "package sallyport.teams.payments\n\nallow if {\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempdir().expect("a folder");
    files
        .iter()
        .for_each(|(path, text)| put(folder.path(), path, text));
    folder
}

fn put(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
    fs::write(path, text).expect("a file");
}

/// What is read of a folder: names of policies, then data; or what is wrong.
fn check(folder: &Path, expected: Expect) {
    let said = match read_folder(folder) {
        Ok(source) => {
            let files = source.files.iter().map(|file| file.path.clone());
            let data = source
                .data
                .iter()
                .map(|(path, json)| format!("{path}: {json}"));
            files.chain(data).collect::<Vec<_>>().join("\n")
        }
        Err(errors) => errors
            .to_string()
            .replace(&folder.display().to_string(), "FOLDER"),
    };
    expected.assert_eq(&said);
}

#[test]
fn a_folder_is_read_with_its_data() {
    let folder = folder(&[
        ("org.rego", "package sallyport.org\n"),
        ("teams/payments.rego", GOOD),
        ("teams/payments_test.rego", "package t\n"),
        ("teams/data.json", "{\"a\": 1}"),
        (
            "teams/more.yaml",
            "b: [1, 2.5, yes, true, null, \"3\", 0644]\n",
        ),
        ("README.md", "not a policy"),
        (".git/config.json", "not read"),
        (".hidden.rego", "not read"),
    ]);
    check(
        folder.path(),
        expect![[r#"
        org.rego
        teams/payments.rego
        teams/payments_test.rego
        teams/data.json: {"a": 1}
        teams/more.yaml: {"b":[1,2.5,"yes",true,null,"3","0644"]}"#]],
    );
}

#[test]
fn what_cannot_be_read_is_told() {
    check(
        Path::new("/nowhere/policies"),
        expect![[r#"
        FOLDER: cannot be read: No such file or directory (os error 2)
          hint: it must exist, and this user must be allowed to read it"#]],
    );
    let bad = folder(&[("a.yaml", "a: [\n"), ("b.yaml", "a: 1\na: 2\n")]);
    fs::write(bad.path().join("c.rego"), b"\xff\xfe").expect("written");
    symlink(bad.path().join("gone"), bad.path().join("d.rego")).expect("a link");
    check(
        bad.path(),
        expect![[r#"
        a.yaml:2:1: not YAML: while parsing a node, did not find expected node content
        b.yaml:2:1: `a` is given twice, first in line 1
          hint: keep one of the two
        c.rego: not UTF-8
          hint: save it as UTF-8
        d.rego: cannot be read: No such file or directory (os error 2)
          hint: it must exist, and this user must be allowed to read it"#]],
    );
    let large = folder(&[("a.rego", &"#".repeat(FILE_BYTES_MAX as usize + 1))]);
    check(
        large.path(),
        expect![[r#"
        a.rego: larger than 4 MiB
          hint: split it, or keep bulky data elsewhere"#]],
    );
}

#[test]
fn a_folder_has_bounds() {
    let many = tempdir().expect("a folder");
    (0..=FILES_MAX + 5).for_each(|number| put(many.path(), &format!("{number}.rego"), ""));
    check(
        many.path(),
        expect![[r#"
        FOLDER: more than 2000 files
          hint: is this the policy folder?"#]],
    );
    let deep = tempdir().expect("a folder");
    (0..=FOLDERS_MAX)
        .for_each(|number| fs::create_dir(deep.path().join(number.to_string())).expect("a folder"));
    let errors = read_folder(deep.path())
        .expect_err("too many folders")
        .to_string();
    assert!(errors.contains("more than 200 folders"), "{errors}");
    let bulky = tempdir().expect("a folder");
    (0..9).for_each(|number| {
        put(
            bulky.path(),
            &format!("{number}.rego"),
            &"#".repeat(4 << 20),
        )
    });
    check(
        bulky.path(),
        expect![[r#"
        8.rego: all files together are larger than 32 MiB
          hint: keep bulky data elsewhere"#]],
    );
}

#[test]
fn links_are_followed_and_circles_end() {
    let folder = folder(&[("real/a.rego", GOOD), ("real/b.json", "{}")]);
    symlink(folder.path(), folder.path().join("real/up")).expect("a link");
    symlink(folder.path().join("real"), folder.path().join("again")).expect("a link");
    symlink(
        folder.path().join("real/a.rego"),
        folder.path().join("linked.rego"),
    )
    .expect("a link");
    check(
        folder.path(),
        expect![[r#"
        again/a.rego
        linked.rego
        again/b.json: {}"#]],
    );
}

/// A folder as Kubernetes mounts a ConfigMap: links to `..data`, itself a link that is swapped.
fn mount(folder: &Path, version: &str, text: &str) {
    put(folder, &format!("{version}/team.rego"), text);
    let _ = fs::remove_file(folder.join("..data_tmp"));
    symlink(version, folder.join("..data_tmp")).expect("a link");
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).expect("swapped");
    if !folder.join("team.rego").exists() {
        symlink("..data/team.rego", folder.join("team.rego")).expect("a link");
    }
}

#[test]
fn a_mounted_config_map_is_read_once() {
    let folder = tempdir().expect("a folder");
    mount(folder.path(), "..2026_01", GOOD);
    check(folder.path(), expect!["team.rego"]);
}

#[test]
fn without_a_folder_nothing_is_allowed() {
    let handle = PolicyHandle::load(None).expect("no policies");
    assert_eq!(handle.current().teams().count(), 0);
    assert!(!handle.reload(), "there is nothing to read again");
    assert!(handle.watch(|_| ()).is_none());
    assert!(
        PolicyHandle::load(Some("/nowhere/policies".into())).is_err(),
        "a folder that is named must be there"
    );
}

#[test]
fn the_last_good_policies_stay() {
    let folder = folder(&[("team.rego", GOOD)]);
    let handle = PolicyHandle::load(Some(folder.path().into())).expect("good");
    let first = handle.current();
    assert!(!handle.reload(), "nothing changed");

    put(folder.path(), "team.rego", BAD);
    assert!(handle.reload(), "something changed");
    assert!(!handle.reload(), "and is told once");
    assert!(
        std::sync::Arc::ptr_eq(&first, &handle.current()),
        "what was in force stays"
    );
    let status = handle.status();
    assert_eq!(
        (status.loads, status.failures, &*status.revision),
        (1, 1, first.revision())
    );
    let error = status.error.expect("the mistake is kept");
    assert!(
        error.contains("team.rego:4:1: "),
        "with file and line: {error}"
    );

    put(folder.path(), "team.rego", GOOD);
    assert!(handle.reload(), "the mistake is gone");
    assert_eq!(handle.status().error, None);
    assert!(
        std::sync::Arc::ptr_eq(&first, &handle.current()),
        "and what is in force is the same"
    );

    put(folder.path(), "team.rego", OTHER);
    assert!(handle.reload());
    assert_eq!(handle.current().teams().collect::<Vec<_>>(), ["refunds"]);
    assert_eq!(
        first.teams().collect::<Vec<_>>(),
        ["payments"],
        "who began with the old ones keeps them"
    );

    fs::remove_dir_all(folder.path()).expect("removed");
    assert!(handle.reload());
    assert_eq!(
        handle.current().teams().collect::<Vec<_>>(),
        ["refunds"],
        "a folder that is gone is a mistake"
    );
    assert!(handle.status().error.is_some());
}

/// Waits until the watch says something; much sooner than it would look by itself.
fn soon<T>(heard: &Receiver<T>, what: &str) -> T {
    heard
        .recv_timeout(Duration::from_secs(8))
        .unwrap_or_else(|_| panic!("not seen: {what}"))
}

fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(8);
    while !done() {
        assert!(Instant::now() < deadline, "not seen: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn changes_are_seen() {
    let outer = tempdir().expect("a folder");
    let folder = outer.path().join("policies");
    put(&folder, "teams/a.rego", GOOD);
    let handle = PolicyHandle::load(Some(folder.clone())).expect("good");
    let (tell, heard) = channel();
    let watch = handle
        .watch(move |policy| drop(tell.send(policy.teams().map(str::to_owned).collect::<Vec<_>>())))
        .expect("a watch");
    std::thread::sleep(Duration::from_millis(300));

    put(&folder, "teams/a.rego", OTHER);
    assert_eq!(soon(&heard, "a file that was written"), ["refunds"]);

    put(&folder, "teams/a.rego", BAD);
    until("a mistake", || handle.status().error.is_some());
    put(&folder, "teams/more/b.rego", GOOD);
    put(&folder, "teams/a.rego", OTHER);
    assert_eq!(soon(&heard, "a new folder"), ["payments", "refunds"]);

    let new = outer.path().join("new");
    put(&new, "a.rego", GOOD);
    fs::rename(&folder, outer.path().join("old")).expect("moved");
    fs::rename(&new, &folder).expect("moved");
    assert_eq!(soon(&heard, "a folder that was replaced"), ["payments"]);

    put(&folder, "a.rego", OTHER);
    assert_eq!(
        soon(&heard, "a change in the folder that replaced it"),
        ["refunds"]
    );
    drop(watch);
    std::thread::sleep(Duration::from_millis(100));
    put(&folder, "a.rego", GOOD);
    assert!(
        heard.recv_timeout(Duration::from_secs(1)).is_err(),
        "nothing is seen once the watch is dropped"
    );
}

#[test]
fn a_swapped_link_is_seen() {
    let outer = tempdir().expect("a folder");
    let mounted = outer.path().join("mounted");
    mount(&mounted, "..2026_01", GOOD);
    put(outer.path(), "v1/a.rego", GOOD);
    put(outer.path(), "v2/a.rego", OTHER);
    let linked = outer.path().join("linked");
    symlink("v1", &linked).expect("a link");
    for (folder, swap) in [
        (
            &mounted,
            &(|| mount(&mounted, "..2026_02", OTHER)) as &dyn Fn(),
        ),
        (
            &linked,
            &(|| {
                symlink("v2", outer.path().join("next")).expect("a link");
                fs::rename(outer.path().join("next"), &linked).expect("swapped");
            }) as &dyn Fn(),
        ),
    ] {
        let handle = PolicyHandle::load(Some(folder.clone())).expect("good");
        let (tell, heard) = channel();
        let _watch = handle
            .watch(move |policy| {
                drop(tell.send(policy.teams().map(str::to_owned).collect::<Vec<_>>()))
            })
            .expect("a watch");
        std::thread::sleep(Duration::from_millis(300));
        swap();
        assert_eq!(
            soon(&heard, "a link that was swapped"),
            ["refunds"],
            "{}",
            folder.display()
        );
    }
}

#[test]
fn keys_are_read_again_too() {
    let folder = tempdir().expect("a folder");
    let line = |name: &str, digit: &str| {
        format!(
            "- {{name: {name}, team: payments, agent: x, sha256: \"{}\"}}\n",
            digit.repeat(64)
        )
    };
    let config = |keys: &str| {
        format!(
            "upstreams: {{a: {{url: http://a, speaks: openai}}}}\nkeys_file: keys.yaml\nkeys:\n{keys}"
        )
    };
    put(folder.path(), "sallyport.yaml", &config(&line("a", "a")));
    put(folder.path(), "keys.yaml", &line("b", "b"));
    let handle =
        KeysHandle::load(&Config::load(&folder.path().join("sallyport.yaml")).expect("good"))
            .expect("good");
    assert_eq!(handle.current().len(), 2);
    let (tell, heard) = channel();
    let _watch = handle.watch(move |keys| {
        let _ = tell.send(keys.len());
    });
    std::thread::sleep(Duration::from_millis(300));

    put(
        folder.path(),
        "keys.yaml",
        &(line("b", "b") + &line("c", "c")),
    );
    assert_eq!(soon(&heard, "the keys file"), 3);
    put(
        folder.path(),
        "sallyport.yaml",
        &config(&(line("a", "a") + &line("d", "d"))),
    );
    assert_eq!(soon(&heard, "the configuration"), 4);
    put(folder.path(), "keys.yaml", &line("a", "e"));
    until("a mistake", || {
        handle
            .status()
            .error
            .is_some_and(|error| error.contains("two keys are named `a`"))
    });
    assert_eq!(handle.current().len(), 4, "what was in force stays");
    put(folder.path(), "keys.yaml", "");
    assert_eq!(soon(&heard, "keys that were taken away"), 2);
    assert_eq!(handle.status().error, None);
}
