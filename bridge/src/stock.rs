//! Advice on stock: how it is told, and how the service makes and keeps it.

mod day;
pub(crate) mod digest;
pub(crate) mod document;
pub(crate) mod kept;
pub(crate) mod plan;
pub(crate) mod planner;
pub(crate) mod reading;
pub(crate) mod step;
pub(crate) mod telling;
pub(crate) mod view;
mod words;
