//! Why there is a task and why there is none, for programs; and what took a task away.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::api::{assert_problem, get};
use super::rules::{post, reload, rule, write};
use super::site::{NAME, PASSWORD, Site};
use super::writer::with_writer;

async fn tell(site: &Site, device: &str, kind: &str, events: &[(&str, u32)]) {
    let event = |(id, minute): &(&str, u32)| {
        json!({
            "id": id, "ts": format!("2025-03-05T11:{minute:02}:00Z"), "kind": kind,
            "device": device, "cause": "charger",
        })
    };
    let events: Vec<Value> = events.iter().map(event).collect();
    let taken = post(site, "/api/v1/events", json!(events)).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.text());
}

fn picked(value: &Value, keys: &[&str]) -> Value {
    keys.iter().map(|key| value.pointer(key).cloned().unwrap_or_default()).collect()
}

#[tokio::test]
async fn a_task_explains_itself_also_after_late_evidence_took_it_away() {
    let site = Site::with_user().await;
    with_writer(&site, async {
        let three = rule("care", "live", 3);
        let three = three.replace("times =", "reset_by = [\"charge_ok\"]\ntimes =");
        write(&site, "care.toml", &three);
        reload(&site).await;
        for device in ["d1", "d2"] {
            tell(&site, device, "charge_failed", &[("1", 0), ("2", 10), ("3", 20)]).await;
        }
        let made = get(&site, "/api/v1/tasks").await.json();
        let id_of = |device: &str| {
            let tasks = made["tasks"].as_array().unwrap();
            let task = tasks.iter().find(|task| task["device"] == device).unwrap();
            task["id"].as_str().unwrap().to_owned()
        };
        let (first, second) = (id_of("d1"), id_of("d2"));
        let path = |id: &str| format!("/api/v1/tasks/{id}/explanation");
        let keys = ["/state", "/contradicted", "/replays", "/evidence/2/id", "/taken"];
        let told = get(&site, &path(&first)).await.json();
        assert_eq!(picked(&told, &keys), json!(["new", false, true, "3", null]), "{told}");
        let registry = &told["facts"]["registry"];
        assert_eq!(picked(registry, &["/position", "/age_s"]), json!([1, 0]), "{told}");

        let accepted = post(&site, &format!("/api/v1/tasks/{second}/accept"), json!({})).await;
        assert_eq!(accepted.status, StatusCode::OK);
        for device in ["d1", "d2"] {
            tell(&site, device, "charge_ok", &[("late", 15)]).await;
        }
        let keys = [
            "/state",
            "/contradicted",
            "/replays",
            "/evidence/0/id",
            "/taken/event/id",
            "/taken/event/kind",
            "/taken/event/occurred_at",
        ];
        for (id, state, contradicted) in [(&first, "withdrawn", false), (&second, "accepted", true)]
        {
            let told = get(&site, &path(id)).await.json();
            let at = "2025-03-05T11:15:00Z";
            let expected = json!([state, contradicted, true, "1", "late", "charge_ok", at]);
            assert_eq!(picked(&told, &keys), expected, "{told}");
            let page = site.page(&format!("/tasks/{id}")).await;
            let said = "the late event late (charge_ok) of";
            assert!(page.text().contains(said), "{said} is missing in {}", page.text());
        }
        let stranger = site.get(&path(&first), &[]).await;
        assert_problem(&stranger, StatusCode::UNAUTHORIZED, "unauthenticated");
        let nothing = get(&site, &path("nothing")).await;
        assert_problem(&nothing, StatusCode::NOT_FOUND, "not-found");
    })
    .await;
}

#[tokio::test]
async fn a_rule_says_why_not_in_the_stage_that_is_asked() {
    let site = Site::with_user().await;
    with_writer(&site, async {
        write(&site, "care.toml", &rule("care", "live", 3));
        write(&site, "try.toml", &rule("care", "shadow", 4));
        reload(&site).await;
        tell(&site, "d1", "charge_failed", &[("1", 0)]).await;
        site.advance(chrono::TimeDelta::hours(1));
        tell(&site, "d1", "charge_failed", &[("2", 10)]).await;
        tell(&site, "d1", "boot", &[("b", 11)]).await;
        let keys = ["/stage", "/stages", "/nearest/have", "/nearest/need", "/scope"];
        let both = json!(["live", "shadow"]);
        let cases = [
            ("scope=d1", json!(["live", both, 2.0, 3.0, "d1"])),
            ("scope=d1&stage=live", json!(["live", both, 2.0, 3.0, "d1"])),
            ("scope=d1&stage=shadow", json!(["shadow", both, 2.0, 4.0, "d1"])),
            ("scope=d9", json!(["live", both, null, null, "d9"])),
            ("scope=d1&at=2025-03-05T12:30:00Z", json!(["live", both, 1.0, 3.0, "d1"])),
            (
                "scope=d1&stage=shadow&at=2025-03-05T12:30:00Z",
                json!(["shadow", both, 1.0, 4.0, "d1"]),
            ),
        ];
        for (query, expected) in cases {
            let told = get(&site, &format!("/api/v1/rules/care/why-not?{query}")).await.json();
            assert_eq!(picked(&told, &keys), expected, "case: {query}: {told}");
        }
        let told = get(&site, "/api/v1/rules/care/why-not?scope=d1").await.json();
        let event = |at: usize| picked(&told["events"][at], &["/id", "/kind", "/attempt"]);
        assert_eq!(event(0), json!(["1", "charge_failed", "counts"]), "{told}");
        assert_eq!(event(2), json!(["b", "boot", "not-asked"]), "{told}");
        assert_eq!(picked(&told["registry"], &["/position", "/age_s"]), json!([1, 3600]), "{told}");
        // The fold beside the writer says the same as the writer.
        let later = "/api/v1/rules/care/why-not?scope=d1&at=2999-01-01T00:00:00Z";
        assert_eq!(get(&site, later).await.json(), told);

        // The page asks the version that it shows.
        let listed = get(&site, "/api/v1/rules").await.json();
        let trial = listed["rules"].as_array().unwrap().iter().find(|r| r["stage"] == "shadow");
        let version = trial.unwrap()["version"].as_str().unwrap();
        for (query, need) in
            [(format!("version={version}&scope=d1"), 4), ("scope=d1".to_owned(), 3)]
        {
            let page = site.page(&format!("/rules/care?{query}")).await;
            let said = format!("2 of the {need} events");
            assert!(page.text().contains(&said), "{said} is missing in {}", page.text());
        }
    })
    .await;
}

#[tokio::test]
async fn a_question_that_is_not_understood_is_told_why() {
    let site = Site::with_user().await;
    with_writer(&site, async {
        write(&site, "care.toml", &rule("care", "live", 3));
        reload(&site).await;
        let wrong = [
            ("care/why-not", StatusCode::BAD_REQUEST, "bad-request"),
            ("care/why-not?scope=%20", StatusCode::BAD_REQUEST, "bad-request"),
            ("care/why-not?scope=d1&stage=draft", StatusCode::BAD_REQUEST, "bad-request"),
            ("care/why-not?scope=d1&at=yesterday", StatusCode::BAD_REQUEST, "bad-request"),
            ("care/why-not?scop=d1", StatusCode::BAD_REQUEST, "bad-request"),
            ("nobody/why-not?scope=d1", StatusCode::NOT_FOUND, "not-found"),
            ("a%2Fb/why-not?scope=d1", StatusCode::NOT_FOUND, "not-found"),
            ("care/why-not?scope=d1&at=2001-01-01T00:00:00Z", StatusCode::NOT_FOUND, "not-found"),
        ];
        for (path, status, code) in wrong {
            let told = get(&site, &format!("/api/v1/rules/{path}")).await;
            assert_problem(&told, status, code);
        }
        let long = format!("/api/v1/rules/care/why-not?scope={}", "x".repeat(1025));
        assert_problem(&get(&site, &long).await, StatusCode::BAD_REQUEST, "bad-request");
        let stranger = site.get("/api/v1/rules/care/why-not?scope=d1", &[]).await;
        assert_problem(&stranger, StatusCode::UNAUTHORIZED, "unauthenticated");
    })
    .await;
}

#[tokio::test]
async fn a_change_of_the_registry_alone_is_on_the_trail() {
    let site = Site::with_user().await;
    with_writer(&site, async {
        reload(&site).await;
    })
    .await;
    let page = site.page("/rules").await;
    assert!(page.text().contains("Registry changed"), "{}", page.text());
    assert!(page.text().contains(NAME) && !page.text().contains(PASSWORD));
}

#[tokio::test]
async fn a_reload_changes_the_zone_that_pages_tell_times_in() {
    let site = Site::with_user().await;
    with_writer(&site, async {
        write(&site, "care.toml", &rule("care", "live", 3));
        reload(&site).await;
        let zone = "zone = \"Asia/Shanghai\"\nrevision = \"1\"\n[week]\nmon = [\"09:00-17:00\"]\n";
        std::fs::write(site.folder().join("registry/calendar.toml"), zone).unwrap();
        let reloaded = reload(&site).await;
        assert_eq!(reloaded.status, StatusCode::OK, "{}", reloaded.text());
    })
    .await;
    let page = site.page("/rules/care").await;
    assert!(page.text().contains("Asia/Shanghai"), "{}", page.text());
    assert!(page.text().contains("2025-03-05 20:00"), "{}", page.text());
}
