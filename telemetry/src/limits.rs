//! What is bounded, and by how much.

use std::time::Duration;

/// Exchanges between those who observe and the thread; it looks every [`LOOK_EVERY`].
pub const RING: usize = 4096;
/// How often the thread looks. It is never woken: that would cost the one who observes.
pub const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How much longer than it was told to the thread may take to stop.
pub const PATIENCE: Duration = Duration::from_secs(1);
/// Bytes, roughly, of all exchanges that wait or are being sent.
pub const HELD_BYTES_MAX: usize = 64 << 20;
/// Bytes, roughly, of the exchanges in one message; collectors take 4 MiB by default.
pub const BATCH_BYTES_MAX: usize = 2 << 20;
/// Messages under way at once, for a collector that is far away.
pub const UNDER_WAY_MAX: usize = 4;
/// Bytes read of what a collector answers.
pub const ANSWER_BYTES_MAX: usize = 64 << 10;
/// Bytes of an attribute's text.
pub const TEXT_BYTES_MAX: usize = 1024;
/// Bytes of an attribute that holds what was said, where `content` asks for it.
pub const CONTENT_BYTES_MAX: usize = 256 << 10;
/// Entries of an attribute that is a list.
pub const LIST_MAX: usize = 32;
/// Labels of findings that have an attribute of their own; the rest is counted together.
pub const LABELS_MAX: usize = 16;
/// Events of a span.
pub const EVENTS_MAX: usize = 64;
/// Values of one attribute of metrics that are told apart; after that it is `other`.
pub const DISTINCT_MAX: usize = 500;
/// Attributes of the resource that settings may add.
pub const RESOURCE_MAX: usize = 64;
/// Most exchanges that settings may let wait.
pub const QUEUE_MAX: usize = 1 << 20;
/// Most spans that settings may put into one message.
pub const BATCH_SPANS_MAX: usize = 8192;
/// Longest that settings may let a span wait.
pub const WAIT_MAX: Duration = Duration::from_secs(60);
/// Shortest time-out.
pub const TIMEOUT_MIN: Duration = Duration::from_millis(10);
/// Longest time-out.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(300);
/// Shortest interval of metrics.
pub const METRICS_MIN: Duration = Duration::from_millis(50);
/// The first pause before another try; each next one is twice as long.
pub const PAUSE: Duration = Duration::from_millis(200);
/// Longest pause between tries, unless the collector asks for a longer one.
pub const PAUSE_MAX: Duration = Duration::from_secs(5);
