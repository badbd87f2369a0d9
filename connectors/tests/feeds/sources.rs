//! Addresses with places in braces, as they become documents.

use upturn_connectors::feed::source::{Secrets, Source};
use upturn_connectors::secret::Secret;

fn secrets() -> Secrets {
    [("key", "S3CR3T&x"), ("token", "T0K3N")]
        .map(|(name, text)| (name.to_owned(), Secret::from(text.to_owned())))
        .into()
}

fn source(settings: &serde_json::Value) -> Source {
    serde_json::from_value(settings.clone()).unwrap()
}

#[test]
fn places_stand_for_days_lists_and_secrets() {
    let cases = [
        (serde_json::json!({"address": "https://a.example/x"}), vec!["https://a.example/x"]),
        (
            serde_json::json!({"address": "https://a.example/{year}.json", "ahead": 1}),
            vec!["https://a.example/2026.json", "https://a.example/2027.json"],
        ),
        (
            serde_json::json!({"address": "https://a.example/{year}-{month}", "back": 2}),
            vec![
                "https://a.example/2026-01",
                "https://a.example/2026-02",
                "https://a.example/2026-03",
            ],
        ),
        (
            serde_json::json!({"address": "https://a.example/{date}", "back": 1, "ahead": 1}),
            vec![
                "https://a.example/2026-03-30",
                "https://a.example/2026-03-31",
                "https://a.example/2026-04-01",
            ],
        ),
        (
            serde_json::json!({"address": "https://a.example/?a={from}&b={until}", "back": 30}),
            vec!["https://a.example/?a=2026-03-01&b=2026-03-31"],
        ),
        (
            serde_json::json!({"address": ["https://a.example/{each}", "https://b.example/"],
                "each": "NL, DE"}),
            vec!["https://a.example/NL", "https://a.example/DE", "https://b.example/"],
        ),
        (
            serde_json::json!({"address": "https://a.example/{key}/{m}?k={key}"}),
            vec!["https://a.example/S3CR3T%26x/3?k=S3CR3T%26x"],
        ),
        (
            serde_json::json!({"address": "https://a.example/{ }"}),
            vec!["https://a.example/%7B%20%7D"],
        ),
    ];
    for (settings, expected) in cases {
        let wanted = source(&settings).documents("2026-03-31".parse().unwrap(), &secrets());
        let wanted = wanted.unwrap_or_else(|error| panic!("case: {settings}: {error}"));
        let asked: Vec<_> = wanted.iter().map(|wanted| wanted.ask.url.as_str()).collect();
        assert_eq!(asked, expected, "case: {settings}");
        for wanted in &wanted {
            assert!(!format!("{wanted:?}").contains("S3CR3T"), "case: {settings}: {wanted:?}");
        }
        let ahead: Vec<_> = wanted.iter().map(|wanted| wanted.is_ahead).collect();
        assert_eq!(ahead.contains(&true), settings.get("ahead").is_some(), "case: {settings}");
    }
}

#[test]
fn bodies_and_headers_are_filled_too() {
    let settings = serde_json::json!({"address": "https://a.example/ws", "each": ["AT"],
        "headers": {"Authorization": "Bearer {token}", "API-Version": "1"},
        "body": r#"{"member": "{each}", "on": "{date}"}"#});
    let wanted = source(&settings).documents("2026-03-31".parse().unwrap(), &secrets()).unwrap();
    let ask = &wanted[0].ask;
    assert_eq!(ask.method, "POST");
    assert_eq!(&*ask.body, br#"{"member": "AT", "on": "2026-03-31"}"#);
    assert_eq!(ask.headers["authorization"], "Bearer T0K3N");
    assert!(ask.headers["authorization"].is_sensitive());
    assert!(!ask.headers["api-version"].is_sensitive());
}

#[test]
fn what_cannot_be_is_named() {
    let many: Vec<String> = (0..201).map(|number| number.to_string()).collect();
    let cases = [
        (serde_json::json!({}), "'address': none is set"),
        (serde_json::json!({"address": "a.example"}), "'address': relative URL"),
        (serde_json::json!({"address": "https://a.example/{nope}"}), "no such secret"),
        (serde_json::json!({"address": "https://{key}.example/"}), "name of a host"),
        (
            serde_json::json!({"address": "https://a.example/{each}"}),
            "'each': the address names it",
        ),
        (serde_json::json!({"address": "https://a.example/{each}", "each": ["../x"]}), "letters"),
        (serde_json::json!({"address": "https://a.example/{each}", "each": many}), "more than 200"),
        (serde_json::json!({"address": "https://a.example/{date}", "back": 300}), "more than 200"),
        (serde_json::json!({"address": "https://a.example/{date}", "back": 500}), "at most 400"),
        (serde_json::json!({"address": "https://a.example/", "body": "{key}"}), "use a header"),
        (
            serde_json::json!({"address": "https://a.example/", "headers": {"a b": "x"}}),
            "none that HTTP has",
        ),
        (
            serde_json::json!({"address": "https://a.example/", "headers": {"a": "x\ny: z"}}),
            "none that HTTP has",
        ),
    ];
    for (settings, expected) in cases {
        let error = source(&settings).documents("2026-03-31".parse().unwrap(), &secrets());
        let error = error.unwrap_err().to_string();
        assert!(error.contains(expected), "case: {settings}: {error}");
        assert!(!error.contains("S3CR3T"), "case: {settings}: {error}");
    }
    assert!(serde_json::from_value::<Source>(serde_json::json!({"adress": "x"})).is_err());
}
