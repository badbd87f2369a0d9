//! What people do with tasks: exactly one of them, once.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;
use upturn_core::rule::Stage;

use super::api::{assert_problem, get};
use super::site::{Answer, NAME, PASSWORD, Site, bearer, task};
use super::writer::with_writer;
use crate::store;
use crate::store::task::Taken;
use crate::store::testing::accept;

async fn post(site: &Site, path: &str) -> Answer {
    say(site, path, "").await
}

const SOLVED: &str = r#"{"outcome":"solved"}"#;
const REASON: &str = r#"{"reason":"a double"}"#;

/// Does something with what is said about it.
async fn say(site: &Site, path: &str, body: &str) -> Answer {
    site.call("POST", path, &[("authorization", &bearer(NAME))], body).await
}

async fn click(site: &Site, path: &str, form: &str) -> Answer {
    let cookie = site.log_in(PASSWORD).await.cookie();
    let headers = [("cookie", &*cookie), ("origin", "http://upturn.test")];
    site.post(path, form, &headers).await
}

#[tokio::test]
async fn of_fifty_who_accept_at_once_one_wins() {
    let site = Site::with_user().await;
    site.add([task("t1", site.now(), 5, None)]).await;
    // The password is checked once; the rest know it.
    assert_eq!(get(&site, "/api/v1/tasks/t1").await.status, StatusCode::OK);
    let clients = async {
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let site = site.clone();
            clients.spawn(async move { post(&site, "/api/v1/tasks/t1/accept").await });
        }
        clients.join_all().await
    };
    let answers = with_writer(&site, clients).await;
    let (won, lost): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!((won.len(), lost.len()), (1, 49));
    assert_eq!(won[0].json()["status"], "accepted");
    for answer in lost {
        assert_problem(&answer, StatusCode::CONFLICT, "task-changed");
        assert_eq!(answer.json()["detail"], "the task is accepted since revision 2");
    }
    let history = get(&site, "/api/v1/tasks/t1").await.json()["history"].clone();
    let deeds: Vec<_> = history.as_array().unwrap().iter().map(|deed| &deed["action"]).collect();
    assert_eq!(deeds, ["task-created", "task-accepted"]);
    assert_eq!(history[1]["actor"], NAME);
}

#[tokio::test]
async fn a_task_goes_from_new_to_closed_and_no_further() {
    let site = Site::with_user().await;
    let mut trial = task("trial", site.now(), 5, None);
    trial.stage = Stage::Shadow;
    let ids = ["a", "b", "gone"];
    site.add(ids.map(|id| task(id, site.now(), 5, None)).into_iter().chain([trial])).await;
    site.withdraw("gone").await;
    let cases = [
        ("a/accept", "", StatusCode::OK, "accepted"),
        ("a/start", "", StatusCode::OK, "in-progress"),
        ("a/start", "", StatusCode::CONFLICT, "task-changed"),
        ("a/done", "", StatusCode::UNPROCESSABLE_ENTITY, "wrong-act"),
        ("a/done", r#"{"outcome":"elsewhere"}"#, StatusCode::UNPROCESSABLE_ENTITY, "wrong-act"),
        ("a/done", SOLVED, StatusCode::OK, "done"),
        ("a/dismiss", REASON, StatusCode::CONFLICT, "task-closed"),
        ("a/accept", "", StatusCode::CONFLICT, "task-closed"),
        ("a/comment", r#"{"text":"x"}"#, StatusCode::OK, "done"),
        ("b/dismiss", r#"{"reason":" "}"#, StatusCode::UNPROCESSABLE_ENTITY, "wrong-act"),
        ("b/dismiss", REASON, StatusCode::OK, "dismissed"),
        ("gone/done", SOLVED, StatusCode::CONFLICT, "task-closed"),
        ("trial/done", SOLVED, StatusCode::CONFLICT, "task-on-trial"),
        ("nobody/done", SOLVED, StatusCode::NOT_FOUND, "not-found"),
        ("b/reopen", "", StatusCode::NOT_FOUND, "not-found"),
    ];
    with_writer(&site, async {
        for (path, body, status, word) in cases {
            let answer = say(&site, &format!("/api/v1/tasks/{path}"), body).await;
            if status == StatusCode::OK {
                assert_eq!((answer.status, &answer.json()["status"]), (status, &json!(word)));
            } else {
                assert_problem(&answer, status, word);
            }
        }
    })
    .await;
    let stranger = site.call("POST", "/api/v1/tasks/a/done", &[], SOLVED);
    assert_problem(&stranger.await, StatusCode::UNAUTHORIZED, "unauthenticated");
    assert_eq!(get(&site, "/api/v1/tasks/a").await.json()["owner"], NAME, "the owner stays");
}

#[tokio::test]
async fn without_a_writer_the_answer_is_to_try_again() {
    let site = Site::with_user().await;
    site.add([task("t1", site.now(), 5, None)]).await;
    drop(site.requests.lock().unwrap().take());
    let answer = post(&site, "/api/v1/tasks/t1/accept").await;
    assert_problem(&answer, StatusCode::SERVICE_UNAVAILABLE, "unavailable");
    assert_eq!(answer.header("retry-after"), "2");
    let reload = post(&site, "/api/v1/rules/reload").await;
    assert_problem(&reload, StatusCode::SERVICE_UNAVAILABLE, "unavailable");
}

#[tokio::test]
async fn a_page_has_buttons_that_work_without_a_script() {
    let site = Site::with_user().await;
    site.add([task("t1", site.now(), 5, Some(TimeDelta::hours(-1)))]).await;
    let page = site.page("/tasks/t1").await;
    for word in ["accept", "start", "contact", "snooze", "hand-over", "return", "comment", "done"] {
        let form = format!("<form method=\"post\" action=\"/tasks/t1/{word}\">");
        assert!(page.text().contains(&form), "{form} is missing in {}", page.text());
    }
    with_writer(&site, async {
        let cases = [
            ("accept", "", "accept", "You have accepted this task."),
            ("accept", "", "refused", "That was not possible any more"),
            ("check-step", "step=1", "check-step", "aria-checked=\"true\""),
            ("uncheck-step", "step=1", "uncheck-step", "In progress"),
            ("contact", "channel=phone&result=call-again&at=&note=", "contact", "First contact"),
            ("comment", "text=%E5%A5%BD+%3Cb%3E", "comment", "<bdi>好 &#60;b&#62;</bdi>"),
            (
                "snooze",
                "until=2025-03-07&reason=away",
                "snooze",
                "Put off until 2025-03-07 00:00:00",
            ),
            ("wake", "", "wake", "The task is back."),
            ("done", "outcome=not-interested&note=", "done", "The task is done."),
        ];
        for (word, form, did, told) in cases {
            let answer = click(&site, &format!("/tasks/t1/{word}"), form).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER);
            let next = format!("/tasks/t1?did={did}");
            assert_eq!(answer.header("location"), next);
            let page = site.page(&next).await;
            assert!(page.text().contains(told), "{told} is missing in {}", page.text());
        }
        let cookie = site.log_in(PASSWORD).await.cookie();
        let evil = [("cookie", &*cookie), ("origin", "http://evil.example")];
        let refused = site.post("/tasks/t1/done", "", &evil).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        let nobody = site.post("/tasks/t1/done", "", &[("origin", "http://upturn.test")]).await;
        assert_eq!(nobody.header("location"), "/login");
    })
    .await;
    let page = site.page("/tasks/t1").await;
    for word in ["<span class=\"chip done\">", "Accepted", "li.wei", "Not interested"] {
        assert!(page.text().contains(word), "{word} is missing in {}", page.text());
    }
    assert!(!page.text().contains("action=\"/tasks/t1/"), "{}", page.text());
    let lists = [("/tasks", 0), ("/tasks?view=overdue", 0), ("/tasks?view=closed", 1)];
    for (path, expected) in lists {
        let page = site.page(path).await;
        assert_eq!(page.text().matches("row-link").count(), expected, "case: {path}");
        assert!(!page.text().contains("No tasks yet"), "case: {path}");
    }
}

#[tokio::test]
async fn a_task_tells_its_version_who_joined_and_that_it_is_contradicted() {
    let site = Site::with_user().await;
    let mut made = task("t1", site.now(), 5, None);
    made.version = "abc123".into();
    made.occasion.joined = 4;
    made.occasion.joined_at = Some(site.now());
    let id = made.id.clone();
    site.add([made]).await;
    let mut tx = site.store.begin().await.unwrap();
    accept(&mut tx, &id, site.now()).await;
    let taken = store::task::withdraw(&mut tx, &id, site.now()).await.unwrap();
    assert_eq!(taken, Taken::Contradicted(Stage::Live));
    tx.commit().await.unwrap();

    let page = site.page("/tasks/t1").await;
    for expected in [
        "<a href=\"/rules/charger-care?version=abc123\"><code>charger-care</code></a>",
        "It was joined by 4 further events, the newest at 2025-03-05 12:00:00 UTC.",
        "after somebody had taken it on",
        "<span class=\"chip bad\">",
    ] {
        assert!(page.text().contains(expected), "{expected} is missing in {}", page.text());
    }
    let found = get(&site, "/api/v1/tasks/t1").await.json();
    let told = ["status", "contradicted", "version", "stage", "joined", "joined_at"]
        .map(|field| found[field].clone());
    let expected = json!(["accepted", true, "abc123", "live", 4, "2025-03-05T12:00:00.000Z"]);
    assert_eq!(json!(told), expected);
}

#[tokio::test]
async fn what_a_rule_on_trial_makes_is_in_its_own_view_only() {
    let site = Site::with_user().await;
    let mut trial = task("trial", site.now(), 5, Some(TimeDelta::hours(-1)));
    trial.stage = Stage::Shadow;
    site.add([trial]).await;
    for view in ["all", "overdue", "today", "later", "closed", "withdrawn"] {
        let page = site.page(&format!("/tasks?view={view}")).await;
        assert!(!page.text().contains("row-link"), "case: {view}");
        assert!(!page.text().contains("class=\"count\">1<"), "case: {view}");
        let listed = get(&site, &format!("/api/v1/tasks?view={view}")).await.json();
        assert_eq!(listed["tasks"], json!([]), "case: {view}");
    }
    let page = site.page("/tasks?view=shadow&lang=zh").await;
    assert!(page.text().contains("试运行"), "{}", page.text());
    let listed = get(&site, "/api/v1/tasks?view=shadow").await.json();
    assert_eq!(listed["tasks"][0]["stage"], "shadow");
    let page = site.page("/tasks/trial").await;
    assert!(page.text().contains("A rule on trial made this."), "{}", page.text());
    assert!(!page.text().contains("/tasks/trial/accept"), "{}", page.text());
}
