//! Tables that settings describe.

use serde_json::{Value, json};
use upturn_core::duty::assess::{Question, assess};
use upturn_core::fact::place::Country;

use super::{country, duty, measures, parse, written};

/// Tables that nobody has written a reader for: settings alone read them.
#[test]
fn other_tables_of_duties_and_taxes_are_read_by_settings_alone() {
    let union = "commodity;origin;duty;from;until\n8504 40 90;;3,3 %;2024-01-01;2024-12-31\n\
        8504 40 90;;3.30 %;2025-01-01;\n8504409000;*;12.00 % MIN 1.00 EUR / 100 kg;2025-01-01;\n\
        9019200000;KR JP;NIHIL;2025-01-01;\n";
    let settings = json!({"format": "csv", "divider": ";", "source": "eu-duties",
        "destination": "EU", "commodity": "commodity", "origin": "origin", "duty": "duty",
        "from": "from", "until": "until"});
    let facts: Vec<_> =
        parse("duty-table", &settings, union.as_bytes()).unwrap().iter().map(written).collect();
    assert_eq!(
        facts,
        [
            "85044090/1011/third-country ThirdCountry 1011 - unread: '3,3 %' is no duty, such as \
             '12.00 %' or '35.10 EUR / 100 kg' 2024-01-01..2024-12-31",
            "85044090/1011/third-country ThirdCountry 1011 - 3.30 % 2025-01-01..",
            "8504409000/1011/third-country ThirdCountry 1011 - 12.00 % MIN 1.00 EUR / 100 kg 2025-01-01..",
            "9019200000/KR JP/third-country ThirdCountry KR JP - NIHIL 2025-01-01..",
        ]
    );

    let mut marked = settings;
    marked["decimal"] = json!(",");
    let facts = parse("duty-table", &marked, union.as_bytes()).unwrap();
    assert!(written(&facts[0]).ends_with(" - 3.3 % 2024-01-01..2024-12-31"));

    let states = r#"[{"htsno":"8504","general":""},{"htsno":"8504.40.95","general":"Free"},
        {"htsno":"8501.10.20","general":"6.7%"},{"htsno":"0101.30","general":"1.4¢/kg + 2%"}]"#;
    let settings = json!({"format": "json", "rows": "/*", "source": "us-hts", "destination": "US",
        "commodity": "htsno", "duty": "general", "notation": "us", "valid_from": "2025-01-01",
        "excluded": ["CU", "KP"]});
    let facts = parse("duty-table", &settings, states.as_bytes()).unwrap();
    let texts: Vec<_> = facts.iter().map(written).collect();
    assert_eq!(
        texts,
        [
            "010130/1011/third-country ThirdCountry 1011 - 0.014 USD / kg + 2 % 2025-01-01..",
            "85011020/1011/third-country ThirdCountry 1011 - 6.7 % 2025-01-01..",
            "85044095/1011/third-country ThirdCountry 1011 - 0 % 2025-01-01..",
        ]
    );
    let measures = measures(facts);
    let question = Question {
        destination: Country::US,
        commodity: "8501102000",
        origin: country("CN"),
        day: "2025-07-14".parse().unwrap(),
        additional_codes: None,
        has_proof_of_origin: false,
        claim: None,
    };
    assert_eq!(duty(&assess(&measures, &question).unwrap()), "85011020/1011/third-country");
    let cuba = Question { origin: country("CU"), ..question };
    assert!(duty(&assess(&measures, &cuba).unwrap()).starts_with("no duty of US is known"));

    let vat = "land;satz;ab;bis\nDE;19,0 %;01.01.2021;\nDE;16,0 %;01.07.2020;31.12.2020\n";
    let settings = json!({"format": "csv", "divider": ";", "decimal": ",", "source": "our-vat",
        "country": "land", "rate": "satz", "from": "ab", "until": "bis", "date_format": "%d.%m.%Y"});
    let facts: Vec<_> =
        parse("tax-table", &settings, vat.as_bytes()).unwrap().iter().map(written).collect();
    assert_eq!(facts, ["DE standard 19.0 2021-01-01..", "DE standard 16.0 2020-07-01..2020-12-31"]);
}

#[test]
fn wrong_settings_and_tables_that_contradict_themselves_are_named() {
    let duties = |row: &str| format!("commodity,duty,from,until\n{row}\n");
    let settings = json!({"format": "csv", "source": "eu", "destination": "EU",
        "commodity": "commodity", "duty": "duty", "from": "from", "until": "until"});
    let with = |key: &str, value: Value| {
        let mut changed = settings.clone();
        changed[key] = value;
        changed
    };
    let mut undated = settings.clone();
    undated.as_object_mut().unwrap().remove("from");
    let sound = duties("8501,2 %,2025-01-01,");
    let cases = [
        (undated, &*sound, "setting 'from'"),
        (with("destination", json!("Europe")), &sound, "two capital letters"),
        (with("colour", json!("red")), &sound, "colour"),
        (with("excluded", json!(["China"])), &sound, "setting 'excluded'"),
        (with("kind", json!("toll")), &sound, "toll"),
        (settings.clone(), &duties("8501x,2 %,2025-01-01,"), "/rows/0, commodity: "),
        (settings.clone(), &duties("8501,2 %,,"), "/rows/0, from: "),
        (settings.clone(), &duties("8501,2 %,2025-01-01,2024-01-01"), "before it begins"),
        (settings.clone(), &duties(""), "it has no duties"),
        (
            settings.clone(),
            &duties("8501,2 %,2025-01-01,\n8501,3 %,2025-06-01,"),
            "two duties of the same hold on one day",
        ),
    ];
    for (settings, document, expected) in cases {
        let error = parse("duty-table", &settings, document.as_bytes()).unwrap_err();
        assert!(error.contains(expected), "case: {settings} {document}: {error}");
    }
    let taxes =
        json!({"format": "csv", "source": "own", "home": "DE", "rate": "rate", "from": "from"});
    let cases = [
        ("rate,from\n19,2021-01-01\n16,2021-06-01\n", "differ while both hold"),
        ("rate,from\n1900,2021-01-01\n", "no percentage"),
        ("rate,from\n19,\n", ", from: "),
    ];
    for (document, expected) in cases {
        let error = parse("tax-table", &taxes, document.as_bytes()).unwrap_err();
        assert!(error.contains(expected), "case: {document}: {error}");
    }
}

#[test]
fn the_settings_of_tables_have_one_schema_with_what_they_share() {
    for (kind, own) in [("duty-table", "duty"), ("tax-table", "rate"), ("table", "value")] {
        let kind = upturn_connectors::feed::kind(kind).unwrap();
        let schema = (kind.schema)().to_value();
        for key in ["format", "rows", "date_format", own] {
            assert!(schema["properties"][key].is_object(), "case: {} {key}", kind.name);
        }
        let closed = ["additionalProperties", "unevaluatedProperties"];
        assert!(closed.iter().any(|key| schema[key] == json!(false)), "case: {}", kind.name);
        let required: Vec<_> = schema["required"].as_array().unwrap().iter().collect();
        assert!(required.contains(&&json!("format")), "case: {}: {required:?}", kind.name);
        assert!(!required.contains(&&json!("missing")), "case: {}: {required:?}", kind.name);
    }
}
