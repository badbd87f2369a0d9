//! What carriers tell of shipments on their way, by DCSA's Track & Trace 2 and 3.
//!
//! **What it reads** the answers of `/v2/events` and `/v3/events`: events of shipments, transports, boxes,
//! refrigeration and sensors, planned, estimated or actual. The time at which it was stated orders what is
//! said of one event; version 3 can take an event back.
//! **Example** `https://api.example.com/v3/events?carrierBookingReference=ABC709951`.
//! **Settings** none.

use upturn_core::fact::transport_event::{Happening, TransportEvent};

use super::dcsa_schedules::certainty;
use super::{bounded, open, place, refuse_error, vessel};
use crate::feed::supply::Supply;
use crate::fetch::paging::Paging;
use crate::read::ReadError;
use crate::read::row::Row;

/// What holds for it unless settings say otherwise; they name the carrier's address.
pub(crate) const SUPPLY: Supply = Supply {
    paging: Paging::Cursor { header: "Next-Page-Cursor", parameter: "cursor" },
    ..Supply::CARRIERS
};

/// Reads a page of either version.
pub fn read(bytes: &[u8]) -> Result<Vec<TransportEvent>, ReadError> {
    let tree = open(bytes)?;
    let root = Row::root(&tree);
    refuse_error(&root)?;
    let rows = if root.has("events") { root.rows("events/*") } else { root.rows("*") };
    let mut events = Vec::new();
    for row in rows {
        let id = row.need("eventID")?.to_owned();
        let event = if row.flag("isRetracted")? {
            TransportEvent { id, stated_at: row.instant("eventUpdatedDateTime")?, told: None }
        } else if row.has("eventClassification") {
            let stated_at = Some(row.need_instant("eventUpdatedDateTime")?);
            TransportEvent { id, stated_at, told: Some(third(&row)?) }
        } else {
            let stated_at = Some(row.need_instant("eventCreatedDateTime")?);
            TransportEvent { id, stated_at, told: Some(second(&row)?) }
        };
        events.push(event);
    }
    bounded(events, "events")
}

/// Returns the code of what happens, whose name depends on the kind.
fn code(row: &Row<'_>, kind: &str) -> Result<String, ReadError> {
    let name = format!("{}EventTypeCode", kind.to_ascii_lowercase());
    row.need(&name).map(str::to_owned)
}

/// Reads an event of version 2.
fn second(row: &Row<'_>) -> Result<Happening, ReadError> {
    let kind = row.need("eventType")?;
    let call = row.row("transportCall");
    let of_call = |path: &str| call.as_ref().and_then(|call| call.own(path));
    let location = row.row("eventLocation").or_else(|| call.clone());
    let mut references =
        pairs(row, "documentReferences", "documentReferenceType", "documentReferenceValue");
    references.extend(pairs(row, "references", "referenceType", "referenceValue"));
    references.extend(row.own("documentTypeCode").zip(row.own("documentID")));
    Ok(Happening {
        kind: kind.to_owned(),
        code: code(row, kind)?,
        certainty: certainty(row, "eventClassifierCode")?,
        at: row.need_instant("eventDateTime")?,
        place: location.map(|at| place(&at)).filter(|place| place.label().is_some()),
        mode: of_call("modeOfTransport"),
        voyage: of_call("exportVoyageNumber"),
        vessel: row.row("transportCall/vessel").and_then(|row| vessel(&row)),
        equipment: row.own("equipmentReference"),
        references,
        delay_reason: row.own("delayReasonCode"),
        remark: row.own("changeRemark").or_else(|| row.own("reason")),
    })
}

/// Reads an event of version 3.
fn third(row: &Row<'_>) -> Result<Happening, ReadError> {
    let kind = row.need("eventClassification/eventTypeCode")?;
    let classes = row.row("eventClassification").unwrap_or_else(|| row.clone());
    let call = |path: &str| row.own(&format!("transportDetails/transportCall/{path}"));
    let ship = row.row("transportDetails/transportCall/vesselTransport");
    let documents = "shipmentDetails/documentReference";
    let more = "shipmentDetails/additionalDocumentReferences";
    let first = row.own(&format!("{documents}/typeCode"));
    let mut references: Vec<_> =
        first.zip(row.own(&format!("{documents}/reference"))).into_iter().collect();
    references.extend(pairs(row, more, "typeCode", "reference"));
    Ok(Happening {
        kind: kind.to_owned(),
        code: code(&classes, kind)?,
        certainty: certainty(&classes, "eventClassifierCode")?,
        at: row.need_instant("eventDateTime")?,
        place: row
            .row("eventLocation")
            .map(|at| place(&at))
            .filter(|place| place.label().is_some()),
        mode: call("modeOfTransport"),
        voyage: call("exportVoyageNumberOrReference/carrierVoyageNumber"),
        vessel: ship.and_then(|row| vessel(&row)),
        equipment: row.own("equipmentDetails/equipmentReference"),
        references,
        delay_reason: row.own("transportDetails/delayReasonCode"),
        remark: row.own("transportDetails/changeRemark"),
    })
}

fn pairs(row: &Row<'_>, path: &str, kind: &str, value: &str) -> Vec<(String, String)> {
    let rows = row.rows(&format!("{path}/*"));
    rows.iter().filter_map(|row| row.own(kind).zip(row.own(value))).collect()
}
