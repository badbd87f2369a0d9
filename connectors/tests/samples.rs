//! The sample settings and tables under `deploy/feeds` read what they say they read, and every kind of
//! feed is told of in both languages.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where something is missing")]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use upturn_connectors::feed;
use upturn_core::calendar::overlay::Overlay;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/feeds")
}

fn sample(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn data(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    std::fs::read(folder.join(name)).unwrap()
}

#[test]
fn sample_settings_read_sample_documents() {
    let customers = json!({"customers": [{"id": 7, "segment": {"tier": "A"}, "beds": 1200}]});
    let terminal = json!({"InnerList": [{"TheFullName": "X", "ETADate": "2022-09-20 11:00"}]});
    let cases: [(&str, Vec<u8>, usize); 9] = [
        ("attributes", customers.to_string().into_bytes(), 1),
        ("closures", sample("settings/closures.csv").into_bytes(), 2),
        ("departures", sample("settings/departures.csv").into_bytes(), 3),
        ("gtfs", data("calendars/gtfs_calendar.txt"), 1),
        ("icalendar", data("calendars/holiday-cn_2025.ics"), 1),
        ("lanes", sample("settings/lanes.csv").into_bytes(), 3),
        ("open-meteo", data("weather/open-meteo_hourly_2022-12-06.json"), 49),
        ("policies", sample("settings/policies.csv").into_bytes(), 2),
        ("terminal-calls", terminal.to_string().into_bytes(), 1),
    ];
    for (name, document, count) in cases {
        let kind = feed::kind(name).unwrap_or_else(|| panic!("there is no feed {name}"));
        let settings: Value = toml::from_str(&sample(&format!("settings/{name}.toml"))).unwrap();
        let facts = (kind.parse)(&settings, &document);
        let facts = facts.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(facts.len(), count, "case: {name}");
    }
    let overlay = Overlay::from_toml(&sample("settings/supplier-calendar.toml")).unwrap();
    assert_eq!(overlay.party.to_string(), "supplier:acme");
}

#[test]
fn every_kind_is_told_of_in_both_languages() {
    for language in ["md", "zh.md"] {
        let pages = ["README", "calendars", "logistics", "surroundings"];
        let pages: String = pages.map(|page| sample(&format!("{page}.{language}"))).concat();
        // Kinds of rates are told of by the command that lists them, and by the bank's example.
        let is_older = |name: &str| {
            let older = ["cfets", "frankfurter", "hmrc", "open-exchange-rates"];
            older.contains(&name)
        };
        for kind in feed::KINDS.iter().filter(|kind| !is_older(kind.name)) {
            let is_told = pages.contains(&format!("`{}`", kind.name))
                || pages.contains(&format!("parse {}", kind.name));
            assert!(is_told, "{} is not told of in {language}", kind.name);
        }
    }
}

/// What a document in JSON or iCalendar is cut to, and damaged like, gives an error or facts, and never
/// half of either.
#[test]
fn cut_and_damaged_documents_are_refused_or_whole() {
    let cases = [
        ("holiday-cn", json!({}), "calendars/holiday-cn_2025.json"),
        ("chinese-days", json!({}), "calendars/chinese-days_2025.json"),
        ("uk-bank-holidays", json!({}), "calendars/uk-bank-holidays_2025-2026.json"),
        ("icalendar", json!({}), "calendars/holiday-cn_2025.ics"),
        ("icalendar", json!({}), "calendars/chinese-days_2025.ics"),
        ("dcsa-schedules", json!({}), "logistics/ovs-3.0.0-vessel-schedule-response.json"),
        ("dcsa-events", json!({}), "logistics/tnt-2.2.0-events-response.json"),
        ("dcsa-events", json!({}), "logistics/tnt-3.0.0-events-response.json"),
        ("open-meteo", json!({}), "weather/open-meteo_hourly_2022-12-06.json"),
    ];
    for (name, settings, file) in cases {
        let kind = feed::kind(name).unwrap_or_else(|| panic!("there is no feed {name}"));
        let whole = data(file);
        assert!((kind.parse)(&settings, &whole).is_ok(), "case: {file}");
        let end = whole.trim_ascii_end().len();
        for part in 0..20 {
            let at = end * part / 20;
            let cut = (kind.parse)(&settings, &whole[..at]);
            assert!(cut.is_err(), "case: {file} cut at {at}");
            for byte in *b"\0\"{9-\xff\n" {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                if let Err(error) = (kind.parse)(&settings, &damaged) {
                    assert!(error.to_string().len() < 400, "case: {file} at {at}: {error}");
                }
            }
        }
    }
}
