//! What was needed, and what open deals may need.

use std::collections::HashMap;

use chrono::NaiveDate;
use upturn_core::forecast::pipeline::Prospect;
use upturn_core::stock::plan::base::Observed;
use upturn_core::stock::plan::setting::{Deal, ItemIndex};

use super::{Loader, cell};
use crate::registry::table::{Row, Table};

const DEALS: Table = Table {
    file: "deals.csv",
    required: &["deal", "item", "place", "units", "probability", "needed_from"],
    optional: &["needed_to"],
};
const DEMAND: Table = Table {
    file: "demand.csv",
    required: &["item", "place", "from", "to", "units"],
    optional: &[],
};

impl Loader<'_> {
    pub(super) fn read_deals(&mut self) -> bool {
        let mut lines: HashMap<String, u64> = HashMap::new();
        self.rows(&DEALS, |loader, row| {
            let (item, place) = (loader.item(row)?, loader.place(row, "place")?);
            let key = format!("{}\0{}\0{}", cell::text(row, "deal")?, item.0, place.0);
            if let Some(line) = lines.insert(key, row.line) {
                let reason =
                    format!("the same deal, item and place stand on line {line}; remove one");
                return Err(loader.block(item, place, &reason));
            }
            match deal(row) {
                Ok(deal) if deal.needed_to < loader.as_of => Err(format!(
                    "its days ended on {}; close the deal or move them; it counts nothing",
                    deal.needed_to
                )),
                Ok(deal) => {
                    loader.draft(item, place).deals.push(deal);
                    Ok(())
                }
                Err(reason) => Err(loader.block(item, place, &reason)),
            }
        })
    }

    pub(super) fn read_demand(&mut self) -> bool {
        let is_read = self.rows(&DEMAND, |loader, row| {
            let (item, place) = (loader.item(row)?, loader.place(row, "place")?);
            let (first_on, last_on) = cell::days(row)?;
            cell::text(row, "units")?;
            let units = cell::count(row, "units", 0)
                .map_err(|reason| format!("{reason}; its days count as not observed"))?;
            if loader.as_of <= last_on {
                return Err(format!("to is {last_on}; a period that has not ended counts nothing"));
            }
            let observed = Observed { first_on, last_on, units };
            loader.draft(item, place).history.push((item, observed));
            Ok(())
        });
        let path = self.folder.join(DEMAND.file);
        // In an order that does not depend on a hash.
        let mut drafts: Vec<_> = self.drafts.iter_mut().collect();
        drafts.sort_unstable_by_key(|(pair, _)| **pair);
        for ((item, place), draft) in drafts {
            draft.history.sort_unstable_by_key(|(item, p)| (p.first_on, p.last_on, *item));
            let Some(day) = drop_overlaps(&mut draft.history) else { continue };
            let name = |found: Option<&str>| found.unwrap_or_default().to_owned();
            let item = name(self.setting.item(*item).map(|item| &*item.id));
            let place = name(self.setting.place(*place).map(|place| &*place.id));
            let message = format!(
                "'{item}' at '{place}' has periods that overlap on {day}; the later ones are left out"
            );
            self.problems.report(&path, None, message);
        }
        is_read
    }
}

/// Adds up what items that replace each other had in the same period, and drops periods that overlap
/// one before; returns the first day of an overlap.
fn drop_overlaps(history: &mut Vec<(ItemIndex, Observed)>) -> Option<NaiveDate> {
    let mut kept: Vec<(ItemIndex, Observed)> = Vec::with_capacity(history.len());
    let mut overlap = None;
    for (item, period) in history.drain(..) {
        match kept.last_mut() {
            Some((before, last))
                if (last.first_on, last.last_on) == (period.first_on, period.last_on)
                    && *before != item =>
            {
                last.units = last.units.saturating_add(period.units);
                *before = item;
            }
            Some((_, last)) if period.first_on <= last.last_on => {
                overlap.get_or_insert(period.first_on);
            }
            Some(_) | None => kept.push((item, period)),
        }
    }
    *history = kept;
    overlap
}

fn deal(row: Row<'_>) -> Result<Deal, String> {
    cell::text(row, "units")?;
    let units = cell::count(row, "units", 0)?;
    let probability = cell::probability(row, "probability")?;
    let prospect = Prospect::new(probability, units).map_err(|error| error.to_string())?;
    let needed_from = cell::day(row, "needed_from")?;
    let needed_to = cell::find_day(row, "needed_to")?.unwrap_or(needed_from);
    if needed_to < needed_from {
        return Err(format!("needed_to, {needed_to}, is before needed_from, {needed_from}"));
    }
    Ok(Deal { prospect, needed_from, needed_to })
}
