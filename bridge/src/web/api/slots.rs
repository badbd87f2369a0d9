//! `GET /api/v1/tasks/{id}/slots`: free hours of consultants.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::json;
use upturn_core::id::TaskId;

use super::answer;
use super::openapi::Endpoint;
use crate::web::App;
use crate::web::ask;
use crate::web::booking::{self, Offers};
use crate::web::caller::Caller;
use crate::web::fault::Fault;

/// Returns the routes of this file.
pub(super) fn endpoints() -> Vec<Endpoint> {
    let path = "/api/v1/tasks/{id}/slots";
    let find = Endpoint::get(path, find, "Offers three free hours of consultants");
    vec![find.part("id", "The task's id", &json!({ "type": "string" })).answers::<Offers>()]
}

/// Offers three free hours.
pub(crate) async fn find(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let task = ask::check_act(&app, &TaskId::from_text(&id), &caller).await?;
    booking::step(&task)?;
    Ok(answer(booking::offers(&app).await?, None))
}
