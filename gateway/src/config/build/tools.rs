//! Tool servers.

use super::Builder;
use super::upstreams::{address, target};
use crate::config::file::{OauthFile, ToolServerFile};
use crate::config::{Oauth, Reach, ToolAddress, ToolProgram, ToolServer};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest name of a tool server: it is put before the names of its tools.
const NAME_MAX: usize = 32;
/// The section, as paths of mistakes begin.
const SECTION: &str = "tool_servers";
/// A program with fewer files cannot even load its libraries.
const OPEN_FILES_MIN: u32 = 16;
/// Headers that only the gateway sets towards a tool server, beside those of every upstream.
const OURS: [&str; 4] = ["accept", "accept-encoding", "content-type", "last-event-id"];

impl Builder<'_> {
    pub(super) fn tool_servers(
        &mut self,
        typed: &BTreeMap<String, ToolServerFile>,
    ) -> Vec<Arc<ToolServer>> {
        typed
            .iter()
            .filter_map(|(name, server)| self.tool_server(name, server))
            .map(Arc::new)
            .collect()
    }

    fn tool_server(&mut self, name: &str, typed: &ToolServerFile) -> Option<ToolServer> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(plain) {
            let hint = format!("small letters, digits and dashes, at most {NAME_MAX}");
            let message = format!("`{name}` cannot name a tool server");
            self.wrong(&[SECTION, name], message, hint);
        }
        for (index, team) in typed.teams.iter().enumerate() {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            if team.is_empty() || !team.bytes().all(plain) {
                let index = index.to_string();
                let message = format!("`{team}` cannot name a team");
                let hint = "small letters, digits and underscores";
                self.wrong(&[SECTION, name, "teams", &index], message, hint);
            }
        }
        for (index, scope) in typed.scopes.iter().enumerate() {
            self.scope(&[SECTION, name, "scopes", &index.to_string()], scope);
        }
        let reach = match (typed.command.split_first(), &typed.url) {
            (Some((program, arguments)), None) => {
                Reach::Program(self.program(name, typed, program, arguments))
            }
            (None, Some(url)) => Reach::Address(Box::new(self.tool_address(name, typed, url)?)),
            (given, _) => {
                let (message, hint) = match given {
                    Some(_) => ("has both `command` and `url`", "keep one of the two"),
                    None => (
                        "has neither `command` nor `url`",
                        "give the program to start, or the address",
                    ),
                };
                self.wrong(&[SECTION, name], format!("`{name}` {message}"), hint);
                return None;
            }
        };
        Some(ToolServer {
            name: name.into(),
            reach,
            era: typed.era,
            trust: typed.trust,
            teams: typed.teams.clone(),
            scopes: typed.scopes.clone(),
            audit_failure: typed.audit_failure,
        })
    }

    fn program(
        &mut self,
        name: &str,
        typed: &ToolServerFile,
        program: &str,
        arguments: &[String],
    ) -> ToolProgram {
        let path = |field| [SECTION, name, field];
        let of_url = [
            ("key", typed.key.is_some()),
            ("key_file", typed.key_file.is_some()),
            ("headers", !typed.headers.is_empty()),
            ("ca", typed.ca.is_some()),
            ("oauth", typed.oauth.is_some()),
        ];
        self.out_of_place(name, "a program that is started", &of_url);
        let words = || std::iter::once(program).chain(arguments.iter().map(String::as_str));
        if program.is_empty() || words().any(|word| word.contains('\0')) {
            let hint = "write `[program, argument, …]`";
            let message = format!("the command of `{name}` cannot be started");
            self.wrong(&path("command"), message, hint);
        }
        for (variable, value) in &typed.env {
            let named = !variable.is_empty() && !variable.contains(['=', '\0']);
            if !named || value.expose().contains('\0') {
                let message = format!("`{variable}` cannot be a variable");
                let path = [SECTION, name, "env", variable];
                self.wrong(&path, message, "a name without `=`, and one text");
            }
        }
        if typed.open_files.is_some_and(|count| count < OPEN_FILES_MIN) {
            let message = "`open_files` is too small to start anything";
            let hint = format!("at least {OPEN_FILES_MIN}");
            self.wrong(&path("open_files"), message, hint);
        }
        let directory = typed.directory.as_deref().map(|folder| self.path(folder));
        if let Some(folder) = directory.as_deref().filter(|folder| !folder.is_dir()) {
            let message = format!("`{}` is no folder", folder.display());
            self.wrong(&path("directory"), message, "name a folder that exists");
        }
        let env = typed.env.iter();
        ToolProgram {
            program: program.to_owned(),
            arguments: arguments.to_vec(),
            env: env
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            directory,
            open_files: typed.open_files.map(u64::from),
            memory: typed.memory.map(|size| size.0),
        }
    }

    fn tool_address(
        &mut self,
        name: &str,
        typed: &ToolServerFile,
        url: &str,
    ) -> Option<ToolAddress> {
        let path = |field| [SECTION, name, field];
        let of_program = [
            ("env", !typed.env.is_empty()),
            ("directory", typed.directory.is_some()),
            ("open_files", typed.open_files.is_some()),
            ("memory", typed.memory.is_some()),
        ];
        self.out_of_place(name, "an address", &of_program);
        let url = address(url).map_err(|hint| {
            let message = format!("the url of `{name}` cannot be used");
            self.wrong(&path("url"), message, hint);
        });
        let ca = typed.ca.as_deref().map(|file| self.path(file));
        if let Some(ca) = &ca {
            self.certificates(&path("ca"), ca);
        }
        let key = self.key(SECTION, name, typed.key.as_ref(), typed.key_file.as_deref());
        if typed.oauth.is_some() && (typed.key.is_some() || typed.key_file.is_some()) {
            let message = format!("`{name}` has both a key and `oauth`");
            self.wrong(&path("oauth"), message, "keep one of the two");
        }
        let oauth = typed.oauth.as_ref().map(|oauth| self.oauth(name, oauth));
        let headers = self.headers(SECTION, name, &typed.headers);
        for (header, _) in &headers {
            let header = header.as_str();
            if header.starts_with("mcp-") || OURS.contains(&header) {
                let path = [SECTION, name, "headers", header];
                self.wrong(
                    &path,
                    format!("`{header}` is set by the gateway"),
                    "leave it out",
                );
            }
        }
        let (url, uri) = url.ok()?;
        Some(ToolAddress {
            url,
            target: target(&uri),
            transport: typed.transport,
            key,
            headers,
            ca,
            oauth: match oauth {
                Some(oauth) => Some(oauth?),
                None => None,
            },
        })
    }

    fn oauth(&mut self, name: &str, typed: &OauthFile) -> Option<Oauth> {
        let path = [SECTION, name, "oauth", "token_url"];
        let checked = address(&typed.token_url).and_then(|(url, uri)| {
            let local = matches!(url.host.as_str(), "localhost" | "127.0.0.1" | "::1");
            match url.tls || local {
                true => Ok((url, uri)),
                false => Err("it begins with `https://`, as a secret is sent there"),
            }
        });
        let (url, uri) = match checked {
            Ok(checked) => checked,
            Err(hint) => {
                let message = format!("the token_url of `{name}` cannot be used");
                self.wrong(&path, message, hint);
                return None;
            }
        };
        Some(Oauth {
            url,
            target: target(&uri),
            client_id: typed.client_id.clone(),
            client_secret: typed.client_secret.clone(),
            scopes: typed.scopes.clone(),
        })
    }

    fn out_of_place(&mut self, name: &str, what: &str, fields: &[(&str, bool)]) {
        for (field, _) in fields.iter().filter(|(_, given)| *given) {
            let message = format!("`{name}` is {what}: `{field}` means nothing for it");
            self.wrong(&[SECTION, name, field], message, "leave it out");
        }
    }
}
