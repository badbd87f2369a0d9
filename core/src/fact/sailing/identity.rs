//! What tells one sailing from others, whoever tells of it.
//!
//! Sources tell of one voyage with more or less: one names terminals, service and ship, another only ports,
//! carrier and voyage. So two words are on the same sailing if they have the same [`Key`], and nothing that
//! both tell beside it differs ([`Details`]). A way by several ships has their voyages in their order.

use chrono::NaiveDate;

use super::{Leg, Sailing};
use crate::fact::transport::Place;

/// What all words on one sailing have in common: the ends by their codes, each voyage with its carrier.
///
/// Where no voyage is told, nothing tells two departures of the same carriers apart but their days; where
/// one source tells it and the other does not, they are two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key<'s> {
    ends: [[Option<&'s str>; 3]; 2],
    /// Carrier and voyage of each leg that counts.
    voyages: Vec<[Option<&'s str>; 2]>,
    /// The day of departure by the place's clock, where no leg has a voyage.
    departs_on: Option<NaiveDate>,
}

/// What a source may tell or not: service and the ship's number of each leg that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details<'s>(Vec<[Option<&'s str>; 2]>);

/// Returns what tells `sailing` from others. The legs that count are those with a voyage, or all if none
/// has one: how goods come to a ship makes no other sailing of it.
pub fn of(sailing: &Sailing) -> (Key<'_>, Details<'_>) {
    let has_voyage = sailing.legs.iter().any(|leg| leg.voyage.is_some());
    let legs = || sailing.legs.iter().filter(|leg| !has_voyage || leg.voyage.is_some());
    let key = Key {
        ends: [end(&sailing.from), end(&sailing.to)],
        voyages: legs().map(|leg| [leg.carrier.as_deref(), leg.voyage.as_deref()]).collect(),
        departs_on: (!has_voyage).then(|| sailing.departs_at.date_naive()),
    };
    (key, Details(legs().map(|leg| [leg.service.as_deref(), ship(leg)]).collect()))
}

fn ship(leg: &Leg) -> Option<&str> {
    leg.vessel.as_ref()?.imo.as_deref()
}

/// Returns a place by its code alone, and by its names where it has none.
fn end(place: &Place) -> [Option<&str>; 3] {
    match &place.code {
        Some(code) => [Some(code), None, None],
        None => [None, place.facility.as_deref(), place.name.as_deref()],
    }
}

impl Details<'_> {
    /// Tells whether nothing that both tell differs. Both are of sailings with the same key.
    pub fn agrees(&self, other: &Self) -> bool {
        let mut pairs = self.0.iter().flatten().zip(other.0.iter().flatten());
        pairs.all(|(one, other)| one.is_none() || other.is_none() || one == other)
    }

    /// Adds what only `other` tells, which [agrees](Self::agrees).
    ///
    /// So two words that differ from each other cannot both be taken for one that tells less.
    pub fn join(&mut self, other: &Self) {
        for (one, other) in self.0.iter_mut().flatten().zip(other.0.iter().flatten()) {
            *one = one.or(*other);
        }
    }

    /// Tells whether a leg is of `service`.
    pub fn has_service(&self, service: &str) -> bool {
        self.0.iter().any(|[one, _]| *one == Some(service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::transport::Vessel;

    /// Returns a sailing on a day: `CNSHA/1-DEHAM 02-10 MAEU:01:AE7:9321483 …`, with a leg for each of its
    /// later words; what it leaves empty is not told.
    fn sailing(text: &str) -> Sailing {
        let mut words = text.split(' ');
        let (way, day) = (words.next().unwrap(), words.next().unwrap());
        let place = |text: &str| {
            let (code, facility) = text.split_once('/').unwrap_or((text, ""));
            let told = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            Place { code: told(code), facility: told(facility), name: None }
        };
        let (from, to) = way.split_once('-').unwrap();
        let (from, to) = (place(from), place(to));
        let departs_at = format!("2025-{day}T08:00:00+08:00").parse().unwrap();
        let leg = |text: &str| {
            let ids: Vec<_> =
                text.split(':').map(|id| Some(id.to_owned()).filter(|id| !id.is_empty())).collect();
            let [carrier, voyage, service, imo] = ids.try_into().unwrap();
            Leg {
                mode: None,
                from: from.clone(),
                to: to.clone(),
                departs_at,
                arrives_at: departs_at,
                carrier,
                service,
                voyage,
                vessel: imo.map(|imo| Vessel { imo: Some(imo), ..Vessel::default() }),
            }
        };
        let legs = words.map(leg).collect();
        let (transit_days, cut_offs) = (None, Vec::new());
        Sailing { from, to, departs_at, arrives_at: departs_at, transit_days, cut_offs, legs }
    }

    #[test]
    fn a_sailing_is_told_by_ends_carrier_and_voyage_and_by_what_both_tell_beside() {
        let full = "CNSHA/1-DEHAM/2 02-10 MAEU:01:AE7:9321483";
        let cases = [
            (full, "CNSHA-DEHAM 02-12 MAEU:01::", true),
            (full, "CNSHA/9-DEHAM 02-12 MAEU:01:AE7:", true),
            (full, "CNSHA-DEHAM 02-10 MAEU:02::", false),
            (full, "CNSHA-DEHAM 02-10 CMDU:01::", false),
            (full, "CNSHA-NLRTM 02-10 MAEU:01::", false),
            (full, "CNSHA-DEHAM 02-10 MAEU:01:AE1:", false),
            (full, "CNSHA-DEHAM 02-10 MAEU:01::9303807", false),
            (full, "CNSHA-DEHAM 02-10 MAEU:::", false),
            // How goods come to the ship, and several ships.
            (full, "CNSHA-DEHAM 02-10 ROAD::: MAEU:01::", true),
            (full, "CNSHA-DEHAM 02-10 MAEU:01:: MAEU:02::", false),
            // Without a voyage.
            ("CNSHA-DEHAM 02-10 MAEU:::", "CNSHA-DEHAM 02-10 MAEU::AE7:", true),
            ("CNSHA-DEHAM 02-10 MAEU:::", "CNSHA-DEHAM 02-11 MAEU:::", false),
            ("/1-DEHAM 02-10 MAEU:01::", "/2-DEHAM 02-10 MAEU:01::", false),
        ];
        for (one, other, expected) in cases {
            let (one_sailing, other_sailing) = (sailing(one), sailing(other));
            let same =
                [one_sailing.is_same_as(&other_sailing), other_sailing.is_same_as(&one_sailing)];
            assert_eq!(same, [expected; 2], "case: {one} and {other}");
        }
    }
}
