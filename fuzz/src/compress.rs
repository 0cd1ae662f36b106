//! A form decodes to the same bytes, is the same each time, and what is no form is told.

use crate::take;
use sallyport_compress::{
    Block, Class, Context, Earlier, Kinds, Mode, Plan, Step, StepKind, expand, plan,
};

/// Plans a text in both modes after another; then reads it as a form that it is not.
pub fn compress(mut data: &[u8]) {
    let [cut, kind] = take::<2>(&mut data);
    let text = String::from_utf8_lossy(data);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let before = lines[..lines.len() * usize::from(cut) / 256].concat();
    let mut earlier = Earlier::default();
    earlier.add("call_1", Some("bash"), &before);
    let block = Block {
        text: &text,
        tool: Some("bash"),
    };
    for (mode, handle) in [
        (Mode::Lossless, None),
        (Mode::Reversible, Some("abcdefghijklmnop")),
    ] {
        for earlier in [&Earlier::default(), &earlier] {
            let context = Context {
                mode,
                kinds: Kinds::ALL,
                exact: false,
                earlier,
                handle,
            };
            let planned = plan(&block, &context);
            assert_eq!(
                planned,
                plan(&block, &context),
                "the same block, another form"
            );
            let Plan::Rewrite {
                class,
                steps,
                text: small,
            } = planned
            else {
                continue;
            };
            let named = steps.iter().any(|step| step.kind == StepKind::Reference);
            if class == Class::Lossless && !named {
                assert_eq!(expand(&small, &steps).as_deref(), Ok(&*text));
            }
            let written: Vec<Step> = steps
                .iter()
                .filter_map(|step| step.to_string().parse().ok())
                .collect();
            assert_eq!(
                written, steps,
                "a step does not come back as it was written"
            );
        }
    }
    let kind = StepKind::ALL[usize::from(kind) % StepKind::ALL.len()];
    let _ = expand(&text, &[Step::new(kind, before.into_bytes())]);
}
