//! Calls of ships as China's terminals publish them, with the hours in which boxes are taken.
//!
//! **What it reads** the answers of three sites, told apart by their shape: Ningbo (`data/list`), Shekou
//! (`InnerList`) and Shanghai (`tabs`). Times have no zone; they are those of `zone`. Days of the years
//! 9998 and 9999 mean that nothing is set. A time that the site hides in signs of its own is left to a
//! person, with its text. None of the sites has a field for calls that are left out: what it says of how a
//! call stands is kept as its status, and no call is omitted by it.
//! **Example** `zone = "Asia/Shanghai"`.
//! **Settings** [`Settings`].

use chrono::{DateTime, Datelike as _, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Deserialize;
use upturn_core::fact::port_call::{CallTime, PortCall, Receiving, Turn};
use upturn_core::fact::transport::{Certainty, CutOff, Place, Vessel};

use super::{bounded, open};
use crate::read::row::Row;
use crate::read::{ReadError, number};

/// The year from which on a day means that nothing is set.
const UNSET_FROM: i32 = 9998;

/// How times are understood.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The zone of all times. Default: `Asia/Shanghai`.
    #[schemars(with = "Option<String>")]
    pub zone: Option<Tz>,
    /// The port's code, where all calls are at one: `CNNGB`.
    pub port: Option<String>,
}

/// A time of a call in a terminal's answer.
struct Told {
    name: &'static str,
    turn: Turn,
    certainty: Certainty,
    remark: Option<&'static str>,
}

/// Where a terminal's answer has what.
struct Shape {
    /// What only this answer has.
    mark: &'static str,
    rows: &'static str,
    vessel: &'static [&'static str],
    imo: &'static str,
    terminal: &'static str,
    carrier: &'static str,
    service: &'static str,
    voyage_in: &'static str,
    voyage_out: &'static str,
    reference: &'static str,
    status: &'static str,
    stated: &'static str,
    times: &'static [Told],
    /// Cut-offs, by the site's own names.
    cut_offs: &'static [&'static str],
    /// From when until when boxes are taken.
    receiving: [&'static str; 2],
}

const fn told(name: &'static str, turn: Turn, certainty: Certainty) -> Told {
    Told { name, turn, certainty, remark: None }
}

const SHAPES: &[Shape] = &[
    Shape {
        mark: "data/list",
        rows: "data/list/*",
        vessel: &["vesselEnName", "vesselCnName"],
        imo: "vesselUnCode",
        terminal: "terminal",
        carrier: "vesselOwner",
        service: "serviceCode",
        voyage_in: "",
        voyage_out: "voyage",
        reference: "vesselReference",
        status: "modifyCode",
        stated: "publishTime",
        times: &[
            Told {
                name: "etaMonthly",
                turn: Turn::Arrival,
                certainty: Certainty::Planned,
                remark: Some("published monthly"),
            },
            Told {
                name: "etdMonthly",
                turn: Turn::Departure,
                certainty: Certainty::Planned,
                remark: Some("published monthly"),
            },
            told("etaDaily", Turn::Arrival, Certainty::Estimated),
            told("etdDaily", Turn::Departure, Certainty::Estimated),
            told("ata", Turn::Arrival, Certainty::Actual),
            told("atd", Turn::Departure, Certainty::Actual),
        ],
        cut_offs: &["portCloseTime", "customCloseTime", "voycloseTime", "hazardEndTime"],
        receiving: ["ctnStartTime", "ctnEndTime"],
    },
    Shape {
        mark: "InnerList",
        rows: "InnerList/*",
        vessel: &["TheFullName"],
        imo: "IMO",
        terminal: "TerminalCode",
        carrier: "LINEID",
        service: "ServiceId",
        voyage_in: "invoynbr",
        voyage_out: "outvoynbr",
        reference: "ShipId",
        status: "Notes",
        stated: "",
        times: &[
            told("ETADate", Turn::Arrival, Certainty::Estimated),
            told("ETD", Turn::Departure, Certainty::Estimated),
            told("ATA", Turn::Arrival, Certainty::Actual),
            told("ATD", Turn::Departure, Certainty::Actual),
        ],
        cut_offs: &[],
        receiving: ["", ""],
    },
    Shape {
        mark: "tabs",
        rows: "tabs/*/rows/*",
        vessel: &["VSL_ENNAME", "SCD_ENG_NAME"],
        imo: "",
        terminal: "TERM",
        carrier: "",
        service: "",
        voyage_in: "IVOYAGE",
        voyage_out: "EVOYAGE",
        reference: "SCD_ID",
        status: "SCDSTATUS",
        stated: "",
        times: &[
            told("SCD_ETA", Turn::Arrival, Certainty::Estimated),
            told("SCD_ATA", Turn::Arrival, Certainty::Actual),
            told("SBT_PSTTM", Turn::Arrival, Certainty::Planned),
            told("SBT_PEDTM", Turn::Departure, Certainty::Planned),
            told("SBT_ASTTM", Turn::Arrival, Certainty::Actual),
            told("SBT_AEDTM", Turn::Departure, Certainty::Actual),
        ],
        cut_offs: &[],
        receiving: ["SCD_RCVSTDT", "SCD_RCVEDDT"],
    },
];

/// Reads an answer of any of the sites.
pub fn read(settings: &Settings, bytes: &[u8]) -> Result<Vec<PortCall>, ReadError> {
    let tree = open(bytes)?;
    let root = Row::root(&tree);
    let zone = settings.zone.unwrap_or(Tz::Asia__Shanghai);
    let shape = SHAPES.iter().find(|shape| root.has(shape.mark));
    let shape = shape.ok_or_else(|| {
        let own = root.text("msg").map(|own| format!("; it says: {}", number::short(own)));
        ReadError::whole(format!("it is no terminal's answer{}", own.unwrap_or_default()))
    })?;
    let mut calls = Vec::new();
    for row in root.rows(shape.rows) {
        calls.push(Reading { shape, zone, row }.call(settings.port.clone())?);
    }
    bounded(calls, "calls")
}

/// What a field says of a time.
enum Stated {
    At(DateTime<FixedOffset>),
    /// Nothing, or that nothing is set.
    Unset,
    /// In signs of the site's own.
    Hidden(String),
}

struct Reading<'n> {
    shape: &'static Shape,
    zone: Tz,
    row: Row<'n>,
}

impl Reading<'_> {
    fn call(&self, port: Option<String>) -> Result<PortCall, ReadError> {
        let (shape, row) = (self.shape, &self.row);
        let mut unread = Vec::new();
        let mut at = |name: &str| -> Result<Option<DateTime<FixedOffset>>, ReadError> {
            match self.stated(name)? {
                Stated::At(at) => Ok(Some(at)),
                Stated::Unset => Ok(None),
                Stated::Hidden(text) => {
                    unread.push((name.to_owned(), text));
                    Ok(None)
                }
            }
        };
        let mut times = Vec::new();
        for told in shape.times {
            if let Some(at) = at(told.name)? {
                let (turn, certainty) = (told.turn, told.certainty);
                let remark = told.remark.map(str::to_owned);
                times.push(CallTime { turn, certainty, at, delay_reason: None, remark });
            }
        }
        let mut cut_offs = Vec::new();
        for name in shape.cut_offs {
            cut_offs.extend(at(name)?.map(|at| CutOff { code: (*name).to_owned(), at }));
        }
        cut_offs.sort_by_key(|cut_off| cut_off.at);
        let [from, until] = shape.receiving;
        let receiving = Receiving { from: at(from)?, until: at(until)? };
        let stated_at = at(shape.stated)?;
        let has_receiving = receiving.from.is_some() || receiving.until.is_some();
        let name = shape.vessel.iter().find_map(|name| row.own(name));
        let name = name.ok_or_else(|| row.wrong("", "it names no ship"))?;
        Ok(PortCall {
            reference: self.own(shape.reference),
            place: Place { code: port, facility: self.own(shape.terminal), name: None },
            vessel: Vessel { imo: self.imo(), name: Some(name), is_dummy: false },
            carrier: self.own(shape.carrier),
            service: self.own(shape.service),
            voyage_in: self.own(shape.voyage_in),
            voyage_out: self.own(shape.voyage_out),
            status: self.own(shape.status),
            times,
            cut_offs,
            receiving: has_receiving.then_some(receiving),
            stated_at,
            unread,
            ..PortCall::default()
        })
    }

    /// Returns the text of `name`; nothing for a field that the site does not have.
    fn own(&self, name: &str) -> Option<String> {
        if name.is_empty() { None } else { self.row.own(name) }
    }

    /// Returns the ship's number, seven digits behind `UN` or without it; sites write `1` for none.
    fn imo(&self) -> Option<String> {
        let own = self.own(self.shape.imo)?;
        let digits = own.strip_prefix("UN").unwrap_or(&own);
        let is_number = digits.len() == 7 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.to_owned())
    }

    fn stated(&self, name: &str) -> Result<Stated, ReadError> {
        let Some(text) = self.own(name) else { return Ok(Stated::Unset) };
        let formats = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];
        let mut read =
            formats.iter().filter_map(|it| NaiveDateTime::parse_from_str(&text, it).ok());
        let read = read.next().or_else(|| {
            // A day without a time is its beginning.
            Some(NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok()?.and_time(NaiveTime::MIN))
        });
        let Some(local) = read else {
            let is_hidden = text.contains("&#x") || text.contains(is_private);
            return if is_hidden {
                Ok(Stated::Hidden(text))
            } else {
                let text = number::short(&text);
                Err(self
                    .row
                    .wrong(name, format!("'{text}' is no time such as 2022-10-31 16:30:00")))
            };
        };
        if UNSET_FROM <= local.year() {
            return Ok(Stated::Unset);
        }
        let at = local.and_local_timezone(self.zone).earliest();
        let at = at
            .ok_or_else(|| self.row.wrong(name, format!("there is no {local} in {}", self.zone)))?;
        Ok(Stated::At(at.fixed_offset()))
    }
}

/// Tells whether `c` is a sign that only a font of one's own gives a form.
fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}')
}
