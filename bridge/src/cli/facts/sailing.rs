//! `upturn facts get sailing`: the next departures from place to place.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};
use serde_json::{Value, json};
use upturn_core::fact::sailing::{Leg, Sailing};

use super::{Common, Told, origin};
use crate::cli::output;
use crate::facts::Facts;
use crate::facts::lookup::LookupError;
use crate::facts::sailings::{SailingAsked, SailingFound};

/// How times are shown: by the clock of their place.
const CLOCK: &str = "%Y-%m-%d %H:%M %:z";

/// What is asked.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The code of the place where goods are handed in: CNSHA
    from: String,
    /// The code of the place where they arrive: DEHAM
    to: String,
    /// After which time goods are handed in: 2025-01-20T08:00:00+08:00, or a day, which begins in UTC;
    /// the present where it is not given
    #[arg(long, value_name = "TIME", value_parser = instant)]
    as_of: Option<DateTime<Utc>>,
    /// How many departures at most
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    count: u16,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Returns the departures that are asked for.
pub(super) fn get(facts: &Facts, args: &Args, now: DateTime<Utc>) -> Result<Told, LookupError> {
    let asked = SailingAsked {
        ends: (&args.from, &args.to),
        feed: args.common.feed.as_deref(),
        after: args.as_of.unwrap_or(now),
        count: usize::from(args.count),
        now,
    };
    let found = facts.sailings(&asked)?;
    let headings =
        ["departs", "hand in by", "arrives", "days", "by", "feed", "known for", "before"];
    let mut lines = vec![output::table(&headings, found.iter().map(row))];
    let origins: BTreeSet<_> = found.iter().map(|one| origin(one.sheet)).collect();
    lines.extend(origins);
    let json = json!({
        "from": args.from,
        "to": args.to,
        "after": asked.after,
        "sailings": found.iter().map(one_json).collect::<Vec<_>>(),
    });
    Ok(Told { text: lines.join("\n"), json })
}

fn row(found: &SailingFound<'_>) -> Vec<String> {
    let sailing = &found.sailing;
    let shown = |at: DateTime<FixedOffset>| at.format(CLOCK).to_string();
    let before = found.before.iter().map(|(_, one)| shown(one.departs_at));
    vec![
        shown(sailing.departs_at),
        shown(sailing.hand_in_by()),
        shown(sailing.arrives_at),
        days(sailing).to_string(),
        sailing.legs.iter().map(leg).collect::<Vec<_>>().join("\n"),
        found.sheet.feed.clone(),
        found.age.map(age).unwrap_or_default(),
        before.collect::<Vec<_>>().join("\n"),
    ]
}

fn one_json(found: &SailingFound<'_>) -> Value {
    let before = found.before.iter().map(|(known_at, one)| {
        json!({
            "known_at": known_at, "departs_at": one.departs_at, "arrives_at": one.arrives_at,
        })
    });
    json!({
        "sailing": found.sailing,
        "hand_in_by": found.sailing.hand_in_by(),
        "days": days(&found.sailing),
        "age_seconds": found.age.map(|age| age.num_seconds()),
        "before": before.collect::<Vec<_>>(),
        "feed": found.sheet.feed,
        "set": found.sheet.set,
        "checked_at": found.sheet.checked_at,
    })
}

/// Returns how many days it takes: as the carrier says, else from the first departure to the arrival.
fn days(sailing: &Sailing) -> i64 {
    let reckoned = || (sailing.arrives_at - sailing.departs_at).num_days();
    sailing.transit_days.map_or_else(reckoned, i64::from)
}

fn leg(leg: &Leg) -> String {
    let ship = leg.vessel.as_ref().and_then(|vessel| vessel.name.clone());
    let parts = [leg.carrier.clone(), leg.service.clone(), leg.voyage.clone(), ship];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn age(age: TimeDelta) -> String {
    match (age.num_days(), age.num_hours()) {
        (0, hours) => format!("{hours} h"),
        (days, _) => format!("{days} d"),
    }
}

/// Reads an instant, or a day, which begins in UTC.
pub(super) fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let day = || text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0).map(|at| at.and_utc());
    let read = DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).ok().or_else(day);
    read.ok_or_else(|| "write it as 2025-01-20T08:00:00+08:00 or 2025-01-20".to_owned())
}
