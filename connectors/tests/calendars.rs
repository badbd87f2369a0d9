//! Calendars as their sources publish them: what is read from real documents, and what is not.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where something is missing")]

use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde_json::{Value, json};
use upturn_connectors::feed;
use upturn_core::calendar::Calendar;
use upturn_core::fact::Fact;
use upturn_core::fact::almanac::{Almanac, Work};

const OURS: &str = "tests/data/calendars";

fn ours(file: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(OURS).join(file)).unwrap()
}

fn parse(kind: &str, settings: &Value, bytes: &[u8]) -> Result<Vec<Almanac>, String> {
    let kind = feed::kind(kind).unwrap_or_else(|| panic!("there is no feed {kind}"));
    let facts = (kind.parse)(settings, bytes).map_err(|error| error.to_string())?;
    let almanac = |fact| {
        let Fact::Calendar(almanac) = fact else { panic!("{fact:?} is no calendar") };
        *almanac
    };
    Ok(facts.into_iter().map(almanac).collect())
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// Returns an almanac's days as texts: `2025-01-28..02-04 off`.
fn rows(almanac: &Almanac) -> Vec<String> {
    let row = |days: &upturn_core::fact::almanac::Days| {
        let work = match &days.work {
            Work::Off => "off".to_owned(),
            Work::On => "on".to_owned(),
            Work::At(hours) => {
                hours.ranges().iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
            }
        };
        format!("{}..{} {work}", days.first_on, days.last_on.format("%m-%d"))
    };
    almanac.days.iter().map(row).collect()
}

/// Returns which days of `year` are worked in China's offices by what an almanac says.
fn workdays(almanac: &Almanac, year: i32) -> Vec<NaiveDate> {
    let office = "zone = \"Asia/Shanghai\"\nrevision = \"1\"\n[week]\nmon = [\"09:00-18:00\"]\n\
                  tue = [\"09:00-18:00\"]\nwed = [\"09:00-18:00\"]\nthu = [\"09:00-18:00\"]\n\
                  fri = [\"09:00-18:00\"]\n";
    let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
    let calendar = Calendar::from_toml(office).unwrap();
    let calendar = calendar.with_almanacs(&[almanac], first).unwrap();
    let last = NaiveDate::from_ymd_opt(year, 12, 31).unwrap();
    let days = first.iter_days().take_while(|day| *day <= last);
    days.filter(|day| calendar.is_workday(*day)).collect()
}

/// China's days of 2025 as the State Council's notice has them.
const CHINA_2025: [&str; 11] = [
    "2025-01-01..01-01 off",
    "2025-01-26..01-26 on",
    "2025-01-28..02-04 off",
    "2025-02-08..02-08 on",
    "2025-04-04..04-06 off",
    "2025-04-27..04-27 on",
    "2025-05-01..05-05 off",
    "2025-05-31..06-02 off",
    "2025-09-28..09-28 on",
    "2025-10-01..10-08 off",
    "2025-10-11..10-11 on",
];

#[test]
fn the_year_of_china_is_the_same_in_all_its_forms() {
    let region = json!({"region": "CN"});
    let cases = [
        ("holiday-cn", json!({}), "holiday-cn_2025.json", true),
        ("chinese-days", json!({}), "chinese-days_2025.json", false),
        ("icalendar", region.clone(), "holiday-cn_2025.ics", true),
        ("icalendar", region, "chinese-days_2025.ics", false),
    ];
    for (kind, settings, file, has_one_name) in cases {
        let read = parse(kind, &settings, &ours(file)).unwrap();
        let [almanac] = &*read else { panic!("{file}: {read:?}") };
        assert_eq!((almanac.region.as_str(), almanac.part.as_str()), ("CN", "2025"), "{file}");
        assert_eq!(almanac.zone, Some(chrono_tz::Tz::Asia__Shanghai), "{file}");
        let announced: Vec<_> = almanac.announced.iter().map(ToString::to_string).collect();
        assert_eq!(announced, ["from 2025-01-01 until 2025-12-31"], "{file}");
        if has_one_name {
            assert_eq!(rows(almanac), CHINA_2025, "{file}");
        }
        // 261 weekdays, 18 of them off, 5 days of weekends worked: 248.
        let worked = workdays(almanac, 2025);
        assert_eq!(worked.len(), 248, "{file}");
        for (on, expected) in [("2025-01-26", true), ("2025-01-28", false), ("2025-02-08", true)] {
            assert_eq!(worked.contains(&day(on)), expected, "{file}: {on}");
        }
    }
}

#[test]
fn the_year_2020_has_the_revision_that_came_while_it_ran() {
    let read = parse("holiday-cn", &json!({}), &ours("holiday-cn_2020.json")).unwrap();
    let [almanac] = &*read else { panic!("{read:?}") };
    assert!(almanac.revision.as_ref().unwrap().contains("2020-01/27"));
    let rows = rows(almanac);
    for expected in ["2020-01-19..01-19 on", "2020-01-24..02-02 off"] {
        assert!(rows.iter().any(|row| row == expected), "{expected}: {rows:?}");
    }
}

#[test]
fn a_year_without_days_is_not_announced() {
    let empty = br#"{"year": 2027, "papers": [], "days": []}"#;
    let read = parse("holiday-cn", &json!({}), empty).unwrap();
    let [almanac] = &*read else { panic!("{read:?}") };
    assert_eq!(
        (almanac.part.as_str(), almanac.announced.len(), almanac.days.len()),
        ("2027", 0, 0)
    );
    let gone = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\nEND:VCALENDAR\r\n";
    let read = parse("icalendar", &json!({"region": "CN"}), gone).unwrap();
    assert!(read.iter().all(|almanac| almanac.announced.is_empty() && almanac.days.is_empty()));
}

#[test]
fn the_divisions_of_the_united_kingdom_have_days_of_their_own() {
    let read = parse("uk-bank-holidays", &json!({}), &ours("uk-bank-holidays_2025-2026.json"));
    let read = read.unwrap();
    let regions: Vec<_> = read.iter().map(|almanac| almanac.region.as_str()).collect();
    assert_eq!(regions, ["GB-EAW", "GB-SCT", "GB-NIR"]);
    let has = |index: usize, text: &str| rows(&read[index]).iter().any(|row| row == text);
    // St Andrew's day is Scotland's, the Battle of the Boyne Northern Ireland's.
    assert!(has(1, "2026-11-30..11-30 off") && !has(0, "2026-11-30..11-30 off"));
    assert!(has(2, "2026-07-13..07-13 off") && !has(0, "2026-07-13..07-13 off"));
    assert!(has(0, "2025-04-18..04-18 off") && has(0, "2025-04-21..04-21 off"));
    assert_eq!(read[0].revision.as_deref(), Some("24/11/2025"));
    let published = r#"{"scotland": {"division": "scotland", "events": [{"title": "2nd January",
        "date": "2026-01-02", "notes": "", "bunting": true}]}}"#;
    let read = parse("uk-bank-holidays", &json!({}), published.as_bytes()).unwrap();
    assert_eq!(rows(&read[0]), ["2026-01-02..01-02 off"]);
    assert_eq!(read[0].days[0].name, "2nd January");
}

#[test]
fn services_of_a_timetable_run_on_their_weekdays_and_dates() {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let agency = b"agency_id,agency_timezone\nDTA,America/Los_Angeles\n".to_vec();
    for (name, bytes) in [
        ("calendar.txt", ours("gtfs_calendar.txt")),
        ("calendar_dates.txt", ours("gtfs_calendar_dates.txt")),
        ("agency.txt", agency),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(&bytes).unwrap();
    }
    let archive = zip.finish().unwrap().into_inner();
    let read = parse("gtfs", &json!({}), &archive).unwrap();
    let [daily, weekend] = &*read else { panic!("{read:?}") };
    assert_eq!((daily.region.as_str(), weekend.region.as_str()), ("FULLW", "WE"));
    assert_eq!(daily.zone, Some(chrono_tz::Tz::America__Los_Angeles));
    assert_eq!(rows(daily), ["2007-06-04..06-04 off"]);
    assert_eq!(weekend.week.unwrap().0, [false, false, false, false, false, true, true]);
    assert_eq!(weekend.announced[0].to_string(), "from 2007-01-01 until 2010-12-31");
    let one = parse("gtfs", &json!({"service": "WE"}), &ours("gtfs_calendar.txt")).unwrap();
    assert_eq!(one.len(), 1);
    let dates = parse("gtfs", &json!({}), b"service_id,date,exception_type\nX,20250105,1\n");
    let [dates] = &*dates.unwrap() else { panic!("one service") };
    assert_eq!(
        (rows(dates).as_slice(), dates.week.unwrap().0),
        (&["2025-01-05..01-05 on".to_owned()][..], [false; 7])
    );
}

#[test]
fn counties_have_the_days_of_their_country_and_their_own() {
    let holiday = |date: &str, counties: &str, kind: &str| {
        format!(
            r#"{{"date":"{date}","localName":"L","name":"N","countryCode":"FR","fixed":false,
            "global":true,"counties":{counties},"types":["{kind}"]}}"#
        )
    };
    let document = format!(
        "[{},{},{}]",
        holiday("2021-05-01", "null", "Public"),
        holiday("2021-04-02", r#"["FR-A","FR-57"]"#, "Public"),
        holiday("2021-06-24", "null", "School"),
    );
    let read = parse("nager", &json!({}), document.as_bytes()).unwrap();
    let shown: Vec<_> =
        read.iter().map(|almanac| (almanac.region.as_str(), rows(almanac).len())).collect();
    assert_eq!(shown, [("FR", 1), ("FR-57", 2), ("FR-A", 2)]);
}

/// Returns a calendar with `events` in it, without the name of its program.
fn ics(events: &str) -> Vec<u8> {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n").into_bytes()
}

fn event(lines: &str) -> Vec<u8> {
    ics(&format!("BEGIN:VEVENT\r\n{lines}\r\nEND:VEVENT\r\n"))
}

#[test]
fn dialects_of_icalendar_are_read_by_patterns() {
    let work = json!({"region": "X", "zone": "Asia/Shanghai", "work": "^TRANSP:OPAQUE"});
    let plain = json!({"region": "X", "zone": "Asia/Shanghai"});
    let off = "DTSTART;VALUE=DATE:20260128\r\nDTEND;VALUE=DATE:20260205\r\nSUMMARY:Shutdown";
    // A line is cut after 75 bytes, here within a character.
    let long = format!("SUMMARY:{}上班", "春".repeat(21));
    let mut folded = Vec::new();
    for (index, byte) in long.bytes().enumerate() {
        if index == 75 {
            folded.extend_from_slice(b"\r\n ");
        }
        folded.push(byte);
    }
    let head = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260214\r\n";
    let folded = [head, &folded[..], b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"].concat();
    let cases = [
        ("days end before DTEND", &plain, event(off), "2026-01-28..02-04 off"),
        ("cut within a character", &plain, folded, "2026-02-14..02-14 on"),
        (
            "floating hours",
            &plain,
            event("DTSTART:20250126T090000\r\nDTEND:20250126T180000\r\nSUMMARY:春节 补班"),
            "2025-01-26..01-26 09:00-18:00",
        ),
        (
            "hours in UTC",
            &plain,
            event("DTSTART:20250126T010000Z\r\nDTEND:20250126T100000Z\r\nSUMMARY:补班"),
            "2025-01-26..01-26 09:00-18:00",
        ),
        (
            "another pattern",
            &work,
            event("DTSTART;VALUE=DATE:20260214\r\nSUMMARY:x\r\nTRANSP:OPAQUE"),
            "2026-02-14..02-14 on",
        ),
        (
            "a duration",
            &plain,
            event("DTSTART;VALUE=DATE:20260214\r\nDURATION:P2D\r\nSUMMARY:x"),
            "2026-02-14..02-15 off",
        ),
        (
            "from midnight to midnight",
            &plain,
            event("DTSTART:20260214T000000\r\nDTEND:20260216T000000\r\nSUMMARY:x"),
            "2026-02-14..02-15 off",
        ),
    ];
    for (name, settings, document, expected) in cases {
        let read = parse("icalendar", settings, &document);
        let read = read.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(rows(&read[0]), [expected], "case: {name}");
    }
}

#[test]
fn days_of_icalendar_repeat_as_far_as_they_have_an_end() {
    let plain = json!({"region": "X"});
    let weekly = event(
        "DTSTART;VALUE=DATE:20260103\r\nDTEND;VALUE=DATE:20260105\r\nSUMMARY:closed\r\n\
         RRULE:FREQ=WEEKLY;UNTIL=20260124\r\nEXDATE;VALUE=DATE:20260110",
    );
    let read = parse("icalendar", &plain, &weekly).unwrap();
    let expected = ["2026-01-03..01-04 off", "2026-01-17..01-18 off", "2026-01-24..01-25 off"];
    assert_eq!(rows(&read[0]), expected);
    let yearly = event("DTSTART;VALUE=DATE:20240229\r\nSUMMARY:x\r\nRRULE:FREQ=YEARLY;COUNT=2");
    let read = parse("icalendar", &plain, &yearly).unwrap();
    assert_eq!(rows(&read[0]), ["2024-02-29..02-29 off", "2028-02-29..02-29 off"]);
}

/// Tells that `kind` refuses `document` with a short text that has `expected` in it.
fn refuses(kind: &str, document: &str, expected: &str) {
    let settings = if kind == "icalendar" { json!({"region": "X"}) } else { json!({}) };
    let Err(error) = parse(kind, &settings, document.as_bytes()) else {
        panic!("case: {kind} {expected}: it is read")
    };
    assert!(error.contains(expected), "case: {kind} {expected}: {error}");
    assert!(error.len() < 300, "case: {kind}: {error}");
}

#[test]
fn what_is_no_sound_icalendar_is_refused_with_its_event() {
    let ics = |events: &str| String::from_utf8(ics(events)).unwrap();
    let event = |lines: &str| String::from_utf8(event(lines)).unwrap();
    let cases = [
        (
            event("DTSTART;VALUE=DATE:20260205\r\nDTEND;VALUE=DATE:20260128"),
            "event 1: it ends on 2026-01-28, before it begins on 2026-02-05",
        ),
        (
            event("SUMMARY:a\r\nDTSTART:20260101T000000Z\r\nRRULE:FREQ=SECONDLY"),
            "event 1 ('a'): it has times and repeats",
        ),
        (
            event("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=SECONDLY;COUNT=9"),
            "it repeats by 'SECONDLY' (RRULE)",
        ),
        (
            event("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=YEARLY"),
            "it repeats without an end (RRULE)",
        ),
        (
            event("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=DAILY;COUNT=100000"),
            "it repeats more than 2000 times",
        ),
        (
            event("DTSTART;VALUE=DATE:20260101\r\nRRULE:FREQ=DAILY;COUNT=many"),
            "is no rule of a repetition",
        ),
        (event("DTSTART;VALUE=DATE:20250230"), "'20250230' is no day or time"),
        (event("DTSTART;VALUE=DATE:00010101\r\nDTEND;VALUE=DATE:99991231"), "too long"),
        (event("SUMMARY:x"), "it has no DTSTART"),
        (
            event("DTSTART:20260101T090000\r\nDTEND:20260101T120000\r\nSUMMARY:closed"),
            "it is off for a part of a day alone",
        ),
        (
            ics(
                "X-WR-TIMEZONE:Asia/Shangai\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\nEND:VEVENT\r\n",
            ),
            "'Asia/Shangai' is no zone",
        ),
        (
            ics("BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\nSUMMARY:a\r\nEND:VEVENT\r\n\
                 BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260101\r\nSUMMARY:补班\r\nEND:VEVENT\r\n"),
            "'a' and '补班' say different things of 2026-01-01",
        ),
        ("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n".to_owned(), "ends before"),
        ("BEGIN:A\r\n".repeat(100_000), "line 9: components stand more than 8 deep"),
        ("<html>maintenance</html>".to_owned(), "it is a web page"),
    ];
    for (document, expected) in cases {
        refuses("icalendar", &document, expected);
    }
}

#[test]
fn what_is_no_sound_calendar_is_refused_with_its_place() {
    let all =
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date";
    let cases = [
        (
            "holiday-cn",
            r#"{"year":2025,"days":[{"name":"x","date":"2025-02-30","isOffDay":true}]}"#.to_owned(),
            "/days/0/date: '2025-02-30' is no day such as 2025-01-28",
        ),
        (
            "holiday-cn",
            r#"{"year":2025,"days":[{"name":"x","date":"2025-02-03","isOffDay":true},
            {"name":"y","date":"2025-02-03","isOffDay":false}]}"#
                .to_owned(),
            "'x' and 'y' say different things of 2025-02-03",
        ),
        ("holiday-cn", "{\"year\":2025,\"days\":[{".to_owned(), "EOF"),
        ("chinese-days", r#"{"holidays":{"1.1.2025":"x"},"workdays":{}}"#.to_owned(), "'1.1.2025'"),
        ("nager", "[]".to_owned(), "the year is not announced"),
        ("uk-bank-holidays", r#"{"wales":{"events":[]}}"#.to_owned(), "/wales: it is no division"),
        (
            "uk-bank-holidays",
            r#"{"scotland":{"2025":[{"title":"t","date":"01/01/2026"}]}}"#.to_owned(),
            "/scotland/2025/0/date: it is not in 2025",
        ),
        ("gtfs", format!("{all}\nA,1,1,1,1,1,0,2,20250101,20251231\n"), "sunday: '2' is neither"),
        ("gtfs", format!("{all}\nA,1,1,1,1,1,0,0,20250101,20241231\n"), "it ends on 2024-12-31"),
        ("gtfs", format!("{all}\nA,1,1,1\n"), "/rows/0, thursday: there is nothing"),
        ("gtfs", format!("{all}\n"), "it has no services"),
        (
            "gtfs",
            format!("{all}\nA,0,0,0,0,0,0,0,20250101,20251231\n"),
            "A: the service runs on no day",
        ),
        ("gtfs", "service_id,date,exception_type\nA,20250101,9\n".to_owned(), "neither 1 nor 2"),
        ("gtfs", ",".repeat(10_000_000), "columns"),
    ];
    for (kind, document, expected) in cases {
        refuses(kind, &document, expected);
    }
}

/// Windows of Spring Festival and their make-up workdays, as notices have them.
const FESTIVALS: &[(&str, &[&str])] = &[
    ("holiday-cn/2020.json", &["2020-01-24..02-02 off", "2020-01-19..01-19 on"]),
    ("holiday-cn/2021.json", &["2021-02-11..02-17 off", "2021-02-07..02-07 on"]),
    ("holiday-cn/2023.json", &["2023-01-21..01-27 off", "2023-01-28..01-29 on"]),
    ("holiday-cn/2024.json", &["2024-02-10..02-17 off", "2024-02-18..02-18 on"]),
    ("holiday-cn/2025.json", &["2025-01-28..02-04 off", "2025-02-08..02-08 on"]),
];

#[test]
fn the_wider_samples_are_read_too() {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/calendars");
    if !folder.exists() {
        // Past the test runner's capture; where standard error is closed there is nobody to tell.
        drop(writeln!(std::io::stderr(), "not tested: the wider samples; ../shared is not there"));
        return;
    }
    let read = |kind: &str, settings: Value, file: &str| {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        parse(kind, &settings, &bytes).unwrap_or_else(|error| panic!("{file}: {error}"))
    };
    for (file, expected) in FESTIVALS {
        let rows = rows(&read("holiday-cn", json!({}), file)[0]);
        for one in *expected {
            assert!(rows.iter().any(|row| row == one), "case: {file} {one}: {rows:?}");
        }
    }
    // Independent gatherers of the same notices come to the same days.
    let region = json!({"region": "CN"});
    for year in [2023, 2024, 2025] {
        let of_json =
            workdays(&read("holiday-cn", json!({}), &format!("holiday-cn/{year}.json"))[0], year);
        let of_ics = workdays(
            &read("icalendar", region.clone(), &format!("holiday-cn/{year}.ics"))[0],
            year,
        );
        assert_eq!(of_json, of_ics, "case: {year}");
        if year != 2023 {
            let file = format!("chinese-days/{year}.json");
            assert_eq!(of_json, workdays(&read("chinese-days", json!({}), &file)[0], year));
        }
    }
    let english = read("icalendar", region.clone(), "chinese-days/2025.en.ics");
    let chinese = read("icalendar", region, "chinese-days/2025.ics");
    assert_eq!(workdays(&english[0], 2025), workdays(&chinese[0], 2025));
    let settings = json!({"region": "CN", "complete": false});
    let made_up = read("icalendar", settings, "lanceliao/holidayCal-CO_makeup-workdays.ics");
    assert_eq!(
        made_up[0].days.iter().map(upturn_core::fact::almanac::Days::count).sum::<i64>(),
        20
    );
    assert!(rows(&made_up[0]).contains(&"2025-01-26..01-26 09:00-18:00".to_owned()));
    assert!(made_up[0].announced.is_empty());
    assert_eq!(read("nager", json!({}), "nager-date/publicholidays_2021_CN.json")[0].days.len(), 7);
    let french = read("nager", json!({}), "nager-date/publicholidays_2021_FR.json");
    let of = |region: &str| {
        let almanac = french.iter().find(|almanac| almanac.region == region).unwrap();
        almanac.days.iter().map(upturn_core::fact::almanac::Days::count).sum::<i64>()
    };
    assert_eq!((of("FR"), of("FR-57"), of("FR-GP"), french.len()), (11, 13, 12, 7));
    let kingdom = read(
        "uk-bank-holidays",
        json!({}),
        "uk-bank-holidays/bank-holidays_source_2025-11-24.json",
    );
    let counts: Vec<_> = kingdom.iter().map(|almanac| almanac.days.len()).collect();
    assert!(kingdom.iter().all(|almanac| almanac.announced.len() == 1), "{counts:?}");
    assert_eq!(read("gtfs", json!({}), "gtfs-sample-feed-1/calendar.txt").len(), 2);
    let other = std::fs::read(folder.join("lanceliao/holidayAPI_2023-2025.json")).unwrap();
    assert!(parse("holiday-cn", &json!({}), &other).unwrap_err().contains("missing field `year`"));
}
