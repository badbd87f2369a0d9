//! Sailings of feeds as the departures of a lane.

use chrono::{DateTime, Utc};

use super::Outside;
use crate::calendar::shipping::schedule::{Departure, Schedule};
use crate::fact::port_call::PortCall;
use crate::fact::sailing::{Leg, Sailing};
use crate::stock::stocking::SailingsDocument;

/// Departures of a lane that are looked at, the first ones.
const DEPARTURES_MAX: usize = 1_000;

/// Returns what feeds tell after `as_of` of the sailings that are `asked` for. Of one that several tell,
/// the word counts that came into force last; what is omitted does not go, but is known.
pub(super) fn schedule(
    asked: &SailingsDocument,
    outside: &Outside,
    as_of: DateTime<Utc>,
) -> Schedule {
    let told = outside.sailings.iter().filter(|(feed, sailing)| {
        asked.feed.as_ref().is_none_or(|wanted| wanted == feed)
            && is_asked(asked, sailing)
            && as_of < sailing.hand_in_by()
    });
    let mut told: Vec<(usize, &Sailing)> = told.map(|(_, sailing)| sailing).enumerate().collect();
    told.sort_by_key(|(order, sailing)| (sailing.departs_at, std::cmp::Reverse(*order)));
    told.truncate(DEPARTURES_MAX);
    let last_word = |(order, sailing): &(usize, &Sailing)| {
        !told.iter().any(|(later, other)| order < later && other.is_same_as(sailing))
    };
    let sailings: Vec<&Sailing> =
        told.iter().filter(|one| last_word(one)).map(|(_, sailing)| *sailing).collect();
    let going = sailings.iter().filter(|one| !is_omitted(one, &outside.omitted));
    Schedule {
        departures: going.map(|one| departure(one)).collect(),
        told_until: sailings.iter().map(|one| one.hand_in_by().to_utc()).max(),
        before_days: asked.before_days,
        after_days: asked.after_days,
    }
}

fn departure(sailing: &Sailing) -> Departure {
    let hand_in_by = sailing.hand_in_by().to_utc();
    Departure { hand_in_by, arrives_on: sailing.arrives_at.date_naive() }
}

fn is_asked(asked: &SailingsDocument, sailing: &Sailing) -> bool {
    let SailingsDocument { from, to, carrier, service, .. } = asked;
    let is = |wanted: &Option<String>, of: fn(&Leg) -> &Option<String>| {
        wanted.is_none() || sailing.legs.iter().any(|leg| of(leg) == wanted)
    };
    sailing.from.has_code(from)
        && sailing.to.has_code(to)
        && is(carrier, |leg| &leg.carrier)
        && is(service, |leg| &leg.service)
}

/// Tells whether a call is left out at which a leg of `sailing` begins or ends: by the place's code, the
/// number of the voyage and, where both name it, the ship.
fn is_omitted(sailing: &Sailing, omitted: &[PortCall]) -> bool {
    let is_of = |leg: &Leg, call: &PortCall| {
        let voyage = leg.voyage.as_ref();
        let begins = call.place.code == leg.from.code && call.voyage_out.as_ref() == voyage;
        let ends = call.place.code == leg.to.code && call.voyage_in.as_ref() == voyage;
        let ship = leg.vessel.as_ref().and_then(|vessel| vessel.imo.as_ref());
        let is_ship = ship.zip(call.vessel.imo.as_ref()).is_none_or(|(one, other)| one == other);
        call.place.code.is_some() && voyage.is_some() && is_ship && (begins || ends)
    };
    omitted.iter().any(|call| sailing.legs.iter().any(|leg| is_of(leg, call)))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, FixedOffset};

    use super::*;
    use crate::fact::transport::{CutOff, Place};

    fn at(day: &str) -> DateTime<FixedOffset> {
        format!("2025-{day}T08:00:00+08:00").parse().unwrap()
    }

    fn place(code: &str) -> Place {
        Place { code: Some(code.to_owned()), ..Place::default() }
    }

    /// Returns a sailing: `01 CNSHA-DEHAM MAEU 02-10 to 03-12`, with a cut-off two days before.
    fn sailing(text: &str) -> Sailing {
        let words: Vec<&str> = text.split(' ').collect();
        let [voyage, way, carrier, departs, _, arrives] = words.as_slice() else {
            panic!("{text}")
        };
        let (from, to) = way.split_once('-').unwrap();
        let (departs_at, arrives_at) = (at(departs), at(arrives));
        let leg = Leg {
            mode: None,
            from: place(from),
            to: place(to),
            departs_at,
            arrives_at,
            carrier: Some((*carrier).to_owned()),
            service: None,
            voyage: Some((*voyage).to_owned()),
            vessel: None,
        };
        let cut_off =
            CutOff { code: "FCO".to_owned(), at: departs_at - chrono::TimeDelta::days(2) };
        let (from, to, transit_days) = (place(from), place(to), None);
        let (cut_offs, legs) = (vec![cut_off], vec![leg]);
        Sailing { from, to, departs_at, arrives_at, transit_days, cut_offs, legs }
    }

    #[test]
    fn the_last_word_on_sailings_that_go_counts() {
        let told = [
            ("old", "01 CNSHA-DEHAM MAEU 02-10 to 03-12"),
            ("old", "02 CNSHA-DEHAM MAEU 02-17 to 03-19"),
            ("old", "03 CNSHA-DEHAM CMDU 02-20 to 03-22"),
            ("old", "04 CNSHA-NLRTM MAEU 02-20 to 03-22"),
            ("old", "05 CNSHA-DEHAM MAEU 01-21 to 02-22"),
            // It leaves later than was told before.
            ("new", "01 CNSHA-DEHAM MAEU 02-12 to 03-14"),
        ];
        let sailings = told.map(|(feed, text)| (feed.to_owned(), sailing(text)));
        let call = |code: &str, voyage: &str, is_in: bool| PortCall {
            place: place(code),
            voyage_in: Some(voyage.to_owned()).filter(|_| is_in),
            voyage_out: Some(voyage.to_owned()).filter(|_| !is_in),
            is_omitted: true,
            ..PortCall::default()
        };
        let asked = |carrier: Option<&str>, feed: Option<&str>, omitted: Vec<PortCall>| {
            let asked = SailingsDocument {
                from: "CNSHA".to_owned(),
                to: "DEHAM".to_owned(),
                carrier: carrier.map(str::to_owned),
                service: None,
                feed: feed.map(str::to_owned),
                before_days: 1,
                after_days: 1,
            };
            let outside = Outside { sailings: sailings.to_vec(), omitted, ..Outside::default() };
            // The cut-off of voyage 05 is over.
            let schedule = schedule(&asked, &outside, at("01-20").to_utc());
            let day = |by: DateTime<Utc>| by.format("%m-%d").to_string();
            let going = schedule.departures.iter().map(|one| day(one.hand_in_by));
            (going.collect::<Vec<_>>().join(" "), schedule.told_until.map(day).unwrap_or_default())
        };
        let cases = [
            ("all carriers", asked(None, None, Vec::new()), "02-10 02-15 02-18", "02-18"),
            ("one carrier", asked(Some("MAEU"), None, Vec::new()), "02-10 02-15", "02-15"),
            ("one feed", asked(Some("MAEU"), Some("old"), Vec::new()), "02-08 02-15", "02-15"),
            ("no carrier", asked(Some("HLCU"), None, Vec::new()), "", ""),
            (
                "omitted where it begins; it is known all the same",
                asked(Some("MAEU"), None, vec![call("CNSHA", "02", false)]),
                "02-10",
                "02-15",
            ),
            (
                "omitted where it ends",
                asked(Some("MAEU"), None, vec![call("DEHAM", "01", true)]),
                "02-15",
                "02-15",
            ),
            (
                "omitted elsewhere",
                asked(Some("MAEU"), None, vec![call("SGSIN", "01", true)]),
                "02-10 02-15",
                "02-15",
            ),
        ];
        for (name, found, going, until) in cases {
            assert_eq!(found, (going.to_owned(), until.to_owned()), "case: {name}");
        }
    }
}
