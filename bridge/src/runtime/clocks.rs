//! The clocks of tasks: what happens to them because time has passed.
//!
//! Each clock is a row in the store, set in the transaction of its cause. When log time is beyond it, the
//! transaction of the next input takes it away and stores what it brings about: so it goes off once, and
//! never before its time, however often the program is started in between.

use chrono::{DateTime, Utc};
use serde_json::json;
use upturn_core::id::TaskId;
use upturn_core::input::Verb;

use super::Runtime;
use super::act::did;
use super::consequence::ACTOR;
use super::deed;
use super::fold::Fold;
use crate::store::audit::NewEntry;
use crate::store::error::StoreError;
use crate::store::task_life::{self, Life};
use crate::store::task_timer::{self, Timer, TimerKind};
use crate::store::{Tx, task_history};

/// Clocks that one transaction lets go off; the rest follow with the next.
const FIRED_MAX: u32 = 500;

impl Runtime<'_> {
    /// Sets the clocks of a task that stands as `life` says.
    pub(super) async fn set_clocks(
        &self,
        tx: &mut Tx,
        _fold: &Fold,
        (task, life): (&TaskId, &Life),
    ) -> Result<(), StoreError> {
        if !life.state.is_open() {
            return task_timer::clear(tx, task).await;
        }
        task_timer::set(tx, (task, TimerKind::Wake), life.snoozed_until).await
    }

    /// Lets the clocks that are due by `now` go off; returns how many did.
    pub(super) async fn fire(
        &self,
        tx: &mut Tx,
        fold: &Fold,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        if fold.next_timer.is_none_or(|at| now < at) {
            return Ok(0);
        }
        let timers = task_timer::take_due(tx, now, FIRED_MAX).await?;
        for timer in &timers {
            let Some(life) = task_life::find(tx, &timer.task).await? else { continue };
            if !life.state.is_open() || !deed::is_for_people(&life) {
                continue;
            }
            match timer.kind {
                TimerKind::Wake => wake(tx, now, (timer, life)).await?,
                TimerKind::Overdue | TimerKind::Silent => {}
            }
        }
        Ok(u64::try_from(timers.len()).unwrap_or(u64::MAX))
    }
}

/// Brings a task back that was put off.
async fn wake(
    tx: &mut Tx,
    now: DateTime<Utc>,
    (timer, life): (&Timer, Life),
) -> Result<(), StoreError> {
    task_life::wake(tx, &timer.task, (life.revision, now)).await?;
    let (subject, detail) = (timer.task.as_str(), json!({}));
    let entry =
        NewEntry { at: now, actor: ACTOR, action: did(Verb::Wake), subject, detail: &detail };
    task_history::append_late(tx, entry, timer.at).await
}
