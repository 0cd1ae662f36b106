//! HTTP+SSE, the transport of 2024-11-05: one stream for all that the server says, POST for all that it is told.

use super::demux::Demux;
use super::events::Events;
use super::http::{Answer, Ask, Http, Kind};
use super::streamable::LASTING_IDLE;
use super::{AbortOnDrop, Fault};
use crate::config::ToolAddress;
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, Uri, header};
use std::sync::Arc;
use std::time::Duration;

/// The longest address that a server may name.
const ENDPOINT_MAX: usize = 4 << 10;
/// Bytes that are read of an answer that should have none.
const NOTHING_MAX: usize = 64 << 10;

/// A stream, and where to post to.
pub(super) struct OldSse {
    http: Arc<Http>,
    endpoint: String,
    pub demux: Arc<Demux>,
    reader: AbortOnDrop,
}

impl OldSse {
    /// Opens the stream and waits until the server has named its endpoint.
    pub async fn open(
        http: Arc<Http>,
        demux: Arc<Demux>,
        max: usize,
        time: Duration,
    ) -> Result<OldSse, Fault> {
        let ask = Ask {
            method: Method::GET,
            target: &http.address.target,
            headers: vec![(
                header::ACCEPT,
                HeaderValue::from_static("text/event-stream"),
            )],
            body: Bytes::new(),
        };
        let opening = async {
            let mut answer = http.send(ask).await?;
            if answer.status != StatusCode::OK || answer.kind() != Kind::Events {
                let status = answer.status.as_u16();
                return Err(Fault::Refused { status });
            }
            let mut events = Events::default();
            let endpoint = endpoint(&http.address, &mut answer, &mut events).await?;
            Ok((answer, events, endpoint))
        };
        let opened = tokio::time::timeout(time, opening).await;
        let (mut answer, events, endpoint) = opened.map_err(|_| Fault::Slow)??;
        answer.set_idle(LASTING_IDLE);
        let reading = read(answer, events, demux.clone(), max);
        Ok(OldSse {
            endpoint,
            demux,
            reader: AbortOnDrop(tokio::spawn(reading).abort_handle()),
            http,
        })
    }

    /// Closes the stream; that is how a session of this transport ends.
    pub fn close(&self) {
        self.demux.close(Fault::Closed);
        self.reader.0.abort();
    }

    /// Sends any message; the answer to a request comes over the stream.
    pub async fn post(&self, body: Bytes) -> Result<(), Fault> {
        let json = HeaderValue::from_static("application/json");
        let ask = Ask {
            method: Method::POST,
            target: &self.endpoint,
            headers: vec![(header::CONTENT_TYPE, json)],
            body,
        };
        let answer = self.http.send(ask).await?;
        let status = answer.status;
        answer.whole(NOTHING_MAX).await?;
        match status {
            StatusCode::NOT_FOUND => Err(Fault::SessionGone),
            status if status.is_success() => Ok(()),
            status => Err(Fault::Refused {
                status: status.as_u16(),
            }),
        }
    }
}

/// Waits for the `endpoint` event, which comes first.
async fn endpoint(
    address: &ToolAddress,
    answer: &mut Answer,
    events: &mut Events,
) -> Result<String, Fault> {
    while let Some(chunk) = answer.chunk().await? {
        events.push(&chunk);
        while let Some(said) = events.next(ENDPOINT_MAX)? {
            if said.name.as_deref() == Some("endpoint") {
                let text = std::str::from_utf8(&said.data).map_err(|_| Fault::Garbled)?;
                return resolve(address, text.trim()).ok_or(Fault::Garbled);
            }
        }
    }
    Err(Fault::Broke)
}

async fn read(mut answer: Answer, mut events: Events, demux: Arc<Demux>, max: usize) {
    let mut reading = async || -> Result<(), Fault> {
        loop {
            while let Some(said) = events.next(max)? {
                if said.name.is_none() && !demux.take(said.data).await {
                    return Err(Fault::Garbled);
                }
            }
            match answer.chunk().await? {
                Some(chunk) => events.push(&chunk),
                None => return Err(Fault::Broke),
            }
        }
    };
    if let Err(fault) = reading().await {
        demux.close(fault);
    }
}

/// The path that an endpoint means, if it is on the same server.
fn resolve(address: &ToolAddress, endpoint: &str) -> Option<String> {
    let plain = endpoint.bytes().all(|b| b.is_ascii_graphic());
    if endpoint.is_empty() || endpoint.len() > ENDPOINT_MAX || !plain {
        return None;
    }
    let base = address.target.split('?').next().unwrap_or("/");
    let target = if endpoint.contains("://") {
        let uri: Uri = endpoint.parse().ok()?;
        let (scheme, default) = match address.url.tls {
            true => ("https", 443),
            false => ("http", 80),
        };
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
        let same = uri.scheme_str() == Some(scheme)
            && !uri.authority()?.as_str().contains('@')
            && host.eq_ignore_ascii_case(&address.url.host)
            && uri.port_u16().unwrap_or(default) == address.url.port;
        if !same {
            return None;
        }
        uri.path_and_query()?.as_str().to_owned()
    } else if endpoint.starts_with("//") {
        return None;
    } else if endpoint.starts_with('/') {
        endpoint.to_owned()
    } else if endpoint.starts_with('?') {
        format!("{base}{endpoint}")
    } else {
        let folder = base.rfind('/').map_or("/", |at| &base[..=at]);
        format!("{folder}{endpoint}")
    };
    let uri: Uri = target.parse().ok()?;
    Some(uri.path_and_query()?.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{TransportFile, UpstreamUrl};

    #[test]
    fn an_endpoint_stays_on_its_server() {
        let address = ToolAddress {
            url: UpstreamUrl {
                tls: true,
                host: "tools.example.com".into(),
                port: 443,
                base: "/a/sse".into(),
            },
            target: "/a/sse?k=1".into(),
            transport: TransportFile::Sse,
            key: None,
            headers: Vec::new(),
            ca: None,
            oauth: None,
        };
        for (endpoint, expected) in [
            ("/messages?sessionId=1", Some("/messages?sessionId=1")),
            ("messages", Some("/a/messages")),
            ("?sessionId=1", Some("/a/sse?sessionId=1")),
            ("https://tools.example.com/m", Some("/m")),
            ("https://TOOLS.example.com:443/m", Some("/m")),
            ("http://tools.example.com/m", None),
            ("https://tools.example.com:8443/m", None),
            ("https://evil.example.com/m", None),
            ("https://tools.example.com@evil.example.com/m", None),
            ("https://x@tools.example.com/m", None),
            ("//evil.example.com/m", None),
            ("/m\r\nx: y", None),
            ("", None),
        ] {
            assert_eq!(
                resolve(&address, endpoint).as_deref(),
                expected,
                "{endpoint}"
            );
        }
    }
}
