//! Schedules, events and tables of carriers: what is read from real documents, and what is not.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where something is missing")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use upturn_connectors::feed;
use upturn_core::fact::Fact;
use upturn_core::fact::lane::Lane;
use upturn_core::fact::port_call::{PortCall, Turn, slack};
use upturn_core::fact::sailing::Sailing;
use upturn_core::fact::transport::Certainty;
use upturn_core::fact::transport_event::{TransportEvent, standing};

fn ours(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/logistics");
    std::fs::read_to_string(folder.join(file)).unwrap()
}

fn parse(kind: &str, settings: &Value, bytes: &[u8]) -> Result<Vec<Fact>, String> {
    let kind = feed::kind(kind).unwrap_or_else(|| panic!("there is no feed {kind}"));
    (kind.parse)(settings, bytes).map_err(|error| error.to_string())
}

fn read(kind: &str, text: &str) -> Vec<Fact> {
    parse(kind, &json!({}), text.as_bytes()).unwrap_or_else(|error| panic!("{kind}: {error}"))
}

fn calls(facts: Vec<Fact>) -> Vec<PortCall> {
    let call = |fact| {
        let Fact::PortCall(call) = fact else { panic!("{fact:?} is no call") };
        *call
    };
    facts.into_iter().map(call).collect()
}

fn sailings(facts: Vec<Fact>) -> Vec<Sailing> {
    let sailing = |fact| {
        let Fact::Sailing(sailing) = fact else { panic!("{fact:?} is no sailing") };
        *sailing
    };
    facts.into_iter().map(sailing).collect()
}

fn events(facts: Vec<Fact>) -> Vec<TransportEvent> {
    let event = |fact| {
        let Fact::TransportEvent(event) = fact else { panic!("{fact:?} is no event") };
        *event
    };
    facts.into_iter().map(event).collect()
}

#[test]
fn a_route_keeps_the_clocks_of_its_places() {
    let text = ours("cs_v1_ptp_template.json");
    let refused = parse("dcsa-schedules", &json!({}), text.as_bytes()).unwrap_err();
    assert_eq!(
        refused,
        "/0/legs/0/departure/dateTime: 'DEPARTURE_DATE' is no time such as 2025-01-26T15:00:00+08:00"
    );
    let text = text.replace("DEPARTURE_DATE", "2025-01-26T18:00:00+08:00");
    let text = text.replace("ARRIVAL_DATE", "2025-02-28T06:00:00+01:00");
    let [sailing] = &*sailings(read("dcsa-schedules", &text)) else { panic!("one route") };
    assert_eq!(sailing.from.code.as_deref(), Some("NLAMS"));
    assert_eq!(sailing.departs_at.to_rfc3339(), "2025-01-26T18:00:00+08:00");
    assert_eq!(sailing.arrives_at.to_rfc3339(), "2025-02-28T06:00:00+01:00");
    assert_eq!(sailing.cut_offs[0].at.to_rfc3339(), "2019-11-12T07:41:00-08:30");
    // It is a cut-off of documents, not of goods.
    assert_eq!(sailing.cut_offs[0].code, "DCO");
    assert_eq!(sailing.hand_in_by(), sailing.departs_at);
    assert_eq!(sailing.transit_days, Some(10));
    let leg = &sailing.legs[0];
    let told = (leg.carrier.as_deref(), leg.voyage.as_deref(), leg.mode.as_deref());
    assert_eq!(told, (Some("MAEU"), Some("2103N"), Some("VESSEL")));
}

#[test]
fn calls_of_ports_and_of_vessels_come_with_cut_offs_and_omissions() {
    let text = ours("cs_v1_ps_nextpage.json");
    let refused = parse("dcsa-schedules", &json!({}), text.as_bytes()).unwrap_err();
    assert!(refused.contains("timestamps/0/eventDateTime: 'DATE' is no time"), "{refused}");
    let text = text.replace("\"DATE\"", "\"2024-09-04T10:00:00+02:00\"");
    let found = calls(read("dcsa-schedules", &text));
    let names: Vec<_> = found.iter().map(|call| call.vessel.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["ELBSPRINTER", "X-PRESS AGILITY", "SSL TBN 17", "EVER ATOP", "EM KEA"]);
    assert!(found.iter().all(|call| call.cut_offs.len() == 8 && !call.is_omitted));
    let first = &found[0];
    assert_eq!(first.place.facility.as_deref(), Some("DDE"));
    let codes: Vec<_> = first.cut_offs.iter().map(|cut_off| cut_off.code.as_str()).collect();
    assert_eq!(codes, ["STA", "SPA", "DGC", "DCO", "VCO", "PCO", "CUA", "AFC"]);

    let found = calls(read("dcsa-schedules", &ours("ovs-3.0.0-vessel-schedule-response.json")));
    let shown: Vec<_> = found
        .iter()
        .map(|call| (call.place.code.as_deref().unwrap(), call.status.as_deref().unwrap()))
        .collect();
    let first_three = [("NLAMS", "OMIT"), ("SGSIN", "BLNK"), ("USNYC", "OMIT")];
    assert_eq!((shown.len(), &shown[..3]), (5, &first_three[..]));
    assert!(found.iter().all(|call| call.is_omitted));
    assert!(found[0].vessel.is_dummy && !found[1].vessel.is_dummy);
    assert_eq!(found[0].times[0].delay_reason.as_deref(), Some("WEA"));
}

#[test]
fn events_are_revised_and_taken_back() {
    let second = events(read("dcsa-events", &ours("tnt-2.2.0-events-response.json")));
    assert_eq!(second.len(), 7);
    let told = second[0].told.as_ref().unwrap();
    assert_eq!((told.kind.as_str(), told.code.as_str()), ("TRANSPORT", "ARRI"));
    assert_eq!(told.at.to_rfc3339(), "2021-01-09T14:12:56+01:00");
    assert_eq!(told.delay_reason.as_deref(), Some("WEA"));
    assert_eq!(told.place.as_ref().unwrap().code.as_deref(), Some("FRPAR"));
    let third = ours("tnt-3.0.0-events-response.json");
    let third = events(read("dcsa-events", &third));
    let codes: Vec<_> =
        third.iter().map(|event| event.told.as_ref().unwrap().code.as_str()).collect();
    assert_eq!(codes, ["CONF", "DEPA", "GTIN", "DETC", "MEAS"]);

    let event = |id: &str, class: &str, at: &str, stated: &str| {
        format!(
            r#"{{"eventID":"{id}","eventDateTime":"{at}","eventUpdatedDateTime":"{stated}",
            "eventClassification":{{"eventTypeCode":"TRANSPORT","eventClassifierCode":"{class}",
            "transportEventTypeCode":"ARRI"}}}}"#
        )
    };
    let first = event("a", "PLN", "2025-02-01T00:00:00Z", "2025-01-01T00:00:00Z");
    let later = event("a", "EST", "2025-02-06T00:00:00Z", "2025-01-20T00:00:00Z");
    let other = event("b", "ACT", "2025-01-15T00:00:00Z", "2025-01-16T00:00:00Z");
    let back = r#"{"eventID":"b","isRetracted":true}"#;
    // What was stated earlier and comes later changes nothing.
    let text = format!(r#"{{"events":[{later},{other},{first},{back}]}}"#);
    let all = events(read("dcsa-events", &text));
    let shown: Vec<_> = standing(&all)
        .iter()
        .map(|(id, event)| format!("{id} {:?} {}", event.certainty, event.at.date_naive()))
        .collect();
    assert_eq!(shown, ["a Estimated 2025-02-06"]);
}

fn lanes(text: &str) -> Result<Vec<Lane>, String> {
    let settings = json!({"format": "csv", "zone": "Asia/Shanghai"});
    let facts = parse("lanes", &settings, text.as_bytes())?;
    let lane = |fact| {
        let Fact::Lane(lane) = fact else { panic!("{fact:?} is no lane") };
        *lane
    };
    Ok(facts.into_iter().map(lane).collect())
}

#[test]
fn lanes_have_a_distribution_of_days() {
    // A byte order mark, and a formula that is only a text.
    let text = "\u{feff}from,to,mode,days,departures,cut_off,carrier\n\
        A,B,road,1,mon tue wed thu fri sun,15:00,=HYPERLINK(1)\n\
        A,C,rail,3:70 5:20 9:10,daily,,\n\
        A,D,sea,30-33,thu,12:00,x\n\
        A,E,road,2:0.7;3:0.2;5:0.1,,,\n";
    let lanes = lanes(text).unwrap();
    let within = |index: usize, percents: [u8; 4]| {
        percents.map(|percent| lanes[index].days_within(percent).unwrap())
    };
    assert_eq!(within(0, [0, 50, 99, 100]), [1, 1, 1, 1]);
    assert_eq!(within(1, [70, 71, 90, 91]), [3, 5, 5, 9]);
    assert_eq!(within(2, [25, 50, 95, 100]), [30, 31, 33, 33]);
    assert_eq!(within(3, [70, 71, 90, 91]), [2, 3, 3, 5]);
    assert_eq!(lanes[0].departures.0, [true, true, true, true, true, false, true]);
    assert_eq!(lanes[0].carrier.as_deref(), Some("=HYPERLINK(1)"));
    assert_eq!(lanes[0].cut_off.unwrap().to_string(), "15:00");
    let swapped = "to,days,from,mode\nB,2,A,road\n";
    assert_eq!(self::lanes(swapped).unwrap()[0].from, "A");
}

#[test]
fn rows_that_make_no_lane_or_closure_are_refused_with_their_place() {
    let head = "from,to,mode,days,departures,cut_off,valid_from,valid_until\n";
    let cases = [
        ("A,,road,1,,,,", "/rows/0, to: there is nothing"),
        ("A,A,road,1,,,,", "/rows/0, to: it is where the lane begins"),
        ("A,B,road,,,,,", "/rows/0, days: there is nothing"),
        ("A,B,road,-1,,,,", "/rows/0, days: '-1' is no number of days"),
        ("A,B,road,4-2,,,,", "'4-2' is no number of days"),
        ("A,B,road,2:0,,,,", "'2:0' is no number of days"),
        ("A,B,road,2:1 2:3,,,,", "is no number of days"),
        ("A,B,road,9999,,,,", "is no number of days"),
        ("A,B,road,1,someday,,,", "'someday' is no weekday"),
        ("A,B,road,1,,25:00,,", "'25:00' is no time of day"),
        ("A,B,road,1,,,2025-02-30,", "'2025-02-30' is no day"),
        ("A,B,road,1,,,2025-02-02,2025-02-01", "it ends on 2025-02-01"),
        (
            "A,B,road,1,,,,2025-06-30\nA,B,road,2,,,2025-06-30,",
            "A to B by road: it stands there twice",
        ),
        ("", "it has no lanes"),
    ];
    for (rows, expected) in cases {
        let error = lanes(&format!("{head}{rows}\n")).unwrap_err();
        assert!(error.contains(expected), "case: {rows}: {error}");
    }
    let error = lanes("lane,depart,transit\nCNSHA-NLRTM,2026-01-25,32\nCNSHA-DEH").unwrap_err();
    assert!(error.contains("/rows/0, from: there is nothing"), "{error}");
    let bad_text = parse("lanes", &json!({"format": "csv"}), b"from,to\nA,\xe9\n").unwrap_err();
    assert!(bad_text.contains("it is no text in UTF-8"), "{bad_text}");
    let zone = parse("lanes", &json!({"format": "csv", "zone": "Asia/Shangai"}), b"x").unwrap_err();
    assert!(zone.contains("the settings are wrong") && zone.contains("Shangai"), "{zone}");
    let closures = |rows: &str| {
        let text = format!("what,from,until,reason\n{rows}\n");
        parse("closures", &json!({"format": "csv"}), text.as_bytes())
    };
    let good = closures("region:CN-62,2025-01-28,2025-02-05,roads shut\nX,2025-01-01,2025-01-01,");
    assert_eq!(good.unwrap().len(), 2);
    let cases = [
        ("X,2025-01-02,2025-01-01,", "/rows/0, until: it ends on 2025-01-01"),
        (
            "X,2025-01-01,2025-01-05,\nX,2025-01-05,2025-01-06,",
            "X: two of its windows have 2025-01-05",
        ),
        (",2025-01-01,2025-01-05,", "/rows/0, what: there is nothing"),
        ("X,2025-01-01,,", "/rows/0, until: there is no day"),
    ];
    for (rows, expected) in cases {
        let error = closures(rows).unwrap_err();
        assert!(error.contains(expected), "case: {rows}: {error}");
    }
}

/// Returns the departures of a sheet, and what of it is left to a person.
fn departures(settings: &Value, text: &str) -> Result<(Vec<Sailing>, Vec<String>), String> {
    let (mut found, mut unread) = (Vec::new(), Vec::new());
    for fact in parse("departures", settings, text.as_bytes())? {
        if let Fact::Unread(what) = fact {
            unread.push(format!("{}: {}", what.place, what.what));
        } else {
            found.extend(sailings(vec![fact]));
        }
    }
    Ok((found, unread))
}

#[test]
fn a_sheet_of_departures_is_read_by_the_days_of_its_zone() {
    let settings = json!({"format": "csv", "divider": ";", "zone": "Asia/Shanghai", "from": "POL",
        "to": "POD", "depart": "ETD", "arrive": "ETA", "date_format": "%d.%m.%Y"});
    let text = "POL;POD;ETD;ETA;transit;cut_off;vessel\n\
        CNSHA;NLRTM;25.01.2026;26.02.2026;32;23.01.2026;A\n\
        CNSHA;NLRTM;25.01.2026;27.02.2026;;;B\n\
        CNSHA;DEHAM;01.02.2026;;35;;\n";
    let (found, unread) = departures(&settings, text).unwrap();
    assert!(unread.is_empty(), "{unread:?}");
    let shown = |sailing: &Sailing| {
        let times = [sailing.departs_at, sailing.hand_in_by(), sailing.arrives_at];
        let [departs, hand_in, arrives] = times.map(|at| at.format("%d %b %H:%M").to_string());
        format!("{departs}, {hand_in}, {arrives}, {:?}", sailing.transit_days)
    };
    let shown: Vec<_> = found.iter().map(shown).collect();
    assert_eq!(
        shown,
        [
            "25 Jan 00:00, 23 Jan 23:59, 26 Feb 23:59, Some(32)",
            "25 Jan 00:00, 25 Jan 00:00, 27 Feb 23:59, None",
            "01 Feb 00:00, 01 Feb 00:00, 08 Mar 23:59, Some(35)",
        ]
    );
    assert!(found.iter().all(|one| one.departs_at.offset().to_string() == "+08:00"));
    assert_eq!(found[0].legs[0].vessel.as_ref().unwrap().name.as_deref(), Some("A"));
}

#[test]
fn what_a_sheet_of_departures_leaves_open_is_left_to_a_person() {
    let settings = json!({"format": "csv"});
    let head = "lane,depart,transit,arrive,cut_off,voyage\n";
    let good = "CNSHA-NLRTM,2026-01-25,32,,,1W\n";
    let cases = [
        ("CNSHA-NLRTM,2026-01-26,32,,", "/rows/1: 5 of 6 cells: it is cut or shifted"),
        ("CNSHA-NLRTM,2026-01-26,32,,,,2W", "/rows/1: 7 of 6 cells: it is cut or shifted"),
        ("CNSHA-DEH,,,,,", "/rows/1, depart: there is no day"),
        ("CNSHA,2026-01-25,32,,,", "/rows/1, lane: 'CNSHA' is no way such as CNSHA-NLRTM"),
        ("2026-01-25,CNSHA-NLRTM,32,,,", "/rows/1, lane: '2026-01-25' is no way"),
        ("CNSHA-CNSHA,2026-01-25,32,,,", "/rows/1, to: it is where it begins"),
        ("CNSHA-A B,2026-01-25,32,,,", "/rows/1, lane: 'A B' is no code of a place"),
        ("CNSHA-NLRTM,2026-02-30,32,,,", "/rows/1, depart: '2026-02-30' is no day"),
        ("CNSHA-NLRTM,2026-01-26,,,,", "/rows/1, transit: neither it nor 'arrive' tells"),
        ("CNSHA-NLRTM,2026-01-26,-1,,,", "/rows/1, transit: '-1' is no number of days"),
        ("CNSHA-NLRTM,2026-01-26,32,2026-02-26,,", "/rows/1, arrive: 2026-02-26 is no arrival"),
        ("CNSHA-NLRTM,2026-01-26,,2026-01-25,,", "/rows/1, arrive: 2026-01-25 is no arrival"),
        ("CNSHA-NLRTM,2026-01-26,32,,2026-01-27,", "/rows/1, cut_off: 2026-01-27 is after"),
        ("CNSHA-NLRTM,2026-01-25,31,,,1W", "/rows/1: the departure stands there twice"),
    ];
    for (row, expected) in cases {
        let (found, unread) = departures(&settings, &format!("{head}{good}{row}")).unwrap();
        assert_eq!((found.len(), unread.len()), (1, 1), "case: {row}: {unread:?}");
        assert!(unread[0].starts_with(expected), "case: {row}: {unread:?}");
        let error = departures(&settings, &format!("{head}{row}\n{row}\n{good}{row}"));
        let error = error.map(|(found, _)| found.len()).unwrap_or_default();
        assert_eq!(error, 0, "case: {row}: most of it is wrong");
    }
    let agreed = json!({"format": "csv", "columns": "lane,depart,transit"});
    let (_, unread) = departures(&agreed, "depart,lane,transit\n2026-01-25,A1-B1,3\n").unwrap();
    let expected =
        "/head: its columns are depart, lane, transit; agreed on are lane, depart, transit";
    assert_eq!(unread, [expected]);
    let error = |settings: &Value, text: &str| departures(settings, text).unwrap_err();
    assert_eq!(error(&settings, head), "it has no departures");
    let no_head = json!({"format": "json", "rows": "/*", "columns": ["lane"]});
    assert!(error(&no_head, "[]").contains("'columns': only a table in csv has a head"));
    let long = json!({"format": "csv", "transit_days": 366});
    assert!(error(&long, head).contains("'transit_days': write 0 to 365"));
}

#[test]
fn what_is_no_schedule_is_refused_in_its_own_words() {
    let cases = [
        (
            "dcsa-schedules",
            r#"{"statusCode":400,"statusCodeText":"Bad Request","errors":[{"errorCode":7005,
            "errorCodeMessage":"PlaceOfDelivery does not exist"}]}"#,
            "it says 400: PlaceOfDelivery does not exist",
        ),
        ("dcsa-schedules", "[]", "it has no schedules"),
        ("dcsa-schedules", r#"[{"a":1}]"#, "/0: it is neither a route"),
        ("dcsa-schedules", "openapi: 3.0.3\ninfo: x\n", "expected value"),
        ("dcsa-schedules", r#"[{"legs":[]}]"#, "/0/legs: it has no legs"),
        (
            "dcsa-events",
            r#"{"events":[{"eventID":"a"}]}"#,
            "/events/0/eventCreatedDateTime: it is missing",
        ),
        ("dcsa-events", r#"[{"eventType":"TRANSPORT"}]"#, "/0/eventID: it is missing"),
        ("dcsa-events", "<html>", "it is a web page"),
        (
            "portchain",
            r#"[{"vessel":{"imo":1},"portCalls":[{"logEntries":[{"updatedField":"x"}]}]}]"#,
            "/0/portCalls/0/logEntries/0/updatedField: it is no field that is known",
        ),
        (
            "terminal-calls",
            r#"{"code":500,"msg":"系统繁忙"}"#,
            "it is no terminal's answer; it says: 系统繁忙",
        ),
        (
            "terminal-calls",
            r#"{"InnerList":[{"TheFullName":"X","ETADate":"soon"}]}"#,
            "/InnerList/0/ETADate: 'soon' is no time",
        ),
        ("terminal-calls", r#"{"InnerList":[]}"#, "it has no calls"),
    ];
    for (kind, document, expected) in cases {
        let error = parse(kind, &json!({}), document.as_bytes()).expect_err(document);
        assert!(error.contains(expected), "case: {document}: {error}");
    }
    let twice_back = r#"[{"legs":[{"departure":{"dateTime":"2025-02-02T00:00:00Z"},
        "arrival":{"dateTime":"2025-02-01T00:00:00Z"}}]}]"#;
    let error = parse("dcsa-schedules", &json!({}), twice_back.as_bytes()).unwrap_err();
    assert!(error.contains("/0/legs/0/arrival/dateTime: "), "{error}");
}

#[test]
fn a_terminals_sentinels_are_unknown_and_hidden_times_are_left_to_a_person() {
    let list = r#"{"data":{"list":[{"vesselEnName":"MSC X","imo":"1","vesselUnCode":"UN9399038",
        "terminal":"BLCT3","voyage":"FK243A","etaMonthly":"2022-10-30 14:00:00",
        "etaDaily":"2022-10-31 16:30:00","etdDaily":"9998-01-01 00:00:01","ata":null,
        "ctnStartTime":"2022-10-26 00:00:01","ctnEndTime":"9999-01-01",
        "portCloseTime":"2022-10-31 04:30:00"}]}}"#;
    let [call] = &*calls(read("terminal-calls", list)) else { panic!("one call") };
    assert_eq!(call.times.len(), 2);
    let arrival = call.time_of(Turn::Arrival).unwrap();
    assert_eq!(arrival.at.to_rfc3339(), "2022-10-31T16:30:00+08:00");
    assert!(call.time_of(Turn::Departure).is_none());
    let receiving = call.receiving.as_ref().unwrap();
    assert_eq!(receiving.from.unwrap().to_rfc3339(), "2022-10-26T00:00:01+08:00");
    assert_eq!(receiving.until, None);
    assert_eq!(call.vessel.imo.as_deref(), Some("9399038"));
    let hidden = r#"{"tabs":[{"rows":[{"SCD_ENG_NAME":"E","TERM":"T",
        "SCD_RCVSTDT":"<div>&#xF9BD;&#xEA56;</div>"}]}]}"#;
    let [call] = &*calls(read("terminal-calls", hidden)) else { panic!("one call") };
    assert_eq!(call.unread[0].0, "SCD_RCVSTDT");
    assert!(call.receiving.is_none());
}

#[test]
fn the_wider_samples_are_read_too() {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/logistics");
    if !folder.exists() {
        // Past the test runner's capture; where standard error is closed there is nobody to tell.
        drop(writeln!(std::io::stderr(), "not tested: the wider samples; ../shared is not there"));
        return;
    }
    let file = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let ship = calls(read("portchain", &file("portchain/vessel-schedules_A.json")));
    let mut revisions: Vec<_> = ship.iter().map(|call| call.revisions.len()).collect();
    revisions.sort_unstable();
    assert_eq!((ship.len(), revisions.iter().sum::<usize>()), (29, 721));
    assert_eq!((revisions[14], revisions[28]), (25, 49));
    assert_eq!(ship.iter().filter(|call| call.is_omitted).count(), 4);
    // 87, 175 and 210 hours: what arrivals were late against the first word on them.
    for (percent, hours) in [(10, 87), (50, 175), (90, 210)] {
        let slack = slack(&ship, percent).unwrap();
        let rounded = (slack.delay.num_minutes() + 30) / 60;
        assert_eq!((rounded, slack.count), (hours, 25), "case: {percent}");
    }

    let shekou = calls(read("terminal-calls", &file("cn-terminals/cmg_voyage_2022.json")));
    let arrival = shekou[0].time_of(Turn::Arrival).unwrap();
    assert_eq!(arrival.certainty, Certainty::Actual);
    assert_eq!(arrival.at.to_rfc3339(), "2022-09-21T04:30:00+08:00");
    assert_eq!(shekou[0].vessel.imo.as_deref(), Some("9234343"));
    let ningbo = calls(read("terminal-calls", &file("cn-terminals/npedi_voyage_2022.json")));
    let arrivals: Vec<_> = ningbo[0]
        .times
        .iter()
        .filter(|time| time.turn == Turn::Arrival)
        .map(|time| time.at.to_rfc3339())
        .collect();
    assert_eq!(arrivals, ["2022-10-30T14:00:00+08:00", "2022-10-31T16:30:00+08:00"]);
    let codes: Vec<_> = ningbo[0].cut_offs.iter().map(|cut_off| cut_off.code.as_str()).collect();
    assert_eq!(codes, ["portCloseTime", "customCloseTime"]);
    let shanghai = calls(read("terminal-calls", &file("cn-terminals/hb56_voyage_2022.json")));
    let unread: Vec<_> = shanghai.iter().map(|call| call.unread.len()).collect();
    assert_eq!(unread, [0, 0, 2]);

    for (name, expected) in [
        ("dcsa/cs_v1_ps_template.json", "/0/vesselSchedules/0/timestamps/0/eventDateTime: 'DATE'"),
        ("dcsa/CS_v1.0.3.openapi.yaml", "expected value"),
        ("dcsa/TNT_v3.0.0.openapi.yaml", "line 1, column 2: invalid number"),
    ] {
        let error = parse("dcsa-schedules", &json!({}), file(name).as_bytes()).unwrap_err();
        assert!(error.contains(expected), "case: {name}: {error}");
    }
    let vessel = calls(read("dcsa-schedules", &file("dcsa/cs_v1_vs_template.json")));
    assert_eq!(vessel[0].times[0].at.to_rfc3339(), "2025-01-14T09:21:00+01:00");
    assert_eq!(vessel[0].reference.as_deref(), Some("SR11111X-9321483-2107W-NLRTM-HPD2-1-1"));
}
