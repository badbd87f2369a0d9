//! Processes: which actions on a deal are allowed, by the template of an electric car's sale.
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use upturn_core::compliance::document::{Document, parse};
use upturn_core::compliance::process::Process;
use upturn_core::compliance::process::deal::{Action, Deal, Proof};

const TEMPLATE: &str = include_str!("../../deploy/compliance/electric-car.toml");

fn process() -> Process {
    match parse(TEMPLATE).unwrap() {
        Document::Process(process) => process,
        other @ (Document::PriceBands(_) | Document::Approvers(_) | Document::DeliveryRisk(_)) => {
            unreachable!("it is a process: {other:?}")
        }
    }
}

fn at(minute: u32) -> DateTime<Utc> {
    format!("2025-01-27T09:{minute:02}:00Z").parse().unwrap()
}

fn proof(process: &Process, deal: &Deal, name: &str) -> Proof {
    let required = process.requirement(name).unwrap();
    let texts = |all: &str| all.split(',').map(str::to_owned).collect::<Vec<_>>();
    match name {
        "needs" => Proof::Form {
            fields: texts("daily_kilometres,parking,budget")
                .into_iter()
                .map(|field| (field, "60".to_owned()))
                .collect(),
        },
        "drive-done" => Proof::Checklist {
            ticked: texts("licence seen,route driven,questions answered").into_iter().collect(),
        },
        "handover" => Proof::Checklist {
            ticked: texts("identity checked,charging shown,papers handed over")
                .into_iter()
                .collect(),
        },
        "charging-compatibility" => {
            Proof::File { name: "report.pdf".to_owned(), sha256: "ab".repeat(32) }
        }
        _ => Proof::EConfirmation {
            document: deal.document_hash(process, required),
            person: "customer".to_owned(),
        },
    }
}

/// Plays steps: `enter STAGE`, `done REQUIREMENT`, `set FIELD=VALUE`, `sign`, `work`, `deliver`; each a
/// minute after the one before, or at the minute behind an `@`. Returns the code of each that is refused.
fn play(process: &Process, steps: &str) -> Vec<String> {
    let mut deal = Deal::begin(at(0));
    let mut refused = Vec::new();
    for (minute, step) in (1..).zip(steps.split(';').map(str::trim)) {
        let (step, minute) = match step.split_once('@') {
            Some((step, minute)) => (step.trim(), minute.parse().unwrap()),
            None => (step, minute),
        };
        let (verb, name) = step.split_once(' ').unwrap_or((step, ""));
        let action = match verb {
            "enter" => Action::Enter { stage: name.to_owned() },
            "done" => {
                let proof = proof(process, &deal, name);
                Action::Complete { requirement: name.to_owned(), proof }
            }
            "empty" => {
                let proof = Proof::Form { fields: BTreeMap::new() };
                Action::Complete { requirement: name.to_owned(), proof }
            }
            "stale" => {
                let (document, person) = ("0".repeat(64), "customer".to_owned());
                let proof = Proof::EConfirmation { document, person };
                Action::Complete { requirement: name.to_owned(), proof }
            }
            "set" | "import" => {
                let (field, value) = name.split_once('=').unwrap();
                let hash = Deal::field_hash(process, field, value);
                // An import that brings no confirmation is judged as anybody else.
                let confirmed = if verb == "set" { hash } else { String::new() };
                Action::Set { field: field.to_owned(), value: value.to_owned(), confirmed }
            }
            "sign" => Action::Sign { due_at: at(59) },
            "late" => Action::Sign { due_at: at(0) },
            "work" => Action::OrderWork,
            _ => Action::Deliver,
        };
        let before = deal.clone();
        if let Err(refusal) = deal.act(process, at(minute), &action) {
            assert_eq!(deal, before, "what is refused changes nothing: {step}");
            refused.push(refusal.code().to_owned());
        }
    }
    refused
}

#[test]
fn a_deal_goes_as_its_process_says_and_no_other_way() {
    let process = process();
    let to_offer = "done needs; enter test-drive; done drive-done; enter offer";
    let gate = "done battery-safety; done charging-compatibility; done subsidy";
    let cases = [
        (
            "straight on",
            format!("{to_offer}; {gate}; enter order; done handover; enter delivery"),
            "",
        ),
        ("over a stage", "done needs; enter offer".to_owned(), "stage-skipped"),
        ("over all", "enter delivery".to_owned(), "stage-skipped"),
        ("back", format!("{to_offer}; enter lead"), "stage-reversed"),
        ("again", format!("{to_offer}; enter offer"), "stage-reversed"),
        ("without its form", "enter test-drive".to_owned(), "requirement-missing"),
        ("an empty form", "empty needs".to_owned(), "proof-wrong"),
        ("a form for a list", "empty drive-done".to_owned(), "proof-wrong"),
        ("the order without anything", format!("{to_offer}; enter order"), "requirement-missing"),
        (
            "without the subsidy",
            format!("{to_offer}; done battery-safety; done charging-compatibility; enter order"),
            "requirement-missing",
        ),
        ("another text signed", format!("{to_offer}; stale battery-safety"), "proof-wrong"),
        ("dated back", "done needs @9; enter test-drive @8".to_owned(), "back-dated"),
        ("at the same time", "done needs @9; enter test-drive @9".to_owned(), ""),
        ("no such stage", "enter heaven".to_owned(), "process-unknown-name"),
        ("a preset", "set delivery_promise=30 days".to_owned(), ""),
        ("no preset", "set delivery_promise=soon".to_owned(), "value-not-preset"),
        ("no guarded field", "set colour=red".to_owned(), "process-unknown-name"),
        ("unconfirmed import", "import delivery_promise=30 days".to_owned(), "confirmation-void"),
        (
            "a guarded field changed after signing",
            format!("{to_offer}; {gate}; set delivery_promise=60 days; enter order"),
            "requirement-missing",
        ),
        (
            "and signed again",
            format!(
                "{to_offer}; {gate}; set delivery_promise=60 days; done battery-safety; \
                 done subsidy; enter order"
            ),
            "",
        ),
        ("a promise kept", "sign; work; deliver".to_owned(), ""),
        ("work for nothing", "work".to_owned(), "promise-out-of-turn"),
        ("signed twice", "sign; sign".to_owned(), "promise-out-of-turn"),
        ("promised for yesterday", "late".to_owned(), "promise-out-of-turn"),
        ("delivered twice", "sign; deliver; deliver".to_owned(), "promise-out-of-turn"),
    ];
    for (name, steps, expected) in cases {
        assert_eq!(play(&process, &steps).join(" "), expected, "case: {name}");
    }
}

#[test]
fn contracts_are_checked_by_a_list_that_operations_keep() {
    let process = process();
    let check = |text: &str| -> Vec<String> {
        let findings = process.clauses.check(text).into_iter();
        findings
            .map(|one| match one.place {
                Some((line, words)) => format!("{} {line} {words}", one.code),
                None => format!("{} {}", one.code, one.id),
            })
            .collect()
    };
    let none: Vec<String> = Vec::new();
    assert_eq!(check("Each party is Liable for\nbreach. Delivery on 3 March 2025."), none);
    assert_eq!(check("违约责任：……\n交付日期：2025年3月3日"), none);
    assert_eq!(
        check("We deliver\nAs Soon As Possible."),
        ["clause-missing breach-liability", "clause-vague 2 as soon as possible"]
    );
    assert_eq!(check("违约责任。尽快交付。"), ["clause-vague 1 尽快"]);
}

#[test]
fn a_process_that_does_not_fit_together_is_refused_with_its_place() {
    let cases = [
        (TEMPLATE.replace("id = \"offer\"", "id = \"lead\""), "two stages are called 'lead'"),
        (TEMPLATE.replace("id = \"subsidy\"", "id = \"needs\""), "two requirements"),
        (
            TEMPLATE.replace("preset = [\"30 days\", \"60 days\", \"90 days\"]", "preset = []"),
            "no value it may take",
        ),
        (TEMPLATE.replace("by = \"file\"", "by = \"fax\""), "unknown variant"),
        (TEMPLATE.replace("work_order_within_hours", "work_order_in"), "unknown field"),
    ];
    for (text, expected) in cases {
        let finding = parse(&text).unwrap_err().remove(0);
        assert!(finding.message.contains(expected), "case: {expected}: {}", finding.message);
        assert!(1 < finding.line, "case: {expected}: line {}", finding.line);
    }
}
