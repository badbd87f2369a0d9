//! Duties: how tariffs write them, what they come to, and which of them apply.

pub mod assess;
pub mod evaluate;
pub mod expression;
pub mod territory;
pub mod unit;
