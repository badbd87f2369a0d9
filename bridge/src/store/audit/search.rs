//! The trail as somebody looks for something in it.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{Database, Encode, QueryBuilder, Type};

use super::super::Store;
use super::super::column::Column;
use super::super::error::StoreError;
use super::DETAIL;

/// What is looked for; what is empty does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AuditFilter {
    /// Who.
    pub(crate) actor: String,
    /// What was done, or what it begins with: `task-`.
    pub(crate) action: String,
    /// To what.
    pub(crate) subject: String,
    /// From when on.
    pub(crate) from: Option<DateTime<Utc>>,
    /// Before when.
    pub(crate) until: Option<DateTime<Utc>>,
}

/// An entry of the trail.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    /// Its number.
    pub(crate) id: i64,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// Who.
    pub(crate) actor: String,
    /// Did what.
    pub(crate) action: String,
    /// To what.
    pub(crate) subject: String,
    /// The particulars.
    pub(crate) detail: Value,
}

/// Returns at most `limit` entries that `filter` lets through, newest first, before the number
/// `before`.
pub(crate) async fn page(
    store: &Store,
    filter: &AuditFilter,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Found>, StoreError> {
    let rows: Vec<Row> = on_backend!(store.reader(), db => {
        let mut query =
            QueryBuilder::new("SELECT id, at, actor, action, subject, detail FROM audit WHERE id < ");
        query.push_bind(before.unwrap_or(i64::MAX));
        push(&mut query, filter);
        query.push(" ORDER BY id DESC LIMIT ").push_bind(i64::from(limit));
        query.build_query_as().fetch_all(db).await?
    });
    rows.into_iter().map(Found::try_from).collect()
}

fn push<DB: Database>(query: &mut QueryBuilder<DB>, filter: &AuditFilter)
where
    for<'a> i64: Encode<'a, DB> + Type<DB>,
    for<'a> String: Encode<'a, DB> + Type<DB>,
{
    // No column holds the character, so another that none holds finds the same: nothing.
    let sound = |text: &str| text.replace('\0', "\u{fffd}");
    let is = [(" AND actor = ", &filter.actor), (" AND subject = ", &filter.subject)];
    for (condition, text) in is.into_iter().filter(|(_, text)| !text.is_empty()) {
        query.push(condition).push_bind(sound(text));
    }
    if !filter.action.is_empty() {
        let characters = i64::try_from(filter.action.chars().count()).unwrap_or(i64::MAX);
        query.push(" AND substr(action, 1, CAST(").push_bind(characters);
        query.push(" AS INTEGER)) = ").push_bind(sound(&filter.action));
    }
    if let Some(from) = filter.from {
        query.push(" AND at >= ").push_bind(from.timestamp_millis());
    }
    if let Some(until) = filter.until {
        query.push(" AND at < ").push_bind(until.timestamp_millis());
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    detail: String,
}

impl TryFrom<Row> for Found {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            at: Column("audit", "at").time(row.at)?,
            actor: row.actor,
            action: row.action,
            subject: row.subject,
            detail: DETAIL.json(&row.detail)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::testing::{at, each_backend};
    use super::super::{NewEntry, append};
    use super::*;

    #[tokio::test]
    async fn finds_by_who_what_and_when() {
        each_backend(async |store| {
            let entries = [
                (0, "lin", "person-added", "person:zoe"),
                (1, "zoe", "person-changed", "person:wu"),
                (2, "lin", "rules-switched", "rules"),
                (3, "lin", "person-changed", "person:zoe"),
            ];
            let mut tx = store.begin().await.unwrap();
            for (minutes, actor, action, subject) in entries {
                let detail = json!({});
                let at = at(minutes);
                append(&mut tx, NewEntry { at, actor, action, subject, detail: &detail })
                    .await
                    .unwrap();
            }
            tx.commit().await.unwrap();
            let all = AuditFilter::default();
            let text = |text: &str| text.to_owned();
            let cases = [
                (all.clone(), vec![3, 2, 1, 0]),
                (AuditFilter { actor: text("lin"), ..all.clone() }, vec![3, 2, 0]),
                (AuditFilter { action: text("person-"), ..all.clone() }, vec![3, 1, 0]),
                (AuditFilter { action: text("%"), ..all.clone() }, vec![]),
                (AuditFilter { subject: text("person:zoe"), ..all.clone() }, vec![3, 0]),
                (AuditFilter { from: Some(at(1)), until: Some(at(3)), ..all.clone() }, vec![2, 1]),
                (AuditFilter { actor: text("a\0"), action: text("\0"), ..all.clone() }, vec![]),
            ];
            for (filter, expected) in cases {
                let found = page(store, &filter, None, 10).await.unwrap();
                let minutes: Vec<i64> =
                    found.iter().map(|found| (found.at - at(0)).num_minutes()).collect();
                assert_eq!(minutes, expected, "case: {filter:?}");
            }
            let first = page(store, &all, None, 2).await.unwrap();
            let next = page(store, &all, Some(first[1].id), 2).await.unwrap();
            assert_eq!(
                next.iter().map(|found| &*found.action).collect::<Vec<_>>(),
                ["person-changed", "person-added"]
            );
        })
        .await;
    }
}
