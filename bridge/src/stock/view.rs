//! Advice as programs read it, with names instead of indexes and the age of what it rests on.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use upturn_core::money::Currency;
use upturn_core::stock::plan::Period;
use upturn_core::stock::plan::advice::{Action, Advice, LaneDates, Outcome, Step};
use upturn_core::stock::plan::setting::{Aim, ItemIndex, Lane, LaneIndex, PlaceIndex, Setting};

use super::words::{self, Sentence};

/// One piece of advice.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
pub(crate) struct View {
    /// A later run with the same key takes the place of this one: item, place, source, and the first
    /// day of the closure it stocks up for.
    pub(crate) key: String,
    pub(crate) action: String,
    pub(crate) item: String,
    pub(crate) needed_item: String,
    pub(crate) quantity: u32,
    pub(crate) from: Option<String>,
    pub(crate) to: String,
    pub(crate) lane: Option<String>,
    pub(crate) latest_ship_on: Option<NaiveDate>,
    pub(crate) arrives_on: Option<NaiveDate>,
    pub(crate) next_arrival_on: Option<NaiveDate>,
    /// The first day of the closure before the next arrival.
    pub(crate) closed_from: Option<NaiveDate>,
    pub(crate) needed_on: NaiveDate,
    pub(crate) cover_until: NaiveDate,
    pub(crate) available: i64,
    pub(crate) up_to: u32,
    pub(crate) service_level: f64,
    pub(crate) cost_ratio: Option<f64>,
    pub(crate) currency: Option<Currency>,
    pub(crate) outcomes_until: NaiveDate,
    /// Expected until `outcomes_until`.
    pub(crate) if_shipped: OutcomeView,
    pub(crate) if_missed: OutcomeView,
    pub(crate) break_even: Vec<StepView>,
    pub(crate) break_even_together: Option<Vec<StepView>>,
    pub(crate) lanes: Vec<LaneView>,
    pub(crate) reasons: Vec<Sentence>,
    pub(crate) marks: Vec<String>,
    pub(crate) data: Ages,
}

/// What comes of it.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
pub(crate) struct OutcomeView {
    /// Units missing, on average.
    pub(crate) short: String,
    /// Units left over, on average.
    pub(crate) idle: String,
    /// What both cost.
    pub(crate) cost: Option<String>,
}

/// A quantity, and below which ratio of costs it is enough.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
pub(crate) struct StepView {
    pub(crate) quantity: u32,
    pub(crate) below: Option<f64>,
}

/// The dates of a lane.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
pub(crate) struct LaneView {
    pub(crate) lane: String,
    pub(crate) from: String,
    pub(crate) latest_ship_on: NaiveDate,
    pub(crate) arrives_on: NaiveDate,
    pub(crate) next_arrival_on: Option<NaiveDate>,
    pub(crate) is_late: bool,
}

/// How old it is what the advice rests on.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
pub(crate) struct Ages {
    pub(crate) stock_counted_on: Option<NaiveDate>,
    pub(crate) stock_age_days: Option<i64>,
    pub(crate) demand_until: Option<NaiveDate>,
    pub(crate) demand_age_days: Option<i64>,
    pub(crate) calendars: Vec<CalendarView>,
}

/// Which holidays a calendar knows.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, schemars::JsonSchema)]
pub(crate) struct CalendarView {
    pub(crate) calendar: String,
    pub(crate) revision: String,
    pub(crate) announced_until: Option<NaiveDate>,
}

impl View {
    pub(crate) fn of(names: Names<'_>, period: Period, advice: &Advice) -> Self {
        let (item, to) = (names.item(advice.item), names.place(advice.to));
        let from = advice.from.map(|from| names.place(from));
        let reckoning = &advice.reckoning;
        let aim = names.setting.item(advice.needed_item).map(|item| item.aim);
        let marks = advice.notes.iter().filter(|note| note.is_mark());
        let steps = |steps: &[Step]| steps.iter().map(StepView::of).collect();
        let lane = advice.lane.and_then(|lane| names.setting.lane(lane));
        Self {
            key: key([item, to, from.unwrap_or_default()], advice.closed_from),
            action: match advice.action {
                Action::Transfer => "transfer".to_owned(),
                Action::Purchase => "purchase".to_owned(),
                Action::Find => "find".to_owned(),
            },
            item: item.to_owned(),
            needed_item: names.item(advice.needed_item).to_owned(),
            quantity: advice.quantity,
            from: from.map(str::to_owned),
            to: to.to_owned(),
            lane: advice.lane.map(|lane| names.lane(lane).to_owned()),
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
            marks: marks.map(|note| note.code().to_owned()).collect(),
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

/// What a plan was made of, and the names of its calendars.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'l> {
    /// What it was made of.
    pub(crate) setting: &'l Setting,
    /// In the order of the setting.
    pub(crate) calendars: &'l [Box<str>],
}

impl<'l> Names<'l> {
    fn item(&self, index: ItemIndex) -> &'l str {
        self.setting.item(index).map_or("", |item| &item.id)
    }

    fn place(&self, index: PlaceIndex) -> &'l str {
        self.setting.place(index).map_or("", |place| &place.id)
    }

    fn lane(&self, index: LaneIndex) -> &'l str {
        self.setting.lane(index).map_or("", |lane| &lane.id)
    }

    fn dates(&self, dates: &LaneDates) -> LaneView {
        let from = self.setting.lane(dates.lane).map(|lane| lane.from);
        LaneView {
            lane: self.lane(dates.lane).to_owned(),
            from: from.map_or("", |from| self.place(from)).to_owned(),
            latest_ship_on: dates.voyage.ship_on,
            arrives_on: dates.voyage.arrive_on,
            next_arrival_on: dates.next.map(|next| next.arrive_on),
            is_late: dates.is_late,
        }
    }

    fn ages(&self, period: Period, advice: &Advice, lane: Option<&Lane>) -> Ages {
        let setting = self.setting;
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
                calendar: self.calendars.get(usize::try_from(index.0).ok()?)?.to_string(),
                revision: calendar.revision().to_owned(),
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
