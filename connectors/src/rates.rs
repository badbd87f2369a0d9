//! Exchange rates: pure readers of what their sources publish.
//!
//! To add a source: a file under `rates/` with a function from the body to rates, and a line in
//! [`crate::feed::KINDS`].

use std::collections::BTreeSet;

use upturn_core::fact::rate::Rate;

use crate::read::ReadError;

pub mod cfets;
pub mod ecb;
pub mod frankfurter;
pub mod hmrc;
pub mod open_exchange_rates;
pub mod table;

/// How many rates one document may hold: the ECB's whole history has 300,000.
const RATES_MAX: usize = 2_000_000;

/// Returns `rates`, from several documents, each once. Fails where two of the same pair and day differ.
pub(crate) fn whole(rates: Vec<Rate>) -> Result<Vec<Rate>, ReadError> {
    Sheet { rates }.close()
}

/// Rates of one document, as they add up. The same pair and day twice must say the same.
#[derive(Debug, Default)]
struct Sheet {
    rates: Vec<Rate>,
}

impl Sheet {
    /// Returns a sheet with room for `count` rates, so that a large one does not move as it grows.
    fn for_about(count: usize) -> Self {
        Self { rates: Vec::with_capacity(count.min(RATES_MAX)) }
    }

    fn push(&mut self, rate: Rate) -> Result<(), ReadError> {
        if self.rates.len() == RATES_MAX {
            return Err(ReadError::excess(format!("it has more than {RATES_MAX} rates")));
        }
        self.rates.push(rate);
        Ok(())
    }

    /// Returns the rates in the order of the document, each once.
    ///
    /// Fails if there are none, or if two of the same pair and day differ.
    fn close(mut self) -> Result<Vec<Rate>, ReadError> {
        if self.rates.is_empty() {
            return Err(ReadError::whole("it has no rates"));
        }
        let key = |rate: &Rate| (rate.date, rate.purpose, rate.base, rate.quote);
        let mut order: Vec<usize> = (0..self.rates.len()).collect();
        order.sort_by_key(|index| self.rates.get(*index).map(key));
        let mut repeated = BTreeSet::new();
        for pair in order.windows(2) {
            let [first, second] = pair else { continue };
            let (Some(one), Some(other)) = (self.rates.get(*first), self.rates.get(*second)) else {
                continue;
            };
            if key(one) != key(other) {
                continue;
            }
            if one != other {
                let place = format!("{}/{} of {}", one.base, one.quote, one.date);
                return Err(ReadError::at(place, "it stands there twice with different values"));
            }
            repeated.insert(*second);
        }
        if !repeated.is_empty() {
            let mut index = 0;
            self.rates.retain(|_| {
                index += 1;
                !repeated.contains(&(index - 1))
            });
        }
        Ok(self.rates)
    }
}
