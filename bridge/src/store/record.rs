//! Records, as imports and the API write them and whatever looks something up reads them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;

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
    let found: Vec<(String, String)> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new("SELECT id, document FROM record WHERE kind = ");
        query.push_bind(kind).push(" AND id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        query.push(")");
        query.build_query_as().fetch_all(db).await?
    });
    Ok(found.into_iter().collect())
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
    Ok(written)
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
        })
        .await;
    }
}
