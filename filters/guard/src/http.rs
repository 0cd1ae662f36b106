//! HTTP by hand: `curl`, `wget` and their like, and what goes out with them.

use crate::action::Action;
use crate::look::Look;
use crate::places::is_secret;
use crate::shell::Stream;

/// What a client brought.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// The file it was written into.
    pub(crate) into: Option<String>,
    /// Whether it came from another machine.
    pub(crate) remote: bool,
}

const CLIENTS: &[&str] = &[
    "curl",
    "wget",
    "wget2",
    "http",
    "https",
    "xh",
    "xhs",
    "aria2c",
    "lwp-download",
    "fetch",
    "iwr",
    "irm",
    "invoke-webrequest",
    "invoke-restmethod",
    "curlie",
];

pub(crate) fn is_client(name: &str) -> bool {
    CLIENTS.contains(&name)
}

/// Words of a request.
#[derive(Default)]
struct Request {
    method: String,
    body: Option<String>,
    urls: Vec<String>,
    into: Option<String>,
    /// Files that are sent.
    sends: Vec<String>,
    stdout: bool,
    remote_name: bool,
}

/// Options whose value is a method, a body, a file that is sent, a file that is written.
const METHOD: &[&str] = &["-X", "--request", "--method", "-method"];
const BODY: &[&str] = &[
    "-d",
    "--data",
    "--data-raw",
    "--data-binary",
    "--data-ascii",
    "--data-urlencode",
    "--json",
    "--body-data",
    "--post-data",
    "-body",
    "--raw",
];
const FORM: &[&str] = &["-F", "--form"];
const UPLOAD: &[&str] = &[
    "-T",
    "--upload-file",
    "--post-file",
    "--body-file",
    "-infile",
];
const OUTPUT: &[&str] = &["-o", "--output", "-O", "--output-document", "-outfile"];
const OTHER: &[&str] = &[
    "-H",
    "--header",
    "-u",
    "--user",
    "-A",
    "--user-agent",
    "-b",
    "--cookie",
    "-c",
    "--cookie-jar",
    "-e",
    "--referer",
    "-m",
    "--max-time",
    "--connect-timeout",
    "--retry",
    "-x",
    "--proxy",
    "-w",
    "--write-out",
    "--cacert",
    "--cert",
    "--key",
    "-P",
    "--directory-prefix",
    "-U",
    "-headers",
    "-uri",
    "--url",
];

fn read(name: &str, args: &[String]) -> Request {
    let mut request = Request::default();
    let mut at = 0;
    while let Some(arg) = args.get(at) {
        at += 1;
        let (flag, attached) = split(name, arg);
        if name == "curl" && flag == "-O" {
            request.remote_name = true;
            continue;
        }
        let known = [METHOD, BODY, FORM, UPLOAD, OUTPUT, OTHER]
            .iter()
            .any(|set| set.contains(&flag.as_str()));
        if !known {
            if arg.starts_with('-') && arg.len() > 1 {
                request.stdout |= arg.starts_with("-q") && arg.ends_with("O-");
            } else if matches!(
                arg.as_str(),
                "DELETE" | "delete" | "POST" | "PUT" | "PATCH" | "GET" | "HEAD"
            ) && request.urls.is_empty()
            {
                request.method = arg.to_ascii_uppercase();
            } else {
                request.urls.push(arg.clone());
            }
            continue;
        }
        let value = attached.unwrap_or_else(|| {
            at += 1;
            args.get(at - 1).cloned().unwrap_or_default()
        });
        match flag.as_str() {
            flag if METHOD.contains(&flag) => request.method = value.to_ascii_uppercase(),
            flag if BODY.contains(&flag) => match value.strip_prefix('@') {
                Some(file) => request.sends.push(file.into()),
                None => request.body = Some(request.body.unwrap_or_default() + &value),
            },
            flag if FORM.contains(&flag) => {
                if let Some((_, file)) = value.split_once("=@").or(value.split_once("=<")) {
                    request.sends.push(file.into());
                }
            }
            flag if UPLOAD.contains(&flag) => request.sends.push(value),
            flag if OUTPUT.contains(&flag) => match value.as_str() {
                "-" | "/dev/stdout" => request.stdout = true,
                _ => request.into = Some(value),
            },
            "-uri" | "--url" => request.urls.push(value),
            _ => {}
        }
    }
    request
}

/// A flag and the value that is written onto it: `-XDELETE`, `--request=DELETE`, `-sd@file`.
fn split(name: &str, arg: &str) -> (String, Option<String>) {
    if let Some((flag, value)) = arg.split_once('=').filter(|_| arg.starts_with("--")) {
        return (flag.into(), Some(value.into()));
    }
    if name.starts_with("i") {
        return (arg.to_ascii_lowercase(), None);
    }
    let bundle = arg
        .strip_prefix('-')
        .filter(|rest| !rest.starts_with('-') && rest.len() > 1);
    if let Some(bundle) = bundle {
        let takes = |c: char| match name {
            "curl" => "XdFToHuAbcemxw".contains(c),
            _ => "OPU".contains(c),
        };
        if let Some(at) = bundle.find(takes) {
            let value = &bundle[at + 1..];
            let flag = format!("-{}", &bundle[at..at + 1]);
            return (flag, (!value.is_empty()).then(|| value.into()));
        }
    }
    (arg.into(), None)
}

/// Looks at a client's words, and says what it brings.
pub(crate) fn look_at(name: &str, args: &[String], stdin: &Stream, look: &mut Look) -> Fetched {
    let request = read(name, args);
    if request.method == "DELETE" {
        look.found(Action::DeleteResource, 0.9);
    }
    let local = request.urls.iter().any(|url| is_local(url));
    if request
        .body
        .as_ref()
        .is_some_and(|body| mutation_deletes(body))
    {
        look.found(Action::DeleteResource, 0.95);
    }
    for file in &request.sends {
        let secret = match file.as_str() {
            "-" => stdin.secret,
            file => is_secret(file.split(';').next().unwrap_or(file)),
        };
        look.found(
            Action::Egress,
            match (local, secret) {
                (true, _) => 0.3,
                (false, true) => 0.9,
                (false, false) => 0.6,
            },
        );
    }
    if request
        .body
        .as_ref()
        .is_some_and(|body| body.contains("$("))
        && !local
    {
        look.found(Action::Egress, 0.6);
    }
    let url_name = || {
        request
            .urls
            .last()
            .and_then(|url| url.split(['?', '#']).next()?.rsplit('/').next())
            .map(str::to_owned)
    };
    let saves = name == "wget" && !request.stdout || request.remote_name;
    Fetched {
        into: request
            .into
            .clone()
            .or_else(|| url_name().filter(|_| saves)),
        remote: !local,
    }
}

fn is_local(url: &str) -> bool {
    let host = url.split("://").last().unwrap_or(url);
    ["localhost", "127.", "[::1]", "0.0.0.0", ":"]
        .iter()
        .any(|local| host.starts_with(local))
}

/// Whether a GraphQL document, alone or in JSON, is a mutation with a field that deletes.
pub(crate) fn mutation_deletes(body: &str) -> bool {
    let Some(at) = body.find("mutation") else {
        return false;
    };
    let lower = body[at..].to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.skip(1).any(|word| {
        [
            "delete",
            "destroy",
            "remove",
            "drop",
            "wipe",
            "terminate",
            "purge",
            "erase",
        ]
        .iter()
        .any(|verb| word.starts_with(verb) || word.ends_with(verb))
    })
}
