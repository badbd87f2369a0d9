//! Forecasts that the service makes by itself: each is kept, and scored when its truth arrives.
//!
//! **Entry**: [`scheduler::run`], while this process is the active one. It has a [`round::Round`] made
//! whenever a day begins or a deal changes, and hands what comes of it to the writer.
//!
//! **Invariants**: a forecast is a function of the records as they stand and of the day; it never
//! changes once it is kept, and has one score. Days are those of UTC. What is drawn from scores (sheets,
//! drift) is a function of them alone.

pub(crate) mod deals;
pub(crate) mod demand;
pub(crate) mod period;
pub(crate) mod reading;
pub(crate) mod round;
pub(crate) mod scheduler;
pub(crate) mod sheets;
pub(crate) mod trial;
pub(crate) mod watch;
pub(crate) mod wins;
