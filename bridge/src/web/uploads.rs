//! Tables that somebody sent to be looked at, until they are taken in or forgotten.

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::NamedTempFile;

use crate::auth::token;

/// How many are kept: whoever sends one more drops the oldest.
const KEPT_MAX: usize = 16;
/// How long one is kept.
const KEPT: TimeDelta = TimeDelta::minutes(30);

/// Tables that were sent.
#[derive(Debug, Default)]
pub(crate) struct Uploads(Mutex<Vec<Upload>>);

/// A table that was sent.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// What it goes by.
    pub(crate) id: String,
    /// What the sender calls it.
    pub(crate) name: String,
    /// Its encoding, where the sender named one.
    pub(crate) encoding: Option<String>,
    /// The file, which is deleted with the last copy.
    pub(crate) file: Arc<NamedTempFile>,
    kind: &'static str,
    actor: String,
    at: DateTime<Utc>,
}

impl Uploads {
    /// Keeps `bytes`, a table of records of `kind` that `actor` sent at `at` as a file called `name`.
    pub(crate) fn keep(
        &self,
        kind: &'static str,
        (actor, at): (&str, DateTime<Utc>),
        (name, encoding): (String, Option<String>),
        bytes: &[u8],
    ) -> io::Result<Upload> {
        let mut file = NamedTempFile::new()?;
        file.write_all(bytes)?;
        file.flush()?;
        let id = token::new().map_err(io::Error::other)?;
        let (file, actor) = (Arc::new(file), actor.to_owned());
        let upload = Upload { id, name, encoding, file, kind, actor, at };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|upload| at - upload.at <= KEPT);
        if KEPT_MAX <= kept.len() {
            kept.remove(0);
        }
        kept.push(upload.clone());
        Ok(upload)
    }

    /// Returns the table `id` of records of `kind` that `actor` sent.
    pub(crate) fn find(&self, id: &str, kind: &str, actor: &str) -> Option<Upload> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|upload| upload.id == id)?;
        (found.kind == kind && found.actor == actor).then(|| found.clone())
    }
}
