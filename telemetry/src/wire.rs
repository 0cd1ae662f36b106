//! One message to a collector, by OTLP/HTTP or OTLP/gRPC (<https://opentelemetry.io/docs/specs/otlp/>).
//!
//! The messages are those of `opentelemetry-proto`; they are encoded once and sent as bytes by either protocol. The exporters
//! of `opentelemetry-otlp` are not used: they let the environment overrule what the operator configured, read a collector's
//! answer to its end however long it is, log what it rejected in part instead of telling it, and copy a batch for each try.

mod grpc;
mod tls;

pub use tls::BadFile;

use crate::limits::{ANSWER_BYTES_MAX, PAUSE, PAUSE_MAX};
use crate::settings::{Compression, Protocol, Target};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::io::Write;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// What is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Signal {
    Traces,
    Metrics,
    Logs,
}

/// Why a message did not arrive, as far as can be told. It never quotes what the collector said, nor what was sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Lost {
    /// No connection, or it broke.
    #[error("the collector cannot be reached")]
    Unreachable,
    /// It took too long, retries included.
    #[error("the collector did not answer in time")]
    TimedOut,
    /// It said no.
    #[error("the collector answered with HTTP status {0}")]
    Status(u16),
    /// It said no in gRPC.
    #[error("the collector answered with gRPC status {0}")]
    Grpc(i32),
    /// The message could not be written.
    #[error("the message could not be made")]
    Unmade,
}

/// What a collector said to a message that it took.
pub(crate) enum Taken {
    /// Its answer.
    Answer(Bytes),
    /// An answer that was too long to read.
    Odd,
}

/// Why one try failed, and whether another may do better.
struct Failed {
    why: Lost,
    again: Again,
}

enum Again {
    Never,
    Soon,
    After(Duration),
}

/// A way to a collector.
pub(crate) struct Wire {
    way: Way,
    target: Target,
}

type Connector = HttpsConnector<HttpConnector>;

enum Way {
    Http(Client<Connector, Full<Bytes>>),
    Grpc(grpc::Grpc),
}

impl Wire {
    /// Makes ready to send; nothing is connected yet.
    pub fn new(target: Target) -> Result<Wire, BadFile> {
        let connector = tls::connector(&target)?;
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new());
        let way = match target.protocol {
            Protocol::Http => Way::Http(builder.build(connector)),
            Protocol::Grpc => Way::Grpc(grpc::Grpc::new(builder, connector, &target)),
        };
        Ok(Wire { way, target })
    }

    /// Sends a message, trying again as long as the collector's time lasts and it may help.
    pub async fn send(&self, signal: Signal, message: Vec<u8>) -> Result<Taken, Lost> {
        let until = Instant::now() + self.target.timeout;
        let message = self.packed(message)?;
        let mut pause = PAUSE;
        let mut why = Lost::TimedOut;
        loop {
            let try_once = async {
                match &self.way {
                    Way::Http(client) => self.post(client, message.clone()).await,
                    Way::Grpc(grpc) => grpc.call(&self.target, signal, message.clone()).await,
                }
            };
            let failed = match timeout_at(until, try_once).await {
                Ok(Ok(taken)) => return Ok(taken),
                Ok(Err(failed)) => failed,
                Err(_) if why == Lost::TimedOut => return Err(Lost::TimedOut),
                Err(_) => return Err(why),
            };
            why = failed.why;
            let wait = match failed.again {
                Again::Never => return Err(why),
                Again::Soon => pause,
                Again::After(wait) => wait,
            };
            if Instant::now() + wait >= until {
                return Err(why);
            }
            sleep(wait).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// The message as it is sent. gRPC has a compression of its own.
    fn packed(&self, message: Vec<u8>) -> Result<Bytes, Lost> {
        if self.target.compression == Compression::None || self.target.protocol == Protocol::Grpc {
            return Ok(message.into());
        }
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(&message).map_err(|_| Lost::Unmade)?;
        Ok(packer.finish().map_err(|_| Lost::Unmade)?.into())
    }

    async fn post(
        &self,
        client: &Client<Connector, Full<Bytes>>,
        message: Bytes,
    ) -> Result<Taken, Failed> {
        let mut request = Request::post(self.target.url.clone())
            .header(header::CONTENT_TYPE, "application/x-protobuf")
            .header(header::USER_AGENT, USER_AGENT);
        if self.target.compression == Compression::Gzip {
            request = request.header(header::CONTENT_ENCODING, "gzip");
        }
        for (name, value) in self.target.headers.iter() {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(message));
        let request = request.map_err(|_| never(Lost::Unmade))?;
        let answer = client.request(request).await;
        let answer = answer.map_err(|_| soon(Lost::Unreachable))?;
        let status = answer.status();
        if !status.is_success() {
            return Err(refused(status, answer.headers()));
        }
        match Limited::new(answer.into_body(), ANSWER_BYTES_MAX)
            .collect()
            .await
        {
            Ok(body) => Ok(Taken::Answer(body.to_bytes())),
            // It has been taken: sending it again would make two of it.
            Err(_) => Ok(Taken::Odd),
        }
    }
}

/// How collectors know us.
pub(crate) const USER_AGENT: &str = concat!("sallyport-otlp/", env!("CARGO_PKG_VERSION"));

fn never(why: Lost) -> Failed {
    Failed {
        why,
        again: Again::Never,
    }
}

fn soon(why: Lost) -> Failed {
    Failed {
        why,
        again: Again::Soon,
    }
}

/// Which statuses are worth another try is for the specification to say (OTLP/HTTP, "Failures").
fn refused(status: StatusCode, headers: &http::HeaderMap) -> Failed {
    let why = Lost::Status(status.as_u16());
    match status.as_u16() {
        429 | 502 | 503 | 504 => {
            let after = headers.get(header::RETRY_AFTER);
            let seconds = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
            let again = match seconds {
                Some(seconds) => Again::After(Duration::from_secs(seconds)),
                None => Again::Soon,
            };
            Failed { why, again }
        }
        _ => never(why),
    }
}
