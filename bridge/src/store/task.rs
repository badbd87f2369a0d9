//! Tasks, as the fold writes them; what pages read is in `task_view`.

use chrono::{DateTime, Utc};
use sqlx::QueryBuilder;
use upturn_core::id::TaskId;
use upturn_core::rule::Stage;
use upturn_core::task::{EpisodeState, Evidence, Occasion, Task};

use super::Tx;
use super::column::Column;
use super::error::StoreError;
use super::task_view;

/// Pieces of evidence in one statement: eight values each, and PostgreSQL takes 65,535.
const EVIDENCE_ROWS_MAX: usize = 500;

/// Stores `task` and its evidence; returns whether it stands now and did not before.
///
/// One that was withdrawn stands again: the same cause, taken away by late evidence, can come
/// back by evidence that is later still.
#[tracing::instrument(level = "debug", skip_all, fields(task.id = %task.id))]
pub(crate) async fn create(tx: &mut Tx, task: &Task) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO task (id, rule_id, scope, device, account, kind, title, steps, owner, due_at,
            created_at, created_by, first_at, last_at, episode, rule_version, stage, joined,
            joined_at, status, revision, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
            $19, 'new', 1, $11)
        ON CONFLICT (id) DO UPDATE SET
            device = excluded.device, account = excluded.account, kind = excluded.kind,
            title = excluded.title, steps = excluded.steps, owner = excluded.owner,
            due_at = excluded.due_at, created_at = excluded.created_at,
            created_by = excluded.created_by, first_at = excluded.first_at,
            last_at = excluded.last_at, episode = excluded.episode,
            rule_version = excluded.rule_version, stage = excluded.stage,
            joined = excluded.joined, joined_at = excluded.joined_at, status = 'new',
            progress = 'new', started_at = NULL, touched_at = NULL, taken_at = NULL,
            contacted_at = NULL, closed_at = NULL, snoozed_until = NULL, outcome = NULL,
            checked = '[]', escalated = 0,
            contacted_late = 0, revision = task.revision + 1, updated_at = excluded.updated_at
        WHERE task.status = 'withdrawn'
        RETURNING revision";

    let title = Column("task", "title").write_json(&task.title)?;
    let steps = Column("task", "steps").write_json(&task.steps)?;
    let created_by = Column("task", "created_by").write_position(task.created_by)?;
    let revision: Option<i64> = on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(task.id.as_str())
        .bind(task.rule.as_str())
        .bind(&*task.scope)
        .bind(task.device.as_str())
        .bind(task.account.as_deref())
        .bind(&*task.kind)
        .bind(title)
        .bind(steps)
        .bind(&*task.owner)
        .bind(task.due_at.map(|at| at.timestamp_millis()))
        .bind(task.created_at.timestamp_millis())
        .bind(created_by)
        .bind(task.occasion.first_at.timestamp_millis())
        .bind(task.occasion.last_at.timestamp_millis())
        .bind(episode_as_text(task.occasion.episode))
        .bind(&*task.version)
        .bind(stage_as_text(task.stage))
        .bind(joined(&task.occasion))
        .bind(task.occasion.joined_at.map(|at| at.timestamp_millis()))
        .fetch_optional(db)
        .await
        .map_err(explain)?);
    let Some(revision) = revision else {
        return Ok(false);
    };
    if 1 < revision {
        remove_evidence(tx, &task.id).await?;
    }
    store_evidence(tx, &task.id, &task.occasion.evidence).await?;
    Ok(true)
}

/// Says which region the site of the task `id` is in.
pub(crate) async fn set_region(tx: &mut Tx, id: &TaskId, region: &str) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE task SET region = $2 WHERE id = $1";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id.as_str())
        .bind(region)
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Bases the standing task `id` on `occasion`; returns its stage if there is one.
#[tracing::instrument(level = "debug", skip_all, fields(task.id = %id))]
pub(crate) async fn amend(
    tx: &mut Tx,
    id: &TaskId,
    occasion: &Occasion,
    at: DateTime<Utc>,
) -> Result<Option<Stage>, StoreError> {
    const SQL: &str = "
        UPDATE task SET first_at = $2, last_at = $3, episode = $4, joined = $6, joined_at = $7,
            revision = revision + 1, updated_at = $5
        WHERE id = $1 AND status <> 'withdrawn'
        RETURNING stage";

    let stage: Option<String> = on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(id.as_str())
        .bind(occasion.first_at.timestamp_millis())
        .bind(occasion.last_at.timestamp_millis())
        .bind(episode_as_text(occasion.episode))
        .bind(at.timestamp_millis())
        .bind(joined(occasion))
        .bind(occasion.joined_at.map(|at| at.timestamp_millis()))
        .fetch_optional(db)
        .await
        .map_err(explain)?);
    let Some(stage) = stage else {
        return Ok(None);
    };
    remove_evidence(tx, id).await?;
    store_evidence(tx, id, &occasion.evidence).await?;
    task_view::stage(&stage).map(Some)
}

/// What became of a task that late evidence took the ground from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Nobody had touched it: it is withdrawn.
    Withdrawn(Stage),
    /// Somebody had: it stands, and says that it is contradicted.
    Contradicted(Stage),
    /// It does not stand.
    Nothing,
}

/// Takes back the standing task `id`, or marks it if a person has touched it.
#[tracing::instrument(level = "debug", skip_all, fields(task.id = %id))]
pub(crate) async fn withdraw(
    tx: &mut Tx,
    id: &TaskId,
    at: DateTime<Utc>,
) -> Result<Taken, StoreError> {
    const SQL: &str = "
        UPDATE task SET
            status = CASE WHEN progress = 'new' AND touched_at IS NULL
                THEN 'withdrawn' ELSE status END,
            contradicted_at = CASE WHEN progress = 'new' AND touched_at IS NULL
                THEN NULL ELSE $2 END,
            episode = 'closed', revision = revision + 1, updated_at = $2
        WHERE id = $1 AND status <> 'withdrawn'
        RETURNING status, stage";

    let taken: Option<(String, String)> = on_backend!(tx.connection(), db => sqlx::query_as(SQL)
        .bind(id.as_str())
        .bind(at.timestamp_millis())
        .fetch_optional(db)
        .await?);
    let Some((status, stage)) = taken else {
        return Ok(Taken::Nothing);
    };
    let stage = task_view::stage(&stage)?;
    Ok(if status == "withdrawn" { Taken::Withdrawn(stage) } else { Taken::Contradicted(stage) })
}

async fn remove_evidence(tx: &mut Tx, id: &TaskId) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM task_evidence WHERE task_id = $1";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id.as_str())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

async fn store_evidence(tx: &mut Tx, id: &TaskId, evidence: &[Evidence]) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO task_evidence (task_id, ordinal, event_id, device, channel, kind, occurred_at,
            attributes) ";

    let mut numbered = (0_i64..).zip(evidence).peekable();
    while numbered.peek().is_some() {
        on_backend!(tx.connection(), db => {
            let mut query = QueryBuilder::new(SQL);
            let rows = numbered.by_ref().take(EVIDENCE_ROWS_MAX);
            query.push_values(rows, |mut row, (ordinal, evidence)| {
                row.push_bind(id.as_str())
                    .push_bind(ordinal)
                    .push_bind(evidence.id.as_str())
                    .push_bind(evidence.device.as_str())
                    .push_bind(evidence.channel.as_deref())
                    .push_bind(&*evidence.kind)
                    .push_bind(evidence.occurred_at.timestamp_millis())
                    .push_bind(&*evidence.attributes);
            });
            query.build().execute(db).await.map(drop)?;
        });
    }
    Ok(())
}

/// As the database counts; no task is joined that often.
fn joined(occasion: &Occasion) -> i64 {
    i64::try_from(occasion.joined).unwrap_or(i64::MAX)
}

fn stage_as_text(stage: Stage) -> &'static str {
    match stage {
        Stage::Shadow => "shadow",
        Stage::Draft | Stage::Live | Stage::Retired => "live",
    }
}

fn episode_as_text(episode: EpisodeState) -> &'static str {
    match episode {
        EpisodeState::Open => "open",
        EpisodeState::Closed => "closed",
    }
}

/// A repeated id is not an error, so the only key that can be there twice is the open episode's.
fn explain(error: sqlx::Error) -> StoreError {
    match error.as_database_error() {
        Some(cause) if cause.is_unique_violation() => {
            Column("task", "episode").inconsistent("a second open episode of one rule on one scope")
        }
        _ => StoreError::from(error),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Store;
    use super::super::task_view::{self, TaskDetail, TaskStatus};
    use super::super::testing::{at, each_backend, occasion, task};
    use super::*;
    use crate::auth::sight::Sight;

    async fn detail(store: &Store, id: &TaskId) -> TaskDetail {
        task_view::find(store, &Sight::All, id).await.unwrap().unwrap()
    }

    fn ids(detail: &TaskDetail) -> Vec<&str> {
        detail.row.evidence.iter().map(upturn_core::id::EventId::as_str).collect()
    }

    #[tokio::test]
    async fn a_task_comes_back_with_its_evidence() {
        each_backend(async |store| {
            let mut made = task("t1", "d1", 10);
            made.occasion.evidence[0].channel = None;
            made.occasion.evidence[2].attributes = r#"{ "é":"\u0000" }"#.into();
            let mut tx = store.begin().await.unwrap();
            assert!(create(&mut tx, &made).await.unwrap());
            tx.commit().await.unwrap();

            let TaskDetail { row, steps, revision, evidence, history, checked, .. } =
                detail(store, &made.id).await;
            assert_eq!(evidence, made.occasion.evidence);
            assert_eq!(steps, ["send_coupon", "book_consultant"]);
            assert_eq!((revision, history, checked.len()), (1, vec![], 0));
            let expected = task_view::TaskRow {
                id: made.id,
                rule: made.rule,
                scope: "d1".to_owned(),
                device: made.device,
                account: Some("账户-1".to_owned()),
                kind: "care".to_owned(),
                title: made.title,
                owner: "lin".to_owned(),
                region: None,
                due_at: made.due_at,
                created_at: made.created_at,
                first_at: at(8),
                last_at: at(10),
                status: TaskStatus::New,
                snoozed_until: None,
                contacted_at: None,
                contradicted: false,
                version: String::new(),
                stage: Stage::Live,
                episode: EpisodeState::Closed,
                joined: 0,
                joined_at: None,
                evidence: evidence.into_iter().map(|evidence| evidence.id).collect(),
            };
            assert_eq!(row, expected);
        })
        .await;
    }

    #[tokio::test]
    async fn a_task_that_stands_is_not_made_again() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            assert!(create(&mut tx, &task("t1", "d1", 10)).await.unwrap());
            assert!(!create(&mut tx, &task("t1", "d1", 99)).await.unwrap());
            tx.commit().await.unwrap();
            assert_eq!(detail(store, &TaskId::from_text("t1")).await.row.last_at, at(10));
        })
        .await;
    }

    #[tokio::test]
    async fn late_evidence_amends_withdraws_and_brings_back() {
        each_backend(async |store| {
            let (id, nobody) = (TaskId::from_text("t1"), TaskId::from_text("t2"));
            let mut tx = store.begin().await.unwrap();
            create(&mut tx, &task("t1", "d1", 10)).await.unwrap();
            let amended = occasion("d1", 12, &["e0", "e1"]);
            let stage = amend(&mut tx, &id, &amended, at(20)).await.unwrap();
            assert_eq!(stage, Some(Stage::Live));
            assert_eq!(amend(&mut tx, &nobody, &amended, at(20)).await.unwrap(), None);
            tx.commit().await.unwrap();
            let found = detail(store, &id).await;
            assert_eq!(ids(&found), ["e0", "e1"]);
            assert_eq!((found.row.first_at, found.row.last_at), (at(11), at(12)));
            assert_eq!((found.revision, found.row.status), (2, TaskStatus::New));

            let mut tx = store.begin().await.unwrap();
            let taken = withdraw(&mut tx, &id, at(30)).await.unwrap();
            assert_eq!(taken, Taken::Withdrawn(Stage::Live));
            assert_eq!(withdraw(&mut tx, &id, at(30)).await.unwrap(), Taken::Nothing);
            let stage = amend(&mut tx, &id, &amended, at(30)).await.unwrap();
            assert_eq!(stage, None, "nor can it change");
            tx.commit().await.unwrap();
            let found = detail(store, &id).await;
            assert_eq!((found.revision, found.row.status), (3, TaskStatus::Withdrawn));

            let mut tx = store.begin().await.unwrap();
            assert!(create(&mut tx, &task("t1", "d1", 10)).await.unwrap());
            tx.commit().await.unwrap();
            let found = detail(store, &id).await;
            assert_eq!(ids(&found), ["e1", "e2", "e3"]);
            assert_eq!((found.revision, found.row.status), (4, TaskStatus::New));
        })
        .await;
    }

    #[tokio::test]
    async fn a_rule_has_one_open_episode_on_a_scope() {
        each_backend(async |store| {
            let open = |id: &str, device: &str| {
                let mut task = task(id, device, 10);
                task.occasion.episode = EpisodeState::Open;
                task
            };
            let mut tx = store.begin().await.unwrap();
            create(&mut tx, &open("t1", "d1")).await.unwrap();
            create(&mut tx, &open("t2", "d2")).await.unwrap();
            create(&mut tx, &task("t3", "d1", 20)).await.unwrap();
            tx.commit().await.unwrap();

            let mut tx = store.begin().await.unwrap();
            let refused = create(&mut tx, &open("t4", "d1")).await.unwrap_err();
            assert_eq!(
                refused.to_string(),
                "task.episode holds what upturn never writes: a second open episode of one rule \
                 on one scope; run `upturn doctor`"
            );
            drop(tx);

            let mut tx = store.begin().await.unwrap();
            withdraw(&mut tx, &TaskId::from_text("t1"), at(30)).await.unwrap();
            assert!(create(&mut tx, &open("t4", "d1")).await.unwrap(), "the first is gone");
        })
        .await;
    }

    #[tokio::test]
    async fn much_evidence_is_stored_whole() {
        each_backend(async |store| {
            let names: Vec<_> = (0..1_203).map(|number| format!("e{number}")).collect();
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            let mut made = task("t1", "d1", 10);
            made.occasion = occasion("d1", 10, &names);
            let mut tx = store.begin().await.unwrap();
            create(&mut tx, &made).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(ids(&detail(store, &made.id).await), names);
        })
        .await;
    }
}
