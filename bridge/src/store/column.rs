//! Turns what a row holds into the types of the domain, or says which column cannot be.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use upturn_core::event::Position;
use upturn_core::id::{DeviceId, EventId, RuleId};

use super::error::StoreError;

/// The place of a value, for the message if the value is impossible.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column(pub(super) &'static str, pub(super) &'static str);

impl Column {
    /// Returns the time `milliseconds` after 1970.
    pub(super) fn time(self, milliseconds: i64) -> Result<DateTime<Utc>, StoreError> {
        DateTime::from_timestamp_millis(milliseconds)
            .ok_or_else(|| self.inconsistent("a time beyond the calendar"))
    }

    /// Returns the time `milliseconds` after 1970, if there is one.
    pub(super) fn time_if_any(
        self,
        milliseconds: Option<i64>,
    ) -> Result<Option<DateTime<Utc>>, StoreError> {
        milliseconds.map(|milliseconds| self.time(milliseconds)).transpose()
    }

    /// Returns the place in the log.
    pub(super) fn position(self, position: i64) -> Result<Position, StoreError> {
        Position::try_from(position).map_err(|_| self.inconsistent("a negative position"))
    }

    /// Returns the place in the log as the store writes it.
    pub(super) fn write_position(self, position: Position) -> Result<i64, StoreError> {
        i64::try_from(position).map_err(|_| self.inconsistent("a position beyond the log"))
    }

    /// Returns the count, which the database never makes negative.
    pub(super) fn count(self, count: i64) -> Result<u64, StoreError> {
        u64::try_from(count).map_err(|_| self.inconsistent("a negative count"))
    }

    /// Returns the device's identity.
    pub(super) fn device(self, text: &str) -> Result<DeviceId, StoreError> {
        DeviceId::new(text).map_err(|error| self.inconsistent(&error.to_string()))
    }

    /// Returns the event's identity.
    pub(super) fn event(self, text: &str) -> Result<EventId, StoreError> {
        EventId::new(text).map_err(|error| self.inconsistent(&error.to_string()))
    }

    /// Returns the rule's identity.
    pub(super) fn rule(self, text: &str) -> Result<RuleId, StoreError> {
        RuleId::new(text).map_err(|error| self.inconsistent(&error.to_string()))
    }

    /// Returns what the JSON text says.
    pub(super) fn json<T: DeserializeOwned>(self, text: &str) -> Result<T, StoreError> {
        serde_json::from_str(text).map_err(|error| self.inconsistent(&error.to_string()))
    }

    /// Returns `value` as JSON text.
    pub(super) fn write_json<T: serde::Serialize>(self, value: &T) -> Result<String, StoreError> {
        serde_json::to_string(value).map_err(|error| self.inconsistent(&error.to_string()))
    }

    /// Returns the error that this column holds an impossible value.
    pub(super) fn inconsistent(self, what: &str) -> StoreError {
        StoreError::Inconsistent { table: self.0, column: self.1, what: what.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_column_whose_value_is_impossible() {
        let column = Column("event", "device");
        let cases = [
            (column.time(i64::MAX).map(drop), "a time beyond the calendar"),
            (column.position(-1).map(drop), "a negative position"),
            (column.write_position(u64::MAX).map(drop), "a position beyond the log"),
            (column.count(-1).map(drop), "a negative count"),
            (
                column.device("").map(drop),
                "device id has 0 bytes, not 1 to 128; use letters, digits, '-', '_', '.', ':', '*' or '@'",
            ),
            (column.json::<Vec<u8>>("[").map(drop), "EOF while parsing a list at line 1 column 1"),
        ];
        for (result, what) in cases {
            let expected =
                format!("event.device holds what upturn never writes: {what}; run `upturn doctor`");
            assert_eq!(result.unwrap_err().to_string(), expected, "case: {what}");
        }
    }
}
