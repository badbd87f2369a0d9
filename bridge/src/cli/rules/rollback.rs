//! `upturn rules rollback`: an earlier version goes back into the folder, which stays the one truth.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use upturn_core::rule::Stage;
use upturn_core::rule::parse;

use super::{RulesCommandError, show};
use crate::cli::output;
use crate::config::Config;
use crate::lifecycle::{self, Term};
use crate::rules::{self, CheckedFile};
use crate::store::{self, Store};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The rule's id
    #[arg(value_name = "ID")]
    rule: String,
    /// The version to go back to, or how it begins; the one before the newest, where absent
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
}

pub(super) async fn run(
    args: &Args,
    store: &Store,
    config: &Config,
) -> Result<(), RulesCommandError> {
    let Args { rule, to } = args;
    let terms = lifecycle::terms(store, Some(rule)).await?;
    if terms.is_empty() {
        return Err(RulesCommandError::UnknownRule(rule.clone()));
    }
    let wanted = match to {
        Some(start) => show::find(&terms, start)?,
        None => {
            earlier(&terms).ok_or_else(|| RulesCommandError::NoEarlier { rule: rule.clone() })?
        }
    };
    let version = &wanted.version;
    let document = store::rule::document(store, rule, version).await?;
    let catalogue = config.catalogue();
    let (sound, _) = parse::parse(&document, &catalogue);
    let stage = sound.ok_or_else(|| RulesCommandError::NotUnderstood(version.clone()))?.stage;
    let files = rules::check(&[&config.rules.dir], &catalogue)?;
    let path = file_of(rule, stage, &files, &config.rules.dir)?;
    write(&path, &document).map_err(|source| {
        let path = path.clone();
        RulesCommandError::Write { path, source }
    })?;
    let path = path.display();
    output::say(format_args!("{path} holds version {version} of '{rule}' again"))?;
    output::say(
        "reload to put it in force: send SIGHUP to `upturn serve`, or POST /api/v1/rules/reload",
    )?;
    Ok(())
}

/// Returns the newest version that does not stand.
fn earlier(terms: &[Term]) -> Option<&Term> {
    let stands =
        |version: &str| terms.iter().any(|term| term.until_at.is_none() && term.version == version);
    terms.iter().rev().find(|term| !stands(&term.version))
}

/// Returns the file that holds the rule; of two, the one in this stage; of none, a new one.
fn file_of(
    rule: &str,
    stage: Stage,
    files: &[CheckedFile],
    dir: &Path,
) -> Result<PathBuf, RulesCommandError> {
    let holds = |file: &&CheckedFile| parse::find_id(&file.text).is_some_and(|(id, _)| id == rule);
    let holding: Vec<&CheckedFile> = files.iter().filter(holds).collect();
    match holding.as_slice() {
        [] => {
            let path = dir.join(format!("{rule}.toml"));
            let is_free = dir.is_dir() && !path.exists();
            if is_free { Ok(path) } else { Err(RulesCommandError::InTheWay(path)) }
        }
        [one] => Ok(one.path.clone()),
        several => {
            let is_of_stage = |file: &&&CheckedFile| rules::stage_of(file) == Some(stage);
            let found = several.iter().find(is_of_stage);
            let found = found.ok_or_else(|| RulesCommandError::SeveralFiles(rule.to_owned()))?;
            Ok(found.path.clone())
        }
    }
}

/// Replaces the file in one step: whoever reads it meanwhile reads the old one or the new one.
fn write(path: &Path, document: &str) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let mut new = tempfile::Builder::new().prefix(".upturn-").suffix(".new").tempfile_in(folder)?;
    new.write_all(document.as_bytes())?;
    match fs::metadata(path) {
        Ok(old) => new.as_file().set_permissions(old.permissions())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            use std::os::unix::fs::PermissionsExt as _;
            new.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
        }
        Err(error) => return Err(error),
    }
    new.as_file().sync_all()?;
    new.persist(path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    #[test]
    fn the_version_before_is_the_newest_one_that_does_not_stand() {
        let term = |version: &str, since: i64, until: Option<i64>| Term {
            rule: "care".to_owned(),
            version: version.to_owned(),
            since_at: DateTime::UNIX_EPOCH + TimeDelta::days(since),
            until_at: until.map(|days| DateTime::UNIX_EPOCH + TimeDelta::days(days)),
        };
        let cases = [
            ("one only", vec![term("a", 1, None)], None),
            ("the one before", vec![term("a", 1, Some(2)), term("b", 2, None)], Some("a")),
            (
                "back and forth",
                vec![term("a", 1, Some(2)), term("b", 2, Some(3)), term("a", 3, None)],
                Some("b"),
            ),
            ("gone", vec![term("a", 1, Some(2))], Some("a")),
        ];
        for (name, terms, expected) in cases {
            let found = earlier(&terms).map(|term| &*term.version);
            assert_eq!(found, expected, "case: {name}");
        }
    }
}
