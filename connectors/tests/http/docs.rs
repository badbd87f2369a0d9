//! What `deploy/channels` says of channels, against what they are.

use serde_json::Value;
use upturn_connectors::deliver::KINDS;
use upturn_connectors::deliver::kind::{Kind, Proof};

use crate::channels::CHANNELS;

const DOCS: [(&str, &str, &str); 2] = [
    (
        "README.md",
        include_str!("../../../deploy/channels/README.md"),
        "never run against the real product",
    ),
    (
        "README.zh.md",
        include_str!("../../../deploy/channels/README.zh.md"),
        "从未在真实产品上运行过",
    ),
];

fn kind(name: &str) -> &'static Kind {
    KINDS.iter().find(|kind| kind.name == name).unwrap_or_else(|| panic!("no kind {name}"))
}

fn settings(kind: &Kind) -> Vec<String> {
    let schema = Value::from((kind.schema)());
    schema["properties"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn examples_name_kinds_and_settings_that_exist() {
    for (file, text, _) in DOCS {
        let examples: Vec<_> =
            text.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
        assert!(5 <= examples.len(), "{file}");
        for example in examples {
            let document: toml::Table = example.parse().unwrap();
            let known = settings(kind(document["kind"].as_str().unwrap()));
            for name in document["settings"].as_table().unwrap().keys() {
                assert!(known.contains(name), "{file}: there is no '{name}' in: {example}");
            }
            assert!(document["title"].as_table().unwrap().contains_key("zh"), "{file}: {example}");
        }
    }
}

#[test]
fn every_setting_is_explained_and_nothing_is_claimed() {
    for name in CHANNELS.iter().filter(|name| **name != "odoo-lead") {
        let kind = kind(name);
        for (file, text, never) in DOCS {
            for setting in settings(kind) {
                assert!(text.contains(&format!("`{setting}`")), "{file}: {name}: {setting}");
            }
            let row = text.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
            let is_admitted = row.unwrap().contains(never);
            assert_eq!(is_admitted, kind.proof == Proof::RecordedShapes, "{file}: {name}");
        }
    }
}
