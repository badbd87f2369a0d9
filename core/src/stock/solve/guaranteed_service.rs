//! Safety stock in a tree of stages that promise each other service times (Graves and Willems 2000).
//!
//! A stage holds stock for the time between its suppliers' promise plus its own processing and its own
//! promise. The promises that make all stock cheapest are found from the leaves to a root.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::SolveError;
use super::number::Amount;

/// The most stages.
const STAGES_MAX: usize = 100;
/// The longest service time, in periods.
const PERIODS_MAX: u32 = 200;

/// Stages in any order.
#[derive(Clone, Debug, Deserialize)]
pub struct Network {
    /// The stages.
    pub nodes: Vec<Stage>,
}

/// One stage.
#[derive(Clone, Debug, Deserialize)]
pub struct Stage {
    /// Its number.
    pub index: u32,
    /// Whole periods it works on a unit.
    pub processing_time: u32,
    /// What holding a unit costs.
    pub holding_cost: Amount,
    /// The service time its supplier outside the network promises.
    pub external_inbound_cst: u32,
    /// The service time that its customers outside accept; anything huge: it has none.
    pub external_outbound_cst: f64,
    /// For how many standard deviations of demand stock is held.
    pub demand_bound_constant: Amount,
    /// Standard deviation of what its customers outside need in a period.
    pub demand_sd: Option<Amount>,
    /// The stages it supplies.
    #[serde(default)]
    pub successors: Vec<u32>,
}

/// The best promises and what the stock for them costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Promises {
    /// What each stage promises, in periods.
    pub committed_service_times: BTreeMap<u32, f64>,
    /// Cost of all safety stock.
    pub cost: f64,
}

/// Returns the best promises.
pub fn solve(network: &Network) -> Result<Promises, SolveError> {
    let tree = Tree::new(network)?;
    let root = network.nodes.first().ok_or_else(|| refuse("the network has no stages"))?.index;
    let table = tree.table(root, None);
    let (best, cost) = table.best(|_| true).ok_or_else(|| no_promise(root))?;
    let mut promises = BTreeMap::new();
    table.promise(best, &mut promises);
    Ok(Promises { committed_service_times: promises, cost })
}

fn refuse(text: &str) -> SolveError {
    SolveError::Network(text.into())
}

fn no_promise(index: u32) -> SolveError {
    refuse(&format!("stage {index} has no promise that its neighbours can keep"))
}

/// What a stage promises, and what it is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Times {
    outbound: u32,
    inbound: u32,
}

struct Tree<'n> {
    stages: BTreeMap<u32, &'n Stage>,
    suppliers: BTreeMap<u32, Vec<u32>>,
    deviations: BTreeMap<u32, f64>,
    longest: BTreeMap<u32, u32>,
}

/// The cheapest cost of a stage and all behind it, for each pair of times.
struct Table {
    index: u32,
    costs: BTreeMap<Times, f64>,
    behind: Vec<(Side, Self)>,
}

/// Where a neighbour stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Supplier,
    Customer,
}

impl Side {
    /// Returns whether a neighbour's `times` fit to those of the stage it is beside.
    fn fits(self, times: Times, beside: Times) -> bool {
        match self {
            Self::Supplier => times.outbound <= beside.inbound,
            Self::Customer => beside.outbound <= times.inbound,
        }
    }
}

impl Table {
    /// Adds the promise of `best` and those behind it that fit to it.
    fn promise(&self, best: Times, promises: &mut BTreeMap<u32, f64>) {
        promises.insert(self.index, f64::from(best.outbound));
        for (side, behind) in &self.behind {
            if let Some((times, _)) = behind.best(|times| side.fits(times, best)) {
                behind.promise(times, promises);
            }
        }
    }

    fn best(&self, fits: impl Fn(Times) -> bool) -> Option<(Times, f64)> {
        let fitting = self.costs.iter().filter(|(times, _)| fits(**times));
        fitting.map(|(times, cost)| (*times, *cost)).min_by(|a, b| a.1.total_cmp(&b.1))
    }
}

impl<'n> Tree<'n> {
    fn new(network: &'n Network) -> Result<Self, SolveError> {
        if STAGES_MAX < network.nodes.len() {
            return Err(refuse(&format!("{} stages; at most {STAGES_MAX}", network.nodes.len())));
        }
        let mut tree = Self {
            stages: network.nodes.iter().map(|stage| (stage.index, stage)).collect(),
            suppliers: BTreeMap::new(),
            deviations: BTreeMap::new(),
            longest: BTreeMap::new(),
        };
        if tree.stages.len() < network.nodes.len() {
            return Err(refuse("two stages have the same index"));
        }
        for stage in &network.nodes {
            for customer in &stage.successors {
                if !tree.stages.contains_key(customer) {
                    let text = format!("stage {} supplies {customer}, which is none", stage.index);
                    return Err(refuse(&text));
                }
                tree.suppliers.entry(*customer).or_default().push(stage.index);
            }
        }
        tree.require_tree(network)?;
        for stage in &network.nodes {
            tree.deviation(stage);
            let longest = tree.longest(stage);
            if PERIODS_MAX < longest {
                let text =
                    format!("stage {} takes {longest} periods; at most {PERIODS_MAX}", stage.index);
                return Err(refuse(&text));
            }
        }
        Ok(tree)
    }

    fn require_tree(&self, network: &Network) -> Result<(), SolveError> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<(u32, Option<u32>)> =
            network.nodes.first().map(|stage| (stage.index, None)).into_iter().collect();
        while let Some((index, from)) = open.pop() {
            if !reached.insert(index) {
                return Err(refuse(&format!(
                    "stage {index} is reached in two ways: the network has a cycle; it has to be a tree"
                )));
            }
            let others = self.neighbours(index).into_iter().map(|(_, other)| other);
            let mut others: Vec<u32> = others.collect();
            if let Some(back) = others.iter().position(|other| Some(*other) == from) {
                others.swap_remove(back);
            }
            open.extend(others.into_iter().map(|other| (other, Some(index))));
        }
        match self.stages.keys().find(|index| !reached.contains(index)) {
            Some(apart) => {
                Err(refuse(&format!("stage {apart} is connected to none of the others")))
            }
            None => Ok(()),
        }
    }

    fn neighbours(&self, index: u32) -> Vec<(Side, u32)> {
        let suppliers = self.suppliers.get(&index).into_iter().flatten();
        let customers = self.stages.get(&index).into_iter().flat_map(|stage| &stage.successors);
        let suppliers = suppliers.map(|other| (Side::Supplier, *other));
        suppliers.chain(customers.map(|other| (Side::Customer, *other))).collect()
    }

    /// Returns the standard deviation of all that a stage supplies, its customers' pooled.
    fn deviation(&mut self, stage: &Stage) -> f64 {
        if let Some(known) = self.deviations.get(&stage.index) {
            return *known;
        }
        let customers: Vec<&Stage> =
            stage.successors.iter().filter_map(|index| self.stages.get(index).copied()).collect();
        let own = stage.demand_sd.map_or(0.0, Amount::get);
        let variance: f64 = customers.into_iter().map(|other| self.deviation(other).powi(2)).sum();
        let found = (own * own + variance).sqrt();
        self.deviations.insert(stage.index, found);
        found
    }

    /// Returns the longest time that a stage ever has to promise.
    fn longest(&mut self, stage: &Stage) -> u32 {
        if let Some(known) = self.longest.get(&stage.index) {
            return *known;
        }
        let suppliers = self.suppliers.get(&stage.index).cloned().unwrap_or_default();
        let suppliers: Vec<&Stage> =
            suppliers.iter().filter_map(|index| self.stages.get(index).copied()).collect();
        let waits = suppliers.into_iter().map(|other| self.longest(other)).max();
        let inbound = waits.unwrap_or_default().max(stage.external_inbound_cst);
        let found = inbound.saturating_add(stage.processing_time);
        self.longest.insert(stage.index, found);
        found
    }

    fn table(&self, index: u32, from: Option<u32>) -> Table {
        let neighbours = self.neighbours(index).into_iter();
        let others = neighbours.filter(|(_, other)| Some(*other) != from);
        let behind: Vec<(Side, Table)> =
            others.map(|(side, other)| (side, self.table(other, Some(index)))).collect();
        let longest = self.longest.get(&index).copied().unwrap_or_default();
        let suppliers = cheapest(&behind, Side::Supplier, longest);
        let customers = cheapest(&behind, Side::Customer, longest);
        let mut costs = BTreeMap::new();
        for times in self.times(index) {
            let places = [(&suppliers, times.inbound), (&customers, times.outbound)];
            let around = places.map(|(costs, time)| {
                usize::try_from(time).ok().and_then(|place| costs.get(place)).copied()
            });
            let cost = self.cost(index, times) + around.into_iter().flatten().sum::<f64>();
            if cost.is_finite() {
                costs.insert(times, cost);
            }
        }
        Table { index, costs, behind }
    }

    /// Returns all pairs of times a stage may have.
    fn times(&self, index: u32) -> Vec<Times> {
        let Some(stage) = self.stages.get(&index) else { return Vec::new() };
        let longest = self.longest.get(&index).copied().unwrap_or_default();
        let accepted =
            (0..=longest).take_while(|time| f64::from(*time) <= stage.external_outbound_cst);
        let inbounds = stage.external_inbound_cst..=longest - stage.processing_time;
        let pairs = accepted
            .flat_map(|outbound| inbounds.clone().map(move |inbound| Times { outbound, inbound }));
        pairs.filter(|times| times.outbound <= times.inbound + stage.processing_time).collect()
    }

    /// Returns what the stage's own stock costs.
    fn cost(&self, index: u32, times: Times) -> f64 {
        let Some(stage) = self.stages.get(&index) else { return 0.0 };
        let deviation = self.deviations.get(&index).copied().unwrap_or_default();
        let covered = f64::from(times.inbound + stage.processing_time - times.outbound);
        let bound = stage.demand_bound_constant.get() * deviation * covered.sqrt();
        stage.holding_cost.get() * bound
    }
}

/// Returns what all neighbours on one side cost at least, for each time up to `longest` that a stage
/// promises (to customers) or is promised (by suppliers).
fn cheapest(behind: &[(Side, Table)], side: Side, longest: u32) -> Vec<f64> {
    let mut sums: Vec<f64> = (0..=longest).map(|_| 0.0).collect();
    for (_, table) in behind.iter().filter(|(found, _)| *found == side) {
        let mut costs: Vec<f64> = sums.iter().map(|_| f64::INFINITY).collect();
        for (times, cost) in &table.costs {
            // A supplier may promise less than we plan with; a customer may plan with more.
            let time = match side {
                Side::Supplier => times.outbound,
                Side::Customer => times.inbound.min(longest),
            };
            if let Some(known) = usize::try_from(time).ok().and_then(|time| costs.get_mut(time)) {
                *known = known.min(*cost);
            }
        }
        let mut lowest = f64::INFINITY;
        let mut lower = |cost: &mut f64| {
            lowest = lowest.min(*cost);
            *cost = lowest;
        };
        match side {
            Side::Supplier => costs.iter_mut().for_each(&mut lower),
            Side::Customer => costs.iter_mut().rev().for_each(&mut lower),
        }
        for (sum, cost) in sums.iter_mut().zip(costs) {
            *sum += cost;
        }
    }
    sums
}
