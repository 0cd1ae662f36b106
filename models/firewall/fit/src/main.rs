//! Fits the n-gram model of the firewall: rows in, `ngram.bin` and `ngram.json` out.
//!
//! `sallyport-firewall-fit --train train.jsonl --dev dev.jsonl --out FOLDER`, or, to measure a model that exists,
//! `sallyport-firewall-fit --model ngram.bin --dev dev.jsonl`. With `--scores FILE` also what it says of each row. A row is `{"text", "channel", "label", "source"}` and
//! whatever else; every label but `benign` is an attack. The same rows give the same bytes.

mod calibrate;
mod learn;
mod measure;
mod rows;

use sallyport_firewall::Ngram;
use std::collections::HashMap;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read()?;
    let dev = rows::read(&options.path("dev")?)?;
    let model = match options.0.get("model") {
        Some(model) => Ngram::from_bytes(&std::fs::read(model)?)?,
        None => fit(&options, &dev)?,
    };
    let report = measure::report(&model, &dev);
    println!("{}", measure::table(&report));
    if options.0.contains_key("scores") {
        std::fs::write(options.path("scores")?, measure::scores(&model, &dev))?;
    }
    if options.0.contains_key("out") {
        let out = options.path("out")?;
        std::fs::create_dir_all(&out)?;
        std::fs::write(out.join("ngram.bin"), model.to_bytes())?;
        let json = serde_json::to_string_pretty(&report)?;
        std::fs::write(out.join("ngram.json"), json + "\n")?;
    }
    Ok(())
}

fn fit(options: &Options, dev: &[rows::Row]) -> Result<Ngram, Box<dyn Error>> {
    let train = rows::read(&options.path("train")?)?;
    let plan = learn::Plan {
        epochs: options.number("epochs", 3.0)? as usize,
        rate: options.number("rate", 0.1)? as f32,
        decay: options.number("decay", 1e-3)? as f32,
        attacks: options.number("attacks", 2.0)? as f32,
    };
    println!(
        "{} rows to train with, {} to measure with",
        train.len(),
        dev.len()
    );
    let fitted = learn::learn(&train, plan);
    let seen = learn::seen(&train);
    Ok(calibrate::calibrate(&fitted, &seen, dev)?)
}

/// `--name value` pairs.
struct Options(HashMap<String, String>);

impl Options {
    fn read() -> Result<Options, String> {
        let mut words = std::env::args().skip(1);
        let mut options = HashMap::new();
        while let Some(word) = words.next() {
            let name = word
                .strip_prefix("--")
                .ok_or(format!("`{word}` is no option"))?;
            let value = words.next().ok_or(format!("`{word}` wants a value"))?;
            options.insert(name.to_owned(), value);
        }
        Ok(Options(options))
    }

    fn path(&self, name: &str) -> Result<PathBuf, String> {
        let path = self
            .0
            .get(name)
            .ok_or(format!("`--{name} PATH` is missing"))?;
        Ok(path.into())
    }

    fn number(&self, name: &str, otherwise: f64) -> Result<f64, String> {
        let value = self.0.get(name).map(|value| value.parse());
        value
            .unwrap_or(Ok(otherwise))
            .map_err(|why| format!("--{name}: {why}"))
    }
}
