//! `upturn explain task`: the evidence of a task, what its rule asked, and whom it concerns.

use std::io;
use std::path::Path;

use chrono::TimeDelta;
use serde_json::Value;
use upturn_core::id::TaskId;

use super::{ExplainError, Inputs, fold, lines, time_text};
use crate::auth::sight::Sight;
use crate::cli::output;
use crate::config::Config;
use crate::explain::span_text;
use crate::explain::task::{self, Asked, Piece, Taken, TaskExplained};
use crate::replay::{self, ReplayError};
use crate::store::task_view::TaskStatus;
use crate::supervisor::StartError;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The task's id
    id: String,
    #[command(flatten)]
    inputs: Inputs,
}

pub(super) async fn run(args: &Args, config: Option<&Path>) -> Result<(), ExplainError> {
    let explained = if args.inputs.rules.is_none() {
        live(&args.id, config).await?
    } else {
        of_fold(args, config).await?
    };
    if args.inputs.json {
        let text = serde_json::to_string_pretty(&explained).map_err(io::Error::from)?;
        return Ok(output::say_json(text)?);
    }
    Ok(print(&explained)?)
}

/// Explains a task of the live database, whether it stands or not.
async fn live(id: &str, config: Option<&Path>) -> Result<TaskExplained, ExplainError> {
    let config =
        Config::load(config).map_err(|error| ReplayError::from(StartError::from(error)))?;
    let store = replay::open(&config).await?;
    let found = task::find(&store, &Sight::All, &TaskId::from_text(id)).await?;
    found.ok_or_else(|| ExplainError::NoTask(id.to_owned()))
}

/// Explains a task that stands under other rules.
async fn of_fold(args: &Args, config: Option<&Path>) -> Result<TaskExplained, ExplainError> {
    let folded = fold(&args.inputs, config, None).await?;
    let id = TaskId::from_text(&args.id);
    let task =
        folded.board().find(&id).ok_or_else(|| ExplainError::NotStanding(args.id.clone()))?;
    let rule = folded.rule_of(task).await?.ok_or_else(|| ExplainError::NoVersion {
        rule: task.rule.as_str().to_owned(),
        version: task.version.to_string(),
    })?;
    let registry = folded.engine().registry_at(task.created_by).registry();
    let registry = &*registry;
    let registry_row = folded.registry_row((task.created_by, task.created_at)).await?;
    let contradicted = folded.board().is_contradicted(&id);
    Ok(task::explain(Asked { task, rule, registry, registry_row, contradicted }))
}

fn print(explained: &TaskExplained) -> io::Result<()> {
    let TaskExplained { facts, .. } = explained;
    let named = |id: &str, name: Option<&str>| match name {
        Some(name) if name != id => format!("{id} ({name})"),
        Some(_) | None => id.to_owned(),
    };
    let device = match &facts.device {
        Some(device) => {
            let at = facts.site.as_ref().map(|site| format!(", at {site}")).unwrap_or_default();
            format!("{}, model {}{at}", explained.device, device.model)
        }
        None => format!("{}, which nobody registered", explained.device),
    };
    let account = explained.account.as_deref().map_or_else(
        || "none".to_owned(),
        |id| named(id, facts.account.as_ref().map(|account| &*account.name)),
    );
    let mut rows = vec![
        ("task", format!("{}: {}", explained.id, explained.title.in_language("en"))),
        ("rule", format!("{}, version {}", explained.rule, version(&explained.version))),
        ("for", explained.scope.clone()),
        ("device", device),
        ("account", account),
        ("owner", named(&explained.owner, facts.owner.as_deref())),
        ("made", time_text(explained.created_at)),
        ("due", explained.due_at.map_or_else(|| "never".to_owned(), time_text)),
        ("held from", time_text(explained.first_at)),
        ("held at", time_text(explained.last_at)),
    ];
    let joined = match (explained.joined, explained.joined_at) {
        (0, _) => "nothing".to_owned(),
        (1, Some(at)) => format!("1 further match, at {}", time_text(at)),
        (many, Some(at)) => format!("{many} further matches, the newest at {}", time_text(at)),
        (many, None) => format!("{many} further matches"),
    };
    rows.push(("joined by", joined));
    let registry = match &facts.registry {
        Some(row) => format!(
            "in force since {} (place {} of the log), {} before the task was made",
            time_text(row.since),
            row.position,
            span_text(TimeDelta::seconds(row.age_s))
        ),
        None => "of the configuration, not of the log".to_owned(),
    };
    rows.push(("registry", registry));
    rows.extend(explained.state.map(|state| ("state", state.word().to_owned())));
    rows.extend(explained.taken.as_ref().map(|taken| ("taken away", taken_text(taken))));
    lines(&rows)?;
    let is_gone = explained.contradicted || explained.state == Some(TaskStatus::Withdrawn);
    let stands = if is_gone { "stood" } else { "stands" };
    output::say(format_args!("\nIt {stands} on {} events:", explained.evidence.len()))?;
    for piece in &explained.evidence {
        print_piece(piece)?;
    }
    output::say(if explained.replays {
        "\nThe rule, given these events alone, makes the same task again."
    } else {
        "\nThe rule, given these events alone, does NOT make this task again."
    })
}

/// Returns what took away what a task stood on, in words.
fn taken_text(Taken { at, position, event }: &Taken) -> String {
    let at = time_text(*at);
    match (event, position) {
        (Some(event), _) => format!(
            "at {at}, by the late event {} ({}) of {}, which happened at {}",
            event.id,
            event.kind,
            event.device,
            time_text(event.occurred_at)
        ),
        (None, Some(position)) => format!("at {at}, by the input at place {position} of the log"),
        (None, None) => format!("at {at}, by late evidence"),
    }
}

fn print_piece(piece: &Piece) -> io::Result<()> {
    let channel = piece.channel.as_ref().map(|c| format!("/{c}")).unwrap_or_default();
    let Piece { id, device, kind, occurred_at, attributes, terms, .. } = piece;
    let at = time_text(*occurred_at);
    output::say(format_args!("  {at}  {kind}  {device}{channel}  {id}"))?;
    let shown = |(name, value): (&String, &Value)| format!("{name} = {value}");
    let own = ["id", "ts", "kind", "channel", "seq", "device", "received_at"];
    let object = attributes.as_object().into_iter().flatten();
    let others: Vec<_> =
        object.filter(|(name, _)| !own.contains(&name.as_str())).map(shown).collect();
    if !others.is_empty() {
        output::say(format_args!("      {}", others.join(", ")))?;
    }
    for term in terms {
        output::say(format_args!("      {}", term.said()))?;
    }
    Ok(())
}

fn version(version: &str) -> &str {
    if version.is_empty() { "of the file" } else { version }
}
