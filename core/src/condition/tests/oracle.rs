//! Our own programs against the library.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// Returns what the library says of `program` when it gets maps with a null for what is absent.
fn oracle(program: &cel::Program, event: &Event, registry: &Registry) -> bool {
    let mut context = cel::Context::default();
    for root in Catalogue::ROOTS {
        let fields = Catalogue::find_fields(root).unwrap_or(Catalogue::event_parts());
        let names = fields.iter().map(|field| field.name).chain(["a", "b", "c"]);
        let names: BTreeSet<_> = names.collect();
        let values = names.into_iter().map(|name| (name, value(root, name, event, registry)));
        context.add_variable(*root, values.collect::<BTreeMap<_, _>>()).unwrap();
    }
    program.execute(&context) == Ok(cel::Value::Bool(true))
}

fn value(root: &str, name: &str, event: &Event, registry: &Registry) -> Value {
    let device = registry.devices.get(&event.device);
    match (root, name) {
        ("event", "id") => json!(event.id.as_str()),
        ("event", "device") | ("device", "id") => json!(event.device.as_str()),
        ("event", "kind") => json!(&*event.kind),
        ("event", "seq") => json!(event.seq),
        ("event", name) => event.attributes.find(name).unwrap_or_default(),
        ("device", "model") => json!(device.map(|device| &*device.model)),
        ("site", "region") => json!(device.map(|_| "north")),
        _ => Value::Null,
    }
}

/// Returns what our own program says, without asking whether its types make sense: the library
/// does not ask either.
fn ours(text: &str) -> Test {
    let program = syntax::parse(text).unwrap();
    lower::test(program.expression(), program.source_info())
}

fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!("X"),
        json!("XY"),
        json!(""),
        json!(3),
        json!(-3),
        json!(3.0),
        json!(3.5),
        json!(true),
        json!(false),
        json!(["X", 3]),
        json!(["X", 3.0]),
        json!({ "X": 3 }),
        json!(9_007_199_254_740_993_i64),
        json!(9_007_199_254_740_992_i64),
        json!(9_007_199_254_740_992.0),
        json!(u64::MAX),
    ]
}

#[test]
fn the_program_and_the_library_agree_on_every_pair_of_values() {
    let tests = [
        "event.a == event.b",
        "event.a != event.b",
        "event.a < event.b",
        "event.a <= event.b",
        "event.a > event.b",
        "event.a >= event.b",
        "!(event.a < event.b)",
        "event.a in [event.b, \"Y\"]",
        "!(event.a in [event.b, 3])",
        "event.a.startsWith(event.b)",
        "event.a.endsWith(event.b)",
        "event.a.contains(event.b)",
        "!event.a.contains(event.b)",
        "event.a && event.b",
        "event.a || event.b",
        "!(event.a && event.b)",
        "!(event.a || event.b)",
        "event.a || event.b == 3",
        "event.a < 3 && event.b < 3",
        "!(event.a < 3 && event.b < 3)",
        "!(event.a < 3 || event.b < 3)",
    ];
    let registry = registry();
    let mut held = 0;
    for text in tests {
        let test = ours(text);
        let program = cel::Program::compile(text).unwrap();
        for a in values() {
            for b in values() {
                let event = event(&json!({ "a": a, "b": b }));
                let holds = test.evaluate(&Facts::new(&event, &registry)) == Some(true);
                let expected = oracle(&program, &event, &registry);
                assert_eq!(holds, expected, "case: {text} with {a} and {b}");
                held += usize::from(holds);
            }
        }
    }
    assert!(1_000 < held, "held {held} times");
}

fn operand() -> impl Strategy<Value = String> {
    let written = vec![
        "event.a",
        "event.b",
        "event.c",
        "event.seq",
        "event.id",
        "device.model",
        "site.region",
        "account.owner",
        "\"X\"",
        "3",
        "-3",
        "3.5",
        "7u",
        "true",
        "null",
    ];
    prop::sample::select(written).prop_map(str::to_owned)
}

fn test() -> impl Strategy<Value = String> {
    let comparison = prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="]);
    let leaf = prop_oneof![
        4 => (operand(), comparison, operand()).prop_map(|(l, c, r)| format!("{l} {c} {r}")),
        2 => (operand(), prop::collection::vec(operand(), 1..4))
            .prop_map(|(l, items)| format!("{l} in [{}]", items.join(", "))),
        1 => prop::sample::select(vec!["event.a", "event.b", "true", "false"])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|test| format!("!({test})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) && ({b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) || ({b})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_program_and_the_library_agree(
        text in test(),
        all in prop::collection::vec(prop::collection::vec(prop::sample::select(values()), 3), 20),
        is_registered in any::<bool>(),
    ) {
        let registry = if is_registered { registry() } else { Registry::default() };
        let test = ours(&text);
        let program = cel::Program::compile(&text).unwrap();
        for values in all {
            let event = event(&json!({ "a": values[0], "b": values[1], "c": values[2] }));
            let holds = test.evaluate(&Facts::new(&event, &registry)) == Some(true);
            let expected = oracle(&program, &event, &registry);
            prop_assert_eq!(holds, expected, "{} with {:?}", text, values);
        }
    }
}
