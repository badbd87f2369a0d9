//! Advice on stock: planned of what is there, superseded by what is new, decided about once.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upturn_core::id::DeviceId;
use upturn_core::registry::Registry;

use super::api::{assert_problem, get};
use super::site::{Answer, NAME, Site, bearer};
use super::writer::with_writer;
use crate::auth::person::Profile;
use crate::auth::role::Role;
use crate::clock::SystemClock;
use crate::facts::shelf::Shelf;
use crate::stock::planner::{self, Office};
use crate::store::record::StoredRecord;
use crate::store::{self, advice};

const SAMPLE: &str = include_str!("../../../../deploy/stock/stocking.toml");
const LOGISTICS: &str = "logistics";

/// Returns the sample as an exercise for a day before the window, with `old` replaced by `new`.
fn document(old: &str, new: &str) -> String {
    let as_of = "as_of = \"2025-01-15T08:00:00+08:00\"\nahead_days";
    SAMPLE.replacen("ahead_days", as_of, 1).replacen(old, new, 1)
}

async fn records(site: &Site, kind: &str, rows: &[Value]) {
    let key = |row: &Value| match kind {
        "stock" => {
            format!("{}|{}", row["product"].as_str().unwrap(), row["place"].as_str().unwrap())
        }
        _ => row["id"].as_str().unwrap().to_owned(),
    };
    let stored = |row: &Value| StoredRecord { id: key(row), document: row.to_string() };
    let rows: Vec<_> = rows.iter().map(stored).collect();
    let mut tx = site.store.begin().await.unwrap();
    store::record::write(&mut tx, kind, &rows, site.now(), "test").await.unwrap();
    tx.commit().await.unwrap();
}

/// Returns a site with a ventilator at two places, three tenders before the window and one after it.
async fn ventilators() -> Site {
    let site = Site::with_user().await;
    let profile = Profile { roles: [Role::Logistics].into(), ..Profile::default() };
    site.add_person(LOGISTICS, profile, "$argon2id$none").await;
    records(&site, "product", &[json!({"id": "VENT-700", "name": "Ventilator"})]).await;
    let stock = |place: &str, on_hand: &str| {
        json!({"product": "VENT-700", "place": place, "on_hand": on_hand, "reserved": "0",
            "counted_at": "2025-01-14T10:00:00Z"})
    };
    records(&site, "stock", &[stock("A", "20"), stock("B", "0"), stock("Z", "1")]).await;
    let tender = |id: &str, share: &str, on: &str| {
        json!({"id": id, "account": "a", "stage": "tender", "opened_on": "2024-12-01",
            "product": "VENT-700", "quantity": "4", "probability": share, "expected_on": on,
            "place": "B"})
    };
    let tenders = [
        tender("T-1", "0.683", "2025-01-28"),
        tender("T-2", "0.683", "2025-01-28"),
        tender("T-3", "0.683", "2025-01-28"),
        tender("T-4", "0.5", "2025-02-12"),
    ];
    records(&site, "deal", &tenders).await;
    site
}

fn write(site: &Site, text: &str) {
    fs::write(site.folder().join("stocking.toml"), text).unwrap();
}

/// Makes `requests` while planner and writer run.
async fn while_planning<T>(site: &Site, requests: impl Future<Output = T>) -> T {
    let path = site.folder().join("stocking.toml");
    let (store, clock) = (site.store.clone(), Arc::new(SystemClock));
    let (asks, shelf) = (site.asks.clone(), Shelf::default());
    let mut registry = Registry::default();
    let device = upturn_core::registry::Device {
        model: "VENT-700".into(),
        site: None,
        account: Some("a".into()),
        status: upturn_core::registry::DeviceStatus::InService,
    };
    registry.devices.insert(DeviceId::new("d-2").unwrap(), device);
    let (_changed, folder) = watch::channel(Arc::new(registry));
    let office = Office { store, clock, asks, shelf, folder, path };
    let stop = CancellationToken::new();
    let planning = TaskTracker::new();
    planning.spawn(planner::run(office, stop.clone()));
    let answer = Box::pin(with_writer(site, requests)).await;
    stop.cancel();
    planning.close();
    planning.wait().await;
    answer
}

/// Waits until advice was changed more than `before` times, and returns how often.
async fn changed(site: &Site, before: i64) -> i64 {
    let seen = async {
        loop {
            let revision = advice::plan_state(&site.store).await.unwrap().revision;
            if before < revision {
                return revision;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), seen).await.expect("no plan")
}

async fn list(site: &Site, state: &str) -> Vec<Value> {
    let listed = get(site, &format!("/api/v1/advice?state={state}")).await.json();
    listed["advice"].as_array().unwrap().clone()
}

async fn act(site: &Site, advice: &Value, verb: &str, more: Value) -> Answer {
    let mut body = json!({ "revision": advice["revision"] });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let path = format!("/api/v1/advice/{}/{verb}", advice["id"].as_str().unwrap());
    let headers = [("authorization", &*bearer(LOGISTICS)), ("content-type", "application/json")];
    site.call("POST", &path, &headers, &body.to_string()).await
}

fn brief(advice: &Value) -> Value {
    let plan = &advice["plan"];
    json!([
        advice["quantity"],
        plan["from"],
        plan["to"],
        plan["latest_ship_on"],
        plan["next_arrival_on"]
    ])
}

#[tokio::test]
async fn a_plan_is_superseded_when_the_calendar_changes_and_leaves_what_is_firmed() {
    let site = ventilators().await;
    write(&site, &document("", ""));
    Box::pin(while_planning(&site, async {
        let first = changed(&site, 0).await;
        let open = list(&site, "open").await;
        assert_eq!(open.len(), 1, "{open:#?}");
        assert_eq!(brief(&open[0]), json!([8, "A", "B", "2025-01-26", "2025-02-06"]));
        let told = get(&site, "/api/v1/advice").await.json()["plan"]["told"].clone();
        let trouble = told["troubles"][0]["of"].clone();
        assert_eq!(trouble, "stock VENT-700|Z", "a place that nobody knows is left out: {told:#}");

        // The festival is extended while it is planned for.
        write(
            &site,
            &document("until = \"2025-02-04\"", "until = \"2025-02-09\"").replace(
                "    { from = \"2025-02-08\", open = true, name = \"make-up workday\" },\n",
                "",
            ),
        );
        let second = changed(&site, first).await;
        let open = list(&site, "open").await;
        assert_eq!(open.len(), 1, "{open:#?}");
        assert_eq!(brief(&open[0])[4], "2025-02-11");
        let old = list(&site, "superseded").await;
        assert_eq!(old.len(), 1, "{old:#?}");
        assert_eq!(open[0]["replaces"], old[0]["id"]);

        // What is agreed on is counted, and no plan moves it.
        let firmed = act(&site, &open[0], "firm", json!({ "quantity": 12 })).await;
        assert_eq!(firmed.status, StatusCode::OK, "{}", firmed.text());
        let third = changed(&site, second + 1).await;
        assert_eq!(list(&site, "open").await, Vec::<Value>::new());
        let firmed = list(&site, "firmed").await;
        assert_eq!((firmed.len(), &firmed[0]["quantity"]), (1, &json!(12)));
        let path = format!("/api/v1/advice/{}", firmed[0]["id"].as_str().unwrap());
        let history = get(&site, &path).await.json()["history"].clone();
        assert_eq!(history[0]["action"], "advice-firmed");
        assert_eq!(history[0]["actor"], LOGISTICS);

        // Taken back, the next plan says it again.
        let released = act(&site, &firmed[0], "release", json!({})).await;
        assert_eq!(released.status, StatusCode::OK, "{}", released.text());
        changed(&site, third + 1).await;
        assert_eq!(list(&site, "open").await.len(), 1);
    }))
    .await;
}

#[tokio::test]
async fn of_fifty_who_agree_at_once_one_wins_and_a_rejection_holds() {
    let site = ventilators().await;
    write(&site, &document("", ""));
    Box::pin(while_planning(&site, async {
        let first = changed(&site, 0).await;
        let open = list(&site, "open").await.remove(0);
        let refused = act(&site, &open, "reject", json!({ "reason": " " })).await;
        assert_problem(&refused, StatusCode::BAD_REQUEST, "bad-request");
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (site, open) = (site.clone(), open.clone());
            clients.spawn(async move {
                act(&site, &open, "reject", json!({ "reason": "they have their own" })).await
            });
        }
        let answers = clients.join_all().await;
        let (won, lost): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|answer| answer.status == StatusCode::OK);
        assert_eq!((won.len(), lost.len()), (1, 49));
        for answer in lost {
            assert_problem(&answer, StatusCode::CONFLICT, "advice-changed");
        }
        // The plan that follows does not ask again.
        changed(&site, first + 1).await;
        assert_eq!(list(&site, "open").await, Vec::<Value>::new());
        assert_eq!(list(&site, "rejected").await[0]["reason"], "they have their own");
    }))
    .await;
    let read = get(&site, "/api/v1/advice").await;
    assert_eq!(read.status, StatusCode::OK);
    let sales = site.page("/advice?state=rejected").await;
    assert!(sales.text().contains("VENT-700"), "{} {NAME}", sales.text());
}

#[tokio::test]
async fn failures_of_installed_devices_need_parts_where_their_account_is_served() {
    let site = ventilators().await;
    records(&site, "product", &[json!({"id": "BOARD", "name": "Board"})]).await;
    let device = |id: &str| json!({"id": id, "model": "VENT-700", "account": "a"});
    records(&site, "device", &[device("d-1")]).await;
    // One failed before the plan's day, one after it: that has not happened yet.
    let mut tx = site.store.begin().await.unwrap();
    for (id, device, at) in [("t-1", "d-1", -1), ("t-2", "d-2", 1)] {
        let mut task = store::testing::task(id, device, 0);
        let as_of = chrono::DateTime::parse_from_rfc3339("2025-01-15T00:00:00Z").unwrap();
        task.occasion.last_at = as_of.to_utc() + chrono::TimeDelta::days(at);
        store::task::create(&mut tx, &task).await.unwrap();
    }
    tx.commit().await.unwrap();
    let failure = "\n[[failure]]\nmodel = \"VENT-700\"\nfault = \"care\"\npart = \"BOARD\"\n\
                   share = \"1\"\nlag_days = 9\nper_year = \"0.01\"\n";
    let gone = failure.replace("BOARD", "GONE");
    write(&site, &format!("{}{failure}{gone}", document("", "")));
    Box::pin(while_planning(&site, async {
        changed(&site, 0).await;
        let open = list(&site, "open").await;
        let board = open.iter().find(|one| one["plan"]["needed_item"] == "BOARD").unwrap();
        assert_eq!(board["plan"]["quantity"], 1, "{board:#}");
        assert_eq!(board["plan"]["needed_on"], "2025-01-23", "{board:#}");
        let reasons = board["plan"]["reasons"].as_array().unwrap();
        let why = reasons.iter().find(|reason| reason["code"] == "failures").unwrap();
        let told = why["en"].as_str().unwrap();
        assert!(told.starts_with("failures of installed devices (2): 0.0016 parts"), "{told}");
        assert!(told.ends_with(": 1"), "{told}");
        let told = get(&site, "/api/v1/advice").await.json()["plan"]["told"].clone();
        let all = told["troubles"].as_array().unwrap();
        assert!(all.iter().any(|one| one["of"] == "failure VENT-700|care|GONE"), "{told:#}");
    }))
    .await;
}
