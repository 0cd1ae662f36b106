//! A reader of the table form by someone who has only its grammar: slow, simple, and nothing of the decoder in it.

use serde_json::{Map, Value};

type Read<T> = Result<T, String>;

/// What the form says.
pub(super) fn read(body: &str) -> Read<Value> {
    let mut stranger = Stranger {
        rest: body.chars().collect::<Vec<_>>(),
        at: 0,
    };
    let value = stranger.value(false)?;
    if stranger.at != stranger.rest.len() {
        return Err(format!("left over at {}", stranger.at));
    }
    Ok(resolve(&value, &value.clone()))
}

/// Puts what `^path` names in its place.
fn resolve(value: &Value, root: &Value) -> Value {
    match value {
        Value::Object(map) if map.len() == 1 && map.contains_key(SAME) => {
            let path = map[SAME].as_str().unwrap_or("");
            let named = path.split('.').try_fold(root, |at, step| match at {
                Value::Array(all) => all.get(step.parse::<usize>().ok()?),
                Value::Object(map) => map.get(step),
                _ => None,
            });
            named.map_or(Value::String(format!("nothing at {path}")), |named| {
                resolve(named, root)
            })
        }
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), resolve(value, root)))
                .collect(),
        ),
        Value::Array(all) => Value::Array(all.iter().map(|value| resolve(value, root)).collect()),
        other => other.clone(),
    }
}

const SAME: &str = "\u{1}the same as";

#[derive(Clone, Debug)]
enum Column {
    Cell(String),
    Texts(String),
    Always(String, Value),
    OwnKey(String),
    Within(String, Vec<Column>),
    Perhaps(String, Vec<Column>),
    Many(String, Vec<Column>),
}

struct Stranger {
    rest: Vec<char>,
    at: usize,
}

impl Stranger {
    fn now(&self) -> char {
        self.rest.get(self.at).copied().unwrap_or('\0')
    }

    fn ahead(&self, count: usize) -> String {
        self.rest.iter().skip(self.at).take(count).collect()
    }

    fn want(&mut self, sign: char) -> Read<()> {
        if self.now() != sign {
            return Err(format!("no {sign:?} at {}: {:?}", self.at, self.ahead(20)));
        }
        self.at += 1;
        Ok(())
    }

    fn quoted(&mut self) -> Read<String> {
        let begun = self.at;
        self.at += 1;
        while self.now() != '"' {
            if self.now() == '\0' && self.at >= self.rest.len() {
                return Err("an open string".into());
            }
            self.at += if self.now() == '\\' { 2 } else { 1 };
        }
        self.at += 1;
        let lexeme: String = self.rest[begun..self.at].iter().collect();
        serde_json::from_str(&lexeme).map_err(|e| format!("{e}: {lexeme}"))
    }

    fn word(&mut self) -> String {
        let (begun, mut open) = (self.at, 0);
        while self.at < self.rest.len() {
            match self.now() {
                ' ' | '\n' => break,
                '[' | '{' => open += 1,
                ']' | '}' if open == 0 => break,
                ']' | '}' => open -= 1,
                _ => {}
            }
            self.at += 1;
        }
        self.rest[begun..self.at].iter().collect()
    }

    fn key(&mut self) -> Read<String> {
        if self.now() == '"' {
            return self.quoted();
        }
        let begun = self.at;
        while self.at < self.rest.len() && !" \n\"\\=?{}[]".contains(self.now()) {
            self.at += 1;
        }
        match begun == self.at {
            true => Err(format!("no key at {begun}")),
            false => Ok(self.rest[begun..self.at].iter().collect()),
        }
    }

    fn value(&mut self, texts: bool) -> Read<Value> {
        match self.now() {
            '"' => Ok(Value::String(self.quoted()?)),
            '^' => {
                self.at += 1;
                let path = self.word();
                Ok(Value::Object(Map::from_iter([(
                    SAME.to_owned(),
                    Value::String(path),
                )])))
            }
            '[' if self.ahead(3) == "[::" => self.groups(),
            '[' if self.ahead(2) == "[:" => {
                self.at += 2;
                let columns = self.columns('\n')?;
                Ok(Value::Array(self.rows(&columns, &[']'])?))
            }
            '[' => {
                self.at += 1;
                let mut all = Vec::new();
                while self.now() != ']' {
                    if !all.is_empty() {
                        self.want(' ')?;
                    }
                    all.push(self.value(false)?);
                }
                self.want(']')?;
                Ok(Value::Array(all))
            }
            '{' if self.ahead(2) == "{:" => self.map(),
            '{' => {
                self.at += 1;
                let mut map = Map::new();
                while self.now() != '}' {
                    if !map.is_empty() {
                        self.want(' ')?;
                    }
                    self.member(&mut map)?;
                }
                self.want('}')?;
                Ok(Value::Object(map))
            }
            _ => {
                let word = self.word();
                if word.is_empty() {
                    return Err(format!("nothing at {}", self.at));
                }
                let plain = word == "true"
                    || word == "false"
                    || word == "null"
                    || (word.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
                        && serde_json::from_str::<serde_json::Number>(&word).is_ok());
                if plain && !texts {
                    return serde_json::from_str(&word).map_err(|e| e.to_string());
                }
                Ok(Value::String(word))
            }
        }
    }

    fn member(&mut self, map: &mut Map<String, Value>) -> Read<()> {
        let key = self.key()?;
        self.want('=')?;
        let value = self.value(false)?;
        match map.insert(key, value) {
            None => Ok(()),
            Some(_) => Err("a key twice".into()),
        }
    }

    fn groups(&mut self) -> Read<Value> {
        self.at += 3;
        let columns = self.columns('\n')?;
        let mut groups = Vec::new();
        loop {
            let rows = self.rows(&columns, &[']', '\n'])?;
            groups.push(Value::Array(rows));
            match self.rest[self.at - 1] {
                ']' => return Ok(Value::Array(groups)),
                // The row that follows the empty line takes the line's end itself.
                _ => self.at -= 1,
            }
        }
    }

    /// Rows, each after the end of a line, up to a bracket, or to an empty line where that is in `ends`.
    fn rows(&mut self, columns: &[Column], ends: &[char]) -> Read<Vec<Value>> {
        let mut rows = Vec::new();
        while self.now() != ']' {
            self.want('\n')?;
            if ends.contains(&'\n') && self.now() == '\n' {
                self.at += 1;
                return Ok(rows);
            }
            let mut map = Map::new();
            self.row(columns, &mut map, None, &mut false, true)?;
            rows.push(Value::Object(map));
        }
        self.at += 1;
        Ok(rows)
    }

    fn map(&mut self) -> Read<Value> {
        self.at += 2;
        let columns = self.columns('\n')?;
        let mut map = Map::new();
        while self.now() != '}' {
            self.want('\n')?;
            let key = self.key()?;
            let mut row = Map::new();
            self.row(&columns, &mut row, Some(&key), &mut true, true)?;
            map.insert(key, Value::Object(row));
        }
        self.at += 1;
        Ok(Value::Object(map))
    }

    fn columns(&mut self, end: char) -> Read<Vec<Column>> {
        let mut columns = Vec::new();
        loop {
            if self.now() == end {
                return Ok(columns);
            }
            if !columns.is_empty() {
                self.want(' ')?;
            }
            let key = self.key()?;
            columns.push(match (self.now(), self.ahead(2).as_str()) {
                (_, "\"\"") => {
                    self.at += 2;
                    Column::Texts(key)
                }
                ('=', "=#") if " \n}]".contains(self.rest[self.at + 2]) => {
                    self.at += 2;
                    Column::OwnKey(key)
                }
                ('=', _) => {
                    self.at += 1;
                    Column::Always(key, self.value(false)?)
                }
                ('{', _) => Column::Within(key, self.inner('{', '}')?),
                ('?', _) => {
                    self.at += 1;
                    Column::Perhaps(key, self.inner('{', '}')?)
                }
                ('[', _) => Column::Many(key, self.inner('[', ']')?),
                _ => Column::Cell(key),
            });
        }
    }

    fn inner(&mut self, open: char, close: char) -> Read<Vec<Column>> {
        self.want(open)?;
        let columns = self.columns(close)?;
        self.want(close)?;
        Ok(columns)
    }

    fn row(
        &mut self,
        columns: &[Column],
        map: &mut Map<String, Value>,
        own: Option<&str>,
        begun: &mut bool,
        last: bool,
    ) -> Read<()> {
        for column in columns {
            match column {
                Column::Always(key, value) => {
                    map.insert(key.clone(), value.clone());
                }
                Column::OwnKey(key) => {
                    map.insert(key.clone(), Value::String(own.ok_or("no key")?.to_owned()));
                }
                Column::Within(key, inner) => {
                    let mut within = Map::new();
                    self.row(inner, &mut within, None, begun, false)?;
                    map.insert(key.clone(), Value::Object(within));
                }
                Column::Cell(key)
                | Column::Texts(key)
                | Column::Perhaps(key, _)
                | Column::Many(key, _) => {
                    if std::mem::replace(begun, true) {
                        self.want(' ')?;
                    }
                    if let Some(value) = self.cell(column)? {
                        map.insert(key.clone(), value);
                    }
                }
            }
        }
        while last && !"\n]}".contains(self.now()) && self.at < self.rest.len() {
            if std::mem::replace(begun, true) {
                self.want(' ')?;
            }
            self.member(map)?;
        }
        Ok(())
    }

    fn cell(&mut self, column: &Column) -> Read<Option<Value>> {
        let next = self.rest.get(self.at + 1).copied().unwrap_or('\n');
        if self.now() == '-' && " \n]}".contains(next) {
            self.at += 1;
            return Ok(None);
        }
        match (column, self.now()) {
            (Column::Perhaps(_, inner), '{') => self.braced(inner).map(Some),
            (Column::Many(_, inner), '[') => {
                self.at += 1;
                let mut all = Vec::new();
                while self.now() != ']' {
                    if !all.is_empty() {
                        self.want(' ')?;
                    }
                    all.push(self.braced(inner)?);
                }
                self.at += 1;
                Ok(Some(Value::Array(all)))
            }
            (Column::Texts(_), _) => self.value(true).map(Some),
            _ => self.value(false).map(Some),
        }
    }

    fn braced(&mut self, columns: &[Column]) -> Read<Value> {
        self.want('{')?;
        let mut map = Map::new();
        self.row(columns, &mut map, None, &mut false, true)?;
        self.want('}')?;
        Ok(Value::Object(map))
    }
}
