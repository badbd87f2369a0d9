//! Scopes: what a rule counts by.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::registry::known::Known;

/// What a rule counts by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scope {
    /// Each device by itself.
    Device,
    /// Each channel of each device by itself.
    Channel,
    /// All devices at a site, together.
    Site,
    /// All of a customer's devices and dealings, together.
    Account,
    /// All that one person met with, on whatever device.
    Contact,
    /// All events with the same value of this attribute.
    Attribute(Box<str>),
}

impl Scope {
    /// Returns what `event` is counted under; `None` where nobody knows, so that it is not counted.
    pub fn of<'a>(&self, event: &'a Event, registry: Known<'a>) -> Option<Cow<'a, str>> {
        match self {
            Self::Device => Some(Cow::Borrowed(event.device.as_str())),
            Self::Channel => {
                let channel = event.channel.as_deref().unwrap_or("-");
                Some(Cow::Owned(format!("{}/{channel}", event.device)))
            }
            Self::Site => registry.find_site_of(event),
            Self::Account => registry.find_account_behind(event),
            Self::Contact => registry.find_contact_of(event),
            Self::Attribute(name) => attribute(event, name).map(Cow::Owned),
        }
    }

    /// Returns whether one device's events can only ever be counted together with its own.
    pub fn is_within_device(&self) -> bool {
        match self {
            Self::Device | Self::Channel => true,
            Self::Site | Self::Account | Self::Contact | Self::Attribute(_) => false,
        }
    }
}

/// The longest text that names anything, in bytes: names become keys of tables.
const NAME_MAX: usize = 256;

/// Returns an attribute as a name: a text as it is, a number or a truth as JSON writes it. What is
/// too long, or has control characters, names nothing.
pub(crate) fn attribute(event: &Event, name: &str) -> Option<String> {
    let is_name =
        |text: &str| (1..=NAME_MAX).contains(&text.len()) && !text.contains(char::is_control);
    match event.attributes.find(name)? {
        serde_json::Value::String(text) if is_name(&text) => Some(text),
        serde_json::Value::Number(number) => Some(number.to_string()),
        serde_json::Value::Bool(truth) => Some(truth.to_string()),
        serde_json::Value::String(_)
        | serde_json::Value::Null
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_) => None,
    }
}
