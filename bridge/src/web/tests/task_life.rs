//! Tasks on their way from hand to hand: pools, hand-overs, what is put off.

use std::fs;

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::api::assert_problem;
use super::site::{Answer, Site, bearer, task};
use super::writer::with_writer;
use crate::auth::person::Profile;
use crate::auth::role::Role;
use crate::store::person;

/// A site with lin and wu of the team ev, and zoe of the depot, who has left; `own` is lin's.
async fn site() -> Site {
    let site = Site::new().await;
    for (id, team) in [("lin", "ev"), ("wu", "ev"), ("zoe", "depot")] {
        let profile = Profile {
            roles: [Role::Sales].into(),
            teams: [team.to_owned()].into(),
            ..Profile::default()
        };
        site.add_person(id, profile, "$argon2id$none").await;
    }
    let mut tx = site.store.begin().await.unwrap();
    person::set_disabled(&mut tx, "zoe", Some(site.now())).await.unwrap();
    tx.commit().await.unwrap();
    let tasks = [("own", "lin"), ("pooled", "pool:ev"), ("hers", "wu")].map(|(id, owner)| {
        let mut task = task(id, site.now(), 5, Some(TimeDelta::hours(4)));
        (task.owner, task.scope) = (owner.into(), id.into());
        task
    });
    site.add(tasks).await;
    site
}

async fn say(site: &Site, who: &str, path: &str, body: &Value) -> Answer {
    let path = format!("/api/v1/tasks/{path}");
    let headers = [("authorization", &*bearer(who))];
    site.call("POST", &path, &headers, &body.to_string()).await
}

async fn seen(site: &Site, who: &str, id: &str) -> Value {
    site.get(&format!("/api/v1/tasks/{id}"), &[("authorization", &bearer(who))]).await.json()
}

#[tokio::test]
async fn of_fifty_who_claim_at_once_one_has_it() {
    let site = site().await;
    let claims = async {
        let mut claims = tokio::task::JoinSet::new();
        for n in 0..50 {
            let (site, who) = (site.clone(), if n % 2 == 0 { "lin" } else { "wu" });
            claims.spawn(async move { (who, say(&site, who, "pooled/claim", &json!({})).await) });
        }
        claims.join_all().await
    };
    let answers = with_writer(&site, claims).await;
    let (won, lost): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(_, answer)| answer.status == StatusCode::OK);
    assert_eq!(won.len(), 1);
    assert_eq!(won[0].1.json()["owner"], won[0].0);
    for (who, answer) in lost {
        // It has left the pool, so the other one sees it no more.
        let expected = if who == won[0].0 { StatusCode::CONFLICT } else { StatusCode::NOT_FOUND };
        let is_race = answer.status == StatusCode::CONFLICT;
        assert!(is_race || answer.status == expected, "{who}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_task_goes_back_to_the_pool_and_to_others_with_its_package() {
    let site = site().await;
    let package = json!({"situation": "told of the fault", "next-step": "call on Friday"});
    let over = |to: &str, package: &Value| json!({"to": to, "kind": "general", "package": package});
    let wrong = |body: Value, because: &'static str| ("hand-over", body, because);
    Box::pin(with_writer(&site, async {
        let cases = [
            wrong(json!({"to": "wu"}), "kind is no kind of hand-over; use one of general"),
            wrong(over("wu", &json!({})), "the package of 'general' lacks situation, next-step"),
            wrong(over("wu", &json!({"situation": "x", "next-step": " "})), "lacks next-step"),
            wrong(over("nobody", &package), "nobody is called 'nobody'"),
            wrong(over("zoe", &package), "'zoe' has left"),
            wrong(over("pool:sky", &package), "nobody is in the team 'sky'"),
            wrong(over("lin", &package), "'lin' has the task already"),
            ("check-step", json!({"step": 3}), "step is missing or not one of the task's 3"),
            ("contact", json!({"channel": "phone"}), "result is missing or unknown; use one of"),
            (
                "contact",
                json!({"channel": "phone", "result": "reached", "at": "2025-03-06"}),
                "which has not come yet",
            ),
            (
                "contact",
                json!({"channel": "phone", "result": "reached", "at": "2025-03-05"}),
                "more than an hour ago; tell it with back-fill",
            ),
            ("snooze", json!({"until": "2025-03-05", "reason": "x"}), "put off from now on"),
            ("snooze", json!({"until": "2025-04-05", "reason": "x"}), "at the latest"),
            ("snooze", json!({"until": "soon", "reason": "x"}), "until is 'soon'; write a day"),
            ("comment", json!({"words": "x"}), "unknown field `words`"),
        ];
        for (verb, body, because) in cases {
            let answer = say(&site, "lin", &format!("own/{verb}"), &body).await;
            assert_problem(&answer, StatusCode::UNPROCESSABLE_ENTITY, "wrong-act");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(because), "case: {body}: {detail}");
        }
        assert_eq!(seen(&site, "lin", "own").await["revision"], 1, "nothing was changed");

        let given = say(&site, "lin", "own/hand-over", &over("wu", &package)).await;
        assert_eq!((given.status, &given.json()["owner"]), (StatusCode::OK, &json!("wu")));
        let again = say(&site, "lin", "own/hand-over", &over("wu", &package)).await;
        assert_problem(&again, StatusCode::NOT_FOUND, "not-found");
        let back = say(&site, "wu", "own/return", &json!({"reason": "not my region"})).await;
        assert_eq!(back.json()["owner"], "pool:ev");
        let again = say(&site, "wu", "own/return", &json!({"reason": "x"})).await;
        assert_problem(&again, StatusCode::CONFLICT, "task-changed");
        let claim = say(&site, "wu", "hers/claim", &json!({})).await;
        assert_problem(&claim, StatusCode::CONFLICT, "task-changed");
        assert_eq!(claim.json()["detail"], "the task is new and with 'wu' since revision 1");
    }))
    .await;
    let history = seen(&site, "lin", "own").await["history"].clone();
    let actions: Vec<_> = history.as_array().unwrap().iter().map(|d| &d["action"]).collect();
    assert_eq!(actions, ["task-created", "task-handed-over", "task-returned"]);
    assert_eq!(history[1]["detail"]["package"], package);
}

#[tokio::test]
async fn what_is_put_off_comes_back_once_when_its_time_has_come() {
    let site = site().await;
    let until = site.now() + TimeDelta::hours(3);
    with_writer(&site, async {
        let body = json!({"until": until, "reason": "away until then"});
        let put_off = say(&site, "lin", "own/snooze", &body).await;
        assert_eq!(put_off.json()["snoozed_until"], json!("2025-03-05T15:00:00.000Z"));
    })
    .await;
    let listed = async |view: &str| {
        let path = format!("/api/v1/tasks?owner=mine&view={view}");
        site.get(&path, &[("authorization", &bearer("lin"))]).await.json()["tasks"].clone()
    };
    assert_eq!(
        (listed("all").await, &listed("snoozed").await[0]["id"]),
        (json!([]), &json!("own"))
    );
    // Whatever is done next, with the writer started anew each time, nothing comes back early.
    site.advance(TimeDelta::hours(3) - TimeDelta::seconds(1));
    let other = json!({"text": "x"});
    with_writer(&site, async { say(&site, "wu", "hers/comment", &other).await }).await;
    assert_eq!(listed("all").await, json!([]));
    for _ in 0..2 {
        site.advance(TimeDelta::seconds(1));
        with_writer(&site, async { say(&site, "wu", "hers/comment", &other).await }).await;
        assert_eq!(listed("all").await[0]["id"], "own");
    }
    let history = seen(&site, "lin", "own").await["history"].clone();
    let woken: Vec<_> =
        history.as_array().unwrap().iter().filter(|d| d["action"] == "task-woken").collect();
    assert_eq!(woken.len(), 1);
    assert_eq!(woken[0]["done_at"], "2025-03-05T15:00:00.000Z");
    assert_eq!(woken[0]["actor"], "upturn");
}

#[tokio::test]
async fn what_a_hand_over_asks_for_is_a_document_of_the_registry() {
    let site = site().await;
    let document = "[[kind]]\nid = \"to-service\"\nen = \"To service\"\nzh = \"移交售后\"\n\
                    [[kind.field]]\nid = \"fault\"\nen = \"The fault\"\nzh = \"故障\"\n";
    fs::write(site.folder().join("registry/hand-overs.toml"), document).unwrap();
    let operator = Profile { roles: [Role::Operations].into(), ..Profile::default() };
    site.add_person("ops", operator, "$argon2id$none").await;
    with_writer(&site, async {
        let headers = [("authorization", &*bearer("ops"))];
        let reload = site.call("POST", "/api/v1/rules/reload", &headers, "").await;
        assert_eq!(reload.status, StatusCode::OK, "{}", reload.text());
        let cookie = site.enter("lin").await;
        let page = site.get("/tasks/own?lang=zh", &[("cookie", &cookie)]).await;
        for expected in ["移交：移交售后", "name=\"package.fault\"", "pool:ev"] {
            assert!(page.text().contains(expected), "{expected} is missing in {}", page.text());
        }
        let form = "kind=to-service&to=pool%3Aev&package.fault=%E5%9D%8F";
        let headers = [("cookie", &*cookie), ("origin", "http://upturn.test")];
        let given = site.post("/tasks/own/hand-over", form, &headers).await;
        assert_eq!(given.header("location"), "/tasks/own?did=hand-over");
        let given = site.post("/tasks/own/hand-over", "kind=to-service&to=wu", &headers).await;
        assert_eq!(given.status, StatusCode::UNPROCESSABLE_ENTITY);
        let form = form.replace("pool%3Aev", "wu");
        let given = site.post("/tasks/own/hand-over", &form, &headers).await;
        assert_eq!(given.header("location"), "/tasks", "lin sees it no more");
    })
    .await;
    assert_eq!(seen(&site, "wu", "own").await["owner"], "wu");
}

#[tokio::test]
async fn what_is_told_later_counts_once_somebody_else_has_approved_it_and_is_late() {
    let site = site().await;
    let yes = json!({"to": "pool:ev", "kind": "general",
        "package": {"situation": "x", "next-step": "y"}});
    site.advance(TimeDelta::days(1));
    let call = |at: &str, reason: &str| json!({"at": at, "channel": "phone", "result": "reached", "reason": reason});
    with_writer(&site, async {
        // In the pool, both see it.
        assert_eq!(say(&site, "lin", "own/hand-over", &yes).await.status, StatusCode::OK);
        let cases = [
            (call("2025-03-07T09:00:00Z", "was out"), "has not come yet"),
            (call("2025-03-05T11:00:00Z", "was out"), "before the task was made"),
            (call("2025-03-05T15:00:00Z", " "), "reason is missing"),
            (json!({"channel": "phone", "result": "reached", "reason": "x"}), "at is missing"),
        ];
        for (body, because) in cases {
            let answer = say(&site, "lin", "own/back-fill", &body).await;
            assert_problem(&answer, StatusCode::UNPROCESSABLE_ENTITY, "wrong-act");
            assert!(answer.text().contains(because), "case: {body}: {}", answer.text());
        }
        let told = call("2025-03-05T15:00:00Z", "the phone was all I had");
        let answer = say(&site, "lin", "own/back-fill", &told).await.json();
        assert_eq!((&answer["contacted_at"], &answer["status"]), (&Value::Null, &json!("new")));
        let id = &answer["back_fills"][0]["id"];
        let own = say(&site, "lin", "own/approve-back-fill", &json!({"id": id})).await;
        assert_problem(&own, StatusCode::FORBIDDEN, "forbidden");
        let cookie = site.enter("wu").await;
        let page = site.get("/tasks/own", &[("cookie", &cookie)]).await;
        assert!(page.text().contains("lin told later of a contact"), "{}", page.text());
        let approved = say(&site, "wu", "own/approve-back-fill", &json!({"id": id})).await;
        assert_eq!(approved.status, StatusCode::OK, "{}", approved.text());
        let found = approved.json();
        let expected = json!(["2025-03-05T15:00:00.000Z", true]);
        assert_eq!(json!([found["contacted_at"], found["contacted_late"]]), expected);
        let no = json!({"id": id, "reason": "x"});
        let again = say(&site, "wu", "own/reject-back-fill", &no).await;
        assert_problem(&again, StatusCode::CONFLICT, "task-changed");
    })
    .await;
    let history = seen(&site, "lin", "own").await["history"].clone();
    let last = history.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["action"], &last["actor"]),
        (&json!("task-back-fill-approved"), &json!("wu"))
    );
    assert_eq!(last["done_at"], "2025-03-05T15:00:00.000Z");
}
