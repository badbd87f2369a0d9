//! Sailings through the service: a carrier's sheet in, days of advice out.

use std::fs;

use chrono::FixedOffset;
use serde_json::Value;
use upturn_tests::binary::wait_for;
use upturn_tests::http;
use upturn_tests::site::{Plan, Site, each_database};
use upturn_tests::source::Source;

use crate::advice::{import, stocking};
use crate::facts::{now, run_again, with_feeds};

/// Returns the sample with one lane, whose departures are those of a carrier's sheet; beyond its end it
/// departs each day and takes five.
fn by_sea() -> String {
    let sample = stocking();
    let (head, _) = sample.split_once("[[lane]]").unwrap();
    format!(
        "{head}[[lane]]\nid = \"sea\"\nfrom = \"A\"\nto = \"B\"\ncalendar = \"workdays\"\ntransit = \"5\"\n\
         sailings = {{ from = \"CNSHA\", to = \"CNTSN\", before_days = 1, after_days = 1 }}\n"
    )
}

/// Returns a sheet of departures: a day, and how many days it takes.
fn sheet(departures: &[(&str, u32)]) -> String {
    let row = |(day, transit): &(&str, u32)| format!("CNSHA-CNTSN,2025-{day},{transit}\n");
    let rows: String = departures.iter().map(row).collect();
    format!("lane,depart,transit\n{rows}")
}

/// Returns the only open piece, once it replaces `old` or, at first, is there by a schedule.
fn standing(site: &Site, old: Option<&Value>) -> Value {
    wait_for("the plan", || {
        let listed = http::json(site.web, "/api/v1/advice?state=open");
        let [one] = listed["advice"].as_array()?.as_slice() else { return None };
        let is_next = match old {
            Some(old) => one["replaces"] == old["id"],
            None => one["plan"]["data"]["schedule_fetched_on"].is_string(),
        };
        is_next.then(|| one.clone())
    })
}

/// Returns when a piece leaves, when it arrives and when the next does.
fn days(one: &Value) -> [String; 3] {
    ["latest_ship_on", "arrives_on", "next_arrival_on"]
        .map(|key| one["plan"][key].as_str().unwrap_or("-").to_owned())
}

#[test]
fn a_piece_leaves_with_a_sailing_and_follows_its_revisions_to_the_schedules_end() {
    each_database(|database| {
        let first = [("01-17", 4), ("01-21", 3), ("02-10", 3)];
        let carrier = Source::start(sheet(&first));
        let mut site = Site::install(&Plan { database, ..Plan::default() });
        let kind =
            "kind = \"departures\"\nsettings = { format = \"csv\", zone = \"Asia/Shanghai\" }";
        with_feeds(&site, &[("carrier", kind, carrier.port)]);
        let document = site.folder.path().join("stocking.toml");
        fs::write(&document, by_sea()).unwrap();
        site.configure(&format!("[stock]\ndocument = \"{}\"\n", document.display()));
        import(&site, "account", "id,name\nclinic,Clinic\n");
        import(&site, "product", "id,name\nVENT-700,Ventilator\n");
        let counted = "2025-01-14T10:00:00Z";
        let places = ["A,20", "B,0"].map(|place| format!("VENT-700,{place},0,{counted}\n"));
        let columns = "product,place,on_hand,reserved,counted_at";
        import(&site, "stock", &format!("{columns}\n{}", places.concat()));
        let columns = "id,account,stage,opened_on,product,quantity,probability,expected_on,place";
        let tender = "T-1,clinic,tender,2024-12-01,VENT-700,4,0.9,2025-01-28,B\n";
        import(&site, "deal", &format!("{columns}\n{tender}"));
        site.start_again();

        // Handed in by the end of the 20th; from the 24th on at Tianjin, at B on the make-up workday.
        let by_sailing = standing(&site, None);
        assert_eq!(days(&by_sailing), ["2025-01-20", "2025-01-26", "2025-02-14"], "{by_sailing:#}");
        let reasons = by_sailing["plan"]["reasons"].as_array().unwrap();
        assert!(reasons.iter().any(|reason| reason["code"] == "sailings"), "{reasons:#?}");
        let shanghai = FixedOffset::east_opt(8 * 3_600).unwrap();
        let today = now().with_timezone(&shanghai).date_naive();
        let fetched_on: chrono::NaiveDate =
            by_sailing["plan"]["data"]["schedule_fetched_on"].as_str().unwrap().parse().unwrap();
        assert!((0..=1).contains(&(today - fetched_on).num_days()), "{fetched_on} {today}");
        let id = by_sailing["id"].as_str().unwrap();
        let (_, page) = http::page(site.web, &format!("/advice/{id}"));
        assert!(
            page.contains("Schedule fetched") && page.contains(&fetched_on.to_string()),
            "{page}"
        );

        // It is put off by three days, into the festival: the one before is the last in time.
        carrier.says(sheet(&[("01-17", 4), ("01-24", 4), ("02-10", 3)]));
        run_again(&site, "carrier");
        let earlier = standing(&site, Some(&by_sailing));
        assert_eq!(days(&earlier), ["2025-01-16", "2025-01-22", "2025-02-14"], "{earlier:#}");

        // The carrier tells no more than one: the lane's own days stand in beyond.
        carrier.says(sheet(&[("01-17", 4), ("01-18", 9), ("01-19", 8)]));
        run_again(&site, "carrier");
        let beyond = standing(&site, Some(&earlier));
        assert_eq!(days(&beyond)[..2], ["2025-01-22", "2025-01-27"], "{beyond:#}");
        let marks = beyond["plan"]["marks"].as_array().unwrap();
        assert!(marks.contains(&"beyond-schedule".into()), "{beyond:#}");
    });
}
