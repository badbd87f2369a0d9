//! Letters: what they say, and the key by which a receiver knows a repeated one. Pure.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use upturn_core::registry::Registry;

use crate::hex::hex;
use crate::store::task_facts::TaskFacts;

/// The person a letter is for, as it was when the letter was written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Addressee {
    /// The person's id in the registry.
    pub(crate) id: String,
    /// The name to greet with.
    pub(crate) name: String,
    /// Where mail reaches the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
}

/// Returns the key of the letter that tells `destination` what `cause` brought about: a function of
/// these alone.
pub(crate) fn key(kind: &str, cause: &str, destination: &str) -> String {
    let mut hash = Sha256::new();
    for part in [kind, cause, destination] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// Returns the person that has the task, and the language they read, if they are in the registry.
pub(crate) fn addressee<'r>(
    registry: &'r Registry,
    owner: &str,
) -> Option<(Addressee, Option<&'r str>)> {
    let person = registry.people.get(owner)?;
    let addressee = Addressee {
        id: owner.to_owned(),
        name: person.name.to_string(),
        email: person.email.as_deref().map(str::to_owned),
    };
    Some((addressee, person.language.as_deref()))
}

/// Returns what a letter says of the task `id`: `detail` is what happened to it, by `at`.
pub(crate) fn body(
    (id, facts): (&str, &TaskFacts),
    (detail, at): (&Value, DateTime<Utc>),
    registry: &Registry,
    pages: Option<&str>,
) -> Value {
    let mut body = detail.clone();
    let Some(members) = body.as_object_mut() else { return body };
    let account = facts.account.as_deref().and_then(|account| registry.accounts.get(account));
    let owner = registry.people.get(&*facts.owner).map(|person| &*person.name);
    let known = json!({
        "at": text(at),
        "rule": facts.rule,
        "version": facts.version,
        "kind": facts.kind,
        "scope": facts.scope,
        "device": facts.device,
        "account": facts.account,
        "account_name": account.map(|account| &*account.name),
        "title": facts.title,
        "steps": facts.steps,
        "owner": facts.owner,
        "owner_name": owner,
        "due_at": facts.due_at.map(text),
        "created_at": text(facts.created_at),
        "status": facts.status,
        "zone": registry.calendar_of(&facts.owner).zone().name(),
        "url": pages.map(|pages| format!("{pages}/tasks/{id}")),
    });
    if let Value::Object(known) = known {
        members.extend(known);
    }
    body
}

/// Returns `at` as letters write it.
pub(crate) fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_function_of_what_is_told_to_whom_and_why() {
        let one = key("task-created", "t1@7", "crm");
        assert_eq!(one, key("task-created", "t1@7", "crm"));
        assert_eq!(one.len(), 64);
        for (kind, cause, destination) in [
            ("task-amended", "t1@7", "crm"),
            ("task-created", "t1@8", "crm"),
            ("task-created", "t1@7", "erp"),
            ("task-create", "dt1@7", "crm"),
        ] {
            assert_ne!(one, key(kind, cause, destination), "{kind} {cause} {destination}");
        }
    }
}
