//! Days of feeds in the calendars people work by: the real writer on both databases, with a clock that is
//! moved and documents as holiday-cn has them.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};
use upturn_core::catalogue::Catalogue;
use upturn_core::compliance::policy::Policy;
use upturn_core::decode::Format;
use upturn_core::id::TaskId;
use upturn_core::rule::parse;

use super::*;
use crate::clock::Clock;
use crate::config::Config;
use crate::facts::shelf::Shelf;
use crate::ingest::delivery::Delivery;
use crate::ingest::inbox::Batch;
use crate::rules::LoadedRule;
use crate::runtime::act::Act;
use crate::runtime::deed::{Deed, Words};
use crate::runtime::request::{Acted, FeedStep, Put, Stepped, Wanted};
use crate::store::feed_run::{self, Cause, NewRun};
use crate::store::feed_set::{self, Document, NewSet, Packed, SetState};
use crate::store::testing::{each_backend, forget_snapshot};
use crate::store::{self, Store, task_history, task_view};
use crate::telemetry::Metrics;

const RULE: &str = r#"
id = "care"
kind = "trigger"
title = { en = "Charging failed" }
[when]
pattern = "consecutive"
event = "charge_failed"
times = 1
within = "24h"
[[then]]
task = "care"
due = "2 business hours"
"#;

const CALENDAR: &str = r#"
zone = "Asia/Shanghai"
revision = "nine to six"
region = "CN"
[week]
mon = ["09:00-18:00"]
tue = ["09:00-18:00"]
wed = ["09:00-18:00"]
thu = ["09:00-18:00"]
fri = ["09:00-18:00"]
"#;

#[derive(Debug)]
struct Moved(Mutex<DateTime<Utc>>);

impl Clock for Moved {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

/// A writer and its log.
struct Plant<'s> {
    store: &'s Store,
    clock: Moved,
    config: Config,
    metrics: Metrics,
    delivery: watch::Sender<Arc<crate::delivery::Routing>>,
    folder: watch::Sender<Arc<Registry>>,
    shelf: Shelf,
    leads: watch::Sender<Arc<upturn_core::lead::policy::Policy>>,
    changes: broadcast::Sender<crate::web::Change>,
}

impl<'s> Plant<'s> {
    fn on(store: &'s Store, now: &str) -> Self {
        let calendar = Calendar::from_toml(CALENDAR).unwrap();
        let folder = Registry { calendar, ..Registry::default() };
        Self {
            store,
            clock: Moved(Mutex::new(at(now))),
            config: Config::default(),
            metrics: Metrics::new(),
            delivery: watch::Sender::default(),
            folder: watch::Sender::new(Arc::new(folder)),
            shelf: Shelf::default(),
            leads: watch::Sender::default(),
            changes: broadcast::channel(16).0,
        }
    }

    fn runtime<'r>(&'r self, sources: &'r upturn_core::decode::Sources) -> Runtime<'r> {
        Runtime {
            store: self.store,
            clock: &self.clock,
            sources,
            delivery: &self.delivery,
            folder: &self.folder,
            shelf: &self.shelf,
            leads: &self.leads,
            retention: &self.config.retention,
            metrics: &self.metrics,
            changes: &self.changes,
        }
    }

    fn move_to(&self, now: &str) {
        *self.clock.0.lock().unwrap() = at(now);
    }

    /// Starts the program, or starts it again.
    async fn begin(&self) -> Fold {
        let sources = self.config.sources();
        let epoch = store::cursor::begin_epoch(self.store).await.unwrap();
        let mut fold = Box::pin(self.runtime(&sources).recover(epoch, None)).await.unwrap();
        let rule = parse::parse(RULE, &Catalogue::of(&[Format::Native])).0.unwrap();
        let wanted = Wanted {
            rules: vec![LoadedRule { rule, text: RULE.to_owned() }],
            registry: Registry::clone(&self.folder.borrow()),
            policy: Policy::default(),
            actor: "test".to_owned(),
        };
        Box::pin(self.runtime(&sources).switch(&mut fold, &wanted)).await.unwrap();
        fold
    }

    /// Has a feed bring `document`, and the writer look at it.
    async fn bring(&self, fold: &mut Fold, document: &Value) {
        let (now, feed) = (self.clock.now(), "holidays");
        let run = NewRun { feed, slot: Some(now), missed: 0, cause: Cause::Schedule };
        let run = feed_run::begin(self.store, &run, now).await.unwrap().unwrap();
        let bytes = document.to_string().into_bytes();
        let document = Document { address: "http://127.0.0.1/2020.json".to_owned(), bytes };
        let against = feed_set::in_force(self.store, feed).await.unwrap().map(|set| set.id);
        let set = NewSet {
            feed: feed.to_owned(),
            run,
            fetched_at: now,
            digest: now.to_string(),
            kind: "holiday-cn",
            settings: "{}".to_owned(),
            reasons: Vec::new(),
            validators: "{}".to_owned(),
            configured_by: Vec::new(),
            facts: 1,
            documents: vec![Packed::pack(&document).unwrap()],
        };
        let step = FeedStep::Put(Box::new(Put { set, state: SetState::Active, against }));
        let sources = self.config.sources();
        let runtime = self.runtime(&sources);
        assert_eq!(runtime.step_feed(fold, &step).await.unwrap(), Stepped::Done);
        Box::pin(runtime.keep_days(fold)).await.unwrap();
    }

    /// Takes a failure of `device` in; returns the id of its task.
    async fn fail(&self, fold: &mut Fold, device: &str) -> String {
        let ts = self.clock.now().timestamp_millis();
        let payload = json!({ "id": device, "ts": ts, "kind": "charge_failed" }).to_string();
        let (topic, retained) = (format!("devices/{device}/events"), false);
        let one = Delivery { topic, payload: Bytes::from(payload), retained, receipt: None };
        let batch = Batch { deliveries: vec![one], submissions: Vec::new() };
        let sources = self.config.sources();
        Box::pin(self.runtime(&sources).commit(fold, &batch)).await.unwrap();
        let rows = task_view::standing(self.store).await.unwrap();
        let row = rows.iter().find(|row| row.device.as_str() == device).unwrap();
        row.id.as_str().to_owned()
    }

    async fn due(&self, task: &str) -> String {
        let rows = task_view::standing(self.store).await.unwrap();
        let row = rows.iter().find(|row| row.id.as_str() == task).unwrap();
        let zone = chrono_tz::Tz::Asia__Shanghai;
        row.due_at.unwrap().with_timezone(&zone).format("%F %R").to_string()
    }
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// Returns a year as holiday-cn writes it: days off from and to, and workdays.
fn year(number: i32, off: [&str; 2], work: &[&str]) -> Value {
    let [first, last] = off.map(|day| day.parse::<chrono::NaiveDate>().unwrap());
    let day = |on: String, is_off: bool| json!({"name": "春节", "date": on, "isOffDay": is_off});
    let off = first.iter_days().take_while(|on| *on <= last).map(|on| day(on.to_string(), true));
    let work = work.iter().map(|on| day((*on).to_owned(), false));
    let mut days: Vec<Value> = off.chain(work).collect();
    days.sort_by_key(|day| day["date"].to_string());
    json!({"year": number, "papers": [format!("notice with {} days", days.len())], "days": days})
}

#[tokio::test]
async fn business_hours_run_by_the_days_of_a_feed() {
    each_backend(async |store| {
        let plant = Plant::on(store, "2025-01-20T01:00:00Z");
        let mut fold = plant.begin().await;
        let china = year(2025, ["2025-01-28", "2025-02-04"], &["2025-01-26", "2025-02-08"]);
        plant.bring(&mut fold, &china).await;
        let cases = [
            ("a", "2025-01-24T17:30:00+08:00", "2025-01-26 10:30"),
            ("b", "2025-01-27T17:30:00+08:00", "2025-02-05 10:30"),
            ("c", "2025-02-07T17:30:00+08:00", "2025-02-08 10:30"),
        ];
        for (device, now, expected) in cases {
            plant.move_to(now);
            let task = plant.fail(&mut fold, device).await;
            assert_eq!(plant.due(&task).await, expected, "case: {device}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_window_that_is_extended_while_it_runs_moves_what_has_not_run_out() {
    each_backend(async |store| {
        let plant = Plant::on(store, "2020-01-20T01:00:00Z");
        let mut fold = plant.begin().await;
        let first = year(2020, ["2020-01-24", "2020-01-30"], &["2020-01-19", "2020-02-01"]);
        plant.bring(&mut fold, &first).await;
        plant.move_to("2020-01-21T10:00:00+08:00");
        let ran_out = plant.fail(&mut fold, "early").await;
        plant.move_to("2020-01-23T17:30:00+08:00");
        let task = plant.fail(&mut fold, "late").await;
        assert_eq!(plant.due(&task).await, "2020-01-31 10:30");

        plant.move_to("2020-01-27T12:00:00+08:00");
        let longer = year(2020, ["2020-01-24", "2020-02-02"], &["2020-01-19", "2020-02-03"]);
        plant.bring(&mut fold, &longer).await;
        assert_eq!(plant.due(&task).await, "2020-02-03 10:30");
        assert_eq!(plant.due(&ran_out).await, "2020-01-21 12:00", "it had run out");
        let history = task_history::of_task(store, &task).await.unwrap();
        let moved: Vec<_> = history.iter().filter(|entry| entry.action == "due-moved").collect();
        let detail = &moved[0].detail;
        assert_eq!(moved.len(), 1);
        assert_eq!(detail["due_before"], "2020-01-31T02:30:00.000Z", "{detail}");
        assert_eq!(detail["due_now"], "2020-02-03T02:30:00.000Z", "{detail}");
        assert_ne!(detail["calendar_now"], detail["calendar_before"]);
        // Superiors are told when the time is over, not before.
        let mut tx = store.begin().await.unwrap();
        let open = store::task_due::open(&mut tx, "", 10).await.unwrap();
        drop(tx);
        let open = open.iter().find(|open| open.task.as_str() == task).unwrap();
        assert_eq!(open.overdue_at, Some(at("2020-02-03T10:30:00+08:00")));

        // The same days again, and a new start with and without a snapshot, log nothing.
        let (cursor, calendar) = (fold.cursor, fold.engine.registry().calendar.clone());
        plant.move_to("2020-01-27T12:10:00+08:00");
        plant.bring(&mut fold, &longer).await;
        assert_eq!(fold.cursor, cursor);
        crate::runtime::recovery::save(store, &fold).await;
        for has_snapshot in [true, false] {
            if !has_snapshot {
                forget_snapshot(store).await;
            }
            let fold = plant.begin().await;
            assert_eq!(fold.cursor, cursor, "with a snapshot: {has_snapshot}");
            assert_eq!(fold.engine.registry().calendar, calendar);
        }
        assert_eq!(plant.due(&task).await, "2020-02-03 10:30");
        let history = task_history::of_task(store, &task).await.unwrap();
        assert_eq!(history.iter().filter(|entry| entry.action == "due-moved").count(), 1);
    })
    .await;
}

#[tokio::test]
async fn silence_after_a_snooze_moves_with_the_calendar() {
    each_backend(async |store| {
        let plant = Plant::on(store, "2020-01-20T10:00:00+08:00");
        let mut fold = plant.begin().await;
        let first = year(2020, ["2020-01-24", "2020-01-30"], &["2020-01-19", "2020-02-01"]);
        plant.bring(&mut fold, &first).await;
        let task = plant.fail(&mut fold, "d").await;
        let until = at("2020-01-23T17:00:00+08:00");
        let deed = Deed::Snooze { until, reason: Words::new("the customer is away").unwrap() };
        let id = TaskId::from_text(&task);
        let act = Act { task: id, deed, actor: "lin".to_owned() };
        let sources = plant.config.sources();
        let acted = Box::pin(plant.runtime(&sources).act(&mut fold, act)).await.unwrap();
        assert_eq!(acted, Acted::Done);

        let silent_at = async || {
            let mut tx = store.begin().await.unwrap();
            let open = store::task_due::open(&mut tx, "", 10).await.unwrap();
            drop(tx);
            let standing = open.iter().find(|open| open.task.as_str() == task).unwrap();
            (standing.snoozed_until, standing.silent_at.unwrap())
        };
        assert_eq!(silent_at().await, (Some(until), at("2020-01-31T17:00:00+08:00")));
        // The next input brings it back; then the holidays become longer.
        plant.move_to("2020-01-23T17:30:00+08:00");
        plant.fail(&mut fold, "other").await;
        assert_eq!(silent_at().await, (None, at("2020-01-31T17:00:00+08:00")));
        plant.move_to("2020-01-27T12:00:00+08:00");
        let longer = year(2020, ["2020-01-24", "2020-02-02"], &["2020-01-19", "2020-02-03"]);
        plant.bring(&mut fold, &longer).await;
        assert_eq!(silent_at().await, (None, at("2020-02-03T17:00:00+08:00")));
    })
    .await;
}

#[tokio::test]
async fn nobody_is_late_by_what_was_not_known() {
    each_backend(async |store| {
        let plant = Plant::on(store, "2025-01-24T17:30:00+08:00");
        let mut fold = plant.begin().await;
        let task = plant.fail(&mut fold, "d").await;
        assert_eq!(plant.due(&task).await, "2025-01-27 10:30");
        plant.move_to("2025-01-26T15:00:00+08:00");
        let china = year(2025, ["2025-01-28", "2025-02-04"], &["2025-01-26", "2025-02-08"]);
        plant.bring(&mut fold, &china).await;
        assert_eq!(plant.due(&task).await, "2025-01-26 15:00");
    })
    .await;
}
