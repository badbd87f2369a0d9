//! One customer's history, and what it folds to.

use std::collections::BTreeMap;
use std::ops::Bound;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::episode::Number;
use super::super::ledger::{Ledger, Verdict};

/// Items between two marks: what comes late folds at most about so many again where it changes
/// nothing that follows.
const MARK_EVERY: usize = 64;

/// The place of something in a customer's history.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Place {
    #[serde(with = "crate::snapshot::time")]
    pub(super) at: DateTime<Utc>,
    /// Tickets come first, then what people did, then episodes.
    pub(super) rank: u8,
    /// Of an episode, whose several that open at one time stay in event order.
    pub(super) rule: Box<str>,
    pub(super) scope: Box<str>,
    pub(super) seq: Option<i64>,
    pub(super) id: Box<str>,
    pub(super) device: Box<str>,
    pub(super) number: Number,
}

/// Something in a customer's history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Item {
    Ticket { ticket: Box<str>, opens: bool },
    Closed(Number),
    Episode(Number),
}

/// A customer's history and what it folds to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Customer {
    pub(super) items: BTreeMap<Place, Item>,
    /// The state after all items.
    pub(super) ledger: Ledger,
    /// The state before the items at some places, so that what comes late does not fold them all.
    pub(super) marks: BTreeMap<Place, Ledger>,
    /// Items behind the last mark.
    pub(super) unmarked: usize,
}

impl Customer {
    /// Puts `item` behind all others; `step` folds it.
    pub(super) fn append(
        &mut self,
        place: Place,
        step: impl FnOnce(&mut Ledger) -> Option<(Number, Verdict)>,
    ) -> Option<(Number, Verdict)> {
        self.unmarked += 1;
        if MARK_EVERY <= self.unmarked {
            self.unmarked = 0;
            self.marks.insert(place, self.ledger.clone());
        }
        step(&mut self.ledger)
    }

    /// Folds the history from the last mark before `first`, behind `last` only until the state is
    /// what it was; returns what `step` said of each item.
    pub(super) fn fold_again(
        &mut self,
        (first, last): (&Place, &Place),
        step: impl Fn(&mut Ledger, &Item) -> Option<(Number, Verdict)>,
    ) -> Vec<(Number, Verdict)> {
        let mark = self.marks.range(..=first).next_back();
        let mark = mark.map(|(place, ledger)| (place.clone(), ledger.clone()));
        let (start, mut ledger) = mark.map_or_else(Default::default, |(at, l)| (Some(at), l));
        let from = start.map_or(Bound::Unbounded, Bound::Included);
        let (mut verdicts, mut unmarked) = (Vec::new(), 0);
        for (place, item) in self.items.range((from, Bound::Unbounded)) {
            unmarked += 1;
            if let Some(mark) = self.marks.get_mut(place) {
                if last < place && *mark == ledger {
                    return verdicts;
                }
                mark.clone_from(&ledger);
                unmarked = 0;
            } else if MARK_EVERY <= unmarked {
                self.marks.insert(place.clone(), ledger.clone());
                unmarked = 0;
            }
            verdicts.extend(step(&mut ledger, item));
        }
        self.ledger = ledger;
        self.unmarked = unmarked;
        verdicts
    }

    /// Folds the whole history, whatever was said of it before.
    pub(super) fn fold_anew(
        &mut self,
        step: impl Fn(&mut Ledger, &Item) -> Option<(Number, Verdict)>,
    ) {
        self.marks.clear();
        self.ledger = Ledger::default();
        for item in self.items.values() {
            step(&mut self.ledger, item);
        }
    }
}
