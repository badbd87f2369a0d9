//! Every route against every role: the table is `matrix.txt`, and no route may be missing there.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::json;

use super::site::{Answer, Site, bearer, task};
use super::writer::with_writer;
use crate::auth::person::Profile;
use crate::auth::role::Role;
use crate::store::dead_letter::NewDeadLetter;

const TABLE: &str = include_str!("matrix.txt");

/// A line of the table.
#[derive(Debug)]
struct Case {
    method: &'static str,
    /// As the routes have it.
    route: &'static str,
    /// With its parts filled in.
    path: &'static str,
    body: &'static str,
    /// What each role gets, in the order of the heading.
    expected: Vec<u16>,
}

/// Who asks, in the order of the columns.
const COLUMNS: [&str; 9] = [
    "nobody",
    "none",
    "admin",
    "operations",
    "sales",
    "manager",
    "regional",
    "logistics",
    "auditor",
];

fn table() -> Vec<Case> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut lines = lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let heading = lines.next().unwrap();
    assert_eq!(heading[4..], COLUMNS, "the heading");
    let case = |cells: Vec<&'static str>| {
        let expected = cells[4..].iter().map(|cell| cell.parse().unwrap()).collect();
        Case { method: cells[0], route: cells[1], path: cells[2], body: cells[3], expected }
    };
    lines.map(case).collect()
}

/// Returns a site with somebody of each column, a task of each of them, and others'.
async fn peopled() -> Site {
    let site = Site::new().await;
    let profile = |roles: &[Role], teams: &[&str], regions: &[&str]| Profile {
        roles: roles.iter().copied().collect(),
        teams: teams.iter().map(|team| (*team).to_owned()).collect(),
        regions: regions.iter().map(|region| (*region).to_owned()).collect(),
        ..Profile::default()
    };
    let people = [
        ("none", profile(&[], &["advisors"], &["east"])),
        ("admin", profile(&[Role::Admin], &["advisors"], &["*"])),
        ("operations", profile(&[Role::Operations], &[], &[])),
        ("sales", profile(&[Role::Sales], &["advisors"], &["east"])),
        ("manager", profile(&[Role::SalesManager], &["advisors"], &[])),
        ("regional", profile(&[Role::SalesManager], &[], &["east"])),
        ("logistics", profile(&[Role::Logistics], &["depot"], &["east"])),
        ("auditor", profile(&[Role::Auditor], &[], &[])),
        ("other", profile(&[Role::Sales], &[], &[])),
    ];
    for (id, profile) in people {
        site.add_person(id, profile, "$argon2id$none").await;
    }
    let owners = [
        ("own", "sales"),
        ("pool", "pool:advisors"),
        ("depot", "pool:depot"),
        ("east", "other"),
        ("far", "other"),
    ];
    site.add(owners.map(|(id, owner)| {
        let mut task = task(id, site.now(), 5, Some(TimeDelta::hours(1)));
        task.scope = id.into();
        task.owner = owner.into();
        task
    }))
    .await;
    let mut tx = site.store.begin().await.unwrap();
    let region = "east";
    let task = upturn_core::id::TaskId::from_text(region);
    crate::store::task::set_region(&mut tx, &task, region).await.unwrap();
    tx.commit().await.unwrap();
    let own = json!({ "id": "own", "owner": "sales", "stage": "new" }).to_string();
    let own = crate::store::record::StoredRecord { id: "own".into(), document: own };
    let mut tx = site.store.begin().await.unwrap();
    crate::store::record::write(&mut tx, "deal", &[own], site.now(), "test").await.unwrap();
    tx.commit().await.unwrap();
    let letter = NewDeadLetter {
        received_at: site.now(),
        topic: "t".into(),
        payload: "x".into(),
        source: None,
        code: "c",
        reason: "r".into(),
    };
    site.add_letters(&[letter]).await;
    site
}

/// Sends the request of `case` as `who`: to pages by a session, to the API by a token.
async fn ask(site: &Site, case: &Case, who: &str) -> Answer {
    let path = case.path.replace("{me}", who);
    if path.starts_with("/api/") || path == "/live" || path.starts_with("/tasks/new") {
        let authorization = bearer(who);
        let headers = [("authorization", &*authorization)];
        let headers = if who == "nobody" { &[][..] } else { &headers[..] };
        return site.call(case.method, &path, headers, case.body).await;
    }
    let cookie = if who == "nobody" { String::new() } else { site.enter(who).await };
    let headers = [("cookie", &*cookie), ("origin", "http://upturn.test")];
    match case.method {
        "GET" => site.get(&path, &headers).await,
        "POST" => site.post(&path, case.body, &headers).await,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn each_role_gets_what_the_table_says_and_nothing_else() {
    let mut wrong = Vec::new();
    for case in table() {
        // What changes something changes it for the next one too, so each line has a site of its own.
        let is_changing = case.method != "GET";
        let mut site = peopled().await;
        for (column, expected) in COLUMNS.into_iter().zip(&case.expected) {
            if is_changing {
                site = peopled().await;
            }
            let status = if case.path == "/live" {
                // Whoever is let in is told for ten minutes.
                let watching = ask(&site, &case, column);
                let told = tokio::time::timeout(std::time::Duration::from_millis(300), watching);
                told.await.map_or(200, |answer| answer.status.as_u16())
            } else {
                with_writer(&site, ask(&site, &case, column)).await.status.as_u16()
            };
            if status != *expected {
                wrong.push(format!(
                    "{} {} as {column}: {status}, not {expected}",
                    case.method, case.path
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn no_route_is_missing_from_the_table() {
    let listed: BTreeSet<String> =
        table().iter().map(|case| format!("{} {}", case.method, case.route)).collect();
    let site = peopled().await;
    let document =
        site.get("/api/v1/openapi.json", &[("authorization", &bearer("auditor"))]).await.json();
    let mut served = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            served.insert(format!("{} {path}", method.to_ascii_uppercase()));
        }
    }
    // The pages, as the program's own text registers them.
    let source: String = include_str!("../../web.rs").split_whitespace().collect();
    for route in source.split(".route(\"").skip(1) {
        let (path, rest) = route.split_once("\",").unwrap();
        let handlers = rest.split(".route(").next().unwrap();
        for (method, word) in [("GET", "get("), ("POST", "post(")] {
            if handlers.starts_with(word) || handlers.contains(&format!(".{word}")) {
                served.insert(format!("{method} {path}"));
            }
        }
    }
    assert!(40 < served.len(), "{served:?}");
    let missing: Vec<_> = served.difference(&listed).collect();
    assert!(missing.is_empty(), "not in matrix.txt: {missing:?}");
    let gone: Vec<_> = listed.difference(&served).collect();
    assert!(gone.is_empty(), "in matrix.txt, but not served: {gone:?}");
}

#[tokio::test]
async fn lists_counts_and_news_know_only_what_is_in_sight() {
    let site = peopled().await;
    let cases: [(&str, &[&str]); 6] = [
        ("operations", &["depot", "east", "far", "own", "pool"]),
        ("sales", &["own", "pool"]),
        ("manager", &["own", "pool"]),
        ("regional", &["east"]),
        ("logistics", &["depot"]),
        ("auditor", &["depot", "east", "far", "own", "pool"]),
    ];
    let counts: BTreeMap<&str, usize> =
        cases.iter().map(|(who, seen)| (*who, seen.len())).collect();
    for (who, seen) in cases {
        let authorization = bearer(who);
        let headers = [("authorization", &*authorization)];
        let listed = site.get("/api/v1/tasks", &headers).await.json();
        let mut ids: Vec<_> = listed["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| task["id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        assert_eq!(ids, seen, "case: {who}");
        let news = site.get("/tasks/new", &headers).await.json();
        assert_eq!(news["count"], counts[who], "case: {who}");
        let cookie = site.enter(who).await;
        let page = site.get("/tasks?owner=other", &[("cookie", &cookie)]).await;
        assert_eq!(page.status, StatusCode::OK);
        let of_other = seen.iter().filter(|id| ["east", "far"].contains(id)).count();
        let count = format!("<span class=\"count\">{of_other}</span>");
        assert!(page.text().contains(&count), "case: {who}: {}", page.text());
    }
}
