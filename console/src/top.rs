//! `sallyport top`: what the console shows, live in a terminal.
//!
//! [`Top`] is all of it without a terminal: news and keys in, a picture out. [`run`] puts it on one. What is shown comes
//! from the console's JSON, through a function that the caller lends: it knows the address, the token and TLS.

mod told;
mod view;

use crate::api::{Exchanges, MapReply, StandingReply, TeamsReply};
use crate::history::Brief;
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

pub use told::{Told, Wanted};

/// How long a key may wait for the picture.
const BEAT: Duration = Duration::from_millis(100);
/// Characters of a filter.
const FILTER_MAX: usize = 200;

/// How it looks.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// The gateway, as the first line names it.
    pub address: String,
    /// Whether colours are wanted: not where `NO_COLOR` is set.
    pub colours: bool,
}

/// Which list is looked at; all of them where the terminal is wide.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Tab {
    #[default]
    Exchanges,
    Rules,
    Teams,
    Map,
}

impl Tab {
    pub(crate) const ALL: [Tab; 4] = [Tab::Exchanges, Tab::Rules, Tab::Teams, Tab::Map];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Tab::Exchanges => "Exchanges",
            Tab::Rules => "Rules",
            Tab::Teams => "Teams",
            Tab::Map => "Map",
        }
    }
}

/// One exchange that is opened.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Opened {
    pub(crate) id: String,
    /// Lines, once they came.
    pub(crate) lines: Vec<String>,
    pub(crate) scroll: usize,
}

/// What a key leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Go on.
    Stay,
    /// Leave.
    Quit,
}

/// The terminal view, without a terminal.
#[derive(Clone, Debug, Default)]
pub struct Top {
    pub(crate) options: Options,
    pub(crate) exchanges: Exchanges,
    pub(crate) standing: StandingReply,
    pub(crate) teams: Option<TeamsReply>,
    pub(crate) map: MapReply,
    pub(crate) error: Option<String>,
    pub(crate) tab: Tab,
    /// The id of the exchange that is pointed at, so that news does not move it.
    pub(crate) at: Option<String>,
    pub(crate) filter: String,
    /// The filter that is being typed.
    pub(crate) typing: Option<String>,
    pub(crate) opened: Option<Opened>,
    pub(crate) paused: bool,
}

impl Top {
    /// Nothing is known yet.
    pub fn new(options: Options) -> Top {
        Top {
            options,
            ..Top::default()
        }
    }

    /// What should be fetched now.
    pub fn wanted(&self) -> Wanted {
        let missing = self
            .opened
            .as_ref()
            .filter(|opened| opened.lines.is_empty());
        Wanted {
            query: told::query(&self.filter),
            opened: missing.map(|opened| opened.id.clone()),
            paused: self.paused,
        }
    }

    /// Takes in what was fetched.
    pub fn take(&mut self, told: Told) {
        match told {
            Told::Exchanges(query, exchanges) => {
                // An answer to an older question is too late.
                if query == told::query(&self.filter) {
                    self.exchanges = exchanges;
                }
                self.error = None;
            }
            Told::Standing(standing) => self.standing = *standing,
            Told::Teams(teams) => self.teams = Some(teams),
            Told::Map(map) => self.map = map,
            Told::Opened(id, lines) => {
                if let Some(opened) = self.opened.as_mut().filter(|opened| opened.id == id) {
                    opened.lines = lines;
                }
            }
            Told::Failed(why) => self.error = Some(why),
        }
    }

    /// Takes in a key.
    pub fn key(&mut self, key: KeyEvent) -> Step {
        if key.kind == KeyEventKind::Release {
            return Step::Stay;
        }
        let with_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if with_control && matches!(key.code, KeyCode::Char('c')) {
            return Step::Quit;
        }
        if let Some(typed) = self.typing.take() {
            self.typing(typed, key.code);
        } else if self.opened.is_some() {
            self.reading(key.code);
        } else {
            return self.listing(key.code);
        }
        Step::Stay
    }

    fn typing(&mut self, mut typed: String, code: KeyCode) {
        match code {
            KeyCode::Enter => {
                self.filter = typed.trim().to_owned();
                self.at = None;
                self.exchanges = Exchanges::default();
                return;
            }
            KeyCode::Esc => return,
            KeyCode::Backspace => {
                typed.pop();
            }
            KeyCode::Char(c) if !crate::words::is_unseen(c) && typed.len() < FILTER_MAX => {
                typed.push(c)
            }
            _ => {}
        }
        self.typing = Some(typed);
    }

    fn reading(&mut self, code: KeyCode) {
        let Some(opened) = &mut self.opened else {
            return;
        };
        let last = opened.lines.len().saturating_sub(1);
        match code {
            KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') => self.opened = None,
            KeyCode::Down | KeyCode::Char('j') => opened.scroll = (opened.scroll + 1).min(last),
            KeyCode::Up | KeyCode::Char('k') => opened.scroll = opened.scroll.saturating_sub(1),
            KeyCode::PageDown | KeyCode::Char(' ') => {
                opened.scroll = (opened.scroll + 10).min(last)
            }
            KeyCode::PageUp => opened.scroll = opened.scroll.saturating_sub(10),
            KeyCode::Home => opened.scroll = 0,
            _ => {}
        }
    }

    fn listing(&mut self, code: KeyCode) -> Step {
        match code {
            KeyCode::Char('q') => return Step::Quit,
            KeyCode::Char('/') => self.typing = Some(self.filter.clone()),
            KeyCode::Char('p') => self.paused = !self.paused,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Tab | KeyCode::Right => self.turn(1),
            KeyCode::BackTab | KeyCode::Left => self.turn(Tab::ALL.len() - 1),
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::PageDown => self.go(10),
            KeyCode::PageUp => self.go(-10),
            KeyCode::Home => self.at = None,
            KeyCode::Enter => {
                let shown = self.exchanges.exchanges.get(self.place());
                self.opened = shown.map(|exchange| Opened {
                    id: exchange.id.clone(),
                    lines: Vec::new(),
                    scroll: 0,
                });
            }
            _ => {}
        }
        Step::Stay
    }

    fn turn(&mut self, by: usize) {
        let now = Tab::ALL
            .iter()
            .position(|tab| *tab == self.tab)
            .unwrap_or(0);
        self.tab = Tab::ALL[(now + by) % Tab::ALL.len()];
    }

    /// Where in the list the exchange stands that is pointed at.
    pub(crate) fn place(&self) -> usize {
        let found = |id: &String| {
            self.exchanges
                .exchanges
                .iter()
                .position(|exchange: &Brief| exchange.id == *id)
        };
        self.at.as_ref().and_then(found).unwrap_or(0)
    }

    fn go(&mut self, by: isize) {
        let last = self.exchanges.exchanges.len().saturating_sub(1);
        let next = self.place().saturating_add_signed(by).min(last);
        self.at = self
            .exchanges
            .exchanges
            .get(next)
            .map(|exchange| exchange.id.clone());
    }
}

/// Shows it in this terminal until somebody leaves. `fetch` is given a path such as `/api/standing` and gives the body
/// back, or says why not; it is called on a thread of its own and may block.
///
/// # Errors
/// If the terminal cannot be used.
pub fn run<F>(fetch: F, options: Options) -> io::Result<()>
where
    F: Fn(&str) -> Result<String, String> + Send + 'static,
{
    let (wants, wanted) = channel();
    let (tell, told) = channel();
    std::thread::Builder::new()
        .name("top".into())
        .spawn(move || told::fetch_for_ever(&fetch, &wanted, &tell))?;
    let mut terminal = ratatui::try_init()?;
    let mut top = Top::new(options);
    let outcome = (|| {
        loop {
            take_all(&mut top, &told);
            // The fetcher is gone only if it panicked; what is shown then stays as it is.
            let _ = wants.send(top.wanted());
            terminal.draw(|frame| top.draw(frame))?;
            if event::poll(BEAT)?
                && let Event::Key(key) = event::read()?
                && top.key(key) == Step::Quit
            {
                return Ok(());
            }
        }
    })();
    ratatui::try_restore()?;
    outcome
}

fn take_all(top: &mut Top, told: &Receiver<Told>) {
    while let Ok(told) = told.try_recv() {
        top.take(told);
    }
}

#[cfg(test)]
mod tests;
