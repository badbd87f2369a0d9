//! Episodes: standing occurrences of a rule on a scope.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use serde::{Deserialize, Serialize};

use crate::event::witness::Witness;
use crate::event::{EventRef, Position};

/// Names an episode while an engine lives. Never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Number(pub(super) u64);

/// One standing occurrence of a rule on a scope, from its opening to its close.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Episode {
    /// What the rule first held on. Invariant: not empty, in event order.
    evidence: Arc<[Witness]>,
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
    pub(super) fn open(evidence: Vec<Witness>, opened_at: DateTime<Utc>) -> Option<Self> {
        if evidence.is_empty() {
            return None;
        }
        let evidence = evidence.into();
        Some(Self { evidence, opened_at, joined: 0, joined_at: None, closed_at: None })
    }

    pub(super) fn evidence(&self) -> &[Witness] {
        &self.evidence
    }

    /// Returns the events it stands on that are there whole, in event order; the desk has all.
    pub(super) fn events(&self) -> impl DoubleEndedIterator<Item = &EventRef> {
        self.evidence.iter().filter_map(Witness::whole)
    }

    /// Returns the newest event it stands on, in event order, of those that are there whole.
    pub(super) fn newest(&self) -> Option<&EventRef> {
        self.events().next_back()
    }

    /// Returns whether it opened before `other`, both of one key.
    pub(super) fn is_before(&self, other: &Self) -> bool {
        // Of several that open at one time, each does with an event that is there whole.
        let newest = || self.newest().zip(other.newest());
        self.opened_at < other.opened_at
            || (self.opened_at == other.opened_at
                && newest().is_some_and(|(one, other)| one.order() < other.order()))
    }

    /// Puts whole events in the places of those that `find` knows; returns whether all are there.
    pub(super) fn complete(&mut self, find: impl Fn(&Witness) -> Option<Witness>) -> bool {
        let is_whole = |witness: &Witness| witness.whole().is_some();
        if self.evidence.iter().all(is_whole) {
            return true;
        }
        let found = |witness: &Witness| {
            let known = if is_whole(witness) { None } else { find(witness) };
            known.unwrap_or_else(|| witness.clone())
        };
        let mut evidence: Vec<Witness> = self.evidence.iter().map(found).collect();
        // Which of one time comes first, a place alone does not tell.
        evidence.sort_by(Witness::by_time);
        self.evidence = evidence.into();
        self.evidence.iter().all(is_whole)
    }

    /// Leaves out what is not there whole; returns whether anything is left.
    pub(super) fn leave_out_placed(&mut self) -> bool {
        self.evidence = self.events().map(Witness::of).collect();
        !self.evidence.is_empty()
    }

    /// Returns the newest place in the log of any evidence.
    pub(super) fn position(&self) -> Position {
        self.evidence.iter().map(Witness::position).max().unwrap_or_default()
    }

    /// Returns whether both stand on the same events.
    pub(super) fn has_evidence_of(&self, other: &Self) -> bool {
        self.opened_at == other.opened_at
            && self.evidence.len() == other.evidence.len()
            && self
                .evidence
                .iter()
                .zip(&*other.evidence)
                .all(|(mine, theirs)| mine.is_one_with(theirs))
    }

    /// Returns whether nothing about them differs.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let life = |of: &Self| (of.joined, of.joined_at, of.closed_at);
        life(self) == life(other) && self.has_evidence_of(other)
    }

    /// Returns how many events both stand on.
    pub(super) fn shared_with(&self, other: &Self) -> usize {
        let is_shared = |mine: &&Witness| other.evidence.iter().any(|t| t.is_one_with(mine));
        self.evidence.iter().filter(is_shared).count()
    }
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

impl Change {
    /// Returns the episode as it is, where it stands.
    pub(super) fn episode(&self) -> Option<&Episode> {
        match self {
            Self::New(_, episode) | Self::Changed(_, episode) => Some(episode),
            Self::Gone(_) => None,
        }
    }

    /// As [`Change::episode`], to be changed.
    pub(super) fn episode_mut(&mut self) -> Option<&mut Episode> {
        match self {
            Self::New(_, episode) | Self::Changed(_, episode) => Some(episode),
            Self::Gone(_) => None,
        }
    }
}
