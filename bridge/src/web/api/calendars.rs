//! `GET /api/v1/calendars`: by which days and hours people work.

use axum::extract::State;
use axum::response::Response;
use schemars::JsonSchema;
use serde::Serialize;

use super::answer;
use super::openapi::Endpoint;
use crate::auth::rights::Action;
use crate::web::App;
use crate::web::calendars::{self, CalendarShown};
use crate::web::caller::Caller;
use crate::web::fault::Fault;

/// All calendars.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Calendars")]
struct List {
    /// That of all first.
    calendars: Vec<CalendarShown>,
}

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let what = "Lists the calendars people work by, with the days that feeds tell";
    vec![Endpoint::get("/api/v1/calendars", list, what).answers::<List>()]
}

/// Lists them all.
async fn list(State(app): State<App>, caller: Caller) -> Result<Response, Fault> {
    caller.check(Action::ReadFeeds)?;
    Ok(answer(List { calendars: calendars::all(&app).await? }, None))
}
