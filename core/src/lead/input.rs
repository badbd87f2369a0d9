//! What a score is reckoned from: facts about an account as of one moment.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::money::exact::Exact;

/// The most facts of one source that are looked at, the newest first.
pub const FACTS_MAX: usize = 200;

/// Where facts come from.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Records of orders.
    Orders,
    /// Contacts that were logged with earlier tasks.
    Contacts,
    /// How earlier tasks ended.
    Outcomes,
    /// Events of the account's devices.
    Events,
}

/// What is known of an account, each list with the newest first and at most [`FACTS_MAX`] long.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// As of when.
    pub as_of: DateTime<Utc>,
    /// The account; without one there is nothing to look up.
    pub account: Option<Box<str>>,
    /// What it ordered.
    pub orders: Vec<Order>,
    /// What came of contacts with it.
    pub contacts: Vec<Happening>,
    /// How its earlier tasks ended.
    pub outcomes: Vec<Happening>,
    /// Events of its devices, by kind.
    pub events: Vec<Happening>,
    /// Of which sources there was more than was looked at.
    pub cut: BTreeSet<Source>,
}

/// A line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The day.
    pub on: NaiveDate,
    /// Its amount, without tax.
    pub amount: Exact,
    /// The currency of that.
    pub currency: Currency,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// When.
    pub at: DateTime<Utc>,
    /// What: a kind of event, an outcome, the result of a contact.
    pub what: Box<str>,
}

impl Order {
    /// Returns the beginning of its day, in UTC.
    pub fn at(&self) -> DateTime<Utc> {
        self.on.and_time(chrono::NaiveTime::MIN).and_utc()
    }
}
