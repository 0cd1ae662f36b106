//! What is documented is what is reported.

#[test]
fn every_label_has_a_line_in_the_documentation() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/pinning.md");
    let page = std::fs::read_to_string(page).expect("docs/pinning.md");
    let documented: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `tool.")?.split('`').next())
        .collect();
    let reported: Vec<&str> = sallyport_manifest::labels()
        .iter()
        .filter_map(|(label, _)| label.strip_prefix("tool."))
        .collect();
    assert_eq!(documented, reported);
}
