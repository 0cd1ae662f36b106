//! `sallyport top`: what the console shows, in a terminal.

use super::{Outcome, fail};
use bytes::Bytes;
use clap::Args;
use http::{Request, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use sallyport_console::top::{Options, run};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;
use tokio::net::TcpStream;

/// Bytes of one answer that are read.
const ANSWER_MAX: usize = 16 << 20;
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The variable that holds the operators' token.
const TOKEN: &str = "SALLYPORT_OPERATORS_TOKEN";

/// Which gateway, and how to be let in.
#[derive(Args, Debug)]
pub struct TopArgs {
    /// The operators' listener, `http`
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9090")]
    url: Uri,
    /// A file with the operators' token; unless given, the variable SALLYPORT_OPERATORS_TOKEN
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// Does what was typed.
pub(super) fn top(args: &TopArgs) -> Outcome {
    let broken = |error: String| fail(&error, Outcome::Broken);
    if !std::io::stdout().is_terminal() {
        return broken(
            "this is for a terminal; scripts ask `/api/live` of the operators' listener".into(),
        );
    }
    let gateway = match Gateway::of(args) {
        Ok(gateway) => gateway,
        Err(error) => return broken(error),
    };
    if let Err(error) = gateway.fetch("/api/standing") {
        return broken(error);
    }
    let options = Options {
        address: args.url.to_string(),
        colours: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    match run(move |path: &str| gateway.fetch(path), options) {
        Ok(()) => Outcome::Done,
        Err(error) => broken(format!("the terminal cannot be used: {error}")),
    }
}

/// A gateway's operators' listener.
struct Gateway {
    host: String,
    port: u16,
    token: Option<String>,
    runtime: tokio::runtime::Runtime,
}

impl Gateway {
    fn of(args: &TopArgs) -> Result<Self, String> {
        let (Some("http"), Some(host)) = (args.url.scheme_str(), args.url.host()) else {
            return Err(format!(
                "`{}` is no `http://` address of an operators' listener, such as http://127.0.0.1:9090",
                args.url
            ));
        };
        let token = match &args.token_file {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| format!("`{}` cannot be read: {error}", path.display()))?;
                Some(text.trim().to_owned())
            }
            None => std::env::var(TOKEN).ok().filter(|token| !token.is_empty()),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        Ok(Gateway {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: args.url.port_u16().unwrap_or(80),
            token,
            runtime: runtime.map_err(|error| error.to_string())?,
        })
    }

    fn fetch(&self, path: &str) -> Result<String, String> {
        let asked = async { tokio::time::timeout(PATIENCE, self.ask(path)).await };
        match self.runtime.block_on(asked) {
            Ok(answer) => answer,
            Err(_) => Err("the gateway does not answer in time".into()),
        }
    }

    async fn ask(&self, path: &str) -> Result<String, String> {
        let at = format!("{}:{}", self.host, self.port);
        let socket = TcpStream::connect((self.host.as_str(), self.port)).await;
        let socket = socket.map_err(|error| format!("cannot reach {at}: {error}"))?;
        let told = |error: hyper::Error| format!("{at}: {error}");
        let (mut sender, connection) = handshake(TokioIo::new(socket)).await.map_err(told)?;
        let connection = tokio::spawn(connection);
        let mut request = Request::get(path).header(header::HOST, &at);
        if let Some(token) = &self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let request = request.body(Empty::<Bytes>::new());
        let request = request.map_err(|_| "the token is no word for a header".to_owned())?;
        let answer = sender.send_request(request).await.map_err(told)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_MAX).collect().await;
        connection.abort();
        let body = body.map_err(|error| format!("{at}: {error}"))?.to_bytes();
        match status.as_u16() {
            200 => Ok(String::from_utf8_lossy(&body).into_owned()),
            401 | 403 => Err(format!(
                "{at} wants the operators' token: set {TOKEN}, or give --token-file"
            )),
            status => Err(format!("{at} answered {status}")),
        }
    }
}
