//! Places that are supplied in a circle: nothing reaches them from outside, so stock only goes round.
//!
//! Goods enter the network at suppliers, at places where something is being made, and at places that no
//! lane leads to, whose stock comes by other ways. Lanes there and back are no fault as long as one of
//! these reaches them; places that none reaches live on what they have, until it is gone.

use std::collections::{BTreeMap, VecDeque};

use super::setting::{Lane, PlaceIndex, PlaceKind, Setting};

/// Places that supply each other in a circle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Each sends to the next and the last to the first; the first stands first in the setting. At
    /// least two.
    pub places: Vec<PlaceIndex>,
}

/// The cycles of a network that nothing reaches from outside, and who depends on them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loops {
    // Invariant: in the order of their first places.
    cycles: Vec<Cycle>,
    /// By place: which of the cycles it is in, or is supplied by alone.
    of_place: Vec<Option<usize>>,
}

impl Cycle {
    /// Returns its places in the direction of the lanes: `A -> B -> A`.
    pub fn name(&self, setting: &Setting) -> String {
        let round = self.places.iter().chain(self.places.first());
        let names = round.filter_map(|place| setting.place(*place)).map(|place| &*place.id);
        names.collect::<Vec<_>>().join(" -> ")
    }

    /// Returns the cycle of `places`, which stand in the direction of the lanes.
    fn of(places: impl Iterator<Item = u32>) -> Self {
        let mut places: Vec<_> = places.map(PlaceIndex).collect();
        let first = places.iter().enumerate().min_by_key(|(_, place)| **place);
        let first = first.map_or(0, |(index, _)| index);
        places.rotate_left(first);
        Self { places }
    }

    /// Tells whether `lane` leads from one of its places to the next.
    pub fn has(&self, lane: &Lane) -> bool {
        let ends = self.places.iter().zip(self.places.iter().cycle().skip(1));
        ends.into_iter().any(|(from, to)| (*from, *to) == (lane.from, lane.to))
    }
}

impl Loops {
    /// Finds them in the lanes of `setting`, in time proportional to its lanes and places.
    ///
    /// A place that nothing reaches is followed back along its preferred lanes, which lead into exactly
    /// one cycle; so the same lanes in the same order always name the same cycles.
    pub fn of(setting: &Setting) -> Self {
        let is_reached = reached(setting);
        let mut from: Vec<Option<usize>> = vec![None; is_reached.len()];
        for (start, end) in ends(setting) {
            if is_reached.get(end) == Some(&false)
                && let Some(preferred @ None) = from.get_mut(end)
            {
                *preferred = Some(start);
            }
        }
        let mut found = Self { cycles: Vec::new(), of_place: vec![None; from.len()] };
        for place in 0..from.len() {
            found.follow(&from, place);
        }
        found.sort();
        found
    }

    /// Returns the cycles, in the order of their first places.
    pub fn cycles(&self) -> &[Cycle] {
        &self.cycles
    }

    /// Returns the cycle that `place` is in, or is supplied by alone.
    pub fn cycle_of(&self, place: PlaceIndex) -> Option<&Cycle> {
        let cycle = (*self.of_place.get(usize::try_from(place.0).ok()?)?)?;
        self.cycles.get(cycle)
    }

    /// Goes back from `place` to those that supply it, up to a cycle that is known or is found now.
    fn follow(&mut self, from: &[Option<usize>], place: usize) {
        let mut way: Vec<usize> = Vec::new();
        let mut here = place;
        let cycle = loop {
            if let Some(known) = self.of_place.get(here).copied().flatten() {
                break known;
            }
            let Some(Some(before)) = from.get(here) else { return };
            way.push(here);
            // Only the way that is gone now has this mark: all others have their cycle, or returned.
            self.mark(here, self.cycles.len());
            here = *before;
        };
        if cycle == self.cycles.len() {
            let start = way.iter().position(|one| *one == here).unwrap_or_default();
            let round = way.iter().skip(start).rev();
            self.cycles.push(Cycle::of(round.filter_map(|one| u32::try_from(*one).ok())));
        }
        for one in way {
            self.mark(one, cycle);
        }
    }

    fn mark(&mut self, place: usize, cycle: usize) {
        if let Some(of_place) = self.of_place.get_mut(place) {
            *of_place = Some(cycle);
        }
    }

    fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.cycles.len()).collect();
        order.sort_by_key(|cycle| self.cycles.get(*cycle).map(|cycle| cycle.places.clone()));
        let ranks: BTreeMap<usize, usize> = order.into_iter().zip(0..).collect();
        for of_place in &mut self.of_place {
            *of_place = of_place.and_then(|old| ranks.get(&old).copied());
        }
        self.cycles.sort_by(|a, b| a.places.cmp(&b.places));
    }
}

/// Returns of each place whether goods can come to it from outside.
fn reached(setting: &Setting) -> Vec<bool> {
    let len = setting.places.len();
    let mut to: Vec<Vec<usize>> = vec![Vec::new(); len];
    let mut is_origin = vec![true; len];
    for (start, end) in ends(setting) {
        if let Some(ends) = to.get_mut(start) {
            ends.push(end);
        }
        if let Some(is_origin) = is_origin.get_mut(end) {
            *is_origin = false;
        }
    }
    for (place, is_origin) in setting.places.iter().zip(&mut is_origin) {
        *is_origin |= place.kind == PlaceKind::Supplier;
    }
    for position in setting.positions.iter().filter(|position| !position.coming.is_empty()) {
        let place = usize::try_from(position.place.0).ok();
        if let Some(is_origin) = place.and_then(|place| is_origin.get_mut(place)) {
            *is_origin = true;
        }
    }
    let mut is_reached = is_origin;
    let mut left: VecDeque<usize> =
        is_reached.iter().enumerate().filter(|(_, is)| **is).map(|(place, _)| place).collect();
    while let Some(place) = left.pop_front() {
        for end in to.get(place).into_iter().flatten() {
            if let Some(is_reached @ false) = is_reached.get_mut(*end) {
                *is_reached = true;
                left.push_back(*end);
            }
        }
    }
    is_reached
}

/// Returns where each lane begins and ends that leads from one place of `setting` to another.
fn ends(setting: &Setting) -> impl Iterator<Item = (usize, usize)> {
    let len = setting.places.len();
    let place = move |place: PlaceIndex| usize::try_from(place.0).ok().filter(|at| *at < len);
    let ends =
        setting.lanes.iter().filter_map(move |lane| Some((place(lane.from)?, place(lane.to)?)));
    ends.filter(|(from, to)| from != to)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use proptest::prelude::*;

    use super::*;
    use crate::stock::plan::setting::{CalendarIndex, Coming, ItemIndex, Place, Position};
    use crate::stock::stocking::Stocking;

    const NAMES: &str = "ABCDEF";

    /// Returns the places A to F with `lanes` as `AB`; small letters are suppliers, `!A` makes something.
    fn setting(lanes: &str) -> Setting {
        let kind = |name: char| {
            let is_supplier = lanes.contains(name.to_ascii_lowercase());
            if is_supplier { PlaceKind::Supplier } else { PlaceKind::Site }
        };
        let place = |name: char| Place {
            id: name.to_string().into(),
            kind: kind(name),
            calendar: CalendarIndex(0),
            review_days: 1,
        };
        let index = |name: char| {
            PlaceIndex(u32::try_from(NAMES.find(name.to_ascii_uppercase()).unwrap()).unwrap())
        };
        let made = |place: PlaceIndex| Position {
            item: ItemIndex(0),
            place,
            holdings: Vec::new(),
            base: crate::stock::plan::base::Base::default(),
            deals: Vec::new(),
            failures: None,
            coming: vec![Coming { on: NaiveDate::MIN, units: 1 }],
        };
        let mut setting =
            Setting { places: NAMES.chars().map(place).collect(), ..Setting::default() };
        for word in lanes.split_whitespace() {
            match word.chars().collect::<Vec<_>>().as_slice() {
                ['!', place] => setting.positions.push(made(index(*place))),
                [from, to] => setting.lanes.push(Lane {
                    id: word.into(),
                    from: index(*from),
                    to: index(*to),
                    carrier: CalendarIndex(0),
                    terms: crate::stock::gather::terms(&lane()).unwrap(),
                    schedule: None,
                }),
                _ => panic!("{word} is no lane"),
            }
        }
        setting
    }

    fn lane() -> crate::stock::stocking::LaneDocument {
        let sample = include_str!("../../../../deploy/stock/stocking.toml");
        Stocking::parse(sample).unwrap().lane.remove(0)
    }

    fn told(lanes: &str) -> (String, String) {
        let setting = setting(lanes);
        let loops = Loops::of(&setting);
        let cycles = loops.cycles().iter().map(|cycle| cycle.name(&setting));
        let cycles = cycles.collect::<Vec<_>>().join(", ");
        let concerned = (0..).zip(NAMES.chars());
        let concerned = concerned.filter(|(at, _)| loops.cycle_of(PlaceIndex(*at)).is_some());
        (cycles, concerned.map(|(_, name)| name).collect())
    }

    #[test]
    fn only_places_that_nothing_reaches_from_outside_are_in_a_cycle() {
        let cases = [
            ("there and back alone", "AB BA", "A -> B -> A", "AB"),
            ("the order of rows does not matter", "BA AB", "A -> B -> A", "AB"),
            ("named in the direction of the lanes", "CB AC BA", "A -> C -> B -> A", "ABC"),
            ("there and back, both with a supplier", "AB BA cA cB", "", ""),
            ("a supplier of one is enough", "AB BA cB", "", ""),
            ("a supplier far away", "AB BC CA ED fE DC", "", ""),
            ("a place that no lane leads to has stock by other ways", "AB BA DA", "", ""),
            ("a supplier that is sent something back", "AB Ba", "", ""),
            ("production reaches it", "AB BA !B", "", ""),
            ("production elsewhere does not", "AB BA !C", "A -> B -> A", "AB"),
            ("who depends on it", "AB BA BC CD", "A -> B -> A", "ABCD"),
            ("who depends on it and on others does not", "AB BA BC eC", "A -> B -> A", "AB"),
            ("two of them", "CD DC AB BA", "A -> B -> A, C -> D -> C", "ABCD"),
            ("one that is found from behind", "BA CB BC", "B -> C -> B", "ABC"),
            ("a line", "AB BC", "", ""),
        ];
        for (name, lanes, cycles, concerned) in cases {
            assert_eq!(told(lanes), (cycles.to_owned(), concerned.to_owned()), "case: {name}");
        }
    }

    proptest! {
        #[test]
        fn every_cycle_is_of_lanes_and_concerns_whom_no_origin_reaches(
            ends in prop::collection::vec((0_usize..6, 0_usize..6), 0..14),
            supplier in 0_usize..7,
        ) {
            let name = |at: usize| NAMES.chars().nth(at).unwrap();
            let case = |at: usize| if at == supplier { name(at).to_ascii_lowercase() } else { name(at) };
            let ends: Vec<_> = ends.into_iter().filter(|(from, to)| from != to).collect();
            let words = ends.iter().map(|(from, to)| format!("{}{}", case(*from), case(*to)));
            let setting = setting(&words.collect::<Vec<_>>().join(" "));
            let loops = Loops::of(&setting);
            for cycle in loops.cycles() {
                let steps = cycle.places.iter().zip(cycle.places.iter().cycle().skip(1));
                for (from, to) in steps {
                    let is_lane = setting.lanes.iter().any(|l| (l.from, l.to) == (*from, *to));
                    prop_assert!(is_lane, "{}", cycle.name(&setting));
                }
                prop_assert_eq!(cycle.places.iter().min(), cycle.places.first());
                prop_assert_eq!(loops.cycle_of(cycle.places[0]), Some(cycle));
            }
            // By the definition: whom an origin reaches in any number of steps is in no cycle.
            let used = |at: usize| ends.iter().any(|(from, to)| *from == at || *to == at);
            let mut reached: Vec<bool> = (0..6)
                .map(|at| (at == supplier && used(at)) || !ends.iter().any(|(_, to)| *to == at))
                .collect();
            for _ in 0..6 {
                for (from, to) in &ends {
                    reached[*to] |= reached[*from];
                }
            }
            for (at, is_reached) in (0..).zip(reached) {
                prop_assert_eq!(loops.cycle_of(PlaceIndex(at)).is_none(), is_reached);
            }
        }
    }
}
