//! Episodes as the desk keeps them, and the tasks they become.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::episode::{Episode, Number};
use super::super::ledger::Verdict;
use super::super::{ActiveRule, Address};
use super::Scene;
use super::customer::Place;
use crate::decode::digest;
use crate::id::TaskId;
use crate::rule::route::OPERATIONS_POOL;
use crate::task::{EpisodeState, Evidence, Occasion, Task};

/// An episode and what became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Filed {
    pub(super) address: Address,
    pub(super) active: ActiveRule,
    pub(super) episode: Episode,
    pub(super) customer: Option<Box<str>>,
    pub(super) is_account: bool,
    pub(super) has_consent: bool,
    pub(super) group: Option<Box<str>>,
    /// `None` until it was judged.
    pub(super) verdict: Option<Verdict>,
    /// The task, while the verdict is one.
    pub(super) task: Option<TaskId>,
    pub(super) joiners: Joiners,
}

/// The other episodes that joined one.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Joiners {
    /// How many matches they have.
    pub(super) matches: u64,
    /// Each one, and event time of its newest match.
    pub(super) newest: BTreeSet<(DateTime<Utc>, Number)>,
}

impl Filed {
    /// Returns how many matches it counts as where it joins another, and when the newest was.
    pub(super) fn weight(&self) -> (u64, DateTime<Utc>) {
        let Episode { opened_at, joined, joined_at, .. } = self.episode;
        (1 + joined, joined_at.unwrap_or(opened_at))
    }
}

/// Returns `episode` as the desk keeps it.
pub(super) fn file(
    scene: Scene<'_>,
    address: Address,
    active: &ActiveRule,
    episode: Episode,
) -> Filed {
    let newest = episode.newest();
    let registry = scene.registries.at(episode.position());
    let account = newest.and_then(|event| registry.find_account_behind(event));
    let consent = account.as_ref().and_then(|id| registry.account(id)?.consent);
    let by = active.rule.then.group.as_ref().map(|group| &group.by);
    let group = newest.zip(by).and_then(|(event, by)| by.of(event, registry));
    let of_group = || group.as_ref().map(|g| format!("group/{}/{g}", active.rule.id).into());
    let customer = account.as_deref().map(account_customer).or_else(of_group);
    Filed {
        address,
        active: active.clone(),
        customer,
        is_account: account.is_some(),
        has_consent: consent == Some(true),
        group: group.map(|group| Box::from(&*group)),
        verdict: None,
        task: None,
        joiners: Joiners::default(),
        episode,
    }
}

pub(super) fn place_of(scene: Scene<'_>, filed: &Filed, number: Number) -> Place {
    let newest = filed.episode.newest();
    Place {
        at: filed.episode.opened_at,
        rank: 2,
        rule: filed.active.rule.id.as_str().into(),
        scope: scene.names.text(filed.address.scope).into(),
        seq: newest.and_then(|event| event.seq),
        id: newest.map(|event| event.id.as_str().into()).unwrap_or_default(),
        device: newest.map(|event| event.device.as_str().into()).unwrap_or_default(),
        number,
    }
}

pub(super) fn task_of(scene: Scene<'_>, filed: &Filed) -> Option<Task> {
    let occasion = occasion_of(filed);
    let rule = &filed.active.rule;
    let registry = scene.registries.newest();
    let known = registry.known();
    let newest = filed.episode.newest()?;
    let scope = scene.names.text(filed.address.scope);
    // A device's ids may come again at other times, so they alone do not tell occasions apart.
    let at = filed.episode.opened_at.timestamp_millis().to_le_bytes();
    let place = scene.position.to_le_bytes();
    let cause = [rule.id.as_str().as_bytes(), scope.as_bytes(), &place, &at].into_iter();
    let ids = occasion
        .evidence
        .iter()
        .flat_map(|e| [e.device.as_str().as_bytes(), e.id.as_str().as_bytes()]);
    let account = known.find_account_behind(newest).map(|account| Box::from(&*account));
    let is_registered = registry.devices.is_empty() || known.device(&newest.device).is_some();
    let owner = if account.is_some() || is_registered {
        rule.then.route.owner_of(account.as_deref(), known)
    } else {
        // Nobody can be asked about what nobody registered: operations find out what it is.
        OPERATIONS_POOL.into()
    };
    Some(Task {
        id: TaskId::from_text(&digest(cause.chain(ids))),
        rule: rule.id.clone(),
        version: Arc::clone(&filed.active.version),
        stage: rule.stage,
        scope: scope.into(),
        kind: rule.then.kind.clone(),
        title: rule.then.title.clone(),
        steps: rule.then.steps.clone(),
        due_at: rule.then.due.and_then(|due| due.after(scene.at, registry.calendar_of(&owner))),
        owner,
        account,
        created_at: scene.at,
        created_by: scene.position,
        device: newest.device.clone(),
        occasion,
    })
}

pub(super) fn occasion_of(filed: &Filed) -> Occasion {
    let episode = &filed.episode;
    let is_open = episode.closed_at.is_none();
    Occasion {
        first_at: episode.events().next().map_or(episode.opened_at, |first| first.occurred_at),
        last_at: episode.opened_at,
        evidence: episode.events().map(|event| Evidence::of(event)).collect(),
        episode: if is_open { EpisodeState::Open } else { EpisodeState::Closed },
        joined: episode.joined + filed.joiners.matches,
        joined_at: episode.joined_at.max(filed.joiners.newest.last().map(|(at, _)| *at)),
    }
}

/// Returns what a customer is called: accounts and groups are kept apart.
pub(super) fn account_customer(account: &str) -> Box<str> {
    format!("account/{account}").into()
}
