//! Sailings of carriers' schedules as the departures of a lane.

use upturn_core::calendar::shipping::schedule::{Departure, Schedule};

use super::*;

#[test]
fn sailings_are_the_departures_of_a_lane_and_the_end_of_their_schedule_is_told() {
    let mut setting = ventilators("1.5");
    setting.lanes.truncate(1);
    let sailing = |by: &str, arrives: &str| Departure {
        hand_in_by: format!("2025-01-{by}T12:00:00+08:00").parse().unwrap(),
        arrives_on: day(arrives),
    };
    let told = |until: &str, departures: Vec<Departure>| {
        let mut setting = setting.clone();
        let told_until = Some(sailing(until, "2025-01-01").hand_in_by);
        let schedule = Schedule { departures, told_until, before_days: 1, after_days: 1 };
        setting.lanes[0].schedule = Some(Box::new(schedule));
        let advice = plan::advise(&setting, period("2025-01-15T10:00:00+08:00"));
        let notes = advice[0].notes.iter().map(Note::code);
        let told = notes.filter(|code| ["sailings", "beyond-schedule"].contains(code));
        (dates(&advice[0]), told.collect::<Vec<_>>())
    };
    let all = || {
        vec![sailing("17", "2025-01-22"), sailing("22", "2025-01-26"), sailing("24", "2025-02-06")]
    };
    let cases = [
        // Needed on the 28th: the sailing of the 22nd leaves on the 21st and is there on the 27th.
        ("in time", told("24", all()), ("2025-01-21", "2025-02-07"), "sailings"),
        ("omitted", told("24", vec![all()[0], all()[2]]), ("2025-01-16", "2025-02-07"), "sailings"),
        // The lane's own next day of departure that arrives before the festival stands in.
        (
            "the schedule ends",
            told("22", all()[..2].to_vec()),
            ("2025-01-26", "2025-02-06"),
            "beyond-schedule",
        ),
    ];
    for (name, (found, notes), (ship_on, next_on), note) in cases {
        assert_eq!(found, (ship_on.to_owned(), next_on.to_owned()), "case: {name}");
        assert_eq!(notes, [note], "case: {name}");
    }
}
