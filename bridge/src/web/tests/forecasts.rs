//! Forecasts from records in, to pages and the API out: made, kept, scored, watched, tried.

use std::sync::Arc;

use axum::http::StatusCode;
use chrono::{DateTime, Days, Months, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use upturn_core::forecast::demand::class::Class;
use upturn_core::forecast::ledger::DemandSaid;

use super::api::{assert_problem, get};
use super::site::{NAME, PASSWORD, Site, bearer};
use super::writer::with_writer;
use crate::clock::Clock;
use crate::config::forecast::ForecastConfig;
use crate::delivery::testing::{Recorder, destination, routing};
use crate::forecasts::scheduler::Office;
use crate::forecasts::watch;
use crate::runtime::forecasts::ForecastStep;
use crate::runtime::request::Request;
use crate::store::forecast::{self, ForecastKind, NewForecast, NewScore};
use crate::store::record::{self, StoredRecord};

#[derive(Debug)]
struct Still(DateTime<Utc>);

impl Clock for Still {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

async fn write(site: &Site, kind: &str, at: DateTime<Utc>, records: &[(String, Value)]) {
    let records: Vec<_> = records
        .iter()
        .map(|(id, document)| StoredRecord { id: id.clone(), document: document.to_string() })
        .collect();
    let mut tx = site.store.begin().await.unwrap();
    for part in records.chunks(record::ROWS_MAX) {
        record::write(&mut tx, kind, part, at, "test").await.unwrap();
    }
    tx.commit().await.unwrap();
}

/// Has made what there is to make, as of now.
async fn work(site: &Site) {
    let asks = site.asks.clone();
    let office = Office {
        store: site.store.clone(),
        clock: Arc::new(Still(site.now())),
        asks,
        config: ForecastConfig::default(),
        health: site.health.clone(),
    };
    with_writer(site, async { office.look(&mut None).await.unwrap() }).await;
}

/// Orders of 20 products for 30 months, up to February 2025.
fn orders() -> Vec<(String, Value)> {
    let order = |product: u32, month: u32| {
        let on = day("2022-09-03") + Months::new(month);
        let quantity = 1 + (product * 7 + month * 5) % 4;
        let document = json!({
            "id": format!("{product}-{month}"), "line": "1", "account": "a",
            "product": format!("P{product}"), "place": "north", "quantity": quantity.to_string(),
            "amount": "1.00", "currency": "EUR", "ordered_on": on.to_string(),
        });
        (format!("{product}-{month}|1"), document)
    };
    (0..20).flat_map(|product| (0..30).map(move |month| order(product, month))).collect()
}

fn deal(
    number: u32,
    opened_on: NaiveDate,
    signals: &str,
    closed: Option<(NaiveDate, &str)>,
) -> Value {
    let mut document = json!({
        "id": format!("D{number}"), "account": format!("a{}", number % 9), "owner": NAME,
        "stage": "offer", "opened_on": opened_on.to_string(), "product": "P1", "amount": "900.00",
        "signals": signals,
    });
    if let Some((on, outcome)) = closed {
        document["closed_on"] = on.to_string().into();
        document["outcome"] = outcome.into();
    }
    document
}

/// Deals of a year: half of them obtain documents ten days after they are opened, and most of these are
/// won soon after; of the others few are. The last ones, from D600 on, are open.
async fn add_deals(site: &Site) {
    for number in 0..640_u32 {
        let opened_on = day("2024-02-01") + Days::new(u64::from(number) * 3 / 5);
        let at = |days: u64| (opened_on + Days::new(days)).and_hms_opt(9, 0, 0).unwrap().and_utc();
        let id = || format!("D{number}");
        write(site, "deal", at(0), &[(id(), deal(number, opened_on, "letter", None))]).await;
        let has_documents = number % 2 == 0;
        if has_documents {
            let obtained = deal(number, opened_on, "documents letter", None);
            write(site, "deal", at(5), &[(id(), obtained)]).await;
        }
        if number < 600 {
            let won = if has_documents { number % 10 < 8 } else { number % 20 == 1 };
            let days = if won { 12 + u64::from(number % 17) } else { 30 };
            let outcome = if won { "won" } else { "lost" };
            let signals = if has_documents { "documents letter" } else { "letter" };
            let closed = (opened_on + Days::new(days), outcome);
            let ended = deal(number, opened_on, signals, Some(closed));
            write(site, "deal", at(days), &[(id(), ended)]).await;
        }
    }
}

#[tokio::test]
async fn forecasts_are_made_kept_and_scored_when_the_truth_arrives() {
    let site = Site::with_user().await;
    write(&site, "order", site.now(), &orders()).await;
    add_deals(&site).await;
    work(&site).await;
    work(&site).await;

    let told = get(&site, "/api/v1/forecasts").await.json();
    assert_eq!(told["demand"]["kept"], 40, "the next month and six months, once");
    assert_eq!(told["deals"]["kept"], 40);
    assert_eq!((&told["demand"]["scored"], &told["deals"]["scored"]), (&json!(0), &json!(0)));

    let chance = async |id: &str| get(&site, &format!("/api/v1/deals/{id}/chance")).await.json();
    let (with, without) = (chance("D638").await, chance("D639").await);
    assert_eq!((&with["signal"], &with["within_days"]), (&json!(true), &json!(30)));
    let [high, low] = [&with, &without].map(|one| one["probability"].as_f64().unwrap());
    assert!(low + 0.2 < high, "{low} {high}");
    assert_eq!(without["next_step"]["word"], "documents", "{without}");
    assert!(0 < without["n"].as_u64().unwrap() && 0 < without["won"].as_u64().unwrap());
    let page = site.log_in(PASSWORD).await.cookie();
    let page = site.get("/deals/D639/chance", &[("cookie", &page)]).await;
    assert!(page.text().contains("obtain “documents”"), "{}", page.text());
    let stranger = get(&site, "/api/v1/deals/none/chance").await;
    assert_problem(&stranger, StatusCode::NOT_FOUND, "not-found");

    // A deal that changes is looked at again, the others are not.
    write(
        &site,
        "deal",
        site.now(),
        &[("D639".to_owned(), deal(639, day("2025-02-17"), "documents letter", None))],
    )
    .await;
    work(&site).await;
    assert!(low + 0.2 < chance("D639").await["probability"].as_f64().unwrap());
    assert_eq!(get(&site, "/api/v1/forecasts").await.json()["deals"]["kept"], 41);

    site.advance(TimeDelta::days(34));
    let won = deal(638, day("2025-02-16"), "documents letter", Some((day("2025-03-20"), "won")));
    write(&site, "deal", site.now(), &[("D638".to_owned(), won)]).await;
    let march = json!({
        "id": "n", "line": "1", "account": "a", "product": "P3", "place": "north",
        "quantity": "7", "amount": "1.00", "currency": "EUR", "ordered_on": "2025-03-31",
    });
    write(&site, "order", site.now(), &[("n|1".to_owned(), march)]).await;
    work(&site).await;
    let told = get(&site, "/api/v1/forecasts").await.json();
    assert_eq!((&told["demand"]["scored"], &told["deals"]["scored"]), (&json!(20), &json!(41)));
    assert_eq!(told["demand"]["next"]["all"]["units"], 7.0);
    assert_eq!(told["deals"]["sheet"]["all"]["won"], 1);
    work(&site).await;
    let again = get(&site, "/api/v1/forecasts").await.json();
    assert_eq!(again["deals"]["sheet"], told["deals"]["sheet"], "scored once");
}

#[tokio::test]
async fn a_back_test_runs_when_somebody_asks_and_is_kept() {
    let site = Site::with_user().await;
    write(&site, "order", site.now(), &orders()).await;
    add_deals(&site).await;
    let ask = async |kind: &str| {
        let path = format!("/api/v1/forecasts/trials/{kind}");
        let authorization = bearer(NAME);
        let headers = [("authorization", &*authorization)];
        with_writer(&site, site.call("POST", &path, &headers, "")).await
    };
    assert_eq!(ask("demand").await.status, StatusCode::ACCEPTED);
    assert_problem(&ask("demand").await, StatusCode::CONFLICT, "trial-open");
    assert_eq!(ask("win").await.status, StatusCode::ACCEPTED);
    assert_problem(&ask("luck").await, StatusCode::NOT_FOUND, "not-found");
    work(&site).await;
    work(&site).await;

    let told = get(&site, "/api/v1/forecasts").await.json();
    let of = |kind: &str| {
        let trials = told["trials"].as_array().unwrap();
        trials.iter().find(|trial| trial["kind"] == kind).unwrap()["result"].clone()
    };
    let (demand, wins) = (of("demand"), of("win"));
    assert_eq!(demand["origins"], json!(["2023-09-01", "2024-03-01", "2024-09-01"]));
    assert_eq!(demand["demand"]["all"]["n"], 60);
    let wins = &wins["wins"]["all"];
    assert!(
        wins["log_loss"].as_f64().unwrap() < wins["share_log_loss"].as_f64().unwrap(),
        "{wins}"
    );

    let cookie = site.log_in(PASSWORD).await.cookie();
    for (language, word) in [("en", "The newest back-test"), ("zh-CN", "最近一次需求回测")]
    {
        let page = site.get(&format!("/forecasts?lang={language}"), &[("cookie", &cookie)]).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains(word) && page.text().contains("<svg"), "{language}");
    }
}

/// Forecasts of 40 months, of which the last ones miss what came by far.
async fn drifting(site: &Site) {
    let first = day("2021-11-01");
    let mut tx = site.store.begin().await.unwrap();
    let made = |month: u32, item: u32| {
        let quantiles = [2.0, 4.0, 5.0];
        let said =
            DemandSaid { periods: 1, mean: 2.0, quantiles, change: 1.0, class: Class::Smooth };
        NewForecast {
            kind: ForecastKind::Demand,
            subject: format!("P{item}|"),
            as_of: first + Months::new(month),
            due: first + Months::new(month + 1),
            horizon: 1,
            revision: 0,
            method: "mixed",
            said: serde_json::to_string(&said).unwrap(),
        }
    };
    let all: Vec<_> = (0..38).flat_map(|month| (0..5).map(move |item| made(month, item))).collect();
    forecast::keep(&mut tx, &all, (0, site.now())).await.unwrap();
    tx.commit().await.unwrap();
    let until = (first, day("2025-02-01"));
    let kept = forecast::unscored(&site.store, until, 0, 500).await.unwrap();
    let scores = (0_u32..).zip(&kept).map(|(at, (_, one))| {
        let came = if one.as_of < day("2024-09-01") { at * 7 % 4 } else { 9 + at % 3 };
        NewScore { forecast: one.id, came: came.to_string() }
    });
    let scores: Vec<_> = scores.collect();
    let mut tx = site.store.begin().await.unwrap();
    forecast::score(&mut tx, &scores, (0, site.now())).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_becomes_worse_raises_an_alarm_and_a_letter_once() {
    let site = Site::with_user().await;
    let crm = Arc::<Recorder>::default();
    site.delivery.send_replace(routing(vec![destination("crm", crm)]));
    drifting(&site).await;
    let standing = watch::standing(&site.store, &ForecastConfig::default()).await.unwrap();
    let alarms = watch::alarms(&standing, site.now());
    assert!(alarms.iter().any(|alarm| alarm.watched == "demand-loss"), "{standing:?}");
    assert!(alarms.iter().all(|alarm| day("2024-09-01") <= alarm.as_of), "{alarms:?}");

    let raise = async || {
        let (reply, answer) = oneshot::channel();
        let step = Box::new(ForecastStep::Raise(alarms.clone()));
        let asked = async {
            site.asks.send(Request::Forecast { step, reply }).await.unwrap();
            answer.await.unwrap()
        };
        with_writer(&site, asked).await
    };
    assert_eq!(raise().await, u64::try_from(alarms.len()).unwrap());
    assert_eq!(raise().await, 0, "raised once");
    let letters = get(&site, "/api/v1/letters").await.json();
    let kinds: Vec<_> =
        letters["letters"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, vec![json!("forecast-drifted"); alarms.len()], "{letters}");
    work(&site).await;
    assert!(site.health.warnings()[0].starts_with("forecasts: demand-"));
    let cookie = site.log_in(PASSWORD).await.cookie();
    let page = site.get("/forecasts", &[("cookie", &cookie)]).await;
    assert!(page.text().contains("Alarm: "), "{}", page.text());
    let start = site.get("/", &[("cookie", &cookie)]).await;
    assert!(start.text().contains("/forecasts#watched"), "{}", start.text());
}
