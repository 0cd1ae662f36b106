//! A collector that keeps what it is sent: OTLP/gRPC and OTLP/HTTP, each on a port of its own.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{
    LogsService, LogsServiceServer,
};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use sallyport_telemetry::{Protocol, Settings, Wanted};
use std::convert::Infallible;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_stream::StreamExt;
use tonic::codec::CompressionEncoding;
use tonic::{Request, Response, Status};

/// What was received.
#[derive(Default)]
pub struct Received {
    pub traces: Vec<ExportTraceServiceRequest>,
    pub metrics: Vec<ExportMetricsServiceRequest>,
    pub logs: Vec<ExportLogsServiceRequest>,
    /// Headers of each message.
    pub headers: Vec<http::HeaderMap>,
    /// How many spans of each message to say were rejected.
    pub reject: i64,
}

#[derive(Clone)]
pub struct Kept(pub Arc<Mutex<Received>>);

/// A running collector.
pub struct Receiver {
    pub address: SocketAddr,
    pub protocol: Protocol,
    kept: Kept,
    _runtime: tokio::runtime::Runtime,
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime")
}

impl Receiver {
    pub fn start(protocol: Protocol) -> Receiver {
        Receiver::start_tls(protocol, None)
    }

    pub fn start_tls(protocol: Protocol, tls: Option<tokio_rustls::TlsAcceptor>) -> Receiver {
        let runtime = runtime();
        let kept = Kept(Arc::default());
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        match protocol {
            Protocol::Http => runtime.spawn(http(listener, kept.clone(), tls)),
            Protocol::Grpc => runtime.spawn(grpc(listener, kept.clone(), tls)),
        };
        Receiver {
            address,
            protocol,
            kept,
            _runtime: runtime,
        }
    }

    pub fn kept(&self) -> std::sync::MutexGuard<'_, Received> {
        self.kept.0.lock().expect("no poison")
    }

    /// Settings for this collector, quick enough for tests.
    pub fn settings(&self) -> Settings {
        settings(&format!("http://{}", self.address), self.protocol)
    }

    pub fn spans(&self) -> Vec<Span> {
        let kept = self.kept();
        let resources = kept.traces.iter().flat_map(|t| &t.resource_spans);
        let scopes = resources.flat_map(|r| &r.scope_spans);
        scopes.flat_map(|s| s.spans.clone()).collect()
    }

    pub fn resource(&self) -> Resource {
        let kept = self.kept();
        let traces = kept.traces.first().expect("a message");
        traces.resource_spans[0]
            .resource
            .clone()
            .expect("a resource")
    }

    /// The metrics of the last message.
    pub fn last_metrics(&self) -> Vec<Metric> {
        let kept = self.kept();
        let last = kept.metrics.last().expect("metrics");
        let scopes = last.resource_metrics.iter().flat_map(|r| &r.scope_metrics);
        scopes.flat_map(|s| s.metrics.clone()).collect()
    }
}

/// Settings for a collector, quick enough for tests.
pub fn settings(endpoint: &str, protocol: Protocol) -> Settings {
    let wanted = Wanted {
        endpoint: Some(endpoint.into()),
        protocol: Some(protocol),
        version: "1.2.3".into(),
        instance: "instance-1".into(),
        ..Wanted::default()
    };
    let mut settings = Settings::read(wanted, &|_| None)
        .expect("good settings")
        .expect("an endpoint");
    settings.batch_wait = Duration::from_millis(20);
    settings
}

/// Waits for something that happens on another thread.
pub fn wait_for(what: &str, mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

async fn grpc(listener: TcpListener, kept: Kept, tls: Option<tokio_rustls::TlsAcceptor>) {
    let gzip = CompressionEncoding::Gzip;
    let server = tonic::transport::Server::builder()
        .add_service(TraceServiceServer::new(kept.clone()).accept_compressed(gzip))
        .add_service(MetricsServiceServer::new(kept.clone()).accept_compressed(gzip))
        .add_service(LogsServiceServer::new(kept).accept_compressed(gzip));
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let done = match tls {
        None => server.serve_with_incoming(incoming).await,
        Some(tls) => {
            let incoming = incoming.then(move |stream| {
                let tls = tls.clone();
                async move { tls.accept(stream?).await.map(Box::pin) }
            });
            // A handshake that fails is the client's affair.
            let incoming = incoming
                .filter_map(|stream| stream.ok())
                .map(|stream| Ok::<_, std::io::Error>(Tls(stream)));
            server.serve_with_incoming(incoming).await
        }
    };
    done.expect("serves");
}

#[tonic::async_trait]
impl TraceService for Kept {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut kept = self.0.lock().expect("no poison");
        kept.headers.push(request.metadata().clone().into_headers());
        kept.traces.push(request.into_inner());
        Ok(Response::new(traces_answer(kept.reject)))
    }
}

#[tonic::async_trait]
impl MetricsService for Kept {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let mut kept = self.0.lock().expect("no poison");
        kept.metrics.push(request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl LogsService for Kept {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        let mut kept = self.0.lock().expect("no poison");
        kept.logs.push(request.into_inner());
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

fn traces_answer(reject: i64) -> ExportTraceServiceResponse {
    ExportTraceServiceResponse {
        partial_success: (reject > 0).then(|| ExportTracePartialSuccess {
            rejected_spans: reject,
            error_message: "\u{1b}[31mtoo odd".into(),
        }),
    }
}

async fn http(listener: TcpListener, kept: Kept, tls: Option<tokio_rustls::TlsAcceptor>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (kept, tls) = (kept.clone(), tls.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(kept.clone(), request));
            let http = hyper::server::conn::http1::Builder::new();
            match tls {
                None => {
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                }
                Some(tls) => {
                    let Ok(stream) = tls.accept(stream).await else {
                        return;
                    };
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                }
            }
        });
    }
}

async fn answer(
    kept: Kept,
    request: http::Request<Incoming>,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let mut body = body.collect().await.expect("a body").to_bytes();
    assert_eq!(parts.method, "POST");
    assert_eq!(parts.headers["content-type"], "application/x-protobuf");
    if parts
        .headers
        .get("content-encoding")
        .is_some_and(|c| c == "gzip")
    {
        let mut plain = Vec::new();
        let mut reader = flate2::read::GzDecoder::new(body.as_ref());
        reader.read_to_end(&mut plain).expect("gzip");
        body = plain.into();
    }
    let mut kept = kept.0.lock().expect("no poison");
    let mut answer = Vec::new();
    match parts.uri.path() {
        "/v1/traces" => {
            kept.headers.push(parts.headers);
            let traces = ExportTraceServiceRequest::decode(body).expect("OTLP");
            kept.traces.push(traces);
            answer = traces_answer(kept.reject).encode_to_vec();
        }
        "/v1/metrics" => {
            let metrics = ExportMetricsServiceRequest::decode(body).expect("OTLP");
            kept.metrics.push(metrics);
        }
        "/v1/logs" => {
            let logs = ExportLogsServiceRequest::decode(body).expect("OTLP");
            kept.logs.push(logs);
        }
        other => panic!("nobody sends to {other}"),
    }
    Ok(http::Response::builder()
        .header("content-type", "application/x-protobuf")
        .body(Full::new(answer.into()))
        .expect("an answer"))
}

/// A TLS connection that tonic's server takes.
pub struct Tls(std::pin::Pin<Box<tokio_rustls::server::TlsStream<tokio::net::TcpStream>>>);

impl tonic::transport::server::Connected for Tls {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl tokio::io::AsyncRead for Tls {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        self.0.as_mut().poll_read(cx, buf)
    }
}

impl tokio::io::AsyncWrite for Tls {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
        buf: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        self.0.as_mut().poll_write(cx, buf)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        self.0.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        self.0.as_mut().poll_shutdown(cx)
    }
}
