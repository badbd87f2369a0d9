//! Upturn's deterministic core: a fold over a log of inputs that says what follows from them.
//!
//! It reads no clock, no database, no network and no random number; the same log gives the same
//! effects, whether it is folded live, at recovery or for a back-test.

pub mod id;
pub mod event;
pub mod money;
pub mod fact;
pub mod tax;
pub mod duty;
pub mod forecast;
pub mod stock;
pub mod compliance;
pub mod quote;
mod digest;
mod intern;
pub mod calendar;
pub mod booking;
pub mod parallel;
pub mod record;
pub mod registry;
pub mod decode;
pub mod derive;
pub mod catalogue;
pub mod condition;
pub mod rule;
pub mod pattern;
pub mod task;
pub mod lead;
pub mod figures;
pub mod effect;
pub mod input;
pub mod engine;
pub mod snapshot;
pub mod board;
pub mod replay;
pub mod scenario;
