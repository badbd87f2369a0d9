//! The folder of an operator's own texts: `templates/<kind>.<language>.<format>`.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use upturn_connectors::deliver::template::{TemplateError, Templates};
use upturn_core::rule::finding::{Fault, Finding};

use crate::rules::{self, CheckedFile, RulesError};

/// The folder, within that of the documents.
pub(crate) const TEMPLATES: &str = "templates";
/// Templates at most.
const FILES_MAX: usize = 256;

/// Reads the templates in the folder `dir` of documents, and says what is wrong with each.
pub(super) fn read(dir: &Path) -> Result<(Templates, Vec<CheckedFile>), RulesError> {
    let mut files = Vec::new();
    for path in files_in(&dir.join(TEMPLATES))? {
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
            Ok(_) => drop(own.insert(name, file.text.clone())),
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

fn name(file: &CheckedFile) -> String {
    file.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn fault(error: &TemplateError) -> Fault {
    Fault::new("bad-template", &error.what, "see deploy/channels/templates.md")
}

fn files_in(folder: &Path) -> Result<Vec<PathBuf>, RulesError> {
    let unreadable = |source| RulesError::Unreadable { path: folder.to_owned(), source };
    let entries = match folder.read_dir() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(unreadable)?.path();
        // What editors leave beside a file begins with a dot or ends with a mark of theirs.
        let is_template =
            path.extension().is_some_and(|end| ["txt", "html", "md"].iter().any(|one| end == *one));
        if is_template && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
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
    use upturn_connectors::deliver::template;

    use super::*;

    #[test]
    fn own_texts_are_used_and_wrong_ones_are_named_with_their_line() {
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join(TEMPLATES);
        std::fs::create_dir(&own).unwrap();
        std::fs::write(own.join("task-created.en.txt"), "Call {{ device }}\nNow.\n").unwrap();
        std::fs::write(own.join("notes.bak"), "{{").unwrap();
        let (templates, files) = read(folder.path()).unwrap();
        assert!(files.iter().all(|file| file.findings.is_empty()), "{files:?}");
        let body = json!({"device": "evse-1"});
        let text = template::render(&templates, "task-created", "en", &body).unwrap();
        assert_eq!((&*text.title, &*text.plain), ("Call evse-1", "Now.\n"));

        std::fs::write(own.join("task-done.zh.md"), "一\n{{ nobody_knows }}\n").unwrap();
        std::fs::write(own.join("task-done.fr.txt"), "Bonjour\n").unwrap();
        let (_, files) = read(folder.path()).unwrap();
        let wrong: Vec<_> = files
            .iter()
            .flat_map(|file| file.findings.iter().map(move |found| (name(file), found.line)))
            .collect();
        let expected = [("task-done.fr.txt".to_owned(), 1), ("task-done.zh.md".to_owned(), 2)];
        assert_eq!(wrong, expected);
    }
}
