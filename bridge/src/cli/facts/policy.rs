//! `upturn facts get policy`: subsidies, reforms, cycles of tenders.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde_json::json;
use upturn_core::fact::policy::Policy;

use super::{Common, Told, origin};
use crate::cli::output;
use crate::facts::lookup::LookupError;
use crate::facts::policies::PolicyAsked;
use crate::facts::{Facts, Sheet};

/// Who has confirmed a policy whose row has no name.
const BY_RELEASE: &str = "who released the set";

/// What is asked.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The region, by the codes of the table: CN-62
    region: String,
    /// The product or group: V7
    product: String,
    /// The day, as 2025-01-27
    #[arg(long, value_name = "DAY")]
    as_of: NaiveDate,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Returns the policies that are asked for.
pub(super) fn get(facts: &Facts, args: &Args) -> Result<Told, LookupError> {
    let found = facts.policies(&PolicyAsked {
        region: &args.region,
        product: &args.product,
        on: args.as_of,
        feed: args.common.feed.as_deref(),
    })?;
    let headings = ["policy", "region", "product", "from", "until", "see", "confirmed by"];
    let mut lines = vec![output::table(&headings, found.iter().map(|(_, policy)| row(policy)))];
    let origins: BTreeSet<_> = found.iter().map(|(sheet, _)| origin(sheet)).collect();
    lines.extend(origins);
    let one = |(sheet, policy): &(&Sheet, &Policy)| {
        json!({
            "policy": policy,
            "feed": sheet.feed,
            "set": sheet.set,
            "checked_at": sheet.checked_at,
        })
    };
    let json = json!({
        "region": args.region,
        "product": args.product,
        "as_of": args.as_of,
        "policies": found.iter().map(one).collect::<Vec<_>>(),
    });
    Ok(Told { text: lines.join("\n"), json })
}

fn row(policy: &Policy) -> Vec<String> {
    let day = |day: Option<NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    vec![
        policy.title.clone(),
        policy.region.clone(),
        policy.product.clone(),
        day(policy.valid.from()),
        day(policy.valid.until()),
        policy.reference.clone(),
        policy.confirmed_by.clone().unwrap_or_else(|| BY_RELEASE.to_owned()),
    ]
}
