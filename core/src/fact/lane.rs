//! Lanes: how long a carrier takes from one place to another, and on which days it departs.

use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::almanac::Workdays;
use super::validity::Validity;
use crate::calendar::hours::Minute;

/// A way that a carrier goes again and again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Lane {
    /// Where it begins: a site's id or a place's code.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// By what: `road`, `air`.
    pub mode: String,
    /// Whose it is.
    pub carrier: Option<String>,
    /// How many days it takes, and how often; the shortest first, at least one.
    pub days: Vec<Share>,
    /// On which weekdays it departs.
    pub departures: Workdays,
    /// Until when goods are taken on a day of departure, by the clock of `zone`.
    #[serde(with = "clock")]
    pub cut_off: Option<Minute>,
    /// The zone of its days and its cut-off.
    pub zone: Option<Tz>,
    /// When it runs.
    #[serde(flatten)]
    pub valid: Validity,
}

/// How many of a lane's transports take so many days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Share {
    /// The days: 0 is the same day.
    pub days: u16,
    /// Their weight beside the others', as it is written: 70, or 0.7. Above 0.
    pub weight: Decimal,
}

impl Lane {
    /// Returns the days that `percent` of the transports keep within; `None` above 100.
    pub fn days_within(&self, percent: u8) -> Option<u16> {
        let total: Decimal = self.days.iter().map(|share| share.weight).sum();
        let wanted = total * Decimal::from(percent);
        let mut sum = Decimal::ZERO;
        let within = self.days.iter().find(|share| {
            sum += share.weight * Decimal::ONE_HUNDRED;
            wanted <= sum
        });
        within.map(|share| share.days).filter(|_| percent <= 100)
    }
}

/// A time of day as a text: `15:00`.
mod clock {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::calendar::hours::Minute;

    #[expect(
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands over the field so"
    )]
    pub(super) fn serialize<S: Serializer>(
        minute: &Option<Minute>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match minute {
            Some(minute) => to.collect_str(minute),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Minute>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        let read = |text: String| {
            Minute::parse(&text).ok_or_else(|| serde::de::Error::custom("it is no time of day"))
        };
        text.map(read).transpose()
    }
}
