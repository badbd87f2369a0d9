//! What comes of tasks: deals and coupons.

use std::sync::Arc;

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};
use upturn_core::id::TaskId;

use super::api::{assert_problem, get};
use super::site::{Answer, NAME, Site, bearer, task};
use super::writer::with_writer;
use crate::auth::person::Profile;
use crate::auth::role::Role;
use crate::delivery::testing::{Recorder, destination, routing};
use crate::store::outbox;
use crate::store::record::{self, StoredRecord};
use crate::store::task_deal;

async fn say(site: &Site, path: &str, body: &Value) -> Answer {
    let path = format!("/api/v1/tasks/{path}");
    site.call("POST", &path, &[("authorization", &bearer(NAME))], &body.to_string()).await
}

/// Keeps records of `kind`, each with its key.
pub(super) async fn keep(site: &Site, kind: &str, records: &[(&str, Value)]) {
    let mut tx = site.store.begin().await.unwrap();
    let records: Vec<_> = records
        .iter()
        .map(|(id, document)| StoredRecord { id: (*id).into(), document: document.to_string() })
        .collect();
    record::write(&mut tx, kind, &records, site.now(), "test").await.unwrap();
    tx.commit().await.unwrap();
}

/// A site whose charger EVSE-0042 is an X7, which the X9 took the place of, at one price.
async fn site() -> Site {
    let site = Site::with_user().await;
    keep(&site, "installed", &[("EVSE-0042", json!({"device": "EVSE-0042", "product": "X7"}))])
        .await;
    let products = [
        ("X7", json!({"id": "X7", "name": "Charger X7", "replaced_by": "X8"})),
        ("X8", json!({"id": "X8", "name": "Charger X8", "replaced_by": "X9"})),
        ("X9", json!({"id": "X9", "name": "Charger X9"})),
    ];
    keep(&site, "product", &products).await;
    let price = |list: &str, from: &str, unit: &str| {
        json!({"list": list, "product": "X9", "currency": "EUR", "valid_from": from,
            "unit_price": unit})
    };
    let prices = [
        ("eu|X9|EUR|2025-01-01", price("eu", "2025-01-01", "1890.10")),
        ("eu|X9|EUR|2026-01-01", price("eu", "2026-01-01", "1990.00")),
    ];
    keep(&site, "price", &prices).await;
    site
}

#[tokio::test]
async fn closing_as_interested_opens_one_deal_with_its_replacement_and_price() {
    let site = site().await;
    site.add([task("t1", site.now(), 5, None)]).await;
    let crm = destination("crm", Arc::<Recorder>::default());
    site.delivery.send_replace(routing(vec![crm]));
    let interested = json!({"outcome": "interested"});
    with_writer(&site, async {
        let done = say(&site, "t1/done", &interested).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        let again = say(&site, "t1/done", &interested).await;
        assert_problem(&again, StatusCode::CONFLICT, "task-closed");
    })
    .await;
    let found = get(&site, "/api/v1/tasks/t1").await.json();
    let deal = &found["deal"];
    let told = ["account", "opened_by", "replaces", "product", "gap", "contradicted_at"]
        .map(|name| deal[name].clone());
    assert_eq!(json!(told), json!(["greenfleet", NAME, "X7", "X9", null, null]));
    assert_eq!(deal["prices"][0]["unit_price"], "1890.10");
    assert_eq!(deal["evidence"], json!(["t1-e1", "t1-e2", "t1-e3"]));
    let id = deal["id"].as_str().unwrap();
    let kept = record::page(&site.store, "deal", "", 9).await.unwrap();
    let [kept] = &*kept else { panic!("{kept:?}") };
    let document: Value = serde_json::from_str(&kept.document).unwrap();
    let expected = json!({
        "id": id, "account": "greenfleet", "stage": "new", "opened_on": "2025-03-05",
        "product": "X9", "quantity": "1", "amount": "1890.10", "currency": "EUR",
        "device": "EVSE-0042", "task": "t1",
    });
    assert_eq!(document, expected);

    let mut letters = Vec::new();
    let until = site.now() + TimeDelta::minutes(5);
    while let Some(letter) = outbox::claim(&site.store, "crm", site.now(), until).await.unwrap() {
        letters.push((letter.kind.clone(), letter.subject.clone(), letter.body.clone()));
    }
    let opened = letters.iter().find(|(kind, ..)| kind == "deal-opened").expect("a letter");
    assert_eq!((&*opened.1, &opened.2["price"]["currency"]), (id, &json!("EUR")));
    let page = site.page("/tasks/t1").await;
    let link = format!("<a href=\"/deals/{id}\">");
    for expected in [&*link, "X9 takes the place of X7", "1890.10 EUR", "Deal opened"] {
        assert!(page.text().contains(expected), "{expected} is missing in {}", page.text());
    }

    let (id, mut tx) = ("t1", site.store.begin().await.unwrap());
    task_deal::contradict(&mut tx, &TaskId::from_text(id), site.now()).await.unwrap();
    tx.commit().await.unwrap();
    let page = site.page("/tasks/t1?lang=zh").await;
    assert!(page.text().contains("迟到的数据与此任务不符。继续"), "{}", page.text());
}

#[tokio::test]
async fn what_is_not_known_of_a_replacement_is_said_and_other_outcomes_open_nothing() {
    let site = Site::with_user().await;
    let mut stranger = task("stranger", site.now(), 5, None);
    (stranger.account, stranger.scope) = (None, "other".into());
    site.add([task("bare", site.now(), 5, None), stranger]).await;
    let mut solved = task("solved", site.now(), 5, None);
    solved.scope = "third".into();
    site.add([solved]).await;
    with_writer(&site, async {
        for (id, outcome) in
            [("bare", "interested"), ("stranger", "interested"), ("solved", "solved")]
        {
            let done = say(&site, &format!("{id}/done"), &json!({"outcome": outcome})).await;
            assert_eq!(done.status, StatusCode::OK, "{}", done.text());
        }
    })
    .await;
    let bare = get(&site, "/api/v1/tasks/bare").await.json();
    assert_eq!(
        (&bare["deal"]["gap"], &bare["deal"]["prices"]),
        (&json!("not-installed"), &json!([]))
    );
    let page = site.page("/tasks/bare").await;
    assert!(page.text().contains("no replacement is suggested"), "{}", page.text());
    for id in ["stranger", "solved"] {
        let found = get(&site, &format!("/api/v1/tasks/{id}")).await.json();
        assert_eq!(found["deal"], json!(null), "case: {id}");
    }
    let page = site.page("/tasks/stranger").await;
    assert!(page.text().contains("No deal opened"), "{}", page.text());
    assert_eq!(record::page(&site.store, "deal", "", 9).await.unwrap().len(), 1);
}

/// Puts contacts in the registry, a pool of `coupons` of 50.00 EUR each, and a budget of 120.00 EUR.
async fn pool(site: &Site, coupons: usize) {
    let folder = site.folder();
    let files = [
        ("registry/people.csv", "id,name\nlin,Lin\n"),
        (
            "registry/accounts.csv",
            "id,name,owner,consent\ngreenfleet,Greenfleet,lin,\nnever,Never,lin,no\n",
        ),
        (
            "registry/contacts.csv",
            "id,name,account,test\nann,Ann,greenfleet,no\nbob,Bob,greenfleet,no\n\
             cat,Cat,greenfleet,no\nours,Ours,greenfleet,yes\nzed,Zed,never,no\n",
        ),
        ("registry/devices.csv", "id,model,account\nEVSE-0042,X7,greenfleet\n"),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let headers = [("authorization", &*bearer(NAME))];
    let reload = site.call("POST", "/api/v1/rules/reload", &headers, "").await;
    assert_eq!(reload.status, StatusCode::OK, "{}", reload.text());
    let coupon = |n: usize| {
        let code = format!("SECRET-{n}");
        let document = json!({"campaign": "spring", "code": code, "value": "50.00",
            "currency": "EUR", "expires_on": "2025-03-05"});
        (format!("spring|{code}"), document)
    };
    let pool: Vec<_> = (1..=coupons).map(coupon).collect();
    let pool: Vec<_> = pool.iter().map(|(id, document)| (&**id, document.clone())).collect();
    keep(site, "coupon", &pool).await;
    let budget = json!({"campaign": "spring", "amount": "120.00", "currency": "EUR"});
    keep(site, "coupon-budget", &[("spring", budget)]).await;
}

/// Adds tasks of greenfleet, one for each id.
async fn add(site: &Site, ids: &[&str]) {
    let tasks = ids.iter().map(|id| {
        let mut made = task(id, site.now(), 5, None);
        made.scope = (*id).into();
        made
    });
    site.add(tasks.collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn of_fifty_who_issue_at_once_one_coupon_goes_out_and_its_code_stays_with_the_owner() {
    let site = Site::with_user().await;
    add(&site, &["t1"]).await;
    let answers = with_writer(
        &site,
        Box::pin(async {
            pool(&site, 5).await;
            let mail = destination("mail", Arc::<Recorder>::default());
            site.delivery.send_replace(routing(vec![mail]));
            let mut clients = tokio::task::JoinSet::new();
            for _ in 0..50 {
                let site = site.clone();
                clients.spawn(async move {
                    let body = json!({"contact": "ann", "address": "ann@greenfleet.example"});
                    say(&site, "t1/issue-coupon", &body).await
                });
            }
            clients.join_all().await
        }),
    )
    .await;
    let (won, lost): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!((won.len(), lost.len()), (1, 49));
    for answer in lost {
        assert_problem(&answer, StatusCode::CONFLICT, "coupon-issued");
    }
    let task = won[0].json();
    assert_eq!((&task["status"], &task["checked"]), (&json!("in-progress"), &json!([0])));
    let told = ["campaign", "contact", "value", "currency", "code"]
        .map(|name| task["coupon"][name].clone());
    assert_eq!(json!(told), json!(["spring", "ann", "50.00", "EUR", "SECRET-1"]));
    let until = site.now() + TimeDelta::minutes(5);
    let mut letters = Vec::new();
    while let Some(letter) = outbox::claim(&site.store, "mail", site.now(), until).await.unwrap() {
        letters.push(letter);
    }
    let letters: Vec<_> = letters.iter().filter(|one| one.kind == "coupon-issued").collect();
    let [letter] = &*letters else { panic!("{letters:?}") };
    assert_eq!(letter.body["text"], "SECRET-1");
    assert_eq!(letter.body.get("owner"), None, "what is for colleagues stays here");
    let recipient = letter.recipient.as_deref().unwrap();
    assert!(recipient.contains("ann@greenfleet.example") && recipient.contains("\"Ann\""));

    // Nobody else reads it: not in histories, in the trail, on pages of others.
    for path in ["/tasks/t1", "/coupons", "/audit", "/destinations/mail"] {
        let page = site.page(path).await;
        let is_owners = path == "/tasks/t1";
        assert_eq!(page.text().contains("SECRET-"), is_owners, "{path}: {}", page.text());
        assert!(!page.text().contains("@greenfleet"), "{path}");
    }
    for path in ["/api/v1/coupons", "/api/v1/audit?limit=50", "/api/v1/letters"] {
        let found = get(&site, path).await;
        assert!(!found.text().contains("SECRET-"), "{path}: {}", found.text());
    }
    let auditor = Profile { roles: [Role::Auditor].into(), ..Profile::default() };
    site.add_person("eve", auditor, "$argon2id$none").await;
    let other = site.get("/api/v1/tasks/t1", &[("authorization", &bearer("eve"))]).await;
    assert_eq!((other.status, &other.json()["coupon"]["code"]), (StatusCode::OK, &json!(null)));
}

#[tokio::test]
async fn without_an_address_a_coupon_goes_to_that_of_the_record_of_the_contact() {
    let site = Site::with_user().await;
    add(&site, &["t1"]).await;
    let bob = json!({
        "id": "bob", "name": "Bob", "account": "greenfleet", "email": "bob@greenfleet.example",
    });
    keep(&site, "contact", &[("bob", bob)]).await;
    let issued = with_writer(
        &site,
        Box::pin(async {
            pool(&site, 1).await;
            let mail = destination("mail", Arc::<Recorder>::default());
            site.delivery.send_replace(routing(vec![mail]));
            say(&site, "t1/issue-coupon", &json!({"contact": "bob"})).await
        }),
    );
    let issued = issued.await;
    assert_eq!(issued.status, StatusCode::OK, "{}", issued.text());
    let until = site.now() + TimeDelta::minutes(5);
    let letter = outbox::claim(&site.store, "mail", site.now(), until).await.unwrap().unwrap();
    assert!(letter.recipient.unwrap().contains("bob@greenfleet.example"));
}

/// Returns who asks for what in turn, and what comes of it: a status, a code and part of its sentence.
fn kept_back() -> Vec<(&'static str, Value, StatusCode, &'static str, &'static str)> {
    let (conflict, wrong) = (StatusCode::CONFLICT, StatusCode::UNPROCESSABLE_ENTITY);
    vec![
        ("t1", json!({"contact": "ours"}), wrong, "wrong-act", "no contact of the task's account"),
        ("t1", json!({"contact": "zed"}), wrong, "wrong-act", "no contact of the task's account"),
        ("t1", json!({}), wrong, "wrong-act", "several contacts, such as ann, bob, cat"),
        ("t1", json!({"contact": "ann", "address": "x"}), wrong, "wrong-act", "no e-mail"),
        (
            "t1",
            json!({"campaign": "x", "contact": "ann"}),
            conflict,
            "coupon-budget",
            "no monthly budget",
        ),
        ("stranger", json!({}), conflict, "no-consent", "has not agreed"),
        ("plain", json!({}), wrong, "wrong-act", "no step 'send_coupon'"),
        ("t1", json!({"contact": "ann"}), StatusCode::OK, "", ""),
        ("t2", json!({"contact": "ann"}), conflict, "coupon-issued", "a contact gets one"),
        ("t1", json!({"contact": "bob"}), conflict, "coupon-issued", "led to a coupon before"),
        ("t2", json!({"contact": "bob"}), StatusCode::OK, "", ""),
        (
            "t3",
            json!({"contact": "cat"}),
            conflict,
            "coupon-budget",
            "100.00 of 120.00 EUR are spent",
        ),
    ]
}

#[tokio::test]
async fn what_keeps_a_coupon_back_is_said_and_nothing_changes() {
    let site = Site::with_user().await;
    add(&site, &["t1", "t2", "t3", "t4"]).await;
    let mut stranger = task("stranger", site.now(), 5, None);
    (stranger.account, stranger.scope) = (Some("never".into()), "stranger".into());
    let mut plain = task("plain", site.now(), 5, None);
    (plain.steps, plain.scope) = (Vec::new(), "plain".into());
    site.add([stranger, plain]).await;
    with_writer(
        &site,
        Box::pin(async {
            pool(&site, 3).await;
            for (id, body, status, code, sentence) in kept_back() {
                let before = get(&site, &format!("/api/v1/tasks/{id}")).await.json();
                let answer = say(&site, &format!("{id}/issue-coupon"), &body).await;
                if status == StatusCode::OK {
                    assert_eq!(answer.status, status, "{}", answer.text());
                    continue;
                }
                assert_problem(&answer, status, code);
                assert!(answer.text().contains(sentence), "{sentence}: {}", answer.text());
                let after = get(&site, &format!("/api/v1/tasks/{id}")).await.json();
                assert_eq!(after, before, "case: {sentence}");
            }
            let found = get(&site, "/api/v1/coupons").await.json();
            let expected = json!({"campaign": "spring", "imported": 3, "issued": 2, "left": 1,
            "budget": "120.00", "currency": "EUR", "spent": "100.00"});
            assert_eq!(found["campaigns"], json!([expected]));
            // A day later the rest has expired.
            site.advance(TimeDelta::days(1));
            let answer = say(&site, "t3/issue-coupon", &json!({"contact": "cat"})).await;
            assert_problem(&answer, StatusCode::CONFLICT, "coupon-pool");
            let page = site.page("/tasks/t3").await;
            assert!(page.text().contains("action=\"/tasks/t3/issue-coupon\""), "{}", page.text());
        }),
    )
    .await;
    let page = site.page("/coupons?lang=zh").await;
    assert!(page.text().contains("120.00 EUR"), "{}", page.text());
}
