//! Guards: care before sale. What keeps rules from asking too much of one customer.

use chrono::TimeDelta;

/// What is looked at before an occurrence becomes a task of an account. A device without an
/// account has no guard.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guard {
    /// Whether an occurrence joins a task of the account that nobody has closed yet, of whatever
    /// rule, and makes none of its own.
    pub join_open_task_of_account: bool,
    /// Whether nothing is asked for while a severe ticket of the account is open.
    pub not_while_severe_ticket: bool,
    /// How many tasks the account may get from all rules together.
    pub max_per_account: Option<Cap>,
    /// Whether the account must have agreed to be approached.
    pub needs_consent: bool,
}

/// So many tasks in so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    /// How many at most.
    pub tasks: usize,
    /// Within which time, up to the occurrence, in event time.
    pub every: TimeDelta,
}
