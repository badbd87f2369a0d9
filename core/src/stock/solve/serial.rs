//! Stages in a row, each supplied by the one before: base stocks that are best together (Clark and
//! Scarf 1960, by the recursion of Chen and Zheng 1994).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::number::{Amount, Positive};
use super::{SolveError, normal};
use crate::forecast::distribution::Distribution;

/// The most stages.
const STAGES_MAX: usize = 50;
/// Points of the grid of levels at most.
const POINTS_MAX: f64 = 20_000.0;
/// Standard deviations that are reckoned with.
const DEVIATIONS: f64 = 8.0;

/// Stages in any order.
#[derive(Clone, Debug, Deserialize)]
pub struct Line {
    /// The stages.
    pub nodes: Vec<Stage>,
}

/// One stage.
#[derive(Clone, Debug, Deserialize)]
pub struct Stage {
    /// Its number.
    pub index: u32,
    /// What holding a unit costs here more than at the stage before, for the unit of time.
    pub echelon_holding_cost: Positive,
    /// How long it takes from the stage before.
    pub lead_time: Amount,
    /// What a missing unit costs for the unit of time; of the last stage.
    #[serde(default)]
    pub stockout_cost: Amount,
    /// What customers need in the unit of time; of the last stage.
    #[serde(default)]
    pub demand: Option<Demand>,
    /// The stage it supplies.
    #[serde(default)]
    pub successors: Vec<u32>,
}

/// What customers need in the unit of time.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "type")]
pub enum Demand {
    /// Normal.
    #[serde(rename = "N")]
    Normal {
        /// Mean.
        mean: Amount,
        /// Standard deviation.
        sd: Positive,
    },
    /// Counted, one by one.
    #[serde(rename = "P")]
    Poisson {
        /// Mean.
        mean: Positive,
    },
}

/// The best levels and their cost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Levels {
    /// What each stage should have, counting what is further down and on its way there.
    pub echelon_base_stock: BTreeMap<u32, f64>,
    /// Expected cost of the unit of time.
    pub cost: f64,
}

/// Evenly spaced levels.
#[derive(Clone, Copy, Debug)]
struct Grid {
    low: f64,
    step: f64,
    points: usize,
}

/// Returns the best levels.
pub fn solve(line: &Line) -> Result<Levels, SolveError> {
    let stages = in_order(line)?;
    let last = stages.first().ok_or_else(|| refuse("the line has no stages"))?;
    let demand = last.demand.ok_or_else(|| {
        refuse(&format!("stage {} is the last one; give it a demand", last.index))
    })?;
    let time: f64 = stages.iter().map(|stage| stage.lead_time.get()).sum();
    let grid = Grid::new(demand, time);
    let holding: f64 = stages.iter().map(|stage| stage.echelon_holding_cost.get()).sum();
    let missing = last.stockout_cost.get() + holding;

    // What the stages below cost at each level of this one.
    let mut below: Vec<f64> = grid.levels().map(|level| missing * (-level).max(0.0)).collect();
    let mut best = BTreeMap::new();
    let mut cost = 0.0;
    for stage in stages {
        let unit = stage.echelon_holding_cost.get();
        let own: Vec<f64> =
            grid.levels().zip(&below).map(|(level, below)| unit * level + below).collect();
        let masses = demand.masses(stage.lead_time.get(), grid.step)?;
        let spent = grid.expected(&own, &masses);
        let (place, lowest) = lowest(&spent);
        best.insert(stage.index, grid.low + grid.step * place as f64);
        cost = lowest;
        // Above its best level nothing is sent for.
        below = spent;
        for above in below.iter_mut().skip(place) {
            *above = lowest;
        }
    }
    Ok(Levels { echelon_base_stock: best, cost })
}

/// Returns the stages from the last one up.
fn in_order(line: &Line) -> Result<Vec<&Stage>, SolveError> {
    if STAGES_MAX < line.nodes.len() {
        return Err(refuse(&format!("{} stages; at most {STAGES_MAX}", line.nodes.len())));
    }
    let mut ends = line.nodes.iter().filter(|stage| stage.successors.is_empty());
    let end = match (ends.next(), ends.next()) {
        (Some(end), None) => end,
        (Some(_), Some(_)) => return Err(refuse("several stages supply none; a line has one end")),
        (None, _) => return Err(refuse("the stages supply each other in a cycle")),
    };
    let mut found = vec![end];
    while let Some(last) = found.last() {
        let mut suppliers =
            line.nodes.iter().filter(|stage| stage.successors.contains(&last.index));
        match (suppliers.next(), suppliers.next()) {
            (None, _) => break,
            (Some(one), None) if one.successors.len() == 1 && found.len() < line.nodes.len() => {
                found.push(one);
            }
            (Some(_), _) => {
                let text =
                    format!("the stages around {} are no line; let each supply one", last.index);
                return Err(refuse(&text));
            }
        }
    }
    if found.len() < line.nodes.len() {
        return Err(refuse("some stages do not lead to the last one"));
    }
    Ok(found)
}

fn refuse(text: &str) -> SolveError {
    SolveError::Network(text.into())
}

fn lowest(costs: &[f64]) -> (usize, f64) {
    let numbered = costs.iter().copied().enumerate();
    numbered.min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or_default()
}

impl Demand {
    /// Returns mean and standard deviation over `time`.
    fn spread(self, time: f64) -> (f64, f64) {
        match self {
            Self::Normal { mean, sd } => (mean.get() * time, sd.get() * time.sqrt()),
            Self::Poisson { mean } => (mean.get() * time, (mean.get() * time).sqrt()),
        }
    }

    /// Returns the probability of each number of steps over `time`, from the first number on.
    fn masses(self, time: f64, step: f64) -> Result<(i64, Vec<f64>), SolveError> {
        if time == 0.0 {
            return Ok((0, vec![1.0]));
        }
        let (mean, deviation) = self.spread(time);
        if let Self::Poisson { .. } = self {
            return Ok((0, Distribution::poisson(mean)?.masses().to_vec()));
        }
        let first = ((mean - DEVIATIONS * deviation) / step).floor() as i64;
        let last = ((mean + DEVIATIONS * deviation) / step).ceil() as i64;
        let below = |steps: f64| normal::at_most((steps * step - mean) / deviation);
        let masses = (first..=last).map(|n| below(n as f64 + 0.5) - below(n as f64 - 0.5));
        Ok((first, masses.collect()))
    }
}

impl Grid {
    /// Returns levels wide enough for all that happens over `time`.
    fn new(demand: Demand, time: f64) -> Self {
        let (mean, deviation) = demand.spread(time);
        let reach = (mean + DEVIATIONS * deviation).ceil() + 1.0;
        let step = match demand {
            Demand::Normal { .. } => (deviation / 100.0).max(2.0 * reach / POINTS_MAX),
            Demand::Poisson { .. } => 1.0,
        };
        let half = (reach / step).ceil();
        let points = (2.0 * half) as i64 + 1;
        Self { low: -half * step, step, points: usize::try_from(points).unwrap_or_default() }
    }

    fn levels(self) -> impl Iterator<Item = f64> {
        (0..self.points).map(move |place| self.low + self.step * place as f64)
    }

    /// Returns the expected cost at each level less the demand. Costs are straight below the grid.
    fn expected(self, costs: &[f64], (first, masses): &(i64, Vec<f64>)) -> Vec<f64> {
        let [lowest, next] = [0, 1].map(|place| costs.get(place).copied().unwrap_or_default());
        let slope = next - lowest;
        let at = |place: i64| match usize::try_from(place) {
            Ok(place) => costs.get(place).or(costs.last()).copied().unwrap_or_default(),
            Err(_) => lowest + slope * place as f64,
        };
        let expect = |place: i64| -> f64 {
            masses.iter().zip(*first..).map(|(mass, less)| mass * at(place - less)).sum()
        };
        (0_i64..).take(self.points).map(expect).collect()
    }
}
