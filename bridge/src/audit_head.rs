//! Notes of where the trail of changes ended, outside the database: who cuts the trail there, or writes
//! it anew, does not reach them.
//!
//! A line a note: the time, a space, and the head as `upturn audit verify` prints it.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::SecondsFormat;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::store::Store;
use crate::store::audit::chain::{self, Head};

/// How long a note holds until the next one.
const EVERY: Duration = Duration::from_hours(24);
/// How soon a note that could not be made is tried again.
const RETRY: Duration = Duration::from_mins(1);
/// The longest line of a note, in bytes.
const LINE_MAX: usize = 256;

/// Why a file of notes is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotesError {
    /// It cannot be read.
    #[error("the notes in {path} cannot be read", path = .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// It has no note.
    #[error("there is no note in {path}; a program with [audit] head_file writes one a day", path = .0.display())]
    Empty(PathBuf),
    /// A line is no note.
    #[error("{path}:{line}: this is no note of a head: TIME ENTRIES:DIGEST", path = .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// Notes the head in the file at `path`, now and once a day, until `stop`.
pub(crate) async fn run(
    store: Store,
    path: PathBuf,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    loop {
        let pause = match note(&store, &path, &*clock).await {
            Ok(()) => EVERY,
            Err(error) => {
                let what = "the end of the audit trail cannot be noted in [audit] head_file";
                tracing::error!(error = &*error, file = %path.display(), "{what}");
                RETRY
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

async fn note(
    store: &Store,
    path: &Path,
    clock: &dyn Clock,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let head = chain::head(store).await?;
    let at = clock.now().to_rfc3339_opts(SecondsFormat::Secs, true);
    let (path, line) = (path.to_owned(), format!("{at} {head}\n"));
    tokio::task::spawn_blocking(move || append(&path, &line)).await??;
    Ok(())
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut file = File::options().create(true).append(true).mode(0o600).open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_all()
}

/// Returns the newest note in the file at `path`.
pub(crate) fn newest(path: &Path) -> Result<Head, NotesError> {
    let unreadable = |error| NotesError::Unreadable(path.to_owned(), error);
    let file = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut newest = None;
    for (line, text) in (1..).zip(file.lines()) {
        let text = text.map_err(unreadable)?;
        let head = text.split_once(' ').filter(|_| text.len() <= LINE_MAX);
        let head = head.and_then(|(_, head)| head.parse().ok());
        newest = Some(head.ok_or_else(|| NotesError::Malformed { path: path.to_owned(), line })?);
    }
    newest.ok_or_else(|| NotesError::Empty(path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_note_counts_and_what_is_none_is_named_by_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heads");
        assert!(matches!(newest(&path), Err(NotesError::Unreadable(..))));
        std::fs::write(&path, "").unwrap();
        assert!(matches!(newest(&path), Err(NotesError::Empty(_))));
        append(&path, "2026-01-20T08:00:00Z 7:ab\n").unwrap();
        append(&path, "2026-01-21T08:00:00Z 9:cd\n").unwrap();
        assert_eq!(newest(&path).unwrap(), Head { entries: 9, digest: "cd".to_owned() });
        append(&path, "2026-01-22T08:00:00Z nine\n").unwrap();
        let error = newest(&path).unwrap_err();
        assert!(error.to_string().contains("heads:3: this is no note"), "{error}");
    }
}
