//! Offers: the same lines and costs, put together by each term.

use rust_decimal::Decimal;

use super::charge::{ChargeKind, LevyKind};
use super::priced::{Cost, CostKind, Offer, Quote, Status};
use super::problem::{Code, Problem};
use super::request::Request;
use super::term::Term;

/// Puts an offer for each term into `quote`: `customs` is what keeps duties from being known, `missing`
/// the rates that were not found.
pub(super) fn make(request: &Request, quote: &mut Quote, customs: &[Problem], missing: &[Problem]) {
    let mut terms = request.terms.clone();
    terms.sort_unstable();
    terms.dedup();
    quote.offers = terms
        .into_iter()
        .map(|term| {
            let mut offer = Offer {
                term,
                place: place(term, request).unwrap_or_default(),
                status: Status::Priced,
                costs: Vec::new(),
                total: None,
                total_without_vat: None,
                importer: None,
                problems: Vec::new(),
            };
            if let Some(instead) = term.instead_by(request.route.mode) {
                offer.status = Status::Refused;
                offer.problems.push(refused(term, instead, request));
                return offer;
            }
            fill(&mut offer, request, quote);
            judge(&mut offer, request, quote, [customs, missing]);
            offer
        })
        .collect();
}

fn place(term: Term, request: &Request) -> Option<String> {
    let route = &request.route;
    match term {
        Term::Exw | Term::Fca => Some(route.from.clone()),
        Term::Fob => route.departure.clone(),
        Term::Cif => route.arrival.clone(),
        Term::Cip | Term::Dap | Term::Ddp => Some(route.to.place.clone()),
    }
}

fn refused(term: Term, instead: Term, request: &Request) -> Problem {
    let mode = request.route.mode.as_str();
    let message = format!("{term} is for ships alone and the goods go by {mode}; use {instead}");
    Problem::new(Code::TermNotByMode, "/terms", message)
}

/// Tells whether `cost` is in the price by `term`.
fn includes(term: Term, cost: &Cost) -> bool {
    match cost.kind {
        CostKind::Charge(kind) => term.includes(kind),
        CostKind::Levy(_) => term == Term::Ddp,
    }
}

/// Adds up what is in the price.
fn fill(offer: &mut Offer, request: &Request, quote: &Quote) {
    let term = offer.term;
    let included = quote.costs.iter().enumerate().filter(|(_, cost)| includes(term, cost));
    let mut total = quote.goods.map(|goods| goods.0);
    let mut vat = Decimal::ZERO;
    for (index, cost) in included {
        offer.costs.push(index);
        let price = cost.price.map(|price| price.0);
        total = total.zip(price).and_then(|(total, price)| total.checked_add(price));
        if cost.kind == CostKind::Levy(LevyKind::Vat) {
            vat = vat.saturating_add(price.unwrap_or_default());
        }
    }
    offer.total = total.map(Into::into);
    if term == Term::Ddp {
        offer.total_without_vat = total.and_then(|total| total.checked_sub(vat)).map(Into::into);
        let importer = request.import.importer_of_record.as_ref();
        offer.importer = importer.map(|importer| match &importer.number {
            Some(number) => format!("{} ({number})", importer.company),
            None => importer.company.clone(),
        });
    }
}

/// Says what keeps an offer from going out.
fn judge(offer: &mut Offer, request: &Request, quote: &Quote, found: [&[Problem]; 2]) {
    let [customs, missing] = found;
    let term = offer.term;
    let is_charged =
        |wanted: ChargeKind| request.charges.iter().any(|charge| charge.kind == wanted);
    if offer.place.trim().is_empty() {
        let message = format!("{term} names a port, and the route has none");
        offer.problems.push(Problem::new(Code::PlaceMissing, "/route", message));
    }
    if term.demands_insurance() && !is_charged(ChargeKind::Insurance) {
        let message =
            format!("{term} has the seller insure the goods; give the insurance among the charges");
        offer.problems.push(Problem::new(Code::InsuranceMissing, "/charges", message));
    }
    if term == Term::Ddp {
        if offer.importer.is_none() {
            let message = "DDP has the seller import the goods; name who does, under \
                           'import.importer_of_record', or offer DAP";
            let at = "/import/importer_of_record";
            offer.problems.push(Problem::new(Code::ImporterMissing, at, message));
        }
        offer.problems.extend(customs.iter().cloned());
        if !customs.is_empty() {
            // Without all that is levied, a sum would look like a price.
            (offer.total, offer.total_without_vat) = (None, None);
        }
    }
    let concerns = |problem: &&Problem| {
        let charge = request
            .charges
            .iter()
            .enumerate()
            .find(|(index, _)| problem.at == format!("/charges/{index}/amount"));
        match charge {
            Some((_, charge)) => term.includes(charge.kind),
            None => !problem.at.starts_with("/import") || term == Term::Ddp,
        }
    };
    offer.problems.extend(missing.iter().filter(concerns).cloned());
    let needs_person = offer.problems.iter().any(|problem| problem.code == Code::NeedsPerson);
    offer.status = if needs_person {
        Status::NeedsPerson
    } else if offer.problems.is_empty() && quote.problems.is_empty() {
        Status::Priced
    } else {
        Status::Blocked
    };
}
