//! `GET /api/v1/coupons`: the pools of coupons, without their codes.

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::answer;
use super::openapi::Endpoint;
use crate::auth::rights::Action;
use crate::store::coupon::{self, Campaign};
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::Fault;

/// All campaigns.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Coupons")]
struct Pools {
    /// The calendar month that is spoken of: `2026-01`.
    month: String,
    campaigns: Vec<Pool>,
}

/// A campaign and its pool.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CouponPool")]
struct Pool {
    campaign: String,
    imported: u64,
    issued: u64,
    /// Those that were neither issued nor have expired, of the budget's currency.
    left: u64,
    /// What may be given away in a month; nothing is issued where absent.
    budget: Option<String>,
    currency: Option<String>,
    /// What was given away this month.
    spent: String,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let list = Endpoint::get("/api/v1/coupons", list, "Lists the pools of coupons");
    vec![list.answers::<Pools>()]
}

/// Lists the pools of coupons.
async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    caller.check(Action::ReadCoupons)?;
    let day = app.clock.now().with_timezone(&app.reloader.zone()).date_naive();
    let campaigns = coupon::campaigns(&app.store, day).await?;
    let campaigns = campaigns.into_iter().map(pool).collect();
    Ok(answer(Pools { month: coupon::month_of(day), campaigns }, None))
}

fn pool((campaign, standing): (String, Campaign)) -> Pool {
    let Campaign { imported, issued, left, budget, spent } = standing;
    Pool {
        campaign,
        imported,
        issued,
        left,
        budget: budget.map(|budget| budget.amount.to_string()),
        currency: budget.map(|budget| budget.currency.as_str().to_owned()),
        spent: spent.to_string(),
    }
}
