//! Credentials that were verified a moment ago, so that an API client does not pay for Argon2 on
//! every call.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest as _, Sha256};

/// How long a verified credential is believed.
const LIFETIME: TimeDelta = TimeDelta::seconds(60);

/// How many are remembered.
const ENTRIES_MAX: usize = 1_000;

/// The credentials of the last minute, by their hash.
#[derive(Debug, Default)]
pub(crate) struct Verified {
    entries: Mutex<BTreeMap<[u8; 32], DateTime<Utc>>>,
}

impl Verified {
    /// Returns whether `password` was found to be the one behind `stored` within the last minute.
    ///
    /// The stored hash is part of the key: with a new password the old one is refused at once.
    pub(crate) fn knows(&self, password: &str, stored: &str, now: DateTime<Utc>) -> bool {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(&key(password, stored)).is_some_and(|at| now - *at < LIFETIME)
    }

    /// Remembers that `password` is the one behind `stored`.
    pub(crate) fn remember(&self, password: &str, stored: &str, now: DateTime<Utc>) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if ENTRIES_MAX <= entries.len() {
            entries.retain(|_, at| now - *at < LIFETIME);
        }
        if ENTRIES_MAX <= entries.len() {
            entries.clear();
        }
        entries.insert(key(password, stored), now);
    }
}

fn key(password: &str, stored: &str) -> [u8; 32] {
    // The length in front keeps the two texts apart.
    let length = u64::try_from(stored.len()).unwrap_or(u64::MAX).to_be_bytes();
    Sha256::new()
        .chain_update(length)
        .chain_update(stored.as_bytes())
        .chain_update(password.as_bytes())
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn believes_a_credential_for_a_minute_and_only_with_the_same_stored_hash() {
        let verified = Verified::default();
        let now = DateTime::UNIX_EPOCH;
        verified.remember("secret", "$hash", now);

        let cases = [
            ("at once", "secret", "$hash", 0, true),
            ("after 59 s", "secret", "$hash", 59, true),
            ("after 60 s", "secret", "$hash", 60, false),
            ("another password", "Secret", "$hash", 0, false),
            ("the password was changed", "secret", "$new", 0, false),
            ("moved border", "hsecret", "$has", 0, false),
        ];
        for (case, password, stored, seconds, expected) in cases {
            let later = now + TimeDelta::seconds(seconds);
            assert_eq!(verified.knows(password, stored, later), expected, "case: {case}");
        }
    }

    #[test]
    fn remembers_a_bounded_number() {
        let verified = Verified::default();
        for number in 0..3_000 {
            verified.remember(&number.to_string(), "$hash", DateTime::UNIX_EPOCH);
        }
        assert!(verified.entries.lock().unwrap().len() <= ENTRIES_MAX);
    }
}
