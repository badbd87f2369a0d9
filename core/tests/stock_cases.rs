//! Single inventory instances: by formula, and those of textbooks where they are beside us.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where something is missing")]

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use upturn_core::stock::solve::problem::Case;

fn case(value: &Value) -> Result<Case, serde_json::Error> {
    serde_json::from_value(value.clone())
}

/// Solves all cases of a document and returns how many there are.
fn check(text: &str) -> usize {
    let cases: Vec<Value> = serde_json::from_str(text).unwrap();
    let mut wrong = Vec::new();
    for value in &cases {
        let case = case(value).unwrap_or_else(|error| panic!("{}: {error}", value["id"]));
        match case.problem.solve() {
            Ok(found) => {
                let deviations = case.deviations(&found).unwrap();
                wrong.extend(deviations.into_iter().map(|text| format!("{}: {text}", case.id)));
            }
            Err(error) => wrong.push(format!("{}: {error}", case.id)),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    cases.len()
}

#[test]
fn instances_with_a_formula_have_its_solution() {
    assert_eq!(check(include_str!("data/stock/cases.json")), 19);
}

#[test]
fn the_textbook_instances_have_their_published_solutions() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match std::fs::read_to_string(root.join("../../shared/bench/forecast/stock_cases.json")) {
        Ok(text) => assert_eq!(check(&text), 38),
        // Past the capture of the test runner.
        Err(_) => writeln!(std::io::stderr(), "not tested: no stock cases in ../shared").unwrap(),
    }
}

#[test]
fn what_cannot_be_solved_says_why() {
    let stage = |index: u32, successors: &[u32]| {
        json!({"index": index, "processing_time": 1, "holding_cost": 1, "external_inbound_cst": 0,
            "external_outbound_cst": 9, "demand_bound_constant": 1, "demand_sd": 1,
            "successors": successors})
    };
    let tree =
        |nodes: &[Value]| json!({"kind": "guaranteed_service_tree", "input": {"nodes": nodes}});
    let member = |index: u32, next: &[u32]| json!({"index": index, "echelon_holding_cost": 1, "lead_time": 1, "successors": next});
    let line =
        |nodes: &[Value]| json!({"kind": "serial_stochastic_service", "input": {"nodes": nodes}});
    let poisson = |mean: f64| {
        json!({"kind": "newsvendor_poisson",
            "input": {"holding_cost": 1, "stockout_cost": 1, "demand_mean": mean}})
    };
    let cases = [
        ("a cycle of two", tree(&[stage(1, &[2]), stage(2, &[1])]), "has a cycle"),
        ("a ring", tree(&[stage(1, &[2, 3]), stage(2, &[3]), stage(3, &[])]), "has a cycle"),
        ("itself", tree(&[stage(1, &[1])]), "has a cycle"),
        ("two parts", tree(&[stage(1, &[]), stage(2, &[])]), "connected to none"),
        ("a gap", tree(&[stage(1, &[7])]), "supplies 7, which is none"),
        ("none", tree(&[]), "no stages"),
        ("twice", tree(&[stage(1, &[]), stage(1, &[])]), "the same index"),
        ("a line in a ring", line(&[member(1, &[2]), member(2, &[1])]), "in a cycle"),
        ("a fork", line(&[member(1, &[2, 3]), member(2, &[]), member(3, &[])]), "one end"),
        ("no demand", line(&[member(1, &[])]), "give it a demand"),
        ("enormous", poisson(1e12), "count it in packs"),
        ("negative", poisson(-1.0), "not a number from 0"),
        ("another kind", json!({"kind": "magic", "input": {}}), "unknown variant `magic`"),
        (
            "prices upside down",
            json!({"kind": "newsvendor_normal_explicit", "input": {"revenue": 1,
                "purchase_cost": 2, "salvage_value": 0, "demand_mean": 1, "demand_sd": 1}}),
            "revenue > purchase_cost",
        ),
        (
            "a chance of 120 %",
            json!({"kind": "poisson_binomial_newsvendor",
                "input": {"deals": [[1.2, 4]], "service": 0.9}}),
            "1.2 is no probability",
        ),
    ];
    for (name, value, expected) in cases {
        let said = match case(&value) {
            Ok(case) => case.problem.solve().unwrap_err().to_string(),
            Err(error) => error.to_string(),
        };
        assert!(said.contains(expected), "case: {name}: {said}");
    }
}
