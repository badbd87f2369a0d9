//! The folder of an operator's own texts: `templates/<kind>.<language>.<format>`, those for one kind
//! of channel in `templates/channels/<kind>`, for one destination in `templates/destinations/<id>`.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use upturn_connectors::deliver::KINDS;
use upturn_connectors::deliver::template::{CHANNELS, TemplateError, Templates};
use upturn_core::rule::finding::{Fault, Finding};

use crate::rules::{self, CheckedFile, RulesError};

/// The folder, within that of the documents.
pub(crate) const TEMPLATES: &str = "templates";
/// Templates at most.
const FILES_MAX: usize = 256;

/// How deep the folder is: what is for one place lies two folders down.
const DEPTH: usize = 2;

/// Reads the templates in the folder `dir` of documents, and says what is wrong with each;
/// `destinations` are those there are.
pub(super) fn read(
    dir: &Path,
    destinations: &[&str],
) -> Result<(Templates, Vec<CheckedFile>), RulesError> {
    let folder = dir.join(TEMPLATES);
    let name = |file: &CheckedFile| name(&folder, file);
    let mut paths = Vec::new();
    find_files(&folder, DEPTH, &mut paths)?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        files.push(rules::read_text(path)?);
    }
    for file in files.iter_mut().skip(FILES_MAX) {
        let what = format!("there are more than {FILES_MAX} templates");
        report(file, None, Fault::new("too-many", what, "put together what can be"));
    }
    let mut own = BTreeMap::new();
    for file in files.iter_mut().filter(|file| file.findings.is_empty()) {
        let name = name(file);
        match Templates::new(BTreeMap::from([(name.clone(), file.text.clone())])) {
            Ok(_) => match stray(&name, destinations) {
                None => drop(own.insert(name, file.text.clone())),
                Some(fault) => report(file, None, fault),
            },
            Err(error) => report(file, error.line, fault(&error)),
        }
    }
    // Each of them is sound, so all of them are.
    let templates = Templates::new(own).unwrap_or_default();
    for error in templates.check() {
        if let Some(file) = files.iter_mut().find(|file| name(file) == error.file) {
            report(file, error.line, fault(&error));
        }
    }
    Ok((templates, files))
}

/// Returns the name of a template: its path below `folder`, with slashes.
fn name(folder: &Path, file: &CheckedFile) -> String {
    let path = file.path.strip_prefix(folder).unwrap_or(&file.path);
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Returns what is wrong with a template whose place nobody has.
fn stray(name: &str, destinations: &[&str]) -> Option<Fault> {
    let (folder, whose) = name.rsplit_once('/')?.0.split_once('/')?;
    let kinds: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
    let (what, known) = match folder {
        CHANNELS => ("kind of channel", &*kinds),
        _ => ("sound destination", destinations),
    };
    if known.contains(&whose) {
        return None;
    }
    let what = format!("there is no {what} '{}'", whose.escape_debug());
    let cure = match known {
        [] => "write a document for it".to_owned(),
        known => format!("use one of: {}", known.join(", ")),
    };
    Some(Fault::new("unknown-place", what, cure))
}

fn fault(error: &TemplateError) -> Fault {
    Fault::new("bad-template", &error.what, "see deploy/channels/templates.md")
}

/// Finds the templates in `folder`, and in folders in it down to `depth`.
fn find_files(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), RulesError> {
    let unreadable = |source| RulesError::Unreadable { path: folder.to_owned(), source };
    let entries = match folder.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(unreadable)?,
    };
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        // What editors leave beside a file begins with a dot or ends with a mark of theirs.
        let is_template =
            path.extension().is_some_and(|end| ["txt", "html", "md"].iter().any(|one| end == *one));
        if is_template && path.is_file() {
            files.push(path);
        } else if 0 < depth && path.is_dir() {
            find_files(&path, depth - 1, files)?;
        }
    }
    Ok(())
}

fn report(file: &mut CheckedFile, line: Option<usize>, fault: Fault) {
    let span = line.map_or(0..0, |line| span_of(&file.text, line));
    file.findings.push(Finding::error(&file.text, span, fault));
}

/// Returns where the line with number `line`, from 1, stands in `text`.
fn span_of(text: &str, line: usize) -> Range<usize> {
    let before = text.split_inclusive('\n').take(line.saturating_sub(1));
    let start = before.map(str::len).sum();
    let this = text.split_inclusive('\n').nth(line.saturating_sub(1)).unwrap_or_default();
    start..start + this.trim_end().len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use upturn_connectors::deliver::template::{self, Place};

    use super::*;

    #[test]
    fn own_texts_are_used_and_wrong_ones_are_named_with_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join(TEMPLATES);
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("task-created.en.txt"), "Call {{ device }}\nNow.\n").unwrap();
        std::fs::write(own.join("notes.bak"), "{{").unwrap();
        let crm = own.join("destinations/crm");
        std::fs::create_dir_all(&crm).unwrap();
        std::fs::write(crm.join("letter.en.txt"), "CRM {{ device }}\n").unwrap();
        let (templates, files) = read(folder.path(), &["crm"]).unwrap();
        assert!(files.iter().all(|file| file.findings.is_empty()), "{files:?}");
        let body = json!({"device": "evse-1"});
        let title = |destination: &str| {
            let place = Place { channel: "webhook", destination };
            template::render(&templates, place, "task-created", "en", &body).unwrap().title
        };
        assert_eq!((&*title("erp"), &*title("crm")), ("Call evse-1", "CRM evse-1"));

        std::fs::write(own.join("task-done.zh.md"), "一\n{{ nobody_knows }}\n").unwrap();
        std::fs::write(own.join("task-done.fr.txt"), "Bonjour\n").unwrap();
        std::fs::create_dir_all(own.join("channels/pigeon")).unwrap();
        std::fs::write(own.join("channels/pigeon/letter.en.txt"), "Coo\n").unwrap();
        std::fs::write(crm.join("letter.zh.md"), "\n\n{{ nobody_knows }}\n").unwrap();
        let (_, files) = read(folder.path(), &["crm"]).unwrap();
        let wrong: Vec<_> = files
            .iter()
            .flat_map(|file| file.findings.iter().map(|found| (name(&own, file), found.line)))
            .collect();
        let expected = [
            ("channels/pigeon/letter.en.txt", 1),
            ("destinations/crm/letter.zh.md", 3),
            ("task-done.fr.txt", 1),
            ("task-done.zh.md", 2),
        ];
        assert_eq!(wrong, expected.map(|(name, line)| (name.to_owned(), line)));
    }
}
