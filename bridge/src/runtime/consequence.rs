//! What follows from an input, stored in the input's own transaction: tasks, the trail of who did
//! what, and the letters that tell other systems.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use upturn_core::effect::Effect;
use upturn_core::event::Position;
use upturn_core::id::{RuleId, TaskId};
use upturn_core::lead::Lead;
use upturn_core::registry::Registry;
use upturn_core::rule::Stage;
use upturn_core::task::{EpisodeState, Occasion, Task};

use super::failures::Failures;
use super::letters::{Desk, Told};
use super::{clocks, leads};
use crate::delivery::document::Occurrence;
use crate::delivery::letter::text;
use crate::store::audit::NewEntry;
use crate::store::error::StoreError;
use crate::store::task::Taken;
use crate::store::{self, Tx, dead_letter, task, task_deal, task_history, task_timer};

/// Who did what the rules did.
pub(super) const ACTOR: &str = "upturn";

/// Effects that are kept until they are looked through for what is overtaken.
const EFFECTS_MAX: usize = 64;

/// What follows from the inputs of one commit, as it adds up.
#[derive(Debug)]
pub(super) struct Consequences {
    effects: Vec<Effect>,
    /// How many effects there may be before they are looked through again.
    effects_max: usize,
    /// The place of the last input that had a consequence for each task.
    caused_by: BTreeMap<TaskId, Position>,
    /// The region of the site of each new task.
    regions: BTreeMap<TaskId, Box<str>>,
    /// What was decided about each new task.
    leads: BTreeMap<TaskId, Lead>,
}

impl Consequences {
    /// Returns the consequences of nothing.
    pub(super) fn new() -> Self {
        let (caused_by, regions) = (BTreeMap::new(), BTreeMap::new());
        let (effects, leads) = (Vec::new(), BTreeMap::new());
        Self { effects, effects_max: EFFECTS_MAX, caused_by, regions, leads }
    }

    /// Looks up where new tasks are, so that those who answer for the region see them.
    pub(super) fn locate(&mut self, registry: &Registry) {
        for effect in &self.effects {
            let Effect::Create(task) = effect else { continue };
            let site = registry.devices.get(&task.device).and_then(|device| device.site.as_ref());
            let region = site.and_then(|site| registry.sites.get(site)?.region.clone());
            self.regions.extend(region.map(|region| (task.id.clone(), region)));
        }
    }

    /// Returns the new tasks that are for people.
    pub(super) fn new_tasks(&mut self) -> impl Iterator<Item = &mut Task> {
        self.effects.iter_mut().filter_map(|effect| match effect {
            Effect::Create(task) if task.stage == Stage::Live => Some(&mut **task),
            Effect::Create(_)
            | Effect::Amend { .. }
            | Effect::Withdraw { .. }
            | Effect::Fault(_) => None,
        })
    }

    /// Keeps what was decided about new tasks, until they are stored.
    pub(super) fn decide(&mut self, leads: Vec<(TaskId, Lead)>) {
        self.leads.extend(leads);
    }

    /// Takes what follows from the input at `position`.
    pub(super) fn take(&mut self, position: Position, effects: Vec<Effect>) {
        for effect in &effects {
            if let Some(task) = task_of(effect) {
                self.caused_by.insert(task.clone(), position);
            }
        }
        self.effects.extend(effects);
        // Each effect on a task may carry all its evidence; only the last word counts.
        if self.effects_max < self.effects.len() {
            self.effects = coalesced(std::mem::take(&mut self.effects));
            self.effects_max = (2 * self.effects.len()).max(EFFECTS_MAX);
        }
    }
}

/// What was stored, to be counted after the commit.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// Tasks made for people.
    pub(super) made: u64,
    /// Tasks for people that are there or not there since, or marked.
    pub(super) changed: u64,
    /// How often each rule failed.
    pub(super) failed: BTreeMap<RuleId, u64>,
    /// Dead letters of rules that failed.
    pub(super) letters: u64,
}

/// Something that was done to a task.
struct Deed<'e> {
    task: &'e TaskId,
    action: &'static str,
    detail: Value,
    /// Nobody is told of what a rule on trial does.
    stage: Stage,
}

/// Stores what follows and returns what is to be counted.
pub(super) async fn store(
    tx: &mut Tx,
    at: DateTime<Utc>,
    desk: &Desk<'_>,
    failures: &mut Failures,
    consequences: Consequences,
) -> Result<Stored, StoreError> {
    let mut stored = Stored::default();
    let mut faults = Vec::new();
    let effects = in_order_of_rows(coalesced(consequences.effects));
    let taken: BTreeSet<_> = effects.iter().filter_map(taken_task).cloned().collect();
    for effect in effects {
        if let Effect::Fault(fault) = effect {
            *stored.failed.entry(fault.rule.clone()).or_default() += 1;
            faults.push(*fault);
            continue;
        }
        let Some(deed) = keep(tx, at, &effect).await? else { continue };
        let Deed { task, action, mut detail, stage } = deed;
        if let Some(region) = consequences.regions.get(task).filter(|_| action == CREATED) {
            task::set_region(tx, task, region).await?;
        }
        // Whoever asks finds what it stood on; nobody is told, since it stands on it no longer.
        if action == AMENDED && taken.contains(task) {
            continue;
        }
        if let (Some(position), Some(detail)) =
            (consequences.caused_by.get(task), detail.as_object_mut())
        {
            detail.insert(CAUSED_BY.into(), json!(position));
        }
        match &effect {
            Effect::Create(new) => {
                let lead = consequences.leads.get(task);
                clocks::begin(tx, new, desk.registry, lead).await?;
                if let Some(lead) = lead {
                    store::lead::put(tx, task, lead).await?;
                    leads::tell(lead, &mut detail);
                }
            }
            Effect::Withdraw { .. } if action == WITHDRAWN => task_timer::clear(tx, task).await?,
            Effect::Amend { .. } | Effect::Withdraw { .. } | Effect::Fault(_) => {}
        }
        let entry = NewEntry { at, actor: ACTOR, action, subject: task.as_str(), detail: &detail };
        task_history::append(tx, entry).await?;
        if stage == Stage::Shadow {
            continue;
        }
        stored.changed += u64::from(action != AMENDED);
        stored.made += u64::from(action == CREATED);
        let cause = consequences.caused_by.get(task).copied().unwrap_or_default().to_string();
        if let Some(occurrence) = Occurrence::find(action) {
            let (detail, cause) = (&detail, &*cause);
            let told =
                Told { task, occurrence, detail, cause, from: None, subject: None, to: None };
            desk.write(tx, at, &told).await?;
        }
    }
    let letters = failures.take(at, &faults);
    for letter in &letters {
        tracing::warn!(rule.id = letter.topic, "{}", letter.reason);
    }
    dead_letter::insert(tx, &letters).await?;
    stored.letters = u64::try_from(letters.len()).unwrap_or(u64::MAX);
    Ok(stored)
}

/// In the detail of what was done to a task: the place of the input that brought it about.
pub(crate) const CAUSED_BY: &str = "position";

fn task_of(effect: &Effect) -> Option<&TaskId> {
    match effect {
        Effect::Create(task) => Some(&task.id),
        Effect::Amend { task, .. } | Effect::Withdraw { task, .. } => Some(task),
        Effect::Fault(_) => None,
    }
}

fn taken_task(effect: &Effect) -> Option<&TaskId> {
    match effect {
        Effect::Withdraw { task, .. } => Some(task),
        Effect::Create(_) | Effect::Amend { .. } | Effect::Fault(_) => None,
    }
}

const CREATED: &str = "task-created";
const AMENDED: &str = "task-amended";
const WITHDRAWN: &str = "task-withdrawn";

/// Stores one effect; returns whom it is about and what is to be told, if anything changed.
async fn keep<'e>(
    tx: &mut Tx,
    at: DateTime<Utc>,
    effect: &'e Effect,
) -> Result<Option<Deed<'e>>, StoreError> {
    Ok(match effect {
        Effect::Create(new) => task::create(tx, new).await?.then(|| Deed {
            task: &new.id,
            action: CREATED,
            detail: created(new),
            stage: new.stage,
        }),
        Effect::Amend { task, occasion } => {
            let stage = task::amend(tx, task, occasion, at).await?;
            let (action, detail) = (AMENDED, based_on(occasion));
            stage.map(|stage| Deed { task, action, detail, stage })
        }
        Effect::Withdraw { task, device } => {
            let detail = json!({"reason": "late-evidence", "device": device});
            let told = match task::withdraw(tx, task, at).await? {
                Taken::Withdrawn(stage) => Some((WITHDRAWN, stage)),
                Taken::Contradicted(stage) => {
                    task_deal::contradict(tx, task, at).await?;
                    Some(("task-contradicted", stage))
                }
                Taken::Nothing => None,
            };
            told.map(|(action, stage)| Deed { task, action, detail, stage })
        }
        Effect::Fault(_) => None,
    })
}

/// Leaves out what a later effect of the same batch overtakes: of a task that ten thousand events
/// joined only the last word is stored, and nothing of one that came and went.
fn coalesced(effects: Vec<Effect>) -> Vec<Effect> {
    let mut kept: Vec<Option<Effect>> = Vec::with_capacity(effects.len());
    let mut newest: BTreeMap<TaskId, usize> = BTreeMap::new();
    for effect in effects {
        let id = match &effect {
            Effect::Create(task) => task.id.clone(),
            Effect::Amend { task, .. } | Effect::Withdraw { task, .. } => task.clone(),
            Effect::Fault(_) => {
                kept.push(Some(effect));
                continue;
            }
        };
        let before = newest.get(&id).and_then(|at| kept.get_mut(*at)).filter(|e| e.is_some());
        match (before, effect) {
            (Some(Some(Effect::Create(task))), Effect::Amend { occasion, .. }) => {
                task.occasion = occasion;
            }
            (Some(Some(Effect::Amend { occasion, .. })), Effect::Amend { occasion: new, .. }) => {
                *occasion = new;
            }
            (Some(created @ Some(Effect::Create(_))), Effect::Withdraw { .. }) => *created = None,
            // A task that a person touched goes on standing on what it stood on last.
            (Some(Some(Effect::Amend { occasion, .. })), effect @ Effect::Withdraw { .. }) => {
                occasion.episode = EpisodeState::Closed;
                newest.insert(id, kept.len());
                kept.push(Some(effect));
            }
            (_, effect) => {
                newest.insert(id, kept.len());
                kept.push(Some(effect));
            }
        }
    }
    kept.into_iter().flatten().collect()
}

/// Puts what takes a task away or closes its episode before what opens one: of one rule and scope
/// the database takes one open episode at a time, and one fold can close an episode and open the
/// next. Effects on different tasks do not depend on each other otherwise.
fn in_order_of_rows(mut effects: Vec<Effect>) -> Vec<Effect> {
    effects.sort_by_key(|effect| match effect {
        Effect::Withdraw { .. } => 0,
        Effect::Amend { occasion, .. } if occasion.episode == EpisodeState::Closed => 0,
        Effect::Create(_) | Effect::Amend { .. } | Effect::Fault(_) => 1,
    });
    effects
}

fn created(task: &Task) -> Value {
    let mut detail = based_on(&task.occasion);
    if let Some(object) = detail.as_object_mut() {
        object.insert("rule".into(), json!(task.rule));
        object.insert("version".into(), json!(&*task.version));
        object.insert("account".into(), json!(task.account));
        object.insert("title".into(), json!(task.title));
        object.insert("steps".into(), json!(task.steps));
        object.insert("owner".into(), json!(task.owner));
        object.insert("due_at".into(), json!(task.due_at.map(text)));
    }
    detail
}

fn based_on(occasion: &Occasion) -> Value {
    let ids: Vec<&str> = occasion.evidence.iter().map(|each| each.id.as_str()).collect();
    json!({
        "device": occasion.evidence.last().map(|last| &last.device),
        "first_at": text(occasion.first_at),
        "last_at": text(occasion.last_at),
        "evidence": ids,
        "joined": occasion.joined,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use upturn_core::registry::Registry;

    use super::*;
    use crate::auth::sight::Sight;
    use crate::delivery::testing::{Recorder, destination, routing};
    use crate::store::outbox::{Arrived, Letter};
    use crate::store::task_view::{self, TaskDetail, TaskStatus};
    use crate::store::testing::{accept, at, each_backend, occasion, task as sample};
    use crate::store::{Store, outbox};

    async fn commit(store: &Store, position: Position, effects: Vec<Effect>) {
        let mut consequences = Consequences::new();
        consequences.take(position, effects);
        let mut tx = store.begin().await.unwrap();
        let mut failures = Failures::default();
        let there = destination("crm", Arc::<Recorder>::default());
        let desk = Desk { delivery: routing(vec![there]), registry: &Registry::default() };
        super::store(&mut tx, at(60), &desk, &mut failures, consequences).await.unwrap();
        tx.commit().await.unwrap();
    }

    fn amend(id: &str, evidence: &[&str]) -> Effect {
        Effect::Amend { task: TaskId::from_text(id), occasion: occasion("d1", 12, evidence) }
    }

    async fn detail(store: &Store, id: &str) -> TaskDetail {
        task_view::find(store, &Sight::All, &TaskId::from_text(id)).await.unwrap().unwrap()
    }

    async fn send_next(store: &Store) -> Option<Letter> {
        let next = outbox::claim(store, "crm", at(60), at(61)).await.unwrap()?;
        outbox::mark_sent(store, ("crm", &next), at(60), Arrived::default()).await.unwrap();
        Some(next)
    }

    #[tokio::test]
    async fn what_comes_to_be_as_it_was_before_is_told_again() {
        each_backend(async |store| {
            commit(store, 1, vec![Effect::Create(Box::new(sample("t1", "d1", 10)))]).await;
            let mut told = vec![send_next(store).await.unwrap()];
            for (position, evidence) in (2..).zip([["a", "b"], ["a", "c"], ["a", "b"]]) {
                commit(store, position, vec![amend("t1", &evidence)]).await;
                told.push(send_next(store).await.unwrap());
            }
            let kinds: Vec<_> = told.iter().map(|letter| &*letter.kind).collect();
            assert_eq!(kinds, [CREATED, AMENDED, AMENDED, AMENDED]);
            assert_eq!(told[1].body["evidence"], told[3].body["evidence"]);
            assert_ne!(told[1].key, told[3].key);
            for (member, expected) in [
                ("rule", json!("care")),
                ("kind", json!("care")),
                ("owner", json!("lin")),
                ("steps", json!(["send_coupon", "book_consultant"])),
                ("url", json!("https://upturn.example/tasks/t1")),
            ] {
                assert_eq!(told[3].body[member], expected, "{member}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn what_is_undone_before_anybody_was_told_is_not_told_at_all() {
        each_backend(async |store| {
            let take = || Effect::Withdraw {
                task: TaskId::from_text("t1"),
                device: sample("t1", "d1", 10).device,
            };
            commit(store, 1, vec![Effect::Create(Box::new(sample("t1", "d1", 10)))]).await;
            commit(store, 2, vec![amend("t1", &["a", "b"])]).await;
            commit(store, 3, vec![take()]).await;
            assert_eq!(send_next(store).await, None);

            commit(store, 4, vec![Effect::Create(Box::new(sample("t1", "d1", 10)))]).await;
            commit(store, 5, vec![amend("t1", &["newest"])]).await;
            let told = send_next(store).await.unwrap();
            assert_eq!((&*told.kind, &told.body["evidence"]), (CREATED, &json!(["newest"])));
            assert_eq!(send_next(store).await, None, "nothing is left to say");
            commit(store, 6, vec![take()]).await;
            assert_eq!(send_next(store).await.unwrap().kind, "task-withdrawn");
        })
        .await;
    }

    #[tokio::test]
    async fn a_task_keeps_what_it_stood_on_last_however_inputs_share_a_commit() {
        each_backend(async |store| {
            for id in ["new", "touched"] {
                let mut made = sample(id, id, 10);
                made.rule = RuleId::new(id).unwrap();
                commit(store, 1, vec![Effect::Create(Box::new(made))]).await;
            }
            let mut tx = store.begin().await.unwrap();
            let touched = TaskId::from_text("touched");
            accept(&mut tx, &touched, at(30)).await;
            tx.commit().await.unwrap();
            let cases = [
                ("new", TaskStatus::Withdrawn, false, "task-withdrawn"),
                ("touched", TaskStatus::Accepted, true, "task-contradicted"),
            ];
            for (id, status, contradicted, action) in cases {
                let (task, device) = (TaskId::from_text(id), sample(id, id, 10).device);
                let taken = Effect::Withdraw { task, device };
                commit(store, 7, vec![amend(id, &["a", "b", "last"]), taken]).await;
                let found = detail(store, id).await;
                assert_eq!((found.row.status, found.row.contradicted), (status, contradicted));
                assert_eq!(found.evidence.last().unwrap().id.as_str(), "last", "case: {id}");
                assert_eq!(found.row.episode, EpisodeState::Closed, "case: {id}");
                let told: Vec<_> = found.history.iter().map(|entry| &*entry.action).collect();
                assert_eq!(told, [CREATED, action], "case: {id}");
                assert_eq!(found.history[1].detail[CAUSED_BY], json!(7), "case: {id}");
            }
        })
        .await;
    }
}
