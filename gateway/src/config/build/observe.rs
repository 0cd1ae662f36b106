//! From what was typed of logs, traces and prices to what it means.

use super::Builder;
use crate::config::file::{AuditFile, HistoryFile, PriceFile, TelemetryFile};
use crate::config::{Audit, History, ModelPrice, ModelPrices, Pattern, Secret, Size, Telemetry};

/// A smaller file of the audit log would be begun with nearly every batch.
const SEGMENT_MIN: Size = Size::kib(64);
/// The shortest password that keeps guessing out, in characters.
const TOKEN_CHARS_MIN: usize = 16;

impl Builder<'_> {
    pub(super) fn telemetry(&mut self, typed: TelemetryFile) -> Telemetry {
        if typed
            .sample
            .is_some_and(|share| !(0.0..=1.0).contains(&share))
        {
            self.wrong(
                &["telemetry", "sample"],
                "`sample` is a share",
                "write a number from 0 to 1",
            );
        }
        if let Some(endpoint) = &typed.endpoint
            && !(endpoint.starts_with("http://") || endpoint.starts_with("https://"))
        {
            self.wrong(
                &["telemetry", "endpoint"],
                "this is no address of a collector",
                "write `http://HOST:4318`, or `http://HOST:4317` with `protocol: grpc`",
            );
        }
        Telemetry {
            endpoint: typed.endpoint,
            protocol: typed.protocol,
            headers: typed.headers.into_iter().collect(),
            ca: typed.ca.as_deref().map(|path| self.path(path)),
            traces: typed.traces,
            metrics: typed.metrics,
            sample: typed.sample,
            content: typed.content,
            resource: typed.resource.into_iter().collect(),
        }
    }

    pub(super) fn audit(&mut self, typed: AuditFile) -> Audit {
        let is_name = |c: char| c.is_ascii_alphanumeric() || "./-_:".contains(c);
        if typed.origin.is_empty() || !typed.origin.chars().all(is_name) {
            self.wrong(
                &["audit", "origin"],
                "this is no name for a log",
                "write letters, digits and `./-_:`, such as `gateway.example.com/audit`",
            );
        }
        if typed.segment_size < SEGMENT_MIN {
            self.wrong(
                &["audit", "segment_size"],
                "the files of the log are too small",
                format!("at least {SEGMENT_MIN}"),
            );
        }
        if typed.keep.is_some_and(|keep| keep.0.is_zero()) {
            self.wrong(
                &["audit", "keep"],
                "`keep` is zero: every record would go at once",
                "write a time such as `90d`, or leave it out",
            );
        }
        Audit {
            folder: self.path(&typed.folder),
            mode: typed.mode,
            on_failure: typed.on_failure,
            origin: typed.origin,
            key_file: typed.key_file.as_deref().map(|path| self.path(path)),
            inputs: typed.inputs,
            segment_size: typed.segment_size.0,
            keep: typed.keep.map(|keep| keep.0),
        }
    }

    pub(super) fn history(&mut self, typed: &HistoryFile) -> Option<History> {
        if typed.enabled && typed.exchanges == 0 {
            self.wrong(
                &["history", "exchanges"],
                "a history of nothing",
                "write at least 1, or `enabled: false`",
            );
        }
        let file = typed.file.as_ref().filter(|path| !path.is_empty());
        typed.enabled.then(|| History {
            file: file.map(|path| self.path(path)),
            exchanges: typed.exchanges as usize,
            content: typed.content,
        })
    }

    pub(super) fn prices(&mut self, typed: &[PriceFile]) -> ModelPrices {
        for (index, price) in typed.iter().enumerate() {
            let index = index.to_string();
            let all = [
                ("input", price.input),
                ("cached", price.cached.unwrap_or(0.0)),
                ("output", price.output),
            ];
            for (name, dollars) in all {
                if !dollars.is_finite() || dollars < 0.0 {
                    self.wrong(
                        &["prices", &index, name],
                        "this is no price",
                        "write US dollars for a million tokens, such as `1.25`",
                    );
                }
            }
        }
        let price = |price: &PriceFile| ModelPrice {
            models: price.models.iter().map(Pattern::new).collect(),
            input: price.input,
            cached: price.cached.unwrap_or(price.input),
            output: price.output,
        };
        ModelPrices(typed.iter().map(price).collect())
    }

    pub(super) fn token(&mut self, typed: Option<Secret>) -> Option<Secret> {
        let token = typed.filter(|token| !token.is_empty())?;
        if token.expose().chars().count() < TOKEN_CHARS_MIN {
            self.wrong(
                &["operators", "token"],
                format!("the token is shorter than {TOKEN_CHARS_MIN} characters"),
                "make one with `openssl rand -hex 32`",
            );
        }
        Some(token)
    }
}
