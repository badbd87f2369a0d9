//! What a duty comes to, by what the caller knows of the goods. What is missing is named; nothing is
//! assumed, neither a quantity nor a rate.

use std::fmt;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

use super::expression::{Component, Expression, Limit, Sign, Sum, Term};
use super::unit::{Base, Unit};
use crate::fact::rate::{Purpose, Rate};
use crate::money::Currency;

/// What is known of the goods.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    /// The currency of the values below, in which the duty comes out: the destination's own.
    pub currency: Currency,
    /// The customs value.
    pub customs_value: Decimal,
    /// The price in shops, with all taxes, where it is known.
    pub retail_price: Option<Decimal>,
    /// How much it is, by every measure that is known.
    pub quantities: &'a [Quantity],
    /// Rates; only customs rates that hold on `day` are used.
    pub rates: &'a [Rate],
    /// The day of the declaration.
    pub day: NaiveDate,
}

/// An amount of goods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// How many.
    pub amount: Decimal,
    /// Of what.
    pub unit: Unit,
}

/// What a duty comes to. Not rounded: the destination's law says where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// The amount.
    pub amount: Decimal,
    /// Its currency.
    pub currency: Currency,
    /// What each term comes to, in the order they are written; limits among them, applied or not.
    pub lines: Vec<Line>,
}

/// What one term comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The term, as it is written: `35.10 EUR / 100 kg`.
    pub term: String,
    /// What it comes to.
    pub amount: Decimal,
    /// The customs rate it went through, where it is in another currency.
    pub rate: Option<Rate>,
}

/// What is missing to evaluate a duty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// A quantity in that unit, or one that converts into it.
    Quantity(Unit),
    /// The price in shops.
    RetailPrice,
    /// A customs rate between these on the day.
    CustomsRate(Currency, Currency),
    /// What another table says for that component, by the recipe.
    Agricultural(Component),
    /// Fewer digits: the amount cannot be written with 28.
    Digits,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Quantity(unit) => write!(f, "the quantity in {unit}"),
            Self::RetailPrice => f.write_str("the retail price"),
            Self::CustomsRate(from, to) => write!(f, "a customs rate between {from} and {to}"),
            Self::Agricultural(component) => {
                write!(f, "the agricultural component {component} by the goods' recipe")
            }
            Self::Digits => f.write_str("an amount that can be written with 28 digits"),
        }
    }
}

impl Serialize for Need {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Expression {
    /// Returns what it comes to, or all that is missing. Never below 0.
    pub fn evaluate(&self, basis: &Basis<'_>) -> Result<Amount, Vec<Need>> {
        let mut work = Work { basis, lines: Vec::new(), needs: Vec::new() };
        let mut amount = work.sum(&self.sum);
        for (limit, sum) in &self.limits {
            let bound = work.sum(sum);
            amount = match limit {
                Limit::Min => amount.max(bound),
                Limit::Max => amount.min(bound),
            };
        }
        if !work.needs.is_empty() {
            return Err(work.needs);
        }
        let amount = amount.max(Decimal::ZERO);
        Ok(Amount { amount, currency: basis.currency, lines: work.lines })
    }
}

struct Work<'b> {
    basis: &'b Basis<'b>,
    lines: Vec<Line>,
    needs: Vec<Need>,
}

impl Work<'_> {
    /// Returns the sum; what is missing goes into `needs` and counts as nothing.
    fn sum(&mut self, sum: &Sum) -> Decimal {
        let mut total = Decimal::ZERO;
        for (sign, term) in &sum.0 {
            let value = self.term(term);
            let (amount, rate) = match value {
                Ok(found) => found,
                Err(need) => {
                    if !self.needs.contains(&need) {
                        self.needs.push(need);
                    }
                    continue;
                }
            };
            let amount = match sign {
                Sign::Plus => amount,
                Sign::Minus => -amount,
            };
            match total.checked_add(amount) {
                Some(sum) => total = sum,
                None => self.needs.push(Need::Digits),
            }
            self.lines.push(Line { term: term.to_string(), amount, rate });
        }
        total
    }

    fn term(&self, term: &Term) -> Result<(Decimal, Option<Rate>), Need> {
        let percent_of = |percent: &Decimal, value: Decimal| {
            let amount = percent.checked_mul(value).ok_or(Need::Digits)?;
            Ok((amount.checked_mul(Decimal::new(1, 2)).ok_or(Need::Digits)?, None))
        };
        match term {
            Term::AdValorem(percent) => percent_of(percent, self.basis.customs_value),
            Term::RetailPrice(percent) => {
                percent_of(percent, self.basis.retail_price.ok_or(Need::RetailPrice)?)
            }
            Term::Specific { amount, currency, unit } => {
                let quantity = match unit {
                    Some(unit) => self.quantity(unit)?,
                    None => Decimal::ONE,
                };
                let amount = amount.checked_mul(quantity).ok_or(Need::Digits)?;
                self.exchange(amount, *currency)
            }
            Term::Agricultural(component) => Err(Need::Agricultural(*component)),
            Term::Nil => Ok((Decimal::ZERO, None)),
        }
    }

    /// Returns how many of `unit` the goods are.
    fn quantity(&self, unit: &Unit) -> Result<Decimal, Need> {
        let quantities = self.basis.quantities;
        let known = |unit: &Unit| {
            quantities.iter().find_map(|quantity| unit.convert(quantity.amount, &quantity.unit))
        };
        if let Some(amount) = known(unit) {
            return Ok(amount);
        }
        if unit.base != Base::StrengthHectolitre {
            return Err(Need::Quantity(unit.clone()));
        }
        // Percent in each hectolitre is known when both are: strength × volume.
        let part = |base: Base| Unit { count: 1, base, of: unit.of.clone() };
        let both = [Base::Strength, Base::Hectolitre].map(|base| {
            let unit = part(base);
            known(&unit).ok_or(Need::Quantity(unit))
        });
        let [strength, hectolitres] = both;
        strength?
            .checked_mul(hectolitres?)
            .and_then(|both| both.checked_div(unit.count.into()))
            .ok_or(Need::Digits)
    }

    fn exchange(
        &self,
        amount: Decimal,
        currency: Currency,
    ) -> Result<(Decimal, Option<Rate>), Need> {
        let own = self.basis.currency;
        if currency == own {
            return Ok((amount, None));
        }
        let day = self.basis.day;
        let holds = |rate: &&Rate| {
            rate.purpose == Purpose::Customs
                && rate.date <= day
                && rate.until.is_none_or(|until| day <= until)
                && [(rate.base, rate.quote), (rate.quote, rate.base)].contains(&(currency, own))
        };
        let newest = self.basis.rates.iter().filter(holds).max_by_key(|rate| rate.date);
        let rate = newest.ok_or(Need::CustomsRate(currency, own))?;
        let (times, by) =
            if rate.base == currency { (rate.value, rate.unit) } else { (rate.unit, rate.value) };
        let exchanged = amount.checked_mul(times).and_then(|amount| amount.checked_div(by));
        Ok((exchanged.ok_or(Need::Digits)?, Some(rate.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quantities(text: &str) -> Vec<Quantity> {
        let quantity = |text: &str| {
            let (amount, unit) = text.trim().split_once(' ').unwrap();
            Quantity { amount: amount.parse().unwrap(), unit: Unit::read(unit).unwrap() }
        };
        text.split(';').filter(|text| !text.is_empty()).map(quantity).collect()
    }

    fn read<T: std::str::FromStr>(text: &str) -> T {
        text.parse().ok().unwrap()
    }

    fn rate(base: &str, quote: &str, value: &str, purpose: Purpose) -> Rate {
        Rate {
            base: base.parse().unwrap(),
            quote: quote.parse().unwrap(),
            unit: Decimal::ONE,
            value: value.parse().unwrap(),
            date: "2025-07-01".parse().unwrap(),
            purpose,
            until: Some("2025-07-31".parse().unwrap()),
        }
    }

    /// Evaluates `duty` in pounds.
    fn evaluate(
        duty: &str,
        value: &str,
        retail: &str,
        amounts: &str,
        rates: &[Rate],
    ) -> Result<Amount, Vec<Need>> {
        let basis = Basis {
            currency: Currency::GBP,
            customs_value: read(value),
            retail_price: retail.parse().ok(),
            quantities: &quantities(amounts),
            rates,
            day: read("2025-07-14"),
        };
        read::<Expression>(duty).evaluate(&basis)
    }

    #[test]
    fn duties_come_to_what_a_person_reckons() {
        let tobacco = "16.50 % / Retail Price + 244.78 GBP / 1000 p/st MIN 320.90 GBP / 1000 p/st";
        let clamped = "12.80 % MIN 1.00 GBP / 100 kg MAX 5.00 GBP / 100 kg";
        let cases = [
            ("12.00 %", "1000", "", "", "120"),
            ("8 %", "76792", "", "", "6143.36"),
            ("0.00 %", "1000", "", "", "0"),
            ("NIHIL", "1000", "", "", "0"),
            ("35.10 GBP / 100 kg", "0", "", "1234.5 kg", "433.3095"),
            ("10.20 % + 93.10 GBP / 100 kg", "5000", "", "1234.5 kg", "1659.3195"),
            ("9.27 GBP / % vol/hl", "0", "", "1000 l;1.1 % vol", "101.97"),
            ("9.27 GBP / % vol/hl", "0", "", "11 % vol/hl", "101.97"),
            ("1.00 GBP / % vol/hl + 6.40 GBP / hl", "0", "", "2 hl;40 % vol", "92.8"),
            (tobacco, "0", "500", "2000 p/st", "641.8"),
            (tobacco, "0", "1000", "2000 p/st", "654.56"),
            ("9.00 % + 20.00 GBP / 100 kg MAX 24.20 %", "100", "", "100 kg", "24.2"),
            ("9.00 % + 20.00 GBP / 100 kg MAX 24.20 %", "1000", "", "100 kg", "110"),
            (clamped, "10", "", "200 kg", "2"),
            (clamped, "40", "", "200 kg", "5.12"),
            (clamped, "100", "", "200 kg", "10"),
            ("17.30 % - 2.50 GBP / hl", "1000", "", "1000 l", "148"),
            ("17.30 % - 2.50 GBP / hl", "100", "", "1000 l", "0"),
            ("3.50 GBP", "100", "", "", "3.5"),
        ];
        for (duty, value, retail, amounts, expected) in cases {
            let amount = evaluate(duty, value, retail, amounts, &[]);
            let amount = amount.map(|amount| amount.amount.normalize().to_string());
            assert_eq!(amount.as_deref(), Ok(expected), "case: {duty} of {value}, {amounts}");
        }
    }

    #[test]
    fn other_currencies_go_through_a_customs_rate_of_the_day() {
        let customs = rate("GBP", "EUR", "1.16", Purpose::Customs);
        let inverse = rate("EUR", "GBP", "0.85", Purpose::Customs);
        let spot = rate("GBP", "EUR", "1.2", Purpose::Spot);
        let duty = "1.00 EUR / % vol/hl + 6.40 EUR / hl";
        let amount = evaluate(duty, "0", "", "2 hl;40 % vol", std::slice::from_ref(&customs));
        let amount = amount.unwrap();
        assert_eq!(amount.amount.round_dp(10).normalize().to_string(), "80");
        assert_eq!(amount.lines.len(), 2);
        assert_eq!(amount.lines[0].rate.as_ref(), Some(&customs));
        assert_eq!(amount.lines[1].term, "6.40 EUR / hl");

        let amount = evaluate("10.00 EUR / hl", "0", "", "3 hl", &[inverse]).unwrap();
        assert_eq!(amount.amount.normalize().to_string(), "25.5");

        let old = Rate { until: Some("2025-07-13".parse().unwrap()), ..customs };
        let needs = evaluate("10.00 EUR / hl", "0", "", "3 hl", &[spot, old]);
        assert_eq!(needs, Err(vec![Need::CustomsRate(Currency::EUR, Currency::GBP)]));
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_assumed() {
        let cases = [
            ("1.00 GBP / 100 kg", "5 p/st", "the quantity in 100 kg"),
            ("1.00 GBP / 100 kg / net eda", "5 kg", "the quantity in 100 kg / net eda"),
            ("1.00 GBP / % vol/hl", "5 hl", "the quantity in % vol"),
            ("16.50 % / Retail Price", "", "the retail price"),
            ("9.00 % + EA MAX 24.20 % + ADSZ", "", "component EA by"),
            ("1.00 USD / kg", "5 kg", "a customs rate between USD and GBP"),
        ];
        for (duty, amounts, expected) in cases {
            let needs = evaluate(duty, "100", "", amounts, &[]).expect_err(duty);
            assert!(needs[0].to_string().contains(expected), "case: {duty}: {}", needs[0]);
        }
        let needs = evaluate("9.00 % + EA MAX 24.20 % + ADSZ", "100", "", "", &[]).unwrap_err();
        assert_eq!(needs.len(), 2);
    }
}
