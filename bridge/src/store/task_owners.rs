//! Who has the tasks that somebody could still do something about.

use std::collections::BTreeMap;

use sqlx::QueryBuilder;

use super::Store;
use super::column::Column;
use super::error::StoreError;
use super::task_view::condition::push_sight;
use crate::auth::sight::Sight;

/// Returns how many open tasks in `sight`, put off or not, each owner has.
pub(crate) async fn of_open(
    store: &Store,
    sight: &Sight,
) -> Result<BTreeMap<String, u64>, StoreError> {
    const SQL: &str = "
        SELECT owner, count(*) FROM task
        WHERE stage = 'live' AND status = 'new' AND progress IN ('new', 'accepted')";

    let rows: Vec<(String, i64)> = on_backend!(store.reader(), db => {
        let mut query = QueryBuilder::new(SQL);
        push_sight(&mut query, sight);
        query.push(" GROUP BY owner");
        query.build_query_as().fetch_all(db).await?
    });
    let counted =
        rows.into_iter().map(|(owner, count)| Ok((owner, Column("task", "owner").count(count)?)));
    counted.collect()
}

#[cfg(test)]
mod tests {
    use upturn_core::id::TaskId;

    use super::super::task;
    use super::super::testing::{act, at, each_backend, task as sample};
    use super::*;
    use crate::runtime::deed::{Deed, Words};

    #[tokio::test]
    async fn only_what_is_open_and_in_sight_is_counted() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            for (id, owner) in [("a", "lin"), ("b", "lin"), ("c", "wu"), ("d", "wu")] {
                let mut made = sample(id, id, 10);
                made.owner = owner.into();
                task::create(&mut tx, &made).await.unwrap();
            }
            let dismiss = Deed::Dismiss { reason: Words::new("x").unwrap() };
            act(&mut tx, &TaskId::from_text("d"), &dismiss, at(15)).await.unwrap();
            tx.commit().await.unwrap();
            let own = Sight::Part { owners: ["wu".to_owned()].into(), regions: [].into() };
            for (sight, expected) in
                [(Sight::All, vec![("lin", 2), ("wu", 1)]), (own, vec![("wu", 1)])]
            {
                let found = of_open(store, &sight).await.unwrap();
                let found: Vec<_> = found.iter().map(|(owner, n)| (&**owner, *n)).collect();
                assert_eq!(found, expected);
            }
        })
        .await;
    }
}
