//! Derivation: raw messages of one device, in event order, become what rules speak of.
//!
//! A pure fold, so that a late message is handled by folding the device's history again. To add
//! a derivation: a file under `derive/`, and its line in [`Derivation::observe`].

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventRef};

pub mod attempt;

/// The kind of a failed charging attempt.
pub const CHARGE_FAILED: &str = "charge_failed";
/// The kind of a charging session that delivered energy and ended well.
pub const CHARGE_OK: &str = "charge_ok";

/// What is known of one device's sessions after the messages seen so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Derivation {
    attempts: attempt::Attempts,
}

impl Derivation {
    /// Returns whether events of `kind` can change what is derived.
    pub fn reads(kind: &str) -> bool {
        attempt::READ.contains(&kind)
    }

    /// Returns whether events of `kind` can come out.
    pub fn makes(kind: &str) -> bool {
        matches!(kind, CHARGE_FAILED | CHARGE_OK)
    }

    /// Takes the device's next raw message and returns what follows from it.
    pub fn observe(&mut self, event: &Event) -> Vec<EventRef> {
        self.attempts.observe(event).into_iter().map(EventRef::derived).collect()
    }
}
