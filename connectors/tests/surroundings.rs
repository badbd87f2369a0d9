//! Weather, attributes of customers and sites, and policies: what is read, and what is not.
#![expect(clippy::panic, reason = "a test fails where something is missing")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use upturn_connectors::feed;
use upturn_core::fact::Fact;
use upturn_core::fact::attributes::Attributes;
use upturn_core::fact::policy::{Policy, in_force};
use upturn_core::fact::weather::{Weather, When};

fn parse(kind: &str, settings: &Value, bytes: &[u8]) -> Result<Vec<Fact>, String> {
    let kind = feed::kind(kind).unwrap_or_else(|| panic!("there is no feed {kind}"));
    (kind.parse)(settings, bytes).map_err(|error| error.to_string())
}

fn weather(settings: &Value, text: &str) -> Result<Vec<Weather>, String> {
    let weather = |fact| {
        let Fact::Weather(weather) = fact else { panic!("{fact:?} is no weather") };
        *weather
    };
    Ok(parse("open-meteo", settings, text.as_bytes())?.into_iter().map(weather).collect())
}

fn shown(weather: &Weather, name: &str) -> String {
    let when = match weather.when {
        When::Now(at) => format!("now {}", at.to_rfc3339()),
        When::Hour(at) => at.to_rfc3339(),
        When::Day(day) => day.to_string(),
    };
    let value = weather.values.get(name);
    let value = value.map(|it| format!("{} {}", it.value, it.unit.as_deref().unwrap_or("-")));
    format!("{when} {}", value.as_deref().unwrap_or("unknown"))
}

#[test]
fn weather_is_told_by_the_hour_with_newer_names_and_units() {
    let file = "tests/data/weather/open-meteo_hourly_2022-12-06.json";
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let found = weather(&json!({"places": "lane:A-B"}), &text).unwrap();
    assert_eq!(found.len(), 49);
    assert_eq!(found[0].place.as_deref(), Some("lane:A-B"));
    assert_eq!(shown(&found[0], "wind_speed"), "now 2022-12-06T02:00:00+00:00 8.4 -");
    assert_eq!(shown(&found[1], "temperature_2m"), "2022-12-06T00:00:00+00:00 2.9 °C");
    assert_eq!(shown(&found[48], "wind_speed_10m"), "2022-12-07T23:00:00+00:00 11.9 km/h");
    assert_eq!(shown(&found[48], "relative_humidity_2m"), "2022-12-07T23:00:00+00:00 90 %");
}

#[test]
fn hours_and_days_are_those_of_the_place() {
    let text = r#"[{"latitude":31.2,"longitude":121.5,"utc_offset_seconds":28800,
        "hourly_units":{"snowfall":"cm"},"hourly":{"time":["2025-01-26T00:00","2025-01-26T01:00"],
        "snowfall":[-0.0,null]},"daily_units":{"sunrise":"iso8601"},
        "daily":{"time":["2025-01-26"],"sunrise":["2025-01-26T06:50"],"snowfall_sum":[1.40]}},
        {"latitude":0,"longitude":0,"utc_offset_seconds":0,"hourly":{"time":[1737849600],"rain":[2]}}]"#;
    let found = weather(&json!({"places": ["site-1", "site-2"]}), text).unwrap();
    assert_eq!(shown(&found[0], "snowfall"), "2025-01-26T00:00:00+08:00 0 cm");
    assert_eq!(shown(&found[1], "snowfall"), "2025-01-26T01:00:00+08:00 unknown");
    assert_eq!(shown(&found[2], "sunrise"), "2025-01-26 2025-01-26T06:50 iso8601");
    assert_eq!(shown(&found[2], "snowfall_sum"), "2025-01-26 1.40 -");
    assert_eq!(found[3].place.as_deref(), Some("site-2"));
    assert_eq!(shown(&found[3], "rain"), "2025-01-26T00:00:00+00:00 2 -");
}

#[test]
fn what_is_no_weather_is_refused_in_its_own_words() {
    let at = r#""latitude":31.2,"longitude":121.5,"utc_offset_seconds":0"#;
    let cases = [
        (
            r#"{"reason":"Cannot initialize from invalid String value winddiren_10m","error":true}"#
                .to_owned(),
            "it says: Cannot initialize from invalid String value winddiren_10m",
        ),
        (format!("{{{at}}}"), "it has no weather"),
        (
            format!(r#"{{{at},"hourly":{{"time":["2025-01-26T00:00"],"rain":[1,2]}}}}"#),
            "/hourly/rain: it has 2 values for 1 times",
        ),
        (
            format!(r#"{{{at},"hourly":{{"time":["2025-02-30T00:00"],"rain":[1]}}}}"#),
            "/hourly/time/0: '2025-02-30T00:00' is no time",
        ),
        (
            format!(r#"{{{at},"daily":{{"time":["2025-01-26"],"rain":["much"]}}}}"#),
            "/daily/rain/0: 'much' is no number",
        ),
        (r#"{"latitude":91,"longitude":0,"utc_offset_seconds":0}"#.to_owned(), "/latitude: it is not"),
        (r#"{"latitude":9,"longitude":0}"#.to_owned(), "/utc_offset_seconds: it is missing"),
    ];
    for (text, expected) in cases {
        let error = weather(&json!({}), &text).unwrap_err();
        assert!(error.contains(expected), "case: {text}: {error}");
    }
    let two = weather(&json!({"places": ["a", "b"]}), &format!("{{{at}}}")).unwrap_err();
    assert!(two.contains("it names 2, and the document tells of 1"), "{two}");
}

fn attributes(settings: &Value, text: &str) -> Result<Vec<Attributes>, String> {
    let attributes = |fact| {
        let Fact::Attributes(attributes) = fact else { panic!("{fact:?} is no attributes") };
        *attributes
    };
    Ok(parse("attributes", settings, text.as_bytes())?.into_iter().map(attributes).collect())
}

#[test]
fn attributes_come_from_any_document_by_pointers() {
    let many = json!({"format": "json", "of": "account", "rows": "/customers/*", "key": "id",
        "attributes": {"tier": "segment/tier", "beds": "beds"}});
    let text = r#"{"customers":[{"id":7,"segment":{"tier":"A"},"beds":1200},
        {"id":"x/8","segment":{"tier":null}}]}"#;
    let found = attributes(&many, text).unwrap();
    let shown: Vec<_> = found.iter().map(|one| format!("{} {:?}", one.key, one.values)).collect();
    assert_eq!(shown, [r#"7 {"beds": "1200", "tier": "A"}"#, "x/8 {}"]);
    let one = json!({"format": "json", "of": "site", "id": "site-7",
        "attributes": {"grid": "/grid/load~1now", "first": "/list/0"}});
    let found = attributes(&one, r#"{"grid":{"load/now":0.80},"list":["a","b"]}"#).unwrap();
    assert_eq!(format!("{:?}", found[0].values), r#"{"first": "a", "grid": "0.80"}"#);
    let cases = [
        (
            &many,
            r#"{"customers":[{"id":7,"tier":"A"}]}"#,
            "setting 'attributes', beds: it leads nowhere",
        ),
        (&many, r#"{"customers":[{"segment":{"tier":"A"},"beds":1}]}"#, "/customers/0, key: "),
        (
            &many,
            r#"{"customers":[{"id":1,"segment":{"tier":1},"beds":1},{"id":1}]}"#,
            "/customers/1, key: '1' stands there twice",
        ),
        (
            &json!({"format": "json", "of": "site", "attributes": {}, "id": "x"}),
            "{}",
            "no attribute",
        ),
        (
            &json!({"format": "json", "of": "deal", "attributes": {"a": "a"}, "id": "x"}),
            "{}",
            "deal",
        ),
    ];
    for (settings, text, expected) in cases {
        let error = attributes(settings, text).unwrap_err();
        assert!(error.contains(expected), "case: {text}: {error}");
    }
}

#[test]
fn policies_tell_who_has_confirmed_them_and_where_they_hold() {
    let head = "region,product,title,from,until,reference,confirmed_by\n";
    let policies = |rows: &str| -> Result<Vec<Policy>, String> {
        let policy = |fact| {
            let Fact::Policy(policy) = fact else { panic!("{fact:?} is no policy") };
            *policy
        };
        let text = format!("{head}{rows}\n");
        let facts = parse("policies", &json!({"format": "csv"}), text.as_bytes())?;
        Ok(facts.into_iter().map(policy).collect())
    };
    let found = policies(
        "CN-62,*,tertiary hospitals tender at quarter end,2025-01-01,,notice 12,operations\n\
         CN-62,V7,subsidy of 10 %,2025-01-01,2025-06-30,notice 13,",
    );
    let found = found.unwrap();
    let holds = in_force(&found, "CN-62", "V7", "2025-03-31".parse().unwrap());
    let told = holds.iter().map(|one| (&*one.reference, one.confirmed_by.as_deref()));
    let told: Vec<_> = told.collect();
    assert_eq!(told, [("notice 13", None), ("notice 12", Some("operations"))], "its own first");
    let cases = [
        ("CN-62,V7,t,2025-06-30,2025-01-01,r,", "/rows/0, until: it ends on 2025-01-01"),
        ("CN-62,,t,2025-06-30,,r,", "/rows/0, product: there is nothing"),
        ("CN-62,V7,t,,,r,", "/rows/0, from: there is no day"),
        ("CN-62,V7,t,2025-02-30,,r,", "'2025-02-30' is no day"),
        ("CN-62,V7,t,2025-02-03,,,", "reference: there is nothing"),
        (
            "A,V,t,2025-02-03,,r,\nA,V,t,2025-02-03,,r,",
            "/rows/1: the same policy stands there twice",
        ),
    ];
    for (rows, expected) in cases {
        let error = policies(rows).unwrap_err();
        assert!(error.contains(expected), "case: {rows}: {error}");
    }
}

#[test]
fn the_wider_samples_are_read_too() {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/weather");
    if !folder.exists() {
        // Past the test runner's capture; where standard error is closed there is nobody to tell.
        drop(writeln!(std::io::stderr(), "not tested: the wider samples; ../shared is not there"));
        return;
    }
    let read =
        |name: &str| weather(&json!({}), &std::fs::read_to_string(folder.join(name)).unwrap());
    let now = read("open-meteo_current_2026-08-01.json").unwrap();
    assert_eq!(shown(&now[0], "weather_code"), "now 2026-08-01T10:00:00+00:00 61 wmo code");
    // 1 now, 48 hours and 2 days; its months are not read.
    let all = read("open-meteo_outputformat-test_01.json").unwrap();
    assert_eq!(all.len(), 51);
    assert_eq!(shown(&all[0], "wind_speed_100m"), "now 2022-07-12T02:15:00+01:00 10.0 km/h");
    assert_eq!(shown(&all[50], "temperature_2m_mean"), "2022-07-13 20.0 °C");
    assert_eq!(read("open-meteo_hourly_2022-12-06_first48h.json").unwrap().len(), 49);
    let error = read("open-meteo_error_400.json").unwrap_err();
    assert!(error.starts_with("it says: Cannot initialize IconSurfaceVariable"), "{error}");
}
