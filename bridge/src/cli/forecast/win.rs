//! `upturn forecast win`: how likely each open deal is won within so many days.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use chrono::NaiveDate;
use csv::Writer;
use upturn_core::forecast::win::{Outlook, Sight};

use self::deals::DealsError;
use crate::cli::output;
use crate::exit::Exit;
use crate::new_file::NewFile;

mod deals;

/// Horizons of one history that are looked back at.
const LOOKED_BACK: u32 = 24;
/// The longest horizon, in days.
const WITHIN_MAX: u32 = 730;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A table with the columns `deal,on,outcome`; all others tell deals apart; `-` for standard
    /// input
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// The file to make; `-` for standard output
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// The day on which it is asked; nothing from that day on is looked at
    #[arg(long, value_name = "DATE")]
    as_of: NaiveDate,
    /// Days within which a deal is won
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=i64::from(WITHIN_MAX)))]
    within: u32,
    /// Columns that hold numbers, as a price; all others hold words
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    numbers: Vec<String>,
}

/// Why nothing was said.
#[derive(Debug, thiserror::Error)]
enum WinError {
    #[error("cannot read {path}", path = .0.display())]
    Open(PathBuf, #[source] io::Error),
    #[error("{path} is no table of deals", path = .0.display())]
    Deals(PathBuf, #[source] DealsError),
    #[error("cannot write {path}; a file that exists is not replaced", path = .0.display())]
    Write(PathBuf, #[source] io::Error),
}

impl WinError {
    fn exit(&self) -> Exit {
        match self {
            Self::Open(..) => Exit::NoInput,
            Self::Deals(..) => Exit::DataErr,
            Self::Write(..) => Exit::Output,
        }
    }
}

pub(super) fn run(args: &Args) -> Exit {
    forecast(args).unwrap_or_else(|error| output::failed(&error, error.exit()))
}

fn forecast(args: &Args) -> Result<Exit, WinError> {
    let unread = |error| WinError::Deals(args.input.clone(), error);
    let deals = if args.input.as_os_str() == "-" {
        deals::read(io::stdin().lock(), &args.numbers).map_err(unread)?
    } else {
        let file = File::open(&args.input).map_err(|e| WinError::Open(args.input.clone(), e))?;
        deals::read(file, &args.numbers).map_err(unread)?
    };
    let seen = deals.seen(args.as_of, args.within, LOOKED_BACK);
    let outlook = Outlook::learn(&seen);
    let open = deals.open(args.as_of, args.within);

    let unwritten = |error| WinError::Write(args.output.clone(), error);
    if args.output.as_os_str() == "-" {
        write(&mut io::stdout().lock(), &outlook, &open).map_err(unwritten)?;
    } else {
        let mut file = NewFile::begin(&args.output).map_err(unwritten)?;
        write(&mut file, &outlook, &open).map_err(unwritten)?;
        file.finish().map_err(unwritten)?;
    }
    output::note(format_args!(
        "upturn: {} open deals on {}; learnt of {} looks at deals that were open before, {} of them \
         won within {} days",
        open.len(),
        args.as_of,
        outlook.seen(),
        outlook.won(),
        args.within
    ));
    Ok(Exit::Ok)
}

/// Writes a row for each open deal.
fn write(sink: &mut impl Write, outlook: &Outlook, open: &[(&str, Sight)]) -> io::Result<()> {
    let mut writer = Writer::from_writer(sink);
    writer.write_record(["deal", "probability", "signal", "n", "won"])?;
    let [n, won] = [outlook.seen(), outlook.won()].map(|count| count.to_string());
    let signal = outlook.signal().to_string();
    for (deal, sight) in open {
        let probability = format!("{:.4}", outlook.probability(sight));
        writer.write_record([*deal, &probability, &signal, &n, &won])?;
    }
    writer.flush()
}
