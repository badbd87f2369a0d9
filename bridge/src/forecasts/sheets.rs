//! What kept forecasts were worth, from the store.

use chrono::NaiveDate;
use upturn_core::forecast::ledger::{DemandSaid, DemandSheet, Scored, WinSaid, WinSheet};

use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::forecast::{self, Forecast, ForecastKind};

/// Forecasts with a score that a sheet is made of, the newest ones.
pub(crate) const SCORED_MAX: u32 = 50_000;

/// Returns the newest scored forecasts of demand over `periods`, oldest first.
pub(crate) async fn demand(
    store: &Store,
    periods: u32,
) -> Result<Vec<Scored<DemandSaid, f64>>, StoreError> {
    let kept = forecast::scored(store, ForecastKind::Demand, Some(periods), SCORED_MAX).await?;
    let read = |one: &Forecast| {
        let (said, came) =
            (serde_json::from_str(&one.said).ok()?, one.came.as_ref()?.parse().ok()?);
        Some(Scored { as_of: one.as_of, said, came })
    };
    Ok(kept.iter().rev().filter_map(read).collect())
}

/// Returns the newest scored chances of deals within `days`, oldest first.
pub(crate) async fn wins(
    store: &Store,
    days: u32,
) -> Result<Vec<Scored<WinSaid, bool>>, StoreError> {
    let kept = forecast::scored(store, ForecastKind::Win, Some(days), SCORED_MAX).await?;
    let read = |one: &Forecast| {
        let (said, came) = (serde_json::from_str(&one.said).ok()?, one.came.as_deref()? == "1");
        Some(Scored { as_of: one.as_of, said, came })
    };
    Ok(kept.iter().rev().filter_map(read).collect())
}

/// Returns the sheet of demand over `periods`, made off the threads that serve.
pub(crate) async fn demand_sheet(store: &Store, periods: u32) -> Result<DemandSheet, StoreError> {
    let scored = demand(store, periods).await?;
    let made = tokio::task::spawn_blocking(move || DemandSheet::of(&scored)).await;
    Ok(made.unwrap_or_else(|_ended| DemandSheet::of(&[])))
}

/// Returns the sheet of chances within `days`, made off the threads that serve.
pub(crate) async fn win_sheet(store: &Store, days: u32) -> Result<WinSheet, StoreError> {
    let scored = wins(store, days).await?;
    let made = tokio::task::spawn_blocking(move || WinSheet::of(&scored)).await;
    Ok(made.unwrap_or_else(|_ended| WinSheet::of(&[])))
}

/// Returns those of `scored` by their first day, ascending.
pub(crate) fn by_day<S, T>(
    scored: &[Scored<S, T>],
) -> impl Iterator<Item = (NaiveDate, &[Scored<S, T>])> {
    scored.chunk_by(|a, b| a.as_of == b.as_of).filter_map(|look| Some((look.first()?.as_of, look)))
}
