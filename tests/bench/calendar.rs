//! What a question of a calendar costs.

use std::path::Path;

use chrono::{DateTime, Days, TimeDelta, Utc};
use upturn_core::calendar::Calendar;

use super::figures::{Failure, cpu_s, say};

/// Questions of each figure.
const QUESTIONS: i32 = 2_000_000;

/// Asks the sample calendar of `deploy/registry` at all times of the two years it knows.
pub(super) fn run() -> Result<(), Failure> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/registry/calendar.toml");
    let calendar = Calendar::from_toml(&std::fs::read_to_string(path)?);
    let calendar = calendar.map_err(|errors| format!("{errors:?}"))?;
    let two_hours = TimeDelta::hours(2);
    time("add 2 business hours", |at| calendar.add_business_time(at, two_hours).is_some())?;
    time("is open", |at| calendar.is_open(at))?;
    time("the next working instant", |at| calendar.open_from(at).is_some())?;
    time("the last workday before", |at| calendar.last_workday_before(at.date_naive()).is_some())?;
    time("add 5 workdays", |at| calendar.add_workdays(at.date_naive(), 5).is_some())?;
    time("closed windows of 14 days", |at| {
        let first_on = at.date_naive();
        !calendar.closed_between(first_on, first_on + Days::new(14)).is_empty()
    })
}

fn time(name: &str, ask: impl Fn(DateTime<Utc>) -> bool) -> Result<(), Failure> {
    // 1 January 2025, and a question every half minute from then on.
    let start = DateTime::from_timestamp(1_735_689_600, 0).ok_or("there is no such time")?;
    let before = cpu_s("/proc/self/stat", 13)?;
    let mut yes = 0;
    for number in 0..QUESTIONS {
        yes += i32::from(ask(start + TimeDelta::seconds(i64::from(number) * 30)));
    }
    let spent = cpu_s("/proc/self/stat", 13)? - before;
    let each = spent * 1e9 / f64::from(QUESTIONS);
    say(&format!("calendar: {name}: {each:.0} ns CPU, {yes} of {QUESTIONS} yes"));
    Ok(())
}
