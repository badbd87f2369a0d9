//! The pages for people.

pub(crate) mod approvals;
pub(crate) mod at_risk;
pub(crate) mod advice;
pub(crate) mod advice_piece;
mod attributes;
pub(crate) mod audit;
pub(crate) mod calendars;
pub(crate) mod coupons;
pub(crate) mod chance;
pub(crate) mod dead_letters;
pub(crate) mod deal;
pub(crate) mod deal_upload;
pub(crate) mod deals;
pub(crate) mod deliveries;
pub(crate) mod destination;
pub(crate) mod destinations;
pub(crate) mod facts;
pub(crate) mod fault;
pub(crate) mod feed;
pub(crate) mod feeds;
pub(crate) mod leads;
pub(crate) mod figures;
pub(crate) mod forecasts;
pub(crate) mod login;
pub(crate) mod me;
pub(crate) mod people;
pub(crate) mod record_kind;
pub(crate) mod records;
pub(crate) mod person;
pub(crate) mod quotes;
pub(crate) mod reports;
pub(crate) mod slots;
mod overrides;
mod plot;
pub(crate) mod rule;
pub(crate) mod rules;
pub(crate) mod shell;
pub(crate) mod start;
pub(crate) mod task;
mod task_acts;
pub(crate) mod task_lead;
mod task_results;
pub(crate) mod tasks;
mod token_line;
mod twin_line;
mod waiting;
mod told;

use askama::Template;
use axum::response::Html;

use self::super::fault::Fault;

/// Returns `page` as HTML.
fn render(page: &impl Template) -> Result<Html<String>, Fault> {
    page.render().map(Html).map_err(Fault::internal)
}
