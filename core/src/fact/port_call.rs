//! Calls of ships at ports, with every revision of their times, and how far first words were off.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::known::{Known, known_at};
use super::transport::{Certainty, CutOff, Place, Vessel};

/// A ship's call at a port, as one source tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct PortCall {
    /// The source's own name for the call.
    pub reference: Option<String>,
    /// Where.
    pub place: Place,
    /// The ship.
    pub vessel: Vessel,
    /// The carrier's code.
    pub carrier: Option<String>,
    /// The carrier's code or name of the service.
    pub service: Option<String>,
    /// The number of the voyage that arrives.
    pub voyage_in: Option<String>,
    /// The number of the voyage that departs.
    pub voyage_out: Option<String>,
    /// The ship passes the port by, or does not sail at all.
    pub is_omitted: bool,
    /// How the call stands, as the source has it: `OMIT`, `确报`.
    pub status: Option<String>,
    /// When it arrives and departs, each time with how sure it is.
    pub times: Vec<CallTime>,
    /// The last times to hand in.
    pub cut_offs: Vec<CutOff>,
    /// When the terminal takes boxes for it.
    pub receiving: Option<Receiving>,
    /// When the source said so, if it tells.
    pub stated_at: Option<DateTime<FixedOffset>>,
    /// What the source said before, in the order it was said; the last of each kind is what holds.
    pub revisions: Vec<Revision>,
    /// What could not be read and is left to a person: a field and its text.
    pub unread: Vec<(String, String)>,
}

/// A time of a call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct CallTime {
    /// What happens.
    pub turn: Turn,
    /// How sure it is.
    pub certainty: Certainty,
    /// When, by the place's clock.
    pub at: DateTime<FixedOffset>,
    /// Why it is late, as the source has it: `WEA`.
    pub delay_reason: Option<String>,
    /// What else the source says: `published monthly`.
    pub remark: Option<String>,
}

/// What a ship does at a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Turn {
    /// It comes.
    Arrival,
    /// It goes.
    Departure,
}

/// From when until when a terminal takes boxes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Receiving {
    /// From when, if it is set.
    pub from: Option<DateTime<FixedOffset>>,
    /// Until when, if it is set.
    pub until: Option<DateTime<FixedOffset>>,
}

/// Something that was said of a call at a time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Revision {
    /// When it was said.
    pub stated_at: DateTime<FixedOffset>,
    /// What was said.
    #[serde(flatten)]
    pub said: Said,
}

/// What can be said of a call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Said {
    /// It arrives then.
    Arrival(DateTime<FixedOffset>),
    /// It departs then.
    Departure(DateTime<FixedOffset>),
    /// It is left out, or it is not.
    Omitted(bool),
}

/// How much later ships came than was said first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slack {
    /// The delay that the asked percentage of calls kept within.
    pub delay: TimeDelta,
    /// How many calls it is reckoned from.
    pub count: usize,
}

impl PortCall {
    /// Returns the surest time of `turn`: of equally sure ones the last that the source names.
    pub fn time_of(&self, turn: Turn) -> Option<&CallTime> {
        self.times.iter().filter(|time| time.turn == turn).max_by_key(|time| time.certainty)
    }

    /// Returns what tells it from other calls of the same source.
    fn key(&self) -> [Option<&str>; 6] {
        if let Some(reference) = &self.reference {
            return [Some(reference), None, None, None, None, None];
        }
        let ship = self.vessel.imo.as_deref().or(self.vessel.name.as_deref());
        let place = &self.place;
        [
            None,
            ship,
            self.voyage_in.as_deref(),
            self.voyage_out.as_deref(),
            place.code.as_deref(),
            place.facility.as_deref(),
        ]
    }

    /// Adds what `said`, stated at `stated_at`, tells otherwise than the revisions do.
    fn revise(&mut self, said: &Self, stated_at: DateTime<FixedOffset>) {
        let time = |turn| said.time_of(turn).map(|time| time.at);
        let words = [
            time(Turn::Arrival).map(Said::Arrival),
            time(Turn::Departure).map(Said::Departure),
            Some(Said::Omitted(said.is_omitted)),
        ];
        for said in words.into_iter().flatten() {
            let kind = std::mem::discriminant(&said);
            let mut before = self.revisions.iter().rev().map(|revision| &revision.said);
            let last = before.find(|word| std::mem::discriminant(*word) == kind);
            // That it is not left out goes without saying.
            if last != Some(&said) && (last.is_some() || said != Said::Omitted(false)) {
                self.revisions.push(Revision { stated_at, said });
            }
        }
    }

    /// Returns how much later the last word on its arrival is than the first.
    ///
    /// `None` for a call that is left out, or whose arrival was never told.
    pub fn delay(&self) -> Option<TimeDelta> {
        if self.is_omitted {
            return None;
        }
        let mut arrivals = self.revisions.iter().filter_map(|revision| match revision.said {
            Said::Arrival(at) => Some(at),
            Said::Departure(_) | Said::Omitted(_) => None,
        });
        let first = arrivals.next()?;
        Some(arrivals.next_back().unwrap_or(first) - first)
    }
}

/// Returns each call as it is known at `now`, with all that was said of it before as its revisions.
///
/// Sources that tell only what holds leave a history behind in what was known at which time. A call is
/// the same by the source's own reference, else by ship, voyage and place.
pub fn with_history(known: &[Known<PortCall>], now: DateTime<Utc>) -> Vec<PortCall> {
    let mut calls: Vec<PortCall> = Vec::new();
    let mut index: BTreeMap<_, usize> = BTreeMap::new();
    for one in known_at(known, now) {
        let said_at = one.said.stated_at.unwrap_or_else(|| one.known_at.fixed_offset());
        let place = *index.entry((&one.source, one.said.key())).or_insert(calls.len());
        let Some(call) = calls.get_mut(place) else {
            let mut call = one.said.clone();
            call.revise(&one.said, said_at);
            calls.push(call);
            continue;
        };
        let mut revisions = std::mem::take(&mut call.revisions);
        *call = one.said.clone();
        std::mem::swap(&mut call.revisions, &mut revisions);
        for own in revisions {
            if !call.revisions.contains(&own) {
                call.revisions.push(own);
            }
        }
        call.revise(&one.said, said_at);
    }
    calls
}

/// Returns the delay that `percent` of the calls kept within, by the nearest rank.
///
/// `None` where no call has a delay, or `percent` is above 100.
pub fn slack<'c>(calls: impl IntoIterator<Item = &'c PortCall>, percent: u8) -> Option<Slack> {
    let mut delays: Vec<_> = calls.into_iter().filter_map(PortCall::delay).collect();
    delays.sort_unstable();
    let count = delays.len();
    if 100 < percent {
        return None;
    }
    let rank = (count * usize::from(percent)).div_ceil(100).max(1);
    Some(Slack { delay: *delays.get(rank - 1)?, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<FixedOffset> {
        DateTime::parse_from_rfc3339(text).unwrap()
    }

    fn told(known: &str, voyage: &str, arrives: &str, is_omitted: bool) -> Known<PortCall> {
        let time = CallTime {
            turn: Turn::Arrival,
            certainty: Certainty::Estimated,
            at: at(arrives),
            delay_reason: None,
            remark: None,
        };
        let voyage_in = Some(voyage.to_owned());
        let said = PortCall { voyage_in, is_omitted, times: vec![time], ..PortCall::default() };
        Known { source: "dcsa".into(), known_at: at(known).to_utc(), said }
    }

    #[test]
    fn what_was_known_before_is_the_history_of_a_call() {
        let known = [
            told("2025-01-01T00:00:00Z", "A", "2025-02-01T00:00:00Z", false),
            told("2025-01-02T00:00:00Z", "A", "2025-02-01T00:00:00Z", false),
            told("2025-01-03T00:00:00Z", "A", "2025-02-03T00:00:00Z", false),
            told("2025-01-03T00:00:00Z", "B", "2025-02-09T00:00:00Z", false),
            told("2025-01-04T00:00:00Z", "B", "2025-02-09T00:00:00Z", true),
            told("2025-01-05T00:00:00Z", "A", "2025-02-02T12:00:00Z", false),
        ];
        let asked = |now: &str| {
            let calls = with_history(&known, at(now).to_utc());
            let shown = |call: &PortCall| {
                (call.revisions.len(), call.delay().map(|delay| delay.num_hours()))
            };
            (calls.iter().map(shown).collect::<Vec<_>>(), slack(&calls, 90))
        };
        assert_eq!(asked("2025-01-02T12:00:00Z").0, [(1, Some(0))]);
        assert_eq!(asked("2025-01-03T12:00:00Z").0, [(2, Some(48)), (1, Some(0))]);
        let (calls, slack) = asked("2025-01-06T00:00:00Z");
        assert_eq!(calls, [(3, Some(36)), (2, None)]);
        assert_eq!(slack, Some(Slack { delay: TimeDelta::hours(36), count: 1 }));
        assert!(asked("2024-12-31T00:00:00Z").0.is_empty());
    }
}
