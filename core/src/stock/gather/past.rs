//! What records say of the past, as far as adjusters are judged by it: days that shipments took, and what
//! was needed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};

use super::adjusters::{Scope, cases};
use super::row::Rows;
use super::told::Told;
use super::{Draft, Gatherer, places_by_name};
use crate::calendar::shipping::TRANSIT_DAYS_MAX;
use crate::forecast::regressor::Case;
use crate::stock::plan::base::Observed;
use crate::stock::plan::setting::{ItemIndex, PlaceIndex};
use crate::stock::stocking::Stocking;
use crate::stock::stocking::adjuster::AdjusterDocument;

/// The most cases an adjuster is judged by.
const CASES_MAX: usize = 100_000;
/// The part of a lane's shipments that have arrived of every day that is learnt from.
const ARRIVED: (usize, usize) = (19, 20);

/// What records say of the past. Nothing where no adjuster asks.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    /// In the order of their days of departure.
    trips: Vec<Trip>,
    /// What was needed at places, for each adjuster of the document.
    series: Vec<Vec<Vec<Observed>>>,
}

/// A shipment that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Trip {
    shipped_on: NaiveDate,
    /// The lane's place in the document.
    lane: u32,
    days: u16,
}

impl Past {
    /// Returns the days that shipments took on the lanes of `adjuster`, and how many nobody tells the fact
    /// of.
    pub(super) fn of_lanes(
        &self,
        adjuster: &AdjusterDocument,
        stocking: &Stocking,
        told: Option<&Told>,
    ) -> (Vec<Case>, usize) {
        let named: BTreeSet<&str> = adjuster.lanes.iter().map(String::as_str).collect();
        let asked: BTreeSet<u32> = (0..)
            .zip(&stocking.lane)
            .filter(|(_, lane)| named.contains("*") || named.contains(&*lane.id))
            .map(|(index, _)| index)
            .collect();
        let trips = self.trips.iter().filter(|trip| asked.contains(&trip.lane));
        cases(trips.map(|trip| {
            let holds = told.and_then(|told| told.on(trip.shipped_on));
            (trip.lane, trip.shipped_on, trip.days.into(), holds)
        }))
    }

    /// Returns what was needed in the periods of the adjuster at `index` of the document, and of how many
    /// nobody tells the fact.
    pub(super) fn of_demand(&self, index: usize, told: Option<&Told>) -> (Vec<Case>, usize) {
        let mut known: BTreeMap<(NaiveDate, NaiveDate), Option<bool>> = BTreeMap::new();
        let series = self.series.get(index).map(Vec::as_slice).unwrap_or_default();
        let periods =
            (0..).zip(series).flat_map(|(group, of)| of.iter().map(move |one| (group, one)));
        cases(periods.map(|(group, period)| {
            let Observed { first_on, last_on, units } = *period;
            let holds = known
                .entry((first_on, last_on))
                .or_insert_with(|| told.and_then(|told| told.over(first_on, last_on)));
            (group, first_on, units.into(), *holds)
        }))
    }
}

impl<'s> Gatherer<'s> {
    /// Takes the days that shipments took on lanes of the document, if an adjuster asks for them: of those
    /// that name the lane, or whose ends only one lane has.
    pub(super) fn take_trips(&mut self, rows: &'s Rows) {
        if self.stocking.adjuster.iter().all(|adjuster| adjuster.lanes.is_empty()) {
            return;
        }
        let lanes = Lanes::of(self.stocking);
        // A shipment stands there once for each of its products.
        let mut found: BTreeSet<(NaiveDate, u32, u16, &str)> = BTreeSet::new();
        for row in &rows.shipments {
            let lane = lanes.find(row.lane.as_deref(), (&row.from, &row.to));
            let arrived_on = row.arrived_on.filter(|day| *day < self.today);
            let Some((lane, arrived_on)) = lane.zip(arrived_on) else { continue };
            let days = (arrived_on - row.shipped_on).num_days();
            let Some(days) = u16::try_from(days).ok().filter(|days| *days <= TRANSIT_DAYS_MAX)
            else {
                let key = format!("{}|{}", row.id, row.product);
                let message = format!("it took {days} days; correct them, nothing is learnt of it");
                self.report("shipment", &key, message);
                continue;
            };
            found.insert((row.shipped_on, lane, days, &row.id));
        }
        let trips =
            found.into_iter().map(|(shipped_on, lane, days, _)| Trip { shipped_on, lane, days });
        let mut trips = arrived(trips.collect(), self.today);
        trips.drain(..trips.len().saturating_sub(CASES_MAX));
        self.made.past.trips = trips;
    }

    /// Takes what was needed at the places of `drafts`, for each adjuster that asks for it: at the most as
    /// much as is judged, of places at even distances.
    pub(super) fn take_series(&mut self, drafts: &[((ItemIndex, PlaceIndex), Draft)]) {
        let series = self.stocking.adjuster.iter().map(|adjuster| {
            let Some(scope) = &adjuster.demand else { return Vec::new() };
            let (scope, _) = Scope::of(scope, &self.made.setting);
            let asked: Vec<&[Observed]> = drafts
                .iter()
                .filter(|((item, place), draft)| {
                    !draft.history.is_empty() && scope.has(*item, *place)
                })
                .map(|(_, draft)| &*draft.history)
                .collect();
            let periods: usize = asked.iter().map(|history| history.len()).sum();
            let step = periods.div_ceil(CASES_MAX).max(1);
            asked.into_iter().step_by(step).map(<[Observed]>::to_vec).collect()
        });
        self.made.past.series = series.collect();
    }
}

/// Returns `trips` without those of a lane's last days, of which only the fast ones have arrived yet.
fn arrived(mut trips: Vec<Trip>, today: NaiveDate) -> Vec<Trip> {
    let mut days: BTreeMap<u32, Vec<u16>> = BTreeMap::new();
    for trip in &trips {
        days.entry(trip.lane).or_default().push(trip.days);
    }
    let (part, whole) = ARRIVED;
    let until: BTreeMap<u32, NaiveDate> = days
        .into_iter()
        .filter_map(|(lane, mut days)| {
            days.sort_unstable();
            let most = days.get((days.len() * part).div_ceil(whole).checked_sub(1)?)?;
            Some((lane, today.checked_sub_days(Days::new((*most).into()))?))
        })
        .collect();
    trips.retain(|trip| until.get(&trip.lane).is_some_and(|until| trip.shipped_on < *until));
    trips
}

/// The lanes of a document, by their names and by their ends.
struct Lanes<'s> {
    by_id: BTreeMap<&'s str, u32>,
    /// None: more than one lane has them.
    by_ends: BTreeMap<(PlaceIndex, PlaceIndex), Option<u32>>,
    places: BTreeMap<&'s str, PlaceIndex>,
}

impl<'s> Lanes<'s> {
    fn of(stocking: &'s Stocking) -> Self {
        let places = places_by_name(stocking);
        let (mut by_id, mut by_ends) = (BTreeMap::new(), BTreeMap::new());
        for (index, lane) in (0..).zip(&stocking.lane) {
            by_id.insert(&*lane.id, index);
            if let Some((from, to)) = places.get(&*lane.from).zip(places.get(&*lane.to)) {
                let ends = by_ends.entry((*from, *to));
                ends.and_modify(|only| *only = None).or_insert(Some(index));
            }
        }
        Self { by_id, by_ends, places }
    }

    fn find(&self, lane: Option<&str>, (from, to): (&str, &str)) -> Option<u32> {
        if let Some(id) = lane {
            return self.by_id.get(id).copied();
        }
        let (from, to) = self.places.get(from).zip(self.places.get(to))?;
        self.by_ends.get(&(*from, *to)).copied().flatten()
    }
}
