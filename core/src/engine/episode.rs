//! Episodes: standing occurrences of a rule on a scope.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventRef, Order, Position};

/// Names an episode while an engine lives. Never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Number(pub(super) u64);

/// One standing occurrence of a rule on a scope, from its opening to its close.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Episode {
    /// What the rule first held on. Invariant: not empty, in event order.
    evidence: Arc<[EventRef]>,
    /// Event time at which it first held.
    #[serde(with = "crate::snapshot::time")]
    pub(super) opened_at: DateTime<Utc>,
    /// How many further matches joined it.
    pub(super) joined: u64,
    /// Event time of the newest of them.
    #[serde(with = "crate::snapshot::time_if_any")]
    pub(super) joined_at: Option<DateTime<Utc>>,
    /// Event time at which it closed; `None` while it is open.
    #[serde(with = "crate::snapshot::time_if_any")]
    pub(super) closed_at: Option<DateTime<Utc>>,
}

impl Episode {
    /// Returns an episode that opens at `opened_at`; `None` without evidence.
    pub(super) fn open(evidence: Vec<EventRef>, opened_at: DateTime<Utc>) -> Option<Self> {
        if evidence.is_empty() {
            return None;
        }
        let evidence = evidence.into();
        Some(Self { evidence, opened_at, joined: 0, joined_at: None, closed_at: None })
    }

    pub(super) fn evidence(&self) -> &[EventRef] {
        &self.evidence
    }

    /// Returns the newest piece of evidence, in event order.
    pub(super) fn newest(&self) -> Option<&EventRef> {
        self.evidence.last()
    }

    /// Returns its place among the episodes of its key, in the order of their opening.
    pub(super) fn place(&self) -> (DateTime<Utc>, Option<Order<'_>>) {
        (self.opened_at, self.newest().map(|event| event.order()))
    }

    /// Returns the newest place in the log of any evidence.
    pub(super) fn position(&self) -> Position {
        self.evidence.iter().map(|event| event.position).max().unwrap_or_default()
    }

    /// Returns whether both stand on the same events.
    pub(super) fn has_evidence_of(&self, other: &Self) -> bool {
        self.opened_at == other.opened_at
            && self.evidence.len() == other.evidence.len()
            && self.evidence.iter().zip(&*other.evidence).all(|(mine, theirs)| is_one(mine, theirs))
    }

    /// Returns whether nothing about them differs.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let life = |of: &Self| (of.joined, of.joined_at, of.closed_at);
        life(self) == life(other) && self.has_evidence_of(other)
    }

    /// Returns how many events both stand on.
    pub(super) fn shared_with(&self, other: &Self) -> usize {
        let is_shared = |mine: &&EventRef| other.evidence.iter().any(|t| is_one(t, mine));
        self.evidence.iter().filter(is_shared).count()
    }
}

/// Returns whether both are the same event of one key's history.
fn is_one(one: &Event, other: &Event) -> bool {
    one.order() == other.order()
}

/// What becomes of a key's episodes.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// It did not stand before.
    New(Number, Episode),
    /// It stands on other evidence, or was joined, closed or opened again.
    Changed(Number, Episode),
    /// Late evidence took it away.
    Gone(Number),
}
