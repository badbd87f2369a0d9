//! What happened, or will, to a shipment, a transport or a box on its way.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

use super::transport::{Certainty, Place, Vessel};

/// A carrier's word on something on the way. A later word on the same id takes its place.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct TransportEvent {
    /// The carrier's id of it.
    pub id: String,
    /// When the carrier said so; a retraction may not tell.
    pub stated_at: Option<DateTime<FixedOffset>>,
    /// What happens; none where the carrier takes back what it said of this id.
    pub told: Option<Happening>,
}

/// What happens on the way.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Happening {
    /// What it is about, as the source has it: `TRANSPORT`, `SHIPMENT`, `EQUIPMENT`.
    pub kind: String,
    /// What happens, by the source's code: `DEPA`, `GTIN`.
    pub code: String,
    /// How sure it is.
    pub certainty: Certainty,
    /// When it happens.
    pub at: DateTime<FixedOffset>,
    /// Where, if it is told.
    pub place: Option<Place>,
    /// By what: `VESSEL`.
    pub mode: Option<String>,
    /// The number of the voyage, outward.
    pub voyage: Option<String>,
    /// The ship.
    pub vessel: Option<Vessel>,
    /// The box: `APZU4812090`.
    pub equipment: Option<String>,
    /// Papers and other names it belongs to, by their kind: `BKG`.
    pub references: Vec<(String, String)>,
    /// Why it is late, as the source has it: `WEA`.
    pub delay_reason: Option<String>,
    /// What else the source says.
    pub remark: Option<String>,
}

/// Returns what holds of `events`, which are in the order they came: of each id the word stated last,
/// and nothing of an id that was taken back. They are returned by the time they happen.
///
/// Of two words stated at the same time, the one behind holds; a retraction that does not tell when it
/// was stated is about all that came before it.
pub fn standing<'e>(
    events: impl IntoIterator<Item = &'e TransportEvent>,
) -> Vec<(&'e str, &'e Happening)> {
    let mut last: BTreeMap<&str, &TransportEvent> = BTreeMap::new();
    for event in events {
        let known = last.entry(&event.id).or_insert(event);
        if event.stated_at.is_none() || known.stated_at <= event.stated_at {
            *known = event;
        }
    }
    let told = last.into_iter().filter_map(|(id, event)| Some((id, event.told.as_ref()?)));
    let mut standing: Vec<_> = told.collect();
    standing.sort_by_key(|(_, happening)| happening.at);
    standing
}
