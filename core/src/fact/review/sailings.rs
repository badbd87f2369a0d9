//! Departures beside those in force: half of them do not go at once.

use chrono::NaiveDate;

use crate::fact::sailing::Sailing;

/// Adds to `reasons` if `new` has less than half of the departures that `last` has from `today` on.
pub(super) fn compare(
    new: &[&Sailing],
    last: &[&Sailing],
    today: NaiveDate,
    reasons: &mut Vec<String>,
) {
    let ahead =
        |all: &[&Sailing]| all.iter().filter(|one| today <= one.departs_at.date_naive()).count();
    let (now, before) = (ahead(new), ahead(last));
    if now < before.div_ceil(2) {
        reasons.push(format!(
            "it has {now} departures from {today} on, and the set in force has {before}"
        ));
    }
}
