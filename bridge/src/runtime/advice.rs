//! Advice on stock: a plan is kept whole, or not at all; what people decide is done once.

use serde_json::{Value, json};
use upturn_core::stock::gather::TROUBLES_MAX;

use super::Runtime;
use super::fold::Fold;
use super::letters::Notice;
use crate::delivery::document::Occurrence;
use crate::delivery::letter;
use crate::stock::kept;
use crate::stock::plan::NewPlan;
use crate::stock::step::{Act, Step, Stepped, Verb};
use crate::stock::telling::Language;
use crate::stock::view::View;
use crate::store::advice::{self, AdviceState, Change};
use crate::store::advice_view;
use crate::store::audit::{self, NewEntry};
use crate::store::error::StoreError;
use crate::store::{self, Tx};

/// Who plans.
const ACTOR: &str = "upturn";

impl Runtime<'_> {
    /// Does `step` with advice. Whoever was shut out writes nothing.
    pub(super) async fn step_advice(
        &self,
        fold: &Fold,
        step: &Step,
    ) -> Result<Stepped, StoreError> {
        self.store.require_room()?;
        let mut tx = self.store.begin().await?;
        store::cursor::advance(&mut tx, fold.epoch, fold.cursor, fold.cursor).await?;
        let stepped = match step {
            Step::Plan(plan) => self.keep_plan(&mut tx, fold, plan).await?,
            Step::Act(act) => self.act_on_advice(&mut tx, fold, act).await?,
        };
        if stepped == Stepped::Done {
            tx.commit().await?;
            self.metrics.commits.inc();
            self.announce();
            if matches!(step, Step::Act(_)) {
                self.store.bells().planner().notify_one();
            }
        }
        Ok(stepped)
    }

    async fn keep_plan(
        &self,
        tx: &mut Tx,
        fold: &Fold,
        plan: &NewPlan,
    ) -> Result<Stepped, StoreError> {
        let now = self.now(fold);
        if !advice::save_plan(tx, plan.revision, (plan.as_of, now), &plan.document()).await? {
            return Ok(Stepped::Refused);
        }
        let withdrawn: Vec<&str> = plan.withdrawn.iter().map(|one| &*one.id).collect();
        let superseded: Vec<&str> =
            plan.new.iter().filter_map(|one| one.replaces.as_deref()).collect();
        advice::end(tx, &superseded, AdviceState::Superseded, now).await?;
        advice::end(tx, &withdrawn, AdviceState::Withdrawn, now).await?;
        advice::write(tx, &plan.new, now).await?;
        advice::renew(tx, &plan.renewed).await?;
        if plan.is_quiet() {
            return Ok(Stepped::Done);
        }
        let desk = self.desk(&fold.engine);
        for new in &plan.new {
            let is_first = new.replaces.is_none();
            let occurrence =
                if is_first { Occurrence::AdviceCreated } else { Occurrence::AdviceSuperseded };
            if let Some(view) =
                desk.wants(occurrence).then(|| kept::read(&new.packed).ok()).flatten()
            {
                let body = body((&new.id, &view), (new.quantity, &plan.owner));
                let notice = Notice {
                    occurrence,
                    rule: &plan.stocking,
                    subject: &known_as(&new.key),
                    kind: KIND,
                    page: &page(&new.id),
                    to: &plan.owner,
                    detail: &body,
                    cause: &new.id,
                };
                desk.notify(tx, now, &notice).await?;
            }
        }
        self.tell_withdrawn(tx, fold, plan).await?;
        let detail = json!({
            "new": plan.new.len() - superseded.len(), "superseded": superseded.len(),
            "withdrawn": plan.withdrawn.len(), "pieces": plan.pieces,
            "troubles": plan.troubles.listed.len() + plan.troubles.unlisted,
            "troubles_listed_at_most": TROUBLES_MAX, "as_of": plan.as_of,
        });
        let entry = NewEntry {
            at: now,
            actor: ACTOR,
            action: "advice-planned",
            subject: &plan.stocking,
            detail: &detail,
        };
        audit::append(tx, entry).await?;
        Ok(Stepped::Done)
    }

    async fn tell_withdrawn(
        &self,
        tx: &mut Tx,
        fold: &Fold,
        plan: &NewPlan,
    ) -> Result<(), StoreError> {
        let desk = self.desk(&fold.engine);
        if !desk.wants(Occurrence::AdviceWithdrawn) {
            return Ok(());
        }
        for one in &plan.withdrawn {
            let body = json!({
                "product": one.item, "quantity": one.quantity, "from": one.source, "to": one.place,
                "advice": one.id, "owner": plan.owner,
            });
            let notice = Notice {
                occurrence: Occurrence::AdviceWithdrawn,
                rule: &plan.stocking,
                subject: &known_as(&one.key),
                kind: KIND,
                page: &page(&one.id),
                to: &plan.owner,
                detail: &body,
                cause: &one.id,
            };
            desk.notify(tx, self.now(fold), &notice).await?;
        }
        Ok(())
    }

    async fn act_on_advice(
        &self,
        tx: &mut Tx,
        fold: &Fold,
        act: &Act,
    ) -> Result<Stepped, StoreError> {
        let now = self.now(fold);
        let Some(row) = advice_view::find_in(tx, &act.id).await? else {
            return Ok(Stepped::Refused);
        };
        let Some(state) = act.verb.after(row.state).filter(|_| row.revision == act.revision) else {
            return Ok(Stepped::Refused);
        };
        let quantity = match act.verb {
            Verb::Firm(quantity) => quantity.unwrap_or(row.quantity),
            Verb::Edit(quantity) => quantity,
            Verb::Snooze(_) | Verb::Reject(_) | Verb::Ship | Verb::Release => row.quantity,
        };
        let snoozed_until = if let Verb::Snooze(until) = act.verb { Some(until) } else { None };
        let reason = if let Verb::Reject(reason) = &act.verb { Some(&**reason) } else { None };
        let change = Change { state, quantity, snoozed_until, reason, actor: &act.actor };
        if !advice::change(tx, (&act.id, act.revision), &change, now).await? {
            return Ok(Stepped::Refused);
        }
        let detail = json!({
            "quantity": quantity, "planned": row.view.quantity, "until": snoozed_until,
            "reason": reason, "was": row.state,
        });
        let (actor, action, subject) = (&*act.actor, act.verb.action(), &*act.id);
        audit::append(tx, NewEntry { at: now, actor, action, subject, detail: &detail }).await?;
        let desk = self.desk(&fold.engine);
        if state == AdviceState::Firmed && desk.wants(Occurrence::AdviceFirmed) {
            let body = body((&row.id, &row.view), (quantity, &act.actor));
            let cause = format!("{}@{}", row.id, row.revision);
            let notice = Notice {
                occurrence: Occurrence::AdviceFirmed,
                rule: "",
                subject: &known_as(&row.key),
                kind: KIND,
                page: &page(&row.id),
                to: &act.actor,
                detail: &body,
                cause: &cause,
            };
            desk.notify(tx, now, &notice).await?;
        }
        Ok(Stepped::Done)
    }
}

/// What letters about advice are about.
const KIND: &str = "advice";

/// Returns what advice with `key` is known by elsewhere: a key has blanks and slashes, and may be long.
fn known_as(key: &str) -> String {
    let name = letter::key(KIND, key, "");
    format!("adv-{}", name.get(..20).unwrap_or(&name))
}

fn page(id: &str) -> String {
    format!("/advice/{id}")
}

/// Returns what a letter says of a piece of advice.
fn body((id, view): (&str, &View), (quantity, owner): (u32, &str)) -> Value {
    let reason = view.reasons.first().map(|reason| &*reason.en);
    json!({
        "advice": id,
        "title": { "en": Language::En.headline(view), "zh": Language::Zh.headline(view) },
        "product": view.item,
        "quantity": quantity,
        "from": view.from,
        "to": view.to,
        "lane": view.lane,
        "ship_on": view.latest_ship_on,
        "arrive_on": view.arrives_on,
        "next_arrival_on": view.next_arrival_on,
        "reason": reason,
        "reasons": view.reasons,
        "marks": view.marks,
        "owner": owner,
    })
}
