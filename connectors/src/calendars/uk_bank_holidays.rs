//! Bank holidays of the United Kingdom, by gov.uk, one almanac a division.
//!
//! **What it reads** `bank-holidays.json` (a division's `events`, days as 2025-12-25), or the file that it
//! is made from (a list a year, days as 25/12/2025, titles as keys of messages).
//! **Example** `https://www.gov.uk/bank-holidays.json`.
//! **Settings** none.

use chrono_tz::Tz;
use serde::Deserialize;
use serde_json::value::RawValue;
use upturn_core::fact::almanac::{self, Almanac, Work};

use super::{Told, day, of_years};
use crate::feed::source::Source;
use crate::feed::supply::Supply;
use crate::read::json::{self, Members};
use crate::read::{ReadError, number, text};

/// A division's name and its code.
const DIVISIONS: &[(&str, &str)] =
    &[("england-and-wales", "GB-EAW"), ("northern-ireland", "GB-NIR"), ("scotland", "GB-SCT")];

#[derive(Deserialize)]
struct Event {
    title: String,
    date: String,
    #[serde(default)]
    notes: String,
}

/// What holds for it unless settings say otherwise.
pub(crate) const SUPPLY: Supply = Supply {
    source: || Source {
        address: vec!["https://www.gov.uk/bank-holidays.json".to_owned()],
        ..Source::default()
    },
    zone: Tz::Europe__London,
    credit: "gov.uk; Open Government Licence v3.0.",
    ..Supply::CALENDARS
};

/// Reads all divisions.
pub fn read(bytes: &[u8]) -> Result<Vec<Almanac>, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    let root: Members<'_> = json::read(&text)?;
    let revision = root.get("last_updated").map(json::scalar).transpose();
    let revision = revision.map_err(|what| ReadError::at("/last_updated", what))?;
    let divisions = root.get("divisions").map(|divisions| json::part(divisions, "/divisions"));
    let divisions: Members<'_> = divisions.transpose()?.unwrap_or(root);
    let mut almanacs = Vec::new();
    for (name, division) in &divisions.0 {
        let place = format!("/{}", number::short(name));
        let known = DIVISIONS.iter().find(|(slug, _)| name.contains(slug));
        let (_, region) =
            known.ok_or_else(|| ReadError::at(&*place, "it is no division of the kingdom"))?;
        let division: Members<'_> = json::part(division, &place)?;
        let told = holidays(&division).map_err(|error| error.within(&place))?;
        let years = almanac::years(told.iter().map(|(day, ..)| *day));
        let almanac = of_years(region, &years, told)?;
        let zone = Some(Tz::Europe__London);
        let revision = revision.as_deref().map(str::to_owned);
        almanacs.push(Almanac { part: String::new(), zone, revision, ..almanac });
    }
    if almanacs.is_empty() {
        return Err(ReadError::whole("it has no divisions"));
    }
    Ok(almanacs)
}

fn holidays(division: &Members<'_>) -> Result<Vec<Told>, ReadError> {
    let mut told = Vec::new();
    for (key, events) in &division.0 {
        let is_year = key.len() == 4 && key.bytes().all(|byte| byte.is_ascii_digit());
        if !is_year && key != "events" {
            continue;
        }
        let events: Vec<&RawValue> = json::part(events, &format!("/{key}"))?;
        for (index, event) in events.into_iter().enumerate() {
            let place = format!("/{key}/{index}");
            let event: Event = json::part(event, &place)?;
            let at = |what| ReadError::at(format!("{place}/date"), what);
            let on = if event.date.contains('/') {
                day(&event.date, "%d/%m/%Y", "25/12/2025")
            } else {
                day(&event.date, "%Y-%m-%d", "2025-12-25")
            };
            let on = on.map_err(at)?;
            if is_year && !on.to_string().starts_with(&**key) {
                return Err(at(format!("it is not in {key}")));
            }
            told.push((on, Work::Off, named(&event.title, &event.notes)));
        }
    }
    Ok(told)
}

/// Returns a title for people; a key of a message is its last part.
fn named(title: &str, notes: &str) -> String {
    let plain = |key: &str| key.rsplit('.').next().unwrap_or(key).replace('_', " ");
    let title = if title.contains(' ') { title.to_owned() } else { plain(title) };
    match notes {
        "" => title,
        notes if notes.contains(' ') => format!("{title} ({notes})"),
        notes => format!("{title} ({})", plain(notes)),
    }
}
