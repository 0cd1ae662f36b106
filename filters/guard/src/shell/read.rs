//! Reads a shell script into words and operators: one pass, no recursion, never a panic.
//!
//! What is inside `$(…)`, backquotes and here-documents is kept as text; whoever expands a word reads it
//! as a script of its own, one layer deeper. A script that ends within a quote is read to its end and
//! remembered as broken.

/// A piece of a word.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    /// Letters; quoted ones are neither split nor matched against keywords.
    Text { text: String, quoted: bool },
    /// `$name`, `${name…}`: the inside of the braces.
    Variable { inside: String, quoted: bool },
    /// `$(script)`, `` `script` ``.
    Output { script: String, quoted: bool },
    /// `<(script)`, `>(script)`.
    Process { script: String },
}

/// A word: its pieces side by side.
pub(crate) type Word = Vec<Piece>;

/// What a redirection does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Redirect {
    /// `> file`, `>> file`, `>| file`, `&> file`, `<> file`.
    Write(Word),
    /// `< file`.
    Read(Word),
    /// `<<END`: the body as a word, and `<<< word`.
    Here(Word),
    /// `2>&1`.
    Duplicate,
}

/// The next thing in a script.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    Word(Word),
    Redirect(Redirect),
    /// `|`, `|&`.
    Pipe,
    /// Anything that ends a command: `;`, `&`, `&&`, `||`, a newline, `(`, `)`.
    Break,
    End,
}

/// Reads one script.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Where the bodies of this line's here-documents end so far; 0 where the line has none.
    bodies_end: usize,
    /// A quote, a substitution or a here-document was never closed.
    pub(crate) broken: bool,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Reader {
            text,
            at: 0,
            bodies_end: 0,
            broken: false,
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.text
            .as_bytes()
            .get(self.at + ahead)
            .copied()
            .unwrap_or(0)
    }

    fn ended(&self) -> bool {
        self.at >= self.text.len()
    }

    pub(crate) fn token(&mut self) -> Token {
        self.skip_blanks();
        if self.ended() {
            return Token::End;
        }
        match (self.peek(0), self.peek(1)) {
            (b'\n', _) => {
                self.at = match self.bodies_end {
                    0 => self.at + 1,
                    end => end,
                };
                self.bodies_end = 0;
                Token::Break
            }
            (b'<' | b'>', b'(') => Token::Word(self.word()),
            (b'<' | b'>', _) => self.redirect(),
            (b'&', b'>') => {
                self.at += 1;
                self.redirect()
            }
            (b'|', b'|') | (b'&', b'&') => {
                self.at += 2;
                Token::Break
            }
            (b'|', next) => {
                self.at += if next == b'&' { 2 } else { 1 };
                Token::Pipe
            }
            (b';' | b'&' | b'(' | b')', _) => {
                self.at += 1;
                Token::Break
            }
            (b'0'..=b'9', _) if self.numbered() => self.redirect(),
            _ => Token::Word(self.word()),
        }
    }

    fn skip_blanks(&mut self) {
        loop {
            match (self.peek(0), self.peek(1)) {
                (b' ' | b'\t' | b'\r', _) => self.at += 1,
                (b'\\', b'\n') => self.at += 2,
                (b'\\', b'\r') if self.peek(2) == b'\n' => self.at += 3,
                (b'#', _) => {
                    let rest = &self.text[self.at..];
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                _ => return,
            }
        }
    }

    /// Moves past the number of a redirection such as `2>`, if there is one here.
    fn numbered(&mut self) -> bool {
        let digits = self.text[self.at..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        if matches!(self.peek(digits), b'<' | b'>') {
            self.at += digits;
            return true;
        }
        false
    }

    fn redirect(&mut self) -> Token {
        let sign = self.peek(0);
        self.at += 1;
        if sign == b'<' && self.peek(0) == b'<' {
            self.at += 1;
            if self.peek(0) == b'<' {
                self.at += 1;
                self.skip_blanks();
                return Token::Redirect(Redirect::Here(self.word()));
            }
            return self.here_document();
        }
        let both = sign == b'<' && self.peek(0) == b'>';
        if matches!(self.peek(0), b'>' | b'|') {
            self.at += 1;
        }
        if self.peek(0) == b'&' {
            self.at += 1;
            self.skip_blanks();
            let word = self.word();
            let number = |p: &Piece| matches!(p, Piece::Text { text, .. } if text.bytes().all(|b| b.is_ascii_digit() || b == b'-'));
            if word.iter().all(number) {
                return Token::Redirect(Redirect::Duplicate);
            }
            return Token::Redirect(Redirect::Write(word));
        }
        self.skip_blanks();
        let word = self.word();
        Token::Redirect(if sign == b'<' && !both {
            Redirect::Read(word)
        } else {
            Redirect::Write(word)
        })
    }

    fn here_document(&mut self) -> Token {
        let strip = self.peek(0) == b'-';
        self.at += usize::from(strip);
        let Some(delimiter) = Delimiter::read(self.text, &mut self.at, strip) else {
            return Token::Redirect(Redirect::Duplicate);
        };
        let start = match self.bodies_end {
            0 => match self.text[self.at..].find('\n') {
                Some(line) => self.at + line + 1,
                None => self.text.len(),
            },
            end => end,
        };
        let (body, end, closed) = delimiter.body(self.text, start);
        self.bodies_end = end;
        self.broken |= !closed;
        Token::Redirect(Redirect::Here(if delimiter.quoted {
            vec![Piece::Text {
                text: body,
                quoted: true,
            }]
        } else {
            let mut inner = Reader::new(&body);
            let word = inner.quoted(false);
            self.broken |= inner.broken;
            word
        }))
    }

    /// One word, up to a blank or an operator outside quotes. Moves on even where there is no word.
    fn word(&mut self) -> Word {
        let mut word = Word::new();
        let start = self.at;
        while !self.ended() {
            match self.peek(0) {
                b' ' | b'\t' | b'\n' | b'\r' | b';' | b'&' | b'|' | b')' => break,
                b'<' | b'>' if self.peek(1) == b'(' => self.process(&mut word),
                b'<' | b'>' => break,
                b'(' if assigns(&word) => self.array(&mut word),
                b'(' => break,
                b'\'' => {
                    let inside = self.until_quote(1);
                    push(&mut word, &inside, true);
                }
                b'"' => {
                    self.at += 1;
                    if word.is_empty() {
                        push(&mut word, "", true);
                    }
                    let inside = self.quoted(true);
                    word.extend(inside);
                }
                b'\\' if self.peek(1) == b'\n' => self.at += 2,
                b'\\' => {
                    self.at += 1;
                    let taken = self.take_char();
                    push(&mut word, taken, true);
                }
                b'$' | b'`' => self.dollar(&mut word, false),
                _ => {
                    let taken = self.take_char();
                    push(&mut word, taken, false);
                }
            }
        }
        if self.at == start && !self.ended() && !matches!(self.peek(0), b'\n' | b';' | b'|' | b'&')
        {
            self.take_char();
        }
        word
    }

    fn take_char(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let len = rest.chars().next().map_or(0, char::len_utf8);
        self.at += len;
        &rest[..len]
    }

    /// What stands between single quotes; `opening` bytes come before it.
    fn until_quote(&mut self, opening: usize) -> String {
        let rest = &self.text[self.at + opening..];
        let len = rest.find('\'');
        self.broken |= len.is_none();
        let inside = &rest[..len.unwrap_or(rest.len())];
        self.at = (self.at + opening + inside.len() + 1).min(self.text.len());
        inside.into()
    }

    /// Text in which only `$`, backquotes and backslashes mean something: to the closing quote, or to the end.
    fn quoted(&mut self, to_quote: bool) -> Word {
        let mut word = Word::new();
        while !self.ended() {
            match self.peek(0) {
                b'"' if to_quote => {
                    self.at += 1;
                    return word;
                }
                b'\\' if self.peek(1) == b'\n' => self.at += 2,
                b'\\'
                    if matches!(self.peek(1), b'$' | b'`' | b'\\')
                        || (to_quote && self.peek(1) == b'"') =>
                {
                    self.at += 1;
                    let taken = self.take_char();
                    push(&mut word, taken, true);
                }
                b'$' | b'`' => self.dollar(&mut word, true),
                _ => {
                    let taken = self.take_char();
                    push(&mut word, taken, true);
                }
            }
        }
        self.broken |= to_quote;
        word
    }

    /// `$…` or a backquote.
    fn dollar(&mut self, word: &mut Word, quoted: bool) {
        let rest = &self.text[self.at..];
        match (self.peek(0), self.peek(1)) {
            (b'`', _) => {
                let script = self.backquoted();
                word.push(Piece::Output { script, quoted });
            }
            (_, b'(') => {
                let script = self.enclosed(2, Nest::Paren);
                match script.strip_prefix('(') {
                    Some(sum) if !sum.contains("$(") && !sum.contains('`') => {
                        push(word, "0", quoted)
                    }
                    _ => word.push(Piece::Output { script, quoted }),
                }
            }
            (_, b'{') => {
                let inside = self.enclosed(2, Nest::Brace);
                word.push(Piece::Variable { inside, quoted });
            }
            (_, b'\'') if !quoted => {
                let raw = self.ansi();
                push(word, &unescaped(&raw), true);
            }
            (_, b'"') if !quoted => self.at += 1,
            (_, first) if first.is_ascii_alphabetic() || first == b'_' => {
                let len = rest[1..]
                    .bytes()
                    .take_while(|b| b.is_ascii_alphanumeric() || *b == b'_')
                    .count();
                self.at += 1 + len;
                let inside = rest[1..=len].into();
                word.push(Piece::Variable { inside, quoted });
            }
            (_, first) if first.is_ascii_digit() || b"@*#?$!-".contains(&first) => {
                self.at += 2;
                let inside = rest[1..2].into();
                word.push(Piece::Variable { inside, quoted });
            }
            _ => {
                self.at += 1;
                push(word, "$", quoted);
            }
        }
    }

    fn backquoted(&mut self) -> String {
        let mut script = String::new();
        self.at += 1;
        while !self.ended() {
            match self.peek(0) {
                b'`' => {
                    self.at += 1;
                    return script;
                }
                b'\\' if matches!(self.peek(1), b'$' | b'`' | b'\\') => {
                    self.at += 1;
                    script.push_str(self.take_char());
                }
                _ => script.push_str(self.take_char()),
            }
        }
        self.broken = true;
        script
    }

    /// What stands between here, `opening` bytes on, and the bracket that closes it.
    fn enclosed(&mut self, opening: usize, nest: Nest) -> String {
        let start = (self.at + opening).min(self.text.len());
        let end = closing(self.text, start, nest);
        self.broken |= end.is_none();
        let end = end.unwrap_or(self.text.len());
        self.at = (end + 1).min(self.text.len());
        self.text[start..end].into()
    }

    fn process(&mut self, word: &mut Word) {
        let script = self.enclosed(2, Nest::Paren);
        word.push(Piece::Process { script });
    }

    /// `name=(a b c)`: the elements, as text.
    fn array(&mut self, word: &mut Word) {
        let inside = self.enclosed(1, Nest::Paren);
        let mut inner = Reader::new(&inside);
        let mut first = true;
        while let Token::Word(element) = inner.token() {
            if !first {
                push(word, " ", true);
            }
            first = false;
            word.extend(element);
        }
    }

    /// The raw inside of `$'…'`.
    fn ansi(&mut self) -> String {
        let start = self.at + 2;
        self.at = start;
        while !self.ended() {
            match self.peek(0) {
                b'\'' => {
                    let inside = self.text[start..self.at].into();
                    self.at += 1;
                    return inside;
                }
                b'\\' => {
                    self.at += 1;
                    self.take_char();
                }
                _ => drop(self.take_char()),
            }
        }
        self.broken = true;
        self.text[start.min(self.text.len())..].into()
    }
}

/// Adds letters to the last piece of a word, or as a new one.
fn push(word: &mut Word, more: &str, is_quoted: bool) {
    match word.last_mut() {
        Some(Piece::Text { text, quoted }) if *quoted == is_quoted => text.push_str(more),
        _ => word.push(Piece::Text {
            text: more.into(),
            quoted: is_quoted,
        }),
    }
}

fn assigns(word: &Word) -> bool {
    matches!(word.as_slice(), [Piece::Text { text, quoted: false }] if text.ends_with('='))
}

/// The end of a here-document.
#[derive(Debug)]
struct Delimiter {
    word: String,
    quoted: bool,
    strip: bool,
}

impl Delimiter {
    /// Reads the word after `<<`.
    fn read(text: &str, at: &mut usize, strip: bool) -> Option<Delimiter> {
        let rest = text[*at..].trim_start_matches([' ', '\t']);
        *at = text.len() - rest.len();
        let mut word = String::new();
        let mut quoted = false;
        let mut quote = None;
        for c in rest.chars() {
            match (c, quote) {
                ('\n', _) => break,
                (c, Some(open)) if c == open => quote = None,
                ('\'' | '"', None) => (quote, quoted) = (Some(c), true),
                ('\\', _) => quoted = true,
                (c, None) if c.is_whitespace() || ";&|<>()".contains(c) => break,
                (c, _) => word.push(c),
            }
            *at += c.len_utf8();
        }
        (!word.is_empty() || quoted).then_some(Delimiter {
            word,
            quoted,
            strip,
        })
    }

    /// The body that begins at `start`; where what follows it begins; and whether it was closed.
    fn body(&self, text: &str, start: usize) -> (String, usize, bool) {
        let mut body = String::new();
        let mut at = start;
        for line in text[start..].split_inclusive('\n') {
            at += line.len();
            let bare = line.trim_end_matches(['\n', '\r']);
            let bare = if self.strip {
                bare.trim_start_matches('\t')
            } else {
                bare
            };
            if bare == self.word {
                return (body, at, true);
            }
            body.push_str(if self.strip {
                line.trim_start_matches('\t')
            } else {
                line
            });
        }
        (body, text.len(), false)
    }
}

/// What is open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Nest {
    Paren,
    Brace,
    Double,
}

/// Where what is open at `from` is closed. Linear; quotes, nested brackets, comments and here-documents count.
fn closing(text: &str, from: usize, nest: Nest) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut open = vec![nest];
    let mut bodies: Vec<Delimiter> = Vec::new();
    let mut at = from;
    while at < bytes.len() {
        let top = *open.last()?;
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        let mut step = 1;
        match (top, bytes[at]) {
            (_, b'\\') => step = 2,
            (_, b'$') if next == b'(' => (step, _) = (2, open.push(Nest::Paren)),
            (_, b'$') if next == b'{' => (step, _) = (2, open.push(Nest::Brace)),
            (_, b'`') => step = 2 + text.get(at + 1..)?.find('`')?,
            (Nest::Double, b'"') | (Nest::Paren, b')') | (Nest::Brace, b'}') => {
                open.pop();
                if open.is_empty() {
                    return Some(at);
                }
            }
            (Nest::Double, _) => {}
            (_, b'"') => open.push(Nest::Double),
            (_, b'$') if next == b'\'' => step = 3 + ansi_len(bytes, at + 2)?,
            (_, b'\'') => step = 2 + text.get(at + 1..)?.find('\'')?,
            (Nest::Paren, b'(') => open.push(Nest::Paren),
            (Nest::Paren, b'#') if at == from || bytes[at - 1].is_ascii_whitespace() => {
                step = text.get(at..)?.find('\n')?;
            }
            (Nest::Paren, b'<') if text.get(at..)?.starts_with("<<<") => step = 3,
            (Nest::Paren, b'<') if next == b'<' => {
                let strip = bytes.get(at + 2) == Some(&b'-');
                let mut after = at + 2 + usize::from(strip);
                bodies.extend(Delimiter::read(text, &mut after, strip));
                step = after - at;
            }
            (Nest::Paren, b'\n') => {
                let mut end = at + 1;
                for delimiter in bodies.drain(..) {
                    end = delimiter.body(text, end).1;
                }
                step = end - at;
            }
            _ => {}
        }
        at += step;
    }
    None
}

/// How many bytes there are before the quote that closes `$'…'`.
fn ansi_len(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'\'' => return Some(at - from),
            _ => at += 1,
        }
    }
    None
}

/// Undoes the escapes of `$'…'`, `printf` and `echo -e`.
pub(crate) fn unescaped(raw: &str) -> String {
    let mut out: Vec<u8> = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(stop) = rest.find('\\') {
        out.extend(&rest.as_bytes()[..stop]);
        rest = &rest[stop + 1..];
        let digits = |from: usize, most: usize, radix: u32| {
            let len = rest.get(from..).map_or(0, |rest| {
                rest.bytes()
                    .take(most)
                    .take_while(|b| char::from(*b).is_digit(radix))
                    .count()
            });
            let value = rest
                .get(from..from + len)
                .and_then(|d| u32::from_str_radix(d, radix).ok());
            value.map(|value| (value, from + len))
        };
        let first = rest.bytes().next().unwrap_or(b'\\');
        let taken = match first {
            b'x' => digits(1, 2, 16),
            b'u' => digits(1, 4, 16),
            b'U' => digits(1, 8, 16),
            b'0'..=b'7' => digits(0, if first == b'0' { 4 } else { 3 }, 8),
            b'n' => Some((10, 1)),
            b't' => Some((9, 1)),
            b'r' => Some((13, 1)),
            b'e' | b'a' | b'b' | b'f' | b'v' => Some((32, 1)),
            _ => None,
        };
        match taken {
            Some((value, len)) => {
                if value < 256 && !matches!(first, b'u' | b'U') {
                    out.push(value as u8);
                } else if let Some(c) = char::from_u32(value) {
                    out.extend(c.to_string().as_bytes());
                }
                rest = &rest[len..];
            }
            None => {
                let len = rest.chars().next().map_or(0, char::len_utf8);
                if !matches!(first, b'\\' | b'\'' | b'"') {
                    out.push(b'\\');
                }
                out.extend(&rest.as_bytes()[..len]);
                rest = &rest[len..];
            }
        }
    }
    out.extend(rest.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}
