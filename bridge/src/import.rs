//! Tables of records taken in: looked at as a whole, then written as a whole or not at all.
//!
//! **Entry**: [`Import::examine`], then [`Import::take_in`]. A file is read twice and never held; what is remembered of
//! a row is 16 bytes. What differs is first written down beside the records, in small steps, so that a program
//! that works on the database goes on meanwhile.
//!
//! **Invariants**: nothing is written while a row is wrong, or while a column changes that should not
//! ([`shift`]); what is written is what was looked at, since the digests of both readings are compared.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use upturn_core::record::{Kind, Record};
use upturn_core::registry::Registry;

use self::findings::Findings;
use self::references::Missing;
use self::rows::{Numbered, Rows};
use self::shift::Changes;
use crate::auth::token;
use crate::hex::hex;
use crate::runtime::records::is_registered;
use crate::runtime::selling::deals::{Fields, KIND as DEAL};
use crate::runtime::selling::guard::Guard;
use crate::store::audit::NewEntry;
use crate::store::error::StoreError;
use crate::store::record::{self, ROWS_MAX, StoredRecord};
use crate::store::record_staged::STEP_PAUSE;
use crate::store::{Store, audit, record_staged};
use crate::twins::Marks;

mod findings;
mod limit;
pub(crate) mod references;
pub(crate) mod rows;
mod shift;

/// How many rows are written in one step, so that nobody waits long for the database.
const STEP_ROWS: usize = 10 * ROWS_MAX;
/// How many warnings are told.
const WARNINGS_MAX: usize = 50;
/// How many rows a preview shows.
const PREVIEW_MAX: usize = 5;

/// How a file is to be read.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    /// The file.
    pub(crate) file: PathBuf,
    /// What its headings are called here; those of nothing are left out.
    pub(crate) map: Vec<(String, String)>,
    /// What stands between its cells; found out, where absent.
    pub(crate) delimiter: Option<u8>,
    /// Its encoding, by its WHATWG label; UTF-8, where absent.
    pub(crate) encoding: Option<String>,
}

/// A table on its way into the store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Import<'i> {
    /// Where its records go.
    pub(crate) store: &'i Store,
    /// What its rows may name besides.
    pub(crate) registry: &'i Registry,
    /// What its records are.
    pub(crate) kind: &'static Kind,
    /// The table.
    pub(crate) source: &'i Source,
    /// The state of the kind's records ([`record::state`]) that the table was made of, if it was made of
    /// them: what anybody has changed since is not overwritten.
    pub(crate) made_of: Option<(i64, i64, i64)>,
}

/// What is in a file, and what it would do.
#[derive(Debug, Default)]
pub(crate) struct Examined {
    /// Rows that are not empty.
    pub(crate) rows: u64,
    /// Records that were not there before.
    pub(crate) new: u64,
    /// Records that are there and would be as they are.
    pub(crate) same: u64,
    /// Records that would change.
    pub(crate) changed: u64,
    /// The first records.
    pub(crate) preview: Vec<Record>,
    /// Accounts and contacts that may be there already, the first of them.
    pub(crate) warnings: Vec<String>,
    /// What is wrong.
    pub(crate) findings: Findings,
    digest: [u8; 32],
}

/// Why a file cannot be looked at or taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error("cannot read {path}", path = .path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path}: {why}", path = .path.display())]
    Table { path: PathBuf, why: String },
    #[error("{path} has changed while it was read; nothing was taken in", path = .0.display())]
    Restless(PathBuf),
    #[error("records of {0} were changed meanwhile; nothing was taken in: do it again")]
    Overtaken(&'static str),
    #[error("the system gives no random bytes")]
    Random(#[source] getrandom::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Examined {
    /// Returns what there is to say of a file that is no table.
    pub(crate) fn of_no_table(why: String) -> Self {
        let mut findings = Findings::default();
        findings.refuse(why);
        Self { findings, ..Self::default() }
    }
}

impl Import<'_> {
    /// Looks at everything in the table, and at what it would change; changes nothing.
    ///
    /// Columns in `allowed` may change in as many records as they like.
    pub(crate) async fn examine(&self, allowed: &[String]) -> Result<Examined, ImportError> {
        let mut rows = Rows::open(self.kind, self.source)?;
        let mut examined = Examined::default();
        let mut seen = Seen::default();
        let mut changes = Changes::of(self.kind);
        let guard = if self.kind.name == DEAL { Guard::of(self.store).await? } else { None };
        let mut marks = match self.kind.name {
            "account" | "contact" => Some(Marks::load(self.store, self.registry).await?),
            _ => None,
        };
        while let Some(batch) = rows.batch(ROWS_MAX, &mut examined.findings)? {
            examined.rows += batch.rows;
            let batch = seen.only_new(self.kind, batch.records, &mut examined.findings);
            let room = PREVIEW_MAX.saturating_sub(examined.preview.len());
            examined.preview.extend(batch.iter().take(room).map(|row| row.record.clone()));
            if let Some(marks) = &mut marks {
                for row in &batch {
                    self.warn(&row.record, marks, &mut examined.warnings);
                }
            }
            let places = (self.store, self.registry);
            for missing in references::missing(places, self.kind, &batch).await? {
                if missing.is_of_own_kind {
                    // It may stand further down in the same file.
                    seen.expected.push(missing);
                } else {
                    examined.findings.report(missing.line, missing.message());
                }
            }
            self.compare(&batch, &mut changes, &mut examined).await?;
            if let Some(guard) = &guard {
                self.keep_to_process(guard, &batch, &mut examined.findings).await?;
            }
        }
        for missing in seen.strangers() {
            examined.findings.report(missing.line, missing.message());
        }
        for error in changes.suspicious(allowed) {
            examined.findings.refuse(error);
        }
        examined.digest = rows.digest();
        Ok(examined)
    }

    /// Notes a record of an account or a contact, and whether there is one like it.
    fn warn(&self, record: &Record, marks: &mut Marks, warnings: &mut Vec<String>) {
        let (kind, id) = (self.kind.name, self.kind.key_of(record));
        let room = WARNINGS_MAX.saturating_sub(warnings.len());
        warnings.extend(marks.warnings(kind, &id, record).into_iter().take(room));
        marks.note(kind, &id, record);
    }

    /// Writes everything in the table, which [`Import::examine`] found sound, in one transaction, at
    /// `at` in the name of `by`; returns how many records are new or changed.
    pub(crate) async fn take_in(
        &self,
        examined: &Examined,
        at: DateTime<Utc>,
        by: &str,
    ) -> Result<u64, ImportError> {
        let import = token::new().map_err(ImportError::Random)?;
        let staged = self.stage(&import, examined, at).await;
        let switched = match staged {
            Ok(()) => self.switch(&import, examined, (at, by)).await,
            Err(error) => Err(error),
        };
        // What was decided stands, whether or not the steps towards it can be cleared away now: the next
        // import clears what has been left for a day.
        if let Err(error) = record_staged::clear(self.store, &import, at).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "rows on their way are left behind");
        }
        switched
    }

    /// Writes what differs from the store down beside the records, in steps between which others write.
    async fn stage(
        &self,
        import: &str,
        examined: &Examined,
        at: DateTime<Utc>,
    ) -> Result<(), ImportError> {
        let mut rows = Rows::open(self.kind, self.source)?;
        let mut unseen = Findings::default();
        let mut is_first = true;
        while let Some(batch) = rows.batch(STEP_ROWS, &mut unseen)? {
            if !std::mem::take(&mut is_first) {
                tokio::time::sleep(STEP_PAUSE).await;
            }
            let mut tx = self.store.begin().await?;
            for rows in batch.records.chunks(ROWS_MAX) {
                let mut staged: Vec<_> = rows
                    .iter()
                    .map(|row| {
                        let line = i64::try_from(row.line).unwrap_or(i64::MAX);
                        (line, stored(self.kind, &row.record))
                    })
                    .collect();
                let ids: Vec<&str> = staged.iter().map(|(_, record)| &*record.id).collect();
                let before = record::find_all_in(&mut tx, self.kind.name, &ids).await?;
                staged.retain(|(_, record)| {
                    before.get(&record.id).is_none_or(|(before, _)| *before != record.document)
                });
                record_staged::add(&mut tx, import, &staged, at).await?;
            }
            tx.commit().await?;
        }
        let is_same = rows.digest() == examined.digest && unseen.is_empty();
        if is_same { Ok(()) } else { Err(ImportError::Restless(self.source.file.clone())) }
    }

    /// Makes records of what was staged, in one transaction.
    async fn switch(
        &self,
        import: &str,
        examined: &Examined,
        (at, by): (DateTime<Utc>, &str),
    ) -> Result<u64, ImportError> {
        let kind = self.kind;
        let mut tx = self.store.begin().await?;
        if let Some(state) = self.made_of
            && record::state_in(&mut tx, kind.name).await? != state
        {
            return Err(ImportError::Overtaken(kind.name));
        }
        let staged = (import, kind.name, is_registered(kind));
        let written = record_staged::switch(&mut tx, staged, at, by).await?;
        let digest = hex(&examined.digest);
        let detail = json!({ "rows": examined.rows, "written": written, "sha256": digest });
        let (action, subject) = ("records-imported", kind.name);
        let entry = NewEntry { at, actor: by, action, subject, detail: &detail };
        audit::append(&mut tx, entry).await?;
        tx.commit().await?;
        Ok(written)
    }

    /// Counts what is new, the same and changed in `batch`.
    async fn compare(
        &self,
        batch: &[Numbered],
        changes: &mut Changes,
        examined: &mut Examined,
    ) -> Result<(), StoreError> {
        let stored: Vec<_> = batch.iter().map(|row| stored(self.kind, &row.record)).collect();
        let ids: Vec<&str> = stored.iter().map(|record| &*record.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let before = record::find_all(self.store, self.kind.name, &ids).await?;
        for (row, after) in batch.iter().zip(&stored) {
            match before.get(&after.id) {
                None => examined.new += 1,
                Some(document) if *document == after.document => {
                    examined.same += 1;
                    changes.keep(&row.record);
                }
                Some(document) => {
                    examined.changed += 1;
                    changes.compare(&after.id, document, &row.record);
                }
            }
        }
        Ok(())
    }

    /// Reports rows that would lead a deal past its process.
    async fn keep_to_process(
        &self,
        guard: &Guard,
        batch: &[Numbered],
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        let ids: Vec<String> = batch.iter().map(|row| self.kind.key_of(&row.record)).collect();
        let keys: Vec<&str> = ids.iter().map(String::as_str).collect();
        let before = record::find_all(self.store, self.kind.name, &keys).await?;
        for (row, id) in batch.iter().zip(&ids) {
            let old: Fields = before
                .get(id)
                .and_then(|document| serde_json::from_str(document).ok())
                .unwrap_or_default();
            let cell = |name: &str| old.get(name).map(String::as_str);
            let new = |name: &str| row.record.get(name).map(String::as_str);
            if let Err(refused) = guard.check(self.store, id, cell, new).await? {
                findings.report(row.line, format!("{}: {}", refused.code, refused.detail));
            }
        }
        Ok(())
    }
}

/// Returns `record` as it is kept.
pub(crate) fn stored(kind: &Kind, record: &Record) -> StoredRecord {
    // A map of texts always has a JSON text.
    let document = serde_json::to_string(record).unwrap_or_default();
    StoredRecord { id: kind.key_of(record), document }
}

/// The keys of a file, and what its rows name of each other.
#[derive(Debug, Default)]
struct Seen {
    keys: HashSet<[u8; 16]>,
    expected: Vec<Missing>,
}

impl Seen {
    /// Returns the records whose key did not come before; the others are reported.
    fn only_new(
        &mut self,
        kind: &Kind,
        records: Vec<Numbered>,
        findings: &mut Findings,
    ) -> Vec<Numbered> {
        let mut is_new = |row: &Numbered| {
            let key = kind.key_of(&row.record);
            let is_new = self.keys.insert(mark(&key));
            if !is_new {
                let columns = kind.key.join(", ");
                let key = key.escape_debug();
                findings.report(row.line, format!("\"{key}\" ({columns}) stands there twice"));
            }
            is_new
        };
        records.into_iter().filter(&mut is_new).collect()
    }

    /// Returns the rows that name what neither the file nor the store has.
    fn strangers(&self) -> impl Iterator<Item = &Missing> {
        self.expected.iter().filter(|missing| !self.keys.contains(&mark(&missing.id)))
    }
}

/// Returns 16 bytes that stand for `key`.
fn mark(key: &str) -> [u8; 16] {
    let digest: [u8; 32] = Sha256::digest(key).into();
    let mut mark = [0; 16];
    mark.iter_mut().zip(digest).for_each(|(mark, byte)| *mark = byte);
    mark
}

fn open(path: &Path) -> Result<File, ImportError> {
    File::open(path).map_err(|source| ImportError::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests;
