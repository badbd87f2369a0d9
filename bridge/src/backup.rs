//! Backups: the whole database in one file that fills either kind of database again.
//!
//! The file is lines of JSON: what it is; for each table its name and columns, then its rows; what
//! the log folds to; and a checksum of all lines before. So a file that is torn, or another's, is
//! known before anything is written, and a restored log is known to fold to the same.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Write};
use std::path::Path;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::exit::Exit;
use crate::hex::hex;
use crate::replay::{self, FoldDigest};
use crate::store::dump;
use crate::store::error::StoreError;
use crate::store::load::{self, Ground, LoadError};
use crate::store::table::{Table, tables};
use crate::store::{self, Store, retention, schema};

/// Grows whenever a file of before cannot be read any more.
const FORMAT: u32 = 1;
/// The longest line: a registry or a piece of a snapshot with all that escaping adds.
const LINE_MAX: u64 = 256 * 1024 * 1024;
/// Bytes of lines after which their rows are stored.
const ROWS_BYTES: usize = 4 * 1024 * 1024;
/// Bytes read at once.
const BUFFER: usize = 1 << 20;
/// How often a backup begins again because retention deleted meanwhile.
const TRIES_MAX: u32 = 3;

/// The first line.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Head {
    upturn_backup: u32,
    /// The step of the schema's history that the rows are of.
    schema: i64,
    created_at: DateTime<Utc>,
    /// The version of the program that wrote it.
    program: String,
}

/// The last line but one.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct End {
    /// How many rows each table has.
    rows: BTreeMap<String, u64>,
    /// What the log folds to.
    fold: FoldDigest,
}

/// The last line.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Seal {
    /// Of all lines before.
    sha256: String,
}

/// What a backup holds.
#[derive(Clone, Debug)]
pub(crate) struct Contents {
    /// All rows of all tables.
    pub(crate) rows: u64,
    /// What the log folds to.
    pub(crate) fold: FoldDigest,
}

/// Why there is no backup, or nothing was restored from it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    /// The file.
    #[error("the backup cannot be read or written")]
    File(#[from] io::Error),
    /// Not one of ours.
    #[error("this is no backup of upturn; nothing was restored")]
    Foreign,
    /// Cut off or changed.
    #[error("the backup is torn or was changed; nothing was restored: take another one")]
    Torn,
    /// Of a newer program.
    #[error("the backup has format {0}, and this program reads {FORMAT}; use the newer upturn")]
    Format(u32),
    /// There is something already.
    #[error("the database is not empty: '{0}' has rows; name a new one in the store url")]
    NotEmpty(String),
    /// There is a schema already, another one.
    #[error(
        "the database has schema {found} already, and the backup {backup}; name one without tables"
    )]
    OtherSchema {
        /// The schema found.
        found: i64,
        /// That of the backup.
        backup: i64,
    },
    /// Retention deleted while the backup was written, again and again.
    #[error("retention deletes old events at the moment; take the backup again later")]
    Moving,
    /// The restored log does not fold to what it did.
    #[error(
        "the restored log folds to {found}, the one backed up to {expected}, by upturn {program}; \
         nothing was kept"
    )]
    Differs {
        /// What it folds to.
        found: FoldDigest,
        /// What it did.
        expected: FoldDigest,
        /// The version that wrote the backup.
        program: String,
    },
    /// A row that no table takes.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BackupError {
    /// Returns how the command ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::File(error) if error.kind() == io::ErrorKind::NotFound => Exit::NoInput,
            Self::File(_) => Exit::Output,
            Self::Foreign | Self::Torn | Self::Format(_) | Self::Load(LoadError::Row { .. }) => {
                Exit::DataErr
            }
            Self::Differs { .. } => Exit::Findings,
            Self::NotEmpty(_)
            | Self::OtherSchema { .. }
            | Self::Moving
            | Self::Load(LoadError::Store(_))
            | Self::Store(_) => Exit::Unavailable,
        }
    }
}

/// Writes all of `store` to what `begin` returns, and returns that with what it holds.
///
/// Others may write meanwhile: the rows are of one moment.
pub(crate) async fn write<W: Write>(
    store: &Store,
    now: DateTime<Utc>,
    begin: impl Fn() -> io::Result<W>,
) -> Result<(W, Contents), BackupError> {
    schema::require_current(store).await?;
    for _ in 0..TRIES_MAX {
        let mut out = Sealed { out: begin()?, hash: Sha256::new() };
        let before = retention::deleted(store).await?;
        let (last, rows) = write_rows(store, now, &mut out).await?;
        let fold = replay::digest(store, last).await?;
        // What it deleted would be in the rows, but not in the fold.
        if retention::deleted(store).await? != before {
            continue;
        }
        let total = rows.values().sum();
        out.line(&End { rows, fold: fold.clone() })?;
        return Ok((out.finish()?, Contents { rows: total, fold }));
    }
    Err(BackupError::Moving)
}

async fn write_rows<W: Write>(
    store: &Store,
    now: DateTime<Utc>,
    out: &mut Sealed<W>,
) -> Result<(u64, BTreeMap<String, u64>), BackupError> {
    out.line(&Head {
        upturn_backup: FORMAT,
        schema: schema::newest(store),
        created_at: now,
        program: env!("CARGO_PKG_VERSION").to_owned(),
    })?;
    let mut view = dump::view(store).await?;
    let last = view.cursor().await?;
    let mut rows = BTreeMap::new();
    for table in tables() {
        out.line(&table)?;
        let count = view.rows(&table, |row| Ok::<(), BackupError>(out.text(row)?)).await?;
        rows.insert(table.name, count);
    }
    Ok((last, rows))
}

/// Fills the empty database `store` from the file at `path`, and returns what is in it now.
///
/// The whole file is looked at before anything is written, and rows are kept all or none.
pub(crate) async fn restore(store: &Store, path: &Path) -> Result<Contents, BackupError> {
    let (head, end) = examine(path)?;
    match load::ground(store).await? {
        Ground::Bare => {
            schema::refuse_newer(store, head.schema)?;
            load::migrate_to(store, head.schema).await?;
        }
        Ground::Empty(found) if found == head.schema => {}
        Ground::Empty(found) => {
            return Err(BackupError::OtherSchema { found, backup: head.schema });
        }
        Ground::Taken(table) => return Err(BackupError::NotEmpty(table)),
    }
    let filled = fill(store, path).await?;
    store.migrate().await?;
    let last = store::cursor::read(store).await?;
    let found = replay::digest(store, last).await?;
    if found != end.fold {
        let mut tx = store.begin().await?;
        load::clear(&mut tx, &filled).await?;
        tx.commit().await?;
        let (expected, program) = (end.fold, head.program);
        return Err(BackupError::Differs { found, expected, program });
    }
    Ok(Contents { rows: end.rows.values().sum(), fold: found })
}

/// Returns an error if the file at `path` is no whole backup that this program reads.
pub(crate) fn check(path: &Path) -> Result<(), BackupError> {
    examine(path).map(drop)
}

/// Looks at the whole file; returns its first and its last words.
fn examine(path: &Path) -> Result<(Head, End), BackupError> {
    let mut lines = Lines::open(path)?;
    let mut hash = Sha256::new();
    let first = lines.next()?.ok_or(BackupError::Foreign)?;
    let format: Value = serde_json::from_slice(first).map_err(|_| BackupError::Foreign)?;
    let format = format.get("upturn_backup").and_then(Value::as_u64).ok_or(BackupError::Foreign)?;
    if format != u64::from(FORMAT) {
        return Err(BackupError::Format(u32::try_from(format).unwrap_or(u32::MAX)));
    }
    let head: Head = serde_json::from_slice(first).map_err(|_| BackupError::Torn)?;
    let mut newest = first.to_vec();
    let mut before = Vec::new();
    // A line is part of what is sealed once another follows it.
    while let Some(line) = lines.next()? {
        hash.update(&newest);
        std::mem::swap(&mut before, &mut newest);
        line.clone_into(&mut newest);
    }
    let seal: Seal = serde_json::from_slice(&newest).map_err(|_| BackupError::Torn)?;
    if seal.sha256 != hex(&hash.finalize()) {
        return Err(BackupError::Torn);
    }
    let end: End = serde_json::from_slice(&before).map_err(|_| BackupError::Torn)?;
    Ok((head, end))
}

/// Stores all rows of a file that was checked, in one transaction; returns its tables.
async fn fill(store: &Store, path: &Path) -> Result<Vec<Table>, BackupError> {
    let mut lines = Lines::open(path)?;
    // The first line says what the file is.
    lines.next()?;
    let mut tx = store.begin().await?;
    let mut filled: Vec<Table> = Vec::new();
    let (mut rows, mut bytes): (Vec<Vec<Value>>, usize) = (Vec::new(), 0);
    while let Some(line) = lines.next()? {
        if line.starts_with(b"[") {
            let Some(table) = filled.last() else { return Err(BackupError::Torn) };
            rows.push(serde_json::from_slice(line).map_err(|_| BackupError::Torn)?);
            bytes += line.len();
            if load::rows_max(table) <= rows.len() || ROWS_BYTES <= bytes {
                load::insert(&mut tx, table, &rows).await?;
                rows.clear();
                bytes = 0;
            }
            continue;
        }
        if let Some(table) = filled.last() {
            load::insert(&mut tx, table, &rows).await?;
            rows.clear();
        }
        let Ok(table) = serde_json::from_slice::<Table>(line) else { break };
        if !table.is_sound() {
            return Err(BackupError::Torn);
        }
        load::clear(&mut tx, std::slice::from_ref(&table)).await?;
        filled.push(table);
    }
    for table in filled.iter().filter(|table| table.numbered) {
        load::renumber(&mut tx, table).await?;
    }
    tx.commit().await?;
    Ok(filled)
}

/// Writes lines and their checksum.
struct Sealed<W> {
    out: W,
    hash: Sha256,
}

impl<W: Write> Sealed<W> {
    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        self.text(&serde_json::to_string(value)?)
    }

    fn text(&mut self, line: &str) -> io::Result<()> {
        self.hash.update(line);
        self.hash.update(b"\n");
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")
    }

    fn finish(mut self) -> io::Result<W> {
        let seal = Seal { sha256: hex(&self.hash.clone().finalize()) };
        self.line(&seal)?;
        Ok(self.out)
    }
}

/// Reads lines of bounded length, each with its end.
struct Lines {
    file: BufReader<File>,
    line: Vec<u8>,
}

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        let file = BufReader::with_capacity(BUFFER, File::open(path)?);
        Ok(Self { file, line: Vec::new() })
    }

    /// Returns the next line; `None` at the end. One that is longer than any of ours is cut, and
    /// then no line of ours.
    fn next(&mut self) -> io::Result<Option<&[u8]>> {
        self.line.clear();
        (&mut self.file).take(LINE_MAX).read_until(b'\n', &mut self.line)?;
        Ok(Some(&*self.line).filter(|line| !line.is_empty()))
    }
}
