//! By which days people work: as a feed tells them, over which documents say what they say, and where
//! nobody has announced anything.

use std::fs;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::site::{Site, bearer};
use super::writer::with_writer;
use crate::auth::person::{EVERYWHERE, Profile};
use crate::auth::role::Role;
use crate::store::feed_set::{self, Document, NewSet, Packed, SetState};

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
[[override]]
on = "2025-05-01"
hours = ["10:00-12:00"]
name = "stand-by"
"#;
const RULE: &str = r#"
id = "care"
kind = "trigger"
title = { en = "Care" }
[when]
pattern = "count"
event = "charge_failed"
times = 1
within = "1h"
[[then]]
task = "care"
due = "2 business hours"
route = "account-owner, else pool:ev"
"#;

async fn tell(site: &Site, year: i32, days: &[(&str, bool)]) {
    let day =
        |(on, is_off): &(&str, bool)| json!({"name": "劳动节", "date": on, "isOffDay": is_off});
    let days: Vec<_> = days.iter().map(day).collect();
    let document = json!({"year": year, "papers": ["p"], "days": days});
    bring(site, ("holidays", "holiday-cn"), &json!({}), &document).await;
}

/// Puts `document` in force, as a set of the feed and kind, read by `settings`.
pub(super) async fn bring(
    site: &Site,
    (feed, kind): (&str, &'static str),
    settings: &Value,
    document: &Value,
) {
    let text = document.to_string();
    let (digest, bytes) = (text.clone(), text.into_bytes());
    let document = Document { address: "http://127.0.0.1/".to_owned(), bytes };
    let set = NewSet {
        feed: feed.to_owned(),
        run: 1,
        fetched_at: site.now(),
        digest,
        kind,
        settings: settings.to_string(),
        reasons: Vec::new(),
        validators: "{}".to_owned(),
        configured_by: Vec::new(),
        facts: 1,
        documents: vec![Packed::pack(&document).unwrap()],
    };
    let mut tx = site.store.begin().await.unwrap();
    let id = feed_set::insert(&mut tx, &set, SetState::Held).await.unwrap();
    assert!(feed_set::activate(&mut tx, (id, None), (0, site.now())).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn operations_see_the_days_people_work_by_and_who_says_so() {
    let site = Site::new().await;
    let roles = [Role::Operations, Role::SalesManager].into();
    let profile = Profile { roles, regions: [EVERYWHERE.to_owned()].into(), ..Profile::default() };
    site.add_person("ops", profile, "$argon2id$none").await;
    let folder = site.folder();
    fs::write(folder.join("rules/care.toml"), RULE).unwrap();
    fs::write(folder.join("registry/calendar.toml"), CALENDAR).unwrap();
    let headers = bearer("ops");
    let headers = [("authorization", headers.as_str())];
    with_writer(&site, async {
        let answer = site.call("POST", "/api/v1/rules/reload", &headers, "{}").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    })
    .await;
    let calendars = site.get("/api/v1/calendars", &headers).await.json();
    let all = &calendars["calendars"][0];
    assert!(all["trouble"].as_str().unwrap().contains("no feed in force"), "{calendars:#}");
    assert_eq!(all["announced_until"], json!(null));

    // Five days off from 1 May on, and a Sunday that is worked.
    let off = ["2025-05-01", "2025-05-02", "2025-05-03", "2025-05-04", "2025-05-05"];
    let off = off.map(|day| (day, true));
    tell(&site, 2025, &[&off[..], &[("2025-04-27", false)]].concat()).await;
    let calendars = site.get("/api/v1/calendars", &headers).await.json();
    let all = &calendars["calendars"][0];
    assert_eq!(
        (&all["trouble"], &all["feeds"], &all["announced_until"]),
        (&json!(null), &json!(["holidays"]), &json!("2025-12-31")),
        "{calendars:#}"
    );
    assert_eq!(all["next_window"]["first_on"], "2025-05-02");
    assert_eq!(all["next_window"]["last_on"], "2025-05-05");
    let days = all["days"].as_array().unwrap();
    let days: Vec<_> = days
        .iter()
        .map(|day| (day["first_on"].as_str().unwrap(), &day["hours"], day["is_own"] == true))
        .collect();
    let expected = [
        ("2025-04-27", &json!(["09:00-18:00"]), false),
        ("2025-05-01", &json!(["10:00-12:00"]), true),
        ("2025-05-02", &json!([]), false),
    ];
    assert_eq!(days, expected);
}

#[tokio::test]
async fn a_due_time_beyond_what_is_announced_is_marked_as_a_guess() {
    let site = Site::new().await;
    let roles = [Role::Operations, Role::SalesManager].into();
    let profile = Profile { roles, regions: [EVERYWHERE.to_owned()].into(), ..Profile::default() };
    site.add_person("ops", profile, "$argon2id$none").await;
    fs::write(site.folder().join("registry/calendar.toml"), CALENDAR).unwrap();
    let headers = bearer("ops");
    let headers = [("authorization", headers.as_str())];
    with_writer(&site, async {
        let answer = site.call("POST", "/api/v1/rules/reload", &headers, "{}").await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    })
    .await;
    let due = chrono::TimeDelta::hours(2);
    site.add([super::site::task("t", site.now(), 0, Some(due))]).await;
    let task = site.get("/api/v1/tasks/t", &headers).await.json();
    assert_eq!(task["due_unannounced"], json!({"announced_until": null}), "{task:#}");
    // The year is announced: the mark goes.
    tell(&site, 2025, &[("2025-05-01", true)]).await;
    let task = site.get("/api/v1/tasks/t", &headers).await.json();
    assert_eq!(task["due_unannounced"], json!(null), "{task:#}");
}
