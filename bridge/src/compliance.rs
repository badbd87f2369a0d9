//! The rules of the house on selling, as they stand in files: all of them, or none.

use std::path::Path;

use upturn_core::compliance::document::{self, Document};
use upturn_core::compliance::policy::Policy;
use upturn_core::rule::finding::{Fault, Finding};

use crate::rules::{self, CheckedFile, RulesError};

/// Reads the documents in `path`, a file or a folder of `*.toml`; one with an error refuses them all.
pub(crate) fn load(path: &Path) -> Result<Policy, RulesError> {
    let mut policy = Policy::default();
    let mut files = Vec::new();
    for path in rules::files_in(path)? {
        let (mut file, document) = read(rules::read_text(path)?);
        let is_second = match document {
            Some(Document::PriceBands(bands)) => policy.bands.replace(bands).is_some(),
            Some(Document::Approvers(approvers)) => policy.approvers.replace(approvers).is_some(),
            Some(Document::Process(process)) => {
                let is_second = policy.processes.iter().any(|other| other.id == process.id);
                policy.processes.push(process);
                is_second
            }
            Some(Document::DeliveryRisk(risk)) => policy.delivery_risk.replace(risk).is_some(),
            None => false,
        };
        if is_second {
            let what = "another file in this folder says the same or has the same id";
            let fault = Fault::new("second-document", what, "make one document of them");
            file.findings.push(Finding::error(&file.text, 0..0, fault));
        }
        files.push(file);
    }
    if files.iter().any(|file| !file.findings.is_empty()) {
        return Err(RulesError::Wrong(files));
    }
    Ok(policy)
}

/// Tells whether `file` says that it is such a document.
pub(crate) fn is_one(file: &CheckedFile) -> bool {
    document::is_one(&file.text)
}

/// Reads `file`, and adds what is wrong with it.
pub(crate) fn read(mut file: CheckedFile) -> (CheckedFile, Option<Document>) {
    if !file.findings.is_empty() {
        return (file, None);
    }
    match document::parse(&file.text) {
        Ok(document) => (file, Some(document)),
        Err(findings) => {
            file.findings = findings;
            (file, None)
        }
    }
}
