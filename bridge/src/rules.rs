//! Rule files: reads them from a folder, all or none of them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use upturn_core::catalogue::Catalogue;
use upturn_core::rule::finding::{Fault, Finding};
use upturn_core::rule::parse;
use upturn_core::rule::{Rule, Stage};

use crate::leads;

/// A sound rule and the document it was read from.
#[derive(Clone, Debug)]
pub(crate) struct LoadedRule {
    /// The rule.
    pub(crate) rule: Rule,
    /// The document.
    pub(crate) text: String,
}

/// A rule file, sound or not, and what was found in it.
#[derive(Clone, Debug)]
pub(crate) struct CheckedFile {
    /// The file.
    pub(crate) path: PathBuf,
    /// Its text.
    pub(crate) text: String,
    /// The rule, unless there is an error among the findings.
    pub(crate) rule: Option<Rule>,
    /// What was found, in the order of the text.
    pub(crate) findings: Vec<Finding>,
}

/// Why there are no rules.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RulesError {
    /// Neither a file nor a folder.
    #[error("there is no file or folder '{}'; name the rules by their path", .0.display())]
    Missing(PathBuf),
    /// It is there, but cannot be read.
    #[error("'{}' cannot be read; check its permissions", .path.display())]
    Unreadable {
        /// What cannot be read.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Some of the rules have errors, so that none is used.
    #[error("{}", Summary(.0))]
    Wrong(Vec<CheckedFile>),
}

/// Reads the rules in `path`, a file or a folder of `*.toml`; one with an error refuses them all.
pub(crate) fn load(path: &Path, catalogue: &Catalogue) -> Result<Vec<LoadedRule>, RulesError> {
    let files = check(&[path], catalogue)?;
    let is_wrong = |file: &CheckedFile| file.findings.iter().any(Finding::is_error);
    if files.iter().any(is_wrong) {
        return Err(RulesError::Wrong(files));
    }
    let rules = files
        .into_iter()
        .filter_map(|CheckedFile { text, rule, .. }| rule.map(|rule| LoadedRule { rule, text }));
    Ok(rules.collect())
}

/// Reads all files in `paths` and says what is wrong with each, also between them.
pub(crate) fn check<P: AsRef<Path>>(
    paths: &[P],
    catalogue: &Catalogue,
) -> Result<Vec<CheckedFile>, RulesError> {
    let mut files = Vec::new();
    for path in paths {
        for path in files_in(path.as_ref())? {
            let file = read_text(path)?;
            // Scores, grades, routes and SLAs lie among the rules, and are read by themselves.
            if !leads::is_one(&file) {
                files.push(read(file, catalogue));
            }
        }
    }
    refuse_shared_ids(&mut files);
    Ok(files)
}

/// Returns the file `path`, or the `*.toml` in the folder `path` in the order of their names.
pub(crate) fn files_in(path: &Path) -> Result<Vec<PathBuf>, RulesError> {
    let unreadable = |source: io::Error| {
        if source.kind() == io::ErrorKind::NotFound {
            return RulesError::Missing(path.to_owned());
        }
        RulesError::Unreadable { path: path.to_owned(), source }
    };
    if !path.metadata().map_err(unreadable)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in path.read_dir().map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        if file.extension().is_some_and(|extension| extension == "toml") && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn read(mut file: CheckedFile, catalogue: &Catalogue) -> CheckedFile {
    let is_text = file.findings.is_empty();
    if is_text || parse::TEXT_MAX < file.text.len() {
        (file.rule, file.findings) = parse::parse(&file.text, catalogue);
        file.rule = file.rule.filter(|_| is_text);
    }
    file
}

/// Reads the text of a document, and not more than a rule may have; says where it is no text.
pub(crate) fn read_text(path: PathBuf) -> Result<CheckedFile, RulesError> {
    let mut bytes = Vec::new();
    // One byte more than a rule may have tells that it has too many.
    let bound = u64::try_from(parse::TEXT_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let bytes = File::open(&path)
        .and_then(|file| file.take(bound).read_to_end(&mut bytes))
        .map(|_| bytes)
        .map_err(|source| RulesError::Unreadable { path: path.clone(), source })?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(CheckedFile { path, text, rule: None, findings: Vec::new() }),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let fault =
                Fault::new("not-utf8", "the file is not UTF-8 from here", "save it as UTF-8");
            let findings = vec![Finding::error(&text, at..at, fault)];
            Ok(CheckedFile { path, text, rule: None, findings })
        }
    }
}

/// Adds an error to each file whose rule has the id of an earlier one. Only a rule that is live can
/// have another version beside it, on trial.
fn refuse_shared_ids(files: &mut [CheckedFile]) {
    let mut earlier: BTreeMap<String, Vec<(PathBuf, Option<Stage>)>> = BTreeMap::new();
    for file in files {
        let Some((id, span)) = parse::find_id(&file.text) else { continue };
        let stage = stage_of(file);
        let before = earlier.entry(id.clone()).or_default();
        let clash = before.iter().find(|(_, other)| !are_trial_and_live(stage, *other));
        let Some((first, _)) = clash else {
            before.push((file.path.clone(), stage));
            continue;
        };
        let message = format!("'{id}' is the id of the rule in {} too", first.display());
        let cure = "give one of them another id; only one live and one shadow rule can share it";
        let fault = Fault::new("duplicate-id", message, cure);
        file.findings.push(Finding::error(&file.text, span, fault));
        file.findings.sort_by_key(|finding| finding.span.start);
        file.rule = None;
    }
}

fn are_trial_and_live(one: Option<Stage>, other: Option<Stage>) -> bool {
    matches!(
        (one, other),
        (Some(Stage::Live), Some(Stage::Shadow)) | (Some(Stage::Shadow), Some(Stage::Live))
    )
}

/// Returns the stage that a file states, also where the rest of it is wrong.
pub(crate) fn stage_of(file: &CheckedFile) -> Option<Stage> {
    if let Some(rule) = &file.rule {
        return Some(rule.stage);
    }
    let document: toml::Table = toml::from_str(&file.text).ok()?;
    match document.get("stage") {
        None => Some(Stage::default()),
        Some(word) => word.clone().try_into().ok(),
    }
}

/// Says how much is wrong, where it begins, and how to see all of it.
struct Summary<'f>(&'f [CheckedFile]);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = self.0.iter().flat_map(|file| {
            file.findings.iter().filter(|finding| finding.is_error()).map(move |e| (file, e))
        });
        let count = errors.clone().count();
        write!(f, "the rules have {count} error{}", if count == 1 { "" } else { "s" })?;
        for (file, first) in errors.take(1) {
            let Finding { line, column, message, .. } = first;
            write!(f, ", the first at {}:{line}:{column}: {message}", file.path.display())?;
        }
        f.write_str("; see all of them with `upturn check`")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use upturn_core::decode::Format;

    use super::*;

    const RULE: &str = "id = \"a\"\nkind = \"trigger\"\ntitle = { en = \"A\" }\n\
        [when]\npattern = \"consecutive\"\nevent = \"charge_failed\"\n\
        [episode]\ncooldown = \"7d\"\n[[then]]\ntask = \"care\"\n";

    fn catalogue() -> Catalogue {
        Catalogue::of(&[Format::Native])
    }

    #[test]
    fn reads_the_rules_of_a_folder_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b.toml"), RULE.replace("\"a\"", "\"b\"")).unwrap();
        fs::write(folder.path().join("a.toml"), RULE).unwrap();
        fs::write(folder.path().join("notes.txt"), "not a rule").unwrap();
        fs::create_dir(folder.path().join("c.toml")).unwrap();

        let rules = load(folder.path(), &catalogue()).unwrap();
        let ids: Vec<_> = rules.iter().map(|loaded| loaded.rule.id.as_str()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(rules[0].text, RULE);

        let one = load(&folder.path().join("b.toml"), &catalogue()).unwrap();
        assert_eq!(one.len(), 1);
    }

    #[test]
    fn one_wrong_rule_refuses_them_all_and_says_where() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.toml"), RULE).unwrap();
        let wrong = folder.path().join("b.toml");
        fs::write(&wrong, RULE.replace("\"a\"", "\"b\"").replace("task =", "tusk =")).unwrap();
        let error = load(folder.path(), &catalogue()).unwrap_err();
        let expected = format!(
            "the rules have 1 error, the first at {}:10:1: [[then]] has no key 'tusk'; \
             see all of them with `upturn check`",
            wrong.display()
        );
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn two_rules_cannot_have_one_id_even_if_one_is_wrong_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.toml"), RULE.replace("task =", "tusk =")).unwrap();
        fs::write(folder.path().join("b.toml"), RULE).unwrap();
        let files = check(&[folder.path()], &catalogue()).unwrap();
        let codes: Vec<Vec<_>> =
            files.iter().map(|file| file.findings.iter().map(|f| f.code).collect()).collect();
        assert_eq!(codes, [vec!["unknown-key"], vec!["duplicate-id"]]);
        assert_eq!((files[1].findings[0].line, files[1].findings[0].column), (1, 6));
    }

    #[test]
    fn a_version_on_trial_stands_beside_the_live_one() {
        let cases: [(&str, &[&str], &[usize]); 4] = [
            ("live and shadow", &["live", "shadow"], &[]),
            ("two on trial", &["shadow", "live", "shadow"], &[2]),
            ("a draft beside it", &["live", "draft"], &[1]),
            ("an unknown stage", &["live", "trial"], &[1]),
        ];
        for (name, stages, refused) in cases {
            let folder = tempfile::tempdir().unwrap();
            for (number, stage) in stages.iter().enumerate() {
                let text = format!("stage = \"{stage}\"\n{RULE}");
                fs::write(folder.path().join(format!("{number}.toml")), text).unwrap();
            }
            let files = check(&[folder.path()], &catalogue()).unwrap();
            let is_refused = |file: &CheckedFile| {
                file.findings.iter().any(|finding| finding.code == "duplicate-id")
            };
            let found: Vec<usize> = (0..files.len()).filter(|at| is_refused(&files[*at])).collect();
            assert_eq!(found, refused, "case: {name}");
        }
    }

    #[test]
    fn says_what_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("rules");
        assert!(matches!(load(&missing, &catalogue()), Err(RulesError::Missing(_))));

        let cases = [
            ("latin.toml", b"id = \"a\"\n# caf\xe9".to_vec(), "not-utf8"),
            ("long.toml", vec![b'#'; parse::TEXT_MAX + 1], "too-long"),
            ("long-latin.toml", vec![0xe9; parse::TEXT_MAX + 9], "too-long"),
        ];
        for (name, bytes, code) in cases {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            let files = check(&[path], &catalogue()).unwrap();
            let codes: Vec<_> = files[0].findings.iter().map(|finding| finding.code).collect();
            assert_eq!(codes, [code], "case: {name}");
        }
    }
}
