//! `upturn demo`: a day of simulated chargers through the real door, in an empty house.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{block_on, output, serve};
use crate::auth::person::{EVERYWHERE, Profile};
use crate::auth::rights::TokenScope;
use crate::auth::role::Role;
use crate::auth::token;
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::config::store::StoreUrl;
use crate::exit::Exit;
use crate::logging;
use crate::people::{self, By, NewToken, PeopleError, Registry};
use crate::simulate::{self, Pace, day};
use crate::store::{self, Store};
use crate::supervisor::{self, Running, StartError};

mod files;
mod story;

/// Real time a minute of the simulated day: the day takes one minute.
const PACE: Duration = Duration::from_millis(100);
/// Who signs in.
const USER: &str = "demo";

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Play the day at full speed, print the tasks, and end
    #[arg(long)]
    once: bool,
    /// With --once: print one JSON document instead of a table
    #[arg(long, requires = "once")]
    json: bool,
    /// Where to serve the pages; a free port where this one is taken
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    web: SocketAddr,
    /// Where the embedded broker listens; a free port where this one is taken
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:1883")]
    mqtt: SocketAddr,
}

pub(super) fn run(args: &Args) -> Exit {
    let folder = match tempfile::Builder::new().prefix("upturn-demo-").tempdir() {
        Ok(folder) => folder,
        Err(error) => return output::failed(&error, Exit::Unavailable),
    };
    block_on(play(args, &folder))
}

/// Why the demo did not come to its end.
#[derive(Debug, thiserror::Error)]
enum DemoError {
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("cannot write into the demo's folder")]
    Files(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] store::error::StoreError),
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error("the result cannot be written")]
    Output(#[source] io::Error),
    #[error(transparent)]
    Story(#[from] story::StoryError),
    #[error(transparent)]
    Fleet(#[from] simulate::FleetError),
}

impl DemoError {
    fn exit(&self) -> Exit {
        match self {
            Self::Start(error) => error.exit(),
            Self::Files(_) | Self::Store(_) | Self::Fleet(_) => Exit::Unavailable,
            Self::Output(_) => Exit::Output,
            Self::People(_) | Self::Story(_) => Exit::Software,
        }
    }
}

async fn play(args: &Args, folder: &TempDir) -> Exit {
    let running = match Box::pin(start(args, folder.path())).await {
        Ok(running) => running,
        Err(error) => return output::failed(&error, error.exit()),
    };
    let outcome = if args.once {
        let outcome = once(&running, folder.path(), args.json).await;
        running.stop().await;
        outcome
    } else {
        live(running, folder.path()).await
    };
    match outcome {
        Ok(()) => Exit::Ok,
        Err(DemoError::Output(error)) => output::printed(Err(error)),
        Err(error) => output::failed(&error, error.exit()),
    }
}

/// Prints a result.
fn tell(text: impl Display) -> Result<(), DemoError> {
    output::say(text).map_err(DemoError::Output)
}

async fn start(args: &Args, folder: &Path) -> Result<Running, DemoError> {
    files::write(folder)?;
    let mut config = Config::default();
    config.store.url = StoreUrl::Sqlite(folder.join("upturn.db"));
    config.compliance.dir = Some(folder.join(files::COMPLIANCE));
    config.stock.document = Some(folder.join("stocking.toml"));
    config.rules.dir = folder.join("rules");
    config.registry.dir = Some(folder.join("registry"));
    config.outbox.mqtt_topic = Some("devices/{device}/tasks".to_owned());
    // With --once nobody looks, and two of them may run side by side.
    let any = |address: SocketAddr| SocketAddr::new(address.ip(), 0);
    let free = |address| if args.once || is_taken(address) { any(address) } else { address };
    config.web.listen = free(args.web);
    config.mqtt.listen = Some(free(args.mqtt));
    logging::start(&config.log);
    let running = supervisor::start(serve::plan(config)?).await?;
    story::write_records(&running.store).await?;
    Ok(running)
}

fn is_taken(address: SocketAddr) -> bool {
    std::net::TcpListener::bind(address).is_err()
}

/// Plays the day as fast as it goes and prints what came of it.
async fn once(running: &Running, folder: &Path, json: bool) -> Result<(), DemoError> {
    if let Some(door) = running.mqtt {
        simulate::play(door, day::script(morning()), Pace::AtOnce).await?;
    }
    let tasks = store::task_view::standing(&running.store).await?;
    let quotes = story::quotes(folder, &story::policy(folder)?)?;
    let advice = story::advice(&running.store).await?;
    if json {
        let document = json!({
            "tasks": tasks.iter().map(document).collect::<Vec<_>>(),
            "quotes": quotes.iter().map(story::quote_document).collect::<Vec<_>>(),
            "advice": advice.iter().map(story::advice_document).collect::<Vec<_>>(),
        });
        output::say_json(document).map_err(DemoError::Output)?;
    } else {
        let rows = tasks.iter().map(|task| {
            vec![
                task.device.to_string(),
                task.title.in_language("en").to_owned(),
                task.owner.clone(),
                task.due_at.map_or_else(|| "-".to_owned(), |at| at.format("%F %R UTC").to_string()),
                task.evidence.len().to_string(),
            ]
        });
        tell(output::table(&["device", "task", "owner", "due", "events"], rows))?;
        story::tell(&quotes, &advice).map_err(DemoError::Output)?;
    }
    Ok(())
}

fn document(task: &store::task_view::TaskRow) -> Value {
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    json!({
        "id": task.id,
        "rule": task.rule,
        "device": task.device,
        "account": task.account,
        "title": task.title,
        "owner": task.owner,
        "due_at": task.due_at.map(text),
        "first_at": text(task.first_at),
        "last_at": text(task.last_at),
        "evidence": task.evidence,
    })
}

/// Serves the pages and plays the day in a minute, then goes on serving until told to stop.
async fn live(mut running: Running, folder: &Path) -> Result<(), DemoError> {
    let (password, token) = sign_in(&running.store).await?;
    tell(format_args!("Upturn's demo is at  http://{}", running.web))?;
    tell(format_args!("Sign in as           {USER}  with  {password}"))?;
    tell(format_args!("Programs send        Authorization: Bearer {token}"))?;
    if let Some(door) = running.mqtt {
        tell(format_args!("Chargers publish to  mqtt://{door}"))?;
        tell("A day of nine chargers goes by in a minute; Ctrl-C ends it.")?;
    }
    let policy = story::policy(folder)?;
    let quotes = story::quotes(folder, &policy)?;
    story::keep(&running.asks, &quotes, &policy).await?;
    let advice = story::advice(&running.store).await?;
    story::tell(&quotes, &advice).map_err(DemoError::Output)?;
    tell(format_args!("Quotes are at        http://{}/quotes", running.web))?;
    tell(format_args!("The blocked one asks http://{}/approvals", running.web))?;
    tell(format_args!("Advice on stock is   http://{}/advice", running.web))?;
    let door = running.mqtt;
    let outcome = tokio::select! {
        played = play_slowly(door) => match played {
            Ok(()) => {
                output::note("The day is over. The pages stay until Ctrl-C.");
                running.until_told().await.map_err(DemoError::from)
            }
            Err(error) => Err(error.into()),
        },
        told = running.until_told() => told.map_err(DemoError::from),
    };
    running.stop().await;
    outcome
}

async fn play_slowly(door: Option<SocketAddr>) -> Result<(), simulate::FleetError> {
    let Some(door) = door else { return Ok(()) };
    simulate::play(door, day::script(morning()), Pace::PerMinute(PACE)).await
}

/// Makes the demo's only user, who may do what no house lets one person do; returns a password and
/// a token made up now.
async fn sign_in(store: &Store) -> Result<(String, String), DemoError> {
    let password = token::password().map_err(PeopleError::from)?;
    let roles = [Role::Admin, Role::Operations, Role::SalesManager, Role::Logistics].into();
    let (regions, teams) = ([EVERYWHERE.into()].into(), ["operations".into()].into());
    let profile = Profile { roles, regions, teams, ..Profile::default() };
    let (by, registered) = (By { actor: USER, at: SystemClock.now() }, Registry::default());
    people::add(store, &registered, by, (USER, profile), (password.clone(), false)).await?;
    let new = NewToken { label: USER.to_owned(), scopes: TokenScope::ALL.into(), days: 1 };
    Ok((password, people::make_token(store, by, USER, new).await?))
}

/// The simulated day ends now, so that nothing in it lies in the future.
fn morning() -> DateTime<Utc> {
    SystemClock.now() - TimeDelta::minutes(i64::from(day::MINUTES) + 10)
}
