//! What people do with tasks, with all that has to be said about it, and what comes of it. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use upturn_core::input::Verb;
use upturn_core::rule::Stage;
use upturn_core::task::life::{Refusal, State};

use crate::store::task_life::Life;

/// The longest text that is said about a task, in characters.
pub(crate) const WORDS_MAX: usize = 4_000;
/// How long a task can be put off at most.
pub(crate) const SNOOZE_MAX: TimeDelta = TimeDelta::days(30);
/// How long after a contact it can be logged; later it has to be filled in, which somebody approves.
pub(crate) const LOGGED_WITHIN: TimeDelta = TimeDelta::hours(1);

/// A text that a person wrote: not empty, at most [`WORDS_MAX`] characters, lines end with `\n`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub(crate) struct Words(String);

impl Words {
    /// Returns `text` without what surrounds it; none if it is empty or too long.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let text = text.replace("\r\n", "\n").replace('\0', "\u{fffd}").trim().to_owned();
        (!text.is_empty() && text.chars().count() <= WORDS_MAX).then_some(Self(text))
    }

    /// Returns them as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a task that is done has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// The customer wants more.
    Interested,
    /// The trouble is over, and nothing more is wanted.
    Solved,
    /// The customer wants nothing.
    NotInterested,
    /// Nobody could be reached.
    NotReached,
    /// The evidence or the registry was wrong.
    WrongData,
    /// Another system says that it is done, and no more.
    Elsewhere,
}

impl Outcome {
    /// Those that people choose from.
    pub(crate) const ALL: [Self; 5] =
        [Self::Interested, Self::Solved, Self::NotInterested, Self::NotReached, Self::WrongData];

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Interested => "interested",
            Self::Solved => "solved",
            Self::NotInterested => "not-interested",
            Self::NotReached => "not-reached",
            Self::WrongData => "wrong-data",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// How somebody spoke with a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ContactChannel {
    /// By telephone.
    Phone,
    /// By e-mail.
    Email,
    /// By a short message.
    Message,
    /// In person.
    Visit,
}

impl ContactChannel {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Phone, Self::Email, Self::Message, Self::Visit];

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Message => "message",
            Self::Visit => "visit",
        }
    }
}

/// What came of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ContactResult {
    /// The customer was reached.
    Reached,
    /// The customer was reached, and asked to be called again.
    CallAgain,
    /// Nobody answered.
    NotReached,
}

impl ContactResult {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Reached, Self::CallAgain, Self::NotReached];

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::CallAgain => "call-again",
            Self::NotReached => "not-reached",
        }
    }

    /// Returns whether somebody spoke with the customer.
    pub(crate) fn is_contact(self) -> bool {
        self != Self::NotReached
    }
}

/// What a person does with a task.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub(crate) enum Deed {
    Accept,
    Claim,
    Start,
    /// The step at this place, from 0 on.
    CheckStep {
        step: usize,
    },
    UncheckStep {
        step: usize,
    },
    /// The step at this place is done by a coupon of the campaign for a contact of the customer: the only
    /// one, where none is named.
    IssueCoupon {
        step: usize,
        campaign: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        contact: Option<String>,
        /// Where mail reaches the contact; it goes into the letter, not into the log.
        #[serde(default, skip_serializing)]
        address: Option<String>,
    },
    /// The step at this place is done by a meeting with the consultant.
    BookConsultant {
        step: usize,
        /// A consultant with a calendar.
        consultant: String,
        starts_at: DateTime<Utc>,
        ends_at: DateTime<Utc>,
    },
    Contact {
        at: DateTime<Utc>,
        channel: ContactChannel,
        result: ContactResult,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Words>,
    },
    /// A contact that was `at` a time before, told now.
    BackFill {
        at: DateTime<Utc>,
        channel: ContactChannel,
        result: ContactResult,
        reason: Words,
    },
    ApproveBackFill {
        id: i64,
    },
    RejectBackFill {
        id: i64,
        reason: Words,
    },
    Snooze {
        until: DateTime<Utc>,
        reason: Words,
    },
    Wake,
    Comment {
        text: Words,
    },
    HandOver {
        /// A person's id, or `pool:TEAM`.
        to: String,
        /// The kind of hand-over, of those that the registry has.
        kind: String,
        /// What it asks for, by the names of its fields.
        package: BTreeMap<String, Words>,
    },
    Return {
        /// Who has it.
        from: String,
        /// Where it goes.
        pool: String,
        reason: Words,
    },
    Done {
        outcome: Outcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Words>,
    },
    Dismiss {
        reason: Words,
    },
}

impl Deed {
    /// Returns the verb, as the fold knows it.
    pub(crate) fn verb(&self) -> Verb {
        match self {
            Self::Accept => Verb::Accept,
            Self::Claim => Verb::Claim,
            Self::Start => Verb::Start,
            Self::CheckStep { .. } => Verb::CheckStep,
            Self::UncheckStep { .. } => Verb::UncheckStep,
            Self::IssueCoupon { .. } => Verb::IssueCoupon,
            Self::BookConsultant { .. } => Verb::BookConsultant,
            Self::Contact { .. } => Verb::Contact,
            Self::BackFill { .. } => Verb::BackFill,
            Self::ApproveBackFill { .. } => Verb::ApproveBackFill,
            Self::RejectBackFill { .. } => Verb::RejectBackFill,
            Self::Snooze { .. } => Verb::Snooze,
            Self::Wake => Verb::Wake,
            Self::Comment { .. } => Verb::Comment,
            Self::HandOver { .. } => Verb::HandOver,
            Self::Return { .. } => Verb::Return,
            Self::Done { .. } => Verb::Done,
            Self::Dismiss { .. } => Verb::Dismiss,
        }
    }

    /// Returns what is said about it, an object.
    pub(crate) fn detail(&self) -> Value {
        let mut detail = json!(self);
        if let Some(members) = detail.as_object_mut() {
            members.remove("verb");
        }
        detail
    }

    /// Returns how a task stands after `actor` did this with it at `at`.
    pub(crate) fn applied_to(
        &self,
        life: &Life,
        actor: &str,
        at: DateTime<Utc>,
    ) -> Result<Life, Refusal> {
        let verb = self.verb();
        let state = life.state.after(verb)?;
        let mut after = Life { state, ..life.clone() };
        if matches!(state, State::Accepted | State::InProgress) {
            after.taken_at = life.taken_at.or(Some(at));
        }
        let is_pooled = life.owner.starts_with(POOL);
        match self {
            Self::Claim if !is_pooled => return Err(Refusal::Changed),
            Self::CheckStep { step }
            | Self::UncheckStep { step }
            | Self::IssueCoupon { step, .. }
            | Self::BookConsultant { step, .. }
                if life.steps <= *step =>
            {
                return Err(Refusal::Changed);
            }
            Self::IssueCoupon { step, .. } | Self::BookConsultant { step, .. } => {
                after.checked.insert(*step);
                if is_pooled {
                    actor.clone_into(&mut after.owner);
                }
            }
            // Whoever takes on what is in a pool has it.
            Self::Accept | Self::Claim | Self::Start | Self::Contact { .. } if is_pooled => {
                actor.clone_into(&mut after.owner);
            }
            Self::CheckStep { step } => drop(after.checked.insert(*step)),
            Self::UncheckStep { step } => drop(after.checked.remove(step)),
            Self::Accept
            | Self::Claim
            | Self::Start
            | Self::Contact { .. }
            | Self::BackFill { .. }
            | Self::ApproveBackFill { .. }
            | Self::RejectBackFill { .. }
            | Self::Comment { .. } => {}
            Self::Snooze { until, .. } => after.snoozed_until = Some(*until),
            Self::Wake => after.snoozed_until = None,
            Self::HandOver { to, .. } => to.clone_into(&mut after.owner),
            Self::Return { from, .. } if is_pooled || *from != life.owner => {
                return Err(Refusal::Changed);
            }
            Self::Return { pool, .. } => pool.clone_into(&mut after.owner),
            Self::Done { outcome, .. } => {
                (after.closed_at, after.outcome) = (Some(at), Some(outcome.word().to_owned()));
            }
            Self::Dismiss { .. } => after.closed_at = Some(at),
        }
        if let Self::Contact { at, result, .. } = self
            && result.is_contact()
        {
            after.speak(*at, false);
        }
        if wakes(verb) {
            after.snoozed_until = None;
        }
        Ok(after)
    }
}

impl Life {
    /// Notes that somebody spoke with the customer at `at`, and whether that was told later.
    pub(crate) fn speak(&mut self, at: DateTime<Utc>, is_late: bool) {
        if self.contacted_at.is_none_or(|first| at < first) {
            // What was in time stays so, whatever is told later.
            self.is_contacted_late = is_late && self.contacted_at.is_none();
            self.contacted_at = Some(at);
        }
    }
}

/// Returns whether a task that was put off is back with it.
fn wakes(verb: Verb) -> bool {
    match verb {
        Verb::Snooze
        | Verb::Comment
        | Verb::CheckStep
        | Verb::UncheckStep
        | Verb::IssueCoupon
        | Verb::BookConsultant
        | Verb::BackFill
        | Verb::ApproveBackFill
        | Verb::RejectBackFill => false,
        Verb::Accept
        | Verb::Claim
        | Verb::Start
        | Verb::Contact
        | Verb::Wake
        | Verb::HandOver
        | Verb::Return
        | Verb::Done
        | Verb::Dismiss => true,
    }
}

/// What the owner of a task begins with that is a pool.
pub(crate) const POOL: &str = "pool:";

/// Returns whether people work on such a task.
pub(crate) fn is_for_people(life: &Life) -> bool {
    life.stage != Stage::Shadow
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::at;

    fn life(state: State, owner: &str) -> Life {
        Life {
            state,
            stage: Stage::Live,
            revision: 3,
            owner: owner.to_owned(),
            steps: 2,
            checked: [0].into(),
            created_at: at(0),
            taken_at: None,
            contacted_at: None,
            is_contacted_late: false,
            closed_at: None,
            snoozed_until: Some(at(99)),
            outcome: None,
        }
    }

    fn words(text: &str) -> Words {
        Words::new(text).unwrap()
    }

    fn contact(minutes: i64, result: ContactResult) -> Deed {
        Deed::Contact { at: at(minutes), channel: ContactChannel::Phone, result, note: None }
    }

    #[test]
    fn a_deed_changes_what_it_speaks_of() {
        let new = life(State::New, "lin");
        let pooled = life(State::New, "pool:ev");
        let awake = |life: &Life| Life { snoozed_until: None, ..life.clone() };
        let taken = |life: &Life, state| Life { state, taken_at: Some(at(7)), ..awake(life) };
        let mine = |life: Life| Life { owner: "wu".to_owned(), ..life };
        let back = Deed::Return { from: "lin".into(), pool: "pool:ev".into(), reason: words("x") };
        let cases = [
            (Deed::Accept, &new, taken(&new, State::Accepted)),
            (Deed::Accept, &pooled, mine(taken(&pooled, State::Accepted))),
            (Deed::Claim, &pooled, mine(taken(&pooled, State::Accepted))),
            (Deed::Wake, &new, awake(&new)),
            (Deed::Comment { text: words("x") }, &new, new.clone()),
            (back.clone(), &new, awake(&pooled)),
            (
                Deed::Snooze { until: at(50), reason: words("x") },
                &new,
                Life { snoozed_until: Some(at(50)), ..new.clone() },
            ),
            (
                Deed::CheckStep { step: 1 },
                &new,
                Life {
                    checked: [0, 1].into(),
                    snoozed_until: Some(at(99)),
                    ..taken(&new, State::InProgress)
                },
            ),
            (contact(6, ContactResult::NotReached), &new, taken(&new, State::InProgress)),
            (
                contact(6, ContactResult::CallAgain),
                &pooled,
                Life { contacted_at: Some(at(6)), ..mine(taken(&pooled, State::InProgress)) },
            ),
            (
                Deed::Done { outcome: Outcome::NotInterested, note: None },
                &new,
                Life {
                    state: State::Done,
                    closed_at: Some(at(7)),
                    outcome: Some("not-interested".to_owned()),
                    ..awake(&new)
                },
            ),
        ];
        for (deed, before, expected) in cases {
            assert_eq!(deed.applied_to(before, "wu", at(7)), Ok(expected), "case: {deed:?}");
            let read: Deed = serde_json::from_value(json!(deed)).unwrap();
            assert_eq!(read, deed);
        }
        let refused = [
            (Deed::Claim, &new),
            (Deed::CheckStep { step: 2 }, &new),
            (back.clone(), &pooled),
            (back, &life(State::New, "zoe")),
        ];
        for (deed, before) in refused {
            let found = deed.applied_to(before, "wu", at(7));
            assert_eq!(found, Err(Refusal::Changed), "case: {deed:?}");
        }
    }

    #[test]
    fn words_are_trimmed_and_bounded() {
        assert_eq!(Words::new(" a\r\nb \n"), Some(words("a\nb")));
        assert_eq!(Words::new(" \r\n "), None);
        assert_eq!(Words::new(&"字".repeat(WORDS_MAX)).map(|words| words.0.len()), Some(12_000));
        assert_eq!(Words::new(&"字".repeat(WORDS_MAX + 1)), None);
    }
}
