//! What follows from an input, stored in the input's own transaction: tasks, the trail of who did
//! what, and the letters that tell other systems.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use upturn_core::effect::Effect;
use upturn_core::id::TaskId;
use upturn_core::task::{Occasion, Task};

use crate::hex::hex;
use crate::store::audit::NewEntry;
use crate::store::error::StoreError;
use crate::store::outbox::NewLetter;
use crate::store::{Tx, audit, outbox, task};

/// Who did what the rules did.
const ACTOR: &str = "upturn";

/// Stores `effects` and returns how many tasks were made.
pub(super) async fn store(
    tx: &mut Tx,
    at: DateTime<Utc>,
    writes_letters: bool,
    effects: Vec<Effect>,
) -> Result<u64, StoreError> {
    let mut made = 0;
    for effect in effects {
        let (id, action, detail, is_done) = match &effect {
            Effect::Create(new) => {
                let is_new = task::create(tx, new).await?;
                made += u64::from(is_new);
                (&new.id, "task-created", created(new), is_new)
            }
            Effect::Amend { task: id, occasion } => {
                let is_there = task::amend(tx, id, occasion, at).await?;
                (id, "task-amended", based_on(occasion), is_there)
            }
            Effect::Withdraw { task: id, device } => {
                let is_there = task::withdraw(tx, id, at).await?;
                let detail = json!({"reason": "late-evidence", "device": device});
                (id, "task-withdrawn", detail, is_there)
            }
        };
        if !is_done {
            // A match from before its rule was in force has no task that could change.
            continue;
        }
        let subject = id.as_str();
        let entry = NewEntry { at, actor: ACTOR, action, subject, detail: &detail };
        audit::append(tx, entry).await?;
        if writes_letters {
            let letter = letter(at, id, action, &detail);
            outbox::insert(tx, at, &[letter]).await?;
        }
    }
    Ok(made)
}

fn created(task: &Task) -> Value {
    let mut detail = based_on(&task.occasion);
    if let Some(object) = detail.as_object_mut() {
        object.insert("rule".into(), json!(task.rule));
        object.insert("account".into(), json!(task.account));
        object.insert("title".into(), json!(task.title));
        object.insert("steps".into(), json!(task.steps));
        object.insert("owner".into(), json!(task.owner));
        object.insert("due_at".into(), json!(task.due_at.map(text)));
    }
    detail
}

fn based_on(occasion: &Occasion) -> Value {
    let ids: Vec<&str> = occasion.evidence.iter().map(|each| each.id.as_str()).collect();
    json!({
        "device": occasion.evidence.last().map(|last| &last.device),
        "first_at": text(occasion.first_at),
        "last_at": text(occasion.last_at),
        "evidence": ids,
    })
}

/// The key is a function of the cause alone: writing the letter twice sends it once.
fn letter(at: DateTime<Utc>, task: &TaskId, action: &str, detail: &Value) -> NewLetter {
    let mut hash = Sha256::new();
    for part in [action, task.as_str(), &detail.to_string()] {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    let key = hex(&hash.finalize());
    let mut body = detail.clone();
    if let Some(object) = body.as_object_mut() {
        object.insert("at".into(), json!(text(at)));
    }
    NewLetter { key, kind: action.to_owned(), subject: task.as_str().to_owned(), body }
}

fn text(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}
