//! `upturn export`: what is in the log, for the tools of others.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use upturn_core::decode::exported::ExportedEvent;
use upturn_core::event::{Event, Position};

use super::backtest::time;
use super::output;
use super::store_command::{self, StoreCommandError};
use crate::config::Config;
use crate::exit::Exit;
use crate::new_file::NewFile;
use crate::parquet;
use crate::store::{self, Store, schema};

/// Events read at once.
const PAGE: u32 = 1_000;

#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Write events as they stand in the log; `upturn backtest --events` reads them back
    ///
    /// The program may be running on the database, which is only read.
    Events(Args),
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file to make; `-` for standard output
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// How to write them
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// Only what came at this log time or later: 2026-01-05, or 2026-01-05T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<DateTime<Utc>>,
    /// Only what came before this log time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<DateTime<Utc>>,
    /// Only events of this kind; may be given several times
    #[arg(long)]
    kind: Vec<String>,
    /// Only events of this device; may be given several times
    #[arg(long)]
    device: Vec<String>,
}

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One JSON object a line
    Jsonl,
    /// Apache Parquet
    Parquet,
}

/// Where events go.
enum Sink<W: Write + Send> {
    Lines(W),
    Table(Box<parquet::Writer<W>>),
}

pub(super) fn run(command: &Command, config: Option<&Path>) -> Exit {
    let Command::Events(args) = command;
    if args.file.as_os_str() != "-" {
        return store_command::run(config, async |config| to_file(args, &config).await);
    }
    store_command::run(config, async |config| {
        let out = io::BufWriter::with_capacity(1 << 16, io::stdout());
        copied(args, &config, out).await?.flush()?;
        Ok(Exit::Ok)
    })
}

async fn to_file(args: &Args, config: &Config) -> Result<Exit, StoreCommandError> {
    let named = |source| StoreCommandError::of_file(&args.file, source);
    let file = NewFile::begin(&args.file).map_err(named)?;
    copied(args, config, file).await?.finish().map_err(named)?;
    Ok(Exit::Ok)
}

/// Writes what was asked for to `out`, and returns it with all of it.
async fn copied<W: Write + Send>(
    args: &Args,
    config: &Config,
    out: W,
) -> Result<W, StoreCommandError> {
    let store = store_command::open(config).await?;
    let mut sink = match args.format {
        Format::Jsonl => Sink::Lines(out),
        Format::Parquet => Sink::Table(Box::new(parquet::Writer::new(out)?)),
    };
    let outcome = copy(args, &store, &mut sink).await;
    store.close().await;
    let written = outcome?;
    let out = match sink {
        Sink::Lines(out) => out,
        Sink::Table(table) => table.finish()?,
    };
    output::note(format_args!("upturn: events written: {written}"));
    Ok(out)
}

async fn copy<W: Write + Send>(
    args: &Args,
    store: &Store,
    sink: &mut Sink<W>,
) -> Result<u64, StoreCommandError> {
    schema::require_current(store).await?;
    // What is committed from here on is left out.
    let last = store::cursor::read(store).await?;
    let mut after = match args.from {
        None => 0,
        Some(from) => match store::event::first_since(store, from).await? {
            Some(first) => first.saturating_sub(1),
            None => last,
        },
    };
    let mut written = 0;
    while after < last {
        let page = store::event::read_after(store, after, PAGE).await?;
        let Some((newest, _)) = page.last() else { break };
        after = *newest;
        for (position, event) in page {
            if last < position || args.to.is_some_and(|to| to <= event.received_at) {
                return Ok(written);
            }
            if args.wants(&event) {
                sink.add(position, &event)?;
                written += 1;
            }
        }
    }
    Ok(written)
}

impl Args {
    fn wants(&self, event: &Event) -> bool {
        let is_one = |wanted: &[String], found: &str| {
            wanted.is_empty() || wanted.iter().any(|wanted| wanted == found)
        };
        is_one(&self.kind, &event.kind) && is_one(&self.device, event.device.as_str())
    }
}

impl<W: Write + Send> Sink<W> {
    fn add(&mut self, position: Position, event: &Event) -> Result<(), StoreCommandError> {
        let exported = ExportedEvent::of(position, event)
            .map_err(|source| StoreCommandError::Event { position, source })?;
        match self {
            Self::Lines(out) => {
                serde_json::to_writer(&mut *out, &exported).map_err(io::Error::from)?;
                out.write_all(b"\n")?;
            }
            Self::Table(table) => table.add(exported)?,
        }
        Ok(())
    }
}
