//! `upturn rules list`: the rules that stand.

use serde_json::json;

use super::RulesCommandError;
use crate::auth::sight::Sight;
use crate::cli::output;
use crate::lifecycle::{self, Standing, stage_word};
use crate::store::{Store, task_view};
use crate::web::when::machine;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &Args, store: &Store) -> Result<(), RulesCommandError> {
    let standing = lifecycle::standing(store).await?;
    let open = task_view::open_by_rule(store, &Sight::All).await?;
    let open = |Standing { term, summary }: &Standing| {
        let key = summary.stage.map(|stage| (term.rule.clone(), stage));
        key.and_then(|key| open.get(&key)).copied().unwrap_or_default()
    };
    if args.json {
        let rules = standing.iter().map(|rule| {
            let Standing { term, summary } = rule;
            json!({
                "id": term.rule,
                "stage": stage_word(summary.stage),
                "version": term.version,
                "since": machine(term.since_at),
                "title": summary.title,
                "open_tasks": open(rule),
            })
        });
        output::say_json(format_args!("{:#}", json!({ "rules": rules.collect::<Vec<_>>() })))?;
        return Ok(());
    }
    let rows = standing.iter().map(|rule| {
        let Standing { term, summary } = rule;
        vec![
            term.rule.clone(),
            stage_word(summary.stage).to_owned(),
            term.version.clone(),
            machine(term.since_at),
            open(rule).to_string(),
            summary.title.in_language("en").to_owned(),
        ]
    });
    let headings = ["rule", "stage", "version", "since", "open tasks", "title"];
    output::say(output::table(&headings, rows))?;
    Ok(())
}
