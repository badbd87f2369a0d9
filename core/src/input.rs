//! Inputs: everything the fold is told, each with a place in the log.

use std::sync::Arc;

use crate::engine::ActiveRule;
use crate::event::Event;
use crate::id::TaskId;
use crate::registry::Registry;

/// One input of the fold.
#[derive(Clone, Debug)]
pub enum Input {
    /// Something happened. It is new: the caller leaves out what was taken in before.
    Event(Event),
    /// The registry from here on. What lies before in the log keeps the registry of its time.
    Registry(Arc<Registry>),
    /// The rules in force from here on: all of them.
    Rules(Vec<ActiveRule>),
    /// A person did something with a task.
    Action(Action),
    /// Time passed, and a deadline with it.
    Tick,
}

/// What a person did with a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Which task.
    pub task: TaskId,
    /// What.
    pub verb: Verb,
    /// Who.
    pub actor: Box<str>,
}

/// What can be done with a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Somebody takes it on.
    Accept,
    /// What it asked for is done.
    Done,
    /// Nothing will be done.
    Dismiss,
}

impl Verb {
    /// Returns whether the task is closed by it.
    pub fn closes(self) -> bool {
        match self {
            Self::Accept => false,
            Self::Done | Self::Dismiss => true,
        }
    }
}
