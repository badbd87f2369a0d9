//! Facts: what is true outside for a while, as a feed tells it.

use serde::Serialize;

use self::rate::Rate;

pub mod eu_customs_rate;
pub mod rate;
pub mod rate_book;
pub mod review;

/// One thing a feed says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// An exchange rate.
    Rate(Rate),
}
