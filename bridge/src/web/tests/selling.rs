//! Deals, quotes and approvals, as programs lead them through their process.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};
use upturn_core::compliance::document::{self, Document};
use upturn_core::compliance::policy::Policy;

use super::api::assert_problem;
use super::site::{Answer, Site, bearer};
use super::writer::with_writer;
use crate::auth::person::Profile;
use crate::auth::role::Role;
use crate::store::record::{self, StoredRecord};
use crate::store::{audit, policy};

const PROCESS: &str = include_str!("../../../../deploy/compliance/electric-car.toml");
const BANDS: &str = include_str!("../../../../deploy/compliance/price-bands.toml");
const APPROVALS: &str = include_str!("../../../../deploy/compliance/approvals.toml");

pub(super) fn house() -> Policy {
    let mut policy = Policy::default();
    for text in [PROCESS, BANDS, APPROVALS] {
        match document::parse(text).unwrap() {
            Document::PriceBands(bands) => policy.bands = Some(bands),
            Document::Approvers(approvers) => policy.approvers = Some(approvers),
            Document::Process(process) => policy.processes.push(process),
            Document::DeliveryRisk(risk) => policy.delivery_risk = Some(risk),
        }
    }
    policy
}

pub(super) async fn adopt(site: &Site, policy: &Policy, position: u64) {
    let mut tx = site.store.begin().await.unwrap();
    policy::put(&mut tx, policy, (position, site.now()), "upturn").await.unwrap();
    tx.commit().await.unwrap();
}

/// Returns a site with people, the rules of the house, and one deal of lin's.
pub(super) async fn showroom() -> Site {
    let site = Site::with_user().await;
    let people = [
        ("lin", Role::Sales),
        ("mei", Role::Sales),
        ("d.lin", Role::SalesManager),
        ("c.board", Role::SalesManager),
        ("depot", Role::Logistics),
    ];
    for (id, role) in people {
        let profile = Profile { roles: [role].into(), ..Profile::default() };
        site.add_person(id, profile, "$argon2id$none").await;
    }
    adopt(&site, &house(), 1).await;
    let document = json!({
        "id": "D1", "account": "greenfleet", "owner": "lin", "stage": "new",
        "opened_on": "2025-03-01", "amount": "240000.00", "currency": "CNY",
    });
    let stored = StoredRecord { id: "D1".into(), document: document.to_string() };
    let mut tx = site.store.begin().await.unwrap();
    record::write(&mut tx, "deal", &[stored], site.now(), "test").await.unwrap();
    tx.commit().await.unwrap();
    site
}

pub(super) async fn say(site: &Site, who: &str, path: &str, body: &Value) -> Answer {
    let headers = [("authorization", &*bearer(who))];
    site.call("POST", &format!("/api/v1{path}"), &headers, &body.to_string()).await
}

async fn look(site: &Site, who: &str, path: &str) -> Value {
    let answer = site.get(&format!("/api/v1{path}"), &[("authorization", &bearer(who))]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

async fn act(site: &Site, who: &str, act: Value) -> Answer {
    say(site, who, "/deals/D1/acts", &json!({ "act": act })).await
}

fn complete(requirement: &str, proof: &Value) -> Value {
    json!({ "action": "complete", "requirement": requirement, "proof": proof })
}

async fn confirmation(site: &Site, requirement: &str) -> Value {
    let deal = look(site, "lin", "/deals/D1").await;
    let all = deal["requirements"].as_array().unwrap();
    let one = all.iter().find(|one| one["id"] == requirement).unwrap();
    json!({ "by": "e-confirmation", "document": one["document"], "person": "customer" })
}

fn assert_refused(answer: &Answer, code: &str) {
    assert_problem(answer, StatusCode::CONFLICT, "deal-refused");
    assert_eq!(answer.json()["errors"][0]["code"], code, "{}", answer.text());
}

fn assert_done(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn a_deal_goes_through_its_gates_in_order_and_what_is_refused_changes_nothing() {
    let site = showroom().await;
    with_writer(&site, Box::pin(lead_a_deal(&site))).await;
}

async fn lead_a_deal(site: &Site) {
    let enter = |stage: &str| json!({ "action": "enter", "stage": stage });
    assert_refused(&act(site, "lin", enter("test-drive")).await, "deal-not-begun");
    assert_done(&act(site, "lin", json!({ "action": "begin" })).await);
    assert_refused(&act(site, "lin", json!({ "action": "begin" })).await, "deal-begun");
    assert_refused(&act(site, "lin", enter("test-drive")).await, "requirement-missing");
    assert_refused(&act(site, "lin", enter("order")).await, "stage-skipped");
    // What somebody does not see is not there; whoever only looks may not.
    assert_eq!(act(site, "mei", enter("offer")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(act(site, "depot", enter("offer")).await.status, StatusCode::FORBIDDEN);

    let fields = json!({ "daily_kilometres": "60", "parking": "yes", "budget": "240000" });
    let form = complete("needs", &json!({ "by": "form", "fields": fields }));
    assert_done(&act(site, "lin", form).await);
    assert_done(&act(site, "lin", enter("test-drive")).await);
    let ticked = ["licence seen", "route driven", "questions answered"];
    let list = complete("drive-done", &json!({ "by": "checklist", "ticked": ticked }));
    assert_done(&act(site, "lin", list).await);
    let told = assert_done(&act(site, "lin", enter("offer")).await);
    assert_eq!(told["missing"], json!(["battery-safety", "charging-compatibility", "subsidy"]));
    assert_refused(&act(site, "lin", enter("lead")).await, "stage-reversed");

    let file = json!({ "by": "file", "name": "report.pdf", "sha256": "ab".repeat(32) });
    assert_done(&act(site, "lin", complete("charging-compatibility", &file)).await);
    for name in ["battery-safety", "subsidy"] {
        let proof = confirmation(site, name).await;
        assert_done(&act(site, "lin", complete(name, &proof)).await);
    }
    // A guarded field is changed: by a preset value alone, confirmed, and what was confirmed is void.
    let preset = told["guarded"][0]["preset"][1].clone();
    let set = |value: &str, confirmed: &str| {
        json!({
            "action": "set", "field": "battery_warranty", "value": value, "confirmed": confirmed,
        })
    };
    assert_refused(&act(site, "lin", set("for ever", "")).await, "value-not-preset");
    let value = preset["value"].as_str().unwrap();
    assert_refused(&act(site, "lin", set(value, "")).await, "confirmation-void");
    let confirmed = preset["confirmed"].as_str().unwrap();
    let told = assert_done(&act(site, "lin", set(value, confirmed)).await);
    assert_eq!(told["missing"], json!(["battery-safety", "subsidy"]));
    assert_refused(&act(site, "lin", enter("order")).await, "requirement-missing");
    for name in ["battery-safety", "subsidy"] {
        let proof = confirmation(site, name).await;
        assert_done(&act(site, "lin", complete(name, &proof)).await);
    }
    // Nor does a record that is written, or removed, lead past a gate.
    assert_refused(&write_past(site, "PUT", "delivery").await, "stage-skipped");
    assert_refused(&write_past(site, "DELETE", "").await, "deal-in-process");
    // The rules change: whoever leads the deal reads of it before the next gate.
    let mut changed = house();
    changed.processes[0].work_order_within_hours = 48;
    adopt(site, &changed, 1_000_000).await;
    assert_refused(&act(site, "lin", enter("order")).await, "policy-unconfirmed");
    let policy = look(site, "lin", "/deals/D1").await["policy"].as_str().unwrap().to_owned();
    let none = json!({});
    let stale = say(site, "lin", "/policies/none/confirm", &none).await;
    assert_problem(&stale, StatusCode::CONFLICT, "deal-changed");
    assert_done(&say(site, "lin", &format!("/policies/{policy}/confirm"), &none).await);
    assert_done(&act(site, "lin", enter("order")).await);
    keep_a_promise(site).await;
    let deals = look(site, "lin", "/deals?stage=order").await;
    assert_eq!(deals["deals"][0]["fields"]["stage"], "order");
    assert_eq!(look(site, "mei", "/deals").await["deals"], json!([]));
}

/// Writes the deal's record past its acts, as programs write records.
async fn write_past(site: &Site, method: &str, stage: &str) -> Answer {
    let record = json!({
        "account": "greenfleet", "stage": stage, "opened_on": "2025-03-01",
        "amount": "240000.00", "currency": "CNY",
    });
    let body = if method == "PUT" { record.to_string() } else { String::new() };
    let headers = [("authorization", &*bearer(super::site::NAME))];
    let account = json!({ "name": "Green Fleet" }).to_string();
    let path = "/api/v1/records/account/greenfleet";
    assert_done(&site.call("PUT", path, &headers, &account).await);
    site.call(method, "/api/v1/records/deal/D1", &headers, &body).await
}

async fn keep_a_promise(site: &Site) {
    let order = || json!({ "action": "order-work" });
    assert_refused(&act(site, "depot", order()).await, "promise-out-of-turn");
    let sign = json!({ "action": "sign", "due_at": "2025-04-01T00:00:00Z" });
    let told = assert_done(&act(site, "lin", sign).await);
    assert_eq!(told["promise"]["order_due_at"], "2025-03-07T12:00:00.000Z");
    assert_eq!(told["promise"]["order_light"], "waiting");
    // Two days and a minute later the first input lets the clock go off, once.
    site.advance(TimeDelta::hours(48) + TimeDelta::minutes(1));
    let told = assert_done(&act(site, "depot", order()).await);
    assert_eq!(told["promise"]["order_light"], "red");
    site.advance(TimeDelta::days(1));
    let told = assert_done(&act(site, "depot", json!({ "action": "deliver" })).await);
    assert_eq!(told["promise"]["delivery_light"], "green");
    let trail = audit::of_subject(&site.store, "D1").await.unwrap();
    let late: Vec<_> = trail.iter().filter(|entry| entry.action == "promise-late").collect();
    assert_eq!(late.len(), 0, "the work order came with the input that would have been late");
}

#[tokio::test]
async fn pages_lead_a_deal_without_a_script_and_say_why_not() {
    let site = showroom().await;
    with_writer(&site, Box::pin(click_through(&site))).await;
}

async fn click_through(site: &Site) {
    let cookie = site.enter("lin").await;
    let headers = [("cookie", &*cookie), ("origin", "http://upturn.test")];
    let begun = site.post("/deals/D1/begin", "process=electric-car", &headers).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.text());
    let refused = site.post("/deals/D1/enter", "stage=order&revision=1", &headers).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text().contains("A stage lies between: "), "{}", refused.text());
    let zh = [headers[0], headers[1], ("accept-language", "zh-CN")];
    let refused = site.post("/deals/D1/enter", "stage=order&revision=1", &zh).await;
    assert!(refused.text().contains("不得跳过阶段"), "{}", refused.text());
    let boundary = ("content-type", "multipart/form-data; boundary=x");
    let upload = [headers[0], headers[1], boundary];
    let part = |name: &str, text: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"{text}\r\n")
    };
    let body = [
        part("requirement", "\r\n\r\ncharging-compatibility"),
        part("revision", "\r\n\r\n1"),
        part("file", "; filename=\"r.pdf\"\r\n\r\nabc"),
        "--x--\r\n".to_owned(),
    ];
    let request = axum::http::Request::post("/deals/D1/upload").header("host", "upturn.test");
    let request =
        upload.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let sent = site.send(request.body(axum::body::Body::from(body.concat())).unwrap()).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    let deal = look(site, "lin", "/deals/D1").await;
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(deal["acts"][1]["act"]["proof"]["sha256"], hash);
    for path in ["/deals", "/deals/D1", "/quotes", "/approvals", "/reports", "/deliveries-at-risk"]
    {
        for lang in ["en", "zh-CN"] {
            let page = site.get(&format!("{path}?lang={lang}"), &headers).await;
            assert_eq!(page.status, StatusCode::OK, "case: {path}: {}", page.text());
        }
    }
    let body = json!({ "deal": "D1", "request": request_for("133000.00") });
    let quote = assert_done(&say(site, "lin", "/quotes", &body).await);
    let path = format!("/quotes/{}", quote["id"].as_str().unwrap());
    let page = site.get(&path, &headers).await;
    assert!(page.text().contains("133,000.00"), "{}", page.text());
    let first = site.get(&format!("{path}/print?lang=zh-CN"), &headers).await;
    let again = site.get(&format!("{path}/print?lang=zh-CN"), &headers).await;
    assert_eq!((first.status, &first.body), (StatusCode::OK, &again.body));
    assert!(first.header("content-security-policy").contains("style-src 'unsafe-inline'"));
}

fn request_for(price: &str) -> Value {
    request("lin", price)
}

#[tokio::test]
async fn of_fifty_who_act_on_what_they_saw_one_wins() {
    let site = showroom().await;
    let clients = async {
        assert_done(&act(&site, "lin", json!({ "action": "begin" })).await);
        let body =
            json!({ "revision": 1, "act": { "action": "sign", "due_at": "2025-04-01T00:00:00Z" } });
        all_at_once(&site, "lin", "/deals/D1/acts", &body).await
    };
    let answers = with_writer(&site, clients).await;
    let (won, lost): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!((won.len(), lost.len()), (1, 49));
    for answer in lost {
        assert_problem(&answer, StatusCode::CONFLICT, "deal-changed");
        let detail = "somebody else was first: the deal is at revision 2; look again";
        assert_eq!(answer.json()["detail"], detail);
    }
}

async fn all_at_once(site: &Site, who: &str, path: &str, body: &Value) -> Vec<Answer> {
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (site, who, path, body) = (site.clone(), who.to_owned(), path.to_owned(), body.clone());
        clients.spawn(async move { say(&site, &who, &path, &body).await });
    }
    clients.join_all().await
}

/// Returns a request for ventilators at `price`, whose floor is CNY 133,000.
fn request(person: &str, price: &str) -> Value {
    json!({
        "id": "Q-7", "date": "2025-03-05", "valid_until": "2025-04-04", "currency": "CNY",
        "seller": { "person": person, "role": "seller", "company": "Maker" },
        "buyer": { "company": "Hospital" },
        "lines": [{
            "article": "V-1", "product": "ventilator", "quantity": "1",
            "unit_price": { "amount": price, "currency": "CNY" },
        }],
        "route": {
            "mode": "road", "from": "Shenzhen",
            "to": { "place": "Chengdu", "country": "CN" },
        },
        "terms": ["FCA"],
    })
}

#[tokio::test]
async fn a_price_below_authority_is_asked_for_and_of_fifty_who_allow_it_one_does() {
    let site = showroom().await;
    with_writer(&site, Box::pin(allow_a_price(&site))).await;
}

async fn allow_a_price(site: &Site) {
    let body = |price: &str| json!({ "deal": "D1", "request": request("lin", price) });
    let clear = assert_done(&say(site, "lin", "/quotes", &body("133000.00")).await);
    assert_eq!(clear["is_clear"], true);
    let path =
        |quote: &Value, verb: &str| format!("/quotes/{}/{verb}", quote["id"].as_str().unwrap());
    let reason = json!({ "reason": "a hospital that buys every year" });
    let nothing = say(site, "lin", &path(&clear, "approval"), &reason).await;
    assert_refused(&nothing, "nothing-to-approve");
    // What the caller says is approved is not; what they say they are neither.
    let mut forged = body("120000.00");
    forged["request"]["approvals"] = json!([{
        "content": "x", "by": "d.lin", "on": "2025-03-05", "until": "2025-04-04",
    }]);
    let blocked = assert_done(&say(site, "lin", "/quotes", &forged).await);
    assert_eq!(blocked["is_clear"], false);
    let breach = &blocked["snapshot"]["quote"]["problems"][0]["breach"];
    assert_eq!(breach["excess_percent"].as_str().unwrap().get(..4), Some("9.77"));
    assert_eq!(breach["may_approve"], json!(["regional-director", "board", "c.board", "d.lin"]));
    forged["request"]["seller"]["role"] = json!("board");
    let posed = say(site, "lin", "/quotes", &forged).await;
    assert_problem(&posed, StatusCode::UNPROCESSABLE_ENTITY, "wrong-quote");
    assert_eq!(posed.json()["errors"][0]["code"], "role-not-held");
    let strange = say(site, "mei", "/quotes", &body("133000.00")).await;
    assert_eq!(strange.status, StatusCode::FORBIDDEN);

    let asked = assert_done(&say(site, "lin", &path(&blocked, "approval"), &reason).await);
    let again = assert_done(&say(site, "lin", &path(&blocked, "approval"), &reason).await);
    assert_eq!(asked, again, "asked twice, it waits once");
    let case = format!("/approvals/{}", asked["approval"].as_str().unwrap());
    let told = look(site, "d.lin", &case).await;
    assert_eq!((&told["amount"], &told["can_decide"]), (&json!("120000.00"), &json!(true)));
    let fine = json!({ "comment": "fine" });
    let own = say(site, "lin", &format!("{case}/approve"), &fine).await;
    assert_refused(&own, "approval-own");
    let answers = all_at_once(site, "d.lin", &format!("{case}/approve"), &fine).await;
    let (won, lost): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == StatusCode::OK);
    assert_eq!((won.len(), lost.len()), (1, 49));
    for answer in lost {
        assert_problem(&answer, StatusCode::CONFLICT, "deal-changed");
        assert_eq!(answer.json()["errors"][0]["code"], "approval-decided");
    }
    let second = say(site, "c.board", &format!("{case}/reject"), &fine).await;
    assert_problem(&second, StatusCode::CONFLICT, "deal-changed");
    // The same content is clear since; another is not.
    let drift = assert_done(&say(site, "lin", &path(&blocked, "again"), &json!({})).await);
    assert_eq!(drift["quote"]["is_clear"], true);
    let lower = assert_done(&say(site, "lin", "/quotes", &body("119999.00")).await);
    assert_eq!(lower["is_clear"], false);
    // A guarded field of the deal changes: whoever allowed it allowed it for another deal.
    assert_done(&act(site, "lin", json!({ "action": "begin" })).await);
    let preset = look(site, "lin", "/deals/D1").await["guarded"][0]["preset"][0].clone();
    let set = json!({
        "action": "set", "field": "battery_warranty", "value": preset["value"],
        "confirmed": preset["confirmed"],
    });
    assert_done(&act(site, "lin", set).await);
    assert_eq!(look(site, "lin", &case).await["state"], "void");
    let after = assert_done(&say(site, "lin", "/quotes", &body("120000.00")).await);
    assert_eq!(after["is_clear"], false);
}
