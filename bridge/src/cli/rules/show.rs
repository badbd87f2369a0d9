//! `upturn rules show`: the document of a rule, as it was when it came into force.

use std::io::{self, Write as _};

use super::RulesCommandError;
use crate::lifecycle::{self, Term};
use crate::store::{self, Store};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The rule's id, and the version (or how it begins) where another than the newest is wanted
    #[arg(value_name = "ID[@VERSION]")]
    rule: String,
}

pub(super) async fn run(args: &Args, store: &Store) -> Result<(), RulesCommandError> {
    let (rule, version) = match args.rule.split_once('@') {
        Some((rule, version)) => (rule, Some(version)),
        None => (&*args.rule, None),
    };
    let terms = lifecycle::terms(store, Some(rule)).await?;
    let newest = terms.iter().rev().find(|term| term.until_at.is_none()).or(terms.last());
    let newest = newest.ok_or_else(|| RulesCommandError::UnknownRule(rule.to_owned()))?;
    let found = match version {
        Some(version) => find(&terms, version)?,
        None => newest,
    };
    let document = store::rule::document(store, rule, &found.version).await?;
    io::stdout().lock().write_all(document.as_bytes())?;
    Ok(())
}

/// Returns the newest term of the one version that begins with `start`.
pub(super) fn find<'t>(terms: &'t [Term], start: &str) -> Result<&'t Term, RulesCommandError> {
    let mut matching = terms.iter().rev().filter(|term| term.version.starts_with(start));
    let found = matching.next();
    let is_one = found.is_some_and(|found| matching.all(|term| term.version == found.version));
    found.filter(|_| is_one && !start.is_empty()).ok_or_else(|| {
        let rule = terms.first().map(|term| term.rule.clone()).unwrap_or_default();
        RulesCommandError::UnknownVersion { rule, version: start.to_owned() }
    })
}
