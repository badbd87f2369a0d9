//! The methods side by side, at the end of each series and one horizon earlier.

use super::boosted::{self, Boosted};
use super::compound::Sizes;
use super::gamma_poisson::{Pool, State};
use super::neighbours::{Case, Neighbours};
use super::{Outlook, Settings, smoothing};

/// Origins of cases, half a horizon from each other, that are looked back to.
const ORIGINS: usize = 8;

/// Periods that a case or a trial needs before it.
const PERIODS_MIN: usize = 8;

/// Cases that are kept, evenly from all series.
const CASES_MAX: usize = 20_000;

/// How many methods give quantiles, and how many a mean.
pub(super) const METHODS: usize = 4;
pub(super) const MEANS: usize = 4;

/// What all methods say at one origin of a series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opinions {
    pub(super) outlooks: [Outlook; METHODS],
    /// Means of a period.
    pub(super) means: [f64; MEANS],
}

/// What they say now, and what they would have said one horizon ago, if there was enough to say it.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) now: Opinions,
    pub(super) then: Option<Opinions>,
    /// How many earlier windows of the series others can be compared with.
    pub(super) windows: usize,
}

/// What was learnt of earlier windows of all series, up to one origin.
struct Pooled<'h> {
    neighbours: Option<Neighbours<'h>>,
    trees: Option<Boosted>,
}

/// Asks all methods about each of `histories`.
pub(super) fn ask(histories: &[&[f64]], settings: Settings) -> Vec<Trial> {
    let horizon = settings.horizon as usize;
    let pool = Pool::learn(histories);
    let sizes = Sizes::learn(histories);
    let origins: Vec<Vec<usize>> = histories.iter().map(|h| origins(h.len(), horizon)).collect();
    let states: Vec<Vec<State>> =
        histories.iter().zip(&origins).map(|(h, origins)| pool.states(h, origins)).collect();

    let windows: usize = origins.iter().map(|origins| origins.len() - 1).sum();
    let stride = windows.div_ceil(CASES_MAX).max(1);
    let pooled = |periods_after: usize| {
        let of_series = histories.iter().zip(&origins).zip(&states).step_by(stride);
        let windows = of_series.flat_map(move |((history, origins), states)| {
            origins.iter().zip(states).filter_map(move |(origin, state)| {
                let (known, after) = history.split_at_checked(*origin)?;
                let is_past = horizon + periods_after <= after.len();
                let followers = after.get(..horizon)?;
                (is_past && PERIODS_MIN <= known.len()).then_some((state, known, followers))
            })
        });
        let grown = windows
            .clone()
            .map(|(state, known, followers)| boosted::Case::new(state, known, followers));
        Pooled {
            trees: Boosted::learn(&grown.collect::<Vec<_>>()),
            neighbours: Neighbours::new(
                windows.map(|(state, _, followers)| Case::new(state, followers)),
            ),
        }
    };
    let (now, then) = (pooled(0), pooled(horizon));

    let of_series = histories.iter().zip(&origins).zip(&states);
    of_series
        .map(|((history, origins), states)| {
            let at = |origin: usize, pooled: &Pooled<'_>| {
                let place = origins.iter().position(|at| *at == origin)?;
                let known = history.get(..origin)?;
                Some(opinions(states.get(place)?, known, pooled, (&sizes, settings.horizon)))
            };
            let earlier = history.len().checked_sub(horizon).filter(|at| PERIODS_MIN <= *at);
            Trial {
                now: at(history.len(), &now).unwrap_or_else(Opinions::nothing),
                then: earlier.and_then(|origin| at(origin, &then)),
                windows: origins.len() - 1,
            }
        })
        .collect()
}

impl Opinions {
    fn nothing() -> Self {
        Self { outlooks: [Outlook::default(); METHODS], means: [0.0; MEANS] }
    }
}

fn opinions(
    state: &State,
    known: &[f64],
    pooled: &Pooled<'_>,
    (sizes, horizon): (&Sizes, u32),
) -> Opinions {
    let periods = f64::from(horizon);
    let count = state.outlook(periods);
    let near =
        pooled.neighbours.as_ref().map_or(count, |neighbours| neighbours.outlook(state, periods));
    let compound = sizes.outlook(known, horizon);
    let trees = pooled.trees.as_ref();
    let total = trees.map_or(near.total, |trees| trees.total(state, known, horizon as usize));
    let boosted = Outlook { total, ..near };
    let smoothed = smoothing::simple(known);
    Opinions {
        outlooks: [count, near, compound, boosted],
        means: [count.mean, near.mean, smoothed, smoothing::gathered(known)],
    }
}

/// Returns where a series of `len` periods is looked at, ascending; the last one is its end.
fn origins(len: usize, horizon: usize) -> Vec<usize> {
    let step = (horizon / 2).max(1);
    let back = (0..ORIGINS).rev().filter_map(|steps| len.checked_sub(horizon + steps * step));
    let mut origins: Vec<usize> = back.filter(|origin| PERIODS_MIN <= *origin).collect();
    origins.push(len);
    origins
}
