//! `upturn quote again`: what a frozen quote would come to on another day.

use std::io;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use serde_json::json;
use upturn_core::money::exact::Exact;
use upturn_core::quote::drift::{self, Drift};
use upturn_core::quote::snapshot::Snapshot;

use super::{QuoteError, With};
use crate::cli::output;
use crate::clock::Clock;
use crate::exit::Exit;

/// What is priced again, and with what.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The snapshot, as `quote price --json` prints it
    snapshot: PathBuf,
    #[command(flatten)]
    with: With,
    /// The day it would be made; today where it is not given
    #[arg(long, value_name = "DAY")]
    on: Option<NaiveDate>,
    /// Print the drift and the new frozen quote as JSON
    #[arg(long)]
    json: bool,
}

/// Prices the request again and prints what has changed. Ends with 1 where a new offer may not go out.
pub(super) fn run(args: &Args, config: Option<&Path>, clock: &dyn Clock) -> Exit {
    match compare(args, config, clock) {
        Ok((then, now, drifts)) => {
            let told = if args.json {
                output::say_json(format_args!(
                    "{:#}",
                    json!({"then": then.digest, "drift": drifts, "now": now})
                ))
            } else {
                say(&then, &now, &drifts)
            };
            let is_clear = now.quote.is_clear();
            output::printed(told.map(|()| if is_clear { Exit::Ok } else { Exit::Findings }))
        }
        Err(error) => error.tell(args.json),
    }
}

fn compare(
    args: &Args,
    config: Option<&Path>,
    clock: &dyn Clock,
) -> Result<(Snapshot, Snapshot, Vec<Drift>), QuoteError> {
    let then = super::read_snapshot(&args.snapshot)?;
    let mut request = then.request.clone();
    let on = args.on.unwrap_or_else(|| clock.now().date_naive());
    // It holds as many days as the old one did.
    let days = request.valid_until - request.date;
    request.valid_until = on.checked_add_signed(days).unwrap_or(on);
    request.date = on;
    request.import.declared_on = request.import.declared_on.filter(|day| on <= *day);
    let now = args.with.take(request, config)?;
    let drifts = drift::compare(&then, &now);
    Ok((then, now, drifts))
}

fn say(then: &Snapshot, now: &Snapshot, drifts: &[Drift]) -> io::Result<()> {
    let shown = |amount: Option<Exact>| amount.map_or("?".to_owned(), |exact| exact.to_string());
    let rows = drifts.iter().map(|drift| {
        vec![
            drift.what.clone(),
            shown(drift.then),
            shown(drift.now),
            shown(drift.difference),
            drift.because.join("\n"),
        ]
    });
    let (first, second) = (then.request.date.to_string(), now.request.date.to_string());
    let headings = ["", first.as_str(), second.as_str(), "difference", "because"];
    output::say(format_args!(
        "{} in {}\n{}",
        then.request.id,
        then.quote.currency,
        output::table(&headings, rows)
    ))?;
    for offer in &now.quote.offers {
        for problem in &offer.problems {
            output::say(format_args!("{}: {problem}", offer.term))?;
        }
    }
    Ok(())
}
