//! `upturn process`: how processes were kept, by tables of deals from anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde_json::json;
use upturn_core::compliance::document::{self, Document};
use upturn_core::compliance::funnel::{self, Week};
use upturn_core::compliance::process::Process;
use upturn_core::compliance::process::deal::Action;
use upturn_core::compliance::report::{self, Entry, Report, Trail, Way, Weakness};

use super::output;
use crate::exit::Exit;

/// Rows that are read at most.
const ROWS_MAX: usize = 1_000_000;
/// How many deals a scan draws.
const DRAWN: usize = 10;

/// How deals kept to their process, by tables of them.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Say how the process was kept, for all time and by month
    Report(Args),
    /// Name the three weakest points, each with what shows it
    CheckUp(Args),
    /// Draw ten deals by a seed, and show the trail of each hand-over
    Scan {
        #[command(flatten)]
        args: Args,
        /// What the deals are drawn by; the same seed draws the same deals
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// How many deals
        #[arg(long, default_value_t = DRAWN)]
        count: usize,
    },
    /// Find when the share of deals that pass has fallen, and since which week
    Funnel(FunnelArgs),
}

/// Which tables, and what their columns mean.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The document of the process
    #[arg(long, value_name = "FILE")]
    process: PathBuf,
    /// Tables with headings, a row a deal; may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    deals: Vec<PathBuf>,
    /// The column with the deal's id
    #[arg(long, value_name = "COLUMN", default_value = "id")]
    id: String,
    /// The column with who leads it
    #[arg(long, value_name = "COLUMN", default_value = "owner")]
    seller: String,
    /// The column with the day its process began
    #[arg(long, value_name = "COLUMN", default_value = "opened_on")]
    begin: String,
    /// The column with the day a stage was entered, and, if need be, what another column must say:
    /// `won=close_date:deal_stage=Won`; may be given several times
    #[arg(long, value_name = "STAGE=COLUMN[:COLUMN=VALUE]", value_parser = entering)]
    enter: Vec<Entering>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Which table, and what is a decision in it.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct FunnelArgs {
    /// Tables with headings, a row a deal; may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    deals: Vec<PathBuf>,
    /// The column with the day it was decided; a row without one is left out
    #[arg(long, value_name = "COLUMN")]
    decided: String,
    /// What says that it passed: a column that is filled, or that says a word
    #[arg(long, value_name = "COLUMN[=VALUE]")]
    passed: String,
    /// Count only what passed within so many days; the passed column then is a day, and rows whose days
    /// are not over at the end of the table are left out
    #[arg(long, value_name = "DAYS")]
    within: Option<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// When a stage was entered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entering {
    stage: String,
    column: String,
    only: Option<(String, String)>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
enum ProcessError {
    #[error("cannot read '{}'", .path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("'{}' is no sound process: {why}", .path.display())]
    Process { path: PathBuf, why: String },
    #[error("'{}': {why}", .path.display())]
    Table { path: PathBuf, why: String },
}

impl ProcessError {
    fn exit(&self) -> Exit {
        match self {
            Self::Read { .. } => Exit::NoInput,
            Self::Process { .. } => Exit::Config,
            Self::Table { .. } => Exit::DataErr,
        }
    }
}

fn entering(text: &str) -> Result<Entering, String> {
    let wrong = || "write STAGE=COLUMN, or STAGE=COLUMN:COLUMN=VALUE".to_owned();
    let (stage, rest) = text.split_once('=').ok_or_else(wrong)?;
    let (column, only) = match rest.split_once(':') {
        None => (rest, None),
        Some((column, only)) => {
            let (name, value) = only.split_once('=').ok_or_else(wrong)?;
            (column, Some((name.to_owned(), value.to_owned())))
        }
    };
    Ok(Entering { stage: stage.to_owned(), column: column.to_owned(), only })
}

/// Runs `command`.
pub(super) fn run(command: &Command) -> Exit {
    let told = match command {
        Command::Report(args) => with_ways(args, |ways| tell_report(ways, args.json)),
        Command::CheckUp(args) => {
            with_ways(args, |ways| tell_weak(&report::check_up(ways, &[]), args.json))
        }
        Command::Scan { args, seed, count } => with_ways(args, |ways| {
            tell_trails(&report::scan(ways, *seed, *count), (*seed, args.json))
        }),
        Command::Funnel(args) => weeks(args).map(|weeks| tell_drop(&weeks, args.json)),
    };
    match told {
        Ok(told) => output::printed(told),
        Err(error) => output::failed(&error, error.exit()),
    }
}

/// Reads what `args` name, and hands the ways to `tell`.
fn with_ways(
    args: &Args,
    tell: impl FnOnce(&[Way<'_>]) -> std::io::Result<Exit>,
) -> Result<std::io::Result<Exit>, ProcessError> {
    let process = process(&args.process)?;
    let mut ways = Vec::new();
    for path in &args.deals {
        read(path, |row| {
            ways.extend(way(&process, args, row)?);
            Ok(())
        })?;
    }
    ways.sort_by(|one, other| one.deal.cmp(&other.deal));
    Ok(tell(&ways))
}

fn process(path: &Path) -> Result<Process, ProcessError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ProcessError::Read { path: path.to_owned(), source })?;
    match document::parse(&text) {
        Ok(Document::Process(process)) => Ok(process),
        Ok(Document::PriceBands(_) | Document::Approvers(_) | Document::DeliveryRisk(_)) => {
            let why = "it is a document of another kind".to_owned();
            Err(ProcessError::Process { path: path.to_owned(), why })
        }
        Err(findings) => {
            let why = findings
                .iter()
                .map(|finding| format!("line {}: {}", finding.line, finding.message));
            let why = why.collect::<Vec<_>>().join("; ");
            Err(ProcessError::Process { path: path.to_owned(), why })
        }
    }
}

type Row = BTreeMap<String, String>;

/// Reads the table at `path`, row by row.
fn read(path: &Path, mut take: impl FnMut(&Row) -> Result<(), String>) -> Result<(), ProcessError> {
    let table = |why: String| ProcessError::Table { path: path.to_owned(), why };
    let file = std::fs::File::open(path)
        .map_err(|source| ProcessError::Read { path: path.to_owned(), source })?;
    let mut reader = csv::Reader::from_reader(file);
    for (index, row) in reader.deserialize().enumerate() {
        let line = index + 2;
        if ROWS_MAX <= index {
            return Err(table(format!("it has more than {ROWS_MAX} rows")));
        }
        let row: Row = row.map_err(|error| table(format!("line {line}: {error}")))?;
        take(&row).map_err(|why| table(format!("line {line}: {why}")))?;
    }
    Ok(())
}

/// Returns the way of the deal in `row`; none where it has not begun.
fn way<'p>(process: &'p Process, args: &Args, row: &Row) -> Result<Option<Way<'p>>, String> {
    let Some(begun) = day(row, &args.begin)? else { return Ok(None) };
    let seller = cell(row, &args.seller)?.to_owned();
    let entry = |at, action| Entry { process, at, actor: seller.clone(), action };
    let mut entered = Vec::new();
    for one in &args.enter {
        if let Some((column, value)) = &one.only
            && cell(row, column)? != value
        {
            continue;
        }
        if process.place(&one.stage).is_none() {
            return Err(format!("the process has no stage '{}'", one.stage));
        }
        if let Some(at) = day(row, &one.column)? {
            let stage = one.stage.clone();
            entered.push((at, process.place(&one.stage), entry(at, Action::Enter { stage })));
        }
    }
    entered.sort_by_key(|(at, place, _)| (*at, *place));
    let first = entry(begun, Action::Begin);
    let entries = std::iter::once(first).chain(entered.into_iter().map(|(.., entry)| entry));
    let entries = entries.collect();
    Ok(Some(Way { deal: cell(row, &args.id)?.to_owned(), seller: seller.clone(), entries }))
}

fn cell<'r>(row: &'r Row, column: &str) -> Result<&'r str, String> {
    row.get(column).map(|cell| cell.trim()).ok_or_else(|| {
        let names: BTreeSet<&str> = row.keys().map(String::as_str).collect();
        let names = names.into_iter().collect::<Vec<_>>().join(", ");
        format!("there is no column '{column}'; there are {names}")
    })
}

fn day(row: &Row, column: &str) -> Result<Option<DateTime<Utc>>, String> {
    let text = cell(row, column)?;
    if text.is_empty() {
        return Ok(None);
    }
    let on: NaiveDate = text
        .get(..10)
        .unwrap_or(text)
        .parse()
        .map_err(|_| format!("'{column}' is \"{}\" and no day", text.escape_debug()))?;
    Ok(Some(on.and_time(NaiveTime::MIN).and_utc()))
}

/// Returns the weeks of what was decided.
fn weeks(args: &FunnelArgs) -> Result<Vec<Week>, ProcessError> {
    let (column, wanted) = match args.passed.split_once('=') {
        Some((column, value)) => (column, Some(value)),
        None => (&*args.passed, None),
    };
    let mut rows: Vec<(NaiveDate, bool, Option<NaiveDate>)> = Vec::new();
    for path in &args.deals {
        read(path, |row| {
            let Some(on) = day(row, &args.decided)? else { return Ok(()) };
            let text = cell(row, column)?;
            let passed_on = match args.within {
                Some(_) => day(row, column)?.map(|at| at.date_naive()),
                None => None,
            };
            let passed = wanted.map_or(!text.is_empty(), |wanted| text == wanted);
            rows.push((on.date_naive(), passed, passed_on));
            Ok(())
        })?;
    }
    let last = rows.iter().flat_map(|(on, _, passed)| passed.iter().chain([on])).max().copied();
    let decisions = rows.into_iter().filter_map(|(on, passed, passed_on)| {
        let Some(within) = args.within else { return Some((on, passed)) };
        let until = on.checked_add_days(chrono::Days::new(within.into()))?;
        let is_over = last.is_some_and(|last| until <= last);
        is_over.then(|| (on, passed_on.is_some_and(|passed| passed <= until)))
    });
    Ok(funnel::weeks(decisions))
}

fn percent(hundredths: Option<u64>) -> String {
    hundredths
        .map_or_else(|| "–".to_owned(), |share| format!("{}.{:02} %", share / 100, share % 100))
}

fn tell_report(ways: &[Way<'_>], json: bool) -> std::io::Result<Exit> {
    let all = report::report(ways, &[], None);
    let months: Vec<Report> =
        report::months(ways).iter().map(|month| report::report(ways, &[], Some(month))).collect();
    if json {
        let told = json!({ "all": all, "months": months });
        return output::say_json(format_args!("{told:#}")).map(|()| Exit::Ok);
    }
    let rows = months.iter().chain([&all]).map(|one| {
        vec![
            one.month.clone().unwrap_or_else(|| "all".to_owned()),
            one.deals.to_string(),
            percent(one.compliance_bp),
            percent(one.completeness_bp),
            one.jumps.to_string(),
        ]
    });
    let headings = ["month", "deals", "kept", "complete", "stages skipped"];
    output::say(output::table(&headings, rows))?;
    let stages = all.dwell.iter().map(|one| {
        vec![
            one.stage.clone(),
            one.deals.to_string(),
            format!("{} h", one.median_hours),
            format!("{} h", one.deviation_hours),
            format!("{} ({} h)", one.longest.0, one.longest.1),
        ]
    });
    let headings = ["stage", "left by", "median", "deviation", "longest"];
    output::say(format_args!("\n{}", output::table(&headings, stages)))?;
    Ok(Exit::Ok)
}

fn tell_weak(weak: &[Weakness], json: bool) -> std::io::Result<Exit> {
    if json {
        output::say_json(format_args!("{:#}", json!({ "weakest": weak })))?;
        return Ok(Exit::Ok);
    }
    let rows = weak.iter().map(|one| {
        vec![
            one.kind.to_owned(),
            one.at.clone(),
            percent(Some(one.share_bp)),
            one.evidence.join(", "),
        ]
    });
    output::say(output::table(&["what", "where", "how bad", "shown by"], rows))?;
    Ok(Exit::Ok)
}

fn tell_trails(trails: &[Trail], (seed, json): (u64, bool)) -> std::io::Result<Exit> {
    if json {
        output::say_json(format_args!("{:#}", json!({ "seed": seed, "deals": trails })))?;
        return Ok(Exit::Ok);
    }
    let rows = trails.iter().flat_map(|trail| {
        trail.steps.iter().map(|step| {
            vec![
                trail.deal.clone(),
                step.stage.clone(),
                step.at.date_naive().to_string(),
                step.actor.clone(),
                if step.is_broken { "broken".to_owned() } else { String::new() },
                step.missing.join(", "),
            ]
        })
    });
    output::say(format_args!("seed {seed}, {} deals", trails.len()))?;
    output::say(output::table(&["deal", "stage", "on", "by", "", "missing"], rows))?;
    Ok(Exit::Ok)
}

fn tell_drop(weeks: &[Week], json: bool) -> std::io::Result<Exit> {
    let found = funnel::find_drop(weeks);
    if json {
        let told = found.map(|one| {
            json!({
                "seen": one.seen, "since": one.since, "before": one.before, "after": one.after,
                "decided": one.decided, "score": one.score,
            })
        });
        let told = json!({ "weeks": weeks.len(), "drop": told });
        output::say_json(format_args!("{told:#}"))?;
    } else {
        match &found {
            None => output::say(format_args!("{} weeks: no drop", weeks.len()))?,
            Some(one) => output::say(format_args!(
                "{} weeks: a drop since {}, seen {}: {:.3} before, {:.3} since, of {} decisions",
                weeks.len(),
                one.since,
                one.seen,
                one.before,
                one.after,
                one.decided
            ))?,
        }
    }
    Ok(if found.is_some() { Exit::Findings } else { Exit::Ok })
}
