//! What conditions say of an event, test by test.

use super::*;

/// A condition, and its terms as `text = value: holds`.
const EXPLAINED: &[(&str, &[&str])] = &[
    ("event.code != \"X\"", &["event.code != \"X\" = \"Y\": true"]),
    ("event.code=='X'", &["event.code == \"X\" = \"Y\": false"]),
    ("3.50 <= event.n", &["3.5 <= event.n = 3: false"]),
    (
        "event.code == \"X\" && (event.n > 2 || event.n < 1u)",
        &["event.code == \"X\" = \"Y\": false", "event.n > 2 = 3: true", "event.n < 1 = 3: false"],
    ),
    ("!(event.n > 2 && !(event.yes))", &["!(event.n > 2) = 3: false", "event.yes = true: true"]),
    ("event.n in [3, 4.5, \"a\"]", &["event.n in [3, 4.5, \"a\"] = 3: true"]),
    ("!(event.n in [3])", &["!(event.n in [3]) = 3: false"]),
    ("!event.code.startsWith(\"Y\")", &["!event.code.startsWith(\"Y\") = \"Y\": false"]),
    ("!event.code.matches(r'^\\d')", &["!event.code.matches(\"^\\\\d\") = \"Y\": true"]),
    ("event.code.endsWith(\"a\\\"b\")", &["event.code.endsWith(\"a\\\"b\") = \"Y\": false"]),
    ("has(event.nothing)", &["event.nothing != null = null: false"]),
    ("event.nothing < 3", &["event.nothing < 3 = null: error"]),
    ("event.code < 3", &["event.code < 3 = \"Y\": error"]),
    (
        "event[\"co-de\"] == event.within.deep",
        &[
            "event[\"co-de\"] == event.within.deep = {\"event[\\\"co-de\\\"]\":\"z\",\"event.within.deep\":[1,\"a\"]}: false",
        ],
    ),
    ("event.n == event.n", &["event.n == event.n = 3: true"]),
    ("device.model == 'X7'", &["device.model == \"X7\" = \"X7\": true"]),
    ("site.region == \"south\"", &["site.region == \"south\" = \"north\": false"]),
    ("true", &["true = -: true"]),
    // What the library evaluates has its own text.
    ("event.n  +  1 > 3", &["event.n  +  1 > 3 = 3: true"]),
    ("3 < ( ( event.n + 1 ) )", &["3 < ( ( event.n + 1 ) ) = 3: true"]),
    ("(event.n + 1) * 2 == 8 && true", &["(event.n + 1) * 2 == 8 = 3: true", "true = -: true"]),
    ("true || size(event.list) > 5", &["true = -: true", "size(event.list) > 5 = [1,2]: false"]),
    ("event.list[0] == 1", &["event.list[0] == 1 = [1,2]: true"]),
    ("event.code.size() == size(\")\")", &["event.code.size() == size(\")\") = \"Y\": true"]),
    ("(event.yes ? 1 : 2) == 1", &["(event.yes ? 1 : 2) == 1 = true: true"]),
    (
        "!(event.n / event.zero > 1)",
        &["!(event.n / event.zero > 1) = {\"event.n\":3,\"event.zero\":0}: error"],
    ),
];

#[test]
fn says_of_each_single_test_what_it_read_and_whether_it_holds() {
    let event = event(&json!({
        "code": "Y", "n": 3, "yes": true, "co-de": "z", "within": { "deep": [1, "a"] },
        "list": [1, 2], "zero": 0,
    }));
    let registry = registry();
    for (text, expected) in EXPLAINED {
        let terms = compiled(text).explain(&Facts::new(&event, &registry));
        let said = terms.into_iter().map(|term| {
            let Term { text, value, holds } = term;
            let value = value.unwrap_or_else(|| "-".to_owned());
            format!("{text} = {value}: {}", holds.map_or("error".to_owned(), |h| h.to_string()))
        });
        assert_eq!(said.collect::<Vec<_>>(), *expected, "case: {text}");
    }
}

#[test]
fn a_condition_of_single_tests_holds_where_they_all_do() {
    let event = event(&json!({ "code": "Y", "n": 3 }));
    for text in ["event.code == \"Y\" && !(event.n > 3)", "!(event.code == \"Y\" || event.n > 3)"] {
        let condition = compiled(text);
        let terms = condition.explain(&Facts::new(&event, &Registry::default()));
        let holds = terms.iter().all(|term| term.holds == Some(true));
        assert_eq!(
            condition.judge(&Facts::new(&event, &Registry::default())),
            Some(holds),
            "case: {text}"
        );
    }
}
