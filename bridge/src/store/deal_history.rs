//! What was known of deals when: each revision of each, kept with it.

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// The kind of records whose revisions are kept.
pub(crate) const KIND: &str = "deal";

/// A deal as it was from a time on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "a revision has its number")]
pub(crate) struct Revision {
    /// The deal.
    pub(crate) deal: String,
    /// Its revision, from 1.
    pub(crate) revision: u64,
    /// When it was written.
    pub(crate) at: DateTime<Utc>,
    /// Its columns, a JSON object of texts.
    pub(crate) document: String,
}

/// Keeps the deals `ids` as they stand, unless they are kept already. Whoever writes deals calls it in
/// the same transaction.
pub(crate) async fn note(tx: &mut Tx, ids: &[&str]) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO deal_history (deal, revision, at, document)
        SELECT id, revision, updated_at, document FROM record WHERE kind = ";

    on_backend!(tx.connection(), db => {
        let mut query = QueryBuilder::new(SQL);
        query.push_bind(KIND).push(" AND id IN (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        query.push(") ON CONFLICT (deal, revision) DO NOTHING");
        query.build().execute(db).await?;
    });
    Ok(())
}

/// The same for the deals of an import, `import`.
pub(super) async fn note_staged(tx: &mut Tx, import: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO deal_history (deal, revision, at, document)
        SELECT id, revision, updated_at, document FROM record
        WHERE kind = $1 AND id IN (SELECT id FROM record_staged WHERE import = $2)
        ON CONFLICT (deal, revision) DO NOTHING";

    on_backend!(tx.connection(), db => {
        sqlx::query(SQL).bind(KIND).bind(import).execute(db).await.map(drop)?;
    });
    Ok(())
}

/// Returns when a deal was last written; none where none ever was.
pub(crate) async fn newest_at(store: &Store) -> Result<Option<DateTime<Utc>>, StoreError> {
    const SQL: &str = "SELECT max(at) FROM deal_history";

    let at: Option<i64> =
        on_backend!(store.reader(), db => sqlx::query_scalar(SQL).fetch_one(db).await?);
    Column("deal_history", "at").time_if_any(at)
}

/// Returns at most `max` revisions behind the deal and revision `after`, in that order.
pub(crate) async fn page(
    store: &Store,
    (deal, revision): (&str, u64),
    max: u32,
) -> Result<Vec<Revision>, StoreError> {
    const SQL: &str = "
        SELECT deal, revision, at, document FROM deal_history
        WHERE $1 < deal OR ($1 = deal AND $2 < revision) ORDER BY deal, revision LIMIT $3";

    let rows: Vec<(String, i64, i64, String)> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
            .bind(deal)
            .bind(i64::try_from(revision).unwrap_or(i64::MAX))
            .bind(i64::from(max))
            .fetch_all(db)
            .await?);
    let column = |name| Column("deal_history", name);
    let read = |(deal, revision, at, document)| {
        let revision = column("revision").count(revision)?;
        Ok(Revision { deal, revision, at: column("at").time(at)?, document })
    };
    rows.into_iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::super::record::{self, StoredRecord};
    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn each_revision_of_a_deal_is_kept_with_it() {
        each_backend(async |store| {
            let write = async |kind: &str, stage: &str, second: i64| {
                let document = format!("{{\"stage\":\"{stage}\"}}");
                let records = [StoredRecord { id: "D-1".to_owned(), document }];
                let mut tx = store.begin().await.unwrap();
                record::write(&mut tx, kind, &records, at(second), "a").await.unwrap();
                tx.commit().await.unwrap();
            };
            for (kind, stage, second) in
                [("deal", "lead", 1), ("deal", "lead", 2), ("deal", "offer", 3), ("plan", "x", 4)]
            {
                write(kind, stage, second).await;
            }
            let found = page(store, ("", 0), 9).await.unwrap();
            let found: Vec<_> =
                found.iter().map(|one| (one.revision, one.at, &*one.document)).collect();
            let expected =
                [(1, at(1), "{\"stage\":\"lead\"}"), (2, at(3), "{\"stage\":\"offer\"}")];
            assert_eq!(found, expected);
            assert_eq!(page(store, ("D-1", 1), 9).await.unwrap().len(), 1);
            assert_eq!(newest_at(store).await.unwrap(), Some(at(3)));
        })
        .await;
    }
}
