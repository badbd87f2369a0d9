//! Ships' calls at ports with every revision of their times, by Portchain.
//!
//! **What it reads** a list of ships with `portCalls`, each with its `logEntries`: what was said of its
//! arrival, its departure and whether it is left out, and when. The call's own times must be what was said
//! last.
//! **Settings** none.

use chrono::{DateTime, FixedOffset};
use upturn_core::fact::port_call::{CallTime, PortCall, Revision, Said, Turn};
use upturn_core::fact::transport::{Certainty, Place, Vessel};

use super::{bounded, open};
use crate::read::ReadError;
use crate::read::row::Row;

/// Reads a list of ships.
pub fn read(bytes: &[u8]) -> Result<Vec<PortCall>, ReadError> {
    let tree = open(bytes)?;
    let mut calls = Vec::new();
    for ship in Row::root(&tree).rows("*") {
        let vessel = Vessel {
            imo: Some(ship.need("vessel/imo")?.to_owned()),
            name: ship.own("vessel/name"),
            is_dummy: false,
        };
        for row in ship.rows("portCalls/*") {
            calls.push(call(&row, &vessel)?);
        }
    }
    bounded(calls, "calls at ports")
}

fn call(row: &Row<'_>, vessel: &Vessel) -> Result<PortCall, ReadError> {
    let mut revisions = Vec::new();
    for entry in row.rows("logEntries/*") {
        revisions.push(revision(&entry)?);
    }
    revisions.sort_by_key(|revision| revision.stated_at);
    let stated_at = revisions.last().map(|revision| revision.stated_at);
    let time = |turn: Turn, at: DateTime<FixedOffset>| CallTime {
        turn,
        certainty: Certainty::Estimated,
        at,
        delay_reason: None,
        remark: None,
    };
    let times = [
        time(Turn::Arrival, row.need_instant("arrival")?),
        time(Turn::Departure, row.need_instant("departure")?),
    ];
    let code = row.need("port/id")?.to_owned();
    let call = PortCall {
        place: Place { code: Some(code), facility: None, name: row.own("port/name") },
        vessel: vessel.clone(),
        service: row.own("service"),
        is_omitted: row.flag("isOmitted")?,
        times: times.into(),
        stated_at,
        revisions,
        ..PortCall::default()
    };
    for time in &call.times {
        let said =
            call.revisions.iter().rev().find_map(|revision| match (&revision.said, time.turn) {
                (Said::Arrival(at), Turn::Arrival) | (Said::Departure(at), Turn::Departure) => {
                    Some(*at)
                }
                (Said::Arrival(_) | Said::Departure(_) | Said::Omitted(_), _) => None,
            });
        if said.is_some_and(|said| said != time.at) {
            let path = match time.turn {
                Turn::Arrival => "arrival",
                Turn::Departure => "departure",
            };
            return Err(row.wrong(path, "it is not what the last log entry says"));
        }
    }
    Ok(call)
}

fn revision(entry: &Row<'_>) -> Result<Revision, ReadError> {
    let said = match entry.need("updatedField")? {
        "arrival" => Said::Arrival(entry.need_instant("arrival")?),
        "departure" => Said::Departure(entry.need_instant("departure")?),
        "isOmitted" => Said::Omitted(entry.flag("isOmitted")?),
        _ => return Err(entry.wrong("updatedField", "it is no field that is known")),
    };
    Ok(Revision { stated_at: entry.need_instant("createdDate")?, said })
}
