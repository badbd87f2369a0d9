//! What the stored log folds to, short enough to write down and compare.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use upturn_core::board::Board;
use upturn_core::event::Position;
use upturn_core::task::Task;

use super::stored::{self, Side};
use crate::hex::hex;
use crate::store::Store;
use crate::store::error::StoreError;

/// What a log folds to: two that agree in this have the same standing tasks and episodes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FoldDigest {
    /// How many events were folded.
    pub(crate) events: u64,
    /// How many tasks stand.
    pub(crate) tasks: usize,
    /// Of all that is said of them.
    pub(crate) sha256: String,
}

impl fmt::Display for FoldDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = self.sha256.get(..12).unwrap_or(&self.sha256);
        write!(f, "{} tasks from {} events ({short})", self.tasks, self.events)
    }
}

/// Folds the log of `store` up to and including `last`, with the rules that were in force.
pub(crate) async fn digest(store: &Store, last: Position) -> Result<FoldDigest, StoreError> {
    let mut sides = [Side::live(store)];
    let events = stored::fold(store, &mut sides, (None, last)).await?;
    let [side] = &sides;
    let tasks = side.board.by_device_and_time();
    Ok(FoldDigest { events, tasks: tasks.len(), sha256: sha256(&side.board) })
}

fn sha256(board: &Board) -> String {
    let mut hash = Sha256::new();
    for task in board.by_device_and_time() {
        hash.update(described(task).to_string());
        hash.update(b"\n");
    }
    hex(&hash.finalize())
}

fn described(task: &Task) -> Value {
    let occasion = &task.occasion;
    let evidence = occasion.evidence.iter().map(|each| {
        json!([each.device, each.channel, each.id, each.kind, each.occurred_at, each.attributes])
    });
    json!({
        "id": task.id.as_str(),
        "rule": task.rule,
        "version": &*task.version,
        "stage": task.stage,
        "scope": task.scope,
        "device": task.device,
        "account": task.account,
        "kind": task.kind,
        "title": task.title,
        "steps": task.steps,
        "owner": task.owner,
        "due_at": task.due_at,
        "created_at": task.created_at,
        "created_by": task.created_by,
        "first_at": occasion.first_at,
        "last_at": occasion.last_at,
        "evidence": evidence.collect::<Vec<_>>(),
        "episode": occasion.episode,
        "joined": occasion.joined,
        "joined_at": occasion.joined_at,
    })
}
