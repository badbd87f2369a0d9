//! Why a rule has made no task for a scope: how near it came, and what held it back.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::ledger::{Hold, Verdict};
use super::track::Track;
use super::{ActiveRule, Address, Engine};
use crate::condition::{Facts, Term};
use crate::event::{Event, Position};
use crate::id::{DeviceId, RuleId, TaskId};
use crate::pattern::{Progress, Steps};
use crate::registry::known::Known;
use crate::rule::Stage;

/// Why there is no (further) task of a rule for a scope.
#[derive(Clone, Debug, PartialEq)]
pub struct WhyNot {
    /// The version of the rule that was asked.
    pub version: Arc<str>,
    /// How near the pattern is; `None` where no event of the scope ever met the rule.
    pub nearest: Option<NearMiss>,
    /// What became of the occurrences there were, oldest first.
    pub occurrences: Vec<Occurrence>,
}

/// How near a pattern is to holding.
#[derive(Clone, Debug, PartialEq)]
pub struct NearMiss {
    /// What there is of what is needed.
    pub progress: Progress,
    /// Until when another match makes no task, because of the one before.
    pub quiet_until: Option<DateTime<Utc>>,
}

/// One standing occurrence and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// Event time at which the rule first held.
    pub opened_at: DateTime<Utc>,
    /// Event time of its close; `None` while it is open.
    pub closed_at: Option<DateTime<Utc>>,
    /// What became of it.
    pub fate: Fate,
}

/// What became of an occurrence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is this task.
    Task(TaskId),
    /// It joined this task of another occurrence.
    Joined(Option<TaskId>),
    /// The guard held it back.
    Held(Hold),
}

/// What a rule makes of one event.
#[derive(Clone, Debug, PartialEq)]
pub enum Attempt {
    /// It counts.
    Counts,
    /// It breaks what was gathered, or closes the episode, or must not come between.
    Against,
    /// A condition does not hold; these are its parts.
    Refused(Vec<Term>),
    /// Its device is being worked on or its contact is a test one.
    Trial,
    /// Nobody knows what it is to be counted under.
    NoScope,
    /// The rule does not ask about its kind.
    NotAsked,
}

impl Engine {
    /// Returns why `rule` has made no task, or no other, for `scope`; `None` for a rule that is not
    /// in force in that stage.
    pub fn why_not(&self, rule: &RuleId, stage: Stage, scope: &str) -> Option<WhyNot> {
        let (place, active) = self.find(rule, stage)?;
        let address = self.names.find(scope).map(|scope| Address { rule: place, scope });
        let nearest = address.and_then(|address| {
            let track = self.track(address)?;
            let progress = active.rule.when.pattern.progress(track.pattern(), self.log_time)?;
            let until = track.quiet_until(active).filter(|until| self.log_time < *until);
            Some(NearMiss { progress, quiet_until: until })
        });
        let occurrences = address.map(|at| self.occurrences(at)).unwrap_or_default();
        Some(WhyNot { version: Arc::clone(&active.version), nearest, occurrences })
    }

    /// Returns what `rule` makes of `event`, and under which scope; `None` for a rule that is not in
    /// force in that stage.
    pub fn examine(
        &self,
        rule: &RuleId,
        stage: Stage,
        event: &Event,
    ) -> Option<(Option<String>, Attempt)> {
        let (place, active) = self.find(rule, stage)?;
        let registry = self.registries.at(event.position);
        let scope = active.rule.when.per.of(event, registry).map(Cow::into_owned);
        let question = self.judge.question(&event.kind, place);
        let Some(question) = question else { return Some((scope, Attempt::NotAsked)) };
        let is_trial = self.maintenance.leaves_out(event, registry);
        if active.rule.when.not_while_maintenance && is_trial {
            return Some((scope, Attempt::Trial));
        }
        let facts = Facts::new(event, registry);
        let (found, _) = question.ask(active, &facts);
        let attempt = match found {
            _ if scope.is_none() => Attempt::NoScope,
            None => Attempt::Refused(question.explain(&facts)),
            Some(part) if part.steps == Steps::NONE || part.steps == Steps::FORBIDDEN => {
                Attempt::Against
            }
            Some(_) => Attempt::Counts,
        };
        Some((scope, attempt))
    }

    /// Returns the parts of the conditions that `rule` puts on events of this kind, and how each
    /// comes out for `event`; none where it asks nothing of them.
    pub fn terms(&self, rule: &RuleId, stage: Stage, event: &Event) -> Vec<Term> {
        let Some((place, _)) = self.find(rule, stage) else { return Vec::new() };
        let question = self.judge.question(&event.kind, place);
        let registry = self.registries.at(event.position);
        let facts = Facts::new(event, registry);
        question.map(|question| question.explain(&facts)).unwrap_or_default()
    }

    /// Returns the registry as of `position`.
    pub fn registry_at(&self, position: Position) -> Known<'_> {
        self.registries.at(position)
    }

    /// Returns the devices whose events `rule` has counted under `scope`.
    pub fn devices_in(&self, rule: &RuleId, stage: Stage, scope: &str) -> Vec<DeviceId> {
        let place = self.find(rule, stage).map(|(place, _)| place);
        let address =
            place.zip(self.names.find(scope)).map(|(rule, scope)| Address { rule, scope });
        let spot = address.and_then(|address| self.spot_at(address));
        let symbols = spot.into_iter().flat_map(|spot| self.devices_of(spot));
        symbols.filter_map(|symbol| DeviceId::new(self.names.text(symbol)).ok()).collect()
    }

    /// Returns what a key's history folds to; `None` where nothing was counted under its scope.
    fn track(&self, address: Address) -> Option<Cow<'_, Track>> {
        let spot = self.spot_at(address)?;
        let history = self.families.get(spot.family)?.get(spot.scope);
        if let Some(key) = history.and_then(|history| history.key(address.rule)) {
            return key.track();
        }
        let active = self.rules.get(address.rule)?.as_ref()?;
        let was_seen = !self.devices_of(spot).is_empty();
        was_seen.then(|| Cow::Owned(Track::start(active)))
    }

    fn find(&self, rule: &RuleId, stage: Stage) -> Option<(usize, &ActiveRule)> {
        let mut rules = self.rules.iter().enumerate();
        rules.find_map(|(at, active)| {
            let is_it = |active: &ActiveRule| active.rule.id == *rule && active.rule.stage == stage;
            Some((at, active.as_ref()?)).filter(|(_, active)| is_it(active))
        })
    }

    fn occurrences(&self, address: Address) -> Vec<Occurrence> {
        let of_key = self.desk.verdicts_of(address);
        let told = of_key.filter_map(|(episode, verdict, task)| {
            let fate = match verdict {
                Verdict::Task => Fate::Task(task?.clone()),
                Verdict::Joins(number) => Fate::Joined(self.desk.task_of(*number).cloned()),
                Verdict::Held(hold) => Fate::Held(*hold),
            };
            let (opened_at, closed_at) = (episode.opened_at, episode.closed_at);
            Some(Occurrence { opened_at, closed_at, fate })
        });
        told.collect()
    }
}
