//! Reads the log: events and all other inputs, in the order of their places.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use upturn_core::catalogue::Catalogue;
use upturn_core::decode::Format;
use upturn_core::engine::ActiveRule;
use upturn_core::event::Position;
use upturn_core::id::TaskId;
use upturn_core::input::{Action, Input, Verb};
use upturn_core::registry::Registry;
use upturn_core::registry::entry::Entry;
use upturn_core::rule::{Rule, parse};

use super::fold::Placed;
use crate::store::error::StoreError;
use crate::store::log::{Kind, LoggedInput};
use crate::store::{self, Store};

/// Events read at once.
const PAGE: u32 = 10_000;
/// Other inputs read at once; some hold thousands of entries of the registry.
const INPUTS_MAX: u32 = 1_000;

/// One rule of a set, as the log has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct LoggedRule {
    pub(crate) rule: String,
    pub(crate) version: String,
}

impl LoggedRule {
    /// Returns the same version of the same rule among `rules`: what is in force already keeps its
    /// since, in a live switch as when the log is read again.
    pub(super) fn find_in<'r>(&self, rules: &'r [ActiveRule]) -> Option<&'r ActiveRule> {
        rules.iter().find(|a| a.rule.id.as_str() == self.rule && *a.version == *self.version)
    }
}

/// What a person did, as the log has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct LoggedAction {
    pub(crate) task: String,
    pub(crate) verb: Verb,
    pub(crate) actor: String,
    /// What was said about it; an older Upturn asked for nothing.
    #[serde(default)]
    pub(crate) detail: Value,
}

/// A change of the registry, as the log has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum LoggedRegistry {
    /// Another one, kept under its digest.
    Whole { digest: String },
    /// Some of its entries.
    Entries { entries: Vec<Entry> },
}

/// Walks through the log page by page.
#[derive(Debug)]
pub(crate) struct Reader<'s> {
    store: &'s Store,
    after: Position,
    /// The last place that is read.
    until: Position,
    is_over: bool,
    /// The rules in force at this place.
    rules: Vec<ActiveRule>,
    /// The digest of the registry in force at this place.
    registry: String,
}

impl<'s> Reader<'s> {
    /// Returns a reader of all inputs up to and including `until`.
    pub(crate) fn new(store: &'s Store, until: Position) -> Self {
        let (rules, registry) = (Vec::new(), String::new());
        Self { store, after: 0, until, is_over: false, rules, registry }
    }

    /// Returns the rules that are in force behind what was read.
    pub(crate) fn rules(&self) -> &[ActiveRule] {
        &self.rules
    }

    /// Returns the digest of the registry in force behind what was read.
    pub(crate) fn registry(&self) -> &str {
        &self.registry
    }

    /// Goes on behind `position`, knowing what was in force there.
    pub(crate) async fn skip_to(&mut self, position: Position) -> Result<(), StoreError> {
        for logged in store::log::rules_until(self.store, position).await? {
            self.input(logged).await?;
        }
        if let Some(logged) = store::log::whole_registry_at(self.store, position).await?
            && let LoggedRegistry::Whole { digest } = read(&logged.body)?
        {
            self.registry = digest;
        }
        self.after = position;
        Ok(())
    }

    /// Returns the next inputs; `None` at the end.
    pub(crate) async fn next_page(&mut self) -> Result<Option<Vec<Placed>>, StoreError> {
        if self.is_over {
            return Ok(None);
        }
        let mut events = store::event::read_after(self.store, self.after, PAGE).await?;
        events.retain(|(position, _)| *position <= self.until);
        let mut is_last = is_short(events.len(), PAGE);
        let last = events.last().map(|(position, _)| *position).filter(|_| !is_last);
        let mut until = last.unwrap_or(self.until);
        let inputs = store::log::read_between(self.store, self.after, until, INPUTS_MAX).await?;
        if let Some(last) = inputs.last().filter(|_| !is_short(inputs.len(), INPUTS_MAX)) {
            // There may be more of them: what is behind the last comes with the next page.
            (until, is_last) = (last.position, false);
            events.retain(|(position, _)| *position <= until);
        }
        self.is_over = is_last;
        self.after = until;

        let mut page = Vec::with_capacity(events.len() + inputs.len());
        for logged in inputs {
            page.push(self.input(logged).await?);
        }
        page.extend(events.into_iter().map(|(position, event)| Placed {
            position,
            received_at: event.received_at,
            input: Input::Event(event),
        }));
        page.sort_by_key(|placed| placed.position);
        Ok(Some(page))
    }

    async fn input(&mut self, logged: LoggedInput) -> Result<Placed, StoreError> {
        let LoggedInput { position, received_at, kind, body } = logged;
        let input = match kind {
            Kind::Tick => Input::Tick,
            Kind::Registry => {
                let digest = match read(&body)? {
                    LoggedRegistry::Whole { digest } => digest,
                    LoggedRegistry::Entries { entries } => {
                        let input = Input::Entries(entries);
                        return Ok(Placed { position, received_at, input });
                    }
                };
                let text = store::log::registry(self.store, &digest).await?;
                let registry: Registry = read(&text)?;
                self.registry = digest;
                Input::Registry(Arc::new(registry))
            }
            Kind::Rules => {
                let logged: Vec<LoggedRule> = read(&body)?;
                self.rules = self.rule_set(&logged, position, received_at).await?;
                Input::Rules(self.rules.clone())
            }
            Kind::Action => {
                let LoggedAction { task, verb, actor, detail: _ } = read(&body)?;
                let task = TaskId::from_text(&task);
                Input::Action(Action { task, verb, actor: actor.into() })
            }
        };
        Ok(Placed { position, received_at, input })
    }

    /// Returns the rules of a logged set; those that were in force before keep their since.
    async fn rule_set(
        &self,
        logged: &[LoggedRule],
        position: Position,
        at: chrono::DateTime<chrono::Utc>,
    ) -> Result<Vec<ActiveRule>, StoreError> {
        let mut rules = Vec::with_capacity(logged.len());
        for logged in logged {
            if let Some(known) = logged.find_in(&self.rules) {
                rules.push(known.clone());
                continue;
            }
            let LoggedRule { rule, version } = logged;
            let document = store::rule::document(self.store, rule, version).await?;
            let Some(parsed) = parse_logged(&document) else {
                tracing::error!(rule, version, "a rule of the log is not understood any more");
                continue;
            };
            rules.push(ActiveRule {
                rule: Arc::new(parsed),
                version: version.as_str().into(),
                since: position,
                since_at: at,
            });
        }
        Ok(rules)
    }
}

/// Returns whether fewer were read than were asked for: there are no more.
fn is_short(read: usize, asked: u32) -> bool {
    u32::try_from(read).is_ok_and(|read| read < asked)
}

/// Reads a document that was in force. What a rule may name is checked when it comes into force;
/// here all that counts is what it says.
pub(crate) fn parse_logged(document: &str) -> Option<Rule> {
    let catalogue = Catalogue::of(&[Format::Native, Format::Ocpp16]);
    parse::parse(document, &catalogue).0
}

fn read<'t, T: Deserialize<'t>>(text: &'t str) -> Result<T, StoreError> {
    store::log::parsed(text)
}
