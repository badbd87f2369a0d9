//! Sailings: from one place to another by one or more legs, as a carrier offers them.

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::known::{Known, known_at};
use super::transport::{CutOff, Place, Vessel};

pub mod identity;

/// The code of a cut-off that a sheet tells: the last time at which goods are taken.
pub const HAND_IN: &str = "hand-in";

/// The codes of cut-offs by which goods are handed in. Of several the earliest counts, since nobody tells
/// how the goods of a lane are packed.
///
/// Of DCSA's Commercial Schedules 1.0.3 (`cutOffDateTimeCode`) these are those of full containers, of less
/// than a container (told only where goods are received so), of the port, and of reefers. The others are
/// none: `DCO`, `VCO`, `CUA` and `AFC` are due dates of papers and of data, the verified weight among them;
/// `STA` and `SPA` of bookings; `ECP` and `EFC` tell from when empty boxes are given out and full ones
/// taken; `TCO` is of a port on the way; `DGC` and `OBC` are of dangerous and of outsize goods, which a
/// carrier takes by an agreement of its own.
pub const HAND_IN_CODES: [&str; 5] = ["FCO", "LCO", "PCO", "RCO", HAND_IN];

/// A way from one place to another, as a carrier offers it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Sailing {
    /// Where goods are handed in.
    pub from: Place,
    /// Where they are handed out.
    pub to: Place,
    /// When the first leg departs, by the place's clock.
    pub departs_at: DateTime<FixedOffset>,
    /// When the last leg arrives, by the place's clock.
    pub arrives_at: DateTime<FixedOffset>,
    /// How many days it takes, as the carrier says.
    pub transit_days: Option<u32>,
    /// By when what is due, as the source has it, the earliest first; not all are of goods.
    pub cut_offs: Vec<CutOff>,
    /// The legs in their order; at least one.
    pub legs: Vec<Leg>,
}

/// A part of a way by one means of transport.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Leg {
    /// By what: `VESSEL`, `RAIL`, as the source has it.
    pub mode: Option<String>,
    /// Where it begins.
    pub from: Place,
    /// Where it ends.
    pub to: Place,
    /// When it departs.
    pub departs_at: DateTime<FixedOffset>,
    /// When it arrives.
    pub arrives_at: DateTime<FixedOffset>,
    /// The carrier's code.
    pub carrier: Option<String>,
    /// The carrier's code of the service.
    pub service: Option<String>,
    /// The number of the voyage, outward.
    pub voyage: Option<String>,
    /// The ship.
    pub vessel: Option<Vessel>,
}

/// A sailing as it is known, and what was said of it before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer<'k> {
    /// What is said of it now.
    pub sailing: &'k Sailing,
    /// Who says so.
    pub source: &'k str,
    /// How long that has been known.
    pub age: TimeDelta,
    /// What was said before, the oldest first, each with the time it was known from.
    pub before: Vec<(DateTime<Utc>, &'k Sailing)>,
}

impl Sailing {
    /// Returns the last time to hand goods in: the earliest of the cut-offs that goods have, and the
    /// departure where there is none, or it is earlier.
    ///
    /// What is due by other cut-offs, such as papers, can be late without the goods, and some codes tell
    /// when something begins. Which count: [`HAND_IN_CODES`].
    pub fn hand_in_by(&self) -> DateTime<FixedOffset> {
        let of_goods =
            self.cut_offs.iter().filter(|cut_off| HAND_IN_CODES.contains(&&*cut_off.code));
        let first = of_goods.map(|cut_off| cut_off.at).min();
        first.map_or(self.departs_at, |at| at.min(self.departs_at))
    }

    /// Tells whether `other` is the same sailing, maybe at other times and told by another source; see
    /// [`identity`].
    pub fn is_same_as(&self, other: &Self) -> bool {
        let (key, details) = identity::of(self);
        let (other_key, other_details) = identity::of(other);
        key == other_key && details.agrees(&other_details)
    }
}

/// Returns the sailings between the places with the codes `from` and `to` for which goods can still be
/// handed in after `after`, by what is known at `now`: the first to depart first, at most `count`.
///
/// Of a sailing that was told several times only the newest word counts; what a source left out of a
/// later document is not known to be cancelled, and stays with its age.
pub fn next<'k>(
    known: &'k [Known<Sailing>],
    (from, to): (&str, &str),
    (after, now): (DateTime<Utc>, DateTime<Utc>),
    count: usize,
) -> Vec<Offer<'k>> {
    let mut offers: Vec<Offer<'k>> = Vec::new();
    let told = known_at(known, now);
    for one in told.iter().filter(|one| one.said.from.has_code(from) && one.said.to.has_code(to)) {
        let same = |offer: &&mut Offer<'_>| {
            offer.source == &*one.source && offer.sailing.is_same_as(&one.said)
        };
        if let Some(offer) = offers.iter_mut().find(same) {
            if *offer.sailing != one.said {
                offer.before.push((now - offer.age, offer.sailing));
                offer.sailing = &one.said;
            }
            offer.age = now - one.known_at;
        } else {
            let age = now - one.known_at;
            offers.push(Offer { sailing: &one.said, source: &one.source, age, before: Vec::new() });
        }
    }
    offers.retain(|offer| after < offer.sailing.hand_in_by());
    offers.sort_by_key(|offer| (offer.sailing.departs_at, offer.sailing.arrives_at));
    offers.truncate(count);
    offers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339(text).unwrap()
    }

    fn told(known_at: &str, voyage: &str, departs: &str, arrives: &str) -> Known<Sailing> {
        let place = |code: &str| Place { code: Some(code.to_owned()), ..Place::default() };
        let (departs_at, arrives_at) = (at(departs), at(arrives));
        let (from, to) = (place("CNSHA"), place("DEHAM"));
        let leg = Leg {
            mode: None,
            from: from.clone(),
            to: to.clone(),
            departs_at,
            arrives_at,
            carrier: Some("MAEU".to_owned()),
            service: None,
            voyage: Some(voyage.to_owned()),
            vessel: None,
        };
        let cut_off = CutOff { code: "FCO".to_owned(), at: departs_at - TimeDelta::days(2) };
        let (cut_offs, legs) = (vec![cut_off], vec![leg]);
        let said = Sailing { from, to, departs_at, arrives_at, transit_days: None, cut_offs, legs };
        Known { source: "dcsa".into(), known_at: at(known_at).to_utc(), said }
    }

    #[test]
    fn the_next_sailings_are_told_by_the_newest_word_with_what_was_said_before() {
        let known = [
            told("2025-01-02T00:00:00Z", "B", "2025-01-26T08:00:00+08:00", "2025-02-28T08:00:00Z"),
            told("2025-01-01T00:00:00Z", "A", "2025-01-20T08:00:00+08:00", "2025-02-20T08:00:00Z"),
            told("2025-01-05T00:00:00Z", "A", "2025-01-24T08:00:00+08:00", "2025-02-24T08:00:00Z"),
            told("2025-01-06T00:00:00Z", "A", "2025-01-24T08:00:00+08:00", "2025-02-24T08:00:00Z"),
        ];
        let asked = |after: &str, now: &str| {
            let times = (at(after).to_utc(), at(now).to_utc());
            let offers = next(&known, ("CNSHA", "DEHAM"), times, 5);
            let shown = |offer: &Offer<'_>| {
                let day = offer.sailing.departs_at.date_naive();
                format!("{day} {}d {}", offer.age.num_days(), offer.before.len())
            };
            offers.iter().map(shown).collect::<Vec<_>>()
        };
        let cases: [(&str, &str, &[&str]); 4] = [
            (
                "2025-01-02T00:00:00Z",
                "2025-01-03T00:00:00Z",
                &["2025-01-20 2d 0", "2025-01-26 1d 0"],
            ),
            (
                "2025-01-02T00:00:00Z",
                "2025-01-08T00:00:00Z",
                &["2025-01-24 2d 1", "2025-01-26 6d 0"],
            ),
            // The cut-off of the first is over.
            ("2025-01-22T00:00:01Z", "2025-01-08T00:00:00Z", &["2025-01-26 6d 0"]),
            ("2025-01-02T00:00:00Z", "2024-12-31T00:00:00Z", &[]),
        ];
        for (after, now, expected) in cases {
            assert_eq!(asked(after, now), expected, "case: {after} {now}");
        }
    }
}
