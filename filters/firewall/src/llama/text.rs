//! Text cut into pieces, pieces put together as windows.

use std::ops::Range;

pub use llama_cpp_2::token::LlamaToken as Token;

/// Most bytes of a piece: fine enough to show where an attack stands, coarse enough that tokenising costs little.
const PIECE: usize = 64;

/// A few words of a text, as the model sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Where it stands in the text.
    pub bytes: Range<usize>,
    /// Its tokens; none for what the model does not see (spaces, control characters).
    pub tokens: Vec<Token>,
}

/// How windows are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Most tokens of a window, with all that stands around the text (256 for the model that is shipped).
    pub tokens: usize,
    /// Tokens of text from one window's start to the next one's. At least as many as fit: no overlap.
    pub stride: usize,
    /// Most windows. What lies past the last one's end was not looked at.
    pub limit: usize,
}

/// A stretch of text as one input of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Where it stands in the text.
    pub bytes: Range<usize>,
    pub(super) tokens: Vec<Token>,
}

impl Window {
    /// How many tokens the model reads for it.
    #[must_use]
    pub fn length(&self) -> usize {
        self.tokens.len()
    }
}

/// What stands around the text in every window.
pub(super) struct Frame {
    pub(super) before: Vec<Token>,
    pub(super) after: Vec<Token>,
}

/// Where to cut a text into pieces: before white space, beside ASCII punctuation and Han characters, which are words of
/// their own to WordPiece, so that the pieces' tokens are the whole text's. What has none of them for [`PIECE`] bytes is
/// cut between two characters.
pub(super) fn cuts(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start == text.len() {
            return None;
        }
        let end = if text.len() - start <= PIECE {
            text.len()
        } else {
            let mut places = (start + 1..=start + PIECE)
                .rev()
                .filter(|at| text.is_char_boundary(*at));
            let most = places.next().unwrap_or(text.len());
            std::iter::once(most)
                .chain(places)
                .find(|at| is_soft(text, *at))
                .unwrap_or(most)
        };
        let piece = start..end;
        start = end;
        Some(piece)
    })
}

/// Whether no word goes over this place.
fn is_soft(text: &str, at: usize) -> bool {
    let Some((before, after)) = text.split_at_checked(at) else {
        return false;
    };
    let alone = |c: char| c.is_ascii_punctuation() || matches!(c, '\u{4e00}'..='\u{9fff}');
    after.starts_with(|c: char| c.is_whitespace() || alone(c)) || before.ends_with(alone)
}

/// Puts pieces together as windows, in order, each at most as long as the shape allows.
pub(super) fn windows(pieces: &[Piece], frame: &Frame, shape: Shape) -> Vec<Window> {
    let around = frame.before.len() + frame.after.len();
    let room = shape.tokens.saturating_sub(around).max(1);
    let mut windows = Vec::new();
    let mut start = 0;
    while start < pieces.len() && windows.len() < shape.limit {
        let end = start + reach(&pieces[start..], room).max(1);
        push(&mut windows, &pieces[start..end], frame, room);
        if end == pieces.len() {
            break;
        }
        start += reach(&pieces[start..end], shape.stride).max(1);
    }
    windows.truncate(shape.limit);
    windows
}

/// How many of these pieces have at most `tokens` tokens.
fn reach(pieces: &[Piece], tokens: usize) -> usize {
    let mut sum = 0;
    let fits = pieces.iter().take_while(|piece| {
        sum += piece.tokens.len();
        sum <= tokens
    });
    fits.count()
}

/// Adds these pieces as one window; as more if they are a single piece that is too long for one.
fn push(windows: &mut Vec<Window>, pieces: &[Piece], frame: &Frame, room: usize) {
    let (Some(first), Some(last)) = (pieces.first(), pieces.last()) else {
        return;
    };
    let bytes = first.bytes.start..last.bytes.end;
    let tokens: Vec<Token> = pieces
        .iter()
        .flat_map(|piece| piece.tokens.iter().copied())
        .collect();
    for part in tokens.chunks(room) {
        windows.push(Window {
            bytes: bytes.clone(),
            tokens: [&frame.before, part, &frame.after].concat(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One token a byte that is not a space.
    fn pieces(text: &str) -> Vec<Piece> {
        let piece = |bytes: Range<usize>| Piece {
            tokens: text[bytes.clone()]
                .bytes()
                .filter(|byte| *byte != b' ')
                .map(|byte| Token(byte.into()))
                .collect(),
            bytes,
        };
        cuts(text).map(piece).collect()
    }

    fn frame() -> Frame {
        Frame {
            before: vec![Token(-1); 3],
            after: vec![Token(-2)],
        }
    }

    #[test]
    fn pieces_are_the_whole_text_and_end_between_words() {
        let text =
            "It is said: “drink—me” ".repeat(50) + "日本語の文章をここに置く。".repeat(20).as_str();
        let mut end = 0;
        for cut in cuts(&text) {
            assert_eq!(cut.start, end);
            assert!(cut.len() <= PIECE && !cut.is_empty());
            end = cut.end;
        }
        assert_eq!(end, text.len());
        let words = "alpha beta, gamma".repeat(30);
        for cut in cuts(&words).skip(1) {
            assert!(is_soft(&words, cut.start), "{:?}", &words[cut]);
        }
    }

    #[test]
    fn a_word_without_end_is_cut_between_characters() {
        for c in ["a", "é", "🦀"] {
            let text = c.repeat(1000);
            let cut: Vec<_> = cuts(&text).collect();
            assert!(
                cut.iter()
                    .all(|cut| cut.len() > PIECE - 4 || cut.end == text.len())
            );
            assert_eq!(cut.last().map(|cut| cut.end), Some(text.len()));
        }
    }

    #[test]
    fn windows_overlap_and_leave_no_gap() {
        let text = "word ".repeat(400); // 1600 tokens
        let pieces = pieces(&text);
        let shape = Shape {
            tokens: 256,
            stride: 128,
            limit: 100,
        };
        let windows = windows(&pieces, &frame(), shape);
        assert_eq!(windows[0].bytes.start, 0);
        assert_eq!(
            windows.last().map(|window| window.bytes.end),
            Some(text.len())
        );
        for pair in windows.windows(2) {
            assert!(pair[1].bytes.start > pair[0].bytes.start);
            assert!(
                pair[1].bytes.start < pair[0].bytes.end,
                "a gap after {:?}",
                pair[0].bytes
            );
        }
        for window in &windows {
            assert!(window.length() <= 256);
            assert_eq!(window.tokens[..3], frame().before);
            assert_eq!(window.tokens[window.length() - 1..], frame().after);
            let seen = text[window.bytes.clone()]
                .bytes()
                .filter(|byte| *byte != b' ')
                .count();
            assert_eq!(window.length(), seen + 4, "its bytes are its tokens");
        }
    }

    #[test]
    fn a_stride_longer_than_the_window_leaves_no_gap() {
        let text = "word ".repeat(400);
        let shape = Shape {
            tokens: 128,
            stride: 1000,
            limit: 100,
        };
        let windows = windows(&pieces(&text), &frame(), shape);
        assert!(
            windows
                .windows(2)
                .all(|pair| pair[0].bytes.end == pair[1].bytes.start)
        );
        assert_eq!(
            windows.last().map(|window| window.bytes.end),
            Some(text.len())
        );
    }

    #[test]
    fn the_limit_cuts_the_end_off() {
        let text = "word ".repeat(4000);
        let shape = Shape {
            tokens: 256,
            stride: 192,
            limit: 3,
        };
        let windows = windows(&pieces(&text), &frame(), shape);
        assert_eq!(windows.len(), 3);
        assert!(windows[2].bytes.end < text.len());
    }

    #[test]
    fn a_piece_longer_than_a_window_is_still_seen_whole() {
        let text = "x".repeat(50);
        let shape = Shape {
            tokens: 14,
            stride: 5,
            limit: 100,
        };
        let windows = windows(&pieces(&text), &frame(), shape);
        assert_eq!(
            windows
                .iter()
                .map(|window| window.length() - 4)
                .sum::<usize>(),
            50
        );
        assert!(windows.iter().all(|window| window.length() <= 14));
    }

    #[test]
    fn nothing_to_see_makes_no_window() {
        let shape = Shape {
            tokens: 256,
            stride: 192,
            limit: 8,
        };
        assert_eq!(windows(&pieces(""), &frame(), shape), []);
        assert_eq!(windows(&pieces(&" ".repeat(1000)), &frame(), shape), []);
    }
}
