//! What will be needed, and what will be won: distributions, never a single number.
//!
//! Everything here is a function of its arguments; floats are allowed because it is statistics.
#![expect(
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "statistics are estimates; counts stay far below 2^53"
)]

mod count;
pub mod demand;
pub mod distribution;
pub mod drift;
pub mod ledger;
pub mod lifetime;
pub mod pipeline;
pub mod regressor;
pub mod score;
mod simplex;
pub mod trial;
pub mod win;
