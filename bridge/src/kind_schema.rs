//! JSON Schemas of documents that have a kind, and settings by it.

use schemars::Schema;
use serde_json::{Value, json};

/// A kind of something: its name, what it is in a sentence, and the schema of its settings.
pub(crate) type KindOf = (&'static str, &'static str, fn() -> Schema);

/// Returns `schema`, of a document with `kind` and `settings`, with the settings of each of `kinds`.
pub(crate) fn by_kind(schema: Schema, kinds: impl Iterator<Item = KindOf>) -> String {
    let mut schema = schema.to_value();
    let (mut names, mut cases) = (Vec::new(), Vec::new());
    for (name, about, settings) in kinds {
        let mut settings = settings().to_value();
        if let Some(members) = settings.as_object_mut() {
            members.remove("$schema");
            members.insert("description".into(), json!(about));
        }
        names.push(name);
        cases.push(json!({
            "if": { "properties": { "kind": { "const": name } } },
            "then": { "properties": { "settings": settings } },
        }));
    }
    if let Some(kind) = schema.pointer_mut("/properties/kind").and_then(Value::as_object_mut) {
        kind.insert("enum".into(), json!(names));
    }
    if let Some(members) = schema.as_object_mut() {
        members.insert("allOf".into(), json!(cases));
    }
    format!("{schema:#}\n")
}
