//! Facts: what is true outside for a while, as a feed tells it.

use serde::Serialize;

use self::rate::Rate;

pub mod rate;

/// One thing a feed says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// An exchange rate.
    Rate(Rate),
}
