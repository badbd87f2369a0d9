//! What deals may need, and what was ordered apart from them.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::row::{self, Rows};
use super::{Gatherer, ItemIndex, PlaceIndex};
use crate::forecast::pipeline::Prospect;
use crate::stock::plan::base::Observed;
use crate::stock::plan::setting;

impl<'s> Gatherer<'s> {
    pub(super) fn take_deals(&mut self, rows: &'s Rows) {
        // What is not about goods at a place needs none.
        let open = rows.deals.iter().filter(|row| row.closed_on.is_none());
        for row in open {
            let (Some(product), Some(place)) = (&row.product, &row.place) else { continue };
            let (item, place) = match self.find(product, place) {
                Ok(found) => found,
                Err(why) => {
                    self.report("deal", &row.id, format!("{why}; it counts nothing"));
                    continue;
                }
            };
            match self.deal(row) {
                Ok(deal) => self.draft(item, place).deals.push(deal),
                Err(why) => self.report("deal", &row.id, format!("{why}; it counts nothing")),
            }
        }
    }

    fn deal(&self, row: &row::Deal) -> Result<setting::Deal, String> {
        let units = row::units(row.quantity.as_deref())?.ok_or("it has no quantity; fill it in")?;
        let probability = row.probability.as_deref();
        let probability = probability.ok_or("nobody says how likely it is; fill in probability")?;
        let probability: f64 =
            probability.parse().map_err(|_| "its probability is no part of one".to_owned())?;
        let prospect = Prospect::new(probability, units).map_err(|error| error.to_string())?;
        let needed_from =
            row.expected_on.ok_or("nobody says when it closes; fill in expected_on")?;
        let window = Days::new(self.stocking.deals.window_days.into());
        let needed_to = needed_from.checked_add_days(window).unwrap_or(needed_from);
        if needed_to < self.today {
            return Err(format!("its days ended on {needed_to}; close it or move them"));
        }
        Ok(setting::Deal { prospect, needed_from, needed_to })
    }

    /// Counts orders that came of no deal, by periods of the same length that end yesterday. A product's
    /// history begins with the period of its first order anywhere.
    pub(super) fn take_orders(&mut self, rows: &'s Rows) {
        let demand = &self.stocking.demand;
        let length = u64::from(demand.period_days.max(1));
        let periods = u64::from(demand.periods.max(1));
        let mut counts: BTreeMap<(ItemIndex, PlaceIndex), BTreeMap<u64, u32>> = BTreeMap::new();
        let mut oldest: BTreeMap<ItemIndex, u64> = BTreeMap::new();
        let mut nowhere = 0_usize;
        for row in rows.orders.iter().filter(|row| row.deal.is_none()) {
            let Some(ago) = period_ago(row.ordered_on, self.today, length) else { continue };
            if periods <= ago {
                continue;
            }
            let Some(place) = demand.accounts.get(&row.account).or(demand.place.as_ref()) else {
                nowhere += 1;
                continue;
            };
            let units = row::units(Some(&row.quantity));
            let (item, place, units) = match (self.find(&row.product, place), units) {
                (Ok((item, place)), Ok(units)) => (item, place, units.unwrap_or(0)),
                (Err(why), _) | (_, Err(why)) => {
                    let key = format!("{}|{}", row.id, row.line);
                    self.report("order", &key, format!("{why}; it counts nowhere"));
                    continue;
                }
            };
            let index = usize::try_from(item.0).unwrap_or(usize::MAX);
            let item = self.successors.get(index).copied().unwrap_or(item);
            let first = oldest.entry(item).or_default();
            *first = ago.max(*first);
            let count = counts.entry((item, place)).or_default().entry(ago).or_default();
            *count = count.saturating_add(units);
        }
        if 0 < nowhere {
            let message = format!(
                "{nowhere} lines are of accounts that no place serves and count nowhere; add \
                 [demand] place or accounts"
            );
            self.made.troubles.report("orders", message);
        }
        for ((item, place), counts) in counts {
            let first = oldest.get(&item).copied().unwrap_or_default();
            let history = (0..=first).rev().filter_map(|ago| {
                let units = counts.get(&ago).copied().unwrap_or(0);
                let last_on = self.today.checked_sub_days(Days::new(ago * length + 1))?;
                let first_on = last_on.checked_sub_days(Days::new(length - 1))?;
                Some(Observed { first_on, last_on, units })
            });
            let history: Vec<Observed> = history.collect();
            self.draft(item, place).history = history;
        }
    }
}

/// Returns in which period before `today` a day lies, 0 for the one that ended yesterday.
fn period_ago(day: NaiveDate, today: NaiveDate, length: u64) -> Option<u64> {
    let days = u64::try_from((today - day).num_days() - 1).ok()?;
    days.checked_div(length)
}
