//! Single departures from a sheet that a carrier sends or operations keep, a row each.
//!
//! **What it reads** JSON, XML and delimited text. A row tells from where to where, in two columns or in
//! one (`CNSHA-NLRTM`), the day it departs, and when it arrives: a day, or how many days it takes. Days
//! are those of `zone`: goods are to be there before the day of departure begins, and arrive by the end
//! of the day of arrival. A row that says less, has fewer or more cells than the head, or stands there
//! twice, is kept as it is for a person, and so is a head other than the one agreed on; if most rows are
//! such, the sheet is refused.
//! **Example** `format = "csv"`, `zone = "Asia/Shanghai"`, `columns = ["lane", "depart", "transit"]`.
//! **Settings** [`Settings`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, FixedOffset, NaiveDate, NaiveTime};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Deserialize;
use upturn_core::fact::Fact;
use upturn_core::fact::sailing::{HAND_IN, Leg, Sailing};
use upturn_core::fact::transport::{CutOff, Place, Vessel};
use upturn_core::fact::unread::Unread;

use super::bounded;
use crate::read::table::{Cells, Format, Layout, Table, path, texts};
use crate::read::tree::{Node, Path, Spot};
use crate::read::{ReadError, number};

/// The most days that a departure is believed to take.
const DAYS_MAX: u32 = 365;
/// The most rows that are kept unread, each with its reason.
const UNREAD_MAX: usize = 100;
/// How long the code of a place may be.
const CODE_MAX: usize = 20;

/// Where a sheet of departures has what, by paths as [`Layout`] tells them. Each default is the
/// setting's name.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What the document is. Its `zone` is that of all days.
    #[serde(flatten)]
    pub layout: Layout,
    /// `csv`: the names of the columns in the order agreed on with who sends the sheet. Another head is
    /// looked at by a person. Default: any.
    #[serde(default, deserialize_with = "texts")]
    pub columns: Vec<String>,
    /// From where to where, divided by `-`: `CNSHA-NLRTM`. Where there is no such column, `from` and
    /// `to` tell it.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub lane: Option<Path>,
    /// Where goods are handed in, by its code.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub from: Option<Path>,
    /// Where they are handed out, by its code.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub to: Option<Path>,
    /// The day it departs.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub depart: Option<Path>,
    /// The day it arrives; may be empty.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub arrive: Option<Path>,
    /// How many days it takes; may be empty.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub transit: Option<Path>,
    /// How many days it takes where the sheet does not tell it, 0 to 365. Default: none; such a row is
    /// not read.
    #[serde(default)]
    #[schemars(range(max = 365))]
    pub transit_days: Option<u32>,
    /// The last day on which goods are taken; may be empty.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub cut_off: Option<Path>,
    /// By what: `VESSEL`, `RAIL`; may be empty.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub mode: Option<Path>,
    /// Whose it is; may be empty.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub carrier: Option<Path>,
    /// The number of the voyage; may be empty.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub voyage: Option<Path>,
    /// The ship's name; may be empty.
    #[serde(default, deserialize_with = "path")]
    #[schemars(with = "Option<String>")]
    pub vessel: Option<Path>,
}

/// Reads a sheet by `settings`: its departures, and what of it is left to a person.
pub fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<Fact>, ReadError> {
    settings.check()?;
    let table = Table::of(&settings.layout)?;
    let tree = table.open(bytes)?;
    let (mut facts, mut errors) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    // Members of other documents may have any names.
    let is_table = settings.layout.format == Format::Csv;
    let ragged = if is_table { Ragged::of(&tree) } else { Ragged::default() };
    for row in table.rows(&tree) {
        let told = ragged.check(&row);
        let told = told.and_then(|()| settings.sailing(&Cells::of(&table, &row)));
        let told = told.and_then(|sailing| {
            if seen.insert(key(&sailing)) {
                return Ok(sailing);
            }
            Err(ReadError::at("", "the departure stands there twice"))
        });
        match told {
            Ok(sailing) => facts.push(Fact::Sailing(Box::new(sailing))),
            Err(error) => errors.push(error.within(&row.place())),
        }
    }
    if UNREAD_MAX < errors.len() || facts.len() < errors.len() {
        // So much that is wrong is another sheet, or other settings.
        return Err(errors.swap_remove(0));
    }
    let mut facts = bounded(facts, "departures")?;
    facts.extend(settings.other_head(&tree).map(unread));
    facts.extend(errors.into_iter().map(unread));
    Ok(facts)
}

fn unread(ReadError { place, what, fault: _ }: ReadError) -> Fact {
    Fact::Unread(Box::new(Unread { place, what }))
}

/// Rows of a table that have been cut, or have cells too many.
#[derive(Default)]
struct Ragged<'n> {
    columns: usize,
    cells: BTreeMap<String, &'n str>,
}

impl<'n> Ragged<'n> {
    fn of(tree: &'n Node) -> Self {
        let root = Spot::root(tree);
        let rows = root.all(&Path::read("/ragged/*"));
        let told = rows.into_iter().filter_map(|row| {
            let (number, cells) = (row.text(&Path::read("#"))?, row.text(&Path::read(""))?);
            Some((format!("/rows/{number}"), cells))
        });
        Self { columns: root.all(&Path::read("/head/*")).len(), cells: told.collect() }
    }

    fn check(&self, row: &Spot<'_>) -> Result<(), ReadError> {
        let Some(cells) = self.cells.get(&row.place()) else { return Ok(()) };
        let columns = self.columns;
        let what = format!("{cells} of {columns} cells: it is cut or shifted");
        Err(ReadError::at("", what))
    }
}

/// Returns what tells one departure from others.
fn key(sailing: &Sailing) -> (Place, Place, DateTime<FixedOffset>, Vec<Option<String>>) {
    let legs = sailing.legs.iter().flat_map(|leg| {
        let ship = leg.vessel.as_ref().and_then(|vessel| vessel.name.clone());
        [leg.carrier.clone(), leg.voyage.clone(), ship]
    });
    (sailing.from.clone(), sailing.to.clone(), sailing.departs_at, legs.collect())
}

impl Settings {
    fn check(&self) -> Result<(), ReadError> {
        if !self.columns.is_empty() && self.layout.format != Format::Csv {
            return Err(ReadError::at("setting 'columns'", "only a table in csv has a head"));
        }
        match self.transit_days {
            Some(days) if DAYS_MAX < days => {
                Err(ReadError::at("setting 'transit_days'", "write 0 to 365"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Returns how the sheet's head is other than agreed on.
    fn other_head(&self, tree: &Node) -> Option<ReadError> {
        let names = Spot::root(tree).all(&Path::read("/head/*"));
        let names = names.iter().filter_map(|name| name.text(&Path::read("")));
        let names: Vec<&str> = names.collect();
        (!self.columns.is_empty() && self.columns != names).then(|| {
            let (found, agreed) = (names.join(", "), self.columns.join(", "));
            ReadError::at("/head", format!("its columns are {found}; agreed on are {agreed}"))
        })
    }

    fn sailing(&self, cells: &Cells<'_, '_>) -> Result<Sailing, ReadError> {
        let (from, to) = self.ends(cells)?;
        let departs_on = cells.day(self.depart.as_ref(), "depart")?;
        let (arrives_on, transit_days) = self.arrival(cells, departs_on)?;
        let departs_at = self.clock(departs_on, NaiveTime::MIN, "depart")?;
        let arrives_at = self.clock(arrives_on, last_minute(), "arrive")?;
        let own = |path: &Option<Path>, name| cells.find(path.as_ref(), name).map(str::to_owned);
        let name = own(&self.vessel, "vessel");
        let leg = Leg {
            mode: own(&self.mode, "mode"),
            from: from.clone(),
            to: to.clone(),
            departs_at,
            arrives_at,
            carrier: own(&self.carrier, "carrier"),
            service: None,
            voyage: own(&self.voyage, "voyage"),
            vessel: name.map(|name| Vessel { name: Some(name), ..Vessel::default() }),
        };
        let cut_offs = self.cut_offs(cells, departs_on)?;
        Ok(Sailing { from, to, departs_at, arrives_at, transit_days, cut_offs, legs: vec![leg] })
    }

    fn ends(&self, cells: &Cells<'_, '_>) -> Result<(Place, Place), ReadError> {
        let ends = match cells.find(self.lane.as_ref(), "lane") {
            Some(lane) => {
                let ends = lane.split_once('-').filter(|(_, to)| !to.contains('-'));
                let (from, to) = ends.ok_or_else(|| {
                    let lane = number::short(lane);
                    at("lane", format!("'{lane}' is no way such as CNSHA-NLRTM"))
                })?;
                [(from.trim(), "lane"), (to.trim(), "lane")]
            }
            None => [
                (cells.need(self.from.as_ref(), "from")?, "from"),
                (cells.need(self.to.as_ref(), "to")?, "to"),
            ],
        };
        let [from, to] = ends.map(|(code, name)| code_of(code).map_err(|what| at(name, what)));
        let (from, to) = (from?, to?);
        if from == to {
            return Err(at("to", "it is where it begins; a departure leads somewhere else"));
        }
        Ok((from, to))
    }

    /// Returns the day it arrives, and the days it takes as far as they are told.
    fn arrival(
        &self,
        cells: &Cells<'_, '_>,
        departs_on: NaiveDate,
    ) -> Result<(NaiveDate, Option<u32>), ReadError> {
        let days = cells.find(self.transit.as_ref(), "transit").map(|text| {
            let days = text.parse().ok().filter(|days| *days <= DAYS_MAX);
            let what = || format!("'{}' is no number of days, 0 to 365", number::short(text));
            days.ok_or_else(|| at("transit", what()))
        });
        let days = days.transpose()?;
        if let Some(day) = cells.find_day(self.arrive.as_ref(), "arrive")? {
            let took = u32::try_from((day - departs_on).num_days()).ok();
            if took.is_none_or(|took| DAYS_MAX < took || days.is_some_and(|days| days != took)) {
                let what = format!("{day} is no arrival of what departs on {departs_on}");
                return Err(at("arrive", what));
            }
            return Ok((day, days));
        }
        let days = days.or(self.transit_days);
        let days = days.ok_or_else(|| {
            at("transit", "neither it nor 'arrive' tells when it arrives; or set 'transit_days'")
        })?;
        let day = departs_on.checked_add_days(Days::new(days.into()));
        let day = day.ok_or_else(|| at("transit", "it leads out of the calendar"))?;
        Ok((day, Some(days)))
    }

    fn cut_offs(
        &self,
        cells: &Cells<'_, '_>,
        departs_on: NaiveDate,
    ) -> Result<Vec<CutOff>, ReadError> {
        let Some(day) = cells.find_day(self.cut_off.as_ref(), "cut_off")? else {
            return Ok(Vec::new());
        };
        if departs_on < day {
            return Err(at("cut_off", format!("{day} is after the departure, {departs_on}")));
        }
        let at = self.clock(day, last_minute(), "cut_off")?;
        Ok(vec![CutOff { code: HAND_IN.to_owned(), at }])
    }

    /// Returns the instant of `time` on `day`, by the sheet's zone.
    fn clock(
        &self,
        day: NaiveDate,
        time: NaiveTime,
        name: &str,
    ) -> Result<DateTime<FixedOffset>, ReadError> {
        let zone = self.layout.zone.unwrap_or(Tz::UTC);
        // Where clocks skip midnight, the day begins an hour later.
        let later = NaiveTime::from_hms_opt(1, 0, 0).unwrap_or(time);
        let on = |time| day.and_time(time).and_local_timezone(zone).earliest();
        let found = on(time).or_else(|| on(later)).map(|at| at.fixed_offset());
        found.ok_or_else(|| at(name, format!("clocks in {zone} skip {day}")))
    }
}

fn last_minute() -> NaiveTime {
    NaiveTime::from_hms_opt(23, 59, 0).unwrap_or_default()
}

fn code_of(text: &str) -> Result<Place, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    if !(2..=CODE_MAX).contains(&text.len()) || !text.chars().all(is_plain) {
        return Err(format!("'{}' is no code of a place such as CNSHA", number::short(text)));
    }
    Ok(Place { code: Some(text.to_owned()), ..Place::default() })
}

fn at(name: &str, what: impl Into<String>) -> ReadError {
    ReadError::at(format!(", {name}"), what)
}
