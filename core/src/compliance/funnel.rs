//! Drops in a funnel: when the share of deals that pass a stage has fallen, and since which week.
//!
//! Each of the last weeks is tried as the one in which the rate fell: how much better two rates, before and
//! since, explain the counts than one does (a generalised likelihood ratio). What came before that week is
//! never mixed with what came since, so a fall that is missed at first is not learnt as usual.

use std::collections::BTreeMap;

use chrono::{NaiveDate, Weekday};

/// How many weeks are only learnt from.
const LEARN: usize = 12;
/// How many weeks back a fall is looked for.
const WINDOW: usize = 12;
/// Thresholds by how many pass in a week on average before the fall: from so many on, so much. Found by
/// simulation, for a false alarm about every 104 weeks.
const THRESHOLDS: &[(f64, f64)] = &[(9.0, 3.55), (0.0, 3.9)];

/// The deals that were decided at a stage in a week.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week {
    /// Its Monday.
    pub begins: NaiveDate,
    /// How many were decided.
    pub decided: u32,
    /// How many of them passed; not more than were decided.
    pub passed: u32,
}

/// A fall of the rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drop {
    /// The week in which it was seen.
    pub seen: NaiveDate,
    /// The week in which it most likely began.
    pub since: NaiveDate,
    /// The rate before.
    pub before: f64,
    /// The rate since.
    pub after: f64,
    /// How many decisions that rate is of.
    pub decided: u32,
    /// How much better two rates explain the counts than one.
    pub score: f64,
}

/// Returns the weeks of `decisions`, each a day and whether it passed, from the first to the last with those
/// between in which nothing was decided.
pub fn weeks(decisions: impl IntoIterator<Item = (NaiveDate, bool)>) -> Vec<Week> {
    let mut counted: BTreeMap<NaiveDate, (u32, u32)> = BTreeMap::new();
    for (day, passed) in decisions {
        let monday = day.week(Weekday::Mon).first_day();
        let (decided, all_passed) = counted.entry(monday).or_default();
        *decided = decided.saturating_add(1);
        *all_passed = all_passed.saturating_add(u32::from(passed));
    }
    let (Some(first), Some(last)) =
        (counted.keys().next().copied(), counted.keys().next_back().copied())
    else {
        return Vec::new();
    };
    let mondays = first.iter_weeks().take_while(|monday| *monday <= last);
    let week = |begins| {
        let (decided, passed) = counted.get(&begins).copied().unwrap_or_default();
        Week { begins, decided, passed }
    };
    mondays.map(week).collect()
}

/// Returns the first fall in `weeks`, which are in order; none in the first twelve, which are learnt from.
#[expect(clippy::float_arithmetic, reason = "statistics of counts, never money")]
pub fn find_drop(weeks: &[Week]) -> Option<Drop> {
    (LEARN..weeks.len()).find_map(|last| {
        let seen = weeks.get(..=last)?;
        let first = last.saturating_sub(WINDOW - 1).max(LEARN);
        let candidates = (first..=last).filter_map(|start| judge(seen, start));
        let best = candidates.max_by(|one, other| one.score.total_cmp(&other.score))?;
        let weeks_before = seen.iter().take_while(|week| week.begins < best.since).count();
        let a_week = best.before * mean_decided(seen.get(..weeks_before)?);
        let threshold = THRESHOLDS.iter().find(|(from, _)| *from <= a_week)?.1;
        (threshold <= best.score).then_some(best)
    })
}

/// Returns how well a fall in the week `start` explains `weeks`; none where the rate did not fall then.
#[expect(clippy::float_arithmetic, reason = "statistics of counts, never money")]
fn judge(weeks: &[Week], start: usize) -> Option<Drop> {
    let (before, since) = weeks.split_at_checked(start)?;
    let ((passed, decided), (passed_since, decided_since)) = (sum(before), sum(since));
    if decided == 0 || decided_since == 0 {
        return None;
    }
    let rate = |passed: u32, decided: u32| f64::from(passed) / f64::from(decided);
    let (old, new) = (rate(passed, decided), rate(passed_since, decided_since));
    let together = fit(passed.checked_add(passed_since)?, decided.checked_add(decided_since)?);
    let score = fit(passed, decided) + fit(passed_since, decided_since) - together;
    (new < old).then_some(Drop {
        seen: weeks.last()?.begins,
        since: since.first()?.begins,
        before: old,
        after: new,
        decided: decided_since,
        score,
    })
}

fn sum(weeks: &[Week]) -> (u32, u32) {
    weeks.iter().fold((0, 0), |(passed, decided), week| {
        (passed.saturating_add(week.passed.min(week.decided)), decided.saturating_add(week.decided))
    })
}

#[expect(clippy::float_arithmetic, reason = "statistics of counts, never money")]
fn mean_decided(weeks: &[Week]) -> f64 {
    let count = u32::try_from(weeks.len()).unwrap_or(u32::MAX).max(1);
    f64::from(sum(weeks).1) / f64::from(count)
}

/// Returns the logarithm of the likelihood of counts by the rate that fits them best.
#[expect(clippy::float_arithmetic, reason = "statistics of counts, never money")]
fn fit(passed: u32, decided: u32) -> f64 {
    let part = |count: u32| {
        if count == 0 {
            return 0.0;
        }
        f64::from(count) * (f64::from(count) / f64::from(decided)).ln()
    };
    part(passed) + part(decided.saturating_sub(passed))
}

#[cfg(test)]
#[expect(clippy::float_arithmetic, reason = "a simulation")]
mod tests {
    use chrono::Days;

    use super::*;

    /// Weeks in control before the rate falls, and all weeks.
    const BEFORE: usize = 26;
    const ALL: usize = 186;

    /// A generator of its own, so that the same numbers come everywhere.
    struct Chance(u64);

    impl Chance {
        /// Returns a number from 0 up to 1.
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            f64::from(u32::try_from(mixed >> 32).unwrap()) / 4_294_967_296.0
        }

        /// Returns a count with that mean, as arrivals have it.
        fn arrivals(&mut self, mean: f64) -> u32 {
            let limit = (-mean).exp();
            let mut product = self.next();
            let mut count = 0;
            while limit < product {
                product *= self.next();
                count += 1;
            }
            count
        }

        fn weeks(&mut self, mean: f64, rates: [f64; 2]) -> Vec<Week> {
            let monday: NaiveDate = "2024-01-01".parse().unwrap();
            let [before, after] = rates;
            let week = |index: usize| {
                let decided = self.arrivals(mean);
                let rate = if index < BEFORE { before } else { after };
                let passed = (0..decided).filter(|_| self.next() < rate).count();
                let begins = monday + Days::new(7 * u64::try_from(index).unwrap());
                Week { begins, decided, passed: u32::try_from(passed).unwrap() }
            };
            (0..ALL).map(week).collect()
        }
    }

    fn week_of(weeks: &[Week], drop: &Drop) -> usize {
        weeks.iter().position(|week| week.begins == drop.seen).unwrap()
    }

    #[test]
    fn falls_are_seen_as_soon_as_the_measured_methods_see_them() {
        // Decisions a week, the rates, and the mean delay in weeks that was measured elsewhere.
        let cases = [
            (50.0, 0.38, 0.12, 1.05),
            (25.0, 0.38, 0.12, 1.43),
            (10.0, 0.38, 0.12, 2.76),
            (25.0, 0.38, 0.25, 4.44),
            (100.0, 0.38, 0.30, 3.17),
            (30.0, 0.12, 0.05, 5.02),
        ];
        for (mean, before, after, measured) in cases {
            let mut chance = Chance(7);
            let (mut delays, mut paths) = (0, 0);
            for _ in 0..400 {
                let weeks = chance.weeks(mean, [before, after]);
                let Some(drop) = find_drop(&weeks) else { continue };
                let seen = week_of(&weeks, &drop);
                if BEFORE <= seen {
                    delays += seen - BEFORE + 1;
                    paths += 1;
                }
            }
            let delay = f64::from(u32::try_from(delays).unwrap()) / f64::from(paths);
            let name = format!("{before} to {after}, {mean} a week: {delay:.2} weeks");
            assert!(delay < measured * 1.1, "case: {name}, measured {measured}");
            assert!(200 < paths, "case: {name}: {paths} paths without a false alarm before");
        }
    }

    #[test]
    fn where_nothing_falls_an_alarm_comes_about_every_two_years() {
        for (mean, rate) in [(100.0, 0.38), (25.0, 0.38), (10.0, 0.38), (30.0, 0.12)] {
            let mut chance = Chance(11);
            let (mut watched, mut alarms) = (0, 0);
            for _ in 0..300 {
                let weeks = chance.weeks(mean, [rate, rate]);
                let last = find_drop(&weeks).map(|drop| week_of(&weeks, &drop));
                alarms += usize::from(last.is_some());
                watched += last.unwrap_or(ALL - 1) + 1 - LEARN;
            }
            let every = watched / alarms.max(1);
            assert!((80..160).contains(&every), "case: {rate}, {mean} a week: every {every} weeks");
        }
    }

    #[test]
    fn weeks_are_counted_from_monday_and_none_is_left_out() {
        let day = |text: &str| text.parse().unwrap();
        let decisions = [("2025-01-19", true), ("2025-01-20", true), ("2025-02-09", false)];
        let told = weeks(decisions.map(|(on, passed)| (day(on), passed)));
        let told: Vec<_> =
            told.iter().map(|week| (week.begins.to_string(), week.decided, week.passed)).collect();
        let expected = [
            ("2025-01-13", 1, 1),
            ("2025-01-20", 1, 1),
            ("2025-01-27", 0, 0),
            ("2025-02-03", 1, 0),
        ];
        assert_eq!(told, expected.map(|(day, decided, passed)| (day.to_owned(), decided, passed)));
        assert_eq!(weeks([]), []);
    }

    #[test]
    fn a_drop_names_its_week_and_the_rates() {
        let monday: NaiveDate = "2024-01-01".parse().unwrap();
        let weeks: Vec<Week> = (0..30)
            .map(|index| {
                let passed = if index < 20 { 19 } else { 6 };
                Week { begins: monday + Days::new(7 * index), decided: 50, passed }
            })
            .collect();
        let drop = find_drop(&weeks).unwrap();
        assert_eq!(drop.since.to_string(), "2024-05-20");
        assert_eq!(drop.seen, drop.since);
        assert_eq!((drop.before, drop.after, drop.decided), (0.38, 0.12, 50));
        assert_eq!(find_drop(weeks.get(..20).unwrap()), None);
        assert_eq!(find_drop(&[]), None);
        let still = Week { begins: monday, decided: 0, passed: 0 };
        assert_eq!(find_drop(&[still; 40]), None);
    }
}
