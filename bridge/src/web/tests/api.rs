//! What programs get.

use std::fs::{self, File};
use std::sync::Mutex;

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;
use tracing::Level;
use upturn_core::id::EventId;
use upturn_core::task::Evidence;

use super::site::{Answer, NAME, PASSWORD, Site, bearer, task};
use crate::auth::token;
use crate::store::dead_letter::NewDeadLetter;

pub(super) async fn get(site: &Site, path: &str) -> Answer {
    site.get(path, &[("authorization", &bearer(NAME))]).await
}

pub(super) fn assert_problem(answer: &Answer, status: StatusCode, code: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let problem = answer.json();
    assert_eq!(problem["status"], status.as_u16());
    assert_eq!(problem["code"], code);
    assert_eq!(problem["type"], format!("/problems/{code}"));
    assert!(problem["title"].as_str().is_some_and(|title| !title.starts_with("fault-")));
}

#[tokio::test]
async fn lists_tasks_as_promised() {
    let site = Site::with_user().await;
    site.add([task("t1", site.now(), 60, Some(TimeDelta::hours(2)))]).await;
    let answer = get(&site, "/api/v1/tasks").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("link"), "");
    let expected = json!({
        "tasks": [{
            "id": "t1",
            "rule": "charger-care",
            "scope": "EVSE-0042",
            "device": "EVSE-0042",
            "account": "greenfleet",
            "kind": "care",
            "title": { "en": "Charging failed three times", "zh": "连续三次充电失败" },
            "owner": "li.wei",
            "region": null,
            "due_at": "2025-03-05T14:00:00.000Z",
            "created_at": "2025-03-05T11:00:00.000Z",
            "first_at": "2025-03-05T10:20:00.000Z",
            "last_at": "2025-03-05T11:00:00.000Z",
            "status": "new",
            "snoozed_until": null,
            "contacted_at": null,
            "contradicted": false,
            "version": "",
            "stage": "live",
            "episode": "closed",
            "joined": 0,
            "joined_at": null,
            "evidence": ["t1-e1", "t1-e2", "t1-e3"],
        }],
        "next": null,
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn follows_the_next_links_to_the_end() {
    let site = Site::with_user().await;
    let due = Some(TimeDelta::hours(-1));
    site.add((0..7).map(|number| task(&format!("t{number}"), site.now(), number / 3, due))).await;
    let mut path = "/api/v1/tasks?view=overdue&owner=mine&limit=3".to_owned();
    let mut seen = Vec::new();
    for expected in [3, 3, 1] {
        let answer = get(&site, &path).await;
        let page = answer.json();
        let tasks = page["tasks"].as_array().unwrap();
        assert_eq!(tasks.len(), expected);
        seen.extend(tasks.iter().map(|task| task["id"].as_str().unwrap().to_owned()));
        let link = answer.header("link");
        path = link.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        assert_eq!(page["next"].is_null(), path.is_empty());
        assert!(path.is_empty() || path.contains("view=overdue&owner=mine&limit=3&cursor="));
    }
    assert_eq!(seen, ["t2", "t1", "t0", "t5", "t4", "t3", "t6"]);
}

#[tokio::test]
async fn a_page_of_many_bytes_is_cut_and_goes_on() {
    let site = Site::with_user().await;
    let long = |number: i64| {
        let mut made = task(&format!("t{number}"), site.now(), number, None);
        let one = made.occasion.evidence[0].clone();
        let evidence = (0..1_000).map(|at| Evidence {
            id: EventId::new(&format!("{at:0>240}")).unwrap(),
            ..one.clone()
        });
        made.occasion.evidence = evidence.collect();
        made
    };
    site.add((0..7).map(long)).await;
    let mut path = "/api/v1/tasks?limit=500".to_owned();
    let mut seen = Vec::new();
    while !path.is_empty() {
        let answer = get(&site, &path).await;
        assert!(answer.body.len() < 1_100_000, "{} bytes", answer.body.len());
        let page = answer.json();
        let ids = page["tasks"].as_array().unwrap().iter().map(|task| task["id"].clone());
        seen.push(ids.collect::<Vec<_>>());
        path = answer.header("link").split(['<', '>']).nth(1).unwrap_or_default().to_owned();
    }
    assert_eq!(json!(seen), json!([["t0", "t1", "t2", "t3"], ["t4", "t5", "t6"]]));
}

#[tokio::test]
async fn shows_one_task_with_its_evidence_and_history() {
    let site = Site::with_user().await;
    site.add([task("t1", site.now(), 60, None)]).await;
    let found = get(&site, "/api/v1/tasks/t1").await.json();
    assert_eq!(found["due_at"], json!(null));
    assert_eq!(found["steps"], json!(["send_coupon", "book_consultant", "call_back"]));
    assert_eq!(
        found["evidence"][2],
        json!({
            "id": "t1-e3",
            "device": "EVSE-0042",
            "channel": "1",
            "kind": "charge_failed",
            "occurred_at": "2025-03-05T11:00:00.000Z",
            "attributes": {
                "code": "GroundFailure", "cause": "charger", "info": "RCD trip", "energy_wh": 0,
            },
        })
    );
    assert_eq!(
        found["history"],
        json!([{
            "at": "2025-03-05T11:00:00.000Z",
            "actor": "upturn",
            "action": "task-created",
            "detail": {},
            "done_at": "2025-03-05T11:00:00.000Z",
        }])
    );
}

#[tokio::test]
async fn lists_dead_letters_with_a_link_to_their_bytes() {
    let site = Site::with_user().await;
    let letter = NewDeadLetter {
        received_at: site.now(),
        topic: "a/\u{fffd}b".into(),
        payload: "{".into(),
        source: None,
        code: "no-source",
        reason: "no source takes this topic".into(),
    };
    let numbered = |n: u8| NewDeadLetter { payload: format!("{{{n}").into(), ..letter.clone() };
    site.add_letters(&[numbered(1), numbered(2), numbered(3), numbered(3)]).await;
    let answer = get(&site, "/api/v1/dead-letters?limit=2").await;
    let page = answer.json();
    assert_eq!(page["total"], 3);
    assert_eq!(
        page["dead_letters"][0],
        json!({
            "id": 3,
            "received_at": "2025-03-05T12:00:00.000Z",
            "times": 2,
            "last_at": "2025-03-05T12:00:00.000Z",
            "topic": "a/\u{fffd}b",
            "source": null,
            "code": "no-source",
            "reason": "no source takes this topic",
            "size": 2,
            "raw": "/api/v1/dead-letters/3/raw",
        })
    );
    assert_eq!(answer.header("link"), "</api/v1/dead-letters?limit=2&cursor=2>; rel=\"next\"");
    let last = get(&site, "/api/v1/dead-letters?limit=2&cursor=2").await;
    assert_eq!(last.json()["next"], json!(null));
    assert_eq!(&get(&site, "/api/v1/dead-letters/3/raw").await.body[..], b"{3");
}

#[tokio::test]
async fn tells_every_error_as_a_problem() {
    let site = Site::with_user().await;
    let cases = [
        ("/api/v1/tasks/unknown", StatusCode::NOT_FOUND, "not-found"),
        ("/api/v1/unknown", StatusCode::NOT_FOUND, "not-found"),
        ("/api", StatusCode::NOT_FOUND, "not-found"),
        ("/api/v1/tasks?limit=0", StatusCode::BAD_REQUEST, "bad-request"),
        ("/api/v1/tasks?limit=501", StatusCode::BAD_REQUEST, "bad-request"),
        ("/api/v1/tasks?limit=x", StatusCode::BAD_REQUEST, "bad-request"),
        ("/api/v1/tasks?view=soon", StatusCode::BAD_REQUEST, "bad-request"),
        ("/api/v1/tasks?cursor=x", StatusCode::BAD_REQUEST, "bad-request"),
        ("/api/v1/tasks?cursor=1~a%00b", StatusCode::BAD_REQUEST, "bad-request"),
        ("/api/v1/tasks?onwer=mine", StatusCode::BAD_REQUEST, "bad-request"),
        ("/api/v1/tasks/%ff", StatusCode::BAD_REQUEST, "bad-request"),
        ("/api/v1/dead-letters?cursor=x", StatusCode::BAD_REQUEST, "bad-request"),
        ("/api/v1/dead-letters/x/raw", StatusCode::NOT_FOUND, "not-found"),
    ];
    for (path, status, code) in cases {
        assert_problem(&get(&site, path).await, status, code);
    }
    let limit = get(&site, "/api/v1/tasks?limit=x").await.json();
    assert_eq!(limit["detail"], "limit is 'x'; use a number from 1 to 500");

    let posted = site.call("POST", "/api/v1/tasks", &[], "").await;
    assert_problem(&posted, StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
    assert_eq!(posted.header("allow"), "GET,HEAD");
    let evil = site.post("/api/v1/tasks", "", &[("origin", "http://evil.example")]).await;
    assert_problem(&evil, StatusCode::FORBIDDEN, "cross-site");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let headers = [("authorization", &*bearer(NAME)), ("content-type", kind)];
        let sent = site.call("POST", "/api/v1/tasks/t1/accept", &headers, "").await;
        assert_problem(&sent, StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type");
    }
    let large = site.post("/api/v1/tasks", "", &[("content-length", "1048577")]).await;
    assert_problem(&large, StatusCode::PAYLOAD_TOO_LARGE, "too-large");
    let chinese = site.get("/api/v1/tasks", &[("accept-language", "zh")]).await;
    assert_eq!(chinese.json()["title"], "尚未登录");
}

#[tokio::test]
async fn asks_who_is_there_and_takes_a_session_or_a_token() {
    let site = Site::with_user().await;
    for path in
        ["/api/v1/tasks", "/api/v1/tasks/t1", "/api/v1/dead-letters", "/api/v1/dead-letters/1/raw"]
    {
        let stranger = site.get(path, &[]).await;
        assert_problem(&stranger, StatusCode::UNAUTHORIZED, "unauthenticated");
        assert_eq!(stranger.header("www-authenticate"), r#"Bearer realm="Upturn""#);
    }
    let cookie = site.log_in(PASSWORD).await.cookie();
    let by_session = site.get("/api/v1/tasks", &[("cookie", &cookie)]).await;
    assert_eq!(by_session.status, StatusCode::OK);

    let cases = [
        ("the right token", bearer(NAME), StatusCode::OK),
        (
            "another spelling of the scheme",
            bearer(NAME).replace("Bearer", "bearer"),
            StatusCode::OK,
        ),
        ("a wrong token", "Bearer upt_x".to_owned(), StatusCode::UNAUTHORIZED),
        ("nobody", bearer("no.body"), StatusCode::UNAUTHORIZED),
        ("the token's hash", format!("Bearer {}", token::hash(NAME)), StatusCode::UNAUTHORIZED),
        (
            "name and password",
            "Basic bGkud2VpOmNvcnJlY3QgaG9yc2U=".to_owned(),
            StatusCode::UNAUTHORIZED,
        ),
    ];
    for (case, header, expected) in cases {
        let answer = site.get("/api/v1/tasks", &[("authorization", &header)]).await;
        assert_eq!(answer.status, expected, "case: {case}");
    }
}

#[tokio::test]
async fn says_nothing_about_its_inside_when_the_store_fails_but_logs_it() {
    let site = Site::with_user().await;
    let cookie = site.log_in(PASSWORD).await.cookie();
    site.damage();
    let status = StatusCode::INTERNAL_SERVER_ERROR;
    assert_says_nothing(&site, &cookie, (status, "internal"), "is malformed").await;
    site.store.close().await;
    let status = StatusCode::SERVICE_UNAVAILABLE;
    assert_says_nothing(&site, &cookie, (status, "unavailable"), "on a closed pool").await;
}

/// Asserts that pages and API answer as `expected`, and that the `cause` is in the log only.
async fn assert_says_nothing(site: &Site, cookie: &str, expected: (StatusCode, &str), cause: &str) {
    let (status, code) = expected;
    let path = site.folder().join(code).with_extension("log");
    let log = tracing_subscriber::fmt()
        .with_max_level(Level::WARN)
        .with_ansi(false)
        .with_writer(Mutex::new(File::create(&path).unwrap()))
        .finish();
    let logging = tracing::subscriber::set_default(log);
    let answer = site.get("/api/v1/tasks", &[("cookie", cookie)]).await;
    let page = site.get("/tasks", &[("cookie", cookie)]).await;
    drop(logging);

    assert_problem(&answer, status, code);
    let id = answer.json()["correlation_id"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 16);
    assert_eq!(page.status, status);
    for body in [answer.text(), page.text()] {
        for secret in ["SELECT", cause, site.folder().to_str().unwrap()] {
            assert!(!body.contains(secret), "{secret} is in {body}");
        }
    }

    let log = fs::read_to_string(path).unwrap();
    assert_eq!(log.lines().count(), 2, "one for each request: {log}");
    assert_eq!(log.matches(cause).count(), 2, "{log}");
    assert_eq!(log.matches(&id).count(), 1, "{log}");
    let page_id = log.lines().last().unwrap().split("correlation.id=\"").nth(1).unwrap();
    assert!(page.text().contains(page_id.split('"').next().unwrap()), "{log}");
}
