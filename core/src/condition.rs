//! Conditions: CEL expressions over `event`, `device`, `account` and `site`.

use crate::event::Event;
use crate::registry::Registry;

/// A checked condition.
#[derive(Clone, Debug)]
pub struct Condition {}

impl Condition {
    /// Returns whether `event` meets the condition, judged with `registry`.
    pub fn holds(&self, _event: &Event, _registry: &Registry) -> bool {
        true
    }
}
