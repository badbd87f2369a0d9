//! How often customers come again, and whether they are still customers.
//!
//! The BG/NBD model of Fader, Hardie and Lee, *"Counting your customers" the easy way*, Marketing
//! Science 24 (2005): purchases come at a rate that has a gamma distribution over customers, and
//! after each one a customer leaves with a probability that has a beta distribution.

use std::collections::BTreeMap;

use super::super::simplex;
use super::{Customer, FitError, REPEATING_MIN};

/// Terms of the hypergeometric series that are added up at most.
const TERMS_MAX: u32 = 100_000;

/// A fitted model of purchases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Purchases {
    /// Shape of the gamma distribution of rates.
    pub r: f64,
    /// Its rate, in the unit of time.
    pub alpha: f64,
    /// The beta distribution of the probability to leave: of leaving,
    pub a: f64,
    /// and of staying.
    pub b: f64,
    /// The logarithm of the likelihood.
    pub log_likelihood: f64,
}

/// The part of the likelihood that is the same for all customers with as many repeats.
#[derive(Clone, Copy)]
struct Shared {
    together: f64,
    gone: f64,
}

impl Purchases {
    /// Fits the model to `customers` by maximum likelihood.
    pub fn fit(customers: &[Customer]) -> Result<Self, FitError> {
        let repeating = customers.iter().filter(|customer| customer.repeats != 0).count();
        if repeating < REPEATING_MIN {
            return Err(FitError::TooFew(repeating));
        }
        let mut by_repeats: BTreeMap<u32, Vec<(f64, f64)>> = BTreeMap::new();
        for customer in customers {
            by_repeats.entry(customer.repeats).or_default().push((customer.last_at, customer.age));
        }
        let age =
            customers.iter().map(|customer| customer.age).sum::<f64>() / customers.len() as f64;
        let start = [0.0, (age / 4.0).max(1e-6).ln(), 0.0, 2.0_f64.ln()];
        let loss = |logs: &[f64; 4]| -Self::of(logs, 0.0).likelihood(&by_repeats);
        let (best, least) = simplex::least(start, loss);
        Ok(Self::of(&best, -least))
    }

    fn of(logs: &[f64; 4], log_likelihood: f64) -> Self {
        let [r, alpha, a, b] = logs.map(f64::exp);
        Self { r, alpha, a, b, log_likelihood }
    }

    fn likelihood(&self, by_repeats: &BTreeMap<u32, Vec<(f64, f64)>>) -> f64 {
        let one = |(repeats, times): (&u32, &Vec<(f64, f64)>)| {
            let shared = self.shared(f64::from(*repeats));
            let count = self.r + f64::from(*repeats);
            let of_times = |(last_at, age): &(f64, f64)| {
                let alive = -count * (self.alpha + age).ln();
                if *repeats == 0 {
                    return alive;
                }
                let gone = shared.gone - count * (self.alpha + last_at).ln();
                // The logarithm of the sum of both, without leaving the range of floats.
                alive.max(gone) + libm::log1p((-(alive - gone).abs()).exp())
            };
            times.len() as f64 * shared.together + times.iter().map(of_times).sum::<f64>()
        };
        by_repeats.iter().map(one).sum()
    }

    fn shared(&self, repeats: f64) -> Shared {
        let Self { r, alpha, a, b, .. } = *self;
        let rates = libm::lgamma(r + repeats) - libm::lgamma(r) + r * alpha.ln();
        let stays = libm::lgamma(a + b) + libm::lgamma(b + repeats)
            - libm::lgamma(b)
            - libm::lgamma(a + b + repeats);
        let gone = if repeats < 1.0 { 0.0 } else { a.ln() - (b + repeats - 1.0).ln() };
        Shared { together: rates + stays, gone }
    }

    /// Returns the probability that `customer` has not left for good.
    pub fn alive(&self, customer: &Customer) -> f64 {
        1.0 / (1.0 + self.gone_odds(customer))
    }

    fn gone_odds(&self, customer: &Customer) -> f64 {
        if customer.repeats == 0 {
            return 0.0;
        }
        let repeats = f64::from(customer.repeats);
        let quiet = (self.alpha + customer.age) / (self.alpha + customer.last_at);
        self.a / (self.b + repeats - 1.0) * quiet.powf(self.r + repeats)
    }

    /// Returns how often `customer` is expected to buy within `ahead` from now.
    pub fn expected(&self, customer: &Customer, ahead: f64) -> f64 {
        let repeats = f64::from(customer.repeats);
        let Self { r, alpha, a, b, .. } = *self;
        let until = alpha + customer.age + ahead;
        let series = hypergeometric(r + repeats, b + repeats, a + b + repeats - 1.0, ahead / until);
        let shrink = ((alpha + customer.age) / until).powf(r + repeats);
        let factor = (a + b + repeats - 1.0) / (a - 1.0);
        (factor * (1.0 - shrink * series) / (1.0 + self.gone_odds(customer))).max(0.0)
    }
}

/// Returns Gauss's hypergeometric function by its series, for `z` from 0 up to below 1.
fn hypergeometric(a: f64, b: f64, c: f64, z: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for at in 0..TERMS_MAX {
        let at = f64::from(at);
        term *= (a + at) * (b + at) / (c + at) / (at + 1.0) * z;
        sum += term;
        if term.abs() < 1e-14 * f64::abs(sum) {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the authors of the model publish for their sample of 2,357 customers.
    const PUBLISHED: Purchases =
        Purchases { r: 0.242_6, alpha: 4.413_5, a: 0.792_9, b: 2.425_8, log_likelihood: -9_582.43 };

    #[test]
    fn it_says_of_a_customer_what_the_published_model_says() {
        let customer = Customer::new(2, 30.43, 38.86).unwrap();
        assert!((PUBLISHED.alive(&customer) - 0.7266).abs() < 1e-4);
        assert!((PUBLISHED.expected(&customer, 39.0) - 1.2259).abs() < 1e-3);
        let never_again = Customer::new(0, 0.0, 38.86).unwrap();
        assert!((PUBLISHED.alive(&never_again) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_series_is_a_logarithm_where_it_should_be() {
        // F(1, 1; 2; z) = -ln(1 - z) / z.
        for z in [0.1_f64, 0.5, 0.9] {
            let expected = -(1.0 - z).ln() / z;
            assert!((hypergeometric(1.0, 1.0, 2.0, z) - expected).abs() < 1e-9, "{z}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (repeats, last_at, age) in
            [(1, 5.0, 4.0), (1, -1.0, 4.0), (0, 1.0, 4.0), (2, 0.0, 4.0), (0, 0.0, f64::NAN)]
        {
            assert!(Customer::new(repeats, last_at, age).is_err(), "{repeats} {last_at} {age}");
        }
        let once = vec![Customer::new(0, 0.0, 10.0).unwrap(); 50];
        assert_eq!(Purchases::fit(&once), Err(FitError::TooFew(0)));
    }
}
