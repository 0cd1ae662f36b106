//! Which headers cross the gateway, in both directions.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Fields of one connection (RFC 9110 §7.6.1); they never cross.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What an agent says about itself or the body that the gateway says anew or knows better.
const NOT_FORWARDED: [HeaderName; 15] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::ACCEPT_ENCODING,
    header::EXPECT,
    header::AUTHORIZATION,
    header::COOKIE,
    header::FORWARDED,
    header::VIA,
    HeaderName::from_static("x-api-key"),
    HeaderName::from_static("api-key"),
    HeaderName::from_static("x-goog-api-key"),
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-client-cert"),
    HeaderName::from_static("x-ssl-client-cert"),
];

/// Families of headers with which a client could pose as someone else, or as a proxy.
const FORGED_PREFIXES: [&str; 4] = ["x-forwarded-", "x-sallyport-", "x-agent-", "x-original-"];

/// What an upstream says of its own connection or of a body that may have been edited.
const NOT_RETURNED: [HeaderName; 10] = [
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::SET_COOKIE,
    header::ALT_SVC,
    header::ETAG,
    header::LOCATION,
    header::STRICT_TRANSPORT_SECURITY,
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("repr-digest"),
];

/// Why a request's headers are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadHeaders {
    /// More bytes than the limit.
    TooLarge,
    /// A name with an underscore: servers behind may read it as a hyphen.
    Underscore,
    /// `Connection` names a field that must not be removed.
    Nomination,
    /// A length beside a transfer coding, or any coding but `chunked`, once.
    Framing,
    /// Several hosts, or one that is no host.
    Host,
    /// Several content types: which one would count?
    ContentType,
}

/// Checks a request's headers once, before anything is read from them.
pub fn check(headers: &HeaderMap, bytes_max: usize) -> Result<(), BadHeaders> {
    let bytes: usize = headers
        .iter()
        .map(|(n, v)| n.as_str().len() + v.len() + 4)
        .sum();
    if bytes > bytes_max {
        return Err(BadHeaders::TooLarge);
    }
    if headers.keys().any(|name| name.as_str().contains('_')) {
        return Err(BadHeaders::Underscore);
    }
    if !is_plain_framing(headers) {
        return Err(BadHeaders::Framing);
    }
    if !is_plain_host(headers) {
        return Err(BadHeaders::Host);
    }
    if headers
        .get_all(header::CONTENT_TYPE)
        .iter()
        .nth(1)
        .is_some()
    {
        return Err(BadHeaders::ContentType);
    }
    let protected = [
        header::HOST,
        header::AUTHORIZATION,
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        HeaderName::from_static("x-api-key"),
    ];
    if nominated(headers).any(|name| protected.contains(&name)) {
        return Err(BadHeaders::Nomination);
    }
    Ok(())
}

/// Whether every reader sees the end of the body in the same place.
fn is_plain_framing(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(only), None) => {
            only.as_bytes().eq_ignore_ascii_case(b"chunked")
                && !headers.contains_key(header::CONTENT_LENGTH)
        }
        _ => false,
    }
}

/// Whether there is at most one host, and it holds nothing but a name or an address, and a port.
fn is_plain_host(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let plain = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']')
    };
    hosts
        .next()
        .is_none_or(|host| host.as_bytes().iter().all(plain))
        && hosts.next().is_none()
}

/// The fields that `Connection` names as belonging to this connection alone.
fn nominated(headers: &HeaderMap) -> impl Iterator<Item = HeaderName> + '_ {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| HeaderName::try_from(name.trim()).ok())
}

/// The agent's headers that go upstream.
pub fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    let nominated: Vec<HeaderName> = nominated(headers).collect();
    headers.iter().filter(move |(name, _)| {
        !HOP_BY_HOP.contains(name)
            && !NOT_FORWARDED.contains(name)
            && !nominated.contains(name)
            && !FORGED_PREFIXES.iter().any(|p| name.as_str().starts_with(p))
    })
}

/// The upstream's headers that go back to the agent.
pub fn returned(headers: &HeaderMap) -> impl Iterator<Item = (&HeaderName, &HeaderValue)> {
    let nominated: Vec<HeaderName> = nominated(headers).collect();
    headers.iter().filter(move |(name, _)| {
        !HOP_BY_HOP.contains(name) && !NOT_RETURNED.contains(name) && !nominated.contains(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        headers
    }

    #[test]
    fn keys_identity_and_connection_fields_stay_here() {
        let headers = map(&[
            ("authorization", "Bearer k"),
            ("x-api-key", "k"),
            ("connection", "close, x-mine"),
            ("x-mine", "1"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-agent-id", "root"),
            ("anthropic-beta", "a,b"),
            ("anthropic-version", "2023-06-01"),
            ("x-stainless-lang", "python"),
        ]);
        let kept: Vec<&str> = forwarded(&headers).map(|(n, _)| n.as_str()).collect();
        assert_eq!(
            kept,
            ["anthropic-beta", "anthropic-version", "x-stainless-lang"]
        );
    }

    #[test]
    fn odd_headers_are_refused() {
        assert_eq!(
            check(&map(&[("x_agent_id", "1")]), 1000),
            Err(BadHeaders::Underscore)
        );
        let nominates = map(&[("connection", "Authorization")]);
        assert_eq!(check(&nominates, 1000), Err(BadHeaders::Nomination));
        assert_eq!(check(&map(&[("a", "b")]), 3), Err(BadHeaders::TooLarge));
    }
}
