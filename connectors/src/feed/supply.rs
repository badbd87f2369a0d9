//! What a kind of feed states beside its reader: where, when, how old, how large.

use std::time::Duration;

use chrono_tz::Tz;
use rust_decimal::Decimal;
use upturn_core::fact::rate_book::Publication;
use upturn_core::fact::review::Limits;

use super::source::Source;
use crate::fetch::paging::Paging;

/// What holds for a kind of feed unless its settings say otherwise.
///
/// A kind states what differs from the one its family has: `Supply { schedule: …, ..Supply::RATES }`.
#[derive(Clone, Copy, Debug)]
pub struct Supply {
    /// Where its documents are; an empty one where settings must say it.
    pub source: fn() -> Source,
    /// When it runs: minute, hour, day, month, weekday.
    pub schedule: &'static str,
    /// By which clocks, and whose days are meant in addresses.
    pub zone: Tz,
    /// How large one document may be, in bytes, packed and unpacked.
    pub size_max: usize,
    /// How long the source is left alone between two documents.
    pub pause: Duration,
    /// How it tells that a document has further pages.
    pub paging: Paging,
    /// The secrets its address or headers name.
    pub secrets: &'static [Need],
    /// How a new set is judged.
    pub limits: Limits,
    /// When it is too old.
    pub age: Age,
    /// Whether it tells which days are worked on.
    pub tells_days: bool,
    /// Whose data it is and on which terms, for people.
    pub credit: &'static str,
}

/// A secret that a kind needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Its name, as addresses and headers have it: `app_id` for `{app_id}`.
    pub name: &'static str,
    /// What it is and where it is had.
    pub about: &'static str,
}

/// When the set in force is too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age {
    /// After so long without a good run people are warned.
    pub warn: Duration,
    /// When nothing may be reckoned with it any more.
    pub block: Block,
}

/// When nothing may be reckoned with a set any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// When it has missed so many publications by the source's own calendar, which is in
    /// [`Limits::publication`].
    Missed(u32),
    /// After so long without a good run.
    Unseen(Duration),
}

impl Supply {
    /// Daily exchange rates.
    pub const RATES: Self = Self {
        source: Source::default,
        schedule: "20 4,16 * * *",
        zone: Tz::UTC,
        size_max: 8 << 20,
        pause: Duration::from_secs(1),
        paging: Paging::Whole,
        secrets: &[],
        limits: Limits {
            publication: Publication::Weekdays,
            jump_max: Decimal::from_parts(5, 0, 0, false, 2),
            missed_max: 1,
            age_max: 30,
        },
        age: Age { warn: Duration::from_hours(24), block: Block::Missed(2) },
        tells_days: false,
        credit: "",
    };

    /// Holidays, make-up workdays and closed windows.
    pub const CALENDARS: Self = Self { schedule: "30 5 * * *", tells_days: true, ..Self::TAXES };

    /// Carriers' schedules and what happens on the way.
    pub const CARRIERS: Self = Self {
        schedule: "5 */2 * * *",
        age: Age {
            warn: Duration::from_hours(24),
            block: Block::Unseen(Duration::from_hours(7 * 24)),
        },
        ..Self::RATES
    };

    /// Taxes, duties and codes of goods, which change seldom.
    pub const TAXES: Self = Self {
        schedule: "10 5 * * *",
        age: Age {
            warn: Duration::from_hours(30 * 24),
            block: Block::Unseen(Duration::from_hours(90 * 24)),
        },
        ..Self::RATES
    };

    /// Weather.
    pub const WEATHER: Self = Self {
        schedule: "5 * * * *",
        age: Age { warn: Duration::from_hours(6), block: Block::Unseen(Duration::from_hours(24)) },
        ..Self::RATES
    };
}
