//! Refuses the builds of llama.cpp that would crash.
//!
//! ggml's AMX path crashed on Q8_0 weights (SIGSEGV in `ggml_backend_amx_mul_mat`; why is not known), and ggml takes that
//! path whenever the compiler may use AMX: with `-C target-cpu=native` on such a machine, or with a target-cpu that has it.

/// Processors whose `-march` lets the compiler use AMX.
const WITH_AMX: [&str; 6] = [
    "native",
    "sapphirerapids",
    "emeraldrapids",
    "graniterapids",
    "graniterapids-d",
    "diamondrapids",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for name in ["GGML_AMX_TILE", "GGML_AMX_INT8", "GGML_AMX_BF16"] {
        println!("cargo:rerun-if-env-changed={name}");
        let on = std::env::var(name)
            .is_ok_and(|value| !matches!(value.as_str(), "OFF" | "0" | "FALSE" | "NO"));
        assert!(
            !on,
            "{name} is set: ggml's AMX path crashes on this model. Unset it (see filters/firewall/README.md)."
        );
    }
    let x86 = std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "x86_64");
    let flags = std::env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let cpu = flags
        .split('\x1f')
        .filter_map(|flag| flag.split_once("target-cpu="))
        .map(|(_, cpu)| cpu)
        .next_back();
    if let Some(cpu) = cpu {
        assert!(
            !(x86 && WITH_AMX.contains(&cpu)),
            "target-cpu={cpu} lets ggml take its AMX path, which crashes on this model. \
             Use target-cpu=x86-64-v3 or icelake-server, or see filters/firewall/README.md for AVX-512."
        );
    }
}
