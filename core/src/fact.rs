//! Facts: what is true outside for a while, as a feed tells it.

use serde::Serialize;

use self::almanac::Almanac;
use self::duty::Measure;
use self::goods::Goods;
use self::rate::Rate;
use self::tax::TaxRate;

pub mod almanac;
pub mod duty;
pub mod eu_customs_rate;
pub mod goods;
pub mod known;
pub mod place;
pub mod rate;
pub mod rate_book;
pub mod review;
pub mod tax;
pub mod validity;

/// One thing a feed says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// An exchange rate.
    Rate(Rate),
    /// A rate of value added, goods and services, or sales tax.
    Tax(Box<TaxRate>),
    /// A measure that a tariff takes on goods.
    Duty(Box<Measure>),
    /// An entry of the nomenclature of goods.
    Goods(Goods),
    /// Holidays and make-up workdays of a region.
    Calendar(Box<Almanac>),
}
