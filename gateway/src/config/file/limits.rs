//! How much is given to others, and how long they are waited for, as it is written.

use crate::config::units::{Size, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How much memory and how many connections are given to others.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LimitsFile {
    /// The largest request body, as sent and as decoded; beyond it the request is refused.
    pub body: Size,
    /// The largest head of a request: its line and headers together.
    pub headers: Size,
    /// How many times larger than it came a compressed body may become.
    pub decoded_ratio: u32,
    /// The largest answer that is read whole; a streamed answer may be longer.
    pub answer: Size,
    /// How much of a streamed answer may be held back while it is judged, such as a long tool call.
    pub stream_hold: Size,
    /// How many connections of agents are served at once; further ones are closed.
    pub connections: u32,
}

/// How long others are waited for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TimeoutsFile {
    /// For an agent to send the head of a request, from its first byte.
    pub request_head: Time,
    /// For an agent to send the whole body of a request.
    pub request_body: Time,
    /// To connect to an upstream, TLS included.
    pub connect: Time,
    /// For an upstream to begin its answer.
    pub answer_head: Time,
    /// For an upstream to send the next piece of an answer.
    pub answer_idle: Time,
    /// For an agent to take the next piece of an answer.
    pub agent_write: Time,
    /// For an agent to send the next request on a connection.
    pub keep_alive: Time,
    /// For load balancers to see that the gateway was told to stop: `/readyz` says no, answers close their connections, and everything is still served. A Kubernetes `preStop` does the same.
    pub notice: Time,
    /// For exchanges in flight to end when the gateway is told to stop.
    pub grace: Time,
    /// For a connection to an upstream to be used again.
    pub upstream_keep_alive: Time,
    /// For a tool server to end an answer, however much it says before that; subscriptions may last longer.
    pub tool_answer: Time,
}

impl Default for LimitsFile {
    fn default() -> Self {
        LimitsFile {
            body: Size::mib(32),
            headers: Size::kib(64),
            decoded_ratio: 100,
            answer: Size::mib(32),
            stream_hold: Size::mib(1),
            connections: 10_000,
        }
    }
}

impl Default for TimeoutsFile {
    fn default() -> Self {
        TimeoutsFile {
            request_head: Time::secs(10),
            request_body: Time::secs(60),
            connect: Time::secs(5),
            answer_head: Time::secs(300),
            answer_idle: Time::secs(300),
            agent_write: Time::secs(30),
            keep_alive: Time::secs(60),
            notice: Time::secs(0),
            grace: Time::secs(30),
            upstream_keep_alive: Time::secs(60),
            tool_answer: Time::secs(3600),
        }
    }
}
