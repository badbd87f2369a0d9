//! Pairs the matches that stood with those that stand after history was folded again.
//!
//! A pair by shared evidence is the same task, perhaps amended; an old match alone is withdrawn;
//! a new one alone is created.

use super::standing::{Match, Standing};
use crate::id::{DeviceId, TaskId};

/// What became of a match.
#[derive(Debug)]
pub(super) enum Change {
    /// It did not stand before.
    New(Match),
    /// Its task stands on other evidence now.
    Amended(TaskId, Match),
    /// Nothing carries its task any more.
    Gone(TaskId, DeviceId),
}

/// Returns what stands now, in the order of `found`, and what changed.
pub(super) fn pair(old: Vec<Standing>, found: Vec<Match>) -> (Vec<Standing>, Vec<Change>) {
    let mut old: Vec<Option<Standing>> = old.into_iter().map(Some).collect();
    // Those that did not change pair first, so that a neighbour cannot take their task.
    let mut partners: Vec<Option<Standing>> =
        found.iter().map(|new| take_best(&mut old, |old| old.is_same(new).then_some(1))).collect();
    for (new, partner) in found.iter().zip(&mut partners) {
        if partner.is_none() {
            *partner = take_best(&mut old, |old| Some(old.shared_with(new)).filter(|n| 0 < *n));
        }
    }

    let gone = old.into_iter().flatten().filter_map(|gone| {
        let device = gone.found.last().device.clone();
        gone.task.map(|task| Change::Gone(task, device))
    });
    let mut changes: Vec<Change> = gone.collect();
    let mut standing = Vec::with_capacity(found.len());
    for (new, partner) in found.into_iter().zip(partners) {
        if let Some(old) = partner {
            if let Some(task) = old.task.clone().filter(|_| !old.found.is_same(&new)) {
                changes.push(Change::Amended(task, new.clone()));
            }
            standing.push(Standing { found: new, task: old.task });
        } else {
            changes.push(Change::New(new.clone()));
            standing.push(Standing { found: new, task: None });
        }
    }
    (standing, changes)
}

/// Takes the earliest of the old matches with the highest likeness.
fn take_best(
    old: &mut [Option<Standing>],
    likeness: impl Fn(&Match) -> Option<usize>,
) -> Option<Standing> {
    let mut best: Option<(usize, &mut Option<Standing>)> = None;
    for place in old {
        let Some(alike) = place.as_ref().and_then(|old| likeness(&old.found)) else { continue };
        if best.as_ref().is_none_or(|(most, _)| *most < alike) {
            best = Some((alike, place));
        }
    }
    best?.1.take()
}
