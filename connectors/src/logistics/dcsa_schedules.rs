//! Carriers' schedules by DCSA's Commercial Schedules 1, and Operational Vessel Schedules 3.
//!
//! **What it reads** answers of `/v1/point-to-point-routes` (sailings), `/v1/port-schedules` and
//! `/v1/vessel-schedules` (calls at ports), a page each. Times keep their offsets: a cut-off is by the
//! clock of its place. Calls that are omitted or blanked are told as such.
//! **Example** `https://api.example.com/v1/point-to-point-routes?placeOfReceipt=CNSHA&placeOfDelivery=DEHAM`.
//! **Settings** none.

use upturn_core::fact::Fact;
use upturn_core::fact::port_call::{CallTime, PortCall, Turn};
use upturn_core::fact::sailing::{Leg, Sailing};
use upturn_core::fact::transport::{Certainty, CutOff, Place, Vessel};

use super::{bounded, open, place, refuse_error, vessel};
use crate::feed::supply::Supply;
use crate::fetch::paging::Paging;
use crate::read::row::Row;
use crate::read::{ReadError, number};

/// What holds for it unless settings say otherwise; they name the carrier's address.
pub(crate) const SUPPLY: Supply = Supply {
    paging: Paging::Cursor { header: "Next-Page-Cursor", parameter: "cursor" },
    ..Supply::CARRIERS
};

/// Reads a page of any of the three.
pub fn read(bytes: &[u8]) -> Result<Vec<Fact>, ReadError> {
    let tree = open(bytes)?;
    let root = Row::root(&tree);
    refuse_error(&root)?;
    let mut facts = Vec::new();
    for row in root.rows("*") {
        if row.has("legs") {
            facts.push(Fact::Sailing(Box::new(sailing(&row)?)));
        } else if row.has("vesselSchedules/*/transportCalls") {
            of_vessel(&row, &mut facts)?;
        } else if row.has("vesselSchedules") && row.has("location") {
            of_port(&row, &mut facts)?;
        } else {
            let what = "it is neither a route, nor a port's or a vessel's schedule";
            return Err(row.wrong("", what));
        }
    }
    bounded(facts, "schedules")
}

fn sailing(row: &Row<'_>) -> Result<Sailing, ReadError> {
    let mut legs = Vec::new();
    for leg in row.rows("legs/*") {
        legs.push(read_leg(&leg)?);
    }
    let (Some(first), Some(last)) = (legs.first(), legs.last()) else {
        return Err(row.wrong("legs", "it has no legs"));
    };
    for (one, next) in legs.iter().zip(legs.iter().skip(1)) {
        if next.departs_at < one.arrives_at {
            let what = format!("a leg departs at {}, before the one before it", next.departs_at);
            return Err(row.wrong("legs", what));
        }
    }
    let days = row.text("transitTime").map(|text| {
        let what = || format!("'{}' is no number of days", number::short(text));
        text.parse().map_err(|_| row.wrong("transitTime", what()))
    });
    let end = |path: &str, leg: &Place| row.row(path).map_or_else(|| leg.clone(), |at| place(&at));
    Ok(Sailing {
        from: end("placeOfReceipt/location", &first.from),
        to: end("placeOfDelivery/location", &last.to),
        departs_at: first.departs_at,
        arrives_at: last.arrives_at,
        transit_days: days.transpose()?,
        cut_offs: cut_offs(row)?,
        legs,
    })
}

fn read_leg(row: &Row<'_>) -> Result<Leg, ReadError> {
    let departs_at = row.need_instant("departure/dateTime")?;
    let arrives_at = row.need_instant("arrival/dateTime")?;
    if arrives_at < departs_at {
        let what = format!("{arrives_at} is before the departure, {departs_at}");
        return Err(row.wrong("arrival/dateTime", what));
    }
    let end = |path: &str| {
        let found =
            row.row(path).map(|location| place(&location)).filter(|at| at.label().is_some());
        found.ok_or_else(|| row.wrong(path, "it names no place"))
    };
    let partner = |name: &str| row.own(&format!("transport/servicePartners/0/{name}"));
    Ok(Leg {
        mode: row.own("transport/modeOfTransport"),
        from: end("departure/location")?,
        to: end("arrival/location")?,
        departs_at,
        arrives_at,
        carrier: partner("carrierCode"),
        service: partner("carrierServiceCode"),
        voyage: partner("carrierExportVoyageNumber")
            .or_else(|| row.own("transport/universalExportVoyageReference")),
        vessel: row.row("transport/vessel").and_then(|row| vessel(&row)),
    })
}

/// Adds the calls of all ships at one port.
fn of_port(port: &Row<'_>, facts: &mut Vec<Fact>) -> Result<(), ReadError> {
    let location = port.row("location").map(|location| place(&location)).unwrap_or_default();
    if location.label().is_none() {
        return Err(port.wrong("location", "it names no place"));
    }
    for row in port.rows("vesselSchedules/*") {
        let partner = |name: &str| row.own(&format!("servicePartners/0/{name}"));
        let call = PortCall {
            place: location.clone(),
            vessel: ship(&row)?,
            carrier: partner("carrierCode"),
            service: partner("carrierServiceCode"),
            voyage_in: partner("carrierImportVoyageNumber"),
            voyage_out: partner("carrierExportVoyageNumber"),
            ..call(&row)?
        };
        facts.push(Fact::PortCall(Box::new(call)));
    }
    Ok(())
}

/// Adds the calls of the ships of one service.
fn of_vessel(service: &Row<'_>, facts: &mut Vec<Fact>) -> Result<(), ReadError> {
    for schedule in service.rows("vesselSchedules/*") {
        let vessel = ship(&schedule)?;
        let operator = schedule.own("vessel/operatorCarrierCode");
        let operator = operator.or_else(|| schedule.own("vesselOperatorSMDGLinerCode"));
        for row in schedule.rows("transportCalls/*") {
            let location = row.row("location").map(|location| place(&location));
            let location = location.filter(|place| place.label().is_some());
            let call = PortCall {
                place: location.ok_or_else(|| row.wrong("location", "it names no place"))?,
                vessel: vessel.clone(),
                carrier: operator.clone(),
                service: service.own("carrierServiceCode"),
                voyage_in: row.own("carrierImportVoyageNumber"),
                voyage_out: row.own("carrierExportVoyageNumber"),
                ..call(&row)?
            };
            facts.push(Fact::PortCall(Box::new(call)));
        }
    }
    Ok(())
}

/// Returns the ship of a schedule; one that stands for a ship to come may have no names.
fn ship(schedule: &Row<'_>) -> Result<Vessel, ReadError> {
    let is_dummy = schedule.flag("isDummyVessel")?;
    let named = schedule.row("vessel").and_then(|row| vessel(&row)).or_else(|| vessel(schedule));
    match named {
        Some(vessel) => Ok(Vessel { is_dummy, ..vessel }),
        None if is_dummy => Ok(Vessel { is_dummy, ..Vessel::default() }),
        None => Err(schedule.wrong("vessel", "it names no ship")),
    }
}

/// Returns what a call has by itself.
fn call(row: &Row<'_>) -> Result<PortCall, ReadError> {
    let mut times = Vec::new();
    for time in row.rows("timestamps/*") {
        let turn = match time.need("eventTypeCode")? {
            "ARRI" => Turn::Arrival,
            "DEPA" => Turn::Departure,
            _ => return Err(time.wrong("eventTypeCode", "it is neither ARRI nor DEPA")),
        };
        times.push(CallTime {
            turn,
            certainty: certainty(&time, "eventClassifierCode")?,
            at: time.need_instant("eventDateTime")?,
            delay_reason: time.own("delayReasonCode"),
            remark: time.own("changeRemark"),
        });
    }
    let status = row.own("statusCode");
    Ok(PortCall {
        reference: row.own("transportCallReference"),
        is_omitted: matches!(status.as_deref(), Some("OMIT" | "BLNK")),
        status,
        times,
        cut_offs: cut_offs(row)?,
        ..PortCall::default()
    })
}

/// Returns how sure a time is, by the code at `path`.
pub(super) fn certainty(row: &Row<'_>, path: &str) -> Result<Certainty, ReadError> {
    match row.need(path)? {
        "PLN" => Ok(Certainty::Planned),
        "REQ" => Ok(Certainty::Requested),
        "EST" => Ok(Certainty::Estimated),
        "ACT" => Ok(Certainty::Actual),
        _ => Err(row.wrong(path, "it is none of PLN, REQ, EST and ACT")),
    }
}

fn cut_offs(row: &Row<'_>) -> Result<Vec<CutOff>, ReadError> {
    let mut found = Vec::new();
    for cut_off in row.rows("cutOffTimes/*") {
        let code = cut_off.need("cutOffDateTimeCode")?.to_owned();
        found.push(CutOff { code, at: cut_off.need_instant("cutOffDateTime")? });
    }
    found.sort_by_key(|cut_off| cut_off.at);
    Ok(found)
}
