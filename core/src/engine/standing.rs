//! Matches: what a rule held on, and the tasks that stand for them.

use std::sync::Arc;

use crate::event::Event;
use crate::id::TaskId;

/// What a rule held on, when it first did.
#[derive(Clone, Debug)]
pub(super) struct Match {
    // Invariant: not empty, in event order.
    evidence: Vec<Arc<Event>>,
    last: Arc<Event>,
}

impl Match {
    /// Returns the match on `evidence`, in event order, whose newest event is `last`.
    pub(super) fn on(evidence: Vec<Arc<Event>>, last: Arc<Event>) -> Self {
        Self { evidence, last }
    }

    pub(super) fn evidence(&self) -> impl Iterator<Item = &Arc<Event>> {
        self.evidence.iter()
    }

    pub(super) fn first(&self) -> &Event {
        self.evidence.first().unwrap_or(&self.last)
    }

    pub(super) fn last(&self) -> &Event {
        &self.last
    }

    /// Returns whether both stand on the same events.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let ids = |found: &Self| found.evidence().map(|e| e.id.clone()).collect::<Vec<_>>();
        self.last.occurred_at == other.last.occurred_at && ids(self) == ids(other)
    }

    /// Returns how many events both stand on.
    pub(super) fn shared_with(&self, other: &Self) -> usize {
        let is_shared = |mine: &&Arc<Event>| other.evidence().any(|theirs| theirs.id == mine.id);
        self.evidence().filter(is_shared).count()
    }
}

/// A match that stands, and the task that was made for it.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) found: Match,
    /// `None` for a match from before the rule was in force.
    pub(super) task: Option<TaskId>,
}
