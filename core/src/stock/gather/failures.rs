//! What devices in the field may need, by the table of failures and by tasks.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;

use super::row::Rows;
use super::{Gatherer, PlaceIndex};
use crate::money::exact::Exact;
use crate::stock::plan::failures::Cause;
use crate::stock::stocking::FailureDocument;

/// How many days back failures are counted for how often devices fail.
const LOOK_BACK_DAYS: u16 = 365;
/// How a device's status says that it is gone.
const RETIRED: &str = "retired";

/// A device that may fail.
#[derive(Debug)]
struct InField<'r> {
    model: &'r str,
    product: Option<&'r str>,
    place: PlaceIndex,
    /// For how many of the last days it was there.
    days: u16,
}

/// Returns what a row of the table says, or what is wrong with it. A rate that tasks tell is 0.
pub(in crate::stock) fn cause(row: &FailureDocument) -> Result<Cause, String> {
    let Exact(share) = row.share;
    if share <= Decimal::ZERO || Decimal::ONE < share {
        return Err(format!("share is {share}; write a share above 0 and up to 1"));
    }
    let Exact(per_year) = row.per_year.unwrap_or_default();
    if per_year < Decimal::ZERO || Decimal::from(Cause::PER_YEAR_MAX) < per_year {
        let most = Cause::PER_YEAR_MAX;
        return Err(format!("per_year is {per_year}; write a number from 0 to {most}"));
    }
    if Cause::LAG_DAYS_MAX < row.lag_days {
        return Err(format!("lag_days is {}; write 0 to {}", row.lag_days, Cause::LAG_DAYS_MAX));
    }
    let number = |number: Decimal| f64::try_from(number).unwrap_or_default();
    let (per_year, share) = (number(per_year), number(share));
    Ok(Cause { per_year, share, lag_days: row.lag_days })
}

impl<'s> Gatherer<'s> {
    /// Counts the parts that devices may need of the places that serve their accounts.
    pub(super) fn take_failures(&mut self, rows: &'s Rows) {
        if self.stocking.failure.is_empty() {
            return;
        }
        let devices = self.devices(rows);
        for row in &self.stocking.failure {
            let Ok(mut cause) = cause(row) else { continue };
            let of_row = |known: &&InField<'_>| {
                known.model == row.model || known.product == Some(row.model.as_str())
            };
            let mut counts: BTreeMap<PlaceIndex, u32> = BTreeMap::new();
            let mut days = 0.0;
            for device in devices.values().filter(of_row) {
                *counts.entry(device.place).or_default() += 1;
                days += f64::from(device.days);
            }
            let of_rule = rows.faults.iter().filter(|fault| fault.rule == row.fault);
            let faults = of_rule.filter_map(|fault| {
                let device = devices.get(&*fault.device).filter(of_row)?;
                let failed_on = fault.at.with_timezone(&self.zone).date_naive();
                Some((device.place, failed_on, fault.is_open))
            });
            let faults: Vec<(PlaceIndex, NaiveDate, bool)> = faults.collect();
            if row.per_year.is_none() && 0.0 < days {
                let since = self.today.checked_sub_days(Days::new(LOOK_BACK_DAYS.into()));
                let recent = faults.iter().filter(|(_, day, _)| since.is_none_or(|on| on <= *day));
                cause.per_year = recent.count() as f64 / days * f64::from(LOOK_BACK_DAYS);
            }
            for (place, devices) in counts {
                self.take_cause(row, cause, (place, devices), &faults);
            }
        }
    }

    fn take_cause(
        &mut self,
        row: &FailureDocument,
        cause: Cause,
        (place, devices): (PlaceIndex, u32),
        faults: &[(PlaceIndex, NaiveDate, bool)],
    ) {
        let key = format!("{}|{}|{}", row.model, row.fault, row.part);
        let Some(item) = self.items.get(&*row.part).copied() else {
            let message =
                format!("there is no product '{}'; import it; it counts nothing", row.part);
            self.report("failure", &key, message);
            return;
        };
        let today = self.today;
        let failures = &mut self.draft(item, place).failures;
        failures.expect(cause, devices, today);
        let open = faults.iter().filter(|(at, _, is_open)| *at == place && *is_open);
        let known: Result<(), _> =
            open.map(|(_, day, _)| *day).try_for_each(|day| failures.know(cause, day, today));
        if let Err(error) = known {
            self.report("failure", &key, error.to_string());
        }
    }

    /// Returns the devices in the field whose account a place serves.
    fn devices(&mut self, rows: &'s Rows) -> BTreeMap<&'s str, InField<'s>> {
        let demand = &self.stocking.demand;
        let sites: BTreeMap<&str, &str> = rows
            .sites
            .iter()
            .filter_map(|site| Some((&*site.id, site.account.as_deref()?)))
            .collect();
        let installed: BTreeMap<&str, _> =
            rows.installed.iter().map(|row| (&*row.device, row)).collect();
        let mut found = BTreeMap::new();
        let mut nowhere = 0_usize;
        for device in &rows.devices {
            if device.status.as_deref() == Some(RETIRED) {
                continue;
            }
            let of_site = || sites.get(device.site.as_deref()?).copied();
            let account = device.account.as_deref().or_else(of_site);
            let place = account.and_then(|account| demand.accounts.get(account));
            let place = place.or(demand.place.as_ref());
            let Some(place) = place.and_then(|place| self.places.get(&**place)).copied() else {
                nowhere += 1;
                continue;
            };
            let known = installed.get(&*device.id);
            let there =
                known.and_then(|row| row.installed_on).map(|on| (self.today - on).num_days());
            let days = there.map_or(LOOK_BACK_DAYS, |days| {
                u16::try_from(days.max(0)).unwrap_or(LOOK_BACK_DAYS).min(LOOK_BACK_DAYS)
            });
            let product = known.map(|row| &*row.product);
            found.insert(&*device.id, InField { model: &device.model, product, place, days });
        }
        if 0 < nowhere {
            let message = format!(
                "{nowhere} are of accounts that no place serves, and their failures count nowhere; \
                 add [demand] place or accounts"
            );
            self.made.troubles.report("devices", message);
        }
        found
    }
}
