//! Where stock should stand before it is needed: what to send, from where, and by when at the latest.
//!
//! Quantities are whole units and dates are days of calendars; floats are probabilities, their
//! expectations and ratios of costs. Money is decimal.
#![expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "probabilities are estimates; counts stay far below 2^53"
)]

pub mod gather;
pub mod learn;
pub mod plan;
pub mod solve;
pub mod stocking;
