//! `upturn quote`: requests in, frozen quotes and pages out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};
use upturn_tests::binary::{run, upturn};
use upturn_tests::shared;

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn example(name: &str) -> Value {
    let text = fs::read_to_string(here("deploy/quotes/examples").join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn quote(arguments: &[&str], input: &str) -> Output {
    run(upturn([&["quote"], arguments].concat()), input)
}

/// Prices `request`; returns the exit code and what was printed as JSON.
fn price(request: &Value, more: &[&str]) -> (i32, Value) {
    let arguments = [&["price", "--json", "--request", "-"], more].concat();
    let output = quote(&arguments, &request.to_string());
    assert!(!output.stdout.is_empty(), "{output:?}");
    (output.status.code().unwrap(), serde_json::from_slice(&output.stdout).unwrap())
}

fn offer<'s>(snapshot: &'s Value, term: &str) -> &'s Value {
    let offers = snapshot["quote"]["offers"].as_array().unwrap();
    offers.iter().find(|offer| offer["term"] == term).unwrap()
}

/// Makes a feed's folder of saved documents.
fn feed(facts: &Path, name: &str, settings: &str, documents: &[PathBuf]) {
    let folder = facts.join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("feed.toml"), settings).unwrap();
    for document in documents {
        fs::copy(document, folder.join(document.file_name().unwrap())).unwrap();
    }
}

#[test]
fn a_quote_is_priced_frozen_and_shown_again_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (code, snapshot) = price(&example("germany.json"), &[]);
    assert_eq!(code, 0);
    assert_eq!(offer(&snapshot, "DDP")["total"], "100975.75");
    // What was printed is what is kept.
    let kept = fs::read_to_string(here("tests/data/quotes/germany.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&kept).unwrap(), snapshot);

    let file = folder.path().join("snapshot.json");
    fs::write(&file, &kept).unwrap();
    let file = file.to_str().unwrap();
    for language in ["en", "zh"] {
        let page = quote(&["render", file, "--lang", language], "").stdout;
        let first = fs::read(here(&format!("tests/data/quotes/germany.{language}.html"))).unwrap();
        assert!(page == first, "the page of a quote that was sent has changed: {language}");
        assert!(String::from_utf8(page).unwrap().contains("100,975.75"));
    }

    fs::write(file, kept.replacen("100975.75", "100975.74", 1)).unwrap();
    let refused = quote(&["render", file], "");
    assert_eq!(refused.status.code(), Some(65), "{refused:?}");
    assert!(String::from_utf8(refused.stderr).unwrap().contains("digest"));
}

#[test]
fn what_a_customer_could_hide_in_a_name_is_shown_as_it_is_written() {
    let mut request = example("germany.json");
    request["buyer"]["company"] = json!("<script>alert(1)</script>");
    let (_, snapshot) = price(&request, &[]);
    let page = quote(&["render", "-"], &format!("{snapshot:#}\n"));
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(!page.contains("<script") && page.contains("&#60;script&#62;"), "{page}");
}

#[test]
fn saved_documents_price_a_quote_by_the_rates_of_its_day() {
    let folder = tempfile::tempdir().unwrap();
    let facts = folder.path();
    feed(facts, "ecb", "kind = \"ecb\"\n", &[]);
    let rates = "Date,USD,CNY\n2024-11-21,1.0526,7.6204\n2024-11-20,1.0562,7.6528\n\
                 2024-10-23,1.0767,7.6759\n";
    fs::write(facts.join("ecb/rates.csv"), rates).unwrap();
    let vat = here("connectors/tests/data/tax/ibericode.json");
    feed(facts, "vat", "kind = \"ibericode\"\n", &[vat]);
    let table = "kind = \"duty-table\"\n[settings]\nformat = \"csv\"\nsource = \"eu\"\n\
                 destination = \"EU\"\ncommodity = \"commodity\"\nduty = \"duty\"\n\
                 valid_from = \"2024-01-01\"\n";
    feed(facts, "eu-duties", table, &[]);
    fs::write(facts.join("eu-duties/duties.csv"), "commodity,duty\n9019,8 %\n9402,0 %\n").unwrap();

    let mut request = example("currencies-and-gifts.json");
    request["date"] = json!("2024-11-21");
    request.as_object_mut().unwrap().remove("facts");
    let with = ["--facts", facts.to_str().unwrap()];
    let (code, then) = price(&request, &with);
    assert_eq!(code, 0, "{then:#}");
    let line = &then["quote"]["lines"][0];
    // 399,613.50 yuan at 7.6204.
    assert_eq!(line["price"], "52439.96");
    assert_eq!(line["rate"]["legs"][0]["rate"]["date"], "2024-11-21");
    assert_eq!(line["rate"]["legs"][0]["rate"]["source"], "ecb");
    // Duty goes by the rate of the second-last Wednesday of the month before.
    let customs = &then["quote"]["customs"]["rates"];
    assert_eq!(customs[0]["legs"][0]["rate"]["value"], "7.6759");
    assert_eq!(customs[0]["legs"][0]["rate"]["until"], "2024-11-30");
    assert!(then["facts"]["taxes"][0]["rule"].as_str().unwrap().starts_with("DE"));

    // A day later the rates of the day before do; on Tuesday two are missed, and nothing goes out.
    let text = format!("{then:#}\n");
    let again = |on: &str| {
        let arguments = ["again", "-", "--json", "--on", on, with[0], with[1]];
        let output = quote(&arguments, &text);
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        (output.status.code().unwrap(), said)
    };
    let (code, said) = again("2024-11-22");
    assert_eq!(code, 0);
    assert_eq!(said["then"], then["digest"]);
    assert!(said["drift"].as_array().unwrap().iter().all(|part| part["because"] == json!([])));
    let (code, said) = again("2024-11-26");
    assert_eq!(code, 1);
    assert_eq!(offer(&said["now"], "EXW")["problems"][0]["code"], "rate-too-old");

    // With new rates the drift is told line by line.
    let more = format!("{rates}2024-11-22,1.0412,7.5449\n");
    fs::write(facts.join("ecb/rates.csv"), more).unwrap();
    let (_, said) = again("2024-11-22");
    let drift = &said["drift"][0];
    assert_eq!(drift["what"], "line 1");
    // 399,613.50 at 7.5449 is 52,964.72.
    assert_eq!(drift["difference"], "524.76");
    assert!(drift["because"][0].as_str().unwrap().contains("2024-11-22"));
}

/// A request for goods that go to the United Kingdom.
fn to_britain(commodity: &str) -> Value {
    let mut request = example("germany.json");
    request["date"] = json!("2025-07-14");
    request["valid_until"] = json!("2025-08-14");
    request["currency"] = json!("GBP");
    request["route"]["to"] = json!({"place": "Leeds", "country": "GB"});
    request["lines"][0]["unit_price"]["currency"] = json!("GBP");
    request["lines"][0]["customs"]["commodity"] = json!(commodity);
    for charge in request["charges"].as_array_mut().unwrap() {
        charge["amount"]["currency"] = json!("GBP");
    }
    request.as_object_mut().unwrap().remove("facts");
    request
}

fn ddp_codes(snapshot: &Value) -> Vec<&str> {
    let problems = offer(snapshot, "DDP")["problems"].as_array().unwrap();
    problems.iter().map(|problem| problem["code"].as_str().unwrap()).collect()
}

#[test]
fn goods_with_two_duties_ask_a_person_and_are_priced_once_one_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let document = here("connectors/tests/data/tax/uk_commodity_2924297099.json");
    feed(folder.path(), "uk", "kind = \"uk-tariff\"\n", &[document]);
    let with = ["--facts", folder.path().to_str().unwrap()];
    let mut request = to_britain("2924297099");
    let (code, snapshot) = price(&request, &with);
    assert_eq!(code, 1);
    let ddp = offer(&snapshot, "DDP");
    assert_eq!(ddp["status"], "needs-person");
    assert!(ddp["total"].is_null());
    let duties: Vec<&str> = ddp["problems"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|problem| problem["candidates"].as_array())
        .flatten()
        .filter_map(|choice| choice["duty"].as_str())
        .collect();
    assert!(duties.contains(&"0.00 %") && duties.contains(&"6.00 %"), "{ddp:#}");
    assert_eq!(offer(&snapshot, "DAP")["status"], "priced");

    let stops: Vec<Value> = snapshot["facts"]["duties"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|measure| measure["kind"] == "control")
        .map(|measure| measure["rule"].clone())
        .collect();
    request["lines"][0]["customs"]["additional_codes"] = json!(["2501"]);
    request["lines"][0]["customs"]["settled"] = json!(stops);
    let (code, snapshot) = price(&request, &with);
    assert_eq!(code, 0, "{:#}", offer(&snapshot, "DDP"));
    // 6 % of 76,000; 20 % of 76,000 + 4,560 + 792 + 1,981.57.
    let costs = snapshot["quote"]["costs"].as_array().unwrap();
    let levies: Vec<&Value> = costs.iter().skip(4).map(|cost| &cost["price"]).collect();
    assert_eq!(levies, ["4560.00", "16666.71"]);
    assert_eq!(offer(&snapshot, "DDP")["total"], "100000.28");
}

#[test]
fn each_commodity_of_the_wider_samples_has_a_quote() {
    let Some(samples) = shared::find("data/tax/uk-trade-tariff") else { return };
    let folder = tempfile::tempdir().unwrap();
    let documents = [
        samples.join("commodity_2924297099_uk_2025-07-14.json"),
        samples.join("commodity_6911100090_uk_filter-AD_2025-07-14.json"),
    ];
    feed(folder.path(), "uk", "kind = \"uk-tariff\"\n", &documents);
    let with = ["--facts", folder.path().to_str().unwrap()];
    let mut tableware = to_britain("6911100090");
    let (_, snapshot) = price(&tableware, &with);
    let controls = snapshot["facts"]["duties"].as_array().unwrap().iter();
    let controls = controls.filter(|one| one["kind"] == "control").map(|one| one["rule"].clone());
    tableware["lines"][0]["customs"]["settled"] = controls.collect();
    let (code, snapshot) = price(&tableware, &with);
    assert_eq!(code, 0, "{:#}", offer(&snapshot, "DDP"));
    // 12 % of 76,000; 20 % of 76,000 + 9,120 + 792 + 1,981.57.
    let levies = snapshot["quote"]["costs"].as_array().unwrap().iter();
    let levies: Vec<&Value> = levies.skip(4).map(|cost| &cost["price"]).collect();
    assert_eq!(levies, ["9120.00", "17578.71"]);
    assert_eq!(offer(&snapshot, "DDP")["total"], "105472.28");

    let (code, snapshot) = price(&to_britain("2924297099"), &with);
    assert_eq!(code, 1);
    assert!(ddp_codes(&snapshot).contains(&"needs-person"));
    let (_, snapshot) = price(&to_britain("8501000000"), &with);
    assert_eq!(ddp_codes(&snapshot), ["duty-missing", "tax-missing"]);
}

#[test]
fn a_price_below_authority_names_the_rule_the_excess_and_who_may_approve() {
    let policy = here("deploy/compliance");
    let with = ["--policy", policy.to_str().unwrap()];
    let mut request = example("germany.json");
    request["lines"][0]["discount"] = json!({"percent": "2"});
    assert_eq!(price(&request, &with).0, 0);
    request["lines"][0]["discount"] = json!({"percent": "4"});
    let (code, snapshot) = price(&request, &with);
    assert_eq!(code, 1);
    let breach = &snapshot["quote"]["problems"][0]["breach"];
    assert_eq!(breach["rule"], "price-bands/seller/VENT-300/EUR");
    assert_eq!(breach["excess_percent"], "4");
    assert_eq!(breach["may_approve"], json!(["board", "c.board"]));

    request["approvals"] = json!([{"content": snapshot["content"], "by": "c.board",
        "on": "2025-01-27", "until": "2025-02-26"}]);
    assert_eq!(price(&request, &with).0, 0);
    let people = quote(&[&["price", "--request", "-"], &with[..]].concat(), &request.to_string());
    let said = String::from_utf8(people.stdout).unwrap();
    assert!(said.contains("DDP") && said.contains("67200.00"), "{said}");
}

#[test]
fn bad_input_ends_with_a_code_and_a_sentence() {
    let mut negative = example("germany.json");
    negative["lines"][0]["quantity"] = json!("-4");
    let (code, said) = price(&negative, &[]);
    assert_eq!(code, 65);
    assert_eq!(said["problems"][0]["code"], "quantity-not-positive");
    assert_eq!(said["problems"][0]["at"], "/lines/0/quantity");
    let mut float = example("germany.json");
    float["lines"][0]["quantity"] = json!(4.5);
    let cases = [
        (vec!["price", "--request", "-"], float.to_string(), 65, "decimal as text"),
        (vec!["price", "--request", "-"], "{".to_owned(), 65, "line 1"),
        (vec!["price", "--request", "-"], "{\"colour\": 1}".to_owned(), 65, "unknown field"),
        (vec!["price", "--request", "/nowhere"], String::new(), 66, "/nowhere"),
        (
            vec!["price", "--request", "-", "--facts", "/nowhere"],
            example("germany.json").to_string(),
            66,
            "/nowhere",
        ),
        (vec!["render", "-"], "{}".to_owned(), 65, "no snapshot"),
    ];
    for (arguments, input, code, expected) in cases {
        let output = quote(&arguments, &input);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "case: {arguments:?}: {said}");
        assert!(said.contains(expected), "case: {arguments:?}: {said}");
    }
}

#[test]
fn the_schemas_that_editors_use_are_those_of_this_program() {
    for (document, path) in [
        ("quote-request", "deploy/quotes/quote-request.schema.json"),
        ("price-band", "deploy/compliance/price-band.schema.json"),
        ("approval", "deploy/compliance/approval.schema.json"),
        ("process", "deploy/compliance/process.schema.json"),
        ("delivery-risk", "deploy/compliance/delivery-risk.schema.json"),
    ] {
        let printed = run(upturn(["schema", document]), "").stdout;
        let kept = fs::read(here(path)).unwrap();
        assert!(printed == kept, "write {path} anew: upturn schema {document}");
    }
}

#[test]
fn documents_of_the_house_are_checked_with_line_and_column() {
    let output = run(upturn(["check", here("deploy/compliance").to_str().unwrap()]), "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bands.toml");
    fs::write(&file, "id = \"b\"\nkind = \"price-band\"\ntolerance = 3\nband = []\n").unwrap();
    let output = run(upturn(["check", file.to_str().unwrap()]), "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("bands.toml:3:1: error[wrong-document]"), "{said}");
}
