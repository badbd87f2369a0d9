//! Letters as CSV files in a folder, for programs and people that read files.
//!
//! **What it does** writes a file for each letter, or one line of the day's file, with a header.
//! A file appears whole or not at all, and a repetition changes nothing: the file is named after the
//! letter, the line is found by its key. Days are those of UTC, in which the letter's cause happened.
//! **When it fires** as soon as the task and its letter are committed and its hold is over.
//! **Example** `folder = "/srv/upturn/outbox"`, `files = "daily"`
//! **Settings** the folder, which must exist, and how letters are spread over files.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use csv::{ReaderBuilder, WriterBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::channel::{Channel, Receipt};
use super::failure::Failure;
use super::kind::{self, Kind, Proof, SettingsError};
use super::letter::Letter;

/// This kind of channel.
pub const KIND: Kind = Kind {
    name: "csv",
    about: "Writes letters as CSV files into a folder.",
    proof: Proof::Real("a file system"),
    schema: || schemars::schema_for!(Settings),
    build: |settings, _| {
        let settings: Settings = kind::read(settings)?;
        if !settings.folder.is_absolute() {
            let why = "'folder' is no absolute path; write the whole path, from '/' on";
            return Err(SettingsError(why.to_owned()));
        }
        Ok(Box::new(Csv { settings }))
    },
};

/// Where files are written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The folder, with its whole path; it must exist and be writable.
    pub folder: PathBuf,
    /// How letters are spread over files.
    #[serde(default)]
    pub files: Files,
}

/// How letters are spread over files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Files {
    /// A file for each letter, named after its key.
    #[default]
    Each,
    /// One line for each letter in a file for each day, of UTC.
    Daily,
}

/// The columns: the letter's key, kind and subject, the title people read, and members of its body.
const COLUMNS: [&str; 29] = [
    "key",
    "event",
    "subject",
    "title",
    "at",
    "rule",
    "device",
    "account",
    "account_name",
    "owner",
    "owner_name",
    "due_at",
    "steps",
    "priority",
    "text",
    "reason",
    "first_at",
    "last_at",
    "evidence",
    "joined",
    "product",
    "quantity",
    "from",
    "to",
    "ship_on",
    "arrive_on",
    "amount",
    "currency",
    "url",
];

/// Spreadsheet programs know UTF-8 by it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How large a day's file may grow, in bytes: it is written anew with each line.
const FILE_MAX: u64 = 16 << 20;

/// One line at a time is added, whatever channels share the folder.
static ADDING: Mutex<()> = Mutex::new(());

/// Letters as files.
#[derive(Debug)]
struct Csv {
    settings: Settings,
}

#[async_trait]
impl Channel for Csv {
    async fn find(&self, letter: &Letter) -> Result<Option<Receipt>, Failure> {
        check_key(letter)?;
        let Some(name) = file_name(self.settings.files, letter, None) else { return Ok(None) };
        let (path, key) = (self.settings.folder.join(&name), letter.key.clone());
        let is_there = match self.settings.files {
            Files::Each => blocking(move || path.try_exists()).await?,
            Files::Daily => blocking(move || holds(&read(&path)?, &key)).await?,
        };
        Ok(is_there.then_some(Receipt { remote: Some(name), url: None, was_there: true }))
    }

    async fn send(&self, letter: &Letter, now: DateTime<Utc>) -> Result<Receipt, Failure> {
        check_key(letter)?;
        let files = self.settings.files;
        let name = file_name(files, letter, Some(now)).unwrap_or_default();
        let (folder, path) = (self.settings.folder.clone(), self.settings.folder.join(&name));
        let (row, key) = (row(letter), letter.key.clone());
        let was_there = blocking(move || match files {
            Files::Each => {
                write(&folder, &path, &compose(b"", &row)?)?;
                Ok(false)
            }
            Files::Daily => add(&folder, &path, &key, &row),
        });
        Ok(Receipt { was_there: was_there.await?, remote: Some(name), url: None })
    }

    fn preview(&self, letter: &Letter, _now: DateTime<Utc>) -> Option<String> {
        let line = compose(b"", &row(letter)).ok()?;
        Some(String::from_utf8_lossy(&line).trim_start_matches('\u{feff}').to_owned())
    }

    async fn test(&self, _now: DateTime<Utc>) -> Result<String, Failure> {
        let folder = self.settings.folder.clone();
        blocking(move || {
            let mut file = temporary(&folder)?;
            file.write_all(BYTE_ORDER_MARK)?;
            file.as_file().sync_all()?;
            file.close()
        })
        .await?;
        Ok("a file was written into the folder and removed again".to_owned())
    }
}

/// Runs what waits for the disk where it holds nobody up.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| failure(&error)),
        Err(_) => Err(Failure::later("writing was given up; it is tried again")),
    }
}

/// The disk's troubles concern all letters, and pass when somebody mends them.
#[expect(clippy::wildcard_enum_match_arm, reason = "the kinds are not ours, and many")]
fn failure(error: &io::Error) -> Failure {
    let advice = match error.kind() {
        ErrorKind::NotFound => "the folder does not exist; create it, or set another",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "the folder cannot be written to; check its rights"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full; make room",
        ErrorKind::FileTooLarge => "the day's file is too large for one more line; move it away",
        _ => "the folder cannot be used",
    };
    Failure::later(format!("{advice} ({error})"))
}

/// Keys become names of files.
fn check_key(letter: &Letter) -> Result<(), Failure> {
    let is_good = (1..=128).contains(&letter.key.len())
        && letter.key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if is_good { Ok(()) } else { Err(Failure::refused("the letter's key is no name of a file")) }
}

/// Returns the name of the letter's file; nothing if neither it nor `now` says the day.
fn file_name(files: Files, letter: &Letter, now: Option<DateTime<Utc>>) -> Option<String> {
    match files {
        Files::Each => Some(format!("{}.csv", letter.key)),
        Files::Daily => {
            let at = letter.field("at").and_then(|at| DateTime::parse_from_rfc3339(at).ok());
            let day = at.map(|at| at.to_utc()).or(now)?.date_naive();
            Some(format!("upturn-{}.csv", day.format("%Y-%m-%d")))
        }
    }
}

/// Returns the letter's cells in the order of [`COLUMNS`].
fn row(letter: &Letter) -> Vec<String> {
    let cell = |column: &&str| match *column {
        "key" => letter.key.clone(),
        "event" => letter.kind.clone(),
        "subject" => letter.subject.clone(),
        "title" => letter.text.title.clone(),
        name => letter.body.get(name).map(in_words).unwrap_or_default(),
    };
    COLUMNS.iter().map(cell).map(neutral).collect()
}

fn in_words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(in_words).collect::<Vec<_>>().join("; "),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string(),
    }
}

/// Returns `cell` so that no spreadsheet program takes it for a formula.
fn neutral(cell: String) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        return format!("'{cell}");
    }
    cell
}

/// Returns `before`, or a header where it is empty, and one line more.
fn compose(before: &[u8], row: &[String]) -> io::Result<Vec<u8>> {
    let is_new = before.is_empty();
    let start = if is_new { BYTE_ORDER_MARK } else { before };
    let mut writer = WriterBuilder::new().from_writer(start.to_vec());
    if is_new {
        writer.write_record(COLUMNS)?;
    }
    writer.write_record(row)?;
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

/// Adds a line to the file at `path`; tells whether one with `key` was there before.
fn add(folder: &Path, path: &Path, key: &str, row: &[String]) -> io::Result<bool> {
    let _only = ADDING.lock().map_err(|_| io::Error::other("another writer broke off"))?;
    let before = read(path)?;
    if holds(&before, key)? {
        return Ok(true);
    }
    write(folder, path, &compose(&before, row)?)?;
    Ok(false)
}

/// Returns what is in the file at `path`; nothing if there is none.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    match fs::metadata(path) {
        Ok(about) if FILE_MAX < about.len() => Err(ErrorKind::FileTooLarge.into()),
        Ok(_) => fs::read(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Tells whether one of the lines of `file` begins with `key`.
fn holds(file: &[u8], key: &str) -> io::Result<bool> {
    let file = file.strip_prefix(BYTE_ORDER_MARK).unwrap_or(file);
    for line in ReaderBuilder::new().flexible(true).from_reader(file).byte_records() {
        if line?.get(0) == Some(key.as_bytes()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Puts a file with `content` at `path`, whole or not at all, and durable.
fn write(folder: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = temporary(folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

/// Returns a file that goes away by itself, with a name that readers of `*.csv` pass over.
fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".upturn-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // The program's umask takes from it what others must not do.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;
    use crate::deliver::letter::Text;

    fn letter(key: &str, body: Value) -> Letter {
        Letter {
            key: key.to_owned(),
            kind: "task-created".to_owned(),
            subject: "t1".to_owned(),
            body,
            text: Text { title: "=cmd|'/c calc'!A1".to_owned(), ..Text::default() },
            recipient: None,
            remote: None,
        }
    }

    fn channel(folder: &TempDir, files: Files) -> Csv {
        Csv { settings: Settings { folder: folder.path().to_owned(), files } }
    }

    fn rows(folder: &TempDir, name: &str) -> Vec<Vec<String>> {
        let file = fs::read(folder.path().join(name)).unwrap();
        let file = file.strip_prefix(BYTE_ORDER_MARK).unwrap();
        let lines = ReaderBuilder::new().has_headers(false).from_reader(file).into_records();
        lines.map(|line| line.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    fn names(folder: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_letter_is_one_file_however_often_it_is_sent() {
        let folder = TempDir::new().unwrap();
        let csv = channel(&folder, Files::Each);
        let body = json!({"device": "@a\",\"\r\nb", "steps": ["x", "y"], "reason": "-1+1"});
        let letter = letter("k1", body);
        assert_eq!(csv.find(&letter).await, Ok(None));
        for _ in 0..2 {
            csv.send(&letter, DateTime::UNIX_EPOCH).await.unwrap();
        }
        assert!(csv.find(&letter).await.unwrap().unwrap().was_there);
        assert_eq!(names(&folder), ["k1.csv"]);
        let rows = rows(&folder, "k1.csv");
        assert_eq!((rows.len(), rows[0][0].as_str()), (2, "key"));
        assert_eq!(rows[1][3], "'=cmd|'/c calc'!A1");
        assert_eq!(rows[1][6], "'@a\",\"\r\nb");
        assert_eq!(rows[1][12..=15], ["x; y", "", "", "'-1+1"]);
    }

    #[tokio::test]
    async fn a_days_file_has_each_letter_once() {
        let folder = TempDir::new().unwrap();
        let csv = channel(&folder, Files::Daily);
        let at = json!({"at": "2026-01-20T23:30:00-02:00"});
        for key in ["k1", "k2", "k1"] {
            let letter = letter(key, at.clone());
            csv.send(&letter, DateTime::UNIX_EPOCH).await.unwrap();
            assert!(csv.find(&letter).await.unwrap().is_some());
        }
        assert_eq!(csv.find(&letter("k3", at)).await, Ok(None));
        assert_eq!(names(&folder), ["upturn-2026-01-21.csv"]);
        let rows = rows(&folder, "upturn-2026-01-21.csv");
        let keys: Vec<_> = rows.iter().map(|row| row[0].as_str()).collect();
        assert_eq!(keys, ["key", "k1", "k2"]);
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_said_and_a_test_leaves_nothing() {
        let folder = TempDir::new().unwrap();
        let csv = channel(&folder, Files::Each);
        csv.test(DateTime::UNIX_EPOCH).await.unwrap();
        assert_eq!(names(&folder), [""; 0]);
        let refused = csv.send(&letter("../k", json!({})), DateTime::UNIX_EPOCH).await;
        assert!(matches!(refused, Err(Failure::Refused { .. })), "{refused:?}");
        drop(folder);
        let gone = csv.send(&letter("k", json!({})), DateTime::UNIX_EPOCH).await.unwrap_err();
        assert!(matches!(gone, Failure::Later { .. }) && gone.to_string().contains("create it"));
        let full = failure(&ErrorKind::StorageFull.into());
        assert!(matches!(full, Failure::Later { .. }) && full.to_string().contains("is full"));
    }
}
