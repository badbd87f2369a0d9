//! Snapshots: a quote frozen with its request, every fact it was made with, and a digest over all.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::authority;
use super::library::{Exchange, Library};
use super::price::{Priced, price};
use super::priced::Quote;
use super::problem::Problem;
use super::request::Request;
use super::stated::StatedFacts;
use crate::compliance::policy::Policy;
use crate::compliance::price_band::PriceBands;
use crate::digest::hash;
use crate::fact::rate::Purpose;
use crate::money::Currency;

/// How snapshots are laid out, and how they are shown. Another layout gets another word, so that an old
/// one goes on being shown as it was.
pub const LAYOUT: &str = "upturn-quote-1";

/// A frozen quote.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// How it is laid out.
    pub layout: String,
    /// What was asked for.
    pub request: Request,
    /// The hash of what an approval would be bound to.
    pub content: String,
    /// Every fact that bears on the quote; stated in a request, they give it again.
    pub facts: StatedFacts,
    /// The quote.
    pub quote: Quote,
    /// The sets of feeds that those facts are of; none where no feed was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<UsedSet>,
    /// The hash of all of the above.
    pub digest: String,
}

/// A set of a feed that a quote stands on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct UsedSet {
    /// The feed, which facts name as their source.
    pub feed: String,
    /// The set's number.
    pub set: i64,
    /// When its source was last asked and confirmed it.
    pub checked_at: Option<DateTime<Utc>>,
}

/// Why a text is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It is not written as one.
    #[error("it is no snapshot of a quote")]
    Unread(#[from] serde_json::Error),
    /// It is of another layout.
    #[error(
        "its layout '{0}' is not known to this version; use the one that made it, or a newer one"
    )]
    Layout(String),
    /// It was changed.
    #[error("its digest does not fit: it was changed after it was made; ask for the quote again")]
    Changed,
}

impl Snapshot {
    /// Prices `request` and freezes the result. Fails where the request is wrong.
    pub fn take(
        request: Request,
        library: &Library,
        policy: &Policy,
    ) -> Result<Self, Vec<Problem>> {
        let Priced { quote, mut used } = price(&request, library, policy)?;
        used.merge(StatedFacts::default());
        let sources = used.rates.iter().map(|rate| &*rate.source);
        let sources = sources.chain(used.taxes.iter().map(|tax| &*tax.source));
        let sources: BTreeSet<_> =
            sources.chain(used.duties.iter().map(|duty| &*duty.source)).collect();
        let sets = library.sets_of(&sources);
        let mut snapshot = Self {
            layout: LAYOUT.to_owned(),
            content: content(&request),
            request,
            facts: used,
            quote,
            sets,
            digest: String::new(),
        };
        snapshot.digest = snapshot.digest();
        Ok(snapshot)
    }

    /// Reads a snapshot and makes sure that nobody changed it.
    pub fn read(text: &str) -> Result<Self, SnapshotError> {
        let snapshot: Self = serde_json::from_str(text)?;
        if snapshot.layout != LAYOUT {
            return Err(SnapshotError::Layout(snapshot.layout));
        }
        if snapshot.digest != snapshot.digest() || snapshot.content != content(&snapshot.request) {
            return Err(SnapshotError::Changed);
        }
        Ok(snapshot)
    }

    /// Returns how much the goods come to in `currency`, by which an approver is found; none where the
    /// facts of the quote do not tell.
    pub fn worth(&self, currency: Currency) -> Option<Decimal> {
        let goods = self.quote.goods?.0;
        if currency == self.quote.currency {
            return Some(goods);
        }
        let library = Library::of(Vec::new(), &self.facts, self.request.date).ok()?;
        let asked = Exchange {
            from: self.quote.currency,
            to: currency,
            on: self.request.date,
            purpose: Purpose::Spot,
            source: None,
            missed_max: self.request.sources.missed_max,
        };
        library.exchange(&asked, "").ok().flatten()?.apply(goods)
    }

    /// Returns how far below its floor each line is that `bands` tolerate, in percent.
    pub fn tolerated(&self, bands: &PriceBands) -> Vec<Decimal> {
        authority::tolerated(bands, &self.request, &self.quote.lines)
    }

    /// Returns it as text that ends with a newline.
    pub fn write(&self) -> Result<String, serde_json::Error> {
        Ok(format!("{}\n", serde_json::to_string_pretty(self)?))
    }

    fn digest(&self) -> String {
        let Self { layout, request, content, facts, quote, sets, digest: _ } = self;
        if sets.is_empty() {
            return hash(&(layout, request, content, facts, quote));
        }
        hash(&(layout, request, content, facts, quote, sets))
    }
}

/// Returns the hash of what is guarded in a request: who sells what to whom at which price. An approval
/// is bound to it, and void once any of it changes.
pub fn content(request: &Request) -> String {
    let Request { id, currency, seller, buyer, lines, discount_percent, .. } = request;
    hash(&(id, currency, seller, buyer, lines, discount_percent))
}
