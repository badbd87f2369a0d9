//! Weather and policies through the service: feeds and records in, verdicts and days out.

use std::fmt::Write as _;
use std::fs;

use chrono::{Days, NaiveDate};
use serde_json::{Value, json};
use upturn_tests::binary::wait_for;
use upturn_tests::http;
use upturn_tests::site::{Plan, Site, each_database};
use upturn_tests::source::Source;

use crate::advice::{import, stocking};
use crate::facts::{run_again, with_feeds};

/// What adjusts the sample's first lane.
const ADJUSTERS: &str = r#"
[[adjuster]]
id = "storm"
title = { en = "Storm", zh = "大风" }
lanes = ["one-day"]
weather = { place = "B", what = "wind_gusts_10m_max", above = "60", unit = "km/h" }

[[adjuster]]
id = "works"
title = { en = "Road works", zh = "道路施工" }
lanes = ["*"]
policy = { region = "CN-62" }
"#;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Returns the days from `first_on` up to 14 January 2025, the day before the plan's.
fn past(first_on: &str) -> impl Iterator<Item = NaiveDate> {
    day(first_on).iter_days().take_while(|on| *on < day("2025-01-15"))
}

/// It stormed on each fifth day of the past.
fn stormed(on: NaiveDate) -> bool {
    (on - day("2024-01-01")).num_days() % 5 == 0
}

/// Returns an answer of Open-Meteo, by the day.
fn answer(days: impl Iterator<Item = (NaiveDate, bool)>) -> String {
    let (days, gusts): (Vec<_>, Vec<_>) =
        days.map(|(on, storms)| (on.to_string(), if storms { 78.5 } else { 21.3 })).unzip();
    json!({
        "latitude": 36.1, "longitude": 103.8, "utc_offset_seconds": 28_800,
        "daily_units": {"time": "iso8601", "wind_gusts_10m_max": "km/h"},
        "daily": {"time": days, "wind_gusts_10m_max": gusts},
    })
    .to_string()
}

/// A forecast of the days from 15 January on, with a storm on those between the two.
fn forecast(storm: Option<(&str, &str)>) -> String {
    let days = day("2025-01-15").iter_days().take(16);
    let storms = |on: NaiveDate| storm.is_some_and(|(from, to)| day(from) <= on && on <= day(to));
    answer(days.map(|on| (on, storms(on))))
}

/// A shipment on each day of nine months: one day of transit, or three under a storm.
fn shipments() -> String {
    let mut table = "id,product,quantity,from,to,lane,shipped_on,arrived_on\n".to_owned();
    for (number, on) in past("2024-04-01").enumerate() {
        let took = if stormed(on) { 3 } else { 1 };
        let arrived_on = on + Days::new(took);
        let lane = if number % 2 == 0 { "one-day" } else { "two-day" };
        // All days are the first lane's; the other one has a few that say nothing.
        let lane = if number < 40 { lane } else { "one-day" };
        writeln!(table, "S-{number},VENT-700,1,A,B,{lane},{on},{arrived_on}").unwrap();
    }
    table
}

/// Imports twenty ventilators at A, none at B, a tender for four there, and what was sent before.
fn records(site: &Site) {
    import(site, "account", "id,name\nclinic,Clinic\n");
    import(site, "product", "id,name\nVENT-700,Ventilator\n");
    let counted = "2025-01-14T10:00:00Z";
    let stock =
        "product,place,on_hand,reserved,counted_at\nVENT-700,A,20,0,AT\nVENT-700,B,0,0,AT\n";
    import(site, "stock", &stock.replace("AT", counted));
    import(site, "shipment", &shipments());
    let columns = "id,account,stage,opened_on,product,quantity,probability,expected_on,place";
    let tender = "T-1,clinic,tender,2024-12-01,VENT-700,4,0.9,2025-01-28,B\n";
    import(site, "deal", &format!("{columns}\n{tender}"));
}

/// Returns the plan once every feed is in force and it storms on so many of its days, with the only open
/// piece.
fn planned(site: &Site, days_ahead: u64) -> (Value, Value) {
    wait_for("the plan", || {
        let listed = http::json(site.web, "/api/v1/advice?state=open");
        let plan = listed["plan"].clone();
        let adjusters = plan["adjusters"].as_array()?;
        let is_told = adjusters.iter().all(|one| one["untold"] == 0);
        let [one] = listed["advice"].as_array()?.as_slice() else { return None };
        let is_of_day = adjusters.first()?["days_ahead"] == days_ahead;
        (is_told && is_of_day).then(|| (plan.clone(), one.clone()))
    })
}

#[test]
fn a_storm_that_delays_moves_the_latest_day_and_road_works_that_do_not_are_off() {
    each_database(|database| {
        let archive = Source::start(answer(past("2024-03-01").map(|on| (on, stormed(on)))));
        let ahead = Source::start(forecast(Some(("2025-01-24", "2025-01-27"))));
        let policies = Source::start(
            "region,product,title,from,until,reference,confirmed_by\n\
             CN-62,*,Road works,2024-06-01,2024-12-31,paper 7,ana\n",
        );
        let mut site = Site::install(&Plan { database, ..Plan::default() });
        let weather = "kind = \"open-meteo\"\nsettings = { places = [\"B\"] }";
        let table = "kind = \"policies\"\nsettings = { format = \"csv\" }";
        let feeds = [
            ("archive", weather, archive.port),
            ("forecast", weather, ahead.port),
            ("policies", table, policies.port),
        ];
        with_feeds(&site, &feeds);
        let document = site.folder.path().join("stocking.toml");
        fs::write(&document, format!("{}{ADJUSTERS}", stocking())).unwrap();
        site.configure(&format!("[stock]\ndocument = \"{}\"\n", document.display()));
        records(&site);
        site.start_again();

        // It storms on 24, 26 and 27 January, on which the lane departs, and on Saturday.
        let (plan, first) = planned(&site, 4);
        let [storm, works] = plan["adjusters"].as_array().unwrap().as_slice() else {
            panic!("{plan:#}")
        };
        assert_eq!(
            (&storm["id"], &storm["zh"], &storm["of"]),
            (&json!("storm"), &json!("大风"), &json!("lanes"))
        );
        assert_eq!(storm["verdict"]["is_on"], true, "{storm:#}");
        assert_eq!((&works["id"], &works["verdict"]["is_on"]), (&json!("works"), &json!(false)));
        assert!(20 < works["verdict"]["days"].as_u64().unwrap(), "it was judged: {works:#}");
        // Without it goods leave on the make-up workday, 26 January, as they do once it is calm.
        let days =
            |one: &Value| ["latest_ship_on", "arrives_on"].map(|key| one["plan"][key].clone());
        assert_eq!(days(&first), ["2025-01-24", "2025-01-27"], "{first:#}");
        let reasons = first["plan"]["reasons"].as_array().unwrap();
        let reason = reasons.iter().find(|one| one["code"] == "adjusted-transit").unwrap();
        let (english, chinese) = (reason["en"].as_str().unwrap(), reason["zh"].as_str().unwrap());
        assert!(english.contains("days of transit: 3, not 1, because of storm"), "{english}");
        assert!(chinese.contains("按 3 天（而非 1 天）运输计划，原因是 storm"), "{chinese}");
        assert_eq!(plan["told"]["troubles"], json!([]), "{plan:#}");
        let (status, page) = http::page(site.web, "/advice");
        assert!(
            status == 200 && page.contains("Storm") && page.contains("off: it does not help"),
            "{page}"
        );
        let (_, page) = http::page(site.web, "/advice?lang=zh-CN");
        assert!(page.contains("大风") && page.contains("停用：没有帮助"), "{page}");

        // The forecast is calm now: the plan is made anew, and says what it said without the storm.
        ahead.says(forecast(None));
        run_again(&site, "forecast");
        let (_, second) = planned(&site, 0);
        assert_eq!(days(&second), ["2025-01-26", "2025-01-27"], "{second:#}");
        assert_eq!(second["replaces"], first["id"]);
    });
}
