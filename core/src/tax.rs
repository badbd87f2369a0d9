//! Which tax is levied somewhere on a day, by one source's rates: an answer with its rules, or why
//! there is none. No rate ever stands in for one that is not known.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::fact::place::Country;
use crate::fact::tax::{Bounds, Category, Levy, TaxRate};

/// The rates of one source, of which no two contradict each other.
#[derive(Clone, Debug, Default)]
pub struct TaxTable {
    rates: BTreeMap<Country, Vec<TaxRate>>,
}

/// Two rates of one thing in one place that differ on some day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{one}' and '{other}' are of the same thing and differ while both hold")]
pub struct Clash {
    /// The rule of one.
    pub one: String,
    /// The rule of the other.
    pub other: String,
}

/// Where something is taxed.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The country.
    pub country: Country,
    /// The state or province, as ISO 3166-2 has it behind the country: `ON`.
    pub region: Option<&'a str>,
    /// The postcode, by which some countries set parts of them apart.
    pub postcode: Option<&'a str>,
    /// The code of a part of the country, as the source has it behind the country: `CN`.
    pub territory: Option<&'a str>,
}

impl Asked<'_> {
    /// Asks for a country as a whole.
    pub fn country(country: Country) -> Self {
        Self { country, region: None, postcode: None, territory: None }
    }
}

/// What is levied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaxAnswer<'t> {
    /// All of it together, in percent.
    pub percent: Decimal,
    /// The rates it is made of, each with its source, rule and validity: the country's or the
    /// territory's, then the region's supplement.
    pub rates: Vec<&'t TaxRate>,
    /// The parts of the country where it is another, since nobody said that it is none of them.
    pub elsewhere: Vec<&'t TaxRate>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaxUnknown {
    /// The source says nothing on the country.
    #[error("no tax is known for {0}")]
    Country(Country),
    /// The source says nothing on that day.
    #[error("the tax of {country} is not known for {day}")]
    Day {
        /// The country.
        country: Country,
        /// The day.
        day: NaiveDate,
    },
    /// The states or provinces differ.
    #[error("the tax of {0} differs between its states; say which one it is")]
    Region(Country),
    /// The source knows no such part of the country on that day.
    #[error("no tax is known for '{territory}' of {country} on {day}")]
    Territory {
        /// The country.
        country: Country,
        /// The part.
        territory: String,
        /// The day.
        day: NaiveDate,
    },
    /// Several rates hold and nothing says which.
    #[error("'{0}' and '{1}' both hold; a person has to decide")]
    Several(String, String),
}

impl TaxTable {
    /// Returns the table of `rates`, which are all of one source.
    ///
    /// Fails where two of the same thing and place hold on one day and differ.
    pub fn of(rates: impl IntoIterator<Item = TaxRate>) -> Result<Self, Clash> {
        let mut table = Self::default();
        for rate in rates {
            table.rates.entry(rate.country).or_default().push(rate);
        }
        table.check()?;
        Ok(table)
    }

    fn check(&self) -> Result<(), Clash> {
        for rates in self.rates.values() {
            let mut order: Vec<&TaxRate> = rates.iter().collect();
            order.sort_by(|one, other| {
                key(one).cmp(&key(other)).then(one.valid.from().cmp(&other.valid.from()))
            });
            for same in order.chunk_by(|one, other| key(one) == key(other)) {
                // In the order of their beginnings, one that clashes clashes with the one that goes
                // on longest before it.
                let mut longest: Option<&TaxRate> = None;
                for rate in same {
                    let clash = longest.filter(|before| {
                        before.valid.overlaps(&rate.valid) && before.percent != rate.percent
                    });
                    if let Some(before) = clash {
                        return Err(Clash { one: before.rule.clone(), other: rate.rule.clone() });
                    }
                    let ends = |rate: &TaxRate| rate.valid.until().unwrap_or(NaiveDate::MAX);
                    if longest.is_none_or(|before| ends(before) < ends(rate)) {
                        longest = Some(rate);
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns the standard rate where `asked` is, on `day`.
    pub fn standard(&self, asked: &Asked<'_>, day: NaiveDate) -> Result<TaxAnswer<'_>, TaxUnknown> {
        let country = asked.country;
        let rates = self.rates.get(&country).ok_or(TaxUnknown::Country(country))?;
        let standard = || rates.iter().filter(|rate| rate.category == Category::Standard);
        let in_force = || standard().filter(|rate| rate.holds_on(day));

        let inside = in_force().filter(|rate| is_inside(rate, asked)).collect::<Vec<_>>();
        if let Some(rate) = only(&inside)? {
            return Ok(TaxAnswer {
                percent: rate.percent,
                rates: vec![rate],
                elsewhere: Vec::new(),
            });
        }
        if let Some(territory) = asked.territory {
            let territory = territory.to_owned();
            return Err(TaxUnknown::Territory { country, territory, day });
        }

        let own = in_force().filter(|rate| rate.territory.is_none() && rate.region.is_none());
        let own = only(&own.collect::<Vec<_>>())?.ok_or(TaxUnknown::Day { country, day })?;
        let mut answer =
            TaxAnswer { percent: own.percent, rates: vec![own], elsewhere: Vec::new() };
        self.add_region(&mut answer, asked, day)?;
        if asked.postcode.is_none() {
            answer.elsewhere = in_force().filter(|rate| rate.territory.is_some()).collect();
        }
        Ok(answer)
    }

    fn add_region<'t>(
        &'t self,
        answer: &mut TaxAnswer<'t>,
        asked: &Asked<'_>,
        day: NaiveDate,
    ) -> Result<(), TaxUnknown> {
        let country = asked.country;
        let of_regions = self.rates.get(&country).into_iter().flatten();
        let of_regions: Vec<&TaxRate> = of_regions
            .filter(|rate| rate.category == Category::Standard && rate.region.is_some())
            .collect();
        if of_regions.is_empty() {
            return Ok(());
        }
        let region = asked.region.ok_or(TaxUnknown::Region(country))?;
        let of_region =
            || of_regions.iter().copied().filter(|rate| rate.region.as_deref() == Some(region));
        let found: Vec<_> = of_region().filter(|rate| rate.holds_on(day)).collect();
        match only(&found)? {
            Some(rate) if rate.is_supplement => {
                answer.percent += rate.percent;
                answer.rates.push(rate);
            }
            Some(rate) => {
                answer.percent = rate.percent;
                answer.rates = vec![rate];
            }
            // A region without a supplement has none, unless it is only regions that levy.
            None if of_region().next().is_some()
                || answer.rates.iter().all(|rate| rate.levy == Levy::None) =>
            {
                let territory = region.to_owned();
                return Err(TaxUnknown::Territory { country, territory, day });
            }
            None => {}
        }
        Ok(())
    }

    /// Returns the rates other than the standard one that may be levied in `country` on `day` on goods
    /// of the nomenclature's code `commodity`. Which of them is, the law's text says: a person decides.
    pub fn reduced(&self, country: Country, day: NaiveDate, commodity: &str) -> Vec<&TaxRate> {
        let rates = self.rates.get(&country).into_iter().flatten();
        rates
            .filter(|rate| rate.category != Category::Standard && rate.holds_on(day))
            .filter(|rate| {
                rate.scope.goods.iter().any(|code| commodity.starts_with(&**code))
                    || rate.scope.is_everything()
            })
            .collect()
    }
}

/// What a rate is of: two of the same must not differ while both hold.
fn key(rate: &TaxRate) -> impl Ord + '_ {
    let territory = rate.territory.as_ref().map(|territory| match &territory.bounds {
        Bounds::Postcodes(pattern) => (territory.name.as_str(), vec![pattern.as_str()]),
        Bounds::Codes(codes) => {
            (territory.name.as_str(), codes.iter().map(String::as_str).collect())
        }
    });
    (rate.region.as_deref(), territory, rate.levy, rate.category, rate.label.as_str(), &rate.scope)
}

fn is_inside(rate: &TaxRate, asked: &Asked<'_>) -> bool {
    let Some(territory) = &rate.territory else { return false };
    let has_code = match &territory.bounds {
        Bounds::Codes(codes) => asked
            .territory
            .is_some_and(|wanted| codes.iter().any(|code| code.eq_ignore_ascii_case(wanted))),
        Bounds::Postcodes(_) => false,
    };
    has_code || asked.postcode.is_some_and(|postcode| territory.bounds.has_postcode(postcode))
}

/// Returns the one of `rates`, or the first where all are of one percent.
fn only<'t>(rates: &[&'t TaxRate]) -> Result<Option<&'t TaxRate>, TaxUnknown> {
    let Some(first) = rates.first() else { return Ok(None) };
    match rates.iter().find(|rate| rate.percent != first.percent) {
        Some(other) => Err(TaxUnknown::Several(first.rule.clone(), other.rule.clone())),
        None => Ok(Some(first)),
    }
}
