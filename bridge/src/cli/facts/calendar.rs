//! `upturn facts get calendar`: which days of a place are worked on.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde_json::json;
use upturn_core::calendar::overlay::Overlay;
use upturn_core::calendar::{Calendar, CalendarError};

use super::sailing::instant;
use super::{Common, GetError, Told, origin};
use crate::config::time_span::TimeSpan;
use crate::facts::Facts;
use crate::facts::days::{Day, DaysAsked, DaysFound};

/// The most days after the first.
const DAYS_MAX: u64 = 1_000;
/// The largest document, in bytes.
const DOCUMENT_MAX: u64 = 1 << 20;

/// What is asked.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Whose days: CN, GB-SCT, or as the feed's settings name it
    place: String,
    /// The day, as 2025-01-27
    #[arg(long, value_name = "DAY")]
    as_of: NaiveDate,
    /// All days until this one, too; at most 1,000
    #[arg(long, value_name = "DAY")]
    until: Option<NaiveDate>,
    /// Say when so much working time has passed: 2h
    #[arg(long, value_name = "TIME")]
    add: Option<String>,
    /// From when on; the beginning of the day where it is not given
    #[arg(long, value_name = "TIME", value_parser = instant, requires = "add")]
    from: Option<DateTime<Utc>>,
    /// The week's hours and days of one's own, as deploy/registry/calendar.toml; else Monday to Friday,
    /// 09:00 to 17:00
    #[arg(long, value_name = "FILE")]
    calendar: Option<PathBuf>,
    /// What is known of one site, supplier or carrier besides, as deploy/feeds/settings has one
    #[arg(long, value_name = "FILE")]
    overlay: Option<PathBuf>,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Why a document beside the facts is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum DocumentError {
    /// It cannot be read.
    #[error("'{}' cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is wrong.
    #[error("{}: {}", .path.display(), first(.errors))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        errors: Vec<CalendarError>,
    },
    /// There is no such span.
    #[error("{0}")]
    Span(String),
}

fn first(errors: &[CalendarError]) -> String {
    errors.first().map(ToString::to_string).unwrap_or_default()
}

/// When working time has passed.
struct Passed {
    from: DateTime<Utc>,
    /// None where there is not so much of it within five years.
    due_at: Option<DateTime<Utc>>,
}

/// Returns the days that are asked for.
pub(super) fn get(facts: &Facts, args: &Args, now: DateTime<Utc>) -> Result<Told, GetError> {
    let own =
        args.calendar.as_deref().map(|path| document(path, Calendar::from_toml)).transpose()?;
    let overlay =
        args.overlay.as_deref().map(|path| document(path, Overlay::from_toml)).transpose()?;
    let asked = DaysAsked {
        place: &args.place,
        feed: args.common.feed.as_deref(),
        days: (args.as_of, until(args)?),
        own: own.as_ref(),
        overlay: overlay.as_ref(),
        // What was in force at another place in the log was not too old then.
        today: args.common.position.is_none().then(|| now.date_naive()),
    };
    let found = facts.days(&asked).map_err(GetError::from)?;
    let passed = passed(args, &found.calendar)?;
    let unmatched = overlay.as_ref().map(|one| one.unmatched(&found.calendar)).unwrap_or_default();
    Ok(Told {
        text: text(args, &found, passed.as_ref(), &unmatched),
        json: json(args, &found, passed.as_ref(), &unmatched),
    })
}

fn until(args: &Args) -> Result<NaiveDate, DocumentError> {
    let last_on = args.until.unwrap_or(args.as_of);
    let latest = args.as_of.checked_add_days(Days::new(DAYS_MAX)).unwrap_or(NaiveDate::MAX);
    if last_on < args.as_of || latest < last_on {
        let what = format!("--until {last_on} is not within {DAYS_MAX} days after {}", args.as_of);
        return Err(DocumentError::Span(what));
    }
    Ok(last_on)
}

fn passed(args: &Args, calendar: &Calendar) -> Result<Option<Passed>, DocumentError> {
    let Some(text) = &args.add else { return Ok(None) };
    let time: TimeDelta = TimeSpan::try_from(text.clone())
        .map_err(|error| DocumentError::Span(format!("--add: {error}")))?
        .as_delta();
    let midnight = args.as_of.and_time(NaiveTime::MIN).and_local_timezone(calendar.zone());
    let from = args.from.or_else(|| midnight.earliest().map(|at| at.to_utc()));
    let from = from.unwrap_or_else(|| args.as_of.and_time(NaiveTime::MIN).and_utc());
    Ok(Some(Passed { from, due_at: calendar.add_business_time(from, time) }))
}

fn text(args: &Args, found: &DaysFound<'_>, passed: Option<&Passed>, unmatched: &[&str]) -> String {
    let calendar = &found.calendar;
    let mut lines: Vec<_> = found.days.iter().map(line).collect();
    let before = calendar.last_workday_before(args.as_of);
    let before = before.map_or_else(|| "none within five years".to_owned(), |day| day.to_string());
    lines.push(format!("  the last workday before {}: {before}", args.as_of));
    if let Some(Passed { from, due_at }) = passed {
        let local = |at: &DateTime<Utc>| at.with_timezone(&calendar.zone()).to_rfc3339();
        let due = due_at.as_ref().map_or_else(|| "not within five years".to_owned(), local);
        let guess = due_at.is_some_and(|at| !calendar.is_announced_at(at));
        let guess = if guess { " (a guess: not announced so far)" } else { "" };
        let add = args.add.as_deref().unwrap_or_default();
        lines.push(format!("  {add} of working time from {}: {due}{guess}", local(from)));
    }
    lines.push(match calendar.announced_until() {
        Some(until) => format!("  days are announced until {until}, zone {}", calendar.zone()),
        None => format!("  the days are not announced, zone {}", calendar.zone()),
    });
    let unmatched = unmatched.iter();
    lines.extend(
        unmatched.map(|name| format!("  no window is called '{name}', as the overlay says")),
    );
    lines.push(origin(found.sheet));
    lines.join("\n")
}

fn line(day: &Day) -> String {
    let hours = if day.hours.is_empty() {
        "nobody works".to_owned()
    } else {
        format!("work {}", day.hours.join(", "))
    };
    let because = day.because.as_ref().map(|name| format!(": {name}")).unwrap_or_default();
    let guess = if day.is_announced { "" } else { " (by the week alone: not announced)" };
    format!("{} {} {hours}{because}{guess}", day.on, day.on.format("%a"))
}

fn json(
    args: &Args,
    found: &DaysFound<'_>,
    passed: Option<&Passed>,
    unmatched: &[&str],
) -> serde_json::Value {
    let calendar = &found.calendar;
    let days: Vec<_> = found
        .days
        .iter()
        .map(|day| {
            json!({
                "on": day.on,
                "is_workday": !day.hours.is_empty(),
                "hours": day.hours,
                "because": day.because,
                "is_announced": day.is_announced,
            })
        })
        .collect();
    let passed = passed.map(|Passed { from, due_at }| {
        json!({
            "time": args.add,
            "from": from.with_timezone(&calendar.zone()),
            "due_at": due_at.map(|at| at.with_timezone(&calendar.zone())),
            "is_announced": due_at.is_some_and(|at| calendar.is_announced_at(at)),
        })
    });
    json!({
        "place": args.place,
        "days": days,
        "last_workday_before": calendar.last_workday_before(args.as_of),
        "added": passed,
        "announced_until": calendar.announced_until(),
        "zone": calendar.zone().name(),
        "revision": calendar.revision(),
        "unmatched": unmatched,
        "feed": found.sheet.feed,
        "set": found.sheet.set,
        "checked_at": found.sheet.checked_at,
    })
}

/// Reads the document in the file `path`.
fn document<T>(
    path: &Path,
    read: fn(&str) -> Result<T, Vec<CalendarError>>,
) -> Result<T, DocumentError> {
    let unreadable = |source| DocumentError::Unreadable { path: path.to_owned(), source };
    let mut text = String::new();
    let file = File::open(path).map_err(unreadable)?;
    file.take(DOCUMENT_MAX).read_to_string(&mut text).map_err(unreadable)?;
    read(&text).map_err(|errors| DocumentError::Wrong { path: path.to_owned(), errors })
}
