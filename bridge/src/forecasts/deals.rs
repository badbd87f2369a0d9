//! Deals as they became known: what was known of each on a day, and what became of it.

use std::collections::BTreeMap;

use chrono::{Datelike as _, Days, NaiveDate};
use upturn_core::forecast::win::{Seen, Sight};

/// How a deal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was won.
    Won,
    /// It was lost.
    Lost,
}

/// What is known of a deal from a day on.
#[derive(Debug)]
pub(crate) struct Row {
    /// The day.
    pub(crate) on: NaiveDate,
    /// How it ended, if it did on that day.
    pub(crate) outcome: Option<Outcome>,
    /// The level of each column.
    pub(crate) levels: Vec<u32>,
    /// Its numbers.
    pub(crate) numbers: Vec<f64>,
}

/// Deals by name, each with its rows by day.
#[derive(Debug, Default)]
pub(crate) struct Deals {
    deals: BTreeMap<String, Vec<Row>>,
}

/// Words of each column, numbered as they came.
#[derive(Debug, Default)]
pub(crate) struct Words {
    numbers: BTreeMap<(usize, String), u32>,
}

impl Deals {
    /// Adds what became known of `deal`.
    pub(crate) fn add(&mut self, deal: String, row: Row) {
        self.deals.entry(deal).or_default().push(row);
    }

    /// Puts the rows of each deal in order, after the last one was added.
    pub(crate) fn sort(&mut self) {
        for rows in self.deals.values_mut() {
            // Of two rows of one day, the one that was added later holds.
            rows.sort_by_key(|row| row.on);
        }
    }

    /// Returns what was known of deals that were open one, two, … horizons of `within` days before
    /// `as_of`, and whether they were won within the next one; `back` horizons at most.
    pub(crate) fn seen(&self, as_of: NaiveDate, within: u32, back: u32) -> Vec<Seen> {
        let mut seen = Vec::new();
        for ago in 1..=back {
            let days = u64::from(ago) * u64::from(within);
            let Some(on) = as_of.checked_sub_days(Days::new(days)) else { break };
            for (deal, sight) in self.sights(on, within, ago) {
                let won = self.is_won(deal, on, within);
                seen.push(Seen { sight, won });
            }
        }
        seen
    }

    /// Returns whether `deal` was won within `within` days from `on` on.
    pub(crate) fn is_won(&self, deal: &str, on: NaiveDate, within: u32) -> bool {
        let until = on.checked_add_days(Days::new(u64::from(within))).unwrap_or(NaiveDate::MAX);
        let is_in_time =
            |row: &Row| on <= row.on && row.on < until && row.outcome == Some(Outcome::Won);
        self.deals.get(deal).is_some_and(|rows| rows.iter().any(is_in_time))
    }

    /// Returns the deals that are open on `as_of`, with what is known of them and tells whether they
    /// are won `within` so many days.
    pub(crate) fn open(&self, as_of: NaiveDate, within: u32) -> Vec<(&str, Sight)> {
        self.sights(as_of, within, 0).collect()
    }

    /// Returns the day on which something first became known.
    pub(crate) fn first_on(&self) -> Option<NaiveDate> {
        self.deals.values().filter_map(|rows| rows.first()).map(|row| row.on).min()
    }

    /// Returns every level that `deal` had in `column`.
    pub(crate) fn had(&self, deal: &str, column: usize) -> impl Iterator<Item = u32> {
        let rows = self.deals.get(deal).into_iter().flatten();
        rows.filter_map(move |row| row.levels.get(column).copied())
    }

    fn sights(&self, on: NaiveDate, within: u32, ago: u32) -> impl Iterator<Item = (&str, Sight)> {
        let (deals, phase) = (self.deals.iter(), phase(on, within));
        deals.filter_map(move |(deal, rows)| {
            let sight = sight(rows, on)?;
            Some((deal.as_str(), Sight { ago, phase, ..sight }))
        })
    }
}

/// Returns the month of its quarter, from 0, that the middle of the `within` days from `on` on falls
/// in; 0 where they are too many for one month to say something of them.
fn phase(on: NaiveDate, within: u32) -> usize {
    const WITHIN_MAX: u32 = 60;
    let middle = on.checked_add_days(Days::new(u64::from(within / 2))).unwrap_or(on);
    if within <= WITHIN_MAX { middle.month0() as usize % 3 } else { 0 }
}

/// Returns what was known before `on` of a deal that was open then.
fn sight(rows: &[Row], on: NaiveDate) -> Option<Sight> {
    let known = rows.partition_point(|row| row.on < on);
    let known = rows.get(..known)?;
    let (first, last) = (known.first()?, known.last()?);
    if known.iter().any(|row| row.outcome.is_some()) {
        return None;
    }
    let age = i32::try_from(on.signed_duration_since(first.on).num_days()).ok()?;
    let (levels, numbers) = (last.levels.clone(), last.numbers.clone());
    Some(Sight { ago: 0, age_days: f64::from(age), phase: 0, levels, numbers })
}

impl Words {
    /// Returns the number of `word` in `column`; a new one, if it did not come before.
    pub(crate) fn number(&mut self, column: usize, word: &str) -> u32 {
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        *self.numbers.entry((column, word.to_owned())).or_insert(next)
    }

    /// Returns the words of `column`, with their numbers.
    pub(crate) fn of(&self, column: usize) -> impl Iterator<Item = (&str, u32)> {
        let all = self.numbers.iter().filter(move |((of, _), _)| *of == column);
        all.map(|((_, word), number)| (word.as_str(), *number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_phase_is_the_month_of_the_quarter_that_the_horizon_mostly_falls_in() {
        for (on, within, expected) in [
            ("2025-01-01", 30, 0),
            ("2025-02-25", 30, 2),
            ("2025-03-20", 30, 0),
            ("2025-06-01", 7, 2),
            ("2025-12-31", 1, 2),
            ("2025-02-01", 61, 0),
        ] {
            let day = on.parse().unwrap();
            assert_eq!(phase(day, within), expected, "{within} days from {on} on");
        }
    }
}
