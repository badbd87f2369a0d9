//! Asks a destination what became of its records, where it can be asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::circuit::Circuit;
use super::hearing::{self, HearError, Heard};
use super::worker::in_time;
use super::{Office, pause};
use crate::delivery::Destination;
use crate::store;
use crate::store::error::StoreError;

/// Records that are asked about at once.
const RECORDS_MAX: u32 = 100;
/// How long records of closed tasks are asked about, for conflicts.
const CLOSED_MAX: TimeDelta = TimeDelta::days(7);

/// Whoever asks one destination.
#[derive(Debug)]
pub(crate) struct Asking {
    /// What all workers share.
    pub(crate) office: Office,
    /// Whom it asks.
    pub(crate) destination: Arc<Destination>,
}

impl Asking {
    /// Asks from time to time, until `leave` or `stop`.
    pub(crate) async fn run(self, leave: CancellationToken, stop: CancellationToken) {
        loop {
            // Between half and the whole of the time, so that many do not ask at once.
            let whole = self.destination.ask_every.to_std().unwrap_or(Duration::from_mins(1));
            let wait = whole / 2 + whole / 2 * u32::from(pause::share()) / 255;
            tokio::select! {
                () = leave.cancelled() => return,
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                asked = self.ask() => asked,
            };
            if let Err(error) = asked {
                let cause = &error as &dyn std::error::Error;
                tracing::warn!(error = cause, "what came back is heard the next time");
            }
        }
    }

    /// Asks once about the records that were not asked about for longest.
    pub(crate) async fn ask(&self) -> Result<(), HearError> {
        let (store, id) = (&self.office.store, &*self.destination.id);
        let now = self.office.clock.now();
        let state = store::destination::find(store, id).await?;
        if !Circuit::of(&state, now).lets_through() {
            return Ok(());
        }
        let since = now - CLOSED_MAX;
        let records = store::remote_record::to_ask(store, id, since, RECORDS_MAX).await?;
        let subjects: BTreeMap<String, String> = records
            .into_iter()
            .filter_map(|record| Some((record.remote?, record.subject)))
            .collect();
        if subjects.is_empty() {
            return Ok(());
        }
        let remotes: Vec<String> = subjects.keys().cloned().collect();
        let states = match in_time(self.destination.channel.states(&remotes)).await {
            Ok(states) => states,
            Err(failure) => {
                let reason = failure.to_string();
                tracing::warn!(destination.id = id, reason, "it does not say what became of tasks");
                return Ok(());
            }
        };
        self.note(&subjects).await?;
        for state in states {
            let Some(subject) = subjects.get(&state.remote) else { continue };
            let heard = Heard { destination: id, subject, progress: state.progress };
            hearing::hear(&self.office, &heard, now).await?;
        }
        Ok(())
    }

    /// Those that the destination says nothing of are asked about later than others.
    async fn note(&self, subjects: &BTreeMap<String, String>) -> Result<(), StoreError> {
        let (store, id, now) = (&self.office.store, &*self.destination.id, self.office.clock.now());
        for subject in subjects.values() {
            store::remote_record::asked(store, (id, subject), now).await?;
        }
        Ok(())
    }
}
