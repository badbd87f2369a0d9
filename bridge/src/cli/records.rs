//! `upturn records`: products, prices, stock, deals and what else other systems keep.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use upturn_core::record::{KINDS, Kind, Presence};
use upturn_core::registry::Registry;

use super::output;
use super::store_command::{self, StoreCommandError, open};
use crate::clock::Clock;
use crate::config::Config;
use crate::exit::Exit;
use crate::import::{Examined, Import, ImportError, Source};
use crate::registry::problem::RegistryError;
use crate::store::audit::CONSOLE;
use crate::store::error::StoreError;
use crate::store::{self, record};

mod registry;
mod sync;

/// Records in one statement of a list.
const PAGE: u32 = 500;

/// Looks at records, and takes tables of them in.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show the kinds of records, or the columns of one
    Kinds {
        /// The kind whose columns are shown
        #[arg(value_parser = kind)]
        kind: Option<&'static Kind>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print records, one JSON object a line, in the order of their keys
    List {
        /// Which kind
        #[arg(value_parser = kind)]
        kind: &'static Kind,
        /// How many at most
        #[arg(long, default_value_t = 1_000)]
        limit: u32,
    },
    /// Take in a table with headings: all of it, or none if a row is wrong
    ///
    /// The file is looked at first, and what it would do is shown. A row that is wrong is named with
    /// its line; a column that seldom changes and would in more than one of five records has to be
    /// allowed by name, since that is what a shifted template looks like.
    Import(ImportArgs),
    /// Show accounts and contacts that may be the same company or person
    Duplicates {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the devices that send messages and that nobody has registered
    Unknown {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Register a device, known or not
    Adopt(registry::AdoptArgs),
    /// Read what another system has, and take it in as a table
    Sync(sync::Args),
}

#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// Which kind of records they are
    #[arg(value_parser = kind)]
    kind: &'static Kind,
    /// The table: CSV, or with semicolons or tabs
    file: PathBuf,
    /// What a heading is called here, nothing to leave it out; may be given several times
    #[arg(long, value_name = "HEADING=COLUMN", value_parser = mapping)]
    map: Vec<(String, String)>,
    /// Look at the table and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Let this column change in as many records as it will; may be given several times
    #[arg(long, value_name = "COLUMN")]
    allow_change: Vec<String>,
    /// What stands between cells: comma, semicolon or tab [default: what the first line has most]
    #[arg(long, value_parser = delimiter)]
    delimiter: Option<u8>,
    /// The table's encoding, such as gb18030 or windows-1252 [default: utf-8]
    #[arg(long, value_name = "LABEL")]
    encoding: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Why a table was not taken in.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Import(#[from] ImportError),
    #[error(transparent)]
    Registry(#[from] RegistryError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Open(StoreCommandError),
    #[error("{0}")]
    Wrong(String),
    #[error(transparent)]
    Sync(#[from] sync::SyncError),
    #[error(transparent)]
    Print(#[from] std::io::Error),
}

impl Refusal {
    fn exit(&self) -> Exit {
        match self {
            Self::Import(ImportError::Read { .. }) => Exit::NoInput,
            Self::Wrong(_)
            | Self::Import(
                ImportError::Table { .. } | ImportError::Restless(_) | ImportError::Overtaken(_),
            ) => Exit::DataErr,
            Self::Import(ImportError::Store(_) | ImportError::Random(_)) | Self::Store(_) => {
                Exit::Unavailable
            }
            Self::Registry(_) => Exit::Config,
            Self::Open(_) => Exit::Unavailable,
            Self::Sync(error) => error.exit(),
            Self::Print(_) => Exit::Output,
        }
    }
}

fn kind(name: &str) -> Result<&'static Kind, String> {
    upturn_core::record::kind(name).ok_or_else(|| {
        let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
        format!("there are {}", names.join(", "))
    })
}

fn mapping(text: &str) -> Result<(String, String), String> {
    let pair = text.rsplit_once('=').ok_or("write HEADING=COLUMN, or HEADING= to leave it out")?;
    Ok((pair.0.trim().to_owned(), pair.1.trim().to_owned()))
}

fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "," | "comma" => Ok(b','),
        ";" | "semicolon" => Ok(b';'),
        "\t" | "tab" => Ok(b'\t'),
        _ => Err("write comma, semicolon or tab".to_owned()),
    }
}

/// Runs `command` on the database that the settings in `file` name.
pub(super) fn run(command: &Command, file: Option<&Path>, clock: &dyn Clock) -> Exit {
    match command {
        Command::Kinds { kind, json } => output::printed(kinds(*kind, *json)),
        Command::List { kind, limit } => {
            store_command::run(file, |config| async move { list(kind, *limit, &config).await })
        }
        Command::Import(args) => {
            store_command::run(
                file,
                |config| async move { ended(take_in(args, &config, clock).await) },
            )
        }
        Command::Duplicates { json } => store_command::run(file, |config| async move {
            ended(registry::duplicates(&config, *json).await)
        }),
        Command::Unknown { json } => store_command::run(file, |config| async move {
            ended(registry::unknown(&config, *json).await)
        }),
        Command::Adopt(args) => store_command::run(file, |config| async move {
            ended(registry::adopt(args, &config, clock).await)
        }),
        Command::Sync(args) => store_command::run(file, |config| async move {
            ended(sync::run(args, &config, clock).await)
        }),
    }
}

/// Says why nothing was taken in, where nothing was.
fn ended(outcome: Result<Exit, Refusal>) -> Result<Exit, StoreCommandError> {
    match outcome {
        Ok(exit) => Ok(exit),
        Err(Refusal::Print(error)) => Err(StoreCommandError::Print(error)),
        Err(error) => Ok(output::failed(&error, error.exit())),
    }
}

/// Returns the registry of the folder that `config` names; an empty one where it names none.
fn folder(config: &Config) -> Result<Registry, RegistryError> {
    let folder = config.registry.dir.as_deref().map(crate::registry::load).transpose()?;
    Ok(folder.unwrap_or_default())
}

fn kinds(one: Option<&Kind>, json: bool) -> std::io::Result<Exit> {
    if json {
        let all: Vec<Value> = match one {
            Some(kind) => vec![as_json(kind)],
            None => KINDS.iter().map(as_json).collect(),
        };
        output::say_json(format_args!("{:#}", json!({ "kinds": all })))?;
    } else if let Some(kind) = one {
        let rows = kind.columns.iter().map(|column| {
            let needed = match column.presence {
                Presence::Always => "yes".to_owned(),
                Presence::With(others) => format!("with {}", others.join(" or ")),
                Presence::Free => String::new(),
            };
            let is_key = if kind.key.contains(&column.name) { "key" } else { "" };
            let (about, form) = (column.about.to_owned(), column.form.words());
            vec![column.name.to_owned(), is_key.to_owned(), needed, form, about]
        });
        output::say(output::table(&["column", "", "needed", "written as", "what it is"], rows))?;
    } else {
        let rows = KINDS
            .iter()
            .map(|kind| vec![kind.name.to_owned(), kind.key.join(", "), kind.about.to_owned()]);
        output::say(output::table(&["kind", "key", "what one is"], rows))?;
    }
    Ok(Exit::Ok)
}

fn as_json(kind: &Kind) -> Value {
    let columns = kind.columns.iter().map(|column| {
        json!({
            "name": column.name,
            "about": column.about,
            "written_as": column.form.words(),
            "required": column.presence == Presence::Always,
        })
    });
    let columns: Vec<_> = columns.collect();
    json!({ "name": kind.name, "about": kind.about, "key": kind.key, "columns": columns })
}

async fn list(kind: &Kind, limit: u32, config: &Config) -> Result<Exit, StoreCommandError> {
    let store = open(config).await?;
    store::schema::require_current(&store).await?;
    let (mut after, mut left) = (String::new(), limit);
    while 0 < left {
        let records = record::page(&store, kind.name, &after, left.min(PAGE)).await?;
        let Some(last) = records.last() else { break };
        after.clone_from(&last.id);
        left = left.saturating_sub(u32::try_from(records.len()).unwrap_or(u32::MAX));
        for record in &records {
            output::say_json(&record.document)?;
        }
    }
    store.close().await;
    Ok(Exit::Ok)
}

async fn take_in(args: &ImportArgs, config: &Config, clock: &dyn Clock) -> Result<Exit, Refusal> {
    let registry = folder(config)?;
    let store = match open(config).await {
        Ok(store) => store,
        Err(error) => return Ok(output::failed(&error, Exit::Unavailable)),
    };
    store::schema::require_current(&store).await?;
    let source = Source {
        file: args.file.clone(),
        map: args.map.clone(),
        delimiter: args.delimiter,
        encoding: args.encoding.clone(),
    };
    let import = Import {
        store: &store,
        registry: &registry,
        kind: args.kind,
        source: &source,
        made_of: None,
    };
    let examined = import.examine(&args.allow_change).await?;
    let is_sound = examined.findings.is_empty();
    let written = if is_sound && !args.dry_run {
        Some(import.take_in(&examined, clock.now(), CONSOLE).await?)
    } else {
        None
    };
    store.close().await;
    if args.json {
        output::say_json(format_args!("{:#}", report(&examined, written)))?;
    } else {
        output::say(words(args, &examined, written))?;
    }
    Ok(if is_sound { Exit::Ok } else { Exit::DataErr })
}

fn report(examined: &Examined, written: Option<u64>) -> Value {
    let Examined { rows, new, same, changed, preview, warnings, findings, .. } = examined;
    let wrong: Vec<_> = findings
        .rows()
        .iter()
        .map(|(line, message)| json!({ "line": line, "message": message }))
        .collect();
    json!({
        "rows": rows, "new": new, "same": same, "changed": changed, "preview": preview,
        "wrong": wrong, "more_wrong": findings.unlisted(), "refused": findings.whole(),
        "warnings": warnings, "written": written,
    })
}

/// Returns what a person reads of it.
fn words(args: &ImportArgs, examined: &Examined, written: Option<u64>) -> String {
    let Examined { rows, new, same, changed, preview, warnings, findings, .. } = examined;
    let shown: Vec<_> = args.kind.columns.iter().map(|column| column.name).collect();
    let shown: Vec<_> =
        shown.into_iter().filter(|name| preview.iter().any(|r| r.contains_key(name))).collect();
    let cells = preview.iter().map(|record| {
        shown.iter().map(|name| record.get(name).cloned().unwrap_or_default()).collect()
    });
    let mut text = output::table(&shown, cells);
    write!(text, "\nrows {rows}: new {new}, changed {changed}, the same {same}").ok();
    for warning in warnings {
        write!(text, "\nmind: {warning}").ok();
    }
    for (line, message) in findings.rows() {
        write!(text, "\n{}:{line}: {message}", args.file.display()).ok();
    }
    if 0 < findings.unlisted() {
        write!(text, "\nand {} more", findings.unlisted()).ok();
    }
    for message in findings.whole() {
        write!(text, "\n{message}").ok();
    }
    let end = match written {
        Some(count) => format!("records written: {count}"),
        None if findings.is_empty() => "nothing was written, as asked".to_owned(),
        None => "nothing was written; mend the table and try again".to_owned(),
    };
    write!(text, "\n{end}").ok();
    text
}
