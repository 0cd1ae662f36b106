//! How many honest lines look disguised, and how fast that is found out:
//! `cargo run --release -p sallyport-normalise --example disguises -- FILE...`.

use sallyport_normalise::disguises;
use std::time::Instant;

fn main() -> std::io::Result<()> {
    let (mut lines, mut disguised, mut bytes, mut seconds) = (0, 0, 0, 0.0);
    for path in std::env::args().skip(1) {
        let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
        let begun = Instant::now();
        let whole = disguises(&text).len();
        seconds += begun.elapsed().as_secs_f64();
        bytes += text.len();
        if whole > 0 {
            println!("{path}: {whole} views of the whole");
        }
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            lines += 1;
            let views = disguises(line);
            disguised += usize::from(!views.is_empty());
            for view in views {
                let shown: String = line.trim().chars().take(100).collect();
                println!("  {:?} {shown}", view.layer());
            }
        }
    }
    println!(
        "{disguised} of {lines} lines, {:.1} MB/s",
        bytes as f64 / seconds / 1e6
    );
    Ok(())
}
