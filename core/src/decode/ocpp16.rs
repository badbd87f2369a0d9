//! OCPP 1.6 JSON, as gateways publish it.
//!
//! Two shapes are read. A *frame* as it was on the wire: `[2,"id","StatusNotification",{…}]`,
//! `[3,"id",{…}]`, `[4,"id","code","text",{…}]`; alone, as text, or in an object under `frame`,
//! `message` or `msg`. And a gateway's *object*: the fields of the call, spelt as in the standard
//! (`connectorId`) or with underscores (`connector_id`), beside `action`, `ts` (the gateway's
//! clock) and `id`; or under `payload`. Chargers break the schema in the field, so nothing but
//! broken JSON is refused: unknown codes become `other` beside the maker's text.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::time::{self, Clock};
use super::{DecodeError, digest};
use crate::event::{Attributes, Event};
use crate::id::{DeviceId, EventId};

pub mod words;
mod envelope;
pub(crate) mod fields;

use self::envelope::Envelope;
use self::fields::Fields;

/// What every decoded message carries in its attribute `format`, so that nobody takes a native
/// event of the same kind for one.
pub const FORMAT: &str = "ocpp16";

/// Returns the raw event `text` tells of.
pub(super) fn decode(
    text: &str,
    device: DeviceId,
    action: Option<&str>,
    clock: Clock,
) -> Result<Event, DecodeError> {
    let value =
        serde_json::from_str(text).map_err(|error| DecodeError::NotJson(error.to_string()))?;
    let envelope = Envelope::open(value, action)?;
    envelope.check_device(&device)?;
    let body = Body(&envelope.body);

    // A charger whose time cannot be read still says what happened; the gateway's time or the
    // receipt places it.
    let written = body.text("timestamp").or_else(|| body.first_sample_time());
    let stated = written.and_then(|text| time::parse_text("timestamp", text).ok());
    let gateway = envelope.gateway_time()?;
    let judged = clock.judge(&[stated, gateway]);
    let is_unreadable = written.is_some() && stated.is_none();
    let kind = words::kind_of(&envelope.action);
    let fields = fields(&envelope, body);
    let attributes =
        serde_json::to_string(&fields).map_err(|error| DecodeError::NotJson(error.to_string()))?;
    Ok(Event {
        id: id_of(&envelope, text)?,
        device,
        channel: body.integer("connectorId").map(|n| n.to_string().into()),
        kind: kind.into(),
        stated_at: stated.or(gateway),
        occurred_at: judged.occurred_at,
        received_at: judged.received_at,
        seq: Some(order_in_instant(gateway, kind, fields.status)),
        clock_suspect: judged.suspect || is_unreadable,
        attributes: Attributes::from_json_object(attributes),
        position: 0,
    })
}

/// Unique ids are small counters on some firmware and start again at a reboot, so the id is
/// joined with a hash of the message.
fn id_of(envelope: &Envelope, text: &str) -> Result<EventId, DecodeError> {
    let hash = digest([text.as_bytes()]);
    let id = match envelope.unique_id.as_deref() {
        Some(unique) => {
            let short: String = unique.chars().filter(|c| !c.is_control()).take(64).collect();
            let end: String = hash.chars().take(12).collect();
            format!("{short}.{end}")
        }
        None => hash,
    };
    Ok(EventId::new(&id)?)
}

/// Orders messages of one instant: as the gateway saw them, and as a session goes where it saw
/// them in the same instant (some gateways write whole seconds).
fn order_in_instant(gateway: Option<DateTime<Utc>>, kind: &str, status: Option<&str>) -> i64 {
    let seen = gateway.map_or(0, |at| at.timestamp_millis());
    seen.saturating_mul(words::STAGES).saturating_add(words::stage(kind, status))
}

fn fields<'a>(envelope: &'a Envelope, body: Body<'a>) -> Fields<&'a str> {
    let sent_code = body.text("errorCode");
    let code = sent_code.map(words::code_of);
    let unknown = sent_code.filter(|_| code == Some(words::OTHER));
    let tag_info = body.object("idTagInfo");
    Fields {
        format: Some(FORMAT),
        action: Some(&envelope.action),
        unique_id: envelope.unique_id.as_deref(),
        status: body.text("status"),
        code,
        vendor_code: body.text("vendorErrorCode").or(unknown),
        info: body.text("info").or_else(|| body.text("data")),
        reason: body.text("reason").or_else(|| body.text("disconnectReason")),
        meter_wh: body
            .integer("meterStart")
            .or_else(|| body.integer("meterStop"))
            .or_else(|| body.register_wh()),
        transaction: body.integer("transactionId"),
        id_tag: body.text("idTag"),
        id_tag_status: tag_info.as_ref().and_then(|info| Body(info).text("status")),
        model: body.text("chargePointModel"),
        vendor: body.text("chargePointVendor").or_else(|| body.text("vendorId")),
    }
}

/// The fields of a call, found under either spelling.
#[derive(Clone, Copy)]
struct Body<'a>(&'a Map<String, Value>);

impl<'a> Body<'a> {
    fn find(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).or_else(|| self.0.get(&words::with_underscores(name)))
    }

    fn text(self, name: &str) -> Option<&'a str> {
        self.find(name)?.as_str().filter(|text| !text.is_empty())
    }

    /// Whole numbers; some firmware sends them as text, some with a fraction.
    fn integer(self, name: &str) -> Option<i64> {
        match self.find(name)? {
            Value::Number(number) => {
                let text = number.to_string();
                text.split('.').next()?.parse().ok()
            }
            Value::String(text) => text.trim().split('.').next()?.parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn object(self, name: &str) -> Option<&'a Map<String, Value>> {
        self.find(name)?.as_object()
    }

    /// `MeterValues` states its time inside the first sample.
    fn first_sample_time(self) -> Option<&'a str> {
        self.find("meterValue")?.as_array()?.first()?.get("timestamp")?.as_str()
    }

    /// Returns the newest total of `MeterValues`: the energy register of no single phase. What a
    /// sample leaves out has its default by the standard (energy register, Wh).
    fn register_wh(self) -> Option<i64> {
        let newest = self.find("meterValue")?.as_array()?.last()?.as_object()?;
        let samples = Body(newest).find("sampledValue")?.as_array()?;
        let is_total = |sample: &&Value| {
            let measurand = sample.get("measurand").and_then(Value::as_str);
            let is_energy = measurand.is_none_or(|name| name == "Energy.Active.Import.Register");
            is_energy && sample.get("phase").is_none()
        };
        let total = samples.iter().find(is_total)?;
        let text = total.get("value")?.as_str()?.trim();
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        match total.get("unit").and_then(Value::as_str).unwrap_or("Wh") {
            "Wh" => whole.parse().ok(),
            "kWh" => format!("{whole}{fraction:0<3.3}").parse().ok(),
            _ => None,
        }
    }
}
