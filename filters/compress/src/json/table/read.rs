//! From the table form back to JSON without blanks.

use super::super::blanks::string_end;
use super::order::{self, Orders};
use super::word;
use super::write::SAME_MAX;

/// How deep values nest, at most; a reference counts as a level.
const DEPTH_MAX: usize = 160;

/// The JSON text; `None`: this is not the form.
pub(super) fn document(text: &str, orders: Orders, max: usize) -> Option<String> {
    let mut reader = Reader {
        text,
        at: 0,
        nodes: Vec::new(),
        orders,
        objects: 0,
        named: 0,
    };
    let root = reader.value(false, 0)?;
    if reader.at != text.len() {
        return None;
    }
    let mut out = String::with_capacity(text.len() * 2);
    let json = Json {
        nodes: &reader.nodes,
        root,
        max,
    };
    json.write(root, 0, &mut out)?;
    Some(out)
}

type Id = usize;

/// A string as it stands, and whether quotes must be put around it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Lexeme<'t> {
    text: &'t str,
    bare: bool,
}

impl Lexeme<'_> {
    fn write(self, out: &mut String) {
        if self.bare {
            out.push('"');
        }
        out.push_str(self.text);
        if self.bare {
            out.push('"');
        }
    }
}

enum Out<'t> {
    Lexeme(Lexeme<'t>),
    List(Vec<Id>),
    Object(Vec<(Lexeme<'t>, Id)>),
    Same(&'t str),
}

struct Column<'t> {
    key: Lexeme<'t>,
    form: Form<'t>,
}

enum Form<'t> {
    Plain,
    Text,
    Constant(Id),
    Key,
    Nested(Vec<Column<'t>>),
    Optional(Vec<Column<'t>>),
    List(Vec<Column<'t>>),
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    nodes: Vec<Out<'t>>,
    orders: Orders,
    objects: usize,
    named: usize,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, sign: &str) -> bool {
        let eaten = self.text.as_bytes()[self.at..].starts_with(sign.as_bytes());
        if eaten {
            self.at += sign.len();
        }
        eaten
    }

    fn need(&mut self, sign: &str) -> Option<()> {
        self.eat(sign).then_some(())
    }

    fn push(&mut self, node: Out<'t>) -> Id {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn taken(&mut self, end: usize) -> Option<&'t str> {
        let taken = self.text.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn quoted(&mut self) -> Option<&'t str> {
        let end = string_end(self.text.as_bytes(), self.at);
        let taken = self.taken(end)?;
        (taken.len() >= 2 && taken.ends_with('"')).then_some(taken)
    }

    fn word(&mut self) -> Option<&'t str> {
        let mut open = 0usize;
        let bytes = self.text.as_bytes();
        let mut end = self.at;
        while let Some(&byte) = bytes.get(end) {
            match byte {
                b' ' | b'\n' | b'"' => break,
                b'{' | b'[' => open += 1,
                b'}' | b']' if open == 0 => break,
                b'}' | b']' => open -= 1,
                _ => {}
            }
            end += 1;
        }
        let word = self.taken(end)?;
        (!word.is_empty()).then_some(word)
    }

    /// A key, quoted or bare.
    fn key(&mut self) -> Option<Lexeme<'t>> {
        if self.peek() == Some(b'"') {
            let text = self.quoted()?;
            return Some(Lexeme { text, bare: false });
        }
        let ends = |b: &u8| {
            matches!(
                b,
                b' ' | b'\n' | b'"' | b'=' | b'?' | b'{' | b'}' | b'[' | b']'
            )
        };
        let bytes = &self.text.as_bytes()[self.at..];
        let end = self.at + bytes.iter().position(ends).unwrap_or(bytes.len());
        let text = self.taken(end)?;
        (!text.is_empty()).then_some(Lexeme { text, bare: true })
    }

    /// A value; `texts`: every bare word is a string.
    fn value(&mut self, texts: bool, depth: usize) -> Option<Id> {
        if depth > DEPTH_MAX {
            return None;
        }
        match self.peek()? {
            b'"' => {
                let text = self.quoted()?;
                Some(self.push(Out::Lexeme(Lexeme { text, bare: false })))
            }
            b'[' => self.bracketed(depth),
            b'{' => self.braced(depth),
            b'^' => {
                self.at += 1;
                self.named += 1;
                if self.named > SAME_MAX {
                    return None;
                }
                let path = self.word()?;
                Some(self.push(Out::Same(path)))
            }
            _ => {
                let text = self.word()?;
                let bare = texts || !word::is_plain(text);
                Some(self.push(Out::Lexeme(Lexeme { text, bare })))
            }
        }
    }

    fn bracketed(&mut self, depth: usize) -> Option<Id> {
        if self.eat("[::") {
            return self.groups(depth);
        }
        if self.eat("[:") {
            let columns = self.columns(b'\n', depth)?;
            let mut rows = Vec::new();
            while !self.eat("]") {
                self.need("\n")?;
                rows.push(self.row(&columns, None, false, depth + 1)?);
            }
            return Some(self.push(Out::List(rows)));
        }
        self.need("[")?;
        let mut all = Vec::new();
        while !self.eat("]") {
            if !all.is_empty() {
                self.need(" ")?;
            }
            all.push(self.value(false, depth + 1)?);
        }
        Some(self.push(Out::List(all)))
    }

    fn groups(&mut self, depth: usize) -> Option<Id> {
        let columns = self.columns(b'\n', depth)?;
        let (mut groups, mut rows) = (Vec::new(), Vec::new());
        while !self.eat("]") {
            self.need("\n")?;
            if self.peek() == Some(b'\n') {
                groups.push(self.nodes.len());
                self.nodes.push(Out::List(std::mem::take(&mut rows)));
                continue;
            }
            rows.push(self.row(&columns, None, false, depth + 1)?);
        }
        groups.push(self.nodes.len());
        self.nodes.push(Out::List(rows));
        Some(self.push(Out::List(groups)))
    }

    fn braced(&mut self, depth: usize) -> Option<Id> {
        let mut members = Vec::new();
        if self.eat("{:") {
            let columns = self.columns(b'\n', depth)?;
            while !self.eat("}") {
                self.need("\n")?;
                let key = self.key()?;
                members.push((key, self.row(&columns, Some(key), true, depth + 1)?));
            }
            return Some(self.push(Out::Object(members)));
        }
        self.need("{")?;
        while !self.eat("}") {
            if !members.is_empty() {
                self.need(" ")?;
            }
            members.push(self.member(depth)?);
        }
        Some(self.push(Out::Object(members)))
    }

    fn member(&mut self, depth: usize) -> Option<(Lexeme<'t>, Id)> {
        let key = self.key()?;
        self.need("=")?;
        Some((key, self.value(false, depth + 1)?))
    }

    /// The columns up to a sign, which is left.
    fn columns(&mut self, end: u8, depth: usize) -> Option<Vec<Column<'t>>> {
        if depth > DEPTH_MAX {
            return None;
        }
        let mut columns: Vec<Column<'t>> = Vec::new();
        // An empty table ends at once.
        while !columns.is_empty() || self.peek()? != end {
            if !columns.is_empty() {
                if self.peek()? == end {
                    break;
                }
                self.need(" ")?;
            }
            let key = self.key()?;
            let form = self.form(depth)?;
            columns.push(Column { key, form });
        }
        Some(columns)
    }

    fn form(&mut self, depth: usize) -> Option<Form<'t>> {
        if self.eat("\"\"") {
            return Some(Form::Text);
        }
        let (close, form): (u8, fn(Vec<Column<'t>>) -> Form<'t>) = match self.peek() {
            Some(b'=') => {
                self.at += 1;
                let own = matches!(
                    self.text.as_bytes().get(self.at + 1),
                    Some(b' ' | b'\n' | b'}' | b']')
                );
                if self.peek() == Some(b'#') && own {
                    self.at += 1;
                    return Some(Form::Key);
                }
                return Some(Form::Constant(self.value(false, depth + 1)?));
            }
            Some(b'?') => {
                self.at += 1;
                (b'}', Form::Optional)
            }
            Some(b'{') => (b'}', Form::Nested),
            Some(b'[') => (b']', Form::List),
            _ => return Some(Form::Plain),
        };
        self.at += 1;
        let columns = self.columns(close, depth + 1)?;
        self.at += 1;
        Some(form(columns))
    }

    /// A row; `begun`: something stands before it on the line.
    fn row(
        &mut self,
        columns: &[Column<'t>],
        own: Option<Lexeme<'t>>,
        begun: bool,
        depth: usize,
    ) -> Option<Id> {
        self.cells(columns, own, begun, true, depth)
            .map(|(id, _)| id)
    }

    /// The cells of an object and, at the end of a row, its other members.
    fn cells(
        &mut self,
        columns: &[Column<'t>],
        own: Option<Lexeme<'t>>,
        mut begun: bool,
        last: bool,
        depth: usize,
    ) -> Option<(Id, bool)> {
        if depth > DEPTH_MAX {
            return None;
        }
        let number = self.objects;
        self.objects += 1;
        let mut members = Vec::with_capacity(columns.len());
        for column in columns {
            let id = match &column.form {
                Form::Constant(id) => Some(*id),
                Form::Key => Some(self.push(Out::Lexeme(own?))),
                Form::Nested(inner) => {
                    let (id, after) = self.cells(inner, None, begun, false, depth + 1)?;
                    begun = after;
                    Some(id)
                }
                form => {
                    if begun {
                        self.need(" ")?;
                    }
                    begun = true;
                    self.cell(form, depth)?
                }
            };
            members.extend(id.map(|id| (column.key, id)));
        }
        while last && !matches!(self.peek(), Some(b'\n' | b']' | b'}')) {
            if begun {
                self.need(" ")?;
            }
            begun = true;
            members.push(self.member(depth)?);
        }
        if let Some(order) = self.orders.get(&number) {
            members = order::apply(&members, order)?;
        }
        Some((self.push(Out::Object(members)), begun))
    }

    /// One cell; `Some(None)`: the row does not have it.
    fn cell(&mut self, form: &Form<'t>, depth: usize) -> Option<Option<Id>> {
        let rest = &self.text.as_bytes()[self.at..];
        if rest.first() == Some(&b'-')
            && matches!(rest.get(1), None | Some(b' ' | b'\n' | b']' | b'}'))
        {
            self.at += 1;
            return Some(None);
        }
        let id = match (form, rest.first()?) {
            (Form::Optional(columns), b'{') => self.group(columns, depth)?,
            (Form::List(columns), b'[') => {
                self.at += 1;
                let mut all = Vec::new();
                while !self.eat("]") {
                    if !all.is_empty() {
                        self.need(" ")?;
                    }
                    all.push(self.group(columns, depth + 1)?);
                }
                self.push(Out::List(all))
            }
            (form, _) => self.value(matches!(form, Form::Text), depth + 1)?,
        };
        Some(Some(id))
    }

    fn group(&mut self, columns: &[Column<'t>], depth: usize) -> Option<Id> {
        self.need("{")?;
        let id = self.row(columns, None, false, depth + 1)?;
        self.need("}")?;
        Some(id)
    }
}

/// The way from the tree to the text.
struct Json<'r, 't> {
    nodes: &'r [Out<'t>],
    root: Id,
    max: usize,
}

impl Json<'_, '_> {
    fn write(&self, id: Id, depth: usize, out: &mut String) -> Option<()> {
        if depth > DEPTH_MAX || out.len() > self.max {
            return None;
        }
        match self.nodes.get(id)? {
            Out::Lexeme(lexeme) => lexeme.write(out),
            Out::Same(path) => {
                // What is named stands before: nothing can name itself.
                let named = self.at_path(path, id)?;
                self.write(named, depth + 1, out)?;
            }
            Out::List(all) => {
                out.push('[');
                for (at, id) in all.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    self.write(*id, depth + 1, out)?;
                }
                out.push(']');
            }
            Out::Object(members) => {
                out.push('{');
                for (at, (key, id)) in members.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    key.write(out);
                    out.push(':');
                    self.write(*id, depth + 1, out)?;
                }
                out.push('}');
            }
        }
        Some(())
    }

    /// What stands at a path, if it was complete before `from`.
    fn at_path(&self, path: &str, from: Id) -> Option<Id> {
        let mut id = self.root;
        for step in path.split('.') {
            // What is named is never reached by way of another name.
            id = match self.nodes.get(id)? {
                Out::List(all) => *all.get(step.parse::<usize>().ok()?)?,
                Out::Object(members) => {
                    members
                        .iter()
                        .find(|(key, _)| key.text == step && key.bare)?
                        .1
                }
                _ => return None,
            };
        }
        (id < from).then_some(id)
    }
}
