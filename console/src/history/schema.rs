//! How the history lies in SQLite: its tables, its version, and what is done about a file that cannot be read.

use super::HistoryError;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The tables' version; a file with a higher one was made by a later Sallyport.
pub(super) const VERSION: i64 = 1;
/// How long one connection waits for another.
const PATIENCE: Duration = Duration::from_secs(5);
/// What is said again and again in exchanges: what is kept of them is packed against it, and takes a fifth.
const COMMON_WORDS: &[u8] = include_bytes!("common.json");

/// Words that are kept beside an exchange, to be looked for and to be counted: column `kind` of `words` and `tallies`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A rule that spoke; `blocked` says that it refused.
    Rule = 1,
    /// A tool that was called; `blocked` says that the call was refused.
    Tool = 2,
    /// The label of a finding, with its highest score.
    Finding = 3,
    /// The model that was named; only counted, since exchanges have a column for it.
    Model = 4,
}

const TABLES: &str = "
CREATE TABLE about (what TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE exchanges (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    id TEXT NOT NULL,
    team TEXT, agent TEXT, operation TEXT, model TEXT, upstream TEXT, session TEXT, trace TEXT,
    verdict TEXT NOT NULL,
    rule TEXT,
    status INTEGER NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, tokens_cached INTEGER NOT NULL,
    cost REAL NOT NULL, saved REAL NOT NULL,
    micros INTEGER NOT NULL,
    bytes INTEGER NOT NULL
);
CREATE TABLE bodies (row INTEGER PRIMARY KEY, packed BLOB NOT NULL);
CREATE TABLE words (
    kind INTEGER NOT NULL, word TEXT NOT NULL, row INTEGER NOT NULL,
    PRIMARY KEY (kind, word, row)
) WITHOUT ROWID;
CREATE TABLE hours (
    hour INTEGER NOT NULL, team TEXT NOT NULL,
    exchanges INTEGER NOT NULL, refused INTEGER NOT NULL, failed INTEGER NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, tokens_cached INTEGER NOT NULL,
    cost REAL NOT NULL, saved REAL NOT NULL,
    PRIMARY KEY (hour, team)
) WITHOUT ROWID;
CREATE TABLE minutes (
    minute INTEGER NOT NULL, team TEXT NOT NULL,
    exchanges INTEGER NOT NULL, refused INTEGER NOT NULL, failed INTEGER NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, tokens_cached INTEGER NOT NULL,
    cost REAL NOT NULL, saved REAL NOT NULL,
    PRIMARY KEY (minute, team)
) WITHOUT ROWID;
CREATE TABLE sessions (
    session TEXT PRIMARY KEY, newest INTEGER NOT NULL, team TEXT NOT NULL, agent TEXT NOT NULL, model TEXT,
    from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
    exchanges INTEGER NOT NULL, refused INTEGER NOT NULL, failed INTEGER NOT NULL,
    tokens_in INTEGER NOT NULL, tokens_out INTEGER NOT NULL, tokens_cached INTEGER NOT NULL,
    cost REAL NOT NULL, saved REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX sessions_by_newest ON sessions (newest);
CREATE TABLE tallies (
    quarter INTEGER NOT NULL, kind INTEGER NOT NULL, team TEXT NOT NULL, agent TEXT NOT NULL, word TEXT NOT NULL, slot INTEGER NOT NULL,
    times INTEGER NOT NULL, blocked INTEGER NOT NULL, highest REAL NOT NULL, rule TEXT,
    PRIMARY KEY (quarter, kind, team, agent, word, slot)
) WITHOUT ROWID;
CREATE INDEX by_at ON exchanges (at);
CREATE INDEX by_id ON exchanges (id);
CREATE INDEX by_team ON exchanges (team);
CREATE INDEX by_agent ON exchanges (agent);
CREATE INDEX by_operation ON exchanges (operation);
CREATE INDEX by_model ON exchanges (model);
CREATE INDEX by_upstream ON exchanges (upstream);
CREATE INDEX by_session ON exchanges (session);
CREATE INDEX by_trace ON exchanges (trace);
CREATE INDEX by_verdict ON exchanges (verdict);
CREATE INDEX words_by_row ON words (row, kind);
";

/// Where a history lies.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// In a file.
    File(PathBuf),
    /// In memory, under a name that this process alone knows.
    Memory(String),
}

impl Place {
    /// A place in memory that is nobody else's.
    pub(super) fn memory() -> Result<Place, HistoryError> {
        let mut name = [0u8; 12];
        getrandom::fill(&mut name).map_err(|why| HistoryError::Cannot {
            what: "draw a name",
            why: why.to_string(),
        })?;
        Ok(Place::Memory(
            name.iter().map(|byte| format!("{byte:02x}")).collect(),
        ))
    }

    fn connect(&self, flags: OpenFlags) -> rusqlite::Result<Connection> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match self {
            Place::File(path) => Connection::open_with_flags(path, flags)?,
            Place::Memory(name) => Connection::open_with_flags(
                format!("file:/sallyport-{name}?vfs=memdb"),
                flags | OpenFlags::SQLITE_OPEN_URI,
            )?,
        };
        connection.busy_timeout(PATIENCE)?;
        Ok(connection)
    }

    /// A connection that can only read.
    pub(super) fn reader(&self) -> rusqlite::Result<Connection> {
        let connection = self.connect(match self {
            Place::File(_) => OpenFlags::SQLITE_OPEN_READ_ONLY,
            // A database in memory has no second way to be opened.
            Place::Memory(_) => OpenFlags::SQLITE_OPEN_READ_WRITE,
        })?;
        connection.execute_batch("PRAGMA query_only = 1; PRAGMA temp_store = MEMORY;")?;
        Ok(connection)
    }

    /// The connection that writes; the tables are there afterwards. A damaged file is moved aside: its new name is told.
    pub(super) fn writer(&self) -> Result<(Connection, Option<PathBuf>), HistoryError> {
        if let Place::File(path) = self {
            keep_private(path)?;
        }
        match self.try_writer() {
            Err(HistoryError::Store(why)) if is_damage(&why) => {
                let Place::File(path) = self else {
                    return Err(HistoryError::Store(why));
                };
                let aside = move_aside(path)?;
                keep_private(path)?;
                self.try_writer()
                    .map(|connection| (connection, Some(aside)))
            }
            other => other.map(|connection| (connection, None)),
        }
    }

    fn try_writer(&self) -> Result<Connection, HistoryError> {
        let connection =
            self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |found| found.get(0))?;
        if version > VERSION {
            return Err(HistoryError::Newer { found: version });
        }
        if matches!(self, Place::File(_)) {
            connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
        }
        if version == 0 {
            make(&connection)?;
        } else {
            check(&connection)?;
        }
        Ok(connection)
    }
}

fn make(connection: &Connection) -> Result<(), HistoryError> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 {
        return Err(HistoryError::Foreign);
    }
    connection.execute_batch(&format!(
        "BEGIN; {TABLES} PRAGMA user_version = {VERSION}; COMMIT;"
    ))?;
    connection.execute("INSERT INTO about VALUES ('common', ?1)", [COMMON_WORDS])?;
    Ok(())
}

/// Whether every page of the file can be read and the tables fit each other; a file of a gigabyte takes seconds.
fn check(connection: &Connection) -> Result<(), HistoryError> {
    let said: String = connection.query_row("PRAGMA quick_check(1)", [], |found| found.get(0))?;
    match said.as_str() {
        "ok" => Ok(()),
        _ => Err(HistoryError::Store(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            Some(said),
        ))),
    }
}

/// What exchanges of this history are packed against.
pub(super) fn common_words(connection: &Connection) -> rusqlite::Result<Vec<u8>> {
    connection.query_row(
        "SELECT value FROM about WHERE what = 'common'",
        [],
        |found| found.get(0),
    )
}

fn is_damage(why: &rusqlite::Error) -> bool {
    matches!(
        why.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Makes the file, if it is not there, so that nobody else may read it: it can hold words of bodies. What SQLite puts
/// beside it gets the same rights.
fn keep_private(path: &Path) -> Result<(), HistoryError> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(why) => Err(HistoryError::Cannot {
            what: "open the file",
            why: why.to_string(),
        }),
    }
}

/// Gives a damaged file another name, with what SQLite keeps beside it.
fn move_aside(path: &Path) -> Result<PathBuf, HistoryError> {
    let named = |number: u32, ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".damaged-{number}{ending}"));
        PathBuf::from(name)
    };
    let number = (1..1000)
        .find(|number| !named(*number, "").exists())
        .unwrap_or(1000);
    let moved = std::fs::rename(path, named(number, ""));
    moved.map_err(|why| HistoryError::Cannot {
        what: "move the damaged file aside",
        why: why.to_string(),
    })?;
    for ending in ["-wal", "-shm"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(ending);
        // Where there is none, there is nothing to move; a log without its file would only spoil the next one.
        if std::fs::rename(&beside, named(number, ending)).is_err() {
            let _ = std::fs::remove_file(&beside);
        }
    }
    Ok(named(number, ""))
}
