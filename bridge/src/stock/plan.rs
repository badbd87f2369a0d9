//! What a new plan changes about the advice that stands: it supersedes, and never doubles. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use upturn_core::parallel;
use upturn_core::stock::gather::{Firmed, Judged, Trouble, Troubles};

use super::day::Day;
use super::digest::Digest;
use super::kept::Kept;
use crate::store::advice::{AdviceState, NewAdvice, Standing};

/// The key of the document of a plan under which it tells what was found of adjusters.
const ADJUSTERS: &str = "adjusters";

/// What is sent, from where and to where.
type Way = (Box<str>, Option<Box<str>>, Box<str>);

/// What a plan changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewPlan {
    /// The revision of what it was made of.
    pub(crate) revision: i64,
    /// The document that says how stock is planned.
    pub(crate) stocking: String,
    /// Who is told.
    pub(crate) owner: String,
    /// The moment it was made for.
    pub(crate) as_of: DateTime<Utc>,
    /// Pieces that were not there, some in the place of others.
    pub(crate) new: Vec<NewAdvice>,
    /// Pieces that say the same to be done, for other reasons.
    pub(crate) renewed: Vec<NewAdvice>,
    /// Pieces that nothing takes the place of.
    pub(crate) withdrawn: Vec<Standing>,
    /// How many pieces it has, of which nothing else may be known.
    pub(crate) pieces: usize,
    /// What was left out.
    pub(crate) troubles: Troubles,
    /// What was found of adjusters.
    pub(crate) verdicts: Vec<Judged>,
    /// Whether it was made for another moment than the present.
    pub(crate) is_exercise: bool,
}

impl NewPlan {
    /// Returns whether it changes no advice.
    pub(crate) fn is_quiet(&self) -> bool {
        self.new.is_empty() && self.withdrawn.is_empty()
    }

    /// Returns what is kept of the plan itself.
    pub(crate) fn document(&self) -> Value {
        let trouble = |one: &Trouble| json!({ "of": one.of, "message": one.message });
        json!({
            "stocking": self.stocking,
            "pieces": self.pieces,
            "is_exercise": self.is_exercise,
            "troubles": self.troubles.listed.iter().map(trouble).collect::<Vec<_>>(),
            "troubles_not_listed": self.troubles.unlisted,
            (ADJUSTERS): self.verdicts,
        })
    }
}

/// Takes what was found of adjusters out of the document of a plan; nothing where an earlier build kept it.
pub(crate) fn take_verdicts(document: &mut Value) -> Vec<Judged> {
    let told = document.as_object_mut().and_then(|document| document.remove(ADJUSTERS));
    told.and_then(|told| serde_json::from_value(told).ok()).unwrap_or_default()
}

/// What a plan says beside what stands, a part after another.
#[derive(Debug)]
pub(crate) struct Comparison {
    made: NewPlan,
    /// What stands and was not met yet, by its key.
    left: HashMap<Box<str>, Standing>,
    /// How much people decided against at most, by key.
    rejected: HashMap<Box<str>, u32>,
    /// Those of the plan.
    keys: HashSet<String>,
    /// Pieces of keys that do not stand.
    unmatched: Vec<NewAdvice>,
    /// What stands once the plan is kept.
    after: Vec<Standing>,
}

impl Comparison {
    /// Begins to compare `draft`, which has no pieces yet, with what stands.
    pub(crate) fn of(draft: NewPlan, standing: Vec<Standing>) -> Self {
        let (mut left, mut rejected) = (HashMap::new(), HashMap::new());
        let mut after = Vec::new();
        for one in standing {
            match one.state {
                AdviceState::Open | AdviceState::Snoozed => {
                    left.insert(one.key.clone(), one);
                }
                AdviceState::Rejected => {
                    let key = one.own_key.as_ref().unwrap_or(&one.key);
                    let most: &mut u32 = rejected.entry(key.clone()).or_default();
                    *most = one.quantity.max(*most);
                    after.push(one);
                }
                AdviceState::Firmed => after.push(one),
                AdviceState::Shipped | AdviceState::Superseded | AdviceState::Withdrawn => {}
            }
        }
        let (keys, unmatched) = (HashSet::new(), Vec::new());
        Self { made: draft, left, rejected, keys, unmatched, after }
    }

    /// Takes the next pieces of the plan.
    pub(crate) fn take(&mut self, mut part: Vec<Kept<'_>>) {
        let first = self.made.pieces;
        self.made.pieces += part.len();
        part.retain_mut(|piece| self.is_asked(piece));
        let revision = self.made.revision;
        let numbered: Vec<_> = (first..).zip(part).collect();
        for new in parallel::map(&numbered, |(number, kept)| piece(kept, (revision, *number))) {
            match self.left.remove(&*new.key) {
                Some(old) => self.take_place_of(old, new),
                None => self.unmatched.push(new),
            }
        }
    }

    /// Returns what changes, once all pieces were taken, and what stands after it.
    pub(crate) fn finish(mut self) -> (NewPlan, Vec<Standing>) {
        // In the order of keys, as every run has it.
        let mut left: BTreeMap<_, _> = std::mem::take(&mut self.left).into_iter().collect();
        // A window that opens, closes or moves makes another key of the same way.
        let mut ways: BTreeMap<Way, Vec<Box<str>>> = BTreeMap::new();
        for old in left.values().rev() {
            let way = (old.item.clone(), old.source.clone(), old.place.clone());
            ways.entry(way).or_default().push(old.key.clone());
        }
        for mut new in std::mem::take(&mut self.unmatched) {
            let way = (new.item.clone(), new.source.clone(), new.place.clone());
            let key = ways.get_mut(&way).and_then(Vec::pop);
            if let Some(old) = key.and_then(|key| left.remove(&key)) {
                // Other systems know it by its key.
                new.key.clone_from(&old.key);
                self.take_place_of(old, new);
            } else {
                self.after.push(Standing::of(&new));
                self.made.new.push(new);
            }
        }
        self.made.withdrawn = left.into_values().collect();
        (self.made, self.after)
    }

    /// Puts `new` in the place of `old`, if it says something else.
    fn take_place_of(&mut self, old: Standing, mut new: NewAdvice) {
        if old.decision == new.decision {
            let figures = new.figures;
            if old.figures != figures {
                new.id.clone_from(&old.id);
                self.made.renewed.push(new);
            }
            self.after.push(Standing { figures, ..old });
        } else {
            new.replaces = Some(old.id);
            self.after.push(Standing::of(&new));
            self.made.new.push(new);
        }
    }

    /// Gives `piece` a key of its own; returns whether people are to be asked about it.
    fn is_asked(&mut self, piece: &mut Kept<'_>) -> bool {
        if !self.keys.insert(piece.key.clone()) {
            // For another item, or by another lane of the same way.
            let key = format!("{}/{}", piece.key, piece.needed_item);
            piece.key.clone_from(&key);
            let mut number = 1;
            while !self.keys.insert(piece.key.clone()) {
                number += 1;
                piece.key = format!("{key}/{number}");
            }
        }
        // Whoever decided against so much is asked again only about more.
        self.rejected.get(&*piece.key).is_none_or(|most| *most < piece.quantity)
    }
}

/// Returns what people agreed on, as a plan counts it.
pub(crate) fn firmed(standing: &[Standing]) -> Vec<Firmed> {
    let firmed = standing.iter().filter(|one| one.state == AdviceState::Firmed);
    let firmed = firmed.map(|one| Firmed {
        item: one.item.to_string(),
        from: one.source.as_deref().map(str::to_owned),
        to: one.place.to_string(),
        quantity: one.quantity,
        arrives_on: one.arrive_on,
    });
    firmed.collect()
}

/// Returns the row of `kept`. No two plans have the same revision and no two pieces of a plan the same
/// number, so no two have the same id. In this order rows are written one behind another.
fn piece(kept: &Kept<'_>, (revision, number): (i64, usize)) -> NewAdvice {
    let day = |day: Option<Day>| day.map(|day| day.to_string()).unwrap_or_default();
    let decision = Digest::of(&[
        kept.action.as_bytes(),
        kept.item.as_bytes(),
        kept.needed_item.as_bytes(),
        kept.quantity.to_string().as_bytes(),
        kept.from.as_deref().unwrap_or_default().as_bytes(),
        kept.to.as_bytes(),
        kept.lane.as_deref().unwrap_or_default().as_bytes(),
        day(kept.ship_on).as_bytes(),
        day(kept.arrive_on).as_bytes(),
        // What missing it means is part of what is advised.
        day(kept.next_on).as_bytes(),
    ]);
    let packed = kept.pack();
    let figures = Digest::of(&[&packed]);
    let mark = figures.head();
    NewAdvice {
        // The mark keeps plans apart that were made again after a backup was restored.
        id: format!("adv-{revision:08x}{number:06x}{mark:08x}").into(),
        key: (*kept.key).into(),
        figures,
        decision,
        packed,
        item: (*kept.item).into(),
        source: kept.from.as_deref().map(Into::into),
        place: (*kept.to).into(),
        quantity: kept.quantity,
        ship_on: kept.ship_on.map(|day| day.0),
        arrive_on: kept.arrive_on.map(|day| day.0),
        cover_until: kept.cover_until.0,
        replaces: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::kept;
    use super::*;

    /// Returns what a plan says of one way, with or without a window before it.
    fn one(window: Option<&str>, ship_on: &str) -> Kept<'static> {
        let key = window.map_or("V/B/A".to_owned(), |day| format!("V/B/A/{day}"));
        kept::testing::one(["V", "B", "A"], &key, (4, ship_on))
    }

    fn plan(revision: i64, piece: Kept<'_>, standing: Vec<Standing>) -> NewPlan {
        let draft = NewPlan { revision, ..NewPlan::default() };
        let mut comparison = Comparison::of(draft, standing);
        comparison.take(vec![piece]);
        comparison.finish().0
    }

    #[test]
    fn pieces_of_one_way_have_keys_of_their_own() {
        let by = |day: &str| kept::testing::one(["V", "B", "A"], "V/B/A", (5, day));
        let days = ["2025-01-05", "2025-01-15", "2025-01-25", "2025-01-26"];
        let mut comparison = Comparison::of(NewPlan::default(), Vec::new());
        comparison.take(days.map(by).into());
        let new = comparison.finish().0.new;
        let keys: Vec<&str> = new.iter().map(|new| &*new.key).collect();
        assert_eq!(keys, ["V/B/A", "V/B/A/V", "V/B/A/V/2", "V/B/A/V/3"]);
    }

    /// Returns `new` as it stands, with the key that its plan gave it where it was decided against.
    fn standing(new: &NewAdvice, state: AdviceState) -> Standing {
        let own_key = kept::read_key(&new.packed).unwrap();
        let own_key = (state == AdviceState::Rejected).then_some(own_key.into());
        Standing { own_key, state, ..Standing::of(new) }
    }

    #[test]
    fn what_a_window_changes_takes_the_place_of_what_stood_and_is_not_asked_again() {
        let first = plan(1, one(None, "2020-01-31"), Vec::new()).new.remove(0);
        let closed = || one(Some("2020-01-24"), "2020-01-22");
        let told = plan(2, closed(), vec![standing(&first, AdviceState::Open)]);
        let second = &told.new[0];
        assert_eq!((told.new.len(), told.withdrawn.len()), (1, 0));
        assert_eq!((&second.replaces, &second.key), (&Some(first.id.clone()), &first.key));
        assert!(plan(3, closed(), vec![standing(second, AdviceState::Open)]).is_quiet());

        let rejected = || vec![standing(second, AdviceState::Rejected)];
        assert!(plan(4, closed(), rejected()).is_quiet(), "it was decided against");
        let open = plan(5, one(None, "2020-01-31"), rejected());
        assert_eq!(open.new.len(), 1, "without the window nobody has decided");
    }
}
