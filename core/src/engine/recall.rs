//! Recalling events of which only the place is kept, once an episode stands on them.
//!
//! What changed waits, in order, until the events it stands on are loaded; only then is the desk
//! told. Nothing else happens before that: whoever feeds the engine meets its needs first.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::episode::{Change, Episode};
use super::family::Spot;
use super::{Engine, Need};
use crate::effect::Effect;
use crate::event::witness::Witness;
use crate::event::{Event, EventRef, Position};

/// For so many changes events are asked for at once: what is loaded stands in memory.
const RECALLED_MAX: usize = 256;

/// Changes of which the desk is not told yet.
#[derive(Clone, Debug)]
pub(super) struct Untold {
    pub(super) spot: Spot,
    pub(super) rule: usize,
    /// The input that caused them, and log time, or the deadline that passed.
    pub(super) place: (Position, DateTime<Utc>),
    pub(super) changes: Vec<Change>,
}

impl Engine {
    /// Returns what is needed before the desk can be told what waits.
    pub(super) fn need_recalled(&mut self) -> Option<Need> {
        let first = self.untold.iter().take(RECALLED_MAX);
        let changes = first.flat_map(|untold| &untold.changes);
        let evidence = changes.filter_map(Change::episode).flat_map(Episode::evidence);
        let missing = evidence.filter(|witness| witness.whole().is_none());
        let places: BTreeSet<Position> = missing.map(Witness::position).collect();
        (!places.is_empty()).then(|| Need::Events(places.into_iter().collect()))
    }

    /// Tells the desk what waited for `history`; what else waits is left, if it must.
    pub(super) fn recall(&mut self, history: Vec<(Position, Event)>, effects: &mut Vec<Effect>) {
        let count = self.untold.len().min(RECALLED_MAX);
        let mut waited: Vec<Untold> = self.untold.drain(..count).collect();
        let mut loaded = BTreeMap::new();
        for (position, mut event) in history {
            event.position = position;
            loaded.insert(position, Witness::Whole(EventRef::new(event)));
        }
        let find = |witness: &Witness| loaded.get(&witness.position()).cloned();
        for untold in &mut waited {
            // The log is kept for as long as a rule looks back. What is not found all the same is
            // no evidence any more.
            untold.changes.retain_mut(|change| {
                let of = change.episode_mut();
                of.is_none_or(|episode| episode.complete(find) || episode.leave_out_placed())
            });
        }
        for untold in waited {
            self.tell_desk(untold, effects);
        }
        // What came to wait only since others waited before it.
        while let Some(mut next) = self.untold.pop_front() {
            if !self.complete(&mut next) {
                self.untold.push_front(next);
                break;
            }
            self.tell_desk(next, effects);
        }
    }

    /// Tells the desk what changed, or lets it wait for what must be loaded first.
    pub(super) fn tell_or_wait(&mut self, mut untold: Untold, effects: &mut Vec<Effect>) {
        if self.complete(&mut untold) && self.untold.is_empty() {
            self.tell_desk(untold, effects);
        } else {
            self.untold.push_back(untold);
        }
    }

    /// Puts whole events into what changed, as far as the desk has them; returns whether all are
    /// there.
    fn complete(&self, untold: &mut Untold) -> bool {
        let mut is_complete = true;
        for change in &mut untold.changes {
            let (Change::New(number, episode) | Change::Changed(number, episode)) = change else {
                continue;
            };
            let known = self.desk.evidence_of(*number);
            let find = |witness: &Witness| known.iter().find(|k| k.is_one_with(witness)).cloned();
            is_complete &= episode.complete(find);
        }
        is_complete
    }
}
