//! Leads: judged when they are made, listed by score, and overruled by people with both values kept.

use std::fs;
use std::sync::Arc;

use axum::http::StatusCode;
use chrono::{DateTime, Days, TimeDelta, Utc};
use serde_json::{Value, json};

use super::api::assert_problem;
use super::site::{Answer, PASSWORD, SHANGHAI, Site, bearer};
use super::writer::with_writer;
use crate::auth::person::{EVERYWHERE, Profile};
use crate::auth::role::Role;
use crate::delivery::testing::{Recorder, destination, routing};
use crate::store::forecast::{ForecastKind, NewForecast};
use crate::store::record::StoredRecord;
use crate::store::{forecast, outbox_view, person, record};

const PEOPLE: &str = "id,name,manager,substitute,team\nlin,Lin,meng,wu,ev\nwu,Wu,meng,,ev\n\
    amy,Amy,meng,,ev\nmeng,Meng,,,\n";
const RULE: &str = r#"
    id = "care"
    kind = "trigger"
    title = { en = "Care" }
    [when]
    pattern = "count"
    event = "charge_failed"
    times = 1
    within = "1h"
    per = "device"
    [[then]]
    task = "care"
    title = { en = "Charging failed" }
    steps = ["send_coupon", "book_consultant"]
    due = "9 business hours"
    route = "account-owner, else pool:ev"
"#;
const SCORE: &str = r#"
    id = "worth"
    kind = "score"
    title = { en = "Worth" }
    grade = "abc"
    base = "64.5"
    [[factor]]
    id = "recency"
    title = { en = "Ordered lately", zh = "近期下单" }
    of = "order-recency"
    points = 20
    max = 20
    half_life = "180d"
    [[factor]]
    id = "failures"
    title = { en = "Devices fail", zh = "设备故障" }
    of = "events"
    is = ["charge_failed"]
    points = 1
    max = 5
    [[factor]]
    id = "refusals"
    title = { en = "Wanted nothing" }
    of = "outcomes"
    is = ["not-interested"]
    points = -30
    max = 60
"#;
const GRADE: &str = include_str!("../../../../deploy/rules/leads/abc.toml");
const SLA: &str = include_str!("../../../../deploy/rules/leads/service.toml");
const ROUTE: &str = r#"
    id = "by-grade"
    kind = "route"
    title = { en = "By grade" }
    approaching = ["send_coupon", "book_consultant"]
    [first]
    covered = ["open_service_ticket", "send_coupon"]
    uncovered = ["quote_replacement"]
    unknown = ["check_warranty"]
    [[line]]
    grade = ["A"]
    to = "account-owner, else pool:ev"
    channel = "own"
    [[line]]
    to = "round-robin:ev, else pool:ev"
    [[team]]
    team = "ev"
    [[team.member]]
    person = "wu"
    capacity = 2
    [[team.member]]
    person = "amy"
    capacity = 1
"#;

/// A site on Friday 24 January 2025, half past five, with the documents in force.
async fn site() -> Site {
    let site = Site::new().await;
    let at: DateTime<Utc> = "2025-01-24T09:30:00Z".parse().unwrap();
    site.advance(at - site.now());
    let roles = [Role::Operations, Role::SalesManager].into();
    let boss = Profile { roles, regions: [EVERYWHERE.to_owned()].into(), ..Profile::default() };
    let seller = Profile { roles: [Role::Sales].into(), ..Profile::default() };
    site.add_person("meng", boss, "$argon2id$none").await;
    for id in ["lin", "wu", "amy"] {
        site.add_person(id, seller.clone(), "$argon2id$none").await;
    }
    let files = [
        ("rules/care.toml", RULE),
        ("rules/worth.toml", SCORE),
        ("rules/abc.toml", GRADE),
        ("rules/service.toml", SLA),
        ("rules/by-grade.toml", ROUTE),
        ("registry/people.csv", PEOPLE),
        (
            "registry/accounts.csv",
            "id,name,owner,consent\nacme,Acme,lin,yes\nbolt,Bolt,lin,no\ncold,Cold,,\n",
        ),
        ("registry/sites.csv", "id,name,account,region\nnorth,North,acme,east\n"),
        (
            "registry/devices.csv",
            "id,model,site,account\nd1,X7,north,acme\nd2,X7,north,acme\nb1,X9,,bolt\nc1,X9,,cold\n\
             c2,X9,,cold\nc3,X9,,cold\nc4,X9,,cold\n",
        ),
        ("registry/calendar.toml", SHANGHAI),
    ];
    for (name, text) in files {
        fs::write(site.folder().join(name), text).unwrap();
    }
    keep(&site, "order", &[
        ("O-1|1", json!({"account": "acme", "ordered_on": "2025-01-24", "amount": "9000.00", "currency": "CNY"})),
    ])
    .await;
    keep(
        &site,
        "installed",
        &[
            ("d1", json!({"device": "d1", "warranty_until": "2025-06-30"})),
            ("c1", json!({"device": "c1", "warranty_until": "2024-06-30"})),
        ],
    )
    .await;
    let changes = post(&site, "/api/v1/rules/reload", &json!({})).await;
    assert_eq!(changes["leads"], true);
    site
}

async fn keep(site: &Site, kind: &str, records: &[(&str, Value)]) {
    let stored = records.iter().map(|(id, document)| StoredRecord {
        id: (*id).to_owned(),
        document: document.to_string(),
    });
    let mut tx = site.store.begin().await.unwrap();
    record::write(&mut tx, kind, &stored.collect::<Vec<_>>(), site.now(), "test").await.unwrap();
    tx.commit().await.unwrap();
}

async fn say(site: &Site, who: &str, (method, path): (&str, &str), body: &Value) -> Answer {
    let headers = [("authorization", &*bearer(who))];
    with_writer(site, site.call(method, path, &headers, &body.to_string())).await
}

async fn post(site: &Site, path: &str, body: &Value) -> Value {
    let answer = say(site, "meng", ("POST", path), body).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

async fn get(site: &Site, path: &str) -> Value {
    let answer = site.get(path, &[("authorization", &bearer("meng"))]).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

/// Lets devices fail at once; returns the lead of the last one.
async fn fail(site: &Site, devices: &[&str]) -> Value {
    let event = |device: &&str| {
        let id = format!("{device}-{}", site.now().timestamp());
        json!({"id": id, "device": device, "kind": "charge_failed", "occurred_at": site.now()})
    };
    let events: Vec<Value> = devices.iter().map(event).collect();
    post(site, "/api/v1/events", &json!(events)).await;
    let tasks = get(site, "/api/v1/tasks").await;
    let last = devices.last().unwrap();
    let tasks = tasks["tasks"].as_array().unwrap().clone();
    tasks.into_iter().find(|task| task["device"] == *last).unwrap()
}

fn path(task: &Value, rest: &str) -> String {
    format!("/api/v1/tasks/{}{rest}", task["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_task_is_scored_graded_routed_and_timed_when_it_is_made() {
    let site = site().await;
    let task = fail(&site, &["d1"]).await;
    // 64.5 for every task, 20 for the order of today, 1 for the failure: half past nine in UTC takes
    // nothing from the day's order that two places show but a trifle.
    let lead = get(&site, &path(&task, "/lead")).await;
    assert_eq!(lead["grade"], "A");
    assert_eq!(lead["replayed"], true);
    let points = lead["decided"]["scored"]["points"].as_array().unwrap();
    let told: Vec<_> = points.iter().map(|p| (p["factor"].clone(), p["points"].clone())).collect();
    assert_eq!(
        told,
        [
            (json!("recency"), json!("19.97")),
            (json!("failures"), json!("1")),
            (json!("refusals"), json!("0"))
        ]
    );
    assert_eq!(lead["score"], "85.47");
    assert_eq!(task["owner"], "lin");
    // Two business hours from Friday 17:30 are over on Sunday, a make-up workday, at 10:30.
    assert_eq!(task["due_at"], "2025-01-26T02:30:00.000Z");
    let detail = get(&site, &path(&task, "")).await;
    assert_eq!(detail["steps"], json!(["open_service_ticket", "send_coupon", "book_consultant"]));
    assert_eq!(lead["decided"]["tags"]["region"], "east");
    assert_eq!(lead["decided"]["assignment"]["channel"], "own");

    let listed = get(&site, "/api/v1/leads?grade=A&region=east&owner=lin").await;
    assert_eq!(listed["leads"][0]["task"], task["id"]);
    assert!(listed["leads"][0]["next"]["zh"].as_str().unwrap().contains("两小时"));
    assert_eq!(get(&site, "/api/v1/leads?grade=B").await["leads"], json!([]));

    // What is known later changes nothing of what was decided.
    keep(&site, "order", &[
        ("O-2|1", json!({"account": "acme", "ordered_on": "2025-01-25", "amount": "1.00", "currency": "CNY"})),
    ])
    .await;
    let again = get(&site, &path(&task, "/lead")).await;
    assert_eq!(again, lead);
}

#[tokio::test]
async fn who_left_is_stood_in_for_and_leads_go_round_until_nobody_has_room() {
    let site = site().await;
    let mut tx = site.store.begin().await.unwrap();
    person::set_disabled(&mut tx, "lin", Some(site.now())).await.unwrap();
    tx.commit().await.unwrap();
    let task = fail(&site, &["d1"]).await;
    assert_eq!(task["owner"], "wu");
    let lead = get(&site, &path(&task, "/lead")).await;
    assert_eq!(lead["decided"]["assignment"]["tried"][0]["found"], "stand-in");

    // wu has one of two, amy none of one; then each has one more.
    let last = fail(&site, &["c1", "c2", "c3"]).await;
    let tasks = get(&site, "/api/v1/tasks").await;
    let owner = |device: &str| {
        let found = tasks["tasks"].as_array().unwrap().iter().find(|t| t["device"] == device);
        found.unwrap()["owner"].as_str().unwrap().to_owned()
    };
    let mut owners = ["c1", "c2", "c3"].map(owner);
    owners.sort_unstable();
    assert_eq!(owners, ["amy", "pool:ev", "wu"]);
    let lead = get(&site, &path(&last, "/lead")).await;
    assert_eq!(lead["grade"], "B");
    let expected = if last["owner"] == "pool:ev" { "no-capacity" } else { "taken" };
    assert_eq!(lead["decided"]["assignment"]["tried"][0]["found"], expected);
    let page = site.get("/pool", &[("authorization", &bearer("meng"))]).await;
    assert_eq!(page.status, StatusCode::SEE_OTHER, "pages take sessions only");
}

#[tokio::test]
async fn whoever_has_not_agreed_gets_no_letter_and_no_call() {
    let site = site().await;
    let task = fail(&site, &["b1"]).await;
    let detail = get(&site, &path(&task, "")).await;
    assert_eq!(detail["steps"], json!(["check_warranty"]));
    let lead = get(&site, &path(&task, "/lead")).await;
    assert_eq!(lead["decided"]["left_out"], json!(["send_coupon", "book_consultant"]));
    let cold = fail(&site, &["c1"]).await;
    let lead = get(&site, &path(&cold, "/lead")).await;
    assert_eq!(lead["decided"]["cover"], json!({"state": "customer", "until": "2024-06-30"}));
    assert_eq!(get(&site, &path(&cold, "")).await["steps"][0], "quote_replacement");
}

fn over(what: &str, value: &str) -> Value {
    json!({"what": what, "value": value, "reason": "I know them", "until": "2025-02-10"})
}

#[tokio::test]
async fn of_fifty_who_overrule_at_once_one_decides_and_the_machine_stays_beside() {
    let site = site().await;
    let task = fail(&site, &["d1"]).await;
    let at = path(&task, "/override");
    let tries = async {
        let mut tries = tokio::task::JoinSet::new();
        for n in 0..50 {
            let (site, at) = (site.clone(), at.clone());
            let body = over("grade", if n % 2 == 0 { "B" } else { "C" }).to_string();
            tries.spawn(async move {
                site.call("PUT", &at, &[("authorization", &bearer("meng"))], &body).await
            });
        }
        tries.join_all().await
    };
    let answers = with_writer(&site, tries).await;
    let (won, lost): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!((won.len(), lost.len()), (1, 49));
    for answer in lost {
        assert_problem(answer, StatusCode::CONFLICT, "task-changed");
    }
    let one = won[0].json()["overrides"][0].clone();
    assert_eq!((&one["machine"], &one["actor"]), (&json!("A"), &json!("meng")));

    // One that says what the machine says is one all the same, and gives the clock back.
    let mut same = over("grade", "A");
    same["replaces"] = one["id"].clone();
    let answer = say(&site, "meng", ("PUT", &at), &same).await.json();
    assert_eq!(answer["overrides"].as_array().unwrap().len(), 2);
    let standing = &answer["overrides"][0];
    assert_eq!((&standing["value"], &standing["machine"]), (&json!("A"), &json!("A")));
    let due = get(&site, &path(&task, "")).await["due_at"].clone();
    assert_eq!(due, "2025-01-26T02:30:00.000Z");

    // A score that is overruled makes its own grade, where nobody overruled that.
    let back = format!("{at}?what=grade&reason=x&replaces={}", standing["id"]);
    let answer = say(&site, "meng", ("DELETE", &back), &json!({})).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    say(&site, "meng", ("PUT", &at), &over("score", "59.99")).await;
    let lead = get(&site, &path(&task, "/lead")).await;
    assert_eq!((&lead["grade"], &lead["score"]), (&json!("C"), &json!("59.99")));
    assert_eq!(lead["decided"]["grade"], "A");
    assert_eq!(get(&site, &path(&task, "")).await["due_at"], Value::Null);
}

#[tokio::test]
async fn a_decision_ends_at_its_time_and_the_machine_counts_again() {
    let site = site().await;
    let task = fail(&site, &["d1"]).await;
    let at = path(&task, "/override");
    for (what, value) in [("grade", "C"), ("route", "amy")] {
        let answer = say(&site, "meng", ("PUT", &at), &over(what, value)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    }
    let detail = get(&site, &path(&task, "")).await;
    assert_eq!((&detail["owner"], &detail["status"]), (&json!("amy"), &json!("new")));
    site.advance("2025-02-09T15:59:59Z".parse::<DateTime<Utc>>().unwrap() - site.now());
    fail(&site, &["c1"]).await;
    assert_eq!(get(&site, &path(&task, "/lead")).await["grade"], "C");
    site.advance(TimeDelta::seconds(2));
    fail(&site, &["c2"]).await;
    let lead = get(&site, &path(&task, "/lead")).await;
    assert_eq!(lead["grade"], "A");
    for one in lead["overrides"].as_array().unwrap() {
        let ended = (&one["ended_at"], &one["ended_by"]);
        assert_eq!(ended, (&json!("2025-02-09T16:00:00.000Z"), &json!("upturn")));
    }
    let detail = get(&site, &path(&task, "")).await;
    assert_eq!(detail["owner"], "lin", "nobody had taken it on");
    let history = detail["history"].as_array().unwrap();
    assert_eq!(history.iter().filter(|entry| entry["action"] == "override-ended").count(), 2);
}

#[tokio::test]
async fn whoever_gets_a_task_is_told_and_nobody_of_what_they_did_themselves() {
    let site = site().await;
    let task = fail(&site, &["d1"]).await;
    site.delivery.send_replace(routing(vec![destination("crm", Arc::<Recorder>::default())]));
    let id = task["id"].as_str().unwrap();
    let told = async || {
        let letters = outbox_view::of_subject(&site.store, id, 50).await.unwrap();
        let count = letters.iter().filter(|letter| letter.kind == "task-handed-over").count();
        let body = outbox_view::newest_body(&site.store, id).await.unwrap().unwrap_or_default();
        let part = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        (count, part("owner"), part("actor"), part("reason") + &part("text"))
    };
    let at = path(&task, "/override");
    say(&site, "meng", ("PUT", &at), &over("grade", "B")).await;
    let answer = say(&site, "meng", ("PUT", &at), &over("route", "amy")).await;
    let why = over("route", "amy")["reason"].as_str().unwrap().to_owned();
    assert_eq!(told().await, (1, "amy".to_owned(), "meng".to_owned(), why));
    let mut own = over("route", "meng");
    own["replaces"] = answer.json()["overrides"][0]["id"].clone();
    let answer = say(&site, "meng", ("PUT", &at), &own).await;
    assert_eq!((answer.status, told().await.0), (StatusCode::OK, 1), "who took it knows");
    let package = json!({"situation": "told", "next-step": "call"});
    let over = json!({"to": "wu", "kind": "general", "package": package});
    say(&site, "meng", ("POST", &path(&task, "/hand-over")), &over).await;
    let text = "next-step: call\nsituation: told".to_owned();
    assert_eq!(told().await, (2, "wu".to_owned(), "meng".to_owned(), text));
}

#[tokio::test]
async fn what_cannot_be_decided_is_told_and_changes_nothing() {
    let site = site().await;
    let task = fail(&site, &["d1"]).await;
    let at = path(&task, "/override");
    let before = get(&site, &path(&task, "")).await;
    let with = |name: &str, value: &str| {
        let mut body = over("grade", "B");
        body[name] = json!(value);
        body
    };
    let cases = [
        (with("what", "probability"), "what is 'probability'; use one of grade, score, route"),
        (with("value", "D"), "'D' is no grade; use one of A, B, C"),
        (with("value", " "), "value is missing"),
        (with("reason", " "), "reason is missing"),
        (with("until", "2025-01-24"), "a decision stands from now on"),
        (with("until", "2027-01-24"), "at the latest"),
        (with("until", "soon"), "until is 'soon'; write a day"),
        (over("score", "100.01"), "write a number from 0 to 100"),
        (over("score", "high"), "write a number from 0 to 100"),
        (over("route", "nobody"), "nobody is called 'nobody'"),
    ];
    for (body, because) in cases {
        let answer = say(&site, "meng", ("PUT", &at), &body).await;
        assert_problem(&answer, StatusCode::UNPROCESSABLE_ENTITY, "wrong-act");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(because), "case: {body}: {detail}");
    }
    assert_eq!(get(&site, &path(&task, "")).await, before);
    // Whoever does not see the task learns nothing of it; a deal that is not there is not overruled.
    let answer = say(&site, "amy", ("PUT", &at), &over("grade", "B")).await;
    assert_problem(&answer, StatusCode::NOT_FOUND, "not-found");
    let body = over("probability", "0.5");
    let answer = say(&site, "meng", ("PUT", "/api/v1/deals/D-1/override"), &body).await;
    assert_problem(&answer, StatusCode::NOT_FOUND, "not-found");
}

#[tokio::test]
async fn machine_and_people_are_judged_by_how_it_ended() {
    let site = site().await;
    keep(&site, "deal", &[
        ("D-1", json!({"id": "D-1", "account": "acme", "owner": "lin", "stage": "s", "opened_on": "2025-01-02"})),
    ])
    .await;
    let said = json!({
        "probability": 0.123_456, "share": 0.1, "has_signal": true, "n": 50, "won": 5, "step": null,
    });
    let as_of = site.now().date_naive();
    let new = NewForecast {
        kind: ForecastKind::Win,
        subject: "D-1".to_owned(),
        as_of,
        due: as_of + Days::new(30),
        horizon: 30,
        revision: 1,
        method: "test",
        said: said.to_string(),
    };
    let mut tx = site.store.begin().await.unwrap();
    forecast::keep(&mut tx, &[new], (1, site.now())).await.unwrap();
    tx.commit().await.unwrap();
    let body = over("probability", "0.85");
    let answer = say(&site, "meng", ("PUT", "/api/v1/deals/D-1/override"), &body).await;
    let decided = answer.json();
    let decided = &decided["overrides"][0];
    assert_eq!((&decided["value"], &decided["machine"]), (&json!("0.85"), &json!("0.1235")));
    let cookie = site.enter("meng").await;
    let page = site.get("/deals/D-1", &[("cookie", &cookie)]).await;
    for expected in ["<bdi>0.85</bdi>", "action=\"/deals/D-1/override\"", "id=\"chance\""] {
        assert!(page.text().contains(expected), "{expected} is missing in {}", page.text());
    }
    let task = fail(&site, &["d1"]).await;
    say(&site, "meng", ("PUT", &path(&task, "/override")), &over("grade", "B")).await;
    let done = json!({"outcome": "interested"});
    let answer = say(&site, "meng", ("POST", &path(&task, "/done")), &done).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    let figures = get(&site, "/api/v1/figures/overrides").await;
    let expected = json!({"n": 1, "machine_right": 1, "human_right": 0, "won": 1});
    assert_eq!(figures["grade"], expected);
    assert_eq!(figures["probability"]["n"], 0, "the deal is open");
    let late = say(&site, "meng", ("PUT", &path(&task, "/override")), &over("score", "1")).await;
    assert_problem(&late, StatusCode::CONFLICT, "task-closed");
}

#[tokio::test]
async fn pages_tell_the_points_in_words_and_take_decisions_without_a_script() {
    let site = site().await;
    site.add_user().await;
    let task = fail(&site, &["d1"]).await;
    let cookie = site.log_in(PASSWORD).await.cookie();
    let headers = [("cookie", &*cookie), ("origin", "http://upturn.test")];
    let at = format!("/tasks/{}", task["id"].as_str().unwrap());
    let form = "what=grade&value=B&reason=I+know+them&until=2025-02-10";
    for did in ["override", "refused"] {
        let path = format!("{at}/override");
        let answer = with_writer(&site, site.post(&path, form, &headers)).await;
        assert_eq!(answer.header("location"), format!("{at}?did={did}"), "{}", answer.text());
    }
    let cases = [
        (format!("{at}?lang=en"), "Covered by the warranty until"),
        (format!("{at}?lang=en"), "the machine says"),
        (format!("{at}?lang=en"), "I know them"),
        (format!("{at}?lang=en"), "Ordered lately"),
        (format!("{at}?lang=en"), "Call within the working day"),
        (format!("{at}?lang=zh-CN"), "保修期至"),
        (format!("{at}?lang=zh-CN"), "近期下单"),
        ("/leads?grade=B&region=east&lang=en".to_owned(), "Charging failed"),
        ("/leads?grade=A&lang=en".to_owned(), "No lead is open here"),
        ("/pool?lang=zh-CN".to_owned(), "公海"),
    ];
    for (path, expected) in cases {
        let page = site.get(&path, &headers).await;
        assert_eq!(page.status, StatusCode::OK, "case: {path}");
        assert!(page.text().contains(expected), "case: {path} {expected}: {}", page.text());
    }
}
