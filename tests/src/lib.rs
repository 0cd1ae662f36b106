//! What the tests stand on: the real binary on free ports, an upstream that plays any bytes, and clients that send any.
//!
//! ```no_run
//! # async fn example() {
//! use sallyport_tests::{Ask, FakeUpstream, Gateway};
//! let model = FakeUpstream::answers(r#"{"choices": []}"#).await;
//! let gateway = Gateway::new().upstream(&model).start().await;
//! let answer = gateway.ask(Ask::chat("hello")).await;
//! assert_eq!(answer.status, 200);
//! assert_eq!(model.requests().len(), 1);
//! # }
//! ```

mod client;
mod gateway;
pub mod h2;
pub mod mcp;
pub mod sdk;
pub mod trace;
mod upstream;
mod wire;

pub use client::{Answer, Ask, Raw};
pub use gateway::{ALLOW_ALL, BLUE_KEY, Gateway, RED_KEY, Running};
pub use upstream::{FakeUpstream, Received, Step, sse};

/// How long anything in a test may take before it counts as hung.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// Waits for `future`, and says what did not happen if it does not come in time.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: did not happen within {PATIENCE:?}"),
    }
}
