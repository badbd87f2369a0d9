//! Records over HTTP: written once, by one of many, and in force at a place in the log.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};
use upturn_core::id::DeviceId;
use upturn_core::registry::{Account, Registry};

use super::api::assert_problem;
use super::site::{Answer, NAME, Site, bearer};
use super::writer::{with_folder, with_writer};
use crate::runtime::MEMORY;
use crate::runtime::recovery;
use crate::store::audit;
use crate::store::registry_change;
use crate::store::unknown_device::{self, Sighting};

async fn call(
    site: &Site,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Answer {
    let token = bearer(NAME);
    let mut all = vec![("authorization", &*token)];
    all.extend(headers);
    let body = if body.is_null() { String::new() } else { body.to_string() };
    site.call(method, path, &all, &body).await
}

/// Returns the status of a request, and of its answer what stands under `pointer`.
async fn told(site: &Site, what: (&str, &str), body: &Value, pointer: &str) -> (u16, Value) {
    let answer = call(site, what.0, what.1, &[], body).await;
    let value = answer.json().pointer(pointer).cloned().unwrap_or_default();
    (answer.status.as_u16(), value)
}

#[tokio::test]
async fn what_is_written_is_in_force_and_in_the_log() {
    let site = Site::with_user().await;
    with_writer(&site, async {
        let account = json!({ "name": "Nord Strom GmbH", "phone": "030 1234567", "country": "DE" });
        let found =
            told(&site, ("PUT", "/api/v1/records/account/a-1"), &account, "/records/0").await;
        let expected = json!({ "id": "a-1", "revision": 1, "created": true, "changed": true });
        assert_eq!(found, (200, expected));
        let sites = json!({ "records": [
            { "id": "s-1", "name": "North", "account": "a-1", "region": "east" },
            { "id": "s-2", "name": "South" },
        ] });
        assert_eq!(
            told(&site, ("POST", "/api/v1/records/site"), &sites, "/records/1/revision").await,
            (200, json!(1))
        );
        let device = json!({ "model": "X7", "site": "s-1" });
        call(&site, "PUT", "/api/v1/records/device/cp-1", &[], &device).await;
        // The same again is no change.
        let again =
            told(&site, ("PUT", "/api/v1/records/device/cp-1"), &device, "/records/0").await;
        let expected = json!({ "id": "cp-1", "revision": 1, "created": false, "changed": false });
        assert_eq!(again, (200, expected));
        let twin = json!({ "name": "NORD STROM", "phone": "+49 (0)30 123 45 67" });
        let (_, warnings) =
            told(&site, ("PUT", "/api/v1/records/account/a-2"), &twin, "/warnings").await;
        assert_eq!(warnings.as_array().unwrap().len(), 2, "{warnings}");
        let twins = call(&site, "GET", "/api/v1/duplicates", &[], &Value::Null).await.json();
        assert_eq!(twins["duplicates"][0]["what"], "company");
        assert_eq!(twins["duplicates"][1]["value"], "+49301234567");

        let used = call(&site, "DELETE", "/api/v1/records/account/a-1", &[], &Value::Null).await;
        assert_problem(&used, StatusCode::CONFLICT, "record-state");
        assert!(used.json()["detail"].as_str().unwrap().contains("site s-1 names it"));
        let gone = call(&site, "DELETE", "/api/v1/records/account/a-2", &[], &Value::Null).await;
        assert_eq!(gone.status, StatusCode::OK, "{}", gone.text());
        let gone = call(&site, "GET", "/api/v1/records/account/a-2", &[], &Value::Null).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND);
    })
    .await;
    // Folded again, the log gives the same.
    let fold = recovery::recover(&site.store, MEMORY).await.unwrap();
    let registry = fold.engine.registry();
    let device = DeviceId::new("cp-1").unwrap();
    assert_eq!(registry.known().find_account_of(&device), Some("a-1"));
    assert_eq!(registry.accounts.keys().map(|id| &**id).collect::<Vec<_>>(), ["a-1"]);
    let trail = audit::of_subject(&site.store, "account").await.unwrap();
    let actions: Vec<_> = trail.iter().map(|entry| &*entry.action).collect();
    assert_eq!(actions, ["records-written", "records-written", "records-removed"]);
    assert!(trail.iter().all(|entry| entry.actor == NAME));
}

#[tokio::test]
async fn what_another_record_names_stays() {
    let site = Site::with_user().await;
    with_writer(&site, async {
        let line = json!({ "account": "a", "product": "p-1", "quantity": "2", "amount": "9.50",
            "currency": "EUR", "ordered_on": "2026-01-05", "deal": "d-1" });
        let shipment =
            json!({ "quantity": "2", "from": "N", "to": "S", "shipped_on": "2026-01-05" });
        let written = [
            ("account/a", json!({ "name": "Nord" })),
            ("device/cp-1", json!({ "model": "X7" })),
            ("product/p-1", json!({ "name": "Charger" })),
            ("product/p-10", json!({ "name": "Cable" })),
            ("stock/p-1%7Cnorth", json!({ "on_hand": "3" })),
            ("installed/cp-1", json!({ "product": "p-1" })),
            ("price/base%7Cp-1%7CEUR%7C2026-01-01", json!({ "unit_price": "9.50" })),
            ("shipment/sh-1%7Cp-1", shipment),
            ("plan/w-1", json!({ "product": "p-1", "quantity": "2", "due_on": "2026-02-01", "state": "planned" })),
            ("deal/d-1", json!({ "account": "a", "stage": "new", "opened_on": "2026-01-05" })),
            ("order/o-1%7C1", line),
        ];
        for (path, body) in &written {
            let path = format!("/api/v1/records/{path}");
            let answer = call(&site, "PUT", &path, &[], body).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
        }
        // What is removed, in this order, and what names it until then.
        let steps = [
            ("account/a", Some("deal d-1")),
            ("device/cp-1", Some("installed cp-1")),
            ("deal/d-1", Some("order o-1|1")),
            ("product/p-10", None),
            ("product/p-1", Some("installed cp-1")),
            ("installed/cp-1", None),
            ("device/cp-1", None),
            ("product/p-1", Some("order o-1|1")),
            ("order/o-1%7C1", None),
            ("deal/d-1", None),
            ("account/a", None),
            ("product/p-1", Some("plan w-1")),
            ("plan/w-1", None),
            ("product/p-1", Some("price base|p-1|EUR|2026-01-01")),
            ("price/base%7Cp-1%7CEUR%7C2026-01-01", None),
            ("product/p-1", Some("shipment sh-1|p-1")),
            ("shipment/sh-1%7Cp-1", None),
            ("product/p-1", Some("stock p-1|north")),
            ("stock/p-1%7Cnorth", None),
            ("product/p-1", None),
        ];
        for (path, by) in steps {
            let path = format!("/api/v1/records/{path}");
            let answer = call(&site, "DELETE", &path, &[], &Value::Null).await;
            let Some(by) = by else {
                assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text());
                continue;
            };
            assert_problem(&answer, StatusCode::CONFLICT, "record-state");
            assert!(answer.text().contains(&format!("{by} names it")), "{path}: {}", answer.text());
        }
    })
    .await;
}

#[tokio::test]
async fn a_record_over_a_row_of_the_folder_is_removed_though_something_names_it() {
    let site = Site::with_user().await;
    let mut folder = Registry::default();
    let account = Account { name: "Nord, by the file".into(), owner: None, consent: None };
    folder.accounts.insert("a".into(), account);
    let requests = Box::pin(async {
        for (path, body) in [
            ("account/a", json!({ "name": "Nord, by the record" })),
            ("device/cp-1", json!({ "model": "X7", "account": "a" })),
        ] {
            call(&site, "PUT", &format!("/api/v1/records/{path}"), &[], &body).await;
        }
        let gone = call(&site, "DELETE", "/api/v1/records/account/a", &[], &Value::Null).await;
        assert_eq!(gone.status, StatusCode::OK, "{}", gone.text());
    });
    Box::pin(with_folder(&site, folder, requests)).await;
    let fold = recovery::recover(&site.store, MEMORY).await.unwrap();
    let device = DeviceId::new("cp-1").unwrap();
    let known = fold.engine.registry().known();
    let account = known.account(known.find_account_of(&device).unwrap()).unwrap();
    assert_eq!(&*account.name, "Nord, by the file");
}

#[tokio::test]
async fn a_request_with_a_key_is_done_once() {
    let site = Site::with_user().await;
    with_writer(&site, async {
        let path = "/api/v1/records/site/s-1";
        let key = [("idempotency-key", "k-1")];
        let body = json!({ "name": "North" });
        let first = call(&site, "PUT", path, &key, &body).await;
        assert_eq!((first.status, first.header("etag")), (StatusCode::OK, "\"1\""));
        call(&site, "PUT", path, &[], &json!({ "name": "Middle" })).await;
        let again = call(&site, "PUT", path, &key, &body).await;
        assert_eq!(again.json(), first.json());
        let now = call(&site, "GET", path, &[], &Value::Null).await;
        assert_eq!(
            (now.json()["record"]["name"].clone(), now.header("etag")),
            (json!("Middle"), "\"2\"")
        );
        let other = call(&site, "PUT", path, &key, &json!({ "name": "South" })).await;
        assert_problem(&other, StatusCode::UNPROCESSABLE_ENTITY, "wrong-records");
    })
    .await;
}

#[tokio::test]
async fn of_fifty_at_once_one_writes() {
    let site = Site::with_user().await;
    with_writer(&site, async {
        let path = "/api/v1/records/site/s-1";
        call(&site, "PUT", path, &[], &json!({ "name": "North" })).await;
        let mut tries = tokio::task::JoinSet::new();
        for number in 0..50 {
            let site = site.clone();
            tries.spawn(async move {
                let body = json!({ "name": format!("North {number}") });
                call(&site, "PUT", path, &[("if-match", "\"1\"")], &body).await.status
            });
        }
        let mut counts: BTreeMap<u16, usize> = BTreeMap::new();
        for status in tries.join_all().await {
            *counts.entry(status.as_u16()).or_default() += 1;
        }
        assert_eq!(counts, [(200, 1), (409, 49)].into());
        let new =
            call(&site, "PUT", path, &[("if-none-match", "*")], &json!({ "name": "x" })).await;
        assert_problem(&new, StatusCode::CONFLICT, "record-state");
    })
    .await;
}

#[tokio::test]
async fn all_that_is_wrong_is_told_and_nothing_is_written() {
    let site = Site::with_user().await;
    with_writer(&site, async {
        let body = json!({ "records": [
            { "id": "s-1", "name": "North" },
            { "id": "s-1", "name": "=1+1", "colour": "red" },
            { "id": "s-1", "name": "Again", "account": "nobody" },
            { "id": "s-2", "name": 1.5 },
        ] });
        let answer = call(&site, "POST", "/api/v1/records/site", &[], &body).await;
        assert_problem(&answer, StatusCode::UNPROCESSABLE_ENTITY, "wrong-records");
        let problem = answer.json();
        let errors: Vec<_> = problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| format!("{}: {}", error["index"], error["detail"].as_str().unwrap()))
            .collect();
        let expected = [
            "1: 'colour' is no column; there are id, name, account, region",
            "1: 'name' is \"=1+1\"; that is a formula; export the table with values",
            "2: \"s-1\" stands at 0 too; send it once",
            "2: 'account' names \"nobody\", which accounts does not have; import its record first: \
             upturn records import account",
            "3: 'name' is no text; write up to 500 characters",
            "3: 'name' is empty; fill it in",
        ];
        assert_eq!(errors, expected);
        let listed = call(&site, "GET", "/api/v1/records/site", &[], &Value::Null).await.json();
        assert_eq!(listed["records"], json!([]));
        let wrong =
            call(&site, "PUT", "/api/v1/records/site/s-1", &[], &json!({ "id": "s-2" })).await;
        assert_problem(&wrong, StatusCode::UNPROCESSABLE_ENTITY, "wrong-records");
        let nothing = call(&site, "GET", "/api/v1/records/nothing", &[], &Value::Null).await;
        assert_problem(&nothing, StatusCode::NOT_FOUND, "not-found");
    })
    .await;
}

#[tokio::test]
async fn an_unknown_device_is_listed_until_it_is_adopted() {
    let site = Site::with_user().await;
    let mut tx = site.store.begin().await.unwrap();
    let sighting = |messages| Sighting { topic: "chargers/cp-9/ocpp".to_owned(), messages };
    let device = DeviceId::new("cp-9").unwrap();
    for messages in [2, 3] {
        let seen = [(device.clone(), sighting(messages))].into();
        unknown_device::note(&mut tx, &seen, site.now()).await.unwrap();
    }
    tx.commit().await.unwrap();
    with_writer(&site, async {
        let listed = call(&site, "GET", "/api/v1/unknown-devices", &[], &Value::Null).await.json();
        let expected = json!({
            "device": "cp-9", "topic": "chargers/cp-9/ocpp", "messages": 5,
            "first_seen_at": "2025-03-05T12:00:00.000Z", "last_seen_at": "2025-03-05T12:00:00.000Z",
        });
        assert_eq!(listed, json!({ "count": 1, "devices": [expected] }));
        call(&site, "PUT", "/api/v1/records/device/cp-9", &[], &json!({ "model": "X7" })).await;
        let listed = call(&site, "GET", "/api/v1/unknown-devices", &[], &Value::Null).await.json();
        assert_eq!(listed["count"], 0);
    })
    .await;
}

#[tokio::test]
async fn what_is_imported_beside_the_writer_comes_into_force_at_once() {
    let site = Site::with_user().await;
    Box::pin(with_writer(&site, async {
        let mut tx = site.store.begin().await.unwrap();
        let rows: Vec<_> = (0..1_200)
            .map(|number| crate::store::record::StoredRecord {
                id: format!("cp-{number}"),
                document: json!({ "id": format!("cp-{number}"), "model": "X7" }).to_string(),
            })
            .collect();
        for rows in rows.chunks(500) {
            crate::store::record::write(&mut tx, "device", rows, site.now(), "x").await.unwrap();
        }
        for row in &rows {
            registry_change::note(&mut tx, "device", &row.id).await.unwrap();
        }
        tx.commit().await.unwrap();
        while registry_change::is_any(&site.store).await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }))
    .await;
    let fold = recovery::recover(&site.store, MEMORY).await.unwrap();
    assert_eq!(fold.engine.registry().devices.len(), 1_200);
    assert_eq!(fold.cursor, 1, "one input for all of them");
}
