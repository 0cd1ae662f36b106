//! One command, expanded: which of the many ways to look at it fits.

use super::{Shell, Stream, data, is_name};
use crate::action::Action;
use crate::code::{self, Language};
use crate::wrappers::{self, FROM_INPUT, Inner};
use crate::{clients, files, http, places, programs};

/// Shells that read the scripts of this module.
const SHELLS: &[&str] = &[
    "sh", "bash", "dash", "zsh", "ksh", "mksh", "ash", "rbash", "fish", "hush",
];

impl Shell<'_> {
    /// Looks at one command and says what it writes.
    pub(crate) fn command(&mut self, mut argv: Vec<String>, stdin: Stream) -> Stream {
        let Some(first) = argv.first_mut() else {
            return stdin;
        };
        if let Some(alias) = self.aliases.get(first.as_str()).cloned() {
            let mut words: Vec<String> = alias.split_whitespace().map(str::to_owned).collect();
            words.extend(argv.drain(1..));
            argv = words;
            if argv.is_empty() {
                return Stream::default();
            }
        }
        let bytes: usize = argv.iter().map(String::len).sum();
        if !self.look.spend(bytes) {
            return Stream::default();
        }
        let path = argv[0].clone();
        let name = program_name(&path);
        argv[0] = name.clone();
        let before = stdin.piped;
        if let Some(written) = self.built_in(&argv, &stdin) {
            return written;
        }
        if self.wrote(&path) {
            let file = self.file(&path);
            self.run(file, Language::Shell);
            return Stream::default();
        }
        if SHELLS.contains(&name.as_str()) {
            return self.shell(&argv[1..], stdin);
        }
        if let Some(language) = Language::of_interpreter(&name) {
            return self.interpreter(language, &argv[1..], stdin);
        }
        if let Some(written) = self.wrapped(&argv, &stdin) {
            return written;
        }
        if path.starts_with('$') {
            self.look.found(Action::ExecuteHidden, 0.5);
        }
        self.plain(&name, &argv, stdin, before)
    }

    /// A command that is no part of the shell and runs no other.
    fn plain(&mut self, name: &str, argv: &[String], stdin: Stream, piped: bool) -> Stream {
        let args = &argv[1..];
        if matches!(name, "find" | "gfind") {
            return self.find(args);
        }
        if http::is_client(name) {
            let fetched = http::look_at(name, args, &stdin, self.look);
            return self.fetched(fetched);
        }
        if clients::look_at(name, args, &stdin, self.look) {
            return Stream::default();
        }
        if piped && matches!(name, "nc" | "ncat" | "netcat" | "socat") {
            self.look.found(Action::Egress, 0.9);
        }
        let known = files::look_at(name, args, &stdin, self.look);
        if !known || name == "rmdir" {
            programs::look_at(argv, self.look);
        }
        self.passed_on(name, args, stdin)
    }

    /// What a command that only passes data on writes.
    fn passed_on(&mut self, name: &str, args: &[String], stdin: Stream) -> Stream {
        let inputs = files::operands(args);
        match (name, inputs.first()) {
            ("cat", Some(_)) => {
                let mut all = Stream::of("");
                for input in inputs.into_iter().filter(|input| *input != "-") {
                    let file = self.file(input);
                    super::add(&mut all, file);
                }
                all
            }
            ("tee", Some(_)) => {
                for output in inputs {
                    self.keep(output, stdin.clone());
                }
                stdin
            }
            ("base64" | "gbase64", Some(input)) => {
                let file = self.file(input);
                data::filter(name, args, file).unwrap_or_default()
            }
            (
                "ls" | "git" | "fd" | "rg" | "grep" | "tar" | "pg_dump" | "mysqldump" | "mongodump"
                | "env" | "printenv",
                _,
            ) => Stream {
                secret: matches!(
                    name,
                    "pg_dump" | "mysqldump" | "mongodump" | "env" | "printenv"
                ) || args.iter().any(|arg| places::is_secret(arg)),
                ..Stream::default()
            },
            ("mktemp", _) => Stream::of("/tmp/mktemp"),
            _ => data::filter(name, args, stdin).unwrap_or_default(),
        }
    }

    /// `find`: it passes names on, deletes, and runs commands.
    fn find(&mut self, args: &[String]) -> Stream {
        let (runs, names) = files::find(args, self.look);
        for mut run in runs {
            for word in &mut run {
                if word.contains("{}") {
                    *word = FROM_INPUT.into();
                }
            }
            self.deeper_command(run, names.clone());
        }
        names
    }

    /// What a fetch wrote, and into which file.
    fn fetched(&mut self, fetched: http::Fetched) -> Stream {
        let stream = Stream {
            remote: fetched.remote,
            ..Stream::default()
        };
        match fetched.into {
            Some(file) => {
                self.keep(&file, stream);
                Stream::default()
            }
            None => stream,
        }
    }

    /// Commands of the shell itself.
    fn built_in(&mut self, argv: &[String], stdin: &Stream) -> Option<Stream> {
        let (name, args) = argv.split_first()?;
        match name.as_str() {
            "echo" => return Some(data::echo(args)),
            "printf" => return Some(data::printf(args)),
            "eval" => self.run_text(&args.join(" ")),
            "trap" => {
                let script = args.iter().find(|arg| *arg != "--" && *arg != "-")?.clone();
                self.inner(&script, Stream::default());
            }
            "source" | "." => {
                let file = args.first().map(|name| self.file(name))?;
                self.run(file, Language::Shell);
            }
            "alias" => {
                for (alias, value) in args.iter().filter_map(|arg| arg.split_once('=')) {
                    self.aliases.insert(alias.into(), value.into());
                }
            }
            "export" | "declare" | "local" | "readonly" | "typeset" => {
                for (variable, value) in args.iter().filter_map(|arg| arg.split_once('=')) {
                    if is_name(variable) {
                        self.set(variable, value.into());
                    }
                }
            }
            "read" => {
                if let (Some(variable), Some(text)) = (args.last(), &stdin.text) {
                    self.set(variable, text.lines().next().unwrap_or_default().into());
                }
            }
            ":" | "true" | "false" | "test" | "[" | "man" | "help" | "info" | "tldr" | "type"
            | "which" | "whereis" | "[[" | "alert" | "grep" | "egrep" | "fgrep" | "rg" | "ag"
            | "ack" | "cd" | "pushd" | "set" | "unset" | "shift" | "return" | "exit" => {}
            _ => return None,
        }
        Some(Stream::default())
    }

    /// Text that is run as a script. Parts that are not known make it hidden.
    fn run_text(&mut self, text: &str) {
        if text.trim_start().starts_with("$(remote)") {
            self.look.found(Action::ExecuteRemote, 0.95);
        } else if text.contains("$(hidden)") {
            self.look.found(Action::ExecuteHidden, 0.9);
        } else if text.contains(super::expand::UNKNOWN) {
            self.look.found(Action::ExecuteHidden, 0.5);
        }
        self.inner(text, Stream::default());
    }

    /// Code from a file or a pipe is run.
    fn run(&mut self, stream: Stream, language: Language) {
        if stream.remote {
            self.look.found(Action::ExecuteRemote, 0.95);
        } else if stream.hidden {
            self.look.found(Action::ExecuteHidden, 0.9);
        } else if stream.text.is_none() && stream.piped {
            self.look.found(Action::ExecuteHidden, 0.4);
        }
        match (stream.text, language) {
            (Some(text), Language::Shell) => self.run_text(&text),
            (Some(text), language) => self
                .look
                .deeper(|look| code::look_at(&text, language, look)),
            _ => {}
        }
    }

    /// `bash`, with what it is to run: `-c script`, a file, or what flows in.
    fn shell(&mut self, args: &[String], stdin: Stream) -> Stream {
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--version" | "--help" => return Stream::default(),
                "-n" => return Stream::default(),
                "-s" | "-" | "--" | "/dev/stdin" => continue,
                "-o" | "-O" | "+o" | "--rcfile" | "--init-file" => drop(args.next()),
                arg if arg.starts_with("--") => {}
                arg if arg.starts_with(['-', '+']) => {
                    if arg.contains('c') {
                        if let Some(script) = args.find(|arg| !arg.starts_with('-')) {
                            self.run_remote_word(script);
                            return self.inner(&script.clone(), stdin);
                        }
                        return Stream::default();
                    }
                }
                file => {
                    if self.wrote(file) {
                        let file = self.file(file);
                        self.run(file, Language::Shell);
                    }
                    return Stream::default();
                }
            }
        }
        self.run(stdin, Language::Shell);
        Stream::default()
    }

    fn run_remote_word(&mut self, script: &str) {
        if script.trim_start().starts_with("$(remote)") {
            self.look.found(Action::ExecuteRemote, 0.95);
        } else if script.trim_start().starts_with("$(hidden)") {
            self.look.found(Action::ExecuteHidden, 0.9);
        }
    }

    /// `python`, `node`, …: `-c code`, a file, or what flows in.
    fn interpreter(&mut self, language: Language, args: &[String], stdin: Stream) -> Stream {
        let flags = language.code_flags();
        let mut rest = args.iter().enumerate();
        while let Some((at, arg)) = rest.next() {
            let flag = arg.to_ascii_lowercase();
            if language.is_windows() {
                if let Some(found) = flags.iter().find(|known| {
                    flag == **known
                        || (known.len() > 3 && flag.len() > 1 && known.starts_with(flag.as_str()))
                }) {
                    let text = args[at + 1..].join(" ");
                    let language = if found.starts_with("-e") {
                        Language::Encoded
                    } else {
                        language
                    };
                    self.look
                        .deeper(|look| code::look_at(&text, language, look));
                    return Stream::default();
                }
                continue;
            }
            if flags.contains(&arg.as_str())
                || (arg.starts_with('-')
                    && !arg.starts_with("--")
                    && arg.len() < 6
                    && flags
                        .iter()
                        .any(|known| known.len() == 2 && arg.ends_with(&known[1..])))
            {
                if let Some((_, text)) = rest.next() {
                    self.run_remote_word(text);
                    self.look.deeper(|look| code::look_at(text, language, look));
                }
                return Stream::default();
            }
            let attached = flags
                .iter()
                .filter(|flag| flag.len() == 2)
                .find_map(|flag| arg.strip_prefix(flag));
            if let Some(text) = attached {
                self.look.deeper(|look| code::look_at(text, language, look));
                return Stream::default();
            }
            match arg.as_str() {
                "-m" => {
                    programs::look_at(&args[at + 1..], self.look);
                    return Stream::default();
                }
                "-" | "/dev/stdin" => {}
                arg if arg.starts_with('-') => {}
                file => {
                    if self.wrote(file) {
                        let file = self.file(file);
                        self.run(file, language);
                    } else if matches!(language, Language::Awk) {
                        self.look.deeper(|look| code::look_at(file, language, look));
                    } else {
                        programs::look_at(&args[at..], self.look);
                    }
                    return Stream::default();
                }
            }
        }
        self.run(stdin, language);
        Stream::default()
    }

    /// A command that runs another one.
    fn wrapped(&mut self, argv: &[String], stdin: &Stream) -> Option<Stream> {
        let name = argv[0].as_str();
        if matches!(name, "sudo" | "doas" | "su" | "runuser" | "pkexec" | "gosu") {
            self.look.found(Action::ExecutePrivileged, 0.5);
        }
        if let Some(script) = wrappers::script_option(argv) {
            return Some(self.inner(&script, stdin.clone()));
        }
        if matches!(name, "at" | "batch") && stdin.piped {
            self.run(stdin.clone(), Language::Shell);
            return Some(Stream::default());
        }
        if name == "xargs" || name == "gxargs" {
            return Some(self.xargs(&argv[1..], stdin.clone()));
        }
        let (inner, words) = wrappers::inner(argv)?;
        if words.is_empty() {
            if matches!(name, "ssh" | "sudo" | "su") && stdin.piped {
                self.run(stdin.clone(), Language::Shell);
            }
            return (name != "npx").then(Stream::default);
        }
        Some(match inner {
            Inner::Words => self.deeper_command(words, stdin.clone()),
            Inner::Script => {
                let options = words.iter().take_while(|word| word.starts_with('-'));
                let script = words[options.count()..].join(" ");
                self.inner(&script, stdin.clone())
            }
        })
    }

    /// A command within a command.
    fn deeper_command(&mut self, words: Vec<String>, stdin: Stream) -> Stream {
        let mut files = Some(std::mem::take(&mut self.files));
        let written = self.look.deeper(|look| {
            let mut shell = Shell::new(look);
            shell.files = files.take().unwrap_or_default();
            let written = shell.command(words, stdin);
            files = Some(shell.files);
            written
        });
        self.files = files.unwrap_or_default();
        written
    }

    /// `xargs`: its command, with names that are not known.
    fn xargs(&mut self, args: &[String], stdin: Stream) -> Stream {
        let values = [
            "-I",
            "-n",
            "-P",
            "-L",
            "-d",
            "-a",
            "-s",
            "-E",
            "--max-args",
            "--max-procs",
            "--arg-file",
            "--delimiter",
        ];
        let mut at = 0;
        let mut mark = None;
        while let Some(arg) = args.get(at).filter(|arg| arg.starts_with('-')) {
            if let Some(inside) = arg.strip_prefix("-I") {
                mark = Some(if inside.is_empty() {
                    args.get(at + 1).cloned().unwrap_or_default()
                } else {
                    inside.into()
                });
            }
            at += if values.contains(&arg.as_str()) { 2 } else { 1 };
        }
        let mut words = args.get(at..).unwrap_or_default().to_vec();
        match mark.filter(|mark| !mark.is_empty()) {
            Some(mark) => {
                for word in words.iter_mut().filter(|word| word.contains(&mark)) {
                    *word = FROM_INPUT.into();
                }
            }
            None => words.push(FROM_INPUT.into()),
        }
        if words
            .first()
            .is_some_and(|name| SHELLS.contains(&name.as_str()))
        {
            self.look.found(Action::ExecuteHidden, 0.4);
        }
        self.deeper_command(words, stdin)
    }

    /// What a redirection into a file does. `empty`: there was no command, so the file is emptied.
    pub(crate) fn write(&mut self, target: &str, written: &Stream, empty: bool) {
        files::write(target, self.look);
        if empty && (places::is_system_file(target) || places::is_device(target)) {
            self.look.found(Action::DeleteFiles, 0.9);
        }
        if target != "/dev/null" {
            self.keep(target, written.clone());
        }
    }
}

/// A program's own name: without its folder, its case and `.exe`.
fn program_name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    let name = if name.is_empty() { path } else { name };
    let lower = name.to_ascii_lowercase();
    for end in [".exe", ".cmd", ".bat", ".com"] {
        if let Some(stem) = lower.strip_suffix(end) {
            return stem.into();
        }
    }
    match lower.as_str() {
        "gnu-rm" | "grm" => "rm".into(),
        _ => lower,
    }
}
