//! Facts from a folder: one sub-directory for each feed, with `feed.toml` and the documents as they
//! were saved. The same readers read them as read what is fetched.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};
use upturn_connectors::feed::{self, FeedError};

use super::{Facts, Sheet};
use crate::feeds::limits::{LimitError, Limits, LimitsDocument};

/// The name of the file that says what the documents beside it are.
pub(crate) const FILE: &str = "feed.toml";
/// The largest document, in bytes: the ECB's whole history as XML has 20 million.
const DOCUMENT_MAX: u64 = 64 << 20;
/// The most documents of one feed.
const DOCUMENTS_MAX: usize = 200;
/// The most feeds in a folder.
const FEEDS_MAX: usize = 1_000;

/// Why a folder gives no facts.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SavedError {
    /// It cannot be read.
    #[error("'{}' cannot be read: {source}", .path.display())]
    Unreadable {
        /// What.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It has no feeds.
    #[error("'{}' has no sub-directory with a {FILE}; make one for each feed", .0.display())]
    Empty(PathBuf),
    /// There are too many documents or feeds.
    #[error("'{}' has more than {most} entries; split it", .path.display())]
    TooMany {
        /// Where.
        path: PathBuf,
        /// How many there may be.
        most: usize,
    },
    /// A `feed.toml` is wrong.
    #[error("{}: {why}", .path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// A document is.
    #[error("{}: {source}", .path.display())]
    Document {
        /// The document.
        path: PathBuf,
        /// What is wrong.
        source: FeedError,
    },
}

impl SavedError {
    /// Returns whether something is not there, rather than wrong.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Unreadable { .. })
    }
}

/// What a `feed.toml` must say; a feed's whole document may stand in it.
#[derive(Debug, Deserialize)]
struct SavedFeed {
    kind: String,
    #[serde(default)]
    settings: Map<String, Value>,
    #[serde(default)]
    limits: LimitsDocument,
}

/// Reads all feeds in the folder `dir`.
pub(crate) fn read(dir: &Path) -> Result<Facts, SavedError> {
    let mut sheets = Vec::new();
    for folder in entries(dir, FEEDS_MAX)? {
        if folder.join(FILE).is_file() {
            sheets.push(sheet(&folder)?);
        }
    }
    if sheets.is_empty() {
        return Err(SavedError::Empty(dir.to_owned()));
    }
    let told: Vec<_> = sheets.iter().map(|sheet| Arc::clone(&sheet.facts)).collect();
    let mut facts = Facts { sheets };
    facts.close(&told);
    Ok(facts)
}

fn sheet(folder: &Path) -> Result<Sheet, SavedError> {
    let path = folder.join(FILE);
    let wrong = |why: String| SavedError::Wrong { path: path.clone(), why };
    let text = String::from_utf8(bytes(&path)?).map_err(|_| wrong("it is no text".to_owned()))?;
    let SavedFeed { kind, settings, limits } =
        toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().to_owned()))?;
    let kind = feed::kind(&kind).ok_or_else(|| {
        wrong(format!("'{kind}' is no kind of feed; upturn connectors kinds lists them"))
    })?;
    let publishes_by = limits.publishes_by.clone();
    let limits = Limits::of(kind, &limits).map_err(|error: LimitError| wrong(error.to_string()))?;
    let settings = Value::Object(settings);
    let mut facts = Vec::new();
    for path in entries(folder, DOCUMENTS_MAX)?.into_iter().filter(|path| is_document(path)) {
        let read = (kind.parse)(&settings, &bytes(&path)?);
        facts.extend(read.map_err(|source| SavedError::Document { path, source })?);
    }
    let feed = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let feed = feed.unwrap_or_default();
    name_source(&mut facts, &feed);
    Ok(Sheet::new((feed, kind), (limits, publishes_by), Arc::new(facts)))
}

/// Says in each fact that names a source which feed it is of.
pub(crate) fn name_source(facts: &mut [upturn_core::fact::Fact], feed: &str) {
    for fact in facts {
        if let upturn_core::fact::Fact::Tax(rate) = fact {
            feed.clone_into(&mut rate.source);
        } else if let upturn_core::fact::Fact::Duty(measure) = fact {
            feed.clone_into(&mut measure.source);
        }
    }
}

/// Notes for people and hidden files are no documents.
fn is_document(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    path.is_file() && name != FILE && !name.starts_with('.') && !name.ends_with(".md")
}

fn entries(dir: &Path, most: usize) -> Result<Vec<PathBuf>, SavedError> {
    let unreadable = |source| SavedError::Unreadable { path: dir.to_owned(), source };
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        if most <= entries.len() {
            return Err(SavedError::TooMany { path: dir.to_owned(), most });
        }
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    Ok(entries)
}

fn bytes(path: &Path) -> Result<Vec<u8>, SavedError> {
    let unreadable = |source| SavedError::Unreadable { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(DOCUMENT_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if DOCUMENT_MAX < u64::try_from(bytes.len()).unwrap_or(u64::MAX) {
        let why = io::Error::other(format!("it has more than {DOCUMENT_MAX} bytes"));
        return Err(unreadable(why));
    }
    Ok(bytes)
}
