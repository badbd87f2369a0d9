//! Facts to look things up in: of the feeds' sets in force, or of documents saved in a folder.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use upturn_connectors::feed::Kind;
use upturn_core::duty::assess::{self, Assessment, Question};
use upturn_core::fact::almanac;
use upturn_core::fact::duty::Measure;
use upturn_core::fact::rate::{Purpose, Rate};
use upturn_core::fact::rate_book::{Query, RateBook};
use upturn_core::fact::tax::TaxRate;
use upturn_core::fact::{Fact, eu_customs_rate};
use upturn_core::tax::{Asked, TaxTable};

use self::lookup::{LookupError, RateAsked, RateFound, TaxFound};
use crate::feeds::limits::Limits;

pub(crate) mod changes;
pub(crate) mod days;
pub(crate) mod goods;
pub(crate) mod lookup;
pub(crate) mod policies;
pub(crate) mod sailings;
pub(crate) mod saved;
pub(crate) mod shelf;
pub(crate) mod stored;
pub(crate) mod told_attributes;
pub(crate) mod told_days;

/// The feed whose euro rates become customs rates of the European Union.
const EURO_REFERENCE: &str = "ecb";

/// Facts of several feeds.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// In the order of the feeds' names.
    pub(crate) sheets: Vec<Sheet>,
}

/// The facts of one feed.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// The feed's name.
    pub(crate) feed: String,
    /// Its kind.
    pub(crate) kind: &'static Kind,
    /// How they are judged.
    pub(crate) limits: Limits,
    /// The region on whose days off the source publishes nothing.
    pub(crate) publishes_by: Option<String>,
    /// Those days, as far as calendars tell them.
    pub(crate) closed: Arc<BTreeSet<NaiveDate>>,
    /// Which set they are; none where they were saved in a folder.
    pub(crate) set: Option<i64>,
    /// When they came into force; none where they were saved in a folder.
    pub(crate) known_at: Option<DateTime<Utc>>,
    /// When the source was last asked and answered well; none where they were saved in a folder.
    pub(crate) checked_at: Option<DateTime<Utc>>,
    /// The facts.
    pub(crate) facts: Arc<Vec<Fact>>,
    /// What the feed said before, the oldest first, where that was asked for.
    pub(crate) earlier: Vec<Earlier>,
}

/// Facts that were in force before.
#[derive(Debug)]
pub(crate) struct Earlier {
    /// Since when.
    pub(crate) known_at: DateTime<Utc>,
    /// The facts.
    pub(crate) facts: Arc<Vec<Fact>>,
}

impl Facts {
    /// Returns the price that is asked for, from the one feed that knows it.
    pub(crate) fn rate(&self, asked: &RateAsked) -> Result<RateFound<'_>, LookupError> {
        let mut found = Vec::new();
        let mut missed = None;
        for sheet in self.of_feed(asked.feed.as_deref())? {
            let Some(book) = sheet.book(&asked.query) else { continue };
            let query = Query { missed_max: sheet.limits.missed, ..asked.query };
            let looked_up = match asked.via {
                Some(third) => book.find_through(&query, third),
                None => book.find(&query),
            };
            match looked_up {
                Ok(price) => found.push(RateFound { sheet, price }),
                // A rate that is too old says more than one that was never there.
                Err(error) => {
                    let keep = missed.is_none() || error.code() == "rate-too-old";
                    missed = if keep { Some(error) } else { missed };
                }
            }
        }
        let feeds = found.iter().map(|one| one.sheet.feed.clone()).collect();
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one),
            (Some(_), false) => Err(LookupError::Several(feeds)),
            (None, _) => Err(missed.map_or(LookupError::NoRates, LookupError::Rate)),
        }
    }

    /// Returns the standard rate of tax, from the one feed that knows it.
    pub(crate) fn tax(
        &self,
        feed: Option<&str>,
        asked: &Asked<'_>,
        on: NaiveDate,
    ) -> Result<TaxFound<'_>, LookupError> {
        let mut found = Vec::new();
        let mut missed = None;
        for sheet in self.of_feed(feed)? {
            let rates: Vec<TaxRate> = sheet.taxes().cloned().collect();
            if rates.is_empty() {
                continue;
            }
            match TaxTable::of(rates)?.standard(asked, on) {
                Ok(answer) => found.push(TaxFound::of(sheet, &answer)),
                Err(error) => missed = Some(error),
            }
        }
        let feeds: Vec<_> = found.iter().map(|one| one.sheet.feed.clone()).collect();
        let agree =
            found.windows(2).all(|two| matches!(two, [one, other] if one.percent == other.percent));
        if !agree {
            return Err(LookupError::Several(feeds));
        }
        let found = found.into_iter().next();
        let found = found.ok_or_else(|| missed.map_or(LookupError::NoTaxes, LookupError::Tax))?;
        found.sheet.require_fresh(on)?;
        Ok(found)
    }

    /// Returns what the tariffs of all feeds, or of one, say on goods.
    pub(crate) fn duty(
        &self,
        feed: Option<&str>,
        question: &Question<'_>,
    ) -> Result<Assessment<'_>, LookupError> {
        let mut measures: Vec<&Measure> = Vec::new();
        for sheet in self.of_feed(feed)? {
            let before = measures.len();
            measures.extend(sheet.measures());
            if before < measures.len() {
                sheet.require_fresh(question.day)?;
            }
        }
        Ok(assess::assess(measures, question)?)
    }

    /// Says in each sheet on which days its source is closed, by the calendars among `told`.
    fn close(&mut self, told: &[Arc<Vec<Fact>>]) {
        for sheet in &mut self.sheets {
            if let Some(region) = &sheet.publishes_by {
                let almanacs = told.iter().flat_map(|facts| days::almanacs(facts));
                sheet.closed = Arc::new(almanac::days_off(almanacs, region));
            }
        }
    }

    fn of_feed(&self, feed: Option<&str>) -> Result<Vec<&Sheet>, LookupError> {
        let Some(name) = feed else { return Ok(self.sheets.iter().collect()) };
        let found = self.sheets.iter().find(|sheet| sheet.feed == name);
        let found = found.ok_or_else(|| LookupError::NoFeed {
            name: name.to_owned(),
            known: self.sheets.iter().map(|sheet| sheet.feed.clone()).collect(),
        })?;
        Ok(vec![found])
    }
}

impl Sheet {
    /// Returns the facts of a feed of `kind`, which were in no set, are judged by `limits`, and of a source
    /// that publishes by a region's days, if it does.
    pub(crate) fn new(
        (feed, kind): (String, &'static Kind),
        (limits, publishes_by): (Limits, Option<String>),
        facts: Arc<Vec<Fact>>,
    ) -> Self {
        Self {
            feed,
            kind,
            limits,
            publishes_by,
            closed: Arc::default(),
            set: None,
            known_at: None,
            checked_at: None,
            facts,
            earlier: Vec::new(),
        }
    }

    /// Returns its rates that bear on `query`, those that follow from others by law among them; none
    /// where it has no rates at all.
    fn book(&self, query: &Query) -> Option<RateBook> {
        self.rates().next()?;
        // A price through a third currency has one of both in each of its rates.
        let ends = [query.base, query.quote];
        let bears = |rate: &&Rate| ends.contains(&rate.base) || ends.contains(&rate.quote);
        let is_derived = query.purpose == Purpose::Customs && self.kind.name == EURO_REFERENCE;
        let derived = if is_derived {
            eu_customs_rate::derive(self.rates().filter(bears), query.on)
        } else {
            Vec::new()
        };
        let wanted = self.rates().filter(bears).filter(|rate| rate.purpose == query.purpose);
        let rates = wanted.cloned().chain(derived);
        let book = RateBook::new(&self.feed, self.limits.review.publication, rates);
        Some(book.without(Arc::clone(&self.closed)))
    }

    /// Fails where the source was not heard of for too long before the day `on`.
    pub(crate) fn require_fresh(&self, on: NaiveDate) -> Result<(), LookupError> {
        let Some(checked_at) = self.checked_at else { return Ok(()) };
        let checked_on = checked_at.date_naive();
        if on - checked_on <= self.limits.block_after {
            return Ok(());
        }
        Err(LookupError::TooOld { feed: self.feed.clone(), checked_on, on })
    }

    /// Returns its rates.
    pub(crate) fn rates(&self) -> impl Iterator<Item = &Rate> {
        rates(&self.facts)
    }

    /// Returns its taxes.
    pub(crate) fn taxes(&self) -> impl Iterator<Item = &TaxRate> {
        self.facts
            .iter()
            .filter_map(|fact| if let Fact::Tax(tax) = fact { Some(&**tax) } else { None })
    }

    /// Returns its measures of tariffs.
    pub(crate) fn measures(&self) -> impl Iterator<Item = &Measure> {
        self.facts
            .iter()
            .filter_map(|fact| if let Fact::Duty(one) = fact { Some(&**one) } else { None })
    }
}

/// Returns the rates among `facts`.
pub(crate) fn rates(facts: &[Fact]) -> impl Iterator<Item = &Rate> {
    facts.iter().filter_map(|fact| if let Fact::Rate(rate) = fact { Some(rate) } else { None })
}
