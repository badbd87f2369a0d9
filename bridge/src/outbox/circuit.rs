//! The circuit of a destination: after failures in a row nothing is sent for a while, then one letter
//! tries whether it works again. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::store::destination::DestinationState;

/// Failures in a row that open the circuit.
const FAILURES_MAX: u32 = 3;
/// The longest the circuit stays open, unless the destination asks for more.
const OPEN_MAX: TimeDelta = TimeDelta::minutes(5);

/// Whether letters are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Circuit {
    /// They are.
    Closed,
    /// Not for a while: it failed too often.
    Open,
    /// The next one tries whether it works again.
    HalfOpen,
    /// Not until a person turns it on: it wants none.
    Off,
}

impl Circuit {
    /// Returns how the circuit stands at `now`.
    pub(crate) fn of(state: &DestinationState, now: DateTime<Utc>) -> Self {
        match state.open_until {
            _ if state.off_reason.is_some() => Self::Off,
            Some(until) if now < until => Self::Open,
            Some(_) => Self::HalfOpen,
            None => Self::Closed,
        }
    }

    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::Off => "off",
        }
    }

    /// Returns whether a letter may be tried.
    pub(crate) fn lets_through(self) -> bool {
        match self {
            Self::Closed | Self::HalfOpen => true,
            Self::Open | Self::Off => false,
        }
    }
}

/// Returns the state after it worked at `now`; none if nothing is to be kept.
pub(crate) fn worked(state: &DestinationState, now: DateTime<Utc>) -> DestinationState {
    DestinationState {
        failures: 0,
        open_until: None,
        worked_at: Some(now),
        off_reason: state.off_reason.clone(),
        last_error: state.last_error.clone(),
        failed_at: state.failed_at,
    }
}

/// Returns the state after it failed at `now` for `reason`; `pause` is how long the letter waits, and
/// `asked` how long the destination wants to be left alone.
pub(crate) fn failed(
    state: &DestinationState,
    (now, reason): (DateTime<Utc>, &str),
    pause: TimeDelta,
    asked: Option<TimeDelta>,
) -> DestinationState {
    let failures = state.failures.saturating_add(1);
    let by_itself = (FAILURES_MAX <= failures).then(|| pause.min(OPEN_MAX));
    let open = by_itself.max(asked);
    DestinationState {
        failures,
        open_until: open.map(|open| now + open),
        last_error: Some(reason.to_owned()),
        failed_at: Some(now),
        ..state.clone()
    }
}

/// Returns the state after it said at `now` that it wants no letters any more.
pub(crate) fn off(state: &DestinationState, now: DateTime<Utc>, reason: &str) -> DestinationState {
    DestinationState {
        off_reason: Some(reason.to_owned()),
        last_error: Some(reason.to_owned()),
        failed_at: Some(now),
        ..state.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_000_000 + second, 0).unwrap()
    }

    #[test]
    fn opens_after_failures_in_a_row_and_closes_when_one_gets_through() {
        let seconds = TimeDelta::seconds;
        let mut state = DestinationState::default();
        assert_eq!(Circuit::of(&state, at(0)), Circuit::Closed);
        for failures in 1..FAILURES_MAX {
            state = failed(&state, (at(0), "no answer"), seconds(4), None);
            assert_eq!((state.failures, Circuit::of(&state, at(0))), (failures, Circuit::Closed));
        }
        state = failed(&state, (at(10), "no answer"), seconds(4), None);
        for (second, expected) in
            [(10, Circuit::Open), (13, Circuit::Open), (14, Circuit::HalfOpen)]
        {
            assert_eq!(Circuit::of(&state, at(second)), expected, "second {second}");
        }
        state = failed(&state, (at(14), "no answer"), TimeDelta::hours(1), None);
        assert_eq!(state.open_until, Some(at(14) + OPEN_MAX), "letters wait longer than it");
        let again = worked(&state, at(400));
        assert_eq!(Circuit::of(&again, at(400)), Circuit::Closed);
        assert_eq!((again.failures, again.last_error.as_deref()), (0, Some("no answer")));
    }

    #[test]
    fn leaves_alone_what_asks_for_it_and_what_is_off() {
        let asked = Some(TimeDelta::minutes(10));
        let state =
            failed(&DestinationState::default(), (at(0), "429"), TimeDelta::minutes(10), asked);
        assert_eq!(Circuit::of(&state, at(599)), Circuit::Open);
        assert_eq!(Circuit::of(&state, at(600)), Circuit::HalfOpen);

        let off = off(&state, at(1), "410");
        assert_eq!(Circuit::of(&off, at(9_999)), Circuit::Off);
        assert_eq!(
            Circuit::of(&worked(&off, at(9_999)), at(9_999)),
            Circuit::Off,
            "a person decides"
        );
    }
}
