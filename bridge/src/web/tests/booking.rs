//! Meetings with consultants: what is offered, who gets it, and where it goes.

use std::sync::Arc;

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use upturn_connectors::deliver::Failure;
use upturn_core::booking::Span;

use super::api::{assert_problem, get};
use super::site::{Answer, NAME, Site, bearer, task};
use super::writer::with_writer;
use crate::auth::person::Profile;
use crate::auth::role::Role;
use crate::delivery::testing::{Recorder, destination, routing};
use crate::store::outbox::{self, Letter};
use crate::store::person;

async fn say(site: &Site, path: &str, body: &Value) -> Answer {
    let path = format!("/api/v1/tasks/{path}");
    site.call("POST", &path, &[("authorization", &bearer(NAME))], &body.to_string()).await
}

async fn book(site: &Site, id: &str, consultant: &str, starts_at: &str) -> Answer {
    let body = json!({"consultant": consultant, "starts_at": starts_at});
    say(site, &format!("{id}/book-consultant"), &body).await
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn calendar(consultant: &str, busy: &[(&str, &str)]) -> Arc<Recorder> {
    let busy = busy.iter().map(|(from, to)| Span { starts_at: at(from), ends_at: at(to) });
    let (consultant, busy) = (Some(consultant.to_owned()), busy.collect::<Vec<_>>().into());
    Arc::new(Recorder { consultant, busy, ..Recorder::default() })
}

/// A site at noon of Wednesday 5 March 2025 with tasks `ids` and the calendar of wu, who works from 9 to 17
/// UTC and has the next morning off; others are told by mail.
async fn site(ids: &[&str]) -> (Site, Arc<Recorder>) {
    let site = Site::with_user().await;
    let tasks = ids.iter().map(|id| {
        let mut made = task(id, site.now(), 5, None);
        made.scope = (*id).into();
        made
    });
    site.add(tasks.collect::<Vec<_>>()).await;
    let wu = calendar("wu", &[("2025-03-06T08:00:00Z", "2025-03-06T12:15:00Z")]);
    let there = destination("wu-calendar", Arc::<Recorder>::clone(&wu) as _);
    let mail = destination("mail", Arc::<Recorder>::default());
    site.delivery.send_replace(routing(vec![there, mail]));
    (site, wu)
}

/// Returns the beginnings of what is offered for `t1`.
async fn offered(site: &Site) -> Vec<String> {
    let answer = get(site, "/api/v1/tasks/t1/slots").await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let slots = answer.json()["slots"].as_array().unwrap().clone();
    let start = |slot: &Value| slot["starts_at"].as_str().unwrap().replace(".000Z", "Z");
    slots.iter().map(start).collect()
}

async fn letters(site: &Site, destination: &str) -> Vec<Letter> {
    let (until, mut letters) = (site.now() + TimeDelta::minutes(5), Vec::new());
    while let Some(letter) =
        outbox::claim(&site.store, destination, site.now(), until).await.unwrap()
    {
        letters.push(letter);
    }
    letters
}

#[tokio::test]
async fn a_chosen_hour_is_booked_told_and_no_longer_offered() {
    let (site, _) = site(&["t1"]).await;
    let first = ["2025-03-05T13:00:00Z", "2025-03-06T12:30:00Z", "2025-03-07T09:00:00Z"];
    assert_eq!(offered(&site).await, first);
    let task_page = site.page("/tasks/t1").await;
    assert!(task_page.text().contains("href=\"/tasks/t1/slots\""), "{}", task_page.text());
    let page = site.page("/tasks/t1/slots").await;
    for expected in
        ["action=\"/tasks/t1/book-consultant\"", "value=\"2025-03-06T12:30:00.000Z\"", "wu"]
    {
        assert!(page.text().contains(expected), "{expected} is missing in {}", page.text());
    }

    let booked = with_writer(&site, book(&site, "t1", "wu", first[1])).await;
    assert_eq!(booked.status, StatusCode::OK, "{}", booked.text());
    let task = booked.json();
    assert_eq!((&task["status"], &task["checked"]), (&json!("in-progress"), &json!([1])));
    let expected = json!({
        "consultant": "wu", "starts_at": "2025-03-06T12:30:00.000Z",
        "ends_at": "2025-03-06T13:30:00.000Z", "booked_at": "2025-03-05T12:00:00.000Z", "booked_by": NAME,
    });
    assert_eq!(task["booking"], expected);
    let told = task["history"].as_array().unwrap().last().unwrap();
    assert_eq!((&told["action"], &told["actor"]), (&json!("task-consultant-booked"), &json!(NAME)));
    assert_eq!(told["detail"]["consultant"], "wu");
    let trail = get(&site, "/api/v1/audit?limit=50").await;
    assert!(trail.text().contains("task-consultant-booked"), "{}", trail.text());

    // It goes into the calendar once, though a route leads there, too; others are told as routes say.
    for (place, recipient) in [("wu-calendar", None), ("mail", None::<&str>)] {
        let letters = letters(&site, place).await;
        let [letter] = &*letters else { panic!("{place}: {letters:?}") };
        assert_eq!(letter.kind, "booking-created", "case: {place}");
        assert_eq!(letter.body["starts_at"], "2025-03-06T12:30:00.000Z", "case: {place}");
        assert_ne!(letter.subject, "t1", "what becomes of it says nothing about the task");
        assert_eq!(letter.recipient.as_deref(), recipient, "nobody is in the registry here");
    }

    // The calendar does not have it yet, and it is taken all the same.
    let later = ["2025-03-05T13:00:00Z", "2025-03-06T13:30:00Z", "2025-03-07T09:00:00Z"];
    assert_eq!(offered(&site).await, later);
    let page = site.page("/tasks/t1?did=book-consultant").await;
    for expected in ["Meeting with wu at 2025-03-06", "on its way into the calendar", "Consultant"]
    {
        assert!(page.text().contains(expected), "{expected} is missing in {}", page.text());
    }
    assert!(!page.text().contains("/tasks/t1/slots"), "{}", page.text());
    let page = site.page("/tasks/t1?lang=zh").await;
    assert!(page.text().contains("已约定与 wu 会面"), "{}", page.text());
}

#[tokio::test]
async fn of_fifty_who_choose_one_hour_at_once_one_gets_it() {
    let ids: Vec<_> = (1..=50).map(|number| format!("t{number}")).collect();
    let names: Vec<_> = ids.iter().map(|id| &**id).collect();
    let (site, _) = site(&names).await;
    let hour = "2025-03-07T10:00:00Z";
    let answers = with_writer(
        &site,
        Box::pin(async {
            let mut clients = tokio::task::JoinSet::new();
            for id in ids {
                let site = site.clone();
                clients.spawn(async move { book(&site, &id, "wu", hour).await });
            }
            clients.join_all().await
        }),
    );
    let (won, lost): (Vec<_>, Vec<_>) =
        answers.await.into_iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!((won.len(), lost.len()), (1, 49));
    for answer in lost {
        assert_problem(&answer, StatusCode::CONFLICT, "slot-taken");
        assert!(answer.text().contains("another"), "{}", answer.text());
    }
    assert_eq!(letters(&site, "wu-calendar").await.len(), 1);
    let winner = won[0].json()["id"].as_str().unwrap().to_owned();

    // The others stand as they stood; the winner's task leads to no second meeting.
    let open =
        get(&site, if winner == "t2" { "/api/v1/tasks/t3" } else { "/api/v1/tasks/t2" }).await;
    let open = open.json();
    assert_eq!((&open["checked"], &open["booking"]), (&json!([]), &json!(null)));
    assert_eq!((&open["status"], &open["revision"]), (&json!("new"), &json!(1)));
    with_writer(
        &site,
        Box::pin(async {
            let again = book(&site, &winner, "wu", "2025-03-07T13:00:00Z").await;
            assert_problem(&again, StatusCode::CONFLICT, "slot-taken");
            assert!(again.text().contains("led to a meeting before"), "{}", again.text());
        }),
    )
    .await;
}

#[tokio::test]
async fn what_cannot_be_booked_is_said_and_nothing_changes() {
    let (site, _) = site(&["t1"]).await;
    let mut plain = task("plain", site.now(), 5, None);
    (plain.steps, plain.scope) = (Vec::new(), "plain".into());
    site.add([plain]).await;
    let (conflict, wrong) = (StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY);
    let cases = [
        ("busy there", "t1", "wu", "2025-03-06T12:00:00Z", conflict, "is not free for an hour"),
        ("too soon", "t1", "wu", "2025-03-05T12:30:00Z", conflict, "is not free for an hour"),
        ("on a Saturday", "t1", "wu", "2025-03-08T10:00:00Z", conflict, "is not free"),
        ("too far ahead", "t1", "wu", "2025-04-07T10:00:00Z", conflict, "is not free"),
        ("within a step", "t1", "wu", "2025-03-07T10:10:00Z", conflict, "is not free"),
        ("a stranger", "t1", "zoe", "2025-03-07T10:00:00Z", wrong, "use one of wu"),
        ("nobody", "t1", "", "2025-03-07T10:00:00Z", wrong, "consultant is missing"),
        ("no time", "t1", "wu", "", wrong, "starts_at"),
        ("no step", "plain", "wu", "2025-03-07T10:00:00Z", wrong, "no step 'book_consultant'"),
    ];
    with_writer(
        &site,
        Box::pin(async {
            for (name, id, consultant, starts_at, status, sentence) in cases {
                let before = get(&site, &format!("/api/v1/tasks/{id}")).await.json();
                let answer = book(&site, id, consultant, starts_at).await;
                let code = if status == conflict { "slot-taken" } else { "wrong-act" };
                assert_problem(&answer, status, code);
                assert!(answer.text().contains(sentence), "case: {name}: {}", answer.text());
                let after = get(&site, &format!("/api/v1/tasks/{id}")).await.json();
                assert_eq!(before, after, "case: {name}");
            }
        }),
    )
    .await;
    let no_step = get(&site, "/api/v1/tasks/plain/slots").await;
    assert_problem(&no_step, wrong, "wrong-act");
}

#[tokio::test]
async fn a_calendar_that_cannot_be_read_is_said_and_the_step_is_done_by_hand() {
    let (site, wu) = site(&["t1"]).await;
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    let fail = || wu.answers.lock().unwrap().push_back(Failure::later("the server is away"));
    for path in ["/api/v1/tasks/t1/slots", "/tasks/t1/slots"] {
        fail();
        let answer =
            if path.starts_with("/api") { get(&site, path).await } else { site.page(path).await };
        assert_eq!(answer.status, unavailable, "case: {path}");
        let text = answer.text();
        assert!(text.contains("the server is away") && text.contains("by hand"), "{path}: {text}");
    }
    fail();
    let refused = book(&site, "t1", "wu", "2025-03-07T10:00:00Z").await;
    assert_problem(&refused, unavailable, "unavailable");
    let done = with_writer(&site, say(&site, "t1/check-step", &json!({"step": 1}))).await;
    assert_eq!((done.status, &done.json()["checked"]), (StatusCode::OK, &json!([1])));

    // Another's calendar is read all the same; whoever has left is offered no more.
    let ann = destination("ann-calendar", calendar("ann", &[]) as _);
    let there = destination("wu-calendar", Arc::<Recorder>::clone(&wu) as _);
    site.delivery.send_replace(routing(vec![there, ann]));
    fail();
    let found = get(&site, "/api/v1/tasks/t1/slots").await.json();
    assert_eq!(found["unread"][0]["consultant"], "wu");
    assert_eq!(
        (found["slots"].as_array().unwrap().len(), &found["slots"][0]["consultant"]),
        (3, &json!("ann"))
    );
    let seller = Profile { roles: [Role::Sales].into(), ..Profile::default() };
    site.add_person("ann", seller, "$argon2id$none").await;
    let mut tx = site.store.begin().await.unwrap();
    person::set_disabled(&mut tx, "ann", Some(site.now())).await.unwrap();
    tx.commit().await.unwrap();
    let found = get(&site, "/api/v1/tasks/t1/slots").await.json();
    assert_eq!(found["slots"][0]["consultant"], "wu", "{found}");
}
