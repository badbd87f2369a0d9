//! Submissions in a batch: their events among the others, and what became of them.

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::{DateTime, Utc};
use upturn_core::decode::subject;
use upturn_core::event::Position;

use super::{Decoded, Key, key};
use crate::ingest::submission::{SOURCE, Submission, Taken};

/// What of a decoded batch came by one submission.
#[derive(Debug)]
pub(super) struct Submitted {
    /// Its events among [`Decoded::events`].
    events: Range<usize>,
    /// How many stood in the batch before.
    repeated: u64,
}

impl Submitted {
    /// Notes that events were left out, where `kept_before` says how many before each were not.
    pub(super) fn shift(&mut self, kept_before: &[usize]) {
        let place = |at: usize| kept_before.get(at).copied().unwrap_or_default();
        self.events = place(self.events.start)..place(self.events.end);
    }
}

/// Takes the events of `submission` in at `now`, behind what `decoded` holds already.
pub(super) fn merge(
    submission: &Submission,
    now: DateTime<Utc>,
    cursor: Position,
    seen: &mut BTreeSet<Key>,
    decoded: &mut Decoded<'_>,
) {
    let (begin, mut repeated) = (decoded.events.len(), 0);
    let mut position = decoded.events.last().map_or(cursor, |(position, _, _)| *position);
    // A batch that the database refuses a value of is looked through again.
    for mut event in submission.events.iter().cloned() {
        subject::receive(&mut event, now);
        if seen.insert(key(&event)) {
            position += 1;
            decoded.events.push((position, SOURCE, event));
        } else {
            repeated += 1;
        }
    }
    decoded.repeated += repeated;
    decoded.submitted.push(Submitted { events: begin..decoded.events.len(), repeated });
}

/// Returns what became of each submission, where `fresh` says which events the store did not know.
pub(super) fn outcome(submitted: &[Submitted], fresh: &[bool]) -> Vec<Taken> {
    let taken = |each: &Submitted| {
        let own = fresh.get(each.events.clone()).unwrap_or_default();
        let count = |is_new: bool| own.iter().map(|found| u64::from(*found == is_new)).sum::<u64>();
        Taken { accepted: count(true), repeated: count(false) + each.repeated }
    };
    submitted.iter().map(taken).collect()
}
