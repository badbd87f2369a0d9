//! Effects: what follows from an input. The runtime stores them in the input's own transaction.

use crate::id::{DeviceId, TaskId};
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
}
