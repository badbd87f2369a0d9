//! Sets of facts come into force: one transaction each, at a place in the log.

use serde_json::json;

use super::Runtime;
use super::fold::Fold;
use super::request::{Decision, FeedStep, Put, Stepped};
use crate::store::audit::{self, NewEntry};
use crate::store::error::StoreError;
use crate::store::feed_run::{self, End, Outcome};
use crate::store::feed_set::{self, SetState};
use crate::store::{self, Tx, feed_state};

/// Who puts sets in force that nobody has to look at.
const ACTOR: &str = "upturn";

impl Runtime<'_> {
    /// Does `step` with a set. Whoever was shut out writes nothing.
    pub(super) async fn step_feed(
        &self,
        fold: &mut Fold,
        step: &FeedStep,
    ) -> Result<Stepped, StoreError> {
        let mut tx = self.store.begin().await?;
        store::cursor::advance(&mut tx, fold.epoch, fold.cursor, fold.cursor).await?;
        let stepped = match step {
            FeedStep::Put(put) => self.put(&mut tx, fold, put).await?,
            FeedStep::Decide(decision) => self.decide(&mut tx, fold, decision).await?,
        };
        if stepped == Stepped::Done || matches!(step, FeedStep::Put(_)) {
            tx.commit().await?;
            self.metrics.commits.inc();
            // Other days or attributes may be in force.
            fold.told = None;
            self.store.bells().planner().notify_one();
        }
        Ok(stepped)
    }

    async fn put(&self, tx: &mut Tx, fold: &Fold, put: &Put) -> Result<Stepped, StoreError> {
        let now = self.now(fold);
        let Put { set, state, against } = put;
        // A set comes into force by being held first: one way, with one comparison.
        let first = if *state == SetState::Active { SetState::Held } else { *state };
        let id = feed_set::insert(tx, set, first).await?;
        let place = (fold.cursor, now);
        let is_in_force =
            *state == SetState::Active && feed_set::activate(tx, (id, *against), place).await?;
        let facts = set.facts;
        let (outcome, sentence) = match state {
            SetState::Active if is_in_force => {
                (Outcome::Active, format!("{facts} facts came into force as set {id}"))
            }
            SetState::Active | SetState::Superseded => {
                feed_set::pass_over(tx, id).await?;
                (Outcome::Rejected, "another set came into force meanwhile".to_owned())
            }
            SetState::Held => (Outcome::Held, set.reasons.join("; ")),
            SetState::Rejected => (Outcome::Rejected, set.reasons.join("; ")),
        };
        let end = End { outcome, sentence, facts: Some(facts) };
        feed_run::end(tx, set.run, (&end, now)).await?;
        feed_state::ended(tx, &set.feed, (outcome, now)).await?;
        let action = match outcome {
            Outcome::Active => "feed-set-active",
            Outcome::Held => "feed-set-held",
            Outcome::Unchanged
            | Outcome::Rejected
            | Outcome::Failed
            | Outcome::Interrupted
            | Outcome::Dropped => "feed-set-rejected",
        };
        let detail = json!({
            "set": id, "digest": set.digest, "facts": facts, "against": against,
            "reasons": set.reasons,
        });
        let entry = NewEntry { at: now, actor: ACTOR, action, subject: &set.feed, detail: &detail };
        audit::append(tx, entry).await?;
        self.metrics.feeds.count(outcome);
        Ok(if is_in_force || *state != SetState::Active { Stepped::Done } else { Stepped::Refused })
    }

    async fn decide(
        &self,
        tx: &mut Tx,
        fold: &Fold,
        decision: &Decision,
    ) -> Result<Stepped, StoreError> {
        let now = self.now(fold);
        let Decision { set, is_released, against, actor } = decision;
        // Released, it stays held until it is in force, a statement later.
        let state = if *is_released { SetState::Held } else { SetState::Rejected };
        let Some(feed) = feed_set::decide(tx, (*set, state), (actor, now)).await? else {
            return Ok(Stepped::Refused);
        };
        let place = (fold.cursor, now);
        if *is_released && !feed_set::activate(tx, (*set, *against), place).await? {
            return Ok(Stepped::Refused);
        }
        if *is_released {
            feed_state::ended(tx, &feed, (Outcome::Active, now)).await?;
        }
        let action = if *is_released { "feed-set-released" } else { "feed-set-rejected" };
        let detail = json!({ "set": set, "against": against });
        let entry = NewEntry { at: now, actor, action, subject: &feed, detail: &detail };
        audit::append(tx, entry).await?;
        Ok(Stepped::Done)
    }
}
