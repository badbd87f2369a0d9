//! Stage one: the episodes of one rule on one scope.

use chrono::{DateTime, TimeDelta, Utc};
use upturn_core::event::Event;
use upturn_core::rule::Rule;

use super::{Fate, meets, patterns};

/// One standing occurrence.
#[derive(Clone, Debug)]
pub(super) struct Episode<'e> {
    pub(super) rule: &'e Rule,
    pub(super) scope: String,
    /// Of the match that opened it.
    pub(super) evidence: Vec<&'e Event>,
    pub(super) opened_at: DateTime<Utc>,
    pub(super) closed_at: Option<DateTime<Utc>>,
    /// The times of the further matches that joined it.
    pub(super) joins: Vec<DateTime<Utc>>,
}

/// Walks over `counted`, which is sorted, and returns the episodes in the order they opened, and
/// what became of the matches.
pub(super) fn find<'e>(
    rule: &'e Rule,
    scope: &str,
    counted: &[&'e Event],
    log_time: DateTime<Utc>,
) -> (Vec<Episode<'e>>, Vec<Fate>) {
    let mut walk = Walk {
        rule,
        scope,
        observed: Vec::new(),
        last_stir_at: DateTime::UNIX_EPOCH,
        spent_at: None,
        episodes: Vec::new(),
        fates: Vec::new(),
    };
    for event in counted.iter().filter(|event| is_relevant(rule, event)) {
        walk.pass_deadlines(|deadline| deadline < event.occurred_at);
        walk.observe(event);
    }
    walk.pass_deadlines(|deadline| deadline < log_time);
    (walk.episodes, walk.fates)
}

fn is_relevant(rule: &Rule, event: &Event) -> bool {
    let when = &rule.when;
    when.steps.iter().any(|step| meets(step, event))
        || when.forbidden.iter().any(|test| test.event == event.kind)
        || when.reset_by.contains(&event.kind)
        || rule.episode.close.on.contains(&event.kind)
}

struct Walk<'w, 'e> {
    rule: &'e Rule,
    scope: &'w str,
    /// All that the pattern was shown so far.
    observed: Vec<&'e Event>,
    /// What quiet is reckoned from, while an episode is open.
    last_stir_at: DateTime<Utc>,
    /// How much was observed when the pattern's deadline last passed: it passes once.
    spent_at: Option<usize>,
    episodes: Vec<Episode<'e>>,
    fates: Vec<Fate>,
}

impl<'e> Walk<'_, 'e> {
    /// Fires what is due, in the order of time; quiet closes before silence opens.
    fn pass_deadlines(&mut self, is_due: impl Fn(DateTime<Utc>) -> bool) {
        loop {
            let quiet = self.find_quiet().filter(|at| is_due(*at));
            let silence = self.find_silence().filter(|(at, _)| is_due(*at));
            match (quiet, silence) {
                (None, None) => return,
                (Some(quiet_at), None) => self.close(quiet_at, Fate::ClosedByQuiet),
                (Some(quiet_at), Some((silence_at, _))) if quiet_at <= silence_at => {
                    self.close(quiet_at, Fate::ClosedByQuiet);
                }
                (_, Some((silence_at, armed_by))) => {
                    self.spent_at = Some(self.observed.len());
                    self.hold(silence_at, vec![armed_by], Fate::OpenedByDeadline);
                }
            }
        }
    }

    fn find_quiet(&self) -> Option<DateTime<Utc>> {
        let after_quiet = self.rule.episode.close.after_quiet?;
        self.is_open().then(|| self.last_stir_at + after_quiet)
    }

    fn find_silence(&self) -> Option<(DateTime<Utc>, &'e Event)> {
        let armed = patterns::find_deadline(&self.rule.when, &self.observed)?;
        (self.spent_at != Some(self.observed.len())).then_some(armed)
    }

    fn observe(&mut self, event: &'e Event) {
        let at = event.occurred_at;
        if self.is_open() && self.rule.episode.close.on.contains(&event.kind) {
            self.close(at, Fate::ClosedByEvent);
        }
        self.observed.push(event);
        if self.is_open() && self.rule.when.steps.iter().any(|step| meets(step, event)) {
            self.last_stir_at = at;
        }
        if let Some(evidence) = patterns::find_match(&self.rule.when, &self.observed) {
            self.hold(at, evidence, Fate::Opened);
        }
    }

    /// Takes a match at `at`.
    fn hold(&mut self, at: DateTime<Utc>, evidence: Vec<&'e Event>, if_new: Fate) {
        let policy = &self.rule.episode;
        let fate = match self.episodes.last_mut() {
            None => if_new,
            Some(last) => match last.closed_at {
                None => Fate::Joined,
                Some(closed_at)
                    if policy.reopen_within > TimeDelta::zero()
                        && at - closed_at <= policy.reopen_within =>
                {
                    last.closed_at = None;
                    Fate::Reopened
                }
                Some(_) if at - last.opened_at < policy.cooldown => Fate::Cooled,
                Some(_) => if_new,
            },
        };
        self.fates.push(fate);
        if fate == if_new {
            self.episodes.push(Episode {
                rule: self.rule,
                scope: self.scope.to_owned(),
                evidence,
                opened_at: at,
                closed_at: None,
                joins: Vec::new(),
            });
        }
        if (fate == Fate::Joined || fate == Fate::Reopened)
            && let Some(last) = self.episodes.last_mut()
        {
            last.joins.push(at);
        }
        if fate == if_new || fate == Fate::Reopened {
            self.last_stir_at = at;
            if !policy.close.is_awaited()
                && let Some(last) = self.episodes.last_mut()
            {
                last.closed_at = Some(at);
            }
        }
    }

    fn close(&mut self, at: DateTime<Utc>, fate: Fate) {
        if let Some(last) = self.episodes.last_mut() {
            last.closed_at = Some(at);
        }
        self.fates.push(fate);
    }

    fn is_open(&self) -> bool {
        self.episodes.last().is_some_and(|last| last.closed_at.is_none())
    }
}
