//! What other systems say of their records comes to our tasks, through the one writer.

use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::sync::oneshot;
use upturn_connectors::deliver::channel::Progress;
use upturn_core::id::TaskId;

use super::Office;
use crate::auth::sight::Sight;
use crate::runtime::act::{Act, DESTINATION_ACTOR};
use crate::runtime::deed::{Deed, Outcome as Ending, Words};
use crate::runtime::request::{Acted, Request};
use crate::store::audit::NewEntry;
use crate::store::error::StoreError;
use crate::store::task_view::{self, TaskStatus};
use crate::store::{self, task_history};

/// What came of what was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The task is closed as the record is.
    Closed,
    /// It was so already, or the record is open.
    Nothing,
    /// The task was closed otherwise before: it stays as it is, and its history says so.
    Conflict,
    /// There is no such task, or nobody works on it.
    Unknown,
}

impl Outcome {
    /// Returns its word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Nothing => "nothing-new",
            Self::Conflict => "conflict",
            Self::Unknown => "unknown-record",
        }
    }
}

/// Why what was heard had no effect yet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HearError {
    /// The writer is away; hearing it again has the same effect.
    #[error("the program does not take anything in at the moment; send it again")]
    NoAnswer,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Something that was heard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard<'h> {
    /// From whom.
    pub(crate) destination: &'h str,
    /// About which task.
    pub(crate) subject: &'h str,
    /// How the record stands.
    pub(crate) progress: Progress,
}

/// Does to the task what was done to its record elsewhere. Hearing the same again changes nothing.
pub(crate) async fn hear(
    office: &Office,
    heard: &Heard<'_>,
    now: DateTime<Utc>,
) -> Result<Outcome, HearError> {
    let Heard { destination, subject, progress } = *heard;
    let (store, line) = (&office.store, (destination, subject));
    let task = TaskId::from_text(subject);
    let Some(detail) = task_view::find(store, &Sight::All, &task).await? else {
        return Ok(Outcome::Unknown);
    };
    let (deed, word, closed) = match progress {
        Progress::Open => {
            store::remote_record::hear(store, line, "open", now).await?;
            return Ok(Outcome::Nothing);
        }
        Progress::Done => {
            let deed = Deed::Done { outcome: Ending::Elsewhere, note: None };
            (Some(deed), "done", TaskStatus::Done)
        }
        Progress::Dismissed => {
            let reason = Words::new(&format!("dismissed in {destination}"));
            (reason.map(|reason| Deed::Dismiss { reason }), "dismissed", TaskStatus::Dismissed)
        }
    };
    let before = store::remote_record::heard(store, destination, subject).await?;
    let status = detail.row.status;
    let outcome = match deed.filter(|_| status.is_open()) {
        Some(deed) => act(office, destination, (&task, deed)).await?,
        None => Acted::Refused,
    };
    let outcome = match outcome {
        Acted::Done => Outcome::Closed,
        Acted::Refused | Acted::NoCoupon(_) | Acted::NoBooking(_) => {
            let status = match task_view::find(store, &Sight::All, &task).await? {
                Some(detail) => detail.row.status,
                None => return Ok(Outcome::Unknown),
            };
            if status == closed {
                Outcome::Nothing
            } else {
                // Each difference is told once.
                if before.as_deref() != Some(word) {
                    note_conflict(office, (line, word), status, now).await?;
                }
                Outcome::Conflict
            }
        }
    };
    store::remote_record::hear(store, line, word, now).await?;
    Ok(outcome)
}

async fn act(
    office: &Office,
    destination: &str,
    (task, deed): (&TaskId, Deed),
) -> Result<Acted, HearError> {
    let actor = format!("{DESTINATION_ACTOR}{destination}");
    let act = Box::new(Act { task: task.clone(), deed, actor });
    let (reply, answer) = oneshot::channel();
    let asked = office.asks.send(Request::Act { act, reply }).await;
    asked.map_err(|_| HearError::NoAnswer)?;
    answer.await.map_err(|_| HearError::NoAnswer)
}

async fn note_conflict(
    office: &Office,
    ((destination, subject), there): ((&str, &str), &str),
    here: TaskStatus,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let actor = format!("{DESTINATION_ACTOR}{destination}");
    let detail = json!({ "there": there, "here": here.word() });
    let mut tx = office.store.begin().await?;
    let (action, detail) = ("task-conflict", &detail);
    task_history::append(&mut tx, NewEntry { at, actor: &actor, action, subject, detail }).await?;
    tx.commit().await
}
