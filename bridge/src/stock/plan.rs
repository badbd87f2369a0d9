//! What a new plan changes about the advice that stands: it supersedes, and never doubles. Pure.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use upturn_core::parallel;
use upturn_core::stock::gather::{Firmed, Trouble, Troubles};

use super::view::View;
use crate::hex::hex;
use crate::store::advice::{AdviceState, NewAdvice, Standing};

/// What is sent, from where and to where.
type Way = (String, Option<String>, String);

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
    /// Pieces whose place is taken.
    pub(crate) superseded: Vec<String>,
    /// Pieces that nothing takes the place of.
    pub(crate) withdrawn: Vec<Standing>,
    /// How many pieces it has, of which nothing else may be known.
    pub(crate) pieces: usize,
    /// What was left out.
    pub(crate) troubles: Troubles,
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
        })
    }

    /// Compares what a plan says, in parts that need not be there at once, with what stands.
    pub(crate) fn compare(
        mut self,
        parts: impl Iterator<Item = Vec<View>>,
        standing: Vec<Standing>,
    ) -> Self {
        let mut left: BTreeMap<String, Standing> = BTreeMap::new();
        let mut rejected: BTreeMap<String, u32> = BTreeMap::new();
        for one in standing {
            match one.state {
                AdviceState::Open | AdviceState::Snoozed => {
                    left.insert(one.key.clone(), one);
                }
                AdviceState::Rejected => {
                    let most = rejected.entry(one.own_key.unwrap_or(one.key)).or_default();
                    *most = one.quantity.max(*most);
                }
                AdviceState::Firmed
                | AdviceState::Shipped
                | AdviceState::Superseded
                | AdviceState::Withdrawn => {}
            }
        }
        let (mut keys, mut unmatched) = (BTreeSet::new(), Vec::new());
        for mut views in parts {
            self.pieces += views.len();
            views.retain_mut(|view| is_asked(view, &mut keys, &rejected));
            let pieces = parallel::map(&views, |view| piece(view, self.revision));
            for new in pieces {
                match left.remove(&new.key) {
                    Some(old) => self.take_place_of(old, new),
                    None => unmatched.push(new),
                }
            }
        }
        // A window that opens, closes or moves makes another key of the same way.
        let mut ways: BTreeMap<Way, Vec<String>> = BTreeMap::new();
        for old in left.values().rev() {
            let way = (old.item.clone(), old.source.clone(), old.place.clone());
            ways.entry(way).or_default().push(old.key.clone());
        }
        for mut new in unmatched {
            let way = (new.item.clone(), new.source.clone(), new.place.clone());
            let key = ways.get_mut(&way).and_then(Vec::pop);
            match key.and_then(|key| left.remove(&key)) {
                Some(old) => {
                    // Other systems know it by its key.
                    new.key.clone_from(&old.key);
                    self.take_place_of(old, new);
                }
                None => self.new.push(new),
            }
        }
        self.withdrawn = left.into_values().collect();
        self
    }

    /// Puts `new` in the place of `old`, if it says something else.
    fn take_place_of(&mut self, old: Standing, mut new: NewAdvice) {
        if old.decision != new.decision {
            self.superseded.push(old.id.clone());
            new.replaces = Some(old.id);
            self.new.push(new);
        } else if old.figures != new.figures {
            new.id = old.id;
            self.renewed.push(new);
        }
    }
}

/// Gives `view` a key of its own; returns whether people are to be asked about it.
fn is_asked(
    view: &mut View,
    keys: &mut BTreeSet<String>,
    rejected: &BTreeMap<String, u32>,
) -> bool {
    // How old something is changes by itself; on pages it is reckoned anew.
    (view.data.stock_age_days, view.data.demand_age_days) = (None, None);
    if !keys.insert(view.key.clone()) {
        view.key = format!("{}/{}", view.key, view.needed_item);
        keys.insert(view.key.clone());
    }
    // Whoever decided against so much is asked again only about more.
    rejected.get(&view.key).is_none_or(|most| *most < view.quantity)
}

/// Returns what people agreed on, as a plan counts it.
pub(crate) fn firmed(standing: &[Standing]) -> Vec<Firmed> {
    let firmed = standing.iter().filter(|one| one.state == AdviceState::Firmed);
    let firmed = firmed.map(|one| Firmed {
        item: one.item.clone(),
        from: one.source.clone(),
        to: one.place.clone(),
        quantity: one.quantity,
        arrives_on: one.arrive_on,
    });
    firmed.collect()
}

/// Returns what is kept of `view`; no two plans have the same revision, so no two pieces the same id.
fn piece(view: &View, revision: i64) -> NewAdvice {
    let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    let decision = digest(&[
        &view.action,
        &view.item,
        &view.needed_item,
        &view.quantity.to_string(),
        view.from.as_deref().unwrap_or_default(),
        &view.to,
        view.lane.as_deref().unwrap_or_default(),
        &day(view.latest_ship_on),
        &day(view.arrives_on),
        // What missing it means is part of what is advised.
        &day(view.next_arrival_on),
    ]);
    let document = serde_json::to_string(view).unwrap_or_default();
    let id = digest(&[&view.key, &decision, &revision.to_string()]);
    NewAdvice {
        id: format!("adv-{}", id.get(..20).unwrap_or(&id)),
        key: view.key.clone(),
        figures: digest(&[&document]),
        decision,
        document,
        item: view.item.clone(),
        source: view.from.clone(),
        place: view.to.clone(),
        quantity: view.quantity,
        ship_on: view.latest_ship_on,
        arrive_on: view.arrives_on,
        cover_until: view.cover_until,
        replaces: None,
    }
}

fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what a plan says of one way, with or without a window before it.
    fn view(window: Option<&str>, ship_on: &str) -> View {
        let outcome = json!({"short": "0", "idle": "0", "cost": null});
        let key = window.map_or("V/B/A".to_owned(), |day| format!("V/B/A/{day}"));
        let view = json!({
            "key": key, "action": "transfer", "item": "V", "needed_item": "V", "quantity": 4,
            "from": "A", "to": "B", "lane": "road", "latest_ship_on": ship_on,
            "arrives_on": "2020-02-01", "next_arrival_on": null, "closed_from": window,
            "needed_on": "2020-02-02", "cover_until": "2020-02-28", "available": 0, "up_to": 4,
            "service_level": 0.95, "cost_ratio": null, "currency": null,
            "outcomes_until": "2020-02-28", "if_shipped": outcome, "if_missed": outcome,
            "break_even": [], "break_even_together": null, "lanes": [], "reasons": [], "marks": [],
            "data": {"stock_counted_on": null, "stock_age_days": null, "demand_until": null,
                "demand_age_days": null, "calendars": []},
        });
        serde_json::from_value(view).unwrap()
    }

    fn plan(revision: i64, view: View, standing: Vec<Standing>) -> NewPlan {
        let plan = NewPlan { revision, ..NewPlan::default() };
        plan.compare(std::iter::once(vec![view]), standing)
    }

    /// Returns `new` as it stands, with the key that its plan gave it where it was decided against.
    fn standing(new: &NewAdvice, state: AdviceState) -> Standing {
        let own: Value = serde_json::from_str(&new.document).unwrap();
        let own_key = own["key"].as_str().map(str::to_owned);
        Standing {
            id: new.id.clone(),
            key: new.key.clone(),
            own_key: own_key.filter(|_| state == AdviceState::Rejected),
            state,
            decision: new.decision.clone(),
            figures: new.figures.clone(),
            item: new.item.clone(),
            source: new.source.clone(),
            place: new.place.clone(),
            quantity: new.quantity,
            arrive_on: new.arrive_on,
            cover_until: new.cover_until,
        }
    }

    #[test]
    fn what_a_window_changes_takes_the_place_of_what_stood_and_is_not_asked_again() {
        let first = plan(1, view(None, "2020-01-31"), Vec::new()).new.remove(0);
        let closed = || view(Some("2020-01-24"), "2020-01-22");
        let told = plan(2, closed(), vec![standing(&first, AdviceState::Open)]);
        let second = &told.new[0];
        assert_eq!((&told.superseded, told.withdrawn.len()), (&vec![first.id.clone()], 0));
        assert_eq!((&second.replaces, &second.key), (&Some(first.id.clone()), &first.key));
        assert!(plan(3, closed(), vec![standing(second, AdviceState::Open)]).is_quiet());

        let rejected = || vec![standing(second, AdviceState::Rejected)];
        assert!(plan(4, closed(), rejected()).is_quiet(), "it was decided against");
        let open = plan(5, view(None, "2020-01-31"), rejected());
        assert_eq!(open.new.len(), 1, "without the window nobody has decided");
    }
}
