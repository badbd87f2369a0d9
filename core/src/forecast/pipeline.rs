//! What open deals will need: the exact distribution of their units, not their average.

use super::distribution::{Distribution, DistributionError, UNITS_MAX};

/// The most deals that are taken together for one item and place.
pub const PROSPECTS_MAX: usize = 10_000;

/// A deal that may be won, and what it would need.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prospect {
    probability: f64,
    units: u32,
}

/// Why prospects have no distribution.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum PipelineError {
    /// No probability.
    #[error("{0} is no probability; write a number from 0 to 1, as 0.683")]
    Probability(f64),
    /// More deals than are taken together.
    #[error("{0} deals for one item and place; at most {PROSPECTS_MAX} are taken together")]
    TooManyDeals(usize),
    /// More units than are counted.
    #[error(transparent)]
    Units(#[from] DistributionError),
}

impl Prospect {
    /// Returns a deal that needs `units` with `probability` (0 to 1) within the window that is
    /// asked about, and else nothing.
    pub fn new(probability: f64, units: u32) -> Result<Self, PipelineError> {
        if (0.0..=1.0).contains(&probability) {
            Ok(Self { probability, units })
        } else {
            Err(PipelineError::Probability(probability))
        }
    }

    /// Returns the probability that it is won.
    pub fn probability(&self) -> f64 {
        self.probability
    }

    /// Returns what it needs if it is won.
    pub fn units(&self) -> u32 {
        self.units
    }
}

/// Returns what `prospects` need where each is won or lost by itself.
///
/// The Poisson-binomial distribution weighted with units, by exact convolution: one pass over the
/// units for each deal.
pub fn independent(prospects: &[Prospect]) -> Result<Distribution, PipelineError> {
    let units_all = checked(prospects)?;
    let mut masses = Vec::with_capacity(units_all + 1);
    masses.push(1.0);
    for prospect in prospects {
        let won = units(prospect);
        let before = masses.len();
        masses.resize(before + won, 0.0);
        // From the top, so that each place is read before it is written.
        for place in (0..before + won).rev() {
            let lost = masses.get(place).map_or(0.0, |mass| mass * (1.0 - prospect.probability));
            let from = place.checked_sub(won).and_then(|from| masses.get(from));
            let gained = from.map_or(0.0, |mass| mass * prospect.probability);
            if let Some(mass) = masses.get_mut(place) {
                *mass = lost + gained;
            }
        }
    }
    Ok(Distribution::of_masses(masses))
}

/// Returns what `prospects` need where they win or lose together.
///
/// One draw decides about all: where a deal is won, so is every one that is at least as likely. With
/// equal probabilities it is all or nothing. It has the mean of [`independent`] and the largest
/// spread that these probabilities allow.
pub fn together(prospects: &[Prospect]) -> Result<Distribution, PipelineError> {
    let units_all = checked(prospects)?;
    let mut likely_first: Vec<&Prospect> = prospects.iter().collect();
    likely_first.sort_by(|a, b| b.probability.total_cmp(&a.probability));

    let mut masses = vec![0.0; units_all + 1];
    let mut won = 0;
    let mut above = 1.0;
    for prospect in likely_first {
        if let Some(mass) = masses.get_mut(won) {
            *mass += above - prospect.probability;
        }
        above = prospect.probability;
        won += units(prospect);
    }
    if let Some(mass) = masses.get_mut(won) {
        *mass += above;
    }
    Ok(Distribution::of_masses(masses))
}

/// Returns the units of all deals, if they are not too many.
fn checked(prospects: &[Prospect]) -> Result<usize, PipelineError> {
    if PROSPECTS_MAX < prospects.len() {
        return Err(PipelineError::TooManyDeals(prospects.len()));
    }
    let all: usize = prospects.iter().map(units).fold(0, usize::saturating_add);
    if UNITS_MAX < all { Err(DistributionError::TooManyUnits.into()) } else { Ok(all) }
}

fn units(prospect: &Prospect) -> usize {
    usize::try_from(prospect.units).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prospects(deals: &Deals) -> Vec<Prospect> {
        deals
            .iter()
            .map(|(probability, units)| Prospect::new(*probability, *units).unwrap())
            .collect()
    }

    fn close(found: f64, expected: f64) -> bool {
        (found - expected).abs() <= 1e-4 * expected.abs().max(1e-9)
    }

    type Deals = [(f64, u32)];
    /// Mean and deviation; quantiles at .5, .9 and .95; a stock, how often it covers, what is short.
    type Expected = ([f64; 2], [usize; 3], (usize, f64, f64));

    /// Three tenders for four units each, at 68.3 %.
    const TENDERS: [(f64, u32); 3] = [(0.683, 4); 3];

    #[test]
    fn three_tenders_that_know_nothing_of_each_other() {
        let need = independent(&prospects(&TENDERS)).unwrap();
        let cases =
            [(0, 0.0319, 0.0329), (4, 0.2059, 0.312), (8, 0.4436, 2.139), (12, 0.3186, 0.0)];
        for (units, probability, break_even) in cases {
            let found = need.masses()[units];
            assert!((found - probability).abs() < 5e-5, "{units} units: {found}");
            let found = need.break_even(units);
            assert!((found.unwrap_or_default() - break_even).abs() < 5e-4, "{units}: {found:?}");
        }
        assert_eq!(need.masses().iter().filter(|mass| **mass != 0.0).count(), 4);
        assert_eq!(need.break_even(12), None);
        assert!(close(need.mean(), 8.196));
    }

    #[test]
    fn three_tenders_that_win_or_lose_together() {
        let need = together(&prospects(&TENDERS)).unwrap();
        assert!(close(need.masses()[0], 0.317) && close(need.masses()[12], 0.683));
        assert!((need.break_even(0).unwrap() - 0.464).abs() < 5e-4);
        assert!(close(need.mean(), 8.196));
    }

    #[test]
    fn one_draw_decides_about_deals_of_unequal_chances() {
        let need = together(&prospects(&[(0.2, 1), (0.9, 10)])).unwrap();
        assert!(close(need.masses()[0], 0.1), "neither");
        assert!(close(need.masses()[10], 0.7), "the likelier one");
        assert!(close(need.masses()[11], 0.2), "both");
    }

    #[test]
    fn quantiles_and_shortage_are_those_computed_by_enumeration() {
        const FOUR: &Deals = &[(0.9, 2), (0.5, 3), (0.2, 10), (0.35, 1)];
        let cases: [(&str, &Deals, Expected); 5] = [
            ("no deal", &[], ([0.0, 0.0], [0, 0, 0], (0, 1.0, 0.0))),
            ("three lots", &TENDERS, ([8.196, 3.223_744], [8, 12, 12], (12, 1.0, 0.0))),
            ("one lot", &[(0.683, 12)], ([8.196, 5.583_689], [12, 12, 12], (12, 1.0, 0.0))),
            ("unequal lots", FOUR, ([5.65, 4.340_219], [5, 13, 15], (15, 0.9685, 0.0315))),
            ("sixty", &[(0.1, 1); 60], ([6.0, 2.323_790], [6, 9, 10], (10, 0.965_791, 0.057_445))),
        ];
        for (case, deals, ([mean, deviation], quantiles, (stock, covered, short))) in cases {
            let need = independent(&prospects(deals)).unwrap();
            assert!(close(need.mean(), mean), "case: {case}");
            assert!(close(need.variance().sqrt(), deviation), "case: {case}");
            assert_eq!(
                [0.5, 0.9, 0.95].map(|level| need.quantile(level)),
                quantiles,
                "case: {case}"
            );
            assert!(close(need.at_most(stock), covered), "case: {case}");
            assert!((need.expected_short(stock) - short).abs() < 1e-5, "case: {case}");
            let idle = need.expected_idle(stock) - need.expected_short(stock);
            assert!((idle - (stock as f64 - mean)).abs() < 1e-9, "case: {case}");
        }
    }

    #[test]
    fn deals_come_on_top_of_the_base_demand() {
        let deals = independent(&prospects(&[(0.9, 2), (0.5, 3), (0.2, 10), (0.35, 1)])).unwrap();
        let need = deals.plus(&Distribution::poisson(2.5).unwrap()).unwrap();
        assert!(close(need.mean(), 8.15));
        assert_eq!([0.5, 0.9, 0.95].map(|level| need.quantile(level)), [7, 16, 18]);
    }

    #[test]
    fn what_is_too_much_is_refused() {
        for probability in [-0.1, 1.1, f64::NAN] {
            assert!(Prospect::new(probability, 1).is_err(), "{probability}");
        }
        let huge = prospects(&[(0.5, u32::MAX)]);
        assert_eq!(independent(&huge), Err(DistributionError::TooManyUnits.into()));
        let many = prospects(&vec![(0.5, 0); PROSPECTS_MAX + 1]);
        assert_eq!(together(&many), Err(PipelineError::TooManyDeals(PROSPECTS_MAX + 1)));
    }
}
