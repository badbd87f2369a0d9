//! `upturn stock advise`: what to send where, from the tables of a folder.

use std::io;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::Serialize;
use upturn_core::stock::plan::{self, Period};

use super::load::{self, Firmed, LoadError, Loaded};
use crate::cli::backtest::time;
use crate::cli::output::{self, printed};
use crate::clock::Clock;
use crate::exit::Exit;
use crate::stock::kept::Names;
use crate::stock::telling::Language;
use crate::stock::view::View;

/// Reads items, places, stock, lanes, calendars, deals and demand from a folder and advises.
///
/// The tables are described in deploy/stock. Rows that are wrong are named and left out; then the
/// command ends with code 1. Firmed rows are counted and never moved.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The folder of the tables
    #[arg(long, value_name = "DIR")]
    input: PathBuf,
    /// The moment to plan for: 2025-01-20 (its beginning in UTC), or 2025-01-20T08:00:00+08:00; now,
    /// if not given
    #[arg(long, value_name = "DATE", value_parser = time)]
    as_of: Option<DateTime<Utc>>,
    /// How many days to look ahead
    #[arg(long, value_name = "DAYS", default_value_t = 30,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(plan::AHEAD_DAYS_MAX)))]
    ahead: u16,
    /// The language of the reasons
    #[arg(long, value_enum, default_value_t = Language::En)]
    language: Language,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Everything that is said at once.
#[derive(Debug, Serialize)]
struct Document<'l> {
    as_of: DateTime<Utc>,
    ahead_days: u16,
    advice: Vec<View>,
    firmed: &'l [Firmed],
    problems: Vec<ProblemView<'l>>,
    problems_not_listed: usize,
}

#[derive(Debug, Serialize)]
struct ProblemView<'l> {
    file: String,
    line: Option<u64>,
    problem: &'l str,
}

pub(super) fn run(args: &Args, clock: &dyn Clock) -> Exit {
    if !args.input.is_dir() {
        output::note(format_args!("upturn: there is no folder '{}'", args.input.display()));
        return Exit::NoInput;
    }
    let as_of = args.as_of.unwrap_or_else(|| clock.now());
    let period = Period { as_of, ahead_days: args.ahead };
    let loaded = match load::load(&args.input, period.first_on()) {
        Ok(loaded) => loaded,
        Err(error @ LoadError::Missing(_)) => return output::failed(&error, Exit::NoInput),
        Err(error @ LoadError::Tables(_)) => return output::failed(&error, Exit::DataErr),
    };
    let advice = plan::advise(&loaded.setting, period);
    let names = Names { setting: &loaded.setting, calendars: &loaded.calendars };
    let views: Vec<_> = advice.iter().map(|advice| View::of(names, period, advice)).collect();
    let told = if args.json {
        document(&loaded, period, views)
    } else {
        text(&loaded, args.language, &views)
    };
    let exit = if loaded.problems.is_empty() { Exit::Ok } else { Exit::Findings };
    printed(told.map(|()| exit))
}

fn document(loaded: &Loaded, period: Period, advice: Vec<View>) -> io::Result<()> {
    let problems = loaded.problems.listed().iter().map(|problem| ProblemView {
        file: problem.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        line: problem.line,
        problem: &problem.message,
    });
    let document = Document {
        as_of: period.as_of,
        ahead_days: period.ahead_days,
        advice,
        firmed: &loaded.firmed,
        problems: problems.collect(),
        problems_not_listed: loaded.problems.unlisted(),
    };
    output::say_json(serde_json::to_string_pretty(&document)?)
}

fn text(loaded: &Loaded, language: Language, advice: &[View]) -> io::Result<()> {
    if !loaded.problems.is_empty() {
        output::note(&loaded.problems);
    }
    let mut lines = Vec::new();
    for firmed in &loaded.firmed {
        lines.push(self::firmed(language, firmed));
    }
    for view in advice {
        lines.push(language.headline(view));
        let reasons = view.reasons.iter().map(|reason| match language {
            Language::En => format!("  - {}", reason.en),
            Language::Zh => format!("  - {}", reason.zh),
        });
        lines.extend(reasons);
        lines.push(language.outcomes(view));
        lines.push(format!("  - {}", language.steps(&view.break_even)));
        if let Some(steps) = &view.break_even_together {
            lines.push(language.together(steps));
        }
        lines.extend(view.lanes.iter().map(|lane| language.lane(lane)));
        lines.push(language.ages(view));
    }
    if advice.is_empty() {
        lines.push(nothing(language).to_owned());
    }
    output::say(lines.join("\n"))
}

fn nothing(language: Language) -> &'static str {
    match language {
        Language::En => "nothing has to be sent",
        Language::Zh => "无需发货",
    }
}

fn firmed(language: Language, firmed: &Firmed) -> String {
    let Firmed { item, from, to, quantity, ship_on } = firmed;
    match language {
        Language::En => format!("firmed: {quantity} {item} from {from} to {to} on {ship_on}"),
        Language::Zh => format!("已确认：{ship_on} 从 {from} 发 {quantity} 件 {item} 到 {to}"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::stock::kept::{self, Kept};

    #[test]
    fn what_is_kept_reads_as_it_was_planned_whichever_build_kept_it() {
        let tables = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/stock/ventilators");
        let as_of = "2025-01-20T00:00:00Z".parse().unwrap();
        let period = Period { as_of, ahead_days: 30 };
        let loaded = load::load(&tables, period.first_on()).unwrap();
        let names = Names { setting: &loaded.setting, calendars: &loaded.calendars };
        let advice = plan::advise(&loaded.setting, period);
        assert!(!advice.is_empty());
        for one in &advice {
            let mut view = View::of(names, period, one);
            (view.data.stock_age_days, view.data.demand_age_days) = (None, None);
            let kept = Kept::of(names, one);
            let of_names = serde_json::to_vec(&kept).unwrap();
            let worded = serde_json::to_vec(&view).unwrap();
            let expected: View = serde_json::from_slice(&worded).unwrap();
            for (build, document) in [("now", kept.pack()), ("named", of_names), ("worded", worded)]
            {
                assert_eq!(kept::read(&document).unwrap(), expected, "case: {build}");
            }
        }
    }
}
