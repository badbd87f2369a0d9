//! What is answered from what sources publish.

use std::collections::BTreeSet;

use serde_json::json;
use upturn_core::duty::assess::{Decision, Question, assess};
use upturn_core::fact::duty::Members;
use upturn_core::fact::goods::Nomenclature;
use upturn_core::tax::{Asked, TaxTable};

use super::{country, duty, facts, goods, measures, parse, taxes, wider};

/// Asks `tables` in their order for a standard rate; what each says, by its rules.
fn standard(table: &TaxTable, asked: &str, day: &str) -> String {
    let mut words = asked.split(' ');
    let of = country(words.next().unwrap());
    let mut question = Asked::country(of);
    for word in words {
        match word.split_once('=').unwrap() {
            ("region", region) => question.region = Some(region),
            ("postcode", postcode) => question.postcode = Some(postcode),
            (_, territory) => question.territory = Some(territory),
        }
    }
    match table.standard(&question, day.parse().unwrap()) {
        Ok(answer) => {
            let rules: Vec<_> =
                answer.rates.iter().map(|rate| format!("{} {}", rate.source, rate.rule)).collect();
            format!("{} by {}", answer.percent, rules.join(" and "))
        }
        Err(unknown) => unknown.to_string(),
    }
}

/// Checks what `cases` say of a place and a day.
fn check(cases: &[(&TaxTable, &str, &str, &str)]) {
    for (table, asked, day, expected) in cases {
        assert_eq!(standard(table, asked, day), *expected, "case: {asked} {day}");
    }
}

fn table(file: &str, kind: &str) -> TaxTable {
    TaxTable::of(taxes(facts(file, kind))).unwrap()
}

#[test]
fn vat_is_answered_for_a_country_its_parts_and_a_day() {
    let ibericode = table("ibericode.json", "ibericode");
    let history = table("vat-history.csv", "vat-history");
    check(&[
        (&ibericode, "DE", "2020-06-30", "19 by ibericode DE/standard/always"),
        (&ibericode, "DE", "2020-07-01", "16 by ibericode DE/standard/2020-07-01"),
        (&ibericode, "DE", "2020-12-31", "16 by ibericode DE/standard/2020-07-01"),
        (&ibericode, "DE", "2021-01-01", "19 by ibericode DE/standard/2021-01-01"),
        (&ibericode, "IE", "2021-02-28", "21 by ibericode IE/standard/2020-09-01"),
        (&ibericode, "EE", "2025-06-30", "22 by ibericode EE/standard/2025-01-01"),
        (&ibericode, "EE", "2025-07-01", "24 by ibericode EE/standard/2025-07-01"),
        (&ibericode, "FI", "2024-09-01", "25.5 by ibericode FI/standard/2024-09-01"),
        (&ibericode, "RO", "2025-08-01", "21 by ibericode RO/standard/2025-08-01"),
        (&ibericode, "EL", "2025-01-01", "24 by ibericode GR/standard/2016-06-01"),
        (
            &ibericode,
            "ES postcode=35001",
            "2025-01-01",
            "0 by ibericode ES/Canary Islands/standard/always",
        ),
        (&ibericode, "ES postcode=28001", "2025-01-01", "21 by ibericode ES/standard/always"),
        (
            &ibericode,
            "PT postcode=9000-123",
            "2025-01-01",
            "22 by ibericode PT/Madeira/standard/always",
        ),
        (&ibericode, "GB", "2011-01-03", "the tax of GB is not known for 2011-01-03"),
        (&ibericode, "US", "2025-01-01", "no tax is known for US"),
        (&history, "DE", "2020-08-01", "16 by vat-history DE/standard/2020-07-01"),
        (&history, "DE", "1967-12-31", "the tax of DE is not known for 1967-12-31"),
        (&history, "ES territory=CN", "2025-01-01", "0 by vat-history ES-CN/standard/2012-09-01"),
        (
            &history,
            "AT postcode=6691",
            "2025-01-01",
            "19 by vat-history AT-6691/standard/1984-01-01",
        ),
    ]);
}

#[test]
fn taxes_of_the_world_are_answered_with_what_states_add() {
    let world = table("sales-tax.json", "sales-tax");
    let tedb = table("tedb_AT.xml", "tedb");
    check(&[
        (&world, "CN", "2025-01-01", "13 by sales-tax CN/vat/always"),
        (&world, "DE", "2020-08-01", "16 by sales-tax DE/vat/2020-07-01"),
        (
            &world,
            "CA region=ON",
            "2025-05-01",
            "13 by sales-tax CA/gst/always and sales-tax CA-ON/hst/always",
        ),
        (
            &world,
            "CA region=NS",
            "2025-03-31",
            "15 by sales-tax CA/gst/always and sales-tax CA-NS/hst/always",
        ),
        (
            &world,
            "CA region=NS",
            "2025-04-01",
            "14 by sales-tax CA/gst/always and sales-tax CA-NS/hst/2025-04-01",
        ),
        (
            &world,
            "US region=CA",
            "2025-01-01",
            "8.25 by sales-tax US/none/always and sales-tax US-CA/vat/always",
        ),
        (
            &world,
            "ES region=TF",
            "2025-01-01",
            "7 by sales-tax ES/vat/always and sales-tax ES-TF/igic/always",
        ),
        (&world, "US region=OR", "2025-01-01", "no tax is known for 'OR' of US on 2025-01-01"),
        (
            &world,
            "US",
            "2025-01-01",
            "the tax of US differs between its states; say which one it is",
        ),
        (&tedb, "AT", "2024-06-01", "20.0 by tedb AT/DEFAULT/everything/all/20.0/2024-01-01"),
        (&tedb, "AT", "2023-12-31", "the tax of AT is not known for 2023-12-31"),
    ]);
    let day = "2024-06-01".parse().unwrap();
    let reduced = tedb.reduced(country("AT"), day, "8541430000");
    let reduced: Vec<_> = reduced.iter().map(|rate| &*rate.label).collect();
    assert_eq!(reduced, ["EXEMPTED"]);
}

#[test]
fn a_real_tariff_gives_one_candidate_or_asks_a_person() {
    let measures = measures(facts("uk_commodity_2924297099.json", "uk-tariff"));
    let ask = |destination: &str, origin: &str, codes: Option<&'static [&'static str]>, proof| {
        let question = Question {
            destination: country(destination),
            commodity: "2924297099",
            origin: country(origin),
            day: "2025-07-14".parse().unwrap(),
            additional_codes: codes,
            has_proof_of_origin: proof,
            claim: None,
        };
        assess(&measures, &question).unwrap()
    };
    let code: Option<&'static [&'static str]> = Some(&["2501"]);
    let open = "it depends on the additional code: 2500, 2501";
    let cases = [
        ("GB", "CN", None, false, open),
        ("GB", "CN", code, false, "20200911"),
        ("GB", "CN", code, true, "20200911"),
        ("GB", "ID", code, false, "20200911"),
        ("GB", "ID", code, true, "20214231"),
        ("GB", "IN", code, true, "20200911"),
        ("GB", "RU", code, false, "20200911 + 20185934"),
        ("GB", "RS", code, true, "20136062"),
        ("GB", "DE", code, true, "20125865"),
        ("DE", "CN", code, false, "no duty of EU is known for 2924297099 on 2025-07-14"),
    ];
    for (destination, origin, codes, proof, expected) in cases {
        let assessment = ask(destination, origin, codes, proof);
        assert_eq!(duty(&assessment), expected, "case: {origin} to {destination}, {proof}");
    }
    let assessment = ask("GB", "UA", code, false);
    let stops: Vec<_> = assessment.stops.iter().map(|measure| &*measure.name).collect();
    assert_eq!(
        stops,
        ["Home Office Controlled Drugs (import)", "Restriction on entry into free circulation"]
    );
    let documents: Vec<_> =
        assessment.stops[0].conditions.iter().filter_map(|c| c.document.as_deref()).collect();
    assert_eq!(documents, ["9113", "913Y"]);
    let options: Vec<_> = assessment.options.iter().map(|measure| &*measure.rule).collect();
    assert_eq!(options, ["20260377", "20122052"]);
}

#[test]
fn a_whole_tariff_is_decided_for_every_origin_once_the_code_is_said() {
    let Some(folder) = wider() else { return };
    let file = folder.join("uk-trade-tariff/commodity_2924297099_uk_2025-07-14.json");
    let bytes = std::fs::read(file).unwrap();
    let measures = measures(parse("uk-tariff", &json!({}), &bytes).unwrap());
    let origins: BTreeSet<_> = measures
        .iter()
        .filter_map(|measure| match &measure.origin.members {
            Members::Countries(countries) => Some(countries.iter().copied()),
            Members::Everyone => None,
        })
        .flatten()
        .collect();
    assert!(200 < origins.len(), "{}", origins.len());
    let mut added = Vec::new();
    for origin in origins {
        for has_proof_of_origin in [false, true] {
            let question = Question {
                destination: country("GB"),
                commodity: "2924297099",
                origin,
                day: "2025-07-14".parse().unwrap(),
                additional_codes: Some(&["2501"]),
                has_proof_of_origin,
                claim: None,
            };
            let assessment = assess(&measures, &question).unwrap();
            let Decision::One(one) = &assessment.duty else { panic!("case: {origin}") };
            added.extend((!one.additional.is_empty()).then(|| origin.to_string()));
            assert!(matches!(assessment.vat, Decision::One(_) | Decision::Nothing));
        }
    }
    assert_eq!(added, ["BY", "BY", "RU", "RU"]);
}

#[test]
fn the_nomenclature_is_searched_by_code_and_by_words() {
    let nomenclature = Nomenclature::of(goods(facts("harmonized-system.csv", "harmonized-system")));
    let codes = |text| -> Vec<&str> {
        nomenclature.search(text, 3).iter().map(|goods| &*goods.code).collect()
    };
    assert_eq!(codes("static converters"), ["8504", "850440", "850490"]);
    assert_eq!(codes("respiration"), ["9019", "901920"]);
    assert_eq!(codes("9019"), ["9019", "901910", "901920"]);
    assert_eq!(nomenclature.find("8504409090").unwrap().code, "850440");
}
