//! Events for tests of the fold.

use chrono::{DateTime, TimeDelta, Utc};

use crate::event::{Attributes, Event};
use crate::id::{DeviceId, EventId};

/// Returns a day's beginning.
pub(crate) fn midnight() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_767_571_200_000).unwrap()
}

/// Returns an event of `kind` on `device`, `minute` minutes after [`midnight`], received then.
pub(crate) fn event_at(device: &str, kind: &str, minute: i64) -> Event {
    let at = midnight() + TimeDelta::minutes(minute);
    Event {
        id: EventId::new(&format!("{device}-{kind}-{minute}")).unwrap(),
        device: DeviceId::new(device).unwrap(),
        channel: None,
        kind: kind.into(),
        stated_at: Some(at),
        occurred_at: at,
        received_at: at,
        seq: None,
        clock_suspect: false,
        attributes: Attributes::none(),
        position: 0,
    }
}
