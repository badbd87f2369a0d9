//! Quotes: requests in, prices out, to the cent; and what keeps them from going out.
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]
#![expect(clippy::unwrap_in_result, reason = "a test fails where something is missing")]
#![expect(clippy::indexing_slicing, reason = "a test fails where something is missing")]

use serde_json::{Value, json};
use upturn_core::compliance::document::{Document, parse};
use upturn_core::compliance::policy::Policy;
use upturn_core::quote::drift;
use upturn_core::quote::library::Library;
use upturn_core::quote::priced::{Offer, Quote, Status};
use upturn_core::quote::problem::Problem;
use upturn_core::quote::request::Request;
use upturn_core::quote::snapshot::{Snapshot, SnapshotError};
use upturn_core::quote::term::Term;

const GERMANY: &str = include_str!("../../deploy/quotes/examples/germany.json");
const NETHERLANDS: &str = include_str!("../../deploy/quotes/examples/netherlands.json");
const MIXED: &str = include_str!("../../deploy/quotes/examples/currencies-and-gifts.json");

/// Returns `text` with each value set at its place; `null` takes away what stands there.
fn changed(text: &str, changes: &[(&str, Value)]) -> String {
    let mut request: Value = serde_json::from_str(text).unwrap();
    for (at, value) in changes {
        let (parent, key) = at.rsplit_once('/').unwrap();
        let parent = request.pointer_mut(parent).unwrap();
        if let Some(all) = parent.as_array_mut() {
            match key.parse::<usize>() {
                Ok(index) => all[index] = value.clone(),
                Err(_) => all.push(value.clone()),
            }
        } else if value.is_null() {
            parent.as_object_mut().unwrap().remove(key);
        } else {
            parent[key] = value.clone();
        }
    }
    request.to_string()
}

fn take(text: &str, policy: &Policy) -> Result<Snapshot, Vec<Problem>> {
    let request: Request = serde_json::from_str(text).unwrap();
    let library = Library::of(Vec::new(), &request.facts, request.date)?;
    Snapshot::take(request, &library, policy)
}

fn quote(text: &str) -> Quote {
    take(text, &Policy::default()).unwrap().quote
}

fn offer(quote: &Quote, term: Term) -> &Offer {
    quote.offers.iter().find(|offer| offer.term == term).unwrap()
}

fn total(quote: &Quote, term: Term) -> String {
    offer(quote, term).total.map_or_else(|| "none".to_owned(), |total| total.to_string())
}

fn costs(quote: &Quote, kind: &str) -> Vec<String> {
    let costs = quote.costs.iter().filter(|cost| cost.kind.as_str() == kind);
    costs.filter_map(|cost| cost.price).map(|price| price.to_string()).collect()
}

fn codes(problems: &[Problem]) -> Vec<String> {
    let mut codes: Vec<String> = problems.iter().map(|problem| problem.code.as_str()).collect();
    codes.dedup();
    codes
}

#[test]
fn the_dutch_golden_case_comes_to_the_cent() {
    let quote = quote(NETHERLANDS);
    assert_eq!(costs(&quote, "duty"), ["6143.36"]);
    assert_eq!(costs(&quote, "vat"), ["17416.43"]);
    assert_eq!(costs(&quote, "import-clearance"), ["1981.57"]);
    let ddp = offer(&quote, Term::Ddp);
    assert_eq!(ddp.status, Status::Priced, "{:?}", ddp.problems);
    assert_eq!(total(&quote, Term::Ddp), "102333.36");
    assert_eq!(ddp.total_without_vat.unwrap().to_string(), "84916.93");
    assert_eq!(ddp.importer.as_deref(), Some("Upturn Example Works (NL123456789)"));
    let charges: rust_decimal::Decimal =
        quote.costs.iter().skip(1).map(|c| c.price.unwrap().0).sum();
    assert_eq!(charges.to_string(), "25541.36");
    assert_eq!(total(&quote, Term::Fca), "70000.00");
}

#[test]
fn the_german_golden_case_comes_to_the_cent() {
    let quote = quote(GERMANY);
    assert_eq!(quote.goods.unwrap().to_string(), "70000.00");
    assert_eq!(costs(&quote, "duty"), ["6080.00"]);
    assert_eq!(costs(&quote, "vat"), ["16122.18"]);
    assert_eq!(total(&quote, Term::Ddp), "100975.75");
    assert_eq!(offer(&quote, Term::Ddp).total_without_vat.unwrap().to_string(), "84853.57");
    let bases: Vec<_> = quote
        .costs
        .iter()
        .map(|cost| (cost.kind.as_str(), cost.in_duty_base, cost.in_vat_base))
        .collect();
    let expected = [
        ("main-freight", true, true),
        ("insurance", true, true),
        ("on-carriage", false, true),
        ("import-clearance", false, true),
        ("duty", false, true),
        ("vat", false, false),
    ];
    assert_eq!(bases, expected);
    let vat = quote.costs.last().unwrap();
    assert_eq!(vat.base.unwrap().to_string(), "84853.57");
    assert_eq!(vat.rules[0].rule, "DE/standard");
    let terms = ["70000.00", "70000.00", "70000.00", "76000.00", "76792.00", "76792.00"];
    for (term, expected) in Term::ALL.into_iter().zip(terms) {
        assert_eq!(total(&quote, term), expected, "case: {term}");
    }
}

#[test]
fn duty_is_valued_at_the_customs_rate_and_prices_at_the_daily_one() {
    let quote = quote(MIXED);
    // 3 × 138,000 less 2.5 % less 1 % = 399,613.50 yuan, at 7.6137.
    assert_eq!(quote.lines[0].net.to_string(), "399613.50");
    assert_eq!(quote.lines[0].price.unwrap().to_string(), "52486.11");
    // 3 × 412.35 less 1 % = 1,224.68 dollars, at 1.0474.
    assert_eq!(quote.lines[1].price.unwrap().to_string(), "1169.26");
    assert_eq!(quote.lines[2].price.unwrap().to_string(), "0.00");
    let customs = quote.customs.as_ref().unwrap();
    // The gift is declared by its worth: (399,613.50 + 570) at 7.5768.
    assert_eq!(customs.items[0].goods.to_string(), "52816.95");
    assert_eq!(customs.items[0].lines, [0, 2]);
    assert!(customs.rates.iter().all(|rate| rate.legs[0].rate.until.is_some()));
    assert!(quote.lines[0].rate.as_ref().unwrap().legs[0].rate.until.is_none());
    // (1,850 + 420 + 960) / 7.5768 + (2,140 + 187.40) / 1.0385 = 2,667.42, by value.
    let carriage: rust_decimal::Decimal = customs.items.iter().map(|item| item.carriage.0).sum();
    assert_eq!(carriage.to_string(), "2667.42");
    assert_eq!(offer(&quote, Term::Ddp).status, Status::Priced);
    let sum: rust_decimal::Decimal = quote.lines.iter().map(|line| line.price.unwrap().0).sum();
    assert_eq!(quote.goods.unwrap().0, sum);
}

#[test]
fn a_destination_that_values_at_the_port_of_departure_levies_nothing_on_the_sea() {
    let changes = [
        ("/route/to/country", json!("AU")),
        ("/import/currency", json!("EUR")),
        ("/facts/duties/0/destination", json!("AU")),
        ("/facts/taxes/0/country", json!("AU")),
        ("/facts/taxes/0/percent", json!("10")),
    ];
    let quote = quote(&changed(GERMANY, &changes));
    assert_eq!(costs(&quote, "duty"), ["5600.00"]);
    // (70,000 + 5,600 + 6,000 + 792 + 1,981.57) × 10 %.
    assert_eq!(costs(&quote, "vat"), ["8437.36"]);
}

#[test]
fn terms_of_ships_are_refused_elsewhere() {
    for mode in ["air", "road", "rail", "multimodal"] {
        let quote = quote(&changed(GERMANY, &[("/route/mode", json!(mode))]));
        for (term, instead) in [(Term::Fob, "FCA"), (Term::Cif, "CIP")] {
            let offer = offer(&quote, term);
            assert_eq!(offer.status, Status::Refused, "case: {term} by {mode}");
            assert!(offer.problems[0].message.contains(instead), "{:?}", offer.problems);
            assert_eq!(offer.total, None);
        }
        assert_eq!(offer(&quote, Term::Cip).status, Status::Priced, "case: {mode}");
    }
}

#[test]
fn a_wrong_request_is_refused_with_a_code_and_a_place() {
    let money = |amount: &str, currency: &str| json!({"amount": amount, "currency": currency});
    let cases = [
        ("/lines/0/quantity", json!("-1"), "quantity-not-positive"),
        ("/lines/0/quantity", json!("0"), "quantity-not-positive"),
        ("/lines/0/unit_price", money("0", "EUR"), "price-zero"),
        ("/lines/0/unit_price", money("-5", "EUR"), "amount-negative"),
        ("/lines/0/unit_price", money("1", "XTS"), "currency-unknown"),
        ("/lines/0/unit_price", money("1", "EUX"), "currency-unknown"),
        ("/currency", json!("QQQ"), "currency-unknown"),
        ("/lines/0/unit_price", money("9999999999999999999999", "EUR"), "amount-too-large"),
        ("/lines/0/discount", json!({"percent": "100"}), "discount-too-large"),
        ("/lines/0/discount", json!({"percent": "-1"}), "amount-negative"),
        ("/lines/0/discount", json!({"amount": "70000"}), "price-zero"),
        ("/lines/0/discount", json!({"amount": "70000.01"}), "discount-too-large"),
        ("/lines/0/discount", json!({"amount": "0.001"}), "digits-too-many"),
        ("/charges/0/amount", money("6000.005", "EUR"), "digits-too-many"),
        ("/charges/0/amount", money("600.5", "JPY"), "digits-too-many"),
        ("/charges/0/amount", money("-1", "EUR"), "amount-negative"),
        ("/lines", json!([]), "list-empty"),
        ("/terms", json!([]), "list-empty"),
        ("/id", json!(" "), "list-empty"),
        ("/valid_until", json!("2025-01-26"), "validity-backwards"),
        ("/facts/taxes/0/percent", json!("101"), "facts-contradict"),
        (
            "/charges/0",
            json!({"kind": "main-freight", "amount": {"amount": "1", "currency": "EUR"},
                   "in_duty_base": true, "in_vat_base": false}),
            "base-contradiction",
        ),
    ];
    for (at, value, expected) in cases {
        let name = format!("{at} = {value}");
        let problems = take(&changed(GERMANY, &[(at, value)]), &Policy::default()).unwrap_err();
        assert_eq!(codes(&problems), [expected], "case: {name}");
        assert!(
            at.starts_with(problems[0].at.as_str()) || problems[0].at.starts_with(at),
            "{name}"
        );
    }
}

#[test]
fn what_is_missing_blocks_the_terms_it_is_needed_for() {
    let usd = json!({"kind": "on-carriage", "amount": {"amount": "100", "currency": "USD"}});
    let old = json!([{"source": "example", "base": "EUR", "quote": "USD", "value": "1.05",
        "date": "2025-01-22"}]);
    let origin = json!({"source": "other", "rule": "x", "destination": "EU", "commodity": "90",
        "duty": "3 %"});
    let two = json!({"source": "tariff-sheet", "rule": "second", "destination": "EU",
        "commodity": "9019", "duty": "0 %", "additional_code": "2501"});
    let control = json!({"source": "tariff-sheet", "rule": "licence", "destination": "EU",
        "commodity": "9019", "kind": "control"});
    let weight = json!("10.20 % + 93.10 EUR / 100 kg");
    let cases = [
        (vec![("/import/importer_of_record", Value::Null)], Term::Ddp, "importer-missing"),
        (vec![("/charges/2", usd.clone())], Term::Dap, "rate-missing"),
        (vec![("/charges/2", usd), ("/facts/rates", old)], Term::Ddp, "rate-too-old"),
        (vec![("/facts/taxes", json!([]))], Term::Ddp, "tax-missing"),
        (vec![("/facts/duties", json!([]))], Term::Ddp, "duty-missing"),
        (vec![("/facts/duties/-", origin)], Term::Ddp, "source-ambiguous"),
        (vec![("/facts/duties/-", two)], Term::Ddp, "needs-person"),
        (vec![("/facts/duties/-", control)], Term::Ddp, "customs-control"),
        (vec![("/facts/duties/0/duty", weight)], Term::Ddp, "duty-needs-more"),
        (vec![("/lines/0/customs", Value::Null)], Term::Ddp, "goods-unclassified"),
        (vec![("/lines/0/customs/commodity", json!("9019"))], Term::Ddp, "goods-unclassified"),
        (vec![("/route/to/country", json!("BR"))], Term::Ddp, "valuation-unknown"),
        (vec![("/route/departure", Value::Null)], Term::Fob, "place-missing"),
        (vec![("/charges", json!([]))], Term::Cip, "insurance-missing"),
        (vec![("/sources", json!({"duties": "nobody"}))], Term::Ddp, "source-unknown"),
    ];
    for (changes, term, expected) in cases {
        let quote = quote(&changed(GERMANY, &changes));
        let blocked = offer(&quote, term);
        assert!(codes(&blocked.problems).contains(&expected.to_owned()), "{expected}: {blocked:?}");
        assert!(blocked.status != Status::Priced, "case: {expected}");
        assert!(blocked.problems.iter().all(|problem| problem.message.len() > 20));
        assert_eq!(offer(&quote, Term::Exw).status, Status::Priced, "case: {expected}");
    }
}

#[test]
fn of_two_duties_a_person_decides_and_sees_both() {
    let two = json!({"source": "tariff-sheet", "rule": "second", "destination": "EU",
        "commodity": "9019", "duty": "0 %", "additional_code": "2501"});
    let text = changed(GERMANY, &[("/facts/duties/-", two)]);
    let quote = quote(&text);
    let ddp = offer(&quote, Term::Ddp);
    assert_eq!(ddp.status, Status::NeedsPerson);
    assert_eq!(ddp.total, None);
    let choices = &ddp.problems[0].candidates;
    let choices: Vec<_> =
        choices.iter().map(|c| (&*c.duty, c.amount.unwrap().to_string())).collect();
    assert!(choices.contains(&("8 %", "6080.00 EUR".to_owned())), "{choices:?}");
    assert!(choices.contains(&("0 %", "0.00 EUR".to_owned())), "{choices:?}");
    for (codes, duty) in [(json!(["2501"]), "0.00"), (json!([]), "6080.00")] {
        let decided = changed(&text, &[("/lines/0/customs/additional_codes", codes)]);
        let quote = take(&decided, &Policy::default()).unwrap().quote;
        assert_eq!(costs(&quote, "duty"), [duty]);
    }
}

/// A rate by which an amount in euros finds its tier in yuan.
fn yuan() -> Value {
    json!([{"source": "example-rates", "base": "EUR", "quote": "CNY", "value": "7.6137",
        "date": "2025-01-27"}])
}

fn policy() -> Policy {
    let documents = [
        include_str!("../../deploy/compliance/price-bands.toml"),
        include_str!("../../deploy/compliance/approvals.toml"),
    ];
    let mut policy = Policy::default();
    for text in documents {
        match parse(text).unwrap() {
            Document::PriceBands(bands) => policy.bands = Some(bands),
            Document::Approvers(approvers) => policy.approvers = Some(approvers),
            Document::Process(process) => policy.processes.push(process),
            Document::DeliveryRisk(risk) => policy.delivery_risk = Some(risk),
        }
    }
    policy
}

#[test]
fn four_percent_below_authority_asks_a_director_and_two_goes_out() {
    let policy = policy();
    let offered = |percent: &str, more: &[(&str, Value)]| {
        let changes =
            [("/lines/0/discount", json!({"percent": percent})), ("/facts/rates", yuan())];
        let changes = [&changes[..], more].concat();
        take(&changed(GERMANY, &changes), &policy).unwrap()
    };
    // The floor is the price itself.
    for (percent, is_clear) in
        [("0", true), ("2", true), ("2.999", true), ("3", false), ("4", false)]
    {
        let snapshot = offered(percent, &[]);
        assert_eq!(snapshot.quote.is_clear(), is_clear, "case: {percent} %");
    }
    let snapshot = offered("4", &[]);
    let problem = &snapshot.quote.problems[0];
    assert_eq!(problem.code.as_str(), "price-below-authority");
    let breach = problem.breach.as_ref().unwrap();
    assert_eq!(breach.rule, "price-bands/seller/VENT-300/EUR");
    assert_eq!(breach.excess_percent, "4");
    assert_eq!(breach.may_approve, ["regional-director", "board", "c.board", "d.lin", "e.chen"]);
    assert_eq!(offer(&snapshot.quote, Term::Exw).status, Status::Blocked);
    // Without a rate the amount's tier is not known, and only the highest may approve.
    let unknown = offered("4", &[("/facts/rates", json!([]))]);
    let breach = unknown.quote.problems[0].breach.as_ref().unwrap();
    assert_eq!(breach.may_approve, ["board", "c.board"]);

    let approval = |by: &str, content: &str, until: &str| json!([{"content": content, "by": by, "on": "2025-01-27", "until": until}]);
    let content = snapshot.content.as_str();
    let cases = [
        (approval("c.board", content, "2025-02-26"), None),
        (approval("c.board", content, "2025-01-26"), Some("approval-expired")),
        (approval("c.board", "abc", "2025-02-26"), Some("approval-void")),
        (approval("s.weber", content, "2025-02-26"), Some("approval-own")),
        (approval("nobody", content, "2025-02-26"), Some("approver-unknown")),
    ];
    for (approvals, expected) in cases {
        let codes = codes(&offered("4", &[("/approvals", approvals)]).quote.problems);
        assert_eq!(codes.last().map(String::as_str), expected, "{codes:?}");
    }
    let later = [
        ("/approvals", approval("c.board", content, "2025-02-26")),
        ("/buyer/company", json!("Another")),
    ];
    let codes = codes(&offered("4", &later).quote.problems);
    assert_eq!(codes.last().map(String::as_str), Some("approval-void"), "a guarded field changed");
}

#[test]
fn gifts_count_in_the_net_price_and_have_a_limit() {
    let policy = policy();
    let with = |worth: &str| {
        let gift = json!({"article": "HOSE-1", "quantity": "1", "gift": true,
            "unit_price": {"amount": worth, "currency": "EUR"},
            "customs": {"commodity": "9019200000", "origin": "CN"}});
        codes(&take(&changed(GERMANY, &[("/lines/-", gift)]), &policy).unwrap().quote.problems)
    };
    assert_eq!(with("1400.00"), Vec::<String>::new(), "2 %");
    assert_eq!(with("1401.00"), ["gifts-beyond-limit"], "above 2 %");
    assert_eq!(with("2100.00"), ["price-below-authority", "gifts-beyond-limit"], "3 %");
}

#[test]
fn a_seller_without_role_or_band_is_asked_for_it() {
    for change in [("/seller/role", Value::Null), ("/lines/0/product", json!("unheard-of"))] {
        let snapshot = take(&changed(GERMANY, &[change]), &policy()).unwrap();
        assert_eq!(codes(&snapshot.quote.problems), ["price-band-missing"]);
    }
}

#[test]
fn a_snapshot_holds_all_it_came_from_and_says_when_it_was_changed() {
    for text in [GERMANY, NETHERLANDS, MIXED] {
        let snapshot = take(text, &Policy::default()).unwrap();
        let written = snapshot.write().unwrap();
        let read = Snapshot::read(&written).unwrap();
        assert_eq!(read, snapshot);
        assert_eq!(read.write().unwrap(), written);
        // Its own facts give it again, and nothing else is needed.
        let facts = serde_json::to_value(&snapshot.facts).unwrap();
        let again = take(&changed(text, &[("/facts", facts)]), &Policy::default()).unwrap();
        assert_eq!(again.quote, snapshot.quote);
        assert!(drift::compare(&snapshot, &again).iter().all(|drift| drift.because.is_empty()));

        let forged = written.replacen("Ventilator", "Ventilador", 1);
        assert!(matches!(Snapshot::read(&forged), Err(SnapshotError::Changed)));
    }
}

#[test]
fn a_new_rate_shows_as_drift_line_by_line() {
    let then = take(MIXED, &Policy::default()).unwrap();
    let changes = [("/facts/rates/0/value", json!("7.5000"))];
    let now = take(&changed(MIXED, &changes), &Policy::default()).unwrap();
    let drifts = drift::compare(&then, &now);
    let first = drifts.iter().find(|drift| drift.what == "line 1").unwrap();
    assert_eq!(first.difference.unwrap().to_string(), "795.69");
    assert!(first.because[0].contains("7.6137") && first.because[0].contains("7.5000"));
    let ddp = drifts.iter().find(|drift| drift.what == "DDP").unwrap();
    assert!(ddp.difference.unwrap().0 > first.difference.unwrap().0);
    let second = drifts.iter().find(|drift| drift.what == "line 2").unwrap();
    assert_eq!(second.difference.unwrap().to_string(), "0.00");
}
