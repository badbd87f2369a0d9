//! Checks of the registry: its own tables and documents, and what rules and leads say of people.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use upturn_core::lead::document::{self, Document};
use upturn_core::registry::Registry;
use upturn_core::rule::finding::{Fault, Finding, Severity};
use upturn_core::rule::route::{OPERATIONS_POOL, Target};

use crate::registry;
use crate::registry::problem::{Problem, RegistryError};
use crate::rules::{CheckedFile, RulesError};

/// What a registry's folder is known by.
const TABLES: [&str; 4] = ["people.csv", "accounts.csv", "devices.csv", "hand-overs.toml"];
/// The longest text of a table that is shown.
const TEXT_MAX: u64 = 16 * 1024 * 1024;

/// Tells whether `path` is a folder with a registry.
pub(super) fn is_one(path: &Path, configured: Option<&Path>) -> bool {
    Some(path) == configured || TABLES.iter().any(|table| path.join(table).is_file())
}

/// Reads the registry in `folder`; returns its files that are wrong, or the registry.
pub(super) fn check(folder: &Path) -> Result<(Vec<CheckedFile>, Option<Registry>), RulesError> {
    let problems = match registry::load(folder) {
        Ok(registry) => return Ok((tables(folder), Some(registry))),
        Err(RegistryError::Folder { path, source }) => {
            return Err(RulesError::Unreadable { path, source });
        }
        Err(RegistryError::Wrong(problems)) => problems,
    };
    let mut files: Vec<CheckedFile> = Vec::new();
    for Problem { file, line, message } in problems.listed() {
        if files.iter().all(|one| one.path != *file) {
            files.push(blank(file.clone()));
        }
        let Some(one) = files.iter_mut().find(|one| one.path == *file) else { continue };
        let (message, cure) = message.rsplit_once("; ").unwrap_or((message, "correct it"));
        let span = span_of(&one.text, *line);
        one.findings.push(Finding::error(&one.text, span, Fault::new("registry", message, cure)));
    }
    Ok((files, None))
}

/// Warns of pools that nobody is in, and of people that nobody knows: what goes there, nobody does.
pub(super) fn warn_of_nobody(files: &mut [CheckedFile], registry: &Registry) {
    let teams: BTreeSet<&str> =
        registry.people.values().filter_map(|person| person.team.as_deref()).collect();
    for file in files {
        let mut nobody: Vec<(String, String)> = Vec::new();
        if let Some(rule) = &file.rule {
            let named = rule.then.route.0.iter();
            let mut pools: Vec<String> = named
                .filter_map(|target| match target {
                    Target::Pool(team) => Some(format!("pool:{team}")),
                    Target::AccountOwner => None,
                })
                .collect();
            if pools.is_empty() {
                pools.push(OPERATIONS_POOL.to_owned());
            }
            nobody.extend(pools.into_iter().filter_map(|pool| {
                let team = pool.strip_prefix("pool:").unwrap_or_default();
                let message = format!("nobody is in the team '{team}', so nobody does its steps");
                (!teams.contains(team)).then_some((pool, message))
            }));
        }
        if let Ok(Document::Route(route)) = document::parse(&file.text) {
            let unknown = route.people().filter(|person| !registry.people.contains_key(*person));
            nobody.extend(unknown.map(|person| {
                (format!("\"{person}\""), format!("'{person}' is not in people.csv"))
            }));
            let pools = route.pools().into_iter().filter(|team| !teams.contains(team));
            nobody.extend(pools.map(|team| {
                let message = format!("nobody is in the team '{team}', so nobody does its steps");
                (format!("pool:{team}"), message)
            }));
        }
        for (word, message) in nobody {
            let at = file.text.find(&word).unwrap_or_default();
            let end = if file.text.is_empty() { at } else { at + word.len() };
            let end = if file.text.get(at..end) == Some(&word) { end } else { at };
            let cure = "name a team or a person of people.csv, or add them there";
            let fault = Fault::new("nobody", message, cure);
            let error = Finding::error(&file.text, at..end, fault);
            file.findings.push(Finding { severity: Severity::Warning, ..error });
        }
    }
}

/// Returns the tables that are there, as files with nothing wrong.
fn tables(folder: &Path) -> Vec<CheckedFile> {
    let there = TABLES.iter().map(|table| folder.join(table)).filter(|path| path.is_file());
    there
        .map(|path| CheckedFile { path, text: String::new(), rule: None, findings: Vec::new() })
        .collect()
}

fn blank(path: PathBuf) -> CheckedFile {
    let is_short = fs::metadata(&path).is_ok_and(|found| found.len() <= TEXT_MAX);
    let bytes = if is_short { fs::read(&path).unwrap_or_default() } else { Vec::new() };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    CheckedFile { path, text, rule: None, findings: Vec::new() }
}

fn span_of(text: &str, line: Option<u64>) -> std::ops::Range<usize> {
    let Some(line) = line.and_then(|line| usize::try_from(line).ok()) else { return 0..0 };
    let mut start = 0;
    for (number, found) in (1..).zip(text.split_inclusive('\n')) {
        if number == line {
            return start..start + found.trim_end().len();
        }
        start += found.len();
    }
    0..0
}
