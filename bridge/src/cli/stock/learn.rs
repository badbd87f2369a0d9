//! `upturn stock learn`: which parts failures need, proposed from closed work orders.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use upturn_core::money::exact::Exact;
use upturn_core::stock::gather::{self, LOOK_BACK_DAYS};
use upturn_core::stock::learn::{self, Learnt, Line};
use upturn_core::stock::stocking::FailureDocument;

use super::super::store_command;
use super::load::cell;
use super::load::failures::{FAILURES, INSTALLED, failed_on};
use crate::cli::backtest::time;
use crate::cli::output::{self, printed};
use crate::clock::Clock;
use crate::exit::Exit;
use crate::registry::problem::Problems;
use crate::registry::table::{Row, Table};

mod stored;

/// Proposes the table of failures from closed work orders, as CSV for `failures.csv`.
///
/// With `--input` it reads `work_orders.csv`, `installed.csv` if it is there, and `failures.csv` if it is
/// there: its rows stay as they are unless `by` says `learnt`, and what the orders would say is told beside
/// them. Without it, it reads records of kind `work-order` and `device` and the stocking document of the
/// installation. Nothing is written but to the standard output.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The folder of the tables; the database of the installation, if not given
    #[arg(long, value_name = "DIR")]
    input: Option<PathBuf>,
    /// The day after the last one on which failures count; today, if not given
    #[arg(long, value_name = "DATE", value_parser = time)]
    as_of: Option<DateTime<Utc>>,
    /// The first day on which failures count; that of the first one, if not given
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
    /// Where it stands in the table that a person wrote.
    #[serde(skip)]
    line: Option<u64>,
    /// Whether a person wrote how often devices fail.
    #[serde(skip)]
    is_rate_written: bool,
}

/// What the folder holds.
#[derive(Debug, Default)]
struct Tables {
    lines: Vec<Line>,
    devices: BTreeMap<String, u64>,
    /// Rows that a person wrote.
    kept: Vec<Proposed>,
    /// Rows that a person wrote without the share, which is learnt.
    asked: Vec<Proposed>,
    problems: Problems,
}

pub(super) fn run(args: &Args, config: Option<&Path>, clock: &dyn Clock) -> Exit {
    let as_of = args.as_of.unwrap_or_else(|| clock.now());
    let Some(input) = &args.input else {
        return store_command::run(config, async |config| {
            let (tables, today) = stored::tables(&config, as_of).await?;
            // As the service learns.
            let days = chrono::Days::new(LOOK_BACK_DAYS.into());
            Ok(args.propose(tables, today - days, today))
        });
    };
    let as_of = as_of.date_naive();
    if !input.join(ORDERS.file).is_file() {
        let folder = input.display();
        output::note(format_args!("upturn: there is no {} in '{folder}'", ORDERS.file));
        return Exit::NoInput;
    }
    Tables::read(input, as_of).map_or(Exit::DataErr, |tables| {
        let first_on = tables.lines.iter().map(|line| line.failed_on).min();
        args.propose(tables, first_on.unwrap_or(as_of), as_of)
    })
}

impl Args {
    /// Says what `tables` tell up to `as_of`, from `first_on` if nobody says since when.
    fn propose(&self, mut tables: Tables, first_on: NaiveDate, as_of: NaiveDate) -> Exit {
        let first_on = self.since.map_or(first_on, |since| since.date_naive());
        let learnt = learn::learn(&tables.lines, &tables.devices, &(first_on..as_of));
        let rows = merged(&tables.kept, &tables.asked, &learnt);
        let told = if self.toml {
            let folder = self.input.clone().unwrap_or_default();
            documents(&rows, &folder, &mut tables.problems)
        } else {
            csv(&rows)
        };
        if !tables.problems.is_empty() {
            output::note(&tables.problems);
        }
        let exit = if tables.problems.is_empty() { Exit::Ok } else { Exit::Findings };
        printed(told.and_then(output::say).map(|()| exit))
    }
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
fn merged(kept: &[Proposed], asked: &[Proposed], learnt: &[Learnt]) -> Vec<Proposed> {
    let mut rows = kept.to_vec();
    for mut one in learnt.iter().map(Proposed::learnt) {
        if let Some(asked) = asked.iter().find(|row| row.is_about(&one)) {
            one.take_written(asked);
        }
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
            line: Some(row.line),
            is_rate_written: row.find("per_year").is_some(),
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
            line: None,
            is_rate_written: false,
        }
    }

    /// Takes what a person wrote beside the share.
    fn take_written(&mut self, written: &Self) {
        if written.is_rate_written {
            self.per_year.clone_from(&written.per_year);
            self.is_rate_written = true;
        }
        if !written.lag_days.is_empty() {
            self.lag_days.clone_from(&written.lag_days);
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

/// Returns the rows as a stocking document has them; what it would not take is reported.
fn documents(rows: &[Proposed], folder: &Path, problems: &mut Problems) -> io::Result<String> {
    let mut tables = Vec::new();
    for row in rows {
        match row.document() {
            Ok(document) => tables.push(printed_table(row, document)?),
            Err(message) => {
                let what = format!("{} of {} needs {}", row.fault, row.model, row.part);
                let path = folder.join(FAILURES.file);
                problems.report(&path, row.line, format!("{what}: {message}"));
            }
        }
    }
    Ok(tables.join("\n\n"))
}

fn printed_table(row: &Proposed, document: FailureDocument) -> io::Result<String> {
    let failure = [document];
    let printed = toml::to_string(&BTreeMap::from([("failure", failure)]));
    let printed = printed.map_err(io::Error::other)?;
    let printed = printed.trim_end();
    if row.by != LEARNT {
        return Ok(printed.to_owned());
    }
    let Proposed { n, share_low, share_high, .. } = row;
    Ok(format!("{printed}\n# learnt from {n} orders: share {share_low} to {share_high}"))
}

impl Proposed {
    /// Returns the row as a stocking document has it, or why that would not take it. How often devices
    /// fail the service learns from tasks, unless a person wrote it.
    fn document(&self) -> Result<FailureDocument, String> {
        let number = |column: &str, text: &str| {
            let number = text.parse::<Decimal>();
            number.map_err(|_| format!("{column} is '{text}'; write a number, as 0.35"))
        };
        let share = match self.share.strip_suffix('%') {
            Some(percent) => number("share", percent.trim())? / Decimal::ONE_HUNDRED,
            None => number("share", &self.share)?,
        };
        let per_year =
            self.is_rate_written.then(|| number("per_year", &self.per_year)).transpose()?;
        let lag_days = match &*self.lag_days {
            "" => 0,
            days => days.parse().map_err(|_| format!("lag_days is '{days}'; write days, as 4"))?,
        };
        let document = FailureDocument {
            model: self.model.clone(),
            fault: self.fault.clone(),
            part: self.part.clone(),
            share: Some(Exact(share.normalize())),
            lag_days: Some(lag_days),
            per_year: per_year.map(Exact),
        };
        gather::cause(&document).map(|_cause| document)
    }
}

#[cfg(test)]
mod tests {
    use upturn_core::stock::stocking::Stocking;

    use super::*;

    #[test]
    fn what_is_printed_for_a_document_is_read_back_by_it() {
        let row = |fault: &str, numbers: [&str; 3], by: &str| {
            let [share, per_year, lag_days] = numbers.map(str::to_owned);
            let (model, part) = ("X7 \"new\"".to_owned(), "BOARD".to_owned());
            let (fault, by) = (fault.to_owned(), by.to_owned());
            let is_rate_written = by != LEARNT && !per_year.is_empty();
            let rest = Proposed::default();
            Proposed { model, fault, part, share, per_year, lag_days, by, is_rate_written, ..rest }
        };
        let rows = [
            row("a", ["35%", "0.20", ""], ""),
            row("b", ["0.4", "2", "7"], "Li"),
            row("c", ["0.3333", "0.1250", "4"], LEARNT),
            row("d", ["1", "", "366"], ""),
            row("e", ["140%", "1", "0"], ""),
            row("f", ["0", "1", "0"], ""),
            row("g", ["0.5", "often", "0"], ""),
            row("h", ["0.5", "1", "367"], ""),
        ];
        let mut problems = Problems::default();
        let printed = documents(&rows, Path::new("tables"), &mut problems).unwrap();
        let head = include_str!("../../../../deploy/stock/stocking.toml");
        let read = Stocking::parse(&format!("{head}\n\n{printed}\n")).unwrap().failure;
        let brief: Vec<_> = read
            .iter()
            .map(|one| {
                let per_year = one.per_year.map(|number| number.to_string()).unwrap_or_default();
                let share = one.share.map(|share| share.to_string()).unwrap_or_default();
                (&*one.model, &*one.fault, share, per_year, one.lag_days.unwrap_or_default())
            })
            .collect();
        let model = "X7 \"new\"";
        let expected = [
            ("a", "0.35", "0.20", 0),
            ("b", "0.4", "2", 7),
            ("c", "0.3333", "", 4),
            ("d", "1", "", 366),
        ];
        let expected = expected.map(|(fault, share, year, days)| {
            (model, fault, share.to_owned(), year.to_owned(), days)
        });
        assert_eq!(brief, expected);
        let kept: Vec<_> = rows.iter().filter_map(|row| row.document().ok()).collect();
        assert_eq!(read, kept);
        assert_eq!(problems.to_string().lines().count(), 4, "{problems}");
    }

    #[test]
    fn what_a_person_wrote_beside_a_share_that_is_learnt_stays() {
        let written = |fault: &str, per_year: &str, lag_days: &str| Proposed {
            model: "X7".to_owned(),
            fault: fault.to_owned(),
            part: "BOARD".to_owned(),
            per_year: per_year.to_owned(),
            lag_days: lag_days.to_owned(),
            is_rate_written: !per_year.is_empty(),
            ..Proposed::default()
        };
        let learnt = ["care", "heat", "other"].map(|fault| Learnt {
            model: "X7".to_owned(),
            fault: fault.to_owned(),
            part: "BOARD".to_owned(),
            orders: 10,
            share: 0.3,
            interval: (0.1, 0.5),
            lag_days: 4,
            per_year: Some(0.5),
        });
        let rows = merged(&[], &[written("care", "2", ""), written("heat", "", "9")], &learnt);
        let documents = rows.iter().map(|row| row.document().unwrap());
        let brief: Vec<_> = documents
            .map(|one| (one.per_year.map(|rate| rate.to_string()), one.lag_days.unwrap()))
            .collect();
        assert_eq!(brief, [(Some("2".to_owned()), 4), (None, 9), (None, 4)]);
        assert!(rows.iter().all(|row| row.share == "0.3000"), "{rows:?}");
    }
}
