//! `upturn quote price`: what a request costs by each term of delivery.

use std::io;
use std::path::{Path, PathBuf};

use upturn_core::quote::priced::{Offer, Quote, Status};
use upturn_core::quote::problem::Problem;
use upturn_core::quote::request::Request;
use upturn_core::quote::snapshot::Snapshot;

use super::{QuoteError, With};
use crate::cli::output;
use crate::exit::Exit;

/// What is priced, and with what.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The request, or `-` for standard input; `upturn schema quote-request` says what is in it
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
    #[command(flatten)]
    with: With,
    /// Print the frozen quote as JSON; keep it, to show it again
    #[arg(long)]
    json: bool,
}

/// Prices the request and prints the quote. Ends with 1 where an offer may not go out.
pub(super) fn run(args: &Args, config: Option<&Path>) -> Exit {
    match take(args, config) {
        Ok(snapshot) => {
            let told = if args.json { say_json(&snapshot) } else { say(&snapshot) };
            let is_clear = snapshot.quote.is_clear();
            output::printed(told.map(|()| if is_clear { Exit::Ok } else { Exit::Findings }))
        }
        Err(error) => error.tell(args.json),
    }
}

fn take(args: &Args, config: Option<&Path>) -> Result<Snapshot, QuoteError> {
    let text = super::read(&args.request)?;
    let request: Request = serde_json::from_str(&text)
        .map_err(|source| QuoteError::Request { path: args.request.clone(), source })?;
    args.with.take(request, config)
}

fn say_json(snapshot: &Snapshot) -> io::Result<()> {
    let text = snapshot.write()?;
    output::say_json(text.trim_end())
}

fn say(snapshot: &Snapshot) -> io::Result<()> {
    let quote = &snapshot.quote;
    let request = &snapshot.request;
    output::say(format_args!(
        "{} of {}, until {}, in {}\n{}",
        request.id,
        request.date,
        request.valid_until,
        quote.currency,
        side_by_side(quote),
    ))?;
    for offer in quote.offers.iter().filter(|offer| !offer.problems.is_empty()) {
        let word = match offer.status {
            Status::Priced => continue,
            Status::Blocked => "blocked",
            Status::Refused => "refused",
            Status::NeedsPerson => "needs a person",
        };
        output::say(format_args!("{} {word}:", offer.term))?;
        say_problems(&offer.problems)?;
    }
    if !quote.problems.is_empty() {
        output::say("all of it blocked:")?;
        say_problems(&quote.problems)?;
    }
    output::say(format_args!("content {}\ndigest  {}", snapshot.content, snapshot.digest))
}

fn say_problems(problems: &[Problem]) -> io::Result<()> {
    for problem in problems {
        output::say(format_args!("  {problem}"))?;
        for choice in &problem.candidates {
            let amount = choice.amount.map(|amount| format!(": {amount}")).unwrap_or_default();
            let code = choice.additional_code.as_deref();
            let code = code.map(|code| format!(", code {code}")).unwrap_or_default();
            let rules = choice.rules.join(" + ");
            output::say(format_args!("    {} (rule {rules}{code}){amount}", choice.duty))?;
        }
        if let Some(breach) = &problem.breach {
            let who = breach.may_approve.join(", ");
            output::say(format_args!(
                "    rule {}, limit {}, offered {}, excess {} %; may approve: {}",
                breach.rule,
                breach.limit,
                breach.offered,
                breach.excess_percent,
                if who.is_empty() { "nobody is named" } else { &who },
            ))?;
        }
    }
    Ok(())
}

/// Returns a table with a column for each offer.
fn side_by_side(quote: &Quote) -> String {
    let mut headings = vec!["", "duty", "VAT", "rule or rate", "amount"];
    let terms: Vec<&str> = quote.offers.iter().map(|offer| offer.term.as_str()).collect();
    headings.extend(terms);
    let mut rows = vec![row("goods", quote, |_| quote.goods.map(|goods| goods.to_string()))];
    for (index, cost) in quote.costs.iter().enumerate() {
        let mark = |is_in: bool| if is_in { "x" } else { "" }.to_owned();
        let from: Vec<String> =
            cost.rules
                .iter()
                .map(|rule| format!("{} ({} {})", rule.levies, rule.source, rule.rule))
                .chain(cost.rate.iter().flat_map(|rate| &rate.legs).map(|leg| {
                    format!("{} ({} {})", leg.rate.value, leg.rate.source, leg.rate.date)
                }))
                .collect();
        let price = cost.price.map_or_else(|| "?".to_owned(), |price| price.to_string());
        let mut cells = row(cost.kind.as_str(), quote, |offer| {
            offer.costs.contains(&index).then(|| price.clone())
        });
        let fixed = [
            mark(cost.in_duty_base),
            mark(cost.in_vat_base),
            from.join(" + "),
            cost.amount.to_string(),
        ];
        for (cell, text) in cells.iter_mut().skip(1).zip(fixed) {
            *cell = text;
        }
        rows.push(cells);
    }
    let unknown = |offer: &Offer| match offer.status {
        Status::Refused => "refused".to_owned(),
        Status::Priced | Status::Blocked | Status::NeedsPerson => "?".to_owned(),
    };
    rows.push(row("total", quote, |offer| {
        Some(offer.total.map_or_else(|| unknown(offer), |total| total.to_string()))
    }));
    rows.push(row("without VAT", quote, |offer| {
        offer.total_without_vat.map(|total| total.to_string())
    }));
    output::table(&headings, rows)
}

fn row(name: &str, quote: &Quote, cell: impl Fn(&Offer) -> Option<String>) -> Vec<String> {
    let mut cells = vec![name.to_owned()];
    cells.resize(5, String::new());
    cells.extend(quote.offers.iter().map(|offer| cell(offer).unwrap_or_default()));
    cells
}
