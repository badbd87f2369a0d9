//! `upturn facts` and quotes: looked up in saved documents, and in the sets in force.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use upturn_tests::binary::{run, upturn, wait_for};
use upturn_tests::fleet::{self, Message};
use upturn_tests::http;
use upturn_tests::site::{Plan, Site, THREE_FAILURES, each_database};
use upturn_tests::source::Source;

use crate::feeds::colleague;

fn sample(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../connectors/tests/data").join(path)
}

/// Makes a feed's folder of saved documents.
fn saved(facts: &Path, name: &str, kind: &str, documents: &[PathBuf]) {
    let folder = facts.join(name);
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("feed.toml"), format!("kind = \"{kind}\"\n")).unwrap();
    for document in documents {
        fs::copy(document, folder.join(document.file_name().unwrap())).unwrap();
    }
}

/// Looks something up in the folder `facts`; returns the exit code and what was printed.
fn get(facts: &Path, asked: &[&str]) -> (i32, Value) {
    let facts = ["--json", "--facts", facts.to_str().unwrap()];
    let output = run(upturn([&["facts", "get"], asked, &facts].concat()), "");
    assert!(!output.stdout.is_empty(), "{output:?}");
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn a_place_s_days_are_told_with_why_and_never_taken_for_granted() {
    let folder = tempfile::tempdir().unwrap();
    saved(folder.path(), "china", "holiday-cn", &[sample("calendars/holiday-cn_2025.json")]);
    let days = ["calendar", "CN", "--as-of", "2025-01-26", "--until", "2025-02-08"];
    let (code, told) = get(folder.path(), &days);
    let of = |index: usize| {
        let day = &told["days"][index];
        (day["on"].as_str().unwrap(), day["is_workday"] == true, day["because"].is_string())
    };
    assert_eq!((code, &told["zone"], &told["feed"]), (0, &json!("Asia/Shanghai"), &json!("china")));
    let expected = [
        (0, ("2025-01-26", true, true)),
        (1, ("2025-01-27", true, false)),
        (2, ("2025-01-28", false, true)),
        (9, ("2025-02-04", false, true)),
        (10, ("2025-02-05", true, false)),
        (13, ("2025-02-08", true, true)),
    ];
    for (index, day) in expected {
        assert_eq!(of(index), day, "{told:#}");
    }
    assert_eq!(told["announced_until"], "2025-12-31");

    let later = ["calendar", "CN", "--as-of", "2025-02-05", "--add", "2h"];
    let from = ["--from", "2025-01-27T16:00:00+08:00"];
    let (_, told) = get(folder.path(), &[&later[..], &from].concat());
    assert_eq!(told["last_workday_before"], "2025-01-27");
    assert_eq!(told["added"]["due_at"], "2025-02-05T10:00:00+08:00");
    assert_eq!(told["added"]["is_announced"], true);

    let (code, told) = get(folder.path(), &["calendar", "CN", "--as-of", "2026-02-16"]);
    assert_eq!((code, &told["announced_until"]), (0, &Value::Null));
    assert_eq!(told["days"][0]["is_announced"], false);
    let facts = folder.path().to_str().unwrap();
    let shown = ["facts", "get", "calendar", "CN", "--as-of", "2026-02-16", "--facts", facts];
    let shown = run(upturn(shown), "");
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("by the week alone: not announced"), "{shown}");

    let (code, told) = get(folder.path(), &["calendar", "DE", "--as-of", "2025-01-27"]);
    assert_eq!((code, &told["error"]["code"]), (65, &json!("calendar-missing")));
    assert!(told["error"]["message"].as_str().unwrap().ends_with("those of: CN"), "{told}");
}

#[test]
fn two_feeds_that_agree_on_a_day_answer_and_two_that_do_not_are_named() {
    let folder = tempfile::tempdir().unwrap();
    saved(folder.path(), "notices", "holiday-cn", &[sample("calendars/holiday-cn_2025.json")]);
    saved(folder.path(), "package", "chinese-days", &[sample("calendars/chinese-days_2025.json")]);
    let (code, told) = get(folder.path(), &["calendar", "CN", "--as-of", "2025-01-28"]);
    assert_eq!((code, &told["days"][0]["is_workday"]), (0, &json!(false)), "{told}");

    let other = folder.path().join("other");
    saved(folder.path(), "other", "holiday-cn", &[]);
    let no_festival = json!({"year": 2025, "papers": [], "days": [
        {"name": "元旦", "date": "2025-01-01", "isOffDay": true},
    ]});
    fs::write(other.join("2025.json"), no_festival.to_string()).unwrap();
    let (code, told) = get(folder.path(), &["calendar", "CN", "--as-of", "2025-01-28"]);
    assert_eq!((code, &told["error"]["code"]), (65, &json!("several-feeds")), "{told}");
    let named = ["calendar", "CN", "--as-of", "2025-01-28", "--feed", "notices"];
    assert_eq!(get(folder.path(), &named).0, 0);
}

#[test]
fn a_rate_grows_old_by_its_source_s_own_calendar() {
    let folder = tempfile::tempdir().unwrap();
    let parity = r#"{"head":{"rep_code":"200"},"data":{"head":["USD/CNY"],"flagMessage":""},
        "records":[{"date":"2025-01-27","values":["7.1698"]}]}"#;
    saved(folder.path(), "cfets", "cfets", &[]);
    fs::write(folder.path().join("cfets/january.json"), parity).unwrap();
    let by_china = "kind = \"cfets\"\n[limits]\npublishes_by = \"CN\"\n";
    fs::write(folder.path().join("cfets/feed.toml"), by_china).unwrap();
    let on = |day: &str| {
        let (_, told) = get(folder.path(), &["rate", "USD", "CNY", "--as-of", day]);
        if told["error"].is_null() { told["value"].clone() } else { told["error"]["code"].clone() }
    };
    assert_eq!(on("2025-02-04"), "rate-too-old", "no calendar tells of Spring Festival");
    saved(folder.path(), "china", "holiday-cn", &[sample("calendars/holiday-cn_2025.json")]);
    assert_eq!(on("2025-02-04"), "7.1698");
    assert_eq!(on("2025-02-06"), "7.1698", "one publication is missed, that of the 5th");
    assert_eq!(on("2025-02-07"), "rate-too-old");
}

#[test]
fn a_sheet_of_departures_waits_for_a_person_where_it_is_cut() {
    let day = |days: i64| (now() + TimeDelta::days(days)).format("%Y-%m-%d").to_string();
    let sheet =
        format!("lane,depart,transit\nCNSHA-NLRTM,{},32\nCNSHA-DEHAM,{},35\n", day(9), day(8));
    let source = Source::start(sheet.clone());
    let mut site = Site::install(&Plan::default());
    let kind = "kind = \"departures\"\nsettings = { format = \"csv\", zone = \"Asia/Shanghai\" }";
    with_feeds(&site, &[("carrier", kind, source.port)]);
    site.start_again();
    wait_for("the first set", || (feed(&site, "carrier")["feed"]["state"] == "fine").then_some(()));
    source.says(format!("{sheet}CNSHA-BEA"));
    let (status, _) = http::post(site.web, "/api/v1/feeds/carrier/run", &json!({})).unwrap();
    assert_eq!(status, 200);
    wait_for("the held set", || (feed(&site, "carrier")["feed"]["state"] == "held").then_some(()));
    let reasons = feed(&site, "carrier")["sets"][0]["reasons"].clone();
    assert_eq!(reasons, json!(["/rows/2: 1 of 3 cells: it is cut or shifted"]));
    let found = run(site.command(["facts", "get", "sailing", "CNSHA", "NLRTM", "--json"]), "");
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    assert!(found["sailings"][0]["sailing"]["departs_at"].as_str().unwrap().starts_with(&day(9)));
}

#[test]
fn a_policy_waits_until_somebody_else_confirms_it() {
    let heading = "region,product,title,from,until,reference,confirmed_by\n";
    let named = "CN-62,*,tenders at quarter end,2025-01-01,,notice 12,operations\n";
    let open = "CN-62,V7,subsidy of 10 %,2025-01-01,2025-06-30,notice 3,\n";
    let source = Source::start(format!("{heading}{named}"));
    let mut site = Site::install(&Plan::default());
    let kind = "kind = \"policies\"\nsettings = { format = \"csv\" }";
    with_feeds(&site, &[("notices", kind, source.port)]);
    let bo = colleague(&site);
    site.start_again();
    wait_for("the first set", || (feed(&site, "notices")["feed"]["state"] == "fine").then_some(()));
    let titles = || {
        let asked = ["facts", "get", "policy", "CN-62", "V7", "--as-of", "2025-03-31", "--json"];
        let found: Value = serde_json::from_slice(&run(site.command(asked), "").stdout).unwrap();
        let all = found["policies"].as_array().unwrap().iter();
        all.map(|one| one["policy"]["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(titles(), ["tenders at quarter end"]);

    source.says(format!("{heading}{named}{open}"));
    let (status, _) = http::post(site.web, "/api/v1/feeds/notices/run", &json!({})).unwrap();
    assert_eq!(status, 200);
    wait_for("the held set", || (feed(&site, "notices")["feed"]["state"] == "held").then_some(()));
    let held = feed(&site, "notices")["sets"][0].clone();
    let reason = "nobody has confirmed 'subsidy of 10 %' for V7 in CN-62; who releases it does";
    assert_eq!((&held["reasons"], titles().len()), (&json!([reason]), 1));
    let release = format!("/api/v1/feeds/notices/sets/{}/release", held["id"]);
    let (status, released) = http::post_as(site.web, &release, &json!({}), &bo).unwrap();
    assert_eq!(status, 200, "{released}");
    assert_eq!(titles(), ["subsidy of 10 %", "tenders at quarter end"]);
    // What was confirmed once is not asked again.
    source.says(format!("{heading}{open}{named}"));
    run_again(&site, "notices");
    assert_eq!(titles().len(), 2);
}

#[test]
fn what_the_program_believes_is_told_over_http_with_set_and_age() {
    let goods = Source::start(fs::read(sample("tax/harmonized-system.csv")).unwrap());
    let parity = format!("Date,USD,CNY\n{},1.1000,7.7000\n", today());
    let rates = Source::start(parity);
    let mut site = Site::install(&Plan::default());
    let feeds =
        [("hs", "kind = \"harmonized-system\"", goods.port), ("ecb", "kind = \"ecb\"", rates.port)];
    with_feeds(&site, &feeds);
    site.start_again();
    for id in ["hs", "ecb"] {
        wait_for("the first set", || (feed(&site, id)["feed"]["state"] == "fine").then_some(()));
    }
    let found = http::json(site.web, "/api/v1/facts/goods?q=85.&limit=2");
    assert_eq!(found["goods"].as_array().unwrap().len(), 2, "{found:#}");
    let first = &found["goods"][0];
    assert!(first["code"].as_str().unwrap().starts_with("85"), "{found:#}");
    let source = &found["sources"][0];
    assert_eq!((&first["feed"], &source["feed"]), (&json!("hs"), &json!("hs")));
    assert!(source["set"].is_i64() && source["checked_at"].is_string(), "{found:#}");
    let word = first["description"].as_str().unwrap().split_whitespace().next().unwrap();
    let found = http::json(site.web, &format!("/api/v1/facts/goods?q={word}&limit=100"));
    let has_it = found["goods"].as_array().unwrap().iter().any(|one| one["code"] == first["code"]);
    assert!(has_it, "{found:#}");
    let nothing = http::json(site.web, "/api/v1/facts/goods?q=zzzz");
    assert_eq!(nothing["goods"], json!([]), "no match is an answer");

    let price = http::json(site.web, "/api/v1/facts/rate?base=usd&quote=CNY");
    assert_eq!((&price["value"], &price["feed"]), (&json!("7"), &json!("ecb")), "{price:#}");
    assert_eq!(price["legs"].as_array().unwrap().len(), 2, "{price:#}");
    let cases = [
        ("rate?base=EUR&quote=CHF", "not-found", "ecb has no rate of EUR in CHF"),
        ("rate?base=EUR&quote=francs", "bad-request", "quote is 'francs'"),
        ("rate?base=EUR&quote=USD&on=tomorrow", "bad-request", "on is 'tomorrow'"),
        ("rate?base=EUR&quote=USD&feed=boc", "not-found", "there is no feed 'boc'"),
        ("goods?q=", "bad-request", "search for a code or words"),
    ];
    for (path, code, detail) in cases {
        let (_, told) = http::get(site.web, &format!("/api/v1/facts/{path}")).unwrap();
        let told: Value = serde_json::from_str(&told).unwrap();
        assert!(told["type"].as_str().unwrap().ends_with(code), "case: {path}: {told}");
        assert!(told["detail"].as_str().unwrap().contains(detail), "case: {path}: {told}");
    }
}

#[test]
fn codes_of_goods_are_found_by_words_and_by_their_beginning() {
    let folder = tempfile::tempdir().unwrap();
    saved(folder.path(), "hs", "harmonized-system", &[sample("tax/harmonized-system.csv")]);
    let (code, all) = get(folder.path(), &["goods", "85"]);
    assert_eq!(code, 0);
    let first = &all["goods"][0];
    assert!(first["code"].as_str().unwrap().starts_with("85"), "{all}");
    let word = first["description"].as_str().unwrap().split_whitespace().next().unwrap();
    let (_, found) = get(folder.path(), &["goods", word, "--max", "100"]);
    let found = found["goods"].as_array().unwrap();
    assert!(found.iter().any(|goods| goods["code"] == first["code"]), "{found:?}");
    let (code, none) = get(folder.path(), &["goods", "zzzz"]);
    assert_eq!((code, &none["goods"]), (0, &json!([])));
}

#[expect(clippy::disallowed_methods, reason = "the program under test reads the machine's clock")]
pub(crate) fn now() -> DateTime<Utc> {
    Utc::now()
}

fn today() -> NaiveDate {
    now().date_naive()
}

/// Returns a carrier's schedule with one voyage from Shanghai to Hamburg that departs in so many days.
fn schedule(days: i64) -> String {
    let at =
        |days: i64| (now() + TimeDelta::days(days)).format("%Y-%m-%dT08:00:00+08:00").to_string();
    let place = |code: &str| json!({"locationName": code, "UNLocationCode": code});
    let (from, to) = (place("CNSHA"), place("DEHAM"));
    json!([{
        "placeOfReceipt": {"location": from}, "placeOfDelivery": {"location": to},
        "cutOffTimes": [{"cutOffDateTimeCode": "FCO", "cutOffDateTime": at(days - 2)}],
        "transitTime": 31,
        "legs": [{
            "sequenceNumber": 1,
            "transport": {
                "modeOfTransport": "VESSEL",
                "servicePartners": [{"carrierCode": "ACME", "carrierExportVoyageNumber": "061W"}],
            },
            "departure": {"location": from, "dateTime": at(days)},
            "arrival": {"location": to, "dateTime": at(days + 31)},
        }],
    }])
    .to_string()
}

#[test]
fn departures_are_told_with_cut_off_age_and_what_was_said_before() {
    let source = Source::start(schedule(10));
    let mut site = Site::install(&Plan::default());
    let kind = "kind = \"dcsa-schedules\"";
    with_feeds(&site, &[("carrier", kind, source.port)]);
    site.start_again();
    wait_for("the first set", || (feed(&site, "carrier")["feed"]["state"] == "fine").then_some(()));
    source.says(schedule(12));
    run_again(&site, "carrier");

    let asked = ["facts", "get", "sailing", "CNSHA", "DEHAM", "--json"];
    let found = run(site.command(asked), "");
    assert!(found.status.success(), "{found:?}");
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    let [sailing] = found["sailings"].as_array().unwrap().as_slice() else { panic!("{found:#}") };
    let day = |days: i64| (now() + TimeDelta::days(days)).format("%Y-%m-%d").to_string();
    let starts = |at: &Value, days| at.as_str().unwrap().starts_with(&day(days));
    assert!(starts(&sailing["sailing"]["departs_at"], 12), "{found:#}");
    assert!(starts(&sailing["hand_in_by"], 10), "{found:#}");
    assert!(starts(&sailing["before"][0]["departs_at"], 10), "{found:#}");
    assert_eq!((&sailing["days"], &sailing["feed"]), (&json!(31), &json!("carrier")));
    assert!(sailing["age_seconds"].is_i64(), "{found:#}");
    let shown = run(site.command(["facts", "get", "sailing", "CNSHA", "DEHAM"]), "");
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains("ACME 061W") && shown.contains("of feed carrier"), "{shown}");

    let nowhere = run(site.command(["facts", "get", "sailing", "CNSHA", "NLRTM", "--json"]), "");
    let told: Value = serde_json::from_slice(&nowhere.stdout).unwrap();
    assert_eq!(told["error"]["code"], "sailing-missing");
    assert!(told["error"]["message"].as_str().unwrap().ends_with("CNSHA to DEHAM"), "{told}");
}

/// Adds feeds to an installation that does not run yet: each id, what its document says, and the port
/// of its source. Their slots are the first of the month.
pub(crate) fn with_feeds(site: &Site, feeds: &[(&str, &str, u16)]) {
    let folder = site.folder.path().join("feeds");
    fs::create_dir(&folder).unwrap();
    for (id, more, port) in feeds {
        let document = format!(
            "id = \"{id}\"\ntitle = {{ en = \"{id}\" }}\nconfigured_by = \"ana\"\n\
             schedule = \"0 3 1 * *\"\njitter = \"0s\"\n{more}\n\
             [source]\naddress = \"http://127.0.0.1:{port}/document\"\n"
        );
        fs::write(folder.join(format!("{id}.toml")), document).unwrap();
    }
    let folder = folder.display();
    site.configure(&format!(
        "[feeds]\ndir = \"{folder}\"\n[http]\nallow_private = [\"127.0.0.1\"]\n"
    ));
}

fn feed(site: &Site, id: &str) -> Value {
    http::json(site.web, &format!("/api/v1/feeds/{id}"))
}

pub(crate) fn run_again(site: &Site, id: &str) {
    let path = format!("/api/v1/feeds/{id}/run");
    let (status, _) = http::post(site.web, &path, &json!({})).unwrap();
    assert_eq!(status, 200);
    wait_for("the run", || {
        let newest = &feed(site, id)["runs"][0];
        (newest["cause"] == "person" && newest["outcome"] == "active").then_some(())
    });
}

/// Returns the ECB's rates of yesterday.
fn rates() -> String {
    let day = today() - TimeDelta::days(1);
    format!("Date,USD,CNY\n{day},1.0526,7.6204\n")
}

/// Returns a request dated `date` for goods in yuan, to be priced in euros without duties.
fn request(date: NaiveDate) -> String {
    json!({
        "id": "Q-1", "date": date, "valid_until": date + TimeDelta::days(30), "currency": "EUR",
        "seller": {"person": "s.weber", "role": "seller", "company": "Upturn Example Works"},
        "buyer": {"company": "Klinikum Beispiel GmbH", "address": "Musterweg 1, 28195 Bremen"},
        "lines": [{
            "article": "VENT-300", "product": "ventilator", "description": "Ventilator",
            "quantity": "1", "unit_price": {"amount": "76204.00", "currency": "CNY"},
        }],
        "route": {
            "mode": "sea", "from": "Ningbo", "departure": "Ningbo", "arrival": "Hamburg",
            "to": {"place": "Bremen", "country": "DE", "postcode": "28195"},
        },
        "terms": ["FCA"],
    })
    .to_string()
}

fn price(site: &Site, date: NaiveDate) -> (i32, Value) {
    let command = site.command(["quote", "price", "--request", "-", "--json"]);
    let output = run(command, &request(date));
    assert!(!output.stdout.is_empty(), "{output:?}");
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn a_quote_stands_on_the_set_in_force_and_stops_when_its_rates_are_too_old() {
    each_database(|database| {
        let source = Source::start(rates());
        let rules = vec![THREE_FAILURES.to_owned()];
        let mut site = Site::install(&Plan { database, rules, ..Plan::default() });
        let document = "kind = \"ecb\"\n[limits]\npublication = \"daily\"";
        with_feeds(&site, &[("ecb", document, source.port)]);
        let (code, none) = price(&site, today());
        let problems = |snapshot: &Value| snapshot["quote"].to_string();
        assert!(code == 1 && problems(&none).contains("\"rate-missing\""), "{none:#}");
        site.start_again();
        wait_for("the first set", || (feed(&site, "ecb")["feed"]["state"] == "fine").then_some(()));

        let (code, quote) = price(&site, today());
        let offer = &quote["quote"]["offers"][0];
        assert_eq!((code, &offer["total"]), (0, &json!("10000.00")), "{quote:#}");
        assert_eq!(quote["facts"]["rates"][0]["value"], "7.6204");
        let set = &feed(&site, "ecb")["feed"]["set"]["id"];
        assert_eq!((&quote["sets"][0]["feed"], &quote["sets"][0]["set"]), (&json!("ecb"), set));
        let file = site.folder.path().join("sent.json");
        fs::write(&file, quote.to_string()).unwrap();
        let page = run(site.command(["quote", "render", file.to_str().unwrap()]), "");
        assert!(page.status.success(), "what was printed is what is kept: {page:?}");

        // The source has said nothing for five days then, and publishes daily.
        let (code, stopped) = price(&site, today() + TimeDelta::days(5));
        assert!(code == 1 && problems(&stopped).contains("\"rate-too-old\""), "{stopped:#}");
        let at = now() - TimeDelta::hours(1);
        let failures: Vec<_> = (0..3)
            .map(|number: i32| {
                let payload = json!({
                    "id": format!("f-{number}"), "kind": "charge_failed",
                    "occurred_at": at + TimeDelta::minutes(number.into()),
                });
                Message::new("devices/evse-0042/events", payload.to_string())
            })
            .collect();
        fleet::publish(site.mqtt, &failures, 20, |_| {});
        site.until_tasks(1);

        // Before the feed was set up it had said nothing.
        let (code, early) = price(&site, today() - TimeDelta::days(3));
        assert!(code == 1 && problems(&early).contains("\"rate-missing\""), "{early:#}");
    });
}
