//! Sailings of several kinds of feeds as the departures of one lane: schedules, sheets, omitted calls.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails where something is missing"
)]

use std::path::Path;

use serde_json::{Value, json};
use upturn_connectors::feed;
use upturn_core::fact::Fact;
use upturn_core::stock::gather::{Gathered, Outside};
use upturn_core::stock::stocking::Stocking;

const STOCKING: &str = r#"
kind = "stocking"
id = "spares"
title = { en = "Spare parts", zh = "备件" }
zone = "Europe/Amsterdam"
schedule = "0 6 * * *"
aim = { service = "0.95" }
calendar = [{ id = "all", zone = "Europe/Amsterdam", week = ["mon", "tue", "wed", "thu", "fri"] }]
place = [
  { id = "works", supplier = true, calendar = "all" },
  { id = "depot", calendar = "all" },
]

[[lane]]
id = "sea"
from = "works"
to = "depot"
calendar = "all"
transit = "20"
sailings = { from = "NLAMS", to = "DEHAM" }
"#;

/// The ship of the recorded schedules.
const SHIP: (&str, &str) = ("9321483", "KING OF THE SEAS");

/// A document of a feed: its kind, its settings, its text.
type Document = (&'static str, Value, String);

fn recorded(file: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/logistics");
    serde_json::from_str(&std::fs::read_to_string(folder.join(file)).unwrap()).unwrap()
}

/// Returns the recorded route from NLAMS with voyage 2103N, to DEHAM and at other times.
fn route(departs: &str, arrives: &str, cut_offs: &[(&str, &str)]) -> Document {
    let mut answer = recorded("cs_v1_ptp_template.json");
    let route = &mut answer[0];
    let cut_offs = cut_offs.iter().map(|(code, day)| (code, clock(day)));
    route["cutOffTimes"] = cut_offs
        .map(|(code, at)| json!({"cutOffDateTimeCode": code, "cutOffDateTime": at}))
        .collect();
    route["placeOfDelivery"]["location"]["UNLocationCode"] = json!("DEHAM");
    let leg = &mut route["legs"][0];
    leg["arrival"]["location"]["UNLocationCode"] = json!("DEHAM");
    leg["departure"]["dateTime"] = json!(clock(departs));
    leg["arrival"]["dateTime"] = json!(clock(arrives));
    ("dcsa-schedules", json!({}), answer.to_string())
}

/// Returns a sheet with one departure of the ship by its name.
fn sheet(departs: &str, arrives: &str, voyage: &str) -> Document {
    let settings = json!({"format": "csv", "zone": "Europe/Amsterdam"});
    let head = "lane,depart,arrive,carrier,voyage,vessel";
    let row = format!("NLAMS-DEHAM,2025-{departs},2025-{arrives},MAEU,{voyage},King of the Seas");
    ("departures", settings, format!("{head}\n{row}\n"))
}

/// Returns one call of `ship` in the recorded shape of Portchain's answers, which tell no voyage.
fn portchain(
    (imo, name): (&str, &str),
    port: &str,
    (arrives, departs): (&str, &str),
    is_omitted: bool,
) -> Document {
    let log = json!([{"updatedField": "isOmitted", "arrival": null, "departure": null,
        "isOmitted": is_omitted, "createdDate": "2025-02-01T00:00:59.510081+00:00"}]);
    let call = json!({"arrival": clock(arrives), "departure": clock(departs),
        "createdDate": "2025-01-23T00:00:59.510081+00:00", "isOmitted": is_omitted,
        "service": "West Africa Express 1", "port": {"id": port, "name": "x"}, "logEntries": log});
    let imo: u32 = imo.parse().unwrap();
    let ships = json!([{"vessel": {"imo": imo, "name": name}, "portCalls": [call]}]);
    ("portchain", json!({}), ships.to_string())
}

/// Returns a recorded vessel schedule whose first call, at NLAMS, is omitted, with its voyage out.
fn vessel_schedule(voyage_out: &str) -> Document {
    let mut answer = recorded("ovs-3.0.0-vessel-schedule-response.json");
    let call = &mut answer[0]["vesselSchedules"][0]["transportCalls"][0];
    call["carrierExportVoyageNumber"] = json!(voyage_out);
    ("dcsa-schedules", json!({}), answer.to_string())
}

/// Returns noon on a day of 2025.
fn clock(day: &str) -> String {
    format!("2025-{day}T12:00:00+00:00")
}

/// Returns the days by which goods are handed in at 5 March 2025 or later, by what `documents` tell, those
/// that come into force later later.
fn hand_in(documents: &[Document]) -> String {
    let mut outside = Outside::default();
    for (index, (kind, settings, text)) in documents.iter().enumerate() {
        let parse = feed::kind(kind).unwrap().parse;
        let facts = parse(settings, text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        for fact in facts {
            if let Fact::Sailing(sailing) = fact {
                outside.sailings.push((index.to_string(), *sailing));
            } else if let Fact::PortCall(call) = fact {
                outside.omitted.extend(Some(*call).filter(|call| call.is_omitted));
            }
        }
    }
    let stocking: Stocking = toml::from_str(STOCKING).unwrap();
    let mut gathered = Gathered::default();
    gathered.take_outside(&stocking, &outside, clock("03-05").parse().unwrap());
    let schedule = gathered.setting.lanes[0].schedule.as_ref().unwrap();
    let days = schedule.departures.iter().map(|one| one.hand_in_by.format("%m-%d").to_string());
    days.collect::<Vec<_>>().join(" ")
}

#[test]
fn a_sailing_does_not_go_whose_call_is_omitted_by_voyage_or_by_ship_and_day() {
    let other = ("9303807", "ABIDJAN EXPRESS");
    let cases = [
        ("omitted where it begins", portchain(SHIP, "NLAMS", ("03-18", "03-19"), true), ""),
        ("omitted where it ends", portchain(SHIP, "DEHAM", ("03-27", "03-28"), true), ""),
        ("three days off", portchain(SHIP, "NLAMS", ("03-22", "03-23"), true), ""),
        ("the call before", portchain(SHIP, "NLAMS", ("03-15", "03-16"), true), "03-20"),
        ("the call after", portchain(SHIP, "NLAMS", ("03-23", "03-24"), true), "03-20"),
        ("it calls", portchain(SHIP, "NLAMS", ("03-19", "03-20"), false), "03-20"),
        ("elsewhere", portchain(SHIP, "BEANR", ("03-19", "03-20"), true), "03-20"),
        ("another ship", portchain(other, "NLAMS", ("03-19", "03-20"), true), "03-20"),
        ("by voyage", vessel_schedule("2103N"), ""),
        ("another voyage", vessel_schedule("2103S"), "03-20"),
    ];
    for (name, call, expected) in cases {
        let documents = [route("03-20", "03-28", &[]), call];
        assert_eq!(hand_in(&documents), expected, "case: {name}");
    }
}

#[test]
fn a_ship_that_a_sheet_only_names_is_known_by_its_name() {
    let sheet = sheet("03-20", "03-28", "2103N");
    let call = |ship| portchain(ship, "NLAMS", ("03-18", "03-19"), true);
    assert_eq!(hand_in(&[sheet.clone(), call(SHIP)]), "");
    // By the sheet's zone the day begins an hour before midnight in UTC.
    assert_eq!(hand_in(&[sheet, call(("9321483", "QUEEN OF THE SEAS"))]), "03-19");
}

#[test]
fn the_newest_word_counts_also_where_its_departure_is_over() {
    let route = |departs: &str| route(departs, "03-28", &[]);
    assert_eq!(hand_in(&[route("03-20"), route("03-10")]), "03-10");
    assert_eq!(hand_in(&[route("03-20"), route("03-04")]), "");
    assert_eq!(hand_in(&[route("03-04"), route("03-20")]), "03-20");
}

#[test]
fn one_voyage_of_a_schedule_and_of_a_sheet_is_one_departure() {
    let route = route("03-20", "03-28", &[]);
    let sheet = |voyage| sheet("03-22", "03-30", voyage);
    assert_eq!(hand_in(&[route.clone(), sheet("2103N")]), "03-21");
    assert_eq!(hand_in(&[sheet("2103N"), route.clone()]), "03-20");
    assert_eq!(hand_in(&[route, sheet("2104N")]), "03-20 03-21");
}

#[test]
fn goods_are_due_by_cut_offs_of_goods_alone() {
    let papers = [("DCO", "03-07"), ("VCO", "03-07"), ("AFC", "03-07"), ("CUA", "03-07")];
    let begins = [("ECP", "03-08"), ("EFC", "03-08"), ("STA", "03-08"), ("SPA", "03-08")];
    let special = [("DGC", "03-09"), ("OBC", "03-09"), ("TCO", "03-09")];
    let others = [&papers[..], &begins, &special].concat();
    let with = |goods: &[(&'static str, &'static str)]| {
        hand_in(&[route("03-20", "03-28", &[&others, goods].concat())])
    };
    let cases: [(&[(&str, &str)], &str); 5] = [
        (&[], "03-20"),
        (&[("FCO", "03-18")], "03-18"),
        (&[("FCO", "03-18"), ("LCO", "03-16")], "03-16"),
        (&[("PCO", "03-17"), ("RCO", "03-19")], "03-17"),
        (&[("PCO", "03-21")], "03-20"),
    ];
    for (goods, expected) in cases {
        assert_eq!(with(goods), expected, "case: {goods:?}");
    }
}
