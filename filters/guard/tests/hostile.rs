//! Whatever a model writes: no panic, findings within the text, and time that grows with the text alone.

use proptest::prelude::*;
use sallyport_exchange::{Author, Filter, Kind, PartId, PartView, Report};
use sallyport_guard::{Guard, fuzz_guard};
use std::time::{Duration, Instant};

/// Far more than any of these takes, far less than a quadratic one would.
const PATIENCE: Duration = Duration::from_secs(8);

fn labels_of(tool: &str, text: &str) -> Vec<(String, f32)> {
    let part = PartView {
        id: PartId(0),
        kind: Kind::ToolCall,
        author: Author::Model,
        tool: Some(tool),
        json: None,
        text,
    };
    let mut findings = Vec::new();
    Guard::default().inspect(&part, &mut Report::new(part.id, &mut findings));
    findings
        .into_iter()
        .map(|f| (f.label.to_string(), f.score))
        .collect()
}

/// Text of about `len` bytes that repeats `unit`.
fn repeated(unit: &str, len: usize) -> String {
    unit.repeat(len / unit.len())
}

#[test]
fn hostile_scripts_take_no_longer_than_they_are_long() {
    let units = [
        "$( ",
        "(",
        "((",
        "`",
        "'",
        "\"",
        "\"$(",
        "${",
        "${a:-",
        "<<E\n",
        "<<E <<F ",
        "<(",
        "{a,",
        "a=$a$a;",
        "a=b$a;",
        "a|",
        "a&&",
        "case a in ",
        "if a;then ",
        "bash -c '",
        "eval \"",
        "$'\\x",
        "\\",
        "\n",
        "a b ",
        "xargs ",
        "sudo ",
        "echo x|base64 -d|",
        "cat f;",
        "echo $a>f;cat f;",
        "[[ ",
        "for i in a;do ",
        "rm -rf $(",
        "/*",
        "a/",
        "find . -exec ",
        "ssh a ",
        "time ",
        "\u{1F4A3}",
        "printf %s%s ",
        "trap 'trap ",
    ];
    for unit in units {
        let text = repeated(unit, 250 << 10);
        let started = Instant::now();
        labels_of("bash", &text);
        assert!(
            started.elapsed() < PATIENCE,
            "{unit:?} took {:?}",
            started.elapsed()
        );
    }
}

#[test]
fn hostile_sql_and_code_take_no_longer_than_they_are_long() {
    let units = [
        "(",
        "select (",
        "1+",
        "drop 1+",
        "delete from a where a=a and ",
        "/*",
        "/*!",
        "--\n",
        "'",
        "\"",
        "$$",
        "$a$",
        ";",
        "drop;",
        "a.",
        "not ",
        "drop table a,",
        "case when ",
        "(select drop ",
        "update a set a=",
        "[",
        "drop[",
        "a::int",
        "e'\\",
        "begin ",
        "with a as (",
        "exec('",
        "execute immediate '",
        "values (1),(",
        "interval ",
        "os.remove(x)\n",
        "c.execute(q)\n",
        "system \"a\"\n",
        "for(",
        "eval(b64decode(",
        "iex(",
    ];
    for unit in units {
        for tool in ["run_sql", "python", "node", "powershell", "mongo", "redis"] {
            let text = repeated(unit, 250 << 10);
            let started = Instant::now();
            labels_of(tool, &text);
            assert!(
                started.elapsed() < PATIENCE,
                "{tool} {unit:?} took {:?}",
                started.elapsed()
            );
        }
    }
}

#[test]
fn what_is_too_long_or_too_deep_is_not_harmless() {
    let long = format!("echo {}", "a".repeat(300 << 10));
    assert_eq!(labels_of("bash", &long), [("action.unparsed".into(), 0.9)]);
    let deep = format!("{}ls{}", "$(".repeat(40), ")".repeat(40));
    assert_eq!(labels_of("bash", &deep)[0].0, "action.unparsed");
    let growing = format!("a=aaaaaaaaaaaaaaaa;{}", "a=$a$a;".repeat(60));
    assert_eq!(labels_of("bash", &growing)[0].0, "action.unparsed");
    let broken = "echo 'never closed";
    assert!(labels_of("bash", broken)[0].1 >= 0.8);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_survived(text in ".{0,400}") {
        fuzz_guard(text.as_bytes());
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        fuzz_guard(&bytes);
    }

    #[test]
    fn any_mix_of_what_matters_is_survived(pieces in proptest::collection::vec(prop::sample::select(vec![
        "rm", " ", "-rf", "/", "$(", ")", "`", "'", "\"", "\\", "${", "}", "<<E", "\n", "E", "|", "&", ";", "sh", "bash -c", "eval", "echo", "base64 -d", "$'", "x72", "é", "\u{1F4A3}",
        "<(", ">", "<<<", "find", "-exec", "xargs", "sudo", "{", ",", "for", "in", "do", "case", "DROP TABLE", "DELETE FROM", "WHERE", "1=1", "/*!", "*/", "--", "$$", "os.system(",
        "[", "]", "(", "unlink", "=", "a", "ssh", "docker exec", "curl", "-d", "@", "iex", "^", "`\n", "printf", "%s", "tr a-z b-y", "{\"command\":\"", "\"}",
    ]), 0..60)) {
        fuzz_guard(pieces.concat().as_bytes());
        fuzz_guard(pieces.join(" ").as_bytes());
    }

    /// Quoting any letters of a command hides nothing.
    #[test]
    fn quoting_hides_nothing(cuts in proptest::collection::vec(0..4usize, 2)) {
        let mut name = String::new();
        for (c, cut) in "rm".chars().zip(cuts) {
            name.push_str(&match cut { 0 => c.to_string(), 1 => format!("'{c}'"), 2 => format!("\"{c}\""), _ => format!("\\{c}") });
        }
        let found = labels_of("bash", &format!("{name} -rf /srv/data"));
        prop_assert!(found.iter().any(|(label, score)| label == "action.delete.files" && *score >= 0.8), "{}", name);
    }
}
