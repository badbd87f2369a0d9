//! Wishes of people and commands: what each changes is in the log, committed by itself.

use chrono::{DateTime, Utc};
use serde_json::json;
use upturn_core::input::{Action, Input, Verb};

use super::consequence::Consequences;
use super::fold::{self, Fold, Placed};
use super::reading::LoggedAction;
use super::request::{Acted, Request};
use super::{Runtime, consequence};
use crate::explain::why_not;
use crate::store::audit::{self, NewEntry};
use crate::store::error::StoreError;
use crate::store::log::{Kind, LoggedInput};
use crate::store::{self, Tx};

/// An input that is no event, and its body as the log keeps it.
#[derive(Debug)]
pub(super) struct Logged {
    pub(super) kind: Kind,
    pub(super) body: String,
    pub(super) input: Input,
}

impl Runtime<'_> {
    /// Does what is asked, and tells whoever waits.
    pub(super) async fn fulfil(&self, fold: &mut Fold, request: Request) -> Result<(), StoreError> {
        if !request.is_awaited() {
            return Ok(());
        }
        // Whoever waited may have gone in the meantime; what was committed stays.
        match request {
            Request::Act { action, reply } => {
                reply.send(self.act(fold, action).await?).ok();
            }
            Request::Reload { wanted, reply } => {
                reply.send(self.switch(fold, &wanted).await?).ok();
            }
            Request::WhyNot { question, reply } => {
                reply.send(why_not::ask(&fold.engine, &question)).ok();
            }
            Request::Examine { rule, scope, events, reply } => {
                reply.send(why_not::examine(&fold.engine, (&rule, &scope), events)).ok();
            }
        }
        Ok(())
    }

    /// Logs that time has passed, so that what it brings about is part of the log.
    pub(super) async fn tick(&self, fold: &mut Fold) -> Result<(), StoreError> {
        let tx = self.store.begin().await?;
        let tick = Logged { kind: Kind::Tick, body: "{}".to_owned(), input: Input::Tick };
        self.commit_inputs(fold, tx, vec![tick]).await
    }

    async fn act(&self, fold: &mut Fold, action: Action) -> Result<Acted, StoreError> {
        let now = self.now(fold);
        let mut tx = self.store.begin().await?;
        if !store::task::act(&mut tx, &action.task, action.verb, now).await? {
            return Ok(Acted::Refused);
        }
        let did = match action.verb {
            Verb::Accept => "task-accepted",
            Verb::Done => "task-done",
            Verb::Dismiss => "task-dismissed",
        };
        let (actor, subject) = (&*action.actor, action.task.as_str());
        let entry = NewEntry { at: now, actor, action: did, subject, detail: &json!({}) };
        audit::append(&mut tx, entry).await?;
        let logged = LoggedAction {
            task: action.task.as_str().to_owned(),
            verb: action.verb,
            actor: action.actor.to_string(),
        };
        let body = json!(logged).to_string();
        let logged = Logged { kind: Kind::Action, body, input: Input::Action(action) };
        self.commit_inputs(fold, tx, vec![logged]).await?;
        self.announce();
        Ok(Acted::Done)
    }

    /// Stores inputs behind all others, folds them, stores what follows, and makes it all last.
    pub(super) async fn commit_inputs(
        &self,
        fold: &mut Fold,
        mut tx: Tx,
        inputs: Vec<Logged>,
    ) -> Result<(), StoreError> {
        let received_at = self.now(fold);
        let mut position = fold.cursor;
        let mut consequences = Consequences::new();
        for Logged { kind, body, input } in inputs {
            position += 1;
            let logged = LoggedInput { position, received_at, kind, body };
            store::log::append(&mut tx, &logged).await?;
            let placed = Placed { position, received_at, input };
            let mut effects = Vec::new();
            fold::handle(&mut fold.engine, (self.store, &mut tx), placed, &mut effects).await?;
            consequences.take(position, effects);
        }
        consequences.locate(fold.engine.registry());
        let failures = &mut fold.failures;
        let stored =
            consequence::store(&mut tx, received_at, self.writes_letters, failures, consequences)
                .await?;
        store::cursor::advance(&mut tx, fold.epoch, fold.cursor, position).await?;
        tx.commit().await?;
        fold.cursor = position;
        self.metrics.commits.inc();
        self.count_stored(&stored);
        Ok(())
    }

    /// Log time never decreases, whatever the machine's clock does.
    pub(super) fn now(&self, fold: &Fold) -> DateTime<Utc> {
        self.clock.now().max(fold.engine.log_time())
    }
}
