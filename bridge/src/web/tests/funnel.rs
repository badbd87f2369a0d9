//! Eight thousand real leads of a funnel, entered as they came: scored by what became of those before them,
//! graded, routed, worked on through the API, and counted by `/figures` and by the sellers' own notes.
//!
//! It is part of the long run (`tests/run --long`). The leads are not free for every use, so they are read
//! from beside the repository, and nothing is tested where they are not.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use axum::http::StatusCode;
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};

use super::sellers::peopled;
use super::site::{Site, bearer};
use super::tally::{Known, counted, without_orders};
use super::task_results::keep;
use super::writer::with_writer;

const SELLERS: [&str; 4] = ["sal", "sam", "sue", "sid"];
const MANAGER: &str = "max";
/// When the customer has to be contacted, in minutes, by grade.
const DUE: [(&str, i64); 2] = [("A", 120), ("B", 480)];
/// A lead that nobody won is given up after so many days.
const GIVEN_UP_AFTER: u64 = 60;
/// All of it is over by then.
const END: &str = "2018-12-31T00:00:00Z";
const RULE: &str = r#"
    id = "enquiry"
    kind = "trigger"
    title = { en = "An enquiry" }
    [when]
    pattern = "count"
    event = "enquiry"
    times = 1
    within = "1h"
    per = "device"
    [[then]]
    task = "qualify"
    title = { en = "Somebody asked to be called" }
    steps = ["call_customer"]
"#;
const SCORE: &str = r#"
    id = "funnel"
    kind = "score"
    title = { en = "Funnel" }
    grade = "abc"
    base = 64
    [[factor]]
    id = "won"
    title = { en = "Others who came by that page and that way were interested" }
    of = "outcomes"
    is = ["interested"]
    points = 6
    max = 36
    half_life = "120d"
    [[factor]]
    id = "lost"
    title = { en = "Others who came so wanted nothing" }
    of = "outcomes"
    is = ["not-interested"]
    points = "-0.6"
    max = 40
    half_life = "60d"
"#;
const GRADE: &str = include_str!("../../../../deploy/rules/leads/abc.toml");
const SLA: &str = r#"
    id = "service"
    kind = "sla"
    title = { en = "By when" }
    [[clock]]
    grade = "A"
    contact_within = "2h"
    [[clock.rung]]
    after = "at once"
    tell = ["manager"]
    [[clock]]
    grade = "B"
    contact_within = "8h"
    [[clock.rung]]
    after = "at once"
    tell = ["manager"]
    [[clock]]
    grade = "C"
"#;
const ROUTE: &str = r#"
    id = "by-grade"
    kind = "route"
    title = { en = "By grade" }
    [[line]]
    grade = ["A"]
    to = "account-owner, else pool:desk"
    channel = "own"
    [[line]]
    grade = ["B"]
    product = ["paid search", "organic search", "direct traffic"]
    to = "round-robin:search, else pool:desk"
    channel = "own"
    [[line]]
    grade = ["B"]
    to = "round-robin:others, else pool:desk"
    channel = "own"
    [[line]]
    to = "pool:desk"
    channel = "nurture"
    [[team]]
    team = "search"
    member = [{ person = "sal", capacity = 150 }, { person = "sam", capacity = 100 }]
    [[team]]
    team = "others"
    member = [{ person = "sue", capacity = 120 }]
"#;
/// All of time is working time.
const CALENDAR: &str = r#"
    zone = "UTC"
    revision = "1"
    [week]
    mon = ["00:00-24:00"]
    tue = ["00:00-24:00"]
    wed = ["00:00-24:00"]
    thu = ["00:00-24:00"]
    fri = ["00:00-24:00"]
    sat = ["00:00-24:00"]
    sun = ["00:00-24:00"]
"#;

/// A lead as the source has it.
#[derive(Clone, Debug)]
struct Row {
    id: String,
    came_on: NaiveDate,
    /// The page and the way it came by, which is what later leads have in common with it.
    audience: String,
    origin: String,
    won_on: Option<NaiveDate>,
}

/// What is done with a task, at a minute of a day.
#[derive(Clone, Debug)]
struct Move {
    lead: usize,
    who: String,
    verb: &'static str,
    body: Value,
}

/// What the desk works with, and its notes.
#[derive(Debug, Default)]
struct Desk {
    rows: Vec<Row>,
    /// By the place of their leads: the task, its grade, when it was made, and what is known of it.
    tasks: BTreeMap<usize, (String, String, DateTime<Utc>, Known)>,
    moves: BTreeMap<(NaiveDate, i64), Vec<Move>>,
    orders: Vec<(String, Value)>,
}

fn read() -> Option<Vec<Row>> {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/forecast/olist_funnel.csv");
    let text = fs::read_to_string(file).ok()?;
    let day = |text: &str| text.get(..10).map(|day| day.parse::<NaiveDate>().unwrap());
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let came_on = day(cells[1]).unwrap();
        let origin = if cells[3].is_empty() { "unknown" } else { cells[3] };
        Row {
            id: cells[0].to_owned(),
            came_on,
            audience: format!("{}-{}", cells[2], origin.replace(' ', "-")),
            origin: origin.to_owned(),
            won_on: day(cells[4]).map(|won_on| won_on.max(came_on)),
        }
    };
    let mut rows: Vec<Row> = text.lines().skip(1).map(row).collect();
    rows.sort_by_key(|row| (row.came_on, row.id.clone()));
    Some(rows)
}

/// Writes the documents, and the registry: each audience is an account of a seller, each lead a device.
fn set_up(site: &Site, rows: &[Row]) {
    let people = SELLERS.map(|id| format!("{id},{id},{MANAGER},desk\n")).concat();
    let people = format!("id,name,manager,team\n{people}{MANAGER},{MANAGER},,desk\n");
    let mut accounts = "id,name,owner,consent\n".to_owned();
    let audiences: BTreeSet<&str> = rows.iter().map(|row| &*row.audience).collect();
    for (place, audience) in audiences.into_iter().enumerate() {
        writeln!(accounts, "{audience},{audience},{},yes", SELLERS[place % SELLERS.len()]).unwrap();
    }
    let mut devices = "id,model,account\n".to_owned();
    for row in rows {
        writeln!(devices, "{},{},{}", row.id, row.origin, row.audience).unwrap();
    }
    let files = [
        ("rules/enquiry.toml", RULE),
        ("rules/funnel.toml", SCORE),
        ("rules/abc.toml", GRADE),
        ("rules/service.toml", SLA),
        ("rules/by-grade.toml", ROUTE),
        ("registry/people.csv", &people),
        ("registry/accounts.csv", &accounts),
        ("registry/devices.csv", &devices),
        ("registry/calendar.toml", CALENDAR),
    ];
    for (name, text) in files {
        fs::write(site.folder().join(name), text).unwrap();
    }
}

async fn call(site: &Site, who: &str, path: &str, body: &Value) -> Value {
    let headers = [("authorization", &*bearer(who))];
    let answer = site.call("POST", path, &headers, &body.to_string()).await;
    assert_eq!(answer.status, StatusCode::OK, "{path} {body}: {}", answer.text());
    answer.json()
}

async fn ask(site: &Site, path: &str) -> Value {
    let answer = site.get(path, &[("authorization", &bearer(MANAGER))]).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
    answer.json()
}

impl Desk {
    /// Hands in the enquiries of `day`, and takes down what came of them.
    async fn open(&mut self, site: &Site, day: NaiveDate) {
        let places = self.rows.iter().enumerate().filter(|(_, row)| row.came_on == day);
        let by_device: BTreeMap<String, usize> =
            places.map(|(place, row)| (row.id.clone(), place)).collect();
        if by_device.is_empty() {
            return;
        }
        let made_at = site.now();
        let event = |id: &String| json!({"id": format!("e-{id}"), "device": id, "kind": "enquiry", "occurred_at": made_at});
        let events: Vec<Value> = by_device.keys().map(event).collect();
        call(site, MANAGER, "/api/v1/events", &json!(events)).await;
        let listed = ask(site, &format!("/api/v1/tasks?limit={}", events.len())).await;
        let listed = listed["tasks"].as_array().unwrap();
        assert_eq!(listed.len(), events.len(), "{day}");
        for task in listed {
            let place = by_device[task["device"].as_str().unwrap()];
            let id = task["id"].as_str().unwrap();
            let owner = task["owner"].as_str().unwrap().to_owned();
            let grade = ask(site, &format!("/api/v1/tasks/{id}/lead")).await["grade"].clone();
            let grade = grade.as_str().unwrap().to_owned();
            let due = DUE.iter().find(|(known, _)| *known == grade).map(|(_, minutes)| *minutes);
            self.plan((place, &grade, &owner), day);
            let known = Known { owner, due, ..Known::default() };
            self.tasks.insert(place, (id.to_owned(), grade, made_at, known));
        }
    }

    /// Plans what is done with a lead that came on `day`.
    fn plan(&mut self, (lead, grade, owner): (usize, &str, &str), day: NaiveDate) {
        let row = self.rows[lead].clone();
        let is_pooled = owner.starts_with("pool:");
        let seller = if is_pooled { SELLERS[lead % SELLERS.len()] } else { owner };
        let mut then = |day: NaiveDate, minute: usize, who: &str, verb, body| {
            let at = (day, i64::try_from(minute).unwrap());
            let one = Move { lead, who: who.to_owned(), verb, body };
            self.moves.entry(at).or_default().push(one);
        };
        let reached = json!({"channel": "phone", "result": "reached"});
        // Whoever has it calls on the day, one in eleven too late; the pool's are called when they ask again.
        if is_pooled {
            if let Some(won_on) = row.won_on {
                then(won_on, 700, seller, "claim", json!({}));
                then(won_on, 710, seller, "contact", reached);
            }
        } else {
            let late = if lead % 11 == 0 { 500 } else { 0 };
            let spread = if grade == "A" { 110 } else { 300 };
            then(day, 5 + late + lead % spread, seller, "contact", reached);
        }
        let given_up_on = day + Days::new(GIVEN_UP_AFTER);
        if let Some(won_on) = row.won_on {
            then(won_on, 900, seller, "done", json!({"outcome": "interested"}));
        } else if is_pooled {
            then(given_up_on, 0, MANAGER, "dismiss", json!({"reason": "never asked again"}));
        } else {
            then(given_up_on, 0, seller, "done", json!({"outcome": "not-interested"}));
        }
    }

    /// Does what is planned for `day`.
    async fn work(&mut self, site: &Site, day: NaiveDate, from: DateTime<Utc>) {
        while let Some(entry) = self.moves.first_entry() {
            let (on, minute) = *entry.key();
            if day < on {
                return;
            }
            let moves = entry.remove();
            let at = from + TimeDelta::minutes(minute);
            site.advance(at - site.now());
            for one in moves {
                self.make(site, one).await;
            }
        }
    }

    async fn make(&mut self, site: &Site, one: Move) {
        let (task, _, made_at, known) = self.tasks.get_mut(&one.lead).unwrap();
        let path = format!("/api/v1/tasks/{task}/{}", one.verb);
        let after = call(site, &one.who, &path, &one.body).await;
        let minute = (site.now() - *made_at).num_minutes();
        match one.verb {
            "claim" => known.owner.clone_from(&one.who),
            "contact" => (known.contact, known.worked) = (Some(minute), minute),
            "dismiss" => known.closed = Some((minute, "dismissed")),
            _ => {
                let is_won = one.body["outcome"] == "interested";
                let word = if is_won { "interested" } else { "not-interested" };
                known.closed = Some((minute, word));
                if is_won {
                    let row = &self.rows[one.lead];
                    let order = json!({"id": row.id, "line": "1", "account": row.audience,
                        "product": "plan", "ordered_on": site.now().date_naive(),
                        "deal": after["deal"]["id"]});
                    self.orders.push((format!("{}|1", row.id), order));
                }
            }
        }
    }

    /// Returns what is known of the tasks that `keep` chooses by grade and owner.
    fn of(&self, keep: impl Fn(&str, &str) -> bool) -> Vec<&Known> {
        let all = self.tasks.values();
        all.filter(|(_, grade, _, known)| keep(grade, &known.owner))
            .map(|(_, _, _, known)| known)
            .collect()
    }
}

/// Lets all leads come and be worked on, day by day.
async fn play(site: &Site, desk: &mut Desk) {
    call(site, MANAGER, "/api/v1/rules/reload", &json!({})).await;
    let mut day = desk.rows[0].came_on;
    let end: DateTime<Utc> = END.parse().unwrap();
    while day < end.date_naive() {
        let from = day.and_hms_opt(8, 0, 0).unwrap().and_utc();
        site.advance(from - site.now());
        desk.open(site, day).await;
        desk.work(site, day, from).await;
        day = day + Days::new(1);
    }
    site.advance(end - site.now());
}

#[tokio::test]
async fn figures_of_a_real_funnel_are_what_its_desk_counted() {
    let is_long = std::env::var_os("UPTURN_TEST_LONG").is_some();
    let Some(rows) = read().filter(|_| is_long) else {
        return;
    };
    let from = rows[0].came_on.and_hms_opt(0, 0, 0).unwrap().and_utc();
    let site = peopled(from, "desk", (&SELLERS, MANAGER)).await;
    set_up(&site, &rows);
    let won = rows.iter().filter(|row| row.won_on.is_some()).count();
    let mut desk = Desk { rows, ..Desk::default() };
    with_writer(&site, Box::pin(play(&site, &mut desk))).await;
    assert_eq!((desk.tasks.len(), desk.moves.len()), (8_000, 0));
    let end = site.now();
    for (_, _, made_at, known) in desk.tasks.values_mut() {
        known.age = (end - *made_at).num_minutes();
    }
    let orders: Vec<_> = desk.orders.iter().map(|(id, order)| (&**id, order.clone())).collect();
    keep(&site, "order", &orders).await;

    let period = "from=2017-06-01&until=2018-12-31&window=365";
    let found = ask(&site, &format!("/api/v1/figures?{period}&by=grade")).await;
    assert_eq!(without_orders(&found["all"]), counted(&desk.of(|_, _| true)));
    assert_eq!(found["all"]["orders"]["count"], json!(won));
    let mut converted = BTreeMap::new();
    for group in found["groups"].as_array().unwrap() {
        let name = group["name"].as_str().unwrap();
        let expected = counted(&desk.of(|grade, _| grade == name));
        assert_eq!(without_orders(&group["figures"]), expected, "{name}");
        converted.insert(name, group["figures"]["converted"]["permille"].as_u64().unwrap());
    }
    // What became of the leads before tells something of those that come.
    assert!(converted["B"] < converted["A"] && converted["C"] < converted["A"], "{converted:?}");

    let found = ask(&site, &format!("/api/v1/figures?{period}&by=person")).await;
    for group in found["groups"].as_array().unwrap() {
        let name = group["name"].as_str().unwrap();
        let expected = counted(&desk.of(|_, owner| owner == name));
        assert_eq!(without_orders(&group["figures"]), expected, "{name}");
    }
}
