//! `upturn explain task`: the evidence of a task, what its rule asked, and whom it concerns.

use std::io;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::Value;
use upturn_core::event::{Attributes, Event};
use upturn_core::id::TaskId;
use upturn_core::input::Input;
use upturn_core::registry::{Account, Device, Registry};
use upturn_core::replay::{Keep, Replay, in_force};
use upturn_core::rule::Rule;
use upturn_core::task::{Evidence, Task, Title};

use super::{ExplainError, Inputs, TermRow, fold, lines, time_text};
use crate::cli::output;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The task's id
    id: String,
    #[command(flatten)]
    inputs: Inputs,
}

/// What is said of a task.
#[derive(Debug, Serialize)]
struct Explained {
    id: String,
    rule: String,
    version: String,
    stage: upturn_core::rule::Stage,
    title: Title,
    kind: String,
    scope: String,
    device: String,
    account: Option<String>,
    owner: String,
    created_at: DateTime<Utc>,
    due_at: Option<DateTime<Utc>>,
    first_at: DateTime<Utc>,
    last_at: DateTime<Utc>,
    status: upturn_core::task::EpisodeState,
    joined: u64,
    joined_at: Option<DateTime<Utc>>,
    evidence: Vec<Piece>,
    facts: Facts,
    /// Whether its rule, given the evidence alone, makes the same task again.
    replays: bool,
}

#[derive(Debug, Serialize)]
struct Piece {
    id: String,
    device: String,
    channel: Option<String>,
    kind: String,
    occurred_at: DateTime<Utc>,
    attributes: Value,
    terms: Vec<TermRow>,
}

/// What the registry said when the task was made.
#[derive(Debug, Serialize)]
struct Facts {
    device: Option<Device>,
    site: Option<String>,
    account: Option<Account>,
    owner: Option<String>,
}

pub(super) async fn run(args: &Args, config: Option<&Path>) -> Result<(), ExplainError> {
    let folded = fold(&args.inputs, config, None).await?;
    let id = TaskId::from_text(&args.id);
    let task = folded.board().find(&id).ok_or_else(|| ExplainError::NoTask(args.id.clone()))?;
    let rule = folded.rule_of(task).await?.ok_or_else(|| ExplainError::NoVersion {
        rule: task.rule.as_str().to_owned(),
        version: task.version.to_string(),
    })?;
    let registry = folded.engine().registry_at(task.created_by);
    let explained = explain(task, rule, registry);
    if args.inputs.json {
        let text = serde_json::to_string_pretty(&explained).map_err(io::Error::from)?;
        return Ok(output::say_json(text)?);
    }
    Ok(print(&explained)?)
}

fn explain(task: &Task, rule: Rule, registry: &Registry) -> Explained {
    let mut replay =
        Replay::new(vec![in_force(rule, &task.version)], registry.clone(), Keep::Needed);
    let events: Vec<Event> =
        (0..).zip(&task.occasion.evidence).map(|(number, each)| event_of(number, each)).collect();
    let piece = |event: &Event| Piece {
        id: event.id.as_str().to_owned(),
        device: event.device.as_str().to_owned(),
        channel: event.channel.as_deref().map(str::to_owned),
        kind: event.kind.to_string(),
        occurred_at: event.occurred_at,
        attributes: serde_json::from_str(event.attributes.as_json()).unwrap_or_default(),
        terms: replay.engine().terms(&task.rule, event).into_iter().map(TermRow::of).collect(),
    };
    let evidence = events.iter().map(piece).collect();
    let replays = is_made_again(task, &mut replay, events);
    let device = registry.devices.get(&task.device);
    let account = task.account.as_ref().and_then(|id| registry.accounts.get(id));
    let site = device.and_then(|device| registry.sites.get(device.site.as_ref()?));
    let owner = registry.people.get(&task.owner);
    let text = |text: &str| text.to_owned();
    Explained {
        id: text(task.id.as_str()),
        rule: text(task.rule.as_str()),
        version: text(&task.version),
        stage: task.stage,
        title: task.title.clone(),
        kind: text(&task.kind),
        scope: text(&task.scope),
        device: text(task.device.as_str()),
        account: task.account.as_deref().map(text),
        owner: text(&task.owner),
        created_at: task.created_at,
        due_at: task.due_at,
        first_at: task.occasion.first_at,
        last_at: task.occasion.last_at,
        status: task.occasion.episode,
        joined: task.occasion.joined,
        joined_at: task.occasion.joined_at,
        evidence,
        facts: Facts {
            device: device.cloned(),
            site: site.map(|site| text(&site.name)),
            account: account.cloned(),
            owner: owner.map(|owner| text(&owner.name)),
        },
        replays,
    }
}

/// Returns a piece of evidence as the event it was; their order is kept where times are the same.
fn event_of(number: i64, evidence: &Evidence) -> Event {
    Event {
        id: evidence.id.clone(),
        device: evidence.device.clone(),
        channel: evidence.channel.clone(),
        kind: evidence.kind.clone(),
        stated_at: Some(evidence.occurred_at),
        occurred_at: evidence.occurred_at,
        received_at: evidence.occurred_at,
        seq: Some(number),
        clock_suspect: false,
        attributes: Attributes::from_json_object(evidence.attributes.clone()),
        position: 0,
    }
}

fn is_made_again(task: &Task, replay: &mut Replay, events: Vec<Event>) -> bool {
    for event in events {
        replay.take_event(event);
    }
    // What holds by silence holds once a deadline has passed.
    let end = task.occasion.last_at.max(task.created_at) + TimeDelta::milliseconds(1);
    replay.take(end, Input::Tick);
    let pieces = |task: &Task| -> Vec<_> {
        let evidence = task.occasion.evidence.iter();
        evidence.map(|each| (each.id.clone(), each.occurred_at)).collect()
    };
    let is_same = |other: &&Task| {
        other.scope == task.scope
            && other.occasion.last_at == task.occasion.last_at
            && pieces(other) == pieces(task)
    };
    replay.board().by_device_and_time().iter().any(is_same)
}

fn print(explained: &Explained) -> io::Result<()> {
    let Explained { facts, .. } = explained;
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
    lines(&rows)?;
    output::say(format_args!("\nIt stands on {} events:", explained.evidence.len()))?;
    for piece in &explained.evidence {
        print_piece(piece)?;
    }
    output::say(if explained.replays {
        "\nThe rule, given these events alone, makes the same task again."
    } else {
        "\nThe rule, given these events alone, does NOT make this task again."
    })
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
