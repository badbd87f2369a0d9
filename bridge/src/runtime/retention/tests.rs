//! What is deleted, and that nothing else changes by it: the real writer on both databases, with a
//! clock that is moved.

use serde_json::json;

use super::*;
use crate::clock::Clock as _;
use crate::config::retention::RetentionConfig;
use crate::runtime::testing::Plant;
use crate::store::testing::each_backend;
use crate::store::{Store, task_view};

/// Three failures in a row; a good session, a week or a dismissal ends what they began.
const RULE: &str = r#"
id = "care"
kind = "trigger"
title = { en = "Charging failed" }
[when]
pattern = "consecutive"
event = "charge_failed"
reset_by = ["charge_ok"]
within = "24h"
[episode]
cooldown = "7d"
close = { on = ["charge_ok"] }
[[then]]
task = "care"
"#;

fn plant(store: &Store) -> Plant<'_> {
    let day = |days| Some(crate::config::time_span::TimeSpan::days(days));
    let mut plant = Plant::on(store, "2025-03-05T12:00:00Z", RULE);
    plant.config.retention =
        RetentionConfig { events: day(20), dead_letters: day(20), ..RetentionConfig::default() };
    plant
}

impl Plant<'_> {
    fn advance(&self, days: i64) {
        *self.clock.0.lock().unwrap() += TimeDelta::days(days);
    }

    /// Takes events of `device` in one commit: kind, id, and how many hours ago each happened.
    async fn take(&self, fold: &mut Fold, device: &str, events: &[(&str, &str, i64)]) {
        let payload = |(kind, id, hours): &(&str, &str, i64)| {
            let ts = (self.clock.now() - TimeDelta::hours(*hours)).timestamp_millis();
            json!({ "id": id, "ts": ts, "kind": kind })
        };
        self.send(fold, device, &events.iter().map(payload).collect::<Vec<_>>()).await;
    }

    /// Deletes until there is nothing left to delete.
    async fn retain(&self, fold: &mut Fold) {
        let sources = self.config.sources();
        let mut round = None;
        while self.runtime(&sources).retain(fold, &mut round).await.unwrap() == PAUSE {}
    }

    async fn events(&self) -> Vec<String> {
        let kept = store::event::read_after(self.store, 0, 10_000).await.unwrap();
        kept.into_iter().map(|(_, event)| event.id.as_str().to_owned()).collect()
    }

    /// Returns device, first evidence and state of each standing task, in the order they were made.
    async fn tasks(&self) -> Vec<(String, String, bool)> {
        let rows = task_view::standing(self.store).await.unwrap();
        let mut tasks = Vec::new();
        for row in rows {
            let first = row.evidence.first().unwrap().as_str().to_owned();
            let device = row.device.as_str().to_owned();
            tasks.push((row.created_at, device, first, row.contradicted));
        }
        tasks.sort();
        tasks
            .into_iter()
            .map(|(_, device, first, is_taken_back)| (device, first, is_taken_back))
            .collect()
    }

    async fn forget_snapshot(&self) {
        store::testing::forget_snapshot(self.store).await;
    }
}

const FAIL: &str = "charge_failed";
const GOOD: &str = "charge_ok";

fn task(device: &str, first: &str) -> (String, String, bool) {
    (device.to_owned(), first.to_owned(), false)
}

#[tokio::test]
async fn what_is_old_goes_and_its_tasks_stand_whatever_comes_late() {
    Box::pin(each_backend(async |store| {
        let plant = plant(store);
        let mut fold = plant.begin().await;
        plant.take(&mut fold, "d", &[(FAIL, "a1", 3), (FAIL, "a2", 2), (FAIL, "a3", 1)]).await;
        plant.take(&mut fold, "d", &[(GOOD, "a4", 0)]).await;
        plant.take(&mut fold, "d", &[("ticket_opened", "t", 0), ("heartbeat", "h", 0)]).await;
        plant.take(&mut fold, "d", &[("no kind", "", 0)]).await;
        plant.advance(60);
        plant.take(&mut fold, "other", &[("heartbeat", "now", 0)]).await;
        assert_eq!(plant.tasks().await, [task("d", "a1")]);

        plant.retain(&mut fold).await;
        assert_eq!(plant.events().await, ["t", "now"], "a ticket counts until it is closed");
        let metrics = plant.metrics.text(plant.clock.now()).unwrap();
        assert!(metrics.contains("upturn_events_deleted_total 5\n"), "{metrics}");
        assert_eq!(plant.tasks().await, [task("d", "a1")]);

        // Late for what is in memory, so that all of the device is folded again.
        plant.take(&mut fold, "d", &[(FAIL, "b1", 50)]).await;
        plant.take(&mut fold, "d", &[(FAIL, "b3", 48), (FAIL, "b2", 49)]).await;
        let expected = [task("d", "a1"), task("d", "b1")];
        assert_eq!(plant.tasks().await, expected, "the old task is not taken back");

        // Before what is whole: what was deleted comes again, and is not judged again.
        let (again, old) = (60 * 24, 55 * 24);
        plant.take(&mut fold, "d", &[(FAIL, "a1", again + 3), (FAIL, "a2", again + 2)]).await;
        let too_late = [(FAIL, "o1", old), (FAIL, "o2", old), (FAIL, "o3", old)];
        plant.take(&mut fold, "d", &too_late).await;
        assert_eq!(plant.tasks().await, expected);
        let metrics = plant.metrics.text(plant.clock.now()).unwrap();
        assert!(metrics.contains("upturn_events_too_late_total 5\n"), "{metrics}");

        // A start that finds no snapshot comes to the same, from what is kept.
        plant.take(&mut fold, "d", &[(GOOD, "b4", 0)]).await;
        plant.forget_snapshot().await;
        let mut fold = plant.begin().await;
        plant.take(&mut fold, "d", &too_late.map(|(kind, id, at)| (kind, id, at + 1))).await;
        plant.take(&mut fold, "d", &[(FAIL, "c1", 0), (FAIL, "c2", 0), (FAIL, "c3", 0)]).await;
        assert_eq!(plant.tasks().await, expected, "the cooldown of the second holds");
        plant.advance(8);
        plant.take(&mut fold, "d", &[(FAIL, "d1", 2), (FAIL, "d2", 1), (FAIL, "d3", 0)]).await;
        assert_eq!(plant.tasks().await.len(), 3);
    }))
    .await;
}

#[tokio::test]
async fn what_an_open_episode_began_with_stays_until_it_is_closed() {
    each_backend(async |store| {
        let plant = plant(store);
        let mut fold = plant.begin().await;
        plant.take(&mut fold, "before", &[("heartbeat", "h1", 0)]).await;
        plant.advance(30);
        plant.take(&mut fold, "d", &[(FAIL, "a1", 3), (FAIL, "a2", 2), (FAIL, "a3", 1)]).await;
        plant.advance(100);
        plant.take(&mut fold, "d", &[(FAIL, "a4", 0)]).await;
        plant.retain(&mut fold).await;
        assert_eq!(plant.events().await, ["a1", "a2", "a3", "a4"]);
        let metrics = plant.metrics.text(plant.clock.now()).unwrap();
        assert!(!metrics.contains("upturn_retention_held_seconds 0\n"), "{metrics}");

        // The episode is open after a start from nothing, so that the next failure joins it.
        plant.forget_snapshot().await;
        let mut fold = plant.begin().await;
        plant.take(&mut fold, "d", &[(FAIL, "a5", 0), (FAIL, "a6", 0)]).await;
        assert_eq!(plant.tasks().await, [task("d", "a1")]);

        plant.take(&mut fold, "d", &[(GOOD, "a7", 0)]).await;
        plant.retain(&mut fold).await;
        assert_eq!(plant.events().await, ["a4", "a5", "a6", "a7"]);
        let metrics = plant.metrics.text(plant.clock.now()).unwrap();
        assert!(metrics.contains("upturn_retention_held_seconds 0\n"), "{metrics}");
        assert_eq!(plant.tasks().await, [task("d", "a1")]);
    })
    .await;
}

#[tokio::test]
async fn a_rule_that_looks_back_far_keeps_what_it_looks_at() {
    each_backend(async |store| {
        let plant = plant(store);
        let mut fold = plant.begin().await;
        for day in 0..40 {
            let id = format!("{day:02}");
            plant.take(&mut fold, "d", &[("heartbeat", &id, 0)]).await;
            plant.advance(1);
        }
        plant.take(&mut fold, "d", &[("heartbeat", "40", 0)]).await;
        plant.retain(&mut fold).await;
        // 20 days, and the rule's day and its cooldown of 7, a day for a session and one for what
        // is late.
        let kept = plant.events().await;
        assert_eq!(kept.first().map(String::as_str), Some("10"), "{kept:?}");
    })
    .await;
}
