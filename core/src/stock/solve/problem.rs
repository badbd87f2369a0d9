//! Instances as documents: a kind, its input, and what is expected if that is known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::finite_horizon::{self, Horizon};
use super::guaranteed_service::{self, Network};
use super::metric::{self, Depot};
use super::newsvendor::{self, Costs, Disrupted, LogNormal, Normal, Priced, Shutdown};
use super::number::{Amount, Positive, Share};
use super::order_quantity::{self, Even, EvenDisrupted};
use super::order_up_to::{self, Counted, Spread};
use super::reorder_lot;
use super::serial::{self, Line};
use super::{SolveError, reorder_lot::Problem as Reorder};
use crate::forecast::distribution::{Distribution, DistributionError, UNITS_MAX};
use crate::forecast::pipeline::{self, Prospect};

/// How far a result may be from what is expected, as a part of it, where a case does not say.
const TOLERANCE: f64 = 1e-4;

/// A kind of instance with its input.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", content = "input")]
pub enum Problem {
    /// The economic order quantity.
    #[serde(rename = "eoq")]
    Even(Even),
    /// The same where the supplier fails at times.
    #[serde(rename = "eoq_with_disruptions")]
    EvenDisrupted(EvenDisrupted),
    /// One period of normal demand, or base stock over a lead time.
    #[serde(rename = "newsvendor_normal", alias = "base_stock_normal")]
    Normal(Normal),
    /// One period of normal demand by its prices.
    #[serde(rename = "newsvendor_normal_explicit")]
    Priced(Priced),
    /// One period of Poisson demand.
    #[serde(rename = "newsvendor_poisson")]
    Poisson(Poisson),
    /// One period of any counted demand.
    #[serde(rename = "newsvendor_discrete")]
    Discrete(Discrete),
    /// One period of log-normal demand.
    #[serde(rename = "newsvendor_lognormal")]
    LogNormal(LogNormal),
    /// Best s and S.
    #[serde(rename = "s_S_poisson_exact")]
    OrderUpTo(Counted),
    /// Nearly best s and S.
    #[serde(rename = "s_S_power_approximation")]
    OrderUpToNearly(Spread),
    /// Nearly best r and Q.
    #[serde(rename = "r_Q_eil")]
    ReorderNormal(Reorder),
    /// Best r and Q.
    #[serde(rename = "r_Q_poisson_exact")]
    ReorderCounted(Reorder),
    /// Base stock where the supplier fails at times.
    #[serde(rename = "base_stock_with_supply_disruptions")]
    Disrupted(Disrupted),
    /// Periods with an end.
    #[serde(rename = "finite_horizon_dp")]
    Horizon(Horizon),
    /// Stages in a row.
    #[serde(rename = "serial_stochastic_service")]
    Serial(Line),
    /// A tree of promises.
    #[serde(rename = "guaranteed_service_tree")]
    GuaranteedService(Network),
    /// A depot and its bases.
    #[serde(rename = "metric_two_echelon")]
    Metric(Depot),
    /// Base stock before closed weeks.
    #[serde(rename = "base_stock_across_shutdown")]
    Shutdown(Shutdown),
    /// Stock for deals.
    #[serde(rename = "poisson_binomial_newsvendor")]
    Deals(Deals),
    /// Deals on top of Poisson demand.
    #[serde(rename = "poisson_binomial_plus_poisson")]
    DealsAndBase(DealsAndBase),
}

/// One period of Poisson demand.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Poisson {
    /// What a unit too many or too few costs.
    #[serde(flatten)]
    pub costs: Costs,
    /// Mean.
    pub demand_mean: Amount,
}

/// One period of any counted demand.
#[derive(Clone, Debug, Deserialize)]
pub struct Discrete {
    /// What a unit too many or too few costs.
    #[serde(flatten)]
    pub costs: Costs,
    /// The probability of each number of units.
    pub demand_pmf: BTreeMap<String, Share>,
}

/// Open deals: the probability of each, and its units.
#[derive(Clone, Debug, Deserialize)]
pub struct Deals {
    /// The deals.
    pub deals: Vec<(f64, u32)>,
    /// The probability with which stock should be enough.
    pub service: Share,
}

/// Open deals on top of Poisson demand.
#[derive(Clone, Debug, Deserialize)]
pub struct DealsAndBase {
    /// The deals.
    pub deals: Vec<(f64, u32)>,
    /// Mean of the other demand.
    pub base_mean: Amount,
}

/// What deals need.
#[derive(Clone, Copy, Debug, Serialize)]
struct Need {
    mean: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sd: Option<f64>,
    q50: usize,
    q90: usize,
    q95: usize,
    #[serde(flatten)]
    cover: Option<Stocked>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Stocked {
    stock: usize,
    prob_cover: f64,
    expected_short: f64,
}

/// An instance that may say what is expected.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// Its name.
    #[serde(default)]
    pub id: String,
    /// What is to be solved.
    #[serde(flatten)]
    pub problem: Problem,
    /// The numbers of the solution, if they are known.
    #[serde(default)]
    pub expected: Option<Value>,
    /// How far a number may be from the expected one, as a part of it.
    #[serde(default)]
    pub tolerance_rel: Option<Positive>,
}

impl Problem {
    /// Returns the solution, an object of numbers by their names.
    pub fn solve(&self) -> Result<Value, SolveError> {
        match self {
            Self::Even(problem) => Ok(value(order_quantity::economic(problem))),
            Self::EvenDisrupted(problem) => Ok(value(order_quantity::disrupted(problem))),
            Self::Normal(problem) => Ok(value(newsvendor::normal(problem))),
            Self::Priced(problem) => newsvendor::priced(problem).map(value),
            Self::Poisson(problem) => {
                let demand = Distribution::poisson(problem.demand_mean.get())?;
                Ok(value(newsvendor::counted(problem.costs, demand)))
            }
            Self::Discrete(problem) => {
                let demand = of_shares(&problem.demand_pmf)?;
                Ok(value(newsvendor::counted(problem.costs, demand)))
            }
            Self::LogNormal(problem) => newsvendor::log_normal(problem).map(value),
            Self::OrderUpTo(problem) => order_up_to::exact(problem).map(value),
            Self::OrderUpToNearly(problem) => Ok(value(order_up_to::approximate(problem))),
            Self::ReorderNormal(problem) => reorder_lot::normal(problem).map(value),
            Self::ReorderCounted(problem) => reorder_lot::counted(problem).map(value),
            Self::Disrupted(problem) => newsvendor::disrupted(problem).map(value),
            Self::Horizon(problem) => finite_horizon::plan(problem).map(value),
            Self::Serial(line) => serial::solve(line).map(value),
            Self::GuaranteedService(network) => guaranteed_service::solve(network).map(value),
            Self::Metric(depot) => metric::backorders(depot).map(value),
            Self::Shutdown(problem) => newsvendor::across_shutdown(problem).map(value),
            Self::Deals(problem) => problem.need().map(value),
            Self::DealsAndBase(problem) => problem.need().map(value),
        }
    }
}

/// Returns a solution as an object. They hold numbers and texts only, which always are one.
fn value(solution: impl Serialize) -> Value {
    serde_json::to_value(solution).unwrap_or_default()
}

fn of_shares(shares: &BTreeMap<String, Share>) -> Result<Distribution, SolveError> {
    let mut masses = Vec::new();
    for (units, share) in shares {
        let units: usize = units
            .parse()
            .map_err(|_| SolveError::Costs("the keys of demand_pmf have to be whole units"))?;
        if UNITS_MAX < units {
            return Err(DistributionError::TooManyUnits.into());
        }
        if masses.len() <= units {
            masses.resize(units + 1, 0.0);
        }
        if let Some(mass) = masses.get_mut(units) {
            *mass += share.get();
        }
    }
    if 1e-6 < (masses.iter().sum::<f64>() - 1.0).abs() {
        return Err(SolveError::Costs("the shares of demand_pmf have to add up to 1"));
    }
    Ok(Distribution::of_masses(masses))
}

fn of_deals(deals: &[(f64, u32)]) -> Result<Distribution, SolveError> {
    let prospects = deals.iter().map(|(probability, units)| Prospect::new(*probability, *units));
    Ok(pipeline::independent(&prospects.collect::<Result<Vec<_>, _>>()?)?)
}

impl Need {
    fn of(demand: &Distribution) -> Self {
        let [q50, q90, q95] = [0.5, 0.9, 0.95].map(|level| demand.quantile(level));
        Self { mean: demand.mean(), sd: None, q50, q90, q95, cover: None }
    }
}

impl Deals {
    fn need(&self) -> Result<Need, SolveError> {
        let demand = of_deals(&self.deals)?;
        let stock = demand.quantile(self.service.get());
        let cover = Stocked {
            stock,
            prob_cover: demand.at_most(stock),
            expected_short: demand.expected_short(stock),
        };
        Ok(Need { sd: Some(demand.variance().sqrt()), cover: Some(cover), ..Need::of(&demand) })
    }
}

impl DealsAndBase {
    fn need(&self) -> Result<Need, SolveError> {
        let base = Distribution::poisson(self.base_mean.get())?;
        Ok(Need::of(&of_deals(&self.deals)?.plus(&base)?))
    }
}

impl Case {
    /// Returns the numbers of `found` that are not those expected, each with its name; `None` if
    /// nothing is expected.
    pub fn deviations(&self, found: &Value) -> Option<Vec<String>> {
        let mut deviations = Vec::new();
        let tolerance = self.tolerance_rel.map_or(TOLERANCE, Positive::get);
        compare("", self.expected.as_ref()?, found, tolerance, &mut deviations);
        Some(deviations)
    }
}

fn compare(name: &str, expected: &Value, found: &Value, tolerance: f64, into: &mut Vec<String>) {
    let is_equal = match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, expected) in expected {
                let name = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                compare(&name, expected, found.get(key).unwrap_or(&Value::Null), tolerance, into);
            }
            true
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (place, (expected, found)) in expected.iter().zip(found).enumerate() {
                compare(&format!("{name}[{place}]"), expected, found, tolerance, into);
            }
            true
        }
        (Value::Number(expected), Value::Number(found)) => {
            let numbers = expected.as_f64().zip(found.as_f64());
            // Zero has no part; what is left there is rounding.
            numbers.is_some_and(|(e, f)| (f - e).abs() <= tolerance * e.abs() + 1e-9)
        }
        (expected, found) => expected == found,
    };
    if !is_equal {
        into.push(format!("{name} is {found}, expected {expected}"));
    }
}
