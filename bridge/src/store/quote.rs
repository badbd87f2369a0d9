//! Frozen quotes, each kept by the digest of all that is in it.

use chrono::{DateTime, Utc};

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// A quote as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredQuote {
    /// What names it.
    pub(crate) digest: String,
    /// The number that its seller gave it; several may have one.
    pub(crate) number: String,
    /// The hash of what an approval is bound to.
    pub(crate) content: String,
    /// The deal it is of.
    pub(crate) deal: Option<String>,
    /// Whose quote it is.
    pub(crate) seller: String,
    /// Who had it priced.
    pub(crate) actor: String,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// Whether it may go out.
    pub(crate) is_clear: bool,
    /// The snapshot, as text.
    pub(crate) document: String,
}

/// Keeps `quote` unless it is kept; returns whether it is new.
pub(crate) async fn insert(tx: &mut Tx, quote: &StoredQuote) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO quote (digest, number, content, deal, seller, actor, at, is_clear, document)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (digest) DO NOTHING";

    let inserted = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(&quote.digest)
        .bind(&quote.number)
        .bind(&quote.content)
        .bind(&quote.deal)
        .bind(&quote.seller)
        .bind(&quote.actor)
        .bind(quote.at.timestamp_millis())
        .bind(i64::from(quote.is_clear))
        .bind(&quote.document)
        .execute(db)
        .await?
        .rows_affected());
    Ok(inserted == 1)
}

/// Returns the quote that `digest` names.
pub(crate) async fn find(store: &Store, digest: &str) -> Result<Option<StoredQuote>, StoreError> {
    const SQL: &str = "
        SELECT digest, number, content, deal, seller, actor, at, is_clear, document FROM quote
        WHERE digest = $1";

    let row: Option<Row> = on_backend!(store.reader(), db => {
        sqlx::query_as(SQL).bind(digest).fetch_optional(db).await?
    });
    row.map(Row::read).transpose()
}

/// Returns at most `max` quotes, of `deal` if it names one, the newest first, made before `before`.
pub(crate) async fn newest(
    store: &Store,
    (deal, before): (Option<&str>, Option<DateTime<Utc>>),
    max: u32,
) -> Result<Vec<StoredQuote>, StoreError> {
    const SQL: &str = "
        SELECT digest, number, content, deal, seller, actor, at, is_clear, document FROM quote
        WHERE at < $1 AND (CAST($2 AS TEXT) IS NULL OR deal = $2) ORDER BY at DESC, digest LIMIT $3";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(before.map_or(i64::MAX, |before| before.timestamp_millis()))
        .bind(deal)
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(Row::read).collect()
}

#[derive(sqlx::FromRow)]
struct Row {
    digest: String,
    number: String,
    content: String,
    deal: Option<String>,
    seller: String,
    actor: String,
    at: i64,
    is_clear: i64,
    document: String,
}

impl Row {
    fn read(self) -> Result<StoredQuote, StoreError> {
        Ok(StoredQuote {
            digest: self.digest,
            number: self.number,
            content: self.content,
            deal: self.deal,
            seller: self.seller,
            actor: self.actor,
            at: Column("quote", "at").time(self.at)?,
            is_clear: self.is_clear != 0,
            document: self.document,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::testing::{at, each_backend};
    use super::*;

    pub(crate) fn quote(digest: &str, minute: i64, deal: Option<&str>) -> StoredQuote {
        StoredQuote {
            digest: digest.to_owned(),
            number: "Q1".to_owned(),
            content: format!("c-{digest}"),
            deal: deal.map(str::to_owned),
            seller: "lin".to_owned(),
            actor: "lin".to_owned(),
            at: at(minute),
            is_clear: false,
            document: "{}".to_owned(),
        }
    }

    #[tokio::test]
    async fn quotes_are_kept_once_and_told_newest_first() {
        each_backend(async |store| {
            let all = [quote("b", 2, Some("d1")), quote("a", 1, None)];
            let mut tx = store.begin().await.unwrap();
            for one in &all {
                assert!(insert(&mut tx, one).await.unwrap());
                assert!(!insert(&mut tx, one).await.unwrap());
            }
            tx.commit().await.unwrap();
            assert_eq!(newest(store, (None, None), 9).await.unwrap(), all);
            assert_eq!(newest(store, (Some("d1"), None), 9).await.unwrap(), all[..1]);
            assert_eq!(newest(store, (None, Some(at(2))), 9).await.unwrap(), all[1..]);
            assert_eq!(find(store, "a").await.unwrap().as_ref(), all.last());
            assert_eq!(find(store, "z").await.unwrap(), None);
        })
        .await;
    }
}
