//! The clocks of deals: what was promised and is late.
//!
//! - *Work order*: the hours after signing are over that the process allows, and there is none.
//! - *Delivery*: the day that was promised has passed, and nothing is delivered.
//!
//! Each goes off once; the deal's owner and the superior are told.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::Runtime;
use super::consequence::ACTOR;
use super::fold::Fold;
use super::letters::Notice;
use super::selling::deals::{Fields, KIND};
use crate::delivery::document::Occurrence;
use crate::delivery::letter::text;
use crate::store::audit::{self, NewEntry};
use crate::store::error::StoreError;
use crate::store::{Tx, deal_timer, record};

/// Clocks that one transaction lets go off; the rest follow with the next.
const FIRED_MAX: u32 = 500;

impl Runtime<'_> {
    /// Lets the clocks of deals that are due before `now` go off; returns how many did.
    pub(super) async fn fire_deals(
        &self,
        tx: &mut Tx,
        fold: &Fold,
        now: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        let due = deal_timer::take_due(tx, now, FIRED_MAX).await?;
        let desk = self.desk(&fold.engine);
        for (deal, kind, at) in &due {
            let document = record::find_in(tx, KIND, deal).await?.unwrap_or_default();
            let fields: Fields = serde_json::from_str(&document).unwrap_or_default();
            let owner = fields.get("owner").map(String::as_str);
            let superior = owner
                .and_then(|owner| desk.registry.people.get(owner))
                .and_then(|person| person.manager.as_deref());
            let told: Vec<&str> = owner.into_iter().chain(superior).collect();
            let detail = json!({
                "deal": deal, "title": deal, "late": kind.word(), "due_at": text(*at),
                "told": told, "account": fields.get("account"), "product": fields.get("product"),
            });
            let action = Occurrence::PromiseLate.word();
            let entry = NewEntry { at: now, actor: ACTOR, action, subject: deal, detail: &detail };
            audit::append(tx, entry).await?;
            let all = if told.is_empty() { vec!["pool:service"] } else { told };
            for to in all {
                let notice = Notice {
                    occurrence: Occurrence::PromiseLate,
                    rule: "",
                    subject: deal,
                    kind: KIND,
                    page: &crate::href::page("deals", deal),
                    to,
                    detail: &detail,
                    cause: &format!("{}-{}", kind.word(), at.timestamp_millis()),
                };
                desk.notify(tx, now, &notice).await?;
            }
        }
        Ok(u64::try_from(due.len()).unwrap_or(u64::MAX))
    }
}
