//! `upturn facts`: what feeds say, looked up as of a day.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use upturn_core::event::Position;

use self::calendar::DocumentError;
use super::output;
use super::store_command::{self, open};
use crate::clock::{Clock as _, SystemClock};
use crate::exit::Exit;
use crate::facts::lookup::LookupError;
use crate::facts::saved::{self, SavedError};
use crate::facts::shelf::Shelf;
use crate::facts::stored::{Archive, AsOf, StoredError, Wanted};
use crate::facts::{Facts, Sheet};
use crate::feeds::files::{FeedsError, Setup};
use crate::store::schema;

mod calendar;
mod duty;
mod goods;
mod policy;
mod rate;
mod sailing;
mod tax;

/// Looks facts up.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Look one thing up, as of a day
    #[command(subcommand)]
    Get(Get),
}

/// What is looked up.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Get {
    /// The price of one currency in another
    Rate(rate::Args),
    /// The standard rate of tax in a country
    Tax(tax::Args),
    /// What a tariff levies on goods
    Duty(duty::Args),
    /// The days of a place: worked on or not, why, and since when that is known
    Calendar(calendar::Args),
    /// The next departures from place to place
    Sailing(sailing::Args),
    /// The policies for a product in a region: subsidies, reforms, cycles of tenders
    Policy(policy::Args),
    /// The codes of goods that a code begins, or that words describe
    Goods(goods::Args),
}

/// What every look-up is made with.
#[derive(Debug, clap::Args)]
struct Common {
    /// By this feed alone
    #[arg(long, value_name = "NAME")]
    feed: Option<String>,
    /// Look in this folder of saved documents, a sub-directory for each feed with feed.toml,
    /// instead of the database
    #[arg(long, value_name = "DIR")]
    facts: Option<PathBuf>,
    /// Ask the sets by which what stands at this place in the log is judged, instead of those in force
    #[arg(long, value_name = "POSITION", conflicts_with = "facts")]
    position: Option<Position>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was found, for people and for programs.
struct Told {
    text: String,
    json: Value,
}

/// Why a look-up told nothing.
#[derive(Debug, thiserror::Error)]
enum GetError {
    #[error(transparent)]
    Saved(#[from] SavedError),
    #[error(transparent)]
    Stored(#[from] StoredError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error("{code}: {0}", code = .0.code())]
    Lookup(#[from] LookupError),
}

impl Get {
    fn common(&self) -> &Common {
        match self {
            Self::Rate(args) => &args.common,
            Self::Tax(args) => &args.common,
            Self::Duty(args) => &args.common,
            Self::Calendar(args) => &args.common,
            Self::Sailing(args) => &args.common,
            Self::Policy(args) => &args.common,
            Self::Goods(args) => &args.common,
        }
    }

    fn find(&self, facts: &Facts, now: DateTime<Utc>) -> Result<Told, GetError> {
        Ok(match self {
            Self::Rate(args) => rate::get(facts, args)?,
            Self::Tax(args) => tax::get(facts, args)?,
            Self::Duty(args) => duty::get(facts, args)?,
            Self::Calendar(args) => calendar::get(facts, args, now)?,
            Self::Sailing(args) => sailing::get(facts, args, now)?,
            Self::Policy(args) => policy::get(facts, args)?,
            Self::Goods(args) => goods::get(facts, args)?,
        })
    }
}

/// Runs `command`.
pub(super) fn run(command: &Command, config: Option<&Path>) -> Exit {
    let Command::Get(get) = command;
    let common = get.common();
    match &common.facts {
        Some(dir) => answer(get, saved::read(dir).map_err(GetError::from)),
        None => store_command::run(config, |config| async move {
            let setup = Setup::new(&config, Arc::new(SystemClock)).map_err(FeedsError::from)?;
            let feeds = setup.load()?;
            let store = open(&config).await?;
            schema::require_current(&store).await?;
            let (feed, has_earlier) = (common.feed.as_deref(), matches!(get, Get::Sailing(_)));
            let as_of = common.position.map_or(AsOf::Present, AsOf::Position);
            let wanted = Wanted { feed, as_of, has_earlier };
            let archive = Archive { store: &store, shelf: &Shelf::default(), feeds: &feeds };
            let facts = archive.read(wanted).await;
            store.close().await;
            Ok(answer(get, facts.map_err(GetError::from)))
        }),
    }
}

/// Prints what `get` asks of `facts`.
fn answer(get: &Get, facts: Result<Facts, GetError>) -> Exit {
    let is_json = get.common().json;
    match facts.and_then(|facts| get.find(&facts, SystemClock.now())) {
        Ok(told) if is_json => {
            output::printed(output::say_json(format_args!("{:#}", told.json)).map(|()| Exit::Ok))
        }
        Ok(told) => output::printed(output::say(told.text).map(|()| Exit::Ok)),
        Err(error) => refuse(&error, is_json),
    }
}

fn refuse(error: &GetError, is_json: bool) -> Exit {
    let (code, exit) = match error {
        GetError::Saved(error) if error.is_missing() => ("unreadable", Exit::NoInput),
        GetError::Document(DocumentError::Unreadable { .. }) => ("unreadable", Exit::NoInput),
        GetError::Stored(StoredError::Store(_)) => ("database-away", Exit::Unavailable),
        GetError::Saved(_) | GetError::Stored(_) | GetError::Document(_) => {
            ("bad-document", Exit::DataErr)
        }
        GetError::Lookup(error) => (error.code(), Exit::DataErr),
    };
    if !is_json {
        return output::failed(error, exit);
    }
    let told = json!({ "error": { "code": code, "message": error.to_string() } });
    output::printed(output::say_json(format_args!("{told:#}")).map(|()| exit))
}

/// Says which set it is and how old.
fn origin(sheet: &Sheet) -> String {
    match (sheet.set, sheet.checked_at) {
        (Some(set), Some(at)) => {
            format!("  set {set} of feed {}, last confirmed {}", sheet.feed, at.to_rfc3339())
        }
        _ => format!("  saved documents of feed {}", sheet.feed),
    }
}
