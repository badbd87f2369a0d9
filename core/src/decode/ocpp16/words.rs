//! The words of OCPP 1.6, and ours for them.

/// The action of an answer, since its frame carries none.
pub const CALL_RESULT: &str = "CallResult";
/// The action of a refusal.
pub const CALL_ERROR: &str = "CallError";
/// What a code becomes that the standard does not know.
pub const OTHER: &str = "other";

/// The error codes of `StatusNotification`, and ours for any other.
pub const CODES: &[&str] = &[
    "ConnectorLockFailure",
    "EVCommunicationError",
    "GroundFailure",
    "HighTemperature",
    "InternalError",
    "LocalListConflict",
    "NoError",
    "OtherError",
    "OverCurrentFailure",
    "PowerMeterFailure",
    "PowerSwitchFailure",
    "ReaderFailure",
    "ResetFailure",
    "UnderVoltage",
    "OverVoltage",
    "WeakSignal",
    OTHER,
];

/// The states of a connector, and ours for any other.
pub const STATUSES: &[&str] = &[
    "Available",
    "Preparing",
    "Charging",
    "SuspendedEVSE",
    "SuspendedEV",
    "Finishing",
    "Reserved",
    "Unavailable",
    "Faulted",
    OTHER,
];

/// The reasons of `StopTransaction`, and ours for any other.
pub const REASONS: &[&str] = &[
    "EmergencyStop",
    "EVDisconnected",
    "HardReset",
    "Local",
    "Other",
    "PowerLoss",
    "Reboot",
    "Remote",
    "SoftReset",
    "UnlockCommand",
    "DeAuthorized",
    OTHER,
];

/// Returns our word for a call.
pub fn kind_of(action: &str) -> &'static str {
    match action {
        "StatusNotification" => "status",
        "StartTransaction" => "session_start",
        "StopTransaction" => "session_end",
        "Authorize" => "authorize",
        "BootNotification" => "boot",
        "Heartbeat" => "heartbeat",
        "MeterValues" => "meter",
        "DataTransfer" => "data_transfer",
        CALL_RESULT | CALL_ERROR => "response",
        _ => "other",
    }
}

/// Returns the standard's spelling of `code`, or [`OTHER`].
pub fn code_of(code: &str) -> &'static str {
    CODES.iter().find(|known| **known == code).copied().unwrap_or(OTHER)
}

/// More than there are stages of a session.
pub(super) const STAGES: i64 = 16;

/// Returns where in a session a message belongs, to order those of one second.
pub(super) fn stage(kind: &str, status: Option<&str>) -> i64 {
    match (kind, status) {
        ("boot", _) => 0,
        ("status", Some("Preparing")) => 1,
        ("authorize", _) => 2,
        ("session_start", _) => 3,
        ("response", _) => 4,
        ("status", Some("Charging" | "SuspendedEV" | "SuspendedEVSE")) => 5,
        ("status", Some("Faulted")) => 7,
        ("session_end", _) => 8,
        ("status", Some("Finishing")) => 9,
        ("status", Some("Available")) => 10,
        _ => 6,
    }
}

/// Returns `connector_id` for `connectorId`.
pub(super) fn with_underscores(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 2);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}
