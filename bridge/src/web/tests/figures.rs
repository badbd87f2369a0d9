//! Figures, on the page and for programs.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::api::{assert_problem, get};
use super::site::{NAME, Site, bearer, task};
use super::task_results::keep;
use super::writer::with_writer;
use crate::auth::person::Profile;
use crate::auth::role::Role;

/// Does something with a task, `minutes` after what was done before.
async fn say(site: &Site, minutes: i64, path: &str, body: Value) {
    site.advance(TimeDelta::minutes(minutes));
    let path = format!("/api/v1/tasks/{path}");
    let headers = [("authorization", &*bearer(NAME))];
    let answer = site.call("POST", &path, &headers, &body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
}

/// A site with four tasks that are due in an hour: one contacted in time, one too late, one never, and one
/// of somebody else, each interested customer with an order.
async fn site() -> Site {
    let site = Site::with_user().await;
    let sales = Profile {
        roles: [Role::Sales].into(),
        teams: ["ev".to_owned()].into(),
        ..Profile::default()
    };
    site.add_person("lin", sales, "$argon2id$none").await;
    let tasks = ["a", "b", "c", "d"].map(|id| {
        let mut made = task(id, site.now(), 0, Some(TimeDelta::hours(1)));
        made.scope = id.into();
        if id == "d" {
            made.owner = "lin".into();
        }
        made
    });
    site.add(tasks).await;
    let reached = json!({"channel": "phone", "result": "reached"});
    with_writer(&site, async {
        say(&site, 10, "a/contact", reached.clone()).await;
        say(&site, 5, "a/done", json!({"outcome": "interested"})).await;
        say(&site, 60, "b/contact", reached.clone()).await;
        say(&site, 5, "b/done", json!({"outcome": "solved"})).await;
    })
    .await;
    let deal = get(&site, "/api/v1/tasks/a").await.json()["deal"]["id"].clone();
    let order = |id: &str, line: u32, deal: &Value| {
        json!({"id": id, "line": line.to_string(), "account": "greenfleet", "product": "X9",
            "deal": deal, "ordered_on": "2025-03-05"})
    };
    let mut free = order("O-2", 1, &json!("other"));
    free.as_object_mut().unwrap().remove("deal");
    let orders =
        [("O-1|1", order("O-1", 1, &deal)), ("O-1|2", order("O-1", 2, &deal)), ("O-2|1", free)];
    keep(&site, "order", &orders).await;
    site
}

#[tokio::test]
async fn figures_come_with_their_numbers_and_their_meaning() {
    let site = site().await;
    let found = get(&site, "/api/v1/figures").await.json();
    let all = &found["all"];
    let expected = json!({
        "tasks": 4,
        "response": {"median_s": 600, "p90_s": 4_500, "n": 2},
        "response_working": {"median_s": 600, "p90_s": 4_500, "n": 2},
        "followed_up": {"count": 2, "n": 4, "permille": 500},
        "on_time": {"count": 1, "n": 4, "permille": 250},
        "wasted": {"count": 3, "n": 4, "permille": 750},
        "told_later": 0,
        "outcomes": {"interested": 1, "solved": 1},
        "converted": {"count": 1, "n": 2, "permille": 500},
        "orders": {"count": 1, "n": 2, "permille": 500},
    });
    assert_eq!(*all, expected);
    assert_eq!(found["definitions"].as_array().unwrap().len(), 9);
    assert_eq!((&found["until"], &found["window_days"]), (&json!("2025-03-05"), &json!(90)));
    let people = get(&site, "/api/v1/figures?by=person").await.json();
    let names: Vec<_> = people["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["name"].clone(), group["figures"]["tasks"].clone()))
        .collect();
    assert_eq!(names, [(json!(NAME), json!(3)), (json!("lin"), json!(1))]);
    let team = get(&site, "/api/v1/figures?by=team&team=ev").await.json();
    assert_eq!(team["all"]["tasks"], 1);
    assert_eq!(team["all"]["orders"], json!({"count": 0, "n": 2, "permille": 0}));
    let other = get(&site, "/api/v1/figures?rule=other&from=2025-01-01").await.json();
    assert_eq!((&other["all"]["tasks"], &other["groups"]), (&json!(0), &json!([])));
    let before = get(&site, "/api/v1/figures?until=2025-03-04").await.json();
    assert_eq!(before["all"]["orders"], json!({"count": 0, "n": 0, "permille": null}));
    for wrong in ["by=day", "from=x", "window=-1", "colour=red", "from=2025-03-06&until=2025-03-05"]
    {
        let answer = get(&site, &format!("/api/v1/figures?{wrong}")).await;
        assert_problem(&answer, StatusCode::BAD_REQUEST, "bad-request");
    }
}

#[tokio::test]
async fn the_night_is_no_working_time() {
    let site = Site::with_user().await;
    site.add([task("t1", site.now(), 0, None)]).await;
    let reached = json!({"channel": "phone", "result": "reached"});
    // From noon, people work until 17:00 and from 9:00 on.
    with_writer(&site, say(&site, 22 * 60, "t1/contact", reached)).await;
    let all = get(&site, "/api/v1/figures?until=2025-03-06").await.json()["all"].clone();
    let (wall, working) = (&all["response"]["median_s"], &all["response_working"]["median_s"]);
    assert_eq!((wall, working), (&json!(22 * 3_600), &json!(6 * 3_600)));
}

#[tokio::test]
async fn whoever_sees_one_task_counts_one() {
    let site = site().await;
    let hers =
        site.get("/api/v1/figures?by=person", &[("authorization", &bearer("lin"))]).await.json();
    assert_eq!(hers["all"]["tasks"], 1);
    assert_eq!(hers["all"]["orders"]["count"], 0);
    assert_eq!(hers["groups"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_page_shows_a_table_a_chart_and_what_each_figure_means() {
    let site = site().await;
    let cases = [
        (
            "/figures?by=person",
            "50.0 % (2 of 4)",
            "10 min; nine of ten 1 h 15 min (n = 2)",
            "Wasted",
        ),
        (
            "/figures?by=rule&lang=zh",
            "50.0%（4 项中 2 项）",
            "10 分钟；九成不超过 1 小时 15 分钟（n = 2）",
            "浪费",
        ),
    ];
    for (path, share, spread, word) in cases {
        let page = site.page(path).await;
        for expected in [share, spread, word, "<svg class=\"bars\"", "<dt>"] {
            assert!(page.text().contains(expected), "{expected} is missing in {}", page.text());
        }
    }
}
