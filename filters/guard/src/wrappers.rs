//! Commands that run another command: `sudo`, `env`, `ssh`, `docker exec` and their like.

/// Stands for what `xargs` and `find -exec` put in: files that are not known.
pub(crate) const FROM_INPUT: &str = "$(input)";

/// How the inner command is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Inner {
    /// As words: `nice rm a`.
    Words,
    /// As words that a shell reads once more: `ssh host rm a`.
    Script,
}

/// One wrapper.
#[derive(Debug)]
struct Wrapper {
    /// Its name and the subcommands that make it one, separated by blanks; `|` between names.
    name: &'static str,
    /// Options that take a value, separated by blanks.
    values: &'static str,
    /// How many operands stand before the inner command.
    before: usize,
    inner: Inner,
}

const fn words(name: &'static str, values: &'static str, before: usize) -> Wrapper {
    Wrapper {
        name,
        values,
        before,
        inner: Inner::Words,
    }
}

const fn script(name: &'static str, values: &'static str, before: usize) -> Wrapper {
    Wrapper {
        name,
        values,
        before,
        inner: Inner::Script,
    }
}

const CONTAINER: &str = "-e --env -u --user -w --workdir --env-file --detach-keys -n --namespace --container -c --context --index --name -v --volume -p --publish --network --entrypoint --mount --platform -m --memory --cpus -l --label --add-host --hostname -h --kubeconfig --pull --restart --shm-size --ulimit --gpus --cap-add --security-opt -f --file --project-name";

const WRAPPERS: &[Wrapper] = &[
    words(
        "sudo",
        "-u -g -h -p -C -T -r -t -U -D -R --user --group --prompt --chdir --host",
        0,
    ),
    words("doas", "-u -C", 0),
    words("env", "-u -C --unset --chdir", 0),
    words("nice", "-n --adjustment", 0),
    words(
        "nohup|command|builtin|setsid|unbuffer|caffeinate|dumb-init|fakeroot|chronic|eatmydata|noglob|proxychains|proxychains4|torsocks|torify|winpty|busybox|toybox|rtk",
        "",
        0,
    ),
    words("exec", "-a", 0),
    words("timeout|gtimeout", "-s -k --signal --kill-after", 1),
    words("time", "-f -o --format --output", 0),
    words("stdbuf", "-i -o -e --input --output --error", 0),
    words("ionice", "-c -n -p --class --classdata", 0),
    words("chrt|taskset", "", 1),
    words("flock", "-w -E --timeout", 1),
    words("chroot", "", 1),
    words("nsenter", "-t -S -G --target --setuid --setgid", 0),
    words("unshare", "-S -G", 0),
    words("runuser", "-u -g --user", 0),
    words("strace|ltrace", "-e -o -p -s -u", 0),
    words(
        "systemd-run",
        "-p -u --unit --property --uid --gid --slice",
        0,
    ),
    words("tini|bwrap|firejail", "", 0),
    words("npx|pnpx|bunx|uvx", "-p --package -c --call --from", 0),
    words(
        "npm exec|pnpm exec|pnpm dlx|yarn exec|yarn dlx|yarn run|bundle exec|poetry run|pipenv run|uv run|rye run|hatch run|pdm run|mise exec|conda run|bun x",
        "-n --name -p --package",
        0,
    ),
    words(
        "doppler run|op run|dotenv run|infisical run|chamber exec|aws-vault exec|envchain|direnv exec|with-contenv|teller run",
        "--env-file --project --config -p -c",
        0,
    ),
    words(
        "docker exec|podman exec|nerdctl exec|docker container exec|crictl exec|lxc exec|incus exec",
        CONTAINER,
        1,
    ),
    words(
        "docker compose exec|docker-compose exec|podman-compose exec|docker compose run|docker-compose run",
        CONTAINER,
        1,
    ),
    words(
        "docker run|podman run|nerdctl run|docker container run",
        CONTAINER,
        1,
    ),
    words(
        "kubectl exec|oc exec|oc rsh|k exec|kubectl debug",
        "-n --namespace -c --container --context --kubeconfig --image",
        1,
    ),
    words(
        "kubectl run",
        "-n --namespace --image --context --restart",
        1,
    ),
    words("wsl", "-d -u --distribution --user", 0),
    script(
        "ssh|mosh|autossh|dbclient",
        "-i -p -l -o -F -J -L -R -D -E -b -c -e -I -m -O -Q -S -W -w",
        1,
    ),
    script("sshpass", "-p -f -e", 0),
    script("watch", "-n --interval -q", 0),
    script(
        "parallel",
        "-j --jobs --colsep -a --arg-file --delay --timeout --results",
        0,
    ),
    script(
        "heroku run|fly ssh console|flyctl ssh console|railway run|vagrant ssh|fly console",
        "-a --app -C --command -c -s",
        0,
    ),
    script("entr|nodemon --exec|watchexec", "-e -w -n", 0),
];

/// What a wrapper runs: the words, and how they are written.
pub(crate) fn inner(argv: &[String]) -> Option<(Inner, Vec<String>)> {
    let name = argv.first()?;
    let (wrapper, used) = WRAPPERS.iter().find_map(|wrapper| {
        let used = wrapper
            .name
            .split('|')
            .find_map(|names| called(names, argv))?;
        Some((wrapper, used))
    })?;
    let takes = |arg: &str| wrapper.values.split(' ').any(|option| option == arg);
    let assigns = name == "env" || name == "sudo" || name == "doas";
    let mut before = wrapper.before;
    let mut at = used;
    while let Some(arg) = argv.get(at) {
        match arg.as_str() {
            "--" => {
                let skip = if matches!(wrapper.before, 1) && before == 1 && !name.starts_with("ssh")
                {
                    0
                } else {
                    before
                };
                at += 1 + skip;
                break;
            }
            "-S" | "--split-string" if name == "env" => {
                return Some((Inner::Script, argv[at + 1..].to_vec()));
            }
            arg if takes(arg) => at += 2,
            arg if arg.starts_with('-') && arg.len() > 1 => at += 1,
            arg if assigns
                && arg
                    .split_once('=')
                    .is_some_and(|(name, _)| crate::shell::is_name(name)) =>
            {
                at += 1
            }
            _ if before > 0 => {
                before -= 1;
                at += 1;
            }
            _ => break,
        }
    }
    let rest = argv.get(at..).unwrap_or_default().to_vec();
    Some((wrapper.inner, rest))
}

/// How many words of `argv` the names take, if it begins with them (options between may stand).
fn called(names: &str, argv: &[String]) -> Option<usize> {
    let mut names = names.split(' ');
    if names.next()? != argv.first()? {
        return None;
    }
    let mut at = 1;
    for name in names {
        while argv
            .get(at)
            .is_some_and(|arg| arg.starts_with('-') && arg != name)
        {
            let takes = CONTAINER
                .split(' ')
                .any(|option| Some(option) == argv.get(at).map(String::as_str));
            at += if takes { 2 } else { 1 };
        }
        if argv.get(at)? != name {
            return None;
        }
        at += 1;
    }
    Some(at)
}

/// Options of these commands hold a script: `su -c`, `tmux … "…"`.
pub(crate) fn script_option(argv: &[String]) -> Option<String> {
    let name = argv.first()?.as_str();
    let flags: &[&str] = match name {
        "su" | "runuser" | "script" | "flock" | "vagrant" | "sg" | "newgrp" | "npx" | "npm"
        | "fly" | "flyctl" | "gcloud" => &["-c", "--command", "--call", "-C"],
        "ansible" | "ansible-console" => &["-a", "--args"],
        "salt" | "salt-ssh" => {
            return argv
                .iter()
                .position(|arg| arg.starts_with("cmd."))
                .and_then(|at| argv.get(at + 1))
                .cloned();
        }
        "osascript" => {
            let code = argv.iter().find(|arg| arg.contains("do shell script"))?;
            return code.split('"').nth(1).map(str::to_owned);
        }
        "tmux" | "screen" | "zellij" | "kitty" => {
            let from = argv.iter().position(|arg| {
                matches!(
                    arg.as_str(),
                    "send-keys"
                        | "send"
                        | "new"
                        | "new-session"
                        | "new-window"
                        | "split-window"
                        | "neww"
                        | "splitw"
                        | "stuff"
                        | "run"
                        | "run-shell"
                        | "-X"
                        | "-dm"
                        | "-dmS"
                )
            })?;
            let keys = argv[from + 1..]
                .iter()
                .filter(|arg| !arg.starts_with('-') && !matches!(arg.as_str(), "Enter" | "C-m"));
            let mut longest: Vec<&String> = keys.collect();
            longest.retain(|key| key.contains(' '));
            return longest.first().map(|key| (*key).clone());
        }
        _ => return None,
    };
    let mut args = argv[1..].iter();
    while let Some(arg) = args.next() {
        if flags.contains(&arg.as_str()) {
            return args.next().cloned();
        }
        if let Some((flag, value)) = arg.split_once('=')
            && flags.contains(&flag)
        {
            return Some(value.into());
        }
    }
    None
}
