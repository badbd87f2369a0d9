//! `upturn quote`: prices a request, shows a frozen quote again, says how far it has drifted.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use serde_json::json;
use upturn_core::compliance::policy::Policy;
use upturn_core::event::Position;
use upturn_core::quote::library::Library;
use upturn_core::quote::problem::Problem;
use upturn_core::quote::request::Request;
use upturn_core::quote::snapshot::{Snapshot, SnapshotError};

use super::output;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigError};
use crate::exit::Exit;
use crate::facts::Facts;
use crate::facts::saved::{self, SavedError};
use crate::facts::shelf::Shelf;
use crate::facts::stored::{Archive, AsOf, StoredError, Wanted};
use crate::feeds::files::{FeedsError, Setup};
use crate::rules::RulesError;
use crate::store::error::StoreError;
use crate::store::{Store, schema};
use crate::{compliance, quote};

mod again;
mod price;
mod render;

/// The largest request or snapshot, in bytes.
const DOCUMENT_MAX: u64 = 8 << 20;

/// Quotes.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Price a request by its terms of delivery, side by side, without any network
    Price(price::Args),
    /// Print a frozen quote as a page, as it was
    Render(render::Args),
    /// Price a frozen quote's request again and show what has changed, line by line
    Again(again::Args),
}

/// With what a quote is made, besides its request.
#[derive(Clone, Debug, clap::Args)]
struct With {
    /// A folder of saved documents: a sub-directory for each feed, with feed.toml; else the sets that
    /// were in force on the quote's day in the configured database, if there is one
    #[arg(long, value_name = "DIR")]
    facts: Option<PathBuf>,
    /// Ask the sets by which what stands at this place in the log is judged
    #[arg(long, value_name = "POSITION", conflicts_with = "facts")]
    position: Option<Position>,
    /// A folder of price bands and approvals; else the configured one
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
}

/// Why there is no quote.
#[derive(Debug, thiserror::Error)]
enum QuoteError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Policy(#[from] RulesError),
    #[error(transparent)]
    Facts(#[from] SavedError),
    #[error(transparent)]
    Feeds(#[from] FeedsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Stored(#[from] StoredError),
    #[error("there is no runtime")]
    Runtime(#[source] io::Error),
    #[error("'{}' cannot be read: {source}", .path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("{}: {source}", .path.display())]
    Request { path: PathBuf, source: serde_json::Error },
    #[error("{}: {source}", .path.display())]
    Snapshot { path: PathBuf, source: SnapshotError },
    #[error("the request is wrong: {}", list(.0))]
    Wrong(Vec<Problem>),
    #[error("the quote cannot be written")]
    Unwritten(#[from] serde_json::Error),
}

fn list(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl QuoteError {
    fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Policy(_) | Self::Feeds(_) => Exit::Config,
            Self::Store(_) | Self::Stored(StoredError::Store(_)) => Exit::Unavailable,
            Self::Stored(_) => Exit::DataErr,
            Self::Facts(error) if error.is_missing() => Exit::NoInput,
            Self::Unreadable { .. } => Exit::NoInput,
            Self::Facts(_) | Self::Request { .. } | Self::Snapshot { .. } | Self::Wrong(_) => {
                Exit::DataErr
            }
            Self::Unwritten(_) | Self::Runtime(_) => Exit::Software,
        }
    }

    /// Prints it, as JSON too where that is wanted, and returns how the command ends.
    fn tell(&self, is_json: bool) -> Exit {
        if !is_json {
            return output::failed(self, self.exit());
        }
        let told = if let Self::Wrong(problems) = self {
            json!({ "problems": problems })
        } else {
            json!({ "error": super::causes::describe(self) })
        };
        output::printed(output::say_json(format_args!("{told:#}")).map(|()| self.exit()))
    }
}

/// Runs `command`.
pub(super) fn run(command: &Command, config: Option<&Path>, clock: &dyn Clock) -> Exit {
    match command {
        Command::Price(args) => price::run(args, config),
        Command::Render(args) => render::run(args),
        Command::Again(args) => again::run(args, config, clock),
    }
}

impl With {
    /// Prices `request` and freezes the quote.
    fn take(&self, request: Request, config: Option<&Path>) -> Result<Snapshot, QuoteError> {
        let facts = if let Some(dir) = &self.facts {
            saved::read(dir)?
        } else {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(QuoteError::Runtime)?;
            runtime.block_on(self.stored(request.date, &Config::load(config)?))?
        };
        let sources = quote::sources(facts, request.date);
        let library =
            Library::of(sources, &request.facts, request.date).map_err(QuoteError::Wrong)?;
        let policy = self.policy(config)?;
        Snapshot::take(request, &library, &policy).map_err(QuoteError::Wrong)
    }

    /// Returns the facts of the sets that were in force on the day `date`, or at the place that is asked
    /// for. Where there is no database yet no feed has said anything.
    async fn stored(&self, date: NaiveDate, config: &Config) -> Result<Facts, QuoteError> {
        if config.store.url.file().is_some_and(|file| !file.exists()) {
            return Ok(Facts::default());
        }
        let setup = Setup::new(config, Arc::new(SystemClock)).map_err(FeedsError::from)?;
        let feeds = setup.load()?;
        let store = Store::open(config.store.connection_url()?.expose()).await?;
        schema::require_current(&store).await?;
        let ends_at = date.succ_opt().unwrap_or(date).and_time(NaiveTime::MIN).and_utc();
        let as_of = self.position.map_or(AsOf::Time(ends_at), AsOf::Position);
        let archive = Archive { store: &store, shelf: &Shelf::default(), feeds: &feeds };
        let facts = archive.read(Wanted { as_of, ..Wanted::default() }).await;
        store.close().await;
        Ok(facts?)
    }

    fn policy(&self, config: Option<&Path>) -> Result<Policy, QuoteError> {
        let configured = match self.policy {
            Some(_) => None,
            None => Config::load(config)?.compliance.dir,
        };
        let dir = self.policy.as_ref().or(configured.as_ref());
        Ok(dir.map(|dir| compliance::load(dir)).transpose()?.unwrap_or_default())
    }
}

/// Reads the file `path`, or standard input for `-`.
fn read(path: &Path) -> Result<String, QuoteError> {
    let unreadable = |source| QuoteError::Unreadable { path: path.to_owned(), source };
    let mut text = String::new();
    let bound = DOCUMENT_MAX + 1;
    if path.as_os_str() == "-" {
        io::stdin().lock().take(bound).read_to_string(&mut text).map_err(unreadable)?;
    } else {
        let file = File::open(path).map_err(unreadable)?;
        file.take(bound).read_to_string(&mut text).map_err(unreadable)?;
    }
    if DOCUMENT_MAX < u64::try_from(text.len()).unwrap_or(u64::MAX) {
        let error = io::Error::other(format!("it has more than {DOCUMENT_MAX} bytes"));
        return Err(unreadable(error));
    }
    Ok(text)
}

fn read_snapshot(path: &Path) -> Result<Snapshot, QuoteError> {
    let text = read(path)?;
    Snapshot::read(&text).map_err(|source| QuoteError::Snapshot { path: path.to_owned(), source })
}
