//! Instants of local times, exact where clocks are put forward or back.

use chrono::{DateTime, MappedLocalTime, NaiveDate, NaiveTime, TimeZone as _, Utc};
use chrono_tz::{GapInfo, Tz};

use super::hours::Minute;

/// Returns the instant at which the clocks of `zone` first show `minute` of `day`, or jump over it.
///
/// Later local times never give earlier instants, so the ranges of a day stay apart and in order.
/// `None` at the end of representable time.
pub(super) fn at(zone: Tz, day: NaiveDate, minute: Minute) -> Option<DateTime<Utc>> {
    let (day, time) = match minute.as_time() {
        Some(time) => (day, time),
        None => (day.succ_opt()?, NaiveTime::MIN),
    };
    at_time(zone, day, time)
}

/// Returns the instant at which the clocks of `zone` first show `time` on `day`, or jump over it.
pub fn at_time(zone: Tz, day: NaiveDate, time: NaiveTime) -> Option<DateTime<Utc>> {
    let local = day.and_time(time);
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(found) | MappedLocalTime::Ambiguous(found, _) => {
            Some(found.to_utc())
        }
        MappedLocalTime::None => Some(GapInfo::new(&local, &zone)?.end?.to_utc()),
    }
}
