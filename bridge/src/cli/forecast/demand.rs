//! `upturn forecast demand`: reads histories, group by group, and writes quantiles.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use upturn_core::forecast::demand::{self, Settings, SettingsError};

use self::input::{HeaderError, Input, Series};
use self::rows::Rows;
use crate::cli::output;
use crate::exit::Exit;
use crate::forecasts::period::Frequency;
use crate::new_file::NewFile;

mod input;
mod rows;

/// Items that are forecast together at most: what they have in common is learnt from the group.
const GROUP_SERIES_MAX: usize = 50_000;
/// Values that are held at once, at 8 bytes each.
const GROUP_VALUES_MAX: usize = 2_000_000;
/// How many wrong items are named; the rest are counted.
const NAMED_MAX: u64 = 50;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A table with the columns `unique_id,ds,y`, sorted by item and date; `-` for standard input
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// The file to make; `-` for standard output
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// How many periods to forecast
    #[arg(long, value_name = "PERIODS")]
    horizon: u32,
    /// What a period is
    #[arg(long, value_enum)]
    freq: Frequency,
    /// Periods of a season: 12 for months, 52 for weeks; 1 is none
    #[arg(long, value_name = "PERIODS", default_value_t = 1)]
    season: usize,
}

/// Why nothing was forecast.
#[derive(Debug, thiserror::Error)]
enum DemandError {
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error("cannot read {path}", path = .0.display())]
    Open(PathBuf, #[source] io::Error),
    #[error("{path} is no table of demand", path = .0.display())]
    Header(PathBuf, #[source] HeaderError),
    #[error("cannot read on in {path}", path = .0.display())]
    Read(PathBuf, #[source] csv::Error),
    #[error("cannot write {path}; a file that exists is not replaced", path = .0.display())]
    Write(PathBuf, #[source] io::Error),
}

impl DemandError {
    fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) => Exit::Usage,
            Self::Open(..) => Exit::NoInput,
            Self::Header(..) | Self::Read(..) => Exit::DataErr,
            Self::Write(..) => Exit::Output,
        }
    }
}

pub(super) fn run(args: &Args) -> Exit {
    forecast(args).unwrap_or_else(|error| output::failed(&error, error.exit()))
}

fn forecast(args: &Args) -> Result<Exit, DemandError> {
    let settings = Settings::new(args.horizon, args.season)?;
    if args.input.as_os_str() == "-" {
        return from(io::stdin().lock(), args, settings);
    }
    let file = File::open(&args.input).map_err(|e| DemandError::Open(args.input.clone(), e))?;
    from(file, args, settings)
}

fn from(source: impl io::Read, args: &Args, settings: Settings) -> Result<Exit, DemandError> {
    let input = Input::open(source, args.freq)
        .map_err(|error| DemandError::Header(args.input.clone(), error))?;
    let unwritten = |error| DemandError::Write(args.output.clone(), error);
    if args.output.as_os_str() == "-" {
        let (exit, _) = copy(input, io::stdout().lock(), args, settings)?;
        return Ok(exit);
    }
    let file = NewFile::begin(&args.output).map_err(unwritten)?;
    let (exit, file) = copy(input, file, args, settings)?;
    file.finish().map_err(unwritten)?;
    Ok(exit)
}

/// Forecasts group after group, and returns what was written to.
fn copy<R: io::Read, W: Write>(
    mut input: Input<R>,
    sink: W,
    args: &Args,
    settings: Settings,
) -> Result<(Exit, W), DemandError> {
    let unread = |error| DemandError::Read(args.input.clone(), error);
    let unwritten = |error| DemandError::Write(args.output.clone(), error);
    let mut rows = Rows::begin(sink, args.freq).map_err(unwritten)?;
    let (mut forecast, mut wrong) = (0_u64, 0_u64);
    loop {
        let mut group = Vec::new();
        let mut values = 0;
        while group.len() < GROUP_SERIES_MAX && values < GROUP_VALUES_MAX {
            match input.next_series().map_err(unread)? {
                Some(Ok(series)) => {
                    values += series.units.len();
                    group.push(series);
                }
                Some(Err(left_out)) => {
                    wrong += 1;
                    if wrong <= NAMED_MAX {
                        output::note(format_args!("upturn: {left_out}"));
                    }
                }
                None => break,
            }
        }
        if group.is_empty() {
            break;
        }
        forecast += group.len() as u64;
        write_group(&mut rows, group, settings).map_err(unwritten)?;
    }
    let sink = rows.finish().map_err(unwritten)?;
    say(&args.output, forecast, wrong);
    Ok((if wrong == 0 { Exit::Ok } else { Exit::Findings }, sink))
}

/// Forecasts series that end together, together; those that ended before the others apart from them.
fn write_group<W: Write>(
    rows: &mut Rows<W>,
    group: Vec<Series>,
    settings: Settings,
) -> io::Result<()> {
    let mut by_end: BTreeMap<NaiveDate, Vec<Series>> = BTreeMap::new();
    for series in group {
        by_end.entry(series.last_on).or_default().push(series);
    }
    let latest = by_end.last_key_value().map(|(last_on, _)| *last_on);
    for (last_on, series) in by_end {
        let histories: Vec<&[f64]> = series.iter().map(|series| series.units.as_slice()).collect();
        let forecasts = demand::forecast(&histories, settings);
        for (series, forecast) in series.iter().zip(&forecasts) {
            rows.write(series, forecast, Some(last_on) < latest)?;
        }
    }
    Ok(())
}

fn say(path: &Path, forecast: u64, wrong: u64) {
    let path = path.display();
    match wrong {
        0 => output::note(format_args!("upturn: {forecast} items forecast, to {path}")),
        wrong => output::note(format_args!(
            "upturn: {forecast} items forecast, to {path}; {wrong} left out because of what their \
             rows say"
        )),
    }
}
