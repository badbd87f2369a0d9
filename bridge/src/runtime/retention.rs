//! Retention: the writer deletes what is older than it is to be kept, between commits.
//!
//! It is the writer that deletes, so that the fence that keeps two writers apart also keeps a
//! process that was replaced from deleting, and so that the engine learns of it in the same moment.
//! Each step is a transaction of its own, small enough to go unnoticed among commits.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use upturn_core::engine::reach;
use upturn_core::rule::Stage;

use super::fold::Fold;
use super::{MEMORY_KEPT, Runtime, recovery};
use crate::store;
use crate::store::error::StoreError;
use crate::store::retention::{self, Cut};

/// When it looks for the first time.
pub(super) const FIRST: Duration = Duration::from_secs(1);
/// How often it looks whether there is anything to delete.
const ROUND_EVERY: Duration = Duration::from_mins(10);
/// How long commits have to themselves between two steps.
const PAUSE: Duration = Duration::from_millis(50);
/// Events in one step.
const EVENTS_MAX: u32 = 1_000;
/// Dead letters in one step; each may hold a large payload.
const DEAD_LETTERS_MAX: u32 = 100;

/// Pieces of advice in one step.
const ADVICE_MAX: u32 = 1_000;
/// Letters in one step.
const LETTERS_MAX: u32 = 500;

/// What is being deleted, until there is nothing left of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    events: Option<Cut>,
    dead_letters_before: Option<DateTime<Utc>>,
    letters_before: DateTime<Utc>,
    advice_before: DateTime<Utc>,
}

impl Runtime<'_> {
    /// Takes the next step of `round`, or looks whether to begin one; returns when to come again.
    pub(super) async fn retain(
        &self,
        fold: &mut Fold,
        round: &mut Option<Round>,
    ) -> Result<Duration, StoreError> {
        if let Some(current) = round {
            if self.delete_some(fold, *current).await? {
                return Ok(PAUSE);
            }
            *round = None;
            let deleted = retention::deleted(self.store).await?;
            let settled = retention::settled(self.store, deleted).await?;
            fold.engine.forget_before(deleted.horizon, settled);
            return Ok(ROUND_EVERY);
        }
        self.measure().await;
        // Never by a clock that runs ahead of what was received.
        let now = self.clock.now().min(fold.engine.log_time()).max(DateTime::UNIX_EPOCH);
        let span = |span: crate::config::time_span::TimeSpan| now - span.as_delta();
        *round = Some(Round {
            events: match self.retention.events {
                Some(kept) => self.cut(fold, span(kept)).await?,
                None => None,
            },
            dead_letters_before: self.retention.dead_letters.map(span),
            letters_before: span(self.retention.letters),
            advice_before: span(self.retention.advice),
        });
        Ok(PAUSE)
    }

    /// Deletes a step's worth; returns whether there may be more.
    async fn delete_some(&self, fold: &mut Fold, round: Round) -> Result<bool, StoreError> {
        let old = retention::deleted(self.store).await?;
        let (mut events, mut dead, mut new) = (0, 0, old);
        let mut tx = self.store.begin().await?;
        // The fence: moves nothing, but fails where somebody else has written.
        store::cursor::advance(&mut tx, fold.epoch, fold.cursor, fold.cursor).await?;
        if let Some(cut) = round.events {
            (events, new) = retention::delete_events(&mut tx, old, cut).await?;
        }
        if let Some(before) = round.dead_letters_before {
            dead = retention::delete_dead_letters(&mut tx, before, DEAD_LETTERS_MAX).await?;
        }
        let letters = retention::delete_letters(&mut tx, round.letters_before, LETTERS_MAX).await?;
        let advice = retention::delete_advice(&mut tx, round.advice_before, ADVICE_MAX).await?;
        tx.commit().await?;
        fold.engine.forget_before(new.horizon, 0);
        self.metrics.retention.events_deleted.inc_by(events);
        self.metrics.retention.dead_letters_deleted.inc_by(dead);
        self.metrics.retention.letters_deleted.inc_by(letters);
        self.metrics.retention.advice_deleted.inc_by(advice);
        Ok(new != old || 0 < dead + letters + advice)
    }

    /// Returns what of the log may go so that everything since `since` can still be judged.
    async fn cut(&self, fold: &Fold, since: DateTime<Utc>) -> Result<Option<Cut>, StoreError> {
        let asked = fold.rules.iter().filter(|active| active.rule.stage != Stage::Retired);
        let longest = asked.map(|active| reach(&active.rule)).max().unwrap_or_default();
        let margin = longest + MEMORY_KEPT;
        let open_since = fold.engine.open_since();
        let wanted = since - margin;
        let before = open_since.map_or(wanted, |open| wanted.min(open - margin));
        let held: TimeDelta = wanted - before;
        self.metrics.retention.held_seconds.set(held.num_seconds());
        if !held.is_zero() {
            tracing::info!(
                held_s = held.num_seconds(),
                "old events are kept for an episode that is still open"
            );
        }

        let first_kept = store::event::first_since(self.store, before).await?;
        let target = first_kept.map_or(fold.cursor, |first| first.saturating_sub(1));
        let deleted = retention::deleted(self.store).await?;
        if target <= deleted.until || deleted.horizon.is_some_and(|horizon| before < horizon) {
            return Ok(None);
        }
        // A start reads the snapshot, and must not miss what was behind it.
        let mut saved = store::snapshot::position(self.store).await?;
        if saved.is_none_or(|saved| saved < target) {
            recovery::save(self.store, fold).await;
            saved = store::snapshot::position(self.store).await?;
        }
        Ok(saved.map(|saved| Cut { until: target.min(saved), before, rows_max: EVENTS_MAX }))
    }

    /// Says how large the database is. Nothing depends on it, so trouble is only reported.
    async fn measure(&self) {
        let bytes = match retention::size(self.store).await {
            Ok(bytes) => bytes,
            Err(error) => {
                let cause: &dyn std::error::Error = &error;
                tracing::warn!(error = cause, "the size of the database is not known");
                return;
            }
        };
        let alarm = self.retention.alarm_above_bytes();
        let gauge = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        self.metrics.retention.database_bytes.set(gauge(bytes));
        self.metrics.retention.database_alarm_bytes.set(gauge(alarm));
        if alarm < bytes {
            tracing::warn!(
                database_bytes = bytes,
                "the database is larger than [retention] alarm_above_mib; see to the disk, or keep \
                 events for a shorter time"
            );
        }
    }
}

#[cfg(test)]
mod tests;
