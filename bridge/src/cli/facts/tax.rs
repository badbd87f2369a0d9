//! `upturn facts get tax`: the standard rate of tax in a country.

use chrono::NaiveDate;
use serde_json::json;
use upturn_core::fact::place::Country;
use upturn_core::tax::Asked;

use super::{Common, Told, origin};
use crate::facts::Facts;
use crate::facts::lookup::LookupError;

/// What is asked.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The country: DE
    country: Country,
    /// The state or province: ON
    #[arg(long)]
    region: Option<String>,
    /// The postcode, by which some parts are set apart
    #[arg(long)]
    postcode: Option<String>,
    /// The part of the country, as the source has it behind the country
    #[arg(long)]
    territory: Option<String>,
    /// The day, as 2025-01-27
    #[arg(long, value_name = "DAY")]
    as_of: NaiveDate,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Returns the tax that is asked for.
pub(super) fn get(facts: &Facts, args: &Args) -> Result<Told, LookupError> {
    let asked = Asked {
        country: args.country,
        region: args.region.as_deref(),
        postcode: args.postcode.as_deref(),
        territory: args.territory.as_deref(),
    };
    let found = facts.tax(args.common.feed.as_deref(), &asked, args.as_of)?;
    let mut lines = vec![format!("{} %", found.percent.normalize())];
    lines.extend(found.rules.iter().map(|rule| format!("  {rule}")));
    lines.extend(found.elsewhere.iter().map(|rule| format!("  elsewhere: {rule}")));
    lines.push(origin(found.sheet));
    let json = json!({
        "country": args.country,
        "as_of": args.as_of,
        "percent": found.percent.to_string(),
        "feed": found.sheet.feed,
        "set": found.sheet.set,
        "checked_at": found.sheet.checked_at,
        "answer": found.answer,
    });
    Ok(Told { text: lines.join("\n"), json })
}
