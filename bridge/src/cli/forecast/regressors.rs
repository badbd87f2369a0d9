//! `upturn forecast regressors`: which facts help to forecast a number, by a held-out test.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use chrono::{Datelike as _, NaiveDate};
use csv::{ReaderBuilder, StringRecord, Trim};
use serde_json::json;
use upturn_core::forecast::regressor::{self, Case, Verdict};

use crate::cli::output;
use crate::exit::Exit;
use crate::web::visible::Visible;

/// The most rows of a table.
const ROWS_MAX: usize = 5_000_000;
/// The fact that follows from the day alone: a month that ends a quarter.
const QUARTER_END: &str = "quarter_end";

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// A table with a row for each number: what it belongs to, its day, the number, and a column of `yes`
    /// and `no` for each fact; `-` for standard input
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// The column of what it belongs to: a lane, an item
    #[arg(long, value_name = "COLUMN", default_value = "unique_id")]
    group: String,
    /// The column of the day
    #[arg(long, value_name = "COLUMN", default_value = "ds")]
    on: String,
    /// The column of the number: a delay in days, units
    #[arg(long, value_name = "COLUMN", default_value = "y")]
    value: String,
    /// Answer as JSON
    #[arg(long)]
    json: bool,
}

/// Why nothing was judged.
#[derive(Debug, thiserror::Error)]
enum RegressorsError {
    #[error("cannot read {path}", path = .0.display())]
    Open(PathBuf, #[source] io::Error),
    #[error("the table cannot be read on")]
    Csv(#[from] csv::Error),
    #[error("no column is called {}; name it with --group, --on or --value", Visible(.0))]
    Missing(String),
    #[error("line {line}: '{text}' is no {what}", text = Visible(.text))]
    Cell { line: u64, text: String, what: &'static str },
    #[error("it has more than {ROWS_MAX} rows; cut off the oldest")]
    Long,
    #[error(transparent)]
    Print(io::Error),
}

/// A row: group, day, number, and whether each fact was so.
type Row = (u32, NaiveDate, f64, Vec<bool>);

pub(super) fn run(args: &Args) -> Exit {
    match judge(args) {
        Ok(exit) => exit,
        Err(RegressorsError::Print(error)) => output::printed(Err(error)),
        Err(error @ RegressorsError::Open(..)) => output::failed(&error, Exit::NoInput),
        Err(error) => output::failed(&error, Exit::DataErr),
    }
}

fn judge(args: &Args) -> Result<Exit, RegressorsError> {
    let (facts, rows) = if args.input.as_os_str() == "-" {
        read(io::stdin().lock(), args)?
    } else {
        let file = File::open(&args.input);
        read(file.map_err(|error| RegressorsError::Open(args.input.clone(), error))?, args)?
    };
    let verdicts = facts.iter().enumerate().map(|(at, fact)| {
        let cases = rows.iter().map(|(group, on, value, holds)| Case {
            group: *group,
            on: *on,
            value: *value,
            holds: holds.get(at).copied().unwrap_or_default(),
        });
        (fact.as_str(), regressor::judge(&cases.collect::<Vec<_>>()))
    });
    tell(&verdicts.collect::<Vec<_>>(), args.json).map_err(RegressorsError::Print)
}

fn tell(verdicts: &[(&str, Verdict)], as_json: bool) -> io::Result<Exit> {
    if as_json {
        let all: BTreeMap<&str, &Verdict> = verdicts.iter().map(|(fact, v)| (*fact, v)).collect();
        output::say_json(format_args!("{:#}", json!({ "facts": all })))?;
        return Ok(Exit::Ok);
    }
    let row = |(fact, verdict): &(&str, Verdict)| {
        let Verdict { learnt, learnt_under, days, loss_without, loss_with, error, factors, is_on } =
            verdict;
        let factors = factors.map(|factor| format!("{factor:.2}")).join(" ");
        vec![
            Visible(fact).to_string(),
            if *is_on { "on" } else { "off" }.to_owned(),
            format!("{learnt_under} of {learnt}"),
            days.to_string(),
            format!("{loss_without:.4}"),
            format!("{loss_with:.4}"),
            format!("{error:.4}"),
            factors,
        ]
    };
    let heads = ["fact", "", "learnt of", "later days", "loss without", "with", "error", "factors"];
    output::say(output::table(&heads, verdicts.iter().map(row)))?;
    Ok(Exit::Ok)
}

/// Reads the facts' names, and the rows.
fn read(source: impl Read, args: &Args) -> Result<(Vec<String>, Vec<Row>), RegressorsError> {
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(source);
    let header = reader.headers()?.clone();
    let column = |wanted: &String| {
        let at = header.iter().position(|name| name.trim_start_matches('\u{feff}') == wanted);
        at.ok_or_else(|| RegressorsError::Missing(wanted.clone()))
    };
    let places = [column(&args.group)?, column(&args.on)?, column(&args.value)?];
    let facts: Vec<usize> = (0..header.len()).filter(|at| !places.contains(at)).collect();
    let mut names: Vec<String> =
        facts.iter().filter_map(|at| header.get(*at)).map(str::to_owned).collect();
    names.push(QUARTER_END.to_owned());
    let mut groups: BTreeMap<String, u32> = BTreeMap::new();
    let mut rows = Vec::new();
    for record in reader.records() {
        if ROWS_MAX <= rows.len() {
            return Err(RegressorsError::Long);
        }
        rows.push(row(&record?, (places, &facts), &mut groups)?);
    }
    Ok((names, rows))
}

fn row(
    record: &StringRecord,
    ([group, on, value], facts): ([usize; 3], &[usize]),
    groups: &mut BTreeMap<String, u32>,
) -> Result<Row, RegressorsError> {
    let line = record.position().map_or(0, csv::Position::line);
    let cell = |at: usize| record.get(at).unwrap_or_default();
    let wrong = |at: usize, what| {
        let text = cell(at).chars().take(40).collect();
        RegressorsError::Cell { line, text, what }
    };
    let day: NaiveDate = cell(on).parse().map_err(|_| wrong(on, "date as 2025-01-31"))?;
    let number: Option<f64> = cell(value).parse().ok();
    let number = number.filter(|number| number.is_finite() && 0.0 <= *number);
    let number = number.ok_or_else(|| wrong(value, "number of 0 or more"))?;
    let mut holds = Vec::with_capacity(facts.len() + 1);
    for at in facts {
        holds.push(match cell(*at) {
            "yes" | "true" | "1" => true,
            "no" | "false" | "0" | "" => false,
            _ => return Err(wrong(*at, "yes or no")),
        });
    }
    holds.push(day.month().is_multiple_of(3));
    let next = u32::try_from(groups.len()).unwrap_or(u32::MAX);
    let group = *groups.entry(cell(group).to_owned()).or_insert(next);
    Ok((group, day, number, holds))
}
