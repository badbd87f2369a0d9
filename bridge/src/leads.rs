//! Documents of leads (scores, grades, routes, SLAs) as they stand among the rules: all of them, or none.

use std::path::Path;
use std::sync::Arc;

use upturn_core::lead::document;
use upturn_core::lead::policy::{Policy, Written};
use upturn_core::rule::finding::Finding;

use crate::rules::{self, CheckedFile, RulesError};
use crate::runtime::switching::version_of;

/// Reads the documents of leads in `path`, the folder of the rules; one with an error refuses them all.
pub(crate) fn load(path: &Path) -> Result<Policy, RulesError> {
    let mut files = Vec::new();
    for path in rules::files_in(path)? {
        files.push(rules::read_text(path)?);
    }
    let (files, policy) = check(files.into_iter().filter(is_one).collect());
    if files.iter().any(|file| file.findings.iter().any(Finding::is_error)) {
        return Err(RulesError::Wrong(files));
    }
    Ok(policy)
}

/// Tells whether `file` says that it is such a document.
pub(crate) fn is_one(file: &CheckedFile) -> bool {
    document::is_one(&file.text)
}

/// Reads `files`, and adds what is wrong with each, also between them; the policy is empty where anything
/// is.
pub(crate) fn check(mut files: Vec<CheckedFile>) -> (Vec<CheckedFile>, Policy) {
    let mut written = Vec::new();
    for file in &mut files {
        if !file.findings.is_empty() {
            continue;
        }
        match document::parse(&file.text) {
            Ok(document) => written.push(Written {
                document,
                version: version_of(&file.text).into(),
                text: Arc::from(&*file.text),
            }),
            Err(findings) => file.findings = findings,
        }
    }
    if files.iter().any(|file| !file.findings.is_empty()) {
        // Whether one names another that is there can be told once all of them can be read.
        return (files, Policy::default());
    }
    match Policy::new(written) {
        Ok(policy) => (files, policy),
        Err(findings) => {
            for (at, finding) in findings {
                if let Some(file) = files.get_mut(at) {
                    file.findings.push(finding);
                }
            }
            (files, Policy::default())
        }
    }
}
