//! Kinds that native JSON is known to send: those that Upturn's own rules speak of.

use super::Kind;
use super::ocpp16::ATTEMPT;

pub(super) const KINDS: &[Kind] = &[
    Kind { name: "charge_failed", attributes: ATTEMPT },
    Kind { name: "charge_ok", attributes: ATTEMPT },
];
