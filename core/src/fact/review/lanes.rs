//! Lanes beside those in force: what is gone, and transits beyond their band.

use std::collections::BTreeMap;

use super::NAMED_MAX;
use crate::fact::lane::Lane;

/// The share of transports, in percent, by whose days two lanes are compared.
const COMPARED_AT: u8 = 90;
/// How many times longer or shorter a lane may become.
const TIMES_MAX: u32 = 2;

type Key<'l> = (&'l str, &'l str, &'l str, Option<&'l str>);

/// Adds to `reasons` what is strange in the lanes `new` beside `last`.
pub(super) fn compare(new: &[&Lane], last: &[&Lane], reasons: &mut Vec<String>) {
    let (new, last) = (all(new), all(last));
    let mut found = Vec::new();
    for (key, before) in &last {
        let (from, to, mode, _) = key;
        match new.get(key) {
            None => found.push(format!("the lane from {from} to {to} by {mode} is gone")),
            // A lane within the day counts as one of a day: 0 to 1 is no jump.
            Some(now)
                if TIMES_MAX * (*before).max(1) < *now || TIMES_MAX * now.max(&1) < *before =>
            {
                found.push(format!(
                    "the lane from {from} to {to} by {mode} took {before} days, and takes {now}"
                ));
            }
            Some(_) => {}
        }
    }
    let count = found.len();
    reasons.extend(found.into_iter().take(NAMED_MAX));
    if NAMED_MAX < count {
        reasons.push(format!("{count} of {} lanes are gone or changed", last.len()));
    }
}

/// Returns the days of each lane; of one that is told for several times, the most.
fn all<'l>(lanes: &[&'l Lane]) -> BTreeMap<Key<'l>, u32> {
    let mut all = BTreeMap::new();
    for lane in lanes {
        let key = (&*lane.from, &*lane.to, &*lane.mode, lane.carrier.as_deref());
        let days = lane.days_within(COMPARED_AT).map_or(0, u32::from);
        let known = all.entry(key).or_insert(days);
        *known = (*known).max(days);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::almanac::Workdays;
    use crate::fact::lane::Share;
    use crate::fact::validity::Validity;

    fn lane(to: &str, days: u16) -> Lane {
        Lane {
            from: "A".to_owned(),
            to: to.to_owned(),
            mode: "road".to_owned(),
            carrier: None,
            days: vec![Share { days, weight: rust_decimal::Decimal::ONE }],
            departures: Workdays([true; 7]),
            cut_off: None,
            zone: None,
            valid: Validity::new(None, None).unwrap(),
        }
    }

    #[test]
    fn a_lane_that_is_gone_or_jumps_is_looked_at() {
        let last = [lane("B", 3), lane("C", 0)];
        let cases = [
            ("the same", [lane("B", 3), lane("C", 0)], ""),
            ("twice as long", [lane("B", 6), lane("C", 1)], ""),
            ("more", [lane("B", 7), lane("C", 0)], "from A to B by road took 3 days, and takes 7"),
            ("less", [lane("B", 1), lane("C", 0)], "from A to B by road took 3 days, and takes 1"),
            ("gone", [lane("B", 3), lane("D", 0)], "the lane from A to C by road is gone"),
        ];
        for (name, new, expected) in cases {
            let mut reasons = Vec::new();
            let (new, last): (Vec<_>, Vec<_>) = (new.iter().collect(), last.iter().collect());
            compare(&new, &last, &mut reasons);
            let told = reasons.join("; ");
            assert_eq!(told.is_empty(), expected.is_empty(), "case: {name}: {told}");
            assert!(told.contains(expected), "case: {name}: {told}");
        }
    }
}
