//! What a place needs of an item, and by when.

use std::cell::RefCell;

use chrono::{Days, NaiveDate};

use super::advice::{LaneDates, Note, Reckoning};
use super::loops::Loops;
use super::network::{Level, Levels};
use super::outcome::{outcome, steps};
use super::outlook::Outlook;
use super::setting::{Aim, Costs, ItemIndex, LaneIndex, PlaceIndex, PlaceKind, Position, Setting};
use super::{Period, Timetable};
use crate::calendar::Calendar;
use crate::calendar::shipping::Voyage;
use crate::forecast::distribution::Distribution;
use crate::forecast::pipeline::PipelineError;

/// What all needs share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Context<'s> {
    pub(super) setting: &'s Setting,
    pub(super) period: Period,
    pub(super) timetables: &'s [Timetable],
    /// The lanes to each place, the preferred ones first.
    pub(super) lanes_to: &'s [Vec<LaneIndex>],
    /// The places that nothing reaches from outside.
    pub(super) loops: &'s Loops,
}

/// A need of one item at one place.
#[derive(Clone, Debug)]
pub(super) struct Need<'s> {
    pub(super) position: &'s Position,
    pub(super) outlook: Outlook<'s>,
    /// What there is, with what is to be sent before and without what is given to others.
    pub(super) available: i64,
    /// What other places take of it in this plan.
    pub(super) taken: Taken,
    /// Units that are to be sent before.
    pub(super) earlier: u32,
    pub(super) aim: Aim,
    /// What the place keeps for a network, whatever is needed.
    pub(super) level: Option<Level>,
    /// Why it keeps nothing for the network it is of.
    pub(super) no_levels: Option<Note>,
    /// Whether what there is is enough for what is needed, and only the level is missed.
    is_covered: bool,
    /// How it can be met by each lane.
    pub(super) choices: Vec<Choice>,
    /// Why it cannot be met or reckoned.
    pub(super) trouble: Option<Note>,
}

/// What a depot sends its bases in a plan, and what they asked it for and it has not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) given: u32,
    pub(super) owed: u32,
}

/// How a lane can meet a need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) lane: LaneIndex,
    pub(super) voyage: Voyage,
    pub(super) next: Option<Voyage>,
    /// The first day of the closure, or of the carrier's pause, before the next voyage's arrival.
    pub(super) closed_from: Option<NaiveDate>,
    pub(super) is_late: bool,
    pub(super) cover_until: NaiveDate,
    /// Up to which of these days most is missing.
    pub(super) tight_on: NaiveDate,
    pub(super) up_to: u32,
    pub(super) quantity: u32,
}

/// The day before which most is missing.
#[derive(Clone, Debug)]
struct Tight {
    until: NaiveDate,
    demand: Distribution,
    up_to: i64,
    supply: i64,
}

impl<'s> Context<'s> {
    pub(super) fn timetable(&self, lane: LaneIndex) -> Option<&'s Timetable> {
        self.timetables.get(usize::try_from(lane.0).ok()?)
    }

    /// Returns the day it is at a place.
    pub(super) fn today(&self, place: PlaceIndex) -> NaiveDate {
        let calendar = self.setting.place(place).map(|place| place.calendar);
        let zone =
            calendar.and_then(|calendar| self.setting.calendar(calendar)).map(Calendar::zone);
        zone.map_or_else(
            || self.period.first_on(),
            |zone| self.period.as_of.with_timezone(&zone).date_naive(),
        )
    }
}

impl Need<'_> {
    pub(super) fn item(&self) -> ItemIndex {
        self.position.item
    }

    pub(super) fn place(&self) -> PlaceIndex {
        self.position.place
    }

    /// Returns whether the place keeps a level for other places.
    pub(super) fn is_depot(&self) -> bool {
        self.level.is_some_and(|level| level.is_depot)
    }

    /// Returns whether nothing is needed but what the level asks for.
    pub(super) fn is_covered_apart(&self) -> bool {
        self.is_covered
    }

    /// Returns by how much there is less than the place has to keep before `until`, with what is made by then.
    pub(super) fn below_level(&self, until: NaiveDate) -> Result<i64, PipelineError> {
        Ok(self.kept(until)?.unwrap_or(i64::MIN).saturating_sub(self.supply(until)))
    }

    /// Returns what the place has to keep before `until`, if it keeps a level: that, what is needed beside
    /// it, and what it owes.
    fn kept(&self, until: NaiveDate) -> Result<Option<i64>, PipelineError> {
        let Some(level) = self.level else { return Ok(None) };
        let beside = level.beside(&self.outlook, until, self.aim.level())?;
        let own = i64::from(level.units) + i64::from(self.taken.owed);
        Ok(Some(own.saturating_add(beside)))
    }

    /// Returns the voyage of its preferred lane.
    pub(super) fn voyage(&self) -> Option<Voyage> {
        self.choices.first().map(|choice| choice.voyage)
    }
}

/// Returns what `position` needs within the plan's days, of which so much is `taken`, if it needs anything.
pub(super) fn find<'s>(
    context: Context<'s>,
    position: &'s Position,
    levels: &Levels,
    taken: Taken,
) -> Option<Need<'s>> {
    let place = context.setting.place(position.place)?;
    if place.kind == PlaceKind::Supplier {
        return None;
    }
    let outlook = Outlook::new(context.setting, position, context.today(position.place));
    let available = position.available().saturating_sub(taken.given.into());
    let level = levels.at(position.place);
    if 0 <= available && outlook.is_nothing() && level.is_none() {
        return None;
    }
    let aim = context.setting.item(position.item)?.aim;
    let after = context.period.last_on().succ_opt()?;
    let mut need = Need {
        position,
        outlook,
        available,
        taken,
        earlier: 0,
        aim,
        level,
        no_levels: levels.missing_at(position.place).cloned(),
        is_covered: false,
        choices: Vec::new(),
        trouble: None,
    };
    match need.choose(context, after) {
        Ok(true) => Some(need),
        Ok(false) => None,
        Err(error) => {
            need.choices.clear();
            need.trouble = Some(Note::TooLarge(error.to_string().into()));
            Some(need)
        }
    }
}

/// Returns what else the place of `need` needs before the first closure after `choice`, when `sent`
/// units of it go there: what cannot wait for the next review because nothing arrives for a while.
pub(super) fn before_closure<'s>(
    context: Context<'s>,
    need: &Need<'s>,
    choice: &Choice,
    sent: u32,
) -> Option<Need<'s>> {
    if choice.closed_from.is_some() {
        return None;
    }
    // What nobody had is asked for already.
    let earlier = choice.quantity.max(sent);
    let available = need.available.saturating_add(earlier.into());
    let mut later = Need { available, earlier, choices: Vec::new(), trouble: None, ..need.clone() };
    let last_on = context.period.last_on();
    for before in &need.choices {
        let Some(timetable) = context.timetable(before.lane) else { continue };
        let Some(voyage) = timetable.last_before_closure(choice.voyage.ship_on, last_on) else {
            continue;
        };
        // It was reckoned with for the first need; one that fails now is met by a later run.
        let found = later.choice_of(context, (before.lane, timetable), voyage, false);
        later.choices.extend(found.ok().flatten());
    }
    (!later.choices.is_empty()).then_some(later)
}

impl Need<'_> {
    /// Returns what there is before `until`, with what is being made.
    fn supply(&self, until: NaiveDate) -> i64 {
        self.available.saturating_add(self.position.coming_before(until))
    }

    /// Returns whether what there is and what comes is enough on all days before `until`. What comes
    /// helps no day before it, so each of these is looked at by itself.
    fn is_covered(&self, until: NaiveDate) -> Result<bool, PipelineError> {
        let comings = self.position.coming.iter().map(|coming| coming.on);
        for day in comings.take_while(|day| *day < until).chain([until]) {
            if !self.outlook.is_covered(day, self.supply(day), self.aim.level())? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Finds the choices; returns whether there is a need at all.
    fn choose(&mut self, context: Context<'_>, after: NaiveDate) -> Result<bool, PipelineError> {
        self.is_covered = self.is_covered(after)?;
        if self.is_covered && self.below_level(after)? <= 0 {
            return Ok(false);
        }
        let place = usize::try_from(self.place().0).unwrap_or(usize::MAX);
        let lanes = context.lanes_to.get(place).map(Vec::as_slice).unwrap_or_default();
        for lane in lanes {
            if let Some(timetable) = context.timetable(*lane) {
                let choice = self.choice(context, *lane, timetable)?;
                self.choices.extend(choice);
            }
        }
        if self.choices.is_empty() {
            self.trouble = Some(if lanes.is_empty() { Note::NoLane } else { Note::NoDeparture });
        }
        Ok(true)
    }

    fn choice(
        &self,
        context: Context<'_>,
        lane: LaneIndex,
        timetable: &Timetable,
    ) -> Result<Option<Choice>, PipelineError> {
        let voyages = &timetable.voyages;
        let in_time = count_while(voyages, |day| self.is_covered(day))?;
        let mut last_in_time = in_time.saturating_sub(1);
        if self.level.is_some() {
            // A level is ordered up to at once, what is needed beside it in time.
            let all = self.supply(NaiveDate::MAX);
            let is_kept = |day| Ok(self.kept(day)?.is_none_or(|kept| kept <= all));
            let kept = count_while(voyages, is_kept)?;
            last_in_time = last_in_time.min(kept.saturating_sub(1));
        }
        let Some(voyage) = voyages.get(last_in_time).copied() else { return Ok(None) };
        self.choice_of(context, (lane, timetable), voyage, in_time == 0)
    }

    /// Returns what sending by `voyage` takes, unless nothing has to be sent.
    fn choice_of(
        &self,
        context: Context<'_>,
        (lane, timetable): (LaneIndex, &Timetable),
        voyage: Voyage,
        is_late: bool,
    ) -> Result<Option<Choice>, PipelineError> {
        let after = context.period.last_on().max(voyage.arrive_on).succ_opt();
        let cover_until = self.next_chance(context, timetable, voyage).or(after);
        let cover_until = cover_until.unwrap_or(NaiveDate::MAX);
        let tight = self.tight(voyage.arrive_on, cover_until)?;
        let missing = tight.missing().max(self.below_level(cover_until)?);
        let Ok(quantity @ 1..) = u32::try_from(missing) else { return Ok(None) };
        let next = timetable.next_after(voyage.ship_on);
        let closed_from = timetable.closed_from(voyage);
        let kept = self.kept(cover_until)?.unwrap_or_default();
        let kept = u32::try_from(kept).unwrap_or(u32::MAX);
        let (tight_on, up_to) = (tight.until, tight.up_to().max(kept));
        Ok(Some(Choice {
            lane,
            voyage,
            next,
            closed_from,
            is_late,
            cover_until,
            tight_on,
            up_to,
            quantity,
        }))
    }

    /// Returns before which day up to `until` most is missing, of those after `from`: what is needed
    /// before something comes cannot wait for it. Of two such days it is the later one.
    fn tight(&self, from: NaiveDate, until: NaiveDate) -> Result<Tight, PipelineError> {
        let mut tight = self.on(until)?;
        let comings = self.position.coming.iter().map(|coming| coming.on);
        for day in comings.filter(|day| from < *day && *day < until) {
            let other = self.on(day)?;
            if tight.missing() < other.missing() {
                tight = other;
            }
        }
        Ok(tight)
    }

    /// Returns what is needed before `until`, and what there is.
    fn on(&self, until: NaiveDate) -> Result<Tight, PipelineError> {
        let demand = self.outlook.demand(until)?;
        let up_to = i64::try_from(demand.quantile(self.aim.level())).unwrap_or(i64::MAX);
        Ok(Tight { until, demand, up_to, supply: self.supply(until) })
    }

    /// Returns the arrival of what is ordered at the review after `voyage`.
    fn next_chance(
        &self,
        context: Context<'_>,
        timetable: &Timetable,
        voyage: Voyage,
    ) -> Option<NaiveDate> {
        let review_days = context.setting.place(self.place())?.review_days.max(1);
        let review_on = voyage.ship_on.checked_add_days(Days::new(review_days.into()))?;
        timetable.next_after(review_on.pred_opt()?).map(|voyage| voyage.arrive_on)
    }

    /// Returns the first day before `until` on which what is available may not be enough.
    fn needed_on(
        &self,
        context: Context<'_>,
        until: NaiveDate,
    ) -> Result<NaiveDate, PipelineError> {
        let today = context.today(self.place());
        let is_enough = |before: NaiveDate| {
            // Where what is needed is there, only the level is missed.
            if self.is_covered {
                Ok(self.below_level(before)? <= 0)
            } else {
                self.is_covered(before)
            }
        };
        let (mut covered, mut open) = (today, until.pred_opt().unwrap_or(until).max(today));
        // Enough for all days before `covered`; not for those up to `open`.
        while covered < open {
            let half = (open - covered).num_days() / 2;
            let day = covered + Days::new(half.unsigned_abs());
            let after = day.succ_opt().unwrap_or(day);
            if is_enough(after)? {
                covered = after;
            } else {
                open = day;
            }
        }
        Ok(open)
    }

    /// Returns what is needed up to the plan's last day, and the numbers behind it, where no lane can
    /// bring it; nothing where the demand cannot be reckoned.
    pub(super) fn without_lane(&self, context: Context<'_>) -> (u32, Reckoning) {
        let available = self.available;
        let today = context.today(self.place());
        let after = context.period.last_on().succ_opt().unwrap_or(NaiveDate::MAX);
        let tight = self.tight(today, after).unwrap_or_else(|_| Tight::unknown(after));
        let below = self.below_level(after).unwrap_or_default();
        let missing = tight.missing().max(below).max(0);
        let quantity = u32::try_from(missing).unwrap_or(u32::MAX);
        let outcome = outcome(&tight.demand, tight.supply, self.costs());
        let reckoning = Reckoning {
            available,
            needed_on: self.needed_on(context, after).unwrap_or(today),
            cover_until: after,
            up_to: tight.up_to(),
            level: self.aim.level(),
            ratio: self.costs().map(|costs| costs.ratio()),
            outcomes_until: tight.until,
            sent: outcome,
            missed: outcome,
            steps: steps(&tight.demand, tight.supply, quantity),
            steps_together: None,
            options: Vec::new(),
        };
        (quantity, reckoning)
    }

    fn costs(&self) -> Option<Costs> {
        match self.aim {
            Aim::Costs(costs) => Some(costs),
            Aim::Service(_) => None,
        }
    }

    /// Returns the numbers behind sending `units` by `choice`.
    pub(super) fn reckoning(
        &self,
        context: Context<'_>,
        choice: &Choice,
        units: u32,
    ) -> Result<Reckoning, PipelineError> {
        let available = self.available;
        let next_on = choice.next.map_or(choice.cover_until, |next| next.arrive_on);
        let Tight { until: outcomes_until, demand: until_next, supply: until_then, .. } =
            self.tight(choice.voyage.arrive_on, next_on)?;
        let whole = self.outlook.demand(choice.tight_on)?;
        let together = self.outlook.demand_together(choice.tight_on)?;
        let there = self.supply(choice.tight_on);
        let steps = |demand: &Distribution| steps(demand, there, choice.quantity);
        let costs = self.costs();
        Ok(Reckoning {
            available,
            needed_on: self.needed_on(context, choice.cover_until)?,
            cover_until: choice.cover_until,
            up_to: choice.up_to,
            level: self.aim.level(),
            ratio: costs.map(|costs| costs.ratio()),
            outcomes_until,
            sent: outcome(&until_next, until_then.saturating_add(units.into()), costs),
            missed: outcome(&until_next, until_then, costs),
            steps: steps(&whole),
            steps_together: together.as_ref().map(steps),
            options: self.choices.iter().map(LaneDates::of).collect(),
        })
    }
}

impl Tight {
    /// Returns what is said where the demand cannot be reckoned.
    fn unknown(until: NaiveDate) -> Self {
        Self { until, demand: Distribution::nothing(), up_to: 0, supply: 0 }
    }

    fn missing(&self) -> i64 {
        self.up_to.saturating_sub(self.supply)
    }

    fn up_to(&self) -> u32 {
        u32::try_from(self.up_to).unwrap_or(u32::MAX)
    }
}

impl LaneDates {
    fn of(choice: &Choice) -> Self {
        let Choice { lane, voyage, next, is_late, .. } = *choice;
        Self { lane, voyage, next, is_late }
    }
}

/// Returns how many of `voyages` arrive while `is_enough` holds, which is so up to some day.
fn count_while(
    voyages: &[Voyage],
    is_enough: impl Fn(NaiveDate) -> Result<bool, PipelineError>,
) -> Result<usize, PipelineError> {
    let failed = RefCell::new(None);
    let count = voyages.partition_point(|voyage| {
        is_enough(voyage.arrive_on).unwrap_or_else(|error| {
            failed.replace(Some(error));
            false
        })
    });
    failed.into_inner().map_or(Ok(count), Err)
}
