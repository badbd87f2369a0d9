//! Days of feeds in the calendars people work by: the real writer on both databases, with a clock that is
//! moved and documents as holiday-cn has them.

use std::sync::Arc;

use chrono_tz::Tz;
use serde_json::{Value, json};
use upturn_core::id::TaskId;

use super::*;
use crate::clock::Clock as _;
use crate::runtime::act::Act;
use crate::runtime::deed::{Deed, Words};
use crate::runtime::request::Acted;
use crate::runtime::testing::{Brought, Plant, at};
use crate::store::testing::{each_backend, forget_snapshot};
use crate::store::{self, Store, task_history, task_view};

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

fn plant<'s>(store: &'s Store, now: &str) -> Plant<'s> {
    let plant = Plant::on(store, now, RULE);
    let calendar = Calendar::from_toml(CALENDAR).unwrap();
    plant.folder.send_replace(Arc::new(Registry { calendar, ..Registry::default() }));
    plant
}

impl Plant<'_> {
    /// Has a feed bring the days of `document`.
    async fn bring_days(&self, fold: &mut Fold, document: &Value) {
        let (feed, kind, settings) = ("holidays", "holiday-cn", &json!({}));
        self.bring(fold, Brought { feed, kind, settings, document }).await;
    }

    /// Takes a failure of `device` in; returns the id of its task.
    async fn fail(&self, fold: &mut Fold, device: &str) -> String {
        let ts = self.clock.now().timestamp_millis();
        self.send(fold, device, &[json!({ "id": device, "ts": ts, "kind": "charge_failed" })])
            .await;
        let rows = task_view::standing(self.store).await.unwrap();
        let row = rows.iter().find(|row| row.device.as_str() == device).unwrap();
        row.id.as_str().to_owned()
    }

    async fn due(&self, task: &str) -> String {
        let rows = task_view::standing(self.store).await.unwrap();
        let row = rows.iter().find(|row| row.id.as_str() == task).unwrap();
        let zone = Tz::Asia__Shanghai;
        row.due_at.unwrap().with_timezone(&zone).format("%F %R").to_string()
    }
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
        let plant = plant(store, "2025-01-20T01:00:00Z");
        let mut fold = plant.begin().await;
        let china = year(2025, ["2025-01-28", "2025-02-04"], &["2025-01-26", "2025-02-08"]);
        plant.bring_days(&mut fold, &china).await;
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
        let plant = plant(store, "2020-01-20T01:00:00Z");
        let mut fold = plant.begin().await;
        let first = year(2020, ["2020-01-24", "2020-01-30"], &["2020-01-19", "2020-02-01"]);
        plant.bring_days(&mut fold, &first).await;
        plant.move_to("2020-01-21T10:00:00+08:00");
        let ran_out = plant.fail(&mut fold, "early").await;
        plant.move_to("2020-01-23T17:30:00+08:00");
        let task = plant.fail(&mut fold, "late").await;
        assert_eq!(plant.due(&task).await, "2020-01-31 10:30");

        plant.move_to("2020-01-27T12:00:00+08:00");
        let longer = year(2020, ["2020-01-24", "2020-02-02"], &["2020-01-19", "2020-02-03"]);
        plant.bring_days(&mut fold, &longer).await;
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
        plant.bring_days(&mut fold, &longer).await;
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
        let plant = plant(store, "2020-01-20T10:00:00+08:00");
        let mut fold = plant.begin().await;
        let first = year(2020, ["2020-01-24", "2020-01-30"], &["2020-01-19", "2020-02-01"]);
        plant.bring_days(&mut fold, &first).await;
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
        plant.bring_days(&mut fold, &longer).await;
        assert_eq!(silent_at().await, (None, at("2020-02-03T17:00:00+08:00")));
    })
    .await;
}

#[tokio::test]
async fn nobody_is_late_by_what_was_not_known() {
    each_backend(async |store| {
        let plant = plant(store, "2025-01-24T17:30:00+08:00");
        let mut fold = plant.begin().await;
        let task = plant.fail(&mut fold, "d").await;
        assert_eq!(plant.due(&task).await, "2025-01-27 10:30");
        plant.move_to("2025-01-26T15:00:00+08:00");
        let china = year(2025, ["2025-01-28", "2025-02-04"], &["2025-01-26", "2025-02-08"]);
        plant.bring_days(&mut fold, &china).await;
        assert_eq!(plant.due(&task).await, "2025-01-26 15:00");
    })
    .await;
}
