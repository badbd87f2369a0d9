//! Sailings of feeds as the departures of a lane.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use self::omissions::Omissions;
use super::Outside;
use crate::calendar::shipping::schedule::{Departure, Schedule};
use crate::fact::sailing::identity::{self, Details, Key};
use crate::fact::sailing::{Leg, Sailing};
use crate::stock::stocking::SailingsDocument;

mod omissions;

/// Departures of a lane that are looked at, the first ones.
const DEPARTURES_MAX: usize = 1_000;
/// Sailings of one carrier that share ports and voyage and differ by service or ship; the rest of them are
/// left out.
const TWINS_MAX: usize = 50;

/// What feeds tell of sailings, to be asked for by ports.
#[derive(Debug)]
pub(super) struct Sailings<'o> {
    /// By the codes of their ends, each with its feed, in the order in which they came into force.
    by_ends: BTreeMap<(&'o str, &'o str), Vec<(&'o str, &'o Sailing)>>,
    omissions: Omissions<'o>,
}

/// The last word on a sailing, with what only earlier ones tell of service and ship.
#[derive(Debug)]
struct Standing<'o> {
    sailing: &'o Sailing,
    details: Details<'o>,
}

impl<'o> Sailings<'o> {
    /// Takes those of `outside` that tell the codes of their ends.
    pub(super) fn of(outside: &'o Outside) -> Self {
        let mut by_ends: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (feed, sailing) in &outside.sailings {
            let codes = (sailing.from.code.as_deref(), sailing.to.code.as_deref());
            if let (Some(from), Some(to)) = codes {
                by_ends.entry((from, to)).or_default().push((&**feed, sailing));
            }
        }
        Self { by_ends, omissions: Omissions::of(&outside.omitted) }
    }

    /// Returns what the feeds that are `asked` tell between its ends, each with its feed.
    pub(super) fn told<'s>(
        &'s self,
        asked: &'s SailingsDocument,
    ) -> impl Iterator<Item = &'s (&'o str, &'o Sailing)> {
        let told = self.by_ends.get(&(&*asked.from, &*asked.to)).into_iter().flatten();
        told.filter(|(feed, _)| asked.feed.as_ref().is_none_or(|one| one == feed))
    }

    /// Returns what feeds tell after `as_of` of the sailings that are `asked` for. Of one that several
    /// tell, the word counts that came into force last; what is omitted does not go, but is known.
    pub(super) fn schedule(&self, asked: &SailingsDocument, as_of: DateTime<Utc>) -> Schedule {
        let told: Vec<&Sailing> = self.told(asked).map(|(_, sailing)| *sailing).collect();
        // Only then what is over: a last word that moved a sailing there takes earlier ones with it.
        let standing = last_words(&told).into_iter();
        let standing = standing.filter(|one| one.is_asked(asked)).map(|one| one.sailing);
        let mut sailings: Vec<&Sailing> =
            standing.filter(|sailing| as_of < sailing.hand_in_by()).collect();
        sailings.sort_by_key(|sailing| (sailing.departs_at, sailing.arrives_at));
        sailings.truncate(DEPARTURES_MAX);
        let going = sailings.iter().filter(|sailing| !self.omissions.has_of(sailing));
        Schedule {
            departures: going.map(|sailing| departure(sailing)).collect(),
            told_until: sailings.iter().map(|sailing| sailing.hand_in_by().to_utc()).max(),
            before_days: asked.before_days,
            after_days: asked.after_days,
        }
    }
}

/// Returns the last word on each sailing of `told`, in the order of their keys.
fn last_words<'o>(told: &[&'o Sailing]) -> Vec<Standing<'o>> {
    let mut standing: BTreeMap<Key<'o>, Vec<Standing<'o>>> = BTreeMap::new();
    for sailing in told.iter().rev() {
        let (key, details) = identity::of(sailing);
        let twins = standing.entry(key).or_default();
        if let Some(later) = twins.iter_mut().find(|one| one.details.agrees(&details)) {
            later.details.join(&details);
        } else if twins.len() < TWINS_MAX {
            twins.push(Standing { sailing, details });
        }
    }
    standing.into_values().flatten().collect()
}

impl Standing<'_> {
    fn is_asked(&self, SailingsDocument { carrier, service, .. }: &SailingsDocument) -> bool {
        let is = |wanted: &Option<String>, of: fn(&Leg) -> &Option<String>| {
            wanted.is_none() || self.sailing.legs.iter().any(|leg| of(leg) == wanted)
        };
        let is_of_service = service.as_ref().is_some_and(|one| self.details.has_service(one));
        is(carrier, |leg| &leg.carrier) && (is_of_service || is(service, |leg| &leg.service))
    }
}

fn departure(sailing: &Sailing) -> Departure {
    let hand_in_by = sailing.hand_in_by().to_utc();
    Departure { hand_in_by, arrives_on: sailing.arrives_at.date_naive() }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, FixedOffset};

    use super::*;
    use crate::fact::port_call::PortCall;
    use crate::fact::transport::{CutOff, Place, Vessel};

    fn at(day: &str) -> DateTime<FixedOffset> {
        format!("2025-{day}T08:00:00+08:00").parse().unwrap()
    }

    fn place(code: &str) -> Place {
        Place { code: Some(code.to_owned()), ..Place::default() }
    }

    /// Returns a sailing: `01 CNSHA-DEHAM MAEU 02-10 to 03-12`, with a cut-off two days before, and maybe
    /// with its service and the ship's number: `AE7 9321483`.
    fn sailing(text: &str) -> Sailing {
        let words: Vec<&str> = text.split(' ').collect();
        let [voyage, way, carrier, departs, _, arrives, more @ ..] = words.as_slice() else {
            panic!("{text}")
        };
        let detail = |index: usize| more.get(index).map(|text| (*text).to_owned());
        let (from, to) = way.split_once('-').unwrap();
        let (departs_at, arrives_at) = (at(departs), at(arrives));
        let leg = Leg {
            mode: None,
            from: place(from),
            to: place(to),
            departs_at,
            arrives_at,
            carrier: Some((*carrier).to_owned()),
            service: detail(0),
            voyage: Some((*voyage).to_owned()),
            vessel: detail(1).map(|imo| Vessel { imo: Some(imo), ..Vessel::default() }),
        };
        let cut_off =
            CutOff { code: "FCO".to_owned(), at: departs_at - chrono::TimeDelta::days(2) };
        let (from, to, transit_days) = (place(from), place(to), None);
        let (cut_offs, legs) = (vec![cut_off], vec![leg]);
        Sailing { from, to, departs_at, arrives_at, transit_days, cut_offs, legs }
    }

    fn document(carrier: Option<&str>, service: Option<&str>) -> SailingsDocument {
        SailingsDocument {
            from: "CNSHA".to_owned(),
            to: "DEHAM".to_owned(),
            carrier: carrier.map(str::to_owned),
            service: service.map(str::to_owned),
            feed: None,
            before_days: 1,
            after_days: 1,
        }
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
            let feed = feed.map(str::to_owned);
            let asked = SailingsDocument { feed, ..document(carrier, None) };
            let outside = Outside { sailings: sailings.to_vec(), omitted, ..Outside::default() };
            // The cut-off of voyage 05 is over.
            let schedule = Sailings::of(&outside).schedule(&asked, at("01-20").to_utc());
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
    #[test]
    fn what_earlier_words_tell_of_service_and_ship_is_known_of_the_last() {
        let schedule = "01 CNSHA-DEHAM MAEU 02-10 to 03-12 AE7 9321483";
        let sheet = "01 CNSHA-DEHAM MAEU 02-12 to 03-14";
        let twin = "01 CNSHA-DEHAM MAEU 02-14 to 03-16 AE7 9303807";
        let asked = |told: &[&str], service: Option<&str>| {
            let asked = document(None, service);
            let sailings = told.iter().map(|text| ("feed".to_owned(), sailing(text))).collect();
            let outside = Outside { sailings, ..Outside::default() };
            let schedule = Sailings::of(&outside).schedule(&asked, at("01-20").to_utc());
            let days = schedule.departures.iter().map(|one| one.hand_in_by.format("%m-%d"));
            days.map(|day| day.to_string()).collect::<Vec<_>>().join(" ")
        };
        let cases: [(&str, &[&str], Option<&str>, &str); 6] = [
            ("the sheet moves it", &[schedule, sheet], Some("AE7"), "02-10"),
            ("in another service", &[schedule, sheet], Some("AE1"), ""),
            ("the schedule moves it back", &[sheet, schedule], None, "02-08"),
            ("the sheet tells no service", &[sheet], Some("AE7"), ""),
            ("two ships have one number of voyage", &[schedule, twin], None, "02-08 02-12"),
            (
                "the sheet's is the one told last before it",
                &[schedule, twin, sheet],
                None,
                "02-08 02-10",
            ),
        ];
        for (name, told, service, expected) in cases {
            assert_eq!(asked(told, service), expected, "case: {name}");
        }
    }
}
