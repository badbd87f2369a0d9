//! Failures of devices, as tasks tell them.

use chrono::{DateTime, Utc};
use upturn_core::stock::gather::row::Fault;

use super::Store;
use super::column::Column;
use super::error::StoreError;

/// The most failures of one rule that are read, the newest first.
const FAULTS_MAX: u32 = 200_000;

/// Returns the tasks of `rule` that are open or were made since `since`, without those that somebody
/// dismissed or later events contradicted: they were no failures.
pub(crate) async fn of_rule(
    store: &Store,
    rule: &str,
    since: DateTime<Utc>,
) -> Result<Vec<Fault>, StoreError> {
    const SQL: &str = "
        SELECT device, last_at, progress FROM task
        WHERE rule_id = $1 AND stage = 'live' AND status = 'new' AND progress <> 'dismissed'
            AND contradicted_at IS NULL
            AND ($2 <= created_at OR progress IN ('new', 'accepted'))
        ORDER BY created_at DESC, id LIMIT $3";

    let rows: Vec<(String, i64, String)> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(rule)
        .bind(since.timestamp_millis())
        .bind(i64::from(FAULTS_MAX))
        .fetch_all(db)
        .await?);
    let fault = |(device, at, progress): (String, i64, String)| {
        Ok(Fault {
            rule: rule.to_owned(),
            device,
            at: Column("task", "last_at").time(at)?,
            is_open: progress != "done",
        })
    };
    rows.into_iter().map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::super::task;
    use super::super::testing::{at, each_backend, task as sample};
    use super::*;

    #[tokio::test]
    async fn open_and_recent_tasks_of_a_rule_are_failures() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            for (id, minutes) in [("t1", 0), ("t2", 60)] {
                task::create(&mut tx, &sample(id, id, minutes)).await.unwrap();
            }
            tx.commit().await.unwrap();
            let found = of_rule(store, "care", at(100)).await.unwrap();
            let brief: Vec<_> = found.iter().map(|one| (&*one.device, one.is_open)).collect();
            assert_eq!(brief, [("t2", true), ("t1", true)]);
            assert_eq!(of_rule(store, "other", at(0)).await.unwrap(), []);
        })
        .await;
    }
}
