//! Stage two: the episodes of each customer, from all rules, become tasks.
//!
//! A customer is the account behind an episode; where there is none and the rule groups, what it
//! groups by; else the episode is a task of its own. A customer's episodes, tickets and what
//! people closed are folded in event time, so that here, too, the order of arrival does not
//! matter: what comes late has the customer folded again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use self::customer::{Customer, Item, Place};
use self::filed::{Filed, account_customer, file, occasion_of, place_of, task_of};
use super::episode::{Change, Episode, Number};
use super::ledger::{Candidate, Ledger, Verdict};
use super::registries::Registries;
use super::{ActiveRule, Address};
use crate::effect::Effect;
use crate::event::witness::Witness;
use crate::event::{Event, Position};
use crate::id::TaskId;
use crate::intern::Interner;

mod customer;
mod filed;

/// What the desk is told besides the changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'s> {
    /// The input that is handled.
    pub(super) position: Position,
    /// Log time, or the deadline that passed.
    pub(super) at: DateTime<Utc>,
    pub(super) registries: &'s Registries,
    pub(super) names: &'s Interner,
}

/// All customers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Desk {
    filed: BTreeMap<Number, Filed>,
    numbers: BTreeMap<TaskId, Number>,
    customers: BTreeMap<Box<str>, Customer>,
}

/// What changed so far with one input.
#[derive(Debug, Default)]
struct Outcome {
    /// Customers whose history changed before its end: the first and the last place that did.
    dirty: BTreeMap<Box<str>, (Place, Place)>,
    created: BTreeSet<Number>,
    amended: BTreeSet<Number>,
    effects: Vec<Effect>,
}

impl Outcome {
    /// Notes that something changed at `place` of a customer's history.
    fn touch(&mut self, customer: &str, place: Place) {
        match self.dirty.get_mut(customer) {
            Some((first, _)) if place < *first => *first = place,
            Some((_, last)) if *last < place => *last = place,
            Some(_) => {}
            None => drop(self.dirty.insert(customer.into(), (place.clone(), place))),
        }
    }
}

impl Desk {
    /// Takes the changes of one key and appends what follows to `effects`.
    pub(super) fn take(
        &mut self,
        scene: Scene<'_>,
        (address, active): (Address, &ActiveRule),
        changes: Vec<Change>,
        effects: &mut Vec<Effect>,
    ) {
        if changes.is_empty() {
            return;
        }
        let mut outcome = Outcome::default();
        for change in changes {
            match change {
                Change::New(number, episode) => {
                    let filed = file(scene, address, active, episode);
                    self.filed.insert(number, filed);
                    self.enter(scene, number, &mut outcome);
                }
                Change::Changed(number, episode) => {
                    self.change(scene, number, episode, &mut outcome);
                }
                Change::Gone(number) => {
                    self.leave(scene, number, &mut outcome);
                    self.settle_verdict(number, None, &mut outcome);
                    self.filed.remove(&number);
                }
            }
        }
        self.tell(scene, outcome, effects);
    }

    /// Takes a ticket of an account.
    pub(super) fn ticket(
        &mut self,
        scene: Scene<'_>,
        account: &str,
        (event, ticket, opens): (&Event, &str, bool),
        effects: &mut Vec<Effect>,
    ) {
        let mut outcome = Outcome::default();
        let place = Place {
            at: event.occurred_at,
            seq: event.seq,
            id: event.id.as_str().into(),
            device: event.device.as_str().into(),
            ..Place::default()
        };
        let customer = account_customer(account);
        let item = Item::Ticket { ticket: ticket.into(), opens };
        self.put(&customer, place, &item, &mut outcome);
        self.tell(scene, outcome, effects);
    }

    /// Closes the open episodes of a rule that goes out of force; its tasks stay.
    pub(super) fn close_rule(
        &mut self,
        place: usize,
        at: DateTime<Utc>,
        effects: &mut Vec<Effect>,
    ) {
        let of_rule = self.filed.values_mut().filter(|filed| filed.address.rule == place);
        for filed in of_rule.filter(|filed| filed.episode.closed_at.is_none()) {
            filed.episode.closed_at = Some(at);
            if let Some(task) = filed.task.clone() {
                effects.push(Effect::Amend { task, occasion: occasion_of(filed) });
            }
        }
    }

    /// Takes the tickets that another desk has noted, which this one may not have minded.
    pub(super) fn take_over_tickets(&mut self, other: &mut Self) {
        for (name, customer) in std::mem::take(&mut other.customers) {
            let tickets = customer.items.into_iter();
            let tickets = tickets.filter(|(_, item)| matches!(item, Item::Ticket { .. }));
            let of = self.customers.entry(name).or_default();
            of.items.extend(tickets);
            // What was asked for stays asked for: a new rule does not take it back.
            let filed = &self.filed;
            of.fold_anew(|ledger, item| step(filed, ledger, item));
        }
    }

    /// Takes what a person closed; returns whose key must hear of it.
    pub(super) fn close(
        &mut self,
        scene: Scene<'_>,
        task: &TaskId,
        effects: &mut Vec<Effect>,
    ) -> Option<Address> {
        let number = *self.numbers.get(task)?;
        let filed = self.filed.get(&number)?;
        let (address, customer) = (filed.address, filed.customer.clone());
        if let Some(customer) = customer {
            let mut outcome = Outcome::default();
            let place = Place {
                at: scene.at,
                rank: 1,
                id: task.as_str().into(),
                number,
                ..Place::default()
            };
            self.put(&customer, place, &Item::Closed(number), &mut outcome);
            self.tell(scene, outcome, effects);
        }
        Some(address)
    }

    /// Returns what became of the episodes of one key, in the order of their opening.
    pub(super) fn verdicts_of(
        &self,
        address: Address,
    ) -> impl Iterator<Item = (&Episode, &Verdict, Option<&TaskId>)> {
        let of_key = self.filed.values().filter(move |filed| filed.address == address);
        of_key.filter_map(|f| Some((&f.episode, f.verdict.as_ref()?, f.task.as_ref())))
    }

    /// Returns the task of an episode, if it has one of its own or joined one.
    pub(super) fn task_of(&self, number: Number) -> Option<&TaskId> {
        self.filed.get(&number)?.task.as_ref()
    }

    /// Returns what an episode stands on that is filed; none for another.
    pub(super) fn evidence_of(&self, number: Number) -> &[Witness] {
        self.filed.get(&number).map_or(&[], |filed| filed.episode.evidence())
    }

    fn change(
        &mut self,
        scene: Scene<'_>,
        number: Number,
        episode: Episode,
        outcome: &mut Outcome,
    ) {
        let Some(filed) = self.filed.get(&number) else { return };
        let joins = filed.verdict.as_ref().and_then(Verdict::joins);
        if let Some(task) = joins {
            self.part(task, number, outcome);
        }
        // With the same evidence its place is the same; only its own life went on.
        let is_moved = self.replace(scene, number, episode, outcome);
        if let Some(task) = joins {
            self.join(task, number, outcome);
        }
        outcome.amended.insert(number);
        if is_moved {
            self.enter(scene, number, outcome);
        }
    }

    /// Puts `episode` in the place of what is filed; returns whether it has left its customer's
    /// history because of that.
    fn replace(
        &mut self,
        scene: Scene<'_>,
        number: Number,
        episode: Episode,
        outcome: &mut Outcome,
    ) -> bool {
        let Some(filed) = self.filed.get_mut(&number) else { return false };
        if filed.episode.has_evidence_of(&episode) {
            filed.episode = episode;
            return false;
        }
        let fresh = file(scene, filed.address, &filed.active, episode);
        self.leave(scene, number, outcome);
        if let Some(filed) = self.filed.get_mut(&number) {
            let old = std::mem::replace(filed, fresh);
            (filed.verdict, filed.task, filed.joiners) = (old.verdict, old.task, old.joiners);
        }
        true
    }

    /// Puts an episode into its customer's history.
    fn enter(&mut self, scene: Scene<'_>, number: Number, outcome: &mut Outcome) {
        let Some(filed) = self.filed.get(&number) else { return };
        let Some(customer) = filed.customer.clone() else {
            self.settle_verdict(number, Some(&Verdict::Task), outcome);
            return;
        };
        let place = place_of(scene, filed, number);
        self.put(&customer, place, &Item::Episode(number), outcome);
    }

    /// Takes an episode out of its customer's history.
    fn leave(&mut self, scene: Scene<'_>, number: Number, outcome: &mut Outcome) {
        let Some(filed) = self.filed.get(&number) else { return };
        let Some(customer) = filed.customer.clone() else { return };
        let place = place_of(scene, filed, number);
        let Some(of) = self.customers.get_mut(&customer) else { return };
        of.items.remove(&place);
        of.marks.remove(&place);
        outcome.touch(&customer, place);
    }

    /// Puts something into a customer's history and judges what has to be judged again.
    fn put(&mut self, customer: &str, place: Place, item: &Item, outcome: &mut Outcome) {
        let of = self.customers.entry(customer.into()).or_default();
        let is_last = of.items.last_key_value().is_none_or(|(last, _)| *last < place);
        of.items.insert(place.clone(), item.clone());
        if !is_last || outcome.dirty.contains_key(customer) {
            outcome.touch(customer, place);
            return;
        }
        let filed = &self.filed;
        let verdict = of.append(place, |ledger| step(filed, ledger, item));
        if let Some((number, verdict)) = verdict {
            self.settle_verdict(number, Some(&verdict), outcome);
        }
    }

    /// Makes `verdict` the one that stands.
    fn settle_verdict(&mut self, number: Number, verdict: Option<&Verdict>, outcome: &mut Outcome) {
        let Some(filed) = self.filed.get_mut(&number) else { return };
        if filed.verdict.as_ref() == verdict {
            return;
        }
        let old = std::mem::replace(&mut filed.verdict, verdict.cloned());
        match old {
            Some(Verdict::Task) => {
                outcome.created.remove(&number);
                outcome.amended.remove(&number);
                if let Some(task) = filed.task.take() {
                    let device = filed.episode.newest().map(|event| event.device.clone());
                    self.numbers.remove(&task);
                    outcome.effects.extend(device.map(|device| Effect::Withdraw { task, device }));
                }
            }
            Some(Verdict::Joins(task)) => self.part(task, number, outcome),
            Some(Verdict::Held(_)) | None => {}
        }
        match verdict {
            Some(Verdict::Task) => drop(outcome.created.insert(number)),
            Some(Verdict::Joins(task)) => self.join(*task, number, outcome),
            Some(Verdict::Held(_)) | None => {}
        }
    }

    /// Adds the episode `number`, as it is filed, to those that joined `task`.
    fn join(&mut self, task: Number, number: Number, outcome: &mut Outcome) {
        let Some((matches, newest)) = self.filed.get(&number).map(Filed::weight) else { return };
        let Some(Filed { joiners, .. }) = self.filed.get_mut(&task) else { return };
        if joiners.newest.insert((newest, number)) {
            joiners.matches += matches;
        }
        outcome.amended.insert(task);
    }

    /// Takes the episode `number`, filed as it was when it joined, from those that joined `task`.
    fn part(&mut self, task: Number, number: Number, outcome: &mut Outcome) {
        let Some((matches, newest)) = self.filed.get(&number).map(Filed::weight) else { return };
        let Some(Filed { joiners, .. }) = self.filed.get_mut(&task) else { return };
        if joiners.newest.remove(&(newest, number)) {
            joiners.matches -= matches;
        }
        outcome.amended.insert(task);
    }

    /// Folds again what has to be, and says what changed.
    fn tell(&mut self, scene: Scene<'_>, mut outcome: Outcome, effects: &mut Vec<Effect>) {
        for (customer, (first, last)) in std::mem::take(&mut outcome.dirty) {
            let Some(of) = self.customers.get_mut(&customer) else { continue };
            let filed = &self.filed;
            let verdicts = of.fold_again((&first, &last), |ledger, item| step(filed, ledger, item));
            for (number, verdict) in verdicts {
                self.settle_verdict(number, Some(&verdict), &mut outcome);
            }
        }
        let Outcome { created, amended, effects: withdrawn, .. } = outcome;
        effects.extend(withdrawn);
        for number in &created {
            let Some(filed) = self.filed.get_mut(number) else { continue };
            let Some(task) = task_of(scene, filed) else { continue };
            filed.task = Some(task.id.clone());
            self.numbers.insert(task.id.clone(), *number);
            effects.push(Effect::Create(Box::new(task)));
        }
        for number in amended.difference(&created) {
            let Some(filed) = self.filed.get(number) else { continue };
            let Some(task) = filed.task.clone() else { continue };
            effects.push(Effect::Amend { task, occasion: occasion_of(filed) });
        }
    }
}

/// Lets `ledger` take the next item; returns what becomes of an episode.
fn step(
    filed: &BTreeMap<Number, Filed>,
    ledger: &mut Ledger,
    item: &Item,
) -> Option<(Number, Verdict)> {
    match item {
        Item::Ticket { ticket, opens } => ledger.ticket(ticket, *opens),
        Item::Closed(number) => ledger.close(*number),
        Item::Episode(number) => {
            let filed = filed.get(number)?;
            let rule = &filed.active.rule;
            let within = rule.then.group.as_ref().map(|group| group.within);
            let verdict = ledger.judge(&Candidate {
                number: *number,
                opened_at: filed.episode.opened_at,
                rule: rule.id.as_str(),
                stage: rule.stage,
                guard: &rule.guard,
                is_account: filed.is_account,
                has_consent: filed.has_consent,
                group: filed.group.as_deref().zip(within),
            });
            return Some((*number, verdict));
        }
    }
    None
}
