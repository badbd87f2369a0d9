//! What a customer will still buy, as a fact that a score can count: an estimate, rounded before any
//! points are given for it.
#![expect(clippy::float_arithmetic, reason = "statistics, rounded before they become points")]

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive as _, ToPrimitive as _};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::input::Inputs;
use crate::forecast::lifetime::purchases::Purchases;
use crate::forecast::lifetime::spend::{Spend, Spent};
use crate::forecast::lifetime::{Customer, FitError};
use crate::money::Currency;

/// Fitted parameters of BG/NBD (with weeks as its unit of time) and gamma-gamma, as
/// `upturn forecast lifetime` prints them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lifetime {
    /// The currency of the orders that count.
    pub currency: Currency,
    /// How many weeks ahead purchases are expected for: 1 to 520.
    pub weeks: u16,
    /// Shape of the rates of purchase.
    pub r: f64,
    /// Rate of the rates of purchase, in weeks.
    pub alpha: f64,
    /// Of leaving for good.
    pub a: f64,
    /// Of staying.
    pub b: f64,
    /// Shape of what one purchase comes to.
    pub p: f64,
    /// Shape of the scales of customers; above 1.
    pub q: f64,
    /// Their scale, in the currency.
    pub v: f64,
}

/// What each customer ordered, by day, in one currency.
pub type Purchased = BTreeMap<NaiveDate, Decimal>;

impl Lifetime {
    /// Returns the parameters that fit what customers ordered up to `as_of`, for estimates of so many
    /// `weeks` ahead.
    ///
    /// # Errors
    ///
    /// Too few customers came again.
    pub fn fit<'c>(
        customers: impl Iterator<Item = &'c Purchased>,
        as_of: NaiveDate,
        (currency, weeks): (Currency, u16),
    ) -> Result<Self, FitError> {
        let (mut known, mut spent) = (Vec::new(), Vec::new());
        for by_day in customers {
            let Some(customer) = customer(by_day, as_of) else { continue };
            let repeated: Decimal = by_day.values().skip(1).sum();
            let average = repeated.checked_div(Decimal::from(customer.repeats()));
            let average = average.and_then(|average| average.to_f64());
            spent.extend(average.and_then(|average| Spent::new(customer.repeats(), average)));
            known.push(customer);
        }
        let Purchases { r, alpha, a, b, .. } = Purchases::fit(&known)?;
        let Spend { p, q, v, .. } = Spend::fit(&spent)?;
        Ok(Self { currency, weeks, r, alpha, a, b, p, q, v })
    }

    /// Returns whether estimates can be made with it.
    pub fn is_sound(&self) -> bool {
        let Self { r, alpha, a, b, p, q, v, weeks, .. } = *self;
        let is_positive = |value: f64| value.is_finite() && 0.0 < value;
        [r, alpha, a, b, p, q, v].into_iter().all(is_positive)
            && 1.0 < q
            && 1e-9 < (a - 1.0).abs()
            && (1..=520).contains(&weeks)
    }

    /// Returns what the account is expected to order within the weeks ahead, in whole units of the
    /// currency, halves away from zero; nothing for one that never ordered.
    ///
    /// All orders of a day are one purchase, and what the first one came to does not count for what
    /// further ones will.
    pub fn value(&self, inputs: &Inputs) -> Option<Decimal> {
        let mut by_day: BTreeMap<NaiveDate, Decimal> = BTreeMap::new();
        for order in inputs.orders.iter().filter(|order| order.currency == self.currency) {
            *by_day.entry(order.on).or_default() += order.amount.0;
        }
        let customer = customer(&by_day, inputs.as_of.date_naive())?;
        let repeats = customer.repeats();
        let (r, alpha, a, b, log_likelihood) = (self.r, self.alpha, self.a, self.b, 0.0);
        let purchases = Purchases { r, alpha, a, b, log_likelihood };
        let sums = Spend { p: self.p, q: self.q, v: self.v, log_likelihood };
        let repeated: Decimal = by_day.values().skip(1).sum();
        let average = repeated.checked_div(Decimal::from(repeats)).and_then(|one| one.to_f64());
        let own = average.and_then(|average| Spent::new(repeats, average));
        let each = own.map_or_else(|| sums.of_all(), |own| sums.expected(&own))?;
        let value = purchases.expected(&customer, f64::from(self.weeks)) * each;
        Decimal::from_f64(value.round()).filter(|value| Decimal::ZERO <= *value)
    }
}

/// Returns what is known of a customer on a day: first, last and repeated days of purchases, in weeks.
fn customer(by_day: &Purchased, as_of: NaiveDate) -> Option<Customer> {
    let (first, _) = by_day.first_key_value()?;
    let (last, _) = by_day.last_key_value()?;
    let weeks = |days: i64| Decimal::from(days.max(0)).to_f64().map(|days| days / 7.0);
    let last_at = weeks((*last - *first).num_days())?;
    let age = weeks((as_of - *first).num_days())?;
    let repeats = u32::try_from(by_day.len() - 1).ok()?;
    Customer::new(repeats, last_at, age.max(last_at)).ok()
}
