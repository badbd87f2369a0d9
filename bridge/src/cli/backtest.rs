//! `upturn backtest`: folds events, from files or the stored log, with the engine that runs live,
//! and says which tasks would stand.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use upturn_core::replay::Keep;

use self::report::{Compared, Listed, Report};
use super::output;
use crate::exit::Exit;
use crate::replay::{self, Folded, Outcome, Plan, ReplayError, RuleSet};

mod report;

/// Folds events as the live program does and says which tasks would stand.
///
/// Without --events it folds the stored log of the configured database, which is only read: the
/// program may be running on it. Deadlines pass up to the last log time; what a longer silence
/// would bring about is not known.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A rule, or a folder of rules; over the stored log, without it, those that were in force
    #[arg(long, value_name = "PATH")]
    rules: Option<PathBuf>,
    /// JSON Lines of captured publishes or native events, one file or several in their order; `-`
    /// reads standard input
    #[arg(long, value_name = "FILE", requires = "rules")]
    events: Vec<PathBuf>,
    /// Report only tasks made at this log time or later: 2026-01-05, or 2026-01-05T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<DateTime<Utc>>,
    /// Fold only what came before this log time
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<DateTime<Utc>>,
    /// Compare with other rules over the same events: a path, or `live` for those in force
    #[arg(long, value_name = "live|PATH")]
    against: Option<PathBuf>,
    /// Print one JSON object a line instead of a table
    #[arg(long)]
    json: bool,
    /// Print only the summary; with --json as one document
    #[arg(long)]
    summary: bool,
}

pub(super) fn run(args: &Args, config: Option<&Path>) -> Exit {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to <= from
    {
        output::note(format_args!(
            "upturn: --to {to} is not after --from {from}; no task can lie between"
        ));
        return Exit::Usage;
    }
    super::block_on(async {
        match fold(args, config).await {
            Ok(outcome) => {
                let exit = output::printed(print(args, &outcome));
                // The process ends: taking a large history apart piece by piece would cost as much
                // as a quarter of folding it.
                std::mem::forget(outcome);
                exit
            }
            Err(error) => output::failed(&error, error.exit()),
        }
    })
}

async fn fold(args: &Args, config: Option<&Path>) -> Result<Outcome, ReplayError> {
    let rules = args.rules.clone().map_or(RuleSet::Live, RuleSet::At);
    let against = args
        .against
        .clone()
        .map(|path| if path.as_os_str() == "live" { RuleSet::Live } else { RuleSet::At(path) });
    let plan = Plan {
        config,
        events: &args.events,
        sides: [rules].into_iter().chain(against).collect(),
        until: args.to,
        keep: Keep::Needed,
    };
    replay::run(&plan).await
}

fn print(args: &Args, outcome: &Outcome) -> io::Result<Exit> {
    for note in &outcome.notes {
        output::note(format_args!("upturn: {note}"));
    }
    let Some((first, others)) = outcome.folds.split_first() else { return Ok(Exit::Ok) };
    let tasks = reported(args, first);
    let other = others.first().map(|other| reported(args, other));
    let report = Report {
        compared: other.map(|other| Compared::of(&tasks, &other)),
        tasks,
        events: outcome.events,
        faults: first.faults(),
        zone: first.engine().registry().calendar.zone(),
    };
    match (args.summary, args.json) {
        (true, true) => output::say_json(report.summary_json()?)?,
        (true, false) => report.print_summary()?,
        (false, true) => report.print_lines()?,
        (false, false) => {
            report.print_table()?;
            report.print_summary()?;
        }
    }
    Ok(Exit::Ok)
}

/// Returns the standing tasks that were made in the period.
fn reported<'f>(args: &Args, fold: &'f Folded) -> Vec<Listed<'f>> {
    let board = fold.board();
    let standing = board.by_device_and_time().into_iter();
    let made = standing.filter(|task| args.from.is_none_or(|from| from <= task.created_at));
    made.map(|task| (task, board.is_contradicted(&task.id))).collect()
}

/// Reads a time with its zone, or the beginning of a day in UTC.
pub(super) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    let at = DateTime::parse_from_rfc3339(text);
    at.map(|at| at.with_timezone(&Utc))
        .map_err(|_| "write a day or a time with its zone: 2026-01-05T08:00:00Z".to_owned())
}
