//! Stage two: which episodes become tasks.

use chrono::{DateTime, Utc};
use upturn_core::event::Event;
use upturn_core::registry::Registry;
use upturn_core::rule::{Cap, Rule};

use super::Fate;
use super::episodes::Episode;
use crate::world::{Standing, piece};

/// A task, or an episode on its way to one.
#[derive(Clone, Debug)]
struct Candidate<'e> {
    episode: Episode<'e>,
    account: Option<String>,
    /// What it has in common with others of its incident, where the rule names that.
    group: Option<String>,
    /// When the newest episode of its incident opened.
    newest_at: DateTime<Utc>,
    /// How many matches joined it, of its own episode and of others.
    joined: usize,
    /// Event time of the newest of them.
    joined_at: Option<DateTime<Utc>>,
}

/// Returns the tasks that stand.
pub(super) fn find(
    mut episodes: Vec<Episode<'_>>,
    registry: &Registry,
    history: &[Event],
    fates: &mut Vec<Fate>,
) -> Vec<Standing> {
    // Stable: what one rule opens on one scope at one time stays in event order.
    episodes.sort_by(|one, other| place(one).cmp(&place(other)));
    let mut tasks: Vec<Candidate<'_>> = Vec::new();
    for episode in episodes {
        let candidate = candidate(episode, registry);
        let fate = join_incident(&candidate, &mut tasks)
            .unwrap_or_else(|| judge(&candidate, &mut tasks, registry, history));
        fates.push(fate);
        if fate == Fate::Stood || fate == Fate::StoodAlone {
            tasks.push(candidate);
        }
    }
    tasks.iter().map(standing).collect()
}

fn place<'s>(episode: &'s Episode<'_>) -> (DateTime<Utc>, &'s str, &'s str) {
    (episode.opened_at, episode.rule.id.as_str(), &episode.scope)
}

fn candidate<'e>(episode: Episode<'e>, registry: &Registry) -> Candidate<'e> {
    let newest = episode.evidence[episode.evidence.len() - 1];
    let account = registry.known().find_account_behind(newest).map(Into::into);
    let by = episode.rule.then.group.as_ref().map(|group| &group.by);
    let group = by.and_then(|by| by.of(newest, registry.known())).map(Into::into);
    let (joined, joined_at) = (episode.joins.len(), episode.joins.last().copied());
    Candidate { account, group, newest_at: episode.opened_at, joined, joined_at, episode }
}

/// Joins the newest incident of the same rule, account and group if that is not too long ago.
fn join_incident<'e>(candidate: &Candidate<'e>, tasks: &mut [Candidate<'e>]) -> Option<Fate> {
    let within = candidate.episode.rule.then.group.as_ref()?.within;
    candidate.group.as_ref()?;
    let key =
        |of: &Candidate<'_>| (of.episode.rule.id.clone(), of.account.clone(), of.group.clone());
    let incident = tasks.iter_mut().rfind(|task| key(task) == key(candidate))?;
    if within < candidate.episode.opened_at - incident.newest_at {
        return None;
    }
    incident.newest_at = candidate.episode.opened_at;
    incident.take(candidate);
    Some(Fate::Grouped)
}

impl Candidate<'_> {
    /// Takes an episode that joins with all its matches, the one that opened it included.
    fn take(&mut self, joining: &Self) {
        self.joined += 1 + joining.joined;
        let newest_at = joining.joined_at.unwrap_or(joining.episode.opened_at);
        self.joined_at = self.joined_at.max(Some(newest_at));
    }
}

fn judge<'e>(
    candidate: &Candidate<'e>,
    tasks: &mut [Candidate<'e>],
    registry: &Registry,
    history: &[Event],
) -> Fate {
    let Some(account) = &candidate.account else { return Fate::StoodAlone };
    let Episode { rule, opened_at, .. } = candidate.episode;
    let Rule { guard, .. } = rule;
    let mut of_account: Vec<_> =
        tasks.iter_mut().filter(|task| task.account.as_ref() == Some(account)).collect();
    if guard.not_while_severe_ticket && has_severe_ticket(account, opened_at, registry, history) {
        return Fate::HeldByTicket;
    }
    let consent = registry.accounts.get(&**account).and_then(|account| account.consent);
    if guard.needs_consent && consent != Some(true) {
        return Fate::HeldForConsent;
    }
    if guard.join_open_task_of_account
        && let Some(newest) = of_account.last_mut()
    {
        newest.take(candidate);
        return Fate::JoinedAccount;
    }
    if let Some(Cap { tasks: most, every }) = guard.max_per_account {
        let is_recent = |task: &&&mut Candidate<'_>| opened_at - task.episode.opened_at < every;
        if most <= of_account.iter().filter(is_recent).count() {
            return Fate::Capped;
        }
    }
    Fate::Stood
}

/// Returns whether the account has a severe ticket that was opened, and not closed after that in
/// event order, at `at` or before.
fn has_severe_ticket(
    account: &str,
    at: DateTime<Utc>,
    registry: &Registry,
    history: &[Event],
) -> bool {
    let is_of =
        |event: &Event| registry.known().find_account_behind(event).as_deref() == Some(account);
    let said: Vec<&Event> =
        history.iter().filter(|event| event.occurred_at <= at && is_of(event)).collect();
    let ticket = |event: &Event| event.attributes.find("ticket");
    said.iter().enumerate().any(|(place, opened)| {
        let is_closing =
            |event: &&Event| &*event.kind == "ticket_closed" && ticket(event) == ticket(opened);
        &*opened.kind == "ticket_opened"
            && opened.attributes.find("severity") == Some("severe".into())
            && !said[place..].iter().any(is_closing)
    })
}

fn standing(task: &Candidate<'_>) -> Standing {
    let Candidate { episode, joined, joined_at, .. } = task;
    let written = |event: &&Event| piece(&event.id, &event.device, event.occurred_at);
    Standing {
        rule: episode.rule.id.to_string(),
        scope: episode.scope.clone(),
        opened_at: episode.opened_at,
        evidence: episode.evidence.iter().map(written).collect(),
        is_open: episode.closed_at.is_none(),
        joined: *joined,
        joined_at: *joined_at,
    }
}
