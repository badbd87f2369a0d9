//! The same tables from the database: records, and the stocking document of the installation.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use upturn_core::money::exact::Exact;
use upturn_core::stock::gather::work_orders;
use upturn_core::stock::stocking::FailureDocument;

use super::{Proposed, Tables};
use crate::cli::store_command::{self, StoreCommandError};
use crate::config::Config;
use crate::registry;
use crate::stock::{document, reading};

/// Reads what the installation of `config` knows up to the day that `as_of` is by its stocking document;
/// returns the day, too.
pub(super) async fn tables(
    config: &Config,
    as_of: DateTime<Utc>,
) -> Result<(Tables, NaiveDate), StoreCommandError> {
    let refused = |error: &dyn std::fmt::Display| StoreCommandError::Refused(error.to_string());
    let folder = config.registry.dir.as_deref().map(registry::load).transpose();
    let folder = folder.map_err(|error| refused(&error))?.unwrap_or_default();
    let stocking = config.stock.document.as_deref().map(document::load).transpose();
    let stocking = stocking.map_err(|error| refused(&error))?;
    let store = store_command::open(config).await?;
    let rows = reading::field(&store, &folder).await;
    store.close().await;
    let rows = rows?;
    let zone = stocking.as_ref().map_or(Tz::UTC, |in_force| in_force.zone);
    let as_of = as_of.with_timezone(&zone).date_naive();
    let mut tables = Tables { lines: work_orders::lines(&rows, as_of), ..Tables::default() };
    for name in work_orders::names(&rows) {
        *tables.devices.entry(name.to_owned()).or_default() += 1;
    }
    let written = stocking.into_iter().flat_map(|in_force| in_force.stocking.failure);
    let rows = written.map(|row| (written_by_a_person(&row), row.share.is_some()));
    for (row, has_share) in rows {
        if has_share { &mut tables.kept } else { &mut tables.asked }.push(row);
    }
    Ok((tables, as_of))
}

/// Returns a row of the document as the table has it; what it leaves out is empty.
fn written_by_a_person(row: &FailureDocument) -> Proposed {
    let number = |number: &Exact| number.to_string();
    Proposed {
        model: row.model.clone(),
        fault: row.fault.clone(),
        part: row.part.clone(),
        share: row.share.as_ref().map(number).unwrap_or_default(),
        per_year: row.per_year.as_ref().map(number).unwrap_or_default(),
        lag_days: row.lag_days.map(|days| days.to_string()).unwrap_or_default(),
        is_rate_written: row.per_year.is_some(),
        ..Proposed::default()
    }
}
