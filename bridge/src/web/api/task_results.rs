//! What came of a task, as programs are told of it.

use schemars::JsonSchema;
use serde::Serialize;
use upturn_core::record::offer::{Gap, PriceLine};

use crate::store::booking::{self, Booking};
use crate::store::coupon::{self, CouponIssue};
use crate::store::task_deal::{self, TaskDeal};
use crate::store::task_view::TaskRow;
use crate::web::App;
use crate::web::calendars::{self, Unannounced};
use crate::web::caller::Caller;
use crate::web::fault::Fault;
use crate::web::when::machine;

/// What came of a task.
#[derive(Debug)]
pub(super) struct Results {
    pub(super) deal: Option<TaskDeal>,
    pub(super) coupon: Option<CouponIssue>,
    pub(super) booking: Option<Booking>,
    /// How far its calendar is announced, where that is not as far as it is due.
    pub(super) unannounced: Option<Unannounced>,
    /// Whether the reader may see the coupon's code: whoever has the task.
    pub(super) shows_code: bool,
}

impl Results {
    /// Returns what came of the task, as `caller` may see it.
    pub(super) async fn of(app: &App, row: &TaskRow, caller: &Caller) -> Result<Self, Fault> {
        Ok(Self {
            deal: task_deal::of_task(&app.store, &row.id).await?,
            coupon: coupon::of_task(&app.store, &row.id).await?,
            booking: booking::of_task(&app.store, &row.id).await?,
            unannounced: calendars::unannounced(app, &row.owner, row.due_at).await?,
            shows_code: row.owner == caller.id(),
        })
    }
}

/// The deal that a task opened.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OpenedDeal")]
pub(super) struct DealJson<'a> {
    id: &'a str,
    account: &'a str,
    opened_at: String,
    opened_by: &'a str,
    /// The product that failed, if the installed base knows it.
    replaces: Option<&'a str>,
    /// The product that is suggested, if there is one.
    product: Option<&'a str>,
    /// The lines of price lists that held for it then.
    prices: &'a [PriceLine],
    /// What was missing for one price, if anything was.
    gap: Option<Gap>,
    /// The ids of the events that the task stood on.
    evidence: &'a [String],
    /// When late evidence spoke against the task, if it did.
    contradicted_at: Option<String>,
}

impl<'a> DealJson<'a> {
    /// Returns `deal` as programs are told of it.
    pub(super) fn of(deal: &'a TaskDeal) -> Self {
        Self {
            id: &deal.deal,
            account: &deal.account,
            opened_at: machine(deal.opened_at),
            opened_by: &deal.opened_by,
            replaces: deal.offer.product.as_deref(),
            product: deal.offer.replacement.as_deref(),
            prices: &deal.offer.prices,
            gap: deal.offer.gap,
            evidence: &deal.offer.evidence,
            contradicted_at: deal.contradicted_at.map(machine),
        }
    }
}

/// The coupon that went to the customer because of a task.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IssuedCoupon")]
pub(super) struct CouponJson<'a> {
    campaign: &'a str,
    contact: &'a str,
    value: String,
    currency: &'a str,
    /// The last day it can be spent.
    expires_on: String,
    issued_at: String,
    issued_by: &'a str,
    /// What the customer shows; only for whoever has the task.
    code: Option<&'a str>,
}

impl<'a> CouponJson<'a> {
    /// Returns `issued` as programs are told of it.
    pub(super) fn of(issued: &'a CouponIssue, shows_code: bool) -> Self {
        let coupon = &issued.coupon;
        Self {
            campaign: &coupon.campaign,
            contact: &issued.contact,
            value: coupon.value.to_string(),
            currency: coupon.currency.as_str(),
            expires_on: coupon.expires_on.to_string(),
            issued_at: machine(issued.issued_at),
            issued_by: &issued.issued_by,
            code: shows_code.then_some(&*coupon.code),
        }
    }
}

/// The meeting with a consultant that the task led to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "BookedMeeting")]
pub(super) struct BookingJson<'a> {
    consultant: &'a str,
    starts_at: String,
    ends_at: String,
    booked_at: String,
    booked_by: &'a str,
}

impl<'a> BookingJson<'a> {
    /// Returns `booking` as programs are told of it.
    pub(super) fn of(booking: &'a Booking) -> Self {
        Self {
            consultant: &booking.consultant,
            starts_at: machine(booking.span.starts_at),
            ends_at: machine(booking.span.ends_at),
            booked_at: machine(booking.booked_at),
            booked_by: &booking.booked_by,
        }
    }
}
