//! One customer's ledger: what guards look at, folded in event time.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use serde::{Deserialize, Serialize};

use super::episode::Number;
use crate::rule::{Guard, Stage};

/// What becomes of an episode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Verdict {
    /// It is a task.
    Task,
    /// It joins the task of another episode.
    Joins(Number),
    /// The guard holds it back.
    Held(Hold),
}

impl Verdict {
    /// Returns the episode whose task it joins, if it does.
    pub(super) fn joins(&self) -> Option<Number> {
        match self {
            Self::Joins(task) => Some(*task),
            Self::Task | Self::Held(_) => None,
        }
    }
}

/// Why a guard holds an episode back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hold {
    /// A severe ticket of the account is open.
    SevereTicket,
    /// The account has not agreed to be approached.
    NoConsent,
    /// The account has got as many tasks as it may.
    Cap,
}

/// An episode as the ledger sees it.
#[derive(Clone, Debug)]
pub(super) struct Candidate<'c> {
    pub(super) number: Number,
    pub(super) opened_at: DateTime<Utc>,
    pub(super) rule: &'c str,
    pub(super) stage: Stage,
    pub(super) guard: &'c Guard,
    /// Whether the customer is an account, which guards are for.
    pub(super) is_account: bool,
    pub(super) has_consent: bool,
    /// What the rule groups by, and how long an incident takes more.
    pub(super) group: Option<(&'c str, chrono::TimeDelta)>,
}

/// What makes an incident: stage and id of the rule, and what it groups by.
type Incident = (Stage, Box<str>, Box<str>);

/// The state after some of a customer's history.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
pub(super) struct Ledger {
    severe_tickets: BTreeSet<Box<str>>,
    /// Tasks in the order of their episodes' opening.
    made: Vec<(DateTime<Utc>, Number)>,
    closed: BTreeSet<Number>,
    /// The newest incident of each rule and group, and its newest member's opening.
    incidents: BTreeMap<Incident, (Number, DateTime<Utc>)>,
}

impl Ledger {
    /// A severe ticket was opened, or a ticket closed.
    pub(super) fn ticket(&mut self, id: &str, opens: bool) {
        if opens {
            self.severe_tickets.insert(id.into());
        } else {
            self.severe_tickets.remove(id);
        }
    }

    /// A person closed the task of an episode.
    pub(super) fn close(&mut self, number: Number) {
        self.closed.insert(number);
    }

    /// Judges the next episode, and takes it down.
    pub(super) fn judge(&mut self, candidate: &Candidate<'_>) -> Verdict {
        let Candidate { number, opened_at, rule, stage, group, .. } = *candidate;
        let incident = group.map(|(group, _)| (stage, rule.into(), group.into()));
        if let Some((key, (_, within))) = incident.as_ref().zip(group)
            && let Some((first, newest)) = self.incidents.get_mut(key)
            && opened_at - *newest <= within
        {
            *newest = opened_at;
            return Verdict::Joins(*first);
        }
        let verdict = if candidate.is_account { self.guarded(candidate) } else { Verdict::Task };
        if verdict == Verdict::Task {
            if let Some(key) = incident {
                self.incidents.insert(key, (number, opened_at));
            }
            // What is in force for trial counts for nobody.
            if stage == Stage::Live && candidate.is_account {
                self.made.push((opened_at, number));
            }
        }
        verdict
    }

    fn guarded(&self, candidate: &Candidate<'_>) -> Verdict {
        let Guard {
            join_open_task_of_account,
            not_while_severe_ticket,
            max_per_account,
            needs_consent,
        } = candidate.guard;
        if *not_while_severe_ticket && !self.severe_tickets.is_empty() {
            return Verdict::Held(Hold::SevereTicket);
        }
        if *needs_consent && !candidate.has_consent {
            return Verdict::Held(Hold::NoConsent);
        }
        if *join_open_task_of_account {
            let open = self.made.iter().rev().find(|(_, number)| !self.closed.contains(number));
            if let Some((_, open)) = open {
                return Verdict::Joins(*open);
            }
        }
        if let Some(cap) = max_per_account {
            let old = |(at, _): &(DateTime<Utc>, Number)| *at <= candidate.opened_at - cap.every;
            let recent = self.made.len() - self.made.partition_point(old);
            if cap.tasks <= recent {
                return Verdict::Held(Hold::Cap);
            }
        }
        Verdict::Task
    }
}
