//! `upturn rules history`: the versions of a rule, and when each was in force.

use serde_json::json;

use super::RulesCommandError;
use crate::cli::output;
use crate::lifecycle::{self, stage_word};
use crate::store::Store;
use crate::web::when::machine;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The rule's id
    #[arg(value_name = "ID")]
    rule: String,
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &Args, store: &Store) -> Result<(), RulesCommandError> {
    let Args { rule, json } = args;
    let terms = lifecycle::terms(store, Some(rule)).await?;
    if terms.is_empty() {
        return Err(RulesCommandError::UnknownRule(rule.clone()));
    }
    let (mut rows, mut list) = (Vec::new(), Vec::new());
    for term in &terms {
        let stage = stage_word(lifecycle::summary(store, rule, &term.version).await?.stage);
        let (since, until) = (machine(term.since_at), term.until_at.map(machine));
        list.push(json!({
            "version": term.version, "stage": stage, "since": since, "until": until,
        }));
        let until = until.unwrap_or_else(|| "in force".to_owned());
        rows.push(vec![term.version.clone(), stage.to_owned(), since, until]);
    }
    if *json {
        output::say_json(format_args!("{:#}", json!({ "rule": rule, "versions": list })))?;
    } else {
        output::say(output::table(&["version", "stage", "since", "until"], rows))?;
    }
    Ok(())
}
