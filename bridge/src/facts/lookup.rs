//! What is looked up in facts, what is found, and why nothing is.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use upturn_core::calendar::compose::ComposeError;
use upturn_core::duty::assess::QuestionError;
use upturn_core::fact::rate_book::{Found, Leg, NoRate, Query};
use upturn_core::money::Currency;
use upturn_core::tax::{Clash, TaxAnswer, TaxUnknown};

use super::Sheet;

/// A price that is asked for.
#[derive(Clone, Debug)]
pub(crate) struct RateAsked {
    /// What of what; how old it may be is the feed's to say.
    pub(crate) query: Query,
    /// Through this currency, also where there is a direct price.
    pub(crate) via: Option<Currency>,
    /// By this feed alone.
    pub(crate) feed: Option<String>,
}

/// A price, and whose it is.
#[derive(Debug)]
pub(crate) struct RateFound<'f> {
    /// The feed's facts.
    pub(crate) sheet: &'f Sheet,
    /// The price, with the published rates it comes from.
    pub(crate) price: Found,
}

/// A tax, and whose word it is.
#[derive(Debug)]
pub(crate) struct TaxFound<'f> {
    /// The feed's facts.
    pub(crate) sheet: &'f Sheet,
    /// All of it together, in percent.
    pub(crate) percent: Decimal,
    /// The answer as JSON, with its rules.
    pub(crate) answer: Value,
    /// The rules it stands on.
    pub(crate) rules: Vec<String>,
    /// The parts of the country where it is another.
    pub(crate) elsewhere: Vec<String>,
}

/// Why nothing is found. Nothing stands in for it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    /// No feed has that name.
    #[error("there is no feed '{name}' with facts; there are: {}", known.join(", "))]
    NoFeed {
        /// The name.
        name: String,
        /// Those that have facts.
        known: Vec<String>,
    },
    /// Several know it, and do not say the same.
    #[error("several feeds answer ({}); name one of them with --feed", .0.join(", "))]
    Several(Vec<String>),
    /// No feed has rates.
    #[error("no feed has rates; set one up or name a folder of saved documents")]
    NoRates,
    /// There is no rate.
    #[error(transparent)]
    Rate(#[from] NoRate),
    /// No feed has taxes.
    #[error("no feed has taxes; set one up or name a folder of saved documents")]
    NoTaxes,
    /// There is no tax.
    #[error(transparent)]
    Tax(#[from] TaxUnknown),
    /// The source contradicts itself.
    #[error(transparent)]
    Clash(#[from] Clash),
    /// The question is none.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// No feed tells the days of the place.
    #[error("no feed tells the days of '{place}'; there are those of: {}", listed(known))]
    NoPlace {
        /// The place.
        place: String,
        /// Those whose days are told.
        known: Vec<String>,
    },
    /// What feeds tell of the days does not go together.
    #[error(transparent)]
    Days(#[from] ComposeError),
    /// No departure is known.
    #[error("no departure from {way} is known after {}; there are: {}", after.to_rfc3339(), listed(known))]
    NoSailing {
        /// From where to where.
        way: String,
        /// After which time.
        after: DateTime<Utc>,
        /// Ways that are known.
        known: Vec<String>,
    },
    /// No policy is known for it on that day.
    #[error("no policy for {product} in {region} is in force on {on}")]
    NoPolicy {
        /// The product, or a group of them.
        product: String,
        /// Where.
        region: String,
        /// The day.
        on: NaiveDate,
    },
    /// No feed has codes of goods.
    #[error("no feed has codes of goods; set up one of the kind harmonized-system")]
    NoGoods,
    /// The source has not answered for too long.
    #[error("what '{feed}' says was last confirmed on {checked_on}, too long before {on}")]
    TooOld {
        /// The feed.
        feed: String,
        /// When its source last answered well.
        checked_on: NaiveDate,
        /// The day that is asked about.
        on: NaiveDate,
    },
}

fn listed(known: &[String]) -> String {
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}

impl LookupError {
    /// Returns the stable word for it.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoFeed { .. } => "feed-unknown",
            Self::Several(_) => "several-feeds",
            Self::NoRates => "rate-missing",
            Self::Rate(error) => error.code(),
            Self::NoTaxes | Self::Tax(_) => "tax-missing",
            Self::Clash(_) => "tax-clash",
            Self::Question(_) => "bad-question",
            Self::NoPlace { .. } => "calendar-missing",
            Self::Days(_) => "calendar-clash",
            Self::NoSailing { .. } => "sailing-missing",
            Self::NoPolicy { .. } => "policy-missing",
            Self::NoGoods => "goods-missing",
            Self::TooOld { .. } => "facts-too-old",
        }
    }
}

impl RateFound<'_> {
    /// Returns it as JSON.
    pub(crate) fn to_json(&self, asked: &Query) -> Value {
        json!({
            "base": asked.base,
            "quote": asked.quote,
            "as_of": asked.on,
            "purpose": asked.purpose,
            "value": self.price.value.to_string(),
            "feed": self.sheet.feed,
            "set": self.sheet.set,
            "checked_at": self.sheet.checked_at,
            "legs": self.price.legs.iter().map(leg_json).collect::<Vec<_>>(),
        })
    }
}

fn leg_json(leg: &Leg) -> Value {
    json!({
        "source": &*leg.source,
        "rate": leg.rate,
        "is_inverted": leg.is_inverted,
        "missed": leg.missed,
    })
}

impl<'f> TaxFound<'f> {
    /// Returns `answer` as it is kept.
    pub(super) fn of(sheet: &'f Sheet, answer: &TaxAnswer<'_>) -> Self {
        let rule = |rate: &&upturn_core::fact::tax::TaxRate| {
            format!("{}: {} {} %, {}", rate.source, rate.rule, rate.percent.normalize(), rate.valid)
        };
        Self {
            sheet,
            percent: answer.percent,
            answer: json!(answer),
            rules: answer.rates.iter().map(rule).collect(),
            elsewhere: answer.elsewhere.iter().map(rule).collect(),
        }
    }
}
