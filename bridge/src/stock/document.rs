//! The stocking document in force.

use std::path::Path;

use chrono_tz::Tz;
use upturn_connectors::schedule::Schedule;
use upturn_core::rule::finding::{Fault, Finding};
use upturn_core::stock::stocking::Stocking;

use crate::rules::{self, CheckedFile, RulesError};

/// A stocking document with what follows from it.
#[derive(Clone, Debug)]
pub(crate) struct InForce {
    /// The document.
    pub(crate) stocking: Stocking,
    /// When plans are made by themselves.
    pub(crate) schedule: Schedule,
    /// The zone of its days.
    pub(crate) zone: Tz,
    /// The text it was read from: another text is another document.
    pub(crate) text: String,
}

/// Tells whether `file` says that it is such a document.
pub(crate) fn is_one(file: &CheckedFile) -> bool {
    Stocking::is_one(&file.text)
}

/// Reads `file`, and adds what is wrong with it.
pub(crate) fn read(mut file: CheckedFile) -> (CheckedFile, Option<InForce>) {
    if !file.findings.is_empty() {
        return (file, None);
    }
    match parse(&file.text) {
        Ok(in_force) => (file, Some(in_force)),
        Err(findings) => {
            file.findings = findings;
            (file, None)
        }
    }
}

/// Reads the document at `path`.
pub(crate) fn load(path: &Path) -> Result<InForce, RulesError> {
    match read(rules::read_text(path.to_owned())?) {
        (_, Some(in_force)) => Ok(in_force),
        (file, None) => Err(RulesError::Wrong(vec![file])),
    }
}

fn parse(text: &str) -> Result<InForce, Vec<Finding>> {
    let stocking = Stocking::parse(text)?;
    let zone: Tz = stocking.zone.parse().unwrap_or(Tz::UTC);
    let schedule = Schedule::read(&stocking.schedule, zone).map_err(|error| {
        let start = text.find("schedule").unwrap_or_default();
        let fault = Fault::new("wrong-schedule", error.to_string(), "correct it");
        vec![Finding::error(text, start..start + "schedule".len(), fault)]
    })?;
    Ok(InForce { stocking, schedule, zone, text: text.to_owned() })
}
