//! JSON through the engine: planned, sent as a string, and given back.

use sallyport_compress::{
    Block, Class, Context, Earlier, Kinds, Mode, Plan, Reason, Step, StepKind, expand, plan,
};

fn planned(text: &str, mode: Mode) -> Plan {
    let context = Context {
        mode,
        kinds: Kinds::ALL,
        exact: false,
        earlier: &Earlier::default(),
        handle: Some("k3j9x7q2m4n5p6r7"),
    };
    plan(&Block { text, tool: None }, &context)
}

fn rows(count: usize) -> String {
    let rows: Vec<String> = (0..count)
        .map(|n| format!("{{\n    \"flight\": \"HAT{n:03}\",\n    \"seats\": {{\"economy\": {n}}},\n    \"origin\": \"JFK\"\n  }}"))
        .collect();
    format!("[\n  {}\n]\n", rows.join(",\n  "))
}

#[test]
fn a_wrapped_list_becomes_a_table_and_comes_back() {
    let inner = serde_json::to_string(&rows(20)).expect("a string");
    let text =
        format!("{{\"content\": [{{\"type\": \"text\", \"text\": {inner}}}], \"isError\": false}}");
    let Plan::Rewrite {
        class,
        steps,
        text: small,
    } = planned(&text, Mode::Lossless)
    else {
        panic!("a form");
    };
    assert_eq!(class, Class::Lossless);
    let kinds: Vec<StepKind> = steps.iter().map(|step| step.kind).collect();
    assert_eq!(kinds, [StepKind::Unwrap, StepKind::Table]);
    assert!(
        small.starts_with("[compact table]\n[:flight seats{economy} origin=JFK\nHAT000 0\n"),
        "{small}"
    );
    let sent: Vec<Step> = steps
        .iter()
        .map(|step| step.to_string().parse().expect("a step"))
        .collect();
    assert_eq!(expand(&small, &sent).as_deref(), Ok(text.as_str()));
    // What came out is not changed again.
    assert_eq!(
        planned(&small, Mode::Reversible),
        Plan::Keep(Reason::Imitates)
    );
}

#[test]
fn a_long_list_is_left_out_only_where_the_original_can_be_had() {
    let text = rows(2000);
    assert_eq!(planned(&text, Mode::Lossless).class(), Class::Lossless);
    let view = planned(&text, Mode::Reversible);
    assert_eq!(view.class(), Class::Reversible);
    assert!(view.text(&text).len() * 50 < text.len());
    assert!(view.text(&text).contains("of 0-1999 left out)"));
}

#[test]
fn two_readers_might_disagree_so_the_original_stays() {
    let twice = format!("{{\"a\": {}, \"a\": 1}}", rows(20));
    // As text it may be made smaller; it is not read as JSON.
    if let Plan::Rewrite { steps, .. } = planned(&twice, Mode::Reversible) {
        let json = [StepKind::Minify, StepKind::Table, StepKind::Elide];
        assert!(
            steps.iter().all(|step| !json.contains(&step.kind)),
            "{steps:?}"
        );
    }
}
