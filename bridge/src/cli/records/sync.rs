//! `upturn records sync`: records of another system, taken in as tables are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Value, json};
use upturn_connectors::deliver::failure::Failure;
use upturn_connectors::deliver::kind::SettingsError;
use upturn_connectors::http::guard::Allowed;
use upturn_connectors::http::{Http, HttpError};
use upturn_connectors::records::Row;
use upturn_connectors::records::tryton::{self, Tryton};
use upturn_core::record::{self, Kind};
use upturn_core::registry::Registry;

use super::Refusal;
use crate::cli::output;
use crate::cli::store_command::open;
use crate::clock::Clock;
use crate::config::Config;
use crate::exit::Exit;
use crate::import::{Examined, Import, Source};
use crate::registry;
use crate::store::audit::CONSOLE;
use crate::store::error::StoreError;
use crate::store::record::{ROWS_MAX, find_all};
use crate::store::{self, Store, log};

/// The largest document, in bytes.
const DOCUMENT_MAX: u64 = 1 << 20;

/// What is read, and what becomes of it.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The document that names the system, as deploy/records/tryton.toml
    file: PathBuf,
    /// Look at what it has and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Let this column change in as many records as it will; may be given several times
    #[arg(long, value_name = "COLUMN")]
    allow_change: Vec<String>,
    /// Leave the tables that were read in this folder, to look wrong rows up
    #[arg(long, value_name = "DIR")]
    tables: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// A system whose records are read.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Document {
    Tryton(tryton::Settings),
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub(super) enum SyncError {
    #[error("'{}' cannot be read: {source}", .path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}: {why}", .path.display())]
    Document { path: PathBuf, why: String },
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("{kind}: {failure}; nothing of it was taken in")]
    Failed { kind: &'static str, failure: Failure },
    #[error("the table of {kind} cannot be written to '{}': {source}", .path.display())]
    Unwritten { kind: &'static str, path: PathBuf, source: csv::Error },
    #[error("the folder of tables cannot be made")]
    Folder(#[source] std::io::Error),
}

impl SyncError {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { .. } => Exit::NoInput,
            Self::Document { .. } | Self::Settings(_) => Exit::Config,
            Self::Http(_) => Exit::Software,
            Self::Failed { .. } => Exit::Unavailable,
            Self::Unwritten { .. } | Self::Folder(_) => Exit::Output,
        }
    }
}

/// What became of records of a kind.
struct Taken {
    kind: &'static Kind,
    examined: Examined,
    /// How many were written; none where nothing was to be, or a row is wrong.
    written: Option<u64>,
}

/// Reads and takes in what the system has, kind by kind; ends before the first with a wrong row.
pub(super) async fn run(args: &Args, config: &Config, clock: &dyn Clock) -> Result<Exit, Refusal> {
    let settings = document(&args.file)?;
    let allowed = Allowed::new(config.http.allow_private.iter().cloned());
    let http = Http::new(allowed).map_err(SyncError::from)?;
    let system = Tryton::new(settings.clone(), &http).map_err(SyncError::from)?;
    let registry = config.registry.dir.as_deref().map(registry::load).transpose()?;
    let registry = registry.unwrap_or_default();
    let store = match open(config).await {
        Ok(store) => store,
        Err(error) => return Ok(output::failed(&error, Exit::Unavailable)),
    };
    store::schema::require_current(&store).await?;
    let scratch = tempfile::tempdir().map_err(SyncError::Folder)?;
    let folder = args.tables.as_deref().unwrap_or(scratch.path());
    fs::create_dir_all(folder).map_err(SyncError::Folder)?;

    let mut kinds = settings.records;
    kinds.sort();
    kinds.dedup();
    let (mut taken, mut left): (Vec<Taken>, Vec<&str>) = (Vec::new(), Vec::new());
    for one in kinds {
        // What names records that were not written would seem to name none.
        let Some(kind) = record::kind(one.name()) else { continue };
        if taken.iter().any(|before| before.holds_up(kind)) {
            left.push(one.name());
            continue;
        }
        let rows = system.rows(one, clock.now()).await;
        let mut rows = rows.map_err(|failure| SyncError::Failed { kind: one.name(), failure })?;
        if rows.is_empty() {
            continue;
        }
        let made_of = Some(store::record::state(&store, kind.name).await?);
        keep_the_rest((&store, &registry), kind, &mut rows).await?;
        let file = write(folder, kind, &rows)?;
        let source = Source { file, map: Vec::new(), delimiter: Some(b','), encoding: None };
        let import = Import { store: &store, registry: &registry, kind, source: &source, made_of };
        let examined = import.examine(&args.allow_change).await?;
        let is_taken = examined.findings.is_empty() && !args.dry_run;
        let written = if is_taken {
            Some(import.take_in(&examined, clock.now(), CONSOLE).await?)
        } else {
            None
        };
        taken.push(Taken { kind, examined, written });
    }
    store.close().await;
    if args.json {
        output::say_json(format_args!("{:#}", report(&taken, &left)))?;
    } else {
        output::say(words(&taken, &left))?;
    }
    let is_sound = taken.iter().all(|one| one.examined.findings.is_empty());
    Ok(if is_sound { Exit::Ok } else { Exit::DataErr })
}

impl Taken {
    /// Returns whether records of `kind` may name those that are not in the store.
    fn holds_up(&self, kind: &Kind) -> bool {
        let is_awaited = 0 < self.examined.new || !self.examined.findings.is_empty();
        self.written.is_none()
            && is_awaited
            && record::naming(self.kind).any(|(of, _)| of.name == kind.name)
    }
}

fn document(path: &Path) -> Result<tryton::Settings, SyncError> {
    let unreadable = |source| SyncError::Unreadable { path: path.to_owned(), source };
    let length = fs::metadata(path).map_err(unreadable)?.len();
    if DOCUMENT_MAX < length {
        let why = format!("it has more than {DOCUMENT_MAX} bytes");
        return Err(SyncError::Document { path: path.to_owned(), why });
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let read: Result<Document, _> = toml::from_str(&text);
    let Document::Tryton(settings) = read.map_err(|error| {
        let why = error.to_string().trim_end().to_owned();
        SyncError::Document { path: path.to_owned(), why }
    })?;
    Ok(settings)
}

/// Fills what the system does not tell of a record with what it has here, by its record or else by the
/// registry's folder: who answers for a customer, the tariff code of a product.
async fn keep_the_rest(
    (store, registry): (&Store, &Registry),
    kind: &'static Kind,
    rows: &mut [Row],
) -> Result<(), StoreError> {
    for rows in rows.chunks_mut(ROWS_MAX) {
        let keys: Vec<String> = rows.iter().map(|row| kind.key_of(row)).collect();
        let ids: Vec<&str> = keys.iter().map(String::as_str).collect();
        let stored = find_all(store, kind.name, &ids).await?;
        for (row, key) in rows.iter_mut().zip(&keys) {
            let before: BTreeMap<String, String> = match stored.get(key) {
                Some(document) => log::parsed(document)?,
                None => of_folder(registry, kind, key),
            };
            for column in kind.columns {
                if let Some(value) = before.get(column.name) {
                    row.entry(column.name).or_insert_with(|| value.clone());
                }
            }
        }
    }
    Ok(())
}

/// Returns what the registry's folder has of an account that no other system keeps.
fn of_folder(registry: &Registry, kind: &Kind, id: &str) -> BTreeMap<String, String> {
    let account = registry.accounts.get(id).filter(|_| kind.name == "account");
    let Some(account) = account else { return BTreeMap::new() };
    let owner = account.owner.as_deref().map(|owner| ("owner".to_owned(), owner.to_owned()));
    let consent = account.consent.map(|consent| {
        let word = if consent { "yes" } else { "no" };
        ("consent".to_owned(), word.to_owned())
    });
    owner.into_iter().chain(consent).collect()
}

/// Writes `rows` as a table; returns where.
fn write(folder: &Path, kind: &'static Kind, rows: &[Row]) -> Result<PathBuf, SyncError> {
    let path = folder.join(format!("{}.csv", kind.name));
    let unwritten = |source| SyncError::Unwritten { kind: kind.name, path: path.clone(), source };
    let mut writer = csv::Writer::from_path(&path).map_err(unwritten)?;
    let headings: Vec<_> = kind.columns.iter().map(|column| column.name).collect();
    writer.write_record(&headings).map_err(unwritten)?;
    for row in rows {
        let cells = headings.iter().map(|name| row.get(name).map_or("", String::as_str));
        writer.write_record(cells).map_err(unwritten)?;
    }
    writer.flush().map_err(|error| unwritten(error.into()))?;
    Ok(path)
}

fn report(taken: &[Taken], left: &[&str]) -> Value {
    let kinds = taken.iter().map(|Taken { kind, examined, written }| {
        json!({ "kind": kind.name, "examined": super::report(examined, *written) })
    });
    json!({ "kinds": kinds.collect::<Vec<_>>(), "not_looked_at": left })
}

fn words(taken: &[Taken], left: &[&str]) -> String {
    let rows = taken.iter().map(|Taken { kind, examined, written }| {
        let counts = [examined.rows, examined.new, examined.changed, examined.same];
        let written = written.map_or_else(|| "none".to_owned(), |count| count.to_string());
        let counts = counts.into_iter().map(|count| count.to_string());
        std::iter::once(kind.name.to_owned()).chain(counts).chain([written]).collect()
    });
    let mut text = output::table(&["records", "rows", "new", "changed", "same", "written"], rows);
    for Taken { kind, examined, .. } in taken {
        for (line, message) in examined.findings.rows() {
            write!(text, "\n{}, line {line}: {message}", kind.name).ok();
        }
        for message in examined.findings.whole() {
            write!(text, "\n{}: {message}", kind.name).ok();
        }
    }
    if !left.is_empty() {
        let left = left.join(", ");
        write!(text, "\nnot looked at, since they name what is not in yet: {left}").ok();
    }
    text
}
