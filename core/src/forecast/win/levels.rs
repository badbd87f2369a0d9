//! What a level (a product, a seller, an origin) adds to the odds, shrunk where few cases speak.

use std::collections::BTreeMap;

use super::logistic::log_odds;

/// Strengths to choose from: cases that the expectation weighs against a level's own.
const STRENGTHS: [f64; 9] = [2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 300.0, 1_000.0, 5_000.0];

/// Weighted cases of a level, those that were won, and those that were expected to be.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    cases: f64,
    won: f64,
    expected: f64,
}

/// The log-odds that each level of a column adds.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    added: BTreeMap<u32, f64>,
}

impl Levels {
    /// Learns from cases of a level: the probability that was expected without it, whether it was
    /// won, and how much the case counts.
    ///
    /// Each level's share has a beta distribution around what the columns before let expect of it,
    /// as strong as makes what was seen most likely (beta-binomial empirical Bayes; Casella, *An
    /// introduction to empirical Bayes data analysis*, The American Statistician 39, 1985).
    pub(super) fn learn(cases: impl Iterator<Item = (u32, f64, bool, f64)>) -> Self {
        let mut counts: BTreeMap<u32, Count> = BTreeMap::new();
        for (level, expected, won, weight) in cases {
            let count = counts.entry(level).or_default();
            count.cases += weight;
            count.won += weight * f64::from(won);
            count.expected += weight * expected;
        }
        let likely = STRENGTHS.map(|strength| {
            (counts.values().map(|count| count.likelihood(strength)).sum::<f64>(), strength)
        });
        let best = likely
            .into_iter()
            .fold((f64::NEG_INFINITY, 1.0), |best, next| if best.0 < next.0 { next } else { best });
        let added = counts.iter().map(|(level, count)| (*level, count.added(best.1)));
        Self { added: added.collect() }
    }

    /// Returns what `level` adds; nothing if it was never seen.
    pub(super) fn added(&self, level: u32) -> f64 {
        self.added.get(&level).copied().unwrap_or_default()
    }
}

impl Count {
    fn share_expected(&self) -> f64 {
        (self.expected / self.cases.max(1e-9)).clamp(1e-4, 1.0 - 1e-4)
    }

    fn likelihood(&self, strength: f64) -> f64 {
        let share = self.share_expected();
        let (won, lost) = (share * strength, (1.0 - share) * strength);
        beta(won + self.won, lost + (self.cases - self.won).max(0.0)) - beta(won, lost)
    }

    fn added(&self, strength: f64) -> f64 {
        let share = self.share_expected();
        let shrunk = (self.won + share * strength) / (self.cases + strength);
        log_odds(shrunk) - log_odds(share)
    }
}

/// The logarithm of the beta function.
fn beta(a: f64, b: f64) -> f64 {
    libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_cases_speak_for_themselves_and_few_do_not() {
        let cases = |level: u32, count: u32, won: u32| {
            (0..count).map(move |at| (level, 0.2, at < won, 1.0))
        };
        let all = cases(1, 400, 200).chain(cases(2, 400, 20)).chain(cases(3, 2, 2));
        let levels = Levels::learn(all);
        assert!((levels.added(1) - (log_odds(0.5) - log_odds(0.2))).abs() < 0.1);
        assert!(levels.added(2) < -0.7);
        assert!(0.0 < levels.added(3) && levels.added(3) < 2.0, "two of two are no certainty");
        assert!(levels.added(9).abs() < 1e-12, "never seen");
    }
}
