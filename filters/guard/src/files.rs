//! Commands on files and disks.

use crate::action::Action;
use crate::look::Look;
use crate::places::{Place, is_device, is_secret, is_system_file, place};
use crate::shell::Stream;

/// How sure it is that deleting in this place loses something.
fn loss(place: Place, whole_trees: bool) -> f32 {
    match (place, whole_trees) {
        (Place::Temporary, _) => 0.4,
        (Place::Ordinary, false) => 0.5,
        (Place::Ordinary, true) => 0.9,
        (Place::Vital | Place::Device, false) => 0.85,
        (Place::Vital | Place::Device, true) => 0.98,
    }
}

/// Whether an argument is a bundle of short options with this letter in it, or this long option.
pub(crate) fn option(arg: &str, letters: &[char], long: &str) -> bool {
    match arg.strip_prefix("--") {
        Some(name) => {
            let name = name.split('=').next().unwrap_or_default();
            !name.is_empty() && name.len() > 2 && long.starts_with(name)
        }
        None => arg.strip_prefix('-').is_some_and(|bundle| {
            bundle.len() < 9
                && bundle.chars().all(|c| c.is_ascii_alphabetic())
                && bundle.contains(letters)
        }),
    }
}

/// The arguments that are no options; after `--` all.
pub(crate) fn operands(args: &[String]) -> Vec<&str> {
    let mut only = false;
    let mut operands = Vec::new();
    for arg in args {
        match arg.as_str() {
            "--" if !only => only = true,
            arg if !only && arg.len() > 1 && arg.starts_with('-') => {}
            arg => operands.push(arg),
        }
    }
    operands
}

/// Looks at a command on files; `false` if `name` is none that is known here.
pub(crate) fn look_at(name: &str, args: &[String], stdin: &Stream, look: &mut Look) -> bool {
    let tells = args
        .iter()
        .any(|arg| matches!(arg.as_str(), "--help" | "--version"));
    match name {
        "rm" | "unlink" | "rmdir" | "shred" | "truncate" | "dd" | "mv" | "cp" | "chmod"
        | "chown" | "mkfs"
            if tells => {}
        _ if tells && name.starts_with("mkfs.") => {}
        "rm" | "unlink" | "rmdir" | "srm" | "trash" => remove(name, args, stdin, look),
        "find" | "gfind" | "fd" | "fdfind" => {}
        "shred" | "truncate" => overwrite(name, args, look),
        "dd" => {
            for arg in args {
                if let Some(path) = arg.strip_prefix("of=") {
                    write(path, look);
                }
            }
        }
        "mv" | "cp" | "install" | "ln" => transfer(name, args, look),
        "tee" | "sponge" => operands(args)
            .into_iter()
            .for_each(|path| write(path, look)),
        "sed" | "perl" | "ed"
            if args.iter().any(|arg| {
                arg.starts_with("-i") || arg.starts_with("--in-place") || arg.starts_with("-pi")
            }) =>
        {
            operands(args)
                .into_iter()
                .for_each(|path| write(path, look));
        }
        "chmod" | "chown" | "chgrp" | "chattr" | "setfacl" => rights(name, args, stdin, look),
        "mkswap" | "wipefs" | "blkdiscard" | "badblocks" | "sgdisk" | "gdisk" | "parted"
        | "sfdisk" | "hdparm" => disk(name, args, look),
        _ if name == "mkfs" || name.starts_with("mkfs.") || name.starts_with("newfs") => {
            let real = args
                .iter()
                .any(|arg| is_device(arg) || arg.starts_with('$'));
            look.found(Action::DeleteFiles, if real { 0.97 } else { 0.4 });
        }
        _ => return false,
    }
    true
}

/// `rm` and its like.
fn remove(name: &str, args: &[String], stdin: &Stream, look: &mut Look) {
    let trees = args.iter().any(|arg| option(arg, &['r', 'R'], "recursive"));
    let from_list = args.iter().any(|arg| arg == crate::wrappers::FROM_INPUT);
    let paths = operands(args);
    let windows = paths.iter().any(|path| path.eq_ignore_ascii_case("/s"));
    if name == "rmdir" && !windows {
        let worst = paths.iter().map(|path| place(path)).max();
        if let Some(worst) = worst {
            look.found(
                Action::DeleteFiles,
                if worst == Place::Ordinary && paths.iter().any(|p| p.starts_with('/')) {
                    0.8
                } else {
                    loss(worst, false)
                },
            );
        }
        return;
    }
    if from_list {
        look.found(Action::DeleteFiles, if stdin.narrow { 0.5 } else { 0.9 });
    }
    let paths = paths
        .into_iter()
        .filter(|path| *path != crate::wrappers::FROM_INPUT);
    let worst = paths.map(place).max();
    if let Some(worst) = worst {
        look.found(Action::DeleteFiles, loss(worst, trees || windows));
    }
}

/// `find`: what it deletes. Gives what it runs on each, and what is known of the names it gives.
pub(crate) fn find(args: &[String], look: &mut Look) -> (Vec<Vec<String>>, Stream) {
    let roots: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .take_while(|arg| !arg.starts_with(['-', '(', '!']))
        .collect();
    let worst = roots
        .iter()
        .map(|root| place(root))
        .max()
        .unwrap_or(Place::Vital);
    let relative = roots.iter().all(|root| !root.starts_with(['/', '~', '$']));
    let value = |flag: &str| {
        args.iter()
            .position(|arg| arg == flag)
            .and_then(|at| args.get(at + 1))
    };
    let patterns = ["-name", "-iname", "-path", "-wholename", "-regex"]
        .iter()
        .filter_map(|flag| value(flag));
    let named = patterns
        .clone()
        .any(|pattern| pattern.chars().filter(|c| !"*?.".contains(*c)).count() >= 2);
    let anew = patterns
        .clone()
        .any(|pattern| place(pattern) == Place::Temporary);
    let empty = args.iter().any(|arg| arg == "-empty");
    let narrow = empty || anew || worst == Place::Temporary || (relative && named);
    if args.iter().any(|arg| arg == "-delete") {
        let score = match (narrow, worst) {
            (true, _) => 0.4,
            (false, Place::Vital) => 0.95,
            (false, _) => 0.9,
        };
        look.found(Action::DeleteFiles, score);
    }
    let mut runs = Vec::new();
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        at += 1;
        if matches!(arg.as_str(), "-exec" | "-execdir" | "-ok" | "-okdir") {
            let end = args[at..].iter().position(|arg| arg == ";" || arg == "+");
            let end = end.map_or(args.len(), |len| at + len);
            runs.push(args[at..end].to_vec());
            at = end;
        }
    }
    let vital = worst == Place::Vital && !relative;
    let names = Stream {
        narrow,
        vital,
        ..Stream::default()
    };
    (runs, names)
}

fn overwrite(name: &str, args: &[String], look: &mut Look) {
    let grows = name == "truncate"
        && !args
            .iter()
            .any(|arg| matches!(arg.as_str(), "0" | "-s0" | "--size=0"));
    if grows {
        return;
    }
    let worst = operands(args)
        .into_iter()
        .filter(|path| *path != "0")
        .map(place)
        .max();
    if let Some(worst) = worst {
        look.found(Action::DeleteFiles, loss(worst, true));
    }
}

/// Something is written to `path`.
pub(crate) fn write(path: &str, look: &mut Look) {
    if path.starts_with("/dev/tcp/") || path.starts_with("/dev/udp/") {
        look.found(Action::Egress, 0.95);
    } else if is_device(path) {
        look.found(Action::DeleteFiles, 0.97);
        look.found(Action::WriteSystem, 0.97);
    } else if is_system_file(path) {
        look.found(Action::WriteSystem, 0.9);
    }
}

/// `mv`, `cp`, `ln`, `install`: what the last argument loses.
fn transfer(name: &str, args: &[String], look: &mut Look) {
    let paths = operands(args);
    let Some((to, from)) = paths.split_last() else {
        return;
    };
    let forced = args.iter().any(|arg| option(arg, &['f', 'n'], "force"));
    if name == "mv" && *to == "/dev/null" {
        look.found(Action::DeleteFiles, 0.95);
    }
    if name == "mv" && from.iter().any(|path| place(path) == Place::Vital) {
        look.found(Action::WriteSystem, 0.85);
    }
    if name != "ln" || forced {
        write(to, look);
    }
    if name == "cp" && from.iter().any(|path| is_secret(path)) && to.contains(":/") {
        look.found(Action::Egress, 0.9);
    }
}

/// `chmod` and its like: whole trees that matter, and doors opened.
fn rights(name: &str, args: &[String], stdin: &Stream, look: &mut Look) {
    let trees = args.iter().any(|arg| option(arg, &['R'], "recursive"));
    let first = usize::from(name != "chattr");
    let worst = operands(args).into_iter().skip(first).map(place).max();
    let each = args
        .iter()
        .any(|arg| matches!(arg.as_str(), "{}" | crate::wrappers::FROM_INPUT));
    match (name, worst) {
        ("chattr", Some(_))
            if args
                .iter()
                .any(|arg| arg.starts_with("-i") || arg.starts_with("+i")) =>
        {
            look.found(Action::WriteSystem, 0.85);
        }
        (_, Some(_)) if each && stdin.vital => look.found(Action::WriteSystem, 0.9),
        (_, Some(Place::Vital | Place::Device)) => {
            look.found(Action::WriteSystem, if trees || each { 0.95 } else { 0.8 })
        }
        (_, Some(_)) if trees || args.iter().any(|arg| arg == "777") => {
            look.found(Action::Permission, 0.4)
        }
        _ => {}
    }
}

/// Tools on disks: all but those that only print.
fn disk(name: &str, args: &[String], look: &mut Look) {
    let prints = [
        "print", "-p", "-l", "--list", "-I", "-i", "-t", "-T", "--print", "unit",
    ];
    let harmless = match name {
        "wipefs" => !args.iter().any(|arg| option(arg, &['a', 'o'], "all")),
        "badblocks" => !args.iter().any(|arg| option(arg, &['w'], "write")),
        "hdparm" => !args
            .iter()
            .any(|arg| arg.starts_with("--security-erase") || arg.starts_with("--trim")),
        _ => args.is_empty() || args.iter().any(|arg| prints.contains(&arg.as_str())),
    };
    if !harmless {
        look.found(Action::DeleteFiles, 0.97);
        look.found(Action::WriteSystem, 0.97);
    }
}
