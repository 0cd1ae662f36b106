//! Reading a request body whole: bounded, decoded under caps, within a time.

use super::failure::Failure;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, header};
use pingora_core::protocols::http::ServerSession;
use std::io::Read;
use std::time::Duration;

/// How large a body may be.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// Bytes as sent, and bytes once decoded.
    pub bytes: usize,
    /// How many times larger than sent a decoded body may be.
    pub ratio: usize,
    /// How long the whole body may take.
    pub time: Duration,
}

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// Reads and decodes the body of a JSON endpoint.
pub async fn read_json(session: &mut ServerSession, limits: BodyLimits) -> Result<Bytes, Failure> {
    let headers = &session.req_header().headers;
    check_media_type(headers)?;
    let packing = packing(headers)?;
    let announced = content_length(headers);
    if announced.is_some_and(|n| n > limits.bytes as u64) {
        return Err(Failure::BodyTooLarge(limits.bytes));
    }
    if headers
        .get(header::EXPECT)
        .is_some_and(|v| v.as_bytes().eq_ignore_ascii_case(b"100-continue"))
    {
        session
            .write_continue_response()
            .await
            .map_err(|_| Failure::AgentLeft)?;
    }
    let whole = read(session, announced.unwrap_or(0) as usize, limits.bytes);
    let body = tokio::time::timeout(limits.time, whole)
        .await
        .map_err(|_| Failure::BodyTooSlow)??;
    match packing {
        None => Ok(body),
        Some(packing) => unpack(packing, &body, limits),
    }
}

async fn read(session: &mut ServerSession, announced: usize, max: usize) -> Result<Bytes, Failure> {
    let mut first: Option<Bytes> = None;
    let mut rest: Option<BytesMut> = None;
    let mut total = 0;
    while let Some(chunk) = session
        .read_request_body()
        .await
        .map_err(|_| Failure::BadFraming)?
    {
        total += chunk.len();
        if total > max {
            return Err(Failure::BodyTooLarge(max));
        }
        match (&mut first, &mut rest) {
            (None, None) => first = Some(chunk),
            (_, Some(buffer)) => buffer.extend_from_slice(&chunk),
            (Some(begun), None) => {
                // What is announced is reserved only as it proves true: at most double what came.
                let mut buffer = BytesMut::with_capacity(announced.clamp(total, total * 2));
                buffer.extend_from_slice(begun);
                buffer.extend_from_slice(&chunk);
                rest = Some(buffer);
            }
        }
    }
    Ok(rest.map(BytesMut::freeze).or(first).unwrap_or_default())
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Failure> {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    let mut fields = value.split(';').map(str::trim);
    let json = fields
        .next()
        .is_some_and(|m| m.eq_ignore_ascii_case("application/json"));
    let utf8 = fields.all(|parameter| {
        let lower = parameter.to_ascii_lowercase();
        !lower.starts_with("charset")
            || matches!(
                lower.as_str(),
                "charset=utf-8" | "charset=\"utf-8\"" | "charset=utf8"
            )
    });
    if json && utf8 {
        Ok(())
    } else {
        Err(Failure::MediaType)
    }
}

fn packing(headers: &HeaderMap) -> Result<Option<Packing>, Failure> {
    let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Failure::Packing);
    }
    match value.as_bytes().to_ascii_lowercase().as_slice() {
        b"" | b"identity" => Ok(None),
        b"gzip" | b"x-gzip" => Ok(Some(Packing::Gzip)),
        b"deflate" => Ok(Some(Packing::Deflate)),
        b"br" => Ok(Some(Packing::Brotli)),
        b"zstd" => Ok(Some(Packing::Zstd)),
        _ => Err(Failure::Packing),
    }
}

fn unpack(packing: Packing, packed: &[u8], limits: BodyLimits) -> Result<Bytes, Failure> {
    // Small bodies may unpack well beyond the ratio without harm.
    const ALWAYS_ALLOWED: usize = 64 << 10;
    let max = limits
        .bytes
        .min((packed.len().saturating_mul(limits.ratio)).max(ALWAYS_ALLOWED));
    let mut body = Vec::new();
    let bounded = max as u64 + 1;
    let read = match packing {
        Packing::Gzip => flate2::read::GzDecoder::new(packed)
            .take(bounded)
            .read_to_end(&mut body),
        Packing::Deflate => flate2::read::ZlibDecoder::new(packed)
            .take(bounded)
            .read_to_end(&mut body),
        Packing::Brotli => brotli_decompressor::Decompressor::new(packed, 4096)
            .take(bounded)
            .read_to_end(&mut body),
        Packing::Zstd => {
            zstd::stream::read::Decoder::with_buffer(packed).and_then(|mut decoder| {
                // A window of 8 MiB: larger ones are a way to make the reader allocate.
                decoder.window_log_max(23)?;
                decoder.take(bounded).read_to_end(&mut body)
            })
        }
    };
    match read {
        Err(_) => Err(Failure::BadPacking),
        Ok(_) if body.len() > limits.bytes => Err(Failure::BodyTooLarge(limits.bytes)),
        Ok(_) if body.len() > max => Err(Failure::BodyTooPacked(limits.ratio)),
        Ok(_) => Ok(Bytes::from(body)),
    }
}

/// Decodes an upstream's answer that came packed although none was asked for.
pub fn unpack_answer(
    headers: &HeaderMap,
    packed: Bytes,
    limits: BodyLimits,
) -> Result<Bytes, Failure> {
    match packing(headers) {
        Ok(None) => Ok(packed),
        Ok(Some(packing)) => unpack(packing, &packed, limits).map_err(|_| Failure::UpstreamGarbled),
        Err(_) => Err(Failure::UpstreamGarbled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const LIMITS: BodyLimits = BodyLimits {
        bytes: 1 << 20,
        ratio: 100,
        time: Duration::from_secs(1),
    };

    #[test]
    fn packed_bodies_are_unpacked_under_caps() {
        let text = b"{\"model\":\"m\"}".repeat(10);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(&text).unwrap();
        let packed = gzip.finish().unwrap();
        assert_eq!(unpack(Packing::Gzip, &packed, LIMITS).unwrap(), text);
        let zstd = zstd::encode_all(&text[..], 3).unwrap();
        assert_eq!(unpack(Packing::Zstd, &zstd, LIMITS).unwrap(), text);
    }

    #[test]
    fn bombs_stop_at_the_cap() {
        let zeros = vec![0u8; 8 << 20];
        let bomb = zstd::encode_all(&zeros[..], 19).unwrap();
        assert!(matches!(
            unpack(Packing::Zstd, &bomb, LIMITS),
            Err(Failure::BodyTooPacked(100))
        ));
        let large = BodyLimits {
            ratio: 1 << 20,
            ..LIMITS
        };
        assert!(matches!(
            unpack(Packing::Zstd, &bomb, large),
            Err(Failure::BodyTooLarge(_))
        ));
        assert!(matches!(
            unpack(Packing::Gzip, b"not gzip", LIMITS),
            Err(Failure::BadPacking)
        ));
    }

    #[test]
    fn only_json_is_read_as_json() {
        let check = |value: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(
                    header::CONTENT_TYPE,
                    header::HeaderValue::from_static(value),
                );
            }
            check_media_type(&headers).is_ok()
        };
        assert!(check(Some("application/json")));
        assert!(check(Some("Application/JSON; charset=UTF-8")));
        assert!(!check(Some("application/json; charset=utf-16")));
        assert!(!check(Some("application/x-www-form-urlencoded")));
        assert!(!check(Some("text/json")));
        assert!(!check(None));
    }
}
