//! `upturn explain why-not`: how near a rule came for a scope, and what held it back.

use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};
use upturn_core::id::RuleId;
use upturn_core::rule::Stage;

use super::{ExplainError, Inputs, fold, lines, time_text};
use crate::cli::{backtest, output};
use crate::explain::why_not::{EventRow, OccurrenceRow, Question, WhyNotExplained};
use crate::lifecycle::stage_word;
use crate::replay::Folded;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The rule's id
    #[arg(long)]
    rule: String,
    /// What it counts by: a device, `device/channel`, an account, a site, a contact
    #[arg(long)]
    scope: String,
    /// The version in this stage; without it the live one, or else the one on trial
    #[arg(long)]
    stage: Option<InForce>,
    /// As of this log time instead of the end of the log
    #[arg(long, value_name = "TIME", value_parser = backtest::time)]
    at: Option<DateTime<Utc>>,
    #[command(flatten)]
    inputs: Inputs,
}

/// The stages in which a rule judges.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum InForce {
    /// In force
    Live,
    /// On trial
    Shadow,
}

pub(super) async fn run(args: &Args, config: Option<&Path>) -> Result<(), ExplainError> {
    let folded = fold(&args.inputs, config, args.at).await?;
    let explained =
        folded.why_not(&question(args)?).await?.ok_or_else(|| no_rule(args, &folded))?;
    if args.inputs.json {
        let text = serde_json::to_string_pretty(&explained).map_err(io::Error::from)?;
        return Ok(output::say_json(text)?);
    }
    Ok(print(&explained)?)
}

fn question(args: &Args) -> Result<Question, ExplainError> {
    let stage = args.stage.map(|stage| match stage {
        InForce::Live => Stage::Live,
        InForce::Shadow => Stage::Shadow,
    });
    let rule = RuleId::new(&args.rule);
    let rule = rule.map_err(|error| ExplainError::BadRule(error.to_string()))?;
    Ok(Question { rule, stage, scope: args.scope.clone() })
}

fn no_rule(args: &Args, folded: &Folded) -> ExplainError {
    let active = folded.engine().rules();
    let known = active.map(|a| format!("{} ({})", a.rule.id, stage_word(Some(a.rule.stage))));
    let known: Vec<_> = known.collect();
    ExplainError::NoRule { rule: args.rule.clone(), known: known.join(", ") }
}

fn print(explained: &WhyNotExplained) -> io::Result<()> {
    let WhyNotExplained { rule, version, scope, at, nearest, occurrences, events, .. } = explained;
    let progress = match nearest {
        Some(near) => near.text.clone(),
        None => "no event of it ever met the rule".to_owned(),
    };
    let mut rows = vec![
        ("rule", format!("{rule}, version {version}, {}", stage_word(Some(explained.stage)))),
        ("for", scope.clone()),
        ("as of", time_text(*at)),
        ("progress", progress),
    ];
    let quiet = nearest.as_ref().and_then(|near| near.quiet_until);
    rows.extend(
        quiet.map(|until| ("quiet", format!("until {}, after the last one", time_text(until)))),
    );
    rows.extend(explained.registry.as_ref().map(|row| {
        let since = time_text(row.since);
        ("registry", format!("in force since {since} (place {} of the log)", row.position))
    }));
    let others = explained.stages.iter().filter(|stage| **stage != explained.stage);
    rows.extend(others.map(|stage| {
        let word = stage_word(Some(*stage));
        ("beside it", format!("a version in stage {word}; ask for it by --stage {word}"))
    }));
    lines(&rows)?;
    if !occurrences.is_empty() {
        output::say("\nWhat the rule found so far:")?;
    }
    for OccurrenceRow { opened_at, closed_at, task, text, .. } in occurrences {
        let state = match closed_at {
            Some(at) if at == opened_at => String::new(),
            Some(at) => format!(", closed {}", time_text(*at)),
            None => ", still open".to_owned(),
        };
        let task = task.as_ref().map(|task| format!(" {task}")).unwrap_or_default();
        output::say(format_args!("  {}{state}  {text}{task}", time_text(*opened_at)))?;
    }
    if events.is_empty() {
        return output::say("\nThere are no events of its devices.");
    }
    output::say(format_args!("\nThe newest events, and what the rule makes of each:"))?;
    let width = |of: fn(&EventRow) -> usize| events.iter().map(of).max().unwrap_or_default();
    let (kinds, ids) = (width(|row| row.kind.len()), width(|row| row.id.len().min(36)));
    for EventRow { id, kind, occurred_at, text, .. } in events {
        let at = time_text(*occurred_at);
        let id: String = id.chars().take(36).collect();
        output::say(format_args!("  {at}  {kind:kinds$}  {id:ids$}  {text}"))?;
    }
    Ok(())
}
