//! Upstreams and the routes to them.

use super::Builder;
use crate::config::error::nearest;
use crate::config::file::{RouteFile, UpstreamFile};
use crate::config::{Pattern, Route, Secret, Speaks, Upstream, UpstreamUrl};
use http::{HeaderName, HeaderValue, Uri};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Builder<'_> {
    /// `needed`: whether there is nothing else to serve.
    pub(super) fn upstreams(
        &mut self,
        typed: &BTreeMap<String, UpstreamFile>,
        needed: bool,
    ) -> Vec<Arc<Upstream>> {
        if typed.is_empty() && needed {
            let hint = "name at least one, as in `upstreams: {openai: {url: https://api.openai.com, speaks: openai}}`";
            self.wrong(&["upstreams"], "there is no upstream", hint);
        }
        typed
            .iter()
            .filter_map(|(name, upstream)| self.upstream(name, upstream))
            .map(Arc::new)
            .collect()
    }

    fn upstream(&mut self, name: &str, typed: &UpstreamFile) -> Option<Upstream> {
        let path = |field| ["upstreams", name, field];
        let url = match url(&typed.url) {
            Ok(url) => Some(url),
            Err(hint) => {
                self.wrong(
                    &path("url"),
                    format!("the url of `{name}` cannot be used"),
                    hint,
                );
                None
            }
        };
        let ca = typed.ca.as_deref().map(|file| self.path(file));
        if let Some(ca) = &ca {
            self.certificates(&path("ca"), ca);
        }
        let (key, key_file) = (typed.key.as_ref(), typed.key_file.as_deref());
        let key = self.key("upstreams", name, key, key_file);
        let headers = self.headers("upstreams", name, &typed.headers);
        let url = url?;
        Some(Upstream {
            name: name.into(),
            speaks: typed.speaks,
            key,
            ca,
            http2: typed.http2.unwrap_or(url.tls),
            headers,
            url,
        })
    }

    /// The key of what `name` is in `section`, from the file or from a file of its own.
    pub(super) fn key(
        &mut self,
        section: &str,
        name: &str,
        key: Option<&Secret>,
        key_file: Option<&str>,
    ) -> Option<Secret> {
        let path = |field| [section, name, field];
        let (field, key) = match (key, key_file) {
            (Some(_), Some(_)) => {
                self.wrong(
                    &path("key_file"),
                    format!("`{name}` has both `key` and `key_file`"),
                    "keep one of the two",
                );
                return None;
            }
            (Some(key), None) => ("key", key.clone()),
            (None, Some(file)) => match std::fs::read_to_string(self.path(file)) {
                Ok(text) => ("key_file", Secret::new(text.trim())),
                Err(error) => {
                    self.wrong(
                        &path("key_file"),
                        format!("`{file}` cannot be read: {error}"),
                        "name a file that holds the key and that this user may read",
                    );
                    return None;
                }
            },
            (None, None) => return None,
        };
        if field == "key" && key.is_empty() {
            return None;
        }
        if key.is_empty() || HeaderValue::from_str(key.expose()).is_err() {
            self.wrong(
                &path(field),
                format!("the key of `{name}` is empty or holds characters that no header may"),
                "it is one line of printable characters",
            );
            return None;
        }
        Some(key)
    }

    pub(super) fn headers(
        &mut self,
        section: &str,
        name: &str,
        typed: &BTreeMap<String, Secret>,
    ) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        for (header, value) in typed {
            let path = [section, name, "headers", header];
            match (
                HeaderName::try_from(header),
                HeaderValue::from_str(value.expose()),
            ) {
                (Ok(header), _) if OURS.contains(&header.as_str()) => {
                    self.wrong(
                        &path,
                        format!("`{header}` is set by the gateway"),
                        "leave it out",
                    );
                }
                (Ok(header), Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.push((header, value));
                }
                (Err(_), _) => self.wrong(
                    &path,
                    format!("`{header}` cannot name a header"),
                    "letters, digits and dashes",
                ),
                (_, Err(_)) => self.wrong(
                    &path,
                    format!("the value of `{header}` cannot be sent"),
                    "one line of printable characters",
                ),
            }
        }
        headers
    }

    pub(super) fn routes(
        &mut self,
        typed: &[RouteFile],
        upstreams: &[Arc<Upstream>],
    ) -> Vec<Route> {
        if typed.is_empty() {
            return self.default_routes(upstreams);
        }
        let mut routes: Vec<Route> = Vec::new();
        for (index, route) in typed.iter().enumerate() {
            let index = index.to_string();
            let path = |field| ["routes", &index, field];
            if routes.iter().any(|other| *other.name == *route.name) {
                self.wrong(
                    &path("name"),
                    format!("two routes are named `{}`", route.name),
                    "give each route a name of its own",
                );
            }
            let Some(upstream) = self.upstream_of(route, upstreams, &path("upstream")) else {
                continue;
            };
            if upstream.speaks != route.speaks {
                let [ours, theirs] = [route.speaks, upstream.speaks].map(Speaks::as_str);
                let message = format!(
                    "route `{}` speaks {ours}, but its upstream `{}` speaks {theirs}",
                    route.name, upstream.name
                );
                let hint =
                    "the gateway does not translate: send it to an upstream that speaks the same";
                self.wrong(&path("speaks"), message, hint);
            }
            let models = route.models.iter().map(Pattern::new).collect();
            routes.push(Route {
                name: route.name.as_str().into(),
                speaks: route.speaks,
                models,
                upstream,
                audit_failure: route.audit_failure,
            });
        }
        routes
    }

    /// The upstream that a route names.
    fn upstream_of(
        &mut self,
        route: &RouteFile,
        upstreams: &[Arc<Upstream>],
        path: &[&str],
    ) -> Option<Arc<Upstream>> {
        let mut all = upstreams.iter();
        if let Some(upstream) = all.find(|upstream| *upstream.name == *route.upstream) {
            return Some(upstream.clone());
        }
        let written = self.tree.get("upstreams").map(|(_, all)| all);
        // One that was written but could not be built has its own mistake.
        if written.is_none_or(|all| all.get(&route.upstream).is_none()) {
            let names = upstreams.iter().map(|upstream| &*upstream.name);
            let hint = match nearest(&route.upstream, names) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "name one of `upstreams`".into(),
            };
            let message = format!("no upstream is named `{}`", route.upstream);
            self.wrong(path, message, hint);
        }
        None
    }

    /// Each upstream answers for what it speaks; where two speak the same, nobody but the operator can say which.
    fn default_routes(&mut self, upstreams: &[Arc<Upstream>]) -> Vec<Route> {
        let mut routes: Vec<Route> = Vec::new();
        for upstream in upstreams {
            if let Some(other) = routes.iter().find(|route| route.speaks == upstream.speaks) {
                let message = format!(
                    "`{}` and `{}` both speak {}, and no route says which answers what",
                    other.upstream.name,
                    upstream.name,
                    upstream.speaks.as_str()
                );
                let hint = format!(
                    "add `routes`, such as `- {{name: {0}, speaks: {1}, models: [\"some-model*\"], upstream: {0}}}`",
                    upstream.name,
                    upstream.speaks.as_str()
                );
                self.wrong(&["upstreams", &upstream.name], message, hint);
                continue;
            }
            routes.push(Route {
                name: upstream.name.clone(),
                speaks: upstream.speaks,
                models: Vec::new(),
                upstream: upstream.clone(),
                audit_failure: None,
            });
        }
        routes
    }
}

/// Headers that only the gateway sets towards an upstream.
const OURS: [&str; 10] = [
    "authorization",
    "x-api-key",
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "te",
    "trailer",
    "upgrade",
    "content-encoding",
];

/// Takes an upstream's address apart, or says how to mend it.
fn url(text: &str) -> Result<UpstreamUrl, &'static str> {
    let (url, uri) = address(text)?;
    match uri.query() {
        Some(_) => Err("leave out the `?` and what follows"),
        None => Ok(url),
    }
}

/// The path that a URI asks for, with its query.
pub(super) fn target(uri: &Uri) -> String {
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    match target.starts_with('/') {
        true => target.to_owned(),
        false => format!("/{target}"),
    }
}

/// Takes an address apart; its query, if any, is left in the URI.
pub(super) fn address(text: &str) -> Result<(UpstreamUrl, Uri), &'static str> {
    let uri: Uri = text
        .trim()
        .parse()
        .map_err(|_| "write it like `https://api.openai.com`")?;
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err("it begins with `https://` or `http://`"),
    };
    let authority = uri.authority().ok_or("a host must follow `://`")?;
    if authority.as_str().contains('@') {
        return Err("leave out the user and password, and use `key`");
    }
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']')
        .to_owned();
    if host.is_empty() {
        return Err("a host must follow `://`");
    }
    let port = match authority.as_str().rsplit_once(':') {
        Some((_, port)) if !port.ends_with(']') && !port.is_empty() => port
            .parse()
            .map_err(|_| "the port is a number up to 65535")?,
        _ => {
            if tls {
                443
            } else {
                80
            }
        }
    };
    if port == 0 {
        return Err("the port is a number from 1 to 65535");
    }
    let url = UpstreamUrl {
        tls,
        host,
        port,
        base: uri.path().trim_end_matches('/').to_owned(),
    };
    Ok((url, uri))
}
