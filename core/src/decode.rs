//! Decoding: a message's topic and bytes become events. Stateless; nothing is looked up.
//!
//! To add a format: a file under `decode/`, a variant of [`Format`] and its line in
//! [`Sources::decode`], and recorded payloads with the events they must become.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::event::Event;
use crate::id::{DeviceId, IdError};

pub mod topic;
mod guard;
mod time;
mod native;
pub mod ocpp16;
pub mod line;
pub mod exported;
pub mod subject;

use self::topic::{Captures, TopicPattern};

/// The largest payload, in bytes.
pub const PAYLOAD_MAX: usize = 256 * 1024;

/// The payload formats that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One JSON object an event, in Upturn's own words.
    Native,
    /// OCPP 1.6 JSON calls, as a gateway publishes them.
    Ocpp16,
}

/// Where messages of one format come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name in settings, dead letters and the store.
    pub name: Box<str>,
    /// The topics it reads.
    pub topic: TopicPattern,
    /// How its payloads are written.
    pub format: Format,
    /// How far before its receipt a message's own time is believed.
    pub accept_past: TimeDelta,
    /// How far after its receipt a message's own time is believed.
    pub accept_future: TimeDelta,
}

impl Source {
    /// How far back a device's clock is believed by default: chargers do come back after months.
    pub const ACCEPT_PAST: TimeDelta = TimeDelta::days(400);
    /// How far ahead a device's clock is believed by default.
    pub const ACCEPT_FUTURE: TimeDelta = TimeDelta::minutes(5);
}

/// A message as it came in.
#[derive(Clone, Copy, Debug)]
pub struct Message<'m> {
    /// The topic it was published to.
    pub topic: &'m str,
    /// Its bytes.
    pub payload: &'m [u8],
    /// When it came in.
    pub receipt: Receipt,
}

/// What is known of a message's receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receipt {
    /// It came in at this time; the message's own time is checked against it.
    At(DateTime<Utc>),
    /// Nobody wrote it down (a line of a file). The message's own time is believed; one that
    /// states none happened at this log time.
    Unknown(DateTime<Utc>),
}

/// Why a message became no event. It goes to the dead letters, whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Nobody reads this topic.
    #[error("no source reads this topic; add a [[source]] whose topic fits, or unsubscribe it")]
    NoSource,
    /// More bytes than [`PAYLOAD_MAX`].
    #[error("payload has {0} bytes; at most {PAYLOAD_MAX} are read")]
    TooLarge(usize),
    /// Text in another encoding, or no text.
    #[error("payload is not UTF-8 from byte {0}; send JSON as UTF-8")]
    NotUtf8(usize),
    /// No JSON, or JSON of another shape.
    #[error("payload is not what the format says: {0}")]
    NotJson(String),
    /// Objects in objects beyond what any device needs.
    #[error("payload nests deeper than {max} levels", max = guard::DEPTH_MAX)]
    TooDeep,
    /// A part that must be there.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A part of the wrong type or out of bounds.
    #[error("{field} {fault}")]
    Field {
        /// Which part.
        field: &'static str,
        /// What is wrong with it and what would be right.
        fault: String,
    },
    /// A device may speak for itself only.
    #[error("the topic names device '{topic}', the payload '{payload}'; the topic decides")]
    IdentityMismatch {
        /// The device the topic names.
        topic: Box<str>,
        /// The device the payload names.
        payload: Box<str>,
    },
    /// An identity that cannot be one.
    #[error(transparent)]
    Id(#[from] IdError),
}

impl DecodeError {
    /// Returns the stable word for this kind of trouble.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSource => "no-source",
            Self::TooLarge(_) => "too-large",
            Self::NotUtf8(_) => "not-utf8",
            Self::NotJson(_) => "not-json",
            Self::TooDeep => "too-deep",
            Self::Missing(_) => "missing-field",
            Self::Field { .. } => "bad-field",
            Self::IdentityMismatch { .. } => "identity-mismatch",
            Self::Id(_) => "bad-id",
        }
    }

    /// Returns the part of a native event that is wrong, if it is one part.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Missing(field) | Self::Field { field, .. } => Some(field),
            Self::IdentityMismatch { .. } => Some("device"),
            Self::Id(error) => Some(error.field()),
            Self::NoSource
            | Self::TooLarge(_)
            | Self::NotUtf8(_)
            | Self::NotJson(_)
            | Self::TooDeep => None,
        }
    }
}

/// All sources; the first whose topic fits reads a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(pub Vec<Source>);

impl Sources {
    /// Returns the source that reads `topic`.
    pub fn find(&self, topic: &str) -> Option<&Source> {
        self.0.iter().find(|source| source.topic.matches(topic).is_some())
    }

    /// Returns the event that `message` tells of.
    pub fn decode(&self, message: Message<'_>) -> Result<Event, DecodeError> {
        self.read(message).map(|(_, event)| event)
    }

    /// Returns the event that `message` tells of, and the source that reads it.
    pub fn read(&self, message: Message<'_>) -> Result<(&Source, Event), DecodeError> {
        let fitting = self.0.iter().find_map(|s| Some((s, s.topic.matches(message.topic)?)));
        let (source, captures) = fitting.ok_or(DecodeError::NoSource)?;
        Ok((source, source.decode(captures, message)?))
    }
}

impl Source {
    fn decode(&self, topic: Captures<'_>, message: Message<'_>) -> Result<Event, DecodeError> {
        let device = DeviceId::new(topic.device.ok_or(DecodeError::Missing("device"))?)?;
        let text = guard::text(message.payload)?;
        let clock = time::Clock::of(self, message.receipt);
        match self.format {
            Format::Native => native::decode(text, device, topic.channel, clock),
            Format::Ocpp16 => ocpp16::decode(text, device, topic.action, clock),
        }
    }
}

/// Returns the first 32 hexadecimal digits of the SHA-256 of `parts`: 128 bits, which is what
/// keeps two different messages of one device apart.
pub(crate) fn digest<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        // The length keeps ("ab", "c") apart from ("a", "bc").
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let short = hash.finalize().into_iter().take(16);
    short
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|d| char::from_digit(d.into(), 16))
        .collect()
}
