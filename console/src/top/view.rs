//! The picture.

use super::{Opened, Tab, Top};
use crate::history::{Brief, Edge};
use crate::words::{clock, count, dollars, line, short, took};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Clear, Paragraph, Row, Table, TableState, Wrap};
use sallyport_record::Verdict;

/// From this width on, the lists stand side by side.
const WIDE: u16 = 120;
/// Below this width, only what matters most is in a row.
const NARROW: u16 = 70;

impl Top {
    /// Draws it.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        let [head, body, foot] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Min(0),
            Constraint::Length(1),
        ])
        .areas(frame.area());
        self.head(frame, head);
        if body.width >= WIDE {
            let [list, beside] =
                Layout::horizontal([Constraint::Min(0), Constraint::Length(44)]).areas(body);
            let [rules, teams, map] = Layout::vertical([Constraint::Ratio(1, 3); 3]).areas(beside);
            self.exchanges(frame, list);
            self.rules(frame, rules);
            self.teams(frame, teams);
            self.map(frame, map);
        } else {
            match self.tab {
                Tab::Exchanges => self.exchanges(frame, body),
                Tab::Rules => self.rules(frame, body),
                Tab::Teams => self.teams(frame, body),
                Tab::Map => self.map(frame, body),
            }
        }
        if let Some(opened) = &self.opened {
            self.opened(frame, body, opened);
        }
        self.foot(frame, foot);
    }

    fn colour(&self, colour: Color) -> Style {
        match self.options.colours {
            true => Style::new().fg(colour),
            false => Style::new(),
        }
    }

    fn soft(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    fn verdict(&self, verdict: Verdict) -> Span<'static> {
        let (word, colour) = match verdict {
            Verdict::Allowed => ("✓ allowed", Color::Green),
            Verdict::Redacted => ("◐ redacted", Color::Yellow),
            Verdict::Denied => ("✕ denied", Color::Red),
            Verdict::Steered => ("↪ steered", Color::Blue),
            Verdict::Failed => ("! failed", Color::Magenta),
        };
        Span::styled(word, self.colour(colour))
    }

    fn head(&self, frame: &mut Frame<'_>, area: Rect) {
        let facts = &self.standing.facts;
        let hour = &self.standing.hour;
        let ready = match facts.not_ready.is_empty() {
            true => Span::styled("ready", self.colour(Color::Green)),
            false => Span::styled("not ready", self.colour(Color::Red)),
        };
        let mut first = vec![
            Span::styled("Sallyport ", Style::new().add_modifier(Modifier::BOLD)),
            Span::raw(line(&self.options.address).into_owned()),
            Span::raw("  "),
            ready,
        ];
        if self.paused {
            first.push(Span::styled("  paused", self.colour(Color::Yellow)));
        }
        let errors = [&facts.policies.error, &facts.keys.error];
        if let Some(error) = self
            .error
            .as_ref()
            .or_else(|| errors.into_iter().flatten().next())
        {
            let error = format!("  {}", line(error));
            first.push(Span::styled(error, self.colour(Color::Red)));
        }
        let second = format!(
            "last hour: {} exchanges, {} refused, {} failed, {} / {} tokens, {}, {} saved",
            count(hour.exchanges),
            count(hour.refused),
            count(hour.failed),
            short(hour.tokens_in),
            short(hour.tokens_out),
            dollars(hour.cost_usd),
            short(hour.saved.max(0.0) as u64),
        );
        let lines = vec![Line::from(first), Line::styled(second, self.soft())];
        frame.render_widget(Paragraph::new(lines), area);
    }

    fn foot(&self, frame: &mut Frame<'_>, area: Rect) {
        let words = match (&self.typing, &self.opened) {
            (Some(typed), _) => format!(
                "filter: {typed}▏  team=… agent=… rule=… tool=… denied   Enter takes, Esc leaves"
            ),
            (None, Some(_)) => "↑ ↓ scroll   Esc closes".into(),
            (None, None) => {
                let tab = if area.width >= WIDE {
                    ""
                } else {
                    "   Tab next list"
                };
                let filter = if self.filter.is_empty() {
                    String::new()
                } else {
                    format!("   [{}]", line(&self.filter))
                };
                format!("q quit   / filter   ↑ ↓ Enter open   p pause{tab}{filter}")
            }
        };
        frame.render_widget(Paragraph::new(Span::styled(words, self.soft())), area);
    }

    fn block(&self, tab: Tab) -> Block<'static> {
        Block::new()
            .borders(Borders::TOP)
            .title(format!(" {} ", tab.title()))
            .border_style(self.soft())
    }

    fn exchanges(&self, frame: &mut Frame<'_>, area: Rect) {
        let list = &self.exchanges.exchanges;
        if list.is_empty() {
            let words = if self.filter.is_empty() {
                "No exchange yet."
            } else {
                "No exchange fits."
            };
            frame.render_widget(
                Paragraph::new(words).block(self.block(Tab::Exchanges)),
                area,
            );
            return;
        }
        let narrow = area.width < NARROW;
        let rows = list.iter().map(|exchange| self.exchange(exchange, narrow));
        let widths: &[Constraint] = match narrow {
            true => &[
                Constraint::Length(8),
                Constraint::Length(10),
                Constraint::Fill(1),
                Constraint::Fill(1),
            ],
            false => &[
                Constraint::Length(8),
                Constraint::Length(10),
                Constraint::Length(22),
                Constraint::Fill(3),
                Constraint::Fill(3),
                Constraint::Length(7),
                Constraint::Length(8),
            ],
        };
        let table = Table::new(rows, widths.iter().copied())
            .block(self.block(Tab::Exchanges))
            .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
        let mut state = TableState::new().with_selected(self.place());
        frame.render_stateful_widget(table, area, &mut state);
    }

    fn exchange(&self, exchange: &Brief, narrow: bool) -> Row<'static> {
        let why = why(exchange);
        let agent = match narrow {
            true => line(&exchange.agent).into_owned(),
            false => line(&format!("{} / {}", exchange.team, exchange.agent)).into_owned(),
        };
        let asked = asked(exchange);
        let mut cells = vec![
            Cell::from(clock(exchange.at_ms)),
            Cell::from(self.verdict(exchange.verdict)),
            Cell::from(agent),
        ];
        match narrow {
            true => cells.push(Cell::from(if why.is_empty() { asked } else { why })),
            false => cells.extend([
                Cell::from(asked),
                Cell::from(why),
                Cell::from(exchange.tokens_in.map_or_else(String::new, short)),
                Cell::from(exchange.micros.map_or_else(String::new, took)),
            ]),
        }
        Row::new(cells)
    }

    fn rules(&self, frame: &mut Frame<'_>, area: Rect) {
        let rows = self.standing.rules.iter().map(|rule| {
            let refused = Span::styled(
                count(rule.refused),
                if rule.refused > 0 {
                    self.colour(Color::Red)
                } else {
                    self.soft()
                },
            );
            Row::new([
                Cell::from(line(&rule.rule).into_owned()),
                Cell::from(refused),
                Cell::from(count(rule.spoke)),
            ])
        });
        let table = Table::new(
            rows,
            [
                Constraint::Fill(1),
                Constraint::Length(8),
                Constraint::Length(8),
            ],
        )
        .header(Row::new(["rule, last hour", "refused", "spoke"]).style(self.soft()))
        .block(self.block(Tab::Rules));
        frame.render_widget(table, area);
    }

    fn teams(&self, frame: &mut Frame<'_>, area: Rect) {
        let rows = self.teams.iter().flat_map(|all| &all.teams).map(|team| {
            let sum = &team.sum;
            let name = if team.team.is_empty() {
                "nobody known"
            } else {
                &team.team
            };
            Row::new([
                line(name).into_owned(),
                dollars(sum.cost_usd),
                short(sum.tokens_in.saturating_add(sum.tokens_out)),
                short(sum.exchanges),
            ])
        });
        let widths = [
            Constraint::Fill(1),
            Constraint::Length(9),
            Constraint::Length(8),
            Constraint::Length(8),
        ];
        let table = Table::new(rows, widths)
            .header(Row::new(["team, last hour", "spent", "tokens", "asked"]).style(self.soft()))
            .block(self.block(Tab::Teams));
        frame.render_widget(table, area);
    }

    fn map(&self, frame: &mut Frame<'_>, area: Rect) {
        let rows = self.map.edges.iter().map(|edge: &Edge| {
            let blocked = match edge.blocked {
                0 => Span::raw(""),
                times => Span::styled(format!("✕ {}", short(times)), self.colour(Color::Red)),
            };
            let between = format!("{} → {}", edge.agent, edge.to);
            Row::new([
                Cell::from(line(&between).into_owned()),
                Cell::from(short(edge.count)),
                Cell::from(blocked),
            ])
        });
        let table = Table::new(
            rows,
            [
                Constraint::Fill(1),
                Constraint::Length(7),
                Constraint::Length(7),
            ],
        )
        .header(Row::new(["agent → model or tool", "used", "blocked"]).style(self.soft()))
        .block(self.block(Tab::Map));
        frame.render_widget(table, area);
    }

    fn opened(&self, frame: &mut Frame<'_>, area: Rect, opened: &Opened) {
        let lines: Vec<Line<'_>> = match opened.lines.is_empty() {
            true => vec![Line::from("…")],
            false => opened
                .lines
                .iter()
                .skip(opened.scroll)
                .map(|text| Line::from(text.as_str()))
                .collect(),
        };
        let block = Block::bordered().title(format!(" {} ", line(&opened.id)));
        frame.render_widget(Clear, area);
        frame.render_widget(
            Paragraph::new(lines)
                .wrap(Wrap { trim: false })
                .block(block),
            area,
        );
    }
}

fn asked(exchange: &Brief) -> String {
    let mut asked = exchange.operation.clone();
    for name in exchange
        .model
        .iter()
        .chain(exchange.tools.iter().map(|call| &call.tool))
    {
        asked.push(' ');
        asked.push_str(name);
    }
    line(&asked).into_owned()
}

fn why(exchange: &Brief) -> String {
    let failure = exchange.failure.iter();
    let findings = exchange.findings.keys();
    let quiet = exchange
        .rules
        .iter()
        .filter(|rule| !exchange.refused_by.contains(rule));
    let words: Vec<&str> = exchange
        .refused_by
        .iter()
        .chain(failure)
        .chain(quiet)
        .chain(findings)
        .map(String::as_str)
        .collect();
    line(&words.join(", ")).into_owned()
}
