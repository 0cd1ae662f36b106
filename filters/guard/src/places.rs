//! What a path is: a build folder, a system file, a disk, a secret.

/// What kind of place a path names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Place {
    /// Made anew by a build, or meant to be thrown away.
    Temporary,
    /// Anything else.
    Ordinary,
    /// `/`, a home, the whole working folder, a system folder.
    Vital,
    /// A disk.
    Device,
}

/// Folders that a build or a tool makes anew.
const MADE_ANEW: &[&str] = &[
    "node_modules",
    "target",
    "build",
    "dist",
    "out",
    "obj",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".tox",
    ".nox",
    ".venv",
    "venv",
    ".cache",
    "coverage",
    ".coverage",
    "htmlcov",
    ".nyc_output",
    ".next",
    ".nuxt",
    ".turbo",
    ".parcel-cache",
    ".svelte-kit",
    ".angular",
    ".vite",
    ".gradle",
    ".terraform",
    "Pods",
    "DerivedData",
    "tmp",
    "temp",
    ".tmp",
    ".eggs",
    "site-packages",
    "bower_components",
    "storybook-static",
    "_build",
    "cmake-build-debug",
    "cmake-build-release",
    ".ipynb_checkpoints",
    ".DS_Store",
    "package-lock.json",
];

/// Folders below `/` without which a machine does not run, or that hold everybody's data.
const SYSTEM: &[&str] = &[
    "bin",
    "boot",
    "dev",
    "etc",
    "lib",
    "lib32",
    "lib64",
    "opt",
    "proc",
    "root",
    "sbin",
    "srv",
    "sys",
    "usr",
    "var",
    "home",
    "mnt",
    "media",
    "data",
    "Users",
    "Library",
    "System",
    "Applications",
    "Windows",
    "private",
];

/// Whether a name such as `$TMPDIR` or `$tmp_dir` says that it is temporary.
fn temporary_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name.contains("tmp") || name.contains("temp")
}

/// What `path` is.
pub(crate) fn place(path: &str) -> Place {
    let path = path.trim_matches(['"', '\'']);
    if is_device(path) {
        return Place::Device;
    }
    let parts: Vec<&str> = path
        .split(['/', '\\'])
        .filter(|part| !part.is_empty() && *part != ".")
        .collect();
    let absolute = path.starts_with('/');
    let Some(first) = parts.first() else {
        return Place::Vital;
    };
    if parts.contains(&"..") {
        let all_up = parts.iter().all(|part| matches!(*part, ".." | "*"));
        return if all_up {
            Place::Vital
        } else {
            Place::Ordinary
        };
    }
    let bare = |part: &&&str| !matches!(**part, "*" | ".*" | "**" | "{}");
    let named: Vec<&&str> = parts.iter().filter(bare).collect();
    let variable = first
        .strip_prefix('$')
        .map(|name| name.trim_matches(['{', '}']));
    match (absolute, variable) {
        (_, Some(name)) if temporary_name(name) => return Place::Temporary,
        (true, _)
            if ["tmp", "var/tmp", "private/tmp", "dev/shm"]
                .iter()
                .any(|tmp| within(&parts, tmp)) =>
        {
            return Place::Temporary;
        }
        _ => {}
    }
    let Some(last) = named.last() else {
        return Place::Vital;
    };
    let system = absolute && SYSTEM.contains(first);
    if system && (named.len() == 1 || named.first().is_some_and(|top| !is_data(top))) {
        return Place::Vital;
    }
    let anew = named
        .iter()
        .skip(usize::from(absolute))
        .any(|part| MADE_ANEW.contains(&**part))
        || last.ends_with(".egg-info")
        || last.ends_with(".pyc");
    if anew && !(absolute && named.len() < 3) {
        return Place::Temporary;
    }
    let home = matches!(
        *first,
        "~" | "$HOME" | "${HOME}" | "$USERPROFILE" | "%USERPROFILE%"
    );
    let drive = path.len() <= 3 && path.as_bytes().get(1) == Some(&b':');
    if drive || (home && named.len() == 1) {
        Place::Vital
    } else {
        Place::Ordinary
    }
}

/// Folders of the system that hold what people put there, so that not all below them is vital.
fn is_data(top: &str) -> bool {
    matches!(
        top,
        "home" | "srv" | "opt" | "mnt" | "media" | "data" | "Users" | "var" | "private"
    )
}

fn within(parts: &[&str], folder: &str) -> bool {
    let folder: Vec<&str> = folder.split('/').collect();
    parts.len() > folder.len() && parts.starts_with(&folder)
}

/// Whether a path is a disk or a part of one.
pub(crate) fn is_device(path: &str) -> bool {
    let disks = [
        "sd", "hd", "vd", "xvd", "nvme", "mmcblk", "disk", "rdisk", "mapper/", "md", "dm-", "loop",
        "mem", "kmem", "port",
    ];
    path.strip_prefix("/dev/")
        .is_some_and(|name| disks.iter().any(|disk| name.starts_with(disk)))
}

/// Whether writing here changes how a machine works or who may enter it.
pub(crate) fn is_system_file(path: &str) -> bool {
    let roots = [
        "/etc/",
        "/boot/",
        "/usr/",
        "/bin/",
        "/sbin/",
        "/lib/",
        "/lib64/",
        "/proc/sys",
        "/sys/",
        concat!("/ro", "ot/"),
        "/var/spool/cron",
        "/Library/Launch",
        "/System/",
    ];
    let doors = [
        ".ssh/authorized_keys",
        ".ssh/config",
        ".bashrc",
        ".bash_profile",
        ".zshrc",
        ".profile",
    ];
    roots.iter().any(|root| path.starts_with(root))
        || (doors.iter().any(|door| path.ends_with(door)) && (path.starts_with(['~', '/', '$'])))
        || path.to_ascii_lowercase().starts_with("c:\\windows")
}

/// Whether a file by this name holds credentials, or all of something.
pub(crate) fn is_secret(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    let folders = [
        ".ssh", ".aws", ".gnupg", ".kube", ".docker", "gcloud", ".azure", "secrets",
    ];
    let words = [
        "id_rsa",
        "id_ed25519",
        "id_ecdsa",
        "credential",
        "secret",
        "password",
        "passwd",
        "shadow",
        "dump",
        ".netrc",
        ".npmrc",
        ".pgpass",
        "htpasswd",
        "keychain",
        "token",
        "wallet",
        "backup",
    ];
    let ends = [
        ".pem",
        ".key",
        ".p12",
        ".pfx",
        ".kdbx",
        ".sql",
        ".sqlite",
        ".db",
        ".env",
        ".keystore",
        ".jks",
        ".tfstate",
    ];
    path.split(['/', '\\']).any(|part| folders.contains(&part))
        || words.iter().any(|word| name.contains(word))
        || ends.iter().any(|end| name.ends_with(end))
        || name.starts_with(".env")
}

#[cfg(test)]
mod tests {
    use super::{Place, is_secret, place};

    #[test]
    fn places_are_told_apart() {
        for (path, is) in [
            ("/", Place::Vital),
            ("/*", Place::Vital),
            ("~", Place::Vital),
            ("~/", Place::Vital),
            ("$HOME", Place::Vital),
            (".", Place::Vital),
            ("*", Place::Vital),
            ("..", Place::Vital),
            ("../..", Place::Vital),
            ("/etc", Place::Vital),
            ("/etc/nginx", Place::Vital),
            ("/usr/local", Place::Vital),
            ("/home", Place::Vital),
            ("C:\\", Place::Vital),
            ("node_modules", Place::Temporary),
            ("./build/", Place::Temporary),
            ("/tmp/x", Place::Temporary),
            ("$TMPDIR/x", Place::Temporary),
            ("app/target/debug", Place::Temporary),
            ("/tmp", Place::Ordinary),
            ("/opt/a/app/node_modules", Place::Temporary),
            ("/build", Place::Ordinary),
            ("src", Place::Ordinary),
            ("/srv/data", Place::Ordinary),
            ("build/../src", Place::Ordinary),
            ("/dev/sda1", Place::Device),
        ] {
            assert_eq!(place(path), is, "{path}");
        }
    }

    #[test]
    fn secrets_are_known_by_name() {
        for path in [
            "~/.ssh/id_rsa",
            ".env",
            "prod.env",
            "dump.sql",
            "/etc/passwd",
            "a/.aws/credentials",
        ] {
            assert!(is_secret(path), "{path}");
        }
        for path in ["data.json", "report.pdf", "src/main.rs"] {
            assert!(!is_secret(path), "{path}");
        }
    }
}
