//! A log or a test run with its alike lines left out: of each kind the first and the last stand.
//!
//! # The form
//!
//! ```text
//! [compact log: 1906 of 2000 lines left out, alike to those that stand; original intact: sallyport_retrieve ref=…]
//! 10:00:01 INFO served /a in 3 ms
//! … 1900 lines like this left out
//! 10:00:02 ERROR cannot open /etc/x: permission denied
//!   at store.rs:12
//! 10:59:59 INFO served /z in 2 ms
//! ```
//!
//! Lines stand whole, verbatim and in their order. After the first line of a kind of which some are left out stands
//! `… N lines like this left out` (`… 1 line like this left out`; `… N blocks like this left out, M lines` where a kind
//! is a line with its stack trace): N is the number that is left out; the first and the last stand. Nothing else is said
//! that the original does not say. Blank lines after a line that is left out go with it, and are counted on the mark
//! alone.
//!
//! What always stands:
//!
//! * every line that is like at most two others, or like at most five others but for a name in one place;
//! * every *distinct* line that says that something went wrong, with its stack trace: of those that differ in nothing
//!   but times, addresses, long numbers and ids all up to [`ALARMS_MAX`], else the first and the last. Only where these
//!   would be more than [`ALARMS_FREE`] bytes and one byte in [`ALARMS_SHARE`] of the text, they are told apart by their
//!   words alone, or else by their templates;
//! * the failure reports of test runners, whole;
//! * lines of less than [`TELLING_MIN`] bytes, and the last [`TAIL`] lines.
//!
//! A text that looks like a program has no such form.

use crate::lines::alarm;
use crate::lines::lex::Kind;
use crate::lines::shape::{NONE, Shapes};
use crate::lines::templates::{RARE_MAX, continues, spans};
use crate::mark;
use std::collections::HashMap;

/// Lines at the end that stand.
const TAIL: usize = 3;
/// Lines of the smallest text that is folded.
const LINES_MIN: usize = 20;
/// Of the lines of a program, more than one in so many ends as statements and blocks do.
const CODE_SHARE: usize = 5;
/// Bytes of the shortest line that is left out: closing brackets and such stand, for they are parts of something.
const TELLING_MIN: usize = 10;
/// Of all lines, and of all bytes, one in so many must go.
const GONE_SHARE: usize = 3;
/// Of the text, one byte in so many may be alarms that differ only a little; beyond, the coarser kinds are taken.
const ALARMS_SHARE: usize = 14;
/// Alarms of one kind that all stand; of more, the first and the last.
const ALARMS_MAX: usize = 5;
/// Lines that differ by a name in one place, and all stand; of more, the first and the last.
const NAMES_MAX: usize = 6;
/// Bytes that alarms may be in any text.
const ALARMS_FREE: usize = 8 << 10;
/// Digits of the longest number that makes two alarms distinct: a status, an exit code, a signal.
const NUMBER_MAX: usize = 3;
/// Digits of the shortest number in base 16 that is told from a word.
const HEX_MIN: usize = 6;
/// What is said where lines are left out.
const LEFT_OUT: &str = "like this left out";

pub(crate) fn view(text: &str, handle: &str) -> Option<String> {
    if text.bytes().filter(|b| *b == b'\n').take(LINES_MIN).count() < LINES_MIN
        || text.contains(LEFT_OUT)
    {
        return None;
    }
    let body = text.strip_suffix('\n').unwrap_or(text);
    let shapes = Shapes::of(body, spans(body, "\n"));
    let records = records(&shapes);
    if is_code(&shapes) {
        return None;
    }
    let kinds = kinds(&shapes, &records);
    let stands = stands(&shapes, &records, &kinds);
    let left_out = stands.iter().zip(&records).filter(|(stands, _)| !**stands);
    let (gone, gone_bytes) = left_out.fold((0, 0), |(lines, all), (_, record)| {
        (lines + record.lines, all + bytes(&shapes, record))
    });
    if gone * GONE_SHARE < shapes.lines.len() || gone_bytes * GONE_SHARE < body.len() {
        return None;
    }
    let said = format!(
        "log: {gone} of {} lines left out, alike to those that stand",
        shapes.lines.len()
    );
    let mut out = mark::reversible(&said, handle);
    write(&shapes, &records, &kinds, &stands, &mut out);
    if !text.ends_with('\n') {
        out.pop();
    }
    Some(out)
}

/// Whether a text looks like a program: nothing of it may be left out, however alike its lines.
fn is_code(shapes: &Shapes<'_>) -> bool {
    let (mut code, mut all) = (0, 0);
    for number in 0..shapes.lines.len() {
        let line = shapes.line(number).trim();
        all += usize::from(!line.is_empty());
        let statement = line.ends_with([';', '{', ',', '(', '[']) || line.starts_with('}');
        code += usize::from(statement && !line.starts_with('{'));
    }
    code * CODE_SHARE > all
}

/// A line, with the stack trace that belongs to it.
struct Record {
    first: usize,
    lines: usize,
    alarm: bool,
    /// In the failure report of a test runner.
    report: bool,
}

fn records(shapes: &Shapes<'_>) -> Vec<Record> {
    let mut records: Vec<Record> = Vec::new();
    let mut report = false;
    let alarms = shapes.alarms();
    // Whether a line can still belong to the record before, and whether one more may close it.
    let (mut open, mut closing) = (false, false);
    for (number, alarm) in alarms.into_iter().enumerate() {
        let line = shapes.line(number);
        report = in_report(line, report);
        let goes_on = open && continues(line);
        let closes = closing && !goes_on && !line.is_empty();
        if let Some(last) = records.last_mut()
            && (goes_on || closes)
        {
            last.lines += 1;
            closing = goes_on && (closing || line.starts_with("Traceback"));
            open = goes_on;
            continue;
        }
        open = alarm;
        closing = line.starts_with("Traceback");
        records.push(Record {
            first: number,
            lines: 1,
            alarm,
            report,
        });
    }
    records
}

/// Whether the line is in a failure report; `before`: whether the one above was.
fn in_report(line: &str, before: bool) -> bool {
    let line = line.trim_end();
    if let Some(title) = line.strip_prefix("==").and_then(|l| l.strip_suffix("==")) {
        let title = title.trim_matches('=').trim();
        return match title.is_empty() {
            true => before,
            false => alarm::says(title) || title.starts_with("short test summary"),
        };
    }
    match line {
        "failures:" => true,
        _ => before && !line.starts_with("test result:") && !line.starts_with("running "),
    }
}

/// The kind of every record, by number as they first come; [`NONE`]: like no other.
struct Kinds {
    of: Vec<u32>,
    all: Vec<KindOf>,
}

/// One kind of record.
struct KindOf {
    first: usize,
    last: usize,
    count: usize,
}

/// By how much two alarms differ that are of two kinds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fineness {
    /// A short number, a word, a path.
    Values,
    /// A word, a path.
    Words,
    /// A word that is no name.
    Freed,
}

/// Kinds by shape; alarms by the finest difference that leaves few enough of them.
fn kinds(shapes: &Shapes<'_>, records: &[Record]) -> Kinds {
    let mut kinds = Kinds::by(shapes, records, Fineness::Values);
    for fineness in [Fineness::Words, Fineness::Freed] {
        let firsts = kinds.all.iter().map(|kind| &records[kind.first]);
        let alarms: usize = firsts
            .filter(|record| record.alarm && !record.report)
            .map(|record| bytes(shapes, record))
            .sum();
        if alarms <= ALARMS_FREE.max(shapes.text.len() / ALARMS_SHARE) {
            break;
        }
        kinds = Kinds::by(shapes, records, fineness);
    }
    kinds
}

impl Kinds {
    fn by(shapes: &Shapes<'_>, records: &[Record], fineness: Fineness) -> Kinds {
        let mut known: HashMap<u64, u32> = HashMap::new();
        let mut kinds = Kinds {
            of: Vec::with_capacity(records.len()),
            all: Vec::new(),
        };
        for (number, record) in records.iter().enumerate() {
            let Some(key) = key(shapes, record, fineness) else {
                kinds.of.push(NONE);
                continue;
            };
            let next = kinds.all.len() as u32;
            let kind = *known.entry(key).or_insert(next);
            if kind == next {
                kinds.all.push(KindOf {
                    first: number,
                    last: number,
                    count: 0,
                });
            }
            let own = &mut kinds.all[kind as usize];
            own.last = number;
            own.count += 1;
            kinds.of.push(kind);
        }
        kinds
    }
}

/// What two records of one kind have in common.
fn key(shapes: &Shapes<'_>, record: &Record, fineness: Fineness) -> Option<u64> {
    let head = &shapes.lines[record.first];
    if head.shape == NONE {
        return None;
    }
    if !record.alarm {
        return Some(u64::from(head.shape));
    }
    // The block's lines by their shapes: another trace is another kind.
    let block = &shapes.lines[record.first..record.first + record.lines];
    let mut key = block.iter().fold(1 << 32, |key: u64, line| {
        let shape = match fineness {
            Fineness::Freed => line.shape,
            _ => line.fine,
        };
        over(key, &shape.to_le_bytes())
    });
    if fineness != Fineness::Freed {
        for atom in shapes.atoms(head).iter().filter(|a| a.kind == Kind::Varied) {
            key = value(key, atom.of(shapes.text).as_bytes(), fineness);
        }
    }
    // Not one of the plain shapes.
    Some(key | 1 << 63)
}

/// What of a value makes two alarms distinct: its letters, and all of a short number; no time, address or counter, and
/// nothing of a number in base 16.
fn value(key: u64, word: &[u8], fineness: Fineness) -> u64 {
    let short = word.len() <= NUMBER_MAX && fineness == Fineness::Values;
    if short && word.iter().all(u8::is_ascii_digit) {
        return over(key, word);
    }
    let hex = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b'-' | b'x' | b':');
    if word.len() >= HEX_MIN && word.iter().all(hex) {
        return over(key, b"#");
    }
    let letters = word.iter().filter(|b| !b.is_ascii_digit());
    letters.fold(over(key, b"#"), |key, byte| over(key, &[*byte]))
}

fn over(key: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(key, |key, byte| {
        (key ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

fn bytes(shapes: &Shapes<'_>, record: &Record) -> usize {
    let last = &shapes.lines[record.first + record.lines - 1];
    (last.end - shapes.lines[record.first].start) as usize
}

/// Which records stand.
fn stands(shapes: &Shapes<'_>, records: &[Record], kinds: &Kinds) -> Vec<bool> {
    let tail = shapes.lines.len().saturating_sub(TAIL);
    let mut stands = Vec::with_capacity(records.len());
    for (number, record) in records.iter().enumerate() {
        let kept = match kinds.of[number] {
            // A blank line goes with what stands above it.
            NONE if shapes.line(record.first).trim().is_empty() => {
                stands.last().copied().unwrap_or(true)
            }
            NONE => true,
            _ if shapes.line(record.first).trim().len() < TELLING_MIN => true,
            kind => {
                let kind = &kinds.all[kind as usize];
                let few = match shapes.lines[record.first].shape {
                    _ if record.alarm => ALARMS_MAX,
                    // Of names that stand in one place, few: each may be an event of its own.
                    shape if !shapes.shapes[shape as usize].freed.is_empty() => NAMES_MAX,
                    _ => RARE_MAX,
                };
                kind.count <= few || number == kind.first || number == kind.last
            }
        };
        stands.push(kept || record.report || record.first + record.lines > tail);
    }
    stands
}

fn write(
    shapes: &Shapes<'_>,
    records: &[Record],
    kinds: &Kinds,
    stands: &[bool],
    out: &mut String,
) {
    let mut gone = vec![(0usize, 0usize); kinds.all.len()];
    for (number, record) in records.iter().enumerate() {
        if !stands[number] && kinds.of[number] != NONE {
            let gone = &mut gone[kinds.of[number] as usize];
            gone.0 += 1;
            gone.1 += record.lines;
        }
    }
    for (number, record) in records.iter().enumerate() {
        if !stands[number] {
            continue;
        }
        for line in record.first..record.first + record.lines {
            out.push_str(shapes.line(line));
            out.push('\n');
        }
        let kind = kinds.of[number];
        if kind == NONE || kinds.all[kind as usize].first != number {
            continue;
        }
        match gone[kind as usize] {
            (0, _) => {}
            (1, 1) => out.push_str(&format!("… 1 line {LEFT_OUT}\n")),
            (count, lines) if count == lines => {
                out.push_str(&format!("… {count} lines {LEFT_OUT}\n"));
            }
            (count, lines) => {
                out.push_str(&format!("… {count} blocks {LEFT_OUT}, {lines} lines\n"));
            }
        }
    }
}
