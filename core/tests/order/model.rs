//! The reference: what rules mean, said as plainly and slowly as possible.
//!
//! No state is kept that the events could be asked for again, and nothing ever comes late: all
//! that happened is sorted, and each rule walks over each of its scopes from the beginning.

use std::collections::BTreeMap;

use upturn_core::event::{Event, by_order};
use upturn_core::registry::Registry;
use upturn_core::rule::{Rule, Step};

use crate::world::{Standing, fresh};

mod episodes;
mod patterns;
mod tasks;

/// What ought to stand.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Judgement {
    /// The standing tasks, in order.
    pub(crate) standing: Vec<Standing>,
    /// What became of each match and of each episode, so that a test of the tests can ask
    /// whether its cases reach everything.
    pub(crate) fates: Vec<Fate>,
}

/// What becomes of something on its way to a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// An event of a device under maintenance, or of a trial, is left out.
    LeftOut,
    /// A match opens an episode.
    Opened,
    /// A match that is a deadline's does.
    OpenedByDeadline,
    /// A match joins the open episode.
    Joined,
    /// A match opens the last episode again.
    Reopened,
    /// A match comes within the cooldown.
    Cooled,
    /// An event closes an episode.
    ClosedByEvent,
    /// Quiet does.
    ClosedByQuiet,
    /// An episode joins an incident.
    Grouped,
    /// A severe ticket holds it.
    HeldByTicket,
    /// The lack of consent does.
    HeldForConsent,
    /// It joins another task of the account.
    JoinedAccount,
    /// The account has had enough tasks.
    Capped,
    /// It becomes a task of an account.
    Stood,
    /// It becomes a task of nobody's account.
    StoodAlone,
}

/// Says what ought to stand after `arrival`, at the log time at which the last of it was taken in.
pub(crate) fn judge(rules: &[Rule], registry: &Registry, arrival: &[Event]) -> Judgement {
    let mut history = fresh(arrival);
    let Some(log_time) = history.iter().map(|event| event.received_at).max() else {
        return Judgement::default();
    };
    history.sort_by(by_order);

    let (mut found, mut fates) = (Vec::new(), Vec::new());
    for rule in rules {
        let (counted, left_out) = parted(rule, registry, &history);
        fates.extend(left_out.into_iter().map(|_| Fate::LeftOut));
        for (scope, counted) in by_scope(rule, registry, &counted) {
            let (episodes, of_matches) = episodes::find(rule, &scope, &counted, log_time);
            found.extend(episodes);
            fates.extend(of_matches);
        }
    }
    let mut standing = tasks::find(found, registry, &history, &mut fates);
    standing.sort();
    Judgement { standing, fates }
}

/// Parts the history into what `rule` counts and what it leaves out: that of devices which were
/// being worked on, and trials.
fn parted<'e>(
    rule: &Rule,
    registry: &Registry,
    history: &'e [Event],
) -> (Vec<&'e Event>, Vec<&'e Event>) {
    let is_marker =
        |event: &Event| ["maintenance_started", "maintenance_ended"].contains(&&*event.kind);
    let is_worked_on = |place: usize, event: &Event| {
        let is_of_it = |marker: &&Event| marker.device == event.device && is_marker(marker);
        let newest = history[..place].iter().rev().find(is_of_it);
        newest.is_some_and(|marker| &*marker.kind == "maintenance_started")
    };
    let places = history.iter().enumerate();
    let (counted, left_out): (Vec<_>, Vec<_>) = places.partition(|(place, event)| {
        !rule.when.not_while_maintenance
            || !(is_worked_on(*place, event) || registry.known().is_trial(event))
    });
    let events = |parted: Vec<(usize, &'e Event)>| parted.into_iter().map(|(_, event)| event);
    (events(counted).collect(), events(left_out).collect())
}

/// Parts what is counted by what `rule` counts by. What cannot be counted under a scope does not
/// exist for it.
fn by_scope<'e>(
    rule: &Rule,
    registry: &Registry,
    counted: &[&'e Event],
) -> BTreeMap<String, Vec<&'e Event>> {
    let mut parts: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    for event in counted {
        if let Some(scope) = rule.when.per.of(event, registry.known()) {
            parts.entry(scope.into_owned()).or_default().push(event);
        }
    }
    parts
}

/// Returns whether `event` meets `step`. No test here has a condition.
fn meets(step: &Step, event: &Event) -> bool {
    step.any.iter().any(|test| test.event == event.kind)
}
