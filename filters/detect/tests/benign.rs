//! What fires on ordinary agent traffic. Set `SALLYPORT_DATA` to a folder of `.jsonl` files to count it.

use sallyport_detect::Detectors;
use sallyport_exchange::{Author, Filter, Kind, PartId, PartView, Report};
use std::collections::BTreeMap;

#[test]
fn counts_on_ordinary_traffic() {
    let Ok(folder) = std::env::var("SALLYPORT_DATA") else {
        eprintln!("SKIPPED: SALLYPORT_DATA is not set; nothing was counted");
        return;
    };
    let detectors = Detectors::default();
    let show = std::env::var("SALLYPORT_SHOW").unwrap_or_default();
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()).collect();
    files.sort();
    let mut all: BTreeMap<&str, usize> = BTreeMap::new();
    for file in files {
        let Ok(content) = std::fs::read_to_string(&file) else { continue };
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for text in content.lines() {
            let text = &text.replace("\u{b}", "\n");
            let part = PartView { id: PartId(0), kind: Kind::ToolResult, author: Author::Tool, tool: None, text };
            let mut findings = Vec::new();
            detectors.inspect(&part, &mut Report::new(part.id, &mut findings));
            for finding in findings {
                let label = finding.label.as_str();
                *counts.entry(label).or_default() += 1;
                *all.entry(label).or_default() += 1;
                if !show.is_empty() && label.starts_with(&show) && all[label] <= 25 {
                    let found = &text[finding.range.clone()];
                    let before = &text[text.floor_char_boundary(finding.range.start.saturating_sub(30))..finding.range.start];
                    eprintln!("{label} {} …{before}⟦{}⟧", finding.score, &found[..found.floor_char_boundary(120)]);
                }
            }
        }
        println!("{}: {} bytes {counts:?}", file.file_name().unwrap_or_default().to_string_lossy(), content.len());
    }
}
