//! How many tasks are open for each account.

use std::collections::BTreeMap;

use super::Store;
use super::column::Column;
use super::error::StoreError;

/// Returns how many tasks people work on, or have yet to, by account.
pub(crate) async fn by_account(store: &Store) -> Result<BTreeMap<String, u64>, StoreError> {
    const SQL: &str = "
        SELECT account, COUNT(*) FROM task
        WHERE stage = 'live' AND status = 'new' AND progress IN ('new', 'accepted')
            AND account IS NOT NULL
        GROUP BY account";

    let rows: Vec<(String, i64)> =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_all(db).await?);
    let counted = rows
        .into_iter()
        .map(|(account, count)| Ok((account, Column("task", "account").count(count)?)));
    counted.collect()
}

#[cfg(test)]
mod tests {
    use super::super::task;
    use super::super::testing::{each_backend, task as sample};
    use super::*;

    #[tokio::test]
    async fn open_tasks_are_counted_by_account() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            for (id, account) in [("t1", Some("a")), ("t2", Some("a")), ("t3", None)] {
                let mut one = sample(id, id, 0);
                one.account = account.map(Into::into);
                task::create(&mut tx, &one).await.unwrap();
            }
            tx.commit().await.unwrap();
            let counted = by_account(store).await.unwrap();
            assert_eq!(counted, BTreeMap::from([("a".to_owned(), 2)]));
        })
        .await;
    }
}
