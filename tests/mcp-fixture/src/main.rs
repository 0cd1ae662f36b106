//! The fixture as a program: `--stdio`, or `--listen ADDRESS` (a free port of the loopback interface if absent), and
//! `--page ENTRIES` for lists that come in pages.

use sallyport_mcp_fixture::{Fixture, Settings, stdio};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let mut settings = Settings::default();
    let mut listen = "127.0.0.1:0".to_owned();
    let mut over_stdio = false;
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let wrong = || std::io::Error::other(format!("{word}: not understood"));
        match (word.as_str(), words.next()) {
            ("--stdio", None) => over_stdio = true,
            ("--listen", Some(address)) => listen = address,
            ("--page", Some(entries)) => settings.page = entries.parse().map_err(|_| wrong())?,
            _ => return Err(wrong()),
        }
    }
    if over_stdio {
        return stdio(settings).await;
    }
    let fixture = Fixture::on(TcpListener::bind(listen).await?, settings)?;
    println!("listening on {}", fixture.url());
    fixture.run().await;
    Ok(())
}
