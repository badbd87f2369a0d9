//! Calendars, places and the lanes between them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;
use rust_decimal::Decimal;
use upturn_core::calendar::Calendar;
use upturn_core::calendar::hours::Minute;
use upturn_core::calendar::shipping::{Exception, Terms, Transit, TransitError};
use upturn_core::stock::plan::loops::Loops;
use upturn_core::stock::plan::setting::{CalendarIndex, Lane, Place, PlaceIndex, PlaceKind};

use super::{Loader, cell, next_index};
use crate::registry::table::{Row, Table};

pub(super) const CALENDARS: Table = Table {
    file: "calendars.csv",
    required: &["calendar", "entry"],
    optional: &["from", "to", "value"],
};
pub(super) const PLACES: Table = Table {
    file: "places.csv",
    required: &["place", "calendar"],
    optional: &["name", "kind", "review_days"],
};
pub(super) const LANES: Table = Table {
    file: "lanes.csv",
    required: &["lane", "from", "to", "carrier_calendar", "transit_days"],
    optional: &["slack", "departures", "cut_off", "hold_days", "last_pickup_on", "pickup_again_on"],
};

const WEEK: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// The share of shipments that a planned transit covers, if the lane does not say.
const SLACK: Decimal = Decimal::from_parts(9, 0, 0, false, 1);
/// The longest closure over which goods wait, if the lane does not say: a long weekend.
const HOLD_DAYS: u32 = 4;
/// Days between reviews that anybody plans with.
const REVIEW_DAYS_MAX: u32 = 366;

/// A calendar while its rows are read.
#[derive(Debug, Default)]
struct Draft {
    line: u64,
    zone: Option<Tz>,
    week: Option<[bool; 7]>,
    revision: Option<Box<str>>,
    announced_until: Option<NaiveDate>,
    exceptions: Vec<Exception>,
}

impl Loader<'_> {
    pub(super) fn read_calendars(&mut self) -> bool {
        let mut drafts: BTreeMap<String, Draft> = BTreeMap::new();
        let is_read = self.rows(&CALENDARS, |_, row| {
            let name = cell::text(row, "calendar")?;
            let draft = drafts.entry(name.to_owned()).or_default();
            draft.line = draft.line.max(row.line);
            draft.take(row)
        });
        for (name, draft) in drafts {
            let line = draft.line;
            let index = self.setting.calendars.len();
            match draft.finish().and_then(|calendar| Ok((calendar, next_index(index)?))) {
                Ok((calendar, index)) => {
                    self.setting.calendars.push(calendar);
                    self.calendars.insert(name.into(), CalendarIndex(index));
                }
                Err(message) => {
                    let message = format!("calendar '{name}': {message}");
                    self.problems.report(&self.folder.join(CALENDARS.file), Some(line), message);
                }
            }
        }
        is_read
    }

    pub(super) fn read_places(&mut self) -> bool {
        self.rows(&PLACES, |loader, row| {
            let id = cell::text(row, "place")?;
            if loader.places.contains_key(id) {
                return Err(format!("place '{id}' stands twice; remove one"));
            }
            let kind = match row.find("kind").unwrap_or("site") {
                "site" => PlaceKind::Site,
                "supplier" => PlaceKind::Supplier,
                other => return Err(format!("kind is '{other}'; write site or supplier")),
            };
            let review_days = cell::count(row, "review_days", 1)?;
            let review_days = u16::try_from(review_days)
                .ok()
                .filter(|_| (1..=REVIEW_DAYS_MAX).contains(&review_days))
                .ok_or_else(|| format!("review_days is {review_days}; write 1 to 366"))?;
            let calendar = loader.calendar(row, "calendar")?;
            let index = PlaceIndex(next_index(loader.setting.places.len())?);
            loader.setting.places.push(Place { id: id.into(), kind, calendar, review_days });
            loader.places.insert(id.into(), index);
            Ok(())
        })
    }

    pub(super) fn read_lanes(&mut self) -> bool {
        let mut names = BTreeSet::new();
        self.rows(&LANES, |loader, row| {
            let id = cell::text(row, "lane")?;
            if names.contains(id) {
                return Err(format!("lane '{id}' stands twice; remove one"));
            }
            let (from, to) = (loader.place(row, "from")?, loader.place(row, "to")?);
            if from == to {
                return Err("from and to are the same place; a lane leads to another".to_owned());
            }
            let carrier = loader.calendar(row, "carrier_calendar")?;
            let terms = terms(row)?;
            names.insert(id.to_owned());
            let (id, schedule) = (id.into(), None);
            loader.setting.lanes.push(Lane { id, from, to, carrier, terms, schedule });
            loader.lane_lines.push(row.line);
            Ok(())
        })
    }

    /// Names the cycles of lanes that nothing reaches from outside, each at its first lane.
    pub(super) fn report_cycles(&mut self) {
        for cycle in Loops::of(&self.setting).cycles() {
            let mut lanes = self.setting.lanes.iter().zip(&self.lane_lines);
            let line = lanes.find(|(lane, _)| cycle.has(lane)).map(|(_, line)| *line);
            let message = format!(
                "a cycle: {}; no supplier, no production and no other place sends anything there; advice \
                 to these places is marked; add a lane from a supplier",
                cycle.name(&self.setting)
            );
            self.problems.report(&self.folder.join(LANES.file), line, message);
        }
    }

    fn calendar(&self, row: Row<'_>, column: &str) -> Result<CalendarIndex, String> {
        let name = cell::text(row, column)?;
        let found = self.calendars.get(name).copied();
        found.ok_or_else(|| format!("calendar '{name}' is not in calendars.csv, or wrong there"))
    }
}

fn terms(row: Row<'_>) -> Result<Terms, String> {
    let transit: Transit = cell::text(row, "transit_days")?
        .parse()
        .map_err(|error: TransitError| error.to_string())?;
    let slack: Decimal = cell::find(row, "slack", "a share, as 0.9")?.unwrap_or(SLACK);
    if slack <= Decimal::ZERO || Decimal::ONE < slack {
        return Err(format!("slack is {slack}; write a share above 0 and up to 1, as 0.9"));
    }
    let departs_on = row.find("departures").map_or(Ok([true; 7]), week)?;
    let cut_off = row.find("cut_off");
    let cut_off = cut_off
        .map(|text| {
            Minute::parse(text).ok_or_else(|| format!("cut_off is '{text}'; write it as 16:00"))
        })
        .transpose()?;
    let hold_days = cell::count(row, "hold_days", HOLD_DAYS)?;
    let hold_days = u16::try_from(hold_days).map_err(|_| "hold_days is too large".to_owned())?;
    let last_pickup_on = cell::find_day(row, "last_pickup_on")?;
    let pickup_again_on = cell::find_day(row, "pickup_again_on")?;
    match (last_pickup_on, pickup_again_on) {
        (None, Some(_)) => {
            return Err("pickup_again_on stands without last_pickup_on; add it".to_owned());
        }
        (Some(last), Some(again)) if again <= last => {
            return Err(format!("pickup_again_on, {again}, is not after last_pickup_on, {last}"));
        }
        (Some(_) | None, Some(_) | None) => {}
    }
    Ok(Terms { transit, slack, departs_on, cut_off, last_pickup_on, pickup_again_on, hold_days })
}

/// Reads days of the week: `mon wed fri`.
fn week(text: &str) -> Result<[bool; 7], String> {
    let mut week = [false; 7];
    for word in text.split([' ', ';']).filter(|word| !word.is_empty()) {
        let place = WEEK.iter().position(|day| *day == word);
        match place.and_then(|place| week.get_mut(place)) {
            Some(day) => *day = true,
            None => return Err(format!("'{word}' is no day; write them as: mon tue wed")),
        }
    }
    if week.contains(&true) { Ok(week) } else { Err("no day of the week; name one".to_owned()) }
}

impl Draft {
    fn take(&mut self, row: Row<'_>) -> Result<(), String> {
        match cell::text(row, "entry")? {
            "zone" => {
                let name = cell::text(row, "value")?;
                let zone = name.parse().ok();
                self.zone = Some(zone.ok_or_else(|| {
                    format!("'{name}' is no zone; use an IANA name, as Asia/Shanghai")
                })?);
            }
            "week" => self.week = Some(week(cell::text(row, "value")?)?),
            "revision" => self.revision = Some(cell::text(row, "value")?.into()),
            "announced" => self.announced_until = Some(cell::day(row, "to")?),
            entry @ ("open" | "closed") => {
                let (first_on, last_on) = cell::days(row)?;
                let name = row.find("value").unwrap_or_default().into();
                let is_open = entry == "open";
                self.exceptions.push(Exception { first_on, last_on, is_open, name });
            }
            other => {
                return Err(format!(
                    "entry is '{other}'; write zone, week, revision, announced, open or closed"
                ));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Calendar, String> {
        let zone = self.zone.ok_or("it has no zone; add a row: zone,,,Asia/Shanghai")?;
        let week = self.week.ok_or("it has no week; add a row: week,,,mon tue wed thu fri")?;
        let revision = self.revision.unwrap_or_default();
        Calendar::of_workdays(zone, week, self.exceptions)
            .map(|calendar| calendar.known(revision, self.announced_until))
            .map_err(|error| error.to_string())
    }
}
