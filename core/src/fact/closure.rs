//! Closed windows that no public calendar has: roads shut, a port on strike, a plant that stands still.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Days on which something is closed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Closure {
    /// What is closed, by the words of whoever keeps the list: `region:CN-62`, `port:CNSHA`, a site's id.
    pub what: String,
    /// The first day.
    pub first_on: NaiveDate,
    /// The last day.
    pub last_on: NaiveDate,
    /// Why, for people.
    pub reason: String,
}

/// Returns the closures of `what` that have a day from `first_on` to `last_on`.
pub fn between<'c>(
    closures: impl IntoIterator<Item = &'c Closure>,
    what: &str,
    (first_on, last_on): (NaiveDate, NaiveDate),
) -> Vec<&'c Closure> {
    let is_wanted = |closure: &&Closure| {
        closure.what == what && closure.first_on <= last_on && first_on <= closure.last_on
    };
    let mut found: Vec<_> = closures.into_iter().filter(is_wanted).collect();
    found.sort_by_key(|closure| closure.first_on);
    found
}
