//! Rates as they are looked up: as of a day, no older than is allowed, never by default.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate, Weekday};
use rust_decimal::Decimal;

use super::rate::{Purpose, Rate};
use crate::calendar::target;
use crate::money::Currency;

/// The rates of one source.
#[derive(Clone, Debug)]
pub struct RateBook {
    source: Arc<str>,
    publication: Publication,
    /// Days on which the source is closed, whatever its publication says.
    closed: Arc<BTreeSet<NaiveDate>>,
    /// Ordered by day; one a day.
    rates: BTreeMap<(Purpose, Currency, Currency), Vec<Rate>>,
}

/// On which days a source publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publication {
    /// On the days the euro's payment system is open: the ECB.
    Target,
    /// Monday to Friday, whatever the holidays.
    Weekdays,
    /// Every day.
    Daily,
}

impl Publication {
    /// Tells whether there is a publication on `day`.
    pub fn is_on(self, day: NaiveDate) -> bool {
        match self {
            Self::Target => target::is_open(day),
            Self::Weekdays => !matches!(day.weekday(), Weekday::Sat | Weekday::Sun),
            Self::Daily => true,
        }
    }

    /// Returns how many publications came after that of `since` and before `on`, counted up to `max`;
    /// there are none on days that are `closed`.
    ///
    /// That of `on` itself is not missed: it may still come.
    pub fn missed(
        self,
        (since, on): (NaiveDate, NaiveDate),
        closed: &BTreeSet<NaiveDate>,
        max: u32,
    ) -> u32 {
        let days = since.iter_days().skip(1).take_while(|day| *day < on);
        let missed = days.filter(|day| self.is_on(*day) && !closed.contains(day));
        let missed = missed.take(usize::try_from(max).unwrap_or(usize::MAX));
        u32::try_from(missed.count()).unwrap_or(max)
    }
}

/// What is asked for: the price of one `base` in `quote`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query {
    /// What is priced.
    pub base: Currency,
    /// What it is priced in.
    pub quote: Currency,
    /// The day; later rates are not looked at.
    pub on: NaiveDate,
    /// What the rate is used for.
    pub purpose: Purpose,
    /// How many publications of the source a rate may have missed. One more, and it is too old.
    pub missed_max: u32,
}

/// A price and the published rates it comes from, one or two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// One unit of the base in the quote. Where it is a quotient, it has 28 significant digits.
    pub value: Decimal,
    /// What it was reckoned from: one rate, or two through the source's own base.
    pub legs: Vec<Leg>,
}

/// A published rate as it was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Who published it.
    pub source: Arc<str>,
    /// The rate.
    pub rate: Rate,
    /// It was used the other way round: what it prices is what was asked to be priced in.
    pub is_inverted: bool,
    /// How many publications the source has had since.
    pub missed: u32,
}

/// Why there is no rate. Nothing stands in for it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRate {
    /// The source does not price these in each other, nor both in a third.
    #[error("{source_name} has no rate of {base} in {quote}")]
    Unknown {
        /// Who was asked.
        source_name: Arc<str>,
        /// What should be priced.
        base: Currency,
        /// In what.
        quote: Currency,
    },
    /// There is none on or before the day.
    #[error("{source_name} has no rate of {base} in {quote} before {first}")]
    NotYet {
        /// Who was asked.
        source_name: Arc<str>,
        /// What should be priced.
        base: Currency,
        /// In what.
        quote: Currency,
        /// The first day with one.
        first: NaiveDate,
    },
    /// The newest is older than allowed; a currency that has ended is, too.
    #[error(
        "the newest rate of {base} in {quote} by {source_name} is of {last}, \
         and {missed} or more publications were missed since"
    )]
    TooOld {
        /// Who was asked.
        source_name: Arc<str>,
        /// What should be priced.
        base: Currency,
        /// In what.
        quote: Currency,
        /// The newest day with a rate.
        last: NaiveDate,
        /// How many publications it has missed at least.
        missed: u32,
    },
    /// The quotient cannot be held.
    #[error("the price of {base} in {quote} is beyond 28 digits")]
    Overflow {
        /// What should be priced.
        base: Currency,
        /// In what.
        quote: Currency,
    },
}

impl NoRate {
    /// Returns the stable word for it: `rate-missing`, `rate-too-old`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } | Self::NotYet { .. } | Self::Overflow { .. } => "rate-missing",
            Self::TooOld { .. } => "rate-too-old",
        }
    }
}

impl RateBook {
    /// Returns the book of `source`, which publishes as `publication` says, with `rates`. Of two for
    /// one pair and day the later one stays.
    pub fn new(
        source: &str,
        publication: Publication,
        rates: impl IntoIterator<Item = Rate>,
    ) -> Self {
        let mut book: BTreeMap<_, Vec<Rate>> = BTreeMap::new();
        for rate in rates {
            book.entry((rate.purpose, rate.base, rate.quote)).or_default().push(rate);
        }
        for rates in book.values_mut() {
            // Stable: of one day the last comes last, and stays.
            rates.sort_by_key(|rate| rate.date);
            rates.reverse();
            rates.dedup_by_key(|rate| rate.date);
            rates.reverse();
        }
        Self { source: source.into(), publication, closed: Arc::default(), rates: book }
    }

    /// Returns the book of a source that publishes nothing on days that are `closed`.
    #[must_use]
    pub fn without(mut self, closed: Arc<BTreeSet<NaiveDate>>) -> Self {
        self.closed = closed;
        self
    }

    /// Returns the price that `query` asks for: directly, the other way round, or through a third
    /// currency that the source prices both in or by.
    pub fn find(&self, query: &Query) -> Result<Found, NoRate> {
        let Query { base, quote, .. } = *query;
        if let Some(leg) = self.leg(query, base, quote) {
            let leg = leg?;
            let value = leg.factor().ok_or(NoRate::Overflow { base, quote })?;
            return Ok(Found { value, legs: vec![leg] });
        }
        let Some(third) = self.shared(query) else {
            return Err(NoRate::Unknown { source_name: Arc::clone(&self.source), base, quote });
        };
        self.find_through(query, third)
    }

    /// Returns the price that `query` asks for by way of `third`, also where there is a direct one.
    pub fn find_through(&self, query: &Query, third: Currency) -> Result<Found, NoRate> {
        let Query { base, quote, .. } = *query;
        let (Some(first), Some(second)) =
            (self.leg(query, base, third), self.leg(query, third, quote))
        else {
            return Err(NoRate::Unknown { source_name: Arc::clone(&self.source), base, quote });
        };
        let (first, second) = (first?, second?);
        let value = first.times(&second).ok_or(NoRate::Overflow { base, quote })?;
        Ok(Found { value, legs: vec![first, second] })
    }

    /// Returns a currency that both are priced against. A source has one, its own.
    fn shared(&self, query: &Query) -> Option<Currency> {
        let with = |currency: Currency| {
            self.rates.keys().filter_map(move |(purpose, base, quote)| {
                let other = if *base == currency {
                    Some(*quote)
                } else if *quote == currency {
                    Some(*base)
                } else {
                    None
                };
                other.filter(|_| *purpose == query.purpose)
            })
        };
        with(query.base).find(|third| with(query.quote).any(|other| other == *third))
    }

    /// Returns the newest usable rate between two currencies, either way round; nothing where the
    /// source never priced them.
    fn leg(&self, query: &Query, base: Currency, quote: Currency) -> Option<Result<Leg, NoRate>> {
        let direct = self.rates.get(&(query.purpose, base, quote));
        let inverse = || self.rates.get(&(query.purpose, quote, base));
        let (rates, is_inverted) = match direct {
            Some(rates) => (rates, false),
            None => (inverse()?, true),
        };
        let count = rates.partition_point(|rate| rate.date <= query.on);
        let source_name = || Arc::clone(&self.source);
        let Some(rate) = count.checked_sub(1).and_then(|index| rates.get(index)) else {
            let first = rates.first()?.date;
            return Some(Err(NoRate::NotYet { source_name: source_name(), base, quote, first }));
        };
        let limit = query.missed_max.saturating_add(1);
        let missed = match rate.until {
            Some(until) if query.on <= until => 0,
            Some(_) => limit,
            None => self.publication.missed((rate.date, query.on), &self.closed, limit),
        };
        if query.missed_max < missed {
            let last = rate.date;
            return Some(Err(NoRate::TooOld {
                source_name: source_name(),
                base,
                quote,
                last,
                missed,
            }));
        }
        let (source, rate) = (source_name(), rate.clone());
        Some(Ok(Leg { source, rate, is_inverted, missed }))
    }
}

impl Leg {
    /// Returns what one unit costs by this rate alone.
    fn factor(&self) -> Option<Decimal> {
        let (over, under) = self.fraction();
        over.checked_div(under)
    }

    /// Multiplies before it divides, so that what is exact stays exact.
    fn times(&self, other: &Self) -> Option<Decimal> {
        let ((over, under), (other_over, other_under)) = (self.fraction(), other.fraction());
        over.checked_mul(other_over)?.checked_div(under.checked_mul(other_under)?)
    }

    fn fraction(&self) -> (Decimal, Decimal) {
        let Rate { unit, value, .. } = self.rate;
        if self.is_inverted { (unit, value) } else { (value, unit) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    fn rate(base: &str, quote: &str, unit: &str, value: &str, date: &str) -> Rate {
        Rate {
            base: currency(base),
            quote: currency(quote),
            unit: unit.parse().unwrap(),
            value: value.parse().unwrap(),
            date: date.parse().unwrap(),
            purpose: Purpose::Spot,
            until: None,
        }
    }

    fn ecb() -> RateBook {
        RateBook::new(
            "ecb",
            Publication::Target,
            [
                rate("EUR", "USD", "1", "1.1355", "2025-04-16"),
                rate("EUR", "USD", "1", "1.1360", "2025-04-17"),
                rate("EUR", "CNY", "1", "8.2900", "2025-04-17"),
                rate("EUR", "HRK", "1", "7.5345", "2022-12-30"),
            ],
        )
    }

    fn query(base: &str, quote: &str, on: &str) -> Query {
        Query {
            base: currency(base),
            quote: currency(quote),
            on: on.parse().unwrap(),
            purpose: Purpose::Spot,
            missed_max: 1,
        }
    }

    #[test]
    fn the_last_rate_on_or_before_the_day_is_used_over_holidays_but_not_for_ever() {
        let cases = [
            ("2025-04-16", Ok("1.1355")),
            ("2025-04-17", Ok("1.1360")),
            // Good Friday to Easter Monday nothing is published, so nothing is missed.
            ("2025-04-21", Ok("1.1360")),
            ("2025-04-22", Ok("1.1360")),
            // That of the 22nd is missed.
            ("2025-04-23", Ok("1.1360")),
            ("2025-04-24", Err("and 2 or more publications were missed")),
            ("2025-04-15", Err("no rate of EUR in USD before 2025-04-16")),
        ];
        for (on, expected) in cases {
            let found = ecb().find(&query("EUR", "USD", on));
            match (found, expected) {
                (Ok(found), Ok(value)) => assert_eq!(found.value.to_string(), value, "case: {on}"),
                (Err(error), Err(part)) => {
                    assert!(error.to_string().contains(part), "case: {on}: {error}");
                }
                (found, _) => panic!("case: {on}: {found:?}"),
            }
        }
    }

    #[test]
    fn nothing_is_missed_while_the_source_is_closed() {
        let day = |text: &str| -> NaiveDate { text.parse().unwrap() };
        let spring: BTreeSet<_> =
            day("2025-01-28").iter_days().take_while(|on| *on <= day("2025-02-04")).collect();
        let rates = [rate("USD", "CNY", "1", "7.1698", "2025-01-27")];
        let book = RateBook::new("cfets", Publication::Weekdays, rates);
        let closed = book.clone().without(Arc::new(spring));
        // Published again from the 5th on, so on the 7th two are missed.
        let cases = [
            ("2025-01-29", true, true),
            ("2025-01-30", false, true),
            ("2025-02-04", false, true),
            ("2025-02-06", false, true),
            ("2025-02-07", false, false),
        ];
        for (on, by_weekdays, by_calendar) in cases {
            let asked = query("USD", "CNY", on);
            assert_eq!(book.find(&asked).is_ok(), by_weekdays, "case: {on}");
            assert_eq!(closed.find(&asked).is_ok(), by_calendar, "case: {on}");
        }
    }

    #[test]
    fn rates_are_turned_round_and_crossed_with_both_legs_named() {
        let found = ecb().find(&query("USD", "EUR", "2025-04-17")).unwrap();
        assert_eq!(found.value.to_string(), "0.8802816901408450704225352113");
        assert!(found.legs[0].is_inverted);
        let found = ecb().find(&query("USD", "CNY", "2025-04-17")).unwrap();
        assert_eq!(found.value.round_dp(10).to_string(), "7.2975352113");
        let named: Vec<_> = found.legs.iter().map(|leg| leg.rate.quote.to_string()).collect();
        assert_eq!(named, ["USD", "CNY"]);
        let asked = query("USD", "CNY", "2025-04-17");
        assert_eq!(ecb().find_through(&asked, Currency::EUR), Ok(found));
        let none = ecb().find_through(&asked, Currency::GBP).unwrap_err();
        assert_eq!(none.code(), "rate-missing");
    }

    #[test]
    fn what_nobody_prices_or_what_has_ended_has_no_rate() {
        let none = ecb().find(&query("EUR", "CHF", "2025-04-17")).unwrap_err();
        assert!(matches!(none, NoRate::Unknown { .. }));
        let ended = ecb().find(&query("EUR", "HRK", "2025-04-17")).unwrap_err();
        assert!(matches!(ended, NoRate::TooOld { .. }), "{ended}");
        assert_eq!(ended.code(), "rate-too-old");
        let customs = Query {
            base: Currency::EUR,
            quote: Currency::USD,
            on: "2025-04-17".parse().unwrap(),
            purpose: Purpose::Customs,
            missed_max: 1,
        };
        assert!(ecb().find(&customs).is_err(), "spot never values duty");
    }

    #[test]
    fn a_rate_for_a_month_holds_to_its_end_and_not_a_day_longer() {
        let mut september = rate("GBP", "EUR", "1", "1.1683", "2023-09-01");
        september.purpose = Purpose::Customs;
        september.until = Some("2023-09-30".parse().unwrap());
        let book = RateBook::new("hmrc", Publication::Weekdays, [september]);
        for (on, is_held) in [("2023-09-30", true), ("2023-10-01", false)] {
            let (base, quote) = (Currency::GBP, Currency::EUR);
            let (on, purpose) = (on.parse().unwrap(), Purpose::Customs);
            let found = book.find(&Query { base, quote, on, purpose, missed_max: 5 });
            assert_eq!(found.is_ok(), is_held, "case: {on}");
        }
    }

    #[test]
    fn yen_by_the_hundred_are_priced_by_one() {
        let book = RateBook::new(
            "cfets",
            Publication::Weekdays,
            [rate("JPY", "CNY", "100", "4.3135", "2026-09-04")],
        );
        assert_eq!(
            book.find(&query("JPY", "CNY", "2026-09-04")).unwrap().value.to_string(),
            "0.043135"
        );
    }
}
