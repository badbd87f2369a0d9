//! Voyages of a lane of which some days of departure take longer than the lane itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::{Lane, Voyage, without_overtaken};

/// Days of departure that take longer, each with the days of transit that are planned for it.
pub type Delays = BTreeMap<NaiveDate, u16>;

impl Lane<'_> {
    /// Returns the voyages whose hand-over is at `from` or later and arrival at `until` or earlier, in
    /// their order, where some days take as long as `delays` has it; never less than the lane itself.
    ///
    /// Neither departures nor arrivals ever go back: who leaves earlier and arrives later than another is
    /// left out.
    pub fn delayed(&self, from: DateTime<Utc>, until: NaiveDate, delays: &Delays) -> Vec<Voyage> {
        if delays.is_empty() {
            return self.voyages(from, until);
        }
        let own = self.planned_days();
        let days = self.departures(from, until);
        let found = days.filter_map(|ship_on| {
            let days = delays.get(&ship_on).copied().unwrap_or(own).max(own);
            let due_on = ship_on.checked_add_days(Days::new(days.into()))?;
            self.received(ship_on, due_on)
        });
        without_overtaken(found.filter(|voyage| voyage.arrive_on <= until).collect())
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;
    use crate::calendar::Calendar;
    use crate::calendar::shipping::{Terms, Transit};

    fn day(text: &str) -> NaiveDate {
        format!("2025-{text}").parse().unwrap()
    }

    #[test]
    fn who_leaves_on_a_slow_day_arrives_later_and_is_left_out_where_it_is_overtaken() {
        // Monday 6 January 2025; nobody receives on Sundays.
        let week = [true, true, true, true, true, true, false];
        let calendar = Calendar::of_workdays(Tz::UTC, week, Vec::new()).unwrap();
        let terms = Terms {
            transit: "2".parse::<Transit>().unwrap(),
            slack: rust_decimal::Decimal::ONE,
            departs_on: [true, true, true, true, false, false, false],
            cut_off: None,
            last_pickup_on: None,
            pickup_again_on: None,
            hold_days: 4,
        };
        let lane =
            Lane { origin: &calendar, carrier: &calendar, destination: &calendar, terms: &terms };
        let voyages = |delays: &[(&str, u16)]| -> Vec<String> {
            let delays = delays.iter().map(|(on, days)| (day(on), *days)).collect();
            let from = "2025-01-06T08:00:00Z".parse().unwrap();
            let found = lane.delayed(from, day("01-15"), &delays);
            let told = found.iter().map(|one| {
                let days = [one.ship_on, one.arrive_on];
                days.map(|day| day.format("%d").to_string()).join("-")
            });
            told.collect()
        };
        let own = ["06-08", "07-09", "08-10", "09-11", "13-15"];
        assert_eq!(voyages(&[]), own);
        assert_eq!(voyages(&[("01-10", 9)]), own, "nothing departs on that day");
        assert_eq!(voyages(&[("01-08", 1)]), own, "never less than the lane itself");
        assert_eq!(voyages(&[("01-08", 3)]), ["06-08", "07-09", "08-11", "09-11", "13-15"]);
        assert_eq!(voyages(&[("01-08", 4)]), ["06-08", "07-09", "09-11", "13-15"], "overtaken");
        // Sunday is closed: it is received on Monday.
        assert_eq!(voyages(&[("01-09", 3)]), ["06-08", "07-09", "08-10", "09-13", "13-15"]);
        assert_eq!(voyages(&[("01-13", 9)]), ["06-08", "07-09", "08-10", "09-11"]);
    }
}
