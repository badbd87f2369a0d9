//! The facts a quote is made with: whose they are, and which of them answers.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;

use super::priced::{UsedLeg, UsedRate};
use super::problem::{Code, Problem};
use super::snapshot::UsedSet;
use super::stated::{StatedFacts, StatedRate};
use crate::fact::Fact;
use crate::fact::duty::Measure;
use crate::fact::eu_customs_rate;
use crate::fact::place::Country;
use crate::fact::rate::{Purpose, Rate};
use crate::fact::rate_book::{NoRate, Publication, Query, RateBook};
use crate::fact::tax::TaxRate;
use crate::money::Currency;
use crate::money::rounding::round;
use crate::tax::{Asked, TaxAnswer, TaxTable, TaxUnknown};

/// How far back daily rates can bear on the Union's customs rate of a day.
const UNION_DAYS: u64 = 80;
/// How many publications a rate may have missed, where neither its source nor the request says.
const MISSED_MAX: u32 = 1;
/// How many decimals of a rate are shown.
const SHOWN: u32 = 10;

/// What one feed says.
#[derive(Clone, Debug)]
pub struct Source {
    /// The feed's name.
    pub name: String,
    /// On which days it publishes, if it publishes rates.
    pub publication: Publication,
    /// The days on which it is closed all the same.
    pub closed: Arc<BTreeSet<NaiveDate>>,
    /// How many publications a rate of it may have missed.
    pub missed_max: u32,
    /// Whether its rates are the European Central Bank's own, from which the Union's customs rates follow.
    pub is_union_reference: bool,
    /// Its facts.
    pub facts: Arc<Vec<Fact>>,
    /// Which set of the feed they are; none where they are documents that were saved.
    pub set: Option<UsedSet>,
    /// Why taxes and duties of it may not be used, if they are too old.
    pub too_old: Option<String>,
}

/// All facts, by who says them.
#[derive(Clone, Debug, Default)]
pub struct Library {
    books: BTreeMap<String, Book>,
    customs_rates: BTreeMap<String, Vec<Rate>>,
    taxes: BTreeMap<String, TaxTable>,
    measures: BTreeMap<String, Vec<Measure>>,
    sets: Vec<UsedSet>,
    /// By source, why its taxes and duties may not be used.
    too_old: BTreeMap<String, String>,
}

/// The rates of one source.
#[derive(Clone, Debug)]
struct Book {
    rates: RateBook,
    missed_max: Option<u32>,
}

/// Which exchange is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// What is exchanged.
    pub from: Currency,
    /// Into what.
    pub to: Currency,
    /// On which day.
    pub on: NaiveDate,
    /// What for.
    pub purpose: Purpose,
    /// By whose rates; where nobody is named, by those of the only source that has them.
    pub source: Option<&'a str>,
    /// How many publications a rate may have missed; its source's own limit holds besides.
    pub missed_max: Option<u32>,
}

#[derive(Debug, Default)]
struct Shelf {
    publication: Option<Publication>,
    closed: Arc<BTreeSet<NaiveDate>>,
    missed_max: Option<u32>,
    is_union_reference: bool,
    rates: Vec<Rate>,
    taxes: Vec<TaxRate>,
    measures: Vec<Measure>,
}

impl Library {
    /// Returns the library of what `sources` and the request say, for a quote made on `date`.
    ///
    /// Fails where one source contradicts itself.
    pub fn of(
        sources: Vec<Source>,
        stated: &StatedFacts,
        date: NaiveDate,
    ) -> Result<Self, Vec<Problem>> {
        let mut shelves: BTreeMap<String, Shelf> = BTreeMap::new();
        let mut library = Self::default();
        for source in sources {
            shelves.entry(source.name.clone()).or_default().put(&source);
            library.sets.extend(source.set);
            library.too_old.extend(source.too_old.map(|why| (source.name, why)));
        }
        let mut problems = shelve(stated, &mut shelves);
        for (name, shelf) in shelves {
            library.add(name, shelf, date, &mut problems);
        }
        if problems.is_empty() { Ok(library) } else { Err(problems) }
    }

    fn add(&mut self, name: String, told: Shelf, date: NaiveDate, problems: &mut Vec<Problem>) {
        let mut rates = told.rates;
        if told.is_union_reference {
            let oldest = date.checked_sub_days(Days::new(UNION_DAYS)).unwrap_or(date);
            let recent = rates.iter().filter(|rate| oldest <= rate.date);
            let derived = eu_customs_rate::derive(recent, date);
            rates.extend(derived);
        }
        if !rates.is_empty() {
            let customs = rates.iter().filter(|rate| rate.purpose == Purpose::Customs);
            self.customs_rates.insert(name.clone(), customs.cloned().collect());
            let publication = told.publication.unwrap_or(Publication::Weekdays);
            let rates = RateBook::new(&name, publication, rates).without(told.closed);
            self.books.insert(name.clone(), Book { rates, missed_max: told.missed_max });
        }
        if !told.measures.is_empty() {
            self.measures.insert(name.clone(), told.measures);
        }
        if told.taxes.is_empty() {
            return;
        }
        match TaxTable::of(told.taxes) {
            Ok(table) => {
                self.taxes.insert(name, table);
            }
            Err(clash) => {
                let message = format!("the taxes of '{name}' contradict each other: {clash}");
                problems.push(Problem::new(Code::FactsContradict, "/facts/taxes", message));
            }
        }
    }

    /// Returns the rate for an exchange with where it comes from; none between a currency and itself.
    pub fn exchange(&self, asked: &Exchange<'_>, at: &str) -> Result<Option<UsedRate>, Problem> {
        if asked.from == asked.to {
            return Ok(None);
        }
        let books = named(&self.books, asked.source, at)?;
        let mut found = Vec::new();
        let mut misses = Vec::new();
        for (name, book) in books {
            let limits = [book.missed_max, asked.missed_max];
            let query = Query {
                base: asked.from,
                quote: asked.to,
                on: asked.on,
                purpose: asked.purpose,
                missed_max: limits.into_iter().flatten().min().unwrap_or(MISSED_MAX),
            };
            match book.rates.find(&query) {
                Ok(rate) => found.push((name, rate)),
                Err(miss) => misses.push(miss),
            }
        }
        match (found.pop(), found.pop()) {
            (Some((_, rate)), None) => {
                let legs = rate.legs.into_iter().map(|leg| UsedLeg {
                    rate: StatedRate::of(&leg.source, &leg.rate),
                    is_inverted: leg.is_inverted,
                    missed: leg.missed,
                });
                let value = round(rate.value, SHOWN).normalize().into();
                let (from, to) = (asked.from, asked.to);
                Ok(Some(UsedRate { from, to, value, legs: legs.collect() }))
            }
            (Some((one, _)), Some((other, _))) => {
                let message = format!(
                    "both '{other}' and '{one}' have a {} rate of {} in {}; name one under 'sources'",
                    word(asked.purpose),
                    asked.from,
                    asked.to,
                );
                Err(Problem::new(Code::RateSourceAmbiguous, at, message))
            }
            (None, _) => Err(no_rate(asked, &misses, at)),
        }
    }

    /// Returns all customs rates and who says them, of `source` where one is named.
    pub fn customs_rates<'l>(
        &'l self,
        source: Option<&'l str>,
    ) -> impl Iterator<Item = (&'l str, &'l Rate)> {
        let of = self.customs_rates.iter();
        of.filter(move |(name, _)| source.is_none_or(|source| source == **name))
            .flat_map(|(name, rates)| rates.iter().map(move |rate| (name.as_str(), rate)))
    }

    /// Returns the standard rate of tax where `asked` is, on `day`.
    pub fn tax(
        &self,
        asked: &Asked<'_>,
        day: NaiveDate,
        source: Option<&str>,
    ) -> Result<TaxAnswer<'_>, Problem> {
        let at = "/import";
        let country = asked.country;
        let tables = named(&self.taxes, source, at)?;
        let mut answers = Vec::new();
        for (name, table) in tables {
            match table.standard(asked, day) {
                Err(TaxUnknown::Country(_)) => {}
                answer => answers.push((name, answer)),
            }
        }
        match (answers.pop(), answers.pop()) {
            (Some((name, Ok(answer))), None) => {
                self.require_fresh(name, at)?;
                Ok(answer)
            }
            (Some((_, Err(unknown))), None) => {
                let message =
                    format!("{unknown}; give it under 'facts', or load a feed that has it");
                Err(Problem::new(Code::TaxMissing, at, message))
            }
            (Some((one, _)), Some((other, _))) => {
                let message = format!(
                    "both '{other}' and '{one}' tell taxes of {country}; name one under 'sources'"
                );
                Err(Problem::new(Code::SourceAmbiguous, at, message))
            }
            (None, _) => {
                let message = format!(
                    "no tax is known for {country}; give it under 'facts', or load a feed that has it"
                );
                Err(Problem::new(Code::TaxMissing, at, message))
            }
        }
    }

    /// Returns the measures of the customs territory `territory`.
    pub fn measures(
        &self,
        territory: Country,
        source: Option<&str>,
    ) -> Result<&[Measure], Problem> {
        let at = "/import";
        let of_territory =
            |measures: &[Measure]| measures.iter().any(|measure| measure.destination == territory);
        let known = named(&self.measures, source, at)?;
        let known: Vec<_> = known.into_iter().filter(|(_, all)| of_territory(all)).collect();
        match &*known {
            [(name, measures)] => {
                self.require_fresh(name, at)?;
                Ok(measures)
            }
            [] => {
                let message = format!(
                    "no duty of {territory} is known; give it under 'facts', or load a feed that has it"
                );
                Err(Problem::new(Code::DutyMissing, at, message))
            }
            [(one, _), (other, _), ..] => {
                let message = format!(
                    "both '{one}' and '{other}' tell duties of {territory}; name one under 'sources'"
                );
                Err(Problem::new(Code::SourceAmbiguous, at, message))
            }
        }
    }
}

impl Library {
    /// Returns the sets of facts of `sources`.
    pub(super) fn sets_of(&self, sources: &BTreeSet<&str>) -> Vec<UsedSet> {
        self.sets.iter().filter(|set| sources.contains(&*set.feed)).cloned().collect()
    }

    fn require_fresh(&self, source: &str, at: &str) -> Result<(), Problem> {
        match self.too_old.get(source) {
            Some(why) => Err(Problem::new(Code::FactsTooOld, at, why.clone())),
            None => Ok(()),
        }
    }
}

impl Shelf {
    /// Puts what `source` says of prices beside what is there.
    fn put(&mut self, source: &Source) {
        self.publication = Some(source.publication);
        self.closed = Arc::clone(&source.closed);
        self.missed_max = Some(source.missed_max);
        self.is_union_reference |= source.is_union_reference;
        for fact in &*source.facts {
            match fact {
                Fact::Rate(rate) => self.rates.push(rate.clone()),
                Fact::Tax(rate) => {
                    let mut rate = TaxRate::clone(rate);
                    rate.source.clone_from(&source.name);
                    self.taxes.push(rate);
                }
                Fact::Duty(measure) => {
                    let mut measure = Measure::clone(measure);
                    measure.source.clone_from(&source.name);
                    self.measures.push(measure);
                }
                // Nothing that a price depends on.
                Fact::Goods(_)
                | Fact::Calendar(_)
                | Fact::Sailing(_)
                | Fact::PortCall(_)
                | Fact::TransportEvent(_)
                | Fact::Lane(_)
                | Fact::Closure(_)
                | Fact::Weather(_)
                | Fact::Attributes(_)
                | Fact::Policy(_)
                | Fact::Unread(_) => {}
            }
        }
    }
}

impl UsedRate {
    /// Returns what `amount` comes to: multiplied by all before it is divided, so that what is exact
    /// stays exact. None beyond 28 digits.
    pub fn apply(&self, amount: Decimal) -> Option<Decimal> {
        let (mut over, mut under) = (amount, Decimal::ONE);
        for leg in &self.legs {
            let (unit, value) = (leg.rate.unit.0, leg.rate.value.0);
            let (times, by) = if leg.is_inverted { (unit, value) } else { (value, unit) };
            over = over.checked_mul(times)?;
            under = under.checked_mul(by)?;
        }
        over.checked_div(under)
    }
}

/// Puts what the request states beside what feeds say.
fn shelve(stated: &StatedFacts, shelves: &mut BTreeMap<String, Shelf>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut refuse = |at: String, message: String| {
        problems.push(Problem::new(Code::FactsContradict, at, message));
    };
    for (index, rate) in stated.rates.iter().enumerate() {
        if rate.value.0 <= Decimal::ZERO || rate.unit.0 <= Decimal::ZERO {
            refuse(format!("/facts/rates/{index}"), "a rate is above 0".to_owned());
            continue;
        }
        shelves.entry(rate.source.clone()).or_default().rates.push(rate.rate());
    }
    for (index, tax) in stated.taxes.iter().enumerate() {
        let at = format!("/facts/taxes/{index}");
        if tax.percent.0 < Decimal::ZERO || Decimal::ONE_HUNDRED < tax.percent.0 {
            refuse(at, "a tax is from 0 to 100 percent".to_owned());
            continue;
        }
        match tax.rate() {
            Ok(rate) => shelves.entry(tax.source.clone()).or_default().taxes.push(rate),
            Err(error) => refuse(at, error.to_string()),
        }
    }
    for (index, duty) in stated.duties.iter().enumerate() {
        match duty.measure() {
            Ok(measure) => {
                shelves.entry(duty.source.clone()).or_default().measures.push(measure);
            }
            Err(error) => refuse(format!("/facts/duties/{index}"), error.to_string()),
        }
    }
    problems
}

/// Returns those of `all` that may answer: the named one, else all.
fn named<'l, T>(
    all: &'l BTreeMap<String, T>,
    name: Option<&str>,
    at: &str,
) -> Result<Vec<(&'l String, &'l T)>, Problem> {
    let Some(name) = name else { return Ok(all.iter().collect()) };
    let one = all.get_key_value(name).ok_or_else(|| {
        let known: BTreeSet<&str> = all.keys().map(String::as_str).collect();
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        let message = if known.is_empty() {
            format!("source '{name}' has nothing of the kind, nor has another")
        } else {
            format!("source '{name}' has nothing of the kind; these have: {known}")
        };
        Problem::new(Code::SourceUnknown, at, message)
    })?;
    Ok(vec![one])
}

fn word(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Spot => "daily",
        Purpose::Customs => "customs",
    }
}

fn no_rate(asked: &Exchange<'_>, misses: &[NoRate], at: &str) -> Problem {
    let rank = |miss: &&NoRate| match miss {
        NoRate::TooOld { .. } => 0,
        NoRate::NotYet { .. } => 1,
        NoRate::Overflow { .. } => 2,
        NoRate::Unknown { .. } => 3,
    };
    let kind = word(asked.purpose);
    let Exchange { from, to, on, .. } = asked;
    match misses.iter().min_by_key(rank) {
        Some(miss @ NoRate::TooOld { .. }) => {
            let message = format!("the {kind} rate is too old for {on}: {miss}");
            Problem::new(Code::RateTooOld, at, message)
        }
        Some(miss @ (NoRate::NotYet { .. } | NoRate::Overflow { .. })) => {
            let message = format!("there is no {kind} rate for {on}: {miss}");
            Problem::new(Code::RateMissing, at, message)
        }
        Some(NoRate::Unknown { .. }) | None => {
            let message = format!(
                "no source has a {kind} rate of {from} in {to}; give it under 'facts', or load a feed \
                 that has it"
            );
            Problem::new(Code::RateMissing, at, message)
        }
    }
}
