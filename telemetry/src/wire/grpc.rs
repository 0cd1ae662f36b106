//! OTLP/gRPC: messages that are encoded already, framed by tonic.

use super::{Again, Connector, Failed, Lost, Signal, Taken, USER_AGENT, never, soon};
use crate::limits::ANSWER_BYTES_MAX;
use crate::settings::{Compression, Target};
use bytes::{Buf, BufMut, Bytes};
use http::HeaderMap;
use http::uri::PathAndQuery;
use hyper_util::client::legacy::{Builder, Client};
use std::time::Duration;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::{Code, Extensions, Request, Status};

/// How often an idle-looking connection is asked whether it lives.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How long it may take to say so.
const PING_WAIT: Duration = Duration::from_secs(10);

pub struct Grpc(Client<Connector, tonic::body::Body>);

impl Grpc {
    pub fn new(mut builder: Builder, connector: Connector, _target: &Target) -> Self {
        let builder = builder
            .http2_only(true)
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PING_WAIT);
        Grpc(builder.build(connector))
    }

    pub async fn call(
        &self,
        target: &Target,
        signal: Signal,
        message: Bytes,
    ) -> Result<Taken, Failed> {
        let mut client = tonic::client::Grpc::with_origin(self.0.clone(), target.url.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX);
        if target.compression == Compression::Gzip {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let mut headers = HeaderMap::new();
        for (name, value) in target.headers.iter() {
            headers.insert(name.clone(), value.clone());
        }
        let agent = http::HeaderValue::from_static(USER_AGENT);
        headers.entry(http::header::USER_AGENT).or_insert(agent);
        let metadata = MetadataMap::from_headers(headers);
        let request = Request::from_parts(metadata, Extensions::default(), message);
        let ready = client.ready().await;
        ready.map_err(|_| soon(Lost::Unreachable))?;
        let path = PathAndQuery::from_static(path(signal));
        match client.unary(request, path, Plain).await {
            Ok(answer) => Ok(Taken::Answer(answer.into_inner())),
            Err(status) => Err(refused(&status)),
        }
    }
}

fn path(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
        Signal::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
        Signal::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
    }
}

/// Which statuses are worth another try is for the specification to say (OTLP/gRPC, "Failures").
fn refused(status: &Status) -> Failed {
    let unreachable = std::error::Error::source(status).is_some() && status.code() != Code::Ok;
    let why = match unreachable {
        true => Lost::Unreachable,
        false => Lost::Grpc(status.code() as i32),
    };
    match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => Failed {
            why,
            again: Again::Soon,
        },
        _ if unreachable => soon(why),
        _ => never(why),
    }
}

/// Bytes as they are.
struct Plain;

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Plain;
    type Decoder = Plain;

    fn encoder(&mut self) -> Plain {
        Plain
    }

    fn decoder(&mut self) -> Plain {
        Plain
    }
}

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(message);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
