//! `upturn outbox preview`: what a letter would look like, without sending it.

use clap::builder::PossibleValuesParser;
use serde_json::json;
use upturn_connectors::deliver::template::LANGUAGES;

use super::super::output;
use super::super::store_command::{StoreCommandError, open};
use crate::clock::Clock;
use crate::config::Config;
use crate::delivery::files::{DeliveryError, Setup};
use crate::delivery::preview::{self, Draft, Preview};
use crate::exit::Exit;
use crate::web::visible::VisibleLines;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The destination's id
    destination: String,
    /// What is told
    #[arg(long, default_value = "task-created", value_parser = PossibleValuesParser::new(preview::kinds()))]
    kind: String,
    /// The language of the letter
    #[arg(long, default_value = "en", value_parser = LANGUAGES)]
    language: String,
    /// A stored task; without it an invented one
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// Print one JSON document instead of text
    #[arg(long)]
    json: bool,
}

/// Why there is nothing to look at.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum PreviewError {
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    #[error("there is no destination '{id}'; there are: {known}")]
    Destination { id: String, known: String },
    #[error("there is no task '{0}' that people are told of; see `upturn outbox list` for some")]
    Task(String),
    #[error(transparent)]
    Template(#[from] upturn_connectors::deliver::template::TemplateError),
}

/// Reads the documents as they are now, and prints the letter.
pub(super) async fn run(
    args: &Args,
    config: &Config,
    clock: &dyn Clock,
) -> Result<Exit, StoreCommandError> {
    let routing = Setup::for_checks(config)
        .map_err(DeliveryError::from)
        .and_then(|setup| setup.load())
        .map_err(PreviewError::from)?;
    let destination = routing.destinations.get(&args.destination).ok_or_else(|| {
        let known: Vec<_> = routing.destinations.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        PreviewError::Destination { id: args.destination.clone(), known }
    })?;
    let what = (&*args.kind, &*args.language);
    let draft = match &args.task {
        None => Draft::invented(what.0, what.1),
        Some(id) => {
            let store = open(config).await?;
            crate::store::schema::require_current(&store).await?;
            let found = Draft::of_task(&store, id, what).await?;
            store.close().await;
            found.ok_or_else(|| PreviewError::Task(id.clone()))?
        }
    };
    let preview = draft.at(destination, &routing.templates, clock.now());
    print(args, &preview.map_err(PreviewError::from)?)?;
    Ok(Exit::Ok)
}

fn print(args: &Args, Preview { text, sent }: &Preview) -> Result<(), StoreCommandError> {
    if args.json {
        let told = json!({
            "destination": args.destination, "kind": args.kind, "language": text.language,
            "title": text.title, "plain": text.plain, "html": text.html,
            "markdown": text.markdown, "sent": sent,
        });
        output::say_json(format_args!("{told:#}"))?;
        return Ok(());
    }
    output::say(format_args!("subject: {}", VisibleLines(&text.title)))?;
    let parts = [
        ("text", Some(&text.plain)),
        ("html", text.html.as_ref()),
        ("markdown", text.markdown.as_ref()),
        ("sent", sent.as_ref()),
    ];
    for (name, part) in parts {
        if let Some(part) = part {
            output::say(format_args!("\n--- {name}\n{}", VisibleLines(part.trim_end())))?;
        }
    }
    Ok(())
}
