//! Levels that a depot and its bases keep together, and order up to at once.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::Timetable;
use super::advice::Note;
use super::need::Context;
use super::outcome::expectation;
use super::outlook::Outlook;
use super::setting::{ItemIndex, PlaceIndex, PlaceKind, Position};
use crate::forecast::pipeline::PipelineError;
use crate::stock::solve::guaranteed_service::{self, Stage};
use crate::stock::solve::{SolveError, metric, normal};

/// A depot and the bases it supplies, whose levels of some items are found together.
#[derive(Clone, Debug)]
pub struct Network {
    /// Its name.
    pub id: Box<str>,
    /// Who supplies the bases.
    pub depot: PlaceIndex,
    /// The bases.
    pub bases: Vec<PlaceIndex>,
    /// The items, in order.
    pub items: Vec<ItemIndex>,
    /// By what its levels are found.
    pub goal: Goal,
}

/// What the levels of a network are to reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// The fewest units with which at most so many are missing at all bases on average (METRIC).
    Missing(f64),
    /// The cheapest stock where each place keeps its promise (guaranteed service).
    Promise {
        /// The probability with which stock covers the days that a promise leaves; above 0 and below 1.
        level: f64,
        /// What a unit on the depot's shelf costs, in whatever unit; above 0.
        depot_cost: f64,
        /// What a unit on a base's shelf costs, in the same unit; above 0.
        base_cost: f64,
    },
}

/// What a place keeps of an item: on hand and on order, without what is promised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    pub(super) units: u32,
    /// The place of its network in the setting.
    pub(super) network: usize,
    /// Whether it is there for other places.
    pub(super) is_depot: bool,
    pub(super) reached: Reached,
}

/// What a network's levels come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reached {
    /// So many units are missing at all bases on average.
    Missing(Decimal),
    /// The depot has a unit ready within so many days.
    Promise(u32),
}

/// The levels of an item by place.
#[derive(Debug, Default)]
pub(super) struct Levels {
    found: BTreeMap<PlaceIndex, Level>,
    /// Why places of networks have none.
    missing: BTreeMap<PlaceIndex, Note>,
}

impl Levels {
    /// Finds those of the item whose positions these are. Of a place in two networks the first counts.
    pub(super) fn of(context: Context<'_>, positions: &[Position]) -> Self {
        let mut levels = Self::default();
        let Some(item) = positions.first().map(|position| position.item) else { return levels };
        for (index, network) in context.setting.networks.iter().enumerate() {
            if network.items.binary_search(&item).is_err() {
                continue;
            }
            let reckoned = Reckoned::of(context, network, positions);
            match reckoned.and_then(|one| one.levels(network.goal)) {
                Ok(found) => levels.add((index, network), found),
                Err(error) => {
                    let (network_id, why) = (network.id.clone(), error.to_string().into());
                    let note = Note::NoLevels { network: network_id, why };
                    for place in network.bases.iter().chain([&network.depot]) {
                        levels.missing.entry(*place).or_insert_with(|| note.clone());
                    }
                }
            }
        }
        levels
    }

    fn add(&mut self, (index, network): (usize, &Network), found: Found) {
        let Found { depot, bases, reached } = found;
        let of_bases = network.bases.iter().zip(bases).map(|(place, units)| (*place, units, false));
        for (place, units, is_depot) in of_bases.chain([(network.depot, depot, true)]) {
            let level = Level { units, network: index, is_depot, reached };
            self.found.entry(place).or_insert(level);
        }
    }

    /// Returns what `place` keeps.
    pub(super) fn at(&self, place: PlaceIndex) -> Option<Level> {
        self.found.get(&place).copied()
    }

    /// Returns why `place` keeps nothing for the network it is of.
    pub(super) fn missing_at(&self, place: PlaceIndex) -> Option<&Note> {
        self.missing.get(&place).filter(|_| !self.found.contains_key(&place))
    }

    /// Returns whether `place` keeps for others of its network what `to` needs.
    pub(super) fn is_kept_for(&self, place: PlaceIndex, to: PlaceIndex) -> bool {
        let network = |place: PlaceIndex| self.at(place).map(|level| level.network);
        let is_depot = self.at(place).is_some_and(|level| level.is_depot);
        is_depot && network(place) == network(to)
    }
}

impl Level {
    /// Returns the units beside the level that are needed with probability `level` at a place with this
    /// `outlook` before `until`: at a base what deals add, since its own demand is in the level; at a depot
    /// all that is needed there, since its level is for others.
    pub(super) fn beside(
        self,
        outlook: &Outlook<'_>,
        until: NaiveDate,
        level: f64,
    ) -> Result<i64, PipelineError> {
        let units = if !self.is_depot {
            outlook.deals_add(until, level)?
        } else if outlook.is_nothing() {
            0
        } else {
            outlook.demand(until)?.quantile(level)
        };
        Ok(i64::try_from(units).unwrap_or(i64::MAX))
    }
}

/// Why a network has no levels of an item.
#[derive(Debug, thiserror::Error)]
enum LevelError {
    #[error("no lane that runs leads to {0}")]
    NoWay(Box<str>),
    #[error(transparent)]
    Solve(#[from] SolveError),
}

/// Returns the depot of the network for which `place` keeps a level, if it does not for others itself.
pub(super) fn depot_of(
    context: Context<'_>,
    levels: &Levels,
    place: PlaceIndex,
) -> Option<PlaceIndex> {
    let level = levels.at(place).filter(|level| !level.is_depot)?;
    context.setting.networks.get(level.network).map(|network| network.depot)
}

/// Returns the positions of depots: one that another depot supplies comes before it.
pub(super) fn depots<'s>(
    context: Context<'_>,
    positions: &'s [Position],
    levels: &Levels,
) -> Vec<&'s Position> {
    let is_depot = |place: PlaceIndex| levels.at(place).is_some_and(|level| level.is_depot);
    let is_supplied = |place: PlaceIndex| {
        let lanes = usize::try_from(place.0).ok().and_then(|place| context.lanes_to.get(place));
        let mut from = lanes.into_iter().flatten().filter_map(|lane| context.setting.lane(*lane));
        from.any(|lane| is_depot(lane.from))
    };
    let mut depots: Vec<&Position> =
        positions.iter().filter(|position| is_depot(position.place)).collect();
    depots.sort_by_key(|position| !is_supplied(position.place));
    depots
}

/// A network with what is needed of an item, and how long it takes.
#[derive(Debug)]
struct Reckoned {
    depot_days: f64,
    bases: Vec<metric::Base>,
}

/// Levels of a depot and its bases.
#[derive(Debug)]
struct Found {
    depot: u32,
    bases: Vec<u32>,
    reached: Reached,
}

impl Reckoned {
    fn of(
        context: Context<'_>,
        network: &Network,
        positions: &[Position],
    ) -> Result<Self, LevelError> {
        let no_way = |place: PlaceIndex| {
            let name = context.setting.place(place).map(|place| place.id.clone());
            LevelError::NoWay(name.unwrap_or_default())
        };
        let lead = |to: PlaceIndex, is_from: &dyn Fn(PlaceIndex) -> bool| {
            let lanes = context.lanes_to.get(usize::try_from(to.0).ok()?)?;
            let mut known = lanes.iter().filter_map(|lane| {
                is_from(context.setting.lane(*lane)?.from).then(|| context.timetable(*lane))?
            });
            let days = known.find_map(|timetable| timetable.mean_days(context))?;
            // A decision waits for its day.
            let review = context.setting.place(to)?.review_days.max(1);
            Some(days + f64::from(review - 1) / 2.0)
        };
        let is_supplier = |from: PlaceIndex| {
            context.setting.place(from).is_some_and(|place| place.kind == PlaceKind::Supplier)
        };
        let depot_days = lead(network.depot, &is_supplier).ok_or_else(|| no_way(network.depot))?;
        let base = |place: &PlaceIndex| {
            let found = positions.binary_search_by_key(place, |position| position.place);
            let position = found.ok().and_then(|found| positions.get(found));
            let (per_day, spread) = position.map_or((0.0, 1.0), daily);
            let days = lead(*place, &|from| from == network.depot);
            Ok(metric::Base { per_day, spread, days: days.ok_or_else(|| no_way(*place))? })
        };
        let bases = network.bases.iter().map(base).collect::<Result<_, LevelError>>()?;
        Ok(Self { depot_days, bases })
    }

    fn levels(&self, goal: Goal) -> Result<Found, LevelError> {
        Ok(match goal {
            Goal::Missing(missing_max) => self.fewest(missing_max)?,
            Goal::Promise { level, depot_cost, base_cost } => {
                self.promised(level, (depot_cost, base_cost))?
            }
        })
    }

    fn fewest(&self, missing_max: f64) -> Result<Found, SolveError> {
        let found = metric::cheapest(self.depot_days, &self.bases, missing_max)?;
        let units = |units: usize| u32::try_from(units).unwrap_or(u32::MAX);
        Ok(Found {
            depot: units(found.depot),
            bases: found.bases.into_iter().map(units).collect(),
            reached: Reached::Missing(expectation(found.missing)),
        })
    }

    /// Finds promises in whole days, rounded up; stock covers the days that they leave open.
    fn promised(
        &self,
        level: f64,
        (depot_cost, base_cost): (f64, f64),
    ) -> Result<Found, SolveError> {
        const DEPOT: u32 = 0;
        let z = normal::quantile(level).max(0.0);
        let deviation = |base: &metric::Base| (base.per_day * base.spread).sqrt();
        let amount = |number: f64| number.try_into().map_err(|_| SolveError::TooFar);
        let indices = || 1_u32..;
        let mut nodes = vec![Stage {
            index: DEPOT,
            processing_time: ceiling(self.depot_days),
            holding_cost: amount(depot_cost)?,
            external_inbound_cst: 0,
            external_outbound_cst: f64::INFINITY,
            demand_bound_constant: amount(z)?,
            demand_sd: None,
            successors: indices().take(self.bases.len()).collect(),
        }];
        for (index, base) in indices().zip(&self.bases) {
            nodes.push(Stage {
                index,
                processing_time: ceiling(base.days),
                holding_cost: amount(base_cost)?,
                external_inbound_cst: 0,
                external_outbound_cst: 0.0,
                demand_bound_constant: amount(z)?,
                demand_sd: Some(amount(deviation(base))?),
                successors: Vec::new(),
            });
        }
        let promises = guaranteed_service::solve(&guaranteed_service::Network { nodes })?;
        let promise = promises.committed_service_times.get(&DEPOT).copied().unwrap_or_default();
        let cover = |days: f64, per_day: f64, deviation: f64| {
            ceiling(per_day * days + z * deviation * days.sqrt())
        };
        let rate = self.bases.iter().map(|base| base.per_day).sum();
        let variance: f64 = self.bases.iter().map(|base| base.per_day * base.spread).sum();
        let of_base =
            |base: &metric::Base| cover(promise + base.days.ceil(), base.per_day, deviation(base));
        Ok(Found {
            depot: cover(self.depot_days.ceil() - promise, rate, variance.sqrt()),
            bases: self.bases.iter().map(of_base).collect(),
            reached: Reached::Promise(ceiling(promise)),
        })
    }
}

impl Timetable {
    /// Returns how many days pass on average from a day of the plan to the arrival of what is sent on it
    /// or as soon after it as the lane runs.
    fn mean_days(&self, context: Context<'_>) -> Option<f64> {
        let (first_on, last_on) = (context.period.first_on(), context.period.last_on());
        let (mut days, mut waits) = (0.0, 0.0);
        let mut voyages = self.voyages.iter().peekable();
        for day in first_on.iter_days().take_while(|day| *day <= last_on) {
            while voyages.next_if(|voyage| voyage.ship_on < day).is_some() {}
            let arrive_on = voyages.peek().map(|voyage| voyage.arrive_on);
            let Some(arrive_on) = arrive_on else { break };
            waits += between(day, arrive_on);
            days += 1.0;
        }
        (0.0 < days).then(|| waits / days)
    }
}

fn between(from: NaiveDate, until: NaiveDate) -> f64 {
    (until - from).num_days().max(0) as f64
}

/// Returns what is needed of a position in a day apart from deals, and how much more than Poisson it varies.
fn daily(position: &Position) -> (f64, f64) {
    let base = &position.base;
    let failures = position.failures.as_ref().map_or(0.0, |failures| failures.per_day());
    let per_day = base.per_day + failures;
    if per_day <= 0.0 {
        return (0.0, 1.0);
    }
    (per_day, base.per_day.mul_add(base.spread, failures) / per_day)
}

/// Returns the least whole number that is not below `number`; 0 where that is negative.
#[expect(clippy::cast_sign_loss, reason = "it is not below 0")]
fn ceiling(number: f64) -> u32 {
    number.ceil().max(0.0) as u32
}
