//! What pages and the API look up in the sets of facts in force.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use upturn_core::fact::goods::Goods;
use upturn_core::fact::rate::Purpose;
use upturn_core::fact::rate_book::{Found, Query};
use upturn_core::money::Currency;

use super::App;
use super::fault::{Fault, FaultKind};
use crate::facts::goods as told;
use crate::facts::lookup::{LookupError, RateAsked};
use crate::facts::stored::{Archive, StoredError, Wanted};
use crate::facts::{Facts, Sheet};

/// The longest text that is searched for, in characters.
pub(crate) const QUERY_MAX: usize = 200;

/// Whose word something is, and how old.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The feed.
    pub(crate) feed: String,
    /// Its set.
    pub(crate) set: Option<i64>,
    /// When the source last confirmed it.
    pub(crate) checked_at: Option<DateTime<Utc>>,
}

/// Codes of goods that one feed has.
#[derive(Debug)]
pub(crate) struct GoodsFound {
    /// Whose word it is.
    pub(crate) origin: Origin,
    /// The entries, the nearest first, each with those above it, the chapter first.
    pub(crate) entries: Vec<(Goods, Vec<Goods>)>,
}

/// A price of a currency that is asked for, as it is typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RateTyped {
    pub(crate) base: String,
    pub(crate) quote: String,
    /// The day; today where it is empty.
    pub(crate) on: String,
    /// `spot` or `customs`; `spot` where it is empty.
    pub(crate) purpose: String,
    /// The feed; any where it is empty.
    pub(crate) feed: String,
}

/// A price, and whose it is.
#[derive(Debug)]
pub(crate) struct RateFound {
    /// Whose word it is.
    pub(crate) origin: Origin,
    /// The price, with the published rates it comes from.
    pub(crate) price: Found,
    /// The answer as JSON.
    pub(crate) json: serde_json::Value,
}

/// Returns what answers to `text`, a code or words, in the tables of goods in force; at most `max`
/// entries of each feed.
pub(crate) async fn goods(app: &App, text: &str, max: usize) -> Result<Vec<GoodsFound>, Fault> {
    let text = text.trim().to_owned();
    if text.is_empty() || QUERY_MAX < text.chars().count() {
        let detail = format!("search for a code or words of 1 to {QUERY_MAX} characters");
        return Err(Fault::bad_request(detail));
    }
    look(app, move |facts| {
        let found = facts.all_goods(&text, max).into_iter();
        let own = |one: told::GoodsFound<'_>| GoodsFound {
            origin: Origin::of(one.sheet),
            entries: one.entries,
        };
        found.map(own).collect()
    })
    .await
}

/// Returns the price that is asked for, or why there is none.
pub(crate) async fn rate(
    app: &App,
    asked: RateAsked,
) -> Result<Result<RateFound, LookupError>, Fault> {
    look(app, move |facts| {
        let found = facts.rate(&asked)?;
        let json = found.to_json(&asked.query);
        Ok(RateFound { origin: Origin::of(found.sheet), price: found.price, json })
    })
    .await
}

impl RateTyped {
    /// Returns what is asked, on the day `today` where none is given, or what is typed wrong.
    pub(crate) fn read(&self, today: NaiveDate) -> Result<RateAsked, String> {
        let currency = |name: &str, text: &str| {
            let read = text.trim().to_uppercase().parse::<Currency>();
            read.map_err(|error| format!("{name} is '{}'; {error}", text.escape_debug()))
        };
        let on = match self.on.trim() {
            "" => today,
            text => text.parse().map_err(|_wrong| {
                format!("on is '{}'; use a day as 2025-01-27", text.escape_debug())
            })?,
        };
        let purpose = match self.purpose.trim() {
            "" | "spot" => Purpose::Spot,
            "customs" => Purpose::Customs,
            text => {
                return Err(format!("purpose is '{}'; use spot or customs", text.escape_debug()));
            }
        };
        let (base, quote) = (currency("base", &self.base)?, currency("quote", &self.quote)?);
        // How many publications may be missed is the feed's to say.
        let query = Query { base, quote, on, purpose, missed_max: 0 };
        let feed = Some(self.feed.trim().to_owned()).filter(|feed| !feed.is_empty());
        Ok(RateAsked { query, via: None, feed })
    }
}

/// Returns the facts of the sets in force.
pub(crate) async fn in_force(app: &App) -> Result<Facts, Fault> {
    let feeds = Arc::clone(&app.feeds.borrow());
    let archive = Archive { store: &app.store, shelf: &app.feed_office.shelf, feeds: &feeds };
    archive.read(Wanted::default()).await.map_err(|error| match error {
        StoredError::Store(error) => Fault::from(error),
        error @ (StoredError::Kind { .. } | StoredError::Document { .. } | StoredError::Cut(_)) => {
            Fault::internal(error)
        }
    })
}

/// Has `find` look at the facts in force, beside what else is to be done.
async fn look<T: Send + 'static>(
    app: &App,
    find: impl FnOnce(&Facts) -> T + Send + 'static,
) -> Result<T, Fault> {
    let facts = in_force(app).await?;
    let found = tokio::task::spawn_blocking(move || find(&facts)).await;
    found.map_err(|_gone| FaultKind::Unavailable.into())
}

impl Origin {
    fn of(sheet: &Sheet) -> Self {
        Self { feed: sheet.feed.clone(), set: sheet.set, checked_at: sheet.checked_at }
    }
}
