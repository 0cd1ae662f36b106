//! Loading weights, and cutting text for them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::model::params::LlamaModelParams;
use unicode_normalization::UnicodeNormalization;

use super::gguf::Head;
use super::guard::Asked;
use super::scratch::{CopyError, Scratch};
use super::text::{self, Frame, Piece, Shape, Token, Window};
use super::{Digest, Guard, Label, LoadError, processor};

/// Longest window, in tokens, whatever the model could take: attention grows with its square.
pub(super) const MAX_WINDOW: usize = 512;
/// Longest prompt of a generative guard, in tokens, with the text in it.
pub(super) const MAX_PROMPT: usize = 4096;
/// Most outputs of a classifier.
const MAX_LABELS: u64 = 64;
/// The kinds of encoder that llama.cpp puts a classifier's head on.
const ENCODERS: [&str; 3] = ["bert", "modern-bert", "neo-bert"];

/// Where weights come from.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// A file.
    File(&'a Path),
    /// The program itself.
    Bytes(&'a [u8]),
}

/// What kind of model the weights are, and what its outputs mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reads {
    /// An encoder with one output for each label. `None`: the labels stand in the file and are [`Label`]'s own words.
    Classifier {
        /// What each output means, in order.
        labels: Option<Vec<Label>>,
    },
    /// A decoder that is asked.
    Guard(Guard),
}

/// A loaded model. Clones are the same model.
#[derive(Clone)]
pub struct Model(Arc<Loaded>);

pub(super) struct Loaded {
    pub(super) weights: LlamaModel,
    pub(super) kind: Kind,
    digest: Digest,
    metadata: HashMap<String, String>,
    /// Most tokens of one input.
    pub(super) most: usize,
    /// Whether text is decomposed (NFD) for it. llama.cpp means to do it for WordPiece, but keeps only the first character
    /// of each decomposition: of a Hangul syllable, the first consonant.
    decomposes: bool,
}

pub(super) enum Kind {
    Classifier(Vec<Label>),
    Guard(Asked),
}

/// llama.cpp, started once and silent. Loading and making contexts are not safe beside each other: see [`starting`].
pub(super) fn backend() -> Result<&'static LlamaBackend, LoadError> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    let started = BACKEND.get_or_init(|| {
        let mut backend = LlamaBackend::init().map_err(|why| why.to_string())?;
        backend.void_logs();
        Ok(backend)
    });
    started
        .as_ref()
        .map_err(|why| LoadError::Start { why: why.clone() })
}

/// Held while llama.cpp loads a model or makes a context, both of which write to what they share.
pub(super) fn starting() -> std::sync::MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Model {
    /// Loads weights that have the digest `expected`.
    ///
    /// # Errors
    /// [`LoadError`] says what is wrong and what to do; llama.cpp sees nothing that failed a check.
    pub fn load(source: Source<'_>, expected: &Digest, reads: Reads) -> Result<Model, LoadError> {
        processor::check()?;
        let file = named(source);
        let scratch = copied(source, &file, expected)?;
        let head =
            Head::read(BufReader::new(scratch.file())).map_err(|why| LoadError::NotGguf {
                file: file.clone(),
                why,
            })?;
        let most = input_tokens(&head, &file, &reads)?;
        let labels = match &reads {
            Reads::Classifier { labels } => labels_of(&head, &file, labels.as_deref())?,
            Reads::Guard(_) => Vec::new(),
        };
        let weights = {
            // Read, not mapped: a copy on disk that somebody cuts short would end the process.
            let params = LlamaModelParams::default()
                .with_use_mmap(false)
                .with_n_gpu_layers(0);
            let backend = backend()?;
            let _one = starting();
            LlamaModel::load_from_file(backend, scratch.path(), &params)
                .map_err(|_| LoadError::Refused { file: file.clone() })?
        };
        let kind = match reads {
            Reads::Classifier { .. } => Kind::Classifier(labels),
            Reads::Guard(guard) => Kind::Guard(guard.asked(&weights.vocab())?),
        };
        let decomposes = head.text("tokenizer.ggml.model") == Some("bert")
            && head.number("tokenizer.ggml.normalizer.strip_accents") != Some(0);
        let loaded = Loaded {
            weights,
            kind,
            digest: *expected,
            metadata: head.into_texts(),
            most,
            decomposes,
        };
        loaded.fits(&file)?;
        Ok(Model(Arc::new(loaded)))
    }

    /// The digest of its weights: which version of the model a score is of.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// A key of the file that holds text, for example `sallyport.firewall.thresholds`.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.0.metadata.get(key).map(String::as_str)
    }

    /// Most tokens of one window.
    #[must_use]
    pub fn most_tokens(&self) -> usize {
        self.0.most
    }

    /// Cuts a text into pieces of a few words and gives each its tokens. Nothing is left out, and the time is linear. For a
    /// WordPiece model the pieces' tokens are the whole text's, except within words of more than 64 bytes.
    #[must_use]
    pub fn pieces(&self, text: &str) -> Vec<Piece> {
        let piece = |bytes: std::ops::Range<usize>| Piece {
            tokens: self.0.tokens(&text[bytes.clone()]),
            bytes,
        };
        text::cuts(text).map(piece).collect()
    }

    /// Puts pieces together as windows. `prefix` says whose text it is and stands before each window's text; a guard's
    /// prompt stands in its place. A text in which the model sees nothing (spaces) has no windows. If the last window ends
    /// before the last piece does, [`Shape::limit`] was reached.
    #[must_use]
    pub fn windows(&self, prefix: &str, pieces: &[Piece], shape: Shape) -> Vec<Window> {
        let shape = Shape {
            tokens: shape.tokens.min(self.0.most),
            ..shape
        };
        match &self.0.kind {
            Kind::Guard(asked) => text::windows(pieces, &asked.frame, shape),
            Kind::Classifier(_) => text::windows(pieces, &self.0.frame(prefix), shape),
        }
    }

    pub(super) fn loaded(&self) -> &Loaded {
        &self.0
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Model({})", self.0.digest)
    }
}

impl Loaded {
    /// Text as tokens, without any around it. `[SEP]` and its like in it are text.
    fn tokens(&self, text: &str) -> Vec<Token> {
        let vocab = self.weights.vocab();
        if self.decomposes && !text.is_ascii() {
            let decomposed: String = text.nfd().collect();
            return vocab.tokenize(decomposed.as_bytes(), false, false);
        }
        vocab.tokenize(text.as_bytes(), false, false)
    }

    fn frame(&self, prefix: &str) -> Frame {
        let vocab = self.weights.vocab();
        let mut before = vec![vocab.bos()];
        before.extend(self.tokens(prefix));
        // A prefix is a few words; one that left no room for text would be a mistake of the caller.
        before.truncate(self.most / 2);
        Frame {
            before,
            after: vec![vocab.sep()],
        }
    }

    /// Checks on what llama.cpp made of the file.
    fn fits(&self, file: &str) -> Result<(), LoadError> {
        let foreign = |why: String| LoadError::Foreign {
            file: file.to_owned(),
            why,
        };
        let words = self.weights.vocab().n_tokens();
        let known = |token: Token| (0..words).contains(&token.0);
        match &self.kind {
            Kind::Classifier(labels) => {
                let outputs = self.weights.n_cls_out() as usize;
                if outputs != labels.len() {
                    let why = format!("it has {outputs} outputs for {} labels", labels.len());
                    return Err(foreign(why));
                }
                let vocab = self.weights.vocab();
                if !known(vocab.bos()) || !known(vocab.sep()) {
                    return Err(foreign(
                        "its vocabulary has no [CLS] or no [SEP]".to_owned(),
                    ));
                }
            }
            Kind::Guard(asked) => {
                let around = asked.frame.before.len() + asked.frame.after.len();
                if around > self.most / 2 {
                    let why = "it takes more than half of the tokens that the model reads";
                    return Err(LoadError::Prompt { why });
                }
                if !known(asked.attack) || !known(asked.safe) {
                    return Err(foreign("its vocabulary lacks the answers".to_owned()));
                }
            }
        }
        Ok(())
    }
}

/// How weights are called in errors.
fn named(source: Source<'_>) -> String {
    match source {
        Source::File(path) => path.display().to_string(),
        Source::Bytes(_) => "the weights inside the program".to_owned(),
    }
}

/// A copy of the weights, if they have the digest.
fn copied(source: Source<'_>, file: &str, expected: &Digest) -> Result<Scratch, LoadError> {
    let file = file.to_owned();
    let mut opened;
    let mut bytes;
    let from: &mut dyn Read = match source {
        Source::Bytes(all) => {
            bytes = all;
            &mut bytes
        }
        Source::File(path) => match File::open(path) {
            Ok(open) => {
                opened = open;
                &mut opened
            }
            Err(why) => return Err(LoadError::Read { file, why }),
        },
    };
    match Scratch::copy(from) {
        Ok((scratch, found)) if found == *expected => Ok(scratch),
        Ok((_, found)) => Err(LoadError::Digest {
            file,
            found,
            expected: *expected,
        }),
        Err(CopyError::From(why)) => Err(LoadError::Read { file, why }),
        Err(CopyError::To(why)) => Err(LoadError::Copy { file, why }),
    }
}

/// Most tokens of one input, by the file's own words; fails if it is another kind of model.
fn input_tokens(head: &Head, file: &str, reads: &Reads) -> Result<usize, LoadError> {
    let foreign = |why: String| LoadError::Foreign {
        file: file.to_owned(),
        why,
    };
    let architecture = head
        .text("general.architecture")
        .ok_or_else(|| foreign("it does not name its architecture".to_owned()))?;
    let encoder = ENCODERS.contains(&architecture);
    let (fits, ceiling) = match reads {
        Reads::Classifier { .. } => (encoder, MAX_WINDOW),
        Reads::Guard(_) => (!encoder, MAX_PROMPT),
    };
    if !fits {
        return Err(foreign(format!("its architecture is `{architecture}`")));
    }
    let context = head
        .number(&format!("{architecture}.context_length"))
        .and_then(|tokens| usize::try_from(tokens).ok())
        .filter(|tokens| *tokens >= 16)
        .ok_or_else(|| foreign("it does not say how many tokens it reads".to_owned()))?;
    Ok(context.min(ceiling))
}

/// What a classifier's outputs mean: as configured, or as the file says.
fn labels_of(
    head: &Head,
    file: &str,
    configured: Option<&[Label]>,
) -> Result<Vec<Label>, LoadError> {
    let fault = |why: String| LoadError::Labels {
        file: file.to_owned(),
        why,
    };
    let outputs = match head.shape("cls.output.weight") {
        Some([_, outputs]) if (2..=MAX_LABELS).contains(outputs) => *outputs,
        _ => {
            return Err(LoadError::Foreign {
                file: file.to_owned(),
                why: "it has no classifier's head with two or more outputs (`cls.output.weight`)"
                    .to_owned(),
            });
        }
    };
    let architecture = head.text("general.architecture").unwrap_or_default();
    let names = head
        .texts(&format!("{architecture}.classifier.output_labels"))
        .unwrap_or_default();
    let labels = match configured {
        Some(labels) => labels.to_vec(),
        None => names
            .iter()
            .map(|name| Label::from_word(name))
            .collect::<Option<_>>()
            .ok_or_else(|| fault(format!("its outputs are called {}", names.join(", "))))?,
    };
    if labels.len() as u64 != outputs || names.len() as u64 != outputs {
        let why = format!(
            "it has {outputs} outputs, the file names {}, and {} labels are known",
            names.len(),
            labels.len()
        );
        return Err(fault(why));
    }
    if !labels.contains(&Label::Benign) || labels.iter().all(|label| *label == Label::Benign) {
        return Err(fault(
            "of its outputs, one must be benign and one an attack".to_owned(),
        ));
    }
    Ok(labels)
}
