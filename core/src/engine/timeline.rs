//! A fold over a history that may grow in its middle, and in which deadlines pass.
//!
//! Items come mostly in order and then cost one step. A late one is put in its place and the
//! recent part is folded again. What lies further back than anybody needs is settled into the
//! base; a late item before the base cannot be placed, and its history must be loaded.
//!
//! A deadline passes before the first item behind it, and otherwise when log time is beyond it.
//! An item at the very moment of a deadline comes before it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::event::{Event, EventRef, Order};

/// A state that items are folded into, in event order.
pub(super) trait Fold: Clone {
    /// What every step is told besides the item.
    type Context;
    /// What is folded.
    type Item: Ordered;
    /// What comes out of a step.
    type Output;

    /// Takes the next item in event order.
    fn step(&mut self, context: &Self::Context, item: &Self::Item, out: &mut Vec<Self::Output>);

    /// Returns the event time at which something follows if no item comes before.
    fn next_deadline(&self, _context: &Self::Context) -> Option<DateTime<Utc>> {
        None
    }

    /// Takes the passing of the next deadline, which was `at`.
    fn pass(&mut self, _: &Self::Context, _at: DateTime<Utc>, _out: &mut Vec<Self::Output>) {}
}

/// Something with a place in event order.
pub(super) trait Ordered {
    /// Returns that place.
    fn order(&self) -> Order<'_>;
}

impl Ordered for EventRef {
    fn order(&self) -> Order<'_> {
        Event::order(self)
    }
}

/// A history and what it folds to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound(
    serialize = "F: Serialize, F::Item: Serialize",
    deserialize = "F: Deserialize<'de>, F::Item: Deserialize<'de>"
))]
pub(super) struct Timeline<F: Fold> {
    /// The state before `items`.
    base: F,
    /// The newest event time that was settled into the base.
    #[serde(with = "crate::snapshot::time_if_any")]
    settled_at: Option<DateTime<Utc>>,
    /// The state after `items` and the deadlines that have passed.
    head: F,
    /// The newest deadline that the head has passed.
    #[serde(with = "crate::snapshot::time_if_any")]
    passed_at: Option<DateTime<Utc>>,
    /// Invariant: in event order, no two with the same place, none at or before `settled_at`.
    items: Vec<F::Item>,
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// It came last and was folded.
    Last,
    /// It came late: everything must be folded again.
    Amid,
    /// It stands there already.
    Again,
    /// Its place lies before the base.
    Before,
}

impl<F: Fold> Timeline<F> {
    pub(super) fn new(state: F) -> Self {
        let head = state.clone();
        Self { base: state, settled_at: None, head, passed_at: None, items: Vec::new() }
    }

    /// Puts `item` in its place; what follows from the last one goes to `out`.
    pub(super) fn place(
        &mut self,
        context: &F::Context,
        item: F::Item,
        out: &mut Vec<F::Output>,
    ) -> Placed {
        let order = item.order();
        if self.is_settled(order.occurred_at) {
            return Placed::Before;
        }
        let is_last = self.items.last().is_none_or(|last| last.order() < order);
        if is_last && self.passed_at.is_none_or(|passed| passed < order.occurred_at) {
            self.pass_until(context, order.occurred_at, out);
            self.head.step(context, &item, out);
            self.items.push(item);
            return Placed::Last;
        }
        match self.items.binary_search_by(|each| each.order().cmp(&order)) {
            Ok(_) => Placed::Again,
            Err(at) => {
                self.items.insert(at, item);
                Placed::Amid
            }
        }
    }

    /// Lets the deadlines before `limit` pass.
    pub(super) fn pass_until(
        &mut self,
        context: &F::Context,
        limit: DateTime<Utc>,
        out: &mut Vec<F::Output>,
    ) {
        let newest = pass_until(&mut self.head, context, limit, out);
        self.passed_at = self.passed_at.max(newest);
    }

    /// Returns the next deadline.
    pub(super) fn next_deadline(&self, context: &F::Context) -> Option<DateTime<Utc>> {
        self.head.next_deadline(context)
    }

    /// Takes the item at `order` out; returns whether it was there. Fold again afterwards.
    pub(super) fn remove(&mut self, order: Order<'_>) -> bool {
        let found = self.items.binary_search_by(|each| each.order().cmp(&order));
        found.map(|at| self.items.remove(at)).is_ok()
    }

    /// Folds the recent part again, deadlines before `limit` included, and returns all that
    /// follows from it.
    pub(super) fn replay(&mut self, context: &F::Context, limit: DateTime<Utc>) -> Vec<F::Output> {
        let mut out = Vec::new();
        self.head = self.base.clone();
        self.passed_at = None;
        for item in &self.items {
            let newest = pass_until(&mut self.head, context, item.order().occurred_at, &mut out);
            self.passed_at = self.passed_at.max(newest);
            self.head.step(context, item, &mut out);
        }
        self.pass_until(context, limit, &mut out);
        out
    }

    /// Returns whether what happened at `at` lies in the settled part.
    pub(super) fn is_settled(&self, at: DateTime<Utc>) -> bool {
        self.settled_at.is_some_and(|settled| at <= settled)
    }

    /// Settles what happened before `horizon` into the base; what followed from it when it came
    /// in goes to `out` once more.
    pub(super) fn settle(
        &mut self,
        context: &F::Context,
        horizon: DateTime<Utc>,
        out: &mut Vec<F::Output>,
    ) {
        let old = self.items.partition_point(|item| item.order().occurred_at < horizon);
        for item in self.items.drain(..old) {
            let at = item.order().occurred_at;
            self.settled_at = Some(at);
            pass_until(&mut self.base, context, at, out);
            self.base.step(context, &item, out);
        }
    }

    /// Returns the place of the first item that is not settled.
    pub(super) fn first_at(&self) -> Option<DateTime<Utc>> {
        self.items.first().map(|item| item.order().occurred_at)
    }

    /// Returns the state after everything.
    pub(super) fn head(&self) -> &F {
        &self.head
    }

    /// Changes the state before the recent part; fold again afterwards.
    pub(super) fn base_mut(&mut self) -> &mut F {
        &mut self.base
    }
}

/// Lets the deadlines of `state` before `limit` pass; returns the newest of them.
fn pass_until<F: Fold>(
    state: &mut F,
    context: &F::Context,
    limit: DateTime<Utc>,
    out: &mut Vec<F::Output>,
) -> Option<DateTime<Utc>> {
    let mut newest = None;
    while let Some(deadline) = state.next_deadline(context).filter(|at| *at < limit) {
        state.pass(context, deadline, out);
        newest = Some(deadline);
    }
    newest
}
