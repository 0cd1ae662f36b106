//! Blobs: bytes that hold no words are shortened, everything else stands verbatim.

use sallyport_compress::{Block, Context, Earlier, Kinds, Mode, Plan, StepKind, plan};
use std::time::{Duration, Instant};

const HANDLE: &str = "k3j9x7q2m4n5p6r7";

fn view(text: &str) -> Option<String> {
    let others = StepKind::ALL
        .into_iter()
        .filter(|kind| *kind != StepKind::Blob);
    let earlier = Earlier::default();
    let context = Context {
        mode: Mode::Reversible,
        kinds: others.fold(Kinds::ALL, Kinds::without),
        exact: false,
        earlier: &earlier,
        handle: Some(HANDLE),
    };
    match plan(&Block { text, tool: None }, &context) {
        Plan::Rewrite { text, .. } => Some(text),
        Plan::Keep(_) => None,
    }
}

fn body(text: &str) -> String {
    let view = view(text).expect("rewritten");
    view.split_once('\n').expect("a first line").1.to_owned()
}

/// Bytes without a pattern (xorshift).
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn digest(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..16].to_owned()
}

#[test]
fn base64_keeps_its_ends_its_length_and_a_digest() {
    let run = base64(&noise(900));
    let text = format!("the key is\n{run}\nand that was it");
    let expected = format!(
        "the key is\n{}…[left out: {} bytes of base64, blake3 {}]…{}\nand that was it",
        &run[..24],
        run.len() - 32,
        digest(&run),
        &run[run.len() - 8..]
    );
    assert_eq!(body(&text), expected);
}

#[test]
fn base64_in_lines_is_one_run_also_escaped_in_a_string() {
    let run = base64(&noise(900));
    let lines: Vec<&str> = (0..run.len())
        .step_by(76)
        .map(|at| &run[at..run.len().min(at + 76)])
        .collect();
    let text = body(&format!("attached:\n{}\n-- end", lines.join("\r\n")));
    assert!(
        text.contains("bytes of base64, blake3") && text.ends_with("\n-- end"),
        "{text}"
    );
    let json = format!("{{\"content\":\"{}\\n\",\"size\":900}}", lines.join("\\n"));
    let text = body(&json);
    assert!(
        text.starts_with(&format!("{{\"content\":\"{}…[left out: ", &run[..24])),
        "{text}"
    );
    assert!(text.ends_with("\\n\",\"size\":900}"), "{text}");
    let read: serde_json::Value = serde_json::from_str(&text).expect("still JSON");
    assert_eq!(read["size"], 900);
}

#[test]
fn media_types_are_told() {
    let png: Vec<u8> = [b"\x89PNG\r\n\x1a\n".to_vec(), noise(600)].concat();
    let text = body(&format!(
        "<img src=\"data:image/webp;base64,{}\"> and {}",
        base64(&png),
        base64(&png)
    ));
    assert!(
        text.contains("bytes of base64, image/webp, blake3"),
        "{text}"
    );
    assert!(
        text.contains("bytes of base64, image/png, blake3"),
        "{text}"
    );
    let words = base64(
        "Nothing but words, again and again and again. "
            .repeat(12)
            .as_bytes(),
    );
    assert!(body(&format!("x: {words}")).contains("bytes of base64, text, blake3"));
    let svg = format!(
        "url('data:image/svg+xml,%3Csvg xmlns'); url(\"data:image/svg+xml;utf8,{}\") end",
        "%3Cpath d=%22M0%22/%3E".replace(' ', "%20").repeat(20)
    );
    let text = body(&svg);
    assert!(
        text.contains("bytes of percent-encoding, image/svg+xml, blake3"),
        "{text}"
    );
    assert!(
        text.starts_with("url('data:image/svg+xml,%3Csvg xmlns');") && text.ends_with("\") end"),
        "{text}"
    );
}

#[test]
fn hexadecimal_runs_are_shortened_digests_are_not() {
    let run = hex(&noise(500));
    let text = body(&format!("dump {run} end"));
    assert!(
        text.starts_with(&format!(
            "dump {}…[left out: 968 bytes of hexadecimal digits, blake3 {}]…",
            &run[..24],
            digest(&run)
        )),
        "{text}"
    );
    let digests: String = (0..20)
        .map(|n| format!("{}  file{n}\n", hex(&noise(64))))
        .collect();
    assert_eq!(view(&digests), None);
}

#[test]
fn pem_keeps_its_lines() {
    let run = base64(&noise(700));
    let lines: Vec<&str> = (0..run.len())
        .step_by(64)
        .map(|at| &run[at..run.len().min(at + 64)])
        .collect();
    let pem = format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    );
    let text = body(&format!("issuer: A\n{pem}subject: B\n{pem}"));
    assert_eq!(text.matches("-----BEGIN CERTIFICATE-----\n").count(), 2);
    assert_eq!(text.matches("-----END CERTIFICATE-----\n").count(), 2);
    assert_eq!(
        text.matches("bytes of base64, certificate, blake3").count(),
        2
    );
    assert!(text.contains("issuer: A\n") && text.contains("subject: B\n"));
}

#[test]
fn embeddings_keep_their_ends_and_stay_json() {
    let numbers: Vec<String> = noise(768)
        .iter()
        .enumerate()
        .map(|(n, b)| format!("-0.0{b:03}{n}"))
        .collect();
    let text = body(&format!(
        "{{\"model\": \"m\", \"embedding\": [{}], \"index\": 0}}",
        numbers.join(", ")
    ));
    let read: serde_json::Value = serde_json::from_str(&text).expect("still JSON");
    let list = read["embedding"].as_array().expect("a list");
    assert_eq!(list.len(), 7);
    assert!(
        list[4]
            .as_str()
            .is_some_and(|note| note.starts_with("…[left out: 762 fractions, ")),
        "{text}"
    );
    assert!(text.contains(&numbers[767]) && text.contains(&numbers[3]));
    let ids: Vec<String> = (1000..1400).map(|n: u32| n.to_string()).collect();
    assert_eq!(view(&format!("[{}]", ids.join(","))), None);
}

#[test]
fn minified_code_is_shortened_prose_and_data_are_not() {
    let code = "!function(e,t){var n=e.document;for(var r=0;r<t.length;r++){n.body.appendChild(t[r])}return n}(this,[]);".repeat(40);
    let text = body(&format!(
        "/* banner */\n{code}\n//# sourceMappingURL=a.js.map\n"
    ));
    assert!(
        text.starts_with("/* banner */\n!function(e,t)")
            && text.ends_with("\n//# sourceMappingURL=a.js.map\n"),
        "{text}"
    );
    assert!(text.contains("bytes of minified code, blake3"));
    let styles = ".a{margin:0;padding:1px}.b>.c:hover{color:#fff;background:url(x.png)}".repeat(40);
    assert!(body(&format!("styles:\n{styles}\n")).contains("bytes of minified styles, blake3"));
    let prose = "A long line of prose; it has clauses, and (now and then) marks. ".repeat(60);
    let data: String = (0..200)
        .map(|n| format!("{{\"id\":{n},\"name\":\"n{n}\"}};"))
        .collect();
    assert_eq!(view(&prose), None);
    assert_eq!(view(&format!("rows {data}")), None);
}

#[test]
fn words_paths_and_names_stay() {
    let texts = [
        "supercalifragilisticexpialidocious/".repeat(40),
        "someCamelCaseIdentifierThatGoesOnAndOn".repeat(20),
        "=".repeat(900),
        "/usr/lib/python3/site-packages/package_name/module_name".repeat(20),
        "1234567890".repeat(60),
        "ACTIVE_DIRECTORY_USER_NAME_".repeat(20),
    ];
    for text in texts {
        assert_eq!(view(&text), None, "{text}");
    }
}

#[test]
fn cargo_lock_keeps_names_and_versions() {
    let packages: String = (0..40)
        .map(|n| format!("[[package]]\nname = \"crate-{n}\"\nversion = \"1.{n}.0\"\nsource = \"registry+https://r.example\"\nchecksum = \"{}\"\ndependencies = [\n \"a\",\n]\n\n", hex(&noise(32))))
        .collect();
    let view = view(&format!("# generated\nversion = 4\n\n{packages}")).expect("rewritten");
    assert!(view.starts_with("[compact lock file: 40 packages by name and version, sources, hashes and dependencies left out;"), "{view}");
    assert!(
        view.contains("]\n# generated\nversion = 4\n\ncrate-0 1.0.0\ncrate-1 1.1.0\n"),
        "{view}"
    );
    assert!(view.ends_with("crate-39 1.39.0\n"));
}

#[test]
fn other_locks_keep_names_and_versions() {
    let npm: Vec<String> = (0..20)
        .map(|n| format!("\"node_modules/@s/p{n}\": {{\"version\": \"2.0.{n}\", \"resolved\": \"https://r.example/p{n}.tgz\", \"integrity\": \"sha512-{}\"}}", base64(&noise(64))))
        .collect();
    let text = body(&format!(
        "{{\"name\": \"app\", \"lockfileVersion\": 3, \"packages\": {{{}}}}}",
        npm.join(", ")
    ));
    assert!(
        text.starts_with("@s/p0 2.0.0\n@s/p1 2.0.1\n") && text.ends_with("@s/p19 2.0.19\n"),
        "{text}"
    );
    let yarn: String = (0..20)
        .map(|n| format!("\n\"@t/q{n}@^1.0.0\", \"@t/q{n}@^1.1\":\n  version \"1.{n}.2\"\n  resolved \"https://r.example\"\n  integrity sha512-{}\n", base64(&noise(64))))
        .collect();
    let text = body(&format!("# yarn lockfile v1\n\n{yarn}"));
    assert!(text.starts_with("@t/q0 1.0.2\n@t/q1 1.1.2\n"), "{text}");
    let sum: String = (0..20)
        .map(|n| {
            format!(
                "example.org/m{n} v1.{n}.0 h1:{}\nexample.org/m{n} v1.{n}.0/go.mod h1:{}\n",
                base64(&noise(32)),
                base64(&noise(32))
            )
        })
        .collect();
    assert!(body(&sum).starts_with("example.org/m0 v1.0.0\nexample.org/m1 v1.1.0\n"));
}

#[test]
fn hostile_texts_take_linear_time() {
    let fill = |unit: &str| unit.repeat((7 << 20) / unit.len());
    let hostile = [
        fill("["),
        fill("[1,"),
        fill("[1,2,3],"),
        format!("[{}1]", fill("1,")),
        fill("data:"),
        fill("data:a/b;base64,"),
        fill("-----BEGIN "),
        fill("-----BEGIN A-----\n"),
        fill(&format!("-----BEGIN A-----\n{}\n", "Ab1+".repeat(20))),
        fill(&format!("{}\n", "Ab1+".repeat(20))),
        fill(&format!("{}\n{}\n", "Ab1+".repeat(20), "Ab1+".repeat(21))),
        fill("Ab1+"),
        fill("\\n"),
        fill("\n"),
        fill("{;"),
        fill("[[package]]\n"),
        fill("[[package]]\nname = \"a\"\n"),
        format!("# yarn lockfile v1\n{}", fill("a:\n")),
        format!(
            "{{\"lockfileVersion\":1,\"dependencies\":{}",
            fill("{\"a\":")
        ),
        fill("m v1 h1:x\n"),
    ];
    for text in hostile {
        let begun = Instant::now();
        let _ = view(&text);
        let took = begun.elapsed();
        let head: String = text.chars().take(24).collect();
        assert!(took < Duration::from_secs(20), "{head}: {took:?}");
    }
}
