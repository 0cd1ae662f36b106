//! The semantic firewall, started as the configuration says.

use crate::config::{Firewall as Config, FirewallModel};
use sallyport_firewall::{
    Digest, Firewall, Limits, Model, Options, Reads, Size, Source, StartError, shipped,
};
use std::time::Duration;
use tokio::runtime::{Handle, RuntimeFlavor};

/// How many times the windows of one text all texts of one body may have.
const BODY_TEXTS: usize = 4;

/// The firewall, if the configuration wants one.
pub fn started(config: &crate::config::Config) -> Result<Option<Firewall>, StartError> {
    config.firewall.as_ref().map(start).transpose()
}

/// Loads the model, checks it, and starts the threads that ask it.
pub fn start(config: &Config) -> Result<Firewall, StartError> {
    let model = config.model.as_ref().map(load).transpose();
    let size = Size {
        contexts: config.contexts,
        threads: config.threads,
        queue: config.queue,
    };
    Firewall::new(Options {
        patterns: config.patterns,
        ngram: config.ngram,
        model: model?.map(|m| (m, size)),
        cache: config.cache,
        limits: limits(config, config.deadline),
        wait,
    })
}

/// What bounds the work for one body, with this deadline.
fn limits(config: &Config, deadline: Duration) -> Limits {
    Limits {
        deadline,
        text_windows: config.windows,
        body_windows: config.queue.min(config.windows * BODY_TEXTS),
    }
}

fn load(model: &FirewallModel) -> Result<Model, StartError> {
    let loaded = match model {
        FirewallModel::Shipped => {
            let digest = shipped::DIGEST.trim().parse::<Digest>();
            let digest = digest.map_err(|why| StartError::BuiltIn(why.to_string()))?;
            let reads = Reads::Classifier { labels: None };
            Model::load(Source::Bytes(shipped::WEIGHTS), &digest, reads)
        }
        FirewallModel::Own {
            file,
            digest,
            reads,
        } => Model::load(Source::File(file), digest, reads.clone()),
    };
    loaded.map_err(StartError::Model)
}

/// Filters are plain functions: while one waits for the model, its thread's other tasks move to another thread.
fn wait(score: &mut dyn FnMut()) {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(score),
        _ => score(),
    }
}
