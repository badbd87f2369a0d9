//! What stands around the fields of a call: the frame, or the gateway's object.

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::{DecodeError, time};
use super::words;
use crate::id::DeviceId;

/// A message out of its wrapping.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    /// The call's name; `CallResult` or `CallError` for answers.
    pub(super) action: String,
    /// The call's own id, if the gateway kept it.
    pub(super) unique_id: Option<String>,
    /// The fields of the call or answer.
    pub(super) body: Map<String, Value>,
    /// When the gateway saw it, as it wrote it.
    ts: Option<Value>,
    /// The device the object names, if it does.
    device: Option<String>,
}

impl Envelope {
    pub(super) fn open(value: Value, topic_action: Option<&str>) -> Result<Self, DecodeError> {
        match value {
            Value::Array(frame) => Self::from_frame(frame),
            Value::String(text) => {
                let inner = serde_json::from_str(&text);
                let inner = inner.map_err(|error| DecodeError::NotJson(error.to_string()))?;
                let Value::Array(frame) = inner else { return Err(not_a_frame()) };
                Self::from_frame(frame)
            }
            Value::Object(object) => Self::from_object(object, topic_action),
            Value::Null | Value::Bool(_) | Value::Number(_) => Err(not_a_frame()),
        }
    }

    fn from_frame(frame: Vec<Value>) -> Result<Self, DecodeError> {
        let mut parts = frame.into_iter();
        let kind = parts.next().and_then(|kind| kind.as_u64());
        let unique_id = parts.next().as_ref().and_then(text_of);
        let (action, body) = match kind {
            Some(2) => {
                let action = parts.next().and_then(|a| a.as_str().map(str::to_owned));
                (action.ok_or_else(not_a_frame)?, parts.next())
            }
            Some(3) => (words::CALL_RESULT.to_owned(), parts.next()),
            Some(4) => {
                let code = parts.next().unwrap_or_default();
                let text = parts.next().unwrap_or_default();
                let body = [("status", code), ("info", text)];
                let body = body.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
                (words::CALL_ERROR.to_owned(), Some(Value::Object(body)))
            }
            _ => return Err(not_a_frame()),
        };
        let body = match body {
            Some(Value::Object(body)) => body,
            None | Some(Value::Null) => Map::new(),
            Some(_) => return Err(not_a_frame()),
        };
        Ok(Self { action, unique_id, body, ts: None, device: None })
    }

    fn from_object(
        mut object: Map<String, Value>,
        topic_action: Option<&str>,
    ) -> Result<Self, DecodeError> {
        let ts = object.remove("ts").filter(|ts| !ts.is_null());
        let device = object.remove("device").and_then(|device| device.as_str().map(str::to_owned));
        let wrapped = ["frame", "message", "msg"].iter().find_map(|key| {
            object.get(*key).filter(|v| v.is_array() || v.is_string()).map(|_| *key)
        });
        if let Some(frame) = wrapped.and_then(|key| object.remove(key)) {
            let ts = ts.or_else(|| object.remove("timestamp"));
            return Ok(Self { ts, device, ..Self::open(frame, topic_action)? });
        }
        let named = object.remove("action").and_then(|action| action.as_str().map(str::to_owned));
        let action = named.or_else(|| topic_action.map(str::to_owned)).filter(|a| !a.is_empty());
        let unique = ["id", "unique_id", "uniqueId", "message_id", "messageId"];
        let unique_id =
            unique.iter().find_map(|key| object.remove(*key).as_ref().and_then(text_of));
        let body = match object.remove("payload") {
            Some(Value::Object(body)) => body,
            Some(_) | None => object,
        };
        let action = action.unwrap_or_else(|| words::CALL_RESULT.to_owned());
        Ok(Self { action, unique_id, body, ts, device })
    }

    pub(super) fn gateway_time(&self) -> Result<Option<DateTime<Utc>>, DecodeError> {
        let Some(ts) = &self.ts else { return Ok(None) };
        let raw = RawValue::from_string(ts.to_string());
        let raw = raw.map_err(|error| DecodeError::NotJson(error.to_string()))?;
        time::parse("ts", &raw).map(Some)
    }

    pub(super) fn check_device(&self, topic: &DeviceId) -> Result<(), DecodeError> {
        match &self.device {
            Some(named) if named != topic.as_str() => Err(DecodeError::IdentityMismatch {
                topic: topic.as_str().into(),
                payload: named.as_str().into(),
            }),
            Some(_) | None => Ok(()),
        }
    }
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn not_a_frame() -> DecodeError {
    let text =
        "an OCPP message is [2,id,action,{…}], [3,id,{…}], [4,id,code,text,{…}] or an object";
    DecodeError::NotJson(text.to_owned())
}
