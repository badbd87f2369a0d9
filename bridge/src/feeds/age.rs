//! How long ago a source was heard of, as far as it could have had something to say.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use upturn_connectors::feed::supply::Block;

use super::Feed;

/// How many days are looked at: nobody waits longer to be warned.
const DAYS_MAX: usize = 400;

/// Returns how long ago the source of `feed` was heard of at `at`, now that it is `now`.
///
/// Of a source of rates only its days of publication count, by the feed's zone, and none of `closed`:
/// at weekends, at Easter and in the holidays of its region it has nothing to say, and is not asked.
pub(crate) fn unheard(
    feed: &Feed,
    closed: &BTreeSet<NaiveDate>,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> TimeDelta {
    match feed.kind.supply.age.block {
        Block::Unseen(_) => now - at,
        Block::Missed(_) => {
            let days = at.with_timezone(&feed.zone).date_naive().iter_days().take(DAYS_MAX);
            let is_out = |day: NaiveDate| {
                feed.limits.review.publication.is_on(day) && !closed.contains(&day)
            };
            let days = days.filter(|day| is_out(*day));
            days.map(|day| overlap(day, feed.zone, (at, now))).sum()
        }
    }
}

/// Returns how much of the time between two instants is on `day`.
fn overlap(day: NaiveDate, zone: Tz, (from, until): (DateTime<Utc>, DateTime<Utc>)) -> TimeDelta {
    let begins = |day: NaiveDate| {
        let local = day.and_time(NaiveTime::MIN).and_local_timezone(zone);
        // Where clocks skip midnight, the day begins at most hours later, which is no matter here.
        local.earliest().map_or_else(|| day.and_time(NaiveTime::MIN).and_utc(), |at| at.to_utc())
    };
    let next = day.checked_add_days(Days::new(1)).unwrap_or(day);
    let (start, end) = (begins(day).max(from), begins(next).min(until));
    (end - start).max(TimeDelta::zero())
}

#[cfg(test)]
mod tests {
    use upturn_connectors::feed;

    use super::super::limits::Limits;
    use super::super::testing;
    use super::*;

    #[test]
    fn only_days_of_publication_make_a_source_of_rates_older() {
        let at = |text: &str| DateTime::parse_from_rfc3339(text).unwrap().to_utc();
        let day = 24 * 60;
        // In minutes. Both zones are ahead of UTC by whole hours.
        let cases = [
            (
                "a working night",
                "ecb",
                "2025-04-15T16:20:00+02:00",
                "2025-04-16T16:20:00+02:00",
                day,
            ),
            ("a Sunday", "ecb", "2025-04-11T16:20:00+02:00", "2025-04-13T16:20:00+02:00", 460),
            ("a Monday", "ecb", "2025-04-11T16:20:00+02:00", "2025-04-14T16:20:00+02:00", day),
            ("Easter Sunday", "ecb", "2025-04-17T16:20:00+02:00", "2025-04-20T12:00:00+02:00", 460),
            ("Easter Monday", "ecb", "2025-04-17T16:20:00+02:00", "2025-04-21T23:59:00+02:00", 460),
            (
                "after Easter",
                "ecb",
                "2025-04-17T16:20:00+02:00",
                "2025-04-22T18:00:00+02:00",
                day + 100,
            ),
            (
                "Spring Festival, asked",
                "cfets",
                "2025-01-31T11:20:00+08:00",
                "2025-02-03T09:00:00+08:00",
                1300,
            ),
            (
                "taxes at a weekend",
                "ibericode",
                "2025-04-11T16:20:00Z",
                "2025-04-13T16:20:00Z",
                2 * day,
            ),
            ("not yet", "ecb", "2025-04-16T16:20:00Z", "2025-04-15T16:20:00Z", 0),
        ];
        for (name, kind, from, until, minutes) in cases {
            let kind = feed::kind(kind).unwrap();
            let (zone, limits) = (kind.supply.zone, Limits::usual(&kind.supply));
            let feed = Feed { kind, zone, limits, ..testing::feed("a", "") };
            let found = unheard(&feed, &BTreeSet::new(), at(from), at(until));
            assert_eq!(found, TimeDelta::minutes(minutes), "case: {name}");
        }
        let kind = feed::kind("cfets").unwrap();
        let (zone, limits) = (kind.supply.zone, Limits::usual(&kind.supply));
        let feed = Feed { kind, zone, limits, ..testing::feed("a", "") };
        let closed = ["2025-01-31", "2025-02-03"].map(|day| day.parse().unwrap()).into();
        let (from, until) = ("2025-01-31T11:20:00+08:00", "2025-02-04T09:00:00+08:00");
        let found = unheard(&feed, &closed, at(from), at(until));
        assert_eq!(found, TimeDelta::hours(9), "only the working day counts");
    }
}
