//! Advice as programs read it, with names instead of indexes and the age of what it rests on.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use upturn_core::money::Currency;
use upturn_core::stock::plan::Period;
use upturn_core::stock::plan::advice::Advice;

use super::kept::{Kept, Names};
use super::words::Sentence;

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
    /// The day at the origin on which the schedule was fetched that tells the lane's departures.
    #[serde(default)]
    pub(crate) schedule_fetched_on: Option<NaiveDate>,
    #[serde(default)]
    pub(crate) schedule_age_days: Option<i64>,
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
    /// Returns what `advice` of a plan for `period` says.
    pub(crate) fn of(names: Names<'_>, period: Period, advice: &Advice) -> Self {
        let mut view = Kept::of(names, advice).told();
        let age = |day: Option<NaiveDate>| day.map(|day| (period.first_on() - day).num_days());
        view.data.stock_age_days = age(view.data.stock_counted_on);
        view.data.demand_age_days = age(view.data.demand_until);
        view.data.schedule_age_days = age(view.data.schedule_fetched_on);
        view
    }
}
