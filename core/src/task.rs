//! Tasks: what a person is asked to do, and why.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::event::{Event, Position};
use crate::id::{DeviceId, EventId, RuleId, TaskId};
use crate::rule::Stage;

pub mod life;

/// A text for people, in English, Chinese or both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Title {
    /// English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
    /// Simplified Chinese.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zh: Option<String>,
}

impl Title {
    /// Returns the text in `language` (`zh` or `en`), or in the other if it is missing there.
    pub fn in_language(&self, language: &str) -> &str {
        let (first, second) =
            if language.starts_with("zh") { (&self.zh, &self.en) } else { (&self.en, &self.zh) };
        first.as_deref().or(second.as_deref()).unwrap_or_default()
    }
}

/// What one match of one rule asks for. Frozen when it is made; only late evidence amends it.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// A hash of the cause.
    pub id: TaskId,
    /// The rule that asked for it.
    pub rule: RuleId,
    /// The version of the rule: a short hash of its document.
    pub version: Arc<str>,
    /// Whether the rule was in force for trial, so that nobody is told.
    pub stage: Stage,
    /// What the rule counted by, as text: the device, or `{device}/{channel}`.
    pub scope: Box<str>,
    /// The device of the newest piece of evidence.
    pub device: DeviceId,
    /// The account behind that device, if it is registered.
    pub account: Option<Box<str>>,
    /// The rule's word for the kind of task: `care`.
    pub kind: Box<str>,
    /// What it is about, for people.
    pub title: Title,
    /// What to do, in order: `send_coupon`, `book_consultant`.
    pub steps: Vec<Box<str>>,
    /// Who has it: a person's id, or `pool:{team}`.
    pub owner: Box<str>,
    /// When it must be done, if the rule says so.
    pub due_at: Option<DateTime<Utc>>,
    /// Log time of the input that made it.
    pub created_at: DateTime<Utc>,
    /// Place in the log of that input.
    pub created_by: Position,
    /// Why: what the rule held on.
    pub occasion: Occasion,
}

/// The evidence a rule first held on.
#[derive(Clone, Debug, PartialEq)]
pub struct Occasion {
    /// Event time of the first piece of evidence.
    pub first_at: DateTime<Utc>,
    /// Event time at which the rule held: that of the last one, or the deadline that passed.
    pub last_at: DateTime<Utc>,
    /// The events, in event order.
    pub evidence: Vec<Evidence>,
    /// Whether the episode is still open.
    pub episode: EpisodeState,
    /// How many further matches joined it, of its own scope and of others.
    pub joined: u64,
    /// Event time of the newest of them.
    pub joined_at: Option<DateTime<Utc>>,
}

/// Whether a standing occurrence of a rule can still be joined by later events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EpisodeState {
    /// Later events join it.
    Open,
    /// It is over; later events can only make a new one.
    Closed,
}

/// One event as a task shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The event's id.
    pub id: EventId,
    /// Its device.
    pub device: DeviceId,
    /// Its channel, if any.
    pub channel: Option<Box<str>>,
    /// Its kind.
    pub kind: Box<str>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// Its attributes, a JSON object as text.
    pub attributes: Box<str>,
}

impl Evidence {
    /// Returns `event` as a task shows it.
    pub fn of(event: &Event) -> Self {
        Self {
            id: event.id.clone(),
            device: event.device.clone(),
            channel: event.channel.clone(),
            kind: event.kind.clone(),
            occurred_at: event.occurred_at,
            attributes: event.attributes.as_json().into(),
        }
    }
}
