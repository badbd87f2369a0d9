//! Calls of ships at ports, with every revision of their times, and how far first words were off.

use chrono::{DateTime, FixedOffset, TimeDelta};
use serde::{Deserialize, Serialize};

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
