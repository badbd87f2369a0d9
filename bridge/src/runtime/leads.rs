//! What is decided about a task when it is made: its score, its grade, who gets it, by when, and what to do
//! first. In the transaction that makes the task, from what is known as of its place in the log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use upturn_core::id::DeviceId;
use upturn_core::lead::input::{FACTS_MAX, Inputs, Source};
use upturn_core::lead::policy::{Policy, Scheme};
use upturn_core::lead::route::{Load, Staff, Tags};
use upturn_core::lead::score::{Of, Score};
use upturn_core::lead::{Cover, Lead};
use upturn_core::registry::Registry;
use upturn_core::task::Task;

use super::Runtime;
use super::consequence::Consequences;
use super::fold::Fold;
use crate::store::error::StoreError;
use crate::store::rule::Version;
use crate::store::{self, Tx, lead};

/// Devices of an account whose events are looked at.
const DEVICES_MAX: usize = 20;

/// Which devices each account has, in one registry.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    /// The digest of the registry.
    of: String,
    devices: BTreeMap<Box<str>, Vec<DeviceId>>,
}

impl Fleet {
    /// Makes it that of `registry`, whose digest is `digest`.
    fn follow(&mut self, registry: &Registry, digest: &str) {
        if self.of == digest && !digest.is_empty() {
            return;
        }
        let mut devices: BTreeMap<Box<str>, Vec<DeviceId>> = BTreeMap::new();
        for device in registry.devices.keys() {
            if let Some(account) = registry.find_account_of(device) {
                devices.entry(account.into()).or_default().push(device.clone());
            }
        }
        *self = Self { of: digest.to_owned(), devices };
    }

    /// Returns the devices of `account`, that of the task first, and whether there are more.
    fn of_account(&self, account: &str, first: &DeviceId) -> (Vec<DeviceId>, bool) {
        let all = self.devices.get(account).map_or(&[][..], |devices| devices);
        let others = all.iter().filter(|device| *device != first);
        let found = std::iter::once(first).chain(others).take(DEVICES_MAX).cloned();
        // Its device may have gone to somebody else since.
        let found: Vec<_> = found.filter(|device| all.contains(device)).collect();
        let is_cut = found.len() < all.len();
        (found, is_cut)
    }
}

impl Runtime<'_> {
    /// Decides about the new tasks among `consequences`, as the documents in force say.
    pub(super) async fn judge(
        &self,
        tx: &mut Tx,
        fold: &mut Fold,
        consequences: &mut Consequences,
    ) -> Result<(), StoreError> {
        let policy = Arc::clone(&self.leads.borrow());
        if policy.is_empty() {
            return Ok(());
        }
        let Fold { engine, fleet, registry: digest, .. } = fold;
        let registry = engine.registry();
        let mut leads = Vec::new();
        let mut judge = Judge { policy: &policy, registry, fleet, digest, given: BTreeMap::new() };
        for task in consequences.new_tasks() {
            let Some(scheme) = policy.scheme_for(task.rule.as_str()) else { continue };
            let lead = judge.lead(tx, task, scheme).await?;
            apply(&lead, task, (registry, &scheme));
            leads.push((task.id.clone(), lead));
        }
        if !leads.is_empty() {
            for one in policy.written() {
                let (rule, hash) = (one.document.id(), &*one.version);
                store::rule::keep(tx, Version { rule, hash, document: &one.text }).await?;
            }
        }
        consequences.decide(leads);
        Ok(())
    }
}

/// Says in the detail of a new task what was decided about it.
pub(super) fn tell(lead: &Lead, detail: &mut Value) {
    let Some(members) = detail.as_object_mut() else { return };
    members.insert("score".into(), json!(lead.scored.score));
    members.insert("grade".into(), json!(lead.grade));
    members.insert("channel".into(), json!(lead.assignment.channel));
    members.insert("cover".into(), json!(lead.cover));
    members.insert("consent".into(), json!(lead.consent));
}

/// Makes the task what was decided about it.
fn apply(lead: &Lead, task: &mut Task, (registry, scheme): (&Registry, &Scheme<'_>)) {
    let (steps, _) = scheme.route.steps(&task.steps, (&lead.cover, lead.consent));
    task.steps = steps;
    task.owner.clone_from(&lead.assignment.owner);
    if scheme.sla.is_some() {
        let within = lead.clock_of(&lead.grade).contact_within;
        let calendar = registry.calendar_of(&task.owner);
        task.due_at = within.and_then(|within| within.after(task.created_at, calendar));
    }
}

/// What leads are decided with.
struct Judge<'j> {
    policy: &'j Policy,
    registry: &'j Registry,
    fleet: &'j mut Fleet,
    digest: &'j str,
    /// What was given to whom in this transaction and is not stored yet.
    given: BTreeMap<Box<str>, u32>,
}

impl Judge<'_> {
    async fn lead(
        &mut self,
        tx: &mut Tx,
        task: &Task,
        scheme: Scheme<'_>,
    ) -> Result<Lead, StoreError> {
        let inputs = self.inputs(tx, task, scheme.score).await?;
        let scored = scheme.score.score(&inputs);
        let grade = scheme.grade.of(scored.score.0);
        let device = self.registry.devices.get(&task.device);
        let site = device.and_then(|device| self.registry.sites.get(device.site.as_ref()?));
        let tags = Tags {
            grade: grade.into(),
            region: site.and_then(|site| site.region.clone()),
            product: device.map(|device| device.model.clone()),
            source: task.rule.as_str().into(),
            need: task.kind.clone(),
        };
        let staff = self.staff(tx, task, &scheme).await?;
        let assignment = scheme.route.assign(&tags, &staff);
        let given = self.given.entry(assignment.owner.clone()).or_default();
        *given = given.saturating_add(1);
        let account = task.account.as_ref().and_then(|id| self.registry.accounts.get(id));
        let consent = account.and_then(|account| account.consent);
        let installed = lead::installed(tx, &task.device).await?;
        let today = task.created_at.with_timezone(&self.registry.calendar.zone()).date_naive();
        let cover = cover(installed.as_ref(), today);
        let (_, left_out) = scheme.route.steps(&task.steps, (&cover, consent));
        Ok(Lead {
            documents: self.policy.names(&scheme),
            inputs,
            scored,
            grade: grade.into(),
            tags,
            assignment,
            cover,
            consent,
            left_out,
            bands: scheme.grade.clone(),
            clocks: scheme.sla.map(|sla| sla.clock.clone()).unwrap_or_default(),
        })
    }

    /// Looks up what the factors of `score` ask for.
    async fn inputs(
        &mut self,
        tx: &mut Tx,
        task: &Task,
        score: &Score,
    ) -> Result<Inputs, StoreError> {
        let mut inputs =
            Inputs { as_of: task.created_at, account: task.account.clone(), ..Inputs::default() };
        let Some(account) = &task.account else { return Ok(inputs) };
        for source in score.sources().collect::<BTreeSet<Source>>() {
            let is_cut = match source {
                Source::Orders => {
                    let (orders, is_cut) = lead::orders_of(tx, account).await?;
                    inputs.orders = orders;
                    is_cut
                }
                Source::Contacts => {
                    let (contacts, is_cut) = lead::contacts_of(tx, account).await?;
                    inputs.contacts = contacts;
                    is_cut
                }
                Source::Outcomes => {
                    let (outcomes, is_cut) = lead::outcomes_of(tx, account).await?;
                    inputs.outcomes = outcomes;
                    is_cut
                }
                Source::Events => self.events(tx, task, (account, score), &mut inputs).await?,
            };
            if is_cut {
                inputs.cut.insert(source);
            }
        }
        Ok(inputs)
    }

    async fn events(
        &mut self,
        tx: &mut Tx,
        task: &Task,
        (account, score): (&str, &Score),
        inputs: &mut Inputs,
    ) -> Result<bool, StoreError> {
        let factors = score.factor.iter().filter(|factor| factor.of == Of::Events);
        let kinds: BTreeSet<Box<str>> = factors.flat_map(|factor| factor.is.clone()).collect();
        self.fleet.follow(self.registry, self.digest);
        let (devices, mut is_cut) = self.fleet.of_account(account, &task.device);
        let mut events = Vec::new();
        for device in devices {
            events.extend(lead::events_of(tx, (&device, &kinds), task.created_by).await?);
        }
        // A device's clock may be ahead of ours.
        events.sort_by(|one, other| other.at.cmp(&one.at).then_with(|| one.what.cmp(&other.what)));
        is_cut |= FACTS_MAX < events.len();
        events.truncate(FACTS_MAX);
        inputs.events = events;
        Ok(is_cut)
    }

    /// Looks up how those stand whom the task can go to.
    async fn staff(
        &self,
        tx: &mut Tx,
        task: &Task,
        scheme: &Scheme<'_>,
    ) -> Result<Staff, StoreError> {
        let account = task.account.as_ref().and_then(|id| self.registry.accounts.get(id));
        let owner = account.and_then(|account| account.owner.clone());
        let mut people: BTreeSet<Box<str>> = scheme.route.people().map(Into::into).collect();
        let substitute = |id: &str| self.registry.people.get(id)?.substitute.clone();
        people.extend(owner.clone());
        people.extend(owner.as_deref().and_then(substitute));
        let gone = lead::gone(tx, &people).await?;
        let mut stand_ins = BTreeMap::new();
        for (person, other) in &gone {
            if let Some(other) = substitute(person).or_else(|| other.clone()) {
                stand_ins.insert(person.clone(), other);
            }
        }
        let mut load = lead::loads(tx, &people).await?;
        for (person, given) in &self.given {
            let one: &mut Load = load.entry(person.clone()).or_default();
            one.open = one.open.saturating_add(*given);
            one.last_at = Some(newest(one.last_at, task.created_at));
        }
        Ok(Staff { owner, gone: gone.into_keys().collect(), stand_ins, load })
    }
}

fn newest(last_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
    last_at.map_or(now, |last_at| last_at.max(now))
}

/// Returns who pays for the trouble of a device on a day, by what the installed base says of it.
fn cover(installed: Option<&BTreeMap<String, String>>, today: NaiveDate) -> Cover {
    let Some(installed) = installed else { return Cover::Unknown };
    let day = |name: &str| installed.get(name).and_then(|text| text.parse::<NaiveDate>().ok());
    let (warranty, from, until) =
        (day("warranty_until"), day("contract_from"), day("contract_until"));
    if let Some(until) = warranty.filter(|until| today <= *until) {
        return Cover::Warranty { until };
    }
    let is_running =
        from.is_none_or(|from| from <= today) && until.is_none_or(|until| today <= until);
    match installed.get("contract").filter(|_| is_running) {
        Some(contract) => Cover::Contract { contract: contract.as_str().into(), until },
        None => Cover::Customer { until: warranty.max(until.filter(|until| *until < today)) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warranty_pays_before_the_contract_and_the_customer_after_both() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let row = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect()
        };
        let warranty = ("warranty_until", "2025-05-01");
        let contract = [("contract", "SC-9"), ("contract_from", "2025-05-02")];
        let ended = [contract[0], contract[1], ("contract_until", "2025-06-30"), warranty];
        let cases = [
            ("2025-05-01", row(&[warranty, contract[0], contract[1]]), "warranty"),
            ("2025-05-02", row(&[warranty, contract[0], contract[1]]), "contract"),
            ("2025-05-02", row(&[warranty]), "customer"),
            ("2025-05-01", row(&contract), "customer"),
            ("2025-06-30", row(&ended), "contract"),
            ("2025-07-01", row(&ended), "customer"),
        ];
        for (today, installed, expected) in cases {
            let found = cover(Some(&installed), day(today));
            assert_eq!(found.word(), expected, "case: {today} {installed:?}");
        }
        assert_eq!(cover(None, day("2025-05-01")), Cover::Unknown);
        let over = cover(Some(&row(&ended)), day("2025-07-01"));
        assert_eq!(over, Cover::Customer { until: Some(day("2025-06-30")) });
    }
}
