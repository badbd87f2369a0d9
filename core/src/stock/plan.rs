//! Advice in advance: what to send to each place, from where, and by which day at the latest.
//!
//! For each item and place the plan looks at the voyages of the lanes that lead there. Stock that is
//! there, on order and not reserved lasts for some of their arrivals; the last of these is the one to
//! catch, and the next one shows what missing it means. What is sent lasts until the arrival after the
//! next review, so closed days lengthen that time by themselves. Places with more than they need are
//! asked before suppliers.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::num::NonZero;

use chrono::{DateTime, NaiveDate, Utc};

use self::adjust::SlowDays;
use self::advice::{Advice, Note, SlowedDays};
use self::ledger::Ledger;
use self::loops::Loops;
use self::need::{Context, Need, Taken};
use self::network::Levels;
use self::setting::{LaneIndex, Position, Setting};
use crate::calendar::shipping::delays::Delays;
use crate::calendar::shipping::{self, Closure, Voyage};
use crate::parallel;

pub mod adjust;
pub mod advice;
pub mod base;
pub mod failures;
mod ledger;
pub mod need;
pub mod loops;
pub mod network;
mod outcome;
mod outlook;
pub mod setting;
mod source;

/// The most days the plan looks ahead.
pub const AHEAD_DAYS_MAX: u16 = 366;

/// How many days after the last planned one arrivals are looked for.
pub(super) const BEYOND_DAYS: u64 = 120;

/// When the plan is made, and how far it looks.
#[derive(Clone, Copy, Debug)]
pub struct Period {
    /// The moment it is made for.
    pub as_of: DateTime<Utc>,
    /// The days it looks ahead, up to [`AHEAD_DAYS_MAX`].
    pub ahead_days: u16,
}

/// The voyages of a lane and the closures between them.
#[derive(Clone, Debug, Default)]
struct Timetable {
    voyages: Vec<Voyage>,
    closures: Vec<Closure>,
    /// The first day on which the carrier picks up nothing, by its own word.
    pause_on: Option<NaiveDate>,
    /// Whether a carrier's schedule is to tell its departures.
    is_scheduled: bool,
    /// The last day of departure that the schedule tells.
    told_until: Option<NaiveDate>,
    /// The days of departure on which it takes longer than its own days, and those.
    slow: SlowDays,
    own_days: u16,
}

impl Period {
    /// Returns the first day of the plan.
    pub fn first_on(&self) -> NaiveDate {
        self.as_of.date_naive()
    }

    /// Returns the last day of the plan.
    pub fn last_on(&self) -> NaiveDate {
        let days = chrono::Days::new(self.ahead_days.min(AHEAD_DAYS_MAX).into());
        self.first_on().checked_add_days(days).unwrap_or(NaiveDate::MAX)
    }
}

/// Returns what to send, one piece of advice for each item, place and source, in the order of the
/// items and places of `setting`.
pub fn advise(setting: &Setting, period: Period) -> Vec<Advice> {
    parts(setting, period, NonZero::<usize>::MAX).flatten().collect()
}

/// Returns the same in parts, each of the advice on at most `items` items: what is done with one before
/// the next is asked for need not be kept.
pub fn parts(
    setting: &Setting,
    period: Period,
    items: NonZero<usize>,
) -> impl Iterator<Item = Vec<Advice>> {
    let routes = Routes::of(setting, period);
    let mut left = &*setting.positions;
    iter::from_fn(move || {
        let mut part: Vec<&[Position]> = Vec::new();
        let chains = left.chunk_by(|a, b| a.item == b.item);
        part.extend(chains.take(items.get()));
        let taken = part.iter().map(|positions| positions.len()).sum();
        left = left.get(taken..).unwrap_or_default();
        let context = routes.context(setting, period);
        // No item's plan bears on another's.
        let advise = |positions: &&[Position]| of_item(context, positions);
        (!part.is_empty())
            .then(|| parallel::map(&part, advise).into_iter().flatten().collect::<Vec<_>>())
    })
}

/// When each lane runs, which lead to each place, and which only go round.
struct Routes {
    timetables: Vec<Timetable>,
    lanes_to: Vec<Vec<LaneIndex>>,
    loops: Loops,
}

impl Routes {
    fn of(setting: &Setting, period: Period) -> Self {
        let numbered = (0..).map(LaneIndex).zip(&setting.lanes);
        let timetables = numbered.map(|lane| Timetable::of(setting, lane, period)).collect();
        let mut lanes_to: Vec<Vec<LaneIndex>> = setting.places.iter().map(|_| Vec::new()).collect();
        for (index, lane) in (0..).zip(&setting.lanes) {
            let to = usize::try_from(lane.to.0).ok().and_then(|to| lanes_to.get_mut(to));
            if let Some(lanes) = to {
                lanes.push(LaneIndex(index));
            }
        }
        Self { timetables, lanes_to, loops: Loops::of(setting) }
    }

    fn context<'s>(&'s self, setting: &'s Setting, period: Period) -> Context<'s> {
        let Self { timetables, lanes_to, loops } = self;
        Context { setting, period, timetables, lanes_to, loops }
    }
}

/// Returns what to send of one item, whose positions these are.
fn of_item(context: Context<'_>, positions: &[Position]) -> Vec<Advice> {
    let levels = Levels::of(context, positions);
    let find = |position| need::find(context, position, &levels, Taken::default());
    let mut needs: Vec<_> = positions.iter().filter_map(find).collect();
    if needs.is_empty() {
        return Vec::new();
    }
    let mut ledger = Ledger::new(context, positions, (&needs, &levels));
    // What a depot needs depends on what is taken of it.
    needs.retain(|need| !need.is_depot());
    let mut found = serve(context, needs, (&levels, &mut ledger));
    for position in network::depots(context, positions, &levels) {
        let need = need::find(context, position, &levels, ledger.taken(position));
        found.append(&mut serve(context, need.into_iter().collect(), (&levels, &mut ledger)));
    }
    found.sort_by_key(|advice| (advice.to, advice.voyage, advice.from, advice.item));
    found
}

/// Returns what to send for `needs`, and for what they leave open before a closure; enters it in the ledger.
fn serve(
    context: Context<'_>,
    mut needs: Vec<Need<'_>>,
    (levels, ledger): (&Levels, &mut Ledger<'_>),
) -> Vec<Advice> {
    let mut found = Vec::new();
    let mut later = Vec::new();
    let when = |need: &Need<'_>| (need.voyage().map(|voyage| voyage.ship_on), need.place());
    let mut meet = |need: &Need<'_>| {
        let served = source::serve(context, need, ledger);
        if let Some(depot) = network::depot_of(context, levels, need.place()) {
            ledger.owe(depot, source::unmet(&served));
        }
        served
    };
    // Who has to act first chooses first.
    needs.sort_by_key(when);
    for need in &needs {
        let mut served = meet(need);
        later.extend(source::rest(context, need, &served));
        found.append(&mut served);
    }
    later.sort_by_key(when);
    for more in later.iter().flat_map(meet) {
        add(&mut found, more);
    }
    found
}

/// Adds `more`, which goes with what is `found` already where that takes the same voyage.
fn add(found: &mut Vec<Advice>, more: Advice) {
    let way = |one: &Advice| (one.item, one.from, one.to, one.lane, one.voyage);
    let same = found.iter_mut().find(|one| way(one) == way(&more) && one.from.is_some());
    let Some(same) = same else {
        found.push(more);
        return;
    };
    // What a person should look at is said of all of it.
    let marks: Vec<Note> =
        more.notes.into_iter().filter(|one| one.is_mark() && !same.notes.contains(one)).collect();
    same.notes.extend(marks);
    same.quantity = same.quantity.saturating_add(more.quantity);
    same.reckoning.cover_until = same.reckoning.cover_until.max(more.reckoning.cover_until);
}

impl Timetable {
    fn of(setting: &Setting, (index, lane): (LaneIndex, &setting::Lane), period: Period) -> Self {
        let schedule = lane.schedule.as_deref();
        let Some(lane) = setting.route(lane) else {
            return Self::default();
        };
        let beyond = chrono::Days::new(BEYOND_DAYS);
        let until = period.last_on().checked_add_days(beyond).unwrap_or(NaiveDate::MAX);
        let mut from = period.first_on();
        let mut closures = Vec::new();
        while let Some(closure) = lane.next_closure(from, until) {
            let Some(next) = closure.last_on.succ_opt() else { break };
            from = next;
            closures.push(closure);
        }
        let pause_on = lane.terms.last_pickup_on.and_then(|last| last.succ_opt());
        let mut slow = SlowDays::new();
        if let Some(days) = setting.adjusted.slow.get(&index) {
            let departs_on: BTreeSet<_> = lane.departures(period.as_of, until).collect();
            slow.extend(
                days.iter()
                    .filter(|(day, _)| departs_on.contains(day))
                    .map(|(day, slow)| (*day, slow.clone())),
            );
        }
        let delays: Delays = slow.iter().map(|(day, slow)| (*day, slow.days)).collect();
        let (voyages, told_until) = match schedule {
            Some(schedule) => lane.scheduled(period.as_of, until, schedule, &delays),
            None => (lane.delayed(period.as_of, until, &delays), None),
        };
        if let Some(told_until) = told_until {
            // A carrier's schedule knows its own days.
            slow.retain(|day, _| told_until < *day);
        }
        let own_days = lane.planned_days();
        let is_scheduled = schedule.is_some();
        Self { voyages, closures, pause_on, is_scheduled, told_until, slow, own_days }
    }

    /// Tells for each adjuster which departures it makes slower, of those from `first_on` to `last_on`.
    fn slowed(&self, first_on: NaiveDate, last_on: NaiveDate) -> Vec<Note> {
        let mut told: BTreeMap<&str, (NaiveDate, NaiveDate, u16)> = BTreeMap::new();
        if first_on <= last_on {
            for (day, slow) in self.slow.range(first_on..=last_on) {
                let known = told.entry(&slow.adjuster).or_insert((*day, *day, slow.days));
                *known = (known.0, *day, slow.days.max(known.2));
            }
        }
        let note = |(adjuster, (first_on, last_on, days)): (&str, (NaiveDate, NaiveDate, u16))| {
            let (adjuster, own) = (adjuster.into(), self.own_days);
            Note::Slowed(SlowedDays { adjuster, first_on, last_on, days, own })
        };
        told.into_iter().map(note).collect()
    }

    /// Tells how far a schedule tells its departures, if one is to do so, and whether `voyages` are among
    /// them.
    fn note(&self, voyages: impl IntoIterator<Item = Voyage>) -> Option<Note> {
        let is_told = |voyage: Voyage| self.told_until.is_some_and(|until| voyage.ship_on <= until);
        let are_told = voyages.into_iter().all(is_told);
        match self.told_until {
            _ if !self.is_scheduled => None,
            Some(until) if are_told => Some(Note::Sailings { until }),
            until => Some(Note::BeyondSchedule { until }),
        }
    }

    /// Returns the first voyage after the one that leaves on `ship_on`.
    fn next_after(&self, ship_on: NaiveDate) -> Option<Voyage> {
        shipping::next_after(&self.voyages, ship_on)
    }

    /// Returns the first day of the closure, or of the carrier's pause, between `voyage` and the next.
    fn closed_from(&self, voyage: Voyage) -> Option<NaiveDate> {
        let next = self.next_after(voyage.ship_on);
        let next_on = next.map_or(NaiveDate::MAX, |next| next.arrive_on);
        let closure = self.closure_between(voyage.arrive_on, next_on);
        let departs_on = next.map_or(NaiveDate::MAX, |next| next.ship_on);
        let pauses = self.pause_on.filter(|day| voyage.ship_on < *day && *day <= departs_on);
        closure.map(|closure| closure.first_on).into_iter().chain(pauses).min()
    }

    /// Returns the last voyage before the first closure or pause after those that leave on `ship_on`,
    /// if it arrives on `last_on` or earlier.
    fn last_before_closure(&self, ship_on: NaiveDate, last_on: NaiveDate) -> Option<Voyage> {
        let later = self.voyages.partition_point(|voyage| voyage.ship_on <= ship_on);
        let in_plan = self.voyages.iter().skip(later).take_while(|v| v.arrive_on <= last_on);
        in_plan.copied().find(|voyage| self.closed_from(*voyage).is_some())
    }

    /// Returns the first long closure that begins after `arrive_on` and before `next_on`.
    fn closure_between(&self, arrive_on: NaiveDate, next_on: NaiveDate) -> Option<&Closure> {
        self.closures
            .iter()
            .find(|closure| arrive_on < closure.first_on && closure.first_on < next_on)
    }
}
