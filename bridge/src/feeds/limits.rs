//! How a feed's facts are judged: how far they may jump, and how old they may become.

use chrono::TimeDelta;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::Deserialize;
use upturn_connectors::feed::Kind;
use upturn_connectors::feed::supply::{Block, Supply};
use upturn_core::fact::rate_book::Publication;
use upturn_core::fact::review;

use crate::config::time_span::{TimeSpan, TimeSpanError};

/// How a feed's facts are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// How a new set is judged beside the one in force.
    pub(crate) review: review::Limits,
    /// How long ago the source last answered well, at most, before people are warned.
    pub(crate) warn_after: TimeDelta,
    /// How many publications a rate may have missed before nothing is reckoned with it.
    pub(crate) missed: u32,
    /// How long ago the source last answered well, at most, before nothing is reckoned with facts other
    /// than rates.
    pub(crate) block_after: TimeDelta,
}

/// `[limits]` of a feed's document. What is not written is as is usual for the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LimitsDocument {
    /// The days on which the source publishes rates.
    pub(crate) publication: Option<PublicationDays>,
    /// A region, as calendars in force name it: `CN`. On its days off nothing is published. Without this,
    /// or where no calendar in force tells of the region, `publication` alone says what is missed.
    #[schemars(length(min = 1, max = 128))]
    pub(crate) publishes_by: Option<String>,
    /// How many publications a rate may have missed, 0 to 1,000. Default: 1, so that two missed ones
    /// stop quotes; of `cfets` without `publishes_by` 8, as many weekdays as Spring Festival can take.
    #[schemars(range(max = 1_000))]
    pub(crate) missed: Option<u32>,
    /// How far a rate may be from the one before, before a person has to look at it, as a part of it:
    /// "0.05" for 5 %, which is the default.
    #[schemars(regex(pattern = r"^[0-9]+(\.[0-9]+)?$"))]
    pub(crate) jump: Option<String>,
    /// How long ago the source may last have answered well, before people are warned: `24h`. Of rates
    /// only days of publication count.
    #[schemars(regex(pattern = r"^[0-9]+(m|h|d)$"))]
    pub(crate) warn_after: Option<String>,
    /// How long ago at most, before facts other than rates are no longer used: `90d`.
    #[schemars(regex(pattern = r"^[0-9]+(m|h|d)$"))]
    pub(crate) block_after: Option<String>,
}

/// The days on which a source publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PublicationDays {
    /// Those on which the euro's payment system is open, as the ECB.
    Target,
    /// Monday to Friday.
    Weekdays,
    /// Every day.
    Daily,
}

/// What is wrong with a limit: its key, what, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{key}': {what}; {cure}")]
pub(crate) struct LimitError {
    /// The key.
    pub(crate) key: &'static str,
    /// What is wrong.
    pub(crate) what: String,
    /// What would be right.
    pub(crate) cure: &'static str,
}

/// How long facts that are not rates may be used where their kind does not say it.
const UNSEEN_MAX: TimeDelta = TimeDelta::days(90);
/// The longest name of a region, in bytes.
const REGION_MAX: usize = 128;
/// The most publications a rate may be allowed to miss.
const MISSED_MAX: u32 = 1_000;

impl Limits {
    /// Returns what `document` asks for, over what is usual for `kind`.
    pub(crate) fn of(kind: &Kind, document: &LimitsDocument) -> Result<Self, LimitError> {
        let mut limits = Self::usual(&kind.supply);
        if let Some(days) = document.publication {
            limits.review.publication = match days {
                PublicationDays::Target => Publication::Target,
                PublicationDays::Weekdays => Publication::Weekdays,
                PublicationDays::Daily => Publication::Daily,
            };
        }
        if let Some(region) = &document.publishes_by {
            if region.trim().is_empty() || REGION_MAX < region.len() {
                let what = "that is no region".to_owned();
                let cure = "write the name that a feed of holidays gives it, such as \"CN\"";
                return Err(LimitError { key: "publishes_by", what, cure });
            }
            // Holidays are none of what may be missed.
            limits.missed = Supply::RATES.limits.missed_max;
            limits.review.missed_max = limits.missed;
        }
        if let Some(missed) = document.missed {
            if MISSED_MAX < missed {
                let what = format!("{missed} is too many publications");
                return Err(LimitError { key: "missed", what, cure: "write 0 to 1000" });
            }
            limits.missed = missed;
            limits.review.missed_max = missed;
        }
        if let Some(text) = &document.jump {
            limits.review.jump_max = part(text)?;
        }
        if let Some(text) = &document.warn_after {
            limits.warn_after = span("warn_after", text)?;
        }
        if let Some(text) = &document.block_after {
            limits.block_after = span("block_after", text)?;
        }
        if limits.block_after < limits.warn_after {
            let what = "facts would be blocked before anybody is warned".to_owned();
            let cure = "write a block_after that is longer than warn_after";
            return Err(LimitError { key: "block_after", what, cure });
        }
        Ok(limits)
    }

    /// What holds for a kind unless a document says otherwise.
    pub(crate) fn usual(supply: &Supply) -> Self {
        let span = |span| TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX);
        let (missed, block_after) = match supply.age.block {
            // That many are too many.
            Block::Missed(count) => (count.saturating_sub(1), UNSEEN_MAX),
            Block::Unseen(unseen) => (supply.limits.missed_max, span(unseen)),
        };
        Self { review: supply.limits, warn_after: span(supply.age.warn), missed, block_after }
    }
}

fn part(text: &str) -> Result<Decimal, LimitError> {
    let read = text.parse::<Decimal>().ok();
    read.filter(|part| Decimal::ZERO < *part && *part <= Decimal::TEN).ok_or_else(|| LimitError {
        key: "jump",
        what: format!("'{}' is no part of a rate", text.escape_debug()),
        cure: "write a number above 0 and up to 10: \"0.05\" for 5 %",
    })
}

fn span(key: &'static str, text: &str) -> Result<TimeDelta, LimitError> {
    let cure = "write a number and m, h or d, such as \"24h\"";
    let read = TimeSpan::try_from(text.to_owned());
    let read = read.map_err(|error: TimeSpanError| {
        let what = error.to_string();
        let what = what.split("; ").next().unwrap_or_default().to_owned();
        LimitError { key, what, cure }
    })?;
    if read.as_delta() <= TimeDelta::zero() {
        return Err(LimitError { key, what: "no time at all is too short".to_owned(), cure });
    }
    Ok(read.as_delta())
}
