//! `upturn events import`: hands the service events of a file to a running Upturn.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use self::row::{Row, WrongRow};
use self::send::{Answer, SendError, Taken, Upturn};
use self::table::{HeaderError, Table};
use super::output;
use crate::clock::Clock;
use crate::config::ConfigError;
use crate::config::secret;
use crate::exit::Exit;

mod lines;
mod row;
mod send;
mod table;

/// The largest file that is read, in bytes.
const FILE_MAX: u64 = 256 * 1024 * 1024;
/// The most events of one request.
const BATCH_MAX: usize = 500;
/// The most bytes of one request, unless one event has more; Upturn takes 1 MiB.
const BATCH_BYTES_MAX: usize = 512 * 1024;
/// How many wrong rows are named; the rest are counted.
const NAMED_MAX: u64 = 50;

/// Hands in service events.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Send a file of events to a running Upturn: CSV with a header, or JSON Lines
    ///
    /// Columns id, ts, kind, channel, seq, device, account and contact are the event's own parts,
    /// all others its attributes. A row without an id gets a hash of the row, so that importing a
    /// file again, or the rest of it after trouble, counts everything once. A row that is wrong is
    /// named with line and column, and then nothing is sent.
    Import(Args),
}

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The file
    file: PathBuf,
    /// The kind of events that name none
    #[arg(long)]
    kind: Option<String>,
    /// What a column of a CSV file is called in events; may be given several times
    #[arg(long, value_name = "COLUMN=ATTRIBUTE", value_parser = mapping)]
    map: Vec<(String, String)>,
    /// Look at all rows and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Send the other rows where some are wrong
    #[arg(long)]
    skip_bad: bool,
    /// Where Upturn's pages are
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// A file that holds a token with the scope `events`, and nothing else
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    token_file: Option<PathBuf>,
}

/// Why a file was not imported, or not to its end.
#[derive(Debug, thiserror::Error)]
enum ImportError {
    #[error("cannot read {path}", path = .0.display())]
    Read(PathBuf, #[source] io::Error),
    #[error("{path} is larger than {FILE_MAX} bytes; cut it", path = .0.display())]
    TooLarge(PathBuf),
    #[error("{path} is UTF-16; save it as UTF-8", path = .0.display())]
    Utf16(PathBuf),
    #[error("{path} is one JSON list; write one object a line", path = .0.display())]
    List(PathBuf),
    #[error("--map is for columns of a CSV file, and {path} is JSON Lines", path = .0.display())]
    Map(PathBuf),
    #[error("{path} is no table of events", path = .0.display())]
    Header(PathBuf, #[source] HeaderError),
    #[error("wrong rows: {bad} of {all}; nothing was sent (--skip-bad sends the others)")]
    Wrong { bad: u64, all: u64 },
    #[error("Upturn refused rows that look right here; it may be of another version")]
    Refused,
    #[error(transparent)]
    Password(#[from] ConfigError),
    #[error("stopped before line {line}; import again, and what was taken in counts once")]
    Send { line: u64, source: SendError },
    #[error("the result could not be printed")]
    Print(#[from] io::Error),
}

impl ImportError {
    fn exit(&self) -> Exit {
        match self {
            Self::Read(..) => Exit::NoInput,
            Self::TooLarge(_)
            | Self::Utf16(_)
            | Self::List(_)
            | Self::Map(_)
            | Self::Header(..)
            | Self::Wrong { .. }
            | Self::Refused => Exit::DataErr,
            Self::Password(_) => Exit::Config,
            Self::Send { .. } => Exit::Unavailable,
            Self::Print(_) => Exit::Output,
        }
    }
}

pub(super) fn run(command: &Command, clock: &dyn Clock) -> Exit {
    let Command::Import(args) = command;
    import(args, clock.now()).unwrap_or_else(|error| {
        let exit = error.exit();
        output::failed(&error as &dyn Error, exit)
    })
}

/// The rows of a file, which can be gone through more than once.
enum Rows<'f> {
    Table(Table<'f>),
    Lines(&'f [u8], Option<&'f str>),
}

impl<'f> Rows<'f> {
    fn of(file: &'f [u8], args: &'f Args) -> Result<Self, ImportError> {
        if file.starts_with(&[0xff, 0xfe]) || file.starts_with(&[0xfe, 0xff]) {
            return Err(ImportError::Utf16(args.file.clone()));
        }
        let text = file.strip_prefix("\u{feff}".as_bytes()).unwrap_or(file);
        match text.trim_ascii_start().first() {
            Some(b'[') => Err(ImportError::List(args.file.clone())),
            Some(b'{') if !args.map.is_empty() => Err(ImportError::Map(args.file.clone())),
            Some(b'{') => Ok(Self::Lines(text, args.kind.as_deref())),
            _ => Table::open(text, &args.map, args.kind.as_deref())
                .map(Self::Table)
                .map_err(|error| ImportError::Header(args.file.clone(), error)),
        }
    }

    fn all(&self, now: DateTime<Utc>) -> Box<dyn Iterator<Item = Result<Row, WrongRow>> + '_> {
        match self {
            Self::Table(table) => Box::new(table.rows(now)),
            Self::Lines(text, kind) => Box::new(lines::rows(text, *kind, now)),
        }
    }
}

fn import(args: &Args, now: DateTime<Utc>) -> Result<Exit, ImportError> {
    let file = read(&args.file)?;
    let rows = Rows::of(&file, args)?;
    let (mut all, mut naming) = (0, Naming::of(&args.file));
    for row in rows.all(now) {
        all += 1;
        if let Err(wrong) = row {
            naming.name(&wrong);
        }
    }
    let bad = naming.finish();
    if 0 < bad && !args.skip_bad {
        return Err(ImportError::Wrong { bad, all });
    }
    let Some(token) = &args.token_file else {
        output::say(format_args!("events in the file: {}; nothing was sent", all - bad))?;
        return Ok(Exit::Ok);
    };
    if args.dry_run {
        output::say(format_args!("events in the file: {}; nothing was sent", all - bad))?;
        return Ok(Exit::Ok);
    }
    let upturn = Upturn::at(&args.url, &secret::read(token)?);
    let mut import = Import { args, upturn, taken: Taken::default(), refused: bad };
    let outcome = import.send_all(rows.all(now).filter_map(Result::ok));
    // Also after trouble: what was committed stays.
    let Import { taken: Taken { accepted, repeated }, refused, .. } = import;
    output::say(format_args!("accepted {accepted}, repeated {repeated}, refused {refused}"))?;
    outcome?;
    Ok(if refused == 0 { Exit::Ok } else { Exit::Findings })
}

/// An import on its way.
struct Import<'a> {
    args: &'a Args,
    upturn: Upturn,
    taken: Taken,
    refused: u64,
}

impl Import<'_> {
    fn send_all(&mut self, rows: impl Iterator<Item = Row>) -> Result<(), ImportError> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        for row in rows {
            let is_full = batch.len() == BATCH_MAX || BATCH_BYTES_MAX < bytes + row.text.len();
            if is_full {
                self.send(&mut batch)?;
                bytes = 0;
            }
            bytes += row.text.len();
            batch.push(row);
        }
        self.send(&mut batch)
    }

    /// Sends a batch and empties it.
    fn send(&mut self, batch: &mut Vec<Row>) -> Result<(), ImportError> {
        // Without those that are refused it must be taken, or something else is wrong.
        for _ in 0..2 {
            let Some(line) = batch.first().map(|row| row.line) else { return Ok(()) };
            let answer = self.upturn.send(batch);
            match answer.map_err(|source| ImportError::Send { line, source })? {
                Answer::Taken(taken) => {
                    self.taken.accepted += taken.accepted;
                    self.taken.repeated += taken.repeated;
                    batch.clear();
                    return Ok(());
                }
                Answer::Wrong(wrong) => {
                    let mut naming = Naming::of(&self.args.file);
                    for event in &wrong {
                        let Some(row) = batch.get(event.index) else { continue };
                        let message = event.detail.clone();
                        naming.name(&WrongRow { line: row.line, column: None, message });
                    }
                    self.refused += naming.finish();
                    if !self.args.skip_bad {
                        return Err(ImportError::Refused);
                    }
                    let mut index = 0..;
                    batch.retain(|_| {
                        let at = index.next();
                        !wrong.iter().any(|event| Some(event.index) == at)
                    });
                }
            }
        }
        Err(ImportError::Refused)
    }
}

/// Names what is wrong, as far as a person can read it at once.
struct Naming<'f> {
    file: &'f Path,
    count: u64,
}

impl<'f> Naming<'f> {
    fn of(file: &'f Path) -> Self {
        Self { file, count: 0 }
    }

    fn name(&mut self, wrong: &WrongRow) {
        self.count += 1;
        if self.count <= NAMED_MAX {
            output::note(format_args!("{}:{wrong}", self.file.display()));
        }
    }

    /// Returns how many were named or counted.
    fn finish(self) -> u64 {
        if NAMED_MAX < self.count {
            output::note(format_args!("and {} more", self.count - NAMED_MAX));
        }
        self.count
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ImportError> {
    let fail = |source| ImportError::Read(path.into(), source);
    let mut bytes = Vec::new();
    File::open(path).map_err(fail)?.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(fail)?;
    if FILE_MAX < u64::try_from(bytes.len()).unwrap_or(u64::MAX) {
        return Err(ImportError::TooLarge(path.into()));
    }
    Ok(bytes)
}

fn mapping(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((column, attribute)) if !column.is_empty() && !attribute.is_empty() => {
            Ok((column.trim().to_owned(), attribute.trim().to_owned()))
        }
        _ => Err("write it as COLUMN=ATTRIBUTE".to_owned()),
    }
}
