//! What only the gateway reads: its configuration, and packed bodies.

use crate::take;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use sallyport::config::Config;
use sallyport::edge::body::{BodyLimits, unpack_answer};
use std::path::Path;
use std::time::Duration;

/// A configuration file's text.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let env = |name: &str| {
        name.starts_with('K')
            .then(|| "0123456789abcdef0123456789abcdef".to_owned())
    };
    let _ = Config::read(Path::new("/nonexistent/gateway.yaml"), &text, &env);
}

/// A packed body. Bytes: packing, body.
pub fn unpack(mut data: &[u8]) {
    let [packing] = take(&mut data);
    let word = ["gzip", "deflate", "br", "zstd"][packing as usize % 4];
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(word));
    let limits = BodyLimits {
        bytes: 1 << 20,
        ratio: 20,
        time: Duration::from_secs(1),
    };
    if let Ok(body) = unpack_answer(&headers, Bytes::copy_from_slice(data), limits) {
        let most = limits.bytes.min((data.len() * limits.ratio).max(64 << 10));
        assert!(body.len() <= most, "unpacked to more than is allowed");
    }
}
