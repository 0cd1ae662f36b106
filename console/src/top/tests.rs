//! The terminal view, tried without a terminal.

use super::*;
use crate::{Console, History, Request};
use expect_test::expect;
use http::{HeaderMap, Method};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use std::sync::Arc;

#[path = "../../tests/sample/mod.rs"]
mod sample;

const NOW: i64 = 1_795_364_053_000_000_000;

/// A console that answers in this process.
fn console(hostile: bool) -> impl Fn(&str) -> Result<String, String> {
    let history = History::open(None, 1000).expect("a history");
    let mut dice = sample::Dice(5);
    for number in 0..40 {
        let at = NOW - (40 - number as i64) * 20_000_000_000;
        history.observe(Arc::new(sample::exchange(&mut dice, number, at)));
    }
    if hostile {
        history.observe(Arc::new(sample::hostile(500, NOW)));
    }
    history.flush();
    let console = Console::new(Arc::new(history), None).expect("randomness");
    let facts = if hostile {
        sample::hostile_facts()
    } else {
        sample::facts()
    };
    move |target: &str| {
        let request = Request {
            method: &Method::GET,
            target,
            headers: &HeaderMap::new(),
            body: &[],
            peer: None,
            tls: false,
            now_ns: NOW,
        };
        let reply = console.answer(&request, &facts);
        match reply.status {
            200 => Ok(reply.body),
            status => Err(format!("status {status}")),
        }
    }
}

fn fetched(top: &mut Top, fetch: &dyn Fn(&str) -> Result<String, String>) {
    for told in told::fetch_once(fetch, &top.wanted(), true) {
        top.take(told);
    }
}

fn top() -> Top {
    Top::new(Options {
        address: "http://127.0.0.1:9090".into(),
        colours: false,
    })
}

fn drawn(top: &Top, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
    terminal.draw(|frame| top.draw(frame)).expect("drawn");
    let buffer = terminal.backend().buffer().clone();
    let mut out = String::new();
    for y in 0..height {
        let line: String = (0..width)
            .map(|x| buffer[(x, y)].symbol().to_owned())
            .collect();
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn press(top: &mut Top, keys: &str) {
    for c in keys.chars() {
        let code = match c {
            '\n' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            c => KeyCode::Char(c),
        };
        assert_eq!(top.key(code.into()), Step::Stay, "{c}");
    }
}

#[test]
fn a_wide_terminal_shows_everything() {
    let (fetch, mut top) = (console(false), top());
    fetched(&mut top, &fetch);
    let picture = drawn(&top, 140, 24);
    for word in [
        "Exchanges",
        "Rules",
        "Teams",
        "Map",
        "ready",
        "payments / refunds",
        "no-prod-writes",
        "↪ steered",
        "last hour: 40 exchanges",
        "→",
    ] {
        assert!(picture.contains(word), "{word}\n{picture}");
    }
}

#[test]
fn a_narrow_terminal_shows_one_list_at_a_time() {
    let (fetch, mut top) = (console(false), top());
    fetched(&mut top, &fetch);
    expect![[r#"
        Sallyport http://127.0.0.1:9090  ready
        last hour: 40 exchanges, 2 refused, 0 failed, 259k / 13.
         Exchanges ─────────────────────────────────────────────
    "#]]
    .assert_eq(
        &drawn(&top, 56, 10)
            .lines()
            .take(3)
            .map(|line| format!("{line}\n"))
            .collect::<String>(),
    );
    press(&mut top, "\t");
    assert!(drawn(&top, 56, 10).contains("rule, last hour"));
    press(&mut top, "\t");
    assert!(drawn(&top, 56, 10).contains("team, last hour"));
    press(&mut top, "\t\t");
    assert!(drawn(&top, 56, 10).contains(" Exchanges ─"));
}

#[test]
fn any_size_is_drawn_and_nothing_hostile_comes_through() {
    let (fetch, mut top) = (console(true), top());
    fetched(&mut top, &fetch);
    press(&mut top, "\n");
    fetched(&mut top, &fetch);
    let lines = &top.opened.as_ref().expect("opened").lines;
    assert!(
        lines.iter().any(|line| line.contains("\\u{1b}[31mred")),
        "{lines:#?}"
    );
    let unseen = |text: &str| {
        text.chars()
            .any(|c| crate::is_unseen(c) || (c.is_control() && c != '\n'))
    };
    assert!(!lines.iter().any(|line| unseen(line)));
    for opened in [true, false] {
        if !opened {
            assert_eq!(top.key(KeyCode::Esc.into()), Step::Stay);
        }
        for (width, height) in [
            (200, 60),
            (120, 24),
            (119, 24),
            (80, 24),
            (40, 10),
            (20, 5),
            (3, 3),
            (1, 1),
            (0, 0),
        ] {
            for _ in Tab::ALL {
                press(&mut top, if opened { "" } else { "\t" });
                let picture = drawn(&top, width, height);
                assert!(!unseen(&picture), "{width}×{height}\n{picture}");
            }
        }
    }
}

#[test]
fn a_filter_is_typed_and_asked_for() {
    let (fetch, mut top) = (console(false), top());
    fetched(&mut top, &fetch);
    press(&mut top, "/team=payments denied q\n");
    assert_eq!(
        top.wanted().query,
        "?limit=200&team=payments&verdict=denied&q=q"
    );
    assert!(top.exchanges.exchanges.is_empty());
    top.key(KeyCode::Esc.into());
    press(&mut top, "/team=payments allowed\n");
    // An answer to the question before comes too late.
    top.take(Told::Exchanges(
        "?limit=200".into(),
        Exchanges {
            seq: 9,
            ..Exchanges::default()
        },
    ));
    assert_eq!(top.exchanges.seq, 0);
    fetched(&mut top, &fetch);
    assert!(!top.exchanges.exchanges.is_empty());
    assert!(
        top.exchanges
            .exchanges
            .iter()
            .all(|exchange| exchange.team == "payments" && exchange.verdict.as_str() == "allowed")
    );
    press(&mut top, "/\u{202e}\u{1b}");
    assert_eq!(top.typing.as_deref(), Some("team=payments allowed"));
}

#[test]
fn what_is_pointed_at_stays_while_news_comes() {
    let (fetch, mut top) = (console(false), top());
    fetched(&mut top, &fetch);
    press(&mut top, "jj");
    let id = top.at.clone().expect("an id");
    assert_eq!(top.place(), 2);
    let first = top.exchanges.exchanges[0].clone();
    top.exchanges.exchanges.insert(
        0,
        Brief {
            id: "newer".into(),
            ..first
        },
    );
    assert_eq!(
        (top.place(), &top.exchanges.exchanges[top.place()].id),
        (3, &id)
    );
    press(&mut top, "\n");
    assert_eq!(top.wanted().opened.as_ref(), Some(&id));
}

#[test]
fn leaving_and_failing() {
    let mut top = top();
    for told in told::fetch_once(
        &|_| Err("connection refused\u{1b}[2J".into()),
        &top.wanted(),
        true,
    ) {
        top.take(told);
    }
    let picture = drawn(&top, 100, 8);
    assert!(
        picture.contains("connection refused\\u{1b}[2J"),
        "{picture}"
    );
    for told in told::fetch_once(&|_| Ok("<html>".into()), &top.wanted(), false) {
        top.take(told);
    }
    assert!(
        top.error
            .as_ref()
            .is_some_and(|why| why.contains("not understood"))
    );
    assert_eq!(
        top.key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)),
        Step::Quit
    );
    assert_eq!(top.key(KeyCode::Char('q').into()), Step::Quit);
    press(&mut top, "/q\n");
    assert_eq!(top.filter, "q");
}

#[test]
fn colours_are_left_out_where_they_are_not_wanted() {
    let fetch = console(false);
    for colours in [true, false] {
        let mut top = Top::new(Options {
            address: String::new(),
            colours,
        });
        fetched(&mut top, &fetch);
        let mut terminal = Terminal::new(TestBackend::new(140, 30)).expect("a terminal");
        terminal.draw(|frame| top.draw(frame)).expect("drawn");
        let coloured = terminal
            .backend()
            .buffer()
            .content
            .iter()
            .any(|cell| cell.fg != ratatui::style::Color::Reset);
        assert_eq!(coloured, colours);
    }
}
