//! How likely a deal is won within so many days, and what that is worth.
//!
//! Open deals are looked at on days that lie one horizon apart: a deal that was open then was won
//! within the horizon, or not (a discrete-time hazard; Singer and Willett, *It's about time*, Journal
//! of Educational Statistics 18, 1993). The probability is a logistic regression on the age of the
//! deal, on its numbers and on what its levels add ([`levels`]), with older days counting less. How
//! much less is what would have said the last days best; where nothing would have beaten the share
//! of all deals, that share is the answer, and it is said that there is no signal.

use std::collections::BTreeMap;
use std::fmt;

mod levels;
mod logistic;
mod model;

use self::logistic::{log_odds, probability};
use self::model::{Model, Shape};
use super::score;

/// Days looked back at to judge what is said today.
const JUDGED: u32 = 3;

/// Models to choose from: half-lives in horizons, without and with the cycle.
const SHAPES: [Shape; 6] = [
    Shape { half_life: 1.5, has_cycle: false },
    Shape { half_life: 4.0, has_cycle: false },
    Shape { half_life: 20.0, has_cycle: false },
    Shape { half_life: 1.5, has_cycle: true },
    Shape { half_life: 4.0, has_cycle: true },
    Shape { half_life: 20.0, has_cycle: true },
];

/// Half-lives, in horizons, for the share of all deals; the first where nothing can be judged.
const SHARE_HALF_LIVES: [f64; 3] = [2.0, 6.0, 1_000.0];

/// The fewest days before one that is judged.
const DAYS_MIN: u32 = 2;

/// The fewest deals, and the fewest of them won, that a model is fitted to.
const DEALS_MIN: usize = 100;
const WON_MIN: usize = 10;

/// A model has to lose this much less than the share of all deals, as a part of that loss.
const GAIN: f64 = 0.005;

/// A step is told where it was seen so often, and raises the probability by so much.
const STEP_SEEN_MIN: u64 = 20;
const STEP_MIN: f64 = 0.01;

/// Standard deviations by which the wins of a day have to miss what was said to count as a miss.
const MISSED: f64 = 2.0;

/// Standard deviation, in log-odds, of the moves that are expected.
const MOVES: f64 = 0.5;

/// What is known of an open deal on a day.
///
/// Numbers that are not known are `NaN`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// How many horizons ago, from 0, which is now.
    pub ago: u32,
    /// How long it had been open, in days.
    pub age_days: f64,
    /// The phase of the cycle in which deals are closed, as the month of the quarter from 0, that
    /// the horizon from that day falls in.
    pub phase: usize,
    /// The level of each column, by number; the columns in the order in which they are believed.
    pub levels: Vec<u32>,
    /// Its numbers.
    pub numbers: Vec<f64>,
}

/// A sight whose outcome is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// What was known.
    pub sight: Sight,
    /// Whether the deal was won within the horizon.
    pub won: bool,
}

/// What a probability rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// What is known of the deal.
    Deal,
    /// The share of all deals: nothing that is known of them told them apart.
    None,
}

/// What would raise the probability of a deal most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The column.
    pub column: usize,
    /// The level that the deal would have there.
    pub level: u32,
    /// The probability it would then have, as far as what was seen of other deals tells.
    pub probability: f64,
    /// How often the level was seen.
    pub n: u64,
}

/// Answers about deals, from what was seen.
#[derive(Debug)]
pub struct Outlook {
    model: Option<Model>,
    share: f64,
    moved: f64,
    seen: usize,
    won: usize,
    levels: BTreeMap<(usize, u32), u64>,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deal => "deal",
            Self::None => "none",
        })
    }
}

impl Outlook {
    /// Learns from sights whose outcome is known, all with as many levels and numbers.
    pub fn learn(seen: &[Seen]) -> Self {
        let newest = seen.iter().map(|one| one.sight.ago).min().unwrap_or_default();
        let days = (0..JUDGED).filter_map(|earlier| Judged::new(seen, newest + earlier));
        let days: Vec<Judged<'_>> = days.collect();
        let shares = SHARE_HALF_LIVES.map(|life| (loss(&days, |day| day.by_share(life)), life));
        let (share_loss, share_life) = least(shares);
        let (model_loss, chosen) =
            least(SHAPES.map(|shape| (loss(&days, |day| day.by_model(shape)), shape)));

        let is_better = model_loss < share_loss * (1.0 - GAIN);
        let model = is_better.then(|| Model::fit(seen.iter(), chosen));
        let moved = if is_better { moved(&days, chosen) } else { 0.0 };
        let won = seen.iter().filter(|one| one.won).count();
        let mut levels = BTreeMap::new();
        for place in seen.iter().flat_map(|one| (0..).zip(one.sight.levels.iter().copied())) {
            *levels.entry(place).or_default() += 1;
        }
        let share = share(seen.iter(), share_life);
        Self { model, share, moved, seen: seen.len(), won, levels }
    }

    /// Returns which of `steps`, columns with levels, would raise the probability of the deal in
    /// `sight` most; `None` where none was seen often enough or would raise it noticeably.
    pub fn best_step(&self, sight: &Sight, steps: &[(usize, u32)]) -> Option<Step> {
        let now = self.probability(sight);
        let tried = steps.iter().filter_map(|(column, level)| {
            let n = self.levels.get(&(*column, *level)).copied()?;
            let mut after = sight.clone();
            *after.levels.get_mut(*column)? = *level;
            let (column, level, probability) = (*column, *level, self.probability(&after));
            let is_told = STEP_SEEN_MIN <= n && now + STEP_MIN <= probability;
            is_told.then_some(Step { column, level, probability, n })
        });
        tried.reduce(|best, next| if best.probability < next.probability { next } else { best })
    }

    /// Returns the probability that the deal in `sight` is won within the horizon.
    pub fn probability(&self, sight: &Sight) -> f64 {
        match &self.model {
            Some(model) => probability(model.log_odds(sight) + self.moved),
            None => self.share,
        }
    }

    /// Returns the share of all deals that are won within the horizon.
    pub fn share(&self) -> f64 {
        self.share
    }

    /// Returns what the probabilities rest on.
    pub fn signal(&self) -> Signal {
        if self.model.is_some() { Signal::Deal } else { Signal::None }
    }

    /// Returns of how many sights it was learnt.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Returns how many of them were won within the horizon.
    pub fn won(&self) -> usize {
        self.won
    }
}

/// A day whose outcomes are known, and what was known before it.
struct Judged<'s> {
    before: Vec<&'s Seen>,
    on_day: Vec<&'s Seen>,
}

impl<'s> Judged<'s> {
    fn new(seen: &'s [Seen], ago: u32) -> Option<Self> {
        let before: Vec<&Seen> = seen.iter().filter(|one| ago < one.sight.ago).collect();
        let on_day: Vec<&Seen> = seen.iter().filter(|one| one.sight.ago == ago).collect();
        let won = before.iter().filter(|one| one.won).count();
        let first = before.iter().map(|one| one.sight.ago).max().unwrap_or_default();
        let is_enough =
            DEALS_MIN <= before.len() && WON_MIN <= won && DAYS_MIN <= first - ago.min(first);
        let is_enough = is_enough && !on_day.is_empty();
        is_enough.then_some(Self { before, on_day })
    }

    /// Returns what the share of all deals would have said on that day, and what happened.
    fn by_share(&self, half_life: f64) -> Vec<(f64, bool)> {
        let share = share(self.before.iter().copied(), half_life);
        self.on_day.iter().map(|one| (share, one.won)).collect()
    }

    /// Returns what a model would have said on that day, and what happened.
    fn by_model(&self, shape: Shape) -> Vec<(f64, bool)> {
        let model = Model::fit(self.before.iter().copied(), shape);
        let said = |one: &&Seen| (probability(model.log_odds(&one.sight)), one.won);
        self.on_day.iter().map(said).collect()
    }
}

/// Returns the mean logarithmic loss over all deals of the judged days; without any, it is infinite.
fn loss(days: &[Judged<'_>], said: impl Fn(&Judged<'_>) -> Vec<(f64, bool)>) -> f64 {
    score::log_loss(days.iter().flat_map(said)).unwrap_or(f64::INFINITY)
}

/// Returns the least loss with what has it; the first of equal ones.
fn least<T: Default, const N: usize>(tried: [(f64, T); N]) -> (f64, T) {
    tried
        .into_iter()
        .reduce(|best, next| if next.0 < best.0 { next } else { best })
        .unwrap_or_default()
}

/// Returns the share of deals won; a day one `half_life` earlier, in horizons, counts half.
fn share<'s>(seen: impl Iterator<Item = &'s Seen>, half_life: f64) -> f64 {
    /// Deals that one half weighs beside what was seen.
    const DOUBT: f64 = 2.0;
    let (mut won, mut all) = (DOUBT / 2.0, DOUBT);
    for one in seen {
        let weight = (-f64::from(one.sight.ago) / half_life).exp2();
        won += weight * f64::from(one.won);
        all += weight;
    }
    won / all
}

/// Returns by how much the log-odds have to be moved: as far as all judged days agree, if moving
/// the newest of them as far as those before it agreed would have made it better.
fn moved(days: &[Judged<'_>], shape: Shape) -> f64 {
    let said: Vec<Vec<(f64, bool)>> = days.iter().map(|day| day.by_model(shape)).collect();
    let moves: Vec<f64> = said.iter().map(|pairs| move_of(pairs)).collect();
    let (Some(newest), Some(earlier)) = (said.first(), moves.get(1..)) else { return 0.0 };
    let by = agreed(earlier);
    let tried = newest.iter().map(|(said, won)| (probability(log_odds(*said) + by), *won));
    let is_better = score::log_loss(tried) < score::log_loss(newest.iter().copied());
    if by != 0.0 && is_better { agreed(&moves) } else { 0.0 }
}

/// Returns the least of `moves` if all go the same way, else 0.
fn agreed(moves: &[f64]) -> f64 {
    let agree = moves.iter().all(|by| 0.0 < *by) || moves.iter().all(|by| *by < 0.0);
    let least = moves.iter().copied().reduce(|a, b| if a.abs() < b.abs() { a } else { b });
    least.filter(|_| agree).unwrap_or_default()
}

/// Returns by how much one day's log-odds have to be moved so that its wins come out, drawn towards
/// no move; 0 where they miss by no more than chance.
fn move_of(pairs: &[(f64, bool)]) -> f64 {
    let missed: f64 = pairs.iter().map(|(said, won)| f64::from(*won) - said).sum();
    let chance: f64 = pairs.iter().map(|(said, _)| said * (1.0 - said)).sum();
    if missed.abs() <= MISSED * chance.sqrt() {
        return 0.0;
    }
    let mut by = 0.0_f64;
    for _ in 0..20 {
        let (mut slope, mut curvature) = (-by / (MOVES * MOVES), 1.0 / (MOVES * MOVES));
        for (said, won) in pairs {
            let said = probability(log_odds(*said) + by);
            slope += f64::from(*won) - said;
            curvature += said * (1.0 - said);
        }
        by += (slope / curvature).clamp(-1.0, 1.0);
    }
    by
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Thirty deals on each of eight days; the level of a deal tells how likely it is won.
    fn seen(won: impl Fn(u32, u32) -> bool) -> Vec<Seen> {
        // Ages that tell nothing of the level.
        let sight = |ago: u32, deal: u32| Sight {
            ago,
            age_days: f64::from(deal % 7),
            phase: 0,
            levels: vec![deal % 2],
            numbers: vec![f64::NAN],
        };
        let day = |ago: u32| {
            (0..120)
                .map(move |deal| (ago, deal))
                .map(|(ago, deal)| Seen { sight: sight(ago, deal), won: won(ago, deal) })
        };
        (1..=8).flat_map(day).collect()
    }

    fn said(outlook: &Outlook, level: u32) -> f64 {
        let sight = Sight {
            ago: 0,
            age_days: f64::from(level % 7),
            phase: 0,
            levels: vec![level],
            numbers: vec![3.0],
        };
        outlook.probability(&sight)
    }

    #[test]
    fn what_tells_deals_apart_is_found() {
        let outlook = Outlook::learn(&seen(|ago, deal| {
            if deal % 2 == 0 { (deal + ago) % 10 < 6 } else { (deal + ago) % 20 < 2 }
        }));
        assert_eq!(outlook.signal(), Signal::Deal);
        assert!((said(&outlook, 0) - 0.6).abs() < 0.1, "{}", said(&outlook, 0));
        assert!(said(&outlook, 1) < 0.2, "{}", said(&outlook, 1));
        assert_eq!(outlook.seen(), 960);

        let sight =
            Sight { ago: 0, age_days: 1.0, phase: 0, levels: vec![1], numbers: vec![f64::NAN] };
        let step = outlook.best_step(&sight, &[(0, 0), (0, 7)]).unwrap();
        assert_eq!((step.column, step.level, step.n), (0, 0, 480), "the other was never seen");
        assert!((step.probability - 0.6).abs() < 0.1, "{step:?}");
        let better = Sight { levels: vec![0], ..sight };
        assert_eq!(outlook.best_step(&better, &[(0, 1)]), None, "a step back");
    }

    #[test]
    fn the_phase_of_a_cycle_tells_when_deals_are_closed() {
        // Old deals are closed in one phase of three, new ones at any time.
        let mut all = seen(|ago, deal| {
            let is_old = 3 <= deal % 7;
            if is_old { ago % 3 == 0 && deal % 10 < 8 } else { (deal + ago) % 10 < 2 }
        });
        for one in &mut all {
            one.sight.phase = (one.sight.ago % 3) as usize;
        }
        let outlook = Outlook::learn(&all);
        let said = |phase: usize, age_days: f64| {
            let numbers = vec![f64::NAN];
            outlook.probability(&Sight { ago: 0, age_days, phase, levels: vec![0], numbers })
        };
        assert!((said(0, 5.0) - 0.8).abs() < 0.15, "{}", said(0, 5.0));
        assert!(said(1, 5.0) < 0.05, "{}", said(1, 5.0));
        assert!((said(1, 1.0) - 0.2).abs() < 0.1, "{}", said(1, 1.0));
    }

    #[test]
    fn where_nothing_does_it_is_the_share_of_all() {
        let outlook = Outlook::learn(&seen(|ago, deal| (deal / 2 * 7 + ago * 3) % 10 < 3));
        assert_eq!(outlook.signal(), Signal::None);
        assert!((said(&outlook, 0) - 0.3).abs() < 0.05, "{}", said(&outlook, 0));
        assert!((said(&outlook, 0) - said(&outlook, 1)).abs() < 1e-12);
    }

    #[test]
    fn of_little_or_nothing_there_is_no_signal() {
        let outlook = Outlook::learn(&[]);
        assert_eq!(outlook.signal(), Signal::None);
        assert!((said(&outlook, 0) - 0.5).abs() < 1e-12, "nothing is known");
        assert_eq!(Outlook::learn(&seen(|_, _| false)).signal(), Signal::None);
    }
}
