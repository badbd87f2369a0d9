//! Health: what the parts of the program say about themselves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The latest word of each check. A clone shares the same words.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    checks: Arc<Mutex<BTreeMap<&'static str, Result<(), String>>>>,
}

impl Health {
    /// Returns the health of a program none of whose `checks` has reported yet.
    pub(crate) fn new(checks: &[&'static str]) -> Self {
        let unknown = checks.iter().map(|check| (*check, Err("not checked yet".to_owned())));
        Self { checks: Arc::new(Mutex::new(unknown.collect())) }
    }

    /// Records what `check` found: fine, or the reason why not.
    pub(crate) fn set(&self, check: &'static str, found: Result<(), String>) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.insert(check, found);
    }

    /// Returns what each check found last.
    pub(crate) fn snapshot(&self) -> BTreeMap<&'static str, Result<(), String>> {
        self.checks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_not_fine_before_it_has_reported() {
        let health = Health::new(&["broker", "database"]);
        let shared = health.clone();
        shared.set("database", Ok(()));

        let found = health.snapshot();
        assert_eq!(found.get("broker"), Some(&Err("not checked yet".to_owned())));
        assert_eq!(found.get("database"), Some(&Ok(())));
    }
}
