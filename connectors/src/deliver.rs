//! Delivery channels: how a letter about a task is put for another system.
//!
//! To add a channel: a file under `deliver/` with its settings and a pure function that builds
//! what is sent, and a line here.

use serde::Serialize;
use serde_json::Value;

pub mod mqtt;

/// What happened to a task, on its way to another system.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Letter {
    /// A function of the cause: the receiver knows a repeated letter by it.
    pub key: String,
    /// What happened: `task-created`, `task-amended`, `task-withdrawn`.
    pub kind: String,
    /// The task's id.
    pub subject: String,
    /// The details, an object.
    pub body: Value,
}
