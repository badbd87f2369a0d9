//! Weather at a place in an hour or on a day: measured, or forecast.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The weather at a place at a time, or on a day.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Weather {
    /// The site or lane it is for, as settings name it.
    pub place: Option<String>,
    /// The latitude of the source's grid cell, in degrees.
    pub latitude: Decimal,
    /// Its longitude.
    pub longitude: Decimal,
    /// When.
    #[serde(flatten)]
    pub when: When,
    /// What is measured, by the source's newer names: `wind_speed_10m`. What is not known is not there.
    pub values: BTreeMap<String, Measured>,
}

/// When weather is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// At this time, as of now.
    Now(DateTime<FixedOffset>),
    /// In the hour from this time on.
    Hour(DateTime<FixedOffset>),
    /// On this day of the place's zone.
    Day(NaiveDate),
}

/// A number with its unit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Measured {
    /// The number, or a text such as the time of sunrise.
    pub value: String,
    /// Its unit, as the source has it: `km/h`.
    pub unit: Option<String>,
}

impl Measured {
    /// Returns the number, if it is one.
    pub fn number(&self) -> Option<Decimal> {
        self.value.parse().ok()
    }
}
