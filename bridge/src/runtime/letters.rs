//! Letters that follow from what happened to a task, written in the transaction of the cause.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use upturn_core::id::TaskId;
use upturn_core::registry::Registry;

use crate::delivery::document::Occurrence;
use crate::delivery::letter::{self, Addressee};
use crate::delivery::route::Route;
use crate::delivery::timing::Departure;
use crate::delivery::{About, Destination, Routing};
use crate::store::error::StoreError;
use crate::store::outbox::NewLetter;
use crate::store::task_facts::{self, TaskFacts};
use crate::store::{Tx, outbox};

/// What letters are written with.
#[derive(Clone, Debug)]
pub(super) struct Desk<'d> {
    /// Who is told of what.
    pub(super) delivery: Arc<Routing>,
    /// Who is who, now.
    pub(super) registry: &'d Registry,
}

/// Something to be told of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'t> {
    /// To which task it happened.
    pub(super) task: &'t TaskId,
    /// What.
    pub(super) occurrence: Occurrence,
    /// The particulars, an object.
    pub(super) detail: &'t Value,
    /// What brought it about, together with the task: a place in the log.
    pub(super) cause: &'t str,
    /// The destination it came from, which is not told its own news.
    pub(super) from: Option<&'t str>,
    /// Whom the letter is about, if not the task.
    pub(super) subject: Option<&'t str>,
    /// Whom it is for, if not the task's owner.
    pub(super) to: Option<&'t str>,
}

/// Something to be told of that happened to no task.
#[derive(Clone, Copy, Debug)]
pub(super) struct Notice<'n> {
    /// What.
    pub(super) occurrence: Occurrence,
    /// The document that it follows from; empty where there is none.
    pub(super) rule: &'n str,
    /// To what: an id. All letters about it share one record elsewhere.
    pub(super) subject: &'n str,
    /// What that is: `deal`.
    pub(super) kind: &'n str,
    /// Its page, below the pages' address.
    pub(super) page: &'n str,
    /// Whom it is for; empty where it is for nobody in particular.
    pub(super) to: &'n str,
    /// The particulars, an object.
    pub(super) detail: &'n Value,
    /// What brought it about, together with the subject: a place in the log.
    pub(super) cause: &'n str,
}

/// Why a letter does not go out.
const WITHDRAWN: &str = "the task was withdrawn before anybody was told";

impl Desk<'_> {
    /// Writes the letters that tell of `told`, one for each destination; returns how many.
    pub(super) async fn write(
        &self,
        tx: &mut Tx,
        at: DateTime<Utc>,
        told: &Told<'_>,
    ) -> Result<u64, StoreError> {
        let Told { task, occurrence, detail, .. } = *told;
        if !self.delivery.tells(occurrence) && !self.may_take_back(occurrence) {
            return Ok(0);
        }
        let Some(facts) = task_facts::find(tx, task.as_str()).await? else { return Ok(0) };
        let pages = self.delivery.pages.as_deref();
        let body = letter::body((task.as_str(), &facts), (detail, at), self.registry, pages);
        if self.may_take_back(occurrence) {
            // Also where a route tells of the making alone.
            return self.revoke(tx, at, (told, &facts, &body)).await;
        }
        let mut written = 0;
        for (destination, route) in self.delivery.find(&about(occurrence, &facts)) {
            if told.from == Some(&*destination.id) {
                continue;
            }
            let line = (&*destination.id, task.as_str());
            if occurrence == Occurrence::TaskAmended && outbox::renew(tx, line, &body).await? {
                continue;
            }
            let new = self.letter(at, (told, &facts, &body), (destination, route));
            written += outbox::insert(tx, at, &[new]).await?;
        }
        Ok(written)
    }

    /// Writes the letter that tells `destination` of `told`, whether a route leads there or not.
    pub(super) async fn write_into(
        &self,
        tx: &mut Tx,
        at: DateTime<Utc>,
        told: &Told<'_>,
        destination: &Destination,
    ) -> Result<(), StoreError> {
        let Some(facts) = task_facts::find(tx, told.task.as_str()).await? else { return Ok(()) };
        let (id, pages) = (told.task.as_str(), self.delivery.pages.as_deref());
        let body = letter::body((id, &facts), (told.detail, at), self.registry, pages);
        let route = Route::straight_to(&destination.id);
        let new = self.letter(at, (told, &facts, &body), (destination, &route));
        outbox::insert(tx, at, &[new]).await?;
        Ok(())
    }

    /// Writes letters that say `told.detail` and nothing else, for somebody who is no colleague; returns how
    /// many.
    pub(super) async fn write_to(
        &self,
        tx: &mut Tx,
        at: DateTime<Utc>,
        told: &Told<'_>,
        addressee: &Addressee,
    ) -> Result<u64, StoreError> {
        let Some(facts) = task_facts::find(tx, told.task.as_str()).await? else { return Ok(0) };
        let mut written = 0;
        for (destination, route) in self.delivery.find(&about(told.occurrence, &facts)) {
            let new = self.letter(at, (told, &facts, told.detail), (destination, route));
            let language = route.language.tag().to_owned();
            let recipient = Some(json!(addressee).to_string());
            let new = NewLetter { language, recipient, digest: None, ..new };
            written += outbox::insert(tx, at, &[new]).await?;
        }
        Ok(written)
    }

    /// Writes the letters that tell of `notice`, one for each destination; returns how many.
    pub(super) async fn notify(
        &self,
        tx: &mut Tx,
        at: DateTime<Utc>,
        notice: &Notice<'_>,
    ) -> Result<u64, StoreError> {
        let Notice { occurrence, rule, subject, kind, page, to, detail, cause } = *notice;
        let about = About { occurrence, rule, kind, owner: to };
        let mut body = detail.clone();
        let calendar = self.registry.calendar_of(to);
        let pages = self.delivery.pages.as_deref();
        if let (Some(members), Value::Object(known)) = (
            body.as_object_mut(),
            json!({
                "at": letter::text(at),
                "kind": kind,
                "zone": calendar.zone().name(),
                "url": pages.map(|pages| format!("{pages}{page}")),
            }),
        ) {
            members.extend(known);
        }
        let mut written = 0;
        for (destination, route) in self.delivery.find(&about) {
            let person = letter::addressee(self.registry, to);
            let own = person.as_ref().and_then(|(_, language)| *language);
            let language = own.unwrap_or(route.language.tag()).to_owned();
            let addressee = person.map(|(addressee, _)| addressee);
            let (next_at, digest) = match route.timing.departure(calendar, at) {
                Departure::Alone(at) => (at, None),
                Departure::Together(at) => {
                    (at, Some(digest_key(&destination.id, addressee.as_ref(), (&language, at))))
                }
            };
            let new = NewLetter {
                key: letter::key(
                    occurrence.word(),
                    &format!("{subject}@{cause}>{to}"),
                    &destination.id,
                ),
                kind: occurrence.word().to_owned(),
                subject: subject.to_owned(),
                destination: destination.id.clone(),
                body: body.clone(),
                language,
                recipient: addressee.map(|addressee| json!(addressee).to_string()),
                next_at,
                digest,
            };
            written += outbox::insert(tx, at, &[new]).await?;
        }
        Ok(written)
    }

    /// Returns whether anybody is told of `occurrence`.
    pub(super) fn wants(&self, occurrence: Occurrence) -> bool {
        self.delivery.tells(occurrence)
    }

    fn may_take_back(&self, occurrence: Occurrence) -> bool {
        occurrence == Occurrence::TaskWithdrawn && !self.delivery.destinations.is_empty()
    }

    async fn revoke(
        &self,
        tx: &mut Tx,
        at: DateTime<Utc>,
        (told, facts, body): (&Told<'_>, &TaskFacts, &Value),
    ) -> Result<u64, StoreError> {
        let routed = self.delivery.find(&about(told.occurrence, facts));
        let mut written = 0;
        for id in self.delivery.destinations.keys() {
            let was_silent = outbox::take_back(tx, (id, told.task.as_str()), WITHDRAWN).await?;
            let route = routed.iter().find(|(destination, _)| destination.id == *id);
            if let Some((destination, route)) = route.filter(|_| !was_silent) {
                let new = self.letter(at, (told, facts, body), (destination, route));
                written += outbox::insert(tx, at, &[new]).await?;
            }
        }
        Ok(written)
    }

    fn letter(
        &self,
        at: DateTime<Utc>,
        (told, facts, body): (&Told<'_>, &TaskFacts, &Value),
        (destination, route): (&Destination, &Route),
    ) -> NewLetter {
        let person = letter::addressee(self.registry, told.to.unwrap_or(&facts.owner));
        let own = person.as_ref().and_then(|(_, language)| *language);
        let language = own.unwrap_or(route.language.tag()).to_owned();
        let addressee = person.map(|(addressee, _)| addressee);
        let kind = told.occurrence.word();
        let mut cause = format!("{}@{}", told.subject.unwrap_or(told.task.as_str()), told.cause);
        if let Some(to) = told.to {
            // What several people are told of the same is a letter to each.
            cause.push('>');
            cause.push_str(to);
        }
        let calendar = self.registry.calendar_of(&facts.owner);
        let (next_at, digest) = match route.timing.departure(calendar, at) {
            Departure::Alone(at) => (at, None),
            Departure::Together(at) => {
                (at, Some(digest_key(&destination.id, addressee.as_ref(), (&language, at))))
            }
        };
        NewLetter {
            key: letter::key(kind, &cause, &destination.id),
            kind: kind.to_owned(),
            subject: told.subject.unwrap_or(told.task.as_str()).to_owned(),
            destination: destination.id.clone(),
            body: body.clone(),
            language,
            recipient: addressee.map(|addressee| json!(addressee).to_string()),
            next_at,
            digest,
        }
    }
}

/// The letters of one recipient at one time are one letter.
fn digest_key(
    destination: &str,
    addressee: Option<&Addressee>,
    (language, at): (&str, DateTime<Utc>),
) -> String {
    let who = addressee.map_or("", |addressee| &addressee.id);
    letter::key("digest", &format!("{who}/{language}@{}", letter::text(at)), destination)
}

fn about(occurrence: Occurrence, facts: &TaskFacts) -> About<'_> {
    About { occurrence, rule: &facts.rule, kind: &facts.kind, owner: &facts.owner }
}
