//! What goes with a request to a server beside its words: headers, and references by the server's own names.

use super::call::Call;
use super::door::Door;
use super::modern;
use http::{HeaderName, HeaderValue};
use sallyport_exchange::json::Value;
use sallyport_exchange::json::string::quoted;

impl Call<'_> {
    /// Headers that go with a request, where there is HTTP.
    pub(super) fn headers(
        &self,
        method: &str,
        name: Option<&str>,
        params: &[(HeaderName, HeaderValue)],
    ) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = modern::named_headers(method, name, params.to_vec());
        if let Some(trace) = self.account.trace() {
            let state = trace.state().map(|state| ("tracestate", state.to_owned()));
            for (name, value) in [("traceparent", trace.onward())].into_iter().chain(state) {
                let value = HeaderValue::try_from(value).ok();
                headers.extend(value.map(|value| (HeaderName::from_static(name), value)));
            }
        }
        headers
    }

    /// `completion/complete` names a prompt or a resource by reference.
    pub(super) fn own_reference(&self, edits: &mut sallyport_exchange::Edits, root: Value<'_>) {
        if self.session.door != Door::All {
            return;
        }
        let reference = root.member("params").and_then(|p| p.member("ref"));
        for key in ["name", "uri"] {
            let Some(value) = reference.and_then(|r| r.member(key)) else {
                continue;
            };
            let text = value.as_str().unwrap_or_default();
            let own = match key {
                "name" => super::names::split(&text),
                _ => super::names::split_uri(&text),
            };
            if let Some((_, own)) = own {
                edits.insert(sallyport_exchange::Edit {
                    span: value.span(),
                    with: quoted(own),
                });
            }
        }
    }
}
