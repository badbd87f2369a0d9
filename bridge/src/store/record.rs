//! Records, as imports and the API write them and whatever looks something up reads them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::QueryBuilder;
use upturn_core::record::{KEY_MARK, Kind};

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx, deal_history};

/// Keys that are looked for, and records that are written, in one statement.
pub(crate) const ROWS_MAX: usize = 500;

/// A record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredRecord {
    /// Its key.
    pub(crate) id: String,
    /// Its columns, a JSON object of texts.
    pub(crate) document: String,
}

/// Returns those of `ids`, at most [`ROWS_MAX`], that there are, with their documents.
pub(crate) async fn find_all(
    store: &Store,
    kind: &str,
    ids: &[&str],
) -> Result<BTreeMap<String, String>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found: Vec<(String, Option<String>)> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new(WANTED);
        query.push_values(ids, |mut row, id| {
            row.push_bind(*id);
        });
        query.push(") SELECT id");
        push_part(&mut query, "document", kind);
        query.push(" FROM wanted").build_query_as().fetch_all(db).await?
    });
    Ok(found.into_iter().filter_map(|(id, document)| Some((id, document?))).collect())
}

/// What is looked for, key by key. Of a list behind `IN`, PostgreSQL reads all records of the kind
/// instead, as long as it does not know how many have just come in.
const WANTED: &str = "WITH wanted (id) AS (";

fn push_part<'q, D: sqlx::Database>(query: &mut QueryBuilder<D>, column: &str, kind: &'q str)
where
    &'q str: sqlx::Encode<'q, D> + sqlx::Type<D>,
{
    query.push(format_args!(
        ", (SELECT {column} FROM record WHERE record.id = wanted.id AND record.kind = "
    ));
    query.push_bind(kind).push(")");
}

/// Writes `records`, at most [`ROWS_MAX`]; those that are there as they are stay untouched. Returns how
/// many were written. Of deals, each revision is kept ([`deal_history`]).
pub(crate) async fn write(
    tx: &mut Tx,
    kind: &str,
    records: &[StoredRecord],
    at: DateTime<Utc>,
    by: &str,
) -> Result<u64, StoreError> {
    const INTO: &str = "
        INSERT INTO record (kind, id, document, revision, updated_at, updated_by) ";
    const OVER: &str = "
        ON CONFLICT (kind, id) DO UPDATE SET document = excluded.document,
            revision = record.revision + 1, updated_at = excluded.updated_at,
            updated_by = excluded.updated_by
        WHERE record.document <> excluded.document";

    if records.is_empty() {
        return Ok(0);
    }
    let at = at.timestamp_millis();
    let written = on_backend!(tx.connection(), db => {
        let mut query = QueryBuilder::new(INTO);
        query.push_values(records, |mut row, record| {
            row.push_bind(kind)
                .push_bind(&*record.id)
                .push_bind(&*record.document)
                .push_bind(1_i64)
                .push_bind(at)
                .push_bind(by);
        });
        query.push(OVER).build().execute(db).await?.rows_affected()
    });
    if kind == deal_history::KIND && 0 < written {
        let ids: Vec<&str> = records.iter().map(|record| &*record.id).collect();
        deal_history::note(tx, &ids).await?;
    }
    if 0 < written {
        mark(tx).await?;
    }
    Ok(written)
}

/// Notes that records were written, for [`changes`].
pub(super) async fn mark(tx: &mut Tx) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE record_mark SET changes = changes + 1 WHERE id = 1";

    on_backend!(tx.connection(), db => sqlx::query(SQL).execute(db).await.map(drop)?);
    Ok(())
}

/// Returns how often records were written: another number means that there is something new.
pub(crate) async fn changes(store: &Store) -> Result<i64, StoreError> {
    const SQL: &str = "SELECT changes FROM record_mark WHERE id = 1";

    Ok(on_backend!(store.reader(), db => sqlx::query_scalar(SQL).fetch_one(db).await?))
}

/// Returns at most `max` records of `kind` behind `after`, in the order of their keys, each as key,
/// document, and the milliseconds at which it was written.
pub(crate) async fn dated_page(
    store: &Store,
    kind: &str,
    after: &str,
    max: u32,
) -> Result<Vec<(String, String, i64)>, StoreError> {
    const SQL: &str = "
        SELECT id, document, updated_at FROM record WHERE kind = $1 AND $2 < id
        ORDER BY id LIMIT $3";

    Ok(on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(kind)
        .bind(after)
        .bind(i64::from(max))
        .fetch_all(db)
        .await?))
}

/// Returns the document of the record `id` of `kind`, as `tx` sees it.
pub(crate) async fn find_in(
    tx: &mut Tx,
    kind: &str,
    id: &str,
) -> Result<Option<String>, StoreError> {
    const SQL: &str = "SELECT document FROM record WHERE kind = $1 AND id = $2";

    Ok(on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(kind)
        .bind(id)
        .fetch_optional(db)
        .await?))
}

/// Returns the documents of at most `max` records of `kind` that have `part` between two marks of their
/// keys, and some whose part differs by capital letters alone.
pub(crate) async fn with_part(
    tx: &mut Tx,
    (kind, part): (&str, &str),
    max: u32,
) -> Result<Vec<String>, StoreError> {
    const SQL: &str = r"
        SELECT document FROM record WHERE kind = $1 AND id LIKE $2 ESCAPE '\' ORDER BY id LIMIT $3";

    let part = part.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    Ok(on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(kind)
        .bind(format!("%|{part}|%"))
        .bind(i64::from(max))
        .fetch_all(db)
        .await?))
}

/// Returns the key of a record of `kind` whose `column` is `id`, as `tx` sees it.
///
/// By keys where they begin with that column, else all records of the kind are looked through.
pub(crate) async fn find_naming(
    tx: &mut Tx,
    kind: &Kind,
    column: &str,
    id: &str,
) -> Result<Option<String>, StoreError> {
    const BY_KEY: &str = "
        SELECT id FROM record
        WHERE kind = $1 AND (id = $2 OR ($3 <= id AND id < $4)) ORDER BY id LIMIT 1";
    // A document is written in one way only.
    const BY_CELL: &str = "
        SELECT id FROM record
        WHERE kind = $1 AND replace(document, $2, '') <> document LIMIT 1";

    if kind.key.first() == Some(&column) {
        let next = char::from_u32(u32::from(KEY_MARK) + 1).unwrap_or(KEY_MARK);
        let (from, to) = (format!("{id}{KEY_MARK}"), format!("{id}{next}"));
        return Ok(on_backend!(tx.connection(), db => sqlx::query_scalar(BY_KEY)
            .bind(kind.name)
            .bind(id)
            .bind(from)
            .bind(to)
            .fetch_optional(db)
            .await?));
    }
    let cell = json!({ column: id }).to_string();
    let cell = cell.trim_start_matches('{').trim_end_matches('}');
    Ok(on_backend!(tx.connection(), db => sqlx::query_scalar(BY_CELL)
        .bind(kind.name)
        .bind(cell)
        .fetch_optional(db)
        .await?))
}

/// Returns at most `max` records of `kind` behind `after`, in the order of their keys.
pub(crate) async fn page(
    store: &Store,
    kind: &str,
    after: &str,
    max: u32,
) -> Result<Vec<StoredRecord>, StoreError> {
    const SQL: &str = "
        SELECT id, document FROM record WHERE kind = $1 AND $2 < id ORDER BY id LIMIT $3";

    let rows: Vec<(String, String)> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(kind)
        .bind(after)
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    Ok(rows.into_iter().map(|(id, document)| StoredRecord { id, document }).collect())
}

/// A record with how often it was written, and when last and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RevisedRecord {
    /// The record.
    pub(crate) record: StoredRecord,
    /// How often it was written, counted from 1.
    pub(crate) revision: u64,
    /// When it was written last.
    pub(crate) updated_at: DateTime<Utc>,
    /// By whom.
    pub(crate) updated_by: String,
}

type RevisedRow = (String, String, i64, i64, String);

fn revised(
    (id, document, revision, updated_at, updated_by): RevisedRow,
) -> Result<RevisedRecord, StoreError> {
    let record = StoredRecord { id, document };
    let revision = u64::try_from(revision)
        .map_err(|_| Column("record", "revision").inconsistent("a number below 0"))?;
    let updated_at = Column("record", "updated_at").time(updated_at)?;
    Ok(RevisedRecord { record, revision, updated_at, updated_by })
}

/// Returns the record `id` of `kind`.
pub(crate) async fn find(
    store: &Store,
    kind: &str,
    id: &str,
) -> Result<Option<RevisedRecord>, StoreError> {
    const SQL: &str = "
        SELECT id, document, revision, updated_at, updated_by FROM record
        WHERE kind = $1 AND id = $2";

    let found: Option<RevisedRow> = on_backend!(store.reader(), db => {
        sqlx::query_as(SQL).bind(kind).bind(id).fetch_optional(db).await?
    });
    found.map(revised).transpose()
}

/// Returns at most `max` records of `kind` behind `after` whose key or columns have `words` in them,
/// in the order of their keys.
pub(crate) async fn search(
    store: &Store,
    (kind, words): (&str, &str),
    after: &str,
    max: u32,
) -> Result<Vec<RevisedRecord>, StoreError> {
    const SQL: &str = "
        SELECT id, document, revision, updated_at, updated_by FROM record
        WHERE kind = $1 AND $2 < id
            AND ($3 = '' OR lower(document) LIKE $3 ESCAPE '\\')
        ORDER BY id LIMIT $4";

    let mut like = String::new();
    if !words.is_empty() {
        let plain = words.to_lowercase();
        like.push('%');
        for c in plain.chars() {
            if matches!(c, '%' | '_' | '\\') {
                like.push('\\');
            }
            like.push(c);
        }
        like.push('%');
    }
    let rows: Vec<RevisedRow> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(kind)
        .bind(after)
        .bind(&like)
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(revised).collect()
}

/// Returns how many records there are of each kind, by the kinds' names.
pub(crate) async fn counts(store: &Store) -> Result<BTreeMap<String, i64>, StoreError> {
    const SQL: &str = "SELECT kind, COUNT(*) FROM record GROUP BY kind";

    let rows: Vec<(String, i64)> =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_all(db).await?);
    Ok(rows.into_iter().collect())
}

/// Returns a number that is another one once a record of `kind` is written or removed.
pub(crate) async fn state(store: &Store, kind: &str) -> Result<(i64, i64, i64), StoreError> {
    const SQL: &str = "
        SELECT COUNT(*), CAST(COALESCE(SUM(revision), 0) AS BIGINT), COALESCE(MAX(updated_at), 0)
        FROM record WHERE kind = $1";

    Ok(on_backend!(store.reader(), db => sqlx::query_as(SQL).bind(kind).fetch_one(db).await?))
}

/// Returns those of `ids`, at most [`ROWS_MAX`], that `tx` sees, with their documents and revisions.
pub(crate) async fn find_all_in(
    tx: &mut Tx,
    kind: &str,
    ids: &[&str],
) -> Result<BTreeMap<String, (String, i64)>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found: Vec<(String, Option<String>, Option<i64>)> = on_backend!(tx.connection(), db => {
        let mut query = QueryBuilder::new(WANTED);
        query.push_values(ids, |mut row, id| {
            row.push_bind(*id);
        });
        query.push(") SELECT id");
        push_part(&mut query, "document", kind);
        push_part(&mut query, "revision", kind);
        query.push(" FROM wanted").build_query_as().fetch_all(db).await?
    });
    let there = |(id, document, revision): (String, Option<String>, Option<i64>)| {
        Some((id, (document?, revision?)))
    };
    Ok(found.into_iter().filter_map(there).collect())
}

/// Removes the record `id` of `kind`.
pub(crate) async fn remove(tx: &mut Tx, kind: &str, id: &str) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM record WHERE kind = $1 AND id = $2";

    on_backend!(tx.connection(), db => {
        sqlx::query(SQL).bind(kind).bind(id).execute(db).await.map(drop)?;
    });
    mark(tx).await
}

#[cfg(test)]
mod tests {
    use super::super::testing::each_backend;
    use super::*;

    fn record(id: &str, document: &str) -> StoredRecord {
        StoredRecord { id: id.to_owned(), document: document.to_owned() }
    }

    #[tokio::test]
    async fn what_is_the_same_is_not_written_again() {
        each_backend(async |store| {
            let at = DateTime::UNIX_EPOCH;
            let write_all = async |records: &[StoredRecord]| {
                let mut tx = store.begin().await.unwrap();
                let written = write(&mut tx, "stock", records, at, "a").await.unwrap();
                tx.commit().await.unwrap();
                written
            };
            let (one, two) = (record("a|x", "{\"n\":\"1\"}"), record("b|x", "{\"n\":\"2\"}"));
            assert_eq!(write_all(&[one.clone(), two.clone()]).await, 2);
            let changed = record("b|x", "{\"n\":\"3\"}");
            assert_eq!(write_all(&[one.clone(), changed.clone()]).await, 1);
            assert_eq!(write_all(&[]).await, 0);

            let found = find_all(store, "stock", &["b|x", "c|x"]).await.unwrap();
            assert_eq!(
                found.into_iter().collect::<Vec<_>>(),
                [(changed.id.clone(), changed.document.clone())]
            );
            assert_eq!(page(store, "stock", "", 9).await.unwrap(), [one.clone(), changed]);
            assert_eq!(page(store, "stock", "", 1).await.unwrap(), [one]);
            assert_eq!(page(store, "price", "", 9).await.unwrap(), []);

            write_all(&[record("l|a_b|d", "{}"), record("l|axb|d", "{\"x\":\"\"}")]).await;
            let mut tx = store.begin().await.unwrap();
            assert_eq!(with_part(&mut tx, ("stock", "a_b"), 9).await.unwrap(), ["{}"]);
            assert_eq!(find_in(&mut tx, "stock", "l|a_b|d").await.unwrap().as_deref(), Some("{}"));
            assert_eq!(find_in(&mut tx, "price", "l|a_b|d").await.unwrap(), None);
        })
        .await;
    }
}
