//! `upturn connectors`: what a saved document says.

use std::path::Path;

use serde_json::{Value, json};
use upturn_tests::binary::{run, upturn};

fn sample(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../connectors/tests/data/fx");
    folder.join(name).display().to_string()
}

#[test]
fn a_saved_document_is_read_without_a_network_and_told_line_by_line() {
    let file = sample("hmrc_2023-9.json");
    let output = run(upturn(["connectors", "parse", "hmrc", &file]), "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let facts: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = json!({
        "source": "hmrc", "fact": "rate", "base": "GBP", "quote": "CNY", "rate": "9.2106",
        "unit": "1", "value": "9.2106", "date": "2023-09-01", "purpose": "customs",
        "until": "2023-09-30",
    });
    assert_eq!(facts.len(), 3);
    assert!(facts.contains(&expected), "{said}");
}

#[test]
fn a_fact_names_its_source_once() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../connectors/tests/data/tax");
    let file = folder.join("ibericode.json").display().to_string();
    for (more, expected) in [(&[][..], "ibericode"), (&["--source", "vat"][..], "vat")] {
        let arguments = ["connectors", "parse", "ibericode", &file];
        let output = run(upturn(arguments.iter().chain(more)), "");
        let said = String::from_utf8(output.stdout).unwrap();
        let first = said.lines().next().unwrap();
        assert_eq!(first.matches("\"source\"").count(), 1, "{first}");
        assert_eq!(serde_json::from_str::<Value>(first).unwrap()["source"], expected);
    }
}

#[test]
fn settings_on_the_command_line_read_a_bank_nobody_knew() {
    let table = "as of 05.04.2026\r\nISO|amount|price\r\nHUF|100|1.234,50\r\nXDR|1|---\r\n";
    let settings = [
        "format=csv",
        "divider=|",
        "head=2",
        "home=CZK",
        "code=ISO",
        "unit=amount",
        "value=price",
        "decimal=,",
        "thousands=.",
        "missing=---",
        "date=/lines/0",
        "date_pattern=[0-9.]+$",
        "date_format=%d.%m.%Y",
    ];
    let mut arguments = vec!["connectors", "parse", "table", "-", "--source", "bank"];
    arguments.extend(settings.iter().flat_map(|setting| ["--set", setting]));
    let output = run(upturn(arguments), table);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let fact: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(fact["rate"], "12.3450");
    assert_eq!(fact["date"], "2026-04-05");
    assert_eq!(fact["source"], "bank");
}

#[test]
fn what_cannot_be_read_ends_with_a_code_and_a_place() {
    let cases = [
        (vec!["ecb", "-"], "<html>sign in</html>", 65, "it is a web page"),
        (vec!["ecb", "-"], "Date,USD\n2026-01-05,x\n", 65, "line 2, USD: 'x' is no number"),
        (vec!["ecb", "/nowhere"], "", 66, "/nowhere"),
        (vec!["ecbs", "-"], "", 2, "did you mean 'ecb'"),
        (vec!["table", "-", "--set", "format=csv"], "a,b\n", 65, "settings are wrong"),
        (vec!["ecb", "-", "--set", "zone"], "", 2, "KEY=VALUE"),
    ];
    for (arguments, input, code, expected) in cases {
        let command = upturn(["connectors", "parse"].into_iter().chain(arguments.clone()));
        let output = run(command, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "case: {arguments:?}: {said}");
        assert!(said.contains(expected), "case: {arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "case: {arguments:?}");
    }
}
