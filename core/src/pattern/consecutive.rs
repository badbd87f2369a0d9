//! N events of a kind in a row, unbroken by an event of the kinds that reset it.

use std::num::NonZeroUsize;

use chrono::TimeDelta;

/// What a run is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The kind that counts.
    pub event: Box<str>,
    /// The kinds that break a run; events of other kinds do not.
    pub reset_by: Vec<Box<str>>,
    /// How many in a row.
    pub times: NonZeroUsize,
    /// The longest time from the first to the last of them; exactly so long is within.
    pub within: TimeDelta,
}
