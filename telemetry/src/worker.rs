//! The thread: from the ring to the collector.

use crate::limits::{BATCH_BYTES_MAX, LOOK_EVERY, UNDER_WAY_MAX};
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::spans::{self, Told};
use crate::standing::Count;
use crate::wire::{Lost, Signal, Taken, Wire};
use crate::{SCOPE, Shared, StartError, weight};
use futures::stream::{FuturesUnordered, StreamExt};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use sallyport_record::Observed;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

/// What the thread runs.
pub(crate) type Work = Box<dyn FnOnce() + Send>;

/// Exchanges taken before anything else is looked after.
const TAKEN_AT_ONCE: usize = 256;
/// Threads for looking up names, which the system may take its time over.
const LOOKUP_THREADS: usize = 2;

/// Makes everything that can fail, so that the one who starts hears of it.
pub(crate) fn prepare(settings: Settings, shared: Arc<Shared>) -> Result<Work, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(LOOKUP_THREADS)
        .build()?;
    let wire = |target: &Option<_>| target.clone().map(Wire::new).transpose();
    let traces = wire(&settings.traces)?.map(Arc::new);
    let metrics = wire(&settings.metrics)?.map(Arc::new);
    Ok(Box::new(move || {
        let worker = Worker::new(settings, shared, traces, metrics);
        runtime.block_on(worker.run());
        // A look-up that hangs must not hang the one who shuts down.
        runtime.shutdown_background();
    }))
}

/// A message on its way.
struct Done {
    what: What,
    result: Result<Taken, Lost>,
}

enum What {
    Spans { count: Count, bytes: usize },
    Metrics,
}

type UnderWay = FuturesUnordered<Pin<Box<dyn Future<Output = Done> + Send>>>;

struct Worker {
    shared: Arc<Shared>,
    told: Told,
    resource: Vec<(String, String)>,
    /// Exchanges whose spans are to be sent.
    waiting: VecDeque<Waiting>,
    waiting_spans: usize,
    under_way: UnderWay,
    traces: Option<Arc<Wire>>,
    metrics: Option<(Arc<Wire>, Metrics)>,
    metrics_under_way: bool,
    metrics_due: Instant,
    settings: Settings,
}

struct Waiting {
    observed: Arc<Observed>,
    spans: usize,
    bytes: usize,
    since: Instant,
}

impl Worker {
    fn new(
        settings: Settings,
        shared: Arc<Shared>,
        traces: Option<Arc<Wire>>,
        metrics: Option<Arc<Wire>>,
    ) -> Self {
        let mut resource = vec![
            ("service.name".to_owned(), settings.service.clone()),
            ("service.version".to_owned(), settings.version.clone()),
            ("service.instance.id".to_owned(), settings.instance.clone()),
        ];
        resource.extend(settings.resource.iter().cloned());
        let metrics = metrics.map(|wire| (wire, Metrics::new(&settings, &resource)));
        Worker {
            shared,
            told: Told::new(&settings),
            resource,
            waiting: VecDeque::new(),
            waiting_spans: 0,
            under_way: FuturesUnordered::new(),
            traces,
            metrics,
            metrics_under_way: false,
            metrics_due: Instant::now() + settings.metrics_every,
            settings,
        }
    }

    async fn run(mut self) {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.shared.closed.load(Ordering::SeqCst) {
            tokio::select! {
                _ = look.tick() => {}
                Some(done) = self.under_way.next(), if !self.under_way.is_empty() => self.settle(done),
            }
            while self.take() && !self.shared.closed.load(Ordering::SeqCst) {
                self.send_spans(false);
                tokio::task::yield_now().await;
            }
            self.send_spans(false);
            if Instant::now() >= self.metrics_due {
                self.metrics_due = Instant::now() + self.settings.metrics_every;
                self.send_metrics();
            }
        }
        self.finish().await;
    }

    /// Sends what waits, until the time that was given is over.
    async fn finish(&mut self) {
        let until = self.shared.until.lock().ok().and_then(|until| *until);
        let until = until.map_or_else(Instant::now, Instant::from_std);
        let mut last_metrics = false;
        loop {
            while self.take() && Instant::now() < until {}
            self.send_spans(true);
            if !last_metrics && !self.metrics_under_way {
                last_metrics = true;
                self.send_metrics();
            }
            if self.under_way.is_empty() {
                break;
            }
            match timeout_at(until, self.under_way.next()).await {
                Ok(Some(done)) => self.settle(done),
                Ok(None) => break,
                Err(_) => {
                    return self
                        .shared
                        .counts
                        .error("stopped before all was sent".into());
                }
            }
        }
    }

    /// Takes some out of the ring: counts it in metrics, and keeps what is to be sent, as far as there is room. Whether
    /// there may be more.
    fn take(&mut self) -> bool {
        for _ in 0..TAKEN_AT_ONCE {
            let Some(observed) = self.shared.ring.pop() else {
                return false;
            };
            if let Some((_, metrics)) = &mut self.metrics {
                metrics.count(&observed);
            }
            let (spans, bytes) = (spans::count(&observed), weight::weight(&observed));
            let count = one(spans);
            let unplaced = if !self.shared.keeps(&observed) {
                &self.shared.counts.unsampled
            } else if self.waiting.len() >= self.settings.queue {
                &self.shared.counts.dropped
            } else {
                self.waiting_spans += spans;
                let since = Instant::now();
                self.waiting.push_back(Waiting {
                    observed,
                    spans,
                    bytes,
                    since,
                });
                continue;
            };
            unplaced.add(count);
            self.shared.let_go(bytes);
        }
        true
    }

    /// Sends batches that are full or have waited long enough, or all if `now`; as many as may be under way.
    fn send_spans(&mut self, now: bool) {
        let Some(wire) = self.traces.clone() else {
            return;
        };
        while self.under_way.len() < UNDER_WAY_MAX {
            let Some(oldest) = self.waiting.front() else {
                return;
            };
            let full = self.waiting_spans >= self.settings.batch_spans;
            if !full && !now && oldest.since.elapsed() < self.settings.batch_wait {
                return;
            }
            let (message, count, bytes) = self.batch();
            let wire = wire.clone();
            self.under_way.push(Box::pin(async move {
                let result = wire.send(Signal::Traces, message).await;
                let what = What::Spans { count, bytes };
                Done { what, result }
            }));
        }
    }

    /// The oldest exchanges that fit into one message. An exchange's spans stay together.
    fn batch(&mut self) -> (Vec<u8>, Count, usize) {
        let mut spans = Vec::with_capacity(self.settings.batch_spans);
        let (mut count, mut bytes) = (Count::default(), 0);
        while let Some(next) = self.waiting.front() {
            let room = spans.len() + next.spans <= self.settings.batch_spans
                && bytes + next.bytes <= BATCH_BYTES_MAX;
            if !room && count.exchanges > 0 {
                break;
            }
            let Some(next) = self.waiting.pop_front() else {
                break;
            };
            self.waiting_spans -= next.spans;
            bytes += next.bytes;
            count.exchanges += 1;
            count.spans += next.spans as u64;
            if let Some(trace) = &next.observed.trace {
                self.told.spans(&next.observed, trace, &mut spans);
            }
        }
        (self.message(spans), count, bytes)
    }

    fn message(&self, spans: Vec<Span>) -> Vec<u8> {
        let mut attributes = spans::Attributes::default();
        for (key, value) in &self.resource {
            attributes.text(key.clone(), value);
        }
        let resource = Resource {
            attributes: attributes.list,
            ..Default::default()
        };
        let scope = InstrumentationScope {
            name: SCOPE.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            ..Default::default()
        };
        let request = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(resource),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope),
                    spans,
                    ..Default::default()
                }],
                ..Default::default()
            }],
        };
        request.encode_to_vec()
    }

    /// Sends the metrics as they are, unless the last ones are still on their way.
    fn send_metrics(&mut self) {
        let Some((wire, metrics)) = &self.metrics else {
            return;
        };
        if self.metrics_under_way {
            return;
        }
        let Some(message) = metrics.message() else {
            return;
        };
        self.metrics_under_way = true;
        let wire = wire.clone();
        self.under_way.push(Box::pin(async move {
            let result = wire.send(Signal::Metrics, message).await;
            let what = What::Metrics;
            Done { what, result }
        }));
    }

    /// Counts what became of a message.
    fn settle(&mut self, done: Done) {
        let counts = &self.shared.counts;
        if let Err(lost) = &done.result {
            counts.error(lost.to_string());
        }
        match done.what {
            What::Spans { count, bytes } => {
                self.shared.let_go(bytes);
                let failed = match done.result {
                    Err(_) => count,
                    Ok(taken) => self.rejected(taken, count),
                };
                counts.failed.add(failed);
                counts.sent.add(Count {
                    exchanges: count.exchanges - failed.exchanges,
                    spans: count.spans - failed.spans,
                });
            }
            What::Metrics => {
                self.metrics_under_way = false;
                let told = match done.result {
                    Ok(taken) => self.metrics_taken(taken),
                    Err(_) => false,
                };
                let tally = match told {
                    true => &counts.metrics_sent,
                    false => &counts.metrics_failed,
                };
                tally.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// What a collector that took a message says it left out of it ("partial success"). Of which exchanges it does not say,
    /// so as many count as failed as there may be.
    fn rejected(&self, taken: Taken, count: Count) -> Count {
        let answer = match &taken {
            Taken::Answer(bytes) => ExportTraceServiceResponse::decode(bytes.clone()).ok(),
            Taken::Odd => None,
        };
        let Some(answer) = answer else {
            self.shared.counts.error(ODD.into());
            return Count::default();
        };
        let rejected = answer.partial_success.map_or(0, |part| part.rejected_spans);
        let rejected = u64::try_from(rejected).unwrap_or_default().min(count.spans);
        if rejected > 0 {
            let text = format!("the collector rejected {rejected} of {} spans", count.spans);
            self.shared.counts.error(text);
        }
        Count {
            exchanges: rejected.min(count.exchanges),
            spans: rejected,
        }
    }

    fn metrics_taken(&self, taken: Taken) -> bool {
        let answer = match &taken {
            Taken::Answer(bytes) => ExportMetricsServiceResponse::decode(bytes.clone()).ok(),
            Taken::Odd => None,
        };
        let Some(answer) = answer else {
            self.shared.counts.error(ODD.into());
            return true;
        };
        let rejected = answer
            .partial_success
            .map_or(0, |part| part.rejected_data_points);
        if rejected > 0 {
            let text = format!("the collector rejected {rejected} points of metrics");
            self.shared.counts.error(text);
        }
        rejected <= 0
    }
}

/// What a collector said "yes" to counts as sent, whatever else it says: some answer in JSON, some with a page.
const ODD: &str = "the collector took a message, but its answer is not OTLP";

fn one(spans: usize) -> Count {
    Count {
        exchanges: 1,
        spans: spans as u64,
    }
}
