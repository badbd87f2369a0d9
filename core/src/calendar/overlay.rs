//! What operations know of one site, supplier or carrier beyond the public calendar: a factory stops
//! longer than the public holiday.
//!
//! ```toml
//! for = "supplier:acme"             # whom: site, supplier or carrier, and its id
//! revision = "2024-12-01"
//!
//! [[widen]]                         # every window with this in its name, each year anew
//! window = "Spring Festival"
//! before = 3                        # days it begins earlier
//! after = 7                         # days it ends later
//!
//! [[override]]                      # days by date, as in a calendar document; they win
//! from = "2025-08-04"
//! to = "2025-08-08"
//! hours = []
//! name = "stocktaking"
//! ```

use std::fmt;

use chrono::Days;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::de::DeTable;

use super::document::{CalendarError, Entry, Fault, Reader};
use super::hours::Hours;
use super::told::Told;
use super::{Calendar, Override};

const KEYS: &[&str] = &["for", "revision", "widen", "override"];
const WIDEN_KEYS: &[&str] = &["window", "before", "after"];
/// How many days a window may be widened on a side.
const WIDER_MAX: i64 = 60;

/// Whose days they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
pub struct Party {
    /// What it is.
    pub kind: PartyKind,
    /// Its id.
    pub id: Box<str>,
}

/// What a party is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartyKind {
    /// A place of one's own, or of a customer.
    Site,
    /// Who makes or sells goods.
    Supplier,
    /// Who moves them.
    Carrier,
}

/// What is known of a party's days beyond the public calendar.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Overlay {
    /// Whose days they are.
    pub party: Party,
    /// Which revision of it, as the document says.
    pub revision: Box<str>,
    widen: Vec<Wider>,
    overrides: Vec<Override>,
}

/// How much earlier and later windows of a name begin and end.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wider {
    /// What their names have in them: `Spring Festival`.
    pub window: Box<str>,
    /// How many days each begins earlier, 0 to 60. Default: none.
    #[serde(default)]
    #[schemars(range(max = 60))]
    pub before: u8,
    /// How many days each ends later, 0 to 60. Default: none.
    #[serde(default)]
    #[schemars(range(max = 60))]
    pub after: u8,
}

impl Overlay {
    /// Returns the overlay that a TOML document describes, or everything that is wrong with it.
    pub fn from_toml(text: &str) -> Result<Self, Vec<CalendarError>> {
        Reader::read(text, overlay)
    }

    /// Returns the names to be widened that no holiday of `calendar` has: mistyped, or not announced.
    pub fn unmatched<'o>(&'o self, calendar: &Calendar) -> Vec<&'o str> {
        calendar.without_windows(&self.widen)
    }
}

impl Wider {
    /// Returns whether it is within the bounds.
    pub fn is_bounded(&self) -> bool {
        let is_bounded = |days: u8| i64::from(days) <= WIDER_MAX;
        is_bounded(self.before) && is_bounded(self.after)
    }

    fn is_of(&self, window: &Override) -> bool {
        window.hours.is_day_off() && window.name.contains(&*self.window)
    }
}

impl Calendar {
    /// Returns the names to be widened that no holiday here has.
    pub(crate) fn without_windows<'w>(&self, widen: &'w [Wider]) -> Vec<&'w str> {
        let is_there = |wider: &&Wider| self.overrides.iter().any(|own| wider.is_of(own));
        widen.iter().filter(|wider| !is_there(wider)).map(|wider| &*wider.window).collect()
    }

    /// Returns this calendar with windows widened, but for the days of `own`. Inside of them nobody works,
    /// also on a make-up workday.
    #[must_use]
    pub(crate) fn widened(&self, widen: &[Wider], own: &Self) -> Self {
        let mut told = self.with_wider(widen);
        told.lay_all(&own.overrides);
        Self { overrides: told.into_overrides(), ..self.clone() }
    }

    fn with_wider(&self, widen: &[Wider]) -> Told {
        let mut told = Told::default();
        told.lay_all(&self.overrides);
        for wider in widen {
            for window in self.overrides.iter().filter(|own| wider.is_of(own)) {
                let first = window.first_on.checked_sub_days(Days::new(wider.before.into()));
                let last = window.last_on.checked_add_days(Days::new(wider.after.into()));
                let (Some(first), Some(last)) = (first, last) else { continue };
                told.lay(first, last, Hours::default(), &window.name);
            }
        }
        told
    }

    /// Returns the calendar of a party: this one with its windows widened and its own days.
    #[must_use]
    pub fn with_overlay(&self, overlay: &Overlay) -> Self {
        let mut told = self.with_wider(&overlay.widen);
        told.lay_all(&overlay.overrides);
        let revision = format!("{}; {} {}", self.revision, overlay.party, overlay.revision);
        Self { revision: revision.into(), overrides: told.into_overrides(), ..self.clone() }
    }
}

fn overlay(reader: &mut Reader<'_>, root: &DeTable<'_>) -> Option<Overlay> {
    reader.refuse_unknown(root, "an overlay", KEYS);
    let party = reader.required(root, "for", "for = \"supplier:acme\"");
    let party = party.and_then(|entry| read_party(reader, entry));
    let revision = reader.required(root, "revision", "revision = \"2025-11-04\"");
    let revision = revision.and_then(|entry| reader.text(entry, "revision"));
    let widen = root.get("widen").map(|entry| read_widen(reader, entry)).unwrap_or_default();
    let overrides = root.get("override").map(|entry| reader.overrides(entry)).unwrap_or_default();
    Some(Overlay { party: party?, revision: revision?, widen, overrides })
}

fn read_party(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Option<Party> {
    let text = reader.text(entry, "for")?;
    let party = text.split_once(':').and_then(|(kind, id)| {
        let kind = match kind {
            "site" => PartyKind::Site,
            "supplier" => PartyKind::Supplier,
            "carrier" => PartyKind::Carrier,
            _ => return None,
        };
        (!id.trim().is_empty()).then(|| Party { kind, id: id.trim().into() })
    });
    if party.is_none() {
        reader.report(entry.span().start, Fault::Party(text));
    }
    party
}

fn read_widen(reader: &mut Reader<'_>, entry: &Entry<'_>) -> Vec<Wider> {
    const EXAMPLE: &str = "[[widen]] before the keys of each";
    let Some(array) = entry.get_ref().as_array() else {
        reader.mistyped(entry, "widen", EXAMPLE);
        return Vec::new();
    };
    let mut found = Vec::new();
    for item in array {
        let Some(table) = item.get_ref().as_table() else {
            reader.mistyped(item, "widen", EXAMPLE);
            continue;
        };
        reader.refuse_unknown(table, "a widened window", WIDEN_KEYS);
        let Some(window) = table.get("window").and_then(|name| reader.text(name, "window")) else {
            let example = "window = \"Spring Festival\"";
            let place = "the widened window";
            reader.report(item.span().start, Fault::Missing { place, key: "window", example });
            continue;
        };
        let mut count = |key| table.get(key).map_or(Some(0), |entry| days(reader, entry, key));
        let (before, after) = (count("before"), count("after"));
        if let (Some(before), Some(after)) = (before, after) {
            found.push(Wider { window, before, after });
        }
    }
    found
}

fn days(reader: &mut Reader<'_>, entry: &Entry<'_>, key: &str) -> Option<u8> {
    let Some(integer) = entry.get_ref().as_integer() else {
        reader.mistyped(entry, key, "a number of days: 7");
        return None;
    };
    let days = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
    let days = days.filter(|days| (0..=WIDER_MAX).contains(days));
    if days.is_none() {
        reader.report(entry.span().start, Fault::Wider { key: key.into(), max: WIDER_MAX });
    }
    days.and_then(|days| u8::try_from(days).ok())
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            PartyKind::Site => "site",
            PartyKind::Supplier => "supplier",
            PartyKind::Carrier => "carrier",
        };
        write!(f, "{kind}:{}", self.id)
    }
}
