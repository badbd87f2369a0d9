//! Why there is a task: its evidence, what its rule asked, whom it concerns, what took it away.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use upturn_core::event::{Attributes, Event, Position};
use upturn_core::id::TaskId;
use upturn_core::input::Input;
use upturn_core::registry::{Account, Device, Registry};
use upturn_core::replay::{Keep, Replay, in_force};
use upturn_core::rule::{Rule, Stage};
use upturn_core::task::{EpisodeState, Evidence, Occasion, Task, Title};

use super::{RegistryRow, TermRow, registry_of};
use crate::auth::sight::Sight;
use crate::runtime::consequence::CAUSED_BY;
use crate::runtime::reading::parse_logged;
use crate::store::error::StoreError;
use crate::store::task_view::{self, TaskDetail, TaskStatus};
use crate::store::{self, Store};

/// What is said of a task.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct TaskExplained {
    pub(crate) id: String,
    pub(crate) rule: String,
    pub(crate) version: String,
    pub(crate) stage: Stage,
    pub(crate) title: Title,
    pub(crate) kind: String,
    pub(crate) scope: String,
    pub(crate) device: String,
    pub(crate) account: Option<String>,
    pub(crate) owner: String,
    pub(crate) created_at: DateTime<Utc>,
    pub(crate) due_at: Option<DateTime<Utc>>,
    pub(crate) first_at: DateTime<Utc>,
    pub(crate) last_at: DateTime<Utc>,
    /// Whether later events can still join it.
    pub(crate) status: EpisodeState,
    /// How it stands; null for a task of a fold that is not the live one.
    pub(crate) state: Option<TaskStatus>,
    /// Whether late evidence took away what it stood on after somebody had touched it.
    pub(crate) contradicted: bool,
    /// What took away what it stood on, if anything did.
    pub(crate) taken: Option<Taken>,
    pub(crate) joined: u64,
    pub(crate) joined_at: Option<DateTime<Utc>>,
    /// What it stands on, or stood on last.
    pub(crate) evidence: Vec<Piece>,
    pub(crate) facts: Facts,
    /// Whether its rule, given the evidence alone, makes the same task again.
    pub(crate) replays: bool,
}

/// An event that the task stands on.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Piece {
    pub(crate) id: String,
    pub(crate) device: String,
    pub(crate) channel: Option<String>,
    pub(crate) kind: String,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) attributes: Value,
    /// The parts of the rule's conditions, and how each comes out.
    pub(crate) terms: Vec<TermRow>,
}

/// What the registry said when the task was made.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Facts {
    pub(crate) device: Option<Device>,
    pub(crate) site: Option<String>,
    pub(crate) account: Option<Account>,
    pub(crate) owner: Option<String>,
    /// Which registry; null for one that stands in no log.
    pub(crate) registry: Option<RegistryRow>,
}

/// The input that took away what a task stood on.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct Taken {
    /// Log time.
    pub(crate) at: DateTime<Utc>,
    /// Its place in the log; null for what an older Upturn noted.
    pub(crate) position: Option<Position>,
    /// The event, if it was one and is still kept.
    pub(crate) event: Option<TakenBy>,
}

/// A late event that took away what a task stood on.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct TakenBy {
    pub(crate) id: String,
    pub(crate) device: String,
    pub(crate) channel: Option<String>,
    pub(crate) kind: String,
    pub(crate) occurred_at: DateTime<Utc>,
    pub(crate) received_at: DateTime<Utc>,
}

/// A task, and what has to be known to explain it.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) task: &'a Task,
    /// In the version that made it.
    pub(crate) rule: Rule,
    /// As of the input that made it.
    pub(crate) registry: &'a Registry,
    pub(crate) registry_row: Option<RegistryRow>,
    pub(crate) contradicted: bool,
}

/// Why a stored task is not explained.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// The version of its rule is not known, or not understood any more.
    #[error("version {version} of rule '{rule}' is not understood any more")]
    NoVersion {
        /// The rule.
        rule: String,
        /// The version.
        version: String,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Explains the stored task `id`, whether it stands or not; `None` where there never was one.
pub(crate) async fn find(
    store: &Store,
    sight: &Sight,
    id: &TaskId,
) -> Result<Option<TaskExplained>, TaskError> {
    let Some(detail) = task_view::find(store, sight, id).await? else { return Ok(None) };
    let made_by = task_view::made_by(store, id).await?;
    let (rule, version) = (detail.row.rule.as_str(), &*detail.row.version);
    let document = store::rule::find_document(store, rule, version).await?;
    let parsed = document.as_deref().and_then(parse_logged);
    let parsed = parsed.ok_or_else(|| TaskError::NoVersion {
        rule: rule.to_owned(),
        version: version.to_owned(),
    })?;
    let (registry, row) = registry_of(store, (made_by, detail.row.created_at)).await?;
    let taken = taken(store, &detail).await?;
    let (state, contradicted) = (Some(detail.row.status), detail.row.contradicted);
    let task = task_of(detail, made_by);
    let asked =
        Asked { task: &task, rule: parsed, registry: &registry, registry_row: row, contradicted };
    Ok(Some(TaskExplained { state, taken, ..explain(asked) }))
}

/// Returns what took away what the task stood on, if anything did.
pub(crate) async fn taken(store: &Store, detail: &TaskDetail) -> Result<Option<Taken>, StoreError> {
    if detail.row.status != TaskStatus::Withdrawn && !detail.row.contradicted {
        return Ok(None);
    }
    let is_it = |action: &str| action == "task-withdrawn" || action == "task-contradicted";
    let Some(entry) = detail.history.iter().rev().find(|entry| is_it(&entry.action)) else {
        return Ok(None);
    };
    let position = entry.detail.get(CAUSED_BY).and_then(Value::as_u64);
    let event = match position {
        Some(position) => store::event::find(store, position).await?,
        None => None,
    };
    let event = event.map(|event| TakenBy {
        id: event.id.as_str().to_owned(),
        device: event.device.as_str().to_owned(),
        channel: event.channel.as_deref().map(str::to_owned),
        kind: event.kind.to_string(),
        occurred_at: event.occurred_at,
        received_at: event.received_at,
    });
    Ok(Some(Taken { at: entry.at, position, event }))
}

/// Explains a task of any fold.
pub(crate) fn explain(asked: Asked<'_>) -> TaskExplained {
    let Asked { task, rule, registry, registry_row, contradicted } = asked;
    let mut replay =
        Replay::new(vec![in_force(rule, &task.version)], registry.clone(), Keep::Needed);
    let events: Vec<Event> =
        (0..).zip(&task.occasion.evidence).map(|(number, each)| event_of(number, each)).collect();
    let terms = |event: &Event| replay.engine().terms(&task.rule, task.stage, event);
    let piece = |event: &Event| Piece {
        id: event.id.as_str().to_owned(),
        device: event.device.as_str().to_owned(),
        channel: event.channel.as_deref().map(str::to_owned),
        kind: event.kind.to_string(),
        occurred_at: event.occurred_at,
        attributes: serde_json::from_str(event.attributes.as_json()).unwrap_or_default(),
        terms: terms(event).into_iter().map(TermRow::of).collect(),
    };
    let evidence = events.iter().map(piece).collect();
    let replays = is_made_again(task, &mut replay, events);
    let text = |text: &str| text.to_owned();
    TaskExplained {
        id: text(task.id.as_str()),
        rule: text(task.rule.as_str()),
        version: text(&task.version),
        stage: task.stage,
        title: task.title.clone(),
        kind: text(&task.kind),
        scope: text(&task.scope),
        device: text(task.device.as_str()),
        account: task.account.as_deref().map(text),
        owner: text(&task.owner),
        created_at: task.created_at,
        due_at: task.due_at,
        first_at: task.occasion.first_at,
        last_at: task.occasion.last_at,
        status: task.occasion.episode,
        state: None,
        contradicted,
        taken: None,
        joined: task.occasion.joined,
        joined_at: task.occasion.joined_at,
        evidence,
        facts: facts(task, registry, registry_row),
        replays,
    }
}

fn facts(task: &Task, registry: &Registry, row: Option<RegistryRow>) -> Facts {
    let device = registry.devices.get(&task.device);
    let account = task.account.as_ref().and_then(|id| registry.accounts.get(id));
    let site = device.and_then(|device| registry.sites.get(device.site.as_ref()?));
    let owner = registry.people.get(&task.owner);
    Facts {
        device: device.cloned(),
        site: site.map(|site| site.name.to_string()),
        account: account.cloned(),
        owner: owner.map(|owner| owner.name.to_string()),
        registry: row,
    }
}

/// Returns a stored task as the fold has it.
fn task_of(detail: TaskDetail, made_by: Position) -> Task {
    let TaskDetail { row, steps, evidence, .. } = detail;
    Task {
        id: row.id,
        rule: row.rule,
        version: row.version.into(),
        stage: row.stage,
        scope: row.scope.into(),
        device: row.device,
        account: row.account.map(Into::into),
        kind: row.kind.into(),
        title: row.title,
        steps: steps.into_iter().map(Into::into).collect(),
        owner: row.owner.into(),
        due_at: row.due_at,
        created_at: row.created_at,
        created_by: made_by,
        occasion: Occasion {
            first_at: row.first_at,
            last_at: row.last_at,
            evidence,
            episode: row.episode,
            joined: row.joined,
            joined_at: row.joined_at,
        },
    }
}

/// Returns a piece of evidence as the event it was; their order is kept where times are the same.
fn event_of(number: i64, evidence: &Evidence) -> Event {
    Event {
        id: evidence.id.clone(),
        device: evidence.device.clone(),
        channel: evidence.channel.clone(),
        kind: evidence.kind.clone(),
        stated_at: Some(evidence.occurred_at),
        occurred_at: evidence.occurred_at,
        received_at: evidence.occurred_at,
        seq: Some(number),
        clock_suspect: false,
        attributes: Attributes::from_json_object(evidence.attributes.clone()),
        position: 0,
    }
}

fn is_made_again(task: &Task, replay: &mut Replay, events: Vec<Event>) -> bool {
    for event in events {
        replay.take_event(event);
    }
    // What holds by silence holds once a deadline has passed.
    let end = task.occasion.last_at.max(task.created_at) + TimeDelta::milliseconds(1);
    replay.take(end, Input::Tick);
    let pieces = |task: &Task| -> Vec<_> {
        let evidence = task.occasion.evidence.iter();
        evidence.map(|each| (each.id.clone(), each.occurred_at)).collect()
    };
    let is_same = |other: &&Task| {
        other.scope == task.scope
            && other.occasion.last_at == task.occasion.last_at
            && pieces(other) == pieces(task)
    };
    replay.board().by_device_and_time().iter().any(is_same)
}
