//! What is no sound document.

use serde_json::json;
use upturn_core::duty::assess::{Question, assess};
use upturn_core::fact::place::Country;

use super::{country, duty, folder, measures, parse};

/// Checks that each document of a kind is refused with words.
fn check(cases: &[(&str, String, &str)]) {
    for (kind, document, expected) in cases {
        let error = parse(kind, &json!({}), document.as_bytes()).unwrap_err();
        assert!(error.contains(expected), "case: {kind} {document:.200}: {error}");
        assert!(error.len() < 400, "case: {kind}: {error}");
    }
}

#[test]
fn vat_that_is_not_sound_is_refused_with_its_place() {
    let ibericode = |periods: &str| format!(r#"{{"version":4,"items":{{"DE":[{periods}]}}}}"#);
    let period =
        |from: &str, rates: &str| format!(r#"{{"effective_from":"{from}","rates":{rates}}}"#);
    check(&[
        ("ibericode", "<html>maintenance</html>".to_owned(), "it is a web page"),
        ("ibericode", String::new(), "it is empty"),
        ("ibericode", r#"{"items":{}}"#.to_owned(), "it has no rates"),
        ("ibericode", r#"{"items":[]}"#.to_owned(), "expected an object"),
        ("ibericode", r#"{"items":{"DE":[{"effective_from":"20"#.to_owned(), "EOF"),
        (
            "ibericode",
            ibericode(&period("2021-13-01", r#"{"standard":19}"#)),
            "/items/DE/0/effective_from: ",
        ),
        (
            "ibericode",
            ibericode(&period("2021-01-01", r#"{"standard":-19}"#)),
            "/items/DE/0/rates/standard: ",
        ),
        (
            "ibericode",
            ibericode(&period("2021-01-01", r#"{"standard":119}"#)),
            "no percentage from 0 to 100",
        ),
        ("ibericode", ibericode(&period("2021-01-01", r#"{"standard":"19 %"}"#)), "is no number"),
        ("ibericode", ibericode(&period("2021-01-01", r#"{"standard":null}"#)), "it is null"),
        (
            "ibericode",
            ibericode(&period("2021-01-01", r#"{"standard":{}}"#)),
            "neither a text nor a number",
        ),
        (
            "ibericode",
            ibericode(&period("2021-01-01", r#"{"reduced":7}"#)),
            "/rates/standard: it is missing",
        ),
        (
            "ibericode",
            ibericode(&period("2021-01-01", r#"{"standard":19,"luxury":33}"#)),
            "no kind of rate",
        ),
        (
            "ibericode",
            ibericode(&format!("{0},{0}", period("2021-01-01", r#"{"standard":19}"#))),
            "before it begins",
        ),
        ("ibericode", r#"{"items":{"Germany":[]}}"#.to_owned(), "two capital letters"),
        (
            "ibericode",
            ibericode(
                r#"{"effective_from":"2021-01-01","rates":{"standard":19},"exceptions":[
                {"name":"x","postcode":"(","standard":0}]}"#,
            ),
            "/exceptions/0/postcode: ",
        ),
    ]);
}

#[test]
fn a_history_that_contradicts_itself_is_refused() {
    let history = |row: &str| {
        let head = "start_date,stop_date,territory_codes,currency_code,rate,rate_type,description";
        format!("{head}\n{row}\n")
    };
    check(&[
        ("vat-history", history("2021-01-01,,DE,EUR,19,standard,"), "no fraction from 0 to 1"),
        ("vat-history", history("2021-01-01,,DE,EUR,-0.19,standard,"), "no fraction from 0 to 1"),
        ("vat-history", history("2021-01-01,2020-01-01,DE,EUR,0.19,standard,"), "before it begins"),
        (
            "vat-history",
            history("2021-01-01,,,EUR,0.19,standard,"),
            "/territory_codes: there is none",
        ),
        ("vat-history", history("2021-01-01,,DE,EUR"), "the cell is missing"),
        ("vat-history", "start_date,stop_date\n".to_owned(), "it has no rates"),
        (
            "vat-history",
            history(
                "2021-01-01,,DE,EUR,0.19,standard,\n2020-07-01,2021-01-02,DE,EUR,0.16,standard,",
            ),
            "differ while both hold",
        ),
    ]);
}

#[test]
fn answers_of_the_commission_are_whole_or_refused() {
    let tedb = |result: &str| {
        let of = |text: &str| format!("<Envelope><Body>{text}</Body></Envelope>");
        of(&format!(
            "<retrieveVatRatesRespMsg><vatRateResults>{result}</vatRateResults></retrieveVatRatesRespMsg>"
        ))
    };
    let fault = "<Envelope><Body><Fault><faultstring>Bad &lt;b&gt;</faultstring></Fault></Body>\
        </Envelope>";
    let at = "<memberState>AT</memberState><type>STANDARD</type><rate><type>DEFAULT</type>";
    check(&[
        ("tedb", fault.to_owned(), "it says: Bad"),
        ("tedb", tedb(&format!("{at}<value>20.0</value></rate>")), "/situationOn: it is missing"),
        (
            "tedb",
            tedb(&format!("{at}</rate><situationOn>2024-01-01</situationOn>")),
            "/rate/value: it is missing",
        ),
        (
            "tedb",
            tedb(&format!("{at}<value>200</value></rate><situationOn>2024-01-01</situationOn>")),
            "no percentage",
        ),
        (
            "tedb",
            tedb(&format!(
                "{at}<value>20</value></rate><situationOn>2024-01-01 noon</situationOn>"
            )),
            "is no day",
        ),
        ("tedb", "<!DOCTYPE x><Envelope/>".to_owned(), "DOCTYPE"),
    ]);
}

#[test]
fn other_tables_are_sound_or_refused() {
    check(&[
        ("sales-tax", r#"{"DE":{"type":"vat","rate":19}}"#.to_owned(), "/DE/rate: "),
        ("sales-tax", r#"{"DE":{"type":"toll","rate":0.19}}"#.to_owned(), "no kind of tax"),
        ("sales-tax", r#"{"DE":{"type":"vat"}}"#.to_owned(), "/DE/rate: it is missing"),
        (
            "sales-tax",
            r#"{"ES":{"type":"vat","rate":0.21,"states":{"CE":{"type":"vat","rate":-0.22}}}}"#.to_owned(),
            "/ES/states/CE: -22 % cannot be added",
        ),
        (
            "sales-tax",
            r#"{"DE":{"type":"vat","rate":0.19,"before":{"2020-12-31T12:00:00Z":{"type":"vat","rate":0.16}}}}"#
                .to_owned(),
            "no instant at which a day begins",
        ),
        ("harmonized-system", "section,hscode,description,parent,level\nXVI,85,x,TOTAL,4\n".to_owned(), "as its level says"),
        ("harmonized-system", "section,hscode,description,parent,level\nXVI,8501,x,84,4\n".to_owned(), "not above the code"),
        ("harmonized-system", "section,hscode,description,parent,level\nXVI,85,x,TOTAL,2\nXVI,85,y,TOTAL,2\n".to_owned(), "twice"),
    ]);
}

#[test]
fn a_tariff_that_is_not_whole_is_refused_and_an_odd_duty_is_kept_for_a_person() {
    let sound = std::fs::read_to_string(folder().join("uk_commodity_2924297099.json")).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(sound.contains(from), "{from}");
        sound.replacen(from, to, 1)
    };
    let cases = [
        (
            changed(
                "\"type\": \"duty_expression\",\n   \"attributes\"",
                "\"type\": \"x\",\n   \"attributes\"",
            ),
            "duty_expression is not in the document",
        ),
        (
            changed(
                "\"effective_start_date\": \"2023-03-03",
                "\"effective_start_date\": \"2023-02-31",
            ),
            "/effective_start_date: ",
        ),
        (
            changed(
                "\"effective_end_date\": null",
                "\"effective_end_date\": \"2020-01-01T00:00:00.000Z\"",
            ),
            "before it begins",
        ),
        (changed("\"source\": \"uk\"", "\"source\": \"xi\""), "it is of the tariff 'xi'"),
        (
            changed(
                "\"goods_nomenclature_item_id\": \"2924297099\"",
                "\"goods_nomenclature_item_id\": \"2924\"",
            ),
            "no code of 10 digits",
        ),
        (changed("\"declarable\": true", "\"declarable\": false"), "is a heading"),
        (sound.get(..20_000).unwrap().to_owned(), "EOF"),
        (r#"{"error":"not found","url":"x"}"#.to_owned(), "it says: \"not found\""),
        (r#"{"data":{"id":"1"},"included":[]}"#.to_owned(), "/data/attributes: it is missing"),
        ("<html>".to_owned(), "it is a web page"),
    ];
    for (document, expected) in cases {
        let error = parse("uk-tariff", &json!({}), document.as_bytes()).expect_err(expected);
        assert!(error.contains(expected), "case: {expected}: {error}");
    }
    let odd = changed("\"base\": \"6.00 %\"", "\"base\": \"6.00 % of something\"");
    let measures = measures(parse("uk-tariff", &json!({}), odd.as_bytes()).unwrap());
    let question = Question {
        destination: Country::GB,
        commodity: "2924297099",
        origin: country("CN"),
        day: "2025-07-14".parse().unwrap(),
        additional_codes: Some(&["2501"]),
        has_proof_of_origin: false,
        claim: None,
    };
    let said = duty(&assess(&measures, &question).unwrap());
    assert!(said.starts_with("the charge of rule 20200911 is not read"), "{said}");
}
