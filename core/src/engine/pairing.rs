//! Pairs the episodes that stood with those that stand after history was folded again.
//!
//! A pair by shared evidence is the same episode, perhaps changed; an old one alone is gone; a new
//! one alone is new.

use serde::{Deserialize, Serialize};

use super::episode::{Change, Episode, Number};

/// An episode that stands, and what it is called.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Standing {
    pub(super) number: Number,
    pub(super) episode: Episode,
}

/// Returns what stands now, in the order of `found`, and what changed.
pub(super) fn pair(
    old: Vec<Standing>,
    found: Vec<Episode>,
    numbers: &mut Number,
) -> (Vec<Standing>, Vec<Change>) {
    let mut old: Vec<Option<Standing>> = old.into_iter().map(Some).collect();
    // Those that did not change pair first, so that a neighbour cannot take their task.
    let same = |old: &Episode, new: &Episode| old.has_evidence_of(new).then_some(1);
    let mut partners: Vec<Option<Standing>> =
        found.iter().map(|new| take_best(&mut old, |old| same(old, new))).collect();
    for (new, partner) in found.iter().zip(&mut partners) {
        if partner.is_none() {
            *partner = take_best(&mut old, |old| Some(old.shared_with(new)).filter(|n| 0 < *n));
        }
    }

    let gone = old.into_iter().flatten().map(|gone| Change::Gone(gone.number));
    let mut changes: Vec<Change> = gone.collect();
    let mut standing = Vec::with_capacity(found.len());
    for (episode, partner) in found.into_iter().zip(partners) {
        let number = if let Some(old) = partner {
            if !old.episode.is_same(&episode) {
                changes.push(Change::Changed(old.number, episode.clone()));
            }
            old.number
        } else {
            numbers.0 += 1;
            changes.push(Change::New(*numbers, episode.clone()));
            *numbers
        };
        standing.push(Standing { number, episode });
    }
    (standing, changes)
}

/// Takes the earliest of the old episodes with the highest likeness.
fn take_best(
    old: &mut [Option<Standing>],
    likeness: impl Fn(&Episode) -> Option<usize>,
) -> Option<Standing> {
    let mut best: Option<(usize, &mut Option<Standing>)> = None;
    for place in old {
        let Some(alike) = place.as_ref().and_then(|old| likeness(&old.episode)) else { continue };
        if best.as_ref().is_none_or(|(most, _)| *most < alike) {
            best = Some((alike, place));
        }
    }
    best?.1.take()
}
