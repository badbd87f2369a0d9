//! Which measures of a tariff apply to goods, and what a person has to decide.
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

use std::sync::Arc;

use upturn_core::duty::assess::{Assessment, Decision, Question, QuestionError, assess};
use upturn_core::duty::evaluate::Basis;
use upturn_core::fact::duty::{AdditionalCode, Area, Charge, Condition, Kind, Measure, Members};
use upturn_core::fact::place::Country;
use upturn_core::fact::validity::Validity;
use upturn_core::money::Currency;

const GOODS: &str = "2924297099";

/// A measure: rule, kind, origin (`*`, a country, or `A+B-C`), duty, additional code.
struct Row(&'static str, Kind, &'static str, &'static str, &'static str);

fn country(code: &str) -> Country {
    code.parse().unwrap()
}

fn area(text: &str) -> Area {
    if text == "*" {
        return Area::everywhere();
    }
    let (members, excluded) = text.split_once('-').unwrap_or((text, ""));
    let countries = |text: &str| text.split('+').filter(|c| !c.is_empty()).map(country).collect();
    let members: Vec<Country> = countries(members);
    Area {
        code: text.to_owned(),
        name: text.to_owned(),
        members: Members::Countries(Arc::from(members)),
        excluded: countries(excluded),
    }
}

fn measure(Row(rule, kind, origin, duty, code): &Row) -> Measure {
    Measure {
        source: "test".to_owned(),
        rule: (*rule).to_owned(),
        destination: Country::GB,
        commodity: GOODS.to_owned(),
        origin: area(origin),
        kind: *kind,
        name: format!("{kind:?}"),
        charge: Charge::read(duty),
        additional_code: (!code.is_empty())
            .then(|| AdditionalCode { code: (*code).to_owned(), description: String::new() }),
        conditions: Vec::new(),
        order_number: None,
        preference: None,
        reduction: None,
        legal_acts: Vec::new(),
        valid: Validity::new(Some("2025-01-01".parse().unwrap()), None).unwrap(),
    }
}

fn question(origin: &str) -> Question<'static> {
    Question {
        destination: Country::GB,
        commodity: GOODS,
        origin: country(origin),
        day: "2025-07-14".parse().unwrap(),
        additional_codes: None,
        has_proof_of_origin: false,
        claim: None,
    }
}

/// A chemical's real measures, in small.
fn tariff() -> Vec<Measure> {
    [
        Row("third-0", Kind::ThirdCountry, "*", "0.00 %", "2500"),
        Row("third-6", Kind::ThirdCountry, "*", "6.00 %", "2501"),
        Row("suspended", Kind::Suspension, "*", "0.00 %", ""),
        Row("quota", Kind::Quota, "CN", "2.00 %", ""),
        Row("preference", Kind::Preference, "ID+IN-IN", "2.20 %", ""),
        Row("sanction", Kind::Additional, "RU", "35.00 %", ""),
        Row("vat-0", Kind::Vat, "*", "0.00 %", "VATZ"),
        Row("vat-20", Kind::Vat, "*", "20.00 %", ""),
        Row("drugs", Kind::Control, "*", "", ""),
        Row("items", Kind::SupplementaryUnit, "*", "p/st", ""),
    ]
    .iter()
    .map(measure)
    .collect()
}

/// Returns a decision in words: `6.00 %`, `6.00 % + 35.00 %`, or the questions.
fn words(decision: &Decision<'_>) -> String {
    let duty = |measure: &Measure| match &measure.charge {
        Charge::Duty(expression) => expression.to_string(),
        Charge::Unit(_) | Charge::Nothing | Charge::Unread { .. } => "?".to_owned(),
    };
    match decision {
        Decision::Nothing => "nothing".to_owned(),
        Decision::One(one) => {
            let all = std::iter::once(&one.base).chain(&one.additional);
            all.map(|measure| duty(measure)).collect::<Vec<_>>().join(" + ")
        }
        Decision::NeedsPerson(open) => {
            let questions: Vec<_> = open.questions.iter().map(ToString::to_string).collect();
            format!("{} of {}", questions.join("; "), open.candidates.len())
        }
    }
}

fn rules<'m>(measures: &[&'m Measure]) -> Vec<&'m str> {
    measures.iter().map(|measure| &*measure.rule).collect()
}

fn asked<'m>(measures: &'m [Measure], question: &Question<'_>) -> Assessment<'m> {
    assess(measures, question).unwrap()
}

/// Checks what `cases` name: the duty's and VAT's words.
fn check(cases: &[(&str, Question<'_>, &str, &str)]) {
    let measures = tariff();
    for (name, question, duty, vat) in cases {
        let assessment = asked(&measures, question);
        assert_eq!(words(&assessment.duty), *duty, "case: {name}");
        assert_eq!(words(&assessment.vat), *vat, "case: {name}");
        assert_eq!(rules(&assessment.stops), ["drugs"], "case: {name}");
        assert_eq!(rules(&assessment.units), ["items"], "case: {name}");
    }
}

#[test]
fn additional_codes_decide_or_a_person_is_asked() {
    check(&[
        (
            "nobody said which code",
            question("CN"),
            "it depends on the additional code: 2500, 2501 of 2",
            "it depends on the additional code: VATZ of 2",
        ),
        (
            "the code decides, and VAT has none then",
            Question { additional_codes: Some(&["2501"]), ..question("CN") },
            "6.00 %",
            "20.00 %",
        ),
        (
            "a code for both",
            Question { additional_codes: Some(&["2501", "VATZ"]), ..question("CN") },
            "6.00 %",
            "0.00 %",
        ),
        (
            "a code that no measure has",
            Question { additional_codes: Some(&["9999"]), ..question("CN") },
            "it depends on the additional code: 2500, 2501 of 2",
            "20.00 %",
        ),
    ]);
}

#[test]
fn preferences_options_and_additional_duties_have_their_conditions() {
    check(&[
        (
            "a preference only with proof",
            Question { additional_codes: Some(&["2501"]), ..question("ID") },
            "6.00 %",
            "20.00 %",
        ),
        (
            "with proof",
            Question { has_proof_of_origin: true, additional_codes: Some(&[]), ..question("ID") },
            "2.20 %",
            "20.00 %",
        ),
        (
            "proof helps nobody who is excluded",
            Question {
                has_proof_of_origin: true,
                additional_codes: Some(&["2501"]),
                ..question("IN")
            },
            "6.00 %",
            "20.00 %",
        ),
        (
            "additional duties are added",
            Question { additional_codes: Some(&["2501"]), ..question("RU") },
            "6.00 % + 35.00 %",
            "20.00 %",
        ),
        (
            "to each candidate",
            Question { additional_codes: Some(&[]), ..question("RU") },
            "it depends on the additional code: 2500, 2501 of 2",
            "20.00 %",
        ),
        (
            "a suspension that is claimed",
            Question { claim: Some("suspended"), additional_codes: Some(&[]), ..question("RU") },
            "0.00 % + 35.00 %",
            "20.00 %",
        ),
        (
            "a quota that is another origin's",
            Question { claim: Some("quota"), additional_codes: Some(&[]), ..question("US") },
            "rule quota cannot be claimed for these goods of 1",
            "20.00 %",
        ),
    ]);
    let measures = tariff();
    let options = asked(&measures, &question("CN")).options;
    assert_eq!(rules(&options), ["suspended", "quota"]);
    assert_eq!(rules(&asked(&measures, &question("ID")).options), ["preference", "suspended"]);
}

#[test]
fn a_candidate_comes_to_the_sum_of_its_rules() {
    let measures = tariff();
    let question = Question { additional_codes: Some(&["2501"]), ..question("RU") };
    let Decision::One(one) = asked(&measures, &question).duty else { panic!("one is expected") };
    let basis = Basis {
        currency: Currency::GBP,
        customs_value: "1000".parse().unwrap(),
        retail_price: None,
        quantities: &[],
        rates: &[],
        day: question.day,
    };
    let total = one.evaluate(&basis).unwrap();
    assert_eq!(total.amount.normalize().to_string(), "410");
    let parts: Vec<_> = total.parts.iter().map(|part| (&*part.source, &*part.rule)).collect();
    assert_eq!(parts, [("test", "third-6"), ("test", "sanction")]);
}

#[test]
fn what_is_not_known_is_never_filled_in() {
    let measures = tariff();
    let on = |text: &str| text.parse().unwrap();
    let cases = [
        ("before the measures", GOODS, "GB", "2024-12-31", "no duty of GB is known"),
        ("other goods", "8504409090", "GB", "2025-07-14", "no duty of GB is known"),
        // A British measure never prices an import of the Union.
        ("the Union", GOODS, "DE", "2025-07-14", "no duty of EU is known"),
        ("another country", GOODS, "CH", "2025-07-14", "no duty of CH is known"),
    ];
    for (name, commodity, destination, day, expected) in cases {
        let destination = country(destination);
        let question = Question { commodity, destination, day: on(day), ..question("CN") };
        let assessment = asked(&measures, &question);
        let said = words(&assessment.duty);
        assert!(said.starts_with(expected) && said.ends_with(" of 0"), "case: {name}: {said}");
        assert_eq!(assessment.vat, Decision::Nothing, "case: {name}");
    }
    for commodity in ["8501", "85044090", "850440909a", "", "85044090901"] {
        let error = assess(&measures, &Question { commodity, ..question("CN") }).unwrap_err();
        assert_eq!(error, QuestionError::NotDeclarable(commodity.to_owned()));
        assert!(error.to_string().contains("10 digits"));
    }
}

#[test]
fn what_nobody_here_can_reckon_goes_to_a_person() {
    let by_condition = Measure {
        conditions: vec![Condition {
            code: "V".to_owned(),
            requirement: None,
            document: None,
            action: "Apply the amount of the action".to_owned(),
            duty: Some("9.96 GBP / % vol/hl".to_owned()),
        }],
        ..measure(&Row("entry-price", Kind::ThirdCountry, "*", "3.00 %", ""))
    };
    let cases = [
        (
            vec![measure(&Row("odd", Kind::ThirdCountry, "*", "3 euro a dozen", ""))],
            "the charge of rule odd is not read: '3 euro a dozen' is no duty, such as '12.00 %' or \
             '35.10 EUR / 100 kg' of 1",
        ),
        (vec![by_condition], "rule entry-price depends on its conditions of 1"),
        (
            vec![
                measure(&Row("third", Kind::ThirdCountry, "*", "3.00 %", "")),
                measure(&Row("price", Kind::Other, "*", "1.00 EUR / kg", "")),
            ],
            "rule price ('Other') needs a look of 1",
        ),
        (
            vec![
                measure(&Row("one", Kind::ThirdCountry, "*", "3.00 %", "")),
                measure(&Row("two", Kind::ThirdCountry, "CN", "4.00 %", "")),
            ],
            "several rules apply: one, two of 2",
        ),
        (
            vec![
                measure(&Row("third", Kind::ThirdCountry, "*", "3.00 %", "")),
                measure(&Row("dumping-a", Kind::Additional, "CN", "20.00 %", "C100")),
                measure(&Row("dumping-b", Kind::Additional, "CN", "40.00 %", "C999")),
            ],
            "it depends on the additional code: C100, C999 of 2",
        ),
    ];
    for (measures, expected) in cases {
        assert_eq!(words(&asked(&measures, &question("CN")).duty), expected);
    }
}

#[test]
fn rules_that_levy_the_same_need_no_decision_and_longer_codes_come_first() {
    let same = [
        measure(&Row("bilateral", Kind::Preference, "JP", "0.00 %", "")),
        measure(&Row("pacific", Kind::Preference, "JP+AU", "0.00 %", "")),
    ];
    let question = Question { has_proof_of_origin: true, ..question("JP") };
    let Decision::One(one) = asked(&same, &question).duty else { panic!("one is expected") };
    assert_eq!((&*one.base.rule, rules(&one.same)), ("bilateral", vec!["pacific"]));

    let row = Row("heading", Kind::ThirdCountry, "*", "5 %", "");
    let heading = Measure { commodity: "2924".to_owned(), ..measure(&row) };
    let own = measure(&Row("own", Kind::ThirdCountry, "*", "6 %", ""));
    let both = [heading.clone(), own];
    assert_eq!(words(&asked(&both, &question).duty), "6 %");
    assert_eq!(words(&asked(&[heading], &question).duty), "5 %");
}
