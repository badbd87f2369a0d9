//! `upturn stock learn`: which parts failures need, proposed from closed work orders.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use upturn_core::stock::learn::{self, Learnt, Line};

use super::load::cell;
use super::load::failures::{FAILURES, INSTALLED, failed_on};
use crate::cli::backtest::time;
use crate::cli::output::{self, printed};
use crate::clock::Clock;
use crate::exit::Exit;
use crate::registry::problem::Problems;
use crate::registry::table::{Row, Table};

/// Proposes the table of failures from closed work orders, as CSV for `failures.csv`.
///
/// Reads `work_orders.csv`, `installed.csv` if it is there, and `failures.csv` if it is there: its rows
/// stay as they are unless `by` says `learnt`, and what the orders would say is told beside them.
/// Nothing is written but to the standard output.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The folder of the tables
    #[arg(long, value_name = "DIR")]
    input: PathBuf,
    /// The day after the last one of the orders; today, if not given
    #[arg(long, value_name = "DATE", value_parser = time)]
    as_of: Option<DateTime<Utc>>,
    /// The first day of the orders; that of the first failure, if not given
    #[arg(long, value_name = "DATE", value_parser = time)]
    since: Option<DateTime<Utc>>,
    /// Print `[[failure]]` tables for a stocking document instead
    #[arg(long)]
    toml: bool,
}

const ORDERS: Table = Table {
    file: "work_orders.csv",
    required: &["order", "model", "fault", "failed_on"],
    optional: &["part", "used_on"],
};
/// Who a learnt row is by.
const LEARNT: &str = "learnt";
/// Digits after the point.
const DIGITS: usize = 4;

/// A row of the table, as it is printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
struct Proposed {
    model: String,
    fault: String,
    part: String,
    share: String,
    per_year: String,
    lag_days: String,
    n: String,
    share_low: String,
    share_high: String,
    by: String,
}

/// What the folder holds.
#[derive(Debug, Default)]
struct Tables {
    lines: Vec<Line>,
    devices: BTreeMap<String, u64>,
    /// Rows that a person wrote.
    kept: Vec<Proposed>,
    problems: Problems,
}

pub(super) fn run(args: &Args, clock: &dyn Clock) -> Exit {
    if !args.input.join(ORDERS.file).is_file() {
        let folder = args.input.display();
        output::note(format_args!("upturn: there is no {} in '{folder}'", ORDERS.file));
        return Exit::NoInput;
    }
    let as_of = args.as_of.unwrap_or_else(|| clock.now()).date_naive();
    let Some(tables) = Tables::read(&args.input, as_of) else { return Exit::DataErr };
    let first_on = tables.lines.iter().map(|line| line.failed_on).min();
    let first_on = args.since.map(|since| since.date_naive()).or(first_on).unwrap_or(as_of);
    let days = u32::try_from((as_of - first_on).num_days()).unwrap_or_default();
    let learnt = learn::learn(&tables.lines, &tables.devices, days);
    let rows = merged(&tables.kept, &learnt);
    if !tables.problems.is_empty() {
        output::note(&tables.problems);
    }
    let told = if args.toml { Ok(documents(&rows)) } else { csv(&rows) };
    let exit = if tables.problems.is_empty() { Exit::Ok } else { Exit::Findings };
    printed(told.and_then(output::say).map(|()| exit))
}

impl Tables {
    /// Reads the tables; nothing where one of them is no table.
    fn read(folder: &Path, as_of: NaiveDate) -> Option<Self> {
        let mut found = Self::default();
        let (lines, devices, kept) = (&mut found.lines, &mut found.devices, &mut found.kept);
        let problems = &mut found.problems;
        let is_read = rows(folder, &ORDERS, problems, |row| {
            lines.push(line(row, as_of)?);
            Ok(())
        }) && rows(folder, &INSTALLED, problems, |row| {
            cell::text(row, "devices")?;
            let count: &mut u64 = devices.entry(cell::text(row, "model")?.to_owned()).or_default();
            *count = count.saturating_add(cell::count(row, "devices", 0)?.into());
            Ok(())
        }) && rows(folder, &FAILURES, problems, |row| {
            let row = Proposed::of(row);
            if row.by != LEARNT {
                kept.push(row);
            }
            Ok(())
        });
        if !is_read {
            output::note(&found.problems);
        }
        is_read.then_some(found)
    }
}

fn rows(
    folder: &Path,
    table: &Table,
    problems: &mut Problems,
    mut take: impl FnMut(Row<'_>) -> Result<(), String>,
) -> bool {
    let path = folder.join(table.file);
    table.read(folder, problems, |row, problems| {
        if let Err(message) = take(row) {
            problems.report(&path, Some(row.line), message);
        }
    })
}

fn line(row: Row<'_>, as_of: NaiveDate) -> Result<Line, String> {
    let failed_on = failed_on(row, as_of)?;
    let part = match row.find("part") {
        None => None,
        Some(part) => {
            let used_on = cell::find_day(row, "used_on")?.unwrap_or(failed_on);
            if used_on < failed_on {
                return Err(format!("used_on is {used_on}, before failed_on, {failed_on}"));
            }
            Some((part.to_owned(), used_on))
        }
    };
    Ok(Line {
        order: cell::text(row, "order")?.to_owned(),
        model: cell::text(row, "model")?.to_owned(),
        fault: cell::text(row, "fault")?.to_owned(),
        failed_on,
        part,
    })
}

/// Returns what people wrote, then what was learnt of what they did not write.
fn merged(kept: &[Proposed], learnt: &[Learnt]) -> Vec<Proposed> {
    let mut rows = kept.to_vec();
    for one in learnt.iter().map(Proposed::learnt) {
        match kept.iter().find(|row| row.is_about(&one)) {
            None => rows.push(one),
            Some(row) => output::note(format_args!(
                "kept: {} of {} needs {}: share {}; {} orders say {} ({} to {})",
                row.fault,
                row.model,
                row.part,
                row.share,
                one.n,
                one.share,
                one.share_low,
                one.share_high
            )),
        }
    }
    rows
}

impl Proposed {
    fn of(row: Row<'_>) -> Self {
        let text = |column: &str| row.find(column).unwrap_or_default().to_owned();
        Self {
            model: text("model"),
            fault: text("fault"),
            part: text("part"),
            share: text("share"),
            per_year: text("per_year"),
            lag_days: text("lag_days"),
            n: text("n"),
            share_low: text("share_low"),
            share_high: text("share_high"),
            by: text("by"),
        }
    }

    fn learnt(learnt: &Learnt) -> Self {
        let number = |number: f64| format!("{number:.DIGITS$}");
        let (low, high) = learnt.interval;
        Self {
            model: learnt.model.clone(),
            fault: learnt.fault.clone(),
            part: learnt.part.clone(),
            share: number(learnt.share),
            per_year: learnt.per_year.map(number).unwrap_or_default(),
            lag_days: learnt.lag_days.to_string(),
            n: learnt.orders.to_string(),
            share_low: number(low),
            share_high: number(high),
            by: LEARNT.to_owned(),
        }
    }

    fn is_about(&self, other: &Self) -> bool {
        (&self.model, &self.fault, &self.part) == (&other.model, &other.fault, &other.part)
    }
}

fn csv(rows: &[Proposed]) -> io::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.serialize(row).map_err(io::Error::other)?;
    }
    let written = writer.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
    let text = String::from_utf8(written).map_err(io::Error::other)?;
    Ok(text.trim_end().to_owned())
}

/// Returns the rows as a stocking document has them; how often devices fail it learns from tasks.
fn documents(rows: &[Proposed]) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let table = |row: &Proposed| {
        let mut lines = vec![
            "[[failure]]".to_owned(),
            format!("model = {}", quoted(&row.model)),
            format!("fault = {}", quoted(&row.fault)),
            format!("part = {}", quoted(&row.part)),
            format!("share = {}", quoted(&row.share)),
        ];
        let lag_days: u16 = row.lag_days.parse().unwrap_or_default();
        lines.push(format!("lag_days = {lag_days}"));
        if !row.n.is_empty() {
            let Proposed { n, share_low, share_high, .. } = row;
            lines.push(format!("# learnt from {n} orders: share {share_low} to {share_high}"));
        }
        lines.join("\n")
    };
    rows.iter().map(table).collect::<Vec<_>>().join("\n\n")
}
