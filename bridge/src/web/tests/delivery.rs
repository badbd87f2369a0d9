//! Letters and destinations: what other systems tell, what people decide, what pages show.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use upturn_connectors::deliver::Failure;
use upturn_connectors::deliver::channel::{Progress, RecordState};
use upturn_core::id::DeviceId;

use super::api::{assert_problem, get};
use super::site::{Answer, NAME, PASSWORD, Site, bearer, task};
use super::writer::with_writer;
use crate::clock::Clock;
use crate::delivery::testing::{Recorder, destination, routing};
use crate::outbox::Office;
use crate::outbox::asking::Asking;
use crate::outbox::worker::Worker;
use crate::runtime::request::Request as Asked;

/// A site with two systems that are told of everything.
struct Plant {
    site: Site,
    crm: Arc<Recorder>,
    erp: Arc<Recorder>,
}

impl Plant {
    async fn new() -> Self {
        let site = Site::with_user().await;
        let (crm, erp) = (Arc::<Recorder>::default(), Arc::<Recorder>::default());
        let there = vec![
            destination("crm", Arc::<Recorder>::clone(&crm)),
            destination("erp", Arc::<Recorder>::clone(&erp)),
        ];
        site.delivery.send_replace(routing(there));
        Self { site, crm, erp }
    }

    fn office(&self, asks: mpsc::Sender<Asked>) -> Office {
        Office {
            store: self.site.store.clone(),
            clock: Arc::new(Still(self.site.now())),
            metrics: self.site.metrics.clone(),
            asks,
        }
    }

    /// Sends all letters that are due.
    async fn work(&self) {
        let (asks, _) = mpsc::channel(1);
        for destination in self.site.delivery.borrow().destinations.values() {
            let office = self.office(asks.clone());
            let worker =
                Worker { office, destination: Arc::clone(destination), texts: Arc::default() };
            while worker.step().await.unwrap() {}
        }
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        let request = Request::post(path)
            .header("authorization", bearer(NAME))
            .header("content-type", "application/json");
        self.site.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn hook(&self, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut request = Request::post("/api/v1/hooks/crm");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.site.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    fn kinds(recorder: &Recorder) -> Vec<String> {
        recorder.sent.lock().unwrap().iter().map(|(_, kind)| kind.clone()).collect()
    }

    async fn history(&self, id: &str) -> Vec<(String, String)> {
        let task = get(&self.site, &format!("/api/v1/tasks/{id}")).await.json();
        let deed = |deed: &Value| {
            let word = |name: &str| deed[name].as_str().unwrap().to_owned();
            (word("action"), word("actor"))
        };
        task["history"].as_array().unwrap().iter().map(deed).collect()
    }
}

#[derive(Debug)]
struct Still(chrono::DateTime<chrono::Utc>);

impl Clock for Still {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.0
    }
}

#[tokio::test]
async fn what_another_system_closes_is_closed_here_and_told_to_the_others_alone() {
    let plant = Plant::new().await;
    plant.site.add([task("t1", plant.site.now(), 5, None)]).await;
    let signed = [("signed", "yes")];
    let done = json!({"id": "d1", "task": "t1", "progress": "done"});
    Box::pin(with_writer(&plant.site, async {
        let unsigned = plant.hook(&[], &done).await;
        assert_problem(&unsigned, StatusCode::UNAUTHORIZED, "unauthenticated");
        assert!(!unsigned.text().contains("s3cret"), "{}", unsigned.text());

        let first = plant.hook(&signed, &done).await;
        assert_eq!(first.json(), json!({"outcome": "closed", "task": "t1"}));
        let second = plant.hook(&signed, &done).await;
        assert_eq!(second.json(), first.json(), "answered as the first time");
        let other = json!({"id": "d2", "task": "t1", "progress": "done"});
        assert_eq!(plant.hook(&signed, &other).await.json()["outcome"], "nothing-new");
        for id in ["d3", "d4"] {
            let other = json!({"id": id, "task": "t1", "progress": "dismissed"});
            assert_eq!(plant.hook(&signed, &other).await.json()["outcome"], "conflict");
        }
        let unknown = json!({"id": "d5", "remote": "nothing", "progress": "done"});
        assert_eq!(plant.hook(&signed, &unknown).await.json()["outcome"], "unknown-record");
    }))
    .await;
    let by = |action: &str| (action.to_owned(), "destination:crm".to_owned());
    let history = plant.history("t1").await;
    assert_eq!(history[1..], [by("task-done"), by("task-conflict")], "each difference once");
    plant.work().await;
    assert_eq!(Plant::kinds(&plant.crm), [""; 0], "it knows");
    assert_eq!(Plant::kinds(&plant.erp), ["task-done"]);
    let page = plant.site.page("/tasks/t1").await;
    assert!(page.text().contains("Closed differently elsewhere"), "{}", page.text());
}

#[tokio::test]
async fn a_record_that_was_closed_is_heard_of_when_its_system_is_asked() {
    let plant = Plant::new().await;
    plant.site.add([task("t1", plant.site.now(), 5, None)]).await;
    plant.site.add([task("t2", plant.site.now(), 4, None)]).await;
    Box::pin(with_writer(&plant.site, async {
        for id in ["t1", "t2"] {
            plant.post(&format!("/api/v1/tasks/{id}/accept"), &json!({})).await;
        }
        plant.work().await;
    }))
    .await;
    let state =
        |remote: &str, progress| RecordState { remote: remote.to_owned(), progress, at: None };
    let states = vec![state("r-t1", Progress::Dismissed), state("r-t2", Progress::Open)];
    *plant.crm.states.lock().unwrap() = states;

    // The writer, for as long as the system is asked.
    let (asks, mut asked) = mpsc::channel(4);
    let destination = Arc::clone(&plant.site.delivery.borrow().destinations["crm"]);
    let asking = Asking { office: plant.office(asks), destination };
    let verb = tokio::join!(asking.ask(), async {
        match asked.recv().await {
            Some(Asked::Act { act, reply }) => {
                reply.send(crate::runtime::request::Acted::Done).unwrap();
                act
            }
            other => panic!("{other:?}"),
        }
    })
    .1;
    assert_eq!((verb.task.as_str(), &*verb.actor), ("t1", "destination:crm"));
    assert!(asked.try_recv().is_err(), "one is open");
}

#[tokio::test]
async fn what_somebody_asks_for_becomes_a_ticket_elsewhere_and_its_number_comes_back() {
    let plant = Plant::new().await;
    plant.site.add([task("t1", plant.site.now(), 5, None)]).await;
    let path = "/api/v1/tasks/t1/requirements";
    let wanted = json!({"kind": "requirement", "priority": "high", "text": "A longer <cable>"});
    Box::pin(with_writer(&plant.site, async {
        let first = plant.post(path, &wanted).await;
        assert_eq!(first.status, StatusCode::OK, "{}", first.text());
        let again = plant.post(path, &wanted).await;
        assert_eq!(again.json()["id"], first.json()["id"], "the same words are the same ticket");
        for (wrong, detail) in [
            (json!({"kind": "wish", "priority": "high", "text": "x"}), "kind is not"),
            (json!({"kind": "feedback", "priority": "x", "text": "x"}), "priority is not"),
            (json!({"kind": "feedback", "priority": "low", "text": " "}), "text needs"),
        ] {
            let answer = plant.post(path, &wrong).await;
            assert_problem(&answer, StatusCode::BAD_REQUEST, "bad-request");
            assert!(answer.text().contains(detail), "{}", answer.text());
        }
        let unknown = plant.post("/api/v1/tasks/nobody/requirements", &wanted).await;
        assert_problem(&unknown, StatusCode::NOT_FOUND, "not-found");
    }))
    .await;
    plant.work().await;
    assert_eq!(Plant::kinds(&plant.erp), ["requirement-created"]);
    let letter = plant.erp.records.lock().unwrap().values().next().unwrap().clone();
    assert_eq!(letter.body["priority"], "high");
    let told = get(&plant.site, path).await.json();
    let remote = format!("r-{}", letter.subject);
    assert_eq!(told["requirements"][0]["records"][1]["remote"], json!(remote));
    let page = plant.site.page("/tasks/t1").await;
    assert!(page.text().contains("A longer &#60;cable&#62;"), "{}", page.text());
    assert!(page.text().contains(&format!("https://crm.example/{remote}")), "{}", page.text());

    plant.site.delivery.send_replace(Arc::default());
    Box::pin(with_writer(&plant.site, async {
        let nobody = plant.post(path, &wanted).await;
        assert_problem(&nobody, StatusCode::CONFLICT, "not-routed");
    }))
    .await;
}

#[tokio::test]
async fn a_letter_that_was_refused_waits_until_a_person_decides() {
    let plant = Plant::new().await;
    plant.site.add([task("t1", plant.site.now(), 5, None)]).await;
    Box::pin(with_writer(&plant.site, async {
        plant.post("/api/v1/tasks/t1/accept", &json!({})).await;
    }))
    .await;
    let refused = Failure::refused("it answered 400: <b>no</b> currency");
    plant.crm.answers.lock().unwrap().push_back(refused);
    plant.work().await;

    let letters = get(&plant.site, "/api/v1/letters?state=parked").await.json();
    let letter = &letters["letters"][0];
    assert_eq!((&letter["destination"], &letter["attempts"]), (&json!("crm"), &json!(1)));
    assert_eq!(letters["letters"].as_array().unwrap().len(), 1);
    for path in ["/destinations", "/tasks/t1"] {
        let page = plant.site.page(path).await;
        assert!(page.text().contains("it answered 400: &#60;b&#62;no&#60;/b&#62;"), "{path}");
        assert!(page.text().contains("Send again"), "{path}");
    }
    let all = get(&plant.site, "/api/v1/destinations").await.json();
    let crm = &all["destinations"][0];
    assert_eq!(
        (&crm["id"], &crm["circuit"], &crm["parked"]),
        (&json!("crm"), &json!("closed"), &json!(1))
    );

    let id = letter["id"].as_i64().unwrap();
    let again = plant.post(&format!("/api/v1/letters/{id}/retry"), &json!({})).await;
    assert_eq!(again.json()["state"], "waiting");
    plant.work().await;
    let sent = get(&plant.site, "/api/v1/letters?destination=crm").await.json();
    assert_eq!(sent["letters"][0]["state"], "sent", "it was there");
    assert_eq!(Plant::kinds(&plant.crm).len(), 1);
    let drop = plant.post(&format!("/api/v1/letters/{id}/drop"), &json!({})).await;
    assert_problem(&drop, StatusCode::CONFLICT, "letter-state");
    let unknown = plant.post("/api/v1/letters/99/retry", &json!({})).await;
    assert_problem(&unknown, StatusCode::NOT_FOUND, "not-found");
    let history = plant.history("t1").await;
    assert_eq!(history.last().unwrap(), &("letter-again".to_owned(), NAME.to_owned()));
}

#[tokio::test]
async fn a_destination_is_tried_and_turned_on_by_its_buttons() {
    let plant = Plant::new().await;
    plant.site.add([task("t1", plant.site.now(), 5, None)]).await;
    Box::pin(with_writer(&plant.site, async {
        plant.post("/api/v1/tasks/t1/accept", &json!({})).await;
    }))
    .await;
    let gone = Failure::Off { reason: "it answered 410 (gone)".to_owned() };
    plant.crm.answers.lock().unwrap().push_back(gone);
    plant.work().await;
    let page = plant.site.page("/destinations").await;
    for text in ["Turned off", "it answered 410 (gone)", "/destinations/crm/on"] {
        assert!(page.text().contains(text), "{text} in {}", page.text());
    }
    assert!(!page.text().contains("/destinations/erp/on"), "it works");

    let cookie = plant.site.log_in(PASSWORD).await.cookie();
    let headers = [("cookie", &*cookie), ("origin", "http://upturn.test")];
    let tested = plant.site.post("/destinations/crm/test", "", &headers).await;
    assert!(tested.text().contains("crm works: it answers"), "{}", tested.text());
    plant.crm.answers.lock().unwrap().push_back(Failure::later("no such <host>"));
    let tested = plant.site.post("/destinations/crm/test", "", &headers).await;
    let said = "crm does not work: no such &#60;host&#62;";
    assert!(tested.text().contains(said), "{}", tested.text());
    let unknown = plant.site.post("/destinations/nobody/test", "", &headers).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);

    let on = plant.site.post("/destinations/crm/on", "", &headers).await;
    assert_eq!((on.status, on.header("location")), (StatusCode::SEE_OTHER, "/destinations?did=on"));
    plant.site.advance(TimeDelta::seconds(5));
    plant.work().await;
    assert!(plant.site.page("/destinations").await.text().contains("Works"));
    let all = get(&plant.site, "/api/v1/letters").await.json();
    let states: Vec<_> = all["letters"].as_array().unwrap().iter().map(|l| &l["state"]).collect();
    assert_eq!(states, ["sent", "sent"]);
}

#[tokio::test]
async fn a_letter_is_looked_at_before_it_goes_out() {
    let plant = Plant::new().await;
    let mut hostile = task("t1", plant.site.now(), 5, None);
    hostile.device = DeviceId::try_from("evse-9".to_owned()).unwrap();
    hostile.title.en = Some("<script>alert(1)</script>".to_owned());
    plant.site.add([hostile]).await;
    let page = plant.site.page("/destinations/crm?task=t1").await;
    let escaped = "&#60;script&#62;alert(1)&#60;/script&#62;";
    assert!(
        page.text().contains(escaped) && !page.text().contains("<script>alert"),
        "{}",
        page.text()
    );
    for text in ["evse-9", "What is sent", "&#34;device&#34;"] {
        assert!(page.text().contains(text), "{text} in {}", page.text());
    }
    let path = "/destinations/crm?kind=task-done&language=zh&lang=zh-CN";
    let page = plant.site.page(path).await;
    for text in ["消息预览", "任务已完成：连续三次充电失败（EVSE-0042）"] {
        assert!(page.text().contains(text), "{text} in {}", page.text());
    }
    let shown = get(&plant.site, "/api/v1/destinations/crm/preview?kind=digest").await.json();
    assert_eq!((&shown["title"], &shown["language"]), (&json!("Tasks: 2"), &json!("en")));
    assert!(shown["sent"].as_str().unwrap().contains("letters"), "{shown}");
    for (query, status) in [
        ("crm/preview?kind=x", StatusCode::BAD_REQUEST),
        ("crm/preview?language=fr", StatusCode::BAD_REQUEST),
        ("crm/preview?task=t9", StatusCode::NOT_FOUND),
        ("nobody/preview", StatusCode::NOT_FOUND),
    ] {
        let answer = get(&plant.site, &format!("/api/v1/destinations/{query}")).await;
        assert_eq!(answer.status, status, "{query}");
    }
    assert!(Plant::kinds(&plant.crm).is_empty(), "nothing was sent");
}
