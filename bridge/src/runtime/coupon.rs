//! Coupons that go out because of a task: exactly one is reserved in the transaction of the act.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use upturn_core::id::TaskId;
use upturn_core::money::Currency;
use upturn_core::registry::{Contact, Registry};

use super::letters::{Desk, Told};
use crate::delivery::document::Occurrence;
use crate::delivery::letter::{self, Addressee};
use crate::store::coupon::{self, CouponIssue, month_of};
use crate::store::error::StoreError;
use crate::store::{Tx, record, task_facts};

/// Who gets a coupon of which campaign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'w> {
    pub(super) task: &'w TaskId,
    pub(super) campaign: &'w str,
    /// A contact of the task's account: the only one, where absent.
    pub(super) contact: Option<&'w str>,
    /// Where mail reaches the contact, if it is to go by mail.
    pub(super) address: Option<&'w str>,
    pub(super) actor: &'w str,
}

/// Why no coupon is issued. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoCoupon {
    /// The task has one.
    #[error("the task has led to a coupon before; it stands on its page")]
    OfTask,
    /// The contact has one.
    #[error("'{0}' has a coupon of this campaign already; a contact gets one")]
    OfContact(String),
    /// Nobody at the customer is called so.
    #[error("'{0}' is no contact of the task's account; add them to contacts.csv, or name another")]
    NoContact(String),
    /// The account has several, or none.
    #[error("the account has {0}; name one contact")]
    WhichContact(String),
    /// The customer does not want to be approached.
    #[error("the customer has not agreed to be approached; no coupon goes there")]
    NoConsent,
    /// Nobody said what may be given away.
    #[error("the campaign '{0}' has no monthly budget; set one: upturn coupons budget")]
    NoBudget(String),
    /// It would be more than may be given away.
    #[error(
        "{spent} of {budget} {currency} are spent this month; the next coupon is worth {value}"
    )]
    Spent { spent: Decimal, budget: Decimal, value: Decimal, currency: Currency },
    /// There is none left.
    #[error(
        "the pool of '{0}' has no coupon left that has not expired; import some: upturn coupons import"
    )]
    Exhausted(String),
}

/// Reserves a coupon for `wanted` at `now` and writes the letters by which it reaches the customer, or says
/// why there is none.
pub(super) async fn issue(
    tx: &mut Tx,
    desk: &Desk<'_>,
    wanted: Wanted<'_>,
    now: DateTime<Utc>,
) -> Result<Result<(), NoCoupon>, StoreError> {
    let facts = task_facts::find(tx, wanted.task.as_str()).await?;
    let account = facts.and_then(|facts| facts.account);
    let contact = match contact(desk.registry, (account.as_deref(), wanted.contact)) {
        Ok(contact) => contact,
        Err(why) => return Ok(Err(why)),
    };
    let issued = match reserve(tx, (&wanted, contact), desk.registry, now).await? {
        Ok(issued) => issued,
        Err(why) => return Ok(Err(why)),
    };
    send(tx, desk, &wanted, &issued).await?;
    Ok(Ok(()))
}

async fn reserve(
    tx: &mut Tx,
    (wanted, contact): (&Wanted<'_>, &str),
    registry: &Registry,
    now: DateTime<Utc>,
) -> Result<Result<CouponIssue, NoCoupon>, StoreError> {
    let Wanted { task, campaign, .. } = *wanted;
    match coupon::find_before(tx, task, (campaign, contact)).await? {
        (true, _) => return Ok(Err(NoCoupon::OfTask)),
        (_, true) => return Ok(Err(NoCoupon::OfContact(contact.to_owned()))),
        (false, false) => {}
    }
    let Some(budget) = coupon::budget(tx, campaign).await? else {
        return Ok(Err(NoCoupon::NoBudget(campaign.to_owned())));
    };
    let day = now.with_timezone(&registry.calendar.zone()).date_naive();
    let Some(next) = coupon::next(tx, (campaign, budget.currency), day).await? else {
        return Ok(Err(NoCoupon::Exhausted(campaign.to_owned())));
    };
    let month = month_of(day);
    let spent = coupon::spent(tx, (campaign, &month)).await?;
    let (value, currency) = (next.value, next.currency);
    if budget.amount < spent + value {
        return Ok(Err(NoCoupon::Spent { spent, budget: budget.amount, value, currency }));
    }
    let issued = CouponIssue {
        coupon: next,
        contact: contact.to_owned(),
        month,
        issued_at: now,
        issued_by: wanted.actor.to_owned(),
    };
    let is_ours = coupon::issue(tx, task, &issued).await?;
    Ok(if is_ours { Ok(issued) } else { Err(NoCoupon::OfTask) })
}

async fn send(
    tx: &mut Tx,
    desk: &Desk<'_>,
    wanted: &Wanted<'_>,
    issued: &CouponIssue,
) -> Result<(), StoreError> {
    let coupon = &issued.coupon;
    let name = desk.registry.contacts.get(&*issued.contact).map(|contact| contact.name.to_string());
    let addressee = Addressee {
        id: issued.contact.clone(),
        name: name.unwrap_or_default(),
        email: match wanted.address {
            Some(address) => Some(address.to_owned()),
            None => known_address(tx, &issued.contact).await?,
        },
    };
    let detail = json!({
        "campaign": coupon.campaign, "amount": coupon.value.to_string(), "currency": coupon.currency,
        "expires_on": coupon.expires_on.to_string(), "text": coupon.code, "contact": issued.contact,
        "task": wanted.task.as_str(), "at": letter::text(issued.issued_at),
        "title": { "en": "Your coupon", "zh": "您的优惠券" },
    });
    let key = letter::key("coupon", wanted.task.as_str(), "");
    let subject = format!("coupon-{}", key.get(..ID_LEN).unwrap_or(&key));
    let told = Told {
        task: wanted.task,
        occurrence: Occurrence::CouponIssued,
        detail: &detail,
        cause: "0",
        from: None,
        subject: Some(&subject),
        to: None,
    };
    desk.write_to(tx, issued.issued_at, &told, &addressee).await?;
    Ok(())
}

/// Returns where mail reaches `contact`, by the record of the contact, if there is one.
async fn known_address(tx: &mut Tx, contact: &str) -> Result<Option<String>, StoreError> {
    let document = record::find_in(tx, CONTACT, contact).await?;
    let columns = document.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let email = columns.as_ref().and_then(|columns| columns.get("email")?.as_str());
    Ok(email.map(str::to_owned))
}

/// The kind of the records of contacts.
const CONTACT: &str = "contact";

/// How many characters of a hash tell coupons apart.
const ID_LEN: usize = 24;

/// Returns who of `account` gets it: whoever is asked for, or the only one there is.
fn contact<'r>(
    registry: &'r Registry,
    (account, wanted): (Option<&str>, Option<&'r str>),
) -> Result<&'r str, NoCoupon> {
    let is_theirs = |found: &Contact| {
        !found.is_test && account.is_some() && found.account.as_deref() == account
    };
    let known = account.and_then(|account| registry.accounts.get(account));
    if known.is_some_and(|known| known.consent == Some(false)) {
        return Err(NoCoupon::NoConsent);
    }
    if let Some(wanted) = wanted {
        let found = registry.contacts.get(wanted).filter(|found| is_theirs(found));
        return found.map(|_| wanted).ok_or_else(|| NoCoupon::NoContact(wanted.to_owned()));
    }
    let mut all = registry.contacts.iter().filter(|(_, found)| is_theirs(found));
    match (all.next(), all.next()) {
        (Some((only, _)), None) => Ok(only),
        (None, _) => Err(NoCoupon::WhichContact("no contact in contacts.csv".to_owned())),
        (Some((one, _)), Some((other, _))) => {
            let others = all.take(SHOWN_MAX).map(|(id, _)| &**id);
            let ids: Vec<&str> = [&**one, other].into_iter().chain(others).collect();
            Err(NoCoupon::WhichContact(format!("several contacts, such as {}", ids.join(", "))))
        }
    }
}

/// Contacts that a refusal names besides the first two.
const SHOWN_MAX: usize = 8;
