//! A fold over a history that may grow in its middle.
//!
//! Items come mostly in order and then cost one step. A late one is put in its place and the
//! recent part is folded again. What lies further back than anybody needs is settled into the
//! base; a late item before the base cannot be placed, and its history must be loaded.

use chrono::{DateTime, Utc};

use crate::event::{Event, Order};

/// A state that items are folded into, in event order.
pub(super) trait Fold: Clone {
    /// What every step is told besides the item.
    type Context;
    /// What is folded.
    type Item: Ordered;
    /// What comes out of a step.
    type Output;

    /// Takes the next item in event order.
    fn step(&mut self, context: &Self::Context, item: &Self::Item) -> Vec<Self::Output>;
}

/// Something with a place in event order.
pub(super) trait Ordered {
    /// Returns that place.
    fn order(&self) -> Order<'_>;
}

impl Ordered for std::sync::Arc<Event> {
    fn order(&self) -> Order<'_> {
        Event::order(self)
    }
}

/// A history and what it folds to.
#[derive(Clone, Debug)]
pub(super) struct Timeline<F: Fold> {
    /// The state before `items`.
    base: F,
    /// The newest event time that was settled into the base.
    settled_at: Option<DateTime<Utc>>,
    /// The state after `items`.
    head: F,
    /// Invariant: in event order, no two with the same place, none at or before `settled_at`.
    items: Vec<F::Item>,
}

/// What became of an item.
#[derive(Debug)]
pub(super) enum Placed<O> {
    /// It came last: this follows from it.
    Last(Vec<O>),
    /// It came late: everything must be folded again.
    Amid,
    /// It stands there already.
    Again,
    /// Its place lies before the base.
    Before,
}

impl<F: Fold> Timeline<F> {
    pub(super) fn new(state: F) -> Self {
        Self { base: state.clone(), settled_at: None, head: state, items: Vec::new() }
    }

    /// Puts `item` in its place.
    pub(super) fn place(&mut self, context: &F::Context, item: F::Item) -> Placed<F::Output> {
        let order = item.order();
        if self.is_settled(order.occurred_at) {
            return Placed::Before;
        }
        if self.items.last().is_none_or(|last| last.order() < order) {
            let outputs = self.head.step(context, &item);
            self.items.push(item);
            return Placed::Last(outputs);
        }
        match self.items.binary_search_by(|each| each.order().cmp(&order)) {
            Ok(_) => Placed::Again,
            Err(at) => {
                self.items.insert(at, item);
                Placed::Amid
            }
        }
    }

    /// Takes the item at `order` out; returns whether it was there. Fold again afterwards.
    pub(super) fn remove(&mut self, order: Order<'_>) -> bool {
        let found = self.items.binary_search_by(|each| each.order().cmp(&order));
        found.map(|at| self.items.remove(at)).is_ok()
    }

    /// Folds the recent part again and returns all that follows from it.
    pub(super) fn replay(&mut self, context: &F::Context) -> Vec<F::Output> {
        self.head = self.base.clone();
        self.items.iter().flat_map(|item| self.head.step(context, item)).collect()
    }

    /// Returns whether what happened at `at` lies in the settled part.
    pub(super) fn is_settled(&self, at: DateTime<Utc>) -> bool {
        self.settled_at.is_some_and(|settled| at <= settled)
    }

    /// Settles what happened before `horizon` into the base.
    pub(super) fn settle(&mut self, context: &F::Context, horizon: DateTime<Utc>) {
        let old = self.items.partition_point(|item| item.order().occurred_at < horizon);
        for item in self.items.drain(..old) {
            self.settled_at = Some(item.order().occurred_at);
            // What follows was said when the item came in.
            drop(self.base.step(context, &item));
        }
    }

    /// Returns the place of the first item that is not settled.
    pub(super) fn first_at(&self) -> Option<DateTime<Utc>> {
        self.items.first().map(|item| item.order().occurred_at)
    }
}
