//! `upturn facts get rate`: the price of one currency in another.

use chrono::NaiveDate;
use upturn_core::fact::rate::Purpose;
use upturn_core::fact::rate_book::{Leg, Query};
use upturn_core::money::Currency;

use super::{Common, Told, origin};
use crate::facts::Facts;
use crate::facts::lookup::{LookupError, RateAsked, RateFound};

/// What is asked.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The currency that is priced: EUR
    base: Currency,
    /// The currency it is priced in: CNY
    quote: Currency,
    /// What the rate is used for
    #[arg(long, value_enum, default_value_t = PurposeArg::Spot)]
    purpose: PurposeArg,
    /// Reckon through this currency, also where there is a direct price
    #[arg(long, value_name = "CURRENCY")]
    via: Option<Currency>,
    /// The day, as 2025-01-27
    #[arg(long, value_name = "DAY")]
    as_of: NaiveDate,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum PurposeArg {
    /// Prices of goods and services
    Spot,
    /// The customs value of imports
    Customs,
}

/// Returns the price that is asked for.
pub(super) fn get(facts: &Facts, args: &Args) -> Result<Told, LookupError> {
    let purpose = match args.purpose {
        PurposeArg::Spot => Purpose::Spot,
        PurposeArg::Customs => Purpose::Customs,
    };
    let query =
        Query { base: args.base, quote: args.quote, on: args.as_of, purpose, missed_max: 0 };
    let asked = RateAsked { query, via: args.via, feed: args.common.feed.clone() };
    let found = facts.rate(&asked)?;
    Ok(Told { text: rate_text(&found, &query), json: found.to_json(&query) })
}

fn rate_text(found: &RateFound<'_>, query: &Query) -> String {
    let value = found.price.value.normalize();
    let mut lines = vec![format!("1 {} = {value} {}", query.base, query.quote)];
    lines.extend(found.price.legs.iter().map(leg_text));
    lines.push(origin(found.sheet));
    lines.join("\n")
}

fn leg_text(leg: &Leg) -> String {
    let rate = &leg.rate;
    let turned = if leg.is_inverted { ", turned round" } else { "" };
    let held = rate.until.map(|until| format!(" until {until}")).unwrap_or_default();
    let missed = match leg.missed {
        0 => "the newest that should be out",
        1 => "1 publication missed since",
        _ => "publications missed since",
    };
    format!(
        "  {}: {} {} = {} {} of {}{held}{turned} ({missed})",
        leg.source, rate.unit, rate.base, rate.value, rate.quote, rate.date
    )
}
