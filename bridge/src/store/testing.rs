//! What the store's tests share: a database of each kind, and samples.

use std::io::{self, Write as _};
use std::path::Path;
use std::process;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use upturn_core::event::{Attributes, Event, Position};
use upturn_core::id::{DeviceId, EventId, RuleId, TaskId};
use upturn_core::rule::Stage;
use upturn_core::task::life::Refusal;
use upturn_core::task::{EpisodeState, Evidence, Occasion, Task, Title};

use super::event::NewEvent;
use super::person::NewPerson;
use super::{Backend, Store, Tx, task_life};
use crate::auth::person::Profile;
use crate::runtime::deed::Deed;

/// Runs `test` on a new database of each kind, with the schema in it.
///
/// PostgreSQL takes part where `UPTURN_TEST_POSTGRES` is the URL of a server on which databases
/// may be made; the database of a test that failed stays there for a look.
pub(crate) async fn each_backend(test: impl AsyncFn(&Store)) {
    each_empty_backend(async |store| {
        store.migrate().await.unwrap();
        test(store).await;
    })
    .await;
}

/// As [`each_backend`], but without the schema.
pub(super) async fn each_empty_backend(test: impl AsyncFn(&Store)) {
    label("on SQLite");
    let (_folder, url) = sqlite_url();
    let store = Store::open(&url).await.unwrap();
    test(&store).await;
    store.close().await;

    let Some(server) = postgres_server() else {
        return;
    };
    label("on PostgreSQL");
    let admin = Store::open(&server).await.unwrap();
    let name = unused_name();
    execute(&admin, format!("CREATE DATABASE {name}")).await;
    let store = Store::open(&with_database(&server, &name)).await.unwrap();
    test(&store).await;
    store.close().await;
    execute(&admin, format!("DROP DATABASE {name} WITH (FORCE)")).await;
    admin.close().await;
}

/// Returns the URL of a SQLite file that does not exist, and the folder it lives as long as.
pub(super) fn sqlite_url() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let url = url_of(&folder.path().join("upturn.db"));
    (folder, url)
}

/// Returns the URL of the SQLite file at `path`.
pub(super) fn url_of(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

/// Returns the URL of the PostgreSQL server to test on, if there is one.
#[expect(clippy::disallowed_methods, reason = "a test has no settings file to name a server")]
pub(super) fn postgres_server() -> Option<String> {
    static SAID: Once = Once::new();

    let server = std::env::var("UPTURN_TEST_POSTGRES").ok().filter(|url| !url.is_empty());
    if server.is_none() {
        // Not `eprintln`, which the test harness keeps to itself as long as all goes well.
        let line = b"PostgreSQL not tested: set UPTURN_TEST_POSTGRES\n";
        SAID.call_once(|| io::stderr().write_all(line).unwrap());
    }
    server
}

/// Returns `server` with another database in it.
pub(super) fn with_database(server: &str, name: &str) -> String {
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(name);
    url.into()
}

/// Runs one statement that has no parameters.
pub(crate) async fn execute(store: &Store, sql: String) {
    on_backend!(store.writer(), db => {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(db).await.map(drop).unwrap();
    });
}

/// Has the database itself refuse events of the id `poison`, and tasks of that scope.
pub(crate) async fn refuse_poison(store: &Store) {
    for (table, column) in [("event", "id"), ("task", "scope")] {
        let sql = match store.0 {
            Backend::Sqlite(_) => format!(
                "CREATE TRIGGER no_{table} BEFORE INSERT ON {table} WHEN NEW.{column} = 'poison'
                 BEGIN SELECT RAISE(ABORT, 'not this one'); END"
            ),
            Backend::Postgres(_) => format!(
                "ALTER TABLE {table} ADD CONSTRAINT no_{table} CHECK ({column} <> 'poison')"
            ),
        };
        execute(store, sql).await;
    }
}

/// Deletes the snapshot, as anybody may.
pub(crate) async fn forget_snapshot(store: &Store) {
    execute(store, "DELETE FROM snapshot".to_owned()).await;
}

/// Says on which database a test failed; shown only if it does.
#[expect(clippy::print_stderr, reason = "the test harness shows it beside the failure")]
fn label(line: &str) {
    eprintln!("{line}");
}

fn unused_name() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);

    let number = MADE.fetch_add(1, Ordering::Relaxed);
    format!("upturn_test_{}_{number}", process::id())
}

/// Returns a time in 2025, `minutes` after noon.
pub(crate) fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_736_510_400_000).unwrap() + TimeDelta::minutes(minutes)
}

/// Returns somebody of whom nothing is said, with a hash that no password has.
pub(crate) fn person(id: &str) -> NewPerson {
    NewPerson {
        id: id.to_owned(),
        profile: Profile::default(),
        password_hash: "$argon2id$1".to_owned(),
        is_given: false,
        created_at: at(0),
    }
}

/// Returns an event that states its time.
pub(super) fn event(device: &str, id: &str, minutes: i64) -> Event {
    Event {
        id: EventId::new(id).unwrap(),
        device: DeviceId::new(device).unwrap(),
        channel: Some("1".into()),
        kind: "charge_failed".into(),
        stated_at: Some(at(minutes)),
        occurred_at: at(minutes),
        received_at: at(minutes) + TimeDelta::seconds(1),
        seq: Some(minutes),
        clock_suspect: false,
        attributes: Attributes::from_json_object(r#"{"code":"GroundFailure"}"#),
        position: 0,
    }
}

/// Returns `events` at the positions from `first` on.
pub(super) fn placed(first: Position, events: &[Event]) -> Vec<NewEvent<'_>> {
    (first..)
        .zip(events)
        .map(|(position, event)| NewEvent { position, source: "native", event })
        .collect()
}

/// Returns a task of the rule `care` on `device`, whose three failures end at `minutes`.
pub(crate) fn task(id: &str, device: &str, minutes: i64) -> Task {
    Task {
        version: "".into(),
        stage: Stage::Live,
        id: TaskId::from_text(id),
        rule: RuleId::new("care").unwrap(),
        scope: device.into(),
        device: DeviceId::new(device).unwrap(),
        account: Some("账户-1".into()),
        kind: "care".into(),
        title: Title { en: Some("Failed".to_owned()), zh: Some("连续充电失败".to_owned()) },
        steps: vec!["send_coupon".into(), "book_consultant".into()],
        owner: "lin".into(),
        due_at: Some(at(minutes + 120)),
        created_at: at(minutes) + TimeDelta::seconds(2),
        created_by: 7,
        occasion: occasion(device, minutes, &["e1", "e2", "e3"]),
    }
}

/// Has somebody take the new task `id` on.
pub(crate) async fn accept(tx: &mut Tx, id: &TaskId, at: DateTime<Utc>) {
    act(tx, id, &Deed::Accept, at).await.unwrap();
}

/// Has lin do something with the task `id`.
pub(crate) async fn act(
    tx: &mut Tx,
    id: &TaskId,
    deed: &Deed,
    at: DateTime<Utc>,
) -> Result<(), Refusal> {
    let life = task_life::find(tx, id).await.unwrap().unwrap();
    let after = deed.applied_to(&life, "lin", at)?;
    assert!(task_life::put(tx, id, &after, at).await.unwrap());
    Ok(())
}

/// Returns the occasion of events a minute apart, the last at `minutes`.
pub(crate) fn occasion(device: &str, minutes: i64, ids: &[&str]) -> Occasion {
    let before_last = (0..ids.len()).rev();
    let times = before_last.map(|before| minutes - i64::try_from(before).unwrap());
    let evidence: Vec<_> = ids
        .iter()
        .zip(times)
        .map(|(id, minutes)| Evidence::of(&event(device, id, minutes)))
        .collect();
    Occasion {
        first_at: evidence.first().unwrap().occurred_at,
        last_at: evidence.last().unwrap().occurred_at,
        evidence,
        episode: EpisodeState::Closed,
        joined: 0,
        joined_at: None,
    }
}
