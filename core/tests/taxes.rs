//! Which tax is levied somewhere on a day, and when nobody knows.
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

use upturn_core::fact::place::Country;
use upturn_core::fact::tax::{Bounds, Category, Levy, Postcodes, Scope, TaxRate, Territory};
use upturn_core::fact::validity::Validity;
use upturn_core::tax::{Asked, TaxAnswer, TaxTable, TaxUnknown};

/// A rate: country, region (`+ON` adds), territory (a pattern of postcodes, or `=CODE`), percent, days.
struct Row(&'static str, &'static str, &'static str, &'static str, &'static str);

fn country(code: &str) -> Country {
    code.parse().unwrap()
}

fn rate(Row(of, region, territory, percent, days): &Row) -> TaxRate {
    let (from, until) = days.split_once("..").unwrap();
    let day = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
    let bounds = |text: &str| match text.strip_prefix('=') {
        Some(code) => Bounds::Codes(vec![code.to_owned()]),
        None => Bounds::Postcodes(Postcodes::new(text).unwrap()),
    };
    TaxRate {
        source: "test".to_owned(),
        rule: format!("{of}{region}{territory}/{from}"),
        country: country(of),
        region: (!region.is_empty()).then(|| region.trim_start_matches('+').to_owned()),
        territory: (!territory.is_empty())
            .then(|| Territory { name: (*territory).to_owned(), bounds: bounds(territory) }),
        levy: if *of == "US" && region.is_empty() { Levy::None } else { Levy::Vat },
        category: Category::Standard,
        label: "standard".to_owned(),
        percent: percent.parse().unwrap(),
        is_supplement: region.starts_with('+'),
        scope: Scope::default(),
        valid: Validity::new(day(from), day(until)).unwrap(),
    }
}

fn table() -> TaxTable {
    let rows = [
        Row("DE", "", "", "19", "..2020-06-30"),
        Row("DE", "", "", "16", "2020-07-01..2020-12-31"),
        Row("DE", "", "", "19", "2021-01-01.."),
        Row("DE", "", "78266", "0", "2021-01-01.."),
        Row("EE", "", "", "24", "2025-07-01.."),
        Row("ES", "", "", "21", "2012-09-01.."),
        Row("ES", "", "=CN", "0", "2012-09-01.."),
        Row("GR", "", "", "24", "2016-06-01.."),
        Row("GR", "", "=34007", "16", "2010-07-01..2016-05-31"),
        Row("CA", "", "", "5", ".."),
        Row("CA", "+ON", "", "8", ".."),
        Row("CA", "+NS", "", "9", "2025-04-01.."),
        Row("US", "", "", "0", ".."),
        Row("US", "+CA", "", "8.25", ".."),
    ];
    TaxTable::of(rows.iter().map(rate)).unwrap()
}

fn words(answer: &Result<TaxAnswer<'_>, TaxUnknown>) -> String {
    match answer {
        Ok(answer) => {
            let rules: Vec<_> = answer.rates.iter().map(|rate| &*rate.rule).collect();
            format!("{} by {}", answer.percent, rules.join(" and "))
        }
        Err(unknown) => unknown.to_string(),
    }
}

#[test]
fn each_answer_names_its_rules_or_why_there_is_none() {
    let table = table();
    let cases = [
        ("DE", "", "", "", "2020-06-30", "19 by DE/"),
        ("DE", "", "", "", "2020-07-01", "16 by DE/2020-07-01"),
        ("DE", "", "", "", "2020-12-31", "16 by DE/2020-07-01"),
        ("DE", "", "", "", "2021-01-01", "19 by DE/2021-01-01"),
        ("DE", "", "78266", "", "2021-01-01", "0 by DE78266/2021-01-01"),
        ("DE", "", "10115", "", "2021-01-01", "19 by DE/2021-01-01"),
        ("EE", "", "", "", "2025-06-30", "the tax of EE is not known for 2025-06-30"),
        ("ES", "", "", "CN", "2025-01-01", "0 by ES=CN/2012-09-01"),
        ("ES", "", "", "XX", "2025-01-01", "no tax is known for 'XX' of ES on 2025-01-01"),
        ("EL", "", "", "", "2025-01-01", "24 by GR/2016-06-01"),
        ("GR", "", "34007", "", "2025-01-01", "24 by GR/2016-06-01"),
        ("GR", "", "", "34007", "2025-01-01", "no tax is known for '34007' of GR on 2025-01-01"),
        ("CA", "ON", "", "", "2025-01-01", "13 by CA/ and CA+ON/"),
        ("CA", "AB", "", "", "2025-01-01", "5 by CA/"),
        ("CA", "NS", "", "", "2025-01-01", "no tax is known for 'NS' of CA on 2025-01-01"),
        (
            "CA",
            "",
            "",
            "",
            "2025-01-01",
            "the tax of CA differs between its states; say which one it is",
        ),
        ("US", "CA", "", "", "2025-01-01", "8.25 by US/ and US+CA/"),
        ("US", "OR", "", "", "2025-01-01", "no tax is known for 'OR' of US on 2025-01-01"),
        ("BR", "", "", "", "2025-01-01", "no tax is known for BR"),
    ];
    let some = |text: &'static str| (!text.is_empty()).then_some(text);
    for (of, region, postcode, territory, day, expected) in cases {
        let asked = Asked {
            country: country(of),
            region: some(region),
            postcode: some(postcode),
            territory: some(territory),
        };
        let answer = table.standard(&asked, day.parse().unwrap());
        let name = format!("{of} {region} {postcode} {territory} {day}");
        assert_eq!(words(&answer), expected, "case: {name}");
    }
}

#[test]
fn an_answer_without_a_postcode_names_where_it_is_another() {
    let table = table();
    let day = "2025-01-01".parse().unwrap();
    let answer = table.standard(&Asked::country(country("DE")), day).unwrap();
    let elsewhere: Vec<_> = answer.elsewhere.iter().map(|rate| &*rate.rule).collect();
    assert_eq!(elsewhere, ["DE78266/2021-01-01"]);
    let asked = Asked { postcode: Some("10115"), ..Asked::country(country("DE")) };
    assert!(table.standard(&asked, day).unwrap().elsewhere.is_empty());
}

#[test]
fn rates_that_contradict_each_other_make_no_table() {
    let cases = [
        ("the same day", ["19", "20"], ["2020-01-01..", "2020-06-01.."], false),
        ("one day", ["19", "20"], ["2020-01-01..2020-06-01", "2020-06-01.."], false),
        ("one after the other", ["19", "20"], ["2020-01-01..2020-05-31", "2020-06-01.."], true),
        ("without a beginning", ["19", "20"], ["..2020-06-01", "2020-06-01.."], false),
        ("the same percent", ["19", "19.0"], ["2020-01-01..", "2020-06-01.."], true),
    ];
    for (name, percents, days, is_sound) in cases {
        let rows = [0, 1].map(|i| rate(&Row("DE", "", "", percents[i], days[i])));
        assert_eq!(TaxTable::of(rows).is_ok(), is_sound, "case: {name}");
    }
    // The one that begins first goes on longest, and clashes with the last.
    let rows = [
        Row("DE", "", "", "19", "2020-01-01..2020-12-31"),
        Row("DE", "", "", "19", "2020-02-01..2020-02-28"),
        Row("DE", "", "", "16", "2020-07-01..2020-08-31"),
    ];
    assert!(TaxTable::of(rows.iter().map(rate)).is_err());
}
