//! Quotes: one set of lines, priced by several terms of delivery, frozen with all it came from.

mod authority;
pub mod charge;
mod check;
mod customs;
pub mod destination;
pub mod drift;
pub mod library;
mod offer;
pub mod price;
pub mod priced;
pub mod problem;
pub mod request;
pub mod snapshot;
pub mod stated;
pub mod term;
