//! Rules: which are in force, reloading them, and why there is no task.

use std::fs;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use super::api::{assert_problem, get};
use super::site::{Answer, NAME, Site, bearer};
use super::writer::with_writer;

pub(super) fn rule(id: &str, stage: &str, times: u8) -> String {
    format!(
        "id = \"{id}\"\nkind = \"trigger\"\nstage = \"{stage}\"\ntitle = {{ en = \"<b>Care</b>\" }}\n\
         [when]\npattern = \"consecutive\"\nevent = \"charge_failed\"\ntimes = {times}\n\
         [episode]\ncooldown = \"7d\"\n[[then]]\ntask = \"care\"\n"
    )
}

pub(super) fn write(site: &Site, file: &str, text: &str) {
    fs::write(site.folder().join("rules").join(file), text).unwrap();
}

pub(super) async fn post(site: &Site, path: &str, body: Value) -> Answer {
    let request = Request::post(path)
        .header("authorization", bearer(NAME))
        .header("content-type", "application/json");
    site.send(request.body(Body::from(body.to_string())).unwrap()).await
}

pub(super) async fn reload(site: &Site) -> Answer {
    post(site, "/api/v1/rules/reload", json!({})).await
}

async fn fail(site: &Site, device: &str, ids: &[&str]) {
    let event = |id: &&str| json!({"id": id, "ts": "2025-03-05T11:00:00Z", "kind": "charge_failed", "device": device});
    let events: Vec<Value> = ids.iter().map(event).collect();
    let taken = post(site, "/api/v1/events", json!(events)).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.text());
}

#[tokio::test]
async fn a_reload_says_what_changed_and_an_edit_keeps_counts() {
    let site = Site::with_user().await;
    with_writer(&site, async {
        write(&site, "care.toml", &rule("care", "live", 3));
        write(&site, "try.toml", &rule("care", "shadow", 2));
        write(&site, "draft.toml", &rule("idea", "draft", 2));
        let changes = reload(&site).await.json();
        let stages = |of: &Value| -> Vec<Value> {
            of.as_array().unwrap().iter().map(|version| version["stage"].clone()).collect()
        };
        assert_eq!(changes["rules"][0]["id"], "care");
        assert_eq!(stages(&changes["rules"][0]["before"]), Vec::<Value>::new());
        assert_eq!(stages(&changes["rules"][0]["now"]).len(), 2);
        assert_eq!(stages(&changes["rules"][1]["now"]), ["draft"]);
        assert_eq!(
            reload(&site).await.json(),
            json!({
                "delivery": false, "feeds": false, "leads": false, "policy": false,
                "registry": false, "rules": [],
            })
        );

        fail(&site, "d1", &["1", "2"]).await;
        write(&site, "care.toml", &rule("care", "live", 3).replace("7d", "8d"));
        let changes = reload(&site).await.json();
        assert_eq!(changes["rules"].as_array().unwrap().len(), 1);
        fail(&site, "d1", &["3"]).await;
    })
    .await;
    let made = get(&site, "/api/v1/tasks").await.json();
    assert_eq!(made["tasks"].as_array().unwrap().len(), 1, "{made}");
    let listed = get(&site, "/api/v1/rules").await.json();
    let lines: Vec<_> = listed["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| json!([rule["id"], rule["stage"], rule["open_tasks"], rule["since"]]))
        .collect();
    let since = "2025-03-05T12:00:00.000Z";
    let expected = json!([
        ["care", "shadow", 1, since],
        ["care", "live", 1, since],
        ["idea", "draft", 0, since],
    ]);
    assert_eq!(json!(lines), expected);
    assert_eq!(made["tasks"][0]["version"], listed["rules"][1]["version"]);
    let stranger = site.get("/api/v1/rules", &[]).await;
    assert_problem(&stranger, StatusCode::UNAUTHORIZED, "unauthenticated");
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_comes_into_force_as_a_whole() {
    const LEADS: [(&str, &str); 4] = [
        ("worth.toml", include_str!("../../../../deploy/rules/leads/service-lead.toml")),
        ("abc.toml", include_str!("../../../../deploy/rules/leads/abc.toml")),
        ("by-grade.toml", include_str!("../../../../deploy/rules/leads/by-grade.toml")),
        ("service.toml", include_str!("../../../../deploy/rules/leads/service.toml")),
    ];
    let site = Site::with_user().await;
    write(&site, "care.toml", &rule("care", "live", 3));
    for (file, text) in LEADS {
        write(&site, file, text);
    }
    let mut leads = site.leads.subscribe();
    // Nobody answers yet, and whoever asked gives up.
    let given_up = tokio::time::timeout(Duration::from_millis(20), reload(&site)).await;
    assert!(given_up.is_err());
    // Rules come into force by the writer, leads by whoever read them.
    with_writer(&site, async {
        leads.changed().await.unwrap();
        let rules = get(&site, "/api/v1/rules").await.json();
        assert_eq!(rules["rules"][0]["id"], "care");
    })
    .await;
    assert!(!site.leads.borrow().is_empty());
}

#[tokio::test]
async fn a_wrong_file_changes_nothing_and_is_shown_until_it_is_right() {
    let site = Site::with_user().await;
    with_writer(&site, async {
        write(&site, "care.toml", &rule("care", "live", 3));
        reload(&site).await;
        write(&site, "new.toml", &rule("new", "live", 3));
        write(&site, "care.toml", &rule("care", "live", 3).replace("task =", "<tusk> ="));
        let refused = reload(&site).await;
        assert_problem(&refused, StatusCode::UNPROCESSABLE_ENTITY, "wrong-rules");
        let first = &refused.json()["errors"][0];
        assert!(first["file"].as_str().unwrap().ends_with("care.toml"), "{first}");
        assert_eq!((&first["line"], &first["column"]), (&json!(11), &json!(1)), "{first}");
        assert!(first["code"].is_string() && first["message"].is_string(), "{first}");
        let listed = get(&site, "/api/v1/rules").await.json();
        assert_eq!(listed["rules"].as_array().unwrap().len(), 1, "{listed}");
        let page = site.page("/rules").await;
        assert!(page.text().contains("The last reload changed nothing"), "{}", page.text());
        assert!(!page.text().contains("<tusk>") && !page.text().contains("<b>"));

        write(&site, "care.toml", &rule("care", "live", 4));
        assert_eq!(reload(&site).await.status, StatusCode::OK);
        let page = site.page("/rules").await;
        assert!(!page.text().contains("The last reload changed nothing"), "{}", page.text());
        for expected in ["Rules changed", "href=\"/rules/care?version=", "<code>"] {
            assert!(page.text().contains(expected), "{expected} is missing in {}", page.text());
        }
    })
    .await;
}

#[tokio::test]
async fn a_rule_says_why_it_has_made_no_task() {
    let site = Site::with_user().await;
    with_writer(&site, async {
        write(&site, "care.toml", &rule("care", "live", 3));
        write(&site, "idea.toml", &rule("idea", "draft", 3));
        reload(&site).await;
        fail(&site, "d1", &["1", "<i>2"]).await;
        fail(&site, "d2", &["1", "2", "3"]).await;
        let cases: [(&str, &[&str]); 6] = [
            ("care?scope=d1", &["There are 2 of the 3 events that it needs.", "&#60;i&#62;2"]),
            (
                "care?scope=d2",
                &["Until 2025-03-12 11:00:00 UTC another", "it is a task.", "/tasks/"],
            ),
            ("care?scope=%3Cb%3E", &["No event of &#60;b&#62; has counted"]),
            ("care?scope=d1&lang=zh", &["需要 3 个事件，目前有 2 个。"]),
            ("idea?scope=d1", &["The rule is not in force"]),
            ("care", &["times = 3", "until now", "upturn rules rollback care"]),
        ];
        for (path, expected) in cases {
            let page = site.page(&format!("/rules/{path}")).await;
            assert_eq!(page.status, StatusCode::OK, "case: {path}");
            for text in expected {
                assert!(page.text().contains(text), "{path}: {text} is missing in {}", page.text());
            }
            assert!(!page.text().contains("<i>") && !page.text().contains("<b>"), "case: {path}");
        }
        for path in ["/rules/nobody", "/rules/%00", "/rules/a%2Fb"] {
            assert_eq!(site.page(path).await.status, StatusCode::NOT_FOUND, "case: {path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_rule_that_fails_becomes_a_dead_letter_and_the_others_go_on() {
    let site = Site::with_user().await;
    with_writer(&site, async {
        let failing = rule("failing", "live", 1)
            .replace("[episode]", "where = '10 / event.energy_wh > 1'\n[episode]");
        write(&site, "failing.toml", &failing);
        write(&site, "care.toml", &rule("care", "live", 3));
        let reloaded = reload(&site).await;
        assert_eq!(reloaded.status, StatusCode::OK, "{}", reloaded.text());
        let event = |id: u8| {
            json!({
                "id": id.to_string(), "ts": "2025-03-05T11:00:00Z", "kind": "charge_failed",
                "device": "d1", "energy_wh": 0,
            })
        };
        let events: Vec<_> = (1..=3).map(event).collect();
        assert_eq!(post(&site, "/api/v1/events", json!(events)).await.status, StatusCode::OK);
    })
    .await;
    let letters = get(&site, "/api/v1/dead-letters").await.json();
    assert_eq!(letters["total"], 1, "{letters}");
    let letter = &letters["dead_letters"][0];
    assert_eq!((&letter["code"], &letter["topic"]), (&json!("rule-failed"), &json!("failing")));
    let raw = get(&site, letter["raw"].as_str().unwrap()).await.json();
    assert_eq!(json!([raw["event"], raw["device"], raw["failures"]]), json!(["1", "d1", 3]));
    let made = get(&site, "/api/v1/tasks").await.json();
    assert_eq!(made["tasks"][0]["rule"], "care", "{made}");
    let metrics = site.metrics.text(site.now()).unwrap();
    assert!(metrics.contains("upturn_rule_failures_total{rule=\"failing\"} 3"), "{metrics}");
}
