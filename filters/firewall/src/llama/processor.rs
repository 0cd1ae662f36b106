//! Whether this processor can run what llama.cpp was compiled to. Asked before llama.cpp is touched: it would not ask.

use super::LoadError;

/// Whether ggml was compiled with a switch of its cmake, from the environment of the build (`.cargo/config.toml`).
#[cfg(target_arch = "x86_64")]
fn is_on(set: Option<&str>, default: bool) -> bool {
    set.map_or(default, |value| {
        !matches!(value, "OFF" | "0" | "FALSE" | "NO")
    })
}

/// Fails if the processor lacks instructions that this build uses.
#[cfg(target_arch = "x86_64")]
pub(super) fn check() -> Result<(), LoadError> {
    macro_rules! lacks {
        ($switch:literal, $default:literal: $($feature:tt),+) => {
            if is_on(option_env!($switch), $default) {
                [$((!std::arch::is_x86_feature_detected!($feature)).then_some($feature)),+]
            } else {
                [$({ let _ = $feature; None }),+]
            }
        };
    }
    // The defaults are ggml's own: what it takes when nothing is set.
    let lacking: Vec<&str> = [
        &lacks!("GGML_SSE42", true: "sse4.2")[..],
        &lacks!("GGML_AVX", true: "avx"),
        &lacks!("GGML_AVX2", true: "avx2"),
        &lacks!("GGML_FMA", true: "fma"),
        &lacks!("GGML_F16C", true: "f16c"),
        &lacks!("GGML_BMI2", true: "bmi2"),
        &lacks!("GGML_AVX_VNNI", false: "avxvnni"),
        &lacks!("GGML_AVX512", false: "avx512f", "avx512cd", "avx512vl", "avx512dq", "avx512bw"),
        &lacks!("GGML_AVX512_VBMI", false: "avx512vbmi"),
        &lacks!("GGML_AVX512_VNNI", false: "avx512vnni"),
        &lacks!("GGML_AVX512_BF16", false: "avx512bf16"),
    ]
    .concat()
    .into_iter()
    .flatten()
    .collect();
    if lacking.is_empty() {
        return Ok(());
    }
    Err(LoadError::Processor {
        lacks: lacking.join(", "),
    })
}

/// Other processors' builds use what every one of them has.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn check() -> Result<(), LoadError> {
    Ok(())
}
