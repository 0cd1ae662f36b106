//! Which lines become rows of a template, and which stand as they are.

use super::column::{self, Common, Source};
use super::template::{self, Pad, Piece, Slots};
use super::{LINES_MIN, spans};
use crate::lines::shape::{NONE, Shapes};
use crate::tokens;
use std::collections::HashSet;

/// Lines of one shape that are rare: they stand as they are.
pub(crate) const RARE_MAX: usize = 3;
/// Lines of one shape that say that something went wrong and still stand as they are; where there are more, the first.
const ALARMS_MAX: u32 = 12;
/// The share of the text, one in so many bytes, that such lines may have in all before they stand by their first alone.
const ALARMS_SHARE: usize = 8;
/// Lines after an alarm that belong to it (a stack trace) and stand with it.
const TRACE_MAX: usize = 60;
/// Templates at most: as many as have names.
const TEMPLATES_MAX: usize = 52 + 52 * 52;
/// Bytes that are looked at before it is decided whether a text is worth the walk.
const SAMPLE: usize = 24 << 10;
/// Of the sample, one byte in so many must be in lines that are alike.
const ALIKE_SHARE: usize = 4;

/// The shapes of a text that has alike lines, which is judged by its beginning and its middle.
pub(super) fn worth<'a>(body: &'a str, end: &'a str) -> Option<Shapes<'a>> {
    if body.bytes().filter(|b| *b == b'\n').take(LINES_MIN).count() + 1 < LINES_MIN {
        return None;
    }
    let all = |text: &'a str| Shapes::of(text, spans(text, end));
    if body.len() <= 2 * SAMPLE {
        return Some(all(body)).filter(alike);
    }
    let sampled = alike(&all(window(body, 0))) || alike(&all(window(body, body.len() / 2)));
    sampled.then(|| all(body))
}

/// Whole lines from `from` on, [`SAMPLE`] bytes or so.
fn window(body: &str, from: usize) -> &str {
    let bytes = body.as_bytes();
    let start = match from {
        0 => 0,
        from => match bytes[from..].iter().position(|b| *b == b'\n') {
            Some(at) => from + at + 1,
            None => return "",
        },
    };
    let most = (start + SAMPLE).min(bytes.len());
    match bytes[start..most].iter().rposition(|b| *b == b'\n') {
        Some(len) => body.get(start..start + len).unwrap_or_default(),
        None => "",
    }
}

/// Whether enough of a text is in lines that are alike.
fn alike(shapes: &Shapes<'_>) -> bool {
    let many = shapes.lines.iter().filter(|line| {
        line.shape != NONE && shapes.shapes[line.shape as usize].lines as usize > RARE_MAX
    });
    let bytes: usize = many.map(|line| (line.end - line.start) as usize).sum();
    bytes * ALIKE_SHARE >= shapes.text.len().max(1)
}

/// A template and where the values of its holes are.
pub(super) struct PickedTemplate {
    pub written: String,
    pub holes: Vec<Source>,
}

/// What becomes of every line.
pub(super) struct Picked {
    /// In the order of their names.
    pub templates: Vec<PickedTemplate>,
    /// For each line its template; [`NONE`]: it stands as it is.
    pub lines: Vec<u32>,
}

impl Picked {
    pub fn of(shapes: &Shapes<'_>) -> Picked {
        let alone = alone(shapes);
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); shapes.shapes.len()];
        for (number, line) in shapes.lines.iter().enumerate() {
            if line.shape != NONE && !alone[number] {
                rows[line.shape as usize].push(number as u32);
            }
        }
        rows.retain(|rows| rows.len() > RARE_MAX);
        rows.sort_by_key(|rows| (std::cmp::Reverse(rows.len()), rows[0]));
        let mut picked = Picked {
            templates: Vec::new(),
            lines: vec![NONE; shapes.lines.len()],
        };
        for rows in rows {
            if picked.templates.len() == TEMPLATES_MAX {
                break;
            }
            picked.add(shapes, &rows);
        }
        picked
    }

    fn add(&mut self, shapes: &Shapes<'_>, rows: &[u32]) {
        let common = column::common(shapes, rows);
        let written = template::write(&common.pieces);
        if !plain(&common.pieces, &written) || !pays(shapes, &common, &written, rows) {
            return;
        }
        let number = self.templates.len() as u32;
        for &row in rows {
            self.lines[row as usize] = number;
        }
        self.templates.push(PickedTemplate {
            written,
            holes: common.holes,
        });
    }
}

/// Whether what is not repeated, words and values, is more than the template and the names of the rows.
fn pays(shapes: &Shapes<'_>, common: &Common, written: &str, rows: &[u32]) -> bool {
    let words: usize = common
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => tokens::estimate(text),
            Piece::Hole(Pad::None) => 0,
            Piece::Hole(_) | Piece::Again(_) | Piece::Column(_) => 1,
        })
        .sum();
    let price = tokens::estimate(written) + rows.len() + 3;
    let mut saved = words * rows.len();
    for hole in &common.holes {
        if saved > price {
            break;
        }
        // A value that came before is said by a mark, or by a name.
        let mut seen: HashSet<&str> = HashSet::new();
        for &row in rows {
            let value = hole.of(shapes, row);
            if !seen.insert(value) {
                saved += tokens::estimate(value).saturating_sub(2);
            }
        }
    }
    saved > price
}

/// Whether the template is read as it was meant: no words of it look like a hole.
fn plain(pieces: &[Piece], written: &str) -> bool {
    Slots::default().read(written).pieces == pieces
}

/// Which lines stand as they are although they are like others: those that say that something went wrong, and what
/// belongs to them; those of the rarest shapes first, as far as the share goes.
fn alone(shapes: &Shapes<'_>) -> Vec<bool> {
    let alarms = shapes.alarms();
    let mut own: Vec<Alarms> = (0..shapes.shapes.len())
        .map(|_| Alarms::default())
        .collect();
    each_alarm(shapes, &alarms, |shape, number, head| {
        let line = &shapes.lines[number];
        own[shape].count += u32::from(head);
        own[shape].bytes += (line.end - line.start) as usize;
    });
    let mut order: Vec<usize> = (0..own.len())
        .filter(|shape| own[*shape].count > 0)
        .collect();
    order.sort_by_key(|shape| (own[*shape].count, shapes.shapes[*shape].first));
    let mut left = shapes.text.len() / ALARMS_SHARE;
    for shape in order {
        let alarms = &mut own[shape];
        let fits = alarms.count <= ALARMS_MAX && alarms.bytes <= left;
        alarms.all = fits || alarms.count as usize <= RARE_MAX;
        left = left.saturating_sub(if alarms.all { alarms.bytes } else { 0 });
    }
    let mut alone = vec![false; alarms.len()];
    let mut stands = false;
    each_alarm(shapes, &alarms, |shape, number, head| {
        let own = &mut own[shape];
        if head {
            stands = own.all || !own.seen;
            own.seen = true;
        }
        alone[number] = stands;
    });
    alone
}

/// The alarms of one shape.
#[derive(Default)]
struct Alarms {
    count: u32,
    /// With the traces that belong to them.
    bytes: usize,
    /// Whether all of them stand; else the first does.
    all: bool,
    seen: bool,
}

/// Every alarm that has a shape, and every line of the trace after it: the alarm's shape, the line, whether it is the
/// alarm itself.
fn each_alarm(shapes: &Shapes<'_>, alarms: &[bool], mut seen: impl FnMut(usize, usize, bool)) {
    let mut of = None;
    let mut trace = 0;
    for (number, line) in shapes.lines.iter().enumerate() {
        if let Some(shape) = of.filter(|_| trace > 0 && continues(shapes.line(number))) {
            trace -= 1;
            seen(shape, number, false);
            continue;
        }
        of = (alarms[number] && line.shape != NONE).then_some(line.shape as usize);
        trace = TRACE_MAX;
        if let Some(shape) = of {
            seen(shape, number, true);
        }
    }
}

/// Whether a line goes on with what the line above says: it is indented, or names a cause.
pub(crate) fn continues(line: &str) -> bool {
    line.starts_with([' ', '\t']) || line.starts_with("Caused by") || line.starts_with("Traceback")
}
