//! For how much customers buy a time. Estimates, never amounts that are charged.
//!
//! The gamma-gamma model: Fader, Hardie and Lee, *RFM and CLV: using iso-value curves for customer
//! base analysis*, Journal of Marketing Research 42 (2005). A customer's purchases vary around a
//! mean that has itself a gamma distributed scale over customers.

use super::super::simplex;
use super::{FitError, REPEATING_MIN};

/// Repeat purchases of one customer: how many, and their average, in one currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spent {
    count: u32,
    average: f64,
}

/// A fitted model of what is spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spend {
    /// Shape of what one purchase comes to.
    pub p: f64,
    /// Shape of the scales of customers.
    pub q: f64,
    /// Their scale, in the currency.
    pub v: f64,
    /// The logarithm of the likelihood.
    pub log_likelihood: f64,
}

impl Spent {
    /// Returns `count` purchases of `average` each; `None` without any or without a positive one.
    pub fn new(count: u32, average: f64) -> Option<Self> {
        (count != 0 && 0.0 < average && average.is_finite()).then_some(Self { count, average })
    }
}

impl Spend {
    /// Fits the model to `customers` by maximum likelihood.
    pub fn fit(customers: &[Spent]) -> Result<Self, FitError> {
        if customers.len() < REPEATING_MIN {
            return Err(FitError::TooFew(customers.len()));
        }
        let loss = |logs: &[f64; 3]| {
            let model = Self::of(logs, 0.0);
            -customers.iter().map(|spent| model.likelihood(spent)).sum::<f64>()
        };
        let (best, least) = simplex::least([0.0, 2.0_f64.ln(), 10.0_f64.ln()], loss);
        Ok(Self::of(&best, -least))
    }

    fn of(logs: &[f64; 3], log_likelihood: f64) -> Self {
        let [p, q, v] = logs.map(f64::exp);
        Self { p, q, v, log_likelihood }
    }

    fn likelihood(&self, spent: &Spent) -> f64 {
        let Self { p, q, v, .. } = *self;
        let count = f64::from(spent.count);
        let shape = p * count;
        libm::lgamma(shape + q) - libm::lgamma(shape) - libm::lgamma(q)
            + q * v.ln()
            + (shape - 1.0) * spent.average.ln()
            + shape * count.ln()
            - (shape + q) * (count * spent.average + v).ln()
    }

    /// Returns what a purchase of a customer who `spent` that much so far is expected to come to:
    /// their own average, drawn to that of all the more the fewer purchases there were. `None` where
    /// the fitted distribution of averages has no mean.
    pub fn expected(&self, spent: &Spent) -> Option<f64> {
        let of_all = self.of_all()?;
        let own = self.p * f64::from(spent.count);
        let weight = own / (own + self.q - 1.0);
        Some((1.0 - weight) * of_all + weight * spent.average)
    }

    /// Returns what a purchase comes to over all customers; `None` where the fitted distribution of
    /// averages has no mean.
    pub fn of_all(&self) -> Option<f64> {
        (1.0 < self.q).then(|| self.p * self.v / (self.q - 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLISHED: Spend = Spend { p: 6.249_6, q: 3.744_2, v: 15.443_5, log_likelihood: 0.0 };

    #[test]
    fn few_purchases_are_drawn_to_what_all_spend() {
        let all = PUBLISHED.of_all().unwrap();
        assert!((all - 35.17).abs() < 0.01, "{all}");
        let after = |count| PUBLISHED.expected(&Spent::new(count, 100.0).unwrap()).unwrap();
        assert!(all < after(1) && after(1) < after(10) && after(10) < 100.0);
    }

    #[test]
    fn what_is_no_spending_is_refused() {
        for (count, average) in [(0, 5.0), (1, 0.0), (1, -3.0), (1, f64::NAN)] {
            assert_eq!(Spent::new(count, average), None, "{count} {average}");
        }
        assert_eq!(Spend::fit(&[]), Err(FitError::TooFew(0)));
    }
}
