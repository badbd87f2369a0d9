//! Health: what the parts of the program say about themselves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The latest word of each check. A clone shares the same words.
#[derive(Clone, Debug)]
pub(crate) struct Health {
    checks: Arc<Mutex<BTreeMap<&'static str, Result<(), String>>>>,
    warnings: Arc<Mutex<BTreeMap<&'static str, Vec<String>>>>,
}

impl Health {
    /// Returns the health of a program none of whose `checks` has reported yet.
    pub(crate) fn new(checks: &[&'static str]) -> Self {
        let unknown = checks.iter().map(|check| (*check, Err("not checked yet".to_owned())));
        Self { checks: Arc::new(Mutex::new(unknown.collect())), warnings: Arc::default() }
    }

    /// Records what `check` found: fine, or the reason why not.
    pub(crate) fn set(&self, check: &'static str, found: Result<(), String>) {
        let mut checks = self.checks.lock().unwrap_or_else(PoisonError::into_inner);
        checks.insert(check, found);
    }

    /// Records what a person should look at though the program works; it replaces what was said
    /// about `subject` before.
    pub(crate) fn warn(&self, subject: &'static str, warnings: Vec<String>) {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).insert(subject, warnings);
    }

    /// Returns what a person should look at.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        warnings.values().flatten().cloned().collect()
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
