//! Letters to those who get somebody else's task: by a hand-over, or since a person decided who has it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use upturn_core::id::TaskId;

use super::deed::Words;
use super::letters::{Desk, Told};
use crate::delivery::document::Occurrence;
use crate::delivery::letter;
use crate::store::Tx;
use crate::store::error::StoreError;

/// Returns what the letter about a hand-over by `actor` says: what was asked for, field by field.
pub(super) fn detail(actor: &str, package: &BTreeMap<String, Words>) -> Value {
    let lines = package.iter().map(|(field, words)| format!("{field}: {}", words.as_str()));
    json!({ "actor": actor, "text": lines.collect::<Vec<_>>().join("\n") })
}

/// Tells whoever has `task` since somebody decided so: `by`, with the reason where there is one. Owners are
/// the one before and the one it has.
pub(super) async fn tell_decided(
    tx: &mut Tx,
    desk: &Desk<'_>,
    task: &TaskId,
    (before, owner): (&str, &str),
    (by, reason, now): (&str, Option<&str>, DateTime<Utc>),
) -> Result<(), StoreError> {
    let told = Told {
        task,
        occurrence: Occurrence::TaskHandedOver,
        detail: &json!({ "actor": by, "reason": reason }),
        // While the clock stands behind the log, many decisions have one time.
        cause: &format!("decided at {}: {before} to {owner}", letter::text(now)),
        from: None,
        subject: None,
        to: None,
    };
    desk.write(tx, now, &told).await?;
    Ok(())
}
