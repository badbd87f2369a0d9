//! Taxes, duties and nomenclature as their sources publish them: what is read, what is not, and what
//! is answered from it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails where something is missing")]

use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use upturn_connectors::feed;
use upturn_core::duty::assess::{Assessment, Decision};
use upturn_core::fact::Fact;
use upturn_core::fact::duty::{Charge, Measure};
use upturn_core::fact::goods::Goods;
use upturn_core::fact::place::Country;
use upturn_core::fact::tax::TaxRate;
use upturn_core::fact::validity::Validity;

mod answers;
mod refused;
mod tables;

/// A document, its kind, how many facts it says, and some of them.
struct Case(&'static str, &'static str, usize, &'static [&'static str]);

const OURS: &[Case] = &[
    Case(
        "ibericode.json",
        "ibericode",
        79,
        &[
            "DE standard 16 2020-07-01..2020-12-31",
            "DE standard 19 ..2020-06-30",
            "IE reduced2 13.5 2021-03-01..",
            "FI standard 25.5 2024-09-01..",
            "RO standard 21 2025-08-01..",
            "EE press_publications 9 2025-07-01.. press_publications",
            "ES/Canary Islands standard 0 ..",
            "GR/Mount Athos standard 0 2016-06-01..",
        ],
    ),
    Case(
        "vat-history.csv",
        "vat-history",
        64,
        &[
            "DE standard 16 2020-07-01..2020-12-31",
            "AT/Jungholz standard 19 1984-01-01..",
            "DE/Jungholz standard 19 1984-01-01..",
            "CY standard 19 2014-01-13..",
            "ES standard 21 2012-09-01..",
            "GR/Skyros standard 16 2010-07-01..2016-05-31",
        ],
    ),
    Case(
        "tedb_AT.xml",
        "tedb",
        7,
        &[
            "AT DEFAULT 20.0 2024-01-01..",
            "AT REDUCED_RATE 10.0 2024-01-01.. FOODSTUFFS 01064100 02 03 04",
            "AT REDUCED_RATE 19.0 2024-01-01.. REGION",
            "AT EXEMPTED 0.0 2024-01-01.. SOLAR_PANELS 8541",
        ],
    ),
    Case(
        "sales-tax.json",
        "sales-tax",
        28,
        &[
            "CN vat 13 ..",
            "DE vat 16 2020-07-01..2020-12-31",
            "RO vat 21 2025-08-02..",
            "CA-QC qst 9.975 ..",
            "CA-NS hst 9 2025-04-01..",
            "ES-CE vat -21 ..",
            "US none 0 ..",
            "US-CA vat 8.25 ..",
        ],
    ),
    Case(
        "uk_commodity_2924297099.json",
        "uk-tariff",
        16,
        &[
            "20200894 ThirdCountry 1011 2500 0.00 % 2023-03-03..",
            "20200911 ThirdCountry 1011 2501 6.00 % 2023-03-03..",
            "20260377 Suspension 1011 - 0.00 % 2025-04-14..2028-12-31",
            "20214231 Preference 1060 - 2.20 % 2023-06-19..",
            "20185934 Additional RU - 35.00 % 2022-07-20..",
            "-1012550691 Vat 1400 VATZ 0.00 % 2024-09-25..",
            "20224394 Control 1011 - nothing 2024-02-01..",
        ],
    ),
    Case(
        "harmonized-system.csv",
        "harmonized-system",
        35,
        &["850440 Electrical static converters"],
    ),
];

const WIDER: &[Case] = &[
    Case("eu-vat/ibericode_vat-rates.json", "ibericode", 184, &["SI reduced2 9.5 .."]),
    Case(
        "eu-vat/kdeldycke_vat_rates_history.csv",
        "vat-history",
        302,
        &["NL/Aruba standard 0 2012-10-01..", "AW standard 0 2012-10-01.."],
    ),
    Case("eu-vat/tedb_retrieveVatRates_response_AT.xml", "tedb", 30, &[]),
    Case(
        "world/node-sales-tax_rates.json",
        "sales-tax",
        210,
        &["TH vat 7 ..2023-08-31", "BW vat 12 2022-08-01..2023-01-31"],
    ),
    Case("uk-trade-tariff/commodity_2924297099_uk_2025-07-14.json", "uk-tariff", 66, &[]),
    Case(
        "uk-trade-tariff/commodity_6911100090_uk_filter-AD_2025-07-14.json",
        "uk-tariff",
        5,
        &["20263364 ThirdCountry 1011 - 12.00 % 2025-06-07.."],
    ),
    Case(
        "hs/harmonized-system_ch84_85_87_90.csv",
        "harmonized-system",
        1261,
        &["840110 Nuclear reactors"],
    ),
];

/// Documents of the wider set that are no such table, and what is said of them.
const REFUSED: &[(&str, &str, &str)] = &[
    (
        "uk-trade-tariff/heading_8501_uk_2025-07-14.json",
        "uk-tariff",
        "8501 is a heading and cannot be declared: ask for a commodity's 10 digits; 114 codes below it \
         can, such as ",
    ),
    ("uk-trade-tariff/not_found_404.json", "uk-tariff", "it says: \"not found\""),
    ("eu-vat/tedb_retrieveVatRates_request.xml", "tedb", "it has no rates"),
];

/// Returns the folder of the wider samples; none, with a word on it, where it is not there.
fn wider() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/tax");
    if folder.exists() {
        return Some(folder);
    }
    // Past the test runner's capture; where standard error is closed there is nobody to tell.
    drop(writeln!(std::io::stderr(), "not tested: the wider samples; ../shared is not there"));
    None
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tax")
}

fn parse(kind: &str, settings: &Value, bytes: &[u8]) -> Result<Vec<Fact>, String> {
    let kind = feed::kind(kind).unwrap_or_else(|| panic!("there is no feed {kind}"));
    (kind.parse)(settings, bytes).map_err(|error| error.to_string())
}

fn facts(file: &str, kind: &str) -> Vec<Fact> {
    let bytes = std::fs::read(folder().join(file)).unwrap();
    parse(kind, &json!({}), &bytes).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn taxes(facts: Vec<Fact>) -> Vec<TaxRate> {
    let tax = |fact| {
        let Fact::Tax(rate) = fact else { panic!("{fact:?} is no tax") };
        *rate
    };
    facts.into_iter().map(tax).collect()
}

fn measures(facts: Vec<Fact>) -> Vec<Measure> {
    let duty = |fact| {
        let Fact::Duty(measure) = fact else { panic!("{fact:?} is no measure") };
        *measure
    };
    facts.into_iter().map(duty).collect()
}

fn goods(facts: Vec<Fact>) -> Vec<Goods> {
    let goods = |fact| {
        let Fact::Goods(goods) = fact else { panic!("{fact:?} is no entry") };
        *goods
    };
    facts.into_iter().map(goods).collect()
}

fn days(valid: Validity) -> String {
    let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    format!("{}..{}", day(valid.from()), day(valid.until()))
}

fn country(code: &str) -> Country {
    code.parse().unwrap()
}

/// Returns the duty in words: the charges, or the questions.
fn duty(assessment: &Assessment<'_>) -> String {
    match &assessment.duty {
        Decision::Nothing => "nothing".to_owned(),
        Decision::One(one) => {
            let rules = std::iter::once(&one.base).chain(&one.additional);
            rules.map(|measure| measure.rule.clone()).collect::<Vec<_>>().join(" + ")
        }
        Decision::NeedsPerson(open) => {
            open.questions.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        }
    }
}

fn written(fact: &Fact) -> String {
    match fact {
        Fact::Tax(rate) => {
            let TaxRate { country, label, percent, scope, .. } = &**rate;
            let region = rate.region.as_ref().map(|region| format!("-{region}"));
            let territory = rate.territory.as_ref().map(|part| format!("/{}", part.name));
            let place = region.or(territory).unwrap_or_default();
            let scope: Vec<_> = scope.subject.iter().chain(&scope.goods).cloned().collect();
            let text = format!("{country}{place} {label} {percent} {}", days(rate.valid));
            format!("{text} {}", scope.join(" ")).trim_end().to_owned()
        }
        Fact::Duty(measure) => {
            let Measure { rule, kind, origin, charge, .. } = &**measure;
            let code = measure.additional_code.as_ref().map_or("-", |code| &code.code);
            let charge = match charge {
                Charge::Duty(expression) => expression.to_string(),
                Charge::Unit(unit) => unit.to_string(),
                Charge::Nothing => "nothing".to_owned(),
                Charge::Unread { why, .. } => format!("unread: {why}"),
            };
            format!("{rule} {kind:?} {} {code} {charge} {}", origin.code, days(measure.valid))
        }
        Fact::Goods(goods) => format!("{} {}", goods.code, goods.description),
        Fact::Rate(_)
        | Fact::Calendar(_)
        | Fact::Sailing(_)
        | Fact::PortCall(_)
        | Fact::TransportEvent(_)
        | Fact::Lane(_)
        | Fact::Closure(_)
        | Fact::Weather(_)
        | Fact::Attributes(_)
        | Fact::Policy(_)
        | Fact::Unread(_) => format!("{fact:?}"),
    }
}

fn read_all(folder: &Path, cases: &[Case]) {
    for Case(file, kind, count, some) in cases {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let facts = parse(kind, &json!({}), &bytes).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(facts.len(), *count, "case: {file}");
        for fact in &facts {
            let line = serde_json::to_value(fact).unwrap();
            assert!(line.get("fact").is_some_and(Value::is_string), "case: {file}: {line}");
            assert!(line.get("percent").is_none_or(Value::is_string), "case: {file}: {line}");
        }
        let facts: Vec<_> = facts.iter().map(written).collect();
        for wanted in *some {
            assert_eq!(
                facts.iter().filter(|fact| fact == wanted).count(),
                1,
                "case: {file} {wanted}"
            );
        }
    }
}

#[test]
fn what_sources_publish_is_read_as_it_is_written() {
    read_all(&folder(), OURS);
    let heading = std::fs::read(folder().join("uk_heading_8501.json")).unwrap();
    let error = parse("uk-tariff", &json!({}), &heading).unwrap_err();
    assert_eq!(
        error,
        "8501 is a heading and cannot be declared: ask for a commodity's 10 digits; 4 codes below it \
         can, such as 8501101010"
    );
}

#[test]
fn the_wider_samples_are_read_or_refused_with_a_reason() {
    let Some(folder) = wider() else { return };
    read_all(&folder, WIDER);
    for (file, kind, expected) in REFUSED {
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let error = parse(kind, &json!({}), &bytes).expect_err(file);
        assert!(error.starts_with(expected), "case: {file}: {error}");
    }
    // Rates by which duties are converted are rates, and read by settings alone.
    let rates =
        std::fs::read(folder.join("uk-trade-tariff/monetary_exchange_rates_xi.json")).unwrap();
    let settings = json!({"format": "json", "rows": "/*/attributes", "home": "EUR",
        "direction": "foreign-per-home", "code": "child_monetary_unit_code",
        "value": "exchange_rate", "date": "validity_start_date", "purpose": "customs"});
    let rates = parse("table", &settings, &rates).unwrap();
    assert_eq!(rates.len(), 67);
    let json = serde_json::to_value(&rates[0]).unwrap();
    assert_eq!((&json["rate"], &json["date"]), (&json!("0.7298"), &json!("2016-01-01")));
    assert_eq!(json["purpose"], "customs");
}
