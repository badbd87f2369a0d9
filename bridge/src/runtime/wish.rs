//! Wishes of people and commands: what each changes is in the log, committed by itself.

use chrono::{DateTime, Utc};
use serde_json::json;
use upturn_core::input::Input;

use super::consequence::Consequences;
use super::due::{self, Move};
use super::fold::{self, Fold, Placed};
use super::leads::Fleet;
use super::letters::Told;
use super::request::{Request, RequirementWish};
use super::{Runtime, consequence, timers};
use crate::delivery::document::Occurrence;
use crate::explain::why_not;
use crate::store::audit::NewEntry;
use crate::store::error::StoreError;
use crate::store::log::{Kind, LoggedInput};
use crate::store::requirement::Requirement;
use crate::store::{self, Tx, task_history};

/// An input that is no event, and its body as the log keeps it.
#[derive(Debug)]
pub(super) struct Logged {
    pub(super) kind: Kind,
    pub(super) body: String,
    pub(super) input: Input,
}

impl Runtime<'_> {
    /// Does what is asked. Where the database refuses a value of it nothing is done, whoever asked gets
    /// no answer, and everybody else goes on.
    pub(super) async fn attend(&self, fold: &mut Fold, request: Request) -> Result<(), StoreError> {
        match self.fulfil(fold, request).await {
            Err(error) if error.is_of_value() => {
                tracing::warn!(%error, "the database refuses a request");
                *fold = self.recover(fold.epoch, None).await?;
                Ok(())
            }
            done => done,
        }
    }

    /// Does what is asked, and tells whoever waits.
    async fn fulfil(&self, fold: &mut Fold, request: Request) -> Result<(), StoreError> {
        if !request.is_awaited() {
            return Ok(());
        }
        // Whoever waited may have gone in the meantime; what was committed stays.
        match request {
            Request::Act { act, reply } => {
                reply.send(self.act(fold, *act).await?).ok();
            }
            Request::Overrule { wish, reply } => {
                reply.send(self.overrule(fold, &wish).await?).ok();
            }
            Request::Require { wish, reply } => {
                reply.send(self.require(fold, &wish).await?).ok();
            }
            Request::Reload { wanted, reply } => {
                reply.send(self.switch(fold, &wanted).await?).ok();
            }
            Request::Feed { step, reply } => {
                reply.send(self.step_feed(fold, &step).await?).ok();
            }
            Request::Sell { step, reply } => {
                reply.send(Box::pin(self.sell(fold, *step)).await?).ok();
            }
            Request::Records { wish, reply } => {
                reply.send(self.write_records(fold, &wish).await?).ok();
            }
            Request::Advice { step, reply } => {
                reply.send(self.step_advice(fold, &step).await?).ok();
            }
            Request::Forecast { step, reply } => {
                reply.send(self.write_forecasts(fold, &step).await?).ok();
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

    /// Keeps what somebody asks for because of a task, and writes its letters; returns none for a task
    /// that nobody works on, or if nobody is told of such things.
    async fn require(
        &self,
        fold: &Fold,
        wish: &RequirementWish,
    ) -> Result<Option<Requirement>, StoreError> {
        let now = self.now(fold);
        let mut tx = self.store.begin().await?;
        // Fenced like everything that is written for people: whoever was shut out writes nothing.
        store::cursor::advance(&mut tx, fold.epoch, fold.cursor, fold.cursor).await?;
        let desk = self.desk(&fold.engine);
        let is_known = store::task_facts::find(&mut tx, wish.task.as_str()).await?.is_some();
        if !is_known || !desk.delivery.tells(Occurrence::RequirementCreated) {
            return Ok(None);
        }
        let requirement = wish.requirement(now);
        let detail = json!({
            "requirement": requirement.id, "asked_for": requirement.kind,
            "priority": requirement.priority, "text": requirement.text, "actor": requirement.actor,
            "task": requirement.task,
        });
        if store::requirement::insert(&mut tx, &requirement).await? {
            let (action, actor) = ("requirement-created", &*requirement.actor);
            let entry =
                NewEntry { at: now, actor, action, subject: &requirement.task, detail: &detail };
            task_history::append(&mut tx, entry).await?;
            let told = Told {
                task: &wish.task,
                occurrence: Occurrence::RequirementCreated,
                detail: &detail,
                cause: "0",
                from: None,
                subject: Some(&requirement.id),
                to: None,
            };
            desk.write(&mut tx, now, &told).await?;
        }
        tx.commit().await?;
        self.announce();
        Ok(Some(requirement))
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
        let fired = self.fire(&mut tx, fold, received_at).await?;
        let (mut consequences, mut moved) = (Consequences::new(), 0);
        for Logged { kind, body, input } in inputs {
            position += 1;
            let logged = LoggedInput { position, received_at, kind, body };
            store::log::append(&mut tx, &logged).await?;
            if matches!(input, Input::Entries(_)) {
                // Devices may be of other accounts now.
                fold.fleet = Fleet::default();
            }
            let before = due::calendars_before(&input, fold.engine.registry());
            let placed = Placed { position, received_at, input };
            let mut effects = Vec::new();
            fold::handle(&mut fold.engine, (self.store, &mut tx), placed, &mut effects).await?;
            consequences.take(position, effects);
            if let Some(before) = before {
                let (store, rules, now) = (self.store, &*fold.rules, fold.engine.registry());
                let all = Move { store, rules, before: &before, now, at: received_at };
                moved += Box::pin(all.all(&mut tx)).await?;
            }
        }
        consequences.locate(fold.engine.registry());
        Box::pin(self.judge(&mut tx, fold, &mut consequences)).await?;
        let desk = self.desk(&fold.engine);
        let failures = &mut fold.failures;
        let stored =
            consequence::store(&mut tx, received_at, &desk, failures, consequences).await?;
        store::cursor::advance(&mut tx, fold.epoch, fold.cursor, position).await?;
        let next_timer = timers::next(&mut tx).await?;
        tx.commit().await?;
        (fold.cursor, fold.next_timer) = (position, next_timer);
        self.metrics.commits.inc();
        if 0 < fired + moved {
            self.announce();
        }
        self.count_stored(&stored);
        Ok(())
    }

    /// Log time never decreases, whatever the machine's clock does.
    pub(super) fn now(&self, fold: &Fold) -> DateTime<Utc> {
        self.clock.now().max(fold.engine.log_time())
    }
}
