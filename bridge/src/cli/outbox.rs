//! `upturn outbox`: letters to other systems, while the program runs or not.

use std::path::Path;

use serde_json::{Value, json};

pub(super) use self::preview::PreviewError;
use super::output;
use super::store_command::{self, StoreCommandError, open};
use crate::clock::Clock;
use crate::config::Config;
use crate::exit::Exit;
use crate::store::outbox_view::{self, LetterFilter, LetterRow, LetterState};
use crate::store::{self, Store};
use crate::web::when::machine;

mod preview;

/// Letters shown unless the caller says otherwise.
const LIST_DEFAULT: u32 = 50;
/// Letters that one call changes at most.
const ALL_MAX: u32 = 10_000;

/// Looks at letters and decides about those that do not arrive.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show letters, newest first
    List(ListArgs),
    /// Show what a letter would look like, without sending it
    ///
    /// The documents and templates are read as they are now, not as they are in force.
    Preview(preview::Args),
    /// Send letters again that are parked, wait, or were sent
    ///
    /// Before a letter goes out again the destination is asked whether it is there, so that it does
    /// not get it twice.
    Retry(Which),
    /// Give letters up that are parked or wait; those behind them of the same task go on
    Drop(Which),
}

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Only letters to this destination
    #[arg(long, value_name = "ID")]
    destination: Option<String>,
    /// Only letters in this state
    #[arg(long, value_enum)]
    state: Option<LetterState>,
    /// Only letters about this task
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = LIST_DEFAULT, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Print one JSON document instead of a table
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Which {
    /// The letters' numbers
    #[arg(required_unless_present = "parked")]
    letters: Vec<i64>,
    /// All parked letters to this destination
    #[arg(long, value_name = "DESTINATION", conflicts_with = "letters")]
    parked: Option<String>,
}

/// Runs `command` on the database that the settings in `file` name.
pub(super) fn run(command: &Command, file: Option<&Path>, clock: &dyn Clock) -> Exit {
    store_command::run(file, |config| async move {
        match command {
            Command::Preview(args) => preview::run(args, &config, clock).await,
            Command::List(args) => with_store(&config, async |store| list(args, store).await).await,
            Command::Retry(which) => {
                with_store(&config, async |store| retry(which, store, clock).await).await
            }
            Command::Drop(which) => {
                with_store(&config, async |store| give_up(which, store, clock).await).await
            }
        }
    })
}

/// Runs `work` on the configured database, which is there and up to date.
async fn with_store(
    config: &Config,
    work: impl AsyncFnOnce(&Store) -> Result<Exit, StoreCommandError>,
) -> Result<Exit, StoreCommandError> {
    let store = open(config).await?;
    store::schema::require_current(&store).await?;
    let exit = work(&store).await;
    store.close().await;
    exit
}

async fn list(args: &ListArgs, store: &Store) -> Result<Exit, StoreCommandError> {
    let filter = LetterFilter {
        subject: args.task.clone(),
        destination: args.destination.clone(),
        state: args.state,
    };
    let letters = outbox_view::page(store, &filter, None, args.limit).await?;
    if args.json {
        let letters: Vec<_> = letters.iter().map(as_json).collect();
        output::say_json(format_args!("{:#}", json!({ "letters": letters })))?;
        return Ok(Exit::Ok);
    }
    let headings =
        ["letter", "destination", "state", "event", "about", "tries", "next or sent", "why"];
    output::say(output::table(&headings, letters.iter().map(row)))?;
    Ok(Exit::Ok)
}

fn row(letter: &LetterRow) -> Vec<String> {
    let at = letter.sent_at.unwrap_or(letter.next_at);
    vec![
        letter.id.to_string(),
        letter.destination.clone(),
        letter.state.word().to_owned(),
        letter.kind.clone(),
        letter.subject.clone(),
        letter.attempts.to_string(),
        machine(at),
        letter.last_error.clone().unwrap_or_default(),
    ]
}

fn as_json(letter: &LetterRow) -> Value {
    json!({
        "id": letter.id,
        "key": letter.key,
        "destination": letter.destination,
        "state": letter.state,
        "kind": letter.kind,
        "subject": letter.subject,
        "attempts": letter.attempts,
        "created_at": machine(letter.created_at),
        "next_at": machine(letter.next_at),
        "sent_at": letter.sent_at.map(machine),
        "last_error": letter.last_error,
        "remote": letter.remote,
        "url": letter.url,
    })
}

async fn retry(which: &Which, store: &Store, clock: &dyn Clock) -> Result<Exit, StoreCommandError> {
    let (mut changed, mut missed) = (0, 0);
    for id in ids(which, store).await? {
        if store::outbox::retry(store, id, clock.now()).await? {
            changed += 1;
        } else {
            missed += miss(id);
        }
    }
    output::say(format_args!("letters to be sent again: {changed}"))?;
    Ok(exit(missed))
}

async fn give_up(
    which: &Which,
    store: &Store,
    clock: &dyn Clock,
) -> Result<Exit, StoreCommandError> {
    let (mut changed, mut missed) = (0, 0);
    for id in ids(which, store).await? {
        let why = "given up by an operator";
        if store::outbox::give_up(store, id, why, clock.now()).await? {
            changed += 1;
        } else {
            missed += miss(id);
        }
    }
    output::say(format_args!("letters given up: {changed}"))?;
    Ok(exit(missed))
}

fn miss(id: i64) -> u64 {
    output::note(format_args!(
        "letter {id}: there is none, or its state does not allow it; see `upturn outbox list`"
    ));
    1
}

fn exit(missed: u64) -> Exit {
    if missed == 0 { Exit::Ok } else { Exit::Findings }
}

async fn ids(which: &Which, store: &Store) -> Result<Vec<i64>, StoreCommandError> {
    let Some(destination) = &which.parked else { return Ok(which.letters.clone()) };
    let (destination, state) = (Some(destination.clone()), Some(LetterState::Parked));
    let filter = LetterFilter { subject: None, destination, state };
    let mut parked = outbox_view::page(store, &filter, None, ALL_MAX).await?;
    // Oldest first, as they were written.
    parked.reverse();
    Ok(parked.into_iter().map(|letter| letter.id).collect())
}
