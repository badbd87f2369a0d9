//! Ship dates around Spring Festival 2025, and what holds on any lane.

use proptest::prelude::*;

use super::*;

/// Monday to Friday with the two make-up workdays and the festival of 2025, as the State Council's
/// notice of 12 November 2024 has them.
const CHINA: &str = r#"
    zone = "Asia/Shanghai"
    revision = "2024-11-12"
    announced_until = "2025-12-31"
    [week]
    mon = ["09:00-18:00"]
    tue = ["09:00-18:00"]
    wed = ["09:00-18:00"]
    thu = ["09:00-18:00"]
    fri = ["09:00-18:00"]
    [[override]]
    on = "2025-01-26"
    hours = ["09:00-18:00"]
    name = "make-up workday"
    [[override]]
    from = "2025-01-28"
    to = "2025-02-04"
    hours = []
    name = "Spring Festival"
    [[override]]
    on = "2025-02-08"
    hours = ["09:00-18:00"]
    name = "make-up workday"
"#;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn china() -> Calendar {
    Calendar::from_toml(CHINA).unwrap()
}

/// The same without the make-up workdays.
fn weekdays_only() -> Calendar {
    let mut calendar = china();
    calendar.overrides.retain(|known| known.hours.is_day_off());
    calendar
}

fn every_day() -> Calendar {
    let mut calendar = china();
    calendar.overrides.clear();
    calendar.week = std::array::from_fn(|_| Hours::office());
    calendar
}

fn terms(transit: &str) -> Terms {
    Terms {
        transit: transit.parse().unwrap(),
        slack: Decimal::new(9, 1),
        departs_on: [true; 7],
        cut_off: None,
        last_pickup_on: None,
        pickup_again_on: None,
        hold_days: 4,
    }
}

struct Case {
    name: &'static str,
    calendar: Calendar,
    terms: Terms,
    expected: (&'static str, &'static str, Option<&'static str>),
}

#[test]
fn the_last_ship_date_before_spring_festival_is_known_for_each_lane() {
    let case =
        |name, transit, expected| Case { name, calendar: china(), terms: terms(transit), expected };
    let cases = [
        case("same day", "0", ("2025-01-27", "2025-01-27", Some("2025-02-05"))),
        case("one day", "1", ("2025-01-26", "2025-01-27", Some("2025-02-06"))),
        case("two days", "2", ("2025-01-24", "2025-01-26", Some("2025-02-07"))),
        case("slack", "1:0.6;2:0.3;7:0.1", ("2025-01-24", "2025-01-26", Some("2025-02-07"))),
        Case {
            calendar: weekdays_only(),
            ..case("weekdays alone", "1", ("2025-01-24", "2025-01-27", Some("2025-02-06")))
        },
        Case {
            terms: Terms {
                last_pickup_on: Some(day("2025-01-20")),
                pickup_again_on: Some(day("2025-02-06")),
                ..terms("1")
            },
            ..case("a last pick-up", "1", ("2025-01-20", "2025-01-21", Some("2025-02-07")))
        },
        Case {
            terms: Terms { last_pickup_on: Some(day("2025-01-20")), ..terms("1") },
            ..case("no end of the pause", "1", ("2025-01-20", "2025-01-21", None))
        },
        Case {
            terms: Terms {
                departs_on: [true, false, false, true, false, false, false],
                ..terms("1")
            },
            ..case("Mondays and Thursdays", "1", ("2025-01-23", "2025-01-24", Some("2025-02-07")))
        },
    ];
    for Case { name, calendar, terms, expected } in cases {
        let lane =
            Lane { origin: &calendar, carrier: &calendar, destination: &calendar, terms: &terms };
        let voyages = lane.voyages(at("2025-01-15T10:00:00+08:00"), day("2025-03-01"));
        let last = latest(&voyages, day("2025-02-01")).unwrap();
        let next = next_after(&voyages, last.ship_on).map(|next| next.arrive_on.to_string());
        let found = (last.ship_on.to_string(), last.arrive_on.to_string(), next);
        let (ship_on, arrive_on, next) = expected;
        assert_eq!(
            found,
            (ship_on.into(), arrive_on.into(), next.map(str::to_owned)),
            "case: {name}"
        );
        assert!(last.is_announced, "case: {name}");
    }
}

#[test]
fn a_cut_off_counts_by_the_clock_of_the_origin() {
    let calendar = china();
    let terms = Terms { cut_off: Minute::parse("16:00"), ..terms("1") };
    let lane =
        Lane { origin: &calendar, carrier: &calendar, destination: &calendar, terms: &terms };
    let cases = [
        ("in time", "2025-01-26T16:00:00+08:00", "2025-01-26"),
        ("a second late", "2025-01-26T16:00:01+08:00", "2025-02-05"),
        ("the night before, elsewhere", "2025-01-25T23:00:00Z", "2025-01-26"),
    ];
    for (name, from, expected) in cases {
        let voyages = lane.voyages(at(from), day("2025-03-01"));
        assert_eq!(voyages.first().unwrap().ship_on, day(expected), "case: {name}");
    }
}

#[test]
fn a_carrier_that_does_not_deliver_keeps_a_place_that_receives_waiting() {
    let (open, closed) = (every_day(), china());
    let terms = terms("1");
    let lane = Lane { origin: &open, carrier: &closed, destination: &open, terms: &terms };
    let found = lane.next_closure(day("2025-01-20"), day("2025-03-01")).unwrap();
    let expected = Closure {
        first_on: day("2025-01-28"),
        last_on: day("2025-02-04"),
        name: "Spring Festival".into(),
    };
    assert_eq!(found, expected);
    assert_eq!(lane.next_closure(day("2025-02-05"), day("2025-03-01")), None);
}

#[test]
fn what_is_not_announced_is_marked() {
    let calendar = china();
    let terms = terms("1");
    let lane =
        Lane { origin: &calendar, carrier: &calendar, destination: &calendar, terms: &terms };
    let voyages = lane.voyages(at("2025-12-29T10:00:00+08:00"), day("2026-01-09"));
    let marks: Vec<_> = voyages.iter().map(|voyage| voyage.is_announced).collect();
    assert_eq!(marks, [true, true, false, false, false, false, false, false, false]);
}

#[test]
fn a_transit_that_is_none_is_refused() {
    let cases = [
        ("", "is no transit"),
        ("two", "is no transit"),
        ("-1", "is no transit"),
        ("2:0.7;3:-0.1", "is no transit"),
        ("2:0.7;3:0.2", "add up to 0.9"),
        ("400", "at most 365"),
    ];
    for (text, expected) in cases {
        let error = text.parse::<Transit>().unwrap_err().to_string();
        assert!(error.contains(expected), "case: {text}: {error}");
    }
}

fn calendars() -> impl Strategy<Value = Calendar> {
    proptest::sample::select(vec![china(), weekdays_only(), every_day()])
}

prop_compose! {
    fn lanes()(
        origin in calendars(), carrier in calendars(), destination in calendars(),
        days in 0_u16..12, departs_on in any::<[bool; 7]>(), hold_days in 2_u16..9,
    ) -> (Calendar, Calendar, Calendar, Terms) {
        let terms = Terms { departs_on, hold_days, ..terms(&days.to_string()) };
        (origin, carrier, destination, terms)
    }
}

fn needs() -> impl Strategy<Value = NaiveDate> {
    (0_u64..60).prop_map(|days| day("2025-01-10") + Days::new(days))
}

proptest! {
    #[test]
    fn nothing_leaves_or_arrives_on_a_closed_day(lane in lanes()) {
        let (origin, carrier, destination, terms) = &lane;
        let lane = Lane { origin, carrier, destination, terms };
        let voyages = lane.voyages(at("2025-01-08T10:00:00+08:00"), day("2025-04-01"));
        for voyage in &voyages {
            prop_assert!(is_open(origin, voyage.ship_on) && is_open(carrier, voyage.ship_on));
            prop_assert!(is_open(destination, voyage.arrive_on) && is_open(carrier, voyage.arrive_on));
            let taken = (voyage.arrive_on - voyage.ship_on).num_days();
            prop_assert!(i64::from(lane.planned_days()) <= taken);
        }
        prop_assert!(voyages.is_sorted_by_key(|voyage| (voyage.ship_on, voyage.arrive_on)));
    }

    #[test]
    fn a_longer_lane_never_leaves_later_up_to_the_first_long_closure(
        lane in lanes(), needed_on in needs(),
    ) {
        let (origin, carrier, destination, terms) = &lane;
        let slower = Terms { transit: format!("{}", lane_days(terms) + 1).parse().unwrap(), ..terms.clone() };
        let lane = Lane { origin, carrier, destination, terms };
        let from = at("2025-01-08T10:00:00+08:00");
        let closure = lane.next_closure(day("2025-01-08"), day("2025-04-01"));
        let needed_on = closure.map_or(needed_on, |closure| needed_on.min(closure.last_on));
        let ship = |terms| {
            let voyages = Lane { terms, ..lane }.voyages(from, day("2025-04-01"));
            latest(&voyages, needed_on).map(|voyage| voyage.ship_on)
        };
        prop_assert!(ship(&slower) <= ship(terms));
    }

    #[test]
    fn a_later_need_never_leaves_earlier(lane in lanes(), a in needs(), b in needs()) {
        let (origin, carrier, destination, terms) = &lane;
        let lane = Lane { origin, carrier, destination, terms };
        let voyages = lane.voyages(at("2025-01-08T10:00:00+08:00"), day("2025-04-01"));
        let ship = |needed_on| latest(&voyages, needed_on).map(|voyage| voyage.ship_on);
        prop_assert!(ship(a.min(b)) <= ship(a.max(b)));
    }
}

fn lane_days(terms: &Terms) -> u16 {
    terms.transit.percentile(terms.slack)
}
