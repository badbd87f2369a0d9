//! The methods side by side, at the end of each series and one horizon earlier.

use super::boosted::{self, Boosted};
use super::class::Class;
use super::compound::Sizes;
use super::gamma_poisson::{Pool, State};
use super::neighbours::{Case, Neighbours};
use super::{Outlook, Settings, smoothing};

/// Origins of cases, half a horizon from each other, that are looked back to.
const ORIGINS: usize = 8;

/// Periods that a case or a trial needs before it.
const PERIODS_MIN: usize = 8;

/// Cases that are kept, evenly from all series.
const CASES_MAX: usize = 16_000;

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
}

/// Returns whether the trees are asked about demand of `class`.
///
/// Of sparse demand they learn the past by heart: measured on the bench's earlier origins, they made it
/// worse there, and better where there is demand in most periods.
pub(super) fn has_trees(class: Class) -> bool {
    matches!(class, Class::Smooth | Class::Erratic)
}

/// Asks all methods about each of `histories`.
pub(super) fn ask(histories: &[&[f64]], classes: &[Class], settings: Settings) -> Vec<Trial> {
    let horizon = settings.horizon as usize;
    let pool = Pool::learn(histories);
    let sizes = Sizes::learn(histories);
    let origins: Vec<Vec<usize>> = histories.iter().map(|h| origins(h.len(), horizon)).collect();
    let states: Vec<Vec<State>> =
        histories.iter().zip(&origins).map(|(h, origins)| pool.states(h, origins)).collect();

    let per_series = origins.iter().map(Vec::len).sum::<usize>().div_ceil(histories.len()).max(1);
    let stride = (histories.len() * per_series).div_ceil(CASES_MAX).max(1);
    let cases = |periods_after: usize| {
        let of_series = histories.iter().zip(&origins).zip(&states).step_by(stride);
        Neighbours::new(of_series.flat_map(move |((history, origins), states)| {
            origins.iter().zip(states).filter_map(move |(origin, state)| {
                let followers = history.get(*origin..origin + horizon)?;
                let is_past = origin + horizon + periods_after <= history.len();
                (is_past && PERIODS_MIN <= *origin).then(|| Case::new(state, followers))
            })
        }))
    };
    let (now, then) = (cases(0), cases(horizon));
    let grown = |periods_after: usize| {
        let of_series = histories.iter().zip(&origins).zip(&states).zip(classes);
        let with_trees = of_series.filter(|(_, class)| has_trees(**class));
        let cases = with_trees.flat_map(move |(((history, origins), states), _)| {
            origins.iter().zip(states).filter_map(move |(origin, state)| {
                let (known, followers) =
                    (history.get(..*origin)?, history.get(*origin..origin + horizon)?);
                let is_past = origin + horizon + periods_after <= history.len();
                (is_past && PERIODS_MIN <= *origin)
                    .then(|| boosted::Case::new(state, known, followers))
            })
        });
        Boosted::learn(&cases.collect::<Vec<_>>())
    };
    let (trees_now, trees_then) = (grown(0), grown(horizon));

    let of_series = histories.iter().zip(&origins).zip(&states).zip(classes);
    of_series
        .map(|(((history, origins), states), class)| {
            let at =
                |origin: usize,
                 (neighbours, trees): (&Option<Neighbours<'_>>, &Option<Boosted>)| {
                    let place = origins.iter().position(|at| *at == origin)?;
                    let state = states.get(place)?;
                    let known = history.get(..origin)?;
                    let trees = trees.as_ref().filter(|_| has_trees(*class));
                    Some(opinions(
                        state,
                        known,
                        (neighbours.as_ref(), trees),
                        (&sizes, settings.horizon),
                    ))
                };
            let earlier = history.len().checked_sub(horizon).filter(|at| PERIODS_MIN <= *at);
            Trial {
                now: at(history.len(), (&now, &trees_now)).unwrap_or_else(Opinions::nothing),
                then: earlier.and_then(|origin| at(origin, (&then, &trees_then))),
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
    (neighbours, trees): (Option<&Neighbours<'_>>, Option<&Boosted>),
    (sizes, horizon): (&Sizes, u32),
) -> Opinions {
    let periods = f64::from(horizon);
    let count = state.outlook(periods);
    let near = neighbours.map_or(count, |neighbours| neighbours.outlook(state, periods));
    let compound = sizes.outlook(known, horizon);
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
