//! What devices in the field may need, by the table of failures and by tasks.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::rate::Counted;
use super::row::Rows;
use super::{Gatherer, PlaceIndex, work_orders};
use crate::money::exact::Exact;
use crate::stock::learn::{self, Learnt};
use crate::stock::plan::failures::{Cause, YEAR_DAYS};
use crate::stock::stocking::FailureDocument;

/// How many days back failures are counted for how often devices fail.
pub const LOOK_BACK_DAYS: u16 = 365;
/// How a device's status says that it is gone.
pub(super) const RETIRED: &str = "retired";

/// A device that may fail.
#[derive(Debug)]
struct InField<'r> {
    model: &'r str,
    product: Option<&'r str>,
    place: PlaceIndex,
    /// For how many of the last days it was there.
    days: u16,
}

/// What was seen of a row of the table.
#[derive(Debug, Default)]
struct Seen {
    /// How many devices each place serves.
    devices: BTreeMap<PlaceIndex, u32>,
    /// Where and when they failed, and whether that is open.
    faults: Vec<(PlaceIndex, NaiveDate, bool)>,
    counted: Counted,
    /// Whether the rule is younger than the days that are looked back.
    is_young: bool,
}

/// Returns what a row of the table says, or what is wrong with it. A rate that tasks tell, or a share that
/// work orders tell, is 0.
pub fn cause(row: &FailureDocument) -> Result<Cause, String> {
    let share = row.share.map(|Exact(share)| share);
    if let Some(share) = share.filter(|share| *share <= Decimal::ZERO || Decimal::ONE < *share) {
        return Err(format!("share is {share}; write a share above 0 and up to 1"));
    }
    let Exact(per_year) = row.per_year.unwrap_or_default();
    if per_year < Decimal::ZERO || Decimal::from(Cause::PER_YEAR_MAX) < per_year {
        let most = Cause::PER_YEAR_MAX;
        return Err(format!("per_year is {per_year}; write a number from 0 to {most}"));
    }
    let lag_days = row.lag_days.unwrap_or_default();
    if Cause::LAG_DAYS_MAX < lag_days {
        return Err(format!("lag_days is {lag_days}; write 0 to {}", Cause::LAG_DAYS_MAX));
    }
    let number = |number: Decimal| f64::try_from(number).unwrap_or_default();
    let (per_year, share) = (number(per_year), number(share.unwrap_or_default()));
    Ok(Cause { per_year, share, lag_days })
}

impl<'s> Gatherer<'s> {
    /// Counts the parts that devices may need of the places that serve their accounts.
    pub(super) fn take_failures(&mut self, rows: &'s Rows) {
        if self.stocking.failure.is_empty() {
            return;
        }
        let devices = self.devices(rows);
        let learnt = self.learnt(rows);
        let table: Vec<(&FailureDocument, Seen)> =
            self.stocking.failure.iter().map(|row| (row, self.seen(row, &devices, rows))).collect();
        // Several parts of one failure are one rate.
        let rates: BTreeMap<(&str, &str), Counted> =
            table.iter().map(|(row, seen)| ((&*row.model, &*row.fault), seen.counted)).collect();
        let pool: Counted = rates.into_values().sum();
        for (row, seen) in table {
            let Some(mut cause) = self.cause(row, &learnt) else { continue };
            if row.per_year.is_none() {
                cause.per_year = seen.counted.per_year(pool);
                self.tell_thin(row, &seen, cause.per_year, pool);
            }
            for (place, devices) in seen.devices {
                self.take_cause(row, cause, (place, devices), &seen.faults);
            }
        }
    }

    /// Returns the devices and the failures that a row of the table is about.
    fn seen(
        &self,
        row: &FailureDocument,
        devices: &BTreeMap<&str, InField<'_>>,
        rows: &Rows,
    ) -> Seen {
        let of_row = |known: &&InField<'_>| {
            known.model == row.model || known.product == Some(row.model.as_str())
        };
        let written = cause(row).ok().filter(|_| row.per_year.is_some());
        let rule_since = rows.rules.get(&row.fault).filter(|_| written.is_none());
        let since = self.counted_since(rule_since);
        let counted_days = (self.today - since).num_days();
        let mut seen =
            Seen { is_young: i64::from(LOOK_BACK_DAYS) > counted_days, ..Seen::default() };
        let mut days = 0_i64;
        for device in devices.values().filter(of_row) {
            *seen.devices.entry(device.place).or_default() += 1;
            days += i64::from(device.days).min(counted_days);
        }
        let of_rule = rows.faults.iter().filter(|fault| fault.rule == row.fault);
        let faults = of_rule.filter_map(|fault| {
            let device = devices.get(&*fault.device).filter(of_row)?;
            let failed_on = fault.at.with_timezone(&self.zone).date_naive();
            Some((device.place, failed_on, fault.is_open))
        });
        seen.faults = faults.collect();
        let device_years = days as f64 / YEAR_DAYS;
        let recent = || seen.faults.iter().filter(|(_, day, _)| since <= *day).count() as f64;
        let failures = written.map_or_else(recent, |cause| cause.per_year * device_years);
        seen.counted = Counted { failures, device_years };
        seen
    }

    /// Tells of a young rule that its rate is that of the others more than its own.
    fn tell_thin(&mut self, row: &FailureDocument, seen: &Seen, per_year: f64, pool: Counted) {
        let Counted { failures, device_years } = seen.counted;
        if 0.0 < per_year && seen.is_young && seen.counted.is_thin(pool) {
            let message = format!(
                "its rule is young: {failures} failures in {device_years:.2} device-years; with those of \
                 the other tables it counts {per_year:.3} a year; write 'per_year' if you know better"
            );
            self.report("failure", &key(row), message);
        }
    }

    /// Returns what a row of the table says, where it does not say it what work orders do.
    fn cause(&mut self, row: &FailureDocument, learnt: &[Learnt]) -> Option<Cause> {
        let mut cause = cause(row).ok()?;
        if row.share.is_some() {
            return Some(cause);
        }
        let is_about = |one: &&Learnt| {
            (&*one.model, &*one.fault, &*one.part) == (&*row.model, &*row.fault, &*row.part)
        };
        let Some(found) = learnt.iter().find(is_about) else {
            let message = format!(
                "no closed work order of the last {LOOK_BACK_DAYS} days says that it is needed, and it counts \
                 nothing; write 'share', or import records of kind 'work-order'"
            );
            self.report("failure", &key(row), message);
            return None;
        };
        cause.share = found.share;
        if row.lag_days.is_none() {
            cause.lag_days = found.lag_days.min(Cause::LAG_DAYS_MAX);
        }
        Some(cause)
    }

    /// Returns what closed work orders say, if a row of the table leaves anything to them.
    fn learnt(&self, rows: &Rows) -> Vec<Learnt> {
        if self.stocking.failure.iter().all(|row| row.share.is_some()) {
            return Vec::new();
        }
        let back = self.today.checked_sub_days(Days::new(LOOK_BACK_DAYS.into()));
        let lines = work_orders::lines(rows, self.today);
        learn::learn(&lines, &BTreeMap::new(), &(back.unwrap_or_default()..self.today))
    }

    /// Returns the first day on which failures are counted: nobody saw any before the rule was there.
    fn counted_since(&self, rule_since: Option<&DateTime<Utc>>) -> NaiveDate {
        let back = self.today.checked_sub_days(Days::new(LOOK_BACK_DAYS.into()));
        let rule_on = rule_since.map(|at| at.with_timezone(&self.zone).date_naive());
        back.into_iter().chain(rule_on).max().unwrap_or(self.today).min(self.today)
    }

    fn take_cause(
        &mut self,
        row: &FailureDocument,
        cause: Cause,
        (place, devices): (PlaceIndex, u32),
        faults: &[(PlaceIndex, NaiveDate, bool)],
    ) {
        let key = key(row);
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

/// Returns what a row of the table is known by.
fn key(row: &FailureDocument) -> String {
    format!("{}|{}|{}", row.model, row.fault, row.part)
}

#[cfg(test)]
mod tests {
    use super::super::records;
    use super::super::row::{Device, Fault, Product};
    use super::*;
    use crate::stock::stocking::Stocking;

    #[test]
    fn devices_count_only_while_the_rule_was_there() {
        let document = include_str!("../../../../deploy/stock/stocking.toml");
        let failure =
            "[[failure]]\nmodel = \"X7\"\nfault = \"care\"\npart = \"BOARD\"\nshare = \"1\"\n";
        let mut stocking = Stocking::parse(&format!("{document}\n{failure}")).unwrap();
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let as_of = at("2025-06-30T04:00:00Z");
        let device = |id: &str| Device {
            id: id.to_owned(),
            model: "X7".to_owned(),
            site: None,
            account: None,
            status: None,
        };
        let fault = |on: &str| Fault {
            rule: "care".to_owned(),
            device: "d-1".to_owned(),
            at: at(&format!("{on}T04:00:00Z")),
            is_open: false,
        };
        let product = Product {
            id: "BOARD".to_owned(),
            family: None,
            pack_size: None,
            minimum_order: None,
            replaced_by: None,
        };
        let mut rows = Rows {
            products: vec![product],
            devices: vec![device("d-1"), device("d-2")],
            // One of them was before the rule: it was told afterwards.
            faults: vec![fault("2025-05-01"), fault("2025-06-10"), fault("2025-06-20")],
            ..Rows::default()
        };
        let mut per_day = |stocking: &Stocking, since: Option<&str>| {
            rows.rules = since.map(|since| ("care".to_owned(), at(since))).into_iter().collect();
            let made = records(stocking, &rows, &[], as_of);
            let found = made.setting.positions.iter().find_map(|one| one.failures.as_deref());
            found.map_or(0.0, crate::stock::plan::failures::Failures::per_day)
        };
        // Two devices for a year each, for twenty-five days each, and not at all: three failures alone
        // are 12 of 4 t + 1 device-years, two are 6 of 3 t + 1.
        let days = |count: f64, years: f64, days: f64| count / (years * days + YEAR_DAYS);
        for (since, expected) in [
            (None, days(12.0, 4.0, 730.0) * 2.0),
            (Some("2020-01-01T00:00:00Z"), days(12.0, 4.0, 730.0) * 2.0),
            (Some("2025-06-05T04:00:00Z"), days(6.0, 3.0, 50.0) * 2.0),
            (Some("2025-06-30T01:00:00Z"), 0.0),
            (Some("2025-07-02T00:00:00Z"), 0.0),
        ] {
            let found = per_day(&stocking, since);
            assert!((found - expected).abs() < 1e-9, "{since:?}: {found}, not {expected}");
        }
        // What a person wrote stays.
        for row in &mut stocking.failure {
            row.per_year = Some(Exact(Decimal::ONE));
        }
        let found = per_day(&stocking, Some("2025-06-05T04:00:00Z"));
        assert!((found - 2.0 / YEAR_DAYS).abs() < 1e-9, "{found}");
    }
}
