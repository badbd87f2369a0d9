//! Effects: what follows from an input. The runtime stores them in the input's own transaction.

use crate::engine::ActiveRule;
use crate::event::Event;
use crate::id::{DeviceId, EventId, RuleId, TaskId};
use crate::task::{Occasion, Task};

/// One thing that follows from an input.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// A task that did not exist before.
    Create(Box<Task>),
    /// Late evidence changed what a standing task is based on; it keeps its id.
    Amend {
        /// Which task.
        task: TaskId,
        /// What it is based on now.
        occasion: Occasion,
    },
    /// Late evidence took away what a standing task was based on.
    Withdraw {
        /// Which task.
        task: TaskId,
        /// The device it was about.
        device: DeviceId,
    },
    /// A rule could not judge an event; the other rules did.
    Fault(Box<Fault>),
}

/// A rule that could not judge an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The rule.
    pub rule: RuleId,
    /// Its version.
    pub version: Box<str>,
    /// The device of the event.
    pub device: DeviceId,
    /// The event.
    pub event: EventId,
}

impl Fault {
    pub(crate) fn of(active: &ActiveRule, event: &Event) -> Self {
        Self {
            rule: active.rule.id.clone(),
            version: (&*active.version).into(),
            device: event.device.clone(),
            event: event.id.clone(),
        }
    }
}
