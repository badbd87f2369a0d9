//! `upturn facts get duty`: what a tariff levies on goods.

use chrono::NaiveDate;
use serde_json::json;
use upturn_core::duty::assess::{Candidate, Decision, Question};
use upturn_core::fact::duty::Charge;
use upturn_core::fact::place::Country;

use super::{Common, Told};
use crate::facts::Facts;
use crate::facts::lookup::LookupError;

/// What is asked.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The code of the goods, 10 digits
    commodity: String,
    /// Where the goods go: GB
    #[arg(long, value_name = "COUNTRY")]
    to: Country,
    /// Where they have their origin: CN
    #[arg(long, value_name = "COUNTRY")]
    from: Country,
    /// An additional code that the declaration will state; may stand several times
    #[arg(long = "code", value_name = "CODE")]
    codes: Vec<String>,
    /// The origin can be proved, as preferences demand
    #[arg(long)]
    proof: bool,
    /// The rule of the option that is to be claimed
    #[arg(long, value_name = "RULE")]
    claim: Option<String>,
    /// The day, as 2025-01-27
    #[arg(long, value_name = "DAY")]
    as_of: NaiveDate,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Returns what is levied on the goods that are asked about.
pub(super) fn get(facts: &Facts, args: &Args) -> Result<Told, LookupError> {
    let codes: Vec<&str> = args.codes.iter().map(String::as_str).collect();
    let question = Question {
        destination: args.to,
        commodity: &args.commodity,
        origin: args.from,
        day: args.as_of,
        additional_codes: (!codes.is_empty()).then_some(&codes),
        has_proof_of_origin: args.proof,
        claim: args.claim.as_deref(),
    };
    let found = facts.duty(args.common.feed.as_deref(), &question)?;
    let mut lines = Vec::new();
    for (name, decision) in [("duty", &found.duty), ("excise", &found.excise), ("vat", &found.vat)]
    {
        lines.extend(decision_text(name, decision));
    }
    lines
        .extend(found.stops.iter().map(|stop| format!("stop: {} (rule {})", stop.name, stop.rule)));
    let options = found.options.iter();
    lines.extend(options.map(|one| format!("option: {} (rule {})", one.name, one.rule)));
    Ok(Told { text: lines.join("\n"), json: json!(found) })
}

fn decision_text(name: &str, decision: &Decision<'_>) -> Vec<String> {
    match decision {
        Decision::Nothing => Vec::new(),
        Decision::One(candidate) => vec![format!("{name}: {}", candidate_text(candidate))],
        Decision::NeedsPerson(open) => {
            let mut lines = vec![format!("{name}: a person has to decide")];
            lines.extend(open.questions.iter().map(|why| format!("  {why}")));
            let candidates = open.candidates.iter();
            lines.extend(candidates.map(|one| format!("  candidate: {}", candidate_text(one))));
            lines
        }
    }
}

fn candidate_text(candidate: &Candidate<'_>) -> String {
    let parts = std::iter::once(&candidate.base).chain(&candidate.additional).map(|measure| {
        let charge = match &measure.charge {
            Charge::Duty(expression) => expression.to_string(),
            Charge::Unit(unit) => unit.to_string(),
            Charge::Nothing => "nothing".to_owned(),
            Charge::Unread { written, .. } => written.clone(),
        };
        let (source, rule, name) = (&measure.source, &measure.rule, &measure.name);
        format!("{charge} ({name}; {source} rule {rule}, {})", measure.valid)
    });
    parts.collect::<Vec<_>>().join(" + ")
}
