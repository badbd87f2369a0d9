//! Runs of feeds: one row each, so that a slot runs at most once, whoever runs it.

use chrono::{DateTime, Utc};

use super::column::Column;
use super::dead_letter::without_nul;
use super::error::StoreError;
use super::{Store, Tx};

/// How many runs of a feed are kept.
const KEPT: i64 = 500;

/// Why a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Its slot has come.
    Schedule,
    /// The run before failed.
    Retry,
    /// Somebody wants it.
    Person,
}

impl Cause {
    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Retry => "retry",
            Self::Person => "person",
        }
    }
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, schemars::JsonSchema, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// What it brought is in force.
    Active,
    /// The source has nothing new.
    Unchanged,
    /// What it brought waits for a person.
    Held,
    /// What it brought is of no use.
    Rejected,
    /// It brought nothing.
    Failed,
    /// The program ended before the run did.
    Interrupted,
    /// There is no such feed any more.
    Dropped,
}

impl Outcome {
    /// All of them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Active,
        Self::Unchanged,
        Self::Held,
        Self::Rejected,
        Self::Failed,
        Self::Interrupted,
        Self::Dropped,
    ];

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Unchanged => "unchanged",
            Self::Held => "held",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Dropped => "dropped",
        }
    }
}

/// A run that is begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewRun<'a> {
    /// The feed.
    pub(crate) feed: &'a str,
    /// The slot it is for, if it is for one.
    pub(crate) slot: Option<DateTime<Utc>>,
    /// How many slots passed before it without a run.
    pub(crate) missed: usize,
    /// Why it is.
    pub(crate) cause: Cause,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    /// Its number.
    pub(crate) id: i64,
    /// The feed.
    pub(crate) feed: String,
    /// The slot it is for, if it is for one.
    pub(crate) slot: Option<DateTime<Utc>>,
    /// How many slots passed before it without a run.
    pub(crate) missed: u64,
    /// `schedule`, `retry` or `person`.
    pub(crate) cause: String,
    /// Who wanted it, if somebody did.
    pub(crate) actor: Option<String>,
    /// When it was wanted.
    pub(crate) wanted_at: DateTime<Utc>,
    /// When it began.
    pub(crate) started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// What became of it.
    pub(crate) outcome: Option<Outcome>,
    /// That in words.
    pub(crate) sentence: Option<String>,
    /// How many facts it brought.
    pub(crate) facts: Option<u64>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// What became of it.
    pub(crate) outcome: Outcome,
    /// That in words.
    pub(crate) sentence: String,
    /// How many facts it brought.
    pub(crate) facts: Option<usize>,
}

/// Begins `run` at `now`; returns its number, or none where its slot has run already.
pub(crate) async fn begin(
    store: &Store,
    run: &NewRun<'_>,
    now: DateTime<Utc>,
) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "
        INSERT INTO feed_run (feed, slot, missed, cause, wanted_at, started_at)
        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (feed, slot) DO NOTHING RETURNING id";

    Ok(on_backend!(store.writer(), db => sqlx::query_scalar(SQL)
        .bind(run.feed)
        .bind(run.slot.map(|slot| slot.timestamp_millis()))
        .bind(i64::try_from(run.missed).unwrap_or(i64::MAX))
        .bind(run.cause.word())
        .bind(now.timestamp_millis())
        .fetch_optional(db)
        .await?))
}

/// Writes down that `actor` wants a run of `feed`, unless one waits already; returns its number.
pub(crate) async fn want(
    tx: &mut Tx,
    feed: &str,
    (actor, now): (&str, DateTime<Utc>),
) -> Result<Option<i64>, StoreError> {
    const SQL: &str = "
        INSERT INTO feed_run (feed, missed, cause, actor, wanted_at)
        SELECT $1, 0, $4, $2, $3 WHERE NOT EXISTS (
            SELECT 1 FROM feed_run WHERE feed = $1 AND ended_at IS NULL AND started_at IS NULL
        )
        RETURNING id";

    Ok(on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(feed)
        .bind(actor)
        .bind(now.timestamp_millis())
        .bind(Cause::Person.word())
        .fetch_optional(db)
        .await?))
}

/// Begins the runs that people want, at most `max`, oldest first.
pub(crate) async fn begin_wanted(
    store: &Store,
    max: usize,
    now: DateTime<Utc>,
) -> Result<Vec<Run>, StoreError> {
    const SQL: &str = "
        UPDATE feed_run SET started_at = $1 WHERE id IN (
            SELECT id FROM feed_run WHERE ended_at IS NULL AND started_at IS NULL
            ORDER BY id LIMIT $2
        )
        RETURNING id, feed, slot, missed, cause, actor, wanted_at, started_at, ended_at, outcome,
            sentence, facts";

    let rows: Vec<Row> = on_backend!(store.writer(), db => sqlx::query_as(SQL)
        .bind(now.timestamp_millis())
        .bind(i64::try_from(max).unwrap_or(i64::MAX))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(Row::read).collect()
}

/// Returns whether people want runs that nobody has begun.
pub(crate) async fn are_wanted(store: &Store) -> Result<bool, StoreError> {
    const SQL: &str = "
        SELECT count(*) FROM feed_run WHERE ended_at IS NULL AND started_at IS NULL";

    let count: i64 =
        on_backend!(store.reader(), db => sqlx::query_scalar(SQL).fetch_one(db).await?);
    Ok(0 < count)
}

/// Ends the run `id`.
pub(crate) async fn end(
    tx: &mut Tx,
    id: i64,
    (end, now): (&End, DateTime<Utc>),
) -> Result<(), StoreError> {
    const SQL: &str = "
        UPDATE feed_run SET ended_at = $2, outcome = $3, sentence = $4, facts = $5
        WHERE id = $1 AND ended_at IS NULL";
    const PRUNE: &str = "
        DELETE FROM feed_run
        WHERE ended_at IS NOT NULL AND feed = (SELECT feed FROM feed_run WHERE id = $1) AND id NOT IN (
            SELECT id FROM feed_run
            WHERE feed = (SELECT feed FROM feed_run WHERE id = $1) ORDER BY id DESC LIMIT $2
        )";

    let sentence = without_nul(&end.sentence);
    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id)
        .bind(now.timestamp_millis())
        .bind(end.outcome.word())
        .bind(&*sentence)
        .bind(end.facts.map(|facts| i64::try_from(facts).unwrap_or(i64::MAX)))
        .execute(db)
        .await
        .map(drop)?);
    on_backend!(tx.connection(), db => sqlx::query(PRUNE)
        .bind(id)
        .bind(KEPT)
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Ends the runs that whoever was active before left behind: their slots have run.
pub(crate) async fn interrupt(store: &Store, now: DateTime<Utc>) -> Result<u64, StoreError> {
    const SQL: &str = "
        UPDATE feed_run SET ended_at = $1, outcome = 'interrupted',
            sentence = 'the program ended before the run did'
        WHERE ended_at IS NULL AND started_at IS NOT NULL";

    Ok(on_backend!(store.writer(), db => sqlx::query(SQL)
        .bind(now.timestamp_millis())
        .execute(db)
        .await?
        .rows_affected()))
}

/// Returns the newest `max` runs of `feed`, newest first.
pub(crate) async fn of_feed(store: &Store, feed: &str, max: u32) -> Result<Vec<Run>, StoreError> {
    const SQL: &str = "
        SELECT id, feed, slot, missed, cause, actor, wanted_at, started_at, ended_at, outcome,
            sentence, facts
        FROM feed_run WHERE feed = $1 ORDER BY id DESC LIMIT $2";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(feed)
        .bind(i64::from(max))
        .fetch_all(db)
        .await?);
    rows.into_iter().map(Row::read).collect()
}

/// Returns the newest run of each feed.
pub(crate) async fn newest(store: &Store) -> Result<Vec<Run>, StoreError> {
    const SQL: &str = "
        SELECT id, feed, slot, missed, cause, actor, wanted_at, started_at, ended_at, outcome,
            sentence, facts
        FROM feed_run WHERE id IN (SELECT max(id) FROM feed_run GROUP BY feed) ORDER BY feed";

    let rows: Vec<Row> =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_all(db).await?);
    rows.into_iter().map(Row::read).collect()
}

/// Returns the newest slot of each feed that has run, by feed.
pub(crate) async fn newest_slots(
    store: &Store,
) -> Result<Vec<(String, DateTime<Utc>)>, StoreError> {
    const SQL: &str = "
        SELECT feed, max(slot) FROM feed_run WHERE slot IS NOT NULL GROUP BY feed ORDER BY feed";

    let rows: Vec<(String, i64)> =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_all(db).await?);
    let slot = Column("feed_run", "slot");
    rows.into_iter().map(|(feed, at)| Ok((feed, slot.time(at)?))).collect()
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    feed: String,
    slot: Option<i64>,
    missed: i64,
    cause: String,
    actor: Option<String>,
    wanted_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    outcome: Option<String>,
    sentence: Option<String>,
    facts: Option<i64>,
}

impl Row {
    fn read(self) -> Result<Run, StoreError> {
        let column = |name| Column("feed_run", name);
        let outcome = self.outcome.map(|word| {
            let found = Outcome::ALL.into_iter().find(|outcome| outcome.word() == word);
            found.ok_or_else(|| column("outcome").inconsistent("an unknown word"))
        });
        Ok(Run {
            id: self.id,
            feed: self.feed,
            slot: column("slot").time_if_any(self.slot)?,
            missed: column("missed").count(self.missed)?,
            cause: self.cause,
            actor: self.actor,
            wanted_at: column("wanted_at").time(self.wanted_at)?,
            started_at: column("started_at").time_if_any(self.started_at)?,
            ended_at: column("ended_at").time_if_any(self.ended_at)?,
            outcome: outcome.transpose()?,
            sentence: self.sentence,
            facts: self.facts.map(|facts| column("facts").count(facts)).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::feed_state;
    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn a_slot_runs_once_and_what_was_left_behind_is_ended() {
        each_backend(async |store| {
            let run = NewRun { feed: "ecb", slot: Some(at(60)), missed: 2, cause: Cause::Schedule };
            let first = begin(store, &run, at(61)).await.unwrap();
            assert!(first.is_some());
            assert_eq!(begin(store, &run, at(62)).await.unwrap(), None, "its slot has run");
            assert_eq!(interrupt(store, at(63)).await.unwrap(), 1);
            assert_eq!(begin(store, &run, at(64)).await.unwrap(), None, "nor is it made up for");
            assert_eq!(newest_slots(store).await.unwrap(), [("ecb".to_owned(), at(60))]);
            let again = NewRun { slot: None, cause: Cause::Retry, ..run };
            assert!(begin(store, &again, at(65)).await.unwrap().is_some());
            assert!(begin(store, &again, at(66)).await.unwrap().is_some());
        })
        .await;
    }

    #[tokio::test]
    async fn what_somebody_wants_is_begun_once_and_its_end_is_told() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            let wanted = want(&mut tx, "ecb", ("ana", at(1))).await.unwrap();
            assert!(wanted.is_some());
            assert_eq!(want(&mut tx, "ecb", ("bo", at(2))).await.unwrap(), None, "one waits");
            tx.commit().await.unwrap();
            assert!(are_wanted(store).await.unwrap());
            let begun = begin_wanted(store, 4, at(3)).await.unwrap();
            assert_eq!(begun[0].actor.as_deref(), Some("ana"));
            assert!(!are_wanted(store).await.unwrap());

            let mut tx = store.begin().await.unwrap();
            let sentence = "it is \0 a web page".to_owned();
            let told = End { outcome: Outcome::Failed, sentence, facts: None };
            end(&mut tx, begun[0].id, (&told, at(4))).await.unwrap();
            feed_state::failed(&mut tx, "ecb", Some(at(9))).await.unwrap();
            feed_state::failed(&mut tx, "ecb", Some(at(9))).await.unwrap();
            tx.commit().await.unwrap();
            let run = newest(store).await.unwrap().remove(0);
            assert_eq!((run.outcome, run.ended_at), (Some(Outcome::Failed), Some(at(4))));
            let state = feed_state::find(store, "ecb").await.unwrap();
            assert_eq!((state.failures, state.retry_at), (2, Some(at(9))));

            for (is_paused, is_changed) in [(true, true), (true, false), (false, true)] {
                let decided =
                    feed_state::decide_pause(store, ("ecb", is_paused), ("ana", at(5))).await;
                assert_eq!(decided.unwrap(), is_changed, "case: {is_paused}");
            }
            let mut tx = store.begin().await.unwrap();
            feed_state::ended(&mut tx, "ecb", (Outcome::Active, at(8))).await.unwrap();
            tx.commit().await.unwrap();
            let state = feed_state::find(store, "ecb").await.unwrap();
            let good = feed_state::FeedState { checked_at: Some(at(8)), ..Default::default() };
            assert_eq!(state, good);
        })
        .await;
    }
}
