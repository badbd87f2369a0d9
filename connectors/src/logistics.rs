//! Logistics: sailings, calls at ports, transport events, lanes and closures, as carriers, terminals and
//! operations tell them.
//!
//! To add a source: a file under `logistics/` with a pure reader, and a line in [`crate::feed::KINDS`].

use upturn_core::fact::transport::{Place, Vessel};

use crate::read::row::Row;
use crate::read::tree::{self, Node};
use crate::read::{ReadError, number, text};

pub mod closures;
pub mod dcsa_events;
pub mod dcsa_schedules;
pub mod departures;
pub mod lanes;
pub mod portchain;
pub mod terminal_calls;

/// How many facts one document may hold.
const FACTS_MAX: usize = 500_000;

/// Returns a JSON document as a tree.
fn open(bytes: &[u8]) -> Result<Node, ReadError> {
    let text = text::decode(bytes, None)?;
    text::refuse_web_page(&text)?;
    tree::of_json(&text)
}

/// Returns `facts` if there are some, and not too many.
fn bounded<T>(facts: Vec<T>, name: &str) -> Result<Vec<T>, ReadError> {
    match facts.len() {
        0 => Err(ReadError::whole(format!("it has no {name}"))),
        count if FACTS_MAX < count => {
            Err(ReadError::whole(format!("it has more than {FACTS_MAX} {name}")))
        }
        _ => Ok(facts),
    }
}

/// Fails with the document's own words if it is an error by the rules of DCSA.
fn refuse_error(root: &Row<'_>) -> Result<(), ReadError> {
    let Some(status) = root.text("statusCode") else { return Ok(()) };
    let own = root.text("errors/0/errorCodeMessage");
    let own = own.or_else(|| root.text("statusCodeMessage"));
    let own = own.or_else(|| root.text("statusCodeText")).unwrap_or("nothing else");
    Err(ReadError::whole(format!("it says {}: {}", number::short(status), number::short(own))))
}

/// Returns the place that a location of DCSA is; its names differ a little between interfaces.
fn place(location: &Row<'_>) -> Place {
    let facility = ["facility/facilityCode", "facilitySMDGCode", "facilityCode"];
    Place {
        code: location.own("UNLocationCode"),
        facility: facility.into_iter().find_map(|path| location.own(path)),
        name: location.own("locationName"),
    }
}

/// Returns the ship in `row`, by DCSA's names of either version; none if it has neither number nor name.
fn vessel(row: &Row<'_>) -> Option<Vessel> {
    let imo = row.own("vesselIMONumber");
    let name = row.own("name").or_else(|| row.own("vesselName"));
    (imo.is_some() || name.is_some()).then_some(Vessel { imo, name, is_dummy: false })
}
