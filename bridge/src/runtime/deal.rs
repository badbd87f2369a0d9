//! The deal that a task opens when the customer is interested, in the transaction of its closing.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::json;
use upturn_core::id::TaskId;
use upturn_core::record::offer::{Offer, REPLACED_MAX, prices_on};
use upturn_core::record::{self as records, Record};

use super::letters::{Desk, Told};
use crate::delivery::document::Occurrence;
use crate::delivery::letter;
use crate::store::audit::NewEntry;
use crate::store::error::StoreError;
use crate::store::record::{self, StoredRecord};
use crate::store::task_deal::{self, TaskDeal};
use crate::store::task_facts::{self, TaskFacts};
use crate::store::{Tx, task_history};

/// The stage in which a deal begins.
const FIRST_STAGE: &str = "new";
/// The most price lines of a product that are looked at.
const PRICES_MAX: u32 = 1_000;
/// How many characters of a hash tell deals apart.
const ID_LEN: usize = 24;

/// Opens the deal of `task`, which `actor` closed at `at`: a record, its entry in the history, and its
/// letters. A task whose customer nobody knows opens none, and its history says so.
pub(super) async fn open(
    tx: &mut Tx,
    desk: &Desk<'_>,
    (task, actor): (&TaskId, &str),
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let Some(facts) = task_facts::find(tx, task.as_str()).await? else { return Ok(()) };
    let day = at.with_timezone(&desk.registry.calendar_of(&facts.owner).zone()).date_naive();
    let mut offer = look_up(tx, &facts.device, day).await?;
    offer.evidence = task_facts::evidence_ids(tx, task.as_str()).await?;
    let hash = letter::key("deal", task.as_str(), "");
    let id = format!("deal-{}", hash.get(..ID_LEN).unwrap_or(&hash));
    let is_person = |name: &&str| desk.registry.people.contains_key(*name);
    let owner = [&*facts.owner, actor].into_iter().find(is_person);
    let opened_on = day.to_string();
    let subject = task.as_str();
    let found = document((&id, subject), (&facts, &offer), (owner, &opened_on));
    let (Some(account), Some(document)) = (facts.account.clone(), found) else {
        let detail = json!({ "why": "no-account" });
        let entry = NewEntry { at, actor, action: "deal-not-opened", subject, detail: &detail };
        return task_history::append(tx, entry).await;
    };
    let (opened_by, price) = (actor.to_owned(), offer.price().cloned());
    let deal =
        TaskDeal { deal: id, account, offer, opened_at: at, opened_by, contradicted_at: None };
    if !task_deal::open(tx, task, &deal).await? {
        return Ok(());
    }
    if record::find_in(tx, "deal", &deal.deal).await?.is_none() {
        let stored = StoredRecord { id: deal.deal.clone(), document };
        record::write(tx, "deal", &[stored], at, actor).await?;
    }
    let detail = json!({
        "deal": deal.deal, "replaces": deal.offer.product, "product": deal.offer.replacement,
        "price": price, "gap": deal.offer.gap, "evidence": deal.offer.evidence, "actor": actor,
        "task": subject,
    });
    let action = Occurrence::DealOpened.word();
    task_history::append(tx, NewEntry { at, actor, action, subject, detail: &detail }).await?;
    let told = Told {
        task,
        occurrence: Occurrence::DealOpened,
        detail: &detail,
        cause: "0",
        from: None,
        subject: Some(&deal.deal),
        to: None,
    };
    desk.write(tx, at, &told).await?;
    Ok(())
}

/// Returns the deal as its record is kept; none if it makes no sound one.
fn document(
    (id, task): (&str, &str),
    (facts, offer): (&TaskFacts, &Offer),
    (owner, opened_on): (Option<&str>, &str),
) -> Option<String> {
    let price = offer.price();
    let replacement = offer.replacement.as_deref();
    let cell = |name: &'static str| match name {
        "id" => Some(id),
        "account" => facts.account.as_deref(),
        "owner" => owner,
        "stage" => Some(FIRST_STAGE),
        "opened_on" => Some(opened_on),
        "product" => replacement,
        "quantity" => replacement.map(|_| "1"),
        "amount" => price.map(|line| &*line.unit_price),
        "currency" => price.map(|line| &*line.currency),
        "device" => Some(&*facts.device),
        "task" => Some(task),
        _ => None,
    };
    let record: Record = records::kind("deal")?.read(cell).ok()?;
    serde_json::to_string(&record).ok()
}

/// Returns what can be offered in place of `device` on `day`.
async fn look_up(tx: &mut Tx, device: &str, day: chrono::NaiveDate) -> Result<Offer, StoreError> {
    let installed = columns(record::find_in(tx, "installed", device).await?);
    let mut offer = Offer { product: installed.get("product").cloned(), ..Offer::default() };
    let mut newest = offer.product.clone();
    for _ in 0..REPLACED_MAX {
        let Some(product) = newest.take() else { break };
        let known = columns(record::find_in(tx, "product", &product).await?);
        newest = known.get("replaced_by").cloned();
        if newest.is_some() {
            offer.replacement.clone_from(&newest);
        }
    }
    if newest.is_some() {
        // A circle leads nowhere.
        offer.replacement = None;
    }
    if let Some(replacement) = &offer.replacement {
        let lines = record::with_part(tx, ("price", replacement), PRICES_MAX).await?;
        let lines: Vec<_> = lines.into_iter().map(|line| columns(Some(line))).collect();
        offer.prices = prices_on(&lines, replacement, day);
    }
    Ok(offer.judged())
}

fn columns(document: Option<String>) -> BTreeMap<String, String> {
    document.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}
