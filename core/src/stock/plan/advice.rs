//! A piece of advice: what to send, by when, and why.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::network::Reached;
use super::setting::{ItemIndex, LaneIndex, PlaceIndex};
use crate::calendar::shipping::{Closure, Voyage};

/// What to send to a place.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// What is sent.
    pub item: ItemIndex,
    /// What is needed; another item than is sent where that one is replaced by it.
    pub needed_item: ItemIndex,
    /// Where it is needed.
    pub to: PlaceIndex,
    /// Who has it; none: nobody who could send it.
    pub from: Option<PlaceIndex>,
    /// Units to send; where nobody has them, units that are missing.
    pub quantity: u32,
    /// What to do about it.
    pub action: Action,
    /// How it goes there.
    pub lane: Option<LaneIndex>,
    /// The last voyage that is in time, or the first one if none is.
    pub voyage: Option<Voyage>,
    /// The voyage after it.
    pub next: Option<Voyage>,
    /// The first day of the closure, or of the carrier's pause, that lies before the next arrival.
    pub closed_from: Option<NaiveDate>,
    /// What it rests on.
    pub reckoning: Reckoning,
    /// Why, in the order of importance.
    pub notes: Vec<Note>,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Send from another place.
    Transfer,
    /// Buy from a supplier.
    Purchase,
    /// Find somebody who has it.
    Find,
}

/// The numbers behind a piece of advice, for all sources of a need together.
#[derive(Clone, Debug, PartialEq)]
pub struct Reckoning {
    /// What is there or coming and not reserved; negative where more is promised.
    pub available: i64,
    /// The first day on which that may not be enough.
    pub needed_on: NaiveDate,
    /// The first day on which what is ordered after the next review can arrive.
    pub cover_until: NaiveDate,
    /// The units that should be available until then.
    pub up_to: u32,
    /// The probability with which they should be enough.
    pub level: f64,
    /// What a missing unit costs, in idle ones, where costs are given.
    pub ratio: Option<f64>,
    /// The day up to which both outcomes are reckoned: when what misses the voyage can arrive.
    pub outcomes_until: NaiveDate,
    /// What comes of it if all is sent in time.
    pub sent: Outcome,
    /// What comes of it if nothing is.
    pub missed: Outcome,
    /// How much is right at which ratio of costs, if each deal is won or lost by itself.
    pub steps: Vec<Step>,
    /// The same if all deals are won or lost together.
    pub steps_together: Option<Vec<Step>>,
    /// The dates of each lane to the place.
    pub options: Vec<LaneDates>,
}

/// What is expected to be missing and left over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Units missing, on average.
    pub short: Decimal,
    /// Units left over, on average.
    pub idle: Decimal,
    /// What both cost, in the item's currency, where costs are given.
    pub cost: Option<Decimal>,
}

/// A quantity and up to which ratio of costs it is enough.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Units to send.
    pub quantity: u32,
    /// What a missing unit has to cost, in idle ones, before more is worth it; none: more never is.
    pub below: Option<f64>,
}

/// By when goods have to leave on a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneDates {
    /// The lane.
    pub lane: LaneIndex,
    /// Its last voyage in time, or the first one if none is.
    pub voyage: Voyage,
    /// The one after it.
    pub next: Option<Voyage>,
    /// Whether what is there is not enough until the arrival.
    pub is_late: bool,
}

/// A reason, or something to be careful about.
///
/// Plans that were kept are read again by these names and by the order of their fields, here and in what they
/// hold: a new field goes to the end and has a default.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Note {
    /// What is available may not be enough from the day on that the reckoning names.
    RunsOut,
    /// The place keeps a level for a network of places, and there is less.
    Level {
        /// The network.
        network: Box<str>,
        /// The units it keeps, on hand and on order.
        units: u32,
        /// What the levels of the network come to.
        reached: Reached,
    },
    /// What the place keeps for its network cannot be found, so it keeps nothing for it.
    NoLevels {
        /// The network.
        network: Box<str>,
        /// Why.
        why: Box<str>,
    },
    /// Other places of its network take from the depot: what this plan sends them is not counted as there,
    /// and what they need and it has not is ordered beside its level.
    Taken {
        /// Units that it sends.
        given: u32,
        /// Units that it owes.
        owed: u32,
    },
    /// What was advised to be sent before is counted as if it were there.
    Earlier {
        /// Its units.
        units: u32,
    },
    /// Open deals may need units in time; others only later, and count nothing.
    Deals {
        /// How many may need units before the next chance.
        now: usize,
        /// How many only after it.
        later: usize,
    },
    /// Demand apart from deals.
    Base {
        /// Units of 30 days.
        per_30_days: Decimal,
        /// How many periods that was learnt from.
        periods: u32,
    },
    /// Parts that devices in the field may need.
    Failures {
        /// Devices, each counted once for each cause.
        devices: u32,
        /// Parts of 30 days for failures to come.
        per_30_days: Decimal,
        /// Known failures that may need one before the next chance.
        known: usize,
    },
    /// What is being made and counted from its day on.
    Coming {
        /// Units before the next chance.
        units: i64,
        /// The day of the first of them.
        first_on: NaiveDate,
    },
    /// Nothing is received for a while.
    Closed(Closure),
    /// Departures of some days take longer, as an adjuster says that was found to help.
    Slowed(SlowedDays),
    /// More or less is needed on some days, as an adjuster says that was found to help.
    Scaled(ScaledDays),
    /// Another place has more than it needs.
    Surplus,
    /// It replaces another item, or is replaced by it.
    Replaced,
    /// It was rounded to whole packs.
    Pack {
        /// What is needed.
        needed: u32,
        /// Units of a pack.
        pack: u32,
    },
    /// It was raised to the fewest units that can be ordered.
    Minimum {
        /// What is needed.
        needed: u32,
        /// The fewest units.
        order_min: u32,
    },
    /// No voyage arrives in time.
    Late,
    /// A calendar does not know its holidays up to the arrival; its weekly pattern stood in.
    NotAnnounced,
    /// Nobody knows when the lane runs again.
    NoNextArrival,
    /// The days are those of sailings that a carrier's schedule tells.
    Sailings {
        /// The last day of departure that it tells.
        until: NaiveDate,
    },
    /// This voyage, or the next, leaves after the last one that the schedule tells: the lane's own days of
    /// departure and transit stood in.
    BeyondSchedule {
        /// The last day of departure that it tells; none: it tells of none.
        until: Option<NaiveDate>,
    },
    /// No lane leads there.
    NoLane,
    /// Lanes lead there, but none departs.
    NoDeparture,
    /// Only places of a cycle of lanes send there, and nothing reaches that from outside. Its places, in
    /// the direction of the lanes: `A -> B -> A`.
    Cycle(Box<str>),
    /// Nobody has all that is needed.
    Shortfall {
        /// Units that nobody has.
        units: u32,
    },
    /// The history has days nobody observed.
    Gaps,
    /// The history has fewer than three periods.
    Thin,
    /// The demand is too large to be reckoned with.
    TooLarge(Box<str>),
}

/// Days of departure that take longer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SlowedDays {
    /// The adjuster.
    pub adjuster: Box<str>,
    /// The first of them.
    pub first_on: NaiveDate,
    /// The last of them.
    pub last_on: NaiveDate,
    /// The days of transit that are planned for them.
    pub days: u16,
    /// Those of the lane itself.
    pub own: u16,
}

/// Days on which other than the usual is needed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ScaledDays {
    /// The adjuster.
    pub adjuster: Box<str>,
    /// How many there are before the next chance.
    pub days: usize,
    /// How many times the usual is needed on them, at most.
    pub factor: Decimal,
}

impl Note {
    /// Returns the code that programs know it by.
    pub fn code(&self) -> &'static str {
        match self {
            Self::RunsOut => "runs-out",
            Self::Level { .. } => "level",
            Self::NoLevels { .. } => "no-levels",
            Self::Taken { .. } => "taken",
            Self::Earlier { .. } => "sent-before",
            Self::Deals { .. } => "deals",
            Self::Base { .. } => "base-demand",
            Self::Failures { .. } => "failures",
            Self::Coming { .. } => "coming",
            Self::Closed(_) => "closed",
            Self::Slowed(_) => "adjusted-transit",
            Self::Scaled(_) => "adjusted-demand",
            Self::Surplus => "surplus",
            Self::Replaced => "replaced",
            Self::Pack { .. } => "pack",
            Self::Minimum { .. } => "order-minimum",
            Self::Late => "late",
            Self::NotAnnounced => "calendar-not-announced",
            Self::NoNextArrival => "next-arrival-unknown",
            Self::Sailings { .. } => "sailings",
            Self::BeyondSchedule { .. } => "beyond-schedule",
            Self::NoLane => "no-lane",
            Self::NoDeparture => "no-departure",
            Self::Cycle(_) => "lane-cycle",
            Self::Shortfall { .. } => "shortfall",
            Self::Gaps => "history-gaps",
            Self::Thin => "history-thin",
            Self::TooLarge(_) => "demand-too-large",
        }
    }

    /// Returns whether a person should look at it before acting.
    pub fn is_mark(&self) -> bool {
        match self {
            Self::RunsOut
            | Self::Level { .. }
            | Self::Taken { .. }
            | Self::Earlier { .. }
            | Self::Deals { .. }
            | Self::Base { .. }
            | Self::Failures { .. }
            | Self::Coming { .. }
            | Self::Closed(_)
            | Self::Slowed(_)
            | Self::Scaled(_)
            | Self::Surplus
            | Self::Replaced
            | Self::Sailings { .. }
            | Self::Pack { .. }
            | Self::Minimum { .. } => false,
            Self::Late
            | Self::NoLevels { .. }
            | Self::NotAnnounced
            | Self::NoNextArrival
            | Self::BeyondSchedule { .. }
            | Self::NoLane
            | Self::NoDeparture
            | Self::Cycle(_)
            | Self::Shortfall { .. }
            | Self::Gaps
            | Self::Thin
            | Self::TooLarge(_) => true,
        }
    }
}
