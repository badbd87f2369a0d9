//! What a plan is made of: items, places, lanes, calendars, stock, demand and deals.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use super::adjust::Adjusted;
use super::base::Base;
use super::failures::Failures;
use super::network::Network;
use crate::calendar::Calendar;
use crate::calendar::shipping::schedule::Schedule;
use crate::calendar::shipping::{self, Terms};
use crate::forecast::pipeline::Prospect;
use crate::money::Currency;

/// The place of an item in [`Setting::items`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemIndex(pub u32);

/// The place of a place in [`Setting::places`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PlaceIndex(pub u32);

/// The place of a calendar in [`Setting::calendars`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CalendarIndex(pub u32);

/// The place of a lane in [`Setting::lanes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LaneIndex(pub u32);

/// Everything a plan reads.
#[derive(Clone, Debug, Default)]
pub struct Setting {
    /// What is stocked.
    pub items: Vec<Item>,
    /// Where.
    pub places: Vec<Place>,
    /// Days of work.
    pub calendars: Vec<Calendar>,
    /// Ways between places, the preferred ones first.
    pub lanes: Vec<Lane>,
    /// Depots whose levels are found together with those of their bases.
    pub networks: Vec<Network>,
    /// When the schedules of lanes were fetched, the oldest where several feeds tell one.
    pub schedules_fetched_at: BTreeMap<LaneIndex, DateTime<Utc>>,
    /// What adjusters make of lanes and of demand.
    pub adjusted: Adjusted,
    /// What is there and what is needed; sorted by item and place, one of each pair.
    pub positions: Vec<Position>,
}

/// Something that is stocked. An item that is replaced stands in the positions of its successor.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its name in the tables.
    pub id: Box<str>,
    /// Units that are only sent together; at least 1.
    pub pack: u32,
    /// The fewest units a supplier takes an order for.
    pub order_min: u32,
    /// How much stock is worth having.
    pub aim: Aim,
}

/// How much stock is worth having.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// As much as covers demand with this probability, above 0 and below 1.
    Service(f64),
    /// As much as costs least.
    Costs(Costs),
}

/// What a unit too few or too many costs, until stock can be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costs {
    /// Of a missing unit; above 0.
    pub shortage: Decimal,
    /// Of an idle unit; above 0.
    pub idle: Decimal,
    /// Of both.
    pub currency: Currency,
}

/// A place with stock, or a supplier.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its name in the tables.
    pub id: Box<str>,
    /// What it is.
    pub kind: PlaceKind,
    /// The days on which it hands over and receives.
    pub calendar: CalendarIndex,
    /// Days from one decision about its stock to the next; at least 1.
    pub review_days: u16,
}

/// What a place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaceKind {
    /// It has stock and needs some.
    Site,
    /// It sells whatever is ordered.
    Supplier,
}

/// A way from one place to another.
#[derive(Clone, Debug)]
pub struct Lane {
    /// Its name in the tables.
    pub id: Box<str>,
    /// Where it begins.
    pub from: PlaceIndex,
    /// Where it ends.
    pub to: PlaceIndex,
    /// The days on which the carrier works.
    pub carrier: CalendarIndex,
    /// How it runs.
    pub terms: Terms,
    /// When it departs, where a carrier's schedule tells it; the terms hold beyond its end.
    pub schedule: Option<Box<Schedule>>,
}

/// What is there of an item at a place, and what is needed.
#[derive(Clone, Debug)]
pub struct Position {
    /// The item; of several that replace each other, the last.
    pub item: ItemIndex,
    /// The place.
    pub place: PlaceIndex,
    /// What is there, by item; replaced items before those that replace them.
    pub holdings: Vec<Holding>,
    /// What is needed day by day, apart from deals.
    pub base: Base,
    /// What open deals may need.
    pub deals: Vec<Deal>,
    /// What devices in the field may need.
    pub failures: Option<Box<Failures>>,
    /// What is being made for it, in the order of the days.
    pub coming: Vec<Coming>,
}

/// Units of a position's item that are not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coming {
    /// The day from which on they are there.
    pub on: NaiveDate,
    /// How many.
    pub units: u32,
}

/// What is there of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The item.
    pub item: ItemIndex,
    /// On the shelf.
    pub on_hand: u32,
    /// Ordered, or on its way here.
    pub on_order: u32,
    /// Promised to somebody.
    pub reserved: u32,
    /// The day it was counted on.
    pub counted_on: NaiveDate,
}

/// An open deal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deal {
    /// What it needs if it is won, and how likely that is.
    pub prospect: Prospect,
    /// The first day on which its units may be needed.
    pub needed_from: NaiveDate,
    /// The last one; each day between is as likely.
    pub needed_to: NaiveDate,
}

impl Holding {
    /// Returns what is there or coming and not promised; negative where more is promised.
    pub fn available(&self) -> i64 {
        i64::from(self.on_hand) + i64::from(self.on_order) - i64::from(self.reserved)
    }

    /// Returns what could leave today.
    pub fn on_shelf(&self) -> u32 {
        self.on_hand.saturating_sub(self.reserved)
    }
}

impl Position {
    /// Returns what is there or coming and not promised, of all items.
    pub fn available(&self) -> i64 {
        self.holdings.iter().map(Holding::available).sum()
    }

    /// Returns what comes before `until`.
    pub fn coming_before(&self, until: NaiveDate) -> i64 {
        let before = self.coming.iter().take_while(|coming| coming.on < until);
        before.map(|coming| i64::from(coming.units)).sum()
    }
}

impl Costs {
    /// Returns how many idle units a missing one costs.
    pub fn ratio(&self) -> f64 {
        decimal(self.shortage) / decimal(self.idle)
    }
}

impl Aim {
    /// Returns the probability with which stock should be enough.
    pub fn level(&self) -> f64 {
        match self {
            Self::Service(level) => *level,
            Self::Costs(costs) => {
                let (shortage, idle) = (decimal(costs.shortage), decimal(costs.idle));
                shortage / (shortage + idle)
            }
        }
    }
}

fn decimal(number: Decimal) -> f64 {
    f64::try_from(number).unwrap_or_default()
}

impl Setting {
    /// Returns the item at `index`.
    pub fn item(&self, index: ItemIndex) -> Option<&Item> {
        get(&self.items, index.0)
    }

    /// Returns the place at `index`.
    pub fn place(&self, index: PlaceIndex) -> Option<&Place> {
        get(&self.places, index.0)
    }

    /// Returns the lane at `index`.
    pub fn lane(&self, index: LaneIndex) -> Option<&Lane> {
        get(&self.lanes, index.0)
    }

    /// Returns the calendar at `index`.
    pub fn calendar(&self, index: CalendarIndex) -> Option<&Calendar> {
        get(&self.calendars, index.0)
    }

    /// Returns `lane` with its calendars.
    pub fn route<'s>(&'s self, lane: &'s Lane) -> Option<shipping::Lane<'s>> {
        Some(shipping::Lane {
            origin: self.calendar(self.place(lane.from)?.calendar)?,
            carrier: self.calendar(lane.carrier)?,
            destination: self.calendar(self.place(lane.to)?.calendar)?,
            terms: &lane.terms,
        })
    }
}

fn get<T>(all: &[T], index: u32) -> Option<&T> {
    all.get(usize::try_from(index).ok()?)
}
