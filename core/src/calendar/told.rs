//! Windows of days laid over each other: of two that tell of a day, the later one stands.

use std::collections::BTreeMap;
use std::ops::Bound;

use chrono::NaiveDate;

use super::Override;
use super::hours::Hours;

/// What days are, window by window.
#[derive(Debug, Default)]
pub(super) struct Told {
    // Invariant: no day is in two of them. By their first days.
    windows: BTreeMap<NaiveDate, Override>,
}

impl Told {
    /// Lays the days from `first_on` to `last_on` over what is told; none if they end before they begin.
    pub(super) fn lay(
        &mut self,
        first_on: NaiveDate,
        last_on: NaiveDate,
        hours: Hours,
        name: &str,
    ) {
        if last_on < first_on {
            return;
        }
        if let Some((_, before)) = self.windows.range_mut(..first_on).next_back()
            && first_on <= before.last_on
        {
            let rest = last_on.succ_opt().filter(|day| *day <= before.last_on);
            let rest = rest.map(|day| Override { first_on: day, ..before.clone() });
            before.last_on = first_on.pred_opt().unwrap_or(first_on);
            self.windows.extend(rest.map(|rest| (rest.first_on, rest)));
        }
        let within = (Bound::Included(first_on), Bound::Included(last_on));
        while let Some((day, _)) = self.windows.range(within).next() {
            let day = *day;
            let Some(under) = self.windows.remove(&day) else { break };
            if let Some(next) = last_on.succ_opt().filter(|next| *next <= under.last_on) {
                self.windows.insert(next, Override { first_on: next, ..under });
            }
        }
        let laid = Override { first_on, last_on, hours, name: name.into() };
        self.windows.insert(first_on, laid);
    }

    /// Lays `overrides` over what is told, in their order.
    pub(super) fn lay_all(&mut self, overrides: &[Override]) {
        for one in overrides {
            self.lay(one.first_on, one.last_on, one.hours.clone(), &one.name);
        }
    }

    /// Returns the windows in order, those in a row with the same hours and name as one.
    pub(super) fn into_overrides(self) -> Vec<Override> {
        let mut rows: Vec<Override> = Vec::new();
        for window in self.windows.into_values() {
            if let Some(last) = rows.last_mut()
                && last.last_on.succ_opt() == Some(window.first_on)
                && (&last.hours, &last.name) == (&window.hours, &window.name)
            {
                last.last_on = window.last_on;
            } else {
                rows.push(window);
            }
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_day_is_what_was_laid_on_it_last(
            windows in proptest::collection::vec((0_u64..40, 0_u64..12, 0_u8..3), 0..12),
        ) {
            let start = NaiveDate::from_ymd_opt(2025, 1, 1).unwrap();
            let mut told = Told::default();
            let mut plain: BTreeMap<NaiveDate, String> = BTreeMap::new();
            for (first, length, name) in windows {
                let first_on = start + chrono::Days::new(first);
                let last_on = first_on + chrono::Days::new(length);
                told.lay(first_on, last_on, Hours::default(), &name.to_string());
                let days = first_on.iter_days().take_while(|day| *day <= last_on);
                plain.extend(days.map(|day| (day, name.to_string())));
            }
            let rows = told.into_overrides();
            let mut found = BTreeMap::new();
            for row in &rows {
                for day in row.first_on.iter_days().take_while(|day| *day <= row.last_on) {
                    prop_assert!(found.insert(day, row.name.to_string()).is_none(), "{} twice", day);
                }
            }
            prop_assert_eq!(found, plain);
        }
    }
}
