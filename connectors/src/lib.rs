//! Upturn's connectors: facts come in, letters go out.
//!
//! A connector is settings, a pure part that builds or reads what goes over the wire, and the
//! exchange itself, which goes through [`http`] wherever it is HTTP. The bridge owns when, how often
//! and with what.

pub mod attributes;
pub mod calendars;
pub mod deliver;
pub mod feed;
pub mod fetch;
pub mod http;
pub mod logistics;
pub mod policies;
pub mod rates;
pub mod read;
pub mod records;
pub mod schedule;
pub mod secret;
pub mod tax;
mod tryton;
pub mod weather;
