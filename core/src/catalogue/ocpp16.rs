//! Kinds that OCPP 1.6 sends, and those that are derived from them.
//!
//! The lists of literals are those of the OCPP 1.6 specification. A charger may send others; they
//! are kept as `other` with the maker's own text in `vendor_code`.

use super::{Field, Kind};
use crate::decode::ocpp16::words::{CODES, REASONS, STATUSES};

/// The attributes of a message: those that every message can have, of which three may be closed
/// lists, and its own.
macro_rules! of_message {
    ($status:expr, $code:expr, $reason:expr, $($own:expr,)*) => {
        &[
            Field::text("action"),
            $status,
            $code,
            Field::text("vendor_code"),
            Field::text("info"),
            $reason,
            Field::number("meter_wh"),
            Field::number("transaction"),
            Field::text("id_tag"),
            $($own,)*
        ]
    };
}

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "charge_failed", attributes: ATTEMPT },
    Kind { name: "charge_ok", attributes: ATTEMPT },
    Kind { name: "status", attributes: STATUS },
    Kind { name: "session_start", attributes: CALL },
    Kind { name: "session_end", attributes: SESSION_END },
    Kind { name: "authorize", attributes: CALL },
    Kind { name: "boot", attributes: BOOT },
    Kind { name: "heartbeat", attributes: CALL },
    Kind { name: "meter", attributes: CALL },
    Kind { name: "data_transfer", attributes: CALL },
    Kind { name: "response", attributes: CALL },
    Kind { name: "other", attributes: CALL },
];

/// Attributes of an attempt to charge, derived from several messages.
pub(super) const ATTEMPT: &[Field] = &[
    Field::one_of("code", CODES),
    Field::one_of("cause", &["charger", "vehicle", "user", "grid"]),
    Field::text("reason"),
    Field::text("vendor_code"),
    Field::text("info"),
    Field::number("energy_wh"),
    Field::number("session"),
    Field::text("id_tag"),
];

const STATUS: &[Field] = of_message![
    Field::one_of("status", STATUSES),
    Field::one_of("code", CODES),
    Field::text("reason"),
];

const SESSION_END: &[Field] =
    of_message![Field::text("status"), Field::text("code"), Field::one_of("reason", REASONS),];

const BOOT: &[Field] = &[Field::text("action"), Field::text("model"), Field::text("vendor")];

const CALL: &[Field] = of_message![
    Field::text("status"),
    Field::text("code"),
    Field::text("reason"),
    Field::text("id_tag_status"),
];
