//! What people and other systems do with tasks, through the one writer.

use serde_json::json;
use upturn_core::id::TaskId;
use upturn_core::input::{Action, Input, Verb};

use super::deed::{self, Deed};
use super::fold::Fold;
use super::letters::Told;
use super::reading::LoggedAction;
use super::request::Acted;
use super::wish::Logged;
use super::{Runtime, clocks};
use crate::delivery::document::Occurrence;
use crate::store::audit::NewEntry;
use crate::store::error::StoreError;
use crate::store::log::Kind;
use crate::store::{task_history, task_life};

/// What an actor begins with that is a destination: it closed its record of the task.
pub(crate) const DESTINATION_ACTOR: &str = "destination:";

/// Something that somebody does with a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    /// Which task.
    pub(crate) task: TaskId,
    /// What.
    pub(crate) deed: Deed,
    /// Who.
    pub(crate) actor: String,
}

impl Runtime<'_> {
    /// Does what `act` says, if the task allows it.
    pub(super) async fn act(&self, fold: &mut Fold, act: Act) -> Result<Acted, StoreError> {
        let now = self.now(fold);
        let mut tx = self.store.begin().await?;
        let Act { task, deed, actor } = act;
        let life = task_life::find(&mut tx, &task).await?.filter(deed::is_for_people);
        let Some(life) = life else { return Ok(Acted::Refused) };
        let Ok(after) = deed.applied_to(&life, &actor, now) else { return Ok(Acted::Refused) };
        if !task_life::put(&mut tx, &task, &after, now).await? {
            return Ok(Acted::Refused);
        }
        clocks::go_on(&mut tx, (&task, &after), fold.engine.registry(), now).await?;
        let (verb, detail) = (deed.verb(), deed.detail());
        let action = did(verb);
        let entry =
            NewEntry { at: now, actor: &actor, action, subject: task.as_str(), detail: &detail };
        task_history::append(&mut tx, entry).await?;
        if let Some(occurrence) = Occurrence::find(action) {
            let mut detail = detail.clone();
            if let Some(members) = detail.as_object_mut() {
                members.insert("actor".into(), json!(actor));
            }
            let told = Told {
                task: &task,
                occurrence,
                detail: &detail,
                cause: &(fold.cursor + 1).to_string(),
                from: actor.strip_prefix(DESTINATION_ACTOR),
                subject: None,
                to: None,
            };
            self.desk(&fold.engine).write(&mut tx, now, &told).await?;
        }
        let logged =
            LoggedAction { task: task.as_str().to_owned(), verb, actor: actor.clone(), detail };
        let input = Input::Action(Action { task, verb, actor: actor.into() });
        let body = json!(logged).to_string();
        self.commit_inputs(fold, tx, vec![Logged { kind: Kind::Action, body, input }]).await?;
        self.announce();
        Ok(Acted::Done)
    }
}

/// Returns what histories and letters call it.
pub(crate) fn did(verb: Verb) -> &'static str {
    match verb {
        Verb::Accept => "task-accepted",
        Verb::Claim => "task-claimed",
        Verb::Start => "task-started",
        Verb::CheckStep => "task-step-checked",
        Verb::UncheckStep => "task-step-unchecked",
        Verb::Contact => "task-contact",
        Verb::Snooze => "task-snoozed",
        Verb::Wake => "task-woken",
        Verb::Comment => "task-comment",
        Verb::HandOver => "task-handed-over",
        Verb::Return => "task-returned",
        Verb::Done => "task-done",
        Verb::Dismiss => "task-dismissed",
    }
}
