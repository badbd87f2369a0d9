//! Who a failed attempt is put down to.

use serde::{Deserialize, Serialize};

/// Whose side the cause of a failure lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// The charger: what service and sales can do something about.
    Charger,
    /// The vehicle.
    Vehicle,
    /// The person: a rejected card, unplugging before the start.
    User,
    /// The supply.
    Grid,
}

/// Returns the cause behind an error code of `StatusNotification`; a code nobody knows, or none
/// at all, is the charger's.
pub(super) fn of_code(code: Option<&str>) -> Cause {
    match code {
        Some("EVCommunicationError" | "OverCurrentFailure") => Cause::Vehicle,
        Some("UnderVoltage" | "OverVoltage") => Cause::Grid,
        Some(_) | None => Cause::Charger,
    }
}

/// Returns the cause behind a reason of `StopTransaction`, or `None` for one that a session may
/// well end with (absent means `Local`).
pub(super) fn of_reason(reason: Option<&str>) -> Option<Cause> {
    match reason? {
        "PowerLoss" => Some(Cause::Grid),
        "Reboot" | "HardReset" | "Other" => Some(Cause::Charger),
        // The button was pressed, the card was revoked: a person did it.
        "EmergencyStop" | "DeAuthorized" => Some(Cause::User),
        _ => None,
    }
}

/// Returns who holds the energy back in a state of suspension.
pub(super) fn of_suspension(status: &str) -> Option<Cause> {
    match status {
        "SuspendedEV" => Some(Cause::Vehicle),
        "SuspendedEVSE" => Some(Cause::Charger),
        _ => None,
    }
}
