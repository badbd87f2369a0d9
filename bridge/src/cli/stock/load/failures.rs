//! What devices in the field may need: which parts failures need, the devices, and failures that happened.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use upturn_core::stock::plan::failures::Cause;
use upturn_core::stock::plan::setting::{ItemIndex, PlaceIndex};

use super::{Loader, cell};
use crate::registry::table::{Row, Table};

/// The table that people edit and `upturn stock learn` proposes.
pub(in crate::cli::stock) const FAILURES: Table = Table {
    file: "failures.csv",
    required: &["model", "fault", "part", "share", "per_year"],
    optional: &["lag_days", "n", "share_low", "share_high", "by"],
};
pub(in crate::cli::stock) const INSTALLED: Table =
    Table { file: "installed.csv", required: &["model", "place", "devices"], optional: &[] };
const FAULTS: Table = Table {
    file: "faults.csv",
    required: &["model", "fault", "place", "failed_on"],
    optional: &[],
};

/// A row of the table of failures.
#[derive(Debug)]
struct Known {
    model: String,
    fault: String,
    part: ItemIndex,
    cause: Cause,
}

impl Loader<'_> {
    /// Reads the three tables; what a row of the last two says of no row of the first needs nothing.
    pub(super) fn read_failures(&mut self) -> bool {
        let mut table: Vec<Known> = Vec::new();
        let is_read = self.rows(&FAILURES, |loader, row| {
            let known = known(loader, row)?;
            let is_twice = table.iter().any(|other| {
                (&other.model, &other.fault, other.part) == (&known.model, &known.fault, known.part)
            });
            if is_twice {
                return Err("model, fault and part stand twice; remove one".to_owned());
            }
            table.push(known);
            Ok(())
        });
        let has_faults = self.folder.join(FAULTS.file).is_file();
        is_read && self.read_installed(&table, has_faults) && self.read_faults(&table)
    }

    fn read_installed(&mut self, table: &[Known], has_faults: bool) -> bool {
        self.rows(&INSTALLED, |loader, row| {
            let model = cell::text(row, "model")?;
            let place = loader.place(row, "place")?;
            cell::text(row, "devices")?;
            let devices = cell::count(row, "devices", 0)?;
            let as_of = loader.as_of;
            for known in table.iter().filter(|known| known.model == model) {
                let lag = Days::new(known.cause.lag_days.into());
                // Without a table of them, failures of the last days are expected as those to come.
                let first_on = if has_faults { Some(as_of) } else { as_of.checked_sub_days(lag) };
                let failures = &mut loader.draft(known.part, place).failures;
                failures.expect(known.cause, devices, first_on.unwrap_or(as_of));
            }
            Ok(())
        })
    }

    fn read_faults(&mut self, table: &[Known]) -> bool {
        self.rows(&FAULTS, |loader, row| {
            let (model, fault) = (cell::text(row, "model")?, cell::text(row, "fault")?);
            let place = loader.place(row, "place")?;
            let failed_on = failed_on(row, loader.as_of)?;
            let of_row = |known: &&Known| known.model == model && known.fault == fault;
            let mut needs: Vec<(ItemIndex, PlaceIndex, Cause)> = Vec::new();
            needs.extend(table.iter().filter(of_row).map(|known| (known.part, place, known.cause)));
            if needs.is_empty() {
                return Err(format!(
                    "failures.csv has no '{fault}' of '{model}'; it counts nothing"
                ));
            }
            let as_of = loader.as_of;
            needs.into_iter().try_for_each(|(part, place, cause)| {
                let failures = &mut loader.draft(part, place).failures;
                failures.know(cause, failed_on, as_of).map_err(|error| error.to_string())
            })
        })
    }
}

/// Returns the day of a failure, which has come by `as_of`.
pub(in crate::cli::stock) fn failed_on(
    row: Row<'_>,
    as_of: NaiveDate,
) -> Result<NaiveDate, String> {
    let failed_on = cell::day(row, "failed_on")?;
    if as_of < failed_on {
        return Err(format!("failed_on is {failed_on}, which is still to come; correct it"));
    }
    Ok(failed_on)
}

fn known(loader: &Loader<'_>, row: Row<'_>) -> Result<Known, String> {
    let name = cell::text(row, "part")?;
    let part = loader.items.get(name).copied();
    let part = part.ok_or_else(|| format!("part '{name}' is not in items.csv, or wrong there"))?;
    let share = cell::probability(row, "share")?;
    let most = Decimal::from(Cause::PER_YEAR_MAX);
    let per_year: Option<Decimal> = cell::find(row, "per_year", "a number, as 0.25")?;
    let per_year = per_year
        .filter(|number| (Decimal::ZERO..=most).contains(number))
        .and_then(|number| f64::try_from(number).ok())
        .ok_or_else(|| format!("per_year is no number from 0 to {most}; write one, as 0.25"))?;
    let lag_days = cell::count(row, "lag_days", 0)?;
    let lag_days = u16::try_from(lag_days)
        .ok()
        .filter(|days| *days <= Cause::LAG_DAYS_MAX)
        .ok_or_else(|| format!("lag_days is {lag_days}; write 0 to {}", Cause::LAG_DAYS_MAX))?;
    Ok(Known {
        model: cell::text(row, "model")?.to_owned(),
        fault: cell::text(row, "fault")?.to_owned(),
        part,
        cause: Cause { per_year, share, lag_days },
    })
}
