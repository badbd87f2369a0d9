//! Voyages of a lane whose departures a carrier's schedule tells, up to the schedule's end.

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::delays::Delays;
use super::{Lane, Voyage, without_overtaken};

/// How far back from a departure a day is looked for on which the origin hands over.
const BACK_DAYS_MAX: usize = 60;

/// What a schedule tells of a lane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// The departures that go.
    pub departures: Vec<Departure>,
    /// The last time to hand in for the last departure it knows, also of one that is omitted; none: it
    /// knows of none. What leaves later is not told.
    pub told_until: Option<DateTime<Utc>>,
    /// How many days before the last time to hand in goods leave the origin.
    pub before_days: u16,
    /// How many days after the arrival goods are at the destination.
    pub after_days: u16,
}

/// A departure that a carrier offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Departure {
    /// The last time at which the carrier takes goods for it.
    pub hand_in_by: DateTime<Utc>,
    /// The day it arrives, by the clock of the place where it does.
    pub arrives_on: NaiveDate,
}

impl Lane<'_> {
    /// Returns the voyages whose hand-over is at `from` or later and arrival at `until` or earlier, in
    /// their order: those of `schedule`, and beyond its end those of the lane's own days of departure, of
    /// which some take as long as `delays` has it. The second is the last day of hand-over that the
    /// schedule tells.
    ///
    /// Neither departures nor arrivals ever go back: who leaves earlier and arrives later than another is
    /// left out.
    pub fn scheduled(
        &self,
        from: DateTime<Utc>,
        until: NaiveDate,
        schedule: &Schedule,
        delays: &Delays,
    ) -> (Vec<Voyage>, Option<NaiveDate>) {
        let told_until = schedule.told_until.and_then(|by| self.target_on(by, schedule));
        let departures = schedule.departures.iter();
        let mut told: Vec<Voyage> = departures
            .filter_map(|departure| self.of_departure(from, *departure, schedule))
            .filter(|voyage| voyage.arrive_on <= until)
            .collect();
        told.sort_unstable();
        told.dedup_by_key(|voyage| voyage.ship_on);
        let mut voyages = without_overtaken(told);
        let last_arrival = voyages.last().map(|voyage| voyage.arrive_on);
        let beyond = self.delayed(from, until, delays).into_iter().filter(|voyage| {
            told_until.is_none_or(|day| day < voyage.ship_on)
                && last_arrival.is_none_or(|day| day <= voyage.arrive_on)
        });
        voyages.extend(beyond);
        (voyages, told_until)
    }

    /// Returns the day on which goods leave the origin at the latest, workday or not.
    fn target_on(&self, hand_in_by: DateTime<Utc>, schedule: &Schedule) -> Option<NaiveDate> {
        let by_on = hand_in_by.with_timezone(&self.origin.zone()).date_naive();
        by_on.checked_sub_days(Days::new(schedule.before_days.into()))
    }

    fn of_departure(
        &self,
        from: DateTime<Utc>,
        departure: Departure,
        schedule: &Schedule,
    ) -> Option<Voyage> {
        let target_on = self.target_on(departure.hand_in_by, schedule)?;
        let back = std::iter::successors(Some(target_on), NaiveDate::pred_opt);
        let ship_on = back.take(BACK_DAYS_MAX).find(|day| self.hands_over(*day))?;
        let today = from.with_timezone(&self.origin.zone()).date_naive();
        if ship_on < today || !self.is_in_time(from, ship_on) || departure.hand_in_by <= from {
            return None;
        }
        let due_on =
            departure.arrives_on.checked_add_days(Days::new(schedule.after_days.into()))?;
        self.received(ship_on, due_on.max(ship_on))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;
    use crate::calendar::shipping::{Terms, Transit};

    const WORKDAYS: [bool; 7] = [true, true, true, true, true, false, false];

    fn day(text: &str) -> NaiveDate {
        format!("2025-{text}").parse().unwrap()
    }

    fn departure(text: &str) -> Departure {
        let (by, on) = text.split_once(" to ").unwrap();
        let hand_in_by = format!("2025-{by}:00+08:00").parse().unwrap();
        Departure { hand_in_by, arrives_on: day(on) }
    }

    /// Returns the voyages of sailings that are handed in two days before, from Monday 6 January on; the
    /// lane itself departs each Thursday and takes ten days.
    fn voyages(told: &[&str], until: Option<&str>) -> (Vec<String>, Option<String>) {
        let calendar = |zone| Calendar::of_workdays(zone, WORKDAYS, Vec::new()).unwrap();
        let (origin, destination) =
            (calendar(chrono_tz::Asia::Shanghai), calendar(chrono_tz::Europe::Berlin));
        let terms = Terms {
            transit: "10".parse::<Transit>().unwrap(),
            slack: rust_decimal::Decimal::ONE,
            departs_on: [false, false, false, true, false, false, false],
            cut_off: None,
            last_pickup_on: None,
            pickup_again_on: None,
            hold_days: 4,
        };
        let lane =
            Lane { origin: &origin, carrier: &origin, destination: &destination, terms: &terms };
        let schedule = Schedule {
            departures: told.iter().map(|text| departure(text)).collect(),
            told_until: until.map(|by| departure(&format!("{by} to 01-01")).hand_in_by),
            before_days: 2,
            after_days: 1,
        };
        let from = "2025-01-06T09:00:00+08:00".parse().unwrap();
        let (voyages, until) = lane.scheduled(from, day("02-05"), &schedule, &Delays::new());
        let told = |voyage: &Voyage| {
            format!("{} to {}", voyage.ship_on.format("%m-%d"), voyage.arrive_on.format("%m-%d"))
        };
        let until = until.map(|day| day.format("%m-%d").to_string());
        (voyages.iter().map(told).collect(), until)
    }

    /// A name, sailings, the schedule's end, voyages, and until when they are told.
    type Case<'c> = (&'c str, &'c [&'c str], Option<&'c str>, &'c [&'c str], Option<&'c str>);

    #[test]
    fn a_schedule_tells_departures_up_to_its_end_and_the_lane_itself_those_beyond() {
        let beyond = ["01-23 to 02-03"];
        let weekly = ["01-09 to 01-20", "01-16 to 01-27", "01-23 to 02-03"];
        let cases: [Case<'_>; 8] = [
            ("no schedule", &[], None, &weekly, None),
            (
                "a workday before, received on a workday after",
                // By Wednesday; by Tuesday, two days before which is a Sunday.
                &["01-15T12:00 to 01-30", "01-21T12:00 to 02-01"],
                Some("01-21T12:00"),
                &["01-13 to 01-31", "01-17 to 02-03", "01-23 to 02-03"],
                Some("01-19"),
            ),
            (
                "the last one is omitted",
                &["01-10T12:00 to 01-27"],
                Some("01-24T12:00"),
                &["01-08 to 01-28", "01-23 to 02-03"],
                Some("01-22"),
            ),
            ("all are omitted", &[], Some("01-24T12:00"), &beyond, Some("01-22")),
            (
                "handed in by today at the latest, and yesterday",
                &["01-08T12:00 to 01-20", "01-07T12:00 to 01-18"],
                Some("01-24T12:00"),
                &["01-06 to 01-21", "01-23 to 02-03"],
                Some("01-22"),
            ),
            (
                "a slow one that leaves first is overtaken",
                &["01-15T12:00 to 02-01", "01-17T12:00 to 01-27"],
                Some("01-24T12:00"),
                &["01-15 to 01-28", "01-23 to 02-03"],
                Some("01-22"),
            ),
            (
                "the faster of one day",
                &["01-17T12:00 to 01-29", "01-17T10:00 to 01-27"],
                Some("01-24T12:00"),
                &["01-15 to 01-28", "01-23 to 02-03"],
                Some("01-22"),
            ),
            (
                "a guess beyond the end overtakes nobody",
                &["01-15T12:00 to 02-03"],
                Some("01-15T12:00"),
                &["01-13 to 02-04"],
                Some("01-13"),
            ),
        ];
        for (name, told, until, expected, last) in cases {
            let expected = expected.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
            let last = last.map(str::to_owned);
            assert_eq!(voyages(told, until), (expected, last), "case: {name}");
        }
    }
}
