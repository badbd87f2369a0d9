//! Advice as programs read it, with names instead of indexes and the age of what it rests on.

use chrono::NaiveDate;
use serde::Serialize;
use upturn_core::money::Currency;
use upturn_core::stock::plan::Period;
use upturn_core::stock::plan::advice::{Action, Advice, LaneDates, Note, Outcome, Step};
use upturn_core::stock::plan::setting::{Aim, ItemIndex, Lane, LaneIndex, PlaceIndex};

use super::load::Loaded;
use super::words::{self, Sentence};

/// One piece of advice.
#[derive(Debug, Serialize)]
pub(super) struct View<'l> {
    /// A later run with the same key takes the place of this one: item, place, source, and the first
    /// day of the closure it stocks up for.
    pub(super) key: String,
    pub(super) action: &'static str,
    pub(super) item: &'l str,
    pub(super) needed_item: &'l str,
    pub(super) quantity: u32,
    pub(super) from: Option<&'l str>,
    pub(super) to: &'l str,
    pub(super) lane: Option<&'l str>,
    pub(super) latest_ship_on: Option<NaiveDate>,
    pub(super) arrives_on: Option<NaiveDate>,
    pub(super) next_arrival_on: Option<NaiveDate>,
    /// The first day of the closure before the next arrival.
    pub(super) closed_from: Option<NaiveDate>,
    pub(super) needed_on: NaiveDate,
    pub(super) cover_until: NaiveDate,
    pub(super) available: i64,
    pub(super) up_to: u32,
    pub(super) service_level: f64,
    pub(super) cost_ratio: Option<f64>,
    pub(super) currency: Option<Currency>,
    pub(super) outcomes_until: NaiveDate,
    /// Expected until `outcomes_until`.
    pub(super) if_shipped: OutcomeView,
    pub(super) if_missed: OutcomeView,
    pub(super) break_even: Vec<StepView>,
    pub(super) break_even_together: Option<Vec<StepView>>,
    pub(super) lanes: Vec<LaneView<'l>>,
    pub(super) reasons: Vec<Sentence>,
    pub(super) marks: Vec<&'static str>,
    pub(super) data: Ages<'l>,
}

/// What comes of it.
#[derive(Debug, Serialize)]
pub(super) struct OutcomeView {
    /// Units missing, on average.
    pub(super) short: String,
    /// Units left over, on average.
    pub(super) idle: String,
    /// What both cost.
    pub(super) cost: Option<String>,
}

/// A quantity, and below which ratio of costs it is enough.
#[derive(Debug, Serialize)]
pub(super) struct StepView {
    pub(super) quantity: u32,
    pub(super) below: Option<f64>,
}

/// The dates of a lane.
#[derive(Debug, Serialize)]
pub(super) struct LaneView<'l> {
    pub(super) lane: &'l str,
    pub(super) from: &'l str,
    pub(super) latest_ship_on: NaiveDate,
    pub(super) arrives_on: NaiveDate,
    pub(super) next_arrival_on: Option<NaiveDate>,
    pub(super) is_late: bool,
}

/// How old it is what the advice rests on.
#[derive(Debug, Serialize)]
pub(super) struct Ages<'l> {
    pub(super) stock_counted_on: Option<NaiveDate>,
    pub(super) stock_age_days: Option<i64>,
    pub(super) demand_until: Option<NaiveDate>,
    pub(super) demand_age_days: Option<i64>,
    pub(super) calendars: Vec<CalendarView<'l>>,
}

/// Which holidays a calendar knows.
#[derive(Debug, Serialize)]
pub(super) struct CalendarView<'l> {
    pub(super) calendar: &'l str,
    pub(super) revision: &'l str,
    pub(super) announced_until: Option<NaiveDate>,
}

impl<'l> View<'l> {
    pub(super) fn of(loaded: &'l Loaded, period: Period, advice: &Advice) -> Self {
        let names = Names(loaded);
        let (item, to) = (names.item(advice.item), names.place(advice.to));
        let from = advice.from.map(|from| names.place(from));
        let reckoning = &advice.reckoning;
        let aim = loaded.setting.item(advice.needed_item).map(|item| item.aim);
        let steps = |steps: &[Step]| steps.iter().map(StepView::of).collect();
        let lane = advice.lane.and_then(|lane| loaded.setting.lane(lane));
        Self {
            key: key([item, to, from.unwrap_or_default()], advice.closed_from),
            action: match advice.action {
                Action::Transfer => "transfer",
                Action::Purchase => "purchase",
                Action::Find => "find",
            },
            item,
            needed_item: names.item(advice.needed_item),
            quantity: advice.quantity,
            from,
            to,
            lane: advice.lane.map(|lane| names.lane(lane)),
            latest_ship_on: advice.voyage.map(|voyage| voyage.ship_on),
            arrives_on: advice.voyage.map(|voyage| voyage.arrive_on),
            next_arrival_on: advice.next.map(|voyage| voyage.arrive_on),
            closed_from: advice.closed_from,
            needed_on: reckoning.needed_on,
            cover_until: reckoning.cover_until,
            available: reckoning.available,
            up_to: reckoning.up_to,
            service_level: reckoning.level,
            cost_ratio: reckoning.ratio,
            currency: match aim {
                Some(Aim::Costs(costs)) => Some(costs.currency),
                Some(Aim::Service(_)) | None => None,
            },
            outcomes_until: reckoning.outcomes_until,
            if_shipped: OutcomeView::of(&reckoning.sent),
            if_missed: OutcomeView::of(&reckoning.missed),
            break_even: steps(&reckoning.steps),
            break_even_together: reckoning.steps_together.as_deref().map(steps),
            lanes: reckoning.options.iter().map(|dates| names.dates(dates)).collect(),
            reasons: advice.notes.iter().map(|note| words::sentence(advice, note)).collect(),
            marks: advice.notes.iter().filter(|note| note.is_mark()).map(Note::code).collect(),
            data: names.ages(period, advice, lane),
        }
    }
}

fn key(names: [&str; 3], closed_from: Option<NaiveDate>) -> String {
    let key = names.join("/");
    match closed_from {
        Some(day) => format!("{key}/{day}"),
        None => key,
    }
}

impl OutcomeView {
    fn of(outcome: &Outcome) -> Self {
        Self {
            short: outcome.short.to_string(),
            idle: outcome.idle.to_string(),
            cost: outcome.cost.map(|cost| cost.to_string()),
        }
    }
}

impl StepView {
    fn of(step: &Step) -> Self {
        Self { quantity: step.quantity, below: step.below }
    }
}

struct Names<'l>(&'l Loaded);

impl<'l> Names<'l> {
    fn item(&self, index: ItemIndex) -> &'l str {
        self.0.setting.item(index).map_or("", |item| &item.id)
    }

    fn place(&self, index: PlaceIndex) -> &'l str {
        self.0.setting.place(index).map_or("", |place| &place.id)
    }

    fn lane(&self, index: LaneIndex) -> &'l str {
        self.0.setting.lane(index).map_or("", |lane| &lane.id)
    }

    fn dates(&self, dates: &LaneDates) -> LaneView<'l> {
        let from = self.0.setting.lane(dates.lane).map(|lane| lane.from);
        LaneView {
            lane: self.lane(dates.lane),
            from: from.map_or("", |from| self.place(from)),
            latest_ship_on: dates.voyage.ship_on,
            arrives_on: dates.voyage.arrive_on,
            next_arrival_on: dates.next.map(|next| next.arrive_on),
            is_late: dates.is_late,
        }
    }

    fn ages(&self, period: Period, advice: &Advice, lane: Option<&Lane>) -> Ages<'l> {
        let setting = &self.0.setting;
        let pair = (advice.needed_item, advice.to);
        let found =
            setting.positions.binary_search_by_key(&pair, |known| (known.item, known.place));
        let position = found.ok().and_then(|found| setting.positions.get(found));
        let counted = position.and_then(|known| known.holdings.iter().map(|h| h.counted_on).min());
        let until = position.and_then(|position| position.base.until);
        let age = |day: Option<NaiveDate>| day.map(|day| (period.first_on() - day).num_days());
        let at = |place: PlaceIndex| setting.place(place).map(|place| place.calendar);
        let mut calendars: Vec<_> =
            [advice.from.and_then(at), lane.map(|l| l.carrier), at(advice.to)]
                .into_iter()
                .flatten()
                .collect();
        calendars.dedup();
        let calendars = calendars.into_iter().filter_map(|index| {
            let calendar = setting.calendar(index)?;
            Some(CalendarView {
                calendar: self.0.calendars.get(usize::try_from(index.0).ok()?)?,
                revision: calendar.revision(),
                announced_until: calendar.announced_until(),
            })
        });
        Ages {
            stock_counted_on: counted,
            stock_age_days: age(counted),
            demand_until: until,
            demand_age_days: age(until),
            calendars: calendars.collect(),
        }
    }
}
