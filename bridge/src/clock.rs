//! The clock: the one place that asks what time it is.

use chrono::{DateTime, SubsecRound as _, Utc};

/// Says what time it is.
pub(crate) trait Clock: Send + Sync + std::fmt::Debug {
    /// Returns now, in whole milliseconds.
    fn now(&self) -> DateTime<Utc>;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks for the time")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(3)
    }
}
