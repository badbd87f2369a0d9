//! A key that something is recent of, or of which something came.

use chrono::{DateTime, TimeDelta, Utc};

use serde::{Deserialize, Serialize};

use super::super::ActiveRule;
use super::super::context::Recents;
use super::super::episode::{Change, Episode};
use super::super::pairing::{self, Standing};
use super::super::retention::reach;
use super::super::track::{Extra, Op, Role, Track};
use super::Work;
use crate::event::EventRef;

/// The state of one (rule, scope), in full.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in super::super) struct Live {
    /// The state before what is recent.
    base: Base,
    /// The state after everything, and the deadlines that have passed.
    head: Track,
    /// The newest deadline that the head has passed.
    #[serde(with = "crate::snapshot::time_if_any")]
    passed_at: Option<DateTime<Utc>>,
    /// Where the engine has it among its deadlines.
    #[serde(with = "crate::snapshot::time_if_any")]
    pub(in super::super) deadline: Option<DateTime<Utc>>,
    /// What came of it; most never have anything.
    past: Option<Box<Past>>,
    /// Apart from that, since every event asks; most keys never have any.
    besides: Option<Box<Besides>>,
}

/// The state of a key before what is recent.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Base {
    /// That before everything.
    Start,
    /// The same as after it: nothing is recent.
    Head,
    /// This one.
    Own(Track),
}

/// The episodes of a key, and what was done with them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Past {
    /// The episode that is newest in the settled part of the history.
    settled: Option<Episode>,
    /// What stands, in event order.
    standing: Vec<Standing>,
    /// What an older version of the rule left standing.
    adopted: Option<Episode>,
    /// What people did with its tasks.
    done: Vec<Extra>,
}

/// What a history is folded with besides events.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Besides {
    /// What is not settled, in event order.
    extras: Vec<Extra>,
    /// What happened up to then is judged no more: what came before it is deleted.
    #[serde(with = "crate::snapshot::time_if_any")]
    judged_after: Option<DateTime<Utc>>,
}

impl Live {
    /// Returns a key without history.
    pub(in super::super) fn new(active: &ActiveRule) -> Self {
        let head = Track::start(active);
        Self { base: Base::Start, head, passed_at: None, deadline: None, past: None, besides: None }
    }

    /// Returns a key of which nothing is recent, and nothing came but `head`.
    pub(in super::super) fn quiet(head: Track, deadline: Option<DateTime<Utc>>) -> Self {
        Self { base: Base::Head, head, passed_at: None, deadline, past: None, besides: None }
    }

    /// Returns the state after everything, where that is all there is to know.
    pub(in super::super) fn into_quiet(self: Box<Self>) -> Result<Track, Box<Self>> {
        let is_quiet = matches!(self.base, Base::Head)
            && self.head.is_idle()
            && self.passed_at.is_none()
            && self.past.is_none()
            && self.besides.is_none();
        if is_quiet { Ok(self.head) } else { Err(self) }
    }

    /// Returns the state after everything.
    pub(in super::super) fn track(&self) -> &Track {
        &self.head
    }

    /// Returns the event time of the earliest evidence of the episode that is open, if one is.
    pub(in super::super) fn open_since(&self) -> Option<DateTime<Utc>> {
        let newest = &self.past.as_ref()?.standing.last()?.episode;
        let first = newest.evidence().first()?;
        newest.closed_at.is_none().then_some(first.occurred_at())
    }

    /// Returns the next deadline.
    pub(in super::super) fn next_deadline(&self, active: &ActiveRule) -> Option<DateTime<Utc>> {
        self.head.next_deadline(active)
    }

    /// Returns whether it is as one without history to whatever comes in later, where history is
    /// settled up to `settled_at`, and its newest event was at `newest_at`.
    pub(in super::super) fn is_spent(
        &self,
        active: &ActiveRule,
        settled_at: DateTime<Utc>,
        newest_at: DateTime<Utc>,
    ) -> bool {
        self.past.is_none()
            && self.besides.is_none()
            && self.head.is_spent(active, newest_at)
            && self.base().is_none_or(|base| base.is_spent(active, settled_at))
    }

    /// Returns whether something that is settled came in since the rule is in force.
    pub(in super::super) fn has_settled_news(&self) -> bool {
        self.base().is_some_and(Track::has_news)
    }

    /// Takes the event that comes last and returns what changes; `None` where something else was
    /// later, so that all must be folded again.
    pub(in super::super) fn take(
        &mut self,
        work: &mut Work<'_>,
        (event, role): (&EventRef, Role),
    ) -> Option<Vec<Change>> {
        let at = event.occurred_at;
        let last = self.extras().last();
        if self.passed_at.is_some_and(|passed| at <= passed)
            || last.is_some_and(|last| event.order() < last.order())
        {
            return None;
        }
        let mut ops = Vec::new();
        self.pass(work.active, at, &mut ops);
        self.part();
        self.head.take(work.active, (event, role), &mut ops);
        self.pass(work.active, work.log_time, &mut ops);
        Some(self.go_on(work, ops))
    }

    /// Takes what a person did, now, and returns what changes; `history` is what is recent.
    pub(in super::super) fn take_done(
        &mut self,
        work: &mut Work<'_>,
        done: Extra,
        history: Recents<'_>,
    ) -> Vec<Change> {
        let past = self.past.get_or_insert_default();
        past.done.push(done.clone());
        place(&mut self.besides.get_or_insert_default().extras, done);
        self.fold_again(work, history)
    }

    /// Lets deadlines before `limit` pass and returns what changes.
    pub(in super::super) fn pass_until(
        &mut self,
        work: &mut Work<'_>,
        limit: DateTime<Utc>,
    ) -> Vec<Change> {
        let mut ops = Vec::new();
        self.pass(work.active, limit, &mut ops);
        self.go_on(work, ops)
    }

    /// Forgets what was settled, for a history that is whole. What people did, and what was
    /// adopted, stays.
    ///
    /// A history that begins at `horizon` because older events are deleted leaves episodes as they
    /// are whose evidence may be older; the newest of them goes on counting.
    pub(in super::super) fn unsettle(
        &mut self,
        active: &ActiveRule,
        horizon: Option<DateTime<Utc>>,
    ) {
        if let Some(horizon) = horizon {
            self.leave_before(horizon + reach(&active.rule));
        }
        self.base = Base::Start;
        if let Some(past) = &mut self.past {
            past.settled = None;
        }
        self.restore_extras();
    }

    /// Takes what people did, and what was adopted, for not settled.
    fn restore_extras(&mut self) {
        let Some(past) = &self.past else { return };
        let mut extras = past.done.clone();
        if let Some(adopted) = past.adopted.clone() {
            place(&mut extras, Extra::Adopted(adopted));
        }
        self.set_extras(extras);
    }

    fn extras(&self) -> &[Extra] {
        self.besides.as_ref().map_or(&[], |besides| &besides.extras)
    }

    fn set_extras(&mut self, extras: Vec<Extra>) {
        if !extras.is_empty() || self.besides.is_some() {
            self.besides.get_or_insert_default().extras = extras;
        }
        self.besides.take_if(|besides| besides.extras.is_empty() && besides.judged_after.is_none());
    }

    /// Leaves the episodes as they are that opened before `whole`; the newest of them goes on
    /// counting with what happens after its end.
    fn leave_before(&mut self, whole: DateTime<Utc>) {
        let Some(past) = &mut self.past else { return };
        let left = past.standing.partition_point(|s| s.episode.opened_at < whole);
        let newest = left.checked_sub(1).and_then(|at| past.standing.get(at));
        let Some(newest) = newest.map(|standing| standing.episode.clone()) else { return };
        past.standing.drain(..left - 1);
        // What happened up to its end is in it already.
        let judged_after = newest.closed_at.max(newest.joined_at).or(Some(newest.opened_at));
        past.adopted = Some(newest);
        self.besides.get_or_insert_default().judged_after = judged_after;
    }

    fn judged_after(&self) -> Option<DateTime<Utc>> {
        self.besides.as_ref().and_then(|besides| besides.judged_after)
    }

    /// Returns whether what happened at `at` is to be judged.
    fn judges(&self, at: DateTime<Utc>) -> bool {
        let after = self.judged_after();
        after.is_none_or(|after| after < at)
    }

    /// Returns a time not after `at` at which no episode stood open, or could be opened again.
    pub(in super::super) fn calm_at(
        &self,
        active: &ActiveRule,
        at: DateTime<Utc>,
    ) -> DateTime<Utc> {
        let Some(before) = self.newest_until(at) else { return at };
        let reopen_within = active.rule.episode.reopen_within;
        let is_over = before.closed_at.is_some_and(|closed_at| {
            closed_at <= at && (reopen_within.is_zero() || closed_at + reopen_within < at)
        });
        if is_over { at } else { before.opened_at - TimeDelta::milliseconds(1) }
    }

    /// Forgets what happened after `at`, which is calm, to be folded again; `history` is what
    /// came before, as far as that matters.
    pub(in super::super) fn go_back<'h>(
        &mut self,
        active: &ActiveRule,
        at: DateTime<Utc>,
        history: impl Iterator<Item = (&'h EventRef, Role)>,
    ) {
        let settled = self.newest_until(at).cloned();
        let mut base = Track::behind(active, settled.as_ref());
        history.for_each(|(event, role)| base.rehearse(active, (event, role)));
        base.rehearse_until(active, at + TimeDelta::milliseconds(1));
        self.base = Base::Own(base);
        let Some(past) = &mut self.past else { return };
        past.settled = settled;
        self.restore_extras();
        let mut extras = self.extras().to_vec();
        extras.retain(|extra| at < extra.order().occurred_at);
        self.set_extras(extras);
    }

    /// Returns the newest episode that opened at `at` or before.
    fn newest_until(&self, at: DateTime<Utc>) -> Option<&Episode> {
        let standing = self.past.as_ref().map_or(&[][..], |past| &past.standing);
        let opened = standing.partition_point(|standing| standing.episode.opened_at <= at);
        opened.checked_sub(1).and_then(|newest| Some(&standing.get(newest)?.episode))
    }

    /// Takes over what an older version of the rule left standing; `is_settled` says of its
    /// opening whether it lies before what is recent.
    pub(in super::super) fn adopt(
        &mut self,
        active: &ActiveRule,
        old: &Self,
        is_settled: impl Fn(DateTime<Utc>) -> bool,
    ) {
        let standing = old.past.as_ref().map_or(&[][..], |past| &past.standing);
        let Some(newest) = standing.last() else { return };
        let past = self.past.get_or_insert_default();
        // Those before the newest stay as they are: no version judges them any more.
        past.standing = vec![newest.clone()];
        let mut episode = newest.episode.clone();
        past.adopted = Some(episode.clone());
        if is_settled(episode.opened_at) {
            let mut base = self.take_base(active);
            if let Some(op) = base.adopt(active, &episode) {
                op.apply(Some(&mut episode));
            }
            self.base = Base::Own(base);
            self.past.get_or_insert_default().settled = Some(episode);
        } else {
            place(&mut self.besides.get_or_insert_default().extras, Extra::Adopted(episode));
        }
    }

    /// Settles the oldest event, and what was before it.
    pub(in super::super) fn settle(
        &mut self,
        active: &ActiveRule,
        (event, role): (&EventRef, Role),
    ) {
        if !self.judges(event.occurred_at) {
            return;
        }
        let mut ops = Vec::new();
        let mut base = self.take_base(active);
        if let Some(besides) = &mut self.besides {
            let before = besides.extras.partition_point(|extra| extra.order() < event.order());
            let rest = besides.extras.split_off(before);
            for extra in std::mem::replace(&mut besides.extras, rest) {
                base.pass_until(active, extra.order().occurred_at, &mut ops);
                base.take_extra(active, &extra, &mut ops);
            }
            self.set_extras(self.extras().to_vec());
        }
        base.pass_until(active, event.occurred_at, &mut ops);
        base.take(active, (event, role), &mut ops);
        base.settle();
        self.base = Base::Own(base);
        for op in ops {
            let past = self.past.get_or_insert_default();
            if let Some(next) = op.apply(past.settled.as_mut()) {
                past.settled = Some(next);
            }
        }
    }

    /// Folds the recent history again, which is in event order, and returns what changes.
    pub(in super::super) fn fold_again(
        &mut self,
        work: &mut Work<'_>,
        history: Recents<'_>,
    ) -> Vec<Change> {
        let ops = self.replay(work.active, history, work.log_time);
        if ops.is_empty() && self.past.is_none() {
            return Vec::new();
        }
        let past = self.past.get_or_insert_default();
        let mut found: Vec<Episode> = past.settled.iter().cloned().collect();
        for op in ops {
            if let Some(next) = op.apply(found.last_mut()) {
                found.push(next);
            }
        }
        // Of those that are settled only the newest can still change.
        let settled = past.settled.as_ref();
        let is_earlier = |s: &Standing| settled.is_some_and(|settled| s.episode.is_before(settled));
        let old = past.standing.split_off(past.standing.partition_point(is_earlier));
        let (standing, changes) = pairing::pair(old, found, work.numbers);
        past.standing.extend(standing);
        if past.is_empty() {
            self.past = None;
        }
        changes
    }

    fn replay(
        &mut self,
        active: &ActiveRule,
        history: Recents<'_>,
        limit: DateTime<Utc>,
    ) -> Vec<Op> {
        let mut ops = Vec::new();
        self.part();
        self.head = self.base().map_or_else(|| Track::start(active), Clone::clone);
        self.passed_at = None;
        let extras = self.extras().to_vec();
        let mut rest = extras.iter().peekable();
        let judges = self.judged_after();
        let is_judged = |event: &EventRef| judges.is_none_or(|after| after < event.occurred_at);
        for (event, role) in history.filter(|(event, _)| is_judged(event)) {
            while let Some(extra) = rest.next_if(|extra| extra.order() < event.order()) {
                self.pass(active, extra.order().occurred_at, &mut ops);
                self.head.take_extra(active, extra, &mut ops);
            }
            self.pass(active, event.occurred_at, &mut ops);
            self.head.take(active, (event, role), &mut ops);
        }
        for extra in rest {
            self.pass(active, extra.order().occurred_at, &mut ops);
            self.head.take_extra(active, extra, &mut ops);
        }
        self.pass(active, limit, &mut ops);
        ops
    }

    /// Notes that nothing is recent any more.
    pub(in super::super) fn rest(&mut self) {
        if self.passed_at.is_none() && self.extras().is_empty() {
            // Both know the same, and what is settled needs less room.
            match std::mem::replace(&mut self.base, Base::Head) {
                Base::Own(own) => self.head = own,
                Base::Start | Base::Head => {}
            }
        }
    }

    /// Returns the state before what is recent; `None` where that is the state before everything.
    fn base(&self) -> Option<&Track> {
        match &self.base {
            Base::Start => None,
            Base::Head => Some(&self.head),
            Base::Own(own) => Some(own),
        }
    }

    fn take_base(&mut self, active: &ActiveRule) -> Track {
        match std::mem::replace(&mut self.base, Base::Start) {
            Base::Start => Track::start(active),
            Base::Head => self.head.clone(),
            Base::Own(own) => own,
        }
    }

    /// Lets the head change by itself.
    fn part(&mut self) {
        if matches!(self.base, Base::Head) {
            self.base = Base::Own(self.head.clone());
        }
    }

    fn pass(&mut self, active: &ActiveRule, limit: DateTime<Utc>, ops: &mut Vec<Op>) {
        if self.head.next_deadline(active).is_some_and(|next| next < limit) {
            self.part();
        }
        let newest = self.head.pass_until(active, limit, ops);
        self.passed_at = self.passed_at.max(newest);
    }

    /// Applies what followed from the newest input.
    fn go_on(&mut self, work: &mut Work<'_>, ops: Vec<Op>) -> Vec<Change> {
        let mut changes: Vec<Change> = Vec::new();
        for op in ops {
            let standing = &mut self.past.get_or_insert_default().standing;
            let newest = standing.last_mut();
            let number = newest.as_ref().map(|newest| newest.number);
            let opened = op.apply(newest.map(|newest| &mut newest.episode));
            if let Some(episode) = opened {
                work.numbers.0 += 1;
                let number = *work.numbers;
                standing.push(Standing { number, episode: episode.clone() });
                changes.push(Change::New(number, episode));
            } else if let (Some(number), Some(newest)) = (number, standing.last()) {
                changes.push(Change::Changed(number, newest.episode.clone()));
            }
        }
        changes
    }
}

impl Past {
    fn is_empty(&self) -> bool {
        self.settled.is_none()
            && self.standing.is_empty()
            && self.adopted.is_none()
            && self.done.is_empty()
    }
}

/// Puts `extra` in its place.
fn place(extras: &mut Vec<Extra>, extra: Extra) {
    let at = extras.partition_point(|other| other.order() <= extra.order());
    extras.insert(at, extra);
}
