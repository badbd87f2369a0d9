//! A day of three sellers who work on the tasks of a fleet, and the figures against a count of their own.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::site::{Site, bearer};
use super::tally::{Known, counted, without_orders};
use super::task_results::keep;
use super::writer::with_writer;
use crate::auth::person::{EVERYWHERE, Profile};
use crate::auth::role::Role;

const SELLERS: [&str; 3] = ["sal", "sam", "sue"];
const MANAGER: &str = "max";
/// How often the small job is repeated, each time on other devices.
const COPIES: usize = 4;
/// When the customer has to be contacted, in minutes.
const DUE: i64 = 120;

/// What a seller does with a task, at a minute after the tasks were made.
#[derive(Clone, Debug)]
struct Move {
    minute: i64,
    task: String,
    who: &'static str,
    verb: &'static str,
    body: Value,
}

/// Puts the rule of the job in force, with a due time, and a fleet whose accounts the sellers share.
fn set_up(site: &Site, devices: &[String]) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/j1");
    let rule = fs::read_to_string(data.join("rule.toml")).unwrap();
    let rule = format!(
        "{rule}\ndue = \"2h\"\nsteps = [\"call\"]\nroute = \"account-owner, else pool:ev\"\n"
    );
    let mut accounts = "id,name,owner\n".to_owned();
    let mut fleet = "id,model,account\n".to_owned();
    for (place, device) in devices.iter().enumerate() {
        let seller = SELLERS[place % SELLERS.len()];
        writeln!(accounts, "acc-{device},Account,{seller}").unwrap();
        writeln!(fleet, "{device},X7,acc-{device}").unwrap();
    }
    let people: String = SELLERS.map(|id| format!("{id},{id},{MANAGER},ev\n")).concat();
    let people = format!("id,name,manager,team\n{people}{MANAGER},{MANAGER},,ev\n");
    let hand_overs = "[[kind]]\nid = \"to-colleague\"\nen = \"To a colleague\"\nzh = \"移交\"\n\
        [[kind.field]]\nid = \"situation\"\nen = \"Situation\"\nzh = \"情况\"\n";
    let files = [
        ("rules/j1.toml", &*rule),
        ("registry/people.csv", &people),
        ("registry/accounts.csv", &accounts),
        ("registry/devices.csv", &fleet),
        ("registry/hand-overs.toml", hand_overs),
    ];
    for (name, text) in files {
        fs::write(site.folder().join(name), text).unwrap();
    }
}

/// Returns the sessions of the job, on as many fleets as there are copies.
fn events() -> Vec<Value> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/j1");
    let text = fs::read_to_string(data.join("events.jsonl")).unwrap();
    let mut events = Vec::new();
    for copy in 0..COPIES {
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            let mut event = line["payload"].clone();
            if event["kind"] == "heartbeat" {
                continue;
            }
            let device = line["topic"].as_str().unwrap().split('/').nth(1).unwrap();
            event["device"] = json!(format!("{device}-{copy}"));
            events.push(event);
        }
    }
    events
}

/// What somebody does with the task at `place`: seven manners in turn.
fn plan(place: usize, task: &str, owner: &'static str) -> Vec<Move> {
    let wait = i64::try_from(place % 17).unwrap();
    let step = |minute: i64, who, verb, body| {
        let task = task.to_owned();
        Move { minute: minute + wait, task, who, verb, body }
    };
    let reached = json!({"channel": "phone", "result": "reached"});
    let missed = json!({"channel": "phone", "result": "not-reached"});
    let done = |outcome: &str| json!({"outcome": outcome});
    let next = SELLERS[(SELLERS.iter().position(|one| *one == owner).unwrap() + 1) % 3];
    match place % 7 {
        0 => vec![
            step(3, owner, "accept", json!({})),
            step(10, owner, "contact", reached),
            step(12, owner, "check-step", json!({"step": 0})),
            step(20, owner, "done", done("interested")),
        ],
        1 => vec![
            step(5, owner, "contact", missed),
            step(50, owner, "contact", reached),
            step(60, owner, "done", done("solved")),
        ],
        2 => vec![],
        3 => vec![
            step(150, owner, "contact", reached),
            step(170, owner, "done", done("not-interested")),
        ],
        4 => vec![step(8, owner, "dismiss", json!({"reason": "a double"}))],
        5 => vec![
            step(4, owner, "accept", json!({})),
            step(
                9,
                owner,
                "hand-over",
                json!({"to": next, "kind": "to-colleague", "package": {"situation": "told"}}),
            ),
            step(40, next, "contact", reached),
        ],
        _ => vec![step(
            200,
            owner,
            "back-fill",
            json!({"at": "30", "channel": "visit", "result": "reached", "reason": "no network"}),
        )],
    }
}

/// Makes a move through the API, and returns the task after it.
async fn make(site: &Site, one: &Move, made_at: DateTime<Utc>) -> Value {
    let mut body = one.body.clone();
    if one.verb == "back-fill" {
        body["at"] = json!(made_at + TimeDelta::minutes(30));
    }
    let path = format!("/api/v1/tasks/{}/{}", one.task, one.verb);
    let headers = [("authorization", &*bearer(one.who))];
    let answer = site.call("POST", &path, &headers, &body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{one:?}: {}", answer.text());
    answer.json()
}

async fn figures(site: &Site, query: &str) -> Value {
    let path = format!("/api/v1/figures?{query}");
    site.get(&path, &[("authorization", &bearer(MANAGER))]).await.json()
}

/// Hands in the events and returns the tasks that came of them, with their owners.
async fn tasks_of(site: &Site, events: &[Value]) -> Vec<(String, &'static str)> {
    let manager = bearer(MANAGER);
    let headers = [("authorization", &*manager)];
    let reload = site.call("POST", "/api/v1/rules/reload", &headers, "").await;
    assert_eq!(reload.status, StatusCode::OK, "{}", reload.text());
    for some in events.chunks(1_000) {
        let body = json!(some).to_string();
        let taken = site.call("POST", "/api/v1/events", &headers, &body).await;
        assert_eq!(taken.status, StatusCode::OK, "{}", taken.text());
    }
    let listed = site.get("/api/v1/tasks?limit=500", &headers).await.json();
    let task = |task: &Value| {
        let owner = task["owner"].as_str().unwrap();
        let owner = *SELLERS.iter().find(|seller| **seller == owner).expect("a seller");
        (task["id"].as_str().unwrap().to_owned(), owner)
    };
    let mut tasks: Vec<_> = listed["tasks"].as_array().unwrap().iter().map(task).collect();
    tasks.sort();
    tasks
}

/// Lets the sellers work; returns what they know in the end, and the deals they opened.
async fn work(
    site: &Site,
    tasks: &[(String, &'static str)],
) -> (BTreeMap<String, Known>, Vec<String>) {
    let made_at = site.now();
    let all = tasks.iter().enumerate();
    let mut moves: Vec<Move> =
        all.flat_map(|(place, (task, owner))| plan(place, task, owner)).collect();
    moves.sort_by_key(|one| one.minute);
    let mut known: BTreeMap<String, Known> = tasks
        .iter()
        .map(|(task, owner)| {
            // All of it is before nine o'clock, when working time begins: nothing of it is worked.
            let known = Known { owner: (*owner).into(), due: Some(DUE), ..Known::default() };
            (task.clone(), known)
        })
        .collect();
    let mut deals = Vec::new();
    for one in &moves {
        site.advance(made_at + TimeDelta::minutes(one.minute) - site.now());
        let after = make(site, one, made_at).await;
        let note = known.get_mut(&one.task).unwrap();
        match one.verb {
            "contact" if one.body["result"] == "reached" => {
                note.contact = note.contact.or(Some(one.minute));
            }
            "done" => {
                let outcomes = ["interested", "solved", "not-interested"];
                let outcome = outcomes.into_iter().find(|word| one.body["outcome"] == *word);
                note.closed = outcome.map(|outcome| (one.minute, outcome));
                deals.extend(after["deal"]["id"].as_str().map(str::to_owned));
            }
            "dismiss" => note.closed = Some((one.minute, "dismissed")),
            "hand-over" => {
                let to = one.body["to"].as_str().unwrap();
                note.owner = to.to_owned();
            }
            "back-fill" => {
                let id = &after["back_fills"][0]["id"];
                let (verb, body) = ("approve-back-fill", json!({"id": id}));
                let approval = Move { who: MANAGER, verb, body, ..one.clone() };
                make(site, &approval, made_at).await;
                note.told_later = Some(30);
            }
            _ => {}
        }
    }
    (known, deals)
}

/// Returns a site with `sellers` of `team` and their `manager`, whose time is `at`.
pub(super) async fn peopled(
    at: DateTime<Utc>,
    team: &str,
    (sellers, manager): (&[&str], &str),
) -> Site {
    let site = Site::new().await;
    site.advance(at - site.now());
    let profile = |roles: &[Role], region: &str| Profile {
        roles: roles.iter().copied().collect(),
        teams: [team.to_owned()].into(),
        regions: [region.to_owned()].into(),
        ..Profile::default()
    };
    for seller in sellers {
        site.add_person(seller, profile(&[Role::Sales], "x"), "$argon2id$none").await;
    }
    let everything = profile(&[Role::Operations, Role::SalesManager], EVERYWHERE);
    site.add_person(manager, everything, "$argon2id$none").await;
    site
}

#[tokio::test]
async fn figures_of_a_day_of_sellers_are_what_the_sellers_counted() {
    let at: DateTime<Utc> = "2026-01-22T03:00:00Z".parse().unwrap();
    let site = peopled(at, "ev", (&SELLERS, MANAGER)).await;
    let events = events();
    let mut devices: Vec<String> =
        events.iter().map(|event| event["device"].as_str().unwrap().to_owned()).collect();
    devices.sort();
    devices.dedup();
    set_up(&site, &devices);

    let (mut known, deals) = with_writer(
        &site,
        Box::pin(async {
            let tasks = tasks_of(&site, &events).await;
            assert_eq!(tasks.len(), 21 * COPIES, "as the job says");
            work(&site, &tasks).await
        }),
    )
    .await;
    let age = (site.now() - at).num_minutes();
    for known in known.values_mut() {
        known.age = age;
    }
    let found = figures(&site, "by=person").await;
    assert_eq!(without_orders(&found["all"]), counted(&known.values().collect::<Vec<_>>()));
    let groups = found["groups"].as_array().unwrap();
    assert_eq!(groups.len(), SELLERS.len());
    for group in groups {
        let of_seller = known.values().filter(|known| group["name"] == known.owner);
        let of_seller: Vec<_> = of_seller.collect();
        assert_eq!(without_orders(&group["figures"]), counted(&of_seller), "{}", group["name"]);
    }
    assert_eq!(deals.len(), known.len().div_ceil(7));

    // Every second deal is won; and some buy without anybody's doing.
    let order = |number: usize, deal: Option<&String>| {
        let mut order = json!({"id": format!("O-{number}"), "line": "1", "account": "someone",
            "product": "X9", "ordered_on": "2026-01-22"});
        if let Some(deal) = deal {
            order["deal"] = json!(deal);
        }
        (format!("O-{number}|1"), order)
    };
    let won = deals.iter().step_by(2).enumerate().map(|(number, deal)| order(number, Some(deal)));
    let others = (900..905).map(|number| order(number, None));
    let orders: Vec<_> = won.chain(others).collect();
    let orders: Vec<_> = orders.iter().map(|(id, order)| (&**id, order.clone())).collect();
    keep(&site, "order", &orders).await;
    let found = figures(&site, "by=rule").await;
    let won = deals.len().div_ceil(2);
    let share = &found["groups"][0]["figures"]["orders"];
    assert_eq!((&share["count"], &share["n"]), (&json!(won), &json!(won + 5)));
}
