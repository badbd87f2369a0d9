//! Facts: what is true outside for a while, as a feed tells it.

use serde::Serialize;

use self::almanac::Almanac;
use self::attributes::Attributes;
use self::closure::Closure;
use self::duty::Measure;
use self::goods::Goods;
use self::lane::Lane;
use self::policy::Policy;
use self::port_call::PortCall;
use self::rate::Rate;
use self::sailing::Sailing;
use self::tax::TaxRate;
use self::transport_event::TransportEvent;
use self::unread::Unread;
use self::weather::Weather;

pub mod almanac;
pub mod attributes;
pub mod closure;
pub mod duty;
pub mod eu_customs_rate;
pub mod goods;
pub mod known;
pub mod lane;
pub mod place;
pub mod policy;
pub mod port_call;
pub mod rate;
pub mod rate_book;
pub mod review;
pub mod sailing;
pub mod tax;
pub mod transport;
pub mod transport_event;
pub mod unread;
pub mod validity;
pub mod weather;

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
    Goods(Box<Goods>),
    /// Holidays and make-up workdays of a region.
    Calendar(Box<Almanac>),
    /// A way that a carrier offers.
    Sailing(Box<Sailing>),
    /// A ship's call at a port.
    PortCall(Box<PortCall>),
    /// What happens to a shipment on its way.
    TransportEvent(Box<TransportEvent>),
    /// How long a carrier takes from one place to another.
    Lane(Box<Lane>),
    /// Days on which something is closed.
    Closure(Box<Closure>),
    /// Weather at a place.
    Weather(Box<Weather>),
    /// What another system says of a site or an account.
    Attributes(Box<Attributes>),
    /// What an authority does for or asks of products.
    Policy(Box<Policy>),
    /// What a reader left to a person.
    Unread(Box<Unread>),
}
